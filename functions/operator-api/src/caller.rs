//! Who calls: the identity that API Gateway has found behind the signature, or behind the token of the console.
//!
//! The person is the name of the role's session or of the user. With one role for several people the session's name is
//! whatever whoever assumes the role may write there, so their trust policy has to bind it to the person (docs/OPERATIONS.md);
//! IAM Identity Center does. What is missing or strange is nobody, and nobody gets nothing.

use crate::console;
use crate::request::Request;
use longshore_contract::Role;
use longshore_core::{Person, Via};
use longshore_shell::config::ConsoleAccess;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The longest name of a person.
const NAME_MAX: usize = 64;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The ARN of the user or the session; in the console the issuer and its subject.
    pub principal: String,
    /// The account of the caller; a person of the console needs none.
    pub account: Option<String>,
    /// The person.
    pub person: Person,
    /// From where.
    pub address: Option<IpAddr>,
    /// Who decides what the caller may do.
    pub rights: Rights,
}

/// Who decides what a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// IAM has let the caller call this route, so that it may.
    OfPolicies,
    /// These roles, which the groups of the console's token give.
    OfGroups(BTreeSet<Role>),
}

impl Caller {
    /// The caller of a request, if API Gateway says who that is. The route decides which of the two ways in counts: on one of
    /// the console's only a token does, on any other only IAM. Without the console's settings nobody comes in by a token.
    #[must_use]
    pub fn of(request: &Request, access: Option<&ConsoleAccess>) -> Option<Self> {
        if request.is_for_console() {
            Self::of_console(request, access?)
        } else {
            Self::of_iam(request)
        }
    }

    /// Whether the caller may do what takes this role.
    #[must_use]
    pub fn may(&self, role: Role) -> bool {
        match &self.rights {
            Rights::OfPolicies => true,
            Rights::OfGroups(roles) => roles.contains(&role),
        }
    }

    /// From where the caller speaks, as it is recorded.
    #[must_use]
    pub const fn via(&self) -> Via {
        match self.rights {
            Rights::OfPolicies => Via::Api(self.address),
            Rights::OfGroups(_) => Via::Console(self.address),
        }
    }

    fn of_console(request: &Request, access: &ConsoleAccess) -> Option<Self> {
        let known = console::known(access, request.jwt()?)?;
        Some(Self {
            principal: known.principal,
            account: None,
            person: known.person,
            address: request.address(),
            rights: Rights::OfGroups(known.roles),
        })
    }

    fn of_iam(request: &Request) -> Option<Self> {
        let iam = request.iam()?;
        let principal = iam.user_arn.as_deref()?;
        let (account, name) = name_in(principal)?;
        if iam.account_id.as_deref() != Some(account) {
            return None;
        }
        Some(Self {
            principal: principal.to_owned(),
            account: Some(account.to_owned()),
            person: person(name)?,
            address: request.address(),
            rights: Rights::OfPolicies,
        })
    }
}

/// Account and name in the ARN of a user, of a role's session or of a federated user. The root of an account is no person.
fn name_in(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if scheme != "arn" || !region.is_empty() || !is_account {
        return None;
    }
    let (kind, rest) = resource.split_once('/')?;
    let name = match (service, kind) {
        // Role, then session; only a user has a path before the name.
        ("sts", "assumed-role") => rest.split_once('/').map(|(_, session)| session),
        ("sts", "federated-user") => Some(rest),
        ("iam", "user") => rest.rsplit('/').next(),
        _ => None,
    };
    name.filter(|name| !name.is_empty() && !name.contains('/'))
        .map(|name| (account, name))
}

/// A name in the letters that a person may have. IAM's names have `+`, `=` and `,` besides those, and each becomes a colon and a
/// letter: `:p`, `:e`, `:c`. A colon itself stands in no name of IAM (letters, digits and `+=,.@-_`,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>), so no two names become one person. Whatever has
/// another character, or is too long when it is written so, is nobody.
fn person(name: &str) -> Option<Person> {
    let mut written = String::new();
    for c in name.chars() {
        match c {
            '+' => written.push_str(":p"),
            '=' => written.push_str(":e"),
            ',' => written.push_str(":c"),
            c if c.is_ascii_alphanumeric() || "._@-".contains(c) => written.push(c),
            _ => return None,
        }
    }
    let fits = written.len() <= NAME_MAX;
    Person::parse(&written).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(arn: &str) -> Option<(&str, String)> {
        let (account, name) = name_in(arn)?;
        Some((account, person(name)?.to_string()))
    }

    #[test]
    fn a_person_is_the_session_or_the_user() {
        for (arn, name) in [
            (
                "arn:aws:sts::123456789012:assumed-role/Deployer/alice@example.com",
                "alice@example.com",
            ),
            (
                "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Ops_0a1b/bob",
                "bob",
            ),
            ("arn:aws:iam::123456789012:user/teams/ops/carol", "carol"),
            (
                "arn:aws-cn:iam::123456789012:user/dave+x=y,z",
                "dave:px:ey:cz",
            ),
            ("arn:aws:sts::123456789012:federated-user/erin", "erin"),
        ] {
            assert_eq!(named(arn), Some(("123456789012", name.to_owned())), "{arn}");
        }
    }

    #[test]
    fn no_two_names_become_one_person() {
        let names = [
            "a+b", "a-b", "a=b", "a,b", "a.b", "a_b", "a@b", "apb", "a-pb",
        ];
        let people: std::collections::BTreeSet<_> =
            names.iter().map(|name| person(name).unwrap()).collect();
        assert_eq!(people.len(), names.len());
        // A colon is IAM's in no name, and a name that has one could meet another's.
        assert_eq!(person("a:pb"), None);
        assert!(person(&"x".repeat(NAME_MAX)).is_some());
        assert_eq!(person(&"x".repeat(NAME_MAX + 1)), None);
        assert_eq!(person(&"+".repeat(NAME_MAX)), None);
    }

    #[test]
    fn whoever_is_not_a_person_is_nobody() {
        for arn in [
            "",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:user/",
            "arn:aws:iam::123456789012:role/Deployer",
            "arn:aws:sts::123456789012:assumed-role/Deployer",
            "arn:aws:sts::123456789012:assumed-role/Deployer/",
            "arn:aws:sts::123456789012:assumed-role/Deployer/a/b",
            "arn:aws:sts::12345:assumed-role/Deployer/alice",
            "arn:aws:sts:eu-west-1:123456789012:assumed-role/Deployer/alice",
            "arn:aws:iam::123456789012:assumed-role/Deployer/alice",
            "urn:aws:iam::123456789012:user/alice",
            "alice",
        ] {
            assert_eq!(named(arn), None, "{arn}");
        }
    }
}
