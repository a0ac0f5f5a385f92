//! What a check has found, with the numbers that it was found by.

use crate::failure::FailureClass;
use crate::ids::CheckName;
use crate::text::printable;
use crate::time::Timestamp;
use std::fmt;

/// The longest line of a judgement, in characters.
const SAID_MAX: usize = 300;

/// A measured number, in thousandths of its unit. The core compares and hashes its states, which floating point cannot bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

impl Amount {
    /// So many thousandths.
    #[must_use]
    pub const fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// A whole number; the largest that can be held where it is larger.
    #[must_use]
    pub const fn whole(number: i64) -> Self {
        Self(number.saturating_mul(1000))
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let rest = format!("{rest:03}");
        write!(f, "{sign}{whole}.{}", rest.trim_end_matches('0'))
    }
}

/// Declares what a number can be of, with its word.
macro_rules! measures {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What a number of a judgement is of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Measure {
            $($(#[$doc])* $name,)*
        }

        impl Measure {
            /// Every measure.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The measure's word in records and answers.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The measure of a word; `None` for a word that this version does not know.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

measures! {
    /// The value since the switch.
    Now = "now";
    /// The value in the time before the switch.
    Before = "before";
    /// The value in the same time on the hosts that still serve the previous release.
    Others = "others";
    /// The value that may not be passed.
    Limit = "limit";
    /// Samples since the switch.
    NowSamples = "now_samples";
    /// Samples before the switch.
    BeforeSamples = "before_samples";
    /// Samples of the other hosts.
    OthersSamples = "others_samples";
    /// Of a hundred pairs of a sample since the switch and one to compare with, those in which the first is worse.
    WorsePairs = "worse_pairs";
    /// Error lines of a kind that was not there before the switch.
    NewErrors = "new_errors";
    /// The HTTP status that was answered.
    Status = "status";
    /// How long the answer took, in milliseconds.
    Latency = "latency_ms";
    /// How often in a row it has passed.
    Passes = "passes";
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// What was asked for holds.
    Passed,
    /// It does not, and this is the class of it.
    Failed(FailureClass),
    /// There is not enough to tell by.
    Inconclusive,
}

impl Finding {
    /// The finding's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// What one check has found in one round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// The check.
    pub check: CheckName,
    /// What it came to.
    pub finding: Finding,
    /// The numbers that it came from, in the order in which they are shown.
    pub numbers: Vec<(Measure, Amount)>,
    /// When.
    pub at: Timestamp,
    said: String,
}

impl Judgement {
    /// The most checks that an app may have, of all kinds together.
    pub const CHECKS_MAX: usize = 20;

    /// A judgement with a line for people. The line may hold what came from outside: only printable ASCII of it is kept.
    #[must_use]
    pub fn new(
        check: CheckName,
        finding: Finding,
        numbers: Vec<(Measure, Amount)>,
        said: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            check,
            finding,
            numbers,
            at,
            said: printable(said, SAID_MAX),
        }
    }

    /// The line for people: the judgement in words, with its numbers.
    #[must_use]
    pub fn said(&self) -> &str {
        &self.said
    }

    /// The number of a measure, where it has one.
    #[must_use]
    pub fn number(&self, measure: Measure) -> Option<Amount> {
        let found = self.numbers.iter().find(|(of, _)| *of == measure);
        found.map(|(_, amount)| *amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_without_needless_digits() {
        for (thousandths, shown) in [
            (0, "0"),
            (1, "0.001"),
            (812_500, "812.5"),
            (-250, "-0.25"),
            (3_000, "3"),
            (i64::MIN, "-9223372036854775.808"),
        ] {
            assert_eq!(Amount::from_thousandths(thousandths).to_string(), shown);
        }
    }

    #[test]
    fn a_line_from_outside_keeps_nothing_that_steers_a_terminal() {
        let check = CheckName::parse("http:home").unwrap();
        let at = Timestamp::from_unix_ms(0);
        let said = Judgement::new(check, Finding::Inconclusive, Vec::new(), "a\u{1b}[31mé", at);
        assert_eq!(said.said(), "a?[31m?");
    }

    #[test]
    fn every_measure_is_found_by_its_word() {
        for measure in Measure::ALL {
            assert_eq!(Measure::from_word(measure.word()), Some(*measure));
        }
    }
}
