//! Nodes, PriorityClasses, EndpointSlices, ControllerRevisions.
//!
//! Source: `ValidateNode`, `pkg/apis/scheduling/validation`, `pkg/apis/discovery/validation`. The paths of a node's taints are the
//! real ones: `metadata.taints`, not `spec.taints`.

use serde_json::Value;

use super::affinity::validate_taints;
use super::meta::{all_invalid, immutable, validate_meta, validate_meta_update};
use super::resources::validate_amount;
use super::{is_one_of, required_one_of};
use crate::kube::api::field::{FieldError, Path, Shown, duplicate, forbidden, required, too_many};
use crate::kube::api::names;
use crate::kube::quantity::parse;
use crate::object::{bool_at, entries, field, int_at, items, name, str_at};

pub fn validate_node_create(node: &Value) -> Vec<FieldError> {
    let mut found = validate_meta(node, false, names::subdomain);
    found.extend(validate_taints(items(node, "spec.taints"), &Path::new("metadata.taints")));
    found.extend(validate_node_resources(node));
    for (index, range) in items(node, "spec.podCIDRs").iter().filter_map(Value::as_str).enumerate() {
        found.extend(super::address::validate_cidr(&Path::new("spec.podCIDRs").index(index), range));
    }
    found
}

pub fn validate_node_update(old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    found.extend(validate_node_resources(new));
    let addresses = items(new, "status.addresses");
    for (index, address) in
        addresses.iter().enumerate().filter(|(index, address)| addresses[..*index].contains(address))
    {
        let shown = Shown::internal(&[
            ("Type", str_at(address, "type").into()),
            ("Address", str_at(address, "address").into()),
        ]);
        found.push(duplicate(&Path::new("status.addresses").index(index), shown));
    }
    let changed = |part: &str| !field(old, part).is_null() && field(old, part) != field(new, part);
    if changed("spec.podCIDRs") {
        let why = "node updates may not change podCIDR except from \"\" to valid";
        found.push(forbidden(&Path::new("spec.podCIDRs"), why));
    }
    if changed("spec.providerID") {
        let why = "node updates may not change providerID except from \"\" to valid";
        found.push(forbidden(&Path::new("spec.providerID"), why));
    }
    found.extend(validate_taints(items(new, "spec.taints"), &Path::new("metadata.taints")));
    found
}

fn validate_node_resources(node: &Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    for list in ["status.capacity", "status.allocatable"] {
        for (resource, amount) in entries(node, list) {
            if let Some(quantity) = amount.as_str().and_then(|text| parse(text).ok()) {
                found.extend(validate_amount(resource, quantity, &Path::new(list).child(resource)));
            }
        }
    }
    found
}

/// The highest value that a class may have which is not the system's own.
const USER_PRIORITY_MAX: i64 = 1_000_000_000;

pub fn validate_priority_class_create(class: &Value) -> Vec<FieldError> {
    let mut found = validate_meta(class, false, names::subdomain);
    let value = int_at(class, "value").unwrap_or(0);
    let own = name(class);
    if own.starts_with("system-") {
        let known = match own {
            "system-node-critical" => Some(2_000_001_000),
            "system-cluster-critical" => Some(2_000_000_000),
            _ => None,
        };
        let why = match known {
            None => Some(format!("{own} is not a known system priority class")),
            Some(right) if right != value => Some(format!("value of {own} PriorityClass must be {right}")),
            Some(_) if bool_at(class, "globalDefault") => {
                Some(format!("globalDefault of {own} PriorityClass must be false"))
            }
            Some(_) => None,
        };
        if let Some(why) = why {
            let why =
                format!("priority class names with 'system-' prefix are reserved for system use only. error: {why}");
            found.push(forbidden(&Path::new("metadata.name"), &why));
        }
    } else if value > USER_PRIORITY_MAX {
        let why = format!("maximum allowed value of a user defined priority is {USER_PRIORITY_MAX}");
        found.push(forbidden(&Path::new("value"), &why));
    }
    if let Some(policy) = field(class, "preemptionPolicy").as_str() {
        found.extend(is_one_of(policy, &["PreemptLowerPriority", "Never"], &Path::new("preemptionPolicy")));
    }
    found
}

pub fn validate_priority_class_update(old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    if field(old, "value") != field(new, "value") {
        found.push(forbidden(&Path::new("value"), "may not be changed in an update."));
    }
    found.extend(immutable(old, new, "preemptionPolicy", &Path::new("preemptionPolicy")));
    found
}

pub fn validate_endpoint_slice(slice: &Value) -> Vec<FieldError> {
    let mut found = validate_meta(slice, true, names::subdomain);
    found.extend(required_one_of(slice, "addressType", &["FQDN", "IPv4", "IPv6"], &Path::new("")));
    let ports = items(slice, "ports");
    for (index, port) in ports.iter().enumerate() {
        let at = Path::new("ports").index(index);
        let name = str_at(port, "name");
        if !name.is_empty() {
            found.extend(all_invalid(&at.child("name"), name, names::label(name)));
        }
        if ports[..index].iter().any(|other| str_at(other, "name") == name) {
            found.push(duplicate(&at.child("name"), name));
        }
        found.extend(required_one_of(port, "protocol", &["SCTP", "TCP", "UDP"], &at));
    }
    let endpoints = items(slice, "endpoints");
    if endpoints.len() > 1000 {
        found.push(too_many(&Path::new("endpoints"), endpoints.len(), 1000));
        return found;
    }
    for (index, endpoint) in endpoints.iter().enumerate() {
        let at = Path::new("endpoints").index(index).child("addresses");
        let addresses = items(endpoint, "addresses");
        if addresses.is_empty() {
            found.push(required(&at, "must contain at least 1 address"));
        }
        if str_at(slice, "addressType") == "IPv4" {
            for (index, address) in addresses.iter().filter_map(Value::as_str).enumerate() {
                found.extend(super::address::validate_external_ip(&at.index(index), address));
            }
        }
    }
    found
}

pub fn validate_controller_revision_update(old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    found.extend(immutable(old, new, "data", &Path::new("data")));
    found
}
