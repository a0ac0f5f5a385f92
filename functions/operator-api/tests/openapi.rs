//! The API held to its OpenAPI document by a tool that nobody here wrote: schemathesis, which makes requests of the document,
//! good ones and bad ones, and judges the answers. `LONGSHORE_TEST_SCHEMATHESIS` names the program, as
//! `longshore-local rust-tests` does; without it the test says that it was skipped. Seed and number of requests are fixed.

#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::allow_attributes,
    reason = "a test fails by panicking"
)]

mod common {
    pub(crate) mod bridge;
    pub(crate) mod office;
}
#[path = "../../../shared/core/tests/common/samples.rs"]
mod samples;

use common::bridge::{SIGNATURE, serve};
use common::office::FakeOffice;
use std::path::Path;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_keeps_to_its_document() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration; the variable is documented above"
    )]
    let Ok(program) = std::env::var("LONGSHORE_TEST_SCHEMATHESIS") else {
        println!("skipped for lack of schemathesis: LONGSHORE_TEST_SCHEMATHESIS is not set");
        return;
    };
    let url = serve(FakeOffice::busy().await).await;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(here.join("tests/schemathesis.toml"))
        .arg("run")
        .arg(here.join("../../docs/operator-api.openapi.json"))
        .args(["--url", &url, "--header"])
        .arg(format!("Authorization: {SIGNATURE}"));
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    println!("{said}");
}
