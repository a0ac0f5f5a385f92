//! Slack's signature, version `v0`: HMAC-SHA256 over `v0:`, the time, `:` and the raw bytes, checked before anything is parsed.
//!
//! [`Verified`] is the only way to the parser, and [`verify`] the only way to a [`Verified`]. The time is signed with the body,
//! so what was overheard is worth nothing after [`WINDOW`].

use longshore_core::{Millis, Timestamp};
use longshore_entrance::{Request, Secrets, SignedBy};

/// The name of the header with the signature.
pub const SIGNATURE: &str = "x-slack-signature";

/// The name of the header with the time, in seconds of Unix.
pub const TIMESTAMP: &str = "x-slack-request-timestamp";

/// How far the time of a click may be from ours.
pub const WINDOW: Millis = Millis::from_secs(5 * 60);

/// The bytes of a body whose signature is right.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    body: &'a [u8],
    by: SignedBy,
}

impl<'a> Verified<'a> {
    /// The bytes.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Which secret they were signed with.
    #[must_use]
    pub const fn signed_by(&self) -> SignedBy {
        self.by
    }
}

/// The headers of a signed request, each there exactly once.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    time: &'a str,
    digits: &'a str,
}

impl<'a> Headers<'a> {
    /// The headers of a request; `None` when one is missing, doubled or of another form, or when the time is not now.
    #[must_use]
    pub fn of(request: &'a Request, now: Timestamp) -> Option<Self> {
        let time = request.header(TIMESTAMP)?;
        let digits = request.header(SIGNATURE)?.strip_prefix("v0=")?;
        is_now(time, now).then_some(Self { time, digits })
    }
}

/// Whether a time is one, and within the window around now.
fn is_now(time: &str, now: Timestamp) -> bool {
    let plain = (1..=12).contains(&time.len()) && time.bytes().all(|b| b.is_ascii_digit());
    let seconds = time.parse::<u64>().ok().filter(|_| plain);
    seconds.is_some_and(|seconds| now.as_unix_s().abs_diff(seconds) <= WINDOW.as_secs_ceil())
}

/// Checks a body.
#[must_use]
pub fn verify<'a>(secrets: &Secrets, headers: Headers<'_>, body: &'a [u8]) -> Option<Verified<'a>> {
    let parts = [b"v0:", headers.time.as_bytes(), b":", body];
    let by = secrets.signed(headers.digits, &parts)?;
    Some(Verified { body, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const TIME: &str = "1531420618";
    const DIGITS: &str = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    #[test]
    fn the_documented_example_is_accepted_and_with_another_time_or_body_refused() {
        let secrets = Secrets::parse(SECRET).unwrap();
        let check = |time, body| {
            let digits = DIGITS;
            verify(&secrets, Headers { time, digits }, body).map(|v| v.signed_by())
        };
        assert_eq!(check(TIME, BODY), Some(SignedBy::Current));
        assert_eq!(check("1531420619", BODY), None);
        assert_eq!(check(TIME, BODY.get(1..).unwrap()), None);
    }

    #[test]
    fn a_time_counts_for_five_minutes_on_either_side() {
        let now = Timestamp::from_unix_ms(1_531_420_618_000);
        for (time, counts) in [
            ("1531420618", true),
            ("1531420318", true),
            ("1531420918", true),
            ("1531420317", false),
            ("1531420919", false),
            ("", false),
            ("+1531420618", false),
            ("1531420618 ", false),
            ("1531420618000", false),
            ("99999999999999999999999", false),
        ] {
            assert_eq!(is_now(time, now), counts, "{time}");
        }
    }
}
