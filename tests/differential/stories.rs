//! Sequences that are worth a name: what the random ones have found, and what they come by too rarely.

use crate::points::with_points;
use crate::sandbox::{Origin, script};
use crate::sequence::{Run, Step, order, release};
use crate::{BEHAVIOURS, Pair};
use longshore_core::{Action, Millis, Release, Timestamp};
use longshore_shell::fakes::{Behaviour, Point, Trouble};
use std::collections::BTreeSet;

/// How a story went: it ends with the first disagreement.
pub(crate) type Told = Result<(), String>;

/// A sequence that is written down.
pub(crate) type Tale = fn(&mut Story<'_>) -> Told;

/// A host whose commands come one by one, a minute apart.
pub(crate) struct Story<'a> {
    pair: Pair<'a>,
    origin: &'a Origin,
    minutes: u32,
}

impl<'a> Story<'a> {
    pub(crate) fn new(origin: &'a Origin, script: &str) -> Self {
        Self {
            pair: Pair::new(origin, script),
            origin,
            minutes: 0,
        }
    }

    /// Releases of the commits that behave like this, as many as there are parameter versions for each.
    fn releases(&self, behaviour: Behaviour) -> Vec<Release> {
        let commits = self.origin.commits.iter();
        let alike = commits.filter(|(_, known)| *known == behaviour);
        alike
            .flat_map(|(commit, _)| (1..=3).map(|version| release(commit, version)))
            .collect()
    }

    fn ask(&mut self, action: Action, generation: u64, release: &Release) -> Told {
        let run = self.command(action, generation, release);
        self.play(run)
    }

    fn ask_and_kill(
        &mut self,
        action: Action,
        generation: u64,
        release: &Release,
        point: Point,
    ) -> Told {
        let mut run = self.command(action, generation, release);
        run.killed_at = Some(point);
        self.play(run)
    }

    /// A new command, a minute after the last one.
    fn command(&mut self, action: Action, generation: u64, release: &Release) -> Run {
        self.minutes += 1;
        let start = Timestamp::from_unix_ms(1_700_000_000_000);
        let now = start.after(Millis::from_secs(60 * u64::from(self.minutes)));
        let not_after = now.after(Millis::from_secs(600));
        Run {
            order: order(action, generation, self.minutes, release.clone(), not_after),
            now,
            killed_at: None,
            troubles: BTreeSet::new(),
        }
    }

    fn play(&mut self, run: Run) -> Told {
        self.pair.play(&Step::Run(run))
    }

    fn prepare_all(&mut self, generation: u64, releases: &[Release]) -> Told {
        releases
            .iter()
            .try_for_each(|release| self.ask(Action::Prepare, generation, release))
    }
}

pub(crate) fn commands_out_of_order(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    let first = story.command(Action::Prepare, 2, &good[0]);
    story.play(first.clone())?;
    story.play(first)?;
    story.ask(Action::Prepare, 1, &good[1])?;
    let mut late = story.command(Action::Prepare, 3, &good[1]);
    late.order.not_after = late.now;
    story.play(late)?;
    story.ask(Action::Prepare, 2, &good[1])
}

pub(crate) fn power_that_fails_in_the_middle_of_an_activation(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    story.prepare_all(1, &good[..2])?;
    story.ask(Action::Activate, 1, &good[0])?;
    for point in [
        Point::Beginning,
        Point::Begun,
        Point::Intending,
        Point::Intended,
    ] {
        story.ask_and_kill(Action::Activate, 2, &good[1], point)?;
    }
    for point in [
        Point::Switched,
        Point::Moved,
        Point::Proved,
        Point::Finishing,
    ] {
        story.ask_and_kill(Action::Activate, 2, &good[1], point)?;
    }
    story.ask_and_kill(Action::Activate, 2, &good[1], Point::Finished)?;
    story.ask(Action::Activate, 2, &good[1])
}

pub(crate) fn migration_that_is_asked_for_twice(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    story.ask(Action::Prepare, 1, &good[0])?;
    story.ask(Action::Migrate, 1, &good[0])?;
    story.ask(Action::Migrate, 1, &good[0])?;
    story.ask(Action::Migrate, 2, &good[0])
}

