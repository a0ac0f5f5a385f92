//! The environment's bucket of histories.
//!
//! A write names its key and replaces what is there, so that the SDK's retries and a repeated batch are harmless. The bucket
//! encrypts by itself, and the role lets this function put objects below one prefix and nothing else.

use crate::config::Access;
use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{Archive, ArchiveError};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;

/// What the objects are: one JSON text in each line.
const KIND: &str = "application/x-ndjson";

/// The bucket.
#[derive(Clone, Debug)]
pub struct S3Archive {
    s3: Client,
    bucket: String,
}

impl S3Archive {
    /// The bucket of this name. Nothing is sent yet.
    #[must_use]
    pub fn new(aws: &Aws, access: &Access, bucket: &str) -> Self {
        // A local endpoint has no names of its own for buckets.
        let config = Builder::from(aws.sdk()).force_path_style(access.is_local());
        Self {
            s3: Client::from_conf(config.build()),
            bucket: bucket.to_owned(),
        }
    }
}

impl Archive for S3Archive {
    async fn put(&self, key: &str, lines: Vec<u8>) -> Result<(), ArchiveError> {
        let request = self.s3.put_object().bucket(&self.bucket).key(key);
        let request = request.content_type(KIND).body(ByteStream::from(lines));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(ArchiveError(Fault::of("PutObject", &error).into())),
        }
    }
}
