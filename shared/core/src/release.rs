//! What runs: one commit with the version numbers of everything it was started with.

use crate::ids::{Commit, ObjectVersion, ParameterName, ReleaseId, Sha256Digest};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// A build of a commit that was made once, elsewhere: one version of one object in the environment's bucket, and what its
/// bytes must add up to. Every host of every wave, and every rollback, gets exactly these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Artifact {
    /// The object's version.
    pub version: ObjectVersion,
    /// The SHA-256 of the object.
    pub sha256: Sha256Digest,
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.version, self.sha256)
    }
}

/// One commit, plus the versions of the app configuration and of every parameter. Restoring a release restores these
/// versions too (invariant I10). Values are never part of it (invariant I7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Release {
    /// The commit.
    pub commit: Commit,
    /// The version of the app configuration document.
    pub config_version: u32,
    /// The version of each of the app's parameters.
    pub parameters: BTreeMap<ParameterName, u32>,
    /// The build, where it is not made on the hosts.
    pub artifact: Option<Artifact>,
}

impl Release {
    /// The id of this release: the commit, and the first 12 hexadecimal digits of SHA-256 over configuration version,
    /// pins and build, so that the same commit with other parameters, or built anew, is another release.
    #[must_use]
    pub fn id(&self) -> ReleaseId {
        let mut hash = Sha256::new();
        hash.update(self.config_version.to_string());
        hash.update("\n");
        hash.update(self.pins());
        if let Some(artifact) = &self.artifact {
            hash.update("\n");
            hash.update(artifact.to_string());
        }
        let digest = hash.finalize();
        let digest = digest
            .iter()
            .take(6)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        ReleaseId::of(&self.commit, &digest)
    }

    /// The pins as the host script takes them: `NAME:version`, joined by commas, in the order of the names.
    #[must_use]
    pub fn pins(&self) -> String {
        let pins: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, version)| format!("{name}:{version}"))
            .collect();
        pins.join(",")
    }
}

/// The document that every command of one deployment names: its version and its hash, so that an edit in the middle of a
/// deployment cannot change what the rest of the fleet runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentPin {
    /// The document's version, a number as text.
    pub version: String,
    /// The document's SHA-256, as SSM reports it.
    pub hash: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(config_version: u32, pins: &[(&str, u32)]) -> Release {
        Release {
            commit: Commit::parse(&"c".repeat(40)).unwrap(),
            config_version,
            parameters: pins
                .iter()
                .map(|(name, version)| (ParameterName::parse(name).unwrap(), *version))
                .collect(),
            artifact: None,
        }
    }

    #[test]
    fn a_commit_that_was_built_anew_is_another_release() {
        let built = |version: &str, digit: &str| Release {
            artifact: Some(Artifact {
                version: ObjectVersion::parse(version).unwrap(),
                sha256: Sha256Digest::parse(&digit.repeat(64)).unwrap(),
            }),
            ..release(1, &[])
        };
        assert_eq!(built("v1", "a").id(), built("v1", "a").id());
        for other in [release(1, &[]), built("v2", "a"), built("v1", "b")] {
            assert_ne!(built("v1", "a").id(), other.id());
        }
        assert!(ObjectVersion::parse("null").is_err());
    }

    #[test]
    fn the_same_commit_with_other_parameters_is_another_release() {
        let first = release(1, &[("A", 1)]);
        assert_eq!(first.id(), release(1, &[("A", 1)]).id());
        assert_ne!(first.id(), release(1, &[("A", 2)]).id());
        assert_ne!(first.id(), release(2, &[("A", 1)]).id());
        assert!(ReleaseId::parse(first.id().as_str()).is_ok());
    }

    #[test]
    fn pins_are_in_the_order_of_their_names() {
        assert_eq!(release(1, &[("B", 2), ("A", 10)]).pins(), "A:10,B:2");
        assert_eq!(release(1, &[]).pins(), "");
    }
}
