//! Samples of metrics, by CloudWatch's `GetMetricData`.
//!
//! Every metric that is asked for costs (docs/PERFORMANCE.md), and rounds come faster than samples. So an answer is kept, for a
//! short time while its last samples may still arrive, and for longer when they cannot any more.

use crate::cache::Cache;
use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{Clock, LookError, Metrics, PushKey, Sample, Window};
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use aws_smithy_types::DateTime;
use longshore_analysis::Value;
use longshore_app_config::Series;
use longshore_core::{Millis, Timestamp};

/// Metrics that one question may have (Amazon CloudWatch API Reference, `GetMetricData`).
const SERIES_MAX: usize = 500;
/// Pages that are read of one answer. A page has up to 100,800 samples (same page), and a question asks for less than three
/// times that many: 500 metrics over a day and an hour of minutes.
const PAGES_MAX: usize = 20;
/// How long an answer is kept whose last samples may still arrive.
const YOUNG_KEPT_FOR: Millis = Millis::from_secs(30);
/// How long an answer is kept that is complete.
const OLD_KEPT_FOR: Millis = Millis::from_secs(600);
/// How long after its time a sample may arrive: EC2 sends within minutes, apps as they like.
const LATE_BY: Millis = Millis::from_secs(300);

/// The metrics of the account and region.
#[derive(Debug)]
pub struct CloudWatchMetrics<C> {
    aws: Aws,
    clock: C,
    kept: Cache<Vec<Vec<Sample>>>,
}

impl<C: Clock> CloudWatchMetrics<C> {
    /// The metrics of the account and region.
    #[must_use]
    pub fn new(aws: &Aws, clock: C) -> Self {
        Self {
            aws: aws.clone(),
            clock,
            kept: Cache::new(),
        }
    }

    /// The samples of so many metrics as fit into one question.
    async fn asked(
        &self,
        wanted: &[Series],
        window: Window,
    ) -> Result<Vec<Vec<Sample>>, LookError> {
        let mut found = vec![Vec::new(); wanted.len()];
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(wanted, window, next).await?;
            for result in page.metric_data_results() {
                take(result, window, &mut found)?;
            }
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                for samples in &mut found {
                    samples.sort_unstable();
                }
                return Ok(found);
            }
        }
        Err(senseless("it has no last page"))
    }

    async fn page(
        &self,
        wanted: &[Series],
        window: Window,
        next: Option<String>,
    ) -> Result<GetMetricDataOutput, LookError> {
        let queries = wanted.iter().enumerate();
        let queries: Vec<MetricDataQuery> = queries
            .map(|(number, series)| query(number, series))
            .collect();
        let reply = self
            .aws
            .cloudwatch()
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(date(window.from))
            .end_time(date(window.until))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(next)
            .send()
            .await;
        reply.map_err(|error| LookError(Fault::of("GetMetricData", &error).into()))
    }
}

impl<C: Clock> Metrics for CloudWatchMetrics<C> {
    async fn samples(
        &self,
        wanted: &[Series],
        window: Window,
    ) -> Result<Vec<Vec<Sample>>, LookError> {
        let now = self.clock.now();
        let mut found = Vec::new();
        for wanted in wanted.chunks(SERIES_MAX) {
            let is_old = now.since(window.until) >= LATE_BY;
            let key = PushKey::over(&[Some(&format!("{wanted:?} {window:?} {is_old}"))]).0;
            let age_max = if is_old { OLD_KEPT_FOR } else { YOUNG_KEPT_FOR };
            if let Some(kept) = self.kept.get(&key, now, Some(age_max)) {
                found.extend(kept);
                continue;
            }
            let samples = self.asked(wanted, window).await?;
            self.kept.put(&key, samples.clone(), now);
            found.extend(samples);
        }
        Ok(found)
    }
}

fn query(number: usize, series: &Series) -> MetricDataQuery {
    let dimensions = series.dimensions.iter();
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(&series.namespace)
        .metric_name(&series.metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(i32::try_from(series.period_s).unwrap_or(i32::MAX))
        .stat(&series.statistic)
        .build();
    MetricDataQuery::builder()
        .id(id(number))
        .metric_stat(stat)
        .build()
}

/// An id begins with a lower-case letter (same page).
fn id(number: usize) -> String {
    format!("m{number}")
}

fn date(at: Timestamp) -> DateTime {
    DateTime::from_millis(i64::try_from(at.as_unix_ms()).unwrap_or(i64::MAX))
}

/// Puts one result's samples to those of its metric.
fn take(
    result: &MetricDataResult,
    window: Window,
    found: &mut [Vec<Sample>],
) -> Result<(), LookError> {
    let number = result.id().and_then(|id| id.strip_prefix('m'));
    let place = number.and_then(|number| number.parse::<usize>().ok());
    let place = place.and_then(|place| found.get_mut(place));
    let Some(samples) = place else {
        return Err(senseless("it has a metric that was not asked for"));
    };
    let is_whole =
        |status: &StatusCode| *status == StatusCode::Complete || *status == StatusCode::PartialData;
    if let Some(status) = result.status_code().filter(|status| !is_whole(status)) {
        return Err(senseless(&format!(
            "a metric's result is {}",
            status.as_str()
        )));
    }
    let pairs = result.timestamps().iter().zip(result.values());
    let sample = |(at, value): (&DateTime, &f64)| {
        let at = at.to_millis().ok().and_then(|ms| u64::try_from(ms).ok())?;
        let at = Timestamp::from_unix_ms(at);
        let inside = window.from <= at && at < window.until;
        let value = Value::from_float(*value)?;
        inside.then_some(Sample { at, value })
    };
    samples.extend(pairs.filter_map(sample));
    Ok(())
}

fn senseless(what: &str) -> LookError {
    LookError(Fault::senseless("GetMetricData", what).into())
}
