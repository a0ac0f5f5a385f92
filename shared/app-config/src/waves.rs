//! Waves: cumulative sizes of the part of the target set that is switched up to and including each wave.

use crate::field::{Field, bounded_list};
use crate::problem::{Problem, Problems, index_path};
use crate::text::read_text;
use longshore_core::WaveSize;
use serde_json::{Value, json};

/// Hosts that one deployment may have.
pub(crate) const HOSTS_MAX: u32 = 10_000;
const WAVES_MAX: usize = 10;

/// A number of hosts or a share of the target set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(WaveSize);

impl Size {
    /// The size.
    #[must_use]
    pub const fn get(self) -> WaveSize {
        self.0
    }
}

impl Field for Size {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        read_size(value, at, problems).map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": SIZE_PATTERN })
    }
}

const SIZE_PATTERN: &str = "^([1-9][0-9]{0,3}|10000|([1-9][0-9]?|100)%)$";

/// Cumulative wave sizes, ascending, the last one the whole target set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waves(Vec<WaveSize>);

impl Waves {
    /// The sizes, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[WaveSize] {
        &self.0
    }
}

impl Field for Waves {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let values = bounded_list(value, at, 1, WAVES_MAX, problems)?;
        let mut sizes = Vec::new();
        for (index, value) in values.iter().enumerate() {
            sizes.extend(read_size(value, &index_path(at, index), problems));
        }
        let before = problems.len();
        if sizes.len() == values.len() {
            check_order(&sizes, at, problems);
        }
        (sizes.len() == values.len() && problems.len() == before).then_some(Self(sizes))
    }

    fn schema() -> Value {
        json!({
            "type": "array",
            "items": { "type": "string", "pattern": SIZE_PATTERN },
            "minItems": 1,
            "maxItems": WAVES_MAX,
            "uniqueItems": true
        })
    }
}

fn read_size(value: &Value, at: &str, problems: &mut Problems) -> Option<WaveSize> {
    let form = format!(
        "a number of hosts from \"1\" to \"{HOSTS_MAX}\" or a share from \"1%\" to \"100%\", in quotes"
    );
    read_text(value, at, &form, problems, |text| {
        parse_size(text).ok_or("is not the size of a wave")
    })
}

fn parse_size(text: &str) -> Option<WaveSize> {
    let plain = |digits: &str| {
        let only = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        only.then(|| digits.parse::<u32>().ok()).flatten()
    };
    match text.strip_suffix('%') {
        Some(percent) => plain(percent)
            .and_then(|percent| u8::try_from(percent).ok())
            .filter(|percent| *percent <= 100)
            .map(WaveSize::Percent),
        None => plain(text)
            .filter(|hosts| *hosts <= HOSTS_MAX)
            .map(WaveSize::Hosts),
    }
}

/// Counts must grow among themselves and shares among themselves; how a count compares to a share depends on the number
/// of hosts, which is not known here, and a wave that adds no host is left out later.
fn check_order(sizes: &[WaveSize], at: &str, problems: &mut Problems) {
    let (mut hosts_before, mut percent_before) = (0, 0);
    for (index, size) in sizes.iter().enumerate() {
        let grows = match size {
            WaveSize::Hosts(hosts) => *hosts > std::mem::replace(&mut hosts_before, *hosts),
            WaveSize::Percent(share) => *share > std::mem::replace(&mut percent_before, *share),
        };
        if !grows {
            let wrong = "is not larger than a wave before it";
            let fix = "write ascending sizes; each one counts the waves before it in";
            problems.push(Problem::new(&index_path(at, index), wrong, fix));
        }
    }
    if sizes.last() != Some(&WaveSize::Percent(100)) {
        let wrong = "does not end with the whole target set";
        problems.push(Problem::new(at, wrong, "make \"100%\" the last wave"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expected: &[&str]) {
        let mut problems = Problems::default();
        let read = Waves::read(value, "waves", &mut problems);
        let found: Vec<String> = problems
            .found()
            .iter()
            .map(|problem| format!("{} {}", problem.path, problem.wrong))
            .collect();
        assert_eq!(found, expected, "{value}");
        assert_eq!(read.is_some(), expected.is_empty(), "{value}");
    }

    #[test]
    fn waves_ascend_to_the_whole_target_set() {
        check(&json!(["100%"]), &[]);
        check(&json!(["1", "50%", "100%"]), &[]);
        check(&json!(["1%", "5", "99%", "10000", "100%"]), &[]);
        let last = "waves does not end with the whole target set";
        check(&json!(["1", "50%"]), &[last]);
        check(&json!(["100%", "5"]), &[last]);
        let order = "waves[1] is not larger than a wave before it";
        check(&json!(["2", "1", "100%"]), &[order]);
        check(&json!(["100%", "100%"]), &[order]);
        check(&json!([]), &["waves has 0 elements"]);
    }

    #[test]
    fn a_size_is_a_count_or_a_share_and_a_text() {
        for bad in [
            "", "0", "0%", "101%", "10001", "01", "+1", "1.5", "-1", "%", "1 %", "half",
        ] {
            check(
                &json!([bad, "100%"]),
                &["waves[0] is not the size of a wave"],
            );
        }
        check(&json!([1, "100%"]), &["waves[0] is a number"]);
    }
}
