//! Every limit in one place. A deployment carries the policy that was in force when it was accepted, so that an edit of
//! the configuration never changes the rules of something that is already running.

use crate::channel::Route;
use crate::ids::HostId;
use crate::time::Millis;

/// How large the target set may be up to and including one wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaveSize {
    /// This many hosts in all.
    Hosts(u32),
    /// This percentage of the target set in all, rounded up, 1 to 100.
    Percent(u8),
}

/// What is checked after a switch, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthPolicy {
    /// Failed rounds in a row after which verification gives up.
    pub attempts_max: u32,
    /// The time between two rounds.
    pub interval: Millis,
    /// How long a release is watched after the last wave before it counts as good.
    pub bake: Millis,
    /// How long the hosts that were switched are watched between two waves.
    pub wave_bake: Millis,
    /// Failed rounds in a row that end a bake.
    pub bake_failures_max: u32,
    /// Passed rounds in a row until what is verified counts as good.
    pub passes: u32,
    /// Whether there are checks from outside, by HTTP.
    pub outside: bool,
    /// Whether there are checks by numbers: alarms, metrics, logs.
    pub numbers: bool,
    /// Whether there are alarms among them; what is raised is looked at before anything is changed, too.
    pub alarms: bool,
    /// What to do at the end of a bake when a check could not tell.
    pub no_data: NoData,
}

/// What to do at the end of a bake when a check could not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoData {
    /// Go on; what could not tell is on record, and people are told.
    Pass,
    /// Go on watching for at most so long, then as [`NoData::Stop`].
    Wait(Millis),
    /// A round that could not tell counts as failed.
    Stop,
}

impl HealthPolicy {
    /// How much longer than planned a bake may last.
    #[must_use]
    pub const fn longer(&self) -> Millis {
        match self.no_data {
            NoData::Wait(most) => most,
            NoData::Pass | NoData::Stop => Millis::new(0),
        }
    }
}

/// The limits of one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Cumulative wave sizes; the last one is the whole target set.
    pub waves: Vec<WaveSize>,
    /// Health checks.
    pub health: HealthPolicy,
    /// Where people and systems are told, and of what.
    pub channels: Vec<Route>,
    /// Whether the app has a migration hook.
    pub migrates: bool,
    /// How many people must say yes before a host is switched; 0 when nobody is asked.
    pub approvals: u32,
    /// Whether the one who pushed or asked for it may be one of them.
    pub by_author: bool,
    /// Hosts that may be unreachable without stopping the deployment; they end as excused.
    pub unreachable_max: u32,
    /// Hosts that may be switched at the same time; without it a whole wave may.
    pub parallel_max: Option<u32>,
    /// Hosts of the target set that must stay in service while others are switched.
    pub in_service_min: Option<WaveSize>,
    /// Hosts that one deployment may have.
    pub hosts_max: u32,
    /// Attempts to ask one host for one step.
    pub attempts_max: u32,
    /// How long a deployment may wait for an approval.
    pub approval_timeout: Millis,
    /// How long a deployment may wait for its turn.
    pub queue_timeout: Millis,
    /// The time for preparing.
    pub prepare_timeout: Millis,
    /// The time for migrating.
    pub migrate_timeout: Millis,
    /// The time for switching one wave, and for restoring the hosts that moved.
    pub activate_timeout: Millis,
    /// The time for one round of verification.
    pub round_timeout: Millis,
    /// After this time a command whose sending was begun, but not recorded as sent, is looked up by its comment. Reads
    /// of SSM are eventually consistent, so an earlier look proves nothing.
    pub settling: Millis,
    /// The wait before a host is asked again.
    pub retry_after: Millis,
    /// The shortest time between two looks at SSM.
    pub poll: Millis,
}

/// A policy that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No wave at all.
    #[error("there must be at least one wave")]
    NoWaves,
    /// The last wave leaves hosts out.
    #[error("the last wave must be 100%")]
    LastWaveNotAll,
    /// A wave of nothing, or more than everything.
    #[error("wave {0} must be at least 1 host, or 1% to 100%")]
    WaveOutOfRange(usize),
}

