//! What runs in a kind cluster from the start: the control plane as static pods with their host ports, CoreDNS, kube-proxy,
//! kind's network daemon and its storage provisioner.

use serde_json::{Value, json};

use super::{node_address, node_name, put};
use crate::object;
use crate::store::Kind;
use crate::world::World;

const SYSTEM: &str = "kube-system";

/// `default/kubernetes`: the API server's own Service, which selects nothing and whose endpoint it writes itself.
pub(super) fn kubernetes_service(world: &mut World) {
    let meta = |labels: Value| json!({"name": "kubernetes", "namespace": "default", "labels": labels});
    let address = node_address(0);
    put(
        world,
        Kind::Service,
        json!({
            "metadata": meta(json!({"component": "apiserver", "provider": "kubernetes"})),
            "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"],
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]},
        }),
    );
    put(
        world,
        Kind::Endpoints,
        json!({
            "metadata": meta(json!({"endpointslice.kubernetes.io/skip-mirror": "true"})),
            "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}],
        }),
    );
    put(
        world,
        Kind::EndpointSlice,
        json!({
            "metadata": meta(json!({"kubernetes.io/service-name": "kubernetes"})),
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
        }),
    );
}

/// The control plane: (component, image, requested CPU, host port).
const CONTROL_PLANE: [(&str, &str, &str, u16); 4] = [
    ("etcd", "registry.k8s.io/etcd:3.6.4-0", "100m", 2381),
    ("kube-apiserver", "registry.k8s.io/kube-apiserver:v1.34.0", "250m", 6443),
    ("kube-controller-manager", "registry.k8s.io/kube-controller-manager:v1.34.0", "200m", 10257),
    ("kube-scheduler", "registry.k8s.io/kube-scheduler:v1.34.0", "100m", 10259),
];

/// The mirror pods of the control plane's static pods.
pub(super) fn static_pods(world: &mut World) {
    let node = node_name(&world.options().cluster, 0);
    let node_uid = world.store().find(Kind::Node, "", &node).map_or(String::new(), |node| object::uid(node).to_owned());
    for (component, image, cpu, port) in CONTROL_PLANE {
        let mut requests = json!({"cpu": cpu});
        if component == "etcd" {
            requests["memory"] = json!("100Mi");
        }
        let hash = world.uid().replace('-', "");
        let seen = world.now().rfc3339();
        put(
            world,
            Kind::Pod,
            json!({
                "metadata": {"name": format!("{component}-{node}"), "namespace": SYSTEM,
                    "labels": {"component": component, "tier": "control-plane"},
                    "annotations": {"kubernetes.io/config.hash": hash, "kubernetes.io/config.mirror": hash,
                        "kubernetes.io/config.seen": seen, "kubernetes.io/config.source": "file"},
                    "ownerReferences": [{"apiVersion": "v1", "controller": true, "kind": "Node", "name": node, "uid": node_uid}]},
                "spec": {"nodeName": node, "hostNetwork": true, "priorityClassName": "system-node-critical",
                    "automountServiceAccountToken": false,
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "tolerations": [{"effect": "NoExecute", "operator": "Exists"}],
                    "containers": [{"name": component, "image": image, "command": [component],
                        "ports": [{"containerPort": port, "name": "probe-port"}], "resources": {"requests": requests}}]},
            }),
        );
    }
}

/// What kubeadm and kind apply once the API server answers.
pub(super) fn addons(world: &mut World) {
    put(world, Kind::Namespace, json!({"metadata": {"name": "local-path-storage"}}));
    for (namespace, name) in [
        (SYSTEM, "coredns"),
        (SYSTEM, "kube-proxy"),
        (SYSTEM, "kindnet"),
        ("local-path-storage", "local-path-provisioner-service-account"),
    ] {
        put(world, Kind::ServiceAccount, json!({"metadata": {"name": name, "namespace": namespace}}));
    }
    dns(world);
    network(world);
    put(
        world,
        Kind::Deployment,
        json!({
            "metadata": {"name": "local-path-provisioner", "namespace": "local-path-storage"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "local-path-provisioner"}},
                "template": {"metadata": {"labels": {"app": "local-path-provisioner"}},
                    "spec": {"nodeSelector": {"kubernetes.io/os": "linux"},
                        "serviceAccountName": "local-path-provisioner-service-account",
                        "tolerations": control_plane_tolerations(),
                        "containers": [{"name": "local-path-provisioner",
                            "image": "docker.io/kindest/local-path-provisioner:v20250214-acbabc1a"}]}}},
        }),
    );
}

