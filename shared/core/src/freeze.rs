//! A freeze: a time in which deployments of an app wait, but for those that bring back or bring near what is proven. When
//! one holds is found out by the shell; what it does to a deployment is decided here.

use crate::deployment::Kind;
use crate::ids::Person;
use crate::text::printable;
use crate::time::{Millis, Timestamp};

/// Where a freeze stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FreezeSource {
    /// A window in the app configuration.
    Window,
    /// An event of an iCalendar file.
    Calendar,
    /// A change calendar of Systems Manager.
    ChangeCalendar,
    /// Something that cannot be read. What is not known to be allowed is held.
    Unreadable,
}

impl FreezeSource {
    /// Every source.
    pub const ALL: [Self; 4] = [
        Self::Window,
        Self::Calendar,
        Self::ChangeCalendar,
        Self::Unreadable,
    ];

    /// The word for the source.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Calendar => "calendar",
            Self::ChangeCalendar => "change_calendar",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What holds a deployment, with the end as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Freeze {
    /// Printable ASCII, at most [`Freeze::NAME_MAX`] characters.
    name: String,
    /// When it ends; `None` when that is not known.
    pub until: Option<Timestamp>,
    /// Where it stands.
    pub source: FreezeSource,
}

impl Freeze {
    /// The longest name that is kept, in characters.
    pub const NAME_MAX: usize = 200;

    /// The longest that freezes together may put off the end of a deployment's waiting, from when it was accepted. Whoever
    /// waits longer is better begun anew.
    pub const WAIT_MAX: Millis = Millis::from_secs(30 * 24 * 3600);

    /// A freeze. What is not printable ASCII in the name becomes a question mark, and it is cut: a calendar comes from
    /// outside.
    #[must_use]
    pub fn new(name: &str, until: Option<Timestamp>, source: FreezeSource) -> Self {
        let name = printable(name, Self::NAME_MAX);
        Self {
            name,
            until,
            source,
        }
    }

    /// What it is called, or what cannot be read and why.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a freeze holds a deployment of this kind. Going back to what was proven is what one needs in a freeze, and
    /// a host that came late gets what is live.
    #[must_use]
    pub const fn holds(kind: &Kind) -> bool {
        match kind {
            Kind::Push | Kind::Redeploy | Kind::Config | Kind::Promote(_) | Kind::Drill(_) => true,
            Kind::Rollback(_) | Kind::Join(_) => false,
        }
    }
}

/// A person's word that a deployment may begin in spite of a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BreakGlass {
    /// Who said it.
    pub by: Person,
    /// Why: printable ASCII, at most [`BreakGlass::REASON_MAX`] characters.
    reason: String,
    /// When.
    pub at: Timestamp,
}

impl BreakGlass {
    /// The longest reason that is kept, in characters.
    pub const REASON_MAX: usize = 300;

    /// A person's word. What is not printable ASCII in the reason becomes a question mark, and it is cut.
    #[must_use]
    pub fn new(by: Person, reason: &str, at: Timestamp) -> Self {
        let reason = printable(reason, Self::REASON_MAX);
        Self { by, reason, at }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_reason_cannot_carry_control_or_direction_characters() {
        let freeze = Freeze::new("a\nb\u{202e}c", None, FreezeSource::Calendar);
        assert_eq!(freeze.name(), "a?b?c");
        let long = Freeze::new(&"x".repeat(1000), None, FreezeSource::Calendar);
        assert_eq!(long.name().len(), Freeze::NAME_MAX);
        let by = Person::parse("Ada").unwrap();
        let word = BreakGlass::new(by, &"\u{1b}".repeat(1000), Timestamp::default());
        assert_eq!(word.reason(), "?".repeat(BreakGlass::REASON_MAX));
    }
}
