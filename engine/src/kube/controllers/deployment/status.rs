//! The status of a Deployment: counts, the conditions Available, Progressing and ReplicaFailure, and the deadline after which
//! a rollout that does not move is called stuck. Nothing is rolled back then.
//!
//! Source: Kubernetes 1.34 `pkg/controller/deployment/progress.go` and `sync.go` (`calculateStatus`).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{ACTOR, Sets, replicas, rollout};
use crate::kube::Task;
use crate::kube::controllers::client::{self, Failure};
use crate::kube::controllers::{Work, conditions};
use crate::object::{self, bool_at, field, int_at, items, str_at};
use crate::store::{Key, Kind, Object};
use crate::time::Time;
use crate::world::World;

/// Writes the status after scaling, or while paused: progress is not judged.
pub(super) fn sync(world: &mut World, deployment: &mut Value, sets: &Sets) -> Result<(), Failure> {
    let next = calculate(world.now(), deployment, sets);
    if next != *field(deployment, "status") {
        deployment["status"] = next;
        client::update_status(world, ACTOR, Kind::Deployment, deployment)?;
    }
    Ok(())
}

/// Writes the status during a rollout, with what can be said of its progress.
pub(super) fn sync_rollout(world: &mut World, deployment: &mut Value, sets: &Sets) -> Result<(), Failure> {
    let now = world.now();
    let mut next = calculate(now, deployment, sets);
    if has_deadline(deployment) {
        judge_progress(now, deployment, sets, &mut next);
    } else {
        conditions::remove(&mut next, "Progressing");
    }
    match replica_failure(sets) {
        Some(condition) => conditions::set(&mut next, condition),
        None => conditions::remove(&mut next, "ReplicaFailure"),
    }
    if next != *field(deployment, "status") {
        deployment["status"] = next;
        client::update_status(world, ACTOR, Kind::Deployment, deployment)?;
    } else {
        look_again(world, deployment);
    }
    Ok(())
}

fn judge_progress(now: Time, deployment: &Value, sets: &Sets, next: &mut Value) {
    let current = conditions::find(field(deployment, "status"), "Progressing").cloned();
    let reason = current.as_ref().map_or("", |condition| str_at(condition, "reason"));
    let count = |path: &str| int_at(next, path).unwrap_or(0);
    if count("replicas") == count("updatedReplicas") && reason == "NewReplicaSetAvailable" {
        return;
    }
    let subject = match &sets.new {
        Some(set) => format!("ReplicaSet \"{}\"", object::name(set)),
        None => format!("Deployment \"{}\"", object::name(deployment)),
    };
    let condition = |status: &str, reason: &str, message: String| {
        conditions::deployment_condition("Progressing", status, reason, message, now)
    };
    if complete(deployment, next) {
        let message = format!("{subject} has successfully progressed.");
        conditions::set(next, condition("True", "NewReplicaSetAvailable", message));
    } else if progressing(field(deployment, "status"), next) {
        let mut updated = condition("True", "ReplicaSetUpdated", format!("{subject} is progressing."));
        // Progress is noted even when the reason stays: lastUpdateTime is what the deadline counts from.
        if let Some(current) = current.filter(|current| str_at(current, "status") == "True") {
            updated["lastTransitionTime"] = current["lastTransitionTime"].clone();
        }
        conditions::remove(next, "Progressing");
        conditions::set(next, updated);
    } else if timed_out(now, deployment, next) {
        let message = format!("{subject} has timed out progressing.");
        conditions::set(next, condition("False", "ProgressDeadlineExceeded", message));
    }
}

