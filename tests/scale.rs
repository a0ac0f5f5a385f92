//! What a deployment costs, by the number of its hosts: calls of SSM, reads and writes of the table, bytes. Counted on the
//! fakes, with the real handlers, and held to grow no worse than the fleet. `docs/PERFORMANCE.md` has the table, which
//! `HOSTS_MAX=10000 cargo test --workspace --test scale -- --nocapture` prints. Without `HOSTS_MAX` it goes to a thousand hosts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

use longshore_shell::store::stored_bytes;
use longshore_tests::{Bench, exported};
use serde_json::json;
use std::collections::BTreeMap;

/// What one deployment has cost.
#[derive(Debug, Default)]
struct Cost {
    hosts: u64,
    calls: BTreeMap<String, u64>,
    items_written: u64,
    bytes_written: u64,
    largest_record: u64,
    bytes_exported: u64,
    cpu_ms: u64,
}

impl Cost {
    fn of(&self, call: &str) -> u64 {
        self.calls.get(call).copied().unwrap_or(0)
    }

    fn ssm(&self) -> u64 {
        let calls = self
            .calls
            .iter()
            .filter(|(name, _)| name.starts_with("ssm."));
        calls.map(|(_, count)| count).sum()
    }

    /// Everything that is counted, by its name.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("SendCommand", self.of("ssm.send")),
            ("ListCommandInvocations", self.of("ssm.reports")),
            (
                "ListCommands",
                self.of("ssm.find") + self.of("ssm.token_of"),
            ),
            ("calls of SSM", self.ssm()),
            ("deployments read", self.of("store.deployment")),
            (
                "entries of commands read, one for each event of a host",
                self.of("store.deployment_of"),
            ),
            ("writes", self.of("store.save") + self.of("store.accept")),
            ("items written", self.items_written),
            ("bytes written", self.bytes_written),
            ("largest record", self.largest_record),
            ("bytes exported", self.bytes_exported),
        ]
    }
}

/// The time that this thread has had on a processor.
fn cpu_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|first| first.parse::<u64>().ok());
    nanoseconds.unwrap_or(0) / 1_000_000
}

/// Deploys a second release to this many hosts, in three waves, with hosts that take up to twenty seconds for each step.
fn deploy(hosts: u32) -> Cost {
    let mut bench = Bench::new(hosts);
    bench.weather.hints_lost = hosts > 100;
    bench.configure(&json!({ "waves": ["1", "10%", "100%"] }));
    bench.push("a");
    rest(&mut bench);
    assert_eq!(bench.end_of("a"), "Succeeded");
    bench.cloud.world.ssm.answer_within(20);
    // To a large fleet each is one small read and nothing more, which the thousand hosts show; ten thousand of them for each
    // step would only make the test long.
    bench.weather.hints_lost = hosts > 1_000;
    let known = bench.cloud.world.store.log_after(0).len();
    bench.cloud.stage.keep_journal();
    let before = cpu_ms();
    bench.push("b");
    rest(&mut bench);
    let cpu_ms = cpu_ms() - before;
    assert_eq!(bench.end_of("b"), "Succeeded");

    let mut cost = Cost {
        hosts: hosts.into(),
        cpu_ms,
        ..Cost::default()
    };
    for call in bench.cloud.stage.take_journal() {
        *cost.calls.entry(call).or_default() += 1;
    }
    let writes = bench.cloud.world.store.log_after(known);
    cost.bytes_exported = u64::try_from(exported(&writes, 100).len()).unwrap();
    for written in writes {
        let others = usize::from(written.slot.is_some()) + usize::from(written.decision.is_some());
        let items = written.deployments.len() + written.commands.len() + others;
        cost.items_written += u64::try_from(items).unwrap();
        for deployment in &written.deployments {
            let bytes = stored_bytes(deployment).expect("a record that fits into an item");
            let bytes = u64::try_from(bytes).unwrap();
            cost.bytes_written += bytes;
            cost.largest_record = cost.largest_record.max(bytes);
        }
    }
    cost
}

fn rest(bench: &mut Bench) {
    for _ in 0..2_000_000 {
        if bench.cloud.world.store.is_at_rest() {
            return;
        }
        bench.run_steps(1);
    }
    panic!("it does not end");
}

#[expect(
    clippy::print_stdout,
    reason = "the table is what this program is read for"
)]
fn print(costs: &[Cost]) {
    let sizes: Vec<String> = costs.iter().map(|cost| cost.hosts.to_string()).collect();
    println!("| hosts | {} |", sizes.join(" | "));
    println!("|---|{}", "---|".repeat(costs.len()));
    for (row, (name, _)) in costs[0].counts().iter().enumerate() {
        let cells: Vec<String> = costs
            .iter()
            .map(|c| c.counts()[row].1.to_string())
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    let cells: Vec<String> = costs.iter().map(|c| c.cpu_ms.to_string()).collect();
    println!(
        "| CPU of all handlers and of the fakes, ms | {} |",
        cells.join(" | ")
    );
}

#[test]
fn ten_times_the_hosts_cost_no_more_than_ten_times_as_much() {
    let most = std::env::vars().find(|(name, _)| name == "HOSTS_MAX");
    let most: u32 = most.map_or(1_000, |(_, value)| {
        value.parse().expect("a number of hosts")
    });
    let mut costs = Vec::new();
    let sizes = [10, 100, 1_000, 10_000];
    for hosts in sizes.into_iter().filter(|hosts| *hosts <= most) {
        costs.push(deploy(hosts));
        print(&costs);
    }
    let pairs = costs.windows(2).skip(1);
    for pair in pairs {
        let [small, large] = pair else {
            panic!("a pair")
        };
        for ((name, few), (_, many)) in small.counts().into_iter().zip(large.counts()) {
            assert!(
                many <= few * 10 + 10,
                "{name}: {few} for {} hosts, {many} for {}",
                small.hosts,
                large.hosts
            );
        }
    }
    let writes = costs.last().expect("a cost").of("store.save");
    assert!(
        writes < 400,
        "{writes} writes: each is as large as the fleet"
    );
}
