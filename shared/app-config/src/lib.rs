//! The app configuration document: one JSON text per app and environment, kept in Parameter Store.
//!
//! Each key is declared once, in `config.rs`; reading, the complaints and the JSON Schema all come from that line. A
//! document is judged as a whole and every problem is named at once, with its path and its fix. A complaint never
//! repeats a text of the document, because a text in the wrong place may be a secret (invariant I7).
//!
//! This crate never reads a parameter, a clock or the network; it is told the text and the repository.

mod analysis;
mod checks;
mod config;
mod document;
mod field;
mod freeze;
mod hosts;
mod nearest;
mod notifications;
mod people;
mod problem;
mod section;
mod text;
mod url;
mod waves;

pub use analysis::{
    AlarmName, Analysis, AppLog, CloudWatchName, Decimal, Dimensions, Direction, FilterPattern,
    HOST_DIMENSION, HostMetric, LogGroup, Metric, MetricName, Namespace, NoData, Period, Series,
    Share, Statistic,
};
pub use checks::{CheckLabel, HttpCheck, RequestBody, Wanted};
pub use config::{AppConfig, Health, Hooks, Install, Process, Timeouts};
pub use document::BYTES_MAX;
pub use field::{List, Manager, Method, Mode, News, Source, Urgency, Whole};
pub use freeze::{
    CalendarName, ChangeCalendarName, DatedWindow, Freezing, MomentText, PointText, WeeklyWindow,
    WindowName, Zone,
};
pub use hosts::{Hosts, Tags};
pub use notifications::{DailyAt, Digest, Notifications, Of, To, Topic};
pub use people::{Approvals, Human};
pub use problem::{ConfigProblems, Problem};
pub use text::{
    BitbucketAccount, Branch, HookName, PackageName, RequestPath, ScriptPath, SlackUser,
};
pub use url::HealthUrl;
pub use waves::{Size, Waves};
