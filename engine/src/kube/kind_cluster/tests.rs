//! A fresh cluster, as the golden transcripts show it.

use crate::lab::{Lab, LabOptions, Nodes};
use crate::object::{self, int_at, items, str_at};
use crate::store::Kind;

/// Pods with their node, phase and host ports; what the cluster chose at random is left out of the names.
fn pods(lab: &Lab) -> Vec<String> {
    let describe = |pod: &serde_json::Value| {
        let generated = str_at(pod, "metadata.generateName");
        let name =
            if generated.is_empty() { object::name(pod) } else { str_at(object::controller(pod).unwrap(), "name") };
        let ready = if object::condition_is_true(pod, "Ready") { "ready" } else { "not ready" };
        let ports = items(pod, "spec.containers").iter().flat_map(|container| items(container, "ports"));
        let ports: Vec<String> =
            ports.filter_map(|port| int_at(port, "hostPort")).map(|port| port.to_string()).collect();
        let name = name
            .rsplit_once('-')
            .filter(|_| name.starts_with("coredns-") || name.starts_with("local-"))
            .map_or(name, |n| n.0);
        // Which of the pods came first is chance, so of a pod's own address only the network counts.
        let ip = str_at(pod, "status.podIP");
        let ip = ip.rsplit_once('.').filter(|_| ip.starts_with("10.244")).map_or(ip, |network| network.0);
        format!("{name} {} {ip} {ready} {}", str_at(pod, "spec.nodeName"), ports.join(","))
    };
    let mut pods: Vec<String> = lab.state().store.list(Kind::Pod).map(|pod| describe(pod)).collect();
    pods.sort();
    pods
}

#[test]
fn three_nodes() {
    let lab = Lab::new(LabOptions::default());
    assert_eq!(lab.now(), crate::time::Time(0));
    let expected = [
        "coredns portlab-control-plane 10.244.0 ready ",
        "coredns portlab-control-plane 10.244.0 ready ",
        "etcd-portlab-control-plane portlab-control-plane 172.18.0.2 ready 2381",
        "kindnet portlab-control-plane 172.18.0.2 ready ",
        "kindnet portlab-worker 172.18.0.3 ready ",
        "kindnet portlab-worker2 172.18.0.4 ready ",
        "kube-apiserver-portlab-control-plane portlab-control-plane 172.18.0.2 ready 6443",
        "kube-controller-manager-portlab-control-plane portlab-control-plane 172.18.0.2 ready 10257",
        "kube-proxy portlab-control-plane 172.18.0.2 ready ",
        "kube-proxy portlab-worker 172.18.0.3 ready ",
        "kube-proxy portlab-worker2 172.18.0.4 ready ",
        "kube-scheduler-portlab-control-plane portlab-control-plane 172.18.0.2 ready 10259",
        "local-path-provisioner portlab-control-plane 10.244.0 ready ",
    ];
    assert_eq!(pods(&lab), expected);
    for kind in [Kind::Deployment, Kind::ReplicaSet] {
        for object in lab.state().store.list(kind) {
            assert_eq!(int_at(object, "status.availableReplicas"), int_at(object, "spec.replicas"), "{object:#}");
        }
    }
    let taints = |node: &str| lab.state().store.find(Kind::Node, "", node).map(|node| items(node, "spec.taints").len());
    assert_eq!(taints("portlab-control-plane"), Some(1));
    assert_eq!(taints("portlab-worker"), Some(0));
}

#[test]
fn a_lone_control_plane_has_no_taint() {
    let lab = Lab::new(LabOptions { nodes: Nodes::Kind(1), cluster: "one".to_owned(), ..LabOptions::default() });
    let nodes: Vec<_> = lab.state().store.list(Kind::Node).collect();
    assert_eq!(nodes.len(), 1);
    assert_eq!(object::name(nodes[0]), "one-control-plane");
    assert!(items(nodes[0], "spec.taints").is_empty());
    assert!(pods(&lab).iter().all(|pod| pod.contains(" ready ")), "{:?}", pods(&lab));
}

#[test]
fn without_nodes_there_is_what_an_api_server_makes() {
    let lab = Lab::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
    assert_eq!(lab.state().store.list(Kind::Node).count() + lab.state().store.list(Kind::Pod).count(), 0);
    let names = |kind| lab.state().store.list(kind).map(|object| object::name(object)).collect::<Vec<_>>();
    assert_eq!(names(Kind::Namespace), ["default", "kube-node-lease", "kube-public", "kube-system"]);
    assert_eq!(names(Kind::PriorityClass), ["system-cluster-critical", "system-node-critical"]);
    assert_eq!(names(Kind::Service), ["kubernetes"]);
}
