//! Writes parameters, as an operator would with the AWS command line.
//!
//! It must never print a value.

use anyhow::Result;
use serde_json::json;

use crate::aws::Aws;

/// How a parameter is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Plain text.
    String,
    /// Encrypted with the environment's key, or the account's own.
    SecureString,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::SecureString => "SecureString",
        }
    }
}

/// Writes a parameter and returns its new version. `key` is the KMS key of a [`Kind::SecureString`].
///
/// # Errors
/// When the emulator does not answer or refuses.
pub async fn put(aws: &Aws, name: &str, value: &str, kind: Kind, key: Option<&str>) -> Result<u64> {
    let mut body = json!({ "Name": name, "Value": value, "Type": kind.name(), "Overwrite": true });
    if let (Some(key), Kind::SecureString, Some(body)) = (key, kind, body.as_object_mut()) {
        body.insert("KeyId".to_owned(), key.into());
    }
    let answer = aws.json("ssm", "AmazonSSM.PutParameter", &body).await?;
    Ok(answer
        .get("Version")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or_default())
}
