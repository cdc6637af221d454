//! Requests and limits: the names of resources and their amounts.
//!
//! Source: `validateResourceRequirements`, `ValidateResourceQuantityValue`, `validatePodResourceConsistency`. Leaves out:
//! resource claims.

use serde_json::Value;

use super::meta::all_invalid;
use crate::kube::api::field::{FieldError, Path, forbidden, invalid, required};
use crate::kube::api::names;
use crate::kube::quantity::{Quantity, parse};
use crate::kube::scheduler::resources::{ResourceList, container_totals, resource_list};
use crate::object::{field, items};

const CONTAINER: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What may be named without a domain elsewhere, in quotas.
const STANDARD: [&str; 20] = [
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
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
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
        found.extend(whole_pages(resource, *quantity, &at));
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
        found.extend(whole_pages(resource, *quantity, &at));
    }
    let any = |rule: fn(&str) -> bool| limits.iter().chain(&requests).any(|(resource, _)| rule(resource));
    if any(is_huge_page) && !any(|resource| resource == "cpu" || resource == "memory") {
        found.push(forbidden(path, "HugePages require cpu or memory"));
    }
    found
}

/// Huge pages come whole.
fn whole_pages(resource: &str, quantity: Quantity, path: &Path) -> Option<FieldError> {
    let page = parse(resource.strip_prefix("hugepages-")?).ok()?.value();
    let whole = page > 0 && quantity.value() % page == 0;
    (!whole).then(|| {
        invalid(path, quantity.to_string(), &format!("{quantity} is not positive integer multiple of {resource}"))
    })
}

/// Requests and limits of the pod itself must cover those of its containers.
pub fn validate_pod_totals(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let own = |list: &str| resource_list(field(spec, &format!("resources.{list}")));
    let (requests, limits) = (own("requests"), own("limits"));
    let pod = serde_json::json!({ "spec": spec });
    for (resource, total) in container_totals(&pod, &ResourceList::new()) {
        if let Some(request) = requests.get(&resource).filter(|request| total > **request) {
            let why = format!("must be greater than or equal to aggregate container requests of {total}");
            found.push(invalid(&path.child("requests").key(&resource), request.to_string(), &why));
        }
    }
    for (index, container) in items(spec, "containers").iter().enumerate() {
        for (resource, limit) in resource_list(field(container, "resources.limits")) {
            if let Some(most) = limits.get(&resource).filter(|most| limit > **most) {
                let at = path.child("containers").index(index).key(&resource).child("limits");
                let why = format!("must be less than or equal to pod limits of {most}");
                found.push(invalid(&at, limit.to_string(), &why));
            }
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
