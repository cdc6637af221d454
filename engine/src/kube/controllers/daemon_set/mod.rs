//! The DaemonSet controller: one pod on every node that fits, replaced node by node when the template changes.
//!
//! Source: Kubernetes 1.34 `pkg/controller/daemon`. Host ports do not make a node unfit: the pod is made and stays Pending, as
//! the scheduler finds.

mod history;
mod placement;
mod update;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::{self, Failure};
use super::{Work, owned, pods};
use crate::event::Actor;
use crate::kube::Task;
use crate::object::{self, field, int_at, str_at};
use crate::store::{Key, Kind, Object};
use crate::time::Time;
use crate::world::World;
use placement::{Daemons, Placement};

const ACTOR: Actor = Actor::DaemonSetController;
const BURST: usize = 250;
pub const HASH_LABEL: &str = "controller-revision-hash";
const GENERATION_LABEL: &str = "pod-template-generation";
/// How long a node's failed daemon pods are left before they are replaced: doubling from the first to the last.
const FAILED_BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15 * 60));

/// Per DaemonSet (uid and observed generation) and node: the present delay and when it was last raised.
pub type FailedBackOff = BTreeMap<(String, i64, String), (Duration, Time)>;

/// Pods by the node that they are on or meant for.
type ByNode = BTreeMap<String, Vec<Object>>;

pub fn sync(world: &mut World, key: &Key) -> Result<(), Failure> {
    let Some(set) = world.store().get(key).cloned() else { return Ok(()) };
    if object::is_terminating(&set) {
        return Ok(());
    }
    let (hash, old) = history::current(world, &set)?;
    let result = manage(world, &set, &hash)
        .and_then(|()| update::roll(world, &set, &hash))
        .and_then(|()| history::clean_up(world, &set, &old));
    let status = write_status(world, key, &hash);
    result.and(status)
}

/// The daemon pods by node; without those that have both ended and been asked to go.
fn by_node(world: &mut World, set: &Value) -> Result<ByNode, Failure> {
    let mut nodes = ByNode::new();
    for pod in owned::claim(world, ACTOR, Kind::Pod, Kind::DaemonSet, set)? {
        let ended = matches!(str_at(&pod, "status.phase"), "Succeeded" | "Failed");
        if ended && object::is_terminating(&pod) {
            continue;
        }
        if let Some(node) = placement::target_node(&pod) {
            nodes.entry(node.to_owned()).or_default().push(pod);
        }
    }
    Ok(nodes)
}

/// Creates missing pods and deletes those that are too many, that have ended, or whose node is no place for them.
fn manage(world: &mut World, set: &Object, hash: &str) -> Result<(), Failure> {
    let pods = by_node(world, set)?;
    let nodes: Vec<Object> = world.store().list(Kind::Node).cloned().collect();
    let (mut create, mut delete) = (Vec::new(), Vec::new());
    let daemons = Daemons::of(set);
    for node in &nodes {
        let here = pods.get(object::name(node)).map(Vec::as_slice);
        match daemons.on(node) {
            Placement::Run if here.is_none() => create.push(object::name(node).to_owned()),
            Placement::Stop => {
                delete.extend(here.unwrap_or(&[]).iter().filter(|pod| !object::is_terminating(pod)).cloned())
            }
            place => {
                let running = sort_out_ended(world, set, object::name(node), here.unwrap_or(&[]), &mut delete);
                if update::allows_surge(set) {
                    if running.is_empty() && place == Placement::Run {
                        create.push(object::name(node).to_owned());
                    }
                    delete.extend(update::superfluous_with_surge(world, set, hash, running));
                } else {
                    delete.extend(oldest_first(running).into_iter().skip(1));
                }
            }
        }
    }
    let known: Vec<&str> = nodes.iter().map(|node| object::name(node)).collect();
    for (node, lost) in &pods {
        if !known.contains(&node.as_str()) {
            delete.extend(lost.iter().filter(|pod| str_at(pod, "spec.nodeName").is_empty()).cloned());
        }
    }
    apply(world, set, hash, &delete, &create)
}

/// Of the pods on a node, those that run; the ones that have ended are put down for deletion, failed ones with a growing delay.
fn sort_out_ended(
    world: &mut World,
    set: &Object,
    node: &str,
    pods: &[Object],
    delete: &mut Vec<Object>,
) -> Vec<Object> {
    let mut running = Vec::new();
    for pod in pods.iter().filter(|pod| !object::is_terminating(pod)) {
        let about = format!("{}/{} on node {node}", object::namespace(pod), object::name(pod));
        match str_at(pod, "status.phase") {
            "Failed" => {
                if let Some(wait) = failed_wait(world, set, node) {
                    world.at(wait, Task::Controller(Work::DaemonSet(Key::of(Kind::DaemonSet, set))));
                    continue;
                }
                let message = format!("Found failed daemon pod {about}, will try to kill it");
                client::event(world, ACTOR, set, "Warning", "FailedDaemonPod", &message);
                delete.push(pod.clone());
            }
            "Succeeded" => {
                let message = format!("Found succeeded daemon pod {about}, will try to delete it");
                client::event(world, ACTOR, set, "Normal", "SucceededDaemonPod", &message);
                delete.push(pod.clone());
            }
            _ => running.push(pod.clone()),
        }
    }
    running
}

