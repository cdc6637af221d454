//! What the API server warns of while it accepts an object; kubectl prints each as `Warning: …`.
//!
//! Source: `pkg/api/{service,pod}/warnings.go`. Models: headless and external Services; ports of a pod that are declared twice,
//! overlap or are ambiguous, or share a name; a spread constraint without selector; a negative grace period; fractions of bytes;
//! variables and host aliases that are given twice. Leaves out: deprecated labels, annotations and volume plugins.

use serde_json::Value;

use crate::kube::api::field::Path;
use crate::kube::api::validation::service::is_headless;
use crate::kube::quantity::parse;
use crate::object::{field, int_at, items, str_at};
use crate::store::Kind;

/// The warnings for an object as it is stored.
#[must_use]
pub fn warnings(kind: Kind, object: &Value) -> Vec<String> {
    match kind {
        Kind::Service => of_service(object),
        Kind::Pod => of_pod_spec(field(object, "spec"), &Path::new("spec")),
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => {
            of_pod_spec(field(object, "spec.template.spec"), &Path::new("spec.template.spec"))
        }
        _ => Vec::new(),
    }
}

fn of_service(service: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |text: &str| found.push(text.to_owned());
    let external = str_at(service, "spec.type") == "ExternalName";
    let external_ips = !items(service, "spec.externalIPs").is_empty();
    if is_headless(service) {
        if !str_at(service, "spec.loadBalancerIP").is_empty() {
            add("spec.loadBalancerIP is ignored for headless services");
        }
        if external_ips {
            add("spec.externalIPs is ignored for headless services");
        }
        if !str_at(service, "spec.sessionAffinity").is_empty() {
            add("spec.SessionAffinity is ignored for headless services");
        }
    }
    if external && external_ips {
        add("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
    }
    if !external && !str_at(service, "spec.externalName").is_empty() {
        add("spec.externalName is ignored when spec.type is not \"ExternalName\"");
    }
    found
}

fn of_pod_spec(spec: &Value, path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (index, constraint) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        if field(constraint, "labelSelector").is_null() {
            let at = path.child("topologySpreadConstraints").index(index).child("labelSelector");
            found.push(format!("{at}: a null labelSelector results in matching no pod"));
        }
    }
    found.extend(about_aliases(spec, path));
    for (at, container) in all_containers(spec, path) {
        found.extend(fractional_bytes(&at, container));
        found.extend(hidden_variables(&at, container));
    }
    let ports = all_ports(spec, path);
    for (index, (at, port)) in ports.iter().enumerate() {
        found.extend(about_port(at, port, &ports[..index]));
    }
    for (index, (at, port)) in ports.iter().enumerate() {
        let name = str_at(port, "name");
        let first = ports[..index].iter().find(|(_, other)| !name.is_empty() && str_at(other, "name") == name);
        if let Some((other, _)) = first {
            found.push(format!("{at}: duplicate port name {name:?} with {other}, services and probes that select ports by name will use {other}"));
        }
    }
    // A pod's own is brought to 1 before anybody looks at it; a template's is not.
    let of_template = path.to_string() != "spec";
    if of_template && int_at(spec, "terminationGracePeriodSeconds").unwrap_or(0) < 0 {
        let at = path.child("terminationGracePeriodSeconds");
        found.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    found
}

fn about_aliases(spec: &Value, path: &Path) -> Vec<String> {
    let aliases = items(spec, "hostAliases");
    let ip = |index: usize| str_at(&aliases[index], "ip");
    let again = (0..aliases.len()).filter(|index| (0..*index).any(|before| ip(before) == ip(*index)));
    again.map(|at| format!("{}: duplicate ip {:?}", path.child("hostAliases").index(at).child("ip"), ip(at))).collect()
}

/// Memory and storage come in whole bytes.
fn fractional_bytes(at: &Path, container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for resource in ["memory", "ephemeral-storage"] {
        for list in ["limits", "requests"] {
            let amount = field(container, "resources").get(list).and_then(|list| list.get(resource));
            let Some(text) = amount.and_then(Value::as_str) else { continue };
            if parse(text).is_ok_and(|amount| !amount.is_whole()) {
                let at = at.child("resources").child(list).key(resource);
                found.push(format!("{at}: fractional byte value {text:?} is invalid, must be an integer"));
            }
        }
    }
    found
}

/// A variable that is given again, unless its new value is made of the old one.
fn hidden_variables(at: &Path, container: &Value) -> Vec<String> {
    let variables = items(container, "env");
    let mut found = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        let name = str_at(variable, "name");
        if !variables[..index].iter().any(|before| str_at(before, "name") == name) {
            continue;
        }
        let (value, reference) = (str_at(variable, "value"), format!("$({name})"));
        if !field(variable, "valueFrom").is_null() || value == reference || !value.contains(&reference) {
            let at = at.child("env").index(index);
            found.push(format!("{at}: hides previous definition of {name:?}, which may be dropped when using apply"));
        }
    }
    found
}

/// All containers, the init containers first, with their paths.
fn all_containers<'a>(spec: &'a Value, path: &Path) -> Vec<(Path, &'a Value)> {
    let of = |list: &'static str| {
        let at = path.child(list);
        items(spec, list).iter().enumerate().map(move |(index, container)| (at.index(index), container))
    };
    of("initContainers").chain(of("containers")).collect()
}

/// The ports of all containers, with their paths.
fn all_ports<'a>(spec: &'a Value, path: &Path) -> Vec<(Path, &'a Value)> {
    let mut ports = Vec::new();
    for (at, container) in all_containers(spec, path) {
        let at = at.child("ports");
        ports.extend(items(container, "ports").iter().enumerate().map(|(port, value)| (at.index(port), value)));
    }
    ports
}

fn about_port(at: &Path, port: &Value, before: &[(Path, &Value)]) -> Vec<String> {
    let mut found = Vec::new();
    let host_port = |port: &Value| int_at(port, "hostPort").unwrap_or(0);
    let host_ip = |port: &Value| str_at(port, "hostIP").to_owned();
    if !host_ip(port).is_empty() && host_port(port) == 0 {
        let (name, container, protocol) =
            (str_at(port, "name"), int_at(port, "containerPort").unwrap_or(0), str_at(port, "protocol"));
        found.push(format!(
            "{at}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{container} Protocol:{protocol} HostIP:{}}}",
            host_ip(port)
        ));
    }
    for (other_at, other) in before {
        if int_at(other, "containerPort") != int_at(port, "containerPort")
            || str_at(other, "protocol") != str_at(port, "protocol")
        {
            continue;
        }
        let (a, b) = (host_ip(port), host_ip(other));
        if a == b && host_port(port) == host_port(other) {
            found.push(format!("{at}: duplicate port definition with {other_at}"));
        } else if host_port(port) == 0 || host_port(other) == 0 {
            found.push(format!("{at}: overlapping port definition with {other_at}"));
        } else if host_port(port) == host_port(other) && (a.is_empty() != b.is_empty()) {
            found.push(format!("{at}: dangerously ambiguous port definition with {other_at}"));
        }
    }
    found
}
