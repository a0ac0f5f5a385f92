//! What keeps a record small: every host and every host's failure stands in it once, and all else refers to it by its
//! place.
//!
//! A deployment names a host up to five times (wave, standing, moved, waiting or answered, command). A fleet is switched
//! in order, so a set of places is nearly always one range: `0-499`. That makes a thousand hosts some 25 KB instead of
//! 140, which is also what every single write of it costs.

use super::RecordError;
use super::words::FailureRecord;
use longshore_core::{Failure, FailureClass, HostId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The bytes that the explaining lines of all hosts may take together. Beyond it each line is cut to its share.
pub(super) const DETAILS_MAX: usize = 100_000;

/// Places in the table of hosts, in an order that is kept: `0-49,52`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Places(String);

/// The tables, stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tables {
    hosts: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<FailureRecord>,
}

/// Fills the tables while a record is built.
#[derive(Default)]
pub(super) struct Packer {
    places: BTreeMap<HostId, u32>,
    hosts: Vec<String>,
    numbers: BTreeMap<(FailureClass, String), u32>,
    failures: Vec<(FailureClass, String)>,
}

impl Packer {
    /// The places of some hosts, in their order.
    pub(super) fn hosts<'a>(&mut self, hosts: impl IntoIterator<Item = &'a HostId>) -> Places {
        let mut text = String::new();
        let mut range: Option<(u32, u32)> = None;
        for host in hosts {
            let place = self.place(host);
            range = match range {
                Some((first, last)) if last.saturating_add(1) == place => Some((first, place)),
                done => {
                    write_range(&mut text, done);
                    Some((place, place))
                }
            };
        }
        write_range(&mut text, range);
        Places(text)
    }

    /// The number of a failure.
    pub(super) fn failure(&mut self, failure: &Failure) -> u32 {
        let key = (failure.class, failure.detail().to_owned());
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = count(self.failures.len());
        self.failures.push(key.clone());
        self.numbers.insert(key, number);
        number
    }

    /// The tables, with the lines cut where they are too long together.
    pub(super) fn finish(self) -> Tables {
        let total: usize = self.failures.iter().map(|f| json_len(&f.1)).sum();
        let share = if total > DETAILS_MAX {
            DETAILS_MAX.checked_div(self.failures.len()).unwrap_or(0)
        } else {
            usize::MAX
        };
        let failures = self.failures.into_iter();
        Tables {
            hosts: self.hosts,
            failures: failures
                .map(|(class, detail)| FailureRecord::with_detail(class, cut(detail, share)))
                .collect(),
        }
    }

    fn place(&mut self, host: &HostId) -> u32 {
        if let Some(place) = self.places.get(host) {
            return *place;
        }
        let place = count(self.hosts.len());
        self.places.insert(host.clone(), place);
        self.hosts.push(host.to_string());
        place
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn write_range(text: &mut String, range: Option<(u32, u32)>) {
    let Some((first, last)) = range else {
        return;
    };
    let comma = if text.is_empty() { "" } else { "," };
    // Writing to a string cannot fail.
    let _ = if first == last {
        write!(text, "{comma}{first}")
    } else {
        write!(text, "{comma}{first}-{last}")
    };
}

/// The length of a printable ASCII line in JSON, where quotes and backslashes take two bytes.
fn json_len(line: &str) -> usize {
    line.chars().map(json_char_len).sum()
}

const fn json_char_len(c: char) -> usize {
    if matches!(c, '"' | '\\') { 2 } else { 1 }
}

fn cut(line: String, share: usize) -> String {
    if json_len(&line) <= share {
        return line;
    }
    let mut left = share;
    line.chars()
        .take_while(|c| {
            let fits = json_char_len(*c) <= left;
            left = left.saturating_sub(json_char_len(*c));
            fits
        })
        .collect()
}

/// Looks up in the tables while a record is read.
pub(super) struct Unpacker {
    hosts: Vec<HostId>,
    failures: Vec<Failure>,
}

impl TryFrom<Tables> for Unpacker {
    type Error = RecordError;

    fn try_from(tables: Tables) -> Result<Self, RecordError> {
        let hosts = tables.hosts.iter().map(|host| HostId::parse(host));
        let failures = tables.failures.into_iter().map(Failure::try_from);
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            failures: failures.collect::<Result<_, _>>()?,
        })
    }
}

impl Unpacker {
    /// The hosts of some places, in their order.
    pub(super) fn hosts(&self, places: &Places) -> Result<Vec<HostId>, RecordError> {
        let mut hosts = Vec::new();
        for range in places.0.split(',').filter(|range| !range.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            hosts.extend_from_slice(self.range(first, last)?);
        }
        Ok(hosts)
    }

    /// The failure of a number.
    pub(super) fn failure(&self, number: u32) -> Result<Failure, RecordError> {
        let failure = usize::try_from(number)
            .ok()
            .and_then(|number| self.failures.get(number));
        failure
            .cloned()
            .ok_or_else(|| RecordError::new("a failure that is not in the table"))
    }

    fn range(&self, first: &str, last: &str) -> Result<&[HostId], RecordError> {
        let place = |text: &str| text.parse::<usize>().ok();
        place(first)
            .zip(place(last))
            .filter(|(first, last)| first <= last)
            .and_then(|(first, last)| self.hosts.get(first..=last))
            .ok_or_else(|| RecordError::new("a host that is not in the table"))
    }
}

/// Groups hosts by what is said of them, so that it is said once.
pub(super) fn grouped<'a, K: Ord>(
    said: impl IntoIterator<Item = (K, &'a HostId)>,
) -> BTreeMap<K, Vec<&'a HostId>> {
    let mut groups: BTreeMap<K, Vec<&HostId>> = BTreeMap::new();
    for (key, host) in said {
        groups.entry(key).or_default().push(host);
    }
    groups
}

/// Adds what is said of some hosts; a host of which two things are said is an error.
pub(super) fn ungroup<V: Clone>(
    into: &mut BTreeMap<HostId, V>,
    hosts: Vec<HostId>,
    value: &V,
) -> Result<(), RecordError> {
    for host in hosts {
        if into.insert(host, value.clone()).is_some() {
            return Err(RecordError::new("a host that is named twice"));
        }
    }
    Ok(())
}
