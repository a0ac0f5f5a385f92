//! How long hosts took for what they were asked to do, by their own clocks.
//!
//! Nothing is decided by it: a host's word about its time is as good as the host.

use crate::ids::HostId;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// What a host does in a deployment and is timed at. The looks of the rounds are not: there are many, and they change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// It puts the release on its disk.
    Prepare,
    /// It runs the migrations; or takes back those of what is live, where an operator goes back.
    Migrate,
    /// It switches.
    Activate,
    /// It takes the migrations back.
    Unmigrate,
    /// It switches back.
    Restore,
}

impl Task {
    /// Every task, in the order of a deployment.
    pub const ALL: [Self; 5] = [
        Self::Prepare,
        Self::Migrate,
        Self::Activate,
        Self::Unmigrate,
        Self::Restore,
    ];

    /// The state in which hosts are asked to do it (`docs/STATES.md`); it names the task everywhere.
    #[must_use]
    pub const fn state(self) -> &'static str {
        match self {
            Self::Prepare => "Preparing",
            Self::Migrate => "Migrating",
            Self::Activate => "Activating",
            Self::Unmigrate => "Unmigrating",
            Self::Restore => "RollingBack",
        }
    }
}

/// How long one host took for one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Took {
    /// All its runs that were answered, together.
    pub time: Millis,
    /// When the last of the answers was heard.
    pub heard: Timestamp,
}

/// How long the hosts of a deployment took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Times(BTreeMap<Task, BTreeMap<HostId, Took>>);

impl Times {
    /// As many hosts as are kept for each task: those that took longest. A record of ten thousand hosts has no room for the times
    /// of all.
    pub const KEPT: usize = 200;

    /// The longest time that is believed: a day, beyond the longest limit that a configuration allows (docs/CONFIGURATION.md,
    /// `timeouts`).
    pub const BELIEVED_MAX: Millis = Millis::from_secs(24 * 60 * 60);

    /// Notes that a host's answer was heard and told a time. A further run of the same task adds to it.
    pub fn note(&mut self, task: Task, host: &HostId, time: Millis, heard: Timestamp) {
        let hosts = self.0.entry(task).or_default();
        let before = hosts.get(host).map_or(Millis::default(), |took| took.time);
        let time = before.plus(time);
        hosts.insert(host.clone(), Took { time, heard });
        if hosts.len() > Self::KEPT {
            let shortest = hosts.iter().min_by_key(|(host, took)| (took.time, *host));
            let shortest = shortest.map(|(host, _)| host.clone());
            shortest.and_then(|host| hosts.remove(&host));
        }
    }

    /// The times of a task, in the order of the hosts.
    pub fn of(&self, task: Task) -> impl Iterator<Item = (&HostId, &Took)> {
        self.0.get(&task).into_iter().flatten()
    }

    /// How long a host took for a task; `None` where it told nothing, or is not among those that are kept.
    #[must_use]
    pub fn of_host(&self, task: Task, host: &HostId) -> Option<Took> {
        self.0.get(&task)?.get(host).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

    fn host(number: usize) -> HostId {
        HostId::parse(&format!("i-{number:017x}")).unwrap()
    }

    fn time(times: &Times, number: usize) -> Option<u64> {
        let took = times.of_host(Task::Activate, &host(number))?;
        Some(took.time.as_ms())
    }

    #[test]
    fn a_second_run_of_a_task_adds_to_the_first_and_another_task_does_not() {
        let mut times = Times::default();
        times.note(Task::Activate, &host(1), Millis::new(30), AT);
        let later = AT.after(Millis::new(500));
        times.note(Task::Activate, &host(1), Millis::new(12), later);
        times.note(Task::Restore, &host(1), Millis::new(5), later);
        let took = times.of_host(Task::Activate, &host(1)).unwrap();
        assert_eq!((took.time, took.heard), (Millis::new(42), later));
        assert_eq!(times.of(Task::Prepare).count(), 0);
    }

    #[test]
    fn of_too_many_hosts_those_that_took_longest_are_kept() {
        let mut times = Times::default();
        for number in 0..Times::KEPT + 50 {
            let ms = u64::try_from(number % 100).unwrap();
            times.note(Task::Activate, &host(number), Millis::new(ms), AT);
        }
        assert_eq!(times.of(Task::Activate).count(), Times::KEPT);
        assert_eq!((time(&times, 99), time(&times, 199)), (Some(99), Some(99)));
        assert_eq!(time(&times, 0), None);
        // A slow one that comes last has a place.
        times.note(Task::Activate, &host(9_999), Millis::new(1_000), AT);
        assert_eq!(time(&times, 9_999), Some(1_000));
    }
}
