//! What people say about a deployment: yes to its plan, no, stop. Each with a name, a place and, where it stops something, a
//! reason; all of it stays in the record.

use crate::ids::{DeploymentId, Person, PlanDigest};
use crate::state::Run;
use crate::text::printable;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;

/// Why a person did something, in their words: cut, and printable as a detail of a failure is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(String);

impl Reason {
    /// The longest reason, in characters.
    pub const MAX: usize = 200;

    /// Takes a text; `None` when nothing of it can be read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = printable(text.trim(), Self::MAX);
        let says_something = text.chars().any(|c| c != '?' && c != ' ');
        says_something.then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// From where a person spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// The operators' interface, from this address where it is known.
    Api(Option<IpAddr>),
    /// A button in Slack.
    Slack,
    /// The console page, from this address where it is known.
    Console(Option<IpAddr>),
}

impl Via {
    /// The place of a text that [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "api" => Some(Self::Api(None)),
            None if text == "slack" => Some(Self::Slack),
            None if text == "console" => Some(Self::Console(None)),
            Some(("api", address)) => Some(Self::Api(Some(address.parse().ok()?))),
            Some(("console", address)) => Some(Self::Console(Some(address.parse().ok()?))),
            None | Some(_) => None,
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(None) => f.write_str("api"),
            Self::Api(Some(address)) => write!(f, "api {address}"),
            Self::Slack => f.write_str("slack"),
            Self::Console(None) => f.write_str("console"),
            Self::Console(Some(address)) => write!(f, "console {address}"),
        }
    }
}

/// A word of a person that stops something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Said {
    /// Who.
    pub by: Person,
    /// From where.
    pub via: Via,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.by, self.reason)
    }
}

/// A yes to one plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vote {
    /// Who.
    pub by: Person,
    /// From where.
    pub via: Via,
    /// The plan that was seen. For another one the vote is worth nothing.
    pub plan: PlanDigest,
    /// When.
    pub at: Timestamp,
    /// What was said to it.
    pub comment: Option<Reason>,
}

/// What is asked of people before a deployment may move a host, and who has said yes to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Approval {
    /// The plan.
    pub plan: PlanDigest,
    /// Who has said yes, each person once, in order.
    pub votes: Vec<Vote>,
    /// How often people were asked: again when things had changed until the start.
    pub asked: u32,
}

impl Approval {
    /// People are asked this often at most; whoever wants a deployment in a world that changes all the time begins another.
    pub const ASKED_MAX: u32 = 3;

    /// Whether this person has said yes already.
    #[must_use]
    pub fn has(&self, by: &Person) -> bool {
        self.votes.iter().any(|vote| vote.by == *by)
    }
}

impl PlanDigest {
    /// The digest of what a deployment would do: its own id, the release with its commit, build and parameter versions, what
    /// is live, every host in its wave, and what was found of the migrations. Whatever else were to happen has another one.
    #[must_use]
    pub fn of(deployment: &DeploymentId, run: &Run) -> Self {
        let mut hash = Sha256::new();
        let mut add = |label: &str, text: &str| {
            // Each part goes in behind its length, so that no two plans make the same bytes.
            let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
            hash.update(label);
            hash.update(length.to_be_bytes());
            hash.update(text);
        };
        add("deployment", deployment.as_str());
        add("release", run.release.id().as_str());
        if let Some(previous) = &run.previous {
            add("previous", previous.id().as_str());
        }
        for wave in &run.waves {
            add("wave", "");
            for host in wave {
                add("host", host.as_str());
            }
        }
        if let Some(migrations) = &run.migrations {
            let found = &migrations.found;
            add("verdict", found.verdict.word());
            add("count", &found.count.to_string());
            for finding in found.findings() {
                add("finding", finding);
            }
        }
        let digest = hash.finalize();
        let digits = digest
            .iter()
            .take(16)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self::from_digits(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_printable_cut_and_never_empty() {
        let reason = Reason::parse("  the\u{202e} site\nis down ").unwrap();
        assert_eq!(reason.as_str(), "the? site?is down");
        assert_eq!(
            Reason::parse(&"x".repeat(500)).unwrap().as_str().len(),
            Reason::MAX
        );
        for nothing in ["", "   ", "\n\n", "\u{202e}"] {
            assert_eq!(Reason::parse(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_place_is_found_again_by_its_text() {
        let address = Some("2001:db8::1".parse().unwrap());
        for via in [
            Via::Api(None),
            Via::Api(address),
            Via::Slack,
            Via::Console(None),
            Via::Console(address),
        ] {
            assert_eq!(Via::parse(&via.to_string()), Some(via));
        }
        for wrong in ["", "api 1", "slack U1", "phone"] {
            assert_eq!(Via::parse(wrong), None, "{wrong}");
        }
    }
}
