//! Error lines: what holds for any of them.

use longshore_analysis::{ErrorLine, ErrorLines, LogRule, judge_logs};
use longshore_core::{
    Amount, CheckName, FailureClass, Finding, Judgement, Measure, Millis, Timestamp,
};
use proptest::prelude::*;

pub(crate) const RULE: LogRule = LogRule {
    change_max_percent: 50,
    events_min: 10,
};

const WORSE: Finding = Finding::Failed(FailureClass::LogErrors);

/// So many lines of each text, in so many minutes.
pub(crate) fn lines(minutes: u64, texts: &[(usize, &str)]) -> ErrorLines {
    let texts = texts.iter().flat_map(|(count, text)| vec![*text; *count]);
    let lines = texts.enumerate().map(|(at, text)| ErrorLine {
        at: Timestamp::from_unix_ms(at as u64),
        text: text.to_owned(),
    });
    ErrorLines {
        lines: lines.collect(),
        complete: true,
        logged: true,
        span: Millis::from_secs(minutes * 60),
    }
}

pub(crate) fn judged(now: &ErrorLines, before: &ErrorLines) -> Judgement {
    let check = CheckName::parse("logs:/orders/prod").unwrap();
    judge_logs(check, RULE, now, before, Timestamp::from_unix_ms(7))
}

fn finding(now: &ErrorLines, before: &ErrorLines) -> Finding {
    judged(now, before).finding
}

proptest! {
    #[test]
    fn any_lines_are_judged_without_a_panic(
        now in proptest::collection::vec(any::<String>(), 0..30), before in proptest::collection::vec(any::<String>(), 0..30),
        span in any::<u64>(), other_span in any::<u64>(), flags in any::<[bool; 4]>()
    ) {
        let of = |texts: &[String], span, complete, logged| ErrorLines {
            lines: texts.iter().map(|text| ErrorLine { at: Timestamp::from_unix_ms(1), text: text.clone() }).collect(),
            complete,
            logged,
            span: Millis::new(span),
        };
        let now = of(&now, span, flags[0], flags[1]);
        let before = of(&before, other_span, flags[2], flags[3]);
        let judgement = judged(&now, &before);
        prop_assert!(!judgement.said().is_empty());
        prop_assert!(judgement.said().chars().all(|c| (' '..='~').contains(&c)));
    }

    #[test]
    fn the_same_errors_at_the_same_rate_never_fail(count in 0_usize..500, minutes in 1_u64..120) {
        let same = lines(minutes, &[(count, "ERROR timeout after 30 ms")]);
        prop_assert_eq!(finding(&same, &same), Finding::Passed);
    }

    #[test]
    fn three_times_the_errors_always_fail_when_there_are_enough(count in 20_usize..300) {
        let before = lines(30, &[(count, "ERROR timeout")]);
        let now = lines(30, &[(count * 3, "ERROR timeout")]);
        prop_assert_eq!(finding(&now, &before), WORSE);
    }

    #[test]
    fn fewer_than_the_least_never_fail(count in 0_usize..10, before in 0_usize..50) {
        let now = lines(1, &[(count, "TypeError: new")]);
        prop_assert_eq!(finding(&now, &lines(30, &[(before, "ERROR old")])), Finding::Passed);
    }

    #[test]
    fn a_part_that_was_not_read_never_passes_and_never_fails_by_what_is_not_there(
        count in 0_usize..100, before in 0_usize..100
    ) {
        let mut now = lines(5, &[(count, "TypeError: x")]);
        let mut earlier = lines(30, &[(before, "ERROR timeout")]);
        now.complete = false;
        prop_assert_ne!(finding(&now, &earlier), Finding::Passed);
        now.complete = true;
        earlier.complete = false;
        prop_assert_ne!(finding(&now, &earlier), WORSE);
    }

    #[test]
    fn silence_is_inconclusive_whatever_the_other_time_has(count in 0_usize..100) {
        let some = lines(30, &[(count, "ERROR timeout")]);
        let mut silent = lines(30, &[]);
        silent.logged = false;
        prop_assert_eq!(finding(&silent, &some), Finding::Inconclusive);
        prop_assert_eq!(finding(&some, &silent), Finding::Inconclusive);
    }
}

#[test]
fn the_worst_new_kind_is_told_by_its_first_line() {
    let before = lines(30, &[(40, "ERROR timeout after 30 ms")]);
    let now = lines(
        5,
        &[
            (5, "ERROR timeout after 31 ms"),
            (3, "Error: once in a while"),
            (11, "TypeError: x is not a function at 1"),
            (4, "TypeError: x is not a function at 2"),
        ],
    );
    let judgement = judged(&now, &before);
    assert_eq!(judgement.finding, WORSE);
    assert_eq!(
        judgement.said(),
        "15 errors of a kind that was not there before: TypeError: x is not a function at 1"
    );
    let numbers: Vec<String> = judgement
        .numbers
        .iter()
        .map(|(m, a)| format!("{} {a}", m.word()))
        .collect();
    assert_eq!(
        numbers,
        [
            "now 4.6",
            "before 1.333",
            "limit 1.999",
            "now_samples 23",
            "before_samples 40",
            "new_errors 15"
        ]
    );
}

#[test]
fn a_lower_bound_says_that_it_is_one() {
    let before = lines(30, &[(40, "ERROR timeout")]);
    let mut now = lines(5, &[(50, "ERROR timeout")]);
    now.complete = false;
    let judgement = judged(&now, &before);
    assert_eq!(judgement.finding, WORSE);
    assert_eq!(
        judgement.said(),
        "at least 10 errors a minute since the switch, 1.333 before it: more than 50% more: ERROR timeout"
    );
    assert_eq!(judgement.number(Measure::Now), Some(Amount::whole(10)));
}

#[test]
fn a_short_look_back_proves_less() {
    // Ten new errors in an hour, and only a few minutes without one before it.
    let now = lines(60, &[(10, "TypeError: x")]);
    assert_eq!(finding(&now, &lines(5, &[])), Finding::Passed);
    assert_eq!(finding(&now, &lines(120, &[])), WORSE);
}

#[test]
fn of_more_kinds_than_are_kept_none_is_called_new() {
    let texts: Vec<String> = (0..2_500_u32)
        .map(|n| {
            let letters = n
                .to_string()
                .bytes()
                .map(|b| char::from(b - b'0' + b'a'))
                .collect::<String>();
            format!("ERROR {letters}")
        })
        .collect();
    let before: Vec<(usize, &str)> = texts.iter().map(|text| (1, text.as_str())).collect();
    let now = lines(30, &[(20, "TypeError: x")]);
    assert_eq!(finding(&now, &lines(30, &before)), Finding::Passed);
    assert_eq!(finding(&now, &lines(30, &before[..100])), WORSE);
}
