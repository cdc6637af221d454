//! Services: ports, types, cluster IPs, traffic policies; what may change.
//!
//! Source: `validateService` and what it calls, in `pkg/apis/core/validation`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::address::{validate_cidr, validate_external_ip, validate_ip};
use super::meta::{all_invalid, validate_labels, validate_meta, validate_meta_update};
use super::port_number_or_name;
use crate::kube::api::field::{FieldError, Path, Shown, duplicate, forbidden, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::{field, int_at, items, str_at};

/// `clusterIP: None`.
#[must_use]
pub fn is_headless(service: &Value) -> bool {
    let ips = items(service, "spec.clusterIPs");
    str_at(service, "spec.clusterIP") == "None" || (ips.len() == 1 && ips[0] == "None")
}

/// Whether it can be reached from outside the cluster: by node port, load balancer or external IP.
#[must_use]
pub fn is_externally_accessible(service: &Value) -> bool {
    match str_at(service, "spec.type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !items(service, "spec.externalIPs").is_empty(),
        _ => false,
    }
}

/// Whether a load balancer asks each node for its health.
#[must_use]
pub fn needs_health_check(service: &Value) -> bool {
    str_at(service, "spec.type") == "LoadBalancer" && str_at(service, "spec.externalTrafficPolicy") == "Local"
}

pub fn validate_service_create(service: &Value) -> Vec<FieldError> {
    let mut found = validate_meta(service, true, names::label_1035);
    found.extend(validate_service(service));
    found
}

pub fn validate_service_update(old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    found.extend(unchanged_cluster_ips(old, new));
    if needs_health_check(old)
        && needs_health_check(new)
        && field(old, "spec.healthCheckNodePort") != field(new, "spec.healthCheckNodePort")
    {
        found.push(forbidden(&Path::new("spec.healthCheckNodePort"), "field is immutable"));
    }
    let class = |service: &Value| field(service, "spec.loadBalancerClass").clone();
    let balanced = |service: &Value| str_at(service, "spec.type") == "LoadBalancer";
    if balanced(old) && balanced(new) && class(old) != class(new) {
        found.push(invalid(&Path::new("spec.loadBalancerClass"), class(new), "may not change once set"));
    }
    found.extend(validate_service(new));
    found
}

/// A cluster IP is for life, unless the Service is or becomes headless on both sides, or has none.
fn unchanged_cluster_ips(old: &Value, new: &Value) -> Vec<FieldError> {
    let external = |service: &Value| str_at(service, "spec.type") == "ExternalName";
    if external(old) || external(new) || (is_headless(old) && is_headless(new)) {
        return Vec::new();
    }
    let (before, after) = (items(old, "spec.clusterIPs"), items(new, "spec.clusterIPs"));
    let path = Path::new("spec.clusterIPs");
    let mut found = Vec::new();
    if before.len() > after.len() && after.is_empty() {
        found.push(invalid(&path.index(0), Value::Null, "primary clusterIP can not be unset"));
    }
    for (index, (was, is)) in before.iter().zip(after).enumerate() {
        if was != is && (before.len() == after.len() || index == 0) {
            found.push(invalid(&path.index(index), json!(after), "may not change once set"));
        }
    }
    found
}

fn validate_service(service: &Value) -> Vec<FieldError> {
    let spec = Path::new("spec");
    let ports = items(service, "spec.ports");
    let kind = str_at(service, "spec.type");
    let mut found = Vec::new();
    if ports.is_empty() && !is_headless(service) && kind != "ExternalName" {
        found.push(required(&spec.child("ports"), ""));
    }
    found.extend(validate_type_dependent(service, kind, &spec));
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        found.extend(validate_port(port, ports.len() > 1, &mut seen, &spec.child("ports").index(index)));
    }
    found.extend(validate_labels(field(service, "spec.selector"), &spec.child("selector")));
    found.extend(validate_affinity(service, &spec));
    found.extend(validate_cluster_ips(service, &spec));
    for (index, ip) in items(service, "spec.externalIPs").iter().filter_map(Value::as_str).enumerate() {
        found.extend(validate_external_ip(&spec.child("externalIPs").index(index), ip));
    }
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !types.contains(&kind) {
        found.push(not_supported(&spec.child("type"), kind, &types));
    }
    found.extend(validate_port_pairs(ports, kind, &spec.child("ports")));
    found.extend(validate_load_balancer(service, kind, &spec));
    found.extend(validate_traffic_policies(service, kind, &spec));
    found
}

