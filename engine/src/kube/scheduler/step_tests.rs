//! What a real API server and scheduler made of one change after another (fixtures/scheduler_steps.jsonl): nodes, pods
//! bound to them, then operations 2.4 s apart and after each the state of every pod. No kubelet: what is deleted stays
//! until it is reaped.
#![allow(clippy::disallowed_methods, reason = "recordings are files")]

use crate::event::Actor;
use crate::kube::{self, api};
use crate::lab::{LabOptions, Nodes};
use crate::object::{condition, field, int_at, items, name, set, str_at};
use crate::store::{Key, Kind};
use crate::world::World;
use serde_json::{Map, Value, json};
use std::time::Duration;

const PRIORITIES: [(&str, i64, &str); 4] = [
    ("low", 10, "PreemptLowerPriority"),
    ("mid", 100, "PreemptLowerPriority"),
    ("high", 1000, "PreemptLowerPriority"),
    ("polite", 500, "Never"),
];
const SETTLED: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(2400);

fn create(world: &mut World, kind: Kind, object: Value) {
    api::create(world, Actor::Learner, kind, "default", object).expect("accepted");
}

fn kill(world: &mut World, pod: &str) {
    let options = api::DeleteOptions { grace: Some(0), ..api::DeleteOptions::default() };
    // It may be gone already.
    let _ = api::delete(world, Actor::Learner, Kind::Pod, "default", pod, options);
}

/// Sets one field of an object, if it exists.
fn change(world: &mut World, kind: Kind, object: &str, path: &str, value: Value) {
    let namespace = if kind.info().namespaced { "default" } else { "" };
    let Some(found) = world.store().get(&Key::new(kind, namespace, object)).cloned() else { return };
    let mut changed = (*found).clone();
    set(&mut changed, path, value);
    api::update(world, Actor::Learner, api::Part::Main, kind, namespace, object, changed).expect("accepted");
}

fn perform(world: &mut World, operation: &Value) {
    if operation["create"].is_object() {
        create(world, Kind::Pod, operation["create"].clone());
    } else if let Some(pod) = operation["kill"].as_str() {
        kill(world, pod);
    } else if let Some(node) = operation["cordon"].as_str() {
        let on = if operation["on"] == true { json!(true) } else { Value::Null };
        change(world, Kind::Node, node, "spec.unschedulable", on);
    } else if let Some(pod) = operation["label"].as_str() {
        change(world, Kind::Pod, pod, "metadata.labels.app", operation["app"].clone());
    } else if int_at(operation, "reap").is_some() {
        let leaving = |pod: &&crate::store::Object| !str_at(pod, "metadata.deletionTimestamp").is_empty();
        let names: Vec<String> =
            world.store().list(Kind::Pod).filter(leaving).map(|pod| name(pod).to_owned()).collect();
        names.iter().for_each(|pod| kill(world, pod));
    }
}

/// The state of every pod, as it is recorded.
fn state(world: &World) -> Value {
    let row = |pod: &Value| {
        let why = condition(pod, "PodScheduled").filter(|condition| condition["status"] == "False");
        json!({
            "node": field(pod, "spec.nodeName"),
            "nominated": field(pod, "status.nominatedNodeName"),
            "going": field(pod, "metadata.deletionTimestamp").is_string(),
            "message": why.map(|condition| condition["message"].clone()),
        })
    };
    world.store().list(Kind::Pod).map(|pod| (name(pod).to_owned(), row(pod))).collect::<Map<_, _>>().into()
}

fn differences(case: &Value) -> Option<String> {
    let mut world = World::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
    kube::start(&mut world);
    for (class, value, policy) in PRIORITIES {
        let class = json!({"metadata": {"name": class}, "value": value, "preemptionPolicy": policy});
        create(&mut world, Kind::PriorityClass, class);
    }
    items(case, "nodes").iter().for_each(|node| create(&mut world, Kind::Node, node.clone()));
    items(case, "bound").iter().for_each(|pod| create(&mut world, Kind::Pod, pod.clone()));
    world.advance(SETTLED);
    for (operation, theirs) in items(case, "ops").iter().zip(items(case, "states")) {
        perform(&mut world, operation);
        world.advance(BETWEEN);
        let ours = state(&world);
        if ours != *theirs {
            return Some(format!("after {operation}:\n  {ours}\n  instead of\n  {theirs}"));
        }
    }
    None
}

#[test]
fn changes_one_after_another_are_answered_alike() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/scheduler_steps.jsonl");
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    for (line, case) in text.lines().enumerate() {
        let case: Value = serde_json::from_str(case).unwrap();
        if let Some(wrong) = differences(&case) {
            panic!("line {}, {wrong}", line + 1);
        }
    }
}
