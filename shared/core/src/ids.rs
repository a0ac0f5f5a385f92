//! Names and identifiers. Each is parsed once, at the edge; a value of these types is valid by construction, so nothing
//! that came from a payload reaches a command, a key or a log unvalidated (invariant I7).

use std::fmt;

/// A text was refused as an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected {expected}")]
pub struct InvalidId {
    /// Which identifier was expected, in the words of the product.
    pub kind: &'static str,
    /// The accepted form, for a person.
    pub expected: &'static str,
}

/// Declares a newtype over a validated string.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            /// [`InvalidId`] when the text has another form; the text itself is not repeated, as it may be hostile.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { kind: $kind, expected: $expected })
                }
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Lower-case letters, digits and hyphens, starting with a letter or digit.
fn is_kebab(text: &str, max: usize) -> bool {
    !text.is_empty()
        && text.len() <= max
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// One half of a repository name, as Bitbucket builds its slugs.
fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 62
        && text != "."
        && text != ".."
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.-".contains(&b))
}

fn is_ulid(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&b))
        && text.bytes().next().is_some_and(|b| b <= b'7')
}

fn is_host(text: &str) -> bool {
    text.strip_prefix("mi-")
        .or_else(|| text.strip_prefix("i-"))
        .is_some_and(|hex| (8..=17).contains(&hex.len()) && is_lower_hex(hex))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_parameter(text: &str) -> bool {
    text.len() <= 64
        && text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_person(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" ._:@{}-".contains(&b))
}

text_id!(
    /// One attempt to move an app to a release: a ULID, so that ids sort by their time.
    DeploymentId, "deployment id", "a ULID of 26 characters", is_ulid
);
text_id!(
    /// An app: one Bitbucket repository that is deployed.
    AppName,
    "app name",
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen",
    |t| is_kebab(t, 63)
);
text_id!(
    /// An environment: one stack of the template.
    EnvironmentName,
    "environment name",
    "1 to 32 lower-case letters, digits and hyphens, starting with a letter",
    |t| is_kebab(t, 32) && t.starts_with(|c: char| c.is_ascii_lowercase())
);
text_id!(
    /// A commit: 40 lower-case hexadecimal digits, never an abbreviation.
    Commit, "commit", "40 lower-case hexadecimal digits", |t| t.len() == 40 && is_lower_hex(t)
);
text_id!(
    /// The version that S3 gave an object. Documented as opaque (S3 user guide, versioning); 32 letters, digits, dots and
    /// underscores in practice. An object of a bucket without versions has the version `null`, which names nothing.
    ObjectVersion,
    "object version",
    "1 to 128 letters, digits, dots, underscores and hyphens, and not null",
    |t| t != "null"
        && (1..=128).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
);
text_id!(
    /// The SHA-256 of some bytes.
    Sha256Digest, "SHA-256", "64 lower-case hexadecimal digits", |t| t.len() == 64 && is_lower_hex(t)
);
text_id!(
    /// A host: one EC2 instance (`i-…`) or managed node (`mi-…`).
    HostId, "host id", "i- or mi- and 8 to 17 hexadecimal digits", is_host
);
text_id!(
    /// The id that SSM gave to a command.
    CommandId, "command id", "a UUID", is_uuid
);
text_id!(
    /// The name of one parameter of an app; it becomes an environment variable of the app.
    ParameterName,
    "parameter name",
    "a letter or underscore, then letters, digits and underscores, 64 at most",
    is_parameter
);
text_id!(
    /// The name of a Slack channel's webhook among the environment's control parameters.
    ChannelName,
    "channel name",
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen",
    |t| is_kebab(t, 63)
);
text_id!(
    /// A Slack channel, by the id that Slack shows in the channel's details: names change, ids do not.
    SlackChannel, "Slack channel", "the id: C or G, then 2 to 20 capital letters and digits", |t| {
        let rest = t.strip_prefix(['C', 'G']).unwrap_or_default();
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        (2..=20).contains(&rest.len()) && rest.bytes().all(plain)
    }
);
text_id!(
    /// What Slack calls a message within its channel: the `ts` of its answer (Slack API reference, `chat.postMessage`).
    MessageTs, "time stamp of a Slack message", "digits, a point and digits, 30 at most", |t| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        t.len() <= 30 && t.split_once('.').is_some_and(|(s, n)| digits(s) && digits(n))
    }
);
text_id!(
    /// The name of a check, such as `alarm:orders-5xx`: what it is, a colon, and its own name.
    CheckName, "check name", "1 to 300 printable characters of ASCII without a space", |t| {
        (1..=300).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_graphic())
    }
);
text_id!(
    /// Who asked for something, as far as it can be shown safely.
    Person, "person", "1 to 64 letters, digits and ` ._:@{}-`", is_person
);
text_id!(
    /// What a deployment would do, as people say yes to it: 32 hexadecimal digits of a SHA-256.
    PlanDigest, "plan", "32 lower-case hexadecimal digits", |t| t.len() == 32 && is_lower_hex(t)
);
text_id!(
    /// A release as a folder and a header name it: commit, hyphen, 12 hexadecimal digits of its configuration.
    ReleaseId,
    "release id",
    "a commit, a hyphen and 12 hexadecimal digits",
    |t| t
        .split_once('-')
        .is_some_and(|(c, d)| c.len() == 40 && d.len() == 12 && is_lower_hex(c) && is_lower_hex(d))
);

