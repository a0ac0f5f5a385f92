//! `history-export`: what the table's stream tells of deployments and of operators' deeds, kept in a bucket as lines of JSON.
//!
//! One object for each batch of the stream that has something to tell, under a key that follows from the batch's first record, so
//! that a batch that comes again replaces its object with the same bytes. It reads nothing but what it is handed, and writes nothing
//! but that object. What it cannot read or keep fails the whole batch, which the stream then repeats, half by half, until it can or
//! until the record is too old and its place is kept as a dead letter: nothing is left out in silence.

pub mod form;
mod tell;

use jiff::tz::TimeZone;
use longshore_core::EnvironmentName;
use longshore_shell::error::HandleError;
use longshore_shell::ports::Archive;
use longshore_shell::store::{StreamBatch, StreamRecord};
use longshore_shell::telemetry;

/// Exports one batch, as Lambda hands it over.
///
/// # Errors
/// [`HandleError`] when the batch is to come again: a record cannot be read, or the bucket did not take the lines.
pub async fn handle(
    archive: &impl Archive,
    environment: &EnvironmentName,
    batch: &str,
) -> Result<(), HandleError> {
    let told = export(archive, environment, batch).await;
    match &told {
        Ok(Exported { lines: 0, .. }) => {}
        Ok(Exported { records, lines }) => telemetry::info("history_exported")
            .number("records", *records)
            .number("lines", *lines)
            .write(),
        Err(error) => telemetry::error("history_not_exported")
            .cause(error)
            .write(),
    }
    told.map(|_| ())
}

/// How much there was of what.
struct Exported {
    records: u64,
    lines: u64,
}

async fn export(
    archive: &impl Archive,
    environment: &EnvironmentName,
    batch: &str,
) -> Result<Exported, HandleError> {
    // The words of the parser are not kept: they may repeat what it met.
    let batch: StreamBatch = serde_json::from_str(batch)
        .map_err(|_| HandleError::BadEvent("not a batch of the table's stream"))?;
    let mut text = Vec::new();
    let mut exported = Exported {
        records: 0,
        lines: 0,
    };
    for record in &batch.records {
        exported.records = exported.records.saturating_add(1);
        for line in tell::lines(environment, &record.change()?, record.at()) {
            serde_json::to_writer(&mut text, &line)
                .map_err(|error| HandleError::ServiceUnavailable(error.into()))?;
            text.push(b'\n');
            exported.lines = exported.lines.saturating_add(1);
        }
    }
    if let (Some(first), false) = (batch.records.first(), text.is_empty()) {
        archive.put(&key(first)?, text).await?;
    }
    Ok(exported)
}

/// Where a batch that begins with this record belongs: by the day on which that was written, and by its place in the stream. The
/// record's id is a part of it because two shards number their records for themselves.
fn key(first: &StreamRecord) -> Result<String, HandleError> {
    let (number, id) = (first.sequence_number(), first.id());
    let is_plain = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !text.is_empty() && text.len() <= 64 && text.bytes().all(plain)
    };
    if !is_plain(number) || !is_plain(id) {
        return Err(HandleError::BadEvent("a record without its place"));
    }
    let day = tell::time(first.at()).to_zoned(TimeZone::UTC);
    let (year, month, day) = (day.year(), day.month(), day.day());
    let version = form::VERSION;
    Ok(format!(
        "history/v{version}/year={year:04}/month={month:02}/day={day:02}/{number}-{id}.jsonl"
    ))
}
