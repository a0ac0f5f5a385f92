//! What a metric is measured in, for the words of a judgement. It never decides anything.

use crate::value::Value;

/// The bytes of a kilobyte and of a megabyte, as CloudWatch counts them in its graphs.
const KILO: i64 = 1_000;
const MEGA: i64 = 1_000_000;

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Unit {
    /// Nobody has said it.
    #[default]
    Unknown,
    /// Of a hundred.
    Percent,
    /// Bytes, which are told as kB or MB where they are many.
    Bytes,
    /// What people call it: `ms`, `orders a minute`.
    Named(String),
}

impl Unit {
    /// A value with its unit.
    #[must_use]
    pub fn of(&self, value: Value) -> String {
        match self {
            Self::Unknown => value.to_string(),
            Self::Percent => format!("{value}%"),
            Self::Bytes => bytes(value),
            Self::Named(unit) => format!("{value} {unit}"),
        }
    }
}

fn bytes(value: Value) -> String {
    let bytes = value.millionths();
    let size = bytes.saturating_abs();
    if size >= Value::whole(MEGA).millionths() {
        format!("{} MB", tenths(bytes / MEGA))
    } else if size >= Value::whole(KILO).millionths() {
        format!("{} kB", tenths(bytes / KILO))
    } else {
        format!("{} bytes", tenths(bytes))
    }
}

/// So many millionths, rounded to a tenth.
const fn tenths(millionths: i64) -> Value {
    let half = if millionths < 0 { -50_000 } else { 50_000 };
    let tenths = millionths.saturating_add(half) / 100_000;
    Value::from_millionths(tenths.saturating_mul(100_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_in_its_unit() {
        let named = Unit::Named("ms".to_owned());
        for (unit, millionths, said) in [
            (&Unit::Unknown, 412_000_000, "412"),
            (&named, 412_500_000, "412.5 ms"),
            (&Unit::Percent, 61_250_000, "61.25%"),
            (&Unit::Bytes, 999_000_000, "999 bytes"),
            (&Unit::Bytes, 1_949_000_000, "1.9 kB"),
            (&Unit::Bytes, 12_340_000_000_000, "12.3 MB"),
            (&Unit::Bytes, -1_960_000_000, "-2 kB"),
        ] {
            assert_eq!(unit.of(Value::from_millionths(millionths)), said);
        }
    }
}
