//! What outlives the stand-in when it keeps its state in a file, and how the agents go on.

use serde_json::{Value, json};
use ssm_stand_in::StandIn;

use crate::bed::{Bed, HOST, step};

/// The file that keeps the state.
const KEPT: &str = "kept.jsonl";

/// A bed whose stand-in keeps its state.
async fn keeping() -> Bed {
    let mut bed = Bed::start().await;
    cut_and_start(&mut bed).await;
    bed
}

/// Cuts the stand-in off with everything that it runs, and starts another one on what it left.
async fn cut_and_start(bed: &mut Bed) {
    let mut options = bed.options.clone();
    options.kept_in = Some(bed.path(KEPT));
    // The one before is dropped here: its scripts are killed, and it writes nothing any more.
    let idle = StandIn::start(bed.options.clone()).await.unwrap();
    drop(std::mem::replace(&mut bed.stand_in, idle));
    bed.stand_in = StandIn::start(options).await.unwrap();
}

async fn boot(bed: &Bed) {
    bed.faults(json!({"actions": [{"do": "reboot", "host": HOST}]}))
        .await;
}

#[tokio::test]
async fn documents_and_results_outlive_the_stand_in() {
    let mut bed = keeping().await;
    bed.document(
        "kept",
        json!({}),
        json!([step("one", "echo kept", &json!({}))]),
    )
    .await;
    let ended = bed.run_document("kept", json!({})).await;
    let id = ended["CommandId"].as_str().unwrap().to_owned();
    let before = bed.listed(&id, HOST).await;
    cut_and_start(&mut bed).await;
    assert_eq!(bed.listed(&id, HOST).await, before);
    assert_eq!(before["CommandPlugins"][0]["Output"], "kept\n");
    boot(&bed).await;
    let again = bed.run_document("kept", json!({})).await;
    assert_eq!(again["Status"], "Success");
}

#[tokio::test]
async fn a_document_that_was_cut_off_begins_again_without_its_finished_steps_once_its_host_is_up() {
    let mut bed = keeping().await;
    let (first, second) = (bed.path("first"), bed.path("second"));
    let steps = json!([
        step(
            "one",
            &format!("echo ran >> {}", first.display()),
            &json!({})
        ),
        step(
            "two",
            &format!(
                "echo ran >> {file}\n[ $(wc -l < {file}) -gt 1 ] || sleep 60",
                file = second.display()
            ),
            &json!({})
        ),
    ]);
    bed.document("slow", json!({}), steps).await;
    let id = bed
        .send(json!({"DocumentName": "slow", "InstanceIds": [HOST], "TimeoutSeconds": 600}))
        .await;
    bed.file("second").await;
    cut_and_start(&mut bed).await;
    assert_eq!(bed.get(&id, HOST).await["StatusDetails"], "InProgress");
    assert_eq!(bed.read("second"), "ran\n", "no agent runs before its host");
    boot(&bed).await;
    assert_eq!(bed.end(&id, HOST).await["Status"], "Success");
    assert_eq!(bed.read("first"), "ran\n");
    assert_eq!(bed.read("second"), "ran\nran\n");
}

#[tokio::test]
async fn a_command_that_no_agent_had_taken_waits_for_its_host_and_keeps_its_deadline() {
    let mut bed = keeping().await;
    bed.faults(json!({"actions": [{"do": "kill_agent", "host": HOST}]}))
        .await;
    let taken = bed
        .shell_with(HOST, "echo late", json!({"TimeoutSeconds": 600}))
        .await;
    let lost = bed.shell(HOST, "echo never").await;
    cut_and_start(&mut bed).await;
    bed.status(&lost, HOST, "DeliveryTimedOut").await;
    boot(&bed).await;
    assert_eq!(
        bed.end(&taken, HOST).await["StandardOutputContent"],
        "late\n"
    );
}

#[tokio::test]
async fn a_line_that_was_cut_off_does_not_count_and_a_broken_one_stops_the_start() {
    let mut bed = keeping().await;
    let ended = bed.run("echo whole").await;
    let file = bed.path(KEPT);
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{whole}[{{\"command\":{{\"id\":\"cut")).unwrap();
    cut_and_start(&mut bed).await;
    let id = ended["CommandId"].as_str().unwrap();
    let kept: Value = bed.get(id, HOST).await;
    assert_eq!(kept, ended);

    std::fs::write(&file, format!("{{\n{whole}")).unwrap();
    let mut options = bed.options.clone();
    options.kept_in = Some(file);
    let refused = StandIn::start(options).await.unwrap_err();
    assert!(format!("{refused:#}").contains("line 1"), "{refused:#}");
}
