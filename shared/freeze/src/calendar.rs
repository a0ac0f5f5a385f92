//! The events of an iCalendar file (RFC 5545), read strictly: what is not understood makes the whole file unreadable, as an
//! event that was passed over would let a deployment through.
//!
//! Reading is the library's, and so is how events repeat, but for one thing: repetition is counted in local time, as if the
//! clocks were never changed, and each event is then put into its own zone. A file comes from outside: its size, its depth,
//! and how often its events repeat are bounded, and nothing of its text is repeated in a complaint.

use crate::{Coming, ours, theirs, zone};
use icalendar::parser::{Component, Property, read_components, unfold};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use longshore_core::{Freeze, FreezeSource, Timestamp};
use rrule::{RRule, RRuleSet, Unvalidated};
use std::collections::BTreeSet;

/// Why a calendar cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarProblem {
    /// It is larger than a parameter may be.
    #[error("it is larger than {} bytes", Calendar::BYTES_MAX)]
    TooLarge,
    /// It is not an iCalendar file.
    #[error("it is not an iCalendar file")]
    NotACalendar,
    /// One of its events is not understood.
    #[error("its event {number} {wrong}")]
    Event {
        /// The event's number in the file, from 1.
        number: usize,
        /// What is wrong with it.
        wrong: &'static str,
    },
}

/// The events of a file.
#[derive(Clone, Debug)]
pub struct Calendar {
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
struct Event {
    name: String,
    zone: TimeZone,
    first: DateTime,
    length: Length,
    rule: Option<RRuleSet>,
    also: BTreeSet<DateTime>,
    except: BTreeSet<DateTime>,
}

/// How long an event lasts.
#[derive(Clone, Debug)]
enum Length {
    /// Until the wall clock has moved on so far.
    Local(Span),
    /// So long, whatever the clocks do; days are days of the calendar.
    Exact(Span),
}

/// A value of a date or a time.
#[derive(Clone, Debug)]
struct Moment {
    local: DateTime,
    zone: TimeZone,
    is_date: bool,
}

impl Calendar {
    /// The largest file: the largest value of a parameter (Systems Manager, advanced tier).
    pub const BYTES_MAX: usize = 8192;
    /// How often one event may repeat until the day that is asked for: every day for fifty years.
    const REPEATS_MAX: usize = 20_000;
    /// How deep components may stand in each other; a calendar with events and their alarms is three.
    const DEPTH_MAX: usize = 4;

    /// Reads a file. Times that name no zone, and whole days, are those of `place`.
    ///
    /// # Errors
    /// [`CalendarProblem`] for anything that is not understood.
    pub fn parse(text: &str, place: &TimeZone) -> Result<Self, CalendarProblem> {
        if text.len() > Self::BYTES_MAX {
            return Err(CalendarProblem::TooLarge);
        }
        let unfolded = unfold(text);
        if depth(&unfolded) > Self::DEPTH_MAX {
            return Err(CalendarProblem::NotACalendar);
        }
        let roots = read_components(&unfolded).map_err(|_| CalendarProblem::NotACalendar)?;
        let is_calendar = |root: &Component<'_>| root.name.as_str() == "VCALENDAR";
        if roots.is_empty() || !roots.iter().all(is_calendar) {
            return Err(CalendarProblem::NotACalendar);
        }
        let entries = roots.iter().flat_map(|root| &root.components);
        let found: Vec<&Component<'_>> = entries.filter(|c| c.name.as_str() == "VEVENT").collect();
        let mut events = Vec::new();
        for (index, component) in found.iter().enumerate() {
            let number = index.saturating_add(1);
            let read = read_event(component, &found, place);
            events.extend(read.map_err(|wrong| CalendarProblem::Event { number, wrong })?);
        }
        Ok(Self { events })
    }

    /// The freeze at this time, if an event makes one: of several the one that ends last.
    ///
    /// # Errors
    /// [`CalendarProblem`] for an event that repeats too often to be followed.
    pub fn frozen(&self, now: Timestamp) -> Result<Option<Freeze>, CalendarProblem> {
        let mut freezes = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            let number = index.saturating_add(1);
            let until = event
                .until(now)
                .map_err(|wrong| CalendarProblem::Event { number, wrong })?;
            let source = FreezeSource::Calendar;
            freezes.extend(until.map(|until| Freeze::new(&event.name, Some(until), source)));
        }
        Ok(crate::longest(freezes))
    }
}

