//! Descriptions against those of the real cluster, made from the objects that it showed in YAML.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use std::rc::Rc;

use serde_json::{Value, json};

use super::{Around, describe};
use crate::object::{items, set};
use crate::store::{Key, Kind, Store};
use crate::time::Time;
use crate::yaml;

/// What a command printed in a transcript.
fn printed(transcript: &str, command: &str) -> String {
    let path = format!("{}/../golden/kubectl/{transcript}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the transcripts are in the repository");
    let begin = text.find(&format!("$ {command}\n")).expect("the command is in the transcript") + command.len() + 3;
    let end = text[begin..].find("\n$ ").map_or(text.len(), |end| begin + end);
    text[begin..end].to_owned()
}

fn object(transcript: &str, command: &str) -> Value {
    yaml::parse(&printed(transcript, command)).expect("it is YAML")[0].value.clone()
}

fn store(objects: &[(Kind, Value)]) -> Store {
    let mut store = Store::default();
    for (kind, object) in objects {
        store.put(&Key::of(*kind, object), Rc::new(object.clone()));
    }
    store
}

#[track_caller]
fn check(kind: Kind, object: &Value, store: &Store, want: &str) {
    let around = Around { store, now: Time(300_000), show_events: false };
    let want = want.split("Events:").next().unwrap_or(want);
    assert_eq!(describe(kind, object, around), want);
}

#[test]
fn pods() {
    for (transcript, name) in [("01-hostport", "web-7d8f5446c9-mdx2d"), ("05-hostnetwork", "forced")] {
        let pod = object(transcript, &format!("kubectl get pod {name} -o yaml"));
        let want = printed(transcript, &format!("kubectl describe pod {name}"));
        check(Kind::Pod, &pod, &Store::default(), &want);
    }
}

#[test]
fn a_deployment_with_its_replica_set() {
    let deployment = object("01-hostport", "kubectl get deployment web -o yaml");
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!("7d8f5446c9");
    let owner =
        json!([{"kind": "Deployment", "name": "web", "controller": true, "uid": deployment["metadata"]["uid"]}]);
    let set = json!({"metadata": {"name": "web-7d8f5446c9", "namespace": "default", "ownerReferences": owner},
        "spec": {"replicas": 3, "template": template}, "status": {"replicas": 3}});
    let want = printed("01-hostport", "kubectl describe deployment web");
    check(Kind::Deployment, &deployment, &store(&[(Kind::ReplicaSet, set)]), &want);
}

