//! `kubectl taint nodes NAME key=value:effect … key-`.
//!
//! Source: `kubectl/pkg/cmd/taint`.

use serde_json::{Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::resources::mapping_for;
use super::select::{Fetch, Query, select};
use crate::kube::api::{PatchType, names};
use crate::object::{self, items, set};
use crate::store::Kind;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

pub fn run(call: &mut Call) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let validation = Validation::of(call)?;
    let (resources, changes) = split_args(&call.args)?;
    if resources.is_empty() {
        return Err(Failure::text("one or more resources must be specified as <resource> <name>"));
    }
    if changes.is_empty() {
        return Err(Failure::text("at least one taint update is required"));
    }
    let (add, remove) = read_taints(&changes).map_err(|why| call.usage_error(why))?;
    let query = query(call, &resources)?;
    refuse_conflicts(&add, &remove)?;
    let all = call.flags.bool("all");
    let selector = !call.flags.text("selector").is_empty();
    if all && selector {
        return Err(Failure::text("setting 'all' parameter with a non empty selector is prohibited"));
    }
    if !all && !selector && resources.len() < 2 {
        return Err(Failure::text("at least one resource name must be specified since 'all' parameter is not set"));
    }
    let mut printer = Printer::of(call, dry_run)?.without_note();
    let overwrite = call.flags.bool("overwrite");
    select(call.cx.world, &query)?.visit(|info| {
        let old: Vec<Value> = items(info.value(), "spec.taints").to_vec();
        let (done, new) = reorganize(&info.name, &old, &add, &remove, overwrite)?;
        let taints = if new.is_empty() { Value::Null } else { json!(new) };
        if dry_run == DryRun::Client {
            let mut object = info.value().clone();
            set(&mut object, "spec.taints", taints);
            return printer.print(call, Kind::Node, &object, done);
        }
        let patch = json!({"spec": {"taints": taints}});
        let object = request::patch(call, &info, PatchType::Strategic, &patch, validation, dry_run)?;
        printer.print(call, Kind::Node, &object, done)
    })
}

/// Names first, then taints.
fn split_args(args: &[String]) -> Outcome<(Vec<String>, Vec<String>)> {
    let (mut resources, mut changes) = (Vec::new(), Vec::new());
    for word in args {
        let is_taint = word.contains('=') || word.contains(':') || word.ends_with('-');
        if is_taint {
            changes.push(word.clone());
        } else if changes.is_empty() {
            resources.push(word.clone());
        } else {
            return Err(Failure::text(format!("all resources must be specified before taint changes: {word}")));
        }
    }
    Ok((resources, changes))
}

fn query(call: &Call, resources: &[String]) -> Outcome<Query> {
    let kind = mapping_for(&resources[0]).map_err(|failure| match failure {
        Failure::Text(_) => Failure::text(format!("the server doesn't have a resource type {}", quote(&resources[0]))),
        other => other,
    })?;
    if kind != Kind::Node {
        let word = resources[0].to_lowercase();
        return Err(Failure::text(format!("invalid resource type {word}, only node types are supported")));
    }
    let by_selector = call.flags.bool("all") || !call.flags.text("selector").is_empty();
    let args = match by_selector {
        true => vec!["node".to_string()],
        false => resources[1..].iter().map(|n| if n.contains('/') { n.clone() } else { format!("node/{n}") }).collect(),
    };
    Ok(Query {
        args,
        namespace: call.namespace(),
        label_selector: call.flags.text("selector").to_string(),
        all: call.flags.bool("all"),
        fetch: Fetch::Latest,
        continue_on_error: true,
        ..Query::default()
    })
}

