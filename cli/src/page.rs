//! What a verb shows to a person: lines, pairs and tables, laid out for a width. Nothing here writes anywhere.
//!
//! Texts come from hosts and from other people, so that control characters never reach a terminal: each text is made clean
//! as it is put on the page. Colour follows the marks, so that nothing is said by colour alone.

use anstyle::{AnsiColor, Style};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use std::fmt::Write as _;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a mark says, and its colour.
const MARKS: [(char, Style); 5] = [
    (GOOD, AnsiColor::Green.on_default()),
    (BAD, AnsiColor::Red.on_default()),
    (BUSY, AnsiColor::Cyan.on_default()),
    (WAITS, AnsiColor::Yellow.on_default()),
    (IDLE, Style::new().dimmed()),
];

/// It is as it should be.
pub const GOOD: char = '✓';
/// It is not.
pub const BAD: char = '✗';
/// It is at work.
pub const BUSY: char = '●';
/// It needs somebody.
pub const WAITS: char = '◆';
/// Nothing is to be said for or against it.
pub const IDLE: char = '○';

/// The space between two columns.
const GAP: u16 = 2;
/// The least room for the last column beside the others.
const LAST_MIN: usize = 24;

/// A page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Line(String),
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new() -> Self {
        Self { blocks: Vec::new() }
    }

    /// A heading.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        self.blocks.push(Block::Heading(clean(text)));
        self
    }

    /// A line.
    pub fn line(&mut self, text: &str) -> &mut Self {
        self.blocks.push(Block::Line(clean(text)));
        self
    }

    /// An empty line.
    pub fn gap(&mut self) -> &mut Self {
        self.line("")
    }

    /// Labels with their values, those that have one.
    pub fn pairs<const N: usize>(&mut self, pairs: [(&str, Option<String>); N]) -> &mut Self {
        let rows = pairs.into_iter().filter_map(|(label, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some(vec![label.to_owned(), value])
        });
        let rows: Vec<_> = rows.collect();
        self.table(&[], rows)
    }

    /// A table; nothing when it has no rows.
    pub fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) -> &mut Self {
        if rows.is_empty() {
            return self;
        }
        let head = head.iter().map(|text| clean(text)).collect();
        let rows = rows
            .into_iter()
            .map(|row| row.iter().map(|text| clean(text)).collect());
        self.blocks.push(Block::Table {
            head,
            rows: rows.collect(),
        });
        self
    }

    /// The page as text, at most this wide; with colours for a terminal, where they are wanted.
    #[must_use]
    pub fn text(&self, width: Option<u16>, colour: bool) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            match block {
                Block::Heading(line) if colour => {
                    let bold = Style::new().bold();
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "{bold}{line}{bold:#}");
                }
                Block::Heading(line) | Block::Line(line) => {
                    text.push_str(line);
                    text.push('\n');
                }
                Block::Table { head, rows } => {
                    text.push_str(&laid_out(head, rows, width));
                    text.push('\n');
                }
            }
        }
        if colour { coloured(&text) } else { text }
    }

    /// The page as lines without colours, none wider and all together not higher than a terminal.
    #[must_use]
    pub fn frame(&self, width: u16, height: u16) -> Vec<String> {
        let text = self.text(Some(width), false);
        let lines = text.lines().take(height.into());
        lines.map(|line| cut(line, width.into())).collect()
    }
}

/// As much of a line as has room.
fn cut(line: &str, width: usize) -> String {
    let mut used = 0_usize;
    let fits = |c: &char| {
        used = used.saturating_add(c.width().unwrap_or(0));
        used <= width
    };
    line.chars().take_while(fits).collect()
}

/// Columns of the width of their content. The last one is wrapped in the room that is left; where that is little, it goes
/// below its row instead.
fn laid_out(head: &[String], rows: &[Vec<String>], width: Option<u16>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let last = columns.saturating_sub(1);
    let room = width.map(|width| usize::from(width).saturating_sub(width_of(head, rows, last)));
    let wanted = content(head, rows, last).min(LAST_MIN);
    if last == 0 || room.is_none_or(|room| room >= wanted) {
        return columned(head, rows, width);
    }
    let before = |row: &Vec<String>| row.iter().take(last).cloned().collect::<Vec<_>>();
    let short: Vec<Vec<String>> = rows.iter().map(before).collect();
    let short_head = before(&head.to_vec());
    let text = columned(&short_head, &short, None);
    let below = rows
        .iter()
        .map(|row| row.get(last).filter(|text| !text.is_empty()));
    let head_lines = (!head.is_empty()).then_some(None);
    let notes = head_lines.into_iter().chain(below);
    let lines = text.lines().zip(notes).map(|(line, note)| match note {
        Some(note) => format!("{line}\n    {note}"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The width of all columns before this one, with the gaps.
fn width_of(head: &[String], rows: &[Vec<String>], before: usize) -> usize {
    let one = |column: usize| content(head, rows, column).saturating_add(GAP.into());
    (0..before).map(one).sum()
}

/// The width of a column's content.
fn content(head: &[String], rows: &[Vec<String>], column: usize) -> usize {
    let all = rows.iter().map(Vec::as_slice).chain([head]);
    let cells = all.filter_map(|row| row.get(column));
    cells.map(|cell| cell.width()).max().unwrap_or(0)
}

fn columned(head: &[String], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !head.is_empty() {
        table.set_header(head);
    }
    table.add_rows(rows);
    let arrangement = match width {
        Some(width) => {
            table.set_width(width);
            ContentArrangement::Dynamic
        }
        None => ContentArrangement::Disabled,
    };
    table.set_content_arrangement(arrangement);
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if index < last {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

/// The text with its marks in colour.
#[must_use]
pub fn coloured(text: &str) -> String {
    let mut painted = String::with_capacity(text.len());
    for c in text.chars() {
        match MARKS.iter().find(|(mark, _)| *mark == c) {
            Some((mark, style)) => {
                let _ = write!(painted, "{style}{mark}{style:#}");
            }
            None => painted.push(c),
        }
    }
    painted
}

/// The text without its colours, and without anything else that a terminal would obey or that would turn its letters around.
#[must_use]
pub fn clean(text: &str) -> String {
    let shown = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || (c.is_control() && c != '\t') {
            '\u{fffd}'
        } else if c == '\t' {
            ' '
        } else {
            c
        }
    };
    anstream::adapter::strip_str(text)
        .to_string()
        .chars()
        .map(shown)
        .collect()
}
