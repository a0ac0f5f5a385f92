//! The verbs about the command itself: completions and man pages, made from the same command line.

use super::{Desk, Ended};
use crate::args::{self, Line};
use crate::exit::Exit;
use crate::failure::Failure;
use clap::CommandFactory;
use std::path::Path;

pub(super) fn completions(desk: &Desk<'_>, args: &args::Completions) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Line::command(), "longshore", &mut text);
    desk.screen.raw(&String::from_utf8_lossy(&text));
    Exit::Done
}

pub(super) fn man(desk: &Desk<'_>, args: &args::Man) -> Ended {
    let Some(folder) = &args.folder else {
        let mut text = Vec::new();
        let written = clap_mangen::Man::new(Line::command()).render(&mut text);
        written.map_err(|error| unwritable(Path::new("the man page"), &error))?;
        desk.screen.raw(&String::from_utf8_lossy(&text));
        return Ok(Exit::Done);
    };
    clap_mangen::generate_to(Line::command(), folder)
        .map_err(|error| unwritable(folder, &error))?;
    Ok(Exit::Done)
}

fn unwritable(place: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{} cannot be written: {error}", place.display());
    Failure::usage(
        "unwritable",
        message,
        "name a folder that exists and is yours",
    )
}
