//! What CloudWatch's alarms say, metric and composite ones.

use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{Alarms, LookError};
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use longshore_analysis::AlarmState;
use longshore_app_config::AlarmName;
use std::collections::BTreeMap;

/// Names that one question may have (Amazon CloudWatch API Reference, `DescribeAlarms`).
const NAMES_MAX: usize = 100;
/// Pages that are read of one answer. A page has at most 100 alarms, so that one is enough for a question; the others are for
/// a service that divides more finely.
const PAGES_MAX: usize = 10;

/// The alarms of the account and region.
#[derive(Clone, Debug)]
pub struct CloudWatchAlarms {
    aws: Aws,
}

impl CloudWatchAlarms {
    /// The alarms of the account and region.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone() }
    }

    /// Without the types only metric alarms are told.
    async fn page(
        &self,
        names: &[AlarmName],
        next: Option<String>,
    ) -> Result<DescribeAlarmsOutput, LookError> {
        let names: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
        let reply = self
            .aws
            .cloudwatch()
            .describe_alarms()
            .set_alarm_names(Some(names))
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .set_next_token(next)
            .send()
            .await;
        reply.map_err(|error| LookError(Fault::of("DescribeAlarms", &error).into()))
    }
}

impl Alarms for CloudWatchAlarms {
    async fn states(
        &self,
        names: &[AlarmName],
    ) -> Result<BTreeMap<AlarmName, AlarmState>, LookError> {
        let mut told: BTreeMap<String, AlarmState> = BTreeMap::new();
        for names in names.chunks(NAMES_MAX) {
            let mut next = None;
            for page in 0.. {
                if page == PAGES_MAX {
                    let fault = Fault::senseless("DescribeAlarms", "it has no last page");
                    return Err(LookError(fault.into()));
                }
                let page = self.page(names, next).await?;
                told.extend(of_page(&page));
                next = page.next_token.filter(|token| !token.is_empty());
                if next.is_none() {
                    break;
                }
            }
        }
        let state = |name: &AlarmName| Some((name.clone(), *told.get(name.as_str())?));
        Ok(names.iter().filter_map(state).collect())
    }
}

fn of_page(page: &DescribeAlarmsOutput) -> impl Iterator<Item = (String, AlarmState)> {
    let metric = page.metric_alarms().iter();
    let metric = metric.map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    let composite = page.composite_alarms().iter();
    let composite = composite.map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    let all = metric.chain(composite);
    all.filter_map(|(name, state)| Some((name?.to_owned(), state_of(state?))))
}

/// A word that this version does not know is no data: it passes nothing and fails nothing.
fn state_of(state: &StateValue) -> AlarmState {
    if *state == StateValue::Ok {
        AlarmState::Ok
    } else if *state == StateValue::Alarm {
        AlarmState::Raised
    } else {
        AlarmState::NoData
    }
}
