//! A person of the console: what API Gateway tells of a token that it has checked (issuer, signature, audience, times), and which
//! roles the person's groups give.
//!
//! Everything fails closed. Without the console's settings nobody comes in this way. A person is exactly what the claim says:
//! no letter is replaced, as two people could become one. A group that is not configured gives nothing. A mail address counts
//! only when the issuer says that it has verified it.

use crate::request::Jwt;
use longshore_contract::Role;
use longshore_core::Person;
use longshore_shell::config::ConsoleAccess;
use std::collections::BTreeSet;

/// The claim that is only as good as the issuer's proof of it.
const EMAIL: &str = "email";

/// Who a token is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The issuer, a space, and its subject.
    pub principal: String,
    /// The person.
    pub person: Person,
    /// What the person's groups give; whoever has any role may look.
    pub roles: BTreeSet<Role>,
}

/// The person of a token, if it says who that is in the way that this environment asks for.
#[must_use]
pub fn known(access: &ConsoleAccess, jwt: &Jwt) -> Option<Known> {
    let (issuer, subject) = (jwt.claim("iss")?, jwt.claim("sub")?);
    if issuer != access.issuer || subject.is_empty() {
        return None;
    }
    let name = jwt.claim(&access.person_claim)?;
    let is_verified = jwt.claim("email_verified") == Some("true");
    if access.person_claim == EMAIL && !is_verified {
        return None;
    }
    Some(Known {
        principal: format!("{issuer} {subject}"),
        person: Person::parse(name).ok()?,
        roles: roles(access, jwt.claim(&access.groups_claim).unwrap_or_default()),
    })
}

/// The roles of these groups. Whoever may act may look.
fn roles(access: &ConsoleAccess, claim: &str) -> BTreeSet<Role> {
    let groups: BTreeSet<&str> = groups(claim).collect();
    let group_of = |role: Role| match role {
        Role::Reader => &access.groups.reader,
        Role::Deployer => &access.groups.deployer,
        Role::Approver => &access.groups.approver,
        Role::Admin => &access.groups.admin,
    };
    let given = Role::ALL
        .into_iter()
        .filter(|role| groups.contains(group_of(*role).as_str()));
    let mut roles: BTreeSet<Role> = given.collect();
    if !roles.is_empty() {
        roles.insert(Role::Reader);
    }
    roles
}

/// The groups in a claim. API Gateway makes `[a b]` of a list; a single group may come as it is.
fn groups(claim: &str) -> impl Iterator<Item = &str> {
    let list = claim
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    list.unwrap_or(claim)
        .split([' ', ','])
        .filter(|group| !group.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use longshore_shell::config::ConsoleGroups;
    use serde_json::{Value, json};

    fn access(person_claim: &str) -> ConsoleAccess {
        ConsoleAccess {
            issuer: "https://id.example.com".to_owned(),
            person_claim: person_claim.to_owned(),
            groups_claim: "groups".to_owned(),
            groups: ConsoleGroups {
                reader: "ops-reader".to_owned(),
                deployer: "ops-deployer".to_owned(),
                approver: "ops-approver".to_owned(),
                admin: "ops-admin".to_owned(),
            },
        }
    }

    fn of(person_claim: &str, claims: &Value) -> Option<Known> {
        let jwt: Jwt = serde_json::from_value(json!({ "claims": claims })).unwrap();
        known(&access(person_claim), &jwt)
    }

    fn words(claim: &str) -> Vec<&'static str> {
        let roles = roles(&access("sub"), claim);
        roles.into_iter().map(Role::word).collect()
    }

    #[test]
    fn groups_that_are_configured_give_roles_and_no_other_does() {
        for (claim, expected) in [
            ("[ops-reader]", vec!["reader"]),
            ("ops-deployer", vec!["reader", "deployer"]),
            (
                "[all ops-approver ops-deployer]",
                vec!["reader", "deployer", "approver"],
            ),
            ("[ops-admin]", vec!["reader", "admin"]),
            ("[all staff]", vec![]),
            ("[]", vec![]),
            ("", vec![]),
            ("[ops-admins xops-admin OPS-ADMIN ops-admin-]", vec![]),
            ("[ops admin]", vec![]),
        ] {
            assert_eq!(words(claim), expected, "{claim}");
        }
    }

    #[test]
    fn a_person_is_exactly_what_the_claim_says() {
        let claims = |email: &str, verified: &str| {
            json!({ "iss": "https://id.example.com", "sub": "7", "email": email,
                "email_verified": verified, "groups": "[ops-reader]" })
        };
        let alice = of("email", &claims("alice@example.com", "true")).unwrap();
        assert_eq!(alice.person.as_str(), "alice@example.com");
        assert_eq!(alice.principal, "https://id.example.com 7");
        assert_eq!(of("email", &claims("alice@example.com", "false")), None);
        assert_eq!(of("email", &claims("ali+ce@example.com", "true")), None);
        assert_eq!(of("email", &claims("", "true")), None);
        assert_eq!(of("upn", &claims("alice@example.com", "true")), None);
        let by_subject = of("sub", &claims("alice@example.com", "false")).unwrap();
        assert_eq!(by_subject.person.as_str(), "7");
    }

    #[test]
    fn another_issuer_and_a_claim_that_is_no_text_are_nobody() {
        let good = json!({ "iss": "https://id.example.com", "sub": "7" });
        assert!(of("sub", &good).is_some_and(|known| known.roles.is_empty()));
        for wrong in [
            json!({ "iss": "https://id.example.com.evil.example", "sub": "7" }),
            json!({ "iss": "https://id.example.com", "sub": 7 }),
            json!({ "iss": "https://id.example.com", "sub": "" }),
            json!({ "sub": "7" }),
            json!({}),
        ] {
            assert_eq!(of("sub", &wrong), None, "{wrong}");
        }
    }
}
