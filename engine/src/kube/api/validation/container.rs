//! Containers: ports, environment, mounts, resources, probes and hooks.
//!
//! Source: `validateContainers`, `validateInitContainers` and what they call. Leaves out: volume devices, resource claims, huge pages,
//! seccomp, AppArmor and SELinux options, stop signals, restart rules (alpha in 1.34).

use std::collections::BTreeSet;

use serde_json::Value;

use super::meta::all_invalid;
use super::resources::validate_requirements;
use super::{is_one_of, port_number_or_name, required_one_of};
use crate::kube::api::field::{
    FieldError, Path, Shown, duplicate, forbidden, invalid, not_found, not_supported, required,
};
use crate::kube::api::names;
use crate::kube::schema::{self, structure};
use crate::object::{bool_at, field, int_at, items, str_at};

/// What the containers of a pod share.
pub struct Shared<'a> {
    pub volumes: &'a BTreeSet<String>,
    pub grace: Option<i64>,
    pub restart_policy: &'a str,
}

pub fn validate_containers(containers: &[Value], shared: &Shared, path: &Path) -> Vec<FieldError> {
    if containers.is_empty() {
        return vec![required(path, "")];
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = path.index(index);
        found.extend(validate_common(container, shared, &at));
        if !seen.insert(str_at(container, "name")) {
            found.push(duplicate(&at.child("name"), str_at(container, "name")));
        }
        found.extend(validate_lifecycle_and_probes(container, shared.grace, &at));
        if !field(container, "restartPolicy").is_null() {
            found.push(forbidden(&at.child("restartPolicy"), "may not be set for non-init containers"));
        }
    }
    found.extend(host_port_conflicts(containers, path));
    found
}

pub fn validate_init_containers(
    containers: &[Value],
    regular: &[Value],
    shared: &Shared,
    path: &Path,
) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen: BTreeSet<&str> = regular.iter().map(|container| str_at(container, "name")).collect();
    for (index, container) in containers.iter().enumerate() {
        let at = path.index(index);
        found.extend(validate_common(container, shared, &at));
        let policy = field(container, "restartPolicy").as_str();
        if let Some(policy) = policy.filter(|policy| *policy != "Always") {
            found.push(not_supported(&at.child("restartPolicy"), policy, &["Always"]));
        }
        let name = str_at(container, "name");
        if seen.contains(name) {
            found.push(duplicate(&at.child("name"), name));
        } else if !name.is_empty() {
            seen.insert(name);
        }
        // They run one after another, so that each is looked at alone; the path is as the real server gives it.
        found.extend(host_port_conflicts(std::slice::from_ref(container), path));
        if policy == Some("Always") {
            found.extend(validate_lifecycle_and_probes(container, shared.grace, &at));
        } else {
            for part in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if !field(container, part).is_null() {
                    let why = "may not be set for init containers without restartPolicy=Always";
                    found.push(forbidden(&at.child(part), why));
                }
            }
        }
    }
    found
}

