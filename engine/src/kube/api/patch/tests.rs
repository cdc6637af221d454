//! Patches, one row a case: what is there, the patch, what comes out.

use serde_json::{Value, json};

use super::{PatchType, apply, apply_patch};
use crate::store::Kind;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn patched(how: PatchType, kind: Kind, object: &str, patch: &str) -> String {
    match apply(kind, "x", how, &value(object), &value(patch)) {
        Ok(result) => result.to_string(),
        Err(status) => status.message,
    }
}

#[test]
fn strategic_merge_by_key() {
    let rows = [
        // What the patch names comes first, as golden/kubectl/03 shows for pod p12.
        (
            r#"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80,"hostPort":80}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":81}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"c","ports":[{"containerPort":81},{"containerPort":80,"hostPort":80}]}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
            r#"{"spec":{"containers":[{"$patch":"delete","name":"a"}]}}"#,
            r#"{"spec":{"containers":[{"name":"b"}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"}]}}"#,
            r#"{"spec":{"containers":[{"name":"z"},{"$patch":"replace"}]}}"#,
            r#"{"spec":{"containers":[{"name":"z"}]}}"#,
        ),
        (
            r#"{"spec":{"tolerations":[{"key":"a"}]}}"#,
            r#"{"spec":{"tolerations":[{"key":"b"}]}}"#,
            r#"{"spec":{"tolerations":[{"key":"b"}]}}"#,
        ),
        (
            r#"{"metadata":{"labels":{"a":"1","b":"2"}}}"#,
            r#"{"metadata":{"labels":{"a":null,"c":"3"}}}"#,
            r#"{"metadata":{"labels":{"b":"2","c":"3"}}}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["a","b"]}}"#,
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}"#,
            r#"{"metadata":{"finalizers":["b"]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"c"}]}}"#,
            r#"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"a"}],"containers":[{"image":"x","name":"a"}]}}"#,
            r#"{"spec":{"containers":[{"name":"b"},{"name":"c"},{"image":"x","name":"a"}]}}"#,
        ),
        (
            r#"{"spec":{"volumes":[{"emptyDir":{},"name":"v"}]}}"#,
            r#"{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"},"name":"v"}]}}"#,
            r#"{"spec":{"volumes":[{"hostPath":{"path":"/x"},"name":"v"}]}}"#,
        ),
        (
            r#"{"spec":{"containers":[{"name":"a","ports":[{"containerPort":1}]}]}}"#,
            r#"{"spec":{"containers":[{"name":"a","ports":[{"hostPort":2}]}]}}"#,
            "map: map[hostPort:2] does not contain declared merge key: containerPort",
        ),
    ];
    for (object, patch, wanted) in rows {
        assert_eq!(patched(PatchType::Strategic, Kind::Pod, object, patch), wanted, "{patch}");
    }
}

#[test]
fn the_other_two_formats() {
    let object = r#"{"a":{"b":1,"c":[1,2]}}"#;
    assert_eq!(
        patched(PatchType::Merge, Kind::Pod, object, r#"{"a":{"b":null,"c":[3]},"d":1}"#),
        r#"{"a":{"c":[3]},"d":1}"#
    );
    let rows = [
        (r#"[{"op":"replace","path":"/a/b","value":2}]"#, r#"{"a":{"b":2,"c":[1,2]}}"#),
        (r#"[{"op":"add","path":"/a/c/-","value":3},{"op":"remove","path":"/a/b"}]"#, r#"{"a":{"c":[1,2,3]}}"#),
        (
            r#"[{"op":"test","path":"/a/b","value":2}]"#,
            "the server rejected our request due to an error in our request",
        ),
        (r#"[{"op":"remove","path":"/a/x"}]"#, "the server rejected our request due to an error in our request"),
        (r#"[{"op":"move","from":"/a/b","path":"/e~1f"}]"#, r#"{"a":{"c":[1,2]},"e/f":1}"#),
    ];
    for (patch, wanted) in rows {
        assert_eq!(patched(PatchType::Json, Kind::Pod, object, patch), wanted, "{patch}");
    }
}

#[test]
fn three_way_patch_of_apply() {
    let last = json!({"spec": {"replicas": 1, "paused": true, "template": {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}}}});
    let modified =
        json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "a", "image": "y"}]}}}});
    let mut current = last.clone();
    current["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
    let patch = apply_patch(&last, &current, &modified, Kind::Deployment);
    assert_eq!(
        patch.to_string(),
        r#"{"spec":{"paused":null,"replicas":3,"template":{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"image":"y","name":"a"},{"$patch":"delete","name":"b"}]}}}}"#
    );
    let result = apply(Kind::Deployment, "d", PatchType::Strategic, &current, &patch).expect("applies");
    assert_eq!(
        result.to_string(),
        r#"{"spec":{"replicas":3,"template":{"spec":{"containers":[{"image":"y","imagePullPolicy":"Always","name":"a"}]}}}}"#
    );
}

#[test]
fn strategy_keeps_only_what_the_manifest_names() {
    let last = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let current = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}}});
    let modified = json!({"spec": {"strategy": {"type": "Recreate"}}});
    let patch = apply_patch(&last, &current, &modified, Kind::Deployment);
    assert_eq!(
        patch.to_string(),
        r#"{"spec":{"strategy":{"$retainKeys":["type"],"rollingUpdate":null,"type":"Recreate"}}}"#
    );
    let result = apply(Kind::Deployment, "d", PatchType::Strategic, &current, &patch).expect("applies");
    assert_eq!(result.to_string(), r#"{"spec":{"strategy":{"type":"Recreate"}}}"#);
}

#[test]
fn nothing_to_apply_is_an_empty_patch() {
    let object = json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}}});
    assert_eq!(apply_patch(&object, &object, &object, Kind::Deployment), json!({}));
}
