//! Requests and limits: the names of resources and their amounts.
//!
//! Source: `ValidateContainerResourceRequirements` and `ValidateResourceQuantityValue`. Leaves out: huge pages beyond their names,
//! resource claims.

use serde_json::Value;

use super::meta::all_invalid;
use crate::kube::api::field::{FieldError, Path, invalid, required};
use crate::kube::api::names;
use crate::kube::quantity::{Quantity, parse};
use crate::object::field;

const CONTAINER: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What may be named without a domain elsewhere, in quotas.
const STANDARD: [&str; 16] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
];
const WHOLE: [&str; 7] =
    ["pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims"];

fn is_huge_page(resource: &str) -> bool {
    resource.starts_with("hugepages-")
}

fn is_native(resource: &str) -> bool {
    !resource.contains('/') || resource.contains("kubernetes.io/")
}

fn is_extended(resource: &str) -> bool {
    !is_native(resource)
        && !resource.starts_with("requests.")
        && names::qualified(&format!("requests.{resource}")).is_empty()
}

/// A request may be smaller than its limit only for what nodes share out.
fn may_overcommit(resource: &str) -> bool {
    is_native(resource) && !is_huge_page(resource)
}

/// The requests and limits of a container, or (`of_container` false) of a whole pod.
pub fn validate_requirements(requirements: &Value, of_container: bool, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let amounts = |list: &str| -> Vec<(String, Quantity)> {
        let entries = field(requirements, list).as_object().into_iter().flatten();
        entries.filter_map(|(name, value)| Some((name.clone(), parse(value.as_str()?).ok()?))).collect()
    };
    let (limits, requests) = (amounts("limits"), amounts("requests"));
    for (resource, quantity) in &limits {
        let at = path.child("limits").key(resource);
        found.extend(validate_name(resource, of_container, &at));
        found.extend(validate_amount(resource, *quantity, &at));
    }
    let requests_path = path.child("requests");
    for (resource, quantity) in &requests {
        let at = requests_path.key(resource);
        found.extend(validate_name(resource, of_container, &at));
        found.extend(validate_amount(resource, *quantity, &at));
        match limits.iter().find(|(name, _)| name == resource) {
            Some((_, limit)) if quantity != limit && !may_overcommit(resource) => {
                found.push(invalid(
                    &requests_path,
                    quantity.to_string(),
                    &format!("must be equal to {resource} limit of {limit}"),
                ));
            }
            Some((_, limit)) if quantity > limit => {
                let why = format!("must be less than or equal to {resource} limit of {limit}");
                found.push(invalid(&requests_path, quantity.to_string(), &why));
            }
            None if !may_overcommit(resource) => {
                found.push(required(&path.child("limits"), "Limit must be set for non overcommitable resources"));
            }
            _ => {}
        }
    }
    found
}

fn validate_name(resource: &str, of_container: bool, path: &Path) -> Vec<FieldError> {
    let mut found = all_invalid(path, resource, names::qualified(resource));
    let plain = !resource.contains('/');
    let why = if !found.is_empty() {
        if plain { vec!["must be a standard resource for containers"] } else { vec![] }
    } else if plain && !STANDARD.contains(&resource) && !is_huge_page(resource) {
        vec!["must be a standard resource type or fully qualified", "must be a standard resource for containers"]
    } else if plain && !CONTAINER.contains(&resource) && !is_huge_page(resource) {
        vec!["must be a standard resource for containers"]
    } else if !plain && !is_native(resource) && !is_extended(resource) {
        vec!["doesn't follow extended resource name standard"]
    } else {
        vec![]
    };
    let supported = ["cpu", "hugepages-", "memory"];
    if !of_container && why.is_empty() && (!["cpu", "memory"].contains(&resource) && !is_huge_page(resource)) {
        return vec![crate::kube::api::field::not_supported(path, resource, &supported)];
    }
    found.extend(why.into_iter().map(|why| invalid(path, resource, why)));
    found
}

/// An amount must not be negative, and whole where things are counted.
pub fn validate_amount(resource: &str, quantity: Quantity, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if quantity < Quantity::whole(0) {
        found.push(invalid(path, quantity.to_string(), "must be greater than or equal to 0"));
    }
    if (WHOLE.contains(&resource) || is_extended(resource)) && quantity.milli_value() % 1000 != 0 {
        found.push(invalid(path, quantity.to_string(), "must be an integer"));
    }
    found
}
