//! The exported histories as a reader of the bucket sees them: objects, and lines of JSON in them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::LocalCloud;

/// Where the objects of the form's first version are.
pub const PREFIX: &str = "history/v1/";

/// Every object, by its key.
///
/// # Errors
/// When the emulator does not answer.
pub async fn objects(cloud: &LocalCloud) -> Result<BTreeMap<String, String>> {
    let bucket = cloud.resource("AWS::S3::Bucket")?;
    let mut objects = BTreeMap::new();
    for key in cloud.aws().list_objects(bucket, PREFIX).await? {
        let text = cloud.aws().get_object(bucket, &key).await?;
        objects.insert(key, text);
    }
    Ok(objects)
}

/// The lines of all objects, in the order of the objects' keys.
///
/// # Errors
/// When the emulator does not answer, or a line is not JSON.
pub async fn lines(cloud: &LocalCloud) -> Result<Vec<Value>> {
    let objects = objects(cloud).await?;
    let lines = objects.iter().flat_map(|(key, text)| {
        text.lines()
            .map(move |line| serde_json::from_str(line).with_context(|| key.clone()))
    });
    lines.collect()
}
