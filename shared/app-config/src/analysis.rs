//! By what a release is judged besides its health: alarms, metrics and error lines.

use crate::field::{Field, List, Whole, choice, kind_of};
use crate::problem::{Problem, Problems, index_path, key_path};
use crate::section::{
    Presence::{Default, Optional, Required},
    section,
};
use crate::text::text;
use longshore_analysis::{LogRule, MetricRule, Unit, Value as Measured, Worse};
use longshore_core::CheckName;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The dimension by which metrics tell hosts apart.
pub const HOST_DIMENSION: &str = "InstanceId";
/// Dimensions that one metric may name here, besides the host; CloudWatch knows up to 30.
const DIMENSIONS_MAX: usize = 10;
/// Seconds of a period that CloudWatch can answer in, from one second on for metrics of high resolution.
const PERIODS: [u32; 7] = [1, 5, 10, 20, 30, 60, 300];
/// The largest number that a change can be set to.
const DECIMAL_MAX: i64 = 1_000_000_000_000;

section! {
    /// By what a release is judged besides its health, in the same rounds.
    pub struct Analysis {
        /// CloudWatch alarms, metric or composite ones, by their names: one that is raised fails the release.
        alarms: List<AlarmName, 20> = Default(json!([])),
        /// Metrics that may not get worse by the release.
        metrics: List<Metric, 20> = Default(json!([])),
        /// Log groups in which the release may not bring new or more errors.
        logs: List<AppLog, 5> = Default(json!([])),
        /// Minutes before the switch that the time since then is compared with.
        before_minutes: Whole<5, 1440> = Default(json!(30)),
        /// What to do at the end of a bake with a check that had too little data to tell: pass goes on and says so, wait bakes
        /// longer, stop rolls back.
        no_data: NoData = Default(json!("pass")),
        /// Seconds for which wait goes on baking before it stops.
        wait_seconds: Whole<60, 3600> = Default(json!(600)),
    }
}

section! {
    /// A metric that may not get worse by the release.
    pub struct Metric {
        /// What people are told that it is.
        name: MetricName = Required("\"latency\""),
        /// A metric that every host has, instead of namespace and metric.
        host: Option<HostMetric> = Optional,
        /// The namespace of the app's own metric.
        namespace: Option<Namespace> = Optional,
        /// The name of the app's own metric in CloudWatch.
        metric: Option<CloudWatchName> = Optional,
        /// Its dimensions, each with its exact value.
        dimensions: Dimensions = Default(json!({})),
        /// Whether the metric has the dimension `InstanceId` besides, so that hosts can be compared.
        per_host: bool = Default(json!(false)),
        /// What the app's own metric is measured in, for the words that people are told.
        unit: Option<UnitName> = Optional,
        /// Which statistic of a period is one sample.
        statistic: Statistic = Default(json!("average")),
        /// Seconds of one sample.
        period_seconds: Period = Default(json!(60)),
        /// Which way is worse.
        worse: Direction = Default(json!("higher")),
        /// By what share the median may get worse.
        change_max: Share = Default(json!("50%")),
        /// By how much the median must get worse at least, in the metric's unit.
        change_min: Decimal = Default(json!(0)),
        /// Samples that are needed on each side to tell anything.
        samples_min: Whole<3, 1000> = Default(json!(5)),
    }
}

section! {
    /// A log group in which the release may not bring new or more errors.
    pub struct AppLog {
        /// The name of the log group.
        group: LogGroup = Required("\"/orders/prod\""),
        /// Which events are errors, as a filter pattern of CloudWatch Logs.
        errors: FilterPattern = Default(json!("?ERROR ?Error ?error ?FATAL ?Fatal ?fatal")),
        /// By what share there may be more errors a minute.
        change_max: Share = Default(json!("50%")),
        /// How many errors, or errors of a kind that is new, it takes at least.
        events_min: Whole<1, 10_000> = Default(json!(10)),
    }
}

choice! {
    /// What to do with a check that had too little data to tell.
    pub enum NoData {
        /// Go on, and say which checks could not tell.
        Pass = "pass",
        /// Watch longer.
        Wait = "wait",
        /// Roll back.
        Stop = "stop",
    }
}

choice! {
    /// A metric that every host has.
    pub enum HostMetric {
        /// `CPUUtilization` of `AWS/EC2`, in percent.
        Cpu = "cpu",
        /// `mem_used_percent` of `CWAgent`, in percent.
        Memory = "memory",
        /// `NetworkIn` of `AWS/EC2`, in bytes.
        NetworkIn = "network_in",
        /// `NetworkOut` of `AWS/EC2`, in bytes.
        NetworkOut = "network_out",
    }
}

