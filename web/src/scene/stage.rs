//! Nodes as lanes, their pods, the rails of claimed host ports, the pods that no node has, the Services.
//!
//! Everything is read from one state. Pods of kube-system are counted, not drawn, unless they claim a host port.

use std::rc::Rc;

use portlab_engine::kube::kubelet::images;
use portlab_engine::object::{
    bool_at, condition, condition_is_true, field, is_terminating, items, label, name, namespace, str_at,
};
use portlab_engine::store::{Key, Kind, Store};
use serde_json::Value;

use super::claim::{Claim, claims, declared};

/// Lanes drawn at most.
pub const LANES_MAX: usize = 4;
/// Pods drawn at most in one lane, and pending pods above the lanes.
pub const PODS_MAX: usize = 6;
/// Claims drawn at most on one rail.
pub const CLAIMS_MAX: usize = 8;
/// Services drawn at most.
pub const SERVICES_MAX: usize = 2;

/// What the stage shows of one state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    pub lanes: Vec<Lane>,
    pub hidden_lanes: usize,
    /// Pods that no node has yet, the oldest first.
    pub pending: Vec<Pod>,
    pub hidden_pending: usize,
    pub services: Vec<Service>,
    pub hidden_services: usize,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub node: String,
    /// The name without the cluster's: `worker2`.
    pub short: String,
    pub ip: String,
    /// `cordoned`, `not ready`, and taints that keep pods away.
    pub marks: Vec<String>,
    pub pods: Vec<Pod>,
    pub hidden_pods: usize,
    pub system_pods: usize,
    pub held: Vec<Held>,
    pub hidden_held: usize,
}

/// A host port that a pod on the node claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub claim: Claim,
    pub pod: String,
    pub short: String,
    /// `hostNetwork: listens itself` or empty.
    pub host_network: bool,
}

/// A pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    pub key: Key,
    pub name: String,
    pub short: String,
    /// What the STATUS column would begin with: `Running`, `Terminating`, a waiting reason.
    pub status: String,
    pub life: Life,
    pub ip: String,
    pub host_network: bool,
    pub ports: Vec<Claim>,
    pub claims: Vec<Claim>,
    /// Images that the lab does not know: their containers run and serve nothing.
    pub unknown_images: Vec<String>,
    /// Why the scheduler found no node, once it has said so.
    pub unschedulable: Option<String>,
}

/// How a pod is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Starting,
    Up,
    Ending,
    Over,
}

/// A Service and the endpoints behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub name: String,
    /// `10.96.12.7:80`
    pub address: String,
    pub endpoints: Vec<String>,
    pub hidden_endpoints: usize,
}

/// Reads the stage from a state. `cluster` is the first part of the nodes' names; `chosen` are the nodes to draw,
/// or none, for the first of them all.
#[must_use]
pub fn stage(store: &Store, cluster: &str, chosen: &[Rc<str>]) -> Stage {
    let mut stage = Stage::default();
    let all = store.list(Kind::Node).count();
    let nodes: Vec<&Value> = match chosen {
        [] => store.list(Kind::Node).take(LANES_MAX).map(|node| &**node).collect(),
        some => some.iter().filter_map(|name| store.find(Kind::Node, "", name)).map(|node| &**node).collect(),
    };
    stage.hidden_lanes = all - nodes.len();
    stage.lanes = nodes.into_iter().map(|node| lane(node, cluster)).collect();
    let mut pending = Vec::new();
    for object in store.list(Kind::Pod) {
        let on = str_at(object, "spec.nodeName");
        if on.is_empty() {
            pending.push(&**object);
        } else if let Some(lane) = stage.lanes.iter_mut().find(|lane| lane.node == on) {
            put_down(lane, object);
        }
    }
    pending.sort_by_key(|object| (str_at(object, "metadata.creationTimestamp"), name(object)));
    stage.hidden_pending = pending.len().saturating_sub(PODS_MAX);
    stage.pending = pending.into_iter().take(PODS_MAX).map(pod).collect();
    let services: Vec<&Value> = store
        .list(Kind::Service)
        .map(|service| &**service)
        .filter(|service| name(service) != "kubernetes" && namespace(service) != "kube-system")
        .collect();
    stage.hidden_services = services.len().saturating_sub(SERVICES_MAX);
    stage.services = services.into_iter().take(SERVICES_MAX).map(|object| service(store, object)).collect();
    stage
}

/// A node's name without the cluster's part.
#[must_use]
pub fn short_node(node: &str, cluster: &str) -> String {
    node.strip_prefix(cluster).and_then(|rest| rest.strip_prefix('-')).unwrap_or(node).to_owned()
}

/// A pod's name with the template's hash left out: `web-…-x7k2p`. Only a name that carries one is cut.
#[must_use]
pub fn short_pod(object: &Value) -> String {
    let name = name(object);
    let hash = label(object, "labels", "pod-template-hash").unwrap_or("");
    match name.split_once(&format!("-{hash}-")) {
        Some((owner, suffix)) if !hash.is_empty() => format!("{owner}-…-{suffix}"),
        _ => name.to_owned(),
    }
}

