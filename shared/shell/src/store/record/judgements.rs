//! What checks have found, stored.

use super::RecordError;
use longshore_core::{
    Amount, CheckName, FailureClass, Finding, Judgement, Measure, Millis, NoData, Timestamp,
};
use serde::{Deserialize, Serialize};

/// [`Judgement`], stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JudgementRecord {
    check: String,
    finding: FindingRecord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    numbers: Vec<NumberRecord>,
    said: String,
    at_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FindingRecord {
    Passed,
    Failed(String),
    Inconclusive,
}

/// A number in thousandths of its unit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberRecord {
    of: String,
    thousandths: i64,
}

/// [`NoData`], stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum NoDataRecord {
    #[default]
    Pass,
    Wait {
        most_ms: u64,
    },
    Stop,
}

impl NoDataRecord {
    /// Whether it is left out of the record, as records were written before there was a choice.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl From<NoData> for NoDataRecord {
    fn from(no_data: NoData) -> Self {
        match no_data {
            NoData::Pass => Self::Pass,
            NoData::Wait(most) => Self::Wait {
                most_ms: most.as_ms(),
            },
            NoData::Stop => Self::Stop,
        }
    }
}

impl From<NoDataRecord> for NoData {
    fn from(record: NoDataRecord) -> Self {
        match record {
            NoDataRecord::Pass => Self::Pass,
            NoDataRecord::Wait { most_ms } => Self::Wait(Millis::new(most_ms)),
            NoDataRecord::Stop => Self::Stop,
        }
    }
}

impl From<&Judgement> for JudgementRecord {
    fn from(judgement: &Judgement) -> Self {
        let numbers = judgement.numbers.iter();
        Self {
            check: judgement.check.to_string(),
            finding: match judgement.finding {
                Finding::Passed => FindingRecord::Passed,
                Finding::Failed(class) => FindingRecord::Failed(class.word().to_owned()),
                Finding::Inconclusive => FindingRecord::Inconclusive,
            },
            numbers: numbers
                .map(|(of, amount)| NumberRecord {
                    of: of.word().to_owned(),
                    thousandths: amount.thousandths(),
                })
                .collect(),
            said: judgement.said().to_owned(),
            at_ms: judgement.at.as_unix_ms(),
        }
    }
}

impl TryFrom<JudgementRecord> for Judgement {
    type Error = RecordError;

    fn try_from(record: JudgementRecord) -> Result<Self, RecordError> {
        let finding = match record.finding {
            FindingRecord::Passed => Finding::Passed,
            FindingRecord::Failed(word) => {
                let class = FailureClass::from_word(&word);
                let unknown = || RecordError::new("an unknown class of failure");
                Finding::Failed(class.ok_or_else(unknown)?)
            }
            FindingRecord::Inconclusive => Finding::Inconclusive,
        };
        let number = |record: NumberRecord| {
            let of = Measure::from_word(&record.of);
            let of = of.ok_or_else(|| RecordError::new("an unknown measure"))?;
            Ok((of, Amount::from_thousandths(record.thousandths)))
        };
        let numbers: Result<Vec<_>, RecordError> = record.numbers.into_iter().map(number).collect();
        let check = CheckName::parse(&record.check)?;
        let at = Timestamp::from_unix_ms(record.at_ms);
        Ok(Self::new(check, finding, numbers?, &record.said, at))
    }
}
