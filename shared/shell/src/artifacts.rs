//! The builds that were made elsewhere, from the environment's bucket: which version of which bytes a commit has there.
//!
//! Only the newest version is asked for, once, at the start of a deployment; from then on its version and its SHA-256 are
//! part of the release. S3 has checked the SHA-256 when the object was stored (S3 user guide, "Checking object integrity"), so
//! an object without one is refused.

use crate::config::Access;
use crate::connect::Aws;
use crate::fault::{Fault, Verdict};
use crate::ports::{Artifacts, ResolveError};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use longshore_core::{
    Artifact, Commit, Failure, FailureClass, ObjectVersion, Repository, Sha256Digest,
};

/// The environment's bucket, if it has one.
#[derive(Clone, Debug)]
pub struct S3Artifacts {
    place: Option<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    s3: Client,
    bucket: String,
}

impl S3Artifacts {
    /// The builds in a bucket. Nothing is sent yet.
    #[must_use]
    pub fn new(aws: &Aws, access: &Access, bucket: Option<&str>) -> Self {
        let place = bucket.map(|bucket| {
            // A local endpoint has no names of its own for buckets.
            let config = Builder::from(aws.sdk()).force_path_style(access.is_local());
            Place {
                s3: Client::from_conf(config.build()),
                bucket: bucket.to_owned(),
            }
        });
        Self { place }
    }
}

impl Artifacts for S3Artifacts {
    async fn artifact(
        &self,
        repository: &Repository,
        commit: &Commit,
    ) -> Result<Option<Artifact>, ResolveError> {
        let Some(Place { s3, bucket }) = &self.place else {
            let line = "the configuration takes builds from a bucket and this environment has none: set ArtifactBucketName of its stack";
            return Err(failed(FailureClass::ConfigRefused, line));
        };
        let key = key_of(repository, commit);
        let reply = s3
            .head_object()
            .bucket(bucket)
            .key(&key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        match reply {
            Ok(object) => artifact_of(&object)
                .map(Some)
                .map_err(|wrong| refused(bucket, &key, wrong)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(unresolved(
                bucket,
                error.raw_response().map(|raw| raw.status().as_u16()),
                Fault::of("HeadObject", &error),
            )),
        }
    }
}

fn is_missing(error: &SdkError<HeadObjectError, HttpResponse>) -> bool {
    error
        .as_service_error()
        .is_some_and(HeadObjectError::is_not_found)
}

/// Where the build of a commit lies; the pipeline, the host script and this function agree on it.
fn key_of(repository: &Repository, commit: &Commit) -> String {
    format!("{repository}/{commit}.tar.gz")
}

/// What S3 says of an object, or what is wrong with it.
fn artifact_of(object: &HeadObjectOutput) -> Result<Artifact, &'static str> {
    let version = object.version_id().unwrap_or("null");
    let version = ObjectVersion::parse(version).map_err(|_| "the bucket keeps no versions")?;
    // The checksum of an upload in parts is one over the parts' checksums.
    let whole = object.checksum_type() != Some(&ChecksumType::Composite);
    let sha256 = object.checksum_sha256().filter(|_| whole);
    let bytes = sha256.and_then(|text| STANDARD.decode(text).ok());
    let hex = bytes
        .unwrap_or_default()
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let sha256 = Sha256Digest::parse(&hex)
        .map_err(|_| "it has no SHA-256 of the whole object: store it by one put-object with --checksum-algorithm SHA256")?;
    Ok(Artifact { version, sha256 })
}

fn refused(bucket: &str, key: &str, wrong: &str) -> ResolveError {
    let line = format!("s3://{bucket}/{key}: {wrong}");
    failed(FailureClass::ArtifactRefused, &line)
}

/// A missing right has no code here, as the answer to HEAD has no body.
fn unresolved(bucket: &str, status: Option<u16>, fault: Fault) -> ResolveError {
    let denied = fault.is_denied() || status == Some(403);
    match fault.verdict {
        Verdict::Throttled | Verdict::Unknown => ResolveError::Unavailable(fault.into()),
        Verdict::Refused if denied => {
            let line = format!("the function may not read s3://{bucket}");
            failed(FailureClass::AccessDenied, &line)
        }
        Verdict::Refused => failed(FailureClass::Internal, &fault.to_string()),
    }
}

fn failed(class: FailureClass, detail: &str) -> ResolveError {
    ResolveError::Failed(Failure::with_detail(class, detail))
}
