//! The two things the core may not touch: the clock and chance. Everything that needs either takes the ports, so that
//! tests own both; nothing else in the product asks the operating system for them.

use crate::ports::{Clock, Ids};
use aws_smithy_types::date_time::{DateTime, Format};
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

    fn first_at(&self, at: Timestamp) -> Option<DeploymentId> {
        DeploymentId::parse(&ulid_of(at, 0)).ok()
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

/// The moment that a text of RFC 3339 names, with any offset; `None` for a text that is none, and for a time before 1970.
#[must_use]
pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let at = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
    let ms = u64::try_from(at.to_millis().ok()?).ok()?;
    Some(Timestamp::from_unix_ms(ms))
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
    fn the_first_id_of_a_moment_divides_what_was_before_from_what_came_after() {
        let at = Timestamp::from_unix_ms(2_000);
        let first = SystemIds::default().first_at(at).unwrap();
        assert!(*first.as_str() > *ulid_of(Timestamp::from_unix_ms(1_999), u128::MAX));
        assert!(*first.as_str() <= *ulid_of(at, 0));
    }

    #[test]
    fn a_time_with_an_offset_is_read_and_a_text_that_is_none_is_not() {
        let read = |text| from_rfc3339(text).map(Timestamp::as_unix_ms);
        assert_eq!(read("1970-01-01T01:00:02+01:00"), Some(2_000));
        assert_eq!(read("2026-03-02T10:00:00.5Z"), Some(1_772_445_600_500));
        for text in [
            "",
            "soon",
            "2026-03-02",
            "1969-12-31T23:59:59Z",
            "2026-13-02T10:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_clock_is_in_this_century() {
        assert!(SystemClock.now().as_unix_s() > 1_700_000_000);
    }
}
