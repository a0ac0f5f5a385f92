//! The commits of a run: the demo's app, whole or broken in one way.

use anyhow::Result;

use super::plan::CommitKind;
use crate::bitbucket::WorkTree;
use crate::demo::app;

/// The app's configuration: a canary, then the rest. The limits are generous, as the machine may be busy: nothing in a run may
/// depend on how fast it is. A pool that leaks is dry when the bake's last check has been made, so such a commit is always found out.
pub(crate) const CONFIGURATION: &str = r#"{
  "branch": "main",
  "waves": ["1", "100%"],
  "health": {"port": 3000, "path": "/health", "attempts": 12, "interval_seconds": 1, "bake_seconds": 4},
  "process": {"manager": "pm2", "script": "server.js", "mode": "cluster", "instances": 1},
  "hooks": {"build": "build", "migrate": "migrate"},
  "notifications": {"slack": ["deployments"], "sns": true},
  "timeouts": {"prepare_seconds": 300, "migrate_seconds": 300, "activate_seconds": 300},
  "approval": false
}"#;

/// Writes what a commit of this kind holds.
pub(crate) fn write(tree: &WorkTree, kind: CommitKind, edition: usize) -> Result<()> {
    app::write(tree)?;
    let catalogue = format!(
        r#"{{ "title": "Orders, edition {edition}", "products": [{{ "name": "rope", "cents": 1250 }}] }}"#
    );
    tree.write("catalogue.json", &catalogue)?;
    match kind {
        CommitKind::Good | CommitKind::Again => Ok(()),
        CommitKind::BuildFails => tree.write("catalogue.json", r#"{ "product": [] }"#),
        CommitKind::MigrationFails => tree.write(
            "migrate.js",
            "throw new Error('the table of orders is locked');\n",
        ),
        CommitKind::SickAtOnce => tree.write("settings.json", r#"{ "poolSize": 0 }"#),
        CommitKind::TurnsSick => tree.write("settings.json", app::LEAKING_POOL),
        CommitKind::CrashesAtStart => tree.write(
            "server.js",
            "throw new Error('the harbour cannot be found');\n",
        ),
    }
}