#[test]
fn a_service_with_its_endpoints() {
    let service = object("04-services", "kubectl get svc api -o yaml");
    let list = object("04-services", "kubectl get endpointslices -l kubernetes.io/service-name=api -o yaml");
    let store = store(&[(Kind::EndpointSlice, items(&list, "items")[0].clone())]);
    check(Kind::Service, &service, &store, &printed("04-services", "kubectl describe svc api"));
    let endpoints = json!({"metadata": {"name": "api", "namespace": "default",
            "labels": {"endpoints.kubernetes.io/managed-by": "endpoint-controller"},
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2026-11-21T17:05:35Z"}},
        "subsets": [{"addresses": [{"ip": "10.244.1.8"}, {"ip": "10.244.2.9"}], "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}]});
    let want = printed("04-services", "kubectl describe endpoints api");
    let want = want.split_once('\n').map_or(want.as_str(), |(_warning, rest)| rest);
    check(Kind::Endpoints, &endpoints, &store, want);
}

/// The lines of a pod's description that stand between two titles.
fn lines_between(pod: &Value, begin: &str, end: &str) -> String {
    let around = Around { store: &Store::default(), now: Time(0), show_events: false };
    let text = describe(Kind::Pod, pod, around);
    let from = text.find(begin).expect("the first title is there") + begin.len();
    let to = text[from..].find(end).expect("the second title is there");
    text[from..from + to].to_owned()
}

#[test]
fn containers_in_all_their_parts() {
    let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": [{
        "name": "c", "image": "i", "command": ["sh", "-c"], "args": ["echo a\necho b"],
        "ports": [{"containerPort": 80, "protocol": "TCP", "name": "web"}, {"containerPort": 53, "hostPort": 53, "protocol": "UDP"}],
        "resources": {"limits": {"memory": "1Gi", "cpu": "500m"}, "requests": {"cpu": "250m"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "web", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        "readinessProbe": {"tcpSocket": {"port": 80}, "initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        "startupProbe": {"exec": {"command": ["cat", "/x"]}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        "env": [{"name": "A", "value": "b"},
            {"name": "NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}}],
        "volumeMounts": [{"mountPath": "/b", "name": "v", "readOnly": true}, {"mountPath": "/a", "name": "v", "subPath": "s"}]}]},
        "status": {"containerStatuses": [{"name": "c", "containerID": "containerd://x", "imageID": "y", "ready": false, "restartCount": 2,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": "2026-11-21T17:00:00Z", "finishedAt": "2026-11-21T17:00:01Z"}}}]}});
    assert_eq!(
        lines_between(&pod, "Containers:\n", "Volumes:"),
        r#"  c:
    Container ID:  containerd://x
    Image:         i
    Image ID:      y
    Ports:         80/TCP (web), 53/UDP
    Host Ports:    0/TCP (web), 53/UDP
    Command:
      sh
      -c
    Args:
      echo a
      echo b
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Exit Code:    1
      Started:      Sat, 21 Nov 2026 17:00:00 +0000
      Finished:     Sat, 21 Nov 2026 17:00:01 +0000
    Ready:          False
    Restart Count:  2
    Limits:
      cpu:     500m
      memory:  1Gi
    Requests:
      cpu:      250m
    Liveness:   http-get http://:web/healthz delay=0s timeout=1s period=10s #success=1 #failure=3
    Readiness:  tcp-socket :80 delay=5s timeout=1s period=10s #success=1 #failure=3
    Startup:    exec [cat /x] delay=0s timeout=1s period=10s #success=1 #failure=3
    Environment:
      A:     b
      NAME:  p (v1:metadata.name)
      IP:     (v1:status.podIP)
      CPU:   1 (limits.cpu)
      K:     <set to the key 'k' of config map 'm'>  Optional: false
    Mounts:
      /a from v (rw,path="s")
      /b from v (ro)
"#
    );
}

#[test]
fn a_nodes_allocated_resources() {
    let node = json!({"metadata": {"name": "w"}, "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "110", "example.com/gpu": "4", "hugepages-2Mi": "0"}}});
    let pod = |name: &str, cpu: &str, memory: &str| {
        json!({"metadata": {"name": name, "namespace": "default"}, "spec": {"nodeName": "w",
            "initContainers": [{"resources": {"requests": {"cpu": "300m"}}}],
            "containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "example.com/gpu": "1"}}}]}})
    };
    let mut ended = pod("ended", "1", "1Gi");
    set(&mut ended, "status.phase", "Succeeded");
    let store =
        store(&[(Kind::Pod, pod("a", "500m", "100Mi")), (Kind::Pod, pod("b", "100m", "28Mi")), (Kind::Pod, ended)]);
    let text = describe(Kind::Node, &node, Around { store: &store, now: Time(0), show_events: false });
    let from = text.find("Non-terminated Pods").expect("pods are listed");
    assert_eq!(
        &text[from..],
        "Non-terminated Pods:          (2 in total)
  Namespace                   Name    CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  ---------                   ----    ------------  ----------  ---------------  -------------  ---
  default                     a       500m (25%)    500m (25%)  100Mi (9%)       0 (0%)         <unknown>
  default                     b       300m (15%)    100m (5%)   28Mi (2%)        0 (0%)         <unknown>
Allocated resources:
  (Total limits may be over 100 percent, i.e., overcommitted.)
  Resource           Requests     Limits
  --------           --------     ------
  cpu                800m (40%)   600m (30%)
  memory             128Mi (12%)  0 (0%)
  ephemeral-storage  0 (0%)       0 (0%)
  hugepages-2Mi      0 (0%)       0 (0%)
  example.com/gpu    0            2
"
    );
}
