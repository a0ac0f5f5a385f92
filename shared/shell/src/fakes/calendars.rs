//! Calendars in memory.

use crate::ports::{CalendarError, Calendars, ChangeState};
use longshore_app_config::{CalendarName, ChangeCalendarName};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct Kept {
    files: BTreeMap<String, String>,
    states: BTreeMap<String, ChangeState>,
}

/// iCalendar files and change calendars in memory. One that was never put is missing.
#[derive(Clone, Debug, Default)]
pub struct MemoryCalendars(Arc<Mutex<Kept>>);

impl MemoryCalendars {
    /// Puts a file; takes it away without one.
    pub fn put(&self, name: &str, text: Option<&str>) {
        let mut kept = self.lock();
        match text {
            Some(text) => kept.files.insert(name.to_owned(), text.to_owned()),
            None => kept.files.remove(name),
        };
    }

    /// Says what a change calendar says.
    pub fn set(&self, name: &str, state: ChangeState) {
        self.lock().states.insert(name.to_owned(), state);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calendars for MemoryCalendars {
    async fn file(&self, name: &CalendarName) -> Result<String, CalendarError> {
        let file = self.lock().files.get(name.as_str()).cloned();
        file.ok_or_else(|| CalendarError("ParameterNotFound".to_owned()))
    }

    async fn state(&self, name: &ChangeCalendarName) -> Result<ChangeState, CalendarError> {
        let state = self.lock().states.get(name.as_str()).cloned();
        state.ok_or_else(|| CalendarError("InvalidDocument".to_owned()))
    }
}
