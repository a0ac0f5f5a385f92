//! Starting and stopping, as a library and as a program: no script may outlive its stand-in.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::json;
use ssm_stand_in::{FaultChange, Options, StandIn};

use crate::bed::{Bed, HOST, until, wait_for};

/// Whether the process that wrote its id into a file of this path is still there.
fn is_alive(pid_file: &std::path::Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    std::path::Path::new("/proc")
        .join(pid.trim())
        .join("exe")
        .exists()
}

#[tokio::test]
async fn a_stop_kills_the_scripts_that_run_and_those_the_agent_has_lost() {
    let bed = Bed::start().await;
    let lines = format!(
        "[ -e \"$BED/old\" ] && echo $$ > \"$BED/new\" || echo $$ > \"$BED/old\"\n{}",
        wait_for("never")
    );
    bed.shell(HOST, &lines).await;
    until("the first script", || !bed.read("old").is_empty()).await;
    bed.faults(json!({"actions": [{"do": "restart_agent", "host": HOST}]}))
        .await;
    until("the second script", || !bed.read("new").is_empty()).await;
    let (old, new) = (bed.path("old"), bed.path("new"));
    bed.stand_in.stop().await.unwrap();
    until("the scripts' ends", || !is_alive(&old) && !is_alive(&new)).await;
}

#[tokio::test]
async fn the_library_refuses_bad_options_and_unknown_hosts() {
    let listen = "0.0.0.0:0".parse().unwrap();
    assert!(
        StandIn::start(Options {
            listen,
            ..Options::default()
        })
        .await
        .is_err()
    );
    let bed = Bed::start().await;
    let mut change = FaultChange::default();
    change.hosts.insert(
        String::from("i-bbbbbbb1"),
        ssm_stand_in::HostFaultChange::default(),
    );
    assert!(bed.stand_in.set_faults(&change).is_err());
}

#[tokio::test]
async fn the_program_says_where_it_listens_and_ends_cleanly_on_sigterm() {
    let dir = tempfile::TempDir::new().unwrap();
    let config = dir.path().join("config.json");
    let pid_file = dir.path().join("pid");
    let host =
        json!({"id": HOST, "dir": dir.path().join("host"), "environment": {"PID_FILE": pid_file}});
    std::fs::write(&config, json!({"hosts": [host]}).to_string()).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_ssm-stand-in"))
        .arg("--config")
        .arg(&config)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let body = json!({"DocumentName": "AWS-RunShellScript", "InstanceIds": [HOST],
        "Parameters": {"commands": ["echo $$ > \"$PID_FILE\"", "sleep 60"]}});
    let send = reqwest::Client::new()
        .post(url.trim())
        .header("x-amz-target", "AmazonSSM.SendCommand")
        .body(body.to_string());
    assert_eq!(send.send().await.unwrap().status(), 200);
    until("the script", || {
        std::fs::read_to_string(&pid_file).is_ok_and(|pid| !pid.is_empty())
    })
    .await;
    assert!(is_alive(&pid_file));
    let stop = Command::new("kill")
        .arg(program.id().to_string())
        .status()
        .unwrap();
    assert!(stop.success());
    assert!(program.wait().unwrap().success());
    until("the script's end", || !is_alive(&pid_file)).await;
}
