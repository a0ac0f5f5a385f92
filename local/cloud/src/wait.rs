//! Waiting for something to become true: by looking again and again, with an end.
//!
//! It must never wait without a bound.

use std::time::Duration;

use anyhow::{Result, bail};

/// Looks until `look` finds something, at most for `limit`.
///
/// # Errors
/// When `look` fails, or nothing was found in time; the error names `what`.
pub async fn until<T, F>(what: &str, limit: Duration, every: Duration, mut look: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<Option<T>>,
{
    let searching = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(every).await;
        }
    };
    match tokio::time::timeout(limit, searching).await {
        Ok(found) => found,
        Err(_) => bail!("no {what} within {} s", limit.as_secs()),
    }
}
