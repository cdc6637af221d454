use serde_json::{Value, json};

use super::{cells, columns};
use crate::store::Kind;
use crate::time::Time;

const NOW: Time = Time(100_000);

#[track_caller]
fn row(kind: Kind, object: Value, want: &[&str]) {
    let got = cells(kind, &object, NOW);
    assert_eq!(got, want);
    assert_eq!(got.len(), columns(kind).len());
}

fn pod(spec: Value, status: Value) -> Value {
    json!({"metadata": {"name": "p", "creationTimestamp": "2026-11-21T17:00:00Z"}, "spec": spec, "status": status})
}

#[track_caller]
fn pod_row(pod: Value, want: &[&str; 4]) {
    assert_eq!(cells(Kind::Pod, &pod, NOW)[1..5], want.map(String::from));
}

#[test]
fn a_pods_status_is_its_phase_or_reason() {
    pod_row(pod(json!({"containers": [{"name": "c"}]}), json!({"phase": "Pending"})), &["0/1", "Pending", "0", "100s"]);
    pod_row(
        pod(json!({"containers": [{"name": "c"}]}), json!({"phase": "Failed", "reason": "NodePorts"})),
        &["0/1", "NodePorts", "0", "100s"],
    );
    let mut leaving = pod(json!({"containers": [{"name": "c"}]}), json!({"phase": "Running"}));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-11-21T17:01:00Z");
    pod_row(leaving.clone(), &["0/1", "Terminating", "0", "100s"]);
    leaving["status"]["phase"] = json!("Succeeded");
    pod_row(leaving, &["0/1", "Succeeded", "0", "100s"]);
    let gated = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]});
    pod_row(pod(json!({"containers": [{}]}), gated), &["0/1", "SchedulingGated", "0", "100s"]);
}

#[test]
fn containers_say_why_they_wait_or_ended() {
    let spec = json!({"containers": [{"name": "a"}, {"name": "b"}]});
    let last = json!({"terminated": {"finishedAt": "2026-11-21T17:01:30Z"}});
    let crash = json!({"name": "b", "restartCount": 2, "lastState": last, "state": {"waiting": {"reason": "CrashLoopBackOff"}}});
    let runs = json!({"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}});
    let status = json!({"phase": "Running", "containerStatuses": [runs, crash]});
    pod_row(pod(spec.clone(), status), &["1/2", "CrashLoopBackOff", "2 (10s ago)", "100s"]);
    let done = json!({"name": "b", "restartCount": 0, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
    let status = json!({"phase": "Running", "containerStatuses": [runs, done]});
    pod_row(pod(spec.clone(), status.clone()), &["1/2", "NotReady", "0", "100s"]);
    let mut ready = status;
    ready["conditions"] = json!([{"type": "Ready", "status": "True"}]);
    pod_row(pod(spec.clone(), ready), &["1/2", "Running", "0", "100s"]);
    let signalled =
        json!({"phase": "Running", "containerStatuses": [{"state": {"terminated": {"exitCode": 137, "signal": 9}}}]});
    pod_row(pod(spec, signalled), &["0/2", "Signal:9", "0", "100s"]);
}

#[test]
fn init_containers_come_first() {
    let spec = json!({"initContainers": [{"name": "one"}, {"name": "side", "restartPolicy": "Always"}], "containers": [{"name": "c"}]});
    let waiting = json!([{"name": "one", "restartCount": 0, "state": {"running": {}}}, {"name": "side", "state": {"waiting": {"reason": "PodInitializing"}}}]);
    pod_row(
        pod(spec.clone(), json!({"phase": "Pending", "initContainerStatuses": waiting})),
        &["0/2", "Init:0/2", "0", "100s"],
    );
    let failed = json!([{"name": "one", "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
    pod_row(
        pod(spec.clone(), json!({"phase": "Pending", "initContainerStatuses": failed})),
        &["0/2", "Init:CrashLoopBackOff", "1", "100s"],
    );
    let up = json!([{"name": "one", "state": {"terminated": {"exitCode": 0}}}, {"name": "side", "ready": true, "started": true, "state": {"running": {}}}]);
    let main = json!([{"name": "c", "ready": true, "state": {"running": {}}}]);
    pod_row(
        pod(spec, json!({"phase": "Running", "initContainerStatuses": up, "containerStatuses": main})),
        &["2/2", "Running", "0", "100s"],
    );
}

#[test]
fn services_and_endpoints() {
    let service = |spec: Value, status: Value| json!({"metadata": {"name": "s", "creationTimestamp": "2026-11-21T17:01:40Z"}, "spec": spec, "status": status});
    row(
        Kind::Service,
        service(
            json!({"type": "LoadBalancer", "clusterIPs": ["10.96.0.9"], "ports": [{"port": 80, "nodePort": 30001, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}], "selector": {"b": "1", "a": "2"}}),
            json!({"loadBalancer": {}}),
        ),
        &["s", "LoadBalancer", "10.96.0.9", "<pending>", "80:30001/TCP,53/UDP", "0s", "a=2,b=1"],
    );
    row(
        Kind::Service,
        service(json!({"type": "ExternalName", "externalName": "example.org"}), json!({})),
        &["s", "ExternalName", "<none>", "example.org", "<none>", "0s", "<none>"],
    );
    let slice = json!({"metadata": {"name": "e"}, "addressType": "IPv4", "ports": [{"port": 80}, {"name": "x"}], "endpoints": [{"addresses": ["1.1.1.1", "1.1.1.2"]}, {"addresses": ["1.1.1.3"]}, {"addresses": ["1.1.1.4"]}]});
    row(Kind::EndpointSlice, slice, &["e", "IPv4", "80,x", "1.1.1.1,1.1.1.2,1.1.1.3 + 1 more...", "<unknown>"]);
    row(
        Kind::EndpointSlice,
        json!({"metadata": {"name": "e"}, "addressType": "IPv4"}),
        &["e", "IPv4", "<unset>", "<unset>", "<unknown>"],
    );
    let endpoints = json!({"metadata": {"name": "e"}, "subsets": [{"addresses": [{"ip": "1.1.1.1"}, {"ip": "::1"}], "ports": [{"port": 80}]}]});
    row(Kind::Endpoints, endpoints, &["e", "1.1.1.1:80,[::1]:80", "<unknown>"]);
    row(Kind::Endpoints, json!({"metadata": {"name": "e"}}), &["e", "<none>", "<unknown>"]);
}

#[test]
fn nodes_and_events() {
    let node = json!({"metadata": {"name": "n", "labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "b"}}, "spec": {"unschedulable": true},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown"}], "addresses": [{"type": "InternalIP", "address": "172.18.0.2"}], "nodeInfo": {"kubeletVersion": "v1.34.0"}}});
    row(
        Kind::Node,
        node,
        &[
            "n",
            "NotReady,SchedulingDisabled",
            "b,control-plane",
            "<unknown>",
            "v1.34.0",
            "172.18.0.2",
            "<none>",
            "<unknown>",
            "<unknown>",
            "<unknown>",
        ],
    );
    let event = json!({"metadata": {"name": "e.1"}, "type": "Warning", "reason": "BackOff", "message": " again\n", "count": 3, "source": {"component": "kubelet", "host": "w"},
        "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"}, "firstTimestamp": "2026-11-21T17:00:45Z", "lastTimestamp": "2026-11-21T17:01:30Z"});
    assert_eq!(super::event::interval(&event, NOW), "10s (x3 over 55s)");
    row(
        Kind::Event,
        event,
        &["10s", "Warning", "BackOff", "pod/p", "spec.containers{c}", "kubelet, w", "again", "55s", "3", "e.1"],
    );
}
