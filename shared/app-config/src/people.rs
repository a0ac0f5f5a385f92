//! Whose yes it takes, and who is who.

use crate::field::{List, Whole};
use crate::problem::{Problem, Problems};
use crate::section::{
    Presence::{Default, Optional, Required},
    section,
};
use crate::text::{BitbucketAccount, SlackUser};
use longshore_core::Person;
use serde_json::json;

section! {
    /// Whose yes it takes to switch hosts, where approval is asked for. Who may say it at all is decided by the roles of the
    /// environment; this says how many, and who is who.
    pub struct Approvals {
        /// How many people must say yes.
        needed: Whole<1, 10> = Default(json!(1)),
        /// Whether the one who pushed, or asked for the deployment, may be one of them; false needs people.
        by_author: bool = Default(json!(true)),
        /// Who is who: a person's names here, in Bitbucket and in Slack.
        people: List<Human, 50> = Default(json!([])),
    }
}

section! {
    /// A person with the names that they have elsewhere.
    pub struct Human {
        /// The name in records and messages, and the one that the person has in AWS: of the user, or of the role's session.
        name: Person = Required("\"ada@example.com\""),
        /// The account in Bitbucket, by its UUID.
        bitbucket: Option<BitbucketAccount> = Optional,
        /// The user id in Slack. Only who has one can say yes there.
        slack: Option<SlackUser> = Optional,
    }
}

impl Approvals {
    pub(crate) const fn needed(&self) -> u32 {
        self.needed.get()
    }

    pub(crate) const fn by_author(&self) -> bool {
        self.by_author
    }

    pub(crate) fn people(&self) -> &[Human] {
        self.people.as_slice()
    }
}

impl Human {
    pub(crate) const fn name(&self) -> &Person {
        &self.name
    }

    pub(crate) fn is_in_bitbucket(&self, account: &str) -> bool {
        self.bitbucket
            .as_ref()
            .is_some_and(|own| own.as_str() == account)
    }

    pub(crate) fn is_in_slack(&self, user: &str) -> bool {
        self.slack.as_ref().is_some_and(|own| own.as_str() == user)
    }
}

/// Each name means one person, and where the author's own yes does not count it must be known who is who.
pub(crate) fn check(approvals: &Approvals, problems: &mut Problems) {
    let Approvals {
        needed,
        by_author,
        people,
    } = approvals;
    let people = people.as_slice();
    let twice = |same: &dyn Fn(&Human, &Human) -> bool| {
        let mut before = people.iter().enumerate();
        before.any(|(index, one)| {
            people
                .iter()
                .skip(index.saturating_add(1))
                .any(|two| same(one, two))
        })
    };
    let is_twice = twice(&|one, two| one.name == two.name)
        || twice(&|one, two| one.bitbucket.is_some() && one.bitbucket == two.bitbucket)
        || twice(&|one, two| one.slack.is_some() && one.slack == two.slack);
    if is_twice {
        let fix = "write each name and each account once";
        problems.push(Problem::new(
            "approvals.people",
            "names a person twice",
            fix,
        ));
    }
    let least = usize::try_from(needed.get())
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    if !by_author && people.len() < least {
        let wrong = format!("is false, and approvals.people names {}", people.len());
        let fix = format!("name the author and those who may say yes, at least {least}");
        problems.push(Problem::new("approvals.by_author", wrong, fix));
    }
}
