//! `kubectl label` and `kubectl annotate`.
//!
//! Sources: `kubectl/pkg/cmd/label`, `kubectl/pkg/cmd/annotate`. They differ in their words, in what a value may be, and in
//! that only label says `not labeled` when nothing changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::select::{Fetch, Info, Query, Selected, select};
use crate::kube::api::{PatchType, names};
use crate::object::{field, set, str_at};

/// Which of the two maps of the metadata a command changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Map {
    Labels,
    Annotations,
}

impl Map {
    fn word(self) -> &'static str {
        if self == Map::Labels { "label" } else { "annotation" }
    }

    fn path(self) -> &'static str {
        if self == Map::Labels { "metadata.labels" } else { "metadata.annotations" }
    }
}

/// What a command line asks for.
#[derive(Default)]
struct Changes {
    resources: Vec<String>,
    set: BTreeMap<String, String>,
    remove: Vec<String>,
}

pub fn label(call: &mut Call) -> Outcome {
    run(call, Map::Labels)
}

pub fn annotate(call: &mut Call) -> Outcome {
    run(call, Map::Annotations)
}

fn run(call: &mut Call, map: Map) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let changes = read_changes(&call.args, map)?;
    validate(call, &changes, map, dry_run)?;
    let mut printer = Printer::of(call, dry_run)?;
    let local = call.flags.bool("local");
    let query = Query {
        args: changes.resources.clone(),
        type_alone_is_all: call.flags.bool("all"),
        fetch: if local { Fetch::Lazy } else { Fetch::Latest },
        ..call.query()
    };
    let selected: Selected = select(call.cx.world, &query)?;
    let single = selected.single;
    let version = call.flags.text("resource-version").to_string();
    if !single && !version.is_empty() {
        return Err(Failure::text("--resource-version may only be used with a single resource"));
    }
    let offline = dry_run == DryRun::Client || local || call.flags.bool("list");
    selected.visit(|info| {
        let new = changed(call, &info, &changes, map, offline)?;
        let done = done(map, info.value(), &new, call.flags.bool("overwrite"));
        let mut object = new.clone();
        if !offline {
            let patch = patch_of(info.value(), &changes, map, &version);
            let stored = request::patch(call, &info, PatchType::Merge, &patch, Validation::Ignore, dry_run)?;
            object = (*stored).clone();
        }
        if call.flags.bool("list") {
            list(call, &info, &object, map, single);
            return Ok(());
        }
        printer.print(call, info.kind, &object, done)
    })
}

fn done(map: Map, old: &Value, new: &Value, overwrite: bool) -> &'static str {
    if map == Map::Annotations {
        return "annotated";
    }
    // kubectl compares the texts of the two objects; a shorter one means that something was taken away.
    let (before, after) = (old.to_string(), new.to_string());
    if before == after {
        "not labeled"
    } else if !overwrite && after.len() < before.len() {
        "unlabeled"
    } else {
        "labeled"
    }
}

fn read_changes(args: &[String], map: Map) -> Outcome<Changes> {
    let mut changes = Changes::default();
    let mut pairs = Vec::new();
    for word in args {
        let is_pair = word.contains('=') && !word.starts_with('=') || word.ends_with('-') && word != "-";
        if is_pair {
            pairs.push(word.clone());
        } else if pairs.is_empty() {
            changes.resources.push(word.clone());
        } else {
            let kind = map.word();
            return Err(Failure::text(format!("all resources must be specified before {kind} changes: {word}")));
        }
    }
    for pair in &pairs {
        read_pair(pair, map, &mut changes)?;
    }
    let both: Vec<&str> = changes.remove.iter().filter(|k| changes.set.contains_key(*k)).map(String::as_str).collect();
    if both.is_empty() {
        return Ok(changes);
    }
    Err(Failure::text(match map {
        Map::Labels => "can not both modify and remove a label in the same command".to_string(),
        Map::Annotations => format!(
            "can not both modify and remove the following annotation(s) in the same command: {}",
            both.join(", ")
        ),
    }))
}

fn read_pair(pair: &str, map: Map, changes: &mut Changes) -> Outcome {
    let Some((key, value)) = pair.split_once('=') else {
        changes.remove.push(pair.trim_end_matches('-').to_string());
        return Ok(());
    };
    if map == Map::Labels {
        if value.contains('=') {
            return Err(Failure::text(format!("invalid label spec: {pair}")));
        }
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            return Err(Failure::text(format!("invalid label value: {}: {}", quote(pair), wrong.join(";"))));
        }
    }
    changes.set.insert(key.to_string(), value.to_string());
    Ok(())
}

