//! The calendars that freeze: iCalendar files in Parameter Store, and change calendars of Systems Manager.
//!
//! An answer is kept for a minute: while something waits for a freeze's end, every tick asks. A failure is never kept.

use crate::cache::Cache;
use crate::connect::Aws;
use crate::fault::Fault;
use crate::ports::{CalendarError, Calendars, ChangeState, Clock};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::CalendarState;
use longshore_app_config::{CalendarName, ChangeCalendarName};
use longshore_core::{EnvironmentName, Millis};

/// How long an answer is kept.
const KEPT_FOR: Millis = Millis::from_secs(60);

/// The calendars of an environment.
#[derive(Debug)]
pub struct SsmCalendars<C> {
    ssm: Client,
    environment: EnvironmentName,
    clock: C,
    files: Cache<String>,
    states: Cache<ChangeState>,
}

impl<C: Clock> SsmCalendars<C> {
    /// The calendars of an environment.
    #[must_use]
    pub fn new(aws: &Aws, environment: &EnvironmentName, clock: C) -> Self {
        Self {
            ssm: aws.ssm(),
            environment: environment.clone(),
            clock,
            files: Cache::new(),
            states: Cache::new(),
        }
    }
}

impl<C: Clock> Calendars for SsmCalendars<C> {
    async fn file(&self, name: &CalendarName) -> Result<String, CalendarError> {
        let environment = &self.environment;
        let name = format!(
            "/longshore/{environment}/control/calendars/{}",
            name.as_str()
        );
        let now = self.clock.now();
        if let Some(kept) = self.files.get(&name, now, Some(KEPT_FOR)) {
            return Ok(kept);
        }
        let reply = self.ssm.get_parameter().name(&name).send().await;
        let reply = reply.map_err(|error| unread(&Fault::of("GetParameter", &error)))?;
        let text = reply.parameter.and_then(|parameter| parameter.value);
        let text = text.ok_or_else(|| CalendarError("it has no value".to_owned()))?;
        self.files.put(&name, text.clone(), now);
        Ok(text)
    }

    async fn state(&self, name: &ChangeCalendarName) -> Result<ChangeState, CalendarError> {
        let now = self.clock.now();
        if let Some(kept) = self.states.get(name.as_str(), now, Some(KEPT_FOR)) {
            return Ok(kept);
        }
        let asked = self.ssm.get_calendar_state().calendar_names(name.as_str());
        let reply = asked.send().await;
        let reply = reply.map_err(|error| unread(&Fault::of("GetCalendarState", &error)))?;
        let is_open = match reply.state {
            Some(CalendarState::Open) => true,
            Some(CalendarState::Closed) => false,
            Some(_) | None => return Err(CalendarError("its state is unknown".to_owned())),
        };
        let next = reply.next_transition_time.as_deref();
        let state = ChangeState {
            is_open,
            next: next.and_then(longshore_freeze::point),
        };
        self.states.put(name.as_str(), state.clone(), now);
        Ok(state)
    }
}

fn unread(fault: &Fault) -> CalendarError {
    CalendarError(fault.reason())
}