/// How long a failed pod of this node must still be left; None when it may be replaced now, which raises the delay.
fn failed_wait(world: &mut World, set: &Value, node: &str) -> Option<Duration> {
    let now = world.now();
    let observed = int_at(set, "status.observedGeneration").unwrap_or(0);
    let key = (object::uid(set).to_owned(), observed, node.to_owned());
    let (first, most) = FAILED_BACK_OFF;
    let memory = &mut world.kube.controllers.failed_back_off;
    let next = match memory.get(&key) {
        Some((delay, raised)) if now.since(*raised) < *delay => return Some(*delay),
        Some((delay, raised)) if now.since(*raised) <= most * 2 => (*delay * 2).min(most),
        _ => first,
    };
    memory.insert(key, (next, now));
    None
}

/// Pods that are bound first, then older ones, then by name.
fn oldest_first(mut pods: Vec<Object>) -> Vec<Object> {
    pods.sort_by(|a, b| {
        let unbound = |pod: &Object| str_at(pod, "spec.nodeName").is_empty();
        unbound(a).cmp(&unbound(b)).then_with(|| super::deployment::created_order(a, b))
    });
    pods
}

fn apply(world: &mut World, set: &Object, hash: &str, delete: &[Object], create: &[String]) -> Result<(), Failure> {
    let template = daemon_template(set, hash);
    let (_, failure) = owned::slow_start(create.len().min(BURST), |index| {
        let mut template = template.clone();
        placement::pin(&mut template, &create[index]);
        match owned::create_pod(world, ACTOR, Kind::DaemonSet, set, &template) {
            Err(failure) if failure.is_terminating_namespace() => Ok(()),
            other => other.map(|_| ()),
        }
    });
    let mut result = failure.map_or(Ok(()), Err);
    for pod in delete.iter().take(BURST) {
        result = result.and(owned::delete_pod(world, ACTOR, set, pod));
    }
    result
}

/// The template with the labels of its revision and the tolerations of daemons.
fn daemon_template(set: &Value, hash: &str) -> Value {
    let mut template = field(set, "spec.template").clone();
    placement::add_tolerations(&mut template);
    if let Some(generation) = template_generation(set) {
        template["metadata"]["labels"][GENERATION_LABEL] = json!(generation);
    }
    template["metadata"]["labels"][HASH_LABEL] = json!(hash);
    template
}

fn template_generation(set: &Value) -> Option<&str> {
    object::label(set, "annotations", "deprecated.daemonset.template.generation")
}

/// Whether a pod is of the present template.
fn is_updated(set: &Value, pod: &Value, hash: &str) -> bool {
    object::label(pod, "labels", HASH_LABEL) == Some(hash)
        || template_generation(set).is_some_and(|wanted| object::label(pod, "labels", GENERATION_LABEL) == Some(wanted))
}

fn write_status(world: &mut World, key: &Key, hash: &str) -> Result<(), Failure> {
    let Some(set) = world.store().get(key).cloned() else { return Ok(()) };
    let pods = by_node(world, &set)?;
    let min_ready = int_at(&set, "spec.minReadySeconds").unwrap_or(0);
    let now = world.now();
    let (mut desired, mut current, mut misscheduled, mut ready, mut available, mut updated) = (0, 0, 0, 0, 0, 0);
    let mut wait: Option<Duration> = None;
    let daemons = Daemons::of(&set);
    for node in world.store().list(Kind::Node) {
        let here = pods.get(object::name(node));
        if daemons.on(node) != Placement::Run {
            misscheduled += i64::from(here.is_some());
            continue;
        }
        desired += 1;
        let Some(pod) = here.and_then(|here| oldest_first(here.clone()).into_iter().next()) else { continue };
        current += 1;
        ready += i64::from(pods::is_ready(&pod));
        available += i64::from(pods::is_available(&pod, min_ready, now));
        updated += i64::from(is_updated(&set, &pod, hash));
        let left = pods::available_in(&pod, min_ready, now).filter(|left| *left > Duration::ZERO);
        wait = [wait, left].into_iter().flatten().min();
    }
    let mut status = Map::new();
    // The first four are always written, the others only when they are not 0.
    for (name, count) in [
        ("currentNumberScheduled", current),
        ("desiredNumberScheduled", desired),
        ("numberMisscheduled", misscheduled),
        ("numberReady", ready),
    ] {
        status.insert(name.to_owned(), json!(count));
    }
    for (name, count) in [
        ("numberAvailable", available),
        ("numberUnavailable", desired - available),
        ("updatedNumberScheduled", updated),
        ("observedGeneration", int_at(&set, "metadata.generation").unwrap_or(0)),
        ("collisionCount", int_at(&set, "status.collisionCount").unwrap_or(0)),
    ] {
        if count != 0 {
            status.insert(name.to_owned(), json!(count));
        }
    }
    if let Some(wait) = wait {
        world.at(wait, Task::Controller(Work::DaemonSet(key.clone())));
    }
    let status = Value::Object(status);
    if status != *field(&set, "status") {
        let mut changed = (*set).clone();
        changed["status"] = status;
        client::update_status(world, ACTOR, Kind::DaemonSet, &mut changed)?;
    }
    Ok(())
}
