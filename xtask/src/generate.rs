//! Puts the SSM documents, with their scripts in them, into the templates: that of the hosts' one document into `template.yaml`,
//! that of the bootstrap into `host/template.yaml`.
//!
//! CloudFormation takes a document only as part of a template, and a script must be edited and tested as a script; so
//! each template carries a copy between two marks, and a test holds it equal.

use crate::steps::{Done, root, say};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;

const BEGIN: &str = "# BEGIN GENERATED host document (cargo xtask generate)";
const END: &str = "# END GENERATED host document";

/// Writes the copy, or checks that it is there.
pub(crate) fn run(check: bool) -> Done {
    let script = packed(&without_comments(&script()?))?;
    carry("template.yaml", "host/document.yaml", &script, check)?;
    carry(
        "host/template.yaml",
        "host/bootstrap.yaml",
        &bootstrap()?,
        check,
    )
}

/// Writes the copy of one document into one template, or checks that it is there.
fn carry(template: &str, document: &str, script: &str, check: bool) -> Done {
    let found = read(template)?;
    let expected = with_document(&found, &read(document)?, script)?;
    if found == expected {
        say(&format!("{template} carries {document}"));
        return Ok(());
    }
    if check {
        return Err(format!(
            "{template} does not carry {document}: run cargo xtask generate"
        ));
    }
    fs::write(root().join(template), expected).map_err(|error| format!("{template}: {error}"))?;
    say(&format!("{template} now carries {document}"));
    Ok(())
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// The bootstrap script with the one pin of pm2 in it, that of the local hosts and of the tests: `local/npm`.
pub(crate) fn bootstrap() -> Result<String, String> {
    let compact = |path: &str| -> Result<String, String> {
        let value: serde_json::Value =
            serde_json::from_str(&read(path)?).map_err(|error| format!("{path}: {error}"))?;
        Ok(value.to_string())
    };
    Ok(read("host/bootstrap.sh")?
        .replace("@PM2_LOCK@", &compact("local/npm/package-lock.json")?)
        .replace("@PM2_PACKAGE@", &compact("local/npm/package.json")?))
}

fn with_document(template: &str, document: &str, script: &str) -> Result<String, String> {
    if script.contains("{{") {
        return Err("a script must not contain `{{`: the SSM agent would substitute it".to_owned());
    }
    let (head, rest) = template
        .split_once(BEGIN)
        .ok_or_else(|| format!("the template has no line `{BEGIN}`"))?;
    let (_, tail) = rest
        .split_once(END)
        .ok_or_else(|| format!("the template has no line `{END}`"))?;
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
            text.push_str(&indented(script, &format!("{margin}  ")));
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
        Err("a document must have one line `- \"@SCRIPT@\"`".to_owned())
    }
}

/// Where the host program stands in the host script.
const PROGRAM: (&str, &str) = (
    "IFS= read -r -d '' PROGRAM <<'PROGRAM_END' || true\n",
    "PROGRAM_END\n",
);

/// The script with its JavaScript compressed, as both together are more than SSM takes. What was carried is read again with
/// `base64 -d | gzip -dc`; nothing but the two is relied on, at their own places, as the agent's PATH may be anything.
fn packed(script: &str) -> Result<String, String> {
    let missing = || "host/script has no host program to pack".to_owned();
    let (begin, end) = PROGRAM;
    let (head, rest) = script.split_once(begin).ok_or_else(missing)?;
    let (program, tail) = rest.split_once(end).ok_or_else(missing)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let bytes = encoder.write_all(program.as_bytes());
    let bytes = bytes.and_then(|()| encoder.finish());
    let text = STANDARD.encode(bytes.map_err(|error| error.to_string())?);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(PACKED_LINE)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let lines = lines.join("\n");
    Ok(format!(
        "{head}PROGRAM=$(PATH=/usr/bin:/bin; base64 -d <<'PROGRAM_END' | gzip -dc\n{lines}\n{end})\n{tail}"
    ))
}

/// Characters of a line of what is packed.
const PACKED_LINE: usize = 116;

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
        let script = without_comments("#!/bin/bash\n\n# why\n  echo hi\n");
        let once = with_document(&template, document, &script).unwrap();
        let expected = format!(
            "A:\n  {BEGIN}\n  x: !Ref GitBaseUrl\n  run:\n    - |\n      #!/bin/bash\n      echo hi\n  {END}\nB: 2\n"
        );
        assert_eq!(once, expected);
        assert_eq!(with_document(&once, document, &script).unwrap(), once);
    }

    #[test]
    fn a_packed_program_is_the_same_when_bash_has_read_it() {
        let program = "const a = '$(x)';\nconst b = \"`y`\";\n";
        let script = format!(
            "set -eu\n{}{program}{}printf '%s\\n' \"${{PROGRAM}}\"",
            PROGRAM.0, PROGRAM.1
        );
        let said = |script: &str| {
            let run = std::process::Command::new("/bin/bash")
                .args(["-c", script])
                .env("PATH", "")
                .output();
            String::from_utf8(run.unwrap().stdout).unwrap()
        };
        let carried = packed(&script).unwrap();
        assert!(!carried.contains("const a"));
        assert_eq!(said(&carried), program);
    }

    #[test]
    fn a_script_that_the_agent_would_substitute_in_is_refused() {
        let template = format!("{BEGIN}\n{END}");
        assert!(with_document(&template, "- \"@SCRIPT@\"", "echo {{ x }}").is_err());
    }
}
