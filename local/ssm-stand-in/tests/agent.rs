//! The agent's rules for one script: how it is run, what it sees, how it ends, what is kept of it.

use serde_json::{Value, json};

use crate::bed::{Bed, HOST, step, wait_for};

#[tokio::test]
async fn a_script_runs_without_home_input_or_terminal_in_its_own_process_group() {
    let bed = Bed::start().await;
    let seen = bed
        .run(
            "echo \"home=${HOME-unset}\"\necho \"$AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME\"\n\
             echo \"command=$SSM_COMMAND_ID\"\npwd\ncat\n[ -t 0 ] || echo no terminal\n\
             [ \"$(ps -o pgid= -p $$ | tr -d ' ')\" = \"$(ps -o pgid= -p $PPID | tr -d ' ')\" ] || echo own group\n\
             stat -c %a \"$0\"",
        )
        .await;
    let lines: Vec<_> = seen["StandardOutputContent"]
        .as_str()
        .unwrap()
        .lines()
        .collect();
    let id = seen["CommandId"].as_str().unwrap();
    assert_eq!(lines[0], "home=unset");
    assert_eq!(lines[1], format!("{HOST} eu-west-1"));
    assert_eq!(lines[2], format!("command={id}"));
    assert_eq!(lines[3], "/usr/bin");
    assert_eq!(lines[4], "no terminal");
    assert_eq!(*lines.last().unwrap(), "700");
    let script = format!("{HOST}/orchestration/{id}/awsrunShellScript/_script.sh");
    assert!(bed.path(&script).exists());
}

#[tokio::test]
async fn a_first_line_picks_the_shell_and_only_the_last_line_decides() {
    let bed = Bed::start().await;
    let seen = bed
        .run("#!/bin/bash\nfalse\n[[ x == x ]] && echo bash")
        .await;
    assert_eq!(seen["StandardOutputContent"], "bash\n");
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("Success"), &json!(0))
    );
    let seen = bed.run("true\nfalse").await;
    assert_eq!(seen["Status"], "Failed");
}

#[tokio::test]
async fn an_exit_code_fails_the_step_and_is_named_in_its_errors() {
    let bed = Bed::start().await;
    let seen = bed.run("echo out\necho bad >&2\nexit 41").await;
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("Failed"), &json!(41))
    );
    assert_eq!(seen["StandardOutputContent"], "out\n");
    assert_eq!(
        seen["StandardErrorContent"],
        "bad\nfailed to run commands: exit status 41"
    );
    let listed = bed.listed(seen["CommandId"].as_str().unwrap(), HOST).await;
    assert_eq!(
        listed["CommandPlugins"][0]["Output"],
        "out\n\n----------ERROR-------\nbad\nfailed to run commands: exit status 41"
    );
}

#[tokio::test]
async fn the_code_137_from_any_cause_reads_as_a_timeout() {
    let bed = Bed::start().await;
    let seen = bed.run("echo lost\nexit 137").await;
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("TimedOut"), &json!(137))
    );
    assert_eq!(seen["StatusDetails"], "ExecutionTimedOut");
    assert_eq!(seen["StandardOutputContent"], "");
}

#[tokio::test]
async fn the_codes_168_and_169_end_the_document_as_success_and_failure() {
    let bed = Bed::start().await;
    let seen = bed.run("echo noise >&2\nexit 168").await;
    assert_eq!(
        (&seen["Status"], &seen["StandardErrorContent"]),
        (&json!("Success"), &json!(""))
    );
    assert_eq!(bed.run("exit 169").await["Status"], "Failed");
}

#[tokio::test]
async fn a_timeout_kills_the_process_group_and_no_trap_runs_but_who_left_the_group_survives() {
    let bed = Bed::start().await;
    let lines = "trap 'touch \"$BED/trap\"' EXIT TERM\n(sleep 0.5; touch \"$BED/plain\") &\n\
                 setsid sh -c 'sleep 0.5; touch \"$BED/survivor\"' >/dev/null 2>&1 &\n\
                 echo begun\ntouch \"$BED/begun\"\nsleep 60";
    let parameters =
        json!({"commands": lines.lines().collect::<Vec<_>>(), "executionTimeout": ["5"]});
    let seen = bed.run_document("AWS-RunShellScript", parameters).await;
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("TimedOut"), &json!(137))
    );
    assert_eq!(
        seen["StandardOutputContent"], "",
        "after a timeout the caller sees nothing"
    );
    let id = seen["CommandId"].as_str().unwrap();
    let kept = format!("{HOST}/orchestration/{id}/awsrunShellScript/stdout");
    assert_eq!(bed.read(&kept), "begun\n", "the host's own file has it");
    bed.file("survivor").await;
    assert!(!bed.path("plain").exists() && !bed.path("trap").exists());
    assert_eq!(
        bed.command_end(id).await["StatusDetails"],
        "ExecutionTimedOut"
    );
}

