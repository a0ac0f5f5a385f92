//! What is asked from outside besides the address of the app itself: an HTTP script, one request after another.

use crate::field::{List, Method, Whole};
use crate::problem::{Problem, Problems, index_path};
use crate::section::{
    Presence::{Default, Optional, Required},
    section,
};
use crate::text::text;
use crate::url::HealthUrl;
use longshore_core::{Judgement, Millis};
use serde_json::json;

/// The check that `health.url` makes.
pub(crate) const OWN: &str = "health";

/// The most requests of one script.
pub(crate) const CHECKS_MAX: usize = 10;

section! {
    /// One request from outside, and what must be answered.
    pub struct HttpCheck {
        /// The name by which results speak of it: `http:<name>`.
        name: CheckLabel = Required("\"login\""),
        /// The address: https, or http to this machine itself.
        url: HealthUrl = Required("\"https://orders.example.com/login\""),
        /// How it is asked.
        method: Method = Default(json!("GET")),
        /// What is sent, as JSON; needs the method POST. It is no place for a secret.
        body: Option<RequestBody> = Optional,
        /// The HTTP status that must be answered. Redirects are not followed.
        expected_status: Whole<100, 599> = Default(json!(200)),
        /// A text that must be in the answer's body.
        contains: Option<Wanted> = Optional,
        /// How long an answer may take, in milliseconds, with name, connection and TLS; without it 5 seconds.
        latency_ms: Option<Whole<1, 5000>> = Optional,
    }
}

impl HttpCheck {
    /// The status that must be answered.
    #[must_use]
    pub fn status(&self) -> u16 {
        // The type's bound is 599, so that the conversion holds.
        u16::try_from(self.expected_status.get()).unwrap_or(u16::MAX)
    }

    /// How long an answer may take, where that is limited.
    #[must_use]
    pub fn latency_max(&self) -> Option<Millis> {
        self.latency_ms
            .map(|most| Millis::new(u64::from(most.get())))
    }
}

text!(
    /// The own name of a check.
    CheckLabel,
    "1 to 40 lower-case letters, digits and hyphens, not starting with a hyphen; not \"health\", which is health.url",
    |text| {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text == OWN {
            return Err("is the name of the check that health.url makes");
        }
        if (1..=40).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(letter) {
            Ok(())
        } else {
            Err("is not the name of a check")
        }
    },
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$", "not": { "pattern": "^health$" } })
);

text!(
    /// What a request sends.
    RequestBody,
    "JSON in a text of up to 4000 characters, for example \"{\\\"item\\\": 1}\"",
    |text| {
        let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
        if text.len() <= 4000 && is_json { Ok(()) } else { Err("is not JSON, or too long") }
    },
    json!({ "type": "string", "minLength": 1, "maxLength": 4000 })
);

text!(
    /// What an answer must have in it.
    Wanted,
    "1 to 200 printable characters of ASCII",
    |text| {
        let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if (1..=200).contains(&text.len()) && printable { Ok(()) } else { Err("is not such a text") }
    },
    json!({ "type": "string", "pattern": "^[ -~]{1,200}$" })
);

/// The rules that tie the keys of checks together. `others` is how many checks of other kinds there are.
pub(crate) fn check(list: &List<HttpCheck, CHECKS_MAX>, others: usize, problems: &mut Problems) {
    let at = |index| index_path("health.checks", index);
    for (index, check) in list.as_slice().iter().enumerate() {
        let before = list.as_slice().iter().take(index);
        if before.into_iter().any(|other| other.name == check.name) {
            let path = format!("{}.name", at(index));
            problems.push(Problem::new(
                &path,
                "stands twice",
                "give each check its own name",
            ));
        }
        if check.body.is_some() && check.method != Method::Post {
            let path = format!("{}.body", at(index));
            let fix = "write \"method\": \"POST\", or remove it";
            problems.push(Problem::new(
                &path,
                "is never sent without the method POST",
                fix,
            ));
        }
        if check.contains.is_some() && check.method == Method::Head {
            let path = format!("{}.contains", at(index));
            let fix = "write \"method\": \"GET\", or remove it";
            problems.push(Problem::new(
                &path,
                "is never there: HEAD is answered without a body",
                fix,
            ));
        }
    }
    let all = list.as_slice().len().saturating_add(others);
    if all > Judgement::CHECKS_MAX {
        let wrong =
            format!("makes {all} checks of all kinds with those of health.url and analysis");
        let fix = format!("keep the {} that matter most", Judgement::CHECKS_MAX);
        problems.push(Problem::new("health.checks", wrong, fix));
    }
}