choice! {
    /// Which way is worse.
    pub enum Direction {
        /// A larger value, as of a latency.
        Higher = "higher",
        /// A smaller value, as of orders a minute.
        Lower = "lower",
    }
}

text!(
    /// The name of an alarm.
    AlarmName,
    "1 to 255 printable ASCII characters, not beginning or ending with a space",
    |text| printable(text, 255).ok_or("is not an alarm's name"),
    json!({ "type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$" })
);
text!(
    /// What a metric is called here.
    MetricName,
    "1 to 63 lower-case letters, digits, hyphens and underscores",
    |text| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        let fits = (1..=63).contains(&text.len()) && text.bytes().all(plain);
        fits.then_some(()).ok_or("is not a name")
    },
    json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,63}$" })
);
text!(
    /// What a metric is measured in.
    UnitName,
    "1 to 30 letters, digits and `%/ .-`, not beginning or ending with a space, for example \"ms\"",
    |text| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"%/ .-".contains(&b);
        let fits = printable(text, 30).is_some() && text.bytes().all(plain);
        fits.then_some(()).ok_or("is not a unit")
    },
    json!({ "type": "string", "pattern": "^[A-Za-z0-9%/.-]([A-Za-z0-9%/ .-]{0,28}[A-Za-z0-9%/.-])?$" })
);
text!(
    /// The namespace of a metric.
    Namespace,
    "1 to 255 letters, digits and ` ._/#:-`, for example \"Orders\"",
    |text| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b" ._/#:-".contains(&b);
        let fits = printable(text, 255).is_some() && text.bytes().all(plain) && !text.starts_with(':');
        fits.then_some(()).ok_or("is not a namespace")
    },
    json!({ "type": "string", "pattern": "^[A-Za-z0-9._/#-]([A-Za-z0-9 ._/#:-]{0,253}[A-Za-z0-9._/#:-])?$" })
);
text!(
    /// The name of a metric in CloudWatch.
    CloudWatchName,
    "1 to 255 printable ASCII characters, not beginning or ending with a space",
    |text| printable(text, 255).ok_or("is not a metric's name"),
    json!({ "type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$" })
);
text!(
    /// The name of a log group.
    LogGroup,
    "1 to 256 letters, digits and `._/#-`",
    |text| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/#-".contains(&b);
        let fits = (1..=256).contains(&text.len()) && text.bytes().all(plain);
        fits.then_some(()).ok_or("is not a log group's name")
    },
    json!({ "type": "string", "pattern": "^[A-Za-z0-9._/#-]{1,256}$" })
);
text!(
    /// A filter pattern of CloudWatch Logs.
    FilterPattern,
    "1 to 1,024 printable ASCII characters, for example \"?ERROR ?Error\"",
    |text| printable(text, 1024).ok_or("is not a filter pattern"),
    json!({ "type": "string", "pattern": "^[!-~]([ -~]{0,1022}[!-~])?$" })
);
text!(
    /// Which statistic of a period is one sample.
    Statistic,
    "average, sum, minimum, maximum, count, or a percentile from \"p1\" to \"p99.99\"",
    |text| stat(text).map(|_| ()).ok_or("is not a statistic"),
    json!({ "type": "string", "pattern": "^(average|sum|minimum|maximum|count|p[1-9][0-9]?([.][0-9]{1,2})?)$" })
);
text!(
    /// A share.
    Share,
    "a share from \"1%\" to \"1000%\"",
    |text| percent(text).map(|_| ()).ok_or("is not a share"),
    json!({ "type": "string", "pattern": "^([1-9][0-9]{0,2}|1000)%$" })
);

/// Whether a text is printable ASCII of so many characters without a space at an end.
fn printable(text: &str, most: usize) -> Option<()> {
    let fits = (1..=most).contains(&text.len())
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !text.starts_with(' ')
        && !text.ends_with(' ');
    fits.then_some(())
}

