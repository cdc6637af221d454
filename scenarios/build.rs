//! Compiles the lessons: reads every `lessons/*/lesson.md` with the manifests beside it into a JSON text each, so that
//! the page carries no Markdown parser and a lesson with a mistake does not build. Beside them lie the index of the
//! lessons, so that home does without them, and what the records of real runs confirm, so that nothing carries those.

use std::fs;
use std::path::Path;
use std::process::exit;

use serde::Serialize;

#[path = "src/index.rs"]
mod index;
#[allow(dead_code)]
#[path = "src/model.rs"]
mod model;
#[allow(dead_code)]
#[path = "src/parse/mod.rs"]
mod parse;
#[path = "src/read.rs"]
mod read;
#[allow(dead_code)]
#[path = "src/record.rs"]
mod record;

use index::Entry;
use record::{Confirmation, FILES, Record, Records};

fn main() {
    for input in ["lessons", "records", "src/index.rs", "src/model.rs", "src/parse", "src/read.rs", "src/record.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    if let Err(message) = compile() {
        println!("cargo::error={message}");
        exit(1);
    }
}

fn compile() -> Result<(), String> {
    let lessons = read::lessons(Path::new("lessons"))?;
    let mut texts = String::from("&[");
    for lesson in &lessons {
        let name = format!("lesson-{}.json", lesson.id);
        write(&name, lesson)?;
        texts += &format!("({:?}, include_str!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))),", lesson.id);
    }
    write_text("lessons.rs", &(texts + "]"))?;
    write("index.json", &lessons.iter().map(Entry::of).collect::<Vec<_>>())?;
    write("confirmations.json", &confirmations()?)
}

/// What the records confirm, in their order.
fn confirmations() -> Result<Vec<Confirmation>, String> {
    let mut all = Vec::new();
    for name in FILES {
        let path = Path::new("records").join(name);
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
        let records: Records = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        all.extend(records.lessons.iter().filter_map(Record::confirmation));
    }
    Ok(all)
}

/// Puts it where the crate takes it from.
fn write(name: &str, what: &impl Serialize) -> Result<(), String> {
    write_text(name, &serde_json::to_string(what).map_err(|error| error.to_string())?)
}

fn write_text(name: &str, text: &str) -> Result<(), String> {
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join(name), text).map_err(|error| format!("cannot write the compiled {name}: {error}"))
}