impl Calendar {
    /// What its events freeze that begin after one time and not after another, in the order of the events.
    ///
    /// # Errors
    /// As [`Calendar::frozen`].
    pub fn coming(&self, now: Timestamp, last: Timestamp) -> Result<Vec<Coming>, CalendarProblem> {
        let mut coming = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            let number = index.saturating_add(1);
            let begins = event
                .coming(now, last)
                .map_err(|wrong| CalendarProblem::Event { number, wrong })?;
            coming.extend(begins);
        }
        Ok(coming)
    }
}

/// How deep the components of a text stand in each other. The parser goes as deep as the text does.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0_usize);
    for line in text.lines() {
        let word = line.get(..4).unwrap_or_default();
        if word.eq_ignore_ascii_case("BEGI") {
            now = now.saturating_add(1);
            most = most.max(now);
        } else if word.eq_ignore_ascii_case("END:") {
            now = now.saturating_sub(1);
        }
    }
    most
}

type Wrong = &'static str;

/// One event; `None` for one that was called off.
fn read_event(
    component: &Component<'_>,
    all: &[&Component<'_>],
    place: &TimeZone,
) -> Result<Option<Event>, Wrong> {
    for refused in ["EXRULE", "RANGE"] {
        if component.find_prop(refused).is_some() {
            return Err("is repeated in a way that is not understood");
        }
    }
    if let Some(id) = one(component, "RECURRENCE-ID")?
        && parameter(id, "RANGE").is_some()
    {
        return Err("changes all later ones too, which is not understood");
    }
    let status = one(component, "STATUS")?.map(|status| status.val.as_str());
    if status.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(None);
    }
    let start = one(component, "DTSTART")?.ok_or("has no beginning")?;
    let start = moment(start, start.val.as_str(), place)?;
    let rule = one(component, "RRULE")?
        .map(|rule| repeats(rule.val.as_str(), &start, place))
        .transpose()?;
    let mut except = moments(component, "EXDATE", &start, place)?;
    except.extend(moved(component, all, &start, place)?);
    Ok(Some(Event {
        name: one(component, "SUMMARY")?.map_or_else(
            || "an event without a name".to_owned(),
            |name| name.val.as_str().to_owned(),
        ),
        length: length(component, &start, place)?,
        also: moments(component, "RDATE", &start, place)?,
        except,
        rule,
        first: start.local,
        zone: start.zone,
    }))
}

/// The one property of this name, if there is one.
fn one<'c>(component: &'c Component<'_>, name: &str) -> Result<Option<&'c Property<'c>>, Wrong> {
    let mut found = named(component, name);
    let first = found.next();
    if found.next().is_some() {
        return Err("has something twice that it can have once");
    }
    Ok(first)
}

fn named<'c>(component: &'c Component<'_>, name: &str) -> impl Iterator<Item = &'c Property<'c>> {
    let properties = component.properties.iter();
    properties.filter(move |property| property.name.as_str().eq_ignore_ascii_case(name))
}

fn parameter<'p>(property: &'p Property<'_>, name: &str) -> Option<&'p str> {
    let mut parameters = property.params.iter();
    let found = parameters.find(|parameter| parameter.key.as_str().eq_ignore_ascii_case(name))?;
    Some(found.val.as_ref().map_or("", |value| value.as_str()))
}

/// A date, a local time, or a time in UTC, in the zone that the property names.
fn moment(property: &Property<'_>, text: &str, place: &TimeZone) -> Result<Moment, Wrong> {
    let zone = match parameter(property, "TZID") {
        None => place.clone(),
        Some(name) => {
            zone(name.trim_matches('"')).ok_or("is in a time zone that the IANA does not know")?
        }
    };
    let wrong = "has a date or a time that is not understood";
    let plain = |text: &str, long: usize| {
        let digit = |(at, byte): (usize, u8)| byte.is_ascii_digit() || (at == 8 && byte == b'T');
        text.len() == long && text.bytes().enumerate().all(digit)
    };
    let is_date = plain(text, 8);
    let (local, zone) = match text.strip_suffix('Z') {
        Some(utc) => (utc, TimeZone::UTC),
        None => (text, zone),
    };
    if !is_date && !plain(local, 15) {
        return Err(wrong);
    }
    let padded = if is_date {
        format!("{local}T000000")
    } else {
        local.to_owned()
    };
    let local = DateTime::strptime("%Y%m%dT%H%M%S", padded).map_err(|_| wrong)?;
    Ok(Moment {
        local,
        zone,
        is_date,
    })
}