/// The statistic as CloudWatch calls it.
fn stat(text: &str) -> Option<String> {
    let word = match text {
        "average" => "Average",
        "sum" => "Sum",
        "minimum" => "Minimum",
        "maximum" => "Maximum",
        "count" => "SampleCount",
        percentile => {
            let number = percentile.strip_prefix('p')?;
            let (whole, parts) = number.split_once('.').unwrap_or((number, "0"));
            let digits = |text: &str| {
                (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
            };
            let right = digits(whole) && digits(parts) && !whole.starts_with('0');
            return right.then(|| percentile.to_owned());
        }
    };
    Some(word.to_owned())
}

fn percent(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('%')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let number = digits
        .parse()
        .ok()
        .filter(|number| (1..=1000).contains(number));
    number.filter(|_| plain)
}

impl Share {
    /// In percent.
    fn percent(&self) -> u32 {
        // The type's form is what `percent` reads.
        percent(&self.0).unwrap_or(u32::MAX)
    }
}

/// A number of a metric's unit that is not negative, exact to a millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(Measured);

impl Field for Decimal {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let number = value.as_f64().and_then(Measured::from_float);
        let range = Measured::default()..=Measured::whole(DECIMAL_MAX);
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return Some(Self(number));
        }
        let wrong = match value.as_number() {
            Some(number) => format!("is {number}"),
            None => format!("is {}", kind_of(value)),
        };
        let fix = format!("write a number from 0 to {DECIMAL_MAX}, unquoted");
        problems.push(Problem::new(at, wrong, fix));
        None
    }

    fn schema() -> Value {
        json!({ "type": "number", "minimum": 0, "maximum": DECIMAL_MAX })
    }
}

/// The seconds of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(u32);

impl Period {
    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl Field for Period {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        if let Some(number) = number.filter(|number| PERIODS.contains(number)) {
            return Some(Self(number));
        }
        let wrong = match value.as_number() {
            Some(number) => format!("is {number}"),
            None => format!("is {}", kind_of(value)),
        };
        let words = PERIODS.map(|period| period.to_string()).join(", ");
        problems.push(Problem::new(
            at,
            wrong,
            format!("write one of {words}, unquoted"),
        ));
        None
    }

    fn schema() -> Value {
        json!({ "type": "integer", "enum": PERIODS })
    }
}

/// Dimensions with their exact values.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Dimensions(BTreeMap<String, String>);

impl Dimensions {
    /// The values, by name.
    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl Field for Dimensions {
    fn read(value: &Value, at: &str, problems: &mut Problems) -> Option<Self> {
        let wrong = match value.as_object() {
            Some(object) if object.len() <= DIMENSIONS_MAX => {
                let read = object
                    .iter()
                    .filter_map(|(name, value)| dimension(name, value, at, problems));
                let read: BTreeMap<String, String> = read.collect();
                return (read.len() == object.len()).then_some(Self(read));
            }
            Some(object) => format!("has {} dimensions", object.len()),
            None => format!("is {}", kind_of(value)),
        };
        let fix = format!("write an object of up to {DIMENSIONS_MAX} dimensions");
        problems.push(Problem::new(at, wrong, fix));
        None
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "maxProperties": DIMENSIONS_MAX,
            "propertyNames": { "pattern": "^[!-9;-~]([ -~]{0,253}[!-~])?$" },
            "additionalProperties": { "type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$" }
        })
    }
}

/// One dimension. CloudWatch allows no colon at the beginning of a name.
fn dimension(
    name: &str,
    value: &Value,
    at: &str,
    problems: &mut Problems,
) -> Option<(String, String)> {
    let path = key_path(at, name);
    let fix = "write 1 to 255 printable ASCII characters, not beginning or ending with a space";
    if printable(name, 255).is_none() || name.starts_with(':') {
        problems.push(Problem::new(&path, "is not a dimension's name", fix));
        return None;
    }
    let text = value.as_str().filter(|text| printable(text, 255).is_some());
    if text.is_none() {
        problems.push(Problem::new(&path, "is not a dimension's value", fix));
    }
    text.map(|text| (name.to_owned(), text.to_owned()))
}

/// A metric as CloudWatch knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub metric: String,
    /// Its dimensions, with their values.
    pub dimensions: BTreeMap<String, String>,
    /// The statistic of a period that is one sample, as CloudWatch calls it.
    pub statistic: String,
    /// The seconds of one sample.
    pub period_s: u32,
}

impl Series {
    /// The series of one host.
    #[must_use]
    pub fn of_host(&self, host: &str) -> Self {
        let mut own = self.clone();
        own.dimensions
            .insert(HOST_DIMENSION.to_owned(), host.to_owned());
        own
    }
}

impl Analysis {
    /// Whether anything is to be judged.
    #[must_use]
    pub fn judges(&self) -> bool {
        self.checks() > 0
    }

    /// How many checks there are.
    pub(crate) fn checks(&self) -> usize {
        let alarms = self.alarms.as_slice().len();
        let metrics = self.metrics.as_slice().len();
        alarms
            .saturating_add(metrics)
            .saturating_add(self.logs.as_slice().len())
    }
}

impl AlarmName {
    /// The check by this alarm. A space, which an alarm's name may have, is an underscore in the check's.
    #[must_use]
    pub fn check(&self) -> Option<CheckName> {
        CheckName::parse(&format!("alarm:{}", self.0.replace(' ', "_"))).ok()
    }
}