impl Commit {
    /// The first twelve digits, for messages.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl PlanDigest {
    /// The digest with these digits, which are known to be 32.
    pub(crate) const fn from_digits(digits: String) -> Self {
        Self(digits)
    }

    /// The first twelve digits, for messages.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl ReleaseId {
    /// The id of a commit with a configuration digest of 12 lower-case hexadecimal digits.
    pub(crate) fn of(commit: &Commit, digest: &str) -> Self {
        Self(format!("{commit}-{digest}"))
    }
}

/// A repository: the workspace's and the repository's slug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(String);

impl Repository {
    /// Parses `workspace/repository`.
    ///
    /// # Errors
    /// [`InvalidId`] when either half is not a slug as Bitbucket makes them.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let halves = text.split_once('/');
        match halves {
            Some((workspace, slug)) if is_slug(workspace) && is_slug(slug) => {
                let first = workspace.bytes().next();
                if first.is_some_and(|b| b.is_ascii_alphanumeric()) {
                    return Ok(Self(text.to_owned()));
                }
                Err(Self::invalid())
            }
            _ => Err(Self::invalid()),
        }
    }

    const fn invalid() -> InvalidId {
        InvalidId {
            kind: "repository",
            expected: "workspace/repository, both slugs of lower-case letters, digits and `_.-`",
        }
    }

    /// `workspace/repository`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The repository's slug without the workspace.
    #[must_use]
    pub fn slug(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, slug)| slug)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Grows with every deployment and every rollback of an app in an environment; a host refuses an older one than it has
/// seen (invariant I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    /// The largest generation that a command's parameter can carry (15 digits).
    pub const MAX: Self = Self(999_999_999_999_999);

    /// A generation from its number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_never_an_identifier() {
        for text in [
            "",
            " ",
            "a b",
            "$(id)",
            "{{ssm:/x}}",
            "../..",
            "a\nb",
            "\u{202e}abc",
            "-rf",
            "a'b",
        ] {
            assert!(AppName::parse(text).is_err(), "{text:?}");
            assert!(Commit::parse(text).is_err(), "{text:?}");
            assert!(Repository::parse(text).is_err(), "{text:?}");
            assert!(ParameterName::parse(text).is_err(), "{text:?}");
            assert!(DeploymentId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_repository_has_two_halves_and_no_way_out_of_its_folder() {
        for (text, valid) in [
            ("acme/orders", true),
            ("acme/orders.js", true),
            ("acme/..", false),
            ("../acme", false),
            ("acme/or/ders", false),
            ("acme/", false),
            ("Acme/orders", false),
        ] {
            assert_eq!(Repository::parse(text).is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn an_abbreviated_commit_is_refused() {
        assert!(Commit::parse("0123456789ab").is_err());
        assert!(Commit::parse(&"a".repeat(40)).is_ok());
    }

    #[test]
    fn hosts_are_instances_or_managed_nodes() {
        for (text, valid) in [
            ("i-0123456789abcdef0", true),
            ("mi-0123456789abcdef0", true),
            ("i-abcd1111", true),
            ("i-xyz", false),
            ("x-0123456789abcdef0", false),
        ] {
            assert_eq!(HostId::parse(text).is_ok(), valid, "{text}");
        }
    }
}
