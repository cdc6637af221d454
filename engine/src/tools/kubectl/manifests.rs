//! Manifests as `-f` reads them: files, directories, patterns and standard input, with several documents and lists.
//!
//! Models `FilenameParam`, `StreamVisitor` and the mapper of `cli-runtime/pkg/resource`: what ends the reading of
//! a file, and the words of it. Left out: URLs, kustomizations.

use std::rc::Rc;

use serde_json::Value;

use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::resources;
use super::select::{Info, Query};
use crate::object::{self, str_at};
use crate::tools::{Env, files};
use crate::world::World;
use crate::yaml;

const EXTENSIONS: [&str; 3] = [".json", ".yaml", ".yml"];

/// Reads all files of a query. Paths that lead nowhere go to `errors`; what is wrong within a file is one of the results.
pub fn read_all(world: &World, query: &Query, errors: &mut Vec<Failure>) -> Vec<Outcome<Info>> {
    let mut found = Vec::new();
    let mut stdin_used = false;
    for file in &query.files {
        if file == "-" {
            if std::mem::replace(&mut stdin_used, true) {
                errors.push(Failure::text("standard input cannot be used for multiple arguments"));
            } else {
                found.extend(read_text(&query.stdin, "STDIN", query.validate));
            }
        } else if file.starts_with("http://") || file.starts_with("https://") {
            errors.push(Failure::not_modelled(format!("manifests from a URL: the lab reaches no network ({file})")));
        } else {
            match paths_of(world, query, file) {
                Ok(paths) => {
                    for (path, text) in paths {
                        found.extend(read_text(&text, &path, query.validate));
                    }
                }
                Err(failure) => errors.push(failure),
            }
        }
    }
    found
}

/// The files that a path, directory or pattern names, with their texts.
fn paths_of(world: &World, query: &Query, asked: &str) -> Outcome<Vec<(String, Rc<str>)>> {
    if asked == "/dev/stdin" {
        return Ok(vec![(asked.to_string(), query.stdin.as_str().into())]);
    }
    if let Some(text) = query.pipes.get(asked) {
        return Ok(vec![(asked.to_string(), text.as_str().into())]);
    }
    if let Some(text) = read(world, asked) {
        return Ok(vec![(asked.to_string(), text)]);
    }
    if files::is_directory(world, asked) {
        let mut found = Vec::new();
        walk(world, asked.trim_end_matches('/'), query.recursive, &mut found);
        if found.is_empty() {
            let text = format!("error reading [{asked}]: recognized file extensions are [.json .yaml .yml]");
            return Err(Failure::text(text));
        }
        return Ok(found);
    }
    let matching = files::glob(world, &Env::default(), asked);
    let found: Vec<_> = matching.into_iter().filter_map(|path| read(world, &path).map(|text| (path, text))).collect();
    if found.is_empty() || !asked.contains(['*', '?', '[']) {
        return Err(Failure::text(format!("the path {} does not exist", quote(asked))));
    }
    Ok(found)
}

fn read(world: &World, path: &str) -> Option<Rc<str>> {
    world.read_file(&files::tidy(path))
}

/// The manifests of a directory, in the order of their names.
fn walk(world: &World, directory: &str, recursive: bool, found: &mut Vec<(String, Rc<str>)>) {
    for name in files::list(world, directory) {
        let path = if directory == "." { name.clone() } else { format!("{directory}/{name}") };
        if let Some(inner) = path.strip_suffix('/') {
            if recursive {
                walk(world, inner, recursive, found);
            }
        } else if EXTENSIONS.iter().any(|e| name.ends_with(e))
            && let Some(text) = read(world, &path)
        {
            found.push((path, text));
        }
    }
}

fn read_text(text: &str, source: &str, validate: bool) -> Vec<Outcome<Info>> {
    let (documents, broken) = match yaml::parse(text) {
        Ok(documents) => (documents, None),
        Err(broken) => {
            let failure = Failure::text(format!("error parsing {source}: {broken}"));
            (broken.before.clone(), Some(failure))
        }
    };
    let mut found = Vec::new();
    for document in documents.iter().filter(|d| !d.value.is_null()) {
        if validate && let Err(failure) = check_type(&document.value, source) {
            found.push(Err(failure));
            return found;
        }
        read_object(document.value.clone(), source, &mut found);
    }
    found.extend(broken.map(Err));
    found
}