pub(crate) fn migration_that_is_taken_back(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    story.prepare_all(1, &good[..2])?;
    story.ask(Action::Migrate, 1, &good[0])?;
    for (generation, point) in [
        (2, Point::TakingBack),
        (2, Point::BeganBack),
        (4, Point::TakenBack),
        (6, Point::Finishing),
    ] {
        story.ask_and_kill(Action::Unmigrate, generation, &good[0], point)?;
        story.ask(Action::Unmigrate, generation, &good[0])?;
    }
    let mut fails = story.command(Action::Unmigrate, 8, &good[0]);
    fails.troubles.insert(Trouble::DownFails);
    story.play(fails.clone())?;
    story.play(fails)?;
    story.ask(Action::Unmigrate, 8, &good[0])?;
    story.ask(Action::Unmigrate, 9, &good[0])?;
    story.ask(Action::Activate, 9, &good[1])
}

pub(crate) fn step_that_meets_another(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    let mut run = story.command(Action::Prepare, 1, &good[0]);
    run.troubles.insert(Trouble::Busy);
    story.play(run)
}

pub(crate) fn activation_of_what_is_not_there(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    story.ask_and_kill(Action::Prepare, 1, &good[0], Point::Written)?;
    story.ask(Action::Activate, 1, &good[0])
}

pub(crate) fn old_process_that_answers(story: &mut Story<'_>) -> Told {
    let (good, odd) = (
        story.releases(Behaviour::Good)[0].clone(),
        story.releases(Behaviour::OldProcessAnswers)[0].clone(),
    );
    story.prepare_all(1, &[good.clone(), odd.clone()])?;
    story.ask(Action::Activate, 1, &good)?;
    story.ask(Action::Activate, 2, &odd)?;
    story.ask(Action::Status, 2, &odd)?;
    story.ask(Action::Activate, 3, &good)
}

pub(crate) fn unfinished_release_among_newer_ones(story: &mut Story<'_>) -> Told {
    let good = story.releases(Behaviour::Good);
    story.ask_and_kill(Action::Prepare, 1, &good[0], Point::Written)?;
    story.prepare_all(2, &good[1..7])?;
    story.ask(Action::Prune, 2, &good[6])
}

pub(crate) fn reload_that_the_old_process_survives(story: &mut Story<'_>) -> Told {
    let odd = story.releases(Behaviour::OldProcessAnswers)[0].clone();
    story.ask(Action::Prepare, 1, &odd)?;
    story.ask(Action::Activate, 1, &odd)?;
    story.ask(Action::Activate, 2, &odd)?;
    story.ask(Action::Status, 2, &odd)
}

pub(crate) fn failed_release_among_newer_ones(story: &mut Story<'_>) -> Told {
    let (sick, good) = (
        story.releases(Behaviour::HealthFails)[0].clone(),
        story.releases(Behaviour::Good),
    );
    story.ask(Action::Prepare, 1, &sick)?;
    story.ask(Action::Activate, 1, &sick)?;
    story.prepare_all(2, &good[..6])?;
    story.ask(Action::Prune, 2, &good[5])
}

fn tell(told: Tale) {
    let origin = Origin::new(&BEHAVIOURS);
    let result = told(&mut Story::new(&origin, &with_points(&script())));
    assert!(result.is_ok(), "{}", result.unwrap_err());
}

#[test]
fn a_finished_token_is_answered_again_and_a_lower_generation_and_a_late_command_are_refused() {
    tell(commands_out_of_order);
}

#[test]
fn an_activation_that_is_cut_off_at_every_point_moves_the_processes_once() {
    tell(power_that_fails_in_the_middle_of_an_activation);
}

#[test]
fn a_migration_runs_once_in_a_generation() {
    tell(migration_that_is_asked_for_twice);
}

#[test]
fn a_migration_is_begun_to_be_taken_back_once_in_a_generation() {
    tell(migration_that_is_taken_back);
}

#[test]
fn a_step_that_meets_another_is_refused() {
    tell(step_that_meets_another);
}

#[test]
fn what_is_not_whole_is_not_activated() {
    tell(activation_of_what_is_not_there);
}

#[test]
fn an_old_process_that_answers_is_a_wrong_release_until_another_release_ends_it() {
    tell(old_process_that_answers);
}

#[test]
fn a_release_that_was_killed_before_it_had_its_name_is_pruned_and_keeps_no_place_of_the_newest() {
    tell(unfinished_release_among_newer_ones);
}

#[test]
fn an_answer_of_a_process_that_the_manager_does_not_keep_is_a_wrong_release() {
    tell(reload_that_the_old_process_survives);
}

#[test]
fn a_release_that_failed_its_activation_is_kept_as_long_as_it_is_active() {
    tell(failed_release_among_newer_ones);
}
