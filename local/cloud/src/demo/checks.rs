//! What was promised, compared with what is there: asked of the hosts over HTTP, read from their disks, found in the
//! messages.

use std::collections::BTreeMap;
use std::path::Path;

use super::app;
use super::record::Deployment;
use super::story::slack_text;
use crate::LocalCloud;
use crate::served::Served;

/// The rights of everybody but a file's owner.
const OTHERS: u32 = 0o077;

/// One expectation.
pub(super) struct Check {
    what: String,
    pub(super) held: bool,
}

impl Check {
    pub(super) const fn new(what: String, held: bool) -> Self {
        Self { what, held }
    }

    pub(super) fn line(&self) -> String {
        let mark = if self.held { "✓" } else { "✗" };
        format!("  {mark} {}", self.what)
    }
}

/// What every host serves, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fleet(BTreeMap<String, Served>);

impl Fleet {
    /// Asks every host as anybody would: by HTTP.
    pub(super) async fn look(cloud: &LocalCloud) -> Self {
        let mut fleet = BTreeMap::new();
        for host in cloud.hosts() {
            fleet.insert(host.id.clone(), Served::by(host).await);
        }
        Self(fleet)
    }

    fn all_serve(&self, commit: &str, title: &str) -> bool {
        self.0.values().all(|served| {
            served.release.starts_with(commit)
                && served.page.contains(title)
                && served.page.contains(app::GREETING)
        })
    }
}

/// What a scene promises of the hosts.
pub(super) fn of_scene(
    ends: &str,
    commit: &str,
    before: &Fleet,
    after: &Fleet,
    deployment: &Deployment,
) -> Vec<Check> {
    let verdicts = deployment.verdicts();
    let every = |word: &str| !verdicts.is_empty() && verdicts.values().all(|v| v == word);
    match ends {
        "Succeeded" => vec![
            Check::new("every host is proven".to_owned(), every("proven")),
            Check::new(
                "every host serves the new release, with its parameter".to_owned(),
                after.all_serve(commit, "first edition"),
            ),
        ],
        "RolledBack" => vec![
            Check::new("every host is restored".to_owned(), every("restored")),
            Check::new(
                "every host serves the release from before, from a new process".to_owned(),
                serves_again(before, after),
            ),
        ],
        _ => vec![Check::new(
            "every host serves what it served, from the same process".to_owned(),
            before == after,
        )],
    }
}

fn serves_again(before: &Fleet, after: &Fleet) -> bool {
    before.0.iter().all(|(host, old)| {
        after.0.get(host).is_some_and(|new| {
            new.release == old.release && new.page == old.page && new.process != old.process
        })
    })
}

/// People were told how it ended, by Slack and by the topic.
pub(super) fn told(cloud: &LocalCloud, deployment: &Deployment, ends: &str) -> Check {
    let messages = cloud.sinks().messages();
    let about = |text: &str| text.contains(&deployment.id);
    let slack = messages
        .iter()
        .any(|message| slack_text(message).is_some() && about(&message.body.to_string()));
    let topic = messages
        .iter()
        .any(|message| message.path.starts_with("/sns") && about(&message.body.to_string()));
    Check::new(
        format!("Slack and SNS were told that it {}", words(ends)),
        slack && topic,
    )
}

/// Teams, the receiver of webhooks, Slack by its own app and Bitbucket were told, too; what has succeeded has its tag.
pub(super) fn told_elsewhere(
    cloud: &LocalCloud,
    deployment: &Deployment,
    commit: &str,
    ends: &str,
) -> Check {
    let messages = cloud.sinks().messages();
    let told = |path: &str| {
        messages.iter().any(|message| {
            message.path == path && message.body.to_string().contains(&deployment.id)
        })
    };
    let told = ["/teams/ops", "/webhooks/audit", "/api/chat.postMessage"].map(told);
    let wanted = if ends == "Succeeded" {
        "SUCCESSFUL"
    } else {
        "FAILED"
    };
    let statuses = cloud.bitbucket_api().statuses();
    let status = statuses.iter().rev().find(|status| status.commit == commit);
    let shown = status.is_some_and(|status| status.state() == wanted);
    Check::new(
        format!("Teams, a signed webhook, Slack's own app and the commit ({wanted}) say so, too"),
        told.iter().all(|told| *told) && shown,
    )
}

fn words(ends: &str) -> &'static str {
    match ends {
        "Succeeded" => "is live",
        "RolledBack" => "was rolled back",
        _ => "failed",
    }
}

/// The planted secret is in no log of the functions or the emulator, in no message, and in no file that everybody may read.
pub(super) fn secret_is_nowhere(cloud: &LocalCloud) -> Check {
    let told = cloud
        .sinks()
        .messages()
        .iter()
        .any(|message| message.body.to_string().contains("sailor"));
    let logged = holds(&cloud.options().work_dir, "sailor");
    Check::new(
        "the planted secret is in no message and no readable file".to_owned(),
        !told && logged.is_empty(),
    )
}

/// Files below a folder that others than their owner may read and that hold a text.
fn holds(folder: &Path, text: &str) -> Vec<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            found.extend(holds(&path, text));
            continue;
        }
        let private = entry
            .metadata()
            .is_ok_and(|metadata| metadata.permissions().mode() & OTHERS == 0);
        if !kind.is_file() || private {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        if bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
        {
            found.push(path);
        }
    }
    found
}