/// `apiVersion` and `kind` must be there before anything is sent.
fn check_type(value: &Value, source: &str) -> Outcome {
    let mut wrong = Vec::new();
    if !value.is_object() {
        wrong.push("invalid object to validate");
    } else {
        for (name, missing, mistyped) in [
            ("apiVersion", "apiVersion not set", "apiVersion isn't string type"),
            ("kind", "kind not set", "kind isn't string type"),
        ] {
            match value.get(name) {
                None | Some(Value::Null) => wrong.push(missing),
                Some(Value::String(_)) => {}
                Some(_) => wrong.push(mistyped),
            }
        }
    }
    let why = match wrong.as_slice() {
        [] => return Ok(()),
        [one] => (*one).to_string(),
        many => format!("[{}]", many.join(", ")),
    };
    Err(Failure::text(format!(
        "error validating {}: error validating data: {why}; if you choose to ignore these errors, turn validation off with \
         --validate=false",
        quote(source)
    )))
}

fn read_object(mut value: Value, source: &str, found: &mut Vec<Outcome<Info>>) {
    let kind_text = str_at(&value, "kind").to_string();
    let version = str_at(&value, "apiVersion").to_string();
    if value.get("items").is_some_and(|items| !items.is_null()) {
        read_list(&value, source, (&version, &kind_text), found);
        return;
    }
    if kind_text.is_empty() {
        let text = serde_json::to_string(&value).unwrap_or_default();
        found.push(Err(Failure::text(format!(
            "unable to decode {}: Object 'Kind' is missing in '{text}'",
            quote(source)
        ))));
        return;
    }
    if let Err(why) = check_metadata(&value) {
        found.push(Err(Failure::text(format!("unable to decode {}: {why}", quote(source)))));
        return;
    }
    if object::field(&value, "metadata").is_null() {
        object::set(&mut value, "metadata.name", Value::Null);
    }
    let (name, namespace) = (object::name(&value).to_string(), object::namespace(&value).to_string());
    let Some(kind) = resources::kind_of(&version, &kind_text) else {
        found.push(Err(no_mapping(&version, &kind_text, &name, &namespace, source)));
        return;
    };
    found.push(Ok(Info { kind, namespace, name, object: Some(Rc::new(value)), source: source.to_string() }));
}

fn read_list(list: &Value, source: &str, (version, kind): (&str, &str), found: &mut Vec<Outcome<Info>>) {
    let item_kind = kind.strip_suffix("List").unwrap_or(kind);
    for item in object::items(list, "items") {
        let mut item = item.clone();
        if !item_kind.is_empty() {
            if str_at(&item, "kind").is_empty() {
                object::set(&mut item, "kind", item_kind);
            }
            if str_at(&item, "apiVersion").is_empty() {
                object::set(&mut item, "apiVersion", version);
            }
        }
        read_object(item, source, found);
    }
}

fn no_mapping(version: &str, kind: &str, name: &str, namespace: &str, source: &str) -> Failure {
    if resources::is_other_kind(version, kind) {
        return Failure::not_modelled(format!("the kind {kind} ({version}), in {source}"));
    }
    Failure::text(format!(
        "resource mapping not found for name: {} namespace: {} from {}: no matches for kind {} in version {}\nensure CRDs are \
         installed first",
        quote(name),
        quote(namespace),
        quote(source),
        quote(kind),
        quote(version)
    ))
}

/// metadata is read as ObjectMeta before anything is sent: its fields must have their types.
fn check_metadata(value: &Value) -> Result<(), String> {
    let refused = |found: &Value, at: &str, of: &str| {
        format!("json: cannot unmarshal {} into Go struct field {at} of type {of}", object::json_type(found))
    };
    let metadata = object::field(value, "metadata");
    let Some(fields) = metadata.as_object() else {
        if metadata.is_null() {
            return Ok(());
        }
        return Err(refused(metadata, "metadataOnlyObject.metadata", "v1.ObjectMeta"));
    };
    for name in ["name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"] {
        if let Some(field) = fields.get(name).filter(|f| !f.is_string() && !f.is_null()) {
            let of = if name == "uid" { "types.UID" } else { "string" };
            return Err(refused(field, &format!("ObjectMeta.metadata.{name}"), of));
        }
    }
    for name in ["labels", "annotations"] {
        let Some(map) = fields.get(name).filter(|m| !m.is_null()) else { continue };
        let at = format!("ObjectMeta.metadata.{name}");
        let Some(entries) = map.as_object() else {
            return Err(refused(map, &at, "map[string]string"));
        };
        if let Some(wrong) = entries.values().find(|v| !v.is_string() && !v.is_null()) {
            return Err(refused(wrong, &at, "string"));
        }
    }
    Ok(())
}
