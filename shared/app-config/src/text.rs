//! Texts with a form: names, paths and branches. What is accepted here is safe to show and to hand on (invariant I7).

use crate::field::{Field, kind_of};
use crate::problem::{Problem, Problems};
use longshore_core::{AppName, ChannelName, Person, SlackChannel};
use serde_json::{Value, json};

/// Reads a text through `parse`, whose error says what is wrong with it; `form` says what is wanted.
pub(crate) fn read_text<T>(
    value: &Value,
    at: &str,
    form: &str,
    problems: &mut Problems,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let wrong = match value.as_str().map(parse) {
        Some(Ok(text)) => return Some(text),
        Some(Err(wrong)) => wrong.to_owned(),
        None => format!("is {}", kind_of(value)),
    };
    problems.push(Problem::new(at, wrong, format!("write {form}")));
    None
}

/// Declares a newtype over a text that `check` accepts.
macro_rules! text {
    ($(#[$about:meta])* $name:ident, $form:expr, $check:expr, $schema:expr) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $crate::field::Field for $name {
            fn read(
                value: &serde_json::Value,
                at: &str,
                problems: &mut $crate::problem::Problems,
            ) -> Option<Self> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                $crate::text::read_text(value, at, $form, problems, |text| {
                    check(text).map(|()| Self(text.to_owned()))
                })
            }

            fn schema() -> serde_json::Value {
                $schema
            }
        }
    };
}
pub(crate) use text;

const NAME_FORM: &str =
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen";
const NAME_PATTERN: &str = "^[a-z0-9][a-z0-9-]{0,62}$";

impl Field for AppName {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        read_text(value, at, NAME_FORM, problems, |text| {
            Self::parse(text).map_err(|_| "is not an app name")
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": NAME_PATTERN })
    }
}

impl Field for Person {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let form = "1 to 64 letters, digits and ` ._:@{}-`";
        read_text(value, at, form, problems, |text| {
            Self::parse(text).map_err(|_| "is not a person's name")
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9 ._:@{}-]{1,64}$" })
    }
}

text!(
    /// An account of Bitbucket, by its UUID: nicknames can be changed, and two people can have the same.
    BitbucketAccount,
    "the account's UUID in braces, in lower case",
    |text| {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let groups = inner.unwrap_or_default().split('-').map(|group| {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if group.bytes().all(hex) { group.len() } else { 0 }
        });
        if groups.eq([8, 4, 4, 4, 12]) { Ok(()) } else { Err("is not an account's UUID") }
    },
    json!({
        "type": "string",
        "pattern": "^\\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\}$"
    })
);

text!(
    /// A user of Slack, by the id.
    SlackUser,
    "the member id that Slack shows in a profile: U or W, then capital letters and digits",
    |text| {
        let rest = text.strip_prefix(['U', 'W']).unwrap_or_default();
        let valid = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        if (2..=20).contains(&rest.len()) && rest.bytes().all(valid) { Ok(()) } else { Err("is not a member id") }
    },
    json!({ "type": "string", "pattern": "^[UW][A-Z0-9]{2,20}$" })
);

/// The name of a channel.
pub(crate) fn channel_name(
    value: &Value,
    at: &str,
    problems: &mut Problems,
) -> Option<ChannelName> {
    read_text(value, at, NAME_FORM, problems, |text| {
        ChannelName::parse(text).map_err(|_| "is not a channel name")
    })
}

/// What a name of a channel looks like.
pub(crate) fn name_schema() -> Value {
    json!({ "type": "string", "pattern": NAME_PATTERN })
}

impl Field for SlackChannel {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let form = "the id that Slack shows at the end of the channel's details: C or G, then capital letters and digits";
        read_text(value, at, form, problems, |text| {
            Self::parse(text).map_err(|_| "is not the id of a channel")
        })
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[CG][A-Z0-9]{2,20}$" })
    }
}

