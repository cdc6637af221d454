//! What the API server sets or keeps on its own when an object is created or changed: generation, status, the fields that a
//! subresource may not touch.
//!
//! Source: the strategies of `pkg/registry/*/strategy.go`.

use serde_json::{Value, json};

use crate::kube::api::allocate;
use crate::kube::api::write::Part;
use crate::object::{field, int_at, items, set, str_at};
use crate::store::Kind;

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Whether objects of the kind count their generations.
fn has_generation(kind: Kind) -> bool {
    use Kind::{DaemonSet, Deployment, EndpointSlice, Pod, PriorityClass, ReplicaSet};
    matches!(kind, Pod | Deployment | ReplicaSet | DaemonSet | PriorityClass | EndpointSlice)
}

/// Before an object is created.
pub fn for_create(kind: Kind, object: &mut Value) {
    set(object, "metadata.generation", if has_generation(kind) { json!(1) } else { Value::Null });
    drop_restart_rules(kind, object);
    match kind {
        Kind::Pod => {
            let class = qos_class(object);
            set(object, "status", json!({"phase": "Pending", "qosClass": class}));
            apply_label_keys(object);
            if !items(object, "spec.schedulingGates").is_empty() {
                set_condition(object, gated_condition());
            }
        }
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet | Kind::Service => set(object, "status", json!({})),
        Kind::Namespace => {
            set(object, "status", json!({"phase": "Active"}));
            set(object, "spec.finalizers", json!(["kubernetes"]));
            let own = str_at(object, "metadata.name").to_owned();
            set_annotation(object, "labels", "kubernetes.io/metadata.name", &own);
        }
        _ => {}
    }
    if kind == Kind::DaemonSet {
        let given = template_generation(object).max(1).to_string();
        set_annotation(object, "annotations", TEMPLATE_GENERATION, &given);
    }
}

/// The gate `ContainerRestartRules` is off in 1.34: of a container's own restart policy only a sidecar's `Always` is kept.
fn drop_restart_rules(kind: Kind, object: &mut Value) {
    let spec = match kind {
        Kind::Pod => object.pointer_mut("/spec"),
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => object.pointer_mut("/spec/template/spec"),
        _ => None,
    };
    for (list, members) in spec.and_then(Value::as_object_mut).into_iter().flatten() {
        let sidecars = list == "initContainers";
        if !sidecars && list != "containers" && list != "ephemeralContainers" {
            continue;
        }
        for container in members.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            if !sidecars || container.get("restartPolicy").and_then(Value::as_str) != Some("Always") {
                container.remove("restartPolicy");
            }
            container.remove("restartPolicyRules");
        }
    }
}

fn gated_condition() -> Value {
    json!({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "lastProbeTime": null,
        "lastTransitionTime": null, "message": "Scheduling is blocked due to non-empty scheduling gates"})
}

/// `matchLabelKeys` and `mismatchLabelKeys` become expressions of the selector beside them, with the pod's own values.
fn apply_label_keys(pod: &mut Value) {
    let labels = field(pod, "metadata.labels").clone();
    let Some(spec) = pod.get_mut("spec") else { return };
    let mut terms: Vec<&mut Value> = Vec::new();
    for (name, value) in spec.as_object_mut().into_iter().flatten() {
        match name.as_str() {
            "topologySpreadConstraints" => terms.extend(value.as_array_mut().into_iter().flatten()),
            "affinity" => {
                let kinds = value.as_object_mut().into_iter().flatten().filter(|(kind, _)| *kind != "nodeAffinity");
                let lists = kinds.filter_map(|(_, kind)| kind.as_object_mut()).flatten();
                for term in lists.filter_map(|(_, list)| list.as_array_mut()).flatten() {
                    let weighted = term.get("podAffinityTerm").is_some();
                    terms.push(if weighted { &mut term["podAffinityTerm"] } else { term });
                }
            }
            _ => {}
        }
    }
    for term in terms.into_iter().filter(|term| field(term, "labelSelector").is_object()) {
        let mut expressions = items(term, "labelSelector.matchExpressions").to_vec();
        for (list, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            let keys = items(term, list).iter().filter_map(Value::as_str);
            let known = keys.filter_map(|key| Some((key, labels.get(key)?)));
            expressions.extend(known.map(|(key, value)| json!({"key": key, "operator": operator, "values": [value]})));
        }
        if !expressions.is_empty() {
            set(term, "labelSelector.matchExpressions", expressions);
        }
    }
}

