//! Whether a freeze holds a deployment now: the windows of the newest app configuration, and the calendars that it names.
//!
//! It fails closed. A calendar that cannot be read, or not be understood, is a freeze that says so.

use crate::ports::{CalendarError, Calendars, Clock, Configs, ResolveError};
use crate::world::World;
use longshore_app_config::{CalendarName, ChangeCalendarName, Freezing};
use longshore_core::{Deployment, Freeze, FreezeSource, Repository, Timestamp};
use longshore_freeze::{Calendar, CalendarProblem, Coming, longest};

/// The freeze that holds a deployment, if one does.
///
/// # Errors
/// [`ResolveError::Unavailable`] when the app configuration cannot be read now.
pub async fn holding<W: World>(
    world: &W,
    deployment: &Deployment,
) -> Result<Option<Freeze>, ResolveError> {
    if !Freeze::holds(&deployment.origin.kind) || deployment.break_glass.is_some() {
        return Ok(None);
    }
    frozen(world, &deployment.repository).await
}

/// The freeze of an app, if there is one.
///
/// # Errors
/// As [`holding`].
pub async fn frozen<W: World>(
    world: &W,
    repository: &Repository,
) -> Result<Option<Freeze>, ResolveError> {
    // Without a configuration there is nothing to be begun, and whoever tries says so.
    let freezing = match world.configs().config(repository, None).await {
        Ok(None) => return Ok(None),
        Ok(Some(configured)) => configured.config.freezing().clone(),
        Err(ResolveError::Failed(failure)) => {
            let why = format!("the newest app configuration: {}", failure.class.word());
            return Ok(Some(unreadable(&why)));
        }
        Err(error @ ResolveError::Unavailable(_)) => return Err(error),
    };
    Ok(frozen_by(world.calendars(), &freezing, world.clock().now()).await)
}

/// The freeze that a configuration makes now, if it makes one.
pub async fn frozen_by<C: Calendars>(
    calendars: &C,
    freezing: &Freezing,
    now: Timestamp,
) -> Option<Freeze> {
    let mut freezes: Vec<Freeze> = freezing.by_window(now).into_iter().collect();
    for name in freezing.calendars.as_slice() {
        freezes.extend(by_file(calendars, freezing, name, now).await);
    }
    for name in freezing.change_calendars.as_slice() {
        freezes.extend(by_change_calendar(calendars, name).await);
    }
    longest(freezes)
}

/// The freezes that a configuration makes after one time and not after another, the next one first. What cannot be read holds
/// now ([`frozen_by`]), and nothing is known of what it holds later.
pub async fn coming<C: Calendars>(
    calendars: &C,
    freezing: &Freezing,
    now: Timestamp,
    last: Timestamp,
) -> Vec<Coming> {
    let mut coming = freezing.coming_windows(now, last);
    let zone = longshore_freeze::zone(freezing.zone.as_str());
    for name in freezing.calendars.as_slice() {
        let Ok(text) = calendars.file(name).await else {
            continue;
        };
        let calendar = zone.as_ref().map(|zone| Calendar::parse(&text, zone));
        let events = calendar.map(|calendar| calendar?.coming(now, last));
        coming.extend(events.into_iter().flatten().flatten());
    }
    for name in freezing.change_calendars.as_slice() {
        let state = calendars.state(name).await;
        let next = state.ok().filter(|state| state.is_open);
        let from = next.and_then(|state| state.next);
        coming.extend(from.filter(|from| *from <= last).map(|from| Coming {
            from,
            freeze: Freeze::new(name.as_str(), None, FreezeSource::ChangeCalendar),
        }));
    }
    coming.sort_by_key(|coming| coming.from);
    coming
}

async fn by_file<C: Calendars>(
    calendars: &C,
    freezing: &Freezing,
    name: &CalendarName,
    now: Timestamp,
) -> Option<Freeze> {
    let shown = name.as_str();
    let problem = match calendars.file(name).await {
        Err(CalendarError(why)) => why,
        Ok(text) => match in_file(&text, freezing, now) {
            Ok(freeze) => return freeze,
            Err(problem) => problem.to_string(),
        },
    };
    Some(unreadable(&format!("the calendar {shown}: {problem}")))
}

fn in_file(
    text: &str,
    freezing: &Freezing,
    now: Timestamp,
) -> Result<Option<Freeze>, CalendarProblem> {
    let Some(place) = longshore_freeze::zone(freezing.zone.as_str()) else {
        return Err(CalendarProblem::NotACalendar);
    };
    Calendar::parse(text, &place)?.frozen(now)
}

async fn by_change_calendar<C: Calendars>(
    calendars: &C,
    name: &ChangeCalendarName,
) -> Option<Freeze> {
    let shown = name.as_str();
    match calendars.state(name).await {
        Ok(state) if state.is_open => None,
        Ok(state) => Some(Freeze::new(shown, state.next, FreezeSource::ChangeCalendar)),
        Err(CalendarError(why)) => Some(unreadable(&format!("the change calendar {shown}: {why}"))),
    }
}

fn unreadable(why: &str) -> Freeze {
    Freeze::new(why, None, FreezeSource::Unreadable)
}
