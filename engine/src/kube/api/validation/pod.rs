//! Pods and pod templates.
//!
//! Source: `ValidatePodSpec`, `ValidatePodCreate`, `ValidatePodUpdate`, `ValidatePodTemplateSpec`. Leaves out: Windows, resource
//! claims, ephemeral containers, seccomp and AppArmor.

use serde_json::Value;

use super::affinity::{validate_affinity, validate_spread, validate_tolerations};
use super::container::{Shared, user_or_group, validate_containers, validate_init_containers};
use super::meta::{all_invalid, validate_annotations, validate_labels, validate_meta, validate_meta_update};
use super::resources::{validate_pod_totals, validate_requirements};
use super::volume::validate_volumes;
use super::{gated, is_one_of, pod_diff};
use crate::kube::api::field::{FieldError, Path, duplicate, forbidden, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::{bool_at, field, int_at, items, str_at};

/// What may change in the spec of a pod, in the words of the refusal.
const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub fn validate_pod_create(pod: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_and_spec(pod);
    let spec = Path::new("spec");
    if !items(pod, "spec.ephemeralContainers").is_empty() {
        found.push(forbidden(&spec.child("ephemeralContainers"), "cannot be set on create"));
    }
    if !str_at(pod, "spec.nodeName").is_empty() && !items(pod, "spec.schedulingGates").is_empty() {
        found.push(forbidden(&spec.child("nodeName"), "cannot be set until all schedulingGates have been cleared"));
    }
    found
}

fn validate_meta_and_spec(pod: &Value) -> Vec<FieldError> {
    let mut found = validate_meta(pod, true, names::subdomain);
    let annotations = Path::new("metadata.annotations");
    found.extend(validate_deletion_cost(field(pod, "metadata.annotations"), &annotations));
    let spec = Path::new("spec");
    found.extend(validate_pod_spec(field(pod, "spec"), true, &spec));
    for list in ["containers", "initContainers"] {
        for (index, container) in items(pod, &format!("spec.{list}")).iter().enumerate() {
            found.extend(image_spaces(container, &spec.child(list).index(index)));
        }
    }
    found
}

fn image_spaces(container: &Value, path: &Path) -> Option<FieldError> {
    let image = str_at(container, "image");
    (image.trim() != image)
        .then(|| invalid(&path.child("image"), image, "must not have leading or trailing whitespace"))
}

fn validate_deletion_cost(annotations: &Value, path: &Path) -> Option<FieldError> {
    const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
    let cost = annotations.get(COST)?.as_str()?;
    let good = cost.parse::<i32>().is_ok()
        && !cost.starts_with('+')
        && (cost == "0" || !cost.trim_start_matches('-').starts_with('0'));
    (!good).then(|| invalid(&path.key(COST), cost, "must be a 32bit integer"))
}

/// The template of a Deployment, ReplicaSet or DaemonSet.
pub fn validate_template(template: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = validate_labels(field(template, "metadata.labels"), &path.child("labels"));
    let annotations = field(template, "metadata.annotations");
    found.extend(validate_annotations(annotations, &path.child("annotations")));
    found.extend(validate_deletion_cost(annotations, &path.child("annotations")));
    found.extend(validate_pod_spec(field(template, "spec"), false, &path.child("spec")));
    if !items(template, "spec.ephemeralContainers").is_empty() {
        let at = path.child("spec.ephemeralContainers");
        found.push(forbidden(&at, "ephemeral containers not allowed in pod template"));
    }
    found
}

fn validate_pod_spec(spec: &Value, is_pod: bool, path: &Path) -> Vec<FieldError> {
    let (volumes, mut found) = validate_volumes(items(spec, "volumes"), &path.child("volumes"));
    let shared = Shared {
        volumes: &volumes,
        grace: int_at(spec, "terminationGracePeriodSeconds"),
        restart_policy: str_at(spec, "restartPolicy"),
    };
    let containers = items(spec, "containers");
    found.extend(validate_containers(containers, &shared, &path.child("containers")));
    let init = items(spec, "initContainers");
    found.extend(validate_init_containers(init, containers, &shared, &path.child("initContainers")));
    if field(spec, "resources").is_object() {
        found.extend(validate_requirements(field(spec, "resources"), false, &path.child("resources")));
        found.extend(validate_pod_totals(spec, &path.child("resources")));
    }
    found.extend(host_network_ports(spec, is_pod, &path.child("containers")));
    found.extend(is_one_of(shared.restart_policy, &["Always", "OnFailure", "Never"], &path.child("restartPolicy")));
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    found.extend(is_one_of(str_at(spec, "dnsPolicy"), &dns, &path.child("dnsPolicy")));
    found.extend(validate_labels(field(spec, "nodeSelector"), &path.child("nodeSelector")));
    found.extend(validate_security_context(spec, path));
    found.extend(validate_affinity(field(spec, "affinity"), &path.child("affinity")));
    found.extend(validate_dns_config(spec, &path.child("dnsConfig")));
    found.extend(validate_gates(spec, path));
    found.extend(validate_spread(items(spec, "topologySpreadConstraints"), &path.child("topologySpreadConstraints")));
    found.extend(validate_host_users(spec, path));
    found.extend(validate_names(spec, path));
    found
}

/// Users of its own go with no other namespace of the host.
fn validate_host_users(spec: &Value, path: &Path) -> Vec<FieldError> {
    if field(spec, "hostUsers") != &Value::Bool(false) {
        return Vec::new();
    }
    let parts = [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")];
    let shared = parts.into_iter().filter(|(part, _)| bool_at(spec, part));
    shared.map(|(_, shown)| forbidden(&path.child(shown), "when `hostUsers` is false")).collect()
}

/// In the host's network every container port is a host port; a template may leave it out.
fn host_network_ports(spec: &Value, is_pod: bool, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if !bool_at(spec, "hostNetwork") {
        return found;
    }
    for (index, container) in items(spec, "containers").iter().enumerate() {
        for (port_index, port) in items(container, "ports").iter().enumerate() {
            let host_port = int_at(port, "hostPort").unwrap_or(0);
            if (is_pod || host_port != 0) && host_port != int_at(port, "containerPort").unwrap_or(0) {
                let at = path.index(index).child("ports").index(port_index).child("hostPort");
                found.push(invalid(&at, host_port, "must match `containerPort` when `hostNetwork` is true"));
            }
        }
    }
    found
}

fn validate_security_context(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let context = path.child("securityContext");
    if bool_at(spec, "shareProcessNamespace") && bool_at(spec, "hostPID") {
        found.push(invalid(
            &context.child("shareProcessNamespace"),
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        ));
    }
    for part in ["fsGroup", "runAsUser", "runAsGroup"] {
        found.extend(user_or_group(spec, &format!("securityContext.{part}"), &context.child(part)));
    }
    let max = i64::from(i32::MAX);
    for (index, group) in items(spec, "securityContext.supplementalGroups").iter().enumerate() {
        if let Some(group) = group.as_i64().filter(|group| !(0..=max).contains(group)) {
            found.push(invalid(&context.child("supplementalGroups").index(index), group, &names::between(0, max)));
        }
    }
    found
}

fn validate_dns_config(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let config = field(spec, "dnsConfig");
    let servers = items(config, "nameservers");
    if str_at(spec, "dnsPolicy") == "None" {
        if config.is_null() {
            return vec![required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
        }
        if servers.is_empty() {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return vec![required(&path.child("nameservers"), why)];
        }
    }
    if servers.len() > 3 {
        found.push(invalid(&path.child("nameservers"), servers.to_vec(), "must not have more than 3 nameservers"));
    }
    for (index, server) in servers.iter().filter_map(Value::as_str).enumerate() {
        found.extend(super::address::validate_ip(&path.child("nameservers").index(index), server));
    }
    let searches = items(config, "searches");
    if searches.len() > 32 {
        found.push(invalid(&path.child("searches"), searches.to_vec(), "must not have more than 32 search paths"));
    }
    for (index, option) in items(config, "options").iter().enumerate() {
        if str_at(option, "name").is_empty() {
            found.push(required(&path.child("options").index(index), "must not be empty"));
        }
    }
    found
}

fn validate_gates(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, gate) in items(spec, "readinessGates").iter().enumerate() {
        let condition = str_at(gate, "conditionType");
        let at = path.child("readinessGates").index(index).child("conditionType");
        found.extend(all_invalid(&at, condition, names::qualified(condition)));
    }
    let mut seen = Vec::new();
    for (index, gate) in items(spec, "schedulingGates").iter().enumerate() {
        let name = str_at(gate, "name");
        let at = path.child("schedulingGates").index(index);
        found.extend(all_invalid(&at, name, names::qualified(name)));
        if seen.contains(&name) {
            found.push(duplicate(&at, name));
        }
        seen.push(name);
    }
    found
}

fn validate_names(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut check = |part: &str, rule: fn(&str) -> Vec<String>| {
        let value = str_at(spec, part);
        if !value.is_empty() {
            found.extend(all_invalid(&path.child(part), value, rule(value)));
        }
    };
    check("serviceAccountName", names::subdomain);
    check("nodeName", names::subdomain);
    let max = i64::from(i32::MAX);
    let deadline = int_at(spec, "activeDeadlineSeconds").filter(|deadline| !(1..=max).contains(deadline));
    if let Some(deadline) = deadline {
        found.push(invalid(&path.child("activeDeadlineSeconds"), deadline, &names::between(1, max)));
    }
    let mut check = |part: &str, rule: fn(&str) -> Vec<String>| {
        let value = str_at(spec, part);
        if !value.is_empty() {
            found.extend(all_invalid(&path.child(part), value, rule(value)));
        }
    };
    check("hostname", names::label);
    check("subdomain", names::label);
    found.extend(validate_tolerations(items(spec, "tolerations"), &path.child("tolerations")));
    for (index, alias) in items(spec, "hostAliases").iter().enumerate() {
        let at = path.child("hostAliases").index(index);
        found.extend(super::address::validate_ip(&at.child("ip"), str_at(alias, "ip")));
        for (index, host) in items(alias, "hostnames").iter().filter_map(Value::as_str).enumerate() {
            found.extend(all_invalid(&at.child("hostnames").index(index), host, names::subdomain(host)));
        }
    }
    let mut check = |part: &str| {
        let value = str_at(spec, part);
        if !value.is_empty() {
            found.extend(all_invalid(&path.child(part), value, names::subdomain(value)));
        }
    };
    check("priorityClassName");
    check("runtimeClassName");
    if let Some(policy) = field(spec, "preemptionPolicy").as_str() {
        found.extend(is_one_of(policy, &["PreemptLowerPriority", "Never"], &path.child("preemptionPolicy")));
    }
    let system = str_at(spec, "os.name");
    if field(spec, "os").is_object() {
        let at = path.child("os").child("name");
        if system.is_empty() {
            found.push(required(&at, "cannot be empty"));
        } else if !["linux", "windows"].contains(&system) {
            found.push(not_supported(&at, system, &["linux", "windows"]));
        }
    }
    found
}

pub fn validate_pod_update(old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    found.extend(validate_meta_and_spec(new));
    let spec = Path::new("spec");
    for list in ["containers", "initContainers"] {
        let at = format!("spec.{list}");
        if items(new, &at).len() != items(old, &at).len() {
            found.push(forbidden(&spec.child(list), "pod updates may not add or remove containers"));
            return found;
        }
        for (index, container) in items(new, &at).iter().enumerate() {
            let path = spec.child(list).index(index);
            if str_at(container, "image").is_empty() {
                found.push(required(&path.child("image"), ""));
            }
            found.extend(image_spaces(container, &path));
        }
    }
    if let Some(error) = validate_deadline_update(old, new, &spec.child("activeDeadlineSeconds")) {
        let ends = int_at(new, "spec.activeDeadlineSeconds").is_some();
        found.push(error);
        if ends {
            return found;
        }
    }
    found.extend(only_added_tolerations(old, new, &spec.child("tolerations")));
    found.extend(gated::only_deleted_gates(old, new, &spec.child("schedulingGates")));
    let mut munged = with_allowed_changes(old, new);
    found.extend(gated::narrowed(old, &mut munged));
    if field(&munged, "spec") != field(old, "spec") {
        let diff = pod_diff::spec_diff(field(old, "spec"), field(&munged, "spec"));
        found.push(forbidden(&spec, &format!("pod updates may not change fields other than {UPDATABLE}\n{diff}")));
    }
    found
}

fn validate_deadline_update(old: &Value, new: &Value, path: &Path) -> Option<FieldError> {
    let max = i64::from(i32::MAX);
    let before = int_at(old, "spec.activeDeadlineSeconds");
    match int_at(new, "spec.activeDeadlineSeconds") {
        Some(after) if !(0..=max).contains(&after) => Some(invalid(path, after, &names::between(0, max))),
        Some(after) if before.is_some_and(|before| before < after) => {
            Some(invalid(path, after, "must be less than or equal to previous value"))
        }
        None if before.is_some() => {
            Some(invalid(path, Value::Null, "must not update from a positive integer to nil value"))
        }
        _ => None,
    }
}

fn only_added_tolerations(old: &Value, new: &Value, path: &Path) -> Vec<FieldError> {
    let timeless = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration.as_object_mut().map(|members| members.remove("tolerationSeconds"));
        toleration
    };
    let after: Vec<Value> = items(new, "spec.tolerations").iter().map(timeless).collect();
    if items(old, "spec.tolerations").iter().any(|toleration| !after.contains(&timeless(toleration))) {
        return vec![forbidden(path, "existing toleration can not be modified except its tolerationSeconds")];
    }
    validate_tolerations(items(new, "spec.tolerations"), path)
}

/// The new pod with what may change as it was: what then differs may not.
fn with_allowed_changes(old: &Value, new: &Value) -> Value {
    let mut munged = new.clone();
    for list in ["containers", "initContainers"] {
        let before = items(old, &format!("spec.{list}"));
        let after = munged["spec"].get_mut(list).and_then(Value::as_array_mut);
        for (container, before) in after.into_iter().flatten().zip(before) {
            crate::object::set(container, "image", field(before, "image").clone());
        }
    }
    for part in ["spec.activeDeadlineSeconds", "spec.tolerations", "spec.schedulingGates"] {
        crate::object::set(&mut munged, part, field(old, part).clone());
    }
    let grace = "spec.terminationGracePeriodSeconds";
    if int_at(old, grace).unwrap_or(0) < 0 && int_at(new, grace) == Some(1) {
        crate::object::set(&mut munged, grace, field(old, grace).clone());
    }
    munged
}
