//! Metrics: what holds for any samples.

use longshore_analysis::{MetricRule, Samples, Unit, Value, Worse, judge_metric};
use longshore_core::{Amount, CheckName, FailureClass, Finding, Judgement, Measure, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) const RULE: MetricRule = MetricRule {
    worse: Worse::Higher,
    change_max_percent: 50,
    change_min: Value::from_millionths(0),
    samples_min: 5,
};

pub(crate) fn judged(
    rule: &MetricRule,
    now: &[i64],
    before: &[i64],
    others: Option<&[i64]>,
) -> Judgement {
    let values = |numbers: &[i64]| numbers.iter().map(|n| Value::from_millionths(*n)).collect();
    let samples = Samples {
        now: values(now),
        before: values(before),
        others: others.map(values),
        note: String::new(),
        unit: Unit::Unknown,
    };
    let check = CheckName::parse("metric:latency").unwrap();
    judge_metric(check, rule, &samples, Timestamp::from_unix_ms(7))
}

fn finding(rule: &MetricRule, now: &[i64], before: &[i64], others: Option<&[i64]>) -> Finding {
    judged(rule, now, before, others).finding
}

const WORSE: Finding = Finding::Failed(FailureClass::MetricWorse);

/// The number of samples, in thousandths.
fn thousands(samples: &[i64]) -> i64 {
    i64::try_from(samples.len()).unwrap() * 1_000
}

/// Any rule that needs so many samples at most.
fn rules() -> impl Strategy<Value = MetricRule> {
    (any::<bool>(), 1_u32..=1_000, 0_i64..1_000_000, 0_u32..8).prop_map(
        |(higher, percent, min, samples_min)| MetricRule {
            worse: if higher { Worse::Higher } else { Worse::Lower },
            change_max_percent: percent,
            change_min: Value::from_millionths(min),
            samples_min,
        },
    )
}

proptest! {
    #[test]
    fn any_samples_are_judged_without_a_panic_and_with_their_counts(
        rule in rules(), now in vec(any::<i64>(), 0..20), before in vec(any::<i64>(), 0..20), others in proptest::option::of(vec(any::<i64>(), 0..20))
    ) {
        let judgement = judged(&rule, &now, &before, others.as_deref());
        let count = |measure| judgement.number(measure).map(Amount::thousandths);
        prop_assert_eq!(count(Measure::NowSamples), Some(thousands(&now)));
        prop_assert_eq!(count(Measure::BeforeSamples), Some(thousands(&before)));
        prop_assert_eq!(count(Measure::OthersSamples), others.map(|others| thousands(&others)));
        prop_assert!(!judgement.said().is_empty());
    }

    #[test]
    fn equal_samples_are_never_worse(rule in rules(), same in vec(any::<i64>(), 0..40)) {
        prop_assert_ne!(finding(&rule, &same, &same, None), WORSE);
        prop_assert_ne!(finding(&rule, &same, &same, Some(&same)), WORSE);
    }

    #[test]
    fn doubled_samples_always_are_when_there_are_enough_of_them_that_lie_together(
        base in 1_000_i64..1_000_000_000, parts in vec(0_i64..400, 5..40)
    ) {
        // Of samples that differ by less than 40% among themselves; of wider ones doubling moves too few pairs.
        let before: Vec<i64> = parts.iter().map(|part| base + base * part / 1_000).collect();
        let now: Vec<i64> = before.iter().map(|sample| sample * 2).collect();
        prop_assert_eq!(finding(&RULE, &now, &before, None), WORSE);
        let lower = MetricRule { worse: Worse::Lower, change_max_percent: 40, ..RULE };
        prop_assert_eq!(finding(&lower, &before, &now, None), WORSE);
        // And the other way round it is better.
        prop_assert_eq!(finding(&RULE, &before, &now, None), Finding::Passed);
    }

    #[test]
    fn the_unit_changes_nothing(
        now in vec(-1_000_i64..1_000, 0..20), before in vec(-1_000_i64..1_000, 0..20), scale in 1_i64..1_000_000, rule in rules()
    ) {
        let rule = MetricRule { change_min: Value::from_millionths(rule.change_min.millionths() % 500), ..rule };
        let times = |samples: &[i64]| samples.iter().map(|sample| sample * scale).collect::<Vec<_>>();
        let scaled = MetricRule { change_min: Value::from_millionths(rule.change_min.millionths() * scale), ..rule };
        let one = judged(&rule, &now, &before, None);
        let other = judged(&scaled, &times(&now), &times(&before), None);
        prop_assert_eq!(one.finding, other.finding);
        prop_assert_eq!(one.number(Measure::WorsePairs), other.number(Measure::WorsePairs));
    }

    #[test]
    fn the_order_of_the_samples_changes_nothing(
        now in vec(any::<i64>(), 0..20), before in vec(any::<i64>(), 0..20), rule in rules()
    ) {
        let reversed = |samples: &[i64]| samples.iter().rev().copied().collect::<Vec<_>>();
        prop_assert_eq!(judged(&rule, &now, &before, None), judged(&rule, &reversed(&now), &reversed(&before), None));
    }

    #[test]
    fn fewer_samples_than_are_needed_are_inconclusive(
        few in vec(any::<i64>(), 0..5), enough in vec(any::<i64>(), 5..20)
    ) {
        prop_assert_eq!(finding(&RULE, &few, &enough, None), Finding::Inconclusive);
        prop_assert_eq!(finding(&RULE, &enough, &few, None), Finding::Inconclusive);
        prop_assert_eq!(finding(&RULE, &few, &enough, Some(&enough)), Finding::Inconclusive);
        // What is too few on one side leaves the other comparison to count alone.
        prop_assert_eq!(finding(&RULE, &enough, &enough, Some(&few)), finding(&RULE, &enough, &enough, None));
        prop_assert_eq!(finding(&RULE, &enough, &few, Some(&enough)), finding(&RULE, &enough, &enough, None));
    }

    #[test]
    fn one_spike_proves_nothing_however_high(
        same in vec(1_000_i64..1_100, 5..30), spike in 1_000_i64..i64::MAX, at in any::<prop::sample::Index>()
    ) {
        let mut now = same.clone();
        let at = at.index(now.len());
        now[at] = spike;
        prop_assert_eq!(finding(&RULE, &now, &same, None), Finding::Passed);
    }

    #[test]
    fn what_is_worse_than_one_side_only_passes(
        now in vec(2_000_i64..2_400, 5..20), low in vec(1_000_i64..1_200, 5..20), high in vec(2_000_i64..2_400, 5..20)
    ) {
        prop_assert_eq!(finding(&RULE, &now, &low, None), WORSE);
        prop_assert_eq!(finding(&RULE, &now, &low, Some(&low)), WORSE);
        prop_assert_eq!(finding(&RULE, &now, &low, Some(&high)), Finding::Passed);
        prop_assert_eq!(finding(&RULE, &now, &high, Some(&low)), Finding::Passed);
    }

    #[test]
    fn a_sample_that_gets_worse_never_makes_a_release_better(
        now in vec(0_i64..2_000, 5..15), before in vec(0_i64..2_000, 5..15), more in 0_i64..5_000, at in any::<prop::sample::Index>()
    ) {
        let mut worse = now.clone();
        let at = at.index(worse.len());
        worse[at] += more;
        if finding(&RULE, &now, &before, None) == WORSE {
            prop_assert_eq!(finding(&RULE, &worse, &before, None), WORSE);
        }
    }
}

