//! What the scheduler writes down: the binding, or why there is none; and the pods that must make way.
//!
//! Source: `schedule_one.go` (handleSchedulingFailure, bind), `framework/preemption/preemption.go` (PreemptPod,
//! prepareCandidate), `plugins/defaultbinder`.

use super::Failure;
use super::pod_info::{PodInfo, PodRef};
use super::trace::Candidate;
use crate::event::Actor;
use crate::kube::api::{self, DeleteOptions, Report, Status};
use crate::object::{int_at, items, set, str_at, uid};
use crate::store::{Kind, Object};
use crate::world::World;
use serde_json::{Value, json};

const COMPONENT: &str = "default-scheduler";
/// Longest note of an event.
const NOTE_BYTES_MAX: usize = 1024;

fn tell(world: &mut World, pod: &Value, class: &str, reason: &str, message: &str) {
    api::record_event(world, pod, Report { component: COMPONENT, node: "", class, reason, message, part: "" });
}

/// The stored pod, if it is still the same one.
fn stored(world: &World, pod: &PodRef) -> Option<Object> {
    let found = world.store().find(Kind::Pod, &pod.namespace, &pod.name)?;
    (uid(found) == pod.uid).then(|| found.clone())
}

/// Binds the pod to the node and says so.
pub fn bind(world: &mut World, pod: &PodInfo, node: &str) -> Result<(), Status> {
    let id = &pod.id;
    let Some(before) = stored(world, id) else { return Ok(()) };
    api::bind(world, &id.namespace, &id.name, node)?;
    let message = format!("Successfully assigned {}/{} to {node}", id.namespace, id.name);
    tell(world, &before, "Normal", "Scheduled", &message);
    Ok(())
}

/// Reports the failure, notes the nomination and makes the victims leave.
pub fn fail(world: &mut World, pod: &PodInfo, failure: &Failure) {
    let Some(before) = stored(world, &pod.id) else { return };
    tell(world, &before, "Warning", "FailedScheduling", &note(&failure.message));
    let mut changed = (*before).clone();
    let condition = json!({
        "type": "PodScheduled",
        "status": "False",
        "reason": if failure.error { "SchedulerError" } else { "Unschedulable" },
        "message": failure.message,
        "observedGeneration": int_at(&before, "metadata.generation"),
    });
    set_condition(&mut changed, condition, &world.now().rfc3339());
    if !failure.keep_nomination {
        let node = failure.preemption.as_ref().map_or(Value::Null, |candidate| json!(*candidate.node));
        set(&mut changed, "status.nominatedNodeName", node);
    }
    write_status(world, &pod.id, &before, changed);
    if let Some(candidate) = &failure.preemption {
        preempt(world, pod, candidate);
    }
}

fn note(message: &str) -> String {
    if message.len() <= NOTE_BYTES_MAX {
        return message.to_owned();
    }
    let end = (0..=NOTE_BYTES_MAX - 4).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
    format!("{} ...", &message[..end])
}

fn write_status(world: &mut World, pod: &PodRef, before: &Value, changed: Value) {
    if changed != *before {
        // A pod that is gone by now needs no status.
        let _ = api::update(world, Actor::Scheduler, api::Part::Status, Kind::Pod, &pod.namespace, &pod.name, changed);
    }
}

/// Replaces the condition of that type; its time moves only when its status does.
fn set_condition(pod: &mut Value, mut condition: Value, now: &str) {
    let mut conditions = items(pod, "status.conditions").to_vec();
    let known = conditions.iter().position(|other| other["type"] == condition["type"]);
    let same = known.filter(|at| conditions[*at]["status"] == condition["status"]);
    condition["lastTransitionTime"] = same.map_or(json!(now), |at| conditions[at]["lastTransitionTime"].clone());
    condition["lastProbeTime"] = known.map_or(Value::Null, |at| conditions[at]["lastProbeTime"].clone());
    match known {
        Some(at) => conditions[at] = condition,
        None => conditions.push(condition),
    }
    set(pod, "status.conditions", conditions);
}

/// Takes the nomination from less important pods, and deletes the victims; nothing if all are leaving already.
fn preempt(world: &mut World, pod: &PodInfo, candidate: &Candidate) {
    let stays = |pod: &Object| str_at(pod, "metadata.deletionTimestamp").is_empty();
    if !candidate.victims.iter().any(|victim| stored(world, victim).is_some_and(|pod| stays(&pod))) {
        return;
    }
    let nominated = world.kube.scheduler.cluster.nominated(&candidate.node).to_vec();
    for other in nominated.iter().filter(|other| other.priority < pod.priority) {
        if let Some(before) = stored(world, &other.id) {
            let mut changed = (*before).clone();
            set(&mut changed, "status.nominatedNodeName", Value::Null);
            write_status(world, &other.id, &before, changed);
        }
    }
    for victim in &candidate.victims {
        let Some(before) = stored(world, victim).filter(stays) else {
            continue;
        };
        let mut changed = (*before).clone();
        let condition = json!({
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "message": format!("{}: preempting to accommodate a higher priority pod", pod.scheduler_name),
            "observedGeneration": int_at(&before, "metadata.generation"),
        });
        set_condition(&mut changed, condition, &world.now().rfc3339());
        write_status(world, victim, &before, changed);
        let options = DeleteOptions::default();
        let _ = api::delete(world, Actor::Scheduler, Kind::Pod, &victim.namespace, &victim.name, options);
        let message = format!("Preempted by pod {} on node {}", pod.id.uid, candidate.node);
        tell(world, &before, "Normal", "Preempted", &message);
    }
}