fn template_generation(object: &Value) -> i64 {
    crate::object::label(object, "annotations", TEMPLATE_GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Sets one label or annotation (`map`), whose key may have dots.
fn set_annotation(object: &mut Value, map: &str, key: &str, value: &str) {
    let path = format!("metadata.{map}");
    let mut entries = field(object, &path).as_object().cloned().unwrap_or_default();
    entries.insert(key.to_owned(), json!(value));
    set(object, &path, Value::Object(entries));
}

/// Before an object is changed.
pub fn for_update(kind: Kind, part: Part, object: &mut Value, old: &Value) {
    drop_restart_rules(kind, object);
    match part {
        Part::Main => keep_status(kind, object, old),
        Part::Status => keep_all_but_status(kind, object, old),
    }
    if kind == Kind::Service && part == Part::Main {
        allocate::keep_allocated(object, old);
    }
    if kind == Kind::DaemonSet {
        let changed = field(object, "spec.template") != field(old, "spec.template");
        let generation = template_generation(old) + i64::from(changed);
        set_annotation(object, "annotations", TEMPLATE_GENERATION, &generation.to_string());
    }
    if kind == Kind::Namespace && part == Part::Main {
        set(object, "spec.finalizers", field(old, "spec.finalizers").clone());
    }
    let changed = match kind {
        Kind::EndpointSlice => {
            ["addressType", "endpoints", "ports", "metadata.labels"].iter().any(|p| field(object, p) != field(old, p))
        }
        Kind::Deployment if part == Part::Main => {
            field(object, "spec") != field(old, "spec")
                || field(object, "metadata.annotations") != field(old, "metadata.annotations")
        }
        _ => field(object, "spec") != field(old, "spec"),
    };
    bump_generation(object, old, changed && has_generation(kind));
}

/// The status is not the business of an update.
fn keep_status(kind: Kind, object: &mut Value, old: &Value) {
    use Kind::{DaemonSet, Deployment, Namespace, Node, Pod, ReplicaSet, Service};
    if matches!(kind, Pod | Deployment | ReplicaSet | DaemonSet | Service | Node | Namespace) {
        set(object, "status", field(old, "status").clone());
    }
}

/// A status request changes the status; some kinds let it change annotations or other metadata too.
fn keep_all_but_status(kind: Kind, object: &mut Value, old: &Value) {
    set(object, "spec", field(old, "spec").clone());
    if matches!(kind, Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet | Kind::Pod) {
        set(object, "metadata.labels", field(old, "metadata.labels").clone());
    }
    if matches!(kind, Kind::Pod) {
        set(object, "metadata.annotations", field(old, "metadata.annotations").clone());
        let class = str_at(old, "status.qosClass").to_owned();
        set(object, "status.qosClass", class);
    }
    for path in ["metadata.finalizers", "metadata.ownerReferences"] {
        set(object, path, field(old, path).clone());
    }
}

/// One more than the old generation when `changed`, else the same.
pub fn bump_generation(object: &mut Value, old: &Value, changed: bool) {
    let before = int_at(old, "metadata.generation");
    let after = before.map(|generation| generation + i64::from(changed));
    set(object, "metadata.generation", after.map_or(Value::Null, Value::from));
}

/// Sets the condition of that type, in place or at the end; an equal status keeps its transition time.
pub fn set_condition(object: &mut Value, mut condition: Value) {
    let mut conditions = items(object, "status.conditions").to_vec();
    let kind = str_at(&condition, "type").to_owned();
    match conditions.iter_mut().find(|existing| str_at(existing, "type") == kind) {
        Some(existing) => {
            if existing["status"] == condition["status"] {
                condition["lastTransitionTime"] = existing["lastTransitionTime"].clone();
            }
            *existing = condition;
        }
        None => conditions.push(condition),
    }
    set(object, "status.conditions", conditions);
}

/// Guaranteed, Burstable or BestEffort, from the requests and limits for CPU and memory of all containers.
fn qos_class(pod: &Value) -> &'static str {
    let containers: Vec<&Value> =
        items(pod, "spec.containers").iter().chain(items(pod, "spec.initContainers")).collect();
    let positive = |list: &Value, resource: &str| {
        let quantity =
            list.get(resource).and_then(Value::as_str).and_then(|text| crate::kube::quantity::parse(text).ok());
        quantity.filter(|quantity| *quantity > crate::kube::quantity::Quantity::whole(0))
    };
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        for resource in ["cpu", "memory"] {
            let request = positive(field(container, "resources.requests"), resource);
            let limit = positive(field(container, "resources.limits"), resource);
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
