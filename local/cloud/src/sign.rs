//! Signs a request with AWS Signature Version 4, because the emulator checks every signature once it enforces IAM.
//!
//! It signs as the deploying key, whose secret is public by design, or with a key that the emulator has made; it must never be
//! given a real credential.

use anyhow::Result;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A key of the emulator.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
}

/// The deploying key of the emulator, which is root there.
pub const ACCESS_KEY: &str = "test";
/// The same with its secret.
pub const DEPLOYING: Key<'static> = Key {
    id: ACCESS_KEY,
    secret: ACCESS_KEY,
};
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What S3 takes in the place of a body's hash.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// What of a request goes into its signature.
#[derive(Debug)]
pub struct ToSign<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, of unreserved characters and slashes only.
    pub path: &'a str,
    /// The query, encoded and in order; empty for none.
    pub query: &'a str,
    /// The value of the `host` header.
    pub host: &'a str,
    /// The service in the credential's scope.
    pub service: &'a str,
    /// The region in the credential's scope.
    pub region: &'a str,
    /// The time of the request as `YYYYMMDDTHHMMSSZ`.
    pub amz_date: &'a str,
    /// The hash of the body in hex, or [`UNSIGNED_PAYLOAD`].
    pub payload: &'a str,
}

/// The value of the `authorization` header.
///
/// # Errors
/// Never in practice: HMAC takes a key of any length.
pub fn authorization(request: &ToSign<'_>, signer: &Key<'_>) -> Result<String> {
    let date = request.amz_date.get(..8).unwrap_or_default();
    let scope = format!("{date}/{}/{}/aws4_request", request.region, request.service);
    let (headers, names) = canonical_headers(request);
    let canonical = [
        request.method,
        request.path,
        request.query,
        &headers,
        names,
        request.payload,
    ]
    .join("\n");
    let text = [
        ALGORITHM,
        request.amz_date,
        &scope,
        &hex_hash(canonical.as_bytes()),
    ]
    .join("\n");
    let mut key = format!("AWS4{}", signer.secret).into_bytes();
    for part in [date, request.region, request.service, "aws4_request"] {
        key = hmac(&key, part.as_bytes())?;
    }
    let signature = hex(&hmac(&key, text.as_bytes())?);
    Ok(format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        signer.id
    ))
}

/// SHA-256 in hex.
#[must_use]
pub fn hex_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// HMAC-SHA256.
///
/// # Errors
/// Never in practice: HMAC takes a key of any length.
pub fn hmac(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(bytes);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

fn canonical_headers(request: &ToSign<'_>) -> (String, &'static str) {
    if request.service == "s3" {
        let headers = format!(
            "host:{}\nx-amz-content-sha256:{}\nx-amz-date:{}\n",
            request.host, request.payload, request.amz_date
        );
        return (headers, "host;x-amz-content-sha256;x-amz-date");
    }
    let headers = format!("host:{}\nx-amz-date:{}\n", request.host, request.amz_date);
    (headers, "host;x-amz-date")
}

#[cfg(test)]
mod tests {
    use super::{DEPLOYING, ToSign, authorization, hex, hex_hash, hmac};

    #[test]
    fn the_signature_is_the_one_that_botocore_computes() {
        let body = hex_hash(b"{}");
        let header = authorization(
            &ToSign {
                method: "POST",
                path: "/",
                query: "",
                host: "127.0.0.1:4566",
                service: "dynamodb",
                region: "eu-west-1",
                amz_date: "20260102T030405Z",
                payload: &body,
            },
            &DEPLOYING,
        )
        .unwrap();
        assert_eq!(
            header,
            include_str!("../tests/fixtures/signature.txt").trim()
        );
    }

    #[test]
    fn the_hmac_is_the_one_of_the_webhook_documentation() {
        let mac = hmac(b"It's a Secret to Everybody", b"Hello World!").unwrap();
        assert_eq!(
            hex(&mac),
            "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
        );
    }
}
