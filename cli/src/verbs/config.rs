//! App configurations: checked without AWS, compared and stored with the operator's own rights on Parameter Store.

use super::{Desk, Ended};
use crate::api::{access, environment};
use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::page::{BAD, GOOD, Page};
use crate::parameters::Stored;
use crate::session::Session;
use longshore_app_config::{AppConfig, ConfigProblems};
use longshore_core::Repository;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// Stands in where nobody said which repository a file is for; only the app's name comes from it.
const SOME_REPOSITORY: &str = "workspace/app";

pub(super) async fn config(desk: &Desk<'_>, args: &args::Config) -> Ended {
    match args {
        args::Config::Validate { file, repository } => {
            let repository = repository.as_deref().unwrap_or(SOME_REPOSITORY);
            validate(desk, file, &parsed(repository)?)
        }
        args::Config::Diff { repository, file } => diff(desk, &parsed(repository)?, file).await,
        args::Config::Apply {
            repository,
            file,
            yes,
        } => apply(desk, &parsed(repository)?, file, *yes).await,
        args::Config::Show { repository } => show(desk, &parsed(repository)?).await,
        args::Config::Schema => {
            desk.screen.json(&AppConfig::json_schema());
            Ok(Exit::Done)
        }
    }
}

fn parsed(repository: &str) -> Result<Repository, Failure> {
    Repository::parse(repository).map_err(|error| {
        Failure::usage(
            "bad_repository",
            error.to_string(),
            "name it like acme/orders",
        )
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Failure::usage(
            "unreadable",
            message,
            "name a JSON file, or - for the standard input",
        )
    })
}

fn validate(desk: &Desk<'_>, file: &Path, repository: &Repository) -> Ended {
    let text = read(file)?;
    match AppConfig::parse(&text, repository) {
        Ok(_) => {
            let mut page = Page::new();
            page.line(&format!("{GOOD} {} is valid", file.display()));
            desk.screen
                .show(&json!({ "valid": true, "problems": [] }), &page);
            Ok(Exit::Done)
        }
        Err(problems) => {
            tell(desk, file, &problems);
            Ok(Exit::Usage)
        }
    }
}

fn tell(desk: &Desk<'_>, file: &Path, problems: &ConfigProblems) {
    let problems = problems.as_slice();
    let object = |problem: &longshore_app_config::Problem| json!({ "path": problem.path, "wrong": problem.wrong, "fix": problem.fix });
    let list: Vec<Value> = problems.iter().map(object).collect();
    let mut page = Page::new();
    page.line(&format!("{BAD} {} is not valid:", file.display()));
    for problem in problems {
        page.line(&format!("  {problem}"));
    }
    desk.screen
        .show(&json!({ "valid": false, "problems": list }), &page);
}

/// A file and what is stored in its place.
struct Both {
    name: String,
    new: String,
    stored: Option<Stored>,
    changes: Vec<Change>,
    session: Session,
}