impl Policy {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`PolicyError`] for waves that do not end with the whole target set.
    pub fn check(&self) -> Result<(), PolicyError> {
        for (index, wave) in self.waves.iter().enumerate() {
            let valid = match wave {
                WaveSize::Hosts(hosts) => *hosts >= 1,
                WaveSize::Percent(percent) => (1..=100).contains(percent),
            };
            if !valid {
                return Err(PolicyError::WaveOutOfRange(index.saturating_add(1)));
            }
        }
        match self.waves.last() {
            None => Err(PolicyError::NoWaves),
            Some(WaveSize::Percent(100)) => Ok(()),
            Some(WaveSize::Hosts(_) | WaveSize::Percent(_)) => Err(PolicyError::LastWaveNotAll),
        }
    }
}

impl Policy {
    /// How many hosts may be switched at the same time where nothing is in service yet.
    #[must_use]
    pub fn room_without_a_minimum(&self) -> usize {
        let max = self.parallel_max;
        max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX))
    }

    /// How many hosts may be switched at the same time when so many of so many are not in service.
    #[must_use]
    pub fn room(&self, total: usize, away: usize) -> usize {
        let parallel = self.room_without_a_minimum();
        match self.in_service_min {
            None => parallel,
            Some(size) => {
                let must_stay = match size {
                    WaveSize::Hosts(hosts) => usize::try_from(hosts).unwrap_or(usize::MAX),
                    WaveSize::Percent(_) => cumulative(size, total),
                };
                let spare = total.saturating_sub(away).saturating_sub(must_stay);
                parallel.min(spare)
            }
        }
    }
}

/// Cuts the target set into waves. Sizes are cumulative; a wave that would add no host is left out, and whatever the
/// sizes leave over joins the last wave, so that no host is ever forgotten.
#[must_use]
pub fn waves_of(hosts: &[HostId], sizes: &[WaveSize]) -> Vec<Vec<HostId>> {
    let mut waves: Vec<Vec<HostId>> = Vec::new();
    let mut taken = 0_usize;
    for size in sizes {
        let up_to = cumulative(*size, hosts.len());
        let wave: Vec<HostId> = hosts.iter().take(up_to).skip(taken).cloned().collect();
        taken = taken.max(up_to);
        if !wave.is_empty() {
            waves.push(wave);
        }
    }
    let rest: Vec<HostId> = hosts.iter().skip(taken).cloned().collect();
    match waves.last_mut() {
        Some(last) => last.extend(rest),
        None => waves.push(rest),
    }
    waves
}

fn cumulative(size: WaveSize, total: usize) -> usize {
    match size {
        WaveSize::Hosts(hosts) => usize::try_from(hosts).unwrap_or(total).min(total),
        WaveSize::Percent(percent) => total
            .saturating_mul(usize::from(percent))
            .div_ceil(100)
            .min(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(count: usize) -> Vec<HostId> {
        (0..count)
            .map(|n| HostId::parse(&format!("i-{n:017x}")).unwrap())
            .collect()
    }

    #[test]
    fn waves_cover_every_host_exactly_once_in_order() {
        let sizes = [
            WaveSize::Hosts(1),
            WaveSize::Percent(50),
            WaveSize::Percent(100),
        ];
        for (count, expected) in [
            (1, vec![1]),
            (2, vec![1, 1]),
            (3, vec![1, 1, 1]),
            (10, vec![1, 4, 5]),
        ] {
            let all = hosts(count);
            let waves = waves_of(&all, &sizes);
            let lens: Vec<usize> = waves.iter().map(Vec::len).collect();
            assert_eq!(lens, expected, "{count} hosts");
            assert_eq!(waves.concat(), all);
        }
    }

    #[test]
    fn hosts_beyond_the_last_size_join_the_last_wave() {
        let waves = waves_of(&hosts(5), &[WaveSize::Hosts(2)]);
        assert_eq!(waves.concat(), hosts(5));
        assert_eq!(waves.len(), 1);
    }
}
