//! The console's files, one row each.

/// A file of the console.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its name, as it is asked for.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// The page itself.
pub(crate) const PAGE: &str = "index.html";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Declares the files with their media types.
macro_rules! files {
    ($($name:literal: $kind:expr;)*) => {
        /// Every file of the folder `console/`.
        pub const FILES: &[File] = &[
            $(File { name: $name, kind: $kind, text: include_str!(concat!("../../../console/", $name)) },)*
        ];
    };
}

files! {
    "index.html": "text/html; charset=utf-8";
    "console.css": "text/css; charset=utf-8";
    "icon.svg": "image/svg+xml";
    "main.js": SCRIPT;
    "sign-in.js": SCRIPT;
    "api.js": SCRIPT;
    "dom.js": SCRIPT;
    "words.js": SCRIPT;
    "acts.js": SCRIPT;
    "overview.js": SCRIPT;
    "app.js": SCRIPT;
    "deployment.js": SCRIPT;
    "history.js": SCRIPT;
    "stats.js": SCRIPT;
    "lists.js": SCRIPT;
}
