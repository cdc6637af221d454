use std::rc::Rc;

use serde_json::{Value, json};

use crate::event::{Actor, Verb, What};
use crate::lab::{LabOptions, Nodes, Place};
use crate::store::{Key, Kind};
use crate::tools::{Cx, Env};
use crate::world::World;

fn store(world: &mut World, object: Value) {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or("").to_owned();
    let kind = Kind::of(&text("/apiVersion"), &text("/kind")).expect("a kind that portlab has");
    let key = Key::of(kind, &object);
    world.commit(Actor::Lab, What::Stored { key, verb: Verb::Added, old: None, new: Rc::new(object) });
}

fn pod(namespace: &str, name: &str, app: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}, "creationTimestamp": "2026-11-21T16:58:00Z"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "nginx:1.29"}]},
        "status": {"phase": "Running", "podIPs": [{"ip": "10.244.1.2"}],
            "containerStatuses": [{"name": "c", "ready": true, "restartCount": 0, "state": {"running": {}}}]},
    })
}

fn world() -> World {
    let mut world = World::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
    store(&mut world, pod("default", "b", "web", "w1"));
    store(&mut world, pod("default", "a-long-name", "api", "w2"));
    store(&mut world, pod("kube-system", "proxy", "proxy", "w1"));
    let service =
        json!({"type": "ClusterIP", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 443, "protocol": "TCP"}]});
    store(
        &mut world,
        json!({"apiVersion": "v1", "kind": "Service", "spec": service,
        "metadata": {"name": "kubernetes", "namespace": "default", "creationTimestamp": "2026-11-21T16:59:00Z"}}),
    );
    for name in ["default", "kube-system"] {
        store(
            &mut world,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "status": {"phase": "Active"}}),
        );
    }
    world
}

#[track_caller]
fn check(line: &str, want: &str) {
    let mut world = world();
    let mut env = Env::default();
    let args = line.split(' ').map(str::to_owned).collect();
    let mut cx = Cx {
        world: &mut world,
        place: &Place::Workstation,
        host: "workstation".into(),
        args,
        stdin: String::new(),
        env: &mut env,
        out: Vec::new(),
    };
    let exit = super::super::run(&mut cx);
    let mut got: String = cx.out.iter().map(|(_, text)| text.as_str()).collect();
    if exit != 0 {
        got.push_str(&format!("[exit {exit}]\n"));
    }
    assert_eq!(got, want, "{line}");
}

#[test]
fn tables_of_one_kind() {
    check(
        "kubectl get pods",
        "NAME          READY   STATUS    RESTARTS   AGE\na-long-name   1/1     Running   0          2m\nb             1/1     Running   0          2m\n",
    );
    check(
        "kubectl get po -A --no-headers",
        "default       a-long-name   1/1   Running   0     2m\ndefault       b             1/1   Running   0     2m\nkube-system   proxy         1/1   Running   0     2m\n",
    );
    check(
        "kubectl get pod b -o wide",
        "NAME   READY   STATUS    RESTARTS   AGE   IP           NODE   NOMINATED NODE   READINESS GATES\nb      1/1     Running   0          2m    10.244.1.2   w1     <none>           <none>\n",
    );
    check(
        "kubectl get pods -l app!=web -L app --show-labels",
        "NAME          READY   STATUS    RESTARTS   AGE   APP   LABELS\na-long-name   1/1     Running   0          2m    api   app=api\n",
    );
    check(
        "kubectl get pods --field-selector spec.nodeName=w1 --show-kind",
        "NAME    READY   STATUS    RESTARTS   AGE\npod/b   1/1     Running   0          2m\n",
    );
    check(
        "kubectl get pods --sort-by=.spec.nodeName",
        "NAME          READY   STATUS    RESTARTS   AGE\nb             1/1     Running   0          2m\na-long-name   1/1     Running   0          2m\n",
    );
}

#[test]
fn several_kinds_stand_apart() {
    let services = "NAME                 TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nservice/kubernetes   ClusterIP   10.96.0.1    <none>        443/TCP   60s\n";
    let pods = "NAME              READY   STATUS    RESTARTS   AGE\npod/a-long-name   1/1     Running   0          2m\npod/b             1/1     Running   0          2m\n";
    check("kubectl get svc,rs,pods", &format!("{services}\n{pods}"));
    check("kubectl get all", &format!("{pods}\n{services}"));
    let one = "NAME    READY   STATUS    RESTARTS   AGE\npod/b   1/1     Running   0          2m\n";
    check("kubectl get svc/kubernetes pod/b", &format!("{services}\n{one}"));
}

