//! What a kubelet checks before it takes a pod, whoever bound it: the scheduler's filters for resources, node affinity, node name
//! and host ports once more, and NoExecute taints. A pod that was forced onto a node by `nodeName` can fail here.
//!
//! Source: Kubernetes 1.34 `pkg/kubelet/lifecycle/predicate.go`, `pkg/scheduler/eventhandlers.go` (`AdmissionCheck`). Leaves out:
//! preempting other pods in favour of a critical one.

use std::rc::Rc;

use serde_json::Value;

use crate::kube::scheduler::node_info::NodeInfo;
use crate::kube::scheduler::trace::Reason;
use crate::kube::scheduler::{
    node_affinity, node_info, node_name, node_ports, node_resources_fit, pod_info, taint_toleration,
};
use crate::object::{self, str_at};
use crate::store::Kind;
use crate::world::World;

/// Why a node does not take a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: String,
    pub message: String,
}

fn predicate(name: &str, why: &str) -> Refusal {
    Refusal { reason: name.to_owned(), message: format!("Predicate {name} failed: {why}") }
}

/// Whether the node takes the pod beside those that it has taken already.
pub fn check(world: &World, pod: &Value, node: &str) -> Result<(), Refusal> {
    let Some(object) = world.store().find(Kind::Node, "", node) else { return Ok(()) };
    let mut info = NodeInfo::new(node_info::read(object));
    for (uid, runtime) in world.kube.kubelet.pods.iter().filter(|(_, runtime)| runtime.node == node) {
        let other = world.store().get(&runtime.pod).filter(|other| object::uid(other) == uid);
        if let Some(other) = other.filter(|other| !matches!(str_at(other, "status.phase"), "Succeeded" | "Failed")) {
            info.add_pod(&Rc::new(pod_info::read(other)));
        }
    }
    let mut pod = pod_info::read(pod);
    // The node is given; what its name says is all that the filter of names is asked.
    pod.node_name = node.to_owned();
    if let Err(Reason::TooLittle(missing)) = node_resources_fit::filter(&pod, &info)
        && let Some(first) = missing.first()
    {
        let message = format!(
            "Node didn't have enough resource: {}, requested: {}, used: {}, capacity: {}",
            first.resource, first.wanted, first.used, first.allocatable
        );
        return Err(Refusal { reason: format!("OutOf{}", first.resource), message });
    }
    if node_affinity::filter(&pod, &info).is_err() {
        return Err(predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"));
    }
    if node_name::filter(&pod, &info).is_err() {
        return Err(predicate("NodeName", "node(s) didn't match the requested node name"));
    }
    if node_ports::filter(&pod, &info).is_err() {
        return Err(predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports"));
    }
    let driven_out = info.spec.taints.iter().any(|taint| {
        &*taint.effect == "NoExecute" && !pod.tolerations.iter().any(|one| taint_toleration::tolerates(one, taint))
    });
    if driven_out {
        return Err(predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate"));
    }
    Ok(())
}
