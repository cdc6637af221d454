//! The API server against golden/kubectl/03 and against rows of refusals made with the real code.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use serde_json::{Value, json};

use crate::event::Actor;
use crate::kube::api::{
    DeleteOptions, Part, PatchType, Reason, Report, Status, create, decode, delete, patch, record_event, update,
};
use crate::lab::{LabOptions, Nodes};
use crate::object::{field, name, str_at};
use crate::store::{Kind, Object};
use crate::world::World;

/// An API server with the namespaces and the Service that every cluster has.
pub fn world() -> World {
    let mut world = World::new(LabOptions { nodes: Nodes::Kind(3), ..LabOptions::default() });
    for namespace in ["default", "kube-system"] {
        made(&mut world, Kind::Namespace, json!({"metadata": {"name": namespace}}));
    }
    let spec = json!({"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]});
    made(&mut world, Kind::Service, json!({"metadata": {"name": "kubernetes"}, "spec": spec}));
    world
}

#[track_caller]
pub fn made(world: &mut World, kind: Kind, object: Value) -> Object {
    try_create(world, kind, &object).unwrap_or_else(|status| panic!("{status}"))
}

fn try_create(world: &mut World, kind: Kind, object: &Value) -> Result<Object, Status> {
    let object = decode(kind, object, true)?;
    create(world, Actor::Learner, kind, "default", object)
}

/// What kubectl prints of a refusal.
fn printed(status: &Status, doing: &str) -> String {
    if status.reason != Reason::Invalid {
        return format!("Error from server ({}): {doing}{status}\n", status.reason);
    }
    let mut lines: Vec<String> = Vec::new();
    for cause in &status.causes {
        let line = format!("{}: {}", cause.field, cause.message);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let head = format!("The {} {:?} is invalid: ", status.kind, status.name);
    match lines.as_slice() {
        [one] => format!("{head}{one}\n"),
        many => format!("{head}\n{}", many.iter().map(|line| format!("* {line}\n")).collect::<String>()),
    }
}

/// The commands of a transcript with what each printed.
fn commands(transcript: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in transcript.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => found.push((command.to_owned(), String::new())),
            None => {
                if let Some((_, printed)) = found.last_mut() {
                    printed.push_str(line);
                    printed.push('\n');
                }
            }
        }
    }
    found
}

/// Runs one command of golden/kubectl/03 as far as it concerns the API server; `None` for what kubectl alone answers.
fn answer(world: &mut World, command: &str, rest: &str) -> Option<(String, String)> {
    if command.starts_with("kubectl apply") {
        let (document, wanted) = rest.split_once("\nEOF\n")?;
        let wanted = wanted.trim_end().trim_end_matches("[exit 1]").to_owned();
        let object = crate::yaml::parse(document).ok()?.first()?.value.clone();
        let kind = Kind::of(str_at(&object, "apiVersion"), str_at(&object, "kind"))?;
        let said = match try_create(world, kind, &object) {
            Ok(made) => format!("{}/{} created\n", kind.info().singular, name(&made)),
            Err(status) => printed(&status, "error when creating \"STDIN\": "),
        };
        return Some((said, wanted));
    }
    let words: Vec<&str> = command.strip_prefix("kubectl patch ")?.splitn(4, ' ').collect();
    let kind = if words[0] == "svc" { Kind::Service } else { Kind::Pod };
    let change: Value = serde_json::from_str(words[3].trim_matches('\'')).ok()?;
    let said = match patch(world, Actor::Learner, kind, "default", words[1], PatchType::Strategic, &change) {
        Ok(_) => "patched\n".to_owned(),
        Err(status) => printed(&status, ""),
    };
    Some((said, rest.trim_end().trim_end_matches("[exit 1]").to_owned()))
}

#[test]
fn refuses_what_the_real_one_refused() {
    let transcript = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/kubectl/03-refused.txt"));
    let mut world = world();
    let (mut compared, mut different) = (0, Vec::new());
    for (command, rest) in commands(transcript) {
        let Some((said, wanted)) = answer(&mut world, &command, &rest) else { continue };
        compared += 1;
        if said.trim_end() != wanted.trim_end() {
            different.push(format!("{command}\n--- said\n{said}--- wanted\n{wanted}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(compared, 32);
    let pod = world.store().find(Kind::Pod, "default", "p12").expect("p12 was created");
    assert_eq!(
        field(&pod["spec"]["containers"][0], "ports").to_string(),
        r#"[{"containerPort":80,"hostPort":80,"protocol":"TCP"}]"#
    );
}

/// One row a case: the kind, the spec that replaces a good one's parts, what is refused.
#[test]
fn refuses_relatives_in_the_real_words() {
    let pod = |spec: Value| {
        let mut good = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        merge(&mut good["spec"], spec);
        good
    };
    let ports = |ports: Value| pod(json!({"containers": [{"name": "c", "image": "i", "ports": ports}]}));
    let container = |parts: Value| {
        let mut good = json!({"name": "c", "image": "i"});
        merge(&mut good, parts);
        pod(json!({"containers": [good]}))
    };
    let rows: [(Value, &[&str]); 17] = [
        (
            ports(json!([{"containerPort": 70000, "hostPort": -1}])),
            &[
                "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.containers[0].ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
            ],
        ),
        (
            ports(
                json!([{"containerPort": 80, "hostPort": 80, "hostIP": "0.0.0.0"}, {"containerPort": 81, "hostPort": 80, "hostIP": "127.0.0.1"}]),
            ),
            &[],
        ),
        (pod(json!({"containers": []})), &["spec.containers: Required value"]),
        (
            pod(json!({"containers": [{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]})),
            &["spec.containers[1].name: Duplicate value: \"c\""],
        ),
        (
            pod(json!({"restartPolicy": "Sometimes"})),
            &[
                "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"",
            ],
        ),
        (
            container(json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}})),
            &[
                "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            ],
        ),
        (
            container(json!({"resources": {"limits": {"gpu": "1"}}})),
            &[
                "spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource type or fully qualified",
                "spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource for containers",
                "spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a standard resource type or fully qualified",
                "spec.containers[0].resources.requests[gpu]: Invalid value: \"gpu\": must be a standard resource for containers",
            ],
        ),
        (
            container(json!({"resources": {"limits": {"cpu": "-1"}}})),
            &[
                "spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
                "spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
            ],
        ),
        (
            container(json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]})),
            &["spec.containers[0].volumeMounts[0].name: Not found: \"v\""],
        ),
        (
            container(json!({"imagePullPolicy": "Often"})),
            &[
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Often\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            ],
        ),
        (
            container(
                json!({"livenessProbe": {"tcpSocket": {"port": 0}, "httpGet": {"port": "x_y"}, "successThreshold": 2}}),
            ),
            &[
                "spec.containers[0].livenessProbe.httpGet.port: Invalid value: \"x_y\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
                "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
            ],
        ),
        (
            container(json!({"env": [{"name": "A=B", "value": "1"}, {"value": "2"}]})),
            &[
                "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='",
                "spec.containers[0].env[1].name: Required value",
            ],
        ),
        (
            pod(json!({"tolerations": [{"operator": "Equal", "key": "", "effect": "Never", "value": "v"}]})),
            &[
                "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
                "spec.tolerations[0].effect: Unsupported value: \"Never\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
            ],
        ),
        (
            pod(
                json!({"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "X", "labelSelector": {}}]}),
            ),
            &[
                "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
                "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
                "spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: \"X\": supported values: \"DoNotSchedule\", \"ScheduleAnyway\"",
            ],
        ),
        (
            pod(
                json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]}}}}),
            ),
            &[
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
            ],
        ),
        (
            pod(json!({"nodeSelector": {"a": "b c"}})),
            &[
                "spec.nodeSelector: Invalid value: \"b c\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ],
        ),
        (
            pod(json!({"priorityClassName": "none"})),
            &["pods \"p\" is forbidden: no PriorityClass with name none was found"],
        ),
    ];
    for (object, wanted) in rows {
        let said: Vec<String> = match try_create(&mut world(), Kind::Pod, &object) {
            Ok(_) => Vec::new(),
            Err(status) if status.causes.is_empty() => vec![status.message],
            Err(status) => status.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect(),
        };
        assert_eq!(said, wanted, "{object}");
    }
}

