//! docs/CLI.md is what the command says of itself. `LONGSHORE_WRITE_DOCS=1` writes it anew.

use clap::{Command, CommandFactory};
use longshore_cli::args::Line;
use longshore_cli::exit::Exit;
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "\
# The command `longshore`

For operators: what runs where, approvals, locks, rollbacks, and why something failed. This page is what the command says of
itself (`longshore VERB --help`), held together by a test; [OPERATIONS.md](OPERATIONS.md) says when to use what.

## Where it gets things from

- **Credentials and region** as the AWS CLI does: variables (`AWS_ACCESS_KEY_ID`, …), `AWS_PROFILE` or `--profile` with the files of
  `~/.aws`, SSO (`aws sso login` first), `credential_process`, roles of containers and machines. Certificates are those of the
  operating system and Amazon's own; `AWS_CA_BUNDLE` replaces them. `HTTPS_PROXY` and `NO_PROXY` count.
- **The API's address** from `--api-url` or `LONGSHORE_API_URL`, else from the parameter `/longshore/ENVIRONMENT/control/api-url`
  ([README](../README.md#deploy-to-aws), step 2). Reading it needs `ssm:GetParameter` on exactly that name. Where both an address and
  an environment are named, nothing is changed unless the API says that it is of that environment.
- **Rights** are those of IAM on the API's routes: the policies for reader, deployer, approver and admin of the stack. `config` and
  `doctor` use the operator's own rights on Parameter Store, KMS, SQS and CloudWatch, and say what they may not see.

## What it writes

- A table for people; with `--output json` what the API said, unchanged. `watch` and `logs` write one JSON object for each line.
- The result goes to the standard output. Notes, questions and errors go to the standard error; an error is one line with a
  stable word in parentheses, and a line that begins with `next:`. With `--output json` it is `{\"error\", \"message\", \"next\"}`.
- Colours on a terminal, unless `NO_COLOR` is set; they only repeat what the marks say: ✓ as it should be, ✗ not so, ● at work, ◆ needs
  somebody, ○ neither.
- Times are UTC, and how long ago is measured against the server's clock.
- Control characters in what hosts and people wrote never reach the terminal.

";

fn documentation() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    let mut command = Line::command().term_width(100);
    command.build();
    section(&mut page, &command, "longshore");
    page
}

/// What holds for every verb stands in the first section only.
const FOR_EVERY_VERB: [&str; 7] = [
    "environment",
    "region",
    "profile",
    "api_url",
    "ca_bundle",
    "output",
    "color",
];

fn section(page: &mut String, command: &Command, name: &str) {
    let mut shown = command.clone();
    let help = if name == "longshore" {
        shown.render_long_help()
    } else {
        for argument in FOR_EVERY_VERB {
            shown = shown.mut_arg(argument, |argument| argument.hide(true));
        }
        shown.render_help()
    };
    let help = help.to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let help = help.join("\n");
    let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end());
    for inner in command.get_subcommands() {
        if inner.get_name() != "help" {
            section(page, inner, &format!("{name} {}", inner.get_name()));
        }
    }
}

#[test]
fn the_page_is_what_the_command_says_of_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CLI.md");
    let expected = documentation();
    if std::env::var_os("LONGSHORE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "docs/CLI.md is old: LONGSHORE_WRITE_DOCS=1 cargo test --workspace --test cli"
    );
}