fn validate_type_dependent(service: &Value, kind: &str, spec: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if ["LoadBalancer", "NodePort"].contains(&kind) && is_headless(service) {
        let why = format!("may not be set to 'None' for {kind} services");
        found.push(invalid(&spec.child("clusterIPs").index(0), "None", &why));
    }
    if kind != "ExternalName" {
        return found;
    }
    for part in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if !field(service, &format!("spec.{part}")).is_null() {
            found.push(forbidden(&spec.child(part), "may not be set for ExternalName services"));
        }
    }
    let target = str_at(service, "spec.externalName");
    let target = target.strip_suffix('.').unwrap_or(target);
    let path = spec.child("externalName");
    if target.is_empty() {
        found.push(required(&path, ""));
    } else {
        found.extend(all_invalid(&path, target, names::subdomain(target)));
    }
    found
}

fn validate_port(port: &Value, needs_name: bool, seen: &mut BTreeSet<String>, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let name = str_at(port, "name");
    if !name.is_empty() {
        found.extend(all_invalid(&path.child("name"), name, names::label(name)));
        if !seen.insert(name.to_owned()) {
            found.push(duplicate(&path.child("name"), name));
        }
    } else if needs_name {
        found.push(required(&path.child("name"), ""));
    }
    let number = int_at(port, "port").unwrap_or(0);
    found.extend(names::port_number(number).iter().map(|why| invalid(&path.child("port"), number, why)));
    let protocol = str_at(port, "protocol");
    let protocols = ["SCTP", "TCP", "UDP"];
    if protocol.is_empty() {
        found.push(required(&path.child("protocol"), ""));
    } else if !protocols.contains(&protocol) {
        found.push(not_supported(&path.child("protocol"), protocol, &protocols));
    }
    found.extend(port_number_or_name(field(port, "targetPort"), &path.child("targetPort")));
    if let Some(app) = field(port, "appProtocol").as_str() {
        found.extend(all_invalid(&path.child("appProtocol"), app, names::qualified(app)));
    }
    found
}

fn validate_affinity(service: &Value, spec: &Path) -> Vec<FieldError> {
    let affinity = str_at(service, "spec.sessionAffinity");
    let config = spec.child("sessionAffinityConfig");
    match affinity {
        "" => vec![required(&spec.child("sessionAffinity"), "")],
        "None" => Vec::new(),
        "ClientIP" => {
            let seconds = int_at(service, "spec.sessionAffinityConfig.clientIP.timeoutSeconds").unwrap_or(0);
            let path = config.child("clientIP").child("timeoutSeconds");
            if (1..=86400).contains(&seconds) {
                Vec::new()
            } else {
                vec![invalid(&path, seconds, "must be greater than 0 and less than 86400")]
            }
        }
        other => vec![not_supported(&spec.child("sessionAffinity"), other, &["ClientIP", "None"])],
    }
}

