//! A signature: HMAC-SHA256 with a secret of which there may be two, checked in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Which secret something was signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// The secret in force.
    Current,
    /// The one before it. Worth counting: it must be gone when the change of the secret is over.
    Previous,
}

/// There is no secret to check against. Nothing may be accepted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret must be one line, or two: the current one and the previous one")]
pub struct NoSecret;

/// The secrets of a sender. It knows one at a time, so while it is changed both the old and the new one count.
#[derive(Clone)]
pub struct Secrets {
    current: String,
    previous: Option<String>,
}

impl Secrets {
    /// Reads the value of the secret parameter: the current secret on the first line, and on the second, while the secret
    /// is being changed, the previous one.
    ///
    /// # Errors
    /// [`NoSecret`] for an empty line and for a third one: an empty secret would let everybody sign.
    pub fn parse(value: &str) -> Result<Self, NoSecret> {
        let mut lines = value.lines();
        let current = lines.next().unwrap_or_default();
        let previous = lines.next();
        if current.is_empty() || previous.is_some_and(str::is_empty) || lines.next().is_some() {
            return Err(NoSecret);
        }
        Ok(Self {
            current: current.to_owned(),
            previous: previous.map(str::to_owned),
        })
    }

    /// Which of them has signed these parts, one after the other; the signature is 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn signed(&self, digits: &str, parts: &[&[u8]]) -> Option<SignedBy> {
        let signature = digest(digits)?;
        if is_signed(&self.current, &signature, parts) {
            return Some(SignedBy::Current);
        }
        let previous = self.previous.as_ref();
        previous
            .is_some_and(|previous| is_signed(previous, &signature, parts))
            .then_some(SignedBy::Previous)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(not shown)")
    }
}

fn is_signed(secret: &str, signature: &[u8; 32], parts: &[&[u8]]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

/// The 32 bytes of 64 lower-case hexadecimal digits.
fn digest(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0_u8; 32];
    let (pairs, _) = digits.as_bytes().as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_signed_as_what_they_are_together() {
        let secrets = Secrets::parse("It's a Secret to Everybody").unwrap();
        let digits = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        for parts in [
            &[b"Hello World!".as_slice()] as &[&[u8]],
            &[b"Hello ", b"", b"World!"],
        ] {
            assert_eq!(secrets.signed(digits, parts), Some(SignedBy::Current));
        }
        assert_eq!(secrets.signed(digits, &[b"Hello World"]), None);
    }

    #[test]
    fn there_is_no_empty_secret() {
        for value in ["", "\n", "\nold", "new\n\n", "a\nb\nc"] {
            assert_eq!(Secrets::parse(value).unwrap_err(), NoSecret, "{value:?}");
        }
    }
}