fn validate(call: &Call, changes: &Changes, map: Map, dry_run: DryRun) -> Outcome {
    let files = !call.flags.list("filename").is_empty();
    let all = call.flags.bool("all");
    let refused = |text: &str| Err(Failure::text(text));
    if call.flags.bool("list") && !call.flags.text("output").is_empty() {
        return refused("--list and --output may not be specified together");
    }
    if all && !call.flags.text("selector").is_empty() {
        return refused("cannot set --all and --selector at the same time");
    }
    if all && !call.flags.text("field-selector").is_empty() {
        return refused("cannot set --all and --field-selector at the same time");
    }
    if call.flags.bool("local") {
        let file = if map == Map::Labels { "pod" } else { "rsrc" };
        if dry_run == DryRun::Server {
            return refused("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
        }
        if !changes.resources.is_empty() {
            let text = format!(
                "can only use local files by -f {file}.yaml or --filename={file}.json when --local=true is set"
            );
            return Err(Failure::text(text));
        }
        if !files {
            let text = format!("one or more files must be specified as -f {file}.yaml or --filename={file}.json");
            return Err(Failure::text(text));
        }
    } else if changes.resources.is_empty() && !files {
        return refused("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    }
    if changes.set.is_empty() && changes.remove.is_empty() && !call.flags.bool("list") {
        return Err(Failure::text(format!("at least one {} update is required", map.word())));
    }
    Ok(())
}

/// The object with its changed map; says which labels to remove it does not have.
fn changed(call: &mut Call, info: &Info, changes: &Changes, map: Map, offline: bool) -> Outcome<Value> {
    let mut entries = field(info.value(), map.path()).as_object().cloned().unwrap_or_default();
    if map == Map::Labels && !offline {
        for key in changes.remove.iter().filter(|key| !entries.contains_key(*key)) {
            call.print(format!("label {} not found.", quote(key)));
        }
    }
    if !call.flags.bool("overwrite") {
        refuse_overwrites(&entries, changes, map)?;
    }
    for (key, value) in &changes.set {
        entries.insert(key.clone(), json!(value));
    }
    for key in &changes.remove {
        entries.remove(key);
    }
    let mut object = info.value().clone();
    set(&mut object, map.path(), if entries.is_empty() { Value::Null } else { Value::Object(entries) });
    Ok(object)
}

fn refuse_overwrites(entries: &serde_json::Map<String, Value>, changes: &Changes, map: Map) -> Outcome {
    let taken: Vec<String> = changes
        .set
        .iter()
        .filter(|(key, _)| map == Map::Labels || key.as_str() != "kubernetes.io/change-cause")
        .filter_map(|(key, value)| {
            let now = entries.get(key)?.as_str()?;
            (now != value).then(|| format!("'{key}' already has a value ({now})"))
        })
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(match map {
        Map::Labels => {
            Failure::Many(taken.iter().map(|t| Failure::text(format!("{t}, and --overwrite is false"))).collect())
        }
        Map::Annotations => Failure::text(format!(
            "--overwrite is false but found the following declared annotation(s): {}",
            taken.join("; ")
        )),
    })
}

/// The merge patch: what is set, and null for what was there and goes.
fn patch_of(old: &Value, changes: &Changes, map: Map, version: &str) -> Value {
    let before = field(old, map.path());
    let mut entries = serde_json::Map::new();
    for (key, value) in &changes.set {
        entries.insert(key.clone(), json!(value));
    }
    for key in changes.remove.iter().filter(|key| before.get(key.as_str()).is_some()) {
        entries.insert(key.clone(), Value::Null);
    }
    let mut patch = json!({"metadata": {}});
    if !entries.is_empty() {
        patch["metadata"][map.path().trim_start_matches("metadata.")] = Value::Object(entries);
    }
    if !version.is_empty() {
        patch["metadata"]["resourceVersion"] = json!(version);
    }
    patch
}

fn list(call: &mut Call, info: &Info, object: &Value, map: Map, single: bool) {
    let mut indent = "";
    if !single {
        indent = " ";
        let kind = str_at(object, "kind").to_string();
        let group = info.kind.info().group;
        call.print(format!("Listing {}s for {kind}.{group}/{}:", map.word(), info.name));
    }
    for (key, value) in crate::object::entries(object, map.path()) {
        call.print(format!("{indent}{key}={}", value.as_str().unwrap_or("")));
    }
}
