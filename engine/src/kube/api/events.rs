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

/// Records an event of `component` (on `node`, empty for none) about an object. `kind` is `Normal` or `Warning`.
pub fn record_event(
    world: &mut World,
    component: &str,
    node: &str,
    object: &Value,
    kind: &str,
    reason: &str,
    message: &str,
) {
    let place = if namespace(object).is_empty() { "default" } else { namespace(object) }.to_owned();
    let actor = actor_of(component, node);
    // Found by what makes it the same event, not by looking at all: one ReplicaSet may have ten thousand.
    let identity = [component, node, &place, uid(object), name(object), kind, reason, message].join("\n");
    let known = world.kube.event_names.get(&identity);
    let same = known.and_then(|known| world.store().find(Kind::Event, &place, known));
    let newer = is_newer_interface(component);
    match same.cloned() {
        Some(old) => count_again(world, actor, &old, newer),
        None => {
            let name = record_first(world, actor, component, node, object, kind, reason, message, &place, newer);
            world.kube.event_names.insert(identity, name);
        }
    }
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

#[allow(clippy::too_many_arguments)]
fn record_first(
    world: &mut World,
    actor: Actor,
    component: &str,
    node: &str,
    object: &Value,
    kind: &str,
    reason: &str,
    message: &str,
    place: &str,
    newer: bool,
) -> String {
    let now = world.now().rfc3339();
    // The real name ends in the nanoseconds of the moment; the number of events keeps it apart within a millisecond.
    let nanos = (crate::time::EPOCH_SECS * 1000 + world.now().0) * 1_000_000 + world.events().len() as i64 % 1_000_000;
    let identity = world.uid();
    let mut event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{}.{nanos:016x}", name(object)), "namespace": place, "uid": identity, "creationTimestamp": now},
        "involvedObject": {
            "apiVersion": field(object, "apiVersion"), "kind": field(object, "kind"), "name": name(object),
            "namespace": field(object, "metadata.namespace"), "uid": uid(object),
            "resourceVersion": field(object, "metadata.resourceVersion"),
        },
        "reason": reason, "message": message, "type": kind,
        "reportingComponent": component, "reportingInstance": node,
    });
    if newer {
        let host = if component == "default-scheduler" {
            format!("default-scheduler-{}-control-plane", world.options().cluster)
        } else {
            node.to_owned()
        };
        set(&mut event, "reportingInstance", host);
        set(&mut event, "eventTime", micro(&now));
        set(
            &mut event,
            "action",
            if component == "kube-proxy" {
                "StartKubeProxy"
            } else if reason == "Scheduled" {
                "Binding"
            } else {
                "Scheduling"
            },
        );
    } else {
        set(&mut event, "source", json!({"component": component, "host": node}));
        set(&mut event, "count", 1);
        set(&mut event, "firstTimestamp", now.clone());
        set(&mut event, "lastTimestamp", now);
    }
    canonicalise("Event", &mut event);
    let key = Key::of(Kind::Event, &event);
    let name = key.name.clone();
    write::store(world, actor, key, None, event);
    name
}

/// A time in the form with microseconds.
fn micro(rfc3339: &str) -> String {
    format!("{}.000000Z", rfc3339.trim_end_matches('Z'))
}
