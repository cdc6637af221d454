//! Where daemon pods belong: nodeName, nodeSelector, node affinity and taints, with the tolerations that every daemon gets.
//!
//! Source: Kubernetes 1.34 `pkg/controller/daemon` (`NodeShouldRunDaemonPod`) and `daemon/util`.

use serde_json::{Value, json};

use crate::kube::scheduler::pod_info::{self, PodInfo};
use crate::kube::scheduler::{node_info, taint_toleration};
use crate::object::{self, bool_at, field, items, str_at};

/// What a node is to a DaemonSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// A pod belongs here.
    Run,
    /// None is made, but one that is here stays (an untolerated NoSchedule taint).
    Stay,
    /// None may be here.
    Stop,
}

/// (key, effect) of the taints that every daemon pod tolerates; the last only with hostNetwork.
const TOLERATED: [(&str, &str); 7] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ("node.kubernetes.io/network-unavailable", "NoSchedule"),
];

/// What a DaemonSet asks of the nodes that its pods are to be on.
pub struct Daemons {
    /// `nodeName` of the template; empty for any.
    named: String,
    pod: PodInfo,
}

impl Daemons {
    pub fn of(set: &Value) -> Daemons {
        let mut template = field(set, "spec.template").clone();
        let named = str_at(&template, "spec.nodeName").to_owned();
        add_tolerations(&mut template);
        Daemons { named, pod: pod_info::read(&template) }
    }

    pub fn on(&self, node: &Value) -> Placement {
        if !self.named.is_empty() && self.named != object::name(node) {
            return Placement::Stop;
        }
        let node = node_info::read(node);
        if !self.pod.selects_node(&node.name, &node.labels) {
            return Placement::Stop;
        }
        let repels = |effects: &[&str]| {
            node.taints.iter().any(|taint| {
                effects.contains(&&*taint.effect)
                    && !self.pod.tolerations.iter().any(|one| taint_toleration::tolerates(one, taint))
            })
        };
        if !repels(&["NoSchedule", "NoExecute"]) {
            Placement::Run
        } else if repels(&["NoExecute"]) {
            Placement::Stop
        } else {
            Placement::Stay
        }
    }
}

/// Adds the tolerations of daemons; one that the template has for the same taint gives way.
pub fn add_tolerations(template: &mut Value) {
    let host_network = bool_at(template, "spec.hostNetwork");
    let mut tolerations = items(template, "spec.tolerations").to_vec();
    for (key, effect) in TOLERATED.iter().take(if host_network { 7 } else { 6 }) {
        let wanted = json!({"key": key, "operator": "Exists", "effect": effect});
        let same = |one: &Value| ["key", "operator", "effect"].iter().all(|name| one.get(name) == wanted.get(name));
        match tolerations.iter_mut().find(|one| same(one)) {
            Some(one) => *one = wanted,
            None => tolerations.push(wanted),
        }
    }
    object::set(template, "spec.tolerations", tolerations);
}

/// Makes the scheduler place the pod on this node and no other.
pub fn pin(template: &mut Value, node: &str) {
    let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    let path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    object::set(template, path, json!([term]));
}

/// The node that a daemon pod is on, or is pinned to.
pub fn target_node(pod: &Value) -> Option<&str> {
    let bound = str_at(pod, "spec.nodeName");
    if !bound.is_empty() {
        return Some(bound);
    }
    let path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    let fields = items(pod, path).iter().flat_map(|term| items(term, "matchFields"));
    let mut named = fields.filter(|one| str_at(one, "key") == "metadata.name" && str_at(one, "operator") == "In");
    named.find_map(|one| items(one, "values").first()?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(template_spec: Value, node_spec: Value) -> Placement {
        let set = json!({"spec": {"template": {"metadata": {"labels": {"app": "edge"}}, "spec": template_spec}}});
        let node = json!({"metadata": {"name": "n", "labels": {"disk": "ssd"}}, "spec": node_spec});
        Daemons::of(&set).on(&node)
    }

    #[test]
    fn where_daemons_run() {
        let taint = |key: &str, effect: &str| json!({"taints": [{"key": key, "effect": effect}]});
        let plain = || json!({"containers": []});
        assert_eq!(placement(plain(), json!({})), Placement::Run);
        assert_eq!(placement(plain(), taint("dedicated", "NoSchedule")), Placement::Stay);
        assert_eq!(placement(plain(), taint("dedicated", "NoExecute")), Placement::Stop);
        assert_eq!(placement(plain(), taint("node.kubernetes.io/unschedulable", "NoSchedule")), Placement::Run);
        assert_eq!(placement(json!({"nodeSelector": {"disk": "hdd"}}), json!({})), Placement::Stop);
        assert_eq!(placement(json!({"nodeName": "other"}), json!({})), Placement::Stop);
        let all = json!({"tolerations": [{"operator": "Exists"}]});
        assert_eq!(placement(all, taint("dedicated", "NoExecute")), Placement::Run);
    }

    #[test]
    fn pinned_pods_know_their_node() {
        let mut template = json!({"spec": {}});
        assert_eq!(target_node(&template), None);
        pin(&mut template, "worker");
        assert_eq!(target_node(&template), Some("worker"));
        add_tolerations(&mut template);
        let once = template.clone();
        add_tolerations(&mut template);
        assert_eq!(template, once);
        assert_eq!(items(&template, "spec.tolerations").len(), 6);
    }
}