fn lane(node: &Value, cluster: &str) -> Lane {
    let mut marks = Vec::new();
    if bool_at(node, "spec.unschedulable") {
        marks.push("cordoned".to_owned());
    }
    if condition(node, "Ready").is_some() && !condition_is_true(node, "Ready") {
        marks.push("not ready".to_owned());
    }
    let taints = items(node, "spec.taints").iter().filter(|taint| {
        matches!(str_at(taint, "effect"), "NoSchedule" | "NoExecute")
            && str_at(taint, "key") != "node.kubernetes.io/unschedulable"
    });
    if taints.count() > 0 {
        marks.push("tainted".to_owned());
    }
    let addresses = items(node, "status.addresses");
    let ip = addresses.iter().find(|address| str_at(address, "type") == "InternalIP");
    Lane {
        node: name(node).to_owned(),
        short: short_node(name(node), cluster),
        ip: ip.map(|address| str_at(address, "address")).unwrap_or_default().to_owned(),
        marks,
        pods: Vec::new(),
        hidden_pods: 0,
        system_pods: 0,
        held: Vec::new(),
        hidden_held: 0,
    }
}

/// Puts a pod on its lane and its claims on the lane's rail. A pod that is over holds no port any more.
fn put_down(lane: &mut Lane, object: &Value) {
    let pod = pod(object);
    let over = pod.life == Life::Over;
    let system = namespace(object) == "kube-system" || namespace(object) == "local-path-storage";
    for claim in pod.claims.iter().filter(|_| !over) {
        if lane.held.len() < CLAIMS_MAX {
            let own = format!("-{}", lane.node);
            let short = pod.short.strip_suffix(&own).unwrap_or(&pod.short).to_owned();
            let host_network = pod.host_network;
            lane.held.push(Held { claim: claim.clone(), pod: pod.name.clone(), short, host_network });
        } else {
            lane.hidden_held += 1;
        }
    }
    if system {
        lane.system_pods += 1;
    } else if lane.pods.len() < PODS_MAX {
        lane.pods.push(pod);
    } else {
        lane.hidden_pods += 1;
    }
}

fn pod(object: &Value) -> Pod {
    let scheduled = condition(object, "PodScheduled");
    let refused = scheduled.filter(|c| str_at(c, "status") == "False" && str_at(c, "reason") == "Unschedulable");
    Pod {
        key: Key::of(Kind::Pod, object),
        name: name(object).to_owned(),
        short: short_pod(object),
        status: status(object),
        life: life(object),
        ip: str_at(object, "status.podIP").to_owned(),
        host_network: bool_at(object, "spec.hostNetwork"),
        ports: declared(object),
        claims: claims(object),
        unknown_images: unknown_images(object),
        unschedulable: refused.map(|c| str_at(c, "message").to_owned()),
    }
}

fn unknown_images(object: &Value) -> Vec<String> {
    let images = items(object, "spec.containers").iter().map(|container| str_at(container, "image"));
    images.filter(|image| !images::known(image)).map(str::to_owned).collect()
}

fn status(object: &Value) -> String {
    if is_terminating(object) {
        return "Terminating".to_owned();
    }
    let waiting = items(object, "status.containerStatuses")
        .iter()
        .map(|container| str_at(container, "state.waiting.reason"))
        .find(|reason| !reason.is_empty());
    let given = waiting.or(Some(str_at(object, "status.reason")).filter(|reason| !reason.is_empty()));
    given.unwrap_or(str_at(object, "status.phase")).to_owned()
}

fn life(object: &Value) -> Life {
    match str_at(object, "status.phase") {
        "Failed" | "Succeeded" => Life::Over,
        _ if is_terminating(object) => Life::Ending,
        "Running" => Life::Up,
        _ => Life::Starting,
    }
}

fn service(store: &Store, object: &Value) -> Service {
    let port = items(object, "spec.ports").first().and_then(|port| field(port, "port").as_i64());
    let ip = str_at(object, "spec.clusterIP");
    let mut endpoints = Vec::new();
    let slices = store.list_in(Kind::EndpointSlice, Some(namespace(object)));
    for slice in slices.filter(|slice| label(slice, "labels", "kubernetes.io/service-name") == Some(name(object))) {
        let port = items(slice, "ports").first().and_then(|port| field(port, "port").as_i64());
        for endpoint in items(slice, "endpoints").iter().filter(|endpoint| field(endpoint, "conditions.ready") != false)
        {
            let address = items(endpoint, "addresses").first().and_then(Value::as_str).unwrap_or_default();
            endpoints.push(port.map_or(address.to_owned(), |port| format!("{address}:{port}")));
        }
    }
    let hidden_endpoints = endpoints.len().saturating_sub(3);
    endpoints.truncate(3);
    Service {
        name: name(object).to_owned(),
        address: port.map_or(ip.to_owned(), |port| format!("{ip}:{port}")),
        endpoints,
        hidden_endpoints,
    }
}
