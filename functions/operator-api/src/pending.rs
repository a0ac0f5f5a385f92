//! Stands in for words that the core gets with approvals.

use longshore_core::InvalidId;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The longest reason, in characters.
    pub const MAX: usize = 200;

    /// Takes a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let printable = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
        let text: String = text.trim().chars().take(Self::MAX).map(printable).collect();
        let says_something = text.chars().any(|c| c != '?' && c != ' ');
        says_something.then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A plan's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDigest(String);

impl PlanDigest {
    /// Parses the text.
    ///
    /// # Errors
    /// Another form.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let valid = text.len() == 32
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId {
                kind: "plan digest",
                expected: "32 hexadecimal digits",
            })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