#[tokio::test]
async fn a_child_that_keeps_an_output_open_holds_the_step_in_progress() {
    let bed = Bed::start().await;
    let lines = format!("({}) &\ntouch \"$BED/script-done\"", wait_for("let-go"));
    let id = bed.shell(HOST, &lines).await;
    bed.file("script-done").await;
    assert_eq!(bed.get(&id, HOST).await["Status"], "InProgress");
    bed.touch("let-go");
    assert_eq!(bed.end(&id, HOST).await["Status"], "Success");
}

#[tokio::test]
async fn a_timeout_that_finds_nobody_in_the_group_is_a_failure_with_code_1() {
    let bed = Bed::start().await;
    let lines = format!("setsid sh -c '{}' &", wait_for("let-go"));
    let parameters = json!({"commands": [lines], "executionTimeout": ["5"]});
    let seen = bed.run_document("AWS-RunShellScript", parameters).await;
    bed.touch("let-go");
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("Failed"), &json!(1))
    );
    assert_eq!(
        seen["StandardErrorContent"],
        "failed to run commands: no such process"
    );
}

#[tokio::test]
async fn background_children_go_on_after_a_normal_end() {
    let bed = Bed::start().await;
    let lines = format!(
        "({}; touch \"$BED/child-done\") >/dev/null 2>&1 &",
        wait_for("go")
    );
    assert_eq!(bed.run(&lines).await["Status"], "Success");
    bed.touch("go");
    bed.file("child-done").await;
}