fn read_taints(specs: &[String]) -> Result<(Vec<Taint>, Vec<Taint>), String> {
    let (mut add, mut remove): (Vec<Taint>, Vec<Taint>) = Default::default();
    for spec in specs {
        if let Some(removed) = spec.strip_suffix('-') {
            remove.push(Taint { value: String::new(), ..read_taint(removed)? });
            continue;
        }
        let taint = read_taint(spec)?;
        if taint.effect.is_empty() {
            return Err(format!("invalid taint spec: {spec}"));
        }
        if add.iter().any(|t| t.key == taint.key && t.effect == taint.effect) {
            let Taint { key, value, effect } = &taint;
            return Err(format!("duplicated taints with the same key and effect: {{{key} {value} {effect} <nil>}}"));
        }
        add.push(taint);
    }
    Ok((add, remove))
}

fn read_taint(spec: &str) -> Result<Taint, String> {
    let mut taint = Taint { key: spec.to_string(), value: String::new(), effect: String::new() };
    let parts: Vec<&str> = spec.split(':').collect();
    match parts.as_slice() {
        [_] => {}
        [pair, effect] => {
            if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(effect) {
                return Err(format!("invalid taint effect: {effect}, unsupported taint effect"));
            }
            taint.effect = (*effect).to_string();
            let pair: Vec<&str> = pair.split('=').collect();
            if pair.len() > 2 {
                return Err(format!("invalid taint spec: {spec}"));
            }
            taint.key = pair[0].to_string();
            if let Some(value) = pair.get(1) {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    return Err(format!("invalid taint spec: {spec}, {}", wrong.join("; ")));
                }
                taint.value = (*value).to_string();
            }
        }
        _ => return Err(format!("invalid taint spec: {spec}")),
    }
    let wrong = names::qualified(&taint.key);
    if !wrong.is_empty() {
        return Err(format!("invalid taint spec: {spec}, {}", wrong.join("; ")));
    }
    Ok(taint)
}

fn refuse_conflicts(add: &[Taint], remove: &[Taint]) -> Outcome {
    let mut conflicts = Vec::new();
    for added in add {
        for removed in remove.iter().filter(|r| r.key == added.key) {
            if removed.effect.is_empty() || removed.effect == added.effect {
                conflicts.push(format!("{}={}", removed.key, removed.effect));
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Failure::text(format!(
        "can not both modify and remove the following taint(s) in the same command: {}",
        conflicts.join(", ")
    )))
}

fn matches(taint: &Value, key: &str, effect: &str) -> bool {
    object::str_at(taint, "key") == key && (effect.is_empty() || object::str_at(taint, "effect") == effect)
}

/// The taints that a node will have, and the word for what is done to it.
fn reorganize(
    node: &str,
    old: &[Value],
    add: &[Taint],
    remove: &[Taint],
    overwrite: bool,
) -> Outcome<(&'static str, Vec<Value>)> {
    if !overwrite {
        let there: Vec<&str> =
            add.iter().filter(|t| old.iter().any(|o| matches(o, &t.key, &t.effect))).map(|t| t.key.as_str()).collect();
        if !there.is_empty() {
            return Err(Failure::text(format!(
                "node {node} already has {} taint(s) with same effect(s) and --overwrite is false",
                there.join(",")
            )));
        }
    }
    let mut new: Vec<Value> = add
        .iter()
        .map(|t| {
            let mut taint = json!({"key": t.key, "effect": t.effect});
            if !t.value.is_empty() {
                set(&mut taint, "value", t.value.clone());
            }
            taint
        })
        .collect();
    let kept = old.iter().filter(|o| !add.iter().any(|t| matches(o, &t.key, &t.effect))).cloned();
    new.extend(kept);
    let added = new.len() != old.len();
    let mut removed = false;
    let mut missing = Vec::new();
    for taint in remove {
        let before = new.len();
        new.retain(|t| !matches(t, &taint.key, &taint.effect));
        removed = new.len() != before;
        if !removed {
            let text =
                if taint.effect.is_empty() { taint.key.clone() } else { format!("{}:{}", taint.key, taint.effect) };
            missing.push(Failure::text(format!("taint {} not found", quote(&text))));
        }
    }
    if !missing.is_empty() {
        return Err(Failure::Many(missing));
    }
    let done = if added && removed || overwrite {
        "modified"
    } else if added {
        "tainted"
    } else {
        "untainted"
    };
    Ok((done, new))
}
