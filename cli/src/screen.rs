//! The one place that writes: pages or JSON to the standard output, notes and errors to the standard error, and questions.

use crate::args::{Color, Common, Form};
use crate::failure::Failure;
use crate::page::{Page, clean, coloured};
use anstream::{AutoStream, ColorChoice};
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write, stderr, stdin, stdout};

/// Where a verb's words go.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    form: Form,
    color: ColorChoice,
    terminal: bool,
}

impl Screen {
    /// The standard output, as the command line wants it.
    #[must_use]
    pub fn new(common: &Common) -> Self {
        let color = match common.color {
            Color::Auto => AutoStream::choice(&stdout()),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            form: common.output,
            color,
            terminal: stdout().is_terminal() && !is_dumb(),
        }
    }

    /// One for a command line that could not be read as a whole.
    #[must_use]
    pub fn plain(form: Form) -> Self {
        Self {
            form,
            color: ColorChoice::Never,
            terminal: false,
        }
    }

    /// Whether JSON is wanted.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        matches!(self.form, Form::Json)
    }

    /// Whether a person watches a terminal, where something can be drawn anew.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.terminal && matches!(self.form, Form::Table)
    }

    /// The terminal's width and height; none for a file or a pipe.
    #[must_use]
    pub fn size(&self) -> Option<(u16, u16)> {
        let size = self.terminal.then(terminal_size::terminal_size).flatten();
        size.map(|(width, height)| (width.0, height.0))
    }

    /// Writes the page or, where JSON is wanted, what the API said.
    pub fn show(&self, json: &Value, page: &Page) {
        match self.form {
            Form::Json => self.json(json),
            Form::Table => self.page(page),
        }
    }

    /// Writes JSON.
    pub fn json(&self, value: &Value) {
        self.raw(&format!("{value:#}\n"));
    }

    /// Writes JSON in one line.
    pub fn json_line(&self, value: &Value) {
        self.raw(&format!("{value}\n"));
    }

    /// Writes a page.
    pub fn page(&self, page: &Page) {
        self.raw(&self.rendered(page));
    }

    /// A page as it would be written.
    #[must_use]
    pub fn rendered(&self, page: &Page) -> String {
        page.text(self.width(), !matches!(self.color, ColorChoice::Never))
    }

    /// Writes a text as it is. A reader that is gone, as `head` is after its lines, ends it without a word.
    pub fn raw(&self, text: &str) {
        let mut out = AutoStream::new(stdout().lock(), self.color);
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Says something beside the result.
    pub fn note(&self, text: &str) {
        if !self.is_json() {
            let _ = writeln!(stderr().lock(), "{}", clean(text));
        }
    }

    /// Shows a page beside the result, as what somebody is asked about.
    pub fn note_page(&self, page: &Page) {
        let color = AutoStream::choice(&stderr());
        let color = if matches!(self.color, ColorChoice::Auto) {
            color
        } else {
            self.color
        };
        let text = page.text(self.width(), !matches!(color, ColorChoice::Never));
        let _ = AutoStream::new(stderr().lock(), color).write_all(text.as_bytes());
    }

    /// Draws a page in the place of the one before, of which so many lines were drawn; tells how many it has. A page that is
    /// higher than the terminal is cut, because what has scrolled away cannot be drawn anew.
    #[must_use]
    pub fn redraw(&self, page: &Page, before: usize) -> usize {
        let (width, height) = self.size().unwrap_or((80, 24));
        let lines = page.frame(width, height.saturating_sub(1));
        let back = match before {
            0 => String::new(),
            lines => format!("\u{1b}[{lines}A"),
        };
        let text = format!("{}\n", lines.join("\n"));
        let text = if matches!(self.color, ColorChoice::Never) {
            text
        } else {
            coloured(&text)
        };
        // What moves the cursor must not be stripped with the colours.
        let mut out = stdout().lock();
        let _ = write!(out, "{back}\u{1b}[J{text}").and_then(|()| out.flush());
        lines.len()
    }

    fn width(self) -> Option<u16> {
        self.size().map(|(width, _)| width)
    }

    /// Says why a verb could not do its work.
    pub fn failure(&self, failure: &Failure) {
        let Failure {
            word,
            message,
            next,
            exit: _,
        } = failure;
        let text = match self.form {
            Form::Json => json!({ "error": word, "message": message, "next": next }).to_string(),
            Form::Table => format!(
                "longshore: {} ({word})\n  next: {}",
                clean_lines(message),
                clean(next)
            ),
        };
        let _ = writeln!(stderr().lock(), "{text}");
    }

    /// Asks a person for a yes.
    ///
    /// # Errors
    /// When there is nobody to ask, and when the answer is another one.
    pub fn ask(&self, question: &str, instead: &str) -> Result<(), Failure> {
        if !stdin().is_terminal() {
            return Err(nobody_to_ask(instead));
        }
        let _ = write!(stderr().lock(), "{} [yes/no] ", clean(question));
        if is_yes(&mut stdin().lock()) {
            Ok(())
        } else {
            Err(Failure::refused(
                "not_confirmed",
                "nothing was done: the answer was not yes",
                "run it again and answer yes",
            ))
        }
    }
}

/// A text of several lines, as a list of problems is, each of them made harmless.
fn clean_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(clean).collect();
    lines.join("\n  ")
}

/// A terminal that cannot move its cursor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

fn nobody_to_ask(instead: &str) -> Failure {
    let message = "this needs a yes, and there is no terminal to ask on";
    Failure::usage("not_confirmed", message, format!("pass {instead}"))
}

fn is_yes(input: &mut impl BufRead) -> bool {
    let mut line = String::new();
    input.read_line(&mut line).is_ok() && line.trim().eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_whole_yes_is_a_yes() {
        for (text, expected) in [
            ("yes\n", true),
            ("YES\r\n", true),
            ("y\n", false),
            ("\n", false),
            ("", false),
            ("no\n", false),
        ] {
            assert_eq!(is_yes(&mut text.as_bytes()), expected, "{text:?}");
        }
    }
}
