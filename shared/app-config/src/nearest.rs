//! What a misspelt word was probably meant to be.

/// The word nearest to `word`, when one is near enough for a slip of the finger.
pub(crate) fn nearest<'k>(word: &str, words: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let wanted: String = plain(word).chars().take(64).collect();
    let distance = |known: &str| strsim::osa_distance(&wanted, &plain(known));
    let near = |(distance, known): &(usize, &str)| *distance <= known.len().div_ceil(4);
    words
        .iter()
        .map(|known| (distance(known), *known))
        .filter(near)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        let keys = ["port", "path", "expected_status", "interval_seconds"];
        for (word, expected) in [
            ("prot", Some("port")),
            ("expectedStatus", Some("expected_status")),
            ("interval-secs", Some("interval_seconds")),
            ("intervall_seconds", Some("interval_seconds")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &keys), expected, "{word}");
        }
    }
}
