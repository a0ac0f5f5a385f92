//! Text for people: durations, counts, and cleaning what came from elsewhere.

use longshore_core::Millis;

/// The text without control characters and without characters that are unseen or change the direction of what follows:
/// with them a line could claim to say something else.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).collect()
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text, or as much of its beginning as fits, with an ellipsis. `weight` is what a character takes up.
pub(crate) fn cut(text: &str, max: usize, weight: impl Fn(char) -> usize) -> String {
    let whole = text.chars().map(&weight).fold(0, usize::saturating_add);
    if whole <= max {
        return text.to_owned();
    }
    let mut room = max.saturating_sub(weight('…'));
    let fits = text.chars().take_while(|c| {
        let enough = room >= weight(*c);
        room = room.saturating_sub(weight(*c));
        enough
    });
    fits.chain(['…']).collect()
}

/// `1 host`, `2 hosts`.
pub(crate) fn hosts(count: usize) -> String {
    if count == 1 {
        "1 host".to_owned()
    } else {
        format!("{count} hosts")
    }
}

/// A span as a person would say it, in its two largest units.
pub(crate) fn duration(span: Millis) -> String {
    let seconds = span.as_ms() / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => "less than a second".to_owned(),
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => two(minutes, "min", seconds % 60, "s"),
        (0, hours, minutes, _) => two(hours, "h", minutes % 60, "min"),
        (days, hours, ..) => two(days, "d", hours % 24, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unseen_or_turns_the_text_around_is_taken_out() {
        assert_eq!(
            clean("a\n\tb\u{202e}c\u{2066}d\u{200b}e\u{1b}[31m\u{feff}"),
            "abcde[31m"
        );
        assert_eq!(clean("ünïcødé 🚀 → 你好"), "ünïcødé 🚀 → 你好");
    }

    #[test]
    fn a_text_is_cut_by_what_its_characters_take_up() {
        let plain = |_| 1;
        assert_eq!(cut("abc", 3, plain), "abc");
        assert_eq!(cut("abcd", 3, plain), "ab…");
        let wide = |c| if c == '&' { 5 } else { 1 };
        assert_eq!(cut("a&&", 11, wide), "a&&");
        assert_eq!(cut("a&&", 10, wide), "a&…");
        assert_eq!(cut("&&&", 5, wide), "…");
    }

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        for (ms, said) in [
            (0, "less than a second"),
            (999, "less than a second"),
            (42_999, "42 s"),
            (60_000, "1 min"),
            (125_000, "2 min 5 s"),
            (3_600_000, "1 h"),
            (11_045_000, "3 h 4 min"),
            (86_400_000, "1 d"),
            (183_600_000, "2 d 3 h"),
        ] {
            assert_eq!(duration(Millis::new(ms)), said);
        }
    }
}
