//! The operators' command: a pure picture of what the operators' API says, and the few calls that bring it.
//!
//! `args` is the command line, `verbs` what each verb does, `view` what is shown of it; `api` asks the operators' API with the
//! operator's own credentials (`session`, `signed`), and `screen` is the only place that writes. It decides nothing about
//! deployments: what may be done is judged by the API.

pub mod api;
pub mod args;
pub mod clock;
pub mod exit;
pub mod failure;
pub mod page;
pub mod parameters;
pub mod screen;
pub mod session;
pub mod signed;
pub mod usage;
pub mod verbs;
pub mod view;
pub mod when;
