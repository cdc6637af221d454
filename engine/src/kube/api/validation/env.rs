//! Environment variables and where their values come from.
//!
//! Source: `ValidateEnv`, `ValidateEnvFrom` and the selectors they call. Leaves out: the divisor of a resource field.

use serde_json::Value;

use super::meta::all_invalid;
use crate::kube::api::field::{FieldError, Path, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::{field, items, str_at};

const POD_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCE_FIELDS: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

pub fn validate_env(variables: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, variable) in variables.iter().enumerate() {
        let at = path.index(index);
        let name = str_at(variable, "name");
        if name.is_empty() {
            found.push(required(&at.child("name"), ""));
        } else {
            found.extend(all_invalid(&at.child("name"), name, names::env_var(name)));
        }
        let from = field(variable, "valueFrom");
        if !from.is_null() {
            found.extend(validate_value_from(from, !str_at(variable, "value").is_empty(), &at.child("valueFrom")));
        }
    }
    found
}

fn validate_value_from(from: &Value, has_value: bool, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut sources = 0;
    for kind in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"] {
        let source = field(from, kind);
        if source.is_null() {
            continue;
        }
        sources += 1;
        let at = path.child(kind);
        match kind {
            "fieldRef" => found.extend(validate_field_ref(source, &at)),
            "resourceFieldRef" => found.extend(validate_resource_ref(source, &at)),
            _ => found.extend(validate_key_ref(source, &at)),
        }
    }
    let why = match sources {
        0 => "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        _ if has_value => "may not be specified when `value` is not empty",
        1 => return found,
        _ => "may not have more than one field specified at a time",
    };
    found.push(invalid(path, "", why));
    found
}

fn validate_field_ref(source: &Value, path: &Path) -> Vec<FieldError> {
    for part in ["apiVersion", "fieldPath"] {
        if str_at(source, part).is_empty() {
            return vec![required(&path.child(part), "")];
        }
    }
    let of = str_at(source, "fieldPath");
    let at = path.child("fieldPath");
    if let Some((map, rest)) = of.split_once("['") {
        let key = rest.strip_suffix("']").unwrap_or(rest);
        return match map {
            "metadata.annotations" => all_invalid(path, &key.to_lowercase(), names::qualified(&key.to_lowercase())),
            "metadata.labels" => all_invalid(path, key, names::qualified(key)),
            _ => vec![invalid(path, map, "does not support subscript")],
        };
    }
    let convertible = POD_FIELDS.contains(&of)
        || ["metadata.annotations", "metadata.labels", "spec.restartPolicy", "spec.schedulerName", "status.phase"]
            .contains(&of);
    if !convertible {
        return vec![invalid(&at, of, &format!("error converting fieldPath: field label not supported: {of}"))];
    }
    if POD_FIELDS.contains(&of) { Vec::new() } else { vec![not_supported(&at, of, &POD_FIELDS)] }
}

fn validate_resource_ref(source: &Value, path: &Path) -> Vec<FieldError> {
    let resource = str_at(source, "resource");
    let at = path.child("resource");
    if resource.is_empty() {
        return vec![required(&at, "")];
    }
    let huge = resource.starts_with("requests.hugepages-") || resource.starts_with("limits.hugepages-");
    if huge || RESOURCE_FIELDS.contains(&resource) {
        Vec::new()
    } else {
        vec![not_supported(&at, resource, &RESOURCE_FIELDS)]
    }
}

fn validate_key_ref(source: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    if str_at(source, "name").is_empty() {
        found.push(required(&path.child("name"), ""));
    }
    let key = str_at(source, "key");
    if key.is_empty() {
        found.push(required(&path.child("key"), ""));
    } else {
        found.extend(all_invalid(&path.child("key"), key, names::config_map_key(key)));
    }
    found
}

pub fn validate_env_from(sources: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let at = path.index(index);
        let prefix = str_at(source, "prefix");
        if !prefix.is_empty() {
            found.extend(all_invalid(&at.child("prefix"), prefix, names::env_var(prefix)));
        }
        let mut given = 0;
        for kind in ["configMapRef", "secretRef"] {
            if !field(source, kind).is_null() {
                given += 1;
                if str_at(source, &format!("{kind}.name")).is_empty() {
                    found.push(required(&at.child(kind).child("name"), ""));
                }
            }
        }
        match given {
            0 => found.push(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => found.push(invalid(path, "", "may not have more than one field specified at a time")),
        }
    }
    found
}

/// The items of a downward API volume: fields of the pod, resources of a container.
pub fn validate_downward_items(source: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, item) in items(source, "items").iter().enumerate() {
        let at = path.child("items").index(index);
        let place = str_at(item, "path");
        if place.is_empty() {
            found.push(required(&at.child("path"), ""));
        }
        found.extend(super::volume::local_path(place, &at.child("path")));
        let (pod, container) = (field(item, "fieldRef"), field(item, "resourceFieldRef"));
        match (pod.is_null(), container.is_null()) {
            (true, true) => found.push(required(&at, "one of fieldRef and resourceFieldRef is required")),
            (false, false) => found.push(invalid(
                &at,
                "resource",
                "fieldRef and resourceFieldRef can not be specified simultaneously",
            )),
            _ => {}
        }
    }
    found
}
