//! Short names for the things that scenarios speak of.

use longshore_core::{Commit, HostId};

/// The commit of one hexadecimal digit, forty times.
pub fn commit(digit: &str) -> Commit {
    Commit::parse(&digit.repeat(40)).unwrap()
}

/// The host of a number.
pub fn host(number: u32) -> HostId {
    HostId::parse(&format!("i-{number:017x}")).unwrap()
}
