//! What each command of the program does.

pub(crate) mod chaos;
pub(crate) mod checks;
pub(crate) mod cloud;
pub(crate) mod console;
mod failures;
pub(crate) mod hook;
