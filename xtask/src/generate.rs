//! Puts the SSM document, with the host script in it, into `template.yaml`.
//!
//! CloudFormation takes a document only as part of a template, and the script must be edited and tested as a script; so
//! the template carries a copy between two marks, and a test holds it equal.

use crate::steps::{Done, root, say};
use std::fs;

const BEGIN: &str = "# BEGIN GENERATED host document (cargo xtask generate)";
const END: &str = "# END GENERATED host document";

/// Writes the copy, or checks that it is there.
pub(crate) fn run(check: bool) -> Done {
    let path = root().join("template.yaml");
    let read = |path: &std::path::Path| {
        fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let template = read(&path)?;
    let document = read(&root().join("host/document.yaml"))?;
    let script = script()?;
    let expected = with_document(&template, &document, &script)?;
    if template == expected {
        say("template.yaml carries the host document");
        return Ok(());
    }
    if check {
        return Err("template.yaml does not carry host/: run cargo xtask generate".to_owned());
    }
    fs::write(&path, expected).map_err(|error| format!("template.yaml: {error}"))?;
    say("template.yaml now carries the host document");
    Ok(())
}

fn with_document(template: &str, document: &str, script: &str) -> Result<String, String> {
    if script.contains("{{") {
        return Err(
            "host/script must not contain `{{`: the SSM agent would substitute it".to_owned(),
        );
    }
    let (head, rest) = template
        .split_once(BEGIN)
        .ok_or_else(|| format!("template.yaml has no line `{BEGIN}`"))?;
    let (_, tail) = rest
        .split_once(END)
        .ok_or_else(|| format!("template.yaml has no line `{END}`"))?;
    let indent = head.rsplit('\n').next().unwrap_or("");
    let body = indented(&inlined(document, script)?, indent);
    Ok(format!("{head}{BEGIN}\n{body}{indent}{END}{tail}"))
}

/// The host script: the files of `host/script` in the order of their names.
pub(crate) fn script() -> Result<String, String> {
    let folder = root().join("host/script");
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(&folder).map_err(told)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.map_err(told)?;
    paths.sort();
    let parts: Result<String, _> = paths.iter().map(fs::read_to_string).collect();
    parts.map_err(told)
}

/// The document with the script as a block literal and the environment's defaults as references to parameters.
fn inlined(document: &str, script: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut found = 0_u8;
    for line in document.lines().filter(|line| !line.starts_with('#')) {
        if let Some(at) = line.find("- \"@SCRIPT@\"") {
            let margin = " ".repeat(at);
            text.extend([margin.as_str(), "- |\n"]);
            text.push_str(&indented(&without_comments(script), &format!("{margin}  ")));
            found = found.saturating_add(1);
            continue;
        }
        let line = line
            .replace("\"@GIT_BASE@\"", "!Ref GitBaseUrl")
            .replace("\"@ARTIFACT_BUCKET@\"", "!Ref ArtifactBucketName")
            .replace("\"@HOST_USER@\"", "!Ref HostUser");
        text.push_str(&line);
        text.push('\n');
    }
    if found == 1 {
        Ok(text)
    } else {
        Err("host/document.yaml must have one line `- \"@SCRIPT@\"`".to_owned())
    }
}

/// The script without its margins, empty lines and the lines that are only a comment: SSM takes documents up to 64 KiB,
/// and a reader has the files. No string of the script may go over a line's end, so nothing else is lost.
fn without_comments(script: &str) -> String {
    let kept = script.lines().map(str::trim_start).filter(|line| {
        let comment = line.starts_with("# ") || line.starts_with("// ") || *line == "#";
        !comment && !line.is_empty()
    });
    let kept: Vec<&str> = kept.collect();
    kept.join("\n")
}

fn indented(text: &str, indent: &str) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("{indent}{line}\n")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_lands_between_the_marks_and_a_second_time_changes_nothing() {
        let template = format!("A:\n  {BEGIN}\n  old: 1\n  {END}\nB: 2\n");
        let document = "# comment\nx: \"@GIT_BASE@\"\nrun:\n  - \"@SCRIPT@\"\n";
        let once = with_document(&template, document, "#!/bin/bash\n\necho hi\n").unwrap();
        let expected = format!(
            "A:\n  {BEGIN}\n  x: !Ref GitBaseUrl\n  run:\n    - |\n      #!/bin/bash\n      echo hi\n  {END}\nB: 2\n"
        );
        assert_eq!(once, expected);
        assert_eq!(
            with_document(&once, document, "#!/bin/bash\n\necho hi\n").unwrap(),
            once
        );
    }

    #[test]
    fn a_script_that_the_agent_would_substitute_in_is_refused() {
        let template = format!("{BEGIN}\n{END}");
        assert!(with_document(&template, "- \"@SCRIPT@\"", "echo {{ x }}").is_err());
    }
}