fn merge(into: &mut Value, parts: Value) {
    for (name, value) in parts.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

#[test]
fn a_service_keeps_its_addresses_and_gives_them_back() {
    let mut world = world();
    let node_port = |object: &Object| object["spec"]["ports"][0]["nodePort"].as_i64();
    let spec = json!({"type": "NodePort", "ports": [{"port": 80}]});
    let made = made(&mut world, Kind::Service, json!({"metadata": {"name": "s"}, "spec": spec}));
    let ip = str_at(&made, "spec.clusterIP").to_owned();
    assert!(ip.starts_with("10.96.") && made["spec"]["clusterIPs"] == json!([ip]), "{made}");
    assert!(node_port(&made).is_some_and(|port| (30086..=32767).contains(&port)), "{made}");
    let change = |world: &mut World, change: Value| {
        patch(world, Actor::Learner, Kind::Service, "default", "s", PatchType::Merge, &change)
    };
    let moved = change(&mut world, json!({"spec": {"ports": [{"port": 81}]}})).expect("another port");
    assert_eq!((node_port(&moved), str_at(&moved, "spec.clusterIP")), (node_port(&made), ip.as_str()));
    let inner = change(&mut world, json!({"spec": {"type": "ClusterIP"}})).expect("no node port any more");
    assert_eq!((node_port(&inner), str_at(&inner, "spec.externalTrafficPolicy")), (None, ""));
    let again = change(&mut world, json!({"spec": {"type": "ClusterIP"}})).expect("nothing changes");
    assert_eq!(again, inner);
    let status = change(&mut world, json!({"spec": {"clusterIP": "10.96.1.1"}})).expect_err("another address");
    assert_eq!(status.causes[0].message, "Invalid value: [\"10.96.1.1\"]: may not change once set");
}

#[test]
fn versions_and_generations() {
    let mut world = world();
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": template});
    let first = made(&mut world, Kind::Deployment, json!({"metadata": {"name": "d"}, "spec": spec}));
    assert_eq!((&first["metadata"]["generation"], &first["spec"]["replicas"]), (&json!(1), &json!(1)));
    let mut next = (*first).clone();
    next["spec"]["replicas"] = json!(2);
    let second =
        update(&mut world, Actor::Learner, Part::Main, Kind::Deployment, "default", "d", next.clone()).expect("scaled");
    assert_eq!(second["metadata"]["generation"], json!(2));
    let stale =
        update(&mut world, Actor::Learner, Part::Main, Kind::Deployment, "default", "d", next).expect_err("stale");
    assert_eq!(
        stale.message,
        "Operation cannot be fulfilled on deployments.apps \"d\": the object has been modified; please apply your changes to the latest version and try again"
    );
    let mut status = (*second).clone();
    status["status"]["replicas"] = json!(2);
    status["spec"]["replicas"] = json!(7);
    let third = update(&mut world, Actor::Lab, Part::Status, Kind::Deployment, "default", "d", status).expect("status");
    assert_eq!(
        (&third["spec"]["replicas"], &third["status"]["replicas"], &third["metadata"]["generation"]),
        (&json!(2), &json!(2), &json!(2))
    );
    let change =
        json!({"spec": {"selector": {"matchLabels": {"x": "y"}}, "template": {"metadata": {"labels": {"x": "y"}}}}});
    let refused = patch(&mut world, Actor::Learner, Kind::Deployment, "default", "d", PatchType::Merge, &change)
        .expect_err("immutable");
    assert_eq!(
        refused.message,
        "Deployment.apps \"d\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"x\":\"y\"}}: field is immutable"
    );
}

#[test]
fn deletion_waits_for_grace_and_finalizers() {
    let mut world = world();
    let gone = |world: &World, name: &str| world.store().find(Kind::Pod, "default", name).is_none();
    let kill = |world: &mut World, name: &str, grace| {
        delete(world, Actor::Learner, Kind::Pod, "default", name, DeleteOptions { grace, ..DeleteOptions::default() })
    };
    let pod = |name: &str, node: &str| json!({"metadata": {"name": name}, "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}});
    made(&mut world, Kind::Pod, pod("pending", ""));
    kill(&mut world, "pending", None).expect("deleted");
    assert!(gone(&world, "pending"));
    made(&mut world, Kind::Pod, pod("bound", "n"));
    let stopping = kill(&mut world, "bound", None).expect("terminating");
    assert_eq!(stopping["metadata"]["deletionGracePeriodSeconds"], json!(30));
    assert_eq!(stopping["metadata"]["generation"], json!(2));
    assert!(!gone(&world, "bound"));
    kill(&mut world, "bound", Some(0)).expect("forced");
    assert!(gone(&world, "bound"));
    let missing = kill(&mut world, "bound", None).expect_err("gone");
    assert_eq!(missing.message, "pods \"bound\" not found");
    let kept = delete(&mut world, Actor::Learner, Kind::Namespace, "", "default", DeleteOptions::default())
        .expect_err("immortal");
    assert_eq!(kept.message, "namespaces \"default\" is forbidden: this namespace may not be deleted");
}

#[test]
fn the_same_event_is_counted() {
    let mut world = world();
    let pod = made(
        &mut world,
        Kind::Pod,
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}),
    );
    for message in ["a", "b", "a"] {
        for (component, node, reason, part) in
            [("kubelet", "n", "BackOff", "spec.containers{c}"), ("default-scheduler", "", "FailedScheduling", "")]
        {
            record_event(&mut world, &pod, Report { component, node, class: "Warning", reason, message, part });
        }
    }
    // The same words about another part of the pod are another event.
    let other = Report {
        component: "kubelet",
        node: "n",
        class: "Warning",
        reason: "BackOff",
        message: "a",
        part: "spec.containers{d}",
    };
    record_event(&mut world, &pod, other);
    let events: Vec<&Object> = world.store().list(Kind::Event).collect();
    let mut counts: Vec<(&str, &str, i64)> = events
        .iter()
        .map(|event| {
            let count = event["count"].as_i64().or(event["series"]["count"].as_i64()).unwrap_or(1);
            (str_at(event, "reason"), str_at(event, "message"), count)
        })
        .collect();
    counts.sort_unstable();
    assert_eq!(
        counts,
        [
            ("BackOff", "a", 1),
            ("BackOff", "a", 2),
            ("BackOff", "b", 1),
            ("FailedScheduling", "a", 2),
            ("FailedScheduling", "b", 1)
        ]
    );
}

/// The object that a `kubectl get … -o yaml` of golden/kubectl/01 printed.
fn shown(command: &str) -> Value {
    let transcript = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/kubectl/01-hostport.txt"));
    let printed = commands(transcript).into_iter().find(|(line, _)| line.starts_with(command)).expect(command).1;
    crate::yaml::parse(&printed).expect("YAML")[0].value.clone()
}

#[test]
fn defaults_are_those_of_a_real_cluster() {
    let mut world = world();
    let manifest = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/kubectl/web.yaml"));
    let manifest = crate::yaml::parse(manifest).expect("YAML")[0].value.clone();
    let mut wanted = shown("kubectl get deployment web -o yaml")["spec"].take();
    wanted["replicas"] = json!(1);
    let deployment = made(&mut world, Kind::Deployment, manifest.clone());
    assert_eq!(deployment["spec"], wanted);
    let mut pod = manifest["spec"]["template"].clone();
    pod["metadata"]["name"] = json!("p");
    let pod = made(&mut world, Kind::Pod, pod);
    let wanted = shown("kubectl get pod web-7d8f5446c9-mdx2d -o yaml")["spec"].to_string();
    let volume = str_at(&pod["spec"]["volumes"][0], "name");
    assert_eq!(pod["spec"].to_string(), wanted.replace("kube-api-access-28t2b", volume));
    assert_eq!(pod["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
}

#[test]
fn what_cannot_be_had_is_the_only_error_of_a_service() {
    let mut world = world();
    let rows = [
        (json!({"type": "NodePort", "ports": [{"port": 0, "nodePort": 8080}]}), "spec.ports[0].nodePort"),
        (json!({"clusterIP": "10.96.0", "ports": [{"port": 0}]}), "spec.clusterIPs[0]"),
        (json!({"ipFamilyPolicy": "RequireDualStack", "ports": [{"port": 0}]}), "spec.ipFamilyPolicy"),
        (json!({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}), "spec.ports[1]"),
    ];
    for (spec, wanted) in rows {
        let object = json!({"metadata": {"name": "s"}, "spec": spec});
        let status = try_create(&mut world, Kind::Service, &object).expect_err("refused");
        let fields: Vec<&str> = status.causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(fields, [wanted], "{status}");
    }
}
