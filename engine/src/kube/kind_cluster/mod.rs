//! A fresh kind cluster: nodes named and addressed as kind does it, and what kubeadm and kind put into it.
//!
//! The objects that people and kubeadm write are created here; everything else (ReplicaSets, pods, endpoints, most events) comes
//! of the lab's own controllers, scheduler and kubelets, which run through the cluster's first minute before the lab begins.
//! Source: kind 0.30 with Kubernetes 1.34.0, `golden/kubectl`. Leaves out: RBAC, Leases, and ConfigMaps that nobody here reads.

mod nodes;
mod system;

use std::time::Duration;

use serde_json::{Value, json};

use crate::event::Actor;
use crate::kube::api;
use crate::store::Kind;
use crate::time::Time;
use crate::world::World;

/// How old the cluster is when the lab begins.
const AGE: Duration = Duration::from_secs(56);

/// The address of the node with this number (0 is the control plane), in kind's Docker network.
pub fn node_address(number: u32) -> String {
    format!("172.18.0.{}", number + 2)
}

/// `portlab-control-plane`, `portlab-worker`, `portlab-worker2`, …
pub fn node_name(cluster: &str, number: u32) -> String {
    match number {
        0 => format!("{cluster}-control-plane"),
        1 => format!("{cluster}-worker"),
        more => format!("{cluster}-worker{more}"),
    }
}

/// Creates the cluster and lets it come up; afterwards the time is 0.
pub fn create(world: &mut World, count: u32) {
    world.state.now = Time(0 - i64::try_from(AGE.as_millis()).unwrap_or(0));
    let count = count.max(1);
    api_server(world);
    world.advance(Duration::from_secs(5));
    nodes::join(world, 0, count == 1);
    system::static_pods(world);
    world.advance(Duration::from_secs(4));
    nodes::registered(world, 0);
    system::addons(world);
    world.advance(Duration::from_secs(6));
    for number in 1..count {
        nodes::join(world, number, false);
    }
    world.advance(Duration::from_secs(5));
    for number in 1..count {
        nodes::registered(world, number);
    }
    world.advance(Duration::from_secs(19));
    nodes::ready(world, 0);
    world.advance(Duration::from_secs(4));
    for number in 1..count {
        nodes::ready(world, number);
    }
    let left = Time(0).since(world.now());
    world.advance(left);
}

/// What an API server puts into an empty store: namespaces, the system's priorities, and its own Service.
pub fn api_server(world: &mut World) {
    namespaces(world);
    system::kubernetes_service(world);
}

fn namespaces(world: &mut World) {
    for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        put(world, Kind::Namespace, json!({"metadata": {"name": name}}));
    }
    for (name, value, about) in [
        (
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
        (
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ] {
        put(world, Kind::PriorityClass, json!({"metadata": {"name": name}, "value": value, "description": about}));
    }
}

/// Creates an object in the cluster's youth; what it says is valid.
fn put(world: &mut World, kind: Kind, object: Value) {
    let namespace = crate::object::namespace(&object).to_owned();
    if let Err(status) = api::create(world, Actor::Lab, kind, &namespace, object) {
        debug_assert!(false, "the cluster's own {kind:?} is refused: {status}");
    }
}

/// The ConfigMap with the cluster's certificate that every namespace gets; the lab's API server has none worth the name.
pub fn root_certificate(namespace: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "kube-root-ca.crt", "namespace": namespace, "annotations": {"kubernetes.io/description":
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."}},
        "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n(portlab)\n-----END CERTIFICATE-----\n"}})
}

#[cfg(test)]
mod tests;
