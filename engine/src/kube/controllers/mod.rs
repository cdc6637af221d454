//! The controllers of kube-controller-manager that matter to ports: each brings one sort of object nearer to what its spec says.
//!
//! They are level-triggered: a change queues the key of what it may concern ([`informed`]), and the work ([`run`]) derives all
//! it needs from the store. A refusal of the API server is met by trying again. Source: Kubernetes 1.34 `pkg/controller`.

pub mod client;
mod conditions;
pub mod daemon_set;
pub mod deployment;
pub mod endpoints;
mod garbage_collector;
mod namespace;
mod node;
mod owned;
pub mod pods;
mod replica_set;
mod seen;

use std::time::Duration;

use serde_json::Value;

use crate::event::{Event, What};
use crate::kube::Task;
use crate::object::{self, items, selector, str_at};
use crate::store::{Key, Kind};
use crate::world::World;
use client::Failure;

/// What waits to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Deployment(Key),
    ReplicaSet(Key),
    DaemonSet(Key),
    /// What stands behind a Service.
    Endpoints(Key),
    /// Objects whose owners may be gone.
    Garbage,
    Namespace(String),
    Node(String),
    /// Pods of a node that vanished a while ago.
    NodeGone(String),
    /// A pod whose time on a tainted node may be up.
    Evict(Key),
}

/// What the controllers remember besides the store.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub failed_back_off: daemon_set::FailedBackOff,
    pub pods: seen::Pods,
}

/// How long a refused piece of work waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Queues what a change may concern.
pub fn informed(world: &mut World, event: &Event) {
    world.kube.controllers.pods.note(&event.what);
    let (key, old, new, gone) = match &event.what {
        What::Stored { key, old, new, .. } => (key, old.as_ref().unwrap_or(new), new, false),
        What::Deleted { key, old } => (key, old, old, true),
        _ => return,
    };
    match key.kind {
        Kind::Deployment => queue(world, Work::Deployment(key.clone())),
        Kind::ReplicaSet => {
            queue(world, Work::ReplicaSet(key.clone()));
            queue_deployment(world, new);
        }
        Kind::DaemonSet => queue(world, Work::DaemonSet(key.clone())),
        Kind::ControllerRevision => queue_controller(world, new),
        Kind::Pod => pod_changed(world, old, new, gone),
        Kind::Service => queue(world, Work::Endpoints(key.clone())),
        Kind::EndpointSlice if gone => queue_controller(world, new),
        Kind::Endpoints if gone => queue(world, Work::Endpoints(Key::new(Kind::Service, &key.namespace, &key.name))),
        Kind::Namespace if !gone => queue(world, Work::Namespace(key.name.clone())),
        Kind::ServiceAccount | Kind::ConfigMap if gone => queue(world, Work::Namespace(key.namespace.clone())),
        Kind::Node => node_changed(world, key, old, new),
        _ => {}
    }
    let waiting = object::is_terminating(new) && !items(new, "metadata.finalizers").is_empty();
    if key.kind != Kind::Event && (gone || waiting) {
        queue(world, Work::Garbage);
    }
}

fn pod_changed(world: &mut World, old: &Value, new: &Value, gone: bool) {
    queue_controller(world, new);
    if object::controller(old) != object::controller(new) {
        queue_controller(world, old);
    }
    let namespace = object::namespace(new);
    let mut work: Vec<Work> = Vec::new();
    for service in world.store().list_in(Kind::Service, Some(namespace)) {
        if endpoints::covers(service, new) || endpoints::covers(service, old) {
            work.push(Work::Endpoints(Key::of(Kind::Service, service)));
        }
    }
    match object::controller(new) {
        None if !gone => {
            // Nobody's pod may be adopted by whoever selects it.
            for set in world.store().list_in(Kind::ReplicaSet, Some(namespace)) {
                if selector::matches(object::field(set, "spec.selector"), object::labels(new)) {
                    work.push(Work::ReplicaSet(Key::of(Kind::ReplicaSet, set)));
                }
            }
            for set in world.store().list_in(Kind::DaemonSet, Some(namespace)) {
                if selector::matches(object::field(set, "spec.selector"), object::labels(new)) {
                    work.push(Work::DaemonSet(Key::of(Kind::DaemonSet, set)));
                }
            }
        }
        Some(owner) if gone && str_at(owner, "kind") == "ReplicaSet" => {
            // With strategy Recreate, the next revision waits for the last pod of the former.
            if let Some(set) = world.store().find(Kind::ReplicaSet, namespace, str_at(owner, "name")) {
                work.extend(deployment::revision::deployment_of(set).map(Work::Deployment));
            }
        }
        _ => {}
    }
    let node = str_at(new, "spec.nodeName");
    if !gone && node != str_at(old, "spec.nodeName") {
        work.push(Work::Node(node.to_owned()));
    }
    for one in work {
        queue(world, one);
    }
}

