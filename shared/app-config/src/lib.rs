//! The app configuration document.

/// One app's configuration in one environment.
#[derive(Clone, Debug)]
pub struct AppConfig {}
