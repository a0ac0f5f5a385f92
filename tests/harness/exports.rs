//! The export of what was written, by the real handler: the table's stream is played, and each of its batches fails once.

use history_export::handle;
use longshore_core::{EnvironmentName, Timestamp};
use longshore_shell::fakes::{FakeStream, MemoryArchive, Written};
use serde_json::json;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The lines about these writes, whose stream comes in batches of this size. The bucket refuses each batch the first time.
pub fn exported(writes: &[Written], batch: usize) -> String {
    let stream = stream_of(writes);
    let environment = EnvironmentName::parse("prod").unwrap();
    let archive = MemoryArchive::default();
    for records in stream.records().chunks(batch) {
        let event = json!({ "Records": records }).to_string();
        archive.fail(1);
        // Where there is nothing to tell nothing is put, so nothing fails either.
        let first = at_once(handle(&archive, &environment, &event));
        archive.fail(0);
        if first.is_err() {
            at_once(handle(&archive, &environment, &event)).unwrap();
        }
    }
    let objects = archive.objects();
    assert_eq!(
        objects.len(),
        archive.puts(),
        "an object took another's place"
    );
    let texts = objects.into_values();
    texts
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .collect()
}

/// All on one day, so that the objects' order is that of the stream.
fn stream_of(writes: &[Written]) -> FakeStream {
    let day = Timestamp::default();
    let mut stream = FakeStream::default();
    for write in writes {
        for deployment in &write.deployments {
            stream.deployment(deployment, day).unwrap();
        }
        if let Some(slot) = &write.slot {
            stream.slot(slot, day).unwrap();
        }
    }
    stream
}

/// The bucket in memory answers at once.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the export waits for something that no port gives"),
    }
}
