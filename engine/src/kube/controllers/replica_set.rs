//! The ReplicaSet controller: as many active pods as wanted, no more and no fewer.
//!
//! Source: Kubernetes 1.34 `pkg/controller/replicaset`. Leaves out the expectations of its cache: the store is never stale here.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::{self, Failure};
use super::seen::{Seen, of_labels};
use super::{Work, conditions, owned, pods};
use crate::event::Actor;
use crate::kube::Task;
use crate::object::{self, field, int_at, str_at};
use crate::store::{Key, Kind, Object};
use crate::time::Time;
use crate::world::World;

const ACTOR: Actor = Actor::ReplicaSetController;
/// Pods created or deleted in one go; the rest follows.
const BURST: usize = 500;

pub fn sync(world: &mut World, key: &Key) -> Result<(), Failure> {
    let Some(set) = world.store().get(key).cloned() else { return Ok(()) };
    let active = active_pods(world, &set)?;
    let failure = if object::is_terminating(&set) { None } else { manage(world, &set, &active) };
    let now = world.now();
    // As the real one, it reports the pods that it found; what it has just made or ended it reports next time.
    let status = calculate(now, &set, &active, failure.as_ref());
    if status != *field(&set, "status") {
        let mut changed = (*set).clone();
        changed["status"] = status;
        client::update_status(world, ACTOR, Kind::ReplicaSet, &mut changed)?;
    }
    look_again(world, key, &set, &active);
    failure.map_or(Ok(()), Err)
}

/// The active pods that the set controls, after adopting and releasing.
fn active_pods(world: &mut World, set: &Object) -> Result<Vec<Seen>, Failure> {
    let selector = field(set, "spec.selector");
    if let Some(mine) = world.kube.controllers.pods.active_of(set, |labels| owned::selects(selector, labels)) {
        return Ok(mine);
    }
    let mine = owned::claim_if(world, ACTOR, Kind::Pod, Kind::ReplicaSet, set, pods::is_active)?;
    Ok(mine.iter().map(|pod| Seen::of(pod, None)).collect())
}

/// Creates what is missing or deletes what is too much.
fn manage(world: &mut World, set: &Object, active: &[Seen]) -> Option<Failure> {
    let wanted = usize::try_from(int_at(set, "spec.replicas").unwrap_or(1)).unwrap_or(0);
    if active.len() < wanted {
        let count = (wanted - active.len()).min(BURST);
        let template = field(set, "spec.template").clone();
        let (_, failure) =
            owned::slow_start(count, |_| match owned::create_pod(world, ACTOR, Kind::ReplicaSet, set, &template) {
                Err(failure) if failure.is_terminating_namespace() => Ok(()),
                other => other.map(|_| ()),
            });
        return failure;
    }
    let surplus = (active.len() - wanted).min(BURST);
    if surplus == 0 {
        return None;
    }
    let mut pods: Vec<Object> = active.iter().map(|pod| pod.object.clone()).collect();
    if surplus < pods.len() {
        let related = related(world, set);
        pods::sort_for_deletion(&mut pods, &related, world.now());
    }
    let mut failure = None;
    for pod in pods.iter().take(surplus) {
        if let Err(refused) = owned::delete_pod(world, ACTOR, set, pod) {
            failure = failure.or(Some(refused));
        }
    }
    failure
}

/// The pods of all ReplicaSets with the same controller as this one; its own, when it has none.
fn related(world: &World, set: &Object) -> Vec<Object> {
    let namespace = object::namespace(set);
    let controller = object::controller(set).map_or("", |owner| str_at(owner, "uid"));
    let sets: Vec<&Object> = world
        .store()
        .list_in(Kind::ReplicaSet, Some(namespace))
        .filter(|other| match object::controller(other) {
            Some(owner) => str_at(owner, "uid") == controller,
            None => object::uid(other) == object::uid(set),
        })
        .collect();
    let matches = |pod: &Object| sets.iter().any(|set| owned::fits(field(set, "spec.selector"), pod));
    world.store().list_in(Kind::Pod, Some(namespace)).filter(|pod| matches(pod)).cloned().collect()
}

fn calculate(now: Time, set: &Value, active: &[Seen], failure: Option<&Failure>) -> Value {
    let min_ready = int_at(set, "spec.minReadySeconds").unwrap_or(0);
    let template_labels = json!({"matchLabels": field(set, "spec.template.metadata.labels")});
    let count = |wanted: &mut dyn FnMut(&Seen) -> bool| active.iter().filter(|pod| wanted(pod)).count();
    let mut status = Map::new();
    let counts = [
        ("fullyLabeledReplicas", count(&mut of_labels(|labels| owned::selects(&template_labels, labels)))),
        ("readyReplicas", count(&mut |pod| pod.ready)),
        ("availableReplicas", count(&mut |pod| pod.is_available(min_ready, now))),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status.insert(name.to_owned(), json!(count));
    }
    status.insert("replicas".to_owned(), json!(active.len()));
    if let Some(generation) = int_at(set, "metadata.generation") {
        status.insert("observedGeneration".to_owned(), json!(generation));
    }
    if let Some(kept) = set.get("status").and_then(|status| status.get("conditions")) {
        status.insert("conditions".to_owned(), kept.clone());
    }
    let mut status = Value::Object(status);
    match failure {
        None => conditions::remove(&mut status, "ReplicaFailure"),
        Some(failure) if conditions::find(&status, "ReplicaFailure").is_none() => {
            let wanted = usize::try_from(int_at(set, "spec.replicas").unwrap_or(1)).unwrap_or(0);
            let reason = if active.len() < wanted { "FailedCreate" } else { "FailedDelete" };
            conditions::set(
                &mut status,
                json!({"type": "ReplicaFailure", "status": "True", "reason": reason,
                "message": failure.to_string(), "lastTransitionTime": now.rfc3339()}),
            );
        }
        Some(_) => {}
    }
    status
}

/// With minReadySeconds, a ready pod becomes available just by waiting.
fn look_again(world: &mut World, key: &Key, set: &Value, active: &[Seen]) {
    let min_ready = int_at(set, "spec.minReadySeconds").unwrap_or(0);
    let now = world.now();
    let waits = active.iter().filter_map(|pod| pod.available_in(min_ready, now));
    if let Some(wait) = waits.filter(|wait| *wait > Duration::ZERO).min() {
        world.at(wait, Task::Controller(Work::ReplicaSet(key.clone())));
    }
}
