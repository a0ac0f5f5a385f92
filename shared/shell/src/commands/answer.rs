//! The one JSON line with which the host script answers.
//!
//! It comes from a host, so it is foreign: unknown words become `internal`, text is cut and made printable, and a line
//! that carries another token is not an answer at all.

use longshore_core::{
    Failure, FailureClass, Found, Heard, HostId, Millis, ReleaseId, Report, Times, Verdict,
};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// The classes that a host may give. The others are about what SSM or the control plane saw, and a host that could claim
/// them could have itself excused.
const HOST_CLASSES: [FailureClass; 35] = [
    FailureClass::BadInput,
    FailureClass::Superseded,
    FailureClass::Expired,
    FailureClass::Busy,
    FailureClass::AgentTooOld,
    FailureClass::SourceUnavailable,
    FailureClass::CommitMissing,
    FailureClass::ArtifactMissing,
    FailureClass::ArtifactRefused,
    FailureClass::ParametersUnavailable,
    FailureClass::DiskFull,
    FailureClass::InstallFailed,
    FailureClass::BuildFailed,
    FailureClass::ConfigRefused,
    FailureClass::MigrationFailed,
    FailureClass::MigrationLocked,
    FailureClass::BackupFailed,
    FailureClass::MigrationDownFailed,
    FailureClass::ReleaseMissing,
    FailureClass::StartFailed,
    FailureClass::HealthFailed,
    FailureClass::WrongRelease,
    FailureClass::LoadBalancerFailed,
    FailureClass::DeadlinePassed,
    FailureClass::HostNotReady,
    FailureClass::UserMissing,
    FailureClass::MemoryLow,
    FailureClass::NodeVersion,
    FailureClass::Lockfile,
    FailureClass::GitDenied,
    FailureClass::ParameterMissing,
    FailureClass::ParametersDenied,
    FailureClass::KmsDenied,
    FailureClass::PortInUse,
    FailureClass::Internal,
];

/// The answer, as far as it decides anything.
#[derive(Deserialize)]
struct Answer<'a> {
    longshore: u32,
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(borrow, default)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    class: Cow<'a, str>,
    #[serde(borrow, default)]
    served: Cow<'a, str>,
    #[serde(default)]
    healthy: bool,
    #[serde(borrow, default)]
    detail: Cow<'a, str>,
    #[serde(default)]
    migrations: Option<Migrations>,
    /// How long the step ran. Scripts of before do not tell it, and as nothing depends on it, whatever is no time is left out.
    #[serde(default)]
    took_ms: Value,
}

/// What the host found of migrations, as far as it decides anything.
#[derive(Deserialize)]
struct Migrations {
    verdict: String,
    allowed: bool,
    count: u32,
    findings: Vec<String>,
}

/// The version of the answer's form.
const FORM: u32 = 1;

