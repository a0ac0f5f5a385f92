//! Real deliveries of other projects' corpora, read in place where they are there: what each means to us, and that the
//! signatures recorded for them hold.

#[path = "common/deliveries.rs"]
mod deliveries;

use deliveries::{delivered, line, payloads};
use trigger_deploy::signature::{Secrets, SignedBy, Unsigned, verify};

/// The beginning of a file's name, its event key, and what it means.
const MEANINGS: [(&str, &str, &str); 17] = [
    (
        "01-",
        "repo:push",
        "brydzewski/foo by {87bb15eb-47c1-49b3-9f16-ca824a2979a4}: [Branch master 40e7..1419 skip other_branch]",
    ),
    (
        "02-",
        "repo:push",
        "brydzewski/foo by {87bb15eb-47c1-49b3-9f16-ca824a2979a4}: [Branch develop -..1419 skip other_branch]",
    ),
    (
        "03-",
        "repo:push",
        "amuniz/test-repos by dev-2: [Branch feature/test 1745..- skip other_branch]",
    ),
    (
        "04-",
        "repo:push",
        "brydzewski/foo by {87bb15eb-47c1-49b3-9f16-ca824a2979a4}: [Tag feature/x -..1419 skip tag]",
    ),
    (
        "05-",
        "repo:push",
        "amuniz/test-repos by dev-2: [Tag test-tag -..7ef5 skip tag]",
    ),
    (
        "06-",
        "repo:push",
        "amuniz/test-repos by dev-2: [Tag test 1745..- skip tag]",
    ),
    (
        "07-",
        "repo:push",
        "amuniz/test-repos by dev-7: [Branch feature/issue-819 a101..5ecf skip other_branch]",
    ),
    (
        "09-",
        "repo:push",
        "cloudbeers/temp by {f70f195e-ade1-4961-9f89-547541377b80}: []",
    ),
    (
        "10-",
        "repo:push",
        "nfalco79/test-repos by Nikolas Falco: [Branch feature/webhook -..d7f3 skip other_branch]",
    ),
    (
        "12-",
        "repo:push",
        "team_name/repo_name by dev-0: [Branch name-of-branch 1e65..709d skip other_branch]",
    ),
    ("14-", "pullrequest:fulfilled", "not ours"),
    ("16-", "pullrequest:created", "not ours"),
    ("17-", "pullrequest:rejected", "not ours"),
    ("18-", "repo:commit_status_created", "not ours"),
    ("19-", "repo:refs_changed", "not ours"),
    ("20-", "diagnostics:ping", "not ours"),
    (
        "23-",
        "repo:push",
        r"brydzewski/foo by {87bb15eb-47c1-49b3-9f16-ca824a2979a4}: [Branch feature/\u{fc}n\u{ef}c\u{f8}d\u{e9}-\u{1f680} 40e7..1419 skip other_branch]",
    ),
];

#[test]
fn each_payload_means_what_the_index_says() {
    for (name, body) in payloads() {
        let known = MEANINGS.iter().find(|(start, ..)| name.starts_with(start));
        let (_, key, meaning) = known.expect("a meaning for every payload");
        assert_eq!(line(&delivered(Some(key), &body)), *meaning, "{name}");
    }
}

#[test]
fn the_recorded_signatures_hold_over_the_bytes_as_they_are() {
    for (start, secret, signature) in [
        (
            "10-",
            "Gkvl$k$wyNpQAF42",
            "sha256=f205c729821c6954aff2afe72b965c34015b4baf96ea8ddc2cc44999c014a035",
        ),
        (
            "23-",
            "It's a Secret to Everybody",
            "sha256=fa72141374c4e37baf797538fc748204a10dfd4a55ffd9de24bdd0555d0b49ac",
        ),
    ] {
        for (name, body) in payloads()
            .iter()
            .filter(|(name, _)| name.starts_with(start))
        {
            let secrets = Secrets::parse(secret).unwrap();
            let signed_by = verify(&secrets, Some(signature), body).map(|v| v.signed_by());
            assert_eq!(signed_by, Ok(SignedBy::Current), "{name}");
            // The same JSON written again is another body.
            let json: serde_json::Value = serde_json::from_slice(body).unwrap();
            let written = serde_json::to_vec(&json).unwrap();
            assert_eq!(
                verify(&secrets, Some(signature), &written).unwrap_err(),
                Unsigned
            );
        }
    }
}