text!(
    /// A branch, by its name without `refs/heads/`.
    Branch,
    "the branch's name as git shows it, 1 to 255 characters, for example \"main\"",
    check_branch,
    json!({
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": r"^[^\u0000-\u0020\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff~^:?*\[\\]+$",
        "not": { "pattern": r"\.\.|//|@\{|(^|/)\.|\.lock(/|$)|^[/-]|[/.]$|^@$|^refs/" }
    })
);

/// Characters that cannot be seen, or that turn the direction of what follows.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\0'..=' ' | '\u{7f}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The rules of `git check-ref-format --branch`, and no invisible characters.
fn check_branch(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.chars().count() > 255 {
        return Err("is empty or too long");
    }
    if text.starts_with("refs/") {
        return Err("begins with refs/");
    }
    if text
        .chars()
        .any(|c| is_invisible(c) || r"~^:?*[\".contains(c))
    {
        return Err(r"has a space, an invisible character or one of ~^:?*[\");
    }
    if text.contains("..") || text.contains("@{") || text == "@" {
        return Err("has .. or @{, or is @");
    }
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none()
    };
    if !text.split('/').all(part) || text.ends_with('.') || text.starts_with('-') {
        return Err(
            "has a part between slashes that is empty, begins with a dot or ends with .lock, \
            or ends with a dot, or begins with a hyphen",
        );
    }
    Ok(())
}

text!(
    /// The path that a health check asks for.
    RequestPath,
    "a path of up to 256 printable characters without spaces and #, beginning with /, for example \"/health\"",
    |text| {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        if text.starts_with('/') && text.len() <= 256 && printable {
            Ok(())
        } else {
            Err("is not a path")
        }
    },
    json!({ "type": "string", "pattern": r#"^/[!"$-~]{0,255}$"# })
);

text!(
    /// The app's start script inside the release.
    ScriptPath,
    "a path inside the repository of up to 200 letters, digits and _.-/, for example \"dist/server.js\"",
    check_script,
    json!({
        "type": "string",
        "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$",
        "not": { "pattern": r"(^|/)\.\.?(/|$)|//|/$" }
    })
);

fn check_script(text: &str) -> Result<(), &'static str> {
    if text.starts_with('/') {
        return Err("begins with a slash, and the release's folder is not known beforehand");
    }
    if text.split('/').any(|part| part == "." || part == "..") {
        return Err("has a part that is . or ..");
    }
    let first = text.bytes().next();
    let begins = first.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"_./-".contains(&b);
    let parts = text.split('/').all(|part| !part.is_empty());
    if begins && parts && text.len() <= 200 && text.bytes().all(letters) {
        Ok(())
    } else {
        Err("is not a path of a script")
    }
}

text!(
    /// A script of the app's `package.json`, by its name.
    HookName,
    "the name of a script in package.json: 1 to 64 lower-case letters, digits and :_-, for example \"build\"",
    |text| {
        let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let begins = text.bytes().next().is_some_and(lower);
        if begins && text.len() <= 64 && text.bytes().all(|b| lower(b) || b":_-".contains(&b)) {
            Ok(())
        } else {
            Err("is not the name of a script")
        }
    },
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9:_-]{0,63}$" })
);

text!(
    /// A package of npm, by its name without a version.
    PackageName,
    "the name of a package without a version: lower-case letters, digits and ._-, each part 100 at most, for example \"better-sqlite3\"",
    |text| {
        let name = match text.strip_prefix('@') {
            Some(scoped) => scoped.split_once('/').filter(|(scope, _)| is_package_part(scope)),
            None => Some(("", text)),
        };
        if name.is_some_and(|(_, name)| is_package_part(name)) {
            Ok(())
        } else {
            Err("is not the name of a package")
        }
    },
    json!({
        "type": "string",
        "pattern": "^(@[a-z0-9][a-z0-9._-]{0,99}/)?[a-z0-9][a-z0-9._-]{0,99}$"
    })
);

/// One side of the slash in a package's name.
fn is_package_part(text: &str) -> bool {
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let begins = text.bytes().next().is_some_and(lower);
    begins && text.len() <= 100 && text.bytes().all(|b| lower(b) || b"._-".contains(&b))
}

text!(
    /// A target group of a load balancer, by its ARN.
    TargetGroup,
    "the target group's ARN, for example \
        \"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/0123456789abcdef\"",
    check_target_group,
    json!({
        "type": "string",
        "pattern": "^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}$"
    })
);

/// The host hands it to the AWS CLI, so nothing but an ARN of exactly this form may pass.
fn check_target_group(text: &str) -> Result<(), &'static str> {
    let wrong = Err("is not the ARN of a target group");
    let parts: Vec<&str> = text.split(':').collect();
    let [
        "arn",
        partition,
        "elasticloadbalancing",
        region,
        account,
        resource,
    ] = parts.as_slice()
    else {
        return wrong;
    };
    let Some((name, id)) = resource
        .strip_prefix("targetgroup/")
        .and_then(|rest| rest.split_once('/'))
    else {
        return wrong;
    };
    let is = |text: &str, accepts: fn(u8) -> bool| text.bytes().all(accepts);
    let right = partition
        .strip_prefix("aws")
        .is_some_and(|rest| is(rest, |b| b.is_ascii_lowercase() || b == b'-'))
        && !region.is_empty()
        && is(region, |b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
        })
        && account.len() == 12
        && is(account, |b| b.is_ascii_digit())
        && (1..=32).contains(&name.len())
        && is(name, |b| b.is_ascii_alphanumeric() || b == b'-')
        && id.len() == 16
        && is(id, |b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if right { Ok(()) } else { wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text is read, or refused, as told; and the schema accepts whatever is read.
    fn check<T: Field>(good: &[&str], bad: &[&str]) {
        let schema = T::schema();
        let pattern = regex::Regex::new(schema["pattern"].as_str().unwrap()).unwrap();
        let not = schema["not"]["pattern"]
            .as_str()
            .map(|p| regex::Regex::new(p).unwrap());
        for (texts, expected) in [(good, true), (bad, false)] {
            for text in texts {
                let mut problems = Problems::default();
                let read = T::read(&json!(text), "key", &mut problems);
                assert_eq!(read.is_some(), expected, "{text:?} {problems:?}");
                assert_eq!(problems.is_empty(), expected, "{text:?}");
                let allowed = pattern.is_match(text)
                    && !not.as_ref().is_some_and(|not| not.is_match(text))
                    && text.chars().count() <= 255;
                assert_eq!(allowed, expected, "the schema on {text:?}");
            }
        }
    }

    #[test]
    fn a_branch_is_what_git_accepts() {
        check::<Branch>(
            &[
                "main",
                "feature/a-b_c",
                "release-1.2",
                "ünï",
                "a@b",
                "x.locked",
                "v1{2}",
            ],
            &[
                "",
                " ",
                "a b",
                "a~1",
                "a^",
                "a:b",
                "a?",
                "a*",
                "a[b",
                "a\\b",
                "a..b",
                "a@{1}",
                "/a",
                "a/",
                "a//b",
                ".a",
                "a/.b",
                "a.lock",
                "a.lock/b",
                "a.",
                "@",
                "-a",
                "a\u{7}",
                "a\u{202e}b",
                "refs/heads/main",
            ],
        );
        check::<Branch>(&[&"é".repeat(255)], &[&"é".repeat(256)]);
    }

    #[test]
    fn a_script_stays_inside_the_release() {
        check::<ScriptPath>(
            &["server.js", "dist/server.js", "a/..b/c.mjs", "_x"],
            &[
                "",
                "/srv/x.js",
                "../x.js",
                "a/../x.js",
                "./x.js",
                "a/./b",
                "a//b",
                "a/",
                "a b",
                "-r",
                ".hidden",
                "$(id)",
                "a\nb",
                "..",
            ],
        );
    }

    #[test]
    fn a_request_path_is_absolute_and_printable() {
        check::<RequestPath>(
            &["/", "/health", "/health?deep=1&x=%20"],
            &["", "health", "/a b", "/a#b", "/a\n", "/ä", "//x y"],
        );
    }

    #[test]
    fn a_target_group_is_its_whole_arn() {
        let arn =
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a-1/0123456789abcdef";
        let bad = [
            "orders".to_owned(),
            String::new(),
            format!("{arn}0"),
            format!("{arn} --debug"),
            arn.replace("aws:", "other:"),
            arn.replace("eu-west-1", ""),
            arn.replace("123456789012", "12345678901"),
            arn.replace("targetgroup", "loadbalancer/app"),
            arn.replace("/a-1/", "/$(id)/"),
            arn.replace("abcdef", "ABCDEF"),
        ];
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check::<TargetGroup>(&[arn, &arn.replace("aws:", "aws-us-gov:")], &bad);
    }

    #[test]
    fn a_hook_is_the_name_of_a_script_and_nothing_more() {
        check::<HookName>(
            &["build", "db:migrate", "a-b_c", "0"],
            &["", "-rf", "Build", "npm run build", "a;b", ":x", "a&&b"],
        );
    }

    #[test]
    fn a_package_is_a_name_and_never_a_path_a_version_or_an_option() {
        check::<PackageName>(
            &["bcrypt", "better-sqlite3", "@img/sharp-linux", "a.b_c", "0"],
            &[
                "", "-g", "../x", "@x", "@x/", "@/x", "a/b", "a@1", "A", "a b", "a;b", ".bin",
            ],
        );
    }

    #[test]
    fn a_person_elsewhere_is_an_account_that_cannot_be_taken_over_by_a_name() {
        check::<BitbucketAccount>(
            &["{00000000-0000-4000-8000-00000000000a}"],
            &[
                "",
                "ada",
                "{}",
                "00000000-0000-4000-8000-00000000000a",
                "{00000000-0000-4000-8000-00000000000A}",
                "{00000000-0000-4000-800000000000000a}",
            ],
        );
        check::<SlackUser>(
            &["U012AB3CD", "W0A"],
            &["", "U", "u012ab3cd", "@ada", "T012AB3CD"],
        );
        check::<Person>(&["ada@example.com", "Ada L."], &["", "a\nb", "<b>"]);
    }

    #[test]
    fn names_are_those_of_the_core() {
        let good = ["orders", "a-1", "1"];
        let bad = [
            "",
            "-a",
            "Orders",
            "a.b",
            "a_b",
            "https://hooks.slack.com/x",
        ];
        check::<AppName>(&good, &bad);
        check::<ChannelName>(&good, &bad);
    }

    #[test]
    fn a_webhook_url_among_the_channels_is_called_a_secret_and_not_repeated() {
        let mut problems = Problems::default();
        let url = json!("https://hooks.slack.com/services/T0/B0/abcdefgh");
        assert!(ChannelName::read(&url, "notifications.slack[0]", &mut problems).is_none());
        let text = problems.found()[0].to_string();
        assert!(
            text.contains("secret") && !text.contains("abcdefgh"),
            "{text}"
        );
    }
}
