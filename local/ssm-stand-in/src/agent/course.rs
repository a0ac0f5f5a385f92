//! Which steps of a document run, given how the earlier ones ended.
//!
//! A failed step does not stop the next one; only `onFailure`, `onSuccess` and the codes 168 and 169 do. A timeout is
//! not a failure in this sense: the next step runs even after `onFailure: exit`.

use super::inputs::{Inputs, OnFailure};
use crate::commands::StepView;
use crate::status::StepState;

/// What to do with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Run it.
    Run,
    /// Leave it out, an earlier step has ended the document.
    Skip,
    /// Leave it out, the document was cancelled.
    Cancelled,
}

/// The way through a document's steps.
#[derive(Debug)]
pub(crate) struct Course {
    steps: usize,
    has_exited: bool,
}

impl Course {
    /// The way through so many steps.
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            steps,
            has_exited: false,
        }
    }

    /// What to do with the step at `index`.
    pub(crate) fn next(&self, index: usize, inputs: Option<&Inputs>, is_cancelled: bool) -> Next {
        let is_last = index.saturating_add(1) == self.steps;
        let is_finally = is_last && inputs.is_some_and(|inputs| inputs.finally_step);
        if is_cancelled {
            Next::Cancelled
        } else if self.has_exited && !is_finally {
            Next::Skip
        } else {
            Next::Run
        }
    }

    /// Notes how a step ended, and turns a failure into a success where the step asks for that.
    pub(crate) fn record(&mut self, inputs: Option<&Inputs>, mut view: StepView) -> StepView {
        let on_failure = inputs.map_or(OnFailure::Continue, |inputs| inputs.on_failure);
        match view.state {
            StepState::Failed if view.code == 169 => self.has_exited = true,
            StepState::Failed => match on_failure {
                OnFailure::Continue => {}
                OnFailure::Exit => self.has_exited = true,
                OnFailure::SuccessAndExit => {
                    self.has_exited = true;
                    view.state = StepState::Success;
                    view.code = 168;
                }
            },
            StepState::Success => {
                self.has_exited |=
                    view.code == 168 || inputs.is_some_and(|inputs| inputs.exit_on_success);
            }
            StepState::Pending
            | StepState::InProgress
            | StepState::Skipped
            | StepState::TimedOut
            | StepState::Cancelled => {}
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Plays endings through a document and returns what was done with each step, and how it counts.
    fn play(steps: &[(Value, StepState, i32)]) -> Vec<(Next, StepState)> {
        let mut course = Course::new(steps.len());
        let mut played = Vec::new();
        for (index, (extra, state, code)) in steps.iter().enumerate() {
            let mut inputs = json!({"runCommand": ["true"]});
            inputs
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            let inputs = Inputs::read(&inputs).unwrap();
            let next = course.next(index, Some(&inputs), false);
            let state = if next == Next::Run {
                *state
            } else {
                StepState::Skipped
            };
            let view = StepView {
                state,
                code: *code,
                ..StepView::pending("step")
            };
            played.push((next, course.record(Some(&inputs), view).state));
        }
        played
    }

    fn check(steps: &[(Value, StepState, i32)], expected: &[(Next, StepState)]) {
        assert_eq!(play(steps), expected, "{steps:?}");
    }

    const RAN: (Next, StepState) = (Next::Run, StepState::Success);
    const FAILED: (Next, StepState) = (Next::Run, StepState::Failed);
    const SKIPPED: (Next, StepState) = (Next::Skip, StepState::Skipped);

    #[test]
    fn a_failed_step_does_not_stop_the_next_one() {
        check(
            &[
                (json!({}), StepState::Failed, 1),
                (json!({}), StepState::Success, 0),
            ],
            &[FAILED, RAN],
        );
    }

    #[test]
    fn on_failure_exit_skips_the_rest_and_success_and_exit_also_forgives() {
        let rest = (json!({}), StepState::Success, 0);
        check(
            &[
                (json!({"onFailure": "exit"}), StepState::Failed, 1),
                rest.clone(),
            ],
            &[FAILED, SKIPPED],
        );
        check(
            &[
                (json!({"onFailure": "successAndExit"}), StepState::Failed, 1),
                rest,
            ],
            &[RAN, SKIPPED],
        );
    }

    #[test]
    fn a_timeout_slips_past_on_failure() {
        let rest = (json!({}), StepState::Success, 0);
        check(
            &[
                (json!({"onFailure": "exit"}), StepState::TimedOut, 137),
                rest,
            ],
            &[(Next::Run, StepState::TimedOut), RAN],
        );
    }

    #[test]
    fn on_success_and_the_codes_168_and_169_end_the_document() {
        let rest = (json!({}), StepState::Success, 0);
        check(
            &[
                (json!({"onSuccess": "exit"}), StepState::Success, 0),
                rest.clone(),
            ],
            &[RAN, SKIPPED],
        );
        check(
            &[(json!({}), StepState::Success, 168), rest.clone()],
            &[RAN, SKIPPED],
        );
        check(
            &[(json!({}), StepState::Failed, 169), rest],
            &[FAILED, SKIPPED],
        );
    }

    #[test]
    fn a_finally_step_runs_after_an_exit_only_as_the_last_step() {
        let exit = (json!({"onFailure": "exit"}), StepState::Failed, 1);
        let last = (json!({"finallyStep": true}), StepState::Success, 0);
        check(&[exit.clone(), last.clone()], &[FAILED, RAN]);
        check(
            &[exit, last, (json!({}), StepState::Success, 0)],
            &[FAILED, SKIPPED, SKIPPED],
        );
    }

    #[test]
    fn a_cancel_leaves_out_even_a_finally_step() {
        let inputs = Inputs::read(&json!({"runCommand": ["true"], "finallyStep": true})).unwrap();
        assert_eq!(Course::new(1).next(0, Some(&inputs), true), Next::Cancelled);
    }
}
