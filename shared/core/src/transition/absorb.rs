//! A short way for what comes by the thousand: sendings and answers that change a question and do not end it.
//!
//! [`super::step`] makes a new deployment of every observation, which is clear and costs a copy of every host. Ten thousand
//! answers to a deployment of ten thousand hosts would be a hundred million copies. What is done here is done in place, and
//! is what `step` does: a property test holds the two together.

use super::forward::judge;
use crate::deployment::Deployment;
use crate::observation::Observation;
use crate::state::{Phase, State};
use crate::time::Timestamp;

/// Takes an observation in, in place. Says whether anything changed; `None` when only `step` can tell what becomes of it, and
/// then nothing has.
pub fn absorb(deployment: &mut Deployment, seen: &Observation, now: Timestamp) -> Option<bool> {
    let State::Active { run, phase } = &mut deployment.state else {
        return None;
    };
    let is_preparing = matches!(phase, Phase::Preparing(_));
    let task = phase.task();
    let ask = phase.ask_mut()?;
    match seen {
        Observation::SendStarted(token) => Some(ask.send_started(token, now)),
        Observation::CommandSent(token, id) => Some(ask.sent(token, id)),
        Observation::SendPostponed(token) => Some(ask.postponed(token, now, &deployment.policy)),
        // The last answer ends the question.
        Observation::HostReported(token, heard) if ask.waiting.len() > 1 => {
            let changed = ask.reported(token, heard, now, &deployment.policy);
            if changed {
                run.clock(task, heard, now);
            }
            if changed && is_preparing {
                judge(run, seen);
            }
            Some(changed)
        }
        Observation::HostReported(..)
        | Observation::SendRefused(..)
        | Observation::CommandMissing(_)
        | Observation::Approved(_)
        | Observation::Refused(_)
        | Observation::CancelRequested(_)
        | Observation::Superseded(_)
        | Observation::Ready(_)
        | Observation::NotReady(_)
        | Observation::FreezeSeen(_)
        | Observation::BreakGlass(_)
        | Observation::Judged { .. }
        | Observation::TimePassed
        | Observation::AnnounceStarted(_)
        | Observation::AnnouncePostponed(..)
        | Observation::Posted(_)
        | Observation::Announced(_) => None,
    }
}
