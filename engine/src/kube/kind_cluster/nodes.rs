//! The nodes: how they join, with the events of their kubelets, and how they become ready.

use serde_json::{Value, json};

use super::{node_address, node_name, put};
use crate::event::Actor;
use crate::kube::api::{self, Report};
use crate::object;
use crate::store::{Kind, Object};
use crate::world::World;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// Images that a node has, and their sizes in bytes: what the node image contains and what was loaded into it.
const IMAGES: [(&str, u64); 14] = [
    ("docker.io/kindest/kindnetd:v20250512-df8de77b", 44_375_501),
    ("docker.io/kindest/local-path-provisioner:v20250214-acbabc1a", 22_541_737),
    ("docker.io/library/busybox:1.37", 2_223_685),
    ("docker.io/library/nginx:1.29", 72_319_182),
    ("docker.io/library/nginx:1.29.0", 72_319_182),
    ("registry.k8s.io/coredns/coredns:v1.12.1", 22_384_805),
    ("registry.k8s.io/e2e-test-images/agnhost:2.53", 57_004_114),
    ("registry.k8s.io/etcd:3.6.4-0", 74_311_308),
    ("registry.k8s.io/kube-apiserver:v1.34.0", 90_550_415),
    ("registry.k8s.io/kube-controller-manager:v1.34.0", 76_004_183),
    ("registry.k8s.io/kube-proxy:v1.34.0", 73_139_083),
    ("registry.k8s.io/kube-scheduler:v1.34.0", 53_844_825),
    ("registry.k8s.io/pause:3.10", 320_368),
    ("registry.k8s.io/pause:3.10.1", 320_448),
];

/// A node joins; until its network is up it is not ready.
pub(super) fn join(world: &mut World, number: u32, alone: bool) {
    let name = node_name(&world.options().cluster, number);
    let mut labels = json!({"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"});
    let mut taints = vec![json!({"key": NOT_READY, "effect": "NoSchedule"})];
    if number == 0 {
        labels[CONTROL_PLANE] = json!("");
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = json!("");
        if !alone {
            taints.push(json!({"key": CONTROL_PLANE, "effect": "NoSchedule"}));
        }
    }
    let range = format!("10.244.{number}.0/24");
    let cluster = world.options().cluster.clone();
    let status = status(world, number, &name);
    put(
        world,
        Kind::Node,
        json!({
            "metadata": {"name": name, "labels": labels, "annotations": {"node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
            "spec": {"podCIDR": range, "podCIDRs": [range], "providerID": format!("kind://docker/{cluster}/{name}"), "taints": taints},
            "status": status,
        }),
    );
    let Some(node) = world.store().find(Kind::Node, "", &name).cloned() else { return };
    let mut tell = |class: &str, reason: &str, message: &str| {
        report(world, "kubelet", &node, class, reason, message);
    };
    tell("Normal", "Starting", "Starting kubelet.");
    tell("Warning", "CgroupV1", "cgroup v1 support is in maintenance mode, please migrate to cgroup v2");
    for _ in 0..if number == 0 { 1 } else { 3 } {
        for reason in ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID"] {
            tell("Normal", reason, &format!("Node {name} status is now: {reason}"));
        }
    }
    tell("Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
}

fn status(world: &mut World, number: u32, name: &str) -> Value {
    let resources = json!({"cpu": "2", "ephemeral-storage": "264212084Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
        "memory": "24731708Ki", "pods": "110"});
    let machine = world.uid().replace('-', "");
    let images: Vec<Value> = IMAGES.iter().map(|(name, size)| json!({"names": [name], "sizeBytes": size})).collect();
    json!({
        "addresses": [{"type": "InternalIP", "address": node_address(number)}, {"type": "Hostname", "address": name}],
        "allocatable": resources, "capacity": resources,
        "conditions": conditions(world, None),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": images,
        "nodeInfo": {"architecture": "amd64", "bootID": world.uid(), "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.18.44-portlab-v1", "kubeProxyVersion": "", "kubeletVersion": "v1.34.0", "machineID": machine,
            "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)", "systemUUID": world.uid()},
    })
}

/// The four conditions of a node; `since`: when it joined, if it is ready now.
fn conditions(world: &World, since: Option<&Value>) -> Value {
    let now = json!(world.now().rfc3339());
    let (ready, reason, message) = match since {
        Some(_) => ("True", "KubeletReady", "kubelet is posting ready status"),
        None => (
            "False",
            "KubeletNotReady",
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
        ),
    };
    let mut all: Vec<Value> = Vec::new();
    for (kind, reason, message) in [
        ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ] {
        all.push(json!({"type": kind, "status": "False", "reason": reason, "message": message,
            "lastHeartbeatTime": now, "lastTransitionTime": since.unwrap_or(&now)}));
    }
    all.push(json!({"type": "Ready", "status": ready, "reason": reason, "message": message,
        "lastHeartbeatTime": now, "lastTransitionTime": now}));
    Value::Array(all)
}

/// What a component that runs on a node says about it.
fn report(world: &mut World, component: &str, node: &Value, class: &str, reason: &str, message: &str) {
    api::record_event(world, node, Report { component, node: object::name(node), class, reason, message, part: "" });
}

/// The node controller has noticed the node.
pub(super) fn registered(world: &mut World, number: u32) {
    let Some(node) = find(world, number) else { return };
    let name = object::name(&node).to_owned();
    let message = format!("Node {name} event: Registered Node {name} in Controller");
    let report = Report {
        component: "node-controller",
        node: "",
        class: "Normal",
        reason: "RegisteredNode",
        message: &message,
        part: "",
    };
    api::record_event(world, &node, report);
}

fn find(world: &World, number: u32) -> Option<Object> {
    let name = node_name(&world.options().cluster, number);
    world.store().find(Kind::Node, "", &name).cloned()
}

/// The node's network is up: it is ready, and its taint goes.
pub(super) fn ready(world: &mut World, number: u32) {
    let Some(node) = find(world, number) else { return };
    let name = object::name(&node).to_owned();
    let actor = Actor::Kubelet { node: name.clone() };
    let mut changed = (*node).clone();
    let joined = object::field(&node, "metadata.creationTimestamp").clone();
    changed["status"]["conditions"] = conditions(world, Some(&joined));
    let _ = api::update(world, actor.clone(), api::Part::Status, Kind::Node, "", &name, changed);
    let Some(node) = find(world, number) else { return };
    report(world, "kube-proxy", &node, "Normal", "Starting", "");
    report(world, "kubelet", &node, "Normal", "NodeReady", &format!("Node {name} status is now: NodeReady"));
    let mut changed = (*node).clone();
    let taints = object::items(&node, "spec.taints").iter().filter(|taint| object::str_at(taint, "key") != NOT_READY);
    let taints: Vec<Value> = taints.cloned().collect();
    object::set(&mut changed, "spec.taints", if taints.is_empty() { Value::Null } else { Value::Array(taints) });
    let _ = api::update(world, Actor::NodeController, api::Part::Main, Kind::Node, "", &name, changed);
}
