//! Metadata: names, labels, annotations, owners, finalizers; what of it may change.
//!
//! Source: apimachinery's `api/validation/objectmeta.go` and `apis/meta/v1/validation`.

use serde_json::{Value, json};

use crate::kube::api::field::{FieldError, Path, forbidden, invalid, required, too_long};
use crate::kube::api::names;
use crate::object::{bool_at, field, int_at, is_terminating, items, name, namespace, str_at};

/// A rule for the names of a kind.
pub type NameRule = fn(&str) -> Vec<String>;

const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// An error for each message about one value.
pub fn all_invalid(path: &Path, value: &str, messages: Vec<String>) -> Vec<FieldError> {
    messages.iter().map(|message| invalid(path, value, message)).collect()
}

/// The metadata of a new object.
pub fn validate_meta(object: &Value, namespaced: bool, rule: NameRule) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut found = Vec::new();
    let generate = str_at(object, "metadata.generateName");
    if !generate.is_empty() {
        // What is generated goes on: a hyphen at the end is not the end. The real one masks the character before it too.
        let masked = if generate.len() > 1 && generate.ends_with('-') {
            format!("{}a", &generate[..generate.len() - 2])
        } else {
            generate.to_owned()
        };
        found.extend(all_invalid(&path.child("generateName"), generate, rule(&masked)));
    }
    if name(object).is_empty() {
        found.push(required(&path.child("name"), "name or generateName is required"));
    } else {
        found.extend(all_invalid(&path.child("name"), name(object), rule(name(object))));
    }
    let place = namespace(object);
    if namespaced && place.is_empty() {
        found.push(required(&path.child("namespace"), ""));
    } else if namespaced {
        found.extend(all_invalid(&path.child("namespace"), place, names::label(place)));
    } else if !place.is_empty() {
        found.push(forbidden(&path.child("namespace"), "not allowed on this type"));
    }
    found.extend(non_negative(object, "metadata.generation", &path.child("generation")));
    found.extend(validate_labels(field(object, "metadata.labels"), &path.child("labels")));
    found.extend(validate_annotations(field(object, "metadata.annotations"), &path.child("annotations")));
    found.extend(validate_owners(object, &path.child("ownerReferences")));
    found.extend(validate_finalizers(object, &path.child("finalizers")));
    found
}

/// The metadata of a changed object.
pub fn validate_meta_update(old: &Value, new: &Value) -> Vec<FieldError> {
    let path = Path::new("metadata");
    let mut found = Vec::new();
    if is_terminating(old) {
        let before = items(old, "metadata.finalizers");
        let mut added: Vec<&str> = items(new, "metadata.finalizers")
            .iter()
            .filter(|finalizer| !before.contains(finalizer))
            .filter_map(Value::as_str)
            .collect();
        added.sort_unstable();
        added.dedup();
        if !added.is_empty() {
            let quoted: Vec<String> = added.iter().map(|finalizer| format!("{finalizer:?}")).collect();
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                quoted.join(", ")
            );
            found.push(forbidden(&path.child("finalizers"), &why));
        }
    }
    for part in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let at = format!("metadata.{part}");
        found.extend(immutable(old, new, &at, &path.child(part)));
    }
    found.extend(validate_labels(field(new, "metadata.labels"), &path.child("labels")));
    found.extend(validate_annotations(field(new, "metadata.annotations"), &path.child("annotations")));
    found.extend(validate_owners(new, &path.child("ownerReferences")));
    found
}

/// `field is immutable`, when the values at `at` differ.
pub fn immutable(old: &Value, new: &Value, at: &str, path: &Path) -> Option<FieldError> {
    let (before, after) = (field(old, at), field(new, at));
    (before != after).then(|| invalid(path, after.clone(), "field is immutable"))
}

/// A number, when it is there, that must not be negative.
pub fn non_negative(object: &Value, at: &str, path: &Path) -> Option<FieldError> {
    let value = int_at(object, at).filter(|value| *value < 0)?;
    Some(invalid(path, value, "must be greater than or equal to 0"))
}

/// The keys and values of labels (or of a selector).
pub fn validate_labels(labels: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or("");
        found.extend(all_invalid(path, key, names::qualified(key)));
        found.extend(all_invalid(path, value, names::label_value(value)));
    }
    found
}

pub fn validate_annotations(annotations: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut bytes = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        bytes += key.len() + value.as_str().map_or(0, str::len);
        found.extend(all_invalid(path, key, names::qualified(&key.to_lowercase())));
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        found.push(too_long(path, ANNOTATIONS_BYTES_MAX));
    }
    found
}

fn validate_owners(object: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut controller = String::new();
    for owner in items(object, "metadata.ownerReferences") {
        let version = str_at(owner, "apiVersion");
        if version.is_empty() || version.ends_with('/') {
            found.push(invalid(&path.child("apiVersion"), version, "version must not be empty"));
        }
        for part in ["kind", "name", "uid"] {
            if str_at(owner, part).is_empty() {
                found.push(invalid(&path.child(part), "", "must not be empty"));
            }
        }
        if bool_at(owner, "controller") {
            let this = format!("{}/{}", str_at(owner, "kind"), str_at(owner, "name"));
            if controller.is_empty() {
                controller = this;
            } else {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {this}"
                );
                found.push(invalid(path, field(object, "metadata.ownerReferences").clone(), &why));
            }
        }
    }
    found
}

fn validate_finalizers(object: &Value, path: &Path) -> Vec<FieldError> {
    let finalizers = items(object, "metadata.finalizers");
    let mut found = Vec::new();
    for finalizer in finalizers.iter().filter_map(Value::as_str) {
        found.extend(all_invalid(path, finalizer, names::qualified(finalizer)));
    }
    let has = |wanted: &str| finalizers.iter().any(|finalizer| finalizer == wanted);
    if has("orphan") && has("foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        found.push(invalid(path, json!(finalizers), why));
    }
    found
}

/// A LabelSelector.
pub fn validate_selector(selector: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = validate_labels(field(selector, "matchLabels"), &path.child("matchLabels"));
    for (index, expression) in items(selector, "matchExpressions").iter().enumerate() {
        let at = path.child("matchExpressions").index(index);
        let values = items(expression, "values");
        match str_at(expression, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                found.push(required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"));
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                found.push(forbidden(
                    &at.child("values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                ));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => found.push(invalid(&at.child("operator"), other, "not a valid selector operator")),
        }
        let key = str_at(expression, "key");
        found.extend(all_invalid(&at.child("key"), key, names::qualified(key)));
        for (index, value) in values.iter().filter_map(Value::as_str).enumerate() {
            found.extend(all_invalid(&at.child("values").index(index), value, names::label_value(value)));
        }
    }
    found
}