impl Moment {
    /// What the wall clock shows in another zone at this moment.
    fn seen_from(&self, zone: &TimeZone) -> Result<DateTime, Wrong> {
        if self.is_date || self.zone == *zone {
            return Ok(self.local);
        }
        let at = self.zone.to_ambiguous_timestamp(self.local).compatible();
        let at = at.map_err(|_| "is at a time that no calendar knows")?;
        Ok(zone.to_datetime(at))
    }
}

/// Every moment in the properties of this name, as the wall clock of the event shows it.
fn moments(
    component: &Component<'_>,
    name: &str,
    start: &Moment,
    place: &TimeZone,
) -> Result<BTreeSet<DateTime>, Wrong> {
    let mut all = BTreeSet::new();
    for property in named(component, name) {
        for text in property.val.as_str().split(',') {
            all.insert(moment(property, text, place)?.seen_from(&start.zone)?);
        }
    }
    Ok(all)
}

/// The beginnings of an event that repeats which other events stand in for.
fn moved(
    component: &Component<'_>,
    all: &[&Component<'_>],
    start: &Moment,
    place: &TimeZone,
) -> Result<BTreeSet<DateTime>, Wrong> {
    let mut moved = BTreeSet::new();
    let uid = |component: &Component<'_>| {
        let uid = named(component, "UID").next()?;
        Some(uid.val.as_str().to_owned())
    };
    let own = uid(component);
    if own.is_none() || one(component, "RECURRENCE-ID")?.is_some() {
        return Ok(moved);
    }
    for other in all.iter().filter(|other| uid(other) == own) {
        moved.extend(moments(other, "RECURRENCE-ID", start, place)?);
    }
    Ok(moved)
}

fn length(component: &Component<'_>, start: &Moment, place: &TimeZone) -> Result<Length, Wrong> {
    let end = one(component, "DTEND")?;
    let duration = one(component, "DURATION")?;
    let length = match (end, duration) {
        (Some(_), Some(_)) => return Err("has two ends"),
        (Some(end), None) => between(start, &moment(end, end.val.as_str(), place)?)?,
        (None, Some(duration)) => {
            let text = duration.val.as_str().trim_start_matches('+');
            let span = text.parse::<Span>();
            Length::Exact(span.map_err(|_| "has a length that is not understood")?)
        }
        (None, None) if start.is_date => Length::Local(1.day()),
        (None, None) => Length::Exact(Span::new()),
    };
    let (Length::Local(span) | Length::Exact(span)) = &length;
    if span.is_negative() {
        return Err("ends before it begins");
    }
    Ok(length)
}

fn between(start: &Moment, end: &Moment) -> Result<Length, Wrong> {
    let wrong = "is at a time that no calendar knows";
    if start.zone == end.zone {
        let span = end.local.since(start.local).map_err(|_| wrong)?;
        return Ok(Length::Local(span));
    }
    let at = |moment: &Moment| {
        let at = moment.zone.to_ambiguous_timestamp(moment.local);
        at.compatible().map_err(|_| wrong)
    };
    let span = at(end)?.since(at(start)?).map_err(|_| wrong)?;
    Ok(Length::Exact(span))
}