#[test]
fn nothing_found() {
    check("kubectl get pods -n shop", "No resources found in shop namespace.\n");
    check("kubectl get ds -A", "No resources found\n");
    check("kubectl get nodes", "No resources found\n");
    check("kubectl get pod x", "Error from server (NotFound): pods \"x\" not found\n[exit 1]\n");
    check("kubectl get pod x --ignore-not-found", "");
    check(
        "kubectl get pods b x",
        "NAME   READY   STATUS    RESTARTS   AGE\nb      1/1     Running   0          2m\nError from server (NotFound): pods \"x\" not found\n[exit 1]\n",
    );
    check("kubectl get pods -o name -n shop", "");
    check(
        "kubectl get pods --field-selector foo=bar",
        "Error from server (BadRequest): Unable to find \"/v1, Resource=pods\" that match label selector \"\", field selector \"foo=bar\": field label not supported: foo\n[exit 1]\n",
    );
}

#[test]
fn other_formats() {
    check("kubectl get pods,svc -o name", "pod/a-long-name\npod/b\nservice/kubernetes\n");
    check("kubectl get pods -o jsonpath={.items[*].metadata.name}", "a-long-name b");
    check("kubectl get pod b -o jsonpath={.kind}", "Pod");
    check("kubectl get pods -o custom-columns=N:.metadata.name", "N\na-long-name\nb\n");
    check(
        "kubectl get ns default -o json",
        "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"Namespace\",\n    \"metadata\": {\n        \"name\": \"default\"\n    },\n    \"status\": {\n        \"phase\": \"Active\"\n    }\n}\n",
    );
    check("kubectl get rs -o yaml", "apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: \"\"\n");
    check(
        "kubectl get pods -o foo",
        "error: unable to match a printer suitable for the output format \"foo\", allowed formats are: custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml\n[exit 1]\n",
    );
    check("kubectl get pods -o jsonpath={.a", "error: error parsing jsonpath {.a, unclosed action\n[exit 1]\n");
    check(
        "kubectl get pods --show-labels -o yaml",
        "error: --show-labels option cannot be used with yaml printer\n[exit 1]\n",
    );
}

#[test]
fn a_watch_ends_by_itself() {
    check(
        "kubectl get pods -w --request-timeout=2s",
        "NAME          READY   STATUS    RESTARTS   AGE\na-long-name   1/1     Running   0          2m\nb             1/1     Running   0          2m\n",
    );
    check("kubectl get pods --watch-only", "");
    check("kubectl get pods,svc -w", "error: you may only specify a single resource type\n[exit 1]\n");
}

#[test]
fn what_the_cluster_is() {
    check("kubectl version", "Client Version: v1.34.0\nKustomize Version: v5.7.1\nServer Version: v1.34.0\n");
    check(
        "kubectl api-resources --api-group=apps",
        "NAME                  SHORTNAMES   APIVERSION   NAMESPACED   KIND\n\
         controllerrevisions                apps/v1      true         ControllerRevision\n\
         daemonsets            ds           apps/v1      true         DaemonSet\n\
         deployments           deploy       apps/v1      true         Deployment\n\
         replicasets           rs           apps/v1      true         ReplicaSet\n\
         statefulsets          sts          apps/v1      true         StatefulSet\n",
    );
    check(
        "kubectl api-resources --namespaced=false --api-group=scheduling.k8s.io -o name",
        "priorityclasses.scheduling.k8s.io\n",
    );
    check("kubectl auth can-i create pods", "yes\n");
    check("kubectl auth can-i get nodes", "Warning: resource 'nodes' is not namespace scoped\n\nyes\n");
    check("kubectl auth can-i get widgets", "Warning: the server doesn't have a resource type 'widgets'\n\nyes\n");
    check("kubectl top pod", "error: Metrics API not available\n[exit 1]\n");
    check("kubectl config current-context", "kind-portlab\n");
    check(
        "kubectl config get-contexts",
        "CURRENT   NAME           CLUSTER        AUTHINFO       NAMESPACE\n*         kind-portlab   kind-portlab   kind-portlab   \n",
    );
}

#[test]
fn every_kind_of_portlab_is_served() {
    for kind in Kind::ALL {
        let info = kind.info();
        let found = crate::tools::kubectl::api_resources::served()
            .find(|served| served.kind == info.kind && served.group() == info.group);
        let found = found.unwrap_or_else(|| panic!("{} is not served", info.kind));
        assert_eq!(
            (found.name, found.api_version, found.namespaced),
            (info.plural, info.api_version().as_str(), info.namespaced)
        );
        assert_eq!(found.short_names, info.short.join(","));
    }
}
