//! The documents of the account: their versions, hashes and defaults.
//!
//! What is inside a document is [`schema`]'s business; this file only keeps versions apart, because callers pin them.

pub(crate) mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::api::error::ApiError;
use crate::clock;
use crate::commands::shared;
use schema::Document;

/// The largest content that SSM accepts.
const CONTENT_BYTES_MAX: usize = 64 * 1024;

/// One version of a document.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) label: Option<String>,
    pub(crate) content: String,
    pub(crate) format: String,
    pub(crate) kind: String,
    pub(crate) sha256: String,
    pub(crate) created_ms: i64,
    #[serde(with = "shared")]
    pub(crate) document: Arc<Document>,
}

/// All versions of one document.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct History {
    pub(crate) default: u32,
    pub(crate) versions: BTreeMap<u32, Version>,
}

impl History {
    /// The number of the newest version.
    pub(crate) fn latest(&self) -> u32 {
        self.versions
            .last_key_value()
            .map_or(0, |(number, _)| *number)
    }
}

/// What a caller gives to make a version.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) content: String,
    pub(crate) format: String,
    pub(crate) kind: String,
    pub(crate) label: Option<String>,
}

/// The documents of the account.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Documents {
    histories: BTreeMap<String, History>,
}

impl Documents {
    /// The documents of a fresh account: only the public shell document.
    pub(crate) fn with_public_ones() -> Self {
        let mut documents = Self::default();
        let draft = Draft {
            name: String::from("AWS-RunShellScript"),
            content: String::from(RUN_SHELL_SCRIPT),
            format: String::from("JSON"),
            kind: String::from("Command"),
            label: None,
        };
        let created = documents.create(draft).is_ok();
        debug_assert!(created, "the public document is valid");
        documents
    }

    /// Makes a new document with its version 1.
    pub(crate) fn create(&mut self, draft: Draft) -> Result<&Version, ApiError> {
        if self.histories.contains_key(&draft.name) {
            return Err(ApiError::new(
                "DocumentAlreadyExists",
                format!("Document with same name {} already exists", draft.name),
            ));
        }
        let version = parse(draft, 1)?;
        let history = self
            .histories
            .entry(version.name.clone())
            .or_insert(History {
                default: 1,
                versions: BTreeMap::new(),
            });
        Ok(history.versions.entry(1).or_insert(version))
    }

    /// Adds a version to a document; the default stays where it is.
    pub(crate) fn update(&mut self, mut draft: Draft, base: &str) -> Result<&Version, ApiError> {
        let history = self
            .histories
            .get_mut(&draft.name)
            .ok_or_else(|| missing(&draft.name))?;
        let latest = history.latest();
        let asked = number_of(history, base)?;
        if asked != latest {
            return Err(ApiError::new(
                "InvalidDocumentVersion",
                format!("The document version is not the latest, which is {latest}"),
            ));
        }
        if let Some(previous) = history.versions.get(&latest) {
            draft.kind.clone_from(&previous.kind);
        }
        let number = latest.saturating_add(1);
        let version = parse(draft, number)?;
        if history
            .versions
            .values()
            .any(|known| known.sha256 == version.sha256)
        {
            return Err(ApiError::new(
                "DuplicateDocumentContent",
                "The content of the association document matches another document.",
            ));
        }
        Ok(history.versions.entry(number).or_insert(version))
    }

    /// Moves the default to a version.
    pub(crate) fn set_default(&mut self, name: &str, version: &str) -> Result<u32, ApiError> {
        let history = self.histories.get_mut(name).ok_or_else(|| missing(name))?;
        let number = number_of(history, version)?;
        history.default = number;
        Ok(number)
    }

    /// Removes a document, or one version of it.
    pub(crate) fn delete(&mut self, name: &str, version: Option<&str>) -> Result<(), ApiError> {
        let history = self.histories.get_mut(name).ok_or_else(|| missing(name))?;
        if let Some(version) = version {
            let number = number_of(history, version)?;
            if number == history.default {
                return Err(ApiError::new(
                    "InvalidDocumentOperation",
                    "Default version of the document can't be deleted.",
                ));
            }
            history.versions.remove(&number);
        } else {
            self.histories.remove(name);
        }
        Ok(())
    }

    /// The history of a document, by name or by ARN.
    pub(crate) fn history(&self, name: &str) -> Result<&History, ApiError> {
        self.histories
            .get(short_name(name))
            .ok_or_else(|| missing(name))
    }

    /// One version: a number, `$LATEST` or `$DEFAULT`.
    pub(crate) fn version(&self, name: &str, version: &str) -> Result<&Version, ApiError> {
        let history = self.history(name)?;
        let number = number_of(history, version)?;
        history
            .versions
            .get(&number)
            .ok_or_else(|| no_version(version))
    }