/// A key whose value differs.
struct Change {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// The parameter with the configuration of a repository.
fn parameter_of(desk: &Desk<'_>, repository: &Repository) -> Result<String, Failure> {
    let environment = environment(desk.common)?;
    Ok(format!("/longshore/{environment}/apps/{repository}"))
}

/// Writes the stored text as it is, so that it can be changed and applied again.
async fn show(desk: &Desk<'_>, repository: &Repository) -> Ended {
    let name = parameter_of(desk, repository)?;
    let session = Session::open(&access(desk.common)).await?;
    let stored = session.parameter(&name).await?.ok_or_else(|| {
        let next = format!("store one: longshore config apply {repository} FILE");
        Failure::refused("not_configured", format!("{name} does not exist"), next)
    })?;
    desk.screen
        .note(&format!("{name}, version {}", stored.version));
    desk.screen.raw(&format!("{}\n", stored.text.trim_end()));
    Ok(Exit::Done)
}

async fn both(desk: &Desk<'_>, repository: &Repository, file: &Path) -> Result<Both, Failure> {
    let new = read(file)?;
    AppConfig::parse(&new, repository).map_err(|problems| {
        let message = format!("{} is not valid:\n{problems}", file.display());
        let next = format!("longshore config validate {}", file.display());
        Failure::usage("not_valid", message, next)
    })?;
    let name = parameter_of(desk, repository)?;
    let session = Session::open(&access(desk.common)).await?;
    let stored = session.parameter(&name).await?;
    let changes = changes(stored.as_ref().map_or("{}", |stored| &stored.text), &new);
    Ok(Both {
        name,
        new,
        stored,
        changes,
        session,
    })
}

async fn diff(desk: &Desk<'_>, repository: &Repository, file: &Path) -> Ended {
    let both = both(desk, repository, file).await?;
    desk.screen.show(&both.json(), &both.page());
    Ok(if both.changes.is_empty() {
        Exit::Done
    } else {
        Exit::Bad
    })
}

async fn apply(desk: &Desk<'_>, repository: &Repository, file: &Path, yes: bool) -> Ended {
    let both = both(desk, repository, file).await?;
    if both.changes.is_empty() {
        desk.screen.show(&both.json(), &both.page());
        return Ok(Exit::Done);
    }
    if !yes {
        desk.screen.note_page(&both.page());
        desk.screen.ask("Store this?", "--yes")?;
    }
    let version = both.session.store(&both.name, &both.new).await?;
    let mut page = Page::new();
    page.line(&format!("{GOOD} stored {} as version {version}", both.name));
    let before = both.stored.as_ref().map_or(0, |stored| stored.version);
    if version != before.saturating_add(1) {
        page.line(&format!(
            "{BAD} somebody else stored version {} meanwhile: compare them",
            version.saturating_sub(1)
        ));
    }
    page.line("It counts from the next deployment on: longshore deploy APP --config");
    let json = json!({ "parameter": both.name, "version": version, "before": before });
    desk.screen.show(&json, &page);
    Ok(Exit::Done)
}

impl Both {
    fn json(&self) -> Value {
        let object = |change: &Change| json!({ "path": change.path, "before": change.before, "after": change.after });
        let changes: Vec<Value> = self.changes.iter().map(object).collect();
        let version = self.stored.as_ref().map(|stored| stored.version);
        json!({ "parameter": self.name, "version": version, "changes": changes })
    }

    fn page(&self) -> Page {
        let mut page = Page::new();
        let stored = match &self.stored {
            Some(stored) => format!("version {}", stored.version),
            None => "nothing is stored yet".to_owned(),
        };
        page.heading(&format!("{} ({stored})", self.name));
        if self.changes.is_empty() {
            page.line(&format!("{GOOD} no difference"));
        }
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let row = |change: &Change| {
            vec![
                change.path.clone(),
                text(&change.before),
                text(&change.after),
            ]
        };
        let rows = self.changes.iter().map(row).collect();
        page.table(&["KEY", "STORED", "FILE"], rows);
        page
    }
}

/// Every key whose value differs between two documents.
fn changes(before: &str, after: &str) -> Vec<Change> {
    let flat = |text: &str| {
        let mut leaves = BTreeMap::new();
        let value = serde_json::from_str(text).unwrap_or_default();
        leaves_of(&value, String::new(), &mut leaves);
        leaves
    };
    let (before, after) = (flat(before), flat(after));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path));
    let change = |path: &String| Change {
        path: path.clone(),
        before: before.get(path).cloned(),
        after: after.get(path).cloned(),
    };
    differs.map(change).collect()
}

/// The values of a document by the path of their key; a list is one value, as its order means something.
fn leaves_of(value: &Value, path: String, leaves: &mut BTreeMap<String, Value>) {
    let Some(object) = value.as_object().filter(|object| !object.is_empty()) else {
        if !path.is_empty() {
            leaves.insert(path, value.clone());
        }
        return;
    };
    for (key, value) in object {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        leaves_of(value, path, leaves);
    }
}

#[cfg(test)]
mod tests {
    use super::changes;

    #[test]
    fn a_difference_names_the_key_and_both_values() {
        let before = r#"{"branch":"main","health":{"port":3000,"path":"/"},"waves":["100%"]}"#;
        let after = r#"{"branch":"main","health":{"port":3001,"path":"/"},"approval":true,"waves":["1","100%"]}"#;
        let found: Vec<String> = changes(before, after)
            .iter()
            .map(|change| change.path.clone())
            .collect();
        assert_eq!(found, ["approval", "health.port", "waves"]);
        assert!(changes(before, before).is_empty());
    }

    #[test]
    fn order_and_spaces_are_no_difference() {
        assert!(changes(r#"{"a":1,"b":{}}"#, "{ \"b\": {},\n \"a\": 1 }").is_empty());
    }
}
