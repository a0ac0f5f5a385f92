//! A command line that cannot be read: told as every other failure is, also as JSON where that was asked for.

use crate::args::{Form, Line};
use crate::failure::Failure;
use crate::screen::Screen;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Reads the command line. The help and the version are written here, and so is what is wrong.
///
/// # Errors
/// The exit code, when there is nothing more to do.
pub fn read() -> Result<Line, ExitCode> {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    Line::try_parse().map_err(|error| {
        if is_asked_for(error.kind()) {
            error.exit()
        }
        let failure = failure(&error.render().to_string(), &words);
        Screen::plain(form(&words)).failure(&failure);
        failure.exit.into()
    })
}

/// The parser tells the help and the version as errors, too.
const fn is_asked_for(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// The parser's own words without its usage, which names every option that has a variable as if it were needed.
fn failure(rendered: &str, words: &[String]) -> Failure {
    let text = rendered.trim_start_matches("error: ");
    let end = ["\n\nUsage:", "\n\nFor more information"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    let message = text.get(..end.unwrap_or(text.len())).unwrap_or(text);
    let lines: Vec<&str> = message.lines().map(str::trim).collect();
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    let message = lines.collect::<Vec<_>>().join(" ");
    Failure::usage("usage", message, format!("longshore {}--help", verb(words)))
}

/// The verb, and the verb below it, as far as they are known.
fn verb(words: &[String]) -> String {
    let mut command = Line::command();
    let mut path = String::new();
    for word in words {
        if let Some(found) = command.find_subcommand(word).cloned() {
            path.push_str(word);
            path.push(' ');
            command = found;
        }
    }
    path
}

/// The form that was asked for, in words that could not be read as a whole.
fn form(words: &[String]) -> Form {
    let pairs = words.iter().zip(words.iter().skip(1));
    let mut asked = pairs.map(|(name, value)| format!("{name} {value}"));
    let in_two = asked.any(|pair| pair == "-o json" || pair == "--output json");
    let in_one = words
        .iter()
        .any(|word| matches!(word.as_str(), "-ojson" | "-o=json" | "--output=json"));
    if in_two || in_one {
        Form::Json
    } else {
        Form::Table
    }
}
