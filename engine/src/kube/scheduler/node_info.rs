//! A node as the scheduler sees it: its labels and taints, the pods on it, and what they take.
//!
//! Source: `pkg/scheduler/framework/types.go` (NodeInfo, HostPortInfo). Kept as the real one keeps it, oddities
//! included: used host ports are a set, so when one of two pods that were forced onto the same port goes, the port
//! counts as free though the other still claims it; and a removed pod's place is taken by the last one.

use super::pod_info::{HostPort, PodInfo, PodRef};
use super::resources::{Resources, resource_list};
use super::selector::{Labels, labels};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The address that overlaps every other.
pub const ANY_HOST_IP: &str = "0.0.0.0";

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    pub key: Rc<str>,
    pub value: Rc<str>,
    pub effect: Rc<str>,
}

/// What the Node object says.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    pub name: Rc<str>,
    pub labels: Labels,
    pub taints: Vec<Taint>,
    pub unschedulable: bool,
    pub allocatable: Resources,
    /// Size in bytes of each image the node has, by normalised name.
    pub images: BTreeMap<String, i64>,
}

/// A node and its pods.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    pub spec: Rc<NodeSpec>,
    pub pods: Vec<Rc<PodInfo>>,
    pub requested: Resources,
    /// CPU in thousandths and memory in bytes, with the defaults of scoring.
    pub non_zero: (i64, i64),
    /// Sorted.
    pub used_ports: Vec<HostPort>,
}

/// Reads a Node object.
pub fn read(node: &Value) -> NodeSpec {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| -> Rc<str> { value.as_str().unwrap_or_default().into() };
    let taint = |taint: &Value| Taint {
        key: text(&taint["key"]),
        value: text(&taint["value"]),
        effect: text(&taint["effect"]),
    };
    let mut images = BTreeMap::new();
    for image in list(&node["status"]["images"]) {
        for name in list(&image["names"]) {
            let size = image["sizeBytes"].as_i64().unwrap_or(0);
            images.entry(name.as_str().unwrap_or_default().to_string()).or_insert(size);
        }
    }
    NodeSpec {
        name: text(&node["metadata"]["name"]),
        labels: labels(&node["metadata"]["labels"]),
        taints: list(&node["spec"]["taints"]).iter().map(taint).collect(),
        unschedulable: node["spec"]["unschedulable"] == true,
        allocatable: Resources::from_list(&resource_list(&node["status"]["allocatable"])),
        images,
    }
}

impl NodeInfo {
    pub fn new(spec: NodeSpec) -> NodeInfo {
        NodeInfo {
            spec: Rc::new(spec),
            pods: Vec::new(),
            requested: Resources::default(),
            non_zero: (0, 0),
            used_ports: Vec::new(),
        }
    }

    pub fn name(&self) -> &Rc<str> {
        &self.spec.name
    }

    pub fn labels(&self) -> &Labels {
        &self.spec.labels
    }

    pub fn add_pod(&mut self, pod: &Rc<PodInfo>) {
        self.count(pod, 1);
        for port in &pod.host_ports {
            if let Err(at) = self.used_ports.binary_search(port) {
                self.used_ports.insert(at, port.clone());
            }
        }
        self.pods.push(pod.clone());
    }

    /// Takes the pod off the node; false when it was not there.
    pub fn remove_pod(&mut self, id: &PodRef) -> bool {
        let Some(at) = self.pods.iter().position(|pod| *pod.id == *id) else { return false };
        let pod = self.pods.swap_remove(at);
        self.count(&pod, -1);
        for port in &pod.host_ports {
            if let Ok(at) = self.used_ports.binary_search(port) {
                self.used_ports.remove(at);
            }
        }
        true
    }

    fn count(&mut self, pod: &PodInfo, sign: i64) {
        self.requested.add(&pod.requests, sign);
        self.non_zero.0 += sign * pod.non_zero.0;
        self.non_zero.1 += sign * pod.non_zero.1;
    }

    /// The used port that overlaps `wanted`: same number and protocol, and the same address or either 0.0.0.0.
    pub fn port_conflict(&self, wanted: &HostPort) -> Option<&HostPort> {
        let start = self.used_ports.partition_point(|p| (p.port, p.protocol) < (wanted.port, wanted.protocol));
        let same =
            self.used_ports[start..].iter().take_while(|p| (p.port, p.protocol) == (wanted.port, wanted.protocol));
        let any = |ip: &str| ip == ANY_HOST_IP;
        same.into_iter().find(|p| any(&p.host_ip) || any(&wanted.host_ip) || p.host_ip == wanted.host_ip)
    }

    /// A pod on this node that claims exactly this port.
    pub fn port_holder(&self, port: &HostPort) -> Option<&Rc<PodInfo>> {
        self.pods.iter().find(|pod| pod.host_ports.contains(port))
    }
}