fn validate_common(container: &Value, shared: &Shared, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let name = str_at(container, "name");
    if name.is_empty() {
        found.push(required(&path.child("name"), ""));
    } else {
        found.extend(all_invalid(&path.child("name"), name, names::label(name)));
    }
    if str_at(container, "image").is_empty() {
        found.push(required(&path.child("image"), ""));
    }
    let policies = ["File", "FallbackToLogsOnError"];
    found.extend(required_one_of(container, "terminationMessagePolicy", &policies, path));
    found.extend(validate_ports(items(container, "ports"), &path.child("ports")));
    found.extend(super::env::validate_env(items(container, "env"), &path.child("env")));
    found.extend(super::env::validate_env_from(items(container, "envFrom"), &path.child("envFrom")));
    found.extend(validate_mounts(container, shared.volumes, &path.child("volumeMounts")));
    found.extend(required_one_of(container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"], path));
    found.extend(validate_requirements(field(container, "resources"), true, &path.child("resources")));
    found.extend(validate_resize_policy(container, shared.restart_policy, &path.child("resizePolicy")));
    let context = path.child("securityContext");
    found.extend(no_escalation_of_privileged(field(container, "securityContext"), &context));
    for part in ["runAsUser", "runAsGroup"] {
        found.extend(user_or_group(container, &format!("securityContext.{part}"), &context.child(part)));
    }
    found
}

/// A privileged container may gain what it wants: that contradicts `allowPrivilegeEscalation: false`.
fn no_escalation_of_privileged(context: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if field(context, "allowPrivilegeEscalation") != &Value::Bool(false) {
        return found;
    }
    let mut refuse = |other: &str| {
        let why = format!("cannot set `allowPrivilegeEscalation` to false and `{other}");
        found.push(invalid(path, internal("SecurityContext", context), &why));
    };
    if bool_at(context, "privileged") {
        refuse("privileged` to true");
    }
    for capability in items(context, "capabilities.add").iter().filter_map(Value::as_str) {
        if capability == "CAP_SYS_ADMIN" {
            refuse("capabilities.Add` CAP_SYS_ADMIN");
        }
    }
    found
}

/// A struct as the server's internal type encodes it: each field, under its Go name.
fn internal(name: &str, value: &Value) -> Shown {
    let Some(structure) = structure(name).filter(|_| value.is_object()) else { return value.clone().into() };
    let go_name = |name: &str| match name.strip_prefix("se") {
        Some(rest) if rest.starts_with("Linux") => format!("SE{rest}"),
        _ => format!("{}{}", name[..1].to_uppercase(), &name[1..]),
    };
    let member = |part: &schema::Field| {
        let below = part.ty.element_struct().map_or("", |inner| inner.name);
        (go_name(part.name), internal(below, field(value, part.name)))
    };
    let members: Vec<(String, Shown)> = structure.fields.iter().map(member).collect();
    let named: Vec<(&str, Shown)> = members.iter().map(|(name, shown)| (name.as_str(), shown.clone())).collect();
    Shown::internal(&named)
}

/// A user or group number, when it is there.
pub fn user_or_group(object: &Value, at: &str, path: &Path) -> Option<FieldError> {
    let max = i64::from(i32::MAX);
    let number = int_at(object, at).filter(|number| !(0..=max).contains(number))?;
    Some(invalid(path, number, &names::between(0, max)))
}

fn validate_ports(ports: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = path.index(index);
        let name = str_at(port, "name");
        if !name.is_empty() {
            let errors = all_invalid(&at.child("name"), name, names::port_name(name));
            if errors.is_empty() && !seen.insert(name) {
                found.push(duplicate(&at.child("name"), name));
            }
            found.extend(errors);
        }
        let container_port = int_at(port, "containerPort").unwrap_or(0);
        if container_port == 0 {
            found.push(required(&at.child("containerPort"), ""));
        }
        for (part, number) in [("containerPort", container_port), ("hostPort", int_at(port, "hostPort").unwrap_or(0))] {
            if number != 0 {
                found.extend(names::port_number(number).iter().map(|why| invalid(&at.child(part), number, why)));
            }
        }
        found.extend(required_one_of(port, "protocol", &["SCTP", "TCP", "UDP"], &at));
    }
    found
}

/// Two ports of one pod on the same host address, protocol and number; the address is compared as text.
fn host_port_conflicts(containers: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        for (port_index, port) in items(container, "ports").iter().enumerate() {
            let number = int_at(port, "hostPort").unwrap_or(0);
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", str_at(port, "protocol"), str_at(port, "hostIP"));
            if seen.contains(&key) {
                found.push(duplicate(&path.index(index).child("ports").index(port_index).child("hostPort"), key));
            } else {
                seen.insert(key);
            }
        }
    }
    found
}

fn validate_mounts(container: &Value, volumes: &BTreeSet<String>, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let at = path.index(index);
        let (name, place) = (str_at(mount, "name"), str_at(mount, "mountPath"));
        if name.is_empty() {
            found.push(required(&at.child("name"), ""));
        }
        if !volumes.contains(name) {
            found.push(not_found(&at.child("name"), name));
        }
        if place.is_empty() {
            found.push(required(&at.child("mountPath"), ""));
        }
        if !seen.insert(place) {
            found.push(invalid(&at.child("mountPath"), place, "must be unique"));
        }
        for part in ["subPath", "subPathExpr"] {
            let inside = str_at(mount, part);
            if part == "subPathExpr" && !inside.is_empty() && !str_at(mount, "subPath").is_empty() {
                found.push(invalid(&at.child(part), inside, "subPathExpr and subPath are mutually exclusive"));
            }
            if !inside.is_empty() {
                found.extend(super::volume::descending_path(inside, &path.child(part)));
            }
        }
        found.extend(validate_propagation(mount, container, &path.child("mountPropagation")));
    }
    found
}

