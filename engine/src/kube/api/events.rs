//! Events: what components report about objects, counted as client-go's recorders count them.
//!
//! Models: the same event again raises its count and moves its last time; the scheduler and kube-proxy report by the newer
//! interface (events.k8s.io), whose events carry `eventTime` and, when repeated, a `series`.
//! Leaves out: the spam filter and the aggregation of similar messages, which need tens of events in minutes; expiry after an hour.

use serde_json::{Value, json};

use crate::event::Actor;
use crate::kube::api::write;
use crate::kube::schema::canonical::canonicalise;
use crate::object::{field, int_at, name, namespace, set, uid};
use crate::store::{Key, Kind, Object};
use crate::world::World;

/// What a component says about an object.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub component: &'a str,
    /// The node that the component runs on; empty for none.
    pub node: &'a str,
    /// `Normal` or `Warning`.
    pub class: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
    /// The part of the object that it is about, `spec.containers{web}`; empty for all of it.
    pub part: &'a str,
}

/// Records an event about an object, or counts it once more.
pub fn record_event(world: &mut World, about: &Value, report: Report) {
    let place = place_of(about).to_owned();
    let actor = actor_of(report.component, report.node);
    // Found by what makes it the same event, not by looking at all: one ReplicaSet may have ten thousand.
    let Report { component, node, class, reason, message, part } = report;
    let identity = [component, node, &place, uid(about), name(about), part, class, reason, message].join("\n");
    let known = world.kube.event_names.get(&identity);
    let same = known.and_then(|known| world.store().find(Kind::Event, &place, known));
    match same.cloned() {
        Some(old) => count_again(world, actor, &old, is_newer_interface(component)),
        None => {
            let event = first(world, about, report);
            let key = Key::of(Kind::Event, &event);
            world.kube.event_names.insert(identity, key.name.clone());
            write::store(world, actor, key, None, event);
        }
    }
}

/// The namespace of the events about an object.
fn place_of(about: &Value) -> &str {
    if namespace(about).is_empty() { "default" } else { namespace(about) }
}

/// Whether the component reports by events.k8s.io.
fn is_newer_interface(component: &str) -> bool {
    matches!(component, "default-scheduler" | "kube-proxy")
}

fn actor_of(component: &str, node: &str) -> Actor {
    match component {
        "default-scheduler" => Actor::Scheduler,
        "deployment-controller" => Actor::DeploymentController,
        "replicaset-controller" => Actor::ReplicaSetController,
        "daemonset-controller" => Actor::DaemonSetController,
        "endpoint-slice-controller" => Actor::EndpointSliceController,
        "node-controller" | "taint-eviction-controller" => Actor::NodeController,
        _ if node.is_empty() => Actor::Lab,
        _ => Actor::Kubelet { node: node.to_owned() },
    }
}

fn count_again(world: &mut World, actor: Actor, old: &Object, newer: bool) {
    let mut event = (**old).clone();
    let now = world.now();
    if newer {
        let count = int_at(old, "series.count").unwrap_or(1) + 1;
        set(&mut event, "series", json!({"count": count, "lastObservedTime": micro(&now.rfc3339())}));
    } else {
        set(&mut event, "count", int_at(old, "count").unwrap_or(1) + 1);
        set(&mut event, "lastTimestamp", now.rfc3339());
    }
    canonicalise("Event", &mut event);
    write::store(world, actor, Key::of(Kind::Event, old), Some(old.clone()), event);
}

/// The event as it is when it is reported for the first time.
fn first(world: &mut World, about: &Value, report: Report) -> Value {
    let now = world.now().rfc3339();
    // The real name ends in the nanoseconds of the moment; the number of events keeps it apart within a millisecond.
    let nanos = (crate::time::EPOCH_SECS * 1000 + world.now().0) * 1_000_000 + world.events().len() as i64 % 1_000_000;
    let identity = world.uid();
    let mut event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{nanos:016x}", name(about)), "namespace": place_of(about), "uid": identity,
            "creationTimestamp": now},
        "involvedObject": {
            "apiVersion": field(about, "apiVersion"), "kind": field(about, "kind"), "name": name(about),
            "namespace": field(about, "metadata.namespace"), "uid": uid(about),
            "resourceVersion": field(about, "metadata.resourceVersion"),
        },
        "reason": report.reason, "message": report.message, "type": report.class,
        "reportingComponent": report.component, "reportingInstance": report.node,
    });
    if !report.part.is_empty() {
        set(&mut event, "involvedObject.fieldPath", report.part);
    }
    if is_newer_interface(report.component) {
        if report.component == "default-scheduler" {
            let instance = format!("default-scheduler-{}-control-plane", world.options().cluster);
            set(&mut event, "reportingInstance", instance);
        }
        set(&mut event, "eventTime", micro(&now));
        set(&mut event, "action", action(report));
    } else {
        set(&mut event, "source", json!({"component": report.component, "host": report.node}));
        set(&mut event, "count", 1);
        set(&mut event, "firstTimestamp", now.clone());
        set(&mut event, "lastTimestamp", now);
    }
    canonicalise("Event", &mut event);
    event
}

/// What the component was doing, as the newer interface wants to know.
fn action(report: Report) -> &'static str {
    match (report.component, report.reason) {
        ("kube-proxy", _) => "StartKubeProxy",
        (_, "Scheduled") => "Binding",
        (_, "Preempted") => "Preempting",
        _ => "Scheduling",
    }
}

/// A time in the form with microseconds.
fn micro(rfc3339: &str) -> String {
    format!("{}.000000Z", rfc3339.trim_end_matches('Z'))
}