fn calculate(now: Time, deployment: &Value, sets: &Sets) -> Value {
    let sum = |path: &str| sets.all().filter_map(|set| int_at(set, path)).sum::<i64>();
    let available = sum("status.availableReplicas");
    let mut status = Map::new();
    for (name, count) in [
        ("observedGeneration", int_at(deployment, "metadata.generation").unwrap_or(0)),
        ("replicas", sum("status.replicas")),
        ("updatedReplicas", sets.new.as_ref().and_then(|set| int_at(set, "status.replicas")).unwrap_or(0)),
        ("readyReplicas", sum("status.readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (sets.all().map(|set| replicas(set)).sum::<i64>() - available).max(0)),
    ] {
        if count != 0 {
            status.insert(name.to_owned(), json!(count));
        }
    }
    for name in ["collisionCount", "conditions"] {
        if let Some(kept) = deployment.get("status").and_then(|status| status.get(name)) {
            status.insert(name.to_owned(), kept.clone());
        }
    }
    let limits = rollout::limits(deployment);
    let mut status = Value::Object(status);
    let (truth, reason, message) = if available >= limits.desired - limits.max_unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    conditions::set(&mut status, conditions::deployment_condition("Available", truth, reason, message.to_owned(), now));
    status
}

/// All wanted pods are of the new template and available, and no others are left.
pub(super) fn complete(deployment: &Value, status: &Value) -> bool {
    let desired = int_at(deployment, "spec.replicas").unwrap_or(1);
    ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|name| int_at(status, name).unwrap_or(0) == desired)
        && int_at(status, "observedGeneration").unwrap_or(0) >= int_at(deployment, "metadata.generation").unwrap_or(0)
}

/// More new pods, more ready or available ones, or fewer old ones than before.
fn progressing(before: &Value, next: &Value) -> bool {
    let count = |status: &Value, name: &str| int_at(status, name).unwrap_or(0);
    let old = |status: &Value| count(status, "replicas") - count(status, "updatedReplicas");
    old(next) < old(before)
        || ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .any(|name| count(next, name) > count(before, name))
}

fn timed_out(now: Time, deployment: &Value, status: &Value) -> bool {
    let Some(condition) = conditions::find(status, "Progressing") else { return false };
    match str_at(condition, "reason") {
        "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => deadline(deployment, condition).is_some_and(|deadline| deadline < now),
    }
}

fn deadline(deployment: &Value, condition: &Value) -> Option<Time> {
    let secs = u64::try_from(int_at(deployment, "spec.progressDeadlineSeconds")?).ok()?;
    Some(Time::parse_rfc3339(str_at(condition, "lastUpdateTime"))?.plus(Duration::from_secs(secs)))
}

/// A rollout that stands still is looked at again when its deadline has passed.
fn look_again(world: &mut World, deployment: &Value) {
    let status = field(deployment, "status");
    let Some(condition) = conditions::find(status, "Progressing").filter(|_| has_deadline(deployment)) else { return };
    if complete(deployment, status) || str_at(condition, "reason") == "ProgressDeadlineExceeded" {
        return;
    }
    if let Some(deadline) = deadline(deployment, condition) {
        let wait = deadline.since(world.now()) + Duration::from_secs(1);
        world.at(wait, Task::Controller(Work::Deployment(Key::of(Kind::Deployment, deployment))));
    }
}

/// The failure to create or delete pods of the new ReplicaSet, else of any.
fn replica_failure(sets: &Sets) -> Option<Value> {
    let failure = |set: &Object| {
        items(set, "status.conditions").iter().find(|condition| str_at(condition, "type") == "ReplicaFailure").cloned()
    };
    let mut condition = sets.new.iter().find_map(failure).or_else(|| sets.old.iter().find_map(failure))?;
    condition["lastUpdateTime"] = condition["lastTransitionTime"].clone();
    Some(condition)
}

/// Notes when a rollout is paused or resumed, so that the pause does not count against the deadline.
pub(super) fn note_pause(world: &mut World, deployment: &mut Value) -> Result<(), Failure> {
    if !has_deadline(deployment) {
        return Ok(());
    }
    let reason = conditions::find(field(deployment, "status"), "Progressing").map_or("", |c| str_at(c, "reason"));
    let paused = bool_at(deployment, "spec.paused");
    let (reason, message) = match (reason, paused) {
        ("ProgressDeadlineExceeded", _) | ("DeploymentPaused", true) => return Ok(()),
        (_, true) => ("DeploymentPaused", "Deployment is paused"),
        ("DeploymentPaused", false) => ("DeploymentResumed", "Deployment is resumed"),
        (_, false) => return Ok(()),
    };
    let condition = conditions::deployment_condition("Progressing", "Unknown", reason, message.to_owned(), world.now());
    set_condition(deployment, condition);
    client::update_status(world, ACTOR, Kind::Deployment, deployment)
}

/// Whether progress is judged at all.
pub(super) fn has_deadline(deployment: &Value) -> bool {
    int_at(deployment, "spec.progressDeadlineSeconds").is_some_and(|secs| secs != i64::from(i32::MAX))
}

pub(super) fn set_condition(deployment: &mut Value, condition: Value) {
    if !field(deployment, "status").is_object() {
        deployment["status"] = json!({});
    }
    conditions::set(&mut deployment["status"], condition);
}
