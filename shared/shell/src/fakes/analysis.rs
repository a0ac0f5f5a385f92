//! Alarms, metrics and apps' logs in memory.

use crate::ports::{Alarms, AppLogs, LookError, Metrics, Sample, Window};
use longshore_analysis::{AlarmState, ErrorLine, ErrorLines, Value};
use longshore_app_config::{AlarmName, LogGroup, Series};
use longshore_core::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

fn injected() -> LookError {
    LookError("a fault was injected".into())
}

fn lock<T>(inner: &Mutex<T>) -> MutexGuard<'_, T> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Alarms, by their names.
#[derive(Clone, Debug, Default)]
pub struct FakeAlarms(Arc<Mutex<(BTreeMap<String, AlarmState>, bool)>>);

impl FakeAlarms {
    /// Sets an alarm, which is there from then on.
    pub fn set(&self, name: &str, state: AlarmState) {
        lock(&self.0).0.insert(name.to_owned(), state);
    }

    /// Takes an alarm away.
    pub fn remove(&self, name: &str) {
        lock(&self.0).0.remove(name);
    }

    /// Lets every question fail, or be answered.
    pub fn fail(&self, fails: bool) {
        lock(&self.0).1 = fails;
    }
}

impl Alarms for FakeAlarms {
    async fn states(
        &self,
        names: &[AlarmName],
    ) -> Result<BTreeMap<AlarmName, AlarmState>, LookError> {
        let inner = lock(&self.0);
        if inner.1 {
            return Err(injected());
        }
        let state = |name: &AlarmName| Some((name.clone(), *inner.0.get(name.as_str())?));
        Ok(names.iter().filter_map(state).collect())
    }
}

/// Metrics, each by its name in CloudWatch and the host it is of, if it is of one.
#[derive(Clone, Debug, Default)]
pub struct FakeMetrics(Arc<Mutex<Measured>>);

#[derive(Debug, Default)]
struct Measured {
    samples: BTreeMap<(String, Option<String>), BTreeSet<Sample>>,
    fails: bool,
    asked: Vec<(usize, Window)>,
}

impl FakeMetrics {
    /// Measures something at a time.
    pub fn put(&self, metric: &str, host: Option<&str>, at: Timestamp, value: Value) {
        let key = (metric.to_owned(), host.map(str::to_owned));
        let mut inner = lock(&self.0);
        inner
            .samples
            .entry(key)
            .or_default()
            .insert(Sample { at, value });
    }

    /// Measures the same in every period of so many seconds of a time.
    pub fn put_all(
        &self,
        metric: &str,
        host: Option<&str>,
        window: Window,
        period_s: u32,
        value: Value,
    ) {
        let step = longshore_core::Millis::from_secs(u64::from(period_s.max(1)));
        let mut at = window.from;
        while at < window.until {
            self.put(metric, host, at, value);
            at = at.after(step);
        }
    }

    /// Lets every question fail, or be answered.
    pub fn fail(&self, fails: bool) {
        lock(&self.0).fails = fails;
    }

    /// What was asked since this was asked last: how many series, of which time.
    #[must_use]
    pub fn take_asked(&self) -> Vec<(usize, Window)> {
        std::mem::take(&mut lock(&self.0).asked)
    }
}

impl Metrics for FakeMetrics {
    async fn samples(
        &self,
        wanted: &[Series],
        window: Window,
    ) -> Result<Vec<Vec<Sample>>, LookError> {
        let mut inner = lock(&self.0);
        inner.asked.push((wanted.len(), window));
        if inner.fails {
            return Err(injected());
        }
        let found = |series: &Series| {
            let host = series.dimensions.get(longshore_app_config::HOST_DIMENSION);
            let key = (series.metric.clone(), host.cloned());
            let samples = inner.samples.get(&key).into_iter().flatten();
            let inside = |sample: &&Sample| window.from <= sample.at && sample.at < window.until;
            samples.filter(inside).copied().collect()
        };
        Ok(wanted.iter().map(found).collect())
    }
}

/// Log groups in memory. What an event is, is told when it is written: the filter pattern is CloudWatch's and not judged here.
#[derive(Clone, Debug, Default)]
pub struct FakeAppLogs(Arc<Mutex<Written>>);

#[derive(Debug, Default)]
struct Written {
    groups: BTreeMap<String, Vec<(ErrorLine, bool)>>,
    fails: bool,
}

impl FakeAppLogs {
    /// An app writes a line, which is an error or is none. The group is there from then on.
    pub fn write(&self, group: &str, at: Timestamp, text: &str, is_error: bool) {
        let line = ErrorLine {
            at,
            text: text.to_owned(),
        };
        let mut inner = lock(&self.0);
        inner
            .groups
            .entry(group.to_owned())
            .or_default()
            .push((line, is_error));
    }

    /// Lets every question fail, or be answered.
    pub fn fail(&self, fails: bool) {
        lock(&self.0).fails = fails;
    }
}

impl AppLogs for FakeAppLogs {
    async fn errors(
        &self,
        group: &LogGroup,
        _pattern: &str,
        window: Window,
        limit: usize,
    ) -> Result<ErrorLines, LookError> {
        let inner = lock(&self.0);
        let lines = inner.groups.get(group.as_str());
        let (Some(lines), false) = (lines, inner.fails) else {
            return Err(if inner.fails {
                injected()
            } else {
                LookError("the log group does not exist".into())
            });
        };
        let inside =
            |line: &&(ErrorLine, bool)| window.from <= line.0.at && line.0.at < window.until;
        let events: Vec<&(ErrorLine, bool)> = lines.iter().filter(inside).collect();
        let errors = events.iter().filter(|(_, is_error)| *is_error);
        let mut errors: Vec<ErrorLine> = errors.map(|(line, _)| line.clone()).collect();
        errors.sort_by_key(|line| line.at);
        let complete = errors.len() <= limit;
        errors.truncate(limit);
        Ok(ErrorLines {
            lines: errors,
            complete,
            logged: !events.is_empty(),
            span: window.span(),
        })
    }
}