/// The cluster IPs and their families; these errors are the only ones of a Service that has any.
pub fn validate_cluster_ips(service: &Value, spec: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if str_at(service, "spec.type") == "ExternalName" {
        return found;
    }
    let path = spec.child("clusterIPs");
    let ip = str_at(service, "spec.clusterIP");
    let list: Vec<&str> = items(service, "spec.clusterIPs").iter().filter_map(Value::as_str).collect();
    if ip.is_empty() && !list.is_empty() {
        found.push(invalid(&path, json!(list), "must be empty when `clusterIP` is not specified"));
    } else if !list.is_empty() && list[0] != ip {
        found.push(invalid(&path, json!(list), "first value must match `clusterIP`"));
    }
    let families: Vec<&str> = items(service, "spec.ipFamilies").iter().filter_map(Value::as_str).collect();
    let families_path = spec.child("ipFamilies");
    if families.len() > 2 {
        found.push(invalid(&families_path, json!(families), "may only hold up to 2 values"));
    }
    for (index, family) in families.iter().enumerate() {
        if !["IPv4", "IPv6"].contains(family) {
            found.push(not_supported(&families_path.index(index), *family, &["IPv4", "IPv6"]));
        }
        if families[..index].contains(family) {
            found.push(duplicate(&families_path.index(index), *family));
        }
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    if let Some(policy) = field(service, "spec.ipFamilyPolicy").as_str().filter(|policy| !policies.contains(policy)) {
        found.push(not_supported(&spec.child("ipFamilyPolicy"), policy, &policies));
    }
    let mut any_bad = false;
    for (index, ip) in list.iter().enumerate() {
        if *ip == "None" && index == 0 {
            if list.len() > 1 {
                any_bad = true;
                found.push(invalid(&path, json!(list), "'None' must be the first and only value"));
            }
            continue;
        }
        let errors = validate_ip(&path.index(index), ip);
        any_bad |= !errors.is_empty();
        found.extend(errors);
    }
    if list.len() > 2 {
        found.push(invalid(&path, json!(list), "may only hold up to 2 values"));
    }
    if any_bad {
        return found;
    }
    let is_v6 = |ip: &str| ip.contains(':');
    if list.len() > 1 && list.iter().all(|ip| is_v6(ip) == is_v6(list[0])) {
        found.push(invalid(&path, json!(list), "may specify no more than one IP for each IP family"));
    }
    if !is_headless(service) {
        for (index, (ip, family)) in list.iter().zip(&families).enumerate() {
            if is_v6(ip) != (*family == "IPv6") {
                let why = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
                found.push(invalid(&path.index(index), *ip, &why));
            }
        }
    }
    found
}

/// Node ports of the wrong type, and pairs of protocol and number that stand twice.
fn validate_port_pairs(ports: &[Value], kind: &str, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let node_port = |port: &Value| int_at(port, "nodePort").unwrap_or(0);
    if kind == "ClusterIP" {
        for (index, _) in ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0) {
            let at = path.index(index).child("nodePort");
            found.push(forbidden(&at, "may not be used when `type` is 'ClusterIP'"));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate().filter(|(_, port)| node_port(port) != 0) {
        if !seen.insert((str_at(port, "protocol"), node_port(port))) {
            found.push(duplicate(&path.index(index).child("nodePort"), node_port(port)));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let (protocol, number) = (str_at(port, "protocol"), int_at(port, "port").unwrap_or(0));
        if !seen.insert((protocol, number)) {
            let shown = Shown::internal(&[
                ("Name", "".into()),
                ("Protocol", protocol.into()),
                ("AppProtocol", Value::Null.into()),
                ("Port", number.into()),
                ("TargetPort", 0.into()),
                ("NodePort", 0.into()),
            ]);
            found.push(duplicate(&path.index(index), shown));
        }
    }
    found
}

fn validate_load_balancer(service: &Value, kind: &str, spec: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let balanced = kind == "LoadBalancer";
    let only = "may only be used when `type` is 'LoadBalancer'";
    let ranges = items(service, "spec.loadBalancerSourceRanges");
    let path = spec.child("LoadBalancerSourceRanges");
    if !ranges.is_empty() && !balanced {
        found.push(forbidden(&path, only));
    }
    for (index, range) in ranges.iter().filter_map(Value::as_str).enumerate() {
        found.extend(validate_cidr(&path.index(index), range.trim()));
    }
    if !field(service, "spec.allocateLoadBalancerNodePorts").is_null() && !balanced {
        found.push(forbidden(&spec.child("allocateLoadBalancerNodePorts"), only));
    }
    if let Some(class) = field(service, "spec.loadBalancerClass").as_str() {
        let path = spec.child("loadBalancerClass");
        if balanced {
            found.extend(all_invalid(&path, class, names::qualified(class)));
        } else {
            found.push(forbidden(&path, only));
        }
    }
    found
}

fn validate_traffic_policies(service: &Value, kind: &str, spec: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let policies = ["Cluster", "Local"];
    let external = str_at(service, "spec.externalTrafficPolicy");
    let path = spec.child("externalTrafficPolicy");
    if !is_externally_accessible(service) {
        if !external.is_empty() {
            found.push(invalid(&path, external, "may only be set for externally-accessible services"));
        }
    } else if external.is_empty() {
        found.push(required(&path, ""));
    } else if !policies.contains(&external) {
        found.push(not_supported(&path, external, &policies));
    }
    // The port of a new one is allocated after validation; the real server gives it a number beforehand only when asked.
    let health = int_at(service, "spec.healthCheckNodePort").unwrap_or(0);
    let path = spec.child("healthCheckNodePort");
    if health != 0 && !needs_health_check(service) {
        let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        found.push(invalid(&path, health, why));
    } else if health != 0 {
        found.extend(names::port_number(health).iter().map(|why| invalid(&path, health, why)));
    }
    let path = spec.child("internalTrafficPolicy");
    match field(service, "spec.internalTrafficPolicy").as_str() {
        None if kind != "ExternalName" => found.push(required(&path, "")),
        Some(policy) if !policies.contains(&policy) => found.push(not_supported(&path, policy, &policies)),
        _ => {}
    }
    let distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    if let Some(distribution) =
        field(service, "spec.trafficDistribution").as_str().filter(|d| !distributions.contains(d))
    {
        found.push(not_supported(&spec.child("trafficDistribution"), distribution, &distributions));
    }
    found
}
