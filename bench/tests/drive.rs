//! The stand-ins can drive a function from its start to its answers. No time is asserted.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use longshore_bench::certificate::Certificate;
use longshore_bench::job;
use longshore_bench::measure::{Bench, Plan};
use longshore_bench::stub::Stub;
use longshore_bench::variant::{ALL, Cloud, Task, Variant};
use std::path::Path;

async fn bench(scratch: &Path) -> Bench {
    let certificate = Certificate::make_quickly().unwrap();
    let authority = scratch.join("authority.pem");
    std::fs::write(&authority, &certificate.authority_pem).unwrap();
    let stub = || Stub::start(certificate.server.clone());
    let empty = Path::new(env!("CARGO_BIN_EXE_empty-lambda"));
    Bench {
        programs: empty.parent().unwrap().to_path_buf(),
        scratch: scratch.to_path_buf(),
        authority,
        cloud: Cloud {
            dynamodb: stub().await.unwrap(),
            ssm: stub().await.unwrap(),
            other: stub().await.unwrap(),
        },
        event: job::push_event().unwrap(),
    }
}

#[tokio::test]
async fn the_empty_function_starts_and_gives_every_event_back() {
    let scratch = tempfile::tempdir().unwrap();
    let bench = bench(scratch.path()).await;
    let plan = Plan {
        warm: 2,
        throttle: None,
    };
    let start = bench.start(ALL[0], &plan).await.unwrap();
    assert_eq!(start.warm_us.len(), 2);
    assert_eq!((start.connections, start.threads), (0, 1));
    assert!(start.first_us.is_some() && start.memory_bytes > 0);
}

#[tokio::test]
async fn an_answer_that_the_task_does_not_ask_for_ends_the_measurement() {
    let scratch = tempfile::tempdir().unwrap();
    let bench = bench(scratch.path()).await;
    let plan = Plan {
        warm: 0,
        throttle: None,
    };
    let wrong = Variant {
        name: "empty-lambda",
        task: Task::Push,
    };
    let error = bench.start(wrong, &plan).await.unwrap_err();
    assert!(format!("{error:#}").contains("it answers"), "{error:#}");
}