/// Reads the answer from a step's output. The first line that is an answer to this token counts; whatever else is there
/// (the agent adds lines of its own) does not.
pub(super) fn read(host: HostId, output: &str, token: &str) -> Heard {
    let answer = output
        .lines()
        .filter_map(|line| serde_json::from_str::<Answer<'_>>(line.trim()).ok())
        .find(|answer| answer.longshore == FORM && answer.token == token);
    match answer {
        Some(answer) => Heard {
            host,
            report: report(&answer),
            took: took(&answer),
        },
        None => Heard::untimed(
            host,
            Report::Failed(Failure::with_detail(
                FailureClass::NoAnswer,
                &summary(output),
            )),
        ),
    }
}

fn took(answer: &Answer<'_>) -> Option<Millis> {
    let took = answer.took_ms.as_u64().map(Millis::new);
    took.filter(|took| *took <= Times::BELIEVED_MAX)
}

fn report(answer: &Answer<'_>) -> Report {
    match answer.outcome.as_ref() {
        "done" if is_sick(answer) => Report::Failed(Failure::with_detail(
            FailureClass::HealthFailed,
            &answer.detail,
        )),
        "done" => Report::Done {
            served: ReleaseId::parse(&answer.served).ok(),
            healthy: answer.healthy,
            found: answer.migrations.as_ref().map(found),
        },
        "refused" | "failed" => failed(answer),
        _ => Report::Failed(Failure::with_detail(
            FailureClass::NoAnswer,
            "the answer has an outcome that is not known here",
        )),
    }
}

/// A word that is not known here cannot be a promise: the worst is taken for it.
fn found(migrations: &Migrations) -> Found {
    let verdict = Verdict::from_word(&migrations.verdict).unwrap_or(Verdict::Impossible);
    let findings = migrations.findings.iter().map(String::as_str);
    Found::new(verdict, migrations.allowed, migrations.count, findings)
}

/// A host that could look, and saw that the app is not well: what it saw is worth keeping.
fn is_sick(answer: &Answer<'_>) -> bool {
    answer.action == "status" && !answer.healthy && !answer.detail.is_empty()
}

fn failed(answer: &Answer<'_>) -> Report {
    let class = FailureClass::from_word(&answer.class).filter(|class| HOST_CLASSES.contains(class));
    Report::Failed(match class {
        Some(class) => Failure::with_detail(class, &answer.detail),
        None => Failure::with_detail(
            FailureClass::Internal,
            &format!("unknown class {}: {}", answer.class, answer.detail),
        ),
    })
}

/// The first line of an output that is no answer, short. The script masks its secrets, but this output is not the
/// script's, so very little of it is kept.
fn summary(output: &str) -> String {
    const SHOWN: usize = 120;
    let line = output.lines().map(str::trim).find(|line| !line.is_empty());
    match line {
        None => "no output".to_owned(),
        Some(line) => line.chars().take(SHOWN).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "01JD0000000000000000000000:7:activate:1:0.1";
    const SERVED: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-0123456789ab";

    fn line(outcome: &str, class: &str, rest: &str) -> String {
        format!(
            r#"{{"longshore":1,"token":"{TOKEN}","action":"activate","outcome":"{outcome}","class":"{class}"{rest}}}"#
        )
    }

    fn host() -> HostId {
        HostId::parse("i-00000000000000001").unwrap()
    }

    fn reported(output: &str, token: &str) -> Report {
        read(host(), output, token).report
    }

    fn class_of(output: &str) -> FailureClass {
        match reported(output, TOKEN) {
            Report::Failed(failure) => failure.class,
            other @ (Report::Done { .. } | Report::Lost(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_done_answer_tells_what_is_served() {
        let rest = format!(r#","served":"{SERVED}","healthy":true,"detail":"","repeated":true"#);
        let expected = Report::Done {
            served: ReleaseId::parse(SERVED).ok(),
            healthy: true,
            found: None,
        };
        assert_eq!(reported(&line("done", "done", &rest), TOKEN), expected);
        let nothing = Report::Done {
            served: None,
            healthy: false,
            found: None,
        };
        assert_eq!(
            reported(&line("done", "done", r#","served":"""#), TOKEN),
            nothing
        );
    }

    #[test]
    fn a_prepared_host_tells_what_it_found_of_migrations() {
        let found = |verdict: &str| {
            let rest = format!(
                r#","migrations":{{"verdict":"{verdict}","allowed":false,"count":2,"findings":["2.sql: DROP TABLE"]}}"#
            );
            match reported(&line("done", "done", &rest), TOKEN) {
                Report::Done { found, .. } => found.unwrap(),
                other @ (Report::Failed(_) | Report::Lost(_)) => panic!("{other:?}"),
            }
        };
        let expected = Found::new(Verdict::NeedsDown, false, 2, ["2.sql: DROP TABLE"]);
        assert_eq!(found("needs_down"), expected);
        assert!(
            found("brand_new").forbids(),
            "an unknown word is no promise"
        );
    }

    #[test]
    fn every_class_of_the_host_script_is_understood_and_no_other() {
        for class in FailureClass::ALL {
            let expected = if HOST_CLASSES.contains(class) {
                *class
            } else {
                FailureClass::Internal
            };
            for outcome in ["refused", "failed"] {
                assert_eq!(class_of(&line(outcome, class.word(), "")), expected);
            }
        }
        assert_eq!(
            class_of(&line("failed", "brand_new", "")),
            FailureClass::Internal
        );
    }

    #[test]
    fn a_time_is_taken_where_it_can_be_one_and_what_is_none_spoils_no_answer() {
        let told = |rest: &str| read(host(), &line("done", "done", rest), TOKEN);
        let day = Times::BELIEVED_MAX.as_ms();
        for (rest, took) in [
            (r#","took_ms":1840"#.to_owned(), Some(1840)),
            (r#","took_ms":0"#.to_owned(), Some(0)),
            (format!(r#","took_ms":{day}"#), Some(day)),
            (format!(r#","took_ms":{}"#, day + 1), None),
            (r#","took_ms":99999999999999999999999999"#.to_owned(), None),
            (r#","took_ms":-1"#.to_owned(), None),
            (r#","took_ms":1.5"#.to_owned(), None),
            (r#","took_ms":"1840""#.to_owned(), None),
            (r#","took_ms":null"#.to_owned(), None),
            (r#","took_ms":{"ms":[1]}"#.to_owned(), None),
            (String::new(), None),
        ] {
            let heard = told(&rest);
            assert_eq!(heard.took, took.map(Millis::new), "{rest}");
            assert!(matches!(heard.report, Report::Done { .. }), "{rest}");
        }
        let failed = line("failed", "build_failed", r#","took_ms":7"#);
        assert_eq!(read(host(), &failed, TOKEN).took, Some(Millis::new(7)));
    }

    #[test]
    fn the_answer_is_found_among_other_lines() {
        let output = format!(
            "warning: something\n{{\"longshore\":1}}\n{}\n\n----------ERROR-------\nfailed to run commands: exit status 12",
            line("refused", "busy", r#","detail":"lock held by\u00a0x""#)
        );
        let report = reported(&output, TOKEN);
        let expected = Failure::with_detail(FailureClass::Busy, "lock held by\u{a0}x");
        assert_eq!(report, Report::Failed(expected));
    }

    #[test]
    fn what_is_no_answer_to_this_token_is_no_answer() {
        let other = line("done", "done", "").replace(":0.1", ":0.2");
        let cut = line("done", "done", "");
        let cut = &cut[..cut.len() - 1];
        let form = line("done", "done", "").replace("\"longshore\":1", "\"longshore\":2");
        for output in [
            "",
            "  \n ",
            "{}",
            "null",
            "sh: 1: not found",
            &other,
            cut,
            &form,
        ] {
            assert_eq!(class_of(output), FailureClass::NoAnswer, "{output}");
        }
        assert_eq!(
            class_of(&line("excellent", "done", "")),
            FailureClass::NoAnswer
        );
    }

    #[test]
    fn output_that_is_no_answer_is_shown_short_and_printable() {
        let output = format!("\n\u{1b}[31m{}\nsecond line", "x".repeat(5_000));
        match reported(&output, TOKEN) {
            Report::Failed(failure) => {
                assert!(failure.detail().starts_with("?[31mxxx"));
                assert_eq!(failure.detail().len(), 120);
            }
            other @ (Report::Done { .. } | Report::Lost(_)) => panic!("{other:?}"),
        }
    }
}