/// How an event repeats, counted in local time. The end of the repetition may be in UTC, and is brought to local time too.
fn repeats(rule: &str, start: &Moment, place: &TimeZone) -> Result<RRuleSet, Wrong> {
    let wrong = "is repeated in a way that is not understood";
    let mut parts = Vec::new();
    for part in rule.to_ascii_uppercase().split(';') {
        let (key, value) = part.split_once('=').ok_or(wrong)?;
        match key {
            "FREQ" if ["SECONDLY", "MINUTELY", "HOURLY"].contains(&value) => {
                return Err("is repeated more than once a day");
            }
            "INTERVAL" if value.trim_start_matches('0').is_empty() => {
                return Err("is repeated in no time at all");
            }
            "UNTIL" => {
                let until = moment(&Property::new_ref("UNTIL", ""), value, place)?;
                let mut last = if value.ends_with('Z') {
                    until.seen_from(&start.zone)?
                } else {
                    until.local
                };
                if until.is_date {
                    last = last.date().at(23, 59, 59, 0);
                }
                parts.push(format!("UNTIL={}Z", last.strftime("%Y%m%dT%H%M%S")));
            }
            _ => parts.push(part.to_owned()),
        }
    }
    let first = as_utc(start.local).ok_or(wrong)?;
    let rule = parts.join(";").parse::<RRule<Unvalidated>>();
    let rule = rule.and_then(|rule| rule.validate(first));
    Ok(RRuleSet::new(first).limit().rrule(rule.map_err(|_| wrong)?))
}

/// A local time in the form of the library that repeats it.
fn as_utc(local: DateTime) -> Option<chrono::DateTime<rrule::Tz>> {
    let at = TimeZone::UTC.to_timestamp(local).ok()?;
    let at = chrono::DateTime::from_timestamp(at.as_second(), 0)?;
    Some(at.with_timezone(&rrule::Tz::UTC))
}

/// And back.
fn as_local(at: chrono::DateTime<rrule::Tz>) -> Option<DateTime> {
    let at = jiff::Timestamp::from_second(at.timestamp()).ok()?;
    Some(TimeZone::UTC.to_datetime(at))
}

impl Event {
    /// When the freeze ends that this event makes at this time, if it makes one.
    fn until(&self, now: Timestamp) -> Result<Option<Timestamp>, Wrong> {
        let Some(now) = theirs(now) else {
            return Ok(None);
        };
        let mut until = None;
        for begins in self.beginnings(now)? {
            let Some((from, to)) = self.beginning_at(begins) else {
                continue;
            };
            if from <= now && now < to {
                until = until.max(Some(to));
            }
        }
        Ok(until.and_then(ours))
    }

    fn coming(&self, now: Timestamp, last: Timestamp) -> Result<Vec<Coming>, Wrong> {
        let (Some(now), Some(last)) = (theirs(now), theirs(last)) else {
            return Ok(Vec::new());
        };
        let begins = self.beginnings(last)?.into_iter();
        let windows = begins.filter_map(|begins| self.beginning_at(begins));
        let windows = windows.filter(|(from, to)| now < *from && *from <= last && from < to);
        let coming = windows.filter_map(|(from, to)| {
            let freeze = Freeze::new(&self.name, Some(ours(to)?), FreezeSource::Calendar);
            let from = ours(from)?;
            Some(Coming { from, freeze })
        });
        Ok(coming.collect())
    }

    /// Every time at which it begins, up to this time and a little beyond.
    fn beginnings(&self, now: jiff::Timestamp) -> Result<BTreeSet<DateTime>, Wrong> {
        // A local time is at most a day away from UTC.
        let last = TimeZone::UTC.to_datetime(now).saturating_add(2.days());
        let mut all = self.also.clone();
        all.insert(self.first);
        let repeated = self.rule.iter().flatten();
        for (count, at) in repeated.enumerate() {
            if count >= Calendar::REPEATS_MAX {
                return Err("is repeated too often to be followed");
            }
            let at = as_local(at).ok_or("is at a time that no calendar knows")?;
            if at > last {
                break;
            }
            all.insert(at);
        }
        Ok(all.difference(&self.except).copied().collect())
    }

    /// As with windows, no event is shorter than the wall clock says.
    fn beginning_at(&self, local: DateTime) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
        let from = self.zone.to_ambiguous_timestamp(local).earlier().ok()?;
        let to = match &self.length {
            Length::Local(span) => {
                let end = local.checked_add(*span).ok()?;
                self.zone.to_ambiguous_timestamp(end).later().ok()?
            }
            Length::Exact(span) => {
                let zoned = from.to_zoned(self.zone.clone());
                zoned.checked_add(*span).ok()?.timestamp()
            }
        };
        Some((from, to))
    }
}

#[cfg(test)]
mod tests;