impl Metric {
    /// The check by this metric.
    #[must_use]
    pub fn check(&self) -> Option<CheckName> {
        CheckName::parse(&format!("metric:{}", self.name.0)).ok()
    }

    /// Whether each host has its own.
    #[must_use]
    pub const fn is_per_host(&self) -> bool {
        self.per_host || self.host.is_some()
    }

    /// What it is measured in, as far as that is known.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match (self.host, &self.unit) {
            (Some(HostMetric::Cpu | HostMetric::Memory), _) => Unit::Percent,
            (Some(HostMetric::NetworkIn | HostMetric::NetworkOut), _) => Unit::Bytes,
            (None, Some(unit)) if unit.as_str() == "%" => Unit::Percent,
            (None, Some(unit)) => Unit::Named(unit.as_str().to_owned()),
            (None, None) => Unit::Unknown,
        }
    }

    /// The metric as CloudWatch knows it, without the dimension of a host; `None` for one that names neither a host's metric
    /// nor one of the app, which no document can.
    #[must_use]
    pub fn series(&self) -> Option<Series> {
        let (namespace, metric) = match self.host {
            Some(HostMetric::Cpu) => ("AWS/EC2", "CPUUtilization"),
            Some(HostMetric::Memory) => ("CWAgent", "mem_used_percent"),
            Some(HostMetric::NetworkIn) => ("AWS/EC2", "NetworkIn"),
            Some(HostMetric::NetworkOut) => ("AWS/EC2", "NetworkOut"),
            None => (
                self.namespace.as_ref()?.as_str(),
                self.metric.as_ref()?.as_str(),
            ),
        };
        Some(Series {
            namespace: namespace.to_owned(),
            metric: metric.to_owned(),
            dimensions: self.dimensions.0.clone(),
            statistic: stat(self.statistic.as_str())?,
            period_s: self.period_seconds.0,
        })
    }

    /// How it is judged.
    #[must_use]
    pub fn rule(&self) -> MetricRule {
        MetricRule {
            worse: match self.worse {
                Direction::Higher => Worse::Higher,
                Direction::Lower => Worse::Lower,
            },
            change_max_percent: self.change_max.percent(),
            change_min: self.change_min.0,
            samples_min: self.samples_min.get(),
        }
    }
}

impl AppLog {
    /// The check by this log group.
    #[must_use]
    pub fn check(&self) -> Option<CheckName> {
        CheckName::parse(&format!("logs:{}", self.group.0)).ok()
    }

    /// How it is judged.
    #[must_use]
    pub fn rule(&self) -> LogRule {
        LogRule {
            change_max_percent: self.change_max.percent(),
            events_min: self.events_min.get(),
        }
    }
}

/// Each check has a name of its own, and each metric says which one it is.
pub(crate) fn check(analysis: &Analysis, problems: &mut Problems) {
    let alarms = analysis.alarms.as_slice().iter().map(AlarmName::check);
    let metrics = analysis.metrics.as_slice().iter().map(Metric::check);
    let logs = analysis.logs.as_slice().iter().map(AppLog::check);
    unlike("analysis.alarms", alarms, problems);
    unlike("analysis.metrics", metrics, problems);
    unlike("analysis.logs", logs, problems);
    for (index, metric) in analysis.metrics.as_slice().iter().enumerate() {
        check_metric(metric, &index_path("analysis.metrics", index), problems);
    }
}

fn unlike(at: &str, checks: impl Iterator<Item = Option<CheckName>>, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (index, check) in checks.enumerate() {
        if !seen.insert(check) {
            let at = index_path(at, index);
            let fix = "give it another name, or remove it";
            problems.push(Problem::new(
                &at,
                "makes a check of the same name as one before it",
                fix,
            ));
        }
    }
}

fn check_metric(metric: &Metric, at: &str, problems: &mut Problems) {
    let own = metric.namespace.is_some() || metric.metric.is_some();
    let further = own || metric.per_host || !metric.dimensions.0.is_empty();
    let whole = metric.namespace.is_some() && metric.metric.is_some();
    if metric.host.is_some() && further {
        let fix = "remove host, or namespace, metric, dimensions and per_host";
        let wrong = "names a metric of the hosts, and one of the app";
        problems.push(Problem::new(at, wrong, fix));
    } else if metric.host.is_none() && !whole {
        let fix = "add host, for example \"host\": \"cpu\", or namespace and metric";
        problems.push(Problem::new(at, "does not say which metric it is", fix));
    } else if metric.dimensions.0.contains_key(HOST_DIMENSION) {
        let wrong = format!("names the dimension {HOST_DIMENSION}, and hosts come and go");
        let fix = "write \"per_host\": true instead";
        problems.push(Problem::new(at, wrong, fix));
    }
}
