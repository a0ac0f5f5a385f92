//! The two things the core may not touch: the clock and chance. Everything that needs either takes the ports, so that
//! tests own both; nothing else in the product asks the operating system for them.

use crate::ports::{Clock, Ids};
use longshore_core::{DeploymentId, Timestamp};
use rustls::crypto::SecureRandom;
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Deployment ids from the clock and the random numbers of the TLS library, which are the operating system's.
#[derive(Clone, Copy, Debug)]
pub struct SystemIds {
    random: &'static dyn SecureRandom,
}

impl Default for SystemIds {
    fn default() -> Self {
        Self {
            random: rustls::crypto::ring::default_provider().secure_random,
        }
    }
}

impl Ids for SystemIds {
    fn deployment_id(&self) -> DeploymentId {
        loop {
            let id = ulid_of(SystemClock.now(), self.random());
            // A ULID is always a deployment id; parsing is what proves it to the types.
            if let Ok(id) = DeploymentId::parse(&id) {
                return id;
            }
        }
    }
}

impl SystemIds {
    fn random(&self) -> u128 {
        let mut bytes = [0_u8; 16];
        loop {
            // The operating system answers, or waits until it can; a refusal is tried again rather than replaced by zeros.
            if self.random.fill(&mut bytes).is_ok() {
                return u128::from_be_bytes(bytes);
            }
        }
    }
}

fn ulid_of(now: Timestamp, random: u128) -> String {
    ulid::Ulid::from_parts(now.as_unix_ms(), random).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_time_and_never_repeat() {
        let early = ulid_of(Timestamp::from_unix_ms(1_000), u128::MAX);
        let late = ulid_of(Timestamp::from_unix_ms(2_000), 0);
        assert!(early < late);
        let ids = SystemIds::default();
        assert_ne!(ids.deployment_id(), ids.deployment_id());
    }

    #[test]
    fn the_clock_is_in_this_century() {
        assert!(SystemClock.now().as_unix_s() > 1_700_000_000);
    }
}
