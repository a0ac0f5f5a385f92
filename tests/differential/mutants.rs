//! The net is tested by what it must catch: each mutant is the script with one bug, and its story must show that it does
//! something else than the model.

use crate::points::with_points;
use crate::sandbox::{Origin, script};
use crate::stories::{
    Story, Tale, activation_of_what_is_not_there, commands_out_of_order,
    failed_release_among_newer_ones, migration_that_is_asked_for_twice,
    migration_that_is_taken_back, old_process_that_answers,
    power_that_fails_in_the_middle_of_an_activation, reload_that_the_old_process_survives,
    step_that_meets_another, unfinished_release_among_newer_ones,
};
use crate::{BEHAVIOURS, given, play};

/// The most sequences that a mutant may survive.
const SEQUENCES_MAX: u64 = 40;

/// A bug: its name, what stands in the script, what stands there instead, and the story that must show it.
struct Mutant(&'static str, &'static str, &'static str, Tale);

const MUTANTS: [Mutant; 19] = [
    Mutant(
        "it accepts a lower generation",
        "if (Number(env.LS_GENERATION) < ledger.generation)",
        "if (false)",
        commands_out_of_order,
    ),
    Mutant(
        "it forgets the generation",
        "  ledger.generation = Number(env.LS_GENERATION);\n",
        "",
        commands_out_of_order,
    ),
    Mutant(
        "it repeats a finished token",
        "if (known && known.answer)",
        "if (false)",
        commands_out_of_order,
    ),
    Mutant(
        "it does not refuse after the not-after time",
        "if (Date.now() / 1000 >= Number(env.LS_NOT_AFTER))",
        "if (false)",
        commands_out_of_order,
    ),
    Mutant(
        "it still starts at the not-after time",
        "if (Date.now() / 1000 >= Number(env.LS_NOT_AFTER))",
        "if (Date.now() / 1000 > Number(env.LS_NOT_AFTER))",
        commands_out_of_order,
    ),
    Mutant(
        "it switches before the intent is on disk",
        "activate() {\n  require_release\n",
        "activate() {\n  require_release\n  switch_current\n",
        power_that_fails_in_the_middle_of_an_activation,
    ),
    Mutant(
        "a second attempt is a new activation",
        "if (!before || before.generation !== generation || before.release !== env.LS_RELEASE) {",
        "if (true) {",
        power_that_fails_in_the_middle_of_an_activation,
    ),
    Mutant(
        "it does not sync the ledger before the rename",
        "    fs.fsyncSync(fd);\n  } finally {",
        "  } finally {",
        power_that_fails_in_the_middle_of_an_activation,
    ),
    Mutant(
        "it does not sync the folder after the rename",
        "  syncFolder(path.dirname(file));\n",
        "",
        power_that_fails_in_the_middle_of_an_activation,
    ),
    Mutant(
        "it tells a result that it has not recorded",
        "    [[ ${line} == \"${RECORDED}\" ]] || run_limited",
        "    [[ ${line} == \"${RECORDED}\" ]] || : run_limited",
        commands_out_of_order,
    ),
    Mutant(
        "it does not take the lock",
        "flock --nonblock 9 || refuse busy",
        "true || refuse busy",
        step_that_meets_another,
    ),
    Mutant(
        "it migrates twice in one generation",
        "const done = loadLedger().migrations.includes(migrationKey());",
        "const done = false;",
        migration_that_is_asked_for_twice,
    ),
    Mutant(
        "it takes a migration back that it has begun to take back",
        "if (ledger.downs.some(",
        "if (false && ledger.downs.some(",
        migration_that_is_taken_back,
    ),
    Mutant(
        "it takes a migration back before that is in the ledger",
        "  saveLedger(ledger);\n  say(hooks.migrate_down);",
        "  say(hooks.migrate_down);",
        migration_that_is_taken_back,
    ),
    Mutant(
        "it believes whatever release answers",
        "if (reply.release !== release) {",
        "if (false) {",
        old_process_that_answers,
    ),
    Mutant(
        "it activates what is not whole",
        "  require_release\n  leave_balancer\n",
        "  leave_balancer\n",
        activation_of_what_is_not_there,
    ),
    Mutant(
        "an unfinished release counts among the newest",
        "(name.endsWith('.partial') ? '' : orElse",
        "(name === '' ? '' : orElse",
        unfinished_release_among_newer_ones,
    ),
    Mutant(
        "it judges by the last round alone",
        " : state.wrong || state.last;",
        " : state.last;",
        reload_that_the_old_process_survives,
    ),
    Mutant(
        "prune removes the release that is active",
        "new Set([link, ledger.active, env.LS_RELEASE, ledger.switched ? ledger.switched.from : '',",
        "new Set([env.LS_RELEASE, ledger.switched ? ledger.switched.from : '',",
        failed_release_among_newer_ones,
    ),
];

#[test]
fn every_bug_that_is_put_into_the_script_is_caught_by_its_story() {
    let origin = Origin::new(&BEHAVIOURS);
    let survives = |Mutant(_, from, to, tale): &&Mutant| {
        let mutant = with_points(&mutated(from, to));
        tale(&mut Story::new(&origin, &mutant)).is_ok()
    };
    let survivors: Vec<&str> = MUTANTS.iter().filter(survives).map(|m| m.0).collect();
    assert!(survivors.is_empty(), "not caught: {survivors:#?}");
}

fn mutated(from: &str, to: &str) -> String {
    let text = script();
    assert_eq!(
        text.matches(from).count(),
        1,
        "not in the script once: {from}"
    );
    text.replace(from, to)
}

/// `MUTANTS=1` looks for the bugs with the random sequences: by hand, as it takes its time.
#[test]
fn random_sequences_find_the_bugs_too() {
    let origin = Origin::new(&BEHAVIOURS);
    let all = given("MUTANTS").map_or(1, |_| MUTANTS.len());
    for Mutant(name, from, to, _) in MUTANTS.iter().take(all) {
        let mutant = with_points(&mutated(from, to));
        let by = (0..SEQUENCES_MAX).find(|seed| play(*seed, &origin, &mutant).is_err());
        println!("{name}: {by:?}");
        assert!(by.is_some() || all > 1, "not caught: {name}");
    }
}
