//! Sections: JSON objects with known keys. The macro `section!` turns one declaration into the type, its reader and its
//! JSON Schema, so that the three cannot differ.

use crate::field::{Field, kind_of};
use crate::nearest::nearest;
use crate::problem::{Problem, Problems, key_path};
use serde_json::{Map, Value, json};

/// Whether a key must be there, and what counts when it is not.
pub(crate) enum Presence {
    /// It must be there; with an example for the complaint.
    Required(&'static str),
    /// When it is missing, this value counts.
    Default(Value),
    /// It may be missing, and then there is none.
    Optional,
}

/// One key of a section, as the schema tells it.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) presence: Presence,
    pub(crate) schema: Value,
}

/// An object that is being read.
pub(crate) struct Section<'a> {
    object: &'a Map<String, Value>,
    at: &'a str,
    problems: &'a mut Problems,
}

impl<'a> Section<'a> {
    /// Opens an object and records every key that is not known.
    pub(crate) fn open(
        value: &'a Value,
        at: &'a str,
        keys: &[&str],
        problems: &'a mut Problems,
    ) -> Option<Self> {
        let Some(object) = value.as_object() else {
            let fix = format!("write an object with the keys {}", keys.join(", "));
            problems.push(Problem::new(at, format!("is {}", kind_of(value)), fix));
            return None;
        };
        for key in object.keys().filter(|key| !keys.contains(&key.as_str())) {
            let path = key_path(at, key);
            let fix = advice(key, at, keys, problems);
            problems.push(Problem::new(&path, "is unknown", fix));
        }
        Some(Self {
            object,
            at,
            problems,
        })
    }

    /// Records a problem of what was read.
    pub(crate) fn object_to(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Reads one key; `None` when it has a problem, which is then recorded.
    pub(crate) fn take<T: Field>(&mut self, key: &str, presence: &Presence) -> Option<T> {
        let path = key_path(self.at, key);
        match (self.object.get(key), presence) {
            (Some(value), _) | (None, Presence::Default(value)) => {
                T::read(value, &path, self.problems)
            }
            (None, Presence::Optional) => T::absent(),
            (None, Presence::Required(example)) => {
                let fix = format!("add it, for example \"{key}\": {example}");
                self.problems.push(Problem::new(&path, "is missing", fix));
                None
            }
        }
    }
}

/// What to do about an unknown key: the key of the same section that was probably meant, the same key of another
/// section, or the list of what there is.
fn advice(key: &str, at: &str, keys: &[&str], problems: &Problems) -> String {
    if let Some(near) = nearest(key, keys) {
        return format!("did you mean {}?", key_path(at, near));
    }
    let elsewhere = problems.known_paths();
    let same = |path: &&String| path.rsplit('.').next() == Some(key) && path.contains('.');
    match elsewhere.iter().find(same) {
        Some(path) => format!("did you mean {path}?"),
        None => format!("remove it; known here are {}", keys.join(", ")),
    }
}

/// The schema of a section.
pub(crate) fn object_schema(about: &str, properties: Vec<Property>) -> Value {
    let mut shown = Map::new();
    let mut required = Vec::new();
    for property in properties {
        let mut schema = property.schema;
        if let Some(schema) = schema.as_object_mut() {
            let about = property.about.trim();
            schema.insert("description".to_owned(), Value::from(about));
            if let Presence::Default(value) = &property.presence {
                schema.insert("default".to_owned(), value.clone());
            }
        }
        if matches!(property.presence, Presence::Required(_)) {
            required.push(property.name);
        }
        shown.insert(property.name.to_owned(), schema);
    }
    json!({
        "type": "object",
        "description": about.trim(),
        "properties": shown,
        "required": required,
        "additionalProperties": false,
    })
}

/// Declares a section: `/// what` and `key: Type = Presence` for each key.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $sight:vis struct $name:ident {
            $( $(#[doc = $key_about:literal])+ $key:ident: $type:ty = $presence:expr, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        $sight struct $name {
            $( $(#[doc = $key_about])+ $sight $key: $type, )+
        }

        impl $crate::field::Field for $name {
            fn read(
                value: &serde_json::Value,
                at: &str,
                problems: &mut $crate::problem::Problems,
            ) -> Option<Self> {
                let keys = [$(stringify!($key)),+];
                let mut section = $crate::section::Section::open(value, at, &keys, problems)?;
                $( let $key = section.take(stringify!($key), &$presence); )+
                Some(Self { $($key: $key?),+ })
            }

            fn schema() -> serde_json::Value {
                $crate::section::object_schema(concat!($($about),+), vec![
                    $( $crate::section::Property {
                        name: stringify!($key),
                        about: concat!($($key_about),+),
                        presence: $presence,
                        schema: <$type as $crate::field::Field>::schema(),
                    } ),+
                ])
            }
        }
    };
}
pub(crate) use section;
