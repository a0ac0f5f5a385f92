//! What people are told: at least once, channel by channel, recognisable as a repeat.

use longshore_tests::Bench;
use std::collections::BTreeSet;

#[test]
fn every_channel_is_told_of_the_start_and_the_end() {
    let mut bench = Bench::new(2);
    bench.live("a");
    let told: Vec<(String, u32)> = bench
        .cloud
        .people
        .told()
        .into_iter()
        .map(|told| (told.channel, told.number))
        .collect();
    let told: BTreeSet<_> = told.into_iter().collect();
    let expected = [
        ("deployments", 2),
        ("deployments", 4),
        ("sns", 1),
        ("sns", 3),
    ];
    assert_eq!(
        told,
        expected
            .map(|(c, n)| (c.to_owned(), n))
            .into_iter()
            .collect()
    );
}

#[test]
fn a_channel_that_is_down_delays_no_other_and_no_deployment_and_gets_its_message_later() {
    let mut bench = Bench::new(2);
    bench.cloud.people.set_down("deployments", true);
    assert_eq!(bench.push("a"), 202);
    bench.run_to("a", "Succeeded");
    bench.run_for(30);
    let told = bench.cloud.people.told();
    assert!(told.iter().all(|told| told.channel == "sns"));
    assert_eq!(told.iter().map(|t| t.number).max(), Some(3));
    bench.run_for(3600);
    assert!(bench.cloud.people.tried_in_vain() > 10);
    bench.cloud.people.set_down("deployments", false);
    bench.run();
    let told = bench.cloud.people.told();
    let late: Vec<u32> = told
        .iter()
        .filter(|t| t.channel == "deployments")
        .map(|t| t.number)
        .collect();
    assert_eq!(late.into_iter().collect::<BTreeSet<_>>(), [2, 4].into());
}

#[test]
fn a_message_that_nobody_takes_for_a_day_is_given_up_and_logged() {
    let mut bench = Bench::new(1);
    bench.cloud.people.set_down("deployments", true);
    let began = bench.now();
    assert_eq!(bench.push("a"), 202);
    bench.run();
    assert!(bench.logged("message_given_up"));
    let hours = bench.now().since(began).as_secs_ceil() / 3600;
    assert_eq!(hours, 24);
}

#[test]
fn a_repeat_has_the_number_of_the_first() {
    let mut bench = Bench::new(1);
    bench.weather.doubled = true;
    bench.weather.interleaved = Some(7);
    bench.live("a");
    let told = bench.cloud.people.told();
    let numbers: BTreeSet<u32> = told.iter().map(|told| told.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4].into());
}

#[test]
fn two_looks_that_meet_tell_nobody_twice() {
    for seed in 1..40 {
        let mut bench = Bench::new(1);
        bench.weather.doubled = true;
        bench.weather.interleaved = Some(seed);
        bench.live("a");
        let told = bench.cloud.people.told();
        assert_eq!(told.len(), 4, "seed {seed}: {told:#?}");
    }
}