fn node_changed(world: &mut World, key: &Key, old: &Value, new: &Value) {
    queue(world, Work::Node(key.name.clone()));
    let same = |path: &str| object::field(old, path) == object::field(new, path);
    if std::ptr::eq(old, new) || !same("metadata.labels") || !same("spec") {
        let sets: Vec<Key> = world.store().list(Kind::DaemonSet).map(|set| Key::of(Kind::DaemonSet, set)).collect();
        for set in sets {
            queue(world, Work::DaemonSet(set));
        }
    }
}

/// Queues whoever controls the object.
fn queue_controller(world: &mut World, object: &Value) {
    let Some(owner) = object::controller(object) else { return };
    let key = |kind| Key::new(kind, object::namespace(object), str_at(owner, "name"));
    match str_at(owner, "kind") {
        "ReplicaSet" => queue(world, Work::ReplicaSet(key(Kind::ReplicaSet))),
        "DaemonSet" => queue(world, Work::DaemonSet(key(Kind::DaemonSet))),
        "Service" => queue(world, Work::Endpoints(key(Kind::Service))),
        _ => {}
    }
}

/// Queues the Deployment of a ReplicaSet; of one that nobody controls, those that select it.
fn queue_deployment(world: &mut World, set: &Value) {
    if let Some(key) = deployment::revision::deployment_of(set) {
        return queue(world, Work::Deployment(key));
    }
    let deployments = world.store().list_in(Kind::Deployment, Some(object::namespace(set)));
    let selecting =
        deployments.filter(|one| selector::matches(object::field(one, "spec.selector"), object::labels(set)));
    let keys: Vec<Key> = selecting.map(|one| Key::of(Kind::Deployment, one)).collect();
    for key in keys {
        queue(world, Work::Deployment(key));
    }
}

/// A hop from a change to who acts on it takes 10 to 20 ms, for each controller its own time.
fn queue(world: &mut World, work: Work) {
    let delay_ms = match work {
        Work::ReplicaSet(_) => 10,
        Work::Deployment(_) => 12,
        Work::DaemonSet(_) => 14,
        Work::Evict(_) | Work::Node(_) => 15,
        Work::Namespace(_) | Work::NodeGone(_) => 16,
        Work::Endpoints(_) => 18,
        Work::Garbage => 20,
    };
    world.at(Duration::from_millis(delay_ms), Task::Controller(work));
}

/// Does a piece of work that is due.
pub fn run(world: &mut World, work: Work) {
    let result: Result<(), Failure> = match &work {
        Work::Deployment(key) => deployment::sync(world, key),
        Work::ReplicaSet(key) => replica_set::sync(world, key),
        Work::DaemonSet(key) => daemon_set::sync(world, key),
        Work::Endpoints(key) => endpoints::sync(world, key),
        Work::Garbage => garbage_collector::collect(world),
        Work::Namespace(name) => namespace::sync(world, name),
        Work::Node(name) => node::sync(world, name),
        Work::NodeGone(name) => node::remove_pods(world, name),
        Work::Evict(key) => node::evict(world, key),
    };
    match result {
        Err(failure) if !failure.is_terminating_namespace() => world.at(RETRY, Task::Controller(work)),
        _ => {}
    }
}
