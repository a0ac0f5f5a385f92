//! The model and the script in one form, so that a difference is a difference of two JSON texts.

use crate::sandbox::word;
use longshore_core::{Release, ReleaseId};
use longshore_shell::fakes::{Answer, Ending, FakeHost, Folder, Ledger};
use serde_json::{Value, json};

/// The ledger as the script has written it, without what is only there to be read by people.
pub(crate) fn of_ledger_file(file: &Value) -> Value {
    if !file.is_object() {
        return if file.is_null() {
            of_ledger(&Ledger::default())
        } else {
            file.clone()
        };
    }
    let entries = file["entries"].as_array().into_iter().flatten();
    let proven = file["proven"].as_array().into_iter().flatten();
    let downs = file["downs"].as_array().into_iter().flatten();
    let switched = &file["switched"];
    json!({
        "generation": file["generation"],
        "active": file["active"],
        "state": file["active_state"],
        "switched": if switched.is_null() { Value::Null } else {
            json!([switched["release"], switched["generation"], switched["from"]])
        },
        "proven": proven.map(|p| json!([p["release"], p["generation"]])).collect::<Vec<_>>(),
        "migrations": file["migrations"],
        "downs": downs.map(|d| json!([d["release"], d["generation"]])).collect::<Vec<_>>(),
        "entries": entries.map(|e| json!([e["token"], e["answer"]["class"]])).collect::<Vec<_>>(),
    })
}

fn of_ledger(ledger: &Ledger) -> Value {
    let entry = |answer: &Option<Answer>| answer.as_ref().map(|answer| class(answer.ending).1);
    json!({
        "generation": ledger.generation.number(),
        "active": id_of(ledger.active.as_ref()),
        "state": word(ledger.active_state),
        "switched": ledger.switched.as_ref().map(|s| json!([
            s.release.as_str(), s.generation.number(), text(s.from.as_ref())
        ])),
        "proven": ledger.proven.iter().map(|(r, g)| json!([r.as_str(), g.number()])).collect::<Vec<_>>(),
        "migrations": ledger.migrations.iter().map(|(r, g)| format!("{r}:{g}")).collect::<Vec<_>>(),
        "downs": ledger.downs.iter().map(|(r, g)| json!([r.as_str(), g.number()])).collect::<Vec<_>>(),
        "entries": ledger.entries.iter().map(|e| json!([e.token.to_string(), entry(&e.answer)])).collect::<Vec<_>>(),
    })
}

/// What the model says is there.
pub(crate) fn of_host(host: &FakeHost) -> Value {
    let mut releases: Vec<String> = host
        .releases
        .iter()
        .map(|(id, folder)| match folder {
            Folder::Partial => format!("{id}.partial"),
            Folder::Whole { .. } => id.to_string(),
        })
        .collect();
    releases.sort();
    let managed = host.processes.managed.as_ref();
    json!({
        "ledger": of_ledger(&host.ledger),
        "current": id_of(host.current.as_ref()),
        "releases": releases,
        "served": id_of(host.served.as_ref()),
        "managed": managed.map(|m| json!({"online": m.online, "release": m.process.release.id().as_str()})),
        "migrated": host.migrated,
        "taken_back": host.taken_back,
        "starts": host.processes.starts,
    })
}

/// The answer that the model gives, as the script would print it. Null when the run was killed.
pub(crate) fn of_answer(answer: Option<&Answer>, token: &str, codes: &[(String, u8)]) -> Value {
    let Some(answer) = answer else {
        return Value::Null;
    };
    let (outcome, class) = class(answer.ending);
    let code = codes.iter().find(|(known, _)| known == class).unwrap().1;
    json!({
        "longshore": 1,
        "token": token,
        "action": answer.action.word(),
        "outcome": outcome,
        "class": class,
        "release": text(answer.release.as_ref()),
        "generation": answer.generation.number(),
        "served": text(answer.served.as_ref()),
        "healthy": answer.healthy,
        "repeated": answer.repeated,
        "exit": code,
    })
}

fn class(ending: Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Done => ("done", "done"),
        Ending::Refused(class) => ("refused", class.word()),
        Ending::Failed(class) => ("failed", class.word()),
    }
}

fn text(id: Option<&ReleaseId>) -> &str {
    id.map_or("", ReleaseId::as_str)
}

fn id_of(release: Option<&Release>) -> String {
    release.map(|r| r.id().to_string()).unwrap_or_default()
}

/// Where two values differ, one line for each place.
pub(crate) fn differences(model: &Value, script: &Value, place: &str) -> Vec<String> {
    match (model, script) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left
                .keys()
                .chain(right.keys().filter(|key| !left.contains_key(*key)));
            keys.flat_map(|key| differences(&model[key], &script[key], &format!("{place}.{key}")))
                .collect()
        }
        _ if model == script => Vec::new(),
        _ => vec![format!(
            "{place}\n    model:  {model}\n    script: {script}"
        )],
    }
}
