//! Where the script can be killed. The sandbox's copy of the script calls `point` there, which kills it at the point that
//! was asked for and else does nothing; the script in the tree knows nothing of it.

/// A point, and the lines before which it is reached. The points at the ledger's renames, and `proved` where the proof
/// records the answer itself, are inside the host program and are the tool room's.
const POINTS: [(&str, &str); 18] = [
    ("locked", "  reap_survivors\n  begin\n"),
    (
        "begun",
        "  if [[ ${ACTION} == prepare ]]; then require_tools",
    ),
    ("pruned", "  require_space\n  fetch_parameters\n"),
    ("pruned", "  succeed\n}\n\nprune_releases() {"),
    ("fetched", "  install_dependencies \"$3\"\n  run_hook"),
    ("installed", "  run_hook \"$1\" install_failed\n"),
    ("built", "  seal_release\n  judge_migrations\n"),
    (
        "written",
        "  mv -T -- \"${PARTIAL_DIR}\" \"${RELEASE_DIR}\"\n",
    ),
    ("sealed", "  judge_migrations\n  succeed\n}\n"),
    ("migrated", "  succeed\n}\n\n# As `migrate`"),
    (
        "began_back",
        "  run_migration_hook \"${hook}\" migration_down_failed\n",
    ),
    ("taken_back", "  succeed\n}\n\n# The only hooks that"),
    ("intended", "  log_offsets\n  switch_current\n"),
    ("switched", "  cd -- \"${APP_DIR}/pm2\"\n"),
    ("moved", "  prove\n}\n\n# The intent is on the disk"),
    (
        "proved",
        "    \"${MANAGER}_is_kept\" || \"${MANAGER}_keep\"\n    enter_balancer\n",
    ),
    (
        "proved",
        "  if [[ ${class} == stale ]]; then class=wrong_release; fi\n",
    ),
    (
        "finished",
        "    if ((status != 0)) && [[ ${outcome} == 'done' ]]; then\n",
    ),
];

/// The script with a call at each point.
pub(crate) fn with_points(script: &str) -> String {
    POINTS
        .iter()
        .fold(script.to_owned(), |text, (name, before)| {
            let places = text.matches(before).count();
            assert_eq!(places, 1, "the place of `{name}` is not in the script once");
            text.replace(before, &format!("point {name}\n{before}"))
        })
}
