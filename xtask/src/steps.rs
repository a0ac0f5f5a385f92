//! Running programs, and saying what is being done.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a command came to: nothing, or a sentence for a person.
pub(crate) type Done = Result<(), String>;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder that cargo builds into, in the development profile.
pub(crate) fn built() -> PathBuf {
    // Cargo puts this program there, so its own place tells where the others are.
    let own = std::env::current_exe().ok();
    let folder = own.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    folder.unwrap_or_else(|| root().join("target/debug"))
}

/// Prints to standard output.
#[expect(clippy::print_stdout, reason = "this is a command for a terminal")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Prints to standard error.
#[expect(clippy::print_stderr, reason = "this is a command for a terminal")]
pub(crate) fn complain(text: &str) {
    eprintln!("error: {text}");
}

/// Runs a program in the repository's root and waits for it.
pub(crate) fn run(program: &Path, args: &[&str]) -> Done {
    run_with(program, args, &[])
}

/// Runs a program with further environment variables.
pub(crate) fn run_with(program: &Path, args: &[&str], vars: &[(&str, &str)]) -> Done {
    let name = program.display();
    let mut command = Command::new(program);
    for own in cargos_words_about_us() {
        command.env_remove(own);
    }
    let status = command
        .args(args)
        .envs(vars.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} {} failed: {status}", args.join(" ")))
    }
}

/// What cargo tells this program about its own package. A build script can look at such variables (that of ring does),
/// and would run again, with all that stands on it, whenever a build by hand follows one from here.
fn cargos_words_about_us() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    })
}

/// Cargo, as it runs this program.
pub(crate) fn cargo(args: &[&str]) -> Done {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Path::new(&cargo), args)
}

/// Builds everything. Always the whole workspace: another selection unifies features differently and compiles every SDK
/// again.
pub(crate) fn build() -> Done {
    cargo(&["build", "--workspace"])
}

/// Builds, and hands over to the local cloud.
pub(crate) fn hand_over(command: &str, rest: &[String]) -> Done {
    say("Building (the first time takes some minutes)");
    build()?;
    let program = built().join("longshore-local");
    let mut args = vec![command];
    args.extend(rest.iter().map(String::as_str));
    run(&program, &args)
}

/// Draws the pictures of the documentation: all of them, or those of one thing.
pub(crate) fn pictures(rest: &[String]) -> Done {
    let of: Vec<&str> = rest.iter().map(String::as_str).collect();
    let commands: &[&str] = match of.as_slice() {
        [] => &["message-pictures", "console-pictures"],
        ["messages"] => &["message-pictures"],
        ["console"] => &["console-pictures"],
        other => {
            return Err(format!(
                "there are no pictures of {other:?}: say `messages`, `console`, or nothing for all"
            ));
        }
    };
    commands
        .iter()
        .try_for_each(|command| hand_over(command, &[]))
}

/// Builds, and hands over to the simulation, or to the mistakes that test it.
pub(crate) fn prove(command: &str, rest: &[String]) -> Done {
    build()?;
    let args: Vec<&str> = rest.iter().map(String::as_str).collect();
    run(&built().join(format!("longshore-{command}")), &args)
}

/// Builds the functions as they are deployed, and measures them.
pub(crate) fn bench(rest: &[String]) -> Done {
    say("Building the functions in the release profile (several minutes)");
    cargo(&["build", "--workspace", "--release"])?;
    let program = built().with_file_name("release").join("longshore-bench");
    let args: Vec<&str> = rest.iter().map(String::as_str).collect();
    run(&program, &args)
}
