//! The product's words in words that need no explanation: how a host stands, what a class of failures means, what a kind of deployment
//! is. Every channel takes them from here.

use longshore_core::{Commit, Failure, FailureClass, Kind, Run, Standing};

/// What a class of failures means, as a part of a sentence.
pub(super) fn of_class(class: FailureClass) -> String {
    let sentence = class.meaning().trim_end_matches('.');
    let mut letters = sentence.chars();
    let first = letters.next();
    // A name keeps its capitals: only a word that goes on in small letters is a word of the sentence.
    match first.zip(letters.clone().next()) {
        Some((first, second)) if second.is_lowercase() || second == ' ' => {
            format!("{}{}", first.to_ascii_lowercase(), letters.as_str())
        }
        _ => sentence.to_owned(),
    }
}

/// How a host stands, alone or as one of many: `on b1b1b1b1b1b1`, `failed`.
pub(super) fn of_standing(standing: &Standing, run: &Run) -> String {
    let short = |commit: &Commit| commit.short().to_owned();
    let to = short(&run.release.commit);
    let back = run.previous.as_ref().map(|release| short(&release.commit));
    match standing {
        Standing::Untouched => "not touched".to_owned(),
        Standing::Prepared => "ready, not switched".to_owned(),
        Standing::Proven => format!("on {to}"),
        Standing::Failed(_) => "failed".to_owned(),
        Standing::Unreachable(_) => "not reachable".to_owned(),
        Standing::Excused(_) => "left out".to_owned(),
        Standing::Restored => format!("back on {}", back.unwrap_or(to)),
    }
}

/// How one host stands, with what is wrong with it.
pub(super) fn of_host(standing: &Standing, run: &Run) -> String {
    let stands = of_standing(standing, run);
    match standing.failure() {
        Some(failure) => format!("{stands}: {}", of_class(failure.class)),
        None => stands,
    }
}

/// What a deployment is for.
pub(super) const fn of_kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Push => "push",
        Kind::Redeploy => "redeploy, an operator deploys a commit",
        Kind::Rollback(_) => "rollback, an operator goes back to an earlier release",
        Kind::Drill(_) => "drill, a rehearsal of going back",
        Kind::Promote(_) => "promote, what was proven in another environment",
        Kind::Config => "config, the same commit with changed parameters or configuration",
        Kind::Join(_) => "join, hosts that came late get what is live",
    }
}

/// The first real error line. Where the core has put the word of the class before it that led here, that is told in words, too.
pub(super) fn of_detail(failure: &Failure) -> String {
    let detail = failure.detail();
    let names_a_cause = matches!(
        failure.class,
        FailureClass::NothingProven | FailureClass::MigrationIrreversible
    );
    let cause = detail.split_once(": ").filter(|_| names_a_cause);
    let cause = cause.and_then(|(word, line)| Some((FailureClass::from_word(word)?, line)));
    match cause {
        Some((class, "")) => of_class(class),
        Some((class, line)) => format!("{}: {line}", of_class(class)),
        None => detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meaning_goes_on_in_a_sentence_and_names_keep_their_capitals() {
        for (class, said) in [
            (FailureClass::BuildFailed, "the build script failed"),
            (
                FailureClass::DeliveryTimedOut,
                "AWS (SSM) never delivered the command to the host",
            ),
            (
                FailureClass::AlarmRaised,
                "an alarm that the app names is raised",
            ),
            (
                FailureClass::MetricWorse,
                "a metric is worse than before, or than on the hosts that still serve the previous release",
            ),
        ] {
            assert_eq!(of_class(class), said);
        }
    }

    #[test]
    fn what_led_to_a_closed_way_back_is_told_in_words_and_foreign_text_stays_as_it_is() {
        let of = |class, detail| of_detail(&Failure::with_detail(class, detail));
        assert_eq!(
            of(
                FailureClass::NothingProven,
                "health_failed: i-1: Error: 503"
            ),
            "the app's health check did not pass: i-1: Error: 503"
        );
        let foreign = "internal: not ours";
        assert_eq!(of(FailureClass::BuildFailed, foreign), foreign);
        assert_eq!(of(FailureClass::NothingProven, "odd: x"), "odd: x");
    }
}
