//! What operators are told when something was not done: the stable word of each refusal, and what is known beyond it.

use crate::{read, view};
use longshore_contract::{ErrorWord, Refusal};
use longshore_shell::operate::{NotDone, Refusal as No};
use longshore_shell::ports::StoreError;

/// Why something was not done, by its stable word.
pub(crate) fn not_done(error: NotDone) -> Refusal {
    match error {
        NotDone::Refused(no) => refused(&no),
        NotDone::Unreachable(error) => match error.downcast::<StoreError>() {
            Ok(error) => read::unread(&error),
            Err(_) => Refusal::of(ErrorWord::Unavailable),
        },
    }
}

fn refused(no: &No) -> Refusal {
    let word = match no {
        No::NoSuchDeployment => ErrorWord::NoSuchDeployment,
        No::Over => ErrorWord::AlreadyOver,
        No::TooLate | No::NotAsked => ErrorWord::WrongState,
        No::OtherPlan => ErrorWord::PlanChanged,
        No::OwnDeployment | No::UnknownPerson => ErrorWord::NotAllowed,
        No::Locked(_) => ErrorWord::Locked,
        No::NotLocked => ErrorWord::NotLocked,
        No::Quarantined => ErrorWord::Quarantined,
        No::NotInQuarantine => ErrorWord::NotQuarantined,
        No::NothingLive => ErrorWord::NothingLive,
        No::NothingBefore | No::NotProven => ErrorWord::NothingProven,
        No::AlreadyLive => ErrorWord::AlreadyLive,
        No::DatabaseMayNotFit(_) => ErrorWord::DatabaseMayNotFit,
        No::NothingToRetry => ErrorWord::NothingToRetry,
        No::NotConfigured(_) => ErrorWord::NotDeployable,
    };
    match detail(no) {
        Some(message) => Refusal::new(word, message),
        None => Refusal::of(word),
    }
}

/// What is known beyond the word's own sentence.
fn detail(no: &No) -> Option<String> {
    Some(match no {
        No::TooLate => "It is too late for that: the deployment has gone on.".to_owned(),
        No::NotAsked => "The deployment does not wait for an approval.".to_owned(),
        No::OwnDeployment => {
            "Whose deployment it is may not say yes to it, or it is not known whose it is."
                .to_owned()
        }
        No::UnknownPerson => {
            "approvals.people of the app configuration does not name you.".to_owned()
        }
        No::Locked(lock) => format!(
            "{} holds the app until {}.",
            lock.owner,
            view::time(lock.expires_at)
        ),
        No::NotProven => "The deployment that is named has proven nothing here.".to_owned(),
        No::DatabaseMayNotFit(Some(verdict)) => format!(
            "The database may not fit the release to go back to: its migrations are {}.",
            verdict.word()
        ),
        No::NotConfigured(reason) => {
            format!(
                "The app has no valid configuration here: {}.",
                reason.word()
            )
        }
        No::NoSuchDeployment
        | No::Over
        | No::OtherPlan
        | No::NotLocked
        | No::Quarantined
        | No::NotInQuarantine
        | No::NothingLive
        | No::NothingBefore
        | No::AlreadyLive
        | No::DatabaseMayNotFit(None)
        | No::NothingToRetry => return None,
    })
}
