//! The table, strict decoding, and the canonical shape.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use serde_json::{Value, json};

use super::canonical::canonicalise;
use super::decode::check;
use super::{Fidelity, stored_without_effect, structure};

#[test]
fn every_struct_that_a_field_names_is_in_the_table() {
    let mut todo =
        vec!["Pod", "Deployment", "ReplicaSet", "DaemonSet", "Service", "EndpointSlice", "Endpoints", "Node"];
    todo.extend(["Namespace", "PriorityClass", "Event", "ControllerRevision", "ConfigMap", "ServiceAccount"]);
    let mut seen = Vec::new();
    while let Some(name) = todo.pop() {
        let Some(found) = structure(name) else { panic!("{name} is not in types.txt") };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        todo.extend(found.fields.iter().filter_map(|field| super::named_struct(&field.ty)));
    }
    assert!(seen.len() > 150, "{}", seen.len());
    let ports = structure("Container").and_then(|container| container.field("ports")).expect("ports");
    assert_eq!((ports.patch.key, ports.fidelity), (Some("containerPort"), Fidelity::Modelled));
}

/// One row a case: the kind, a manifest, what the strict decoder says.
#[test]
fn decodes_in_the_real_words() {
    let rows: [(&str, Value, &str); 16] = [
        (
            "Pod",
            json!({"spec": {"containers": [{"ports": [{"hostport": 1}]}]}}),
            r#"strict decoding error: unknown field "spec.containers[0].ports[0].hostport""#,
        ),
        (
            "Pod",
            json!({"spec": {"contaners": [], "nodename": "n"}, "x": 1}),
            r#"strict decoding error: unknown field "spec.contaners", unknown field "spec.nodename", unknown field "x""#,
        ),
        (
            "Pod",
            json!({"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}}),
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            "Pod",
            json!({"spec": {"containers": [{"ports": [{"containerPort": 80.5}]}]}}),
            "json: cannot unmarshal number 80.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            "Pod",
            json!({"spec": {"containers": {"name": "c"}}}),
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "Pod",
            json!({"spec": {"hostNetwork": "yes"}}),
            "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
        ),
        (
            "Pod",
            json!({"spec": {"containers": [{"command": "sh"}]}}),
            "json: cannot unmarshal string into Go struct field Container.spec.containers.command of type []string",
        ),
        (
            "Pod",
            json!({"spec": {"containers": [{"command": [1]}]}}),
            "json: cannot unmarshal number into Go struct field Container.spec.containers.command of type string",
        ),
        (
            "Pod",
            json!({"spec": {"containers": [{"ports": [{"protocol": 6}]}]}}),
            "json: cannot unmarshal number into Go struct field ContainerPort.spec.containers.ports.protocol of type v1.Protocol",
        ),
        (
            "Pod",
            json!({"metadata": {"labels": {"a": 1}}}),
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            "Pod",
            json!({"metadata": {"labels": ["a"]}}),
            "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        ),
        (
            "Pod",
            json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "1x"}}}]}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "Deployment",
            json!({"spec": {"replicas": "3"}}),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "Deployment",
            json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": true}}}}),
            "json: cannot unmarshal bool into Go value of type int32",
        ),
        (
            "Service",
            json!({"spec": {"ports": [{"port": 80, "targetPort": [1]}]}}),
            "json: cannot unmarshal array into Go value of type int32",
        ),
        (
            "Service",
            json!({"spec": {"ports": [{"port": 80, "targetPort": "http", "nodePort": null}], "selector": null}}),
            "",
        ),
    ];
    for (kind, manifest, wanted) in rows {
        assert_eq!(check(kind, &manifest).message(true).unwrap_or_default(), wanted, "{manifest}");
    }
}

#[test]
fn canonical_shape_is_that_of_go() {
    let mut pod = json!({
        "metadata": {"name": "p", "labels": {}, "creationTimestamp": null},
        "spec": {"containers": [{"name": "c", "image": "", "ports": [], "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}],
                 "hostNetwork": false, "volumes": [{"name": "v", "emptyDir": {}}]},
        "extra": 1
    });
    canonicalise("Pod", &mut pod);
    let wanted = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}],
                 "volumes": [{"name": "v", "emptyDir": {}}]},
        "status": {}
    });
    assert_eq!(pod, wanted);
    let again = pod.clone();
    canonicalise("Pod", &mut pod);
    assert_eq!(pod, again);
}

#[test]
fn names_the_fields_without_effect() {
    let manifest = json!({"metadata": {"name": "d"}, "spec": {"template": {"spec": {"hostPID": true, "containers": [
        {"name": "c", "ports": [{"containerPort": 80}], "securityContext": {"runAsUser": 1}}]}}}});
    let found = stored_without_effect("Deployment", &manifest);
    assert_eq!(found, ["spec.template.spec.containers[0].securityContext", "spec.template.spec.hostPID"]);
}
