//! Text that comes from outside: a host, a tool, a calendar, a person.

/// The first characters of a text, with a question mark for each that is not printable ASCII: nothing that can steer a terminal
/// or turn the direction of what is written gets into the record (invariant I7).
pub(crate) fn printable(text: &str, max: usize) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    text.chars().take(max).map(shown).collect()
}