fn validate_propagation(mount: &Value, container: &Value, path: &Path) -> Vec<FieldError> {
    let Some(mode) = field(mount, "mountPropagation").as_str() else { return Vec::new() };
    let modes = ["Bidirectional", "HostToContainer", "None"];
    if !modes.contains(&mode) {
        return vec![not_supported(path, mode, &modes)];
    }
    if mode == "Bidirectional" && !bool_at(container, "securityContext.privileged") {
        return vec![forbidden(path, "Bidirectional mount propagation is available only to privileged containers")];
    }
    Vec::new()
}

fn validate_resize_policy(container: &Value, restart_policy: &str, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, policy) in items(container, "resizePolicy").iter().enumerate() {
        let resource = str_at(policy, "resourceName");
        if !seen.insert(resource) {
            found.push(duplicate(&path.index(index), resource));
        }
        let restart = str_at(policy, "restartPolicy");
        found.extend(is_one_of(resource, &["cpu", "memory"], path));
        found.extend(is_one_of(restart, &["NotRequired", "RestartContainer"], path));
        if restart_policy == "Never" && restart != "NotRequired" {
            found.push(invalid(path, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
        }
    }
    found
}

fn validate_lifecycle_and_probes(container: &Value, grace: Option<i64>, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for hook in ["postStart", "preStop"] {
        let handler = field(container, &format!("lifecycle.{hook}"));
        if !handler.is_null() {
            found.extend(validate_handler(handler, grace, &path.child("lifecycle").child(hook)));
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = field(container, name);
        if !probe.is_null() {
            found.extend(validate_probe(probe, grace, name, &path.child(name)));
        }
    }
    found
}

fn validate_probe(probe: &Value, grace: Option<i64>, name: &str, path: &Path) -> Vec<FieldError> {
    let mut found = validate_handler(probe, grace, path);
    for part in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        found.extend(super::meta::non_negative(probe, part, &path.child(part)));
    }
    let own_grace = int_at(probe, "terminationGracePeriodSeconds");
    let at = path.child("terminationGracePeriodSeconds");
    if let Some(seconds) = own_grace.filter(|seconds| *seconds <= 0) {
        found.push(invalid(&at, seconds, "must be greater than 0"));
    }
    let successes = int_at(probe, "successThreshold").unwrap_or(0);
    if name != "readinessProbe" && successes != 1 {
        found.push(invalid(&path.child("successThreshold"), successes, "must be 1"));
    }
    if name == "readinessProbe" && own_grace.is_some() {
        found.push(invalid(&at, own_grace.unwrap_or(0), "must not be set for readinessProbes"));
    }
    found
}

/// Exactly one of the ways to ask or to act; the first counts, the others are one too many.
fn validate_handler(handler: &Value, grace: Option<i64>, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut any = false;
    for kind in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let action = field(handler, kind);
        let at = path.child(kind);
        if action.is_null() {
            continue;
        }
        if any {
            found.push(forbidden(&at, "may not specify more than 1 handler type"));
            continue;
        }
        any = true;
        match kind {
            "exec" if items(action, "command").is_empty() => found.push(required(&at.child("command"), "")),
            "httpGet" => found.extend(validate_http_get(action, &at)),
            "tcpSocket" | "grpc" => found.extend(port_number_or_name(field(action, "port"), &at.child("port"))),
            "sleep" => {
                let seconds = int_at(action, "seconds").unwrap_or(0);
                if let Some(grace) = grace.filter(|grace| seconds < 0 || seconds > *grace) {
                    let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    found.push(invalid(&at, seconds, &why));
                }
            }
            _ => {}
        }
    }
    if !any {
        found.push(required(path, "must specify a handler type"));
    }
    found
}

fn validate_http_get(action: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if str_at(action, "path").is_empty() {
        found.push(required(&path.child("path"), ""));
    }
    found.extend(port_number_or_name(field(action, "port"), &path.child("port")));
    let schemes = ["HTTP", "HTTPS"];
    if !schemes.contains(&str_at(action, "scheme")) {
        found.push(not_supported(&path.child("scheme"), str_at(action, "scheme"), &schemes));
    }
    for header in items(action, "httpHeaders") {
        let name = str_at(header, "name");
        found.extend(all_invalid(&path.child("httpHeaders"), name, names::http_header(name)));
    }
    found
}
