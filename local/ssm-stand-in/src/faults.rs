//! The fault switches: what may go wrong between a caller, the service and the hosts.
//!
//! Everything here is off until a test asks for it. Random choices come from one seeded generator, so that a run
//! with the same seed and the same order of events chooses alike.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::options::Power;

/// A change of the fault switches; what is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultChange {
    /// Turns every switch off first, those of the hosts too, and brings every agent back.
    pub reset: bool,
    /// Restarts the generator of random choices.
    pub seed: Option<u64>,
    /// How many of the next `SendCommand` calls are carried out and then lose their reply.
    pub lose_send_replies: Option<u32>,
    /// How such a reply is lost.
    pub lost_reply: Option<LostReply>,
    /// How many of the next calls are throttled, by action; `*` stands for any action.
    pub throttle: Option<BTreeMap<String, u32>>,
    /// How long after a send the `List` and `Get` calls do not show the command.
    pub read_lag_ms: Option<u64>,
    /// What happens to events.
    pub events: Option<EventFaultChange>,
    /// Changes of hosts, by instance id.
    pub hosts: BTreeMap<String, HostFaultChange>,
    /// Things to do once, in this order, after the switches are set.
    pub actions: Vec<Action>,
}

/// How the reply of a `SendCommand` is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReply {
    /// The connection ends in the middle of the answer.
    #[default]
    Disconnect,
    /// The answer is a 500 `InternalServerError`.
    ServerError,
}

/// A change of what happens to events.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFaultChange {
    /// How many percent of the events are dropped; 100 drops all.
    pub drop_percent: Option<u8>,
    /// How many percent of the events are put twice.
    pub duplicate_percent: Option<u8>,
    /// The least and the most that an event is held back; a spread reorders events.
    pub delay_ms: Option<(u64, u64)>,
}

/// A change of one host.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostFaultChange {
    /// The agent has no connection: nothing is delivered, no reply arrives; scripts go on.
    pub offline: Option<bool>,
    /// Invocations become `Undeliverable` at once.
    pub undeliverable: Option<bool>,
    /// How long the agent waits before it begins a document that it has taken; it begins even if the service
    /// has given up on it by then.
    pub start_delay_ms: Option<u64>,
    /// The agent's version from here on.
    pub agent_version: Option<String>,
    /// A fixed `PingStatus`; the empty text lets it follow the agent again.
    pub ping_status: Option<String>,
    /// Whether the instance runs.
    pub power: Option<Power>,
}

/// Something to do once to a host.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The agent stops; scripts go on, and their results arrive after `start_agent`.
    KillAgent {
        /// The instance id.
        host: String,
    },
    /// The agent comes back and reports what it has.
    StartAgent {
        /// The instance id.
        host: String,
    },
    /// The agent loses its document workers and begins every unfinished document again; the old scripts go on.
    RestartAgent {
        /// The instance id.
        host: String,
    },
    /// Every script is killed and every unfinished document begun again.
    Reboot {
        /// The instance id.
        host: String,
    },
    /// SIGKILL to the running scripts of the host, or to that of one command; the agent sees them end.
    KillScript {
        /// The instance id.
        host: String,
        /// Only this command's script.
        #[serde(default)]
        command: Option<String>,
    },
}

/// The switches as they stand.
#[derive(Debug)]
pub(crate) struct Faults {
    pub(crate) lose_send_replies: u32,
    pub(crate) lost_reply: LostReply,
    pub(crate) throttle: BTreeMap<String, u32>,
    pub(crate) read_lag_ms: u64,
    pub(crate) drop_percent: u8,
    pub(crate) duplicate_percent: u8,
    pub(crate) delay_ms: (u64, u64),
    random: Random,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            lose_send_replies: 0,
            lost_reply: LostReply::default(),
            throttle: BTreeMap::new(),
            read_lag_ms: 0,
            drop_percent: 0,
            duplicate_percent: 0,
            delay_ms: (0, 0),
            random: Random(1),
        }
    }
}

