//! What operators want to be done: the core judges, one conditional transaction records it, and the desks do it.

use crate::Office;
use crate::answer::Response;
use crate::caller::Caller;
use crate::request::Act;
use longshore_contract::{ErrorWord, Refusal};

/// Does it, or says why not.
///
/// # Errors
/// A refusal with its stable word; nothing was changed.
pub async fn perform<O: Office>(
    _office: &O,
    _caller: &Caller,
    _act: Act,
) -> Result<Response, Refusal> {
    Err(Refusal::of(ErrorWord::Internal))
}