#[test]
fn the_pairs_are_those_of_a_count_by_hand() {
    let rule = MetricRule {
        samples_min: 1,
        ..RULE
    };
    for (now, before, percent) in [
        (&[1, 2, 3][..], &[0, 2, 9][..], 44),
        (&[5, 5], &[5, 5], 0),
        (&[6], &[5], 100),
        (&[4, 6], &[5], 50),
    ] {
        let higher = judged(&rule, now, before, None);
        assert_eq!(
            higher.number(Measure::WorsePairs),
            Some(Amount::whole(percent))
        );
        let mut by_hand = 0;
        for one in now {
            by_hand += before.iter().filter(|other| one > other).count();
        }
        let pairs = now.len() * before.len();
        assert_eq!(by_hand * 100 / pairs, usize::try_from(percent).unwrap());
    }
    let lower = MetricRule {
        worse: Worse::Lower,
        ..rule
    };
    let judgement = judged(&lower, &[1, 2, 3], &[0, 2, 9], None);
    assert_eq!(
        judgement.number(Measure::WorsePairs),
        Some(Amount::whole(44))
    );
}

#[test]
fn a_judgement_tells_its_numbers_and_its_limit() {
    let million = 1_000_000;
    let times = |numbers: &[i64]| numbers.iter().map(|n| n * million).collect::<Vec<_>>();
    let now = times(&[200, 210, 205, 190, 215]);
    let before = times(&[100, 105, 95, 110, 100]);
    let others = times(&[120, 121, 122, 123, 124]);
    let judgement = judged(&RULE, &now, &before, Some(&others));
    let numbers: Vec<String> = judgement
        .numbers
        .iter()
        .map(|(m, a)| format!("{} {a}", m.word()))
        .collect();
    assert_eq!(
        numbers,
        [
            "now 205",
            "before 100",
            "others 122",
            "limit 183",
            "now_samples 5",
            "before_samples 5",
            "others_samples 5",
            "worse_pairs 100"
        ]
    );
    assert_eq!(
        judgement.said(),
        "205 since the switch, 100 before it, 122 on the hosts with the previous release: more than 50% higher"
    );
    let none = judged(&RULE, &now, &[], Some(&[]));
    assert_eq!(
        none.said(),
        "too few samples: 5 since the switch, 0 before it, 0 of the other hosts; 5 are needed on each side"
    );
    let lower = MetricRule {
        worse: Worse::Lower,
        ..RULE
    };
    let judgement = judged(&lower, &times(&[40; 5]), &before, None);
    assert_eq!(
        judgement.said(),
        "40 since the switch, 100 before it: more than 50% lower"
    );
    assert_eq!(judgement.number(Measure::Limit), Some(Amount::whole(50)));
}

#[test]
fn at_zero_the_least_change_decides() {
    let rule = MetricRule {
        change_min: Value::whole(3),
        ..RULE
    };
    let zero = [0; 5];
    assert_eq!(
        finding(&rule, &[2_000_000; 5], &zero, None),
        Finding::Passed
    );
    assert_eq!(finding(&rule, &[3_000_000; 5], &zero, None), WORSE);
    // Without one, any change from nothing is more than any share of it.
    assert_eq!(finding(&RULE, &[1; 5], &zero, None), WORSE);
}