    /// Every document with its default version, in the order of the names.
    pub(crate) fn defaults(&self) -> impl Iterator<Item = &Version> {
        self.histories
            .values()
            .filter_map(|history| history.versions.get(&history.default))
    }
}

/// The name in a document's ARN, or the name itself.
pub(crate) fn short_name(name: &str) -> &str {
    match name.rsplit_once(":document/") {
        Some((_, short)) => short,
        None => name,
    }
}

/// The lower-case hex digits of a SHA-256 sum.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn parse(draft: Draft, number: u32) -> Result<Version, ApiError> {
    if draft.content.len() > CONTENT_BYTES_MAX {
        return Err(ApiError::new(
            "MaxDocumentSizeExceeded",
            format!("The document is larger than {CONTENT_BYTES_MAX} bytes"),
        ));
    }
    let document = Document::parse(&draft.content, &draft.format)?;
    Ok(Version {
        sha256: sha256_hex(draft.content.as_bytes()),
        name: draft.name,
        number,
        label: draft.label,
        content: draft.content,
        format: draft.format,
        kind: draft.kind,
        created_ms: clock::now_ms(),
        document: Arc::new(document),
    })
}

fn number_of(history: &History, version: &str) -> Result<u32, ApiError> {
    match version {
        "" | "$DEFAULT" => Ok(history.default),
        "$LATEST" => Ok(history.latest()),
        digits => digits
            .parse::<u32>()
            .ok()
            .filter(|number| history.versions.contains_key(number))
            .ok_or_else(|| no_version(version)),
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::new(
        "InvalidDocument",
        format!("Document with name {name} does not exist."),
    )
}

fn no_version(version: &str) -> ApiError {
    ApiError::new(
        "InvalidDocumentVersion",
        format!("Document version {version} does not exist."),
    )
}

/// What AWS's public shell document comes down to.
const RUN_SHELL_SCRIPT: &str = r#"{
  "schemaVersion": "2.2",
  "description": "Run a shell script or specify the commands to run.",
  "parameters": {
    "commands": {"type": "StringList", "description": "The commands to run.", "minItems": 1},
    "workingDirectory": {"type": "String", "default": "", "maxChars": 4096},
    "executionTimeout": {"type": "String", "default": "3600",
      "allowedPattern": "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)"}
  },
  "mainSteps": [{
    "action": "aws:runShellScript",
    "name": "aws:runShellScript",
    "inputs": {
      "runCommand": "{{ commands }}",
      "workingDirectory": "{{ workingDirectory }}",
      "timeoutSeconds": "{{ executionTimeout }}"
    }
  }]
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, script: &str) -> Draft {
        Draft {
            name: name.to_owned(),
            content: serde_json::json!({
                "schemaVersion": "2.2",
                "mainSteps": [{"action": "aws:runShellScript", "name": "one", "inputs": {"runCommand": [script]}}]
            })
            .to_string(),
            format: String::from("JSON"),
            kind: String::from("Command"),
            label: None,
        }
    }

    #[test]
    fn an_update_adds_a_version_and_leaves_the_default() {
        let mut documents = Documents::default();
        documents.create(draft("doc", "true")).unwrap();
        documents.update(draft("doc", "false"), "$LATEST").unwrap();
        assert_eq!(documents.version("doc", "$DEFAULT").unwrap().number, 1);
        assert_eq!(documents.version("doc", "$LATEST").unwrap().number, 2);
        documents.set_default("doc", "2").unwrap();
        assert_eq!(documents.version("doc", "$DEFAULT").unwrap().number, 2);
    }

    #[test]
    fn the_same_content_makes_no_new_version() {
        let mut documents = Documents::default();
        documents.create(draft("doc", "true")).unwrap();
        let error = documents
            .update(draft("doc", "true"), "$LATEST")
            .unwrap_err();
        assert_eq!(error.code, "DuplicateDocumentContent");
    }

    #[test]
    fn a_document_is_found_by_its_arn_and_a_missing_version_is_told_apart_from_a_missing_document()
    {
        let documents = Documents::with_public_ones();
        let arn = "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript";
        assert_eq!(documents.version(arn, "1").unwrap().number, 1);
        assert_eq!(
            documents.version(arn, "9").unwrap_err().code,
            "InvalidDocumentVersion"
        );
        assert_eq!(
            documents.version("nope", "1").unwrap_err().code,
            "InvalidDocument"
        );
    }

    #[test]
    fn a_hash_is_the_sha_256_of_the_content() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
