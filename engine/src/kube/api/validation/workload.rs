//! Deployments, ReplicaSets and DaemonSets.
//!
//! Source: `pkg/apis/apps/validation`. Paths below follow it, also where it leaves `spec.` out or names a container type.

use serde_json::Value;

use super::meta::{immutable, non_negative, validate_meta, validate_meta_update, validate_selector};
use super::pod::validate_template;
use crate::kube::api::field::{FieldError, Path, Shown, forbidden, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::{entries, field, int_at, items, selector, str_at};
use crate::store::Kind;

pub fn validate_workload_create(kind: Kind, object: &Value) -> Vec<FieldError> {
    let mut found = validate_meta(object, true, names::subdomain);
    found.extend(validate_spec(kind, object));
    found
}

pub fn validate_workload_update(kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    let selector_changed = field(old, "spec.selector") != field(new, "spec.selector");
    let shown = Shown::typed("LabelSelector", field(new, "spec.selector"));
    let error = selector_changed.then(|| invalid(&Path::new("spec.selector"), shown, "field is immutable"));
    if kind == Kind::DaemonSet {
        found.extend(error);
        found.extend(validate_spec(kind, new));
    } else {
        found.extend(validate_spec(kind, new));
        found.extend(error);
    }
    found
}

fn validate_spec(kind: Kind, object: &Value) -> Vec<FieldError> {
    let spec = field(object, "spec");
    let path = Path::new("spec");
    match kind {
        Kind::DaemonSet => validate_daemon_set_spec(spec, &path),
        Kind::ReplicaSet => {
            let mut found: Vec<FieldError> =
                non_negative(spec, "replicas", &path.child("replicas")).into_iter().collect();
            found.extend(non_negative(spec, "minReadySeconds", &path.child("minReadySeconds")));
            found.extend(validate_selector_and_template(spec, &path));
            found
        }
        _ => validate_deployment_spec(spec, &path),
    }
}

fn is_empty(selector: &Value) -> bool {
    entries(selector, "matchLabels").count() + items(selector, "matchExpressions").len() == 0
}

/// Whether the selector can be read at all: known operators with the values they need, good keys.
fn is_readable(selector: &Value) -> bool {
    validate_selector(selector, &Path::new("")).is_empty()
}

fn template_matches(spec: &Value) -> bool {
    let labels = entries(spec, "template.metadata.labels").map(|(key, value)| (key, value.as_str().unwrap_or("")));
    selector::matches(field(spec, "selector"), labels)
}

fn template_mismatch(spec: &Value, path: &Path) -> FieldError {
    let labels = field(spec, "template.metadata.labels").clone();
    invalid(&path.child("template.metadata.labels"), labels, "`selector` does not match template `labels`")
}

fn validate_selector_and_template(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let selector = field(spec, "selector");
    let at = path.child("selector");
    let shown = || Shown::typed("LabelSelector", selector);
    if selector.is_null() {
        found.push(required(&at, ""));
    } else {
        found.extend(validate_selector(selector, &at));
        if is_empty(selector) {
            found.push(invalid(&at, shown(), "empty selector is invalid for deployment"));
        }
    }
    if !is_readable(selector) {
        found.push(invalid(&at, shown(), "invalid label selector"));
        return found;
    }
    if !template_matches(spec) {
        found.push(template_mismatch(spec, path));
    }
    let template = path.child("template");
    found.extend(validate_template(field(spec, "template"), &template));
    found.extend(always_restarts(spec, "ReplicaSet", &template));
    found
}

/// What a pod must be that its controller replaces.
fn always_restarts(spec: &Value, controller: &str, template: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let policy = str_at(spec, "template.spec.restartPolicy");
    if policy != "Always" {
        found.push(not_supported(&template.child("spec.restartPolicy"), policy, &["Always"]));
    }
    if !field(spec, "template.spec.activeDeadlineSeconds").is_null() {
        let why = format!("activeDeadlineSeconds in {controller} is not Supported");
        found.push(forbidden(&template.child("spec.activeDeadlineSeconds"), &why));
    }
    found
}

fn validate_deployment_spec(spec: &Value, path: &Path) -> Vec<FieldError> {
    let mut found: Vec<FieldError> = non_negative(spec, "replicas", &path.child("replicas")).into_iter().collect();
    found.extend(validate_selector_and_template(spec, path));
    found.extend(validate_strategy(field(spec, "strategy"), &path.child("strategy")));
    for part in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        found.extend(non_negative(spec, part, &path.child(part)));
    }
    if let Some(deadline) = int_at(spec, "progressDeadlineSeconds")
        && deadline <= int_at(spec, "minReadySeconds").unwrap_or(0)
    {
        found.push(invalid(&path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds"));
    }
    found
}

/// A strategy as the API server's internal type prints.
fn shown_strategy(strategy: &Value) -> Shown {
    let rolling = field(strategy, "rollingUpdate");
    let part = |name: &str| Shown::from(rolling.get(name).cloned().unwrap_or_else(|| 0.into()));
    let rolling = if rolling.is_null() {
        Shown::from(Value::Null)
    } else {
        Shown::internal(&[("MaxUnavailable", part("maxUnavailable")), ("MaxSurge", part("maxSurge"))])
    };
    Shown::internal(&[("Type", str_at(strategy, "type").into()), ("RollingUpdate", rolling)])
}

fn validate_strategy(strategy: &Value, path: &Path) -> Vec<FieldError> {
    let rolling = field(strategy, "rollingUpdate");
    let at = path.child("rollingUpdate");
    match str_at(strategy, "type") {
        "Recreate" if rolling.is_null() => Vec::new(),
        "Recreate" => vec![forbidden(&at, "may not be specified when strategy `type` is 'Recreate'")],
        "RollingUpdate" => {
            let (unavailable, surge) = (field(rolling, "maxUnavailable"), field(rolling, "maxSurge"));
            let mut found = int_or_percent(unavailable, &at.child("maxUnavailable"));
            found.extend(int_or_percent(surge, &at.child("maxSurge")));
            if amount(unavailable) == 0 && amount(surge) == 0 {
                found.push(invalid(
                    &at.child("maxUnavailable"),
                    unavailable.clone(),
                    "may not be 0 when `maxSurge` is 0",
                ));
            }
            found.extend(at_most_all(unavailable, &at.child("maxUnavailable")));
            found
        }
        _ => vec![not_supported(path, shown_strategy(strategy), &["Recreate", "RollingUpdate"])],
    }
}

fn validate_daemon_set_spec(spec: &Value, path: &Path) -> Vec<FieldError> {
    let selector = field(spec, "selector");
    let at = path.child("selector");
    let mut found = validate_selector(selector, &at);
    if is_readable(selector) && !template_matches(spec) {
        found.push(template_mismatch(spec, path));
    }
    if !selector.is_null() && is_empty(selector) {
        found.push(invalid(&at, Shown::typed("LabelSelector", selector), "empty selector is invalid for daemonset"));
    }
    let template = path.child("template");
    found.extend(validate_template(field(spec, "template"), &template));
    found.extend(always_restarts(spec, "DaemonSet", &template));
    found.extend(non_negative(spec, "minReadySeconds", &path.child("minReadySeconds")));
    found.extend(validate_update_strategy(field(spec, "updateStrategy"), &path.child("updateStrategy")));
    found.extend(non_negative(spec, "revisionHistoryLimit", &path.child("revisionHistoryLimit")));
    found
}

fn validate_update_strategy(strategy: &Value, path: &Path) -> Vec<FieldError> {
    match str_at(strategy, "type") {
        "OnDelete" => return Vec::new(),
        "RollingUpdate" => {}
        _ => return vec![not_supported(path, shown_strategy(strategy), &["RollingUpdate", "OnDelete"])],
    }
    let at = path.child("rollingUpdate");
    let rolling = field(strategy, "rollingUpdate");
    let (unavailable, surge) = (field(rolling, "maxUnavailable"), field(rolling, "maxSurge"));
    let mut found = int_or_percent(unavailable, &at.child("maxUnavailable"));
    found.extend(int_or_percent(surge, &at.child("maxSurge")));
    found.extend(at_most_all(unavailable, &at.child("maxUnavailable")));
    found.extend(at_most_all(surge, &at.child("maxSurge")));
    match (amount(unavailable) != 0, amount(surge) != 0) {
        (true, true) => {
            found.push(invalid(&at.child("maxSurge"), surge.clone(), "may not be set when maxUnavailable is non-zero"));
        }
        (false, false) => found.push(required(&at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0")),
        _ => {}
    }
    found
}

fn int_or_percent(value: &Value, path: &Path) -> Vec<FieldError> {
    match value {
        Value::String(text) => names::percent(text).iter().map(|why| invalid(path, text.as_str(), why)).collect(),
        other => {
            let number = other.as_i64().unwrap_or(0);
            if number >= 0 { Vec::new() } else { vec![invalid(path, number, "must be greater than or equal to 0")] }
        }
    }
}

/// The number, or the percentage's number; of any other text, the number it is.
fn amount(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or(0),
        other => other.as_i64().unwrap_or(0),
    }
}

fn at_most_all(value: &Value, path: &Path) -> Option<FieldError> {
    let percent = value.as_str().filter(|text| names::percent(text).is_empty())?;
    (amount(value) > 100).then(|| invalid(path, percent, "must not be greater than 100%"))
}

/// Also used for the statuses of workloads: a count that cannot be.
pub fn validate_workload_status(kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    let mut found = validate_meta_update(old, new);
    found.extend(immutable(old, new, "spec", &Path::new("spec")));
    if kind == Kind::DaemonSet {
        return found;
    }
    let path = Path::new("status");
    let count = |name: &str| int_at(new, &format!("status.{name}")).unwrap_or(0);
    for part in ["updatedReplicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        if count(part) > count("replicas") {
            found.push(invalid(&path.child(part), count(part), "cannot be greater than status.replicas"));
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        let at = path.child("availableReplicas");
        found.push(invalid(&at, count("availableReplicas"), "cannot be greater than readyReplicas"));
    }
    found
}