#[tokio::test]
async fn only_the_beginning_of_the_output_is_kept() {
    let bed = Bed::start().await;
    let seen = bed.run("head -c 30000 /dev/zero | tr '\\0' x\nhead -c 9000 /dev/zero | tr '\\0' e >&2\necho the end").await;
    let count = |key: &str| seen[key].as_str().unwrap().chars().count();
    assert_eq!(
        (
            count("StandardOutputContent"),
            count("StandardErrorContent")
        ),
        (24_000, 8000)
    );
    assert!(
        !seen["StandardOutputContent"]
            .as_str()
            .unwrap()
            .contains("the end")
    );
    let listed = bed.listed(seen["CommandId"].as_str().unwrap(), HOST).await;
    assert_eq!(
        listed["CommandPlugins"][0]["Output"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        2500
    );
}

#[tokio::test]
async fn the_working_directory_is_used_when_absolute_and_fails_the_step_when_missing() {
    let bed = Bed::start().await;
    let run = async |directory: &str| {
        let parameters = json!({"commands": ["pwd"], "workingDirectory": [directory]});
        bed.run_document("AWS-RunShellScript", parameters).await
    };
    assert_eq!(run("/usr").await["StandardOutputContent"], "/usr\n");
    assert_eq!(run("relative").await["StandardOutputContent"], "/usr/bin\n");
    let failed = run("/nowhere").await;
    assert_eq!(
        (&failed["Status"], &failed["ResponseCode"]),
        (&json!("Failed"), &json!(1))
    );
    assert!(
        failed["StandardErrorContent"]
            .as_str()
            .unwrap()
            .contains("fork/exec")
    );
}

#[tokio::test]
async fn a_variable_carries_a_value_untouched_where_a_placeholder_pastes_it() {
    let bed = Bed::start().await;
    let parameters = json!({
        "Safe": {"type": "String", "interpolationType": "ENV_VAR"},
        "Raw": {"type": "String"}
    });
    let steps = json!([step(
        "one",
        "printf '%s|' \"$SSM_Safe\" {{ Raw }}\necho ${SSM_Raw-unset}",
        &json!({})
    )]);
    bed.document("both-ways", parameters, steps).await;
    let values = json!({"Safe": ["a'; echo $$ \"b"], "Raw": ["x; echo injected"]});
    let seen = bed.run_document("both-ways", values).await;
    assert_eq!(
        seen["StandardOutputContent"],
        "a'; echo $$ \"b|x|injected\nunset\n"
    );
}

#[tokio::test]
async fn an_old_agent_leaves_the_variable_unset_without_a_word() {
    let bed = Bed::start().await;
    let parameters = json!({"Action": {"type": "String", "interpolationType": "ENV_VAR"}});
    bed.document(
        "fail-closed",
        parameters,
        json!([step("one", ": \"${SSM_Action?}\"", &json!({}))]),
    )
    .await;
    assert_eq!(
        bed.run_document("fail-closed", json!({"Action": ["status"]}))
            .await["Status"],
        "Success"
    );
    bed.faults(json!({"hosts": {HOST: {"agent_version": "3.3.2745.0"}}}))
        .await;
    assert_eq!(
        bed.run_document("fail-closed", json!({"Action": ["status"]}))
            .await["Status"],
        "Failed"
    );
}

#[tokio::test]
async fn a_raw_parameter_sets_the_timeout_and_a_variable_cannot() {
    let bed = Bed::start().await;
    let sleeper = |inputs: Value| json!([step("one", &wait_for("never"), &inputs)]);
    let limit = json!({"timeoutSeconds": "{{ Limit }}"});
    bed.document(
        "raw-limit",
        json!({"Limit": {"type": "String"}}),
        sleeper(limit.clone()),
    )
    .await;
    assert_eq!(
        bed.run_document("raw-limit", json!({"Limit": ["5"]})).await["Status"],
        "TimedOut"
    );
    let variable = json!({"Limit": {"type": "String", "interpolationType": "ENV_VAR"}});
    let steps = json!([step("one", "sleep 0.3", &limit)]);
    bed.document("variable-limit", variable, steps).await;
    let seen = bed
        .run_document("variable-limit", json!({"Limit": ["5"]}))
        .await;
    assert_eq!(
        seen["Status"], "Success",
        "five seconds would have been 0.2 here"
    );
}

#[tokio::test]
async fn the_agent_checks_the_patterns_of_defaults_and_no_step_runs() {
    let bed = Bed::start().await;
    let parameters =
        json!({"Name": {"type": "String", "default": "BAD", "allowedPattern": "^[a-z]+$"}});
    bed.document(
        "bad-default",
        parameters,
        json!([step("one", "touch \"$BED/ran\"", &json!({}))]),
    )
    .await;
    let seen = bed.run_document("bad-default", json!({})).await;
    assert_eq!(
        (&seen["Status"], &seen["ResponseCode"]),
        (&json!("Failed"), &json!(-1))
    );
    let listed = bed.listed(seen["CommandId"].as_str().unwrap(), HOST).await;
    assert!(
        listed["TraceOutput"].as_str().unwrap().contains("BAD"),
        "{listed}"
    );
    assert!(!bed.path("ran").exists());
}

#[tokio::test]
async fn a_reboot_code_runs_the_step_again_and_keeps_its_output() {
    let bed = Bed::start().await;
    let lines = "echo turn\n[ -e \"$BED/rebooted\" ] && exit 0\ntouch \"$BED/rebooted\"\nexit 194";
    let seen = bed.run(lines).await;
    assert_eq!(seen["Status"], "Success");
    assert_eq!(seen["StandardOutputContent"], "turn\nturn\n");
}

#[tokio::test]
async fn a_reference_to_parameter_store_is_followed_even_in_a_callers_value() {
    let bed = Bed::start().await;
    let parameters = json!({
        "Raw": {"type": "String"},
        "Variable": {"type": "String", "interpolationType": "ENV_VAR"}
    });
    let lines = "echo '{{ Raw }}' \"$SSM_Variable\" '{{ssm:/plain}}' '{{ssm-secure:/plain}}'";
    bed.document(
        "references",
        parameters,
        json!([step("one", lines, &json!({}))]),
    )
    .await;
    let run = async |raw: &str, variable: &str| {
        bed.run_document("references", json!({"Raw": [raw], "Variable": [variable]}))
            .await
    };
    let seen = run("a {{ssm:/plain}}", "{{ssm:/plain}}").await;
    let expected = "a from the store from the store from the store {{ssm-secure:/plain}}\n";
    assert_eq!(seen["StandardOutputContent"], expected);
    let seen = run("x", "in {{ssm:/plain}}").await;
    assert!(
        seen["StandardOutputContent"]
            .as_str()
            .unwrap()
            .starts_with("x in {{ssm:/plain}} from")
    );
    for name in ["/secret", "/missing"] {
        let seen = run(&format!("{{{{ssm:{name}}}}}"), "x").await;
        assert_eq!(
            (&seen["Status"], &seen["ResponseCode"]),
            (&json!("Failed"), &json!(-1)),
            "{name}"
        );
    }
}
