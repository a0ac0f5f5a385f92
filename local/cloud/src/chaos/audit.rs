//! The invariants (`docs/ARCHITECTURE.md`), as far as they can be seen from outside: a pure function over the evidence.
//!
//! Each problem names the deployment and the host. Nothing is asked of the product's own code here: the audit reads the
//! table, the disks and the answers as a stranger would.

mod hosts;
mod pushes;

use super::evidence::Evidence;
pub(crate) use pushes::fate;

/// One invariant, and what speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// Its name in the documentation.
    pub(crate) name: &'static str,
    /// What was looked for.
    pub(crate) words: &'static str,
    /// What was found to be wrong.
    pub(crate) problems: Vec<String>,
}

type Judge = fn(&Evidence) -> Vec<String>;

const CHECKS: [(&str, &str, Judge); 12] = [
    (
        "I1",
        "every push ended once, or is a recorded skip with its reason",
        pushes::end_once,
    ),
    (
        "I2",
        "no host activated a generation twice",
        hosts::activate_once,
    ),
    (
        "I3",
        "everything came to rest within its deadlines",
        pushes::come_to_rest,
    ),
    (
        "I4",
        "no host ever went to a lower generation",
        hosts::never_go_back,
    ),
    (
        "I5",
        "Succeeded means proven, Failed means that no host moved",
        hosts::verdicts_are_true,
    ),
    (
        "I5",
        "no bad commit succeeded, no good one was blamed for a bad one's fault",
        pushes::judged_rightly,
    ),
    (
        "I5",
        "table, ledgers and what the hosts really serve agree",
        hosts::agree_with_the_table,
    ),
    (
        "I6",
        "every end was told, by Slack and by the topic",
        pushes::ends_are_told,
    ),
    (
        "I7",
        "forged webhooks were refused, no secret and no foreign text is anywhere",
        pushes::nothing_foreign,
    ),
    (
        "I8",
        "one deployment at a time, and whoever was superseded names a newer one",
        pushes::one_at_a_time,
    ),
    (
        "I9",
        "no commit that was rolled back came back",
        hosts::quarantine_holds,
    ),
    (
        "I10",
        "a rollback went to the release that was proven last, with its own parameters",
        hosts::go_back_to_what_was_proven,
    ),
];

/// Judges.
pub(crate) fn of(evidence: &Evidence) -> Vec<Check> {
    let judged = CHECKS.iter().map(|(name, words, judge)| Check {
        name,
        words,
        problems: judge(evidence),
    });
    judged.collect()
}

#[cfg(test)]
mod tests;
