//! The inputs of a shell step, after values have been filled in.

use serde_json::Value;

use crate::documents::schema::text_of;

/// The timeout of a step that names none, or one outside the limits.
const TIMEOUT_SECONDS_DEFAULT: u64 = 3600;
/// The limits of a step's timeout.
const TIMEOUT_SECONDS: std::ops::RangeInclusive<u64> = 5..=172_800;

/// What a failed step does to the rest of its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// Nothing.
    Continue,
    /// It skips the rest.
    Exit,
    /// It skips the rest and counts as a success.
    SuccessAndExit,
}

/// The inputs of `aws:runShellScript`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inputs {
    pub(crate) lines: Vec<String>,
    pub(crate) timeout_seconds: u64,
    pub(crate) working_directory: String,
    pub(crate) on_failure: OnFailure,
    pub(crate) exit_on_success: bool,
    pub(crate) finally_step: bool,
}

impl Inputs {
    /// Reads filled-in inputs.
    pub(crate) fn read(inputs: &Value) -> Result<Self, String> {
        let text = |key: &str| inputs.get(key).map(text_of).unwrap_or_default();
        Ok(Self {
            lines: lines(inputs.get("runCommand"))?,
            timeout_seconds: timeout_seconds(inputs.get("timeoutSeconds")),
            working_directory: text("workingDirectory"),
            on_failure: match text("onFailure").as_str() {
                "exit" => OnFailure::Exit,
                "successAndExit" => OnFailure::SuccessAndExit,
                _ => OnFailure::Continue,
            },
            exit_on_success: text("onSuccess") == "exit",
            finally_step: text("finallyStep") == "true",
        })
    }
}

/// The lines of the script. A list inside the list, which a list parameter as one item makes, is refused; so is a text.
fn lines(run_command: Option<&Value>) -> Result<Vec<String>, String> {
    let items = run_command.and_then(Value::as_array).ok_or_else(invalid)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(invalid))
        .collect()
}

/// The timeout that the agent takes: what is no number within the limits silently becomes the default.
pub(crate) fn timeout_seconds(value: Option<&Value>) -> u64 {
    value
        .and_then(|value| text_of(value).trim().parse().ok())
        .filter(|seconds| TIMEOUT_SECONDS.contains(seconds))
        .unwrap_or(TIMEOUT_SECONDS_DEFAULT)
}

fn invalid() -> String {
    String::from("Invalid format in plugin properties")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_timeout_is_a_number_or_a_numeric_text_within_the_limits_else_an_hour() {
        let check = |value: Value, expected: u64| {
            assert_eq!(timeout_seconds(Some(&value)), expected, "{value}");
        };
        check(json!(5), 5);
        check(json!("172800"), 172_800);
        check(json!(4), 3600);
        check(json!("172801"), 3600);
        check(json!("$SSM_ExecutionTimeout"), 3600);
        assert_eq!(timeout_seconds(None), 3600);
    }

    #[test]
    fn the_script_must_be_a_list_of_texts() {
        assert!(Inputs::read(&json!({"runCommand": ["a", "b"]})).is_ok());
        assert!(Inputs::read(&json!({"runCommand": "a"})).is_err());
        assert!(Inputs::read(&json!({"runCommand": [["a"], "b"]})).is_err());
    }
}
