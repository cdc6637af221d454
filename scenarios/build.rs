//! Compiles the lessons: reads every `lessons/*/lesson.md` with the manifests beside it into one JSON text, so that
//! the page carries no Markdown parser and a lesson with a mistake does not build.

use std::fs;
use std::path::Path;
use std::process::exit;

#[allow(dead_code)]
#[path = "src/model.rs"]
mod model;
#[allow(dead_code)]
#[path = "src/parse/mod.rs"]
mod parse;
#[path = "src/read.rs"]
mod read;

fn main() {
    println!("cargo::rerun-if-changed=lessons");
    println!("cargo::rerun-if-changed=src/model.rs");
    println!("cargo::rerun-if-changed=src/parse");
    println!("cargo::rerun-if-changed=src/read.rs");
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    let lessons = match read::lessons(Path::new("lessons")) {
        Ok(lessons) => lessons,
        Err(message) => {
            println!("cargo::error={message}");
            exit(1);
        }
    };
    let json = serde_json::to_string(&lessons).unwrap_or_else(|error| {
        println!("cargo::error={error}");
        exit(1)
    });
    if let Err(error) = fs::write(Path::new(&out).join("lessons.json"), json) {
        println!("cargo::error=cannot write the compiled lessons: {error}");
        exit(1);
    }
}
