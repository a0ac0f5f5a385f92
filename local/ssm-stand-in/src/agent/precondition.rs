//! Whether a step's precondition lets it run.

use serde_json::Value;

use crate::parameters::substitution::Fillings;

/// What a precondition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The step runs.
    Run,
    /// The step is left out, which is no failure.
    Skip,
    /// The precondition makes no sense, which is one.
    Broken(String),
}

/// Judges a precondition: `StringEquals` of two operands, at least one of them not a literal.
pub(crate) fn judge(precondition: Option<&Value>, fillings: &Fillings) -> Verdict {
    let Some(precondition) = precondition.filter(|value| !value.is_null()) else {
        return Verdict::Run;
    };
    let operators = precondition.as_object().into_iter().flatten();
    for (operator, operands) in operators {
        let operands: Vec<&str> = operands
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let (true, [left, right]) = (operator == "StringEquals", operands.as_slice()) else {
            return Verdict::Broken(format!("Unrecognized precondition: {precondition}"));
        };
        let (actual, wanted) = (operand(left, fillings), operand(right, fillings));
        if actual.is_literal && wanted.is_literal {
            return Verdict::Broken(String::from("at least one operand must not be a literal"));
        }
        if actual.text != wanted.text {
            return Verdict::Skip;
        }
    }
    Verdict::Run
}

struct Operand {
    text: String,
    is_literal: bool,
}

fn operand(text: &str, fillings: &Fillings) -> Operand {
    if text == "platformType" {
        return Operand {
            text: String::from("linux"),
            is_literal: false,
        };
    }
    let filled = fillings.fill_for_precondition(text);
    let is_literal = filled == text;
    let text = if is_literal && text.eq_ignore_ascii_case("linux") {
        String::from("linux")
    } else {
        filled
    };
    Operand { text, is_literal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::schema::Document;
    use crate::parameters::Given;
    use serde_json::json;

    fn check(precondition: &Value, expected: &Verdict) {
        let content = json!({
            "schemaVersion": "2.2", "parameters": {"M": {"type": "String", "interpolationType": "ENV_VAR"}},
            "mainSteps": [{"action": "aws:runShellScript", "name": "one"}]
        });
        let document = Document::parse(&content.to_string(), "JSON").unwrap();
        let values = Given::from([(String::from("M"), vec![String::from("blue")])]);
        let fillings = Fillings::new(&document, values, "3.3.3572.0");
        let verdict = judge(Some(precondition), &fillings);
        match expected {
            Verdict::Broken(_) => assert!(matches!(verdict, Verdict::Broken(_)), "{precondition}"),
            Verdict::Run | Verdict::Skip => assert_eq!(&verdict, expected, "{precondition}"),
        }
    }

    #[test]
    fn the_platform_and_real_parameter_values_are_compared() {
        check(
            &json!({"StringEquals": ["platformType", "Linux"]}),
            &Verdict::Run,
        );
        check(
            &json!({"StringEquals": ["platformType", "Windows"]}),
            &Verdict::Skip,
        );
        check(&json!({"StringEquals": ["{{ M }}", "blue"]}), &Verdict::Run);
        check(
            &json!({"StringEquals": ["{{ M }}", "green"]}),
            &Verdict::Skip,
        );
    }

    #[test]
    fn two_literals_and_other_operators_fail_the_step() {
        check(
            &json!({"StringEquals": ["a", "a"]}),
            &Verdict::Broken(String::new()),
        );
        check(
            &json!({"StringLike": ["platformType", "L*"]}),
            &Verdict::Broken(String::new()),
        );
    }
}
