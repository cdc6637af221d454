//! One question to the scheduler, as in golden/scheduler: given these nodes and the pods on them, where does this pod go?
//!
//! A case may also have `namespaces`, `services`, `replicaSets` and `priorityClasses`, lists of objects.
//! The objects go through the API server, as in a real cluster: it admits, defaults and may refuse them. The cluster
//! has the PriorityClasses low (10), mid (100) and high (1000) besides the system's, no controllers and no kubelets.

use super::pod_info;
use super::trace::{Candidate, NodeScore};
use super::{Outcome, attempt, queue};
use crate::event::Actor;
use crate::kube::{self, api};
use crate::lab::{LabOptions, Nodes};
use crate::object::{items, name, namespace, str_at};
use crate::store::Kind;
use crate::world::World;
use serde_json::{Map, Value, json};

const PRIORITIES: [(&str, i64); 3] = [("low", 10), ("mid", 100), ("high", 1000)];

/// What a case may set up before its pods, in this order.
const PARTS: [(&str, Kind); 5] = [
    ("namespaces", Kind::Namespace),
    ("priorityClasses", Kind::PriorityClass),
    ("services", Kind::Service),
    ("replicaSets", Kind::ReplicaSet),
    ("nodes", Kind::Node),
];

/// The answer, and all answers between which the real scheduler draws lots (itself included).
#[derive(Clone, Debug)]
pub struct Answer {
    pub value: Value,
    pub equals: Vec<Value>,
}

/// Answers `{nodes, bound, pod}` in the form of golden/scheduler.
///
/// # Errors
/// What is wrong with the case: a part is missing, or the API server refuses a node or a bound pod.
pub fn answer(case: &Value) -> Result<Answer, String> {
    for part in ["nodes", "bound", "pod"] {
        let fits = if part == "pod" { case[part].is_object() } else { case[part].is_array() };
        if !fits {
            let kind = if part == "pod" { "an object" } else { "a list" };
            return Err(format!("`{part}` must be {kind}, found {}", short(&case[part])));
        }
    }
    let mut world = World::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
    kube::start(&mut world);
    for (class, value) in PRIORITIES {
        create(&mut world, Kind::PriorityClass, &json!({"metadata": {"name": class}, "value": value}))?;
    }
    for (part, kind) in PARTS {
        for object in items(case, part) {
            create(&mut world, kind, object)?;
        }
    }
    for pod in items(case, "bound") {
        if str_at(pod, "spec.nodeName").is_empty() {
            return Err(format!("bound pod {:?} has no spec.nodeName", name(pod)));
        }
        create(&mut world, Kind::Pod, pod)?;
    }
    Ok(match admit(&mut world, Kind::Pod, &case["pod"])? {
        Ok(pod) => placed(&mut world, &pod),
        Err(refusal) => {
            Answer { value: json!({"node": null, "message": null, "rejected": refusal}), equals: Vec::new() }
        }
    })
}

fn short(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string().chars().take(40).collect() }
}

fn create(world: &mut World, kind: Kind, object: &Value) -> Result<(), String> {
    let singular = kind.info().singular;
    match admit(world, kind, object)? {
        Ok(_) => Ok(()),
        Err(refusal) => Err(format!("{singular} {:?} is refused: {refusal}", name(object))),
    }
}

/// Creates the object; the inner error is the API server's refusal. A namespace that is named exists.
fn admit(world: &mut World, kind: Kind, object: &Value) -> Result<Result<Value, String>, String> {
    if !object.is_object() {
        return Err(format!("a {} must be an object, found {}", kind.info().singular, short(object)));
    }
    let place = if namespace(object).is_empty() { "default" } else { namespace(object) };
    // What every cluster has may be given again, as it should be.
    let common = matches!(kind, Kind::Namespace | Kind::PriorityClass);
    if common && world.store().find(kind, "", name(object)).is_some() {
        let replaced = api::update(world, Actor::Learner, api::Part::Main, kind, "", name(object), object.clone());
        return Ok(replaced.map(|object| (*object).clone()).map_err(|status| status.message));
    }
    if kind.info().namespaced && world.store().find(Kind::Namespace, "", place).is_none() {
        create(world, Kind::Namespace, &json!({"metadata": {"name": place}}))?;
    }
    let created = api::create(world, Actor::Learner, kind, place, object.clone());
    Ok(created.map(|object| (*object).clone()).map_err(|status| status.message))
}

fn placed(world: &mut World, pod: &Value) -> Answer {
    let pod = pod_info::read(pod);
    // A pod that names its node is not asked about, and one that is held back or another scheduler's is not looked at.
    if !pod.node_name.is_empty() || !pod.gates.is_empty() || pod.scheduler_name != queue::SCHEDULER {
        let node = (!pod.node_name.is_empty()).then_some(&pod.node_name);
        let value = json!({"node": node, "message": null});
        return Answer { equals: node.iter().map(|node| json!({"node": node})).collect(), value };
    }
    match attempt(&mut world.kube.scheduler.cluster, &pod, &mut |_| 0).outcome {
        Outcome::Placed { node, scores, equals } => {
            let mut value = json!({"node": *node, "message": null});
            if !scores.is_empty() {
                value["scores"] =
                    scores.rows().map(|score| (score.node.to_string(), columns(&score))).collect::<Map<_, _>>().into();
            }
            Answer { value, equals: equals.iter().map(|node| json!({"node": **node})).collect() }
        }
        Outcome::Unschedulable(failure) => {
            let mut value = json!({"node": null, "message": failure.message});
            let equals: Vec<Value> = failure.equals.iter().map(room).collect();
            if let Some(chosen) = failure.preemption.as_ref().map(room) {
                value["nominated"] = chosen["nominated"].clone();
                value["victims"] = chosen["victims"].clone();
                if let Some(other) = equals.iter().find(|other| **other != chosen) {
                    value["or"] = other.clone();
                }
            }
            Answer { value, equals }
        }
    }
}

fn columns(score: &NodeScore) -> Value {
    let mut row: Map<String, Value> =
        score.plugins.iter().map(|(plugin, score)| (plugin.to_string(), json!(score))).collect();
    row.insert("total".to_owned(), json!(score.total));
    Value::Object(row)
}

fn room(candidate: &Candidate) -> Value {
    let mut names: Vec<&str> = candidate.victims.iter().map(|pod| pod.name.as_str()).collect();
    names.sort_unstable();
    json!({"nominated": *candidate.node, "victims": names})
}