/// Pods that run on the control plane as well as elsewhere.
fn control_plane_tolerations() -> Value {
    json!([{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "operator": "Equal"},
        {"effect": "NoSchedule", "key": "node-role.kubernetes.io/master", "operator": "Equal"}])
}

fn dns(world: &mut World) {
    let labels = json!({"k8s-app": "kube-dns"});
    let port =
        |name: &str, number: u16, protocol: &str| json!({"name": name, "containerPort": number, "protocol": protocol});
    let spread = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100,
        "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns"]}]}}}]}});
    put(
        world,
        Kind::Deployment,
        json!({
            "metadata": {"name": "coredns", "namespace": SYSTEM, "labels": labels},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
                "template": {"metadata": {"labels": labels}, "spec": {
                    "affinity": spread, "dnsPolicy": "Default", "nodeSelector": {"kubernetes.io/os": "linux"},
                    "priorityClassName": "system-cluster-critical", "serviceAccountName": "coredns",
                    "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"},
                        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}],
                    "containers": [{"name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1.12.1",
                        "args": ["-conf", "/etc/coredns/Corefile"],
                        "ports": [port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("metrics", 9153, "TCP"),
                            port("liveness-probe", 8080, "TCP"), port("readiness-probe", 8181, "TCP")],
                        "resources": {"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
                        "livenessProbe": {"httpGet": {"path": "/health", "port": "liveness-probe"}, "failureThreshold": 5,
                            "initialDelaySeconds": 60, "timeoutSeconds": 5},
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": "readiness-probe"}}}]}}},
        }),
    );
    put(
        world,
        Kind::Service,
        json!({
            "metadata": {"name": "kube-dns", "namespace": SYSTEM, "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
                "labels": {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}},
            "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "selector": labels,
                "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
                    {"name": "metrics", "port": 9153, "protocol": "TCP", "targetPort": 9153}]},
        }),
    );
}

/// kube-proxy and kindnet: on every node, in its own network.
fn network(world: &mut World) {
    let any = json!([{"operator": "Exists"}]);
    put(
        world,
        Kind::DaemonSet,
        json!({
            "metadata": {"name": "kube-proxy", "namespace": SYSTEM, "labels": {"k8s-app": "kube-proxy"}},
            "spec": {"selector": {"matchLabels": {"k8s-app": "kube-proxy"}},
                "template": {"metadata": {"labels": {"k8s-app": "kube-proxy"}}, "spec": {
                    "hostNetwork": true, "nodeSelector": {"kubernetes.io/os": "linux"},
                    "priorityClassName": "system-node-critical", "serviceAccountName": "kube-proxy", "tolerations": any,
                    "containers": [{"name": "kube-proxy", "image": "registry.k8s.io/kube-proxy:v1.34.0"}]}}},
        }),
    );
    let resources = json!({"cpu": "100m", "memory": "50Mi"});
    put(
        world,
        Kind::DaemonSet,
        json!({
            "metadata": {"name": "kindnet", "namespace": SYSTEM, "labels": {"app": "kindnet", "k8s-app": "kindnet", "tier": "node"}},
            "spec": {"selector": {"matchLabels": {"app": "kindnet"}},
                "template": {"metadata": {"labels": {"app": "kindnet", "k8s-app": "kindnet", "tier": "node"}}, "spec": {
                    "hostNetwork": true, "nodeSelector": {"kubernetes.io/os": "linux"}, "serviceAccountName": "kindnet",
                    "priorityClassName": "system-node-critical", "tolerations": any,
                    "containers": [{"name": "kindnet-cni", "image": "docker.io/kindest/kindnetd:v20250512-df8de77b",
                        "resources": {"limits": resources, "requests": resources}}]}}},
        }),
    );
}
