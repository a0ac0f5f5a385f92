//! What the program says: the one place that writes to the terminal.

/// Says a line.
#[expect(clippy::print_stdout, reason = "this is the program's voice")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Says what went wrong.
#[expect(clippy::print_stderr, reason = "this is the program's voice")]
pub(crate) fn complain(line: &str) {
    eprintln!("error: {line}");
}
