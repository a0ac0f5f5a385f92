//! `SigV4` for the few calls that the stand-in makes itself, so that they also pass where `MiniStack` checks signatures.
//!
//! Callers' requests are never signed again: they are passed on as they came.

use sha2::{Digest, Sha256};

use crate::clock;
use crate::documents::sha256_hex;

/// The block size of SHA-256, which HMAC pads its key to.
const BLOCK_BYTES: usize = 64;

/// Who signs, and for where.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) region: String,
}

impl Signer {
    /// The two headers of a signed `POST /`: the time and the authorization.
    pub(crate) fn sign(
        &self,
        service: &str,
        host: &str,
        body: &[u8],
        at_ms: i64,
    ) -> (String, String) {
        let time = clock::signing_time(at_ms);
        let date = time.split('T').next().unwrap_or_default();
        let scope = format!("{date}/{}/{service}/aws4_request", self.region);
        let payload = sha256_hex(body);
        let canonical =
            format!("POST\n/\n\nhost:{host}\nx-amz-date:{time}\n\nhost;x-amz-date\n{payload}");
        let hashed = sha256_hex(canonical.as_bytes());
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}");
        let signature = hex(&hmac(&self.key(date, service), to_sign.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}",
            self.access_key
        );
        (time, authorization)
    }

    fn key(&self, date: &str, service: &str) -> [u8; 32] {
        let secret = format!("AWS4{}", self.secret_key);
        [date, &self.region, service, "aws4_request"]
            .iter()
            .fold(None, |key: Option<[u8; 32]>, part| {
                Some(match key {
                    Some(key) => hmac(&key, part.as_bytes()),
                    None => hmac(secret.as_bytes(), part.as_bytes()),
                })
            })
            .unwrap_or_default()
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let hashed: [u8; 32];
    let key = if key.len() > BLOCK_BYTES {
        hashed = Sha256::digest(key).into();
        hashed.as_slice()
    } else {
        key
    };
    let padded = |pad: u8| {
        let mut block = [pad; BLOCK_BYTES];
        for (byte, key_byte) in block.iter_mut().zip(key) {
            *byte ^= key_byte;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_is_that_of_rfc_4231() {
        assert_eq!(
            hex(&hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn the_signature_is_that_of_the_published_test_suite() {
        let signer = Signer {
            access_key: String::from("AKIDEXAMPLE"),
            secret_key: String::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            region: String::from("us-east-1"),
        };
        let (time, authorization) =
            signer.sign("service", "example.amazonaws.com", b"", 1_440_938_160_000);
        assert_eq!(time, "20150830T123600Z");
        assert!(
            authorization
                .ends_with("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            "{authorization}"
        );
    }
}
