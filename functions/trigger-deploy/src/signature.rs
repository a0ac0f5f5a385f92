//! The signature of a webhook: HMAC-SHA256 over the raw bytes, checked in constant time and before anything is parsed.
//!
//! [`Verified`] is the only way to the parser, and [`verify`] the only way to a [`Verified`]: that a body was checked is a
//! fact of its type. Nothing here may print a secret, a body or a header.

pub use longshore_entrance::{NoSecret, Secrets, SignedBy};
use std::fmt;

/// The name of the header that carries the signature.
pub const HEADER: &str = "x-hub-signature";

const PREFIX: &str = "sha256=";

/// The bytes of a body whose signature is right.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    body: &'a [u8],
    by: SignedBy,
}

/// The signature is missing, of another form, or wrong. One case, so that an answer cannot tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is missing or wrong")]
pub struct Unsigned;

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

impl fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({} bytes, by {:?})", self.body.len(), self.by)
    }
}

/// Checks a body against the header `X-Hub-Signature`, which must be exactly `sha256=` and 64 lower-case hexadecimal
/// digits. A header that came twice arrives here as missing or as a list, and both are refused.
///
/// # Errors
/// [`Unsigned`], whatever is wrong.
pub fn verify<'a>(
    secrets: &Secrets,
    header: Option<&str>,
    body: &'a [u8],
) -> Result<Verified<'a>, Unsigned> {
    let digits = header.and_then(|header| header.strip_prefix(PREFIX));
    let by = digits.and_then(|digits| secrets.signed(digits, &[body]));
    by.map(|by| Verified { body, by }).ok_or(Unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the webhook documentation.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello World!";
    const HEADER: &str = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";

    fn secrets(value: &str) -> Secrets {
        Secrets::parse(value).unwrap()
    }

    fn check(secrets: &Secrets, header: Option<&str>, body: &[u8]) -> Result<SignedBy, Unsigned> {
        verify(secrets, header, body).map(|verified| verified.signed_by())
    }

    #[test]
    fn the_documented_vector_is_accepted() {
        assert_eq!(
            check(&secrets(SECRET), Some(HEADER), BODY),
            Ok(SignedBy::Current)
        );
    }

    #[test]
    fn the_previous_secret_counts_while_it_is_there() {
        let both = format!("another secret\n{SECRET}");
        assert_eq!(
            check(&secrets(&both), Some(HEADER), BODY),
            Ok(SignedBy::Previous)
        );
        let both = format!("{SECRET}\nanother secret\n");
        assert_eq!(
            check(&secrets(&both), Some(HEADER), BODY),
            Ok(SignedBy::Current)
        );
        assert_eq!(
            check(&secrets("another secret\na third"), Some(HEADER), BODY),
            Err(Unsigned)
        );
    }

    #[test]
    fn a_missing_doubled_or_odd_header_is_refused() {
        let digits = HEADER.strip_prefix(PREFIX).unwrap();
        for header in [
            String::new(),
            digits.to_owned(),
            format!("sha1={digits}"),
            format!("SHA256={digits}"),
            format!("sha256={}", digits.to_uppercase()),
            format!("{HEADER}, {HEADER}"),
            format!("{HEADER},{HEADER}"),
            format!(" {HEADER}"),
            format!("{HEADER} "),
            format!("{HEADER}00"),
            HEADER.replace('a', "g"),
            HEADER.get(..70).unwrap().to_owned(),
            "sha256=".to_owned(),
            format!("sha256={}", "é".repeat(32)),
        ] {
            assert_eq!(
                check(&secrets(SECRET), Some(&header), BODY),
                Err(Unsigned),
                "{header}"
            );
        }
        assert_eq!(check(&secrets(SECRET), None, BODY), Err(Unsigned));
    }

    #[test]
    fn every_flipped_bit_of_the_signature_or_the_body_is_refused() {
        for bit in 0..HEADER.len() * 8 {
            let mut bytes = HEADER.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // What is not UTF-8 never gets as far as this: headers come as JSON strings.
            if let Ok(header) = std::str::from_utf8(&bytes) {
                assert_eq!(
                    check(&secrets(SECRET), Some(header), BODY),
                    Err(Unsigned),
                    "bit {bit}"
                );
            }
        }
        for bit in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                check(&secrets(SECRET), Some(HEADER), &body),
                Err(Unsigned),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn secrets_and_bodies_are_never_shown() {
        let secrets = secrets(&format!("{SECRET}\nthe one before"));
        let verified = verify(&secrets, Some(HEADER), BODY).unwrap();
        let shown = format!("{secrets:?} {verified:?}");
        assert_eq!(shown, "Secrets(not shown) Verified(12 bytes, by Current)");
    }
}