impl Faults {
    /// Sets the switches that belong to no host.
    pub(crate) fn apply(&mut self, change: &FaultChange) {
        if change.reset {
            *self = Self::default();
        }
        if let Some(seed) = change.seed {
            self.random = Random(seed);
        }
        set(
            &mut self.lose_send_replies,
            change.lose_send_replies.as_ref(),
        );
        set(&mut self.lost_reply, change.lost_reply.as_ref());
        set(&mut self.throttle, change.throttle.as_ref());
        set(&mut self.read_lag_ms, change.read_lag_ms.as_ref());
        if let Some(events) = &change.events {
            set(&mut self.drop_percent, events.drop_percent.as_ref());
            set(
                &mut self.duplicate_percent,
                events.duplicate_percent.as_ref(),
            );
            set(&mut self.delay_ms, events.delay_ms.as_ref());
        }
    }

    /// Whether this call is to be throttled; each yes uses one up.
    pub(crate) fn throttles(&mut self, action: &str) -> bool {
        [action, "*"]
            .into_iter()
            .any(|key| self.throttle.get_mut(key).is_some_and(take_one))
    }

    /// Whether this send is to lose its reply, and how; each yes uses one up.
    pub(crate) fn loses_reply(&mut self) -> Option<LostReply> {
        take_one(&mut self.lose_send_replies).then_some(self.lost_reply)
    }

    /// How long each copy of an event is held back; no copy means that it is dropped.
    pub(crate) fn copies_of_event(&mut self) -> Vec<u64> {
        if self.random.percent(self.drop_percent) {
            return Vec::new();
        }
        let copies = if self.random.percent(self.duplicate_percent) {
            2
        } else {
            1
        };
        let (least, most) = self.delay_ms;
        (0..copies)
            .map(|_| self.random.between(least, most))
            .collect()
    }

    /// The switches as the control endpoint shows them.
    pub(crate) fn describe(&self) -> Value {
        json!({
            "lose_send_replies": self.lose_send_replies,
            "lost_reply": self.lost_reply,
            "throttle": self.throttle,
            "read_lag_ms": self.read_lag_ms,
            "events": {
                "drop_percent": self.drop_percent,
                "duplicate_percent": self.duplicate_percent,
                "delay_ms": self.delay_ms,
            },
        })
    }
}

fn set<T: Clone>(switch: &mut T, change: Option<&T>) {
    if let Some(value) = change {
        switch.clone_from(value);
    }
}

fn take_one(count: &mut u32) -> bool {
    let is_left = *count > 0;
    *count = count.saturating_sub(1);
    is_left
}

/// `SplitMix64`: small, seeded, good enough to choose which event is lost.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn percent(&mut self, percent: u8) -> bool {
        self.next().rem_euclid(100) < u64::from(percent)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        let spread = most.saturating_sub(least).saturating_add(1);
        least.saturating_add(self.next().checked_rem(spread).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: Value) -> Faults {
        let mut faults = Faults::default();
        faults.apply(&serde_json::from_value(json).unwrap());
        faults
    }

    #[test]
    fn the_same_seed_drops_the_same_events() {
        let chosen = || {
            let mut faults =
                faults(json!({"seed": 7, "events": {"drop_percent": 50, "delay_ms": [0, 20]}}));
            (0..40)
                .map(|_| faults.copies_of_event())
                .collect::<Vec<_>>()
        };
        assert_eq!(chosen(), chosen());
        let dropped = chosen().iter().filter(|copies| copies.is_empty()).count();
        assert!((5..35).contains(&dropped), "{dropped} of 40");
    }

    #[test]
    fn all_or_none_is_exact() {
        assert!(
            faults(json!({"events": {"drop_percent": 100}}))
                .copies_of_event()
                .is_empty()
        );
        assert_eq!(
            faults(json!({"events": {"duplicate_percent": 100}})).copies_of_event(),
            [0, 0]
        );
        assert_eq!(faults(json!({})).copies_of_event(), [0]);
    }

    #[test]
    fn a_throttle_uses_itself_up_and_knows_the_action() {
        let mut faults = faults(json!({"throttle": {"SendCommand": 1, "*": 1}}));
        assert!(faults.throttles("SendCommand"));
        assert!(faults.throttles("ListCommands"));
        assert!(!faults.throttles("SendCommand"));
    }

    #[test]
    fn an_unknown_switch_is_refused() {
        assert!(serde_json::from_value::<FaultChange>(json!({"drop_everything": true})).is_err());
        assert!(
            serde_json::from_value::<FaultChange>(
                json!({"actions": [{"do": "explode", "host": "i"}]})
            )
            .is_err()
        );
    }
}
