//! The pods behind a Service: who belongs, at which ports, and in what condition. `slices` writes them as EndpointSlices,
//! `legacy` as the Endpoints object that `kubectl get endpoints` shows.
//!
//! Source: Kubernetes 1.34 `staging/src/k8s.io/endpointslice` and `pkg/controller/endpoint`. Leaves out: IPv6 and dual stack,
//! topology hints, and the mirroring of Endpoints that users write themselves.

mod legacy;
mod slices;

use serde_json::{Map, Value, json};

use super::client::{self, Failure};
use super::pods;
use crate::event::Actor;
use crate::object::{self, bool_at, field, int_at, items, selector, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

const ACTOR: Actor = Actor::EndpointSliceController;
const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// A pod behind a Service.
#[derive(Clone, Debug)]
struct Member {
    pod: Object,
    ip: String,
    /// The Service's ports as they are on this pod: EndpointPort objects, in the Service's order.
    ports: Vec<Value>,
    serving: bool,
    terminating: bool,
    ready: bool,
}

/// Writes what stands behind the Service `key` now; cleans up when it is gone or selects nothing.
pub fn sync(world: &mut World, key: &Key) -> Result<(), Failure> {
    let service = world.store().get(key).cloned();
    let selecting = service.filter(|service| selects(service));
    let Some(service) = selecting else {
        return if world.store().get(key).is_none() { legacy::remove(world, key) } else { Ok(()) };
    };
    if object::is_terminating(&service) {
        return Ok(());
    }
    let members = members(world, &service);
    let slices = slices::sync(world, &service, &members);
    slices.and(legacy::sync(world, &service, &members))
}

/// Whether the Service finds its pods by labels.
pub fn selects(service: &Value) -> bool {
    str_at(service, "spec.type") != "ExternalName"
        && field(service, "spec.selector").as_object().is_some_and(|selector| !selector.is_empty())
}

/// Whether a pod with these labels is, or would be, behind the Service.
pub fn covers(service: &Value, pod: &Value) -> bool {
    selects(service) && selector::map_matches(field(service, "spec.selector"), object::labels(pod))
}

fn members(world: &World, service: &Value) -> Vec<Member> {
    let publish_all = bool_at(service, "spec.publishNotReadyAddresses");
    let pods = world.store().list_in(Kind::Pod, Some(object::namespace(service)));
    pods.filter(|pod| covers(service, pod))
        .filter(|pod| !matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed"))
        .filter(|pod| !str_at(pod, "status.podIP").is_empty())
        .map(|pod| {
            let (serving, terminating) = (pods::is_ready(pod), object::is_terminating(pod));
            Member {
                pod: pod.clone(),
                ip: str_at(pod, "status.podIP").to_owned(),
                ports: ports(service, pod),
                serving,
                terminating,
                ready: publish_all || (serving && !terminating),
            }
        })
        .collect()
}

/// The Service's ports on a pod. A named port that the pod lacks is left out, for this pod alone.
fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for port in items(service, "spec.ports") {
        let target = match field(port, "targetPort") {
            Value::String(name) => named_port(pod, name, str_at(port, "protocol")),
            number => number.as_i64().filter(|number| *number > 0).or_else(|| int_at(port, "port")),
        };
        let Some(target) = target else { continue };
        let mut entry = json!({"name": str_at(port, "name"), "port": target, "protocol": str_at(port, "protocol")});
        if !str_at(port, "appProtocol").is_empty() {
            entry["appProtocol"] = field(port, "appProtocol").clone();
        }
        found.push(entry);
    }
    found
}

fn named_port(pod: &Value, name: &str, protocol: &str) -> Option<i64> {
    let sidecars = items(pod, "spec.initContainers").iter().filter(|one| str_at(one, "restartPolicy") == "Always");
    let containers = items(pod, "spec.containers").iter().chain(sidecars);
    let mut ports = containers.flat_map(|container| items(container, "ports"));
    let port = ports.find(|port| str_at(port, "name") == name && str_at(port, "protocol") == protocol)?;
    int_at(port, "containerPort")
}

fn is_headless(service: &Value) -> bool {
    matches!(str_at(service, "spec.clusterIP"), "" | "None")
}

/// When what stands behind the Service last changed: the Service's creation, or a pod becoming ready.
fn trigger_time(service: &Value, members: &[Member]) -> String {
    let ready = members.iter().filter_map(|member| object::condition(&member.pod, "Ready"));
    let times = ready.map(|condition| str_at(condition, "lastTransitionTime"));
    times.chain([str_at(service, "metadata.creationTimestamp")]).max().unwrap_or("").to_owned()
}

fn target_reference(pod: &Value) -> Value {
    json!({"kind": "Pod", "namespace": object::namespace(pod), "name": object::name(pod), "uid": object::uid(pod)})
}

/// The Service's own labels, without those that say something else on an EndpointSlice or Endpoints.
fn inherited_labels(service: &Value) -> Map<String, Value> {
    let own = object::entries(service, "metadata.labels");
    let mut labels: Map<String, Value> = own.map(|(key, value)| (key.to_owned(), value.clone())).collect();
    if is_headless(service) {
        labels.insert(HEADLESS.to_owned(), json!(""));
    } else {
        labels.remove(HEADLESS);
    }
    labels
}
