//! Where a pod wants to be: tolerations, affinity to nodes and pods, topology spread.
//!
//! Source: `ValidateTolerations`, `validateAffinity`, `validateTopologySpreadConstraints`.

use serde_json::Value;

use super::meta::{all_invalid, validate_selector};
use super::{is_one_of, taint_effect};
use crate::kube::api::field::{FieldError, Path, Shown, duplicate, forbidden, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::{field, int_at, items, str_at};

pub fn validate_tolerations(tolerations: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, toleration) in tolerations.iter().enumerate() {
        let at = path.index(index);
        let part = |name: &str| str_at(toleration, name);
        let (key, operator, effect, value) = (part("key"), part("operator"), part("effect"), part("value"));
        if !key.is_empty() {
            found.extend(all_invalid(&at.child("key"), key, names::qualified(key)));
        }
        if key.is_empty() && operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            found.push(invalid(&at.child("operator"), operator, why));
        }
        if !field(toleration, "tolerationSeconds").is_null() && effect != "NoExecute" {
            found.push(invalid(
                &at.child("effect"),
                effect,
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            ));
        }
        match operator {
            "Equal" | "" => {
                let errors = names::label_value(value);
                if !errors.is_empty() {
                    found.push(invalid(&at.child("operator"), value, &errors.join(";")));
                }
            }
            "Exists" if !value.is_empty() => {
                found.push(invalid(&at.child("operator"), value, "value must be empty when `operator` is 'Exists'"));
            }
            "Exists" => {}
            other => found.push(not_supported(&at.child("operator"), other, &["Equal", "Exists"])),
        }
        if !effect.is_empty() {
            found.extend(taint_effect(effect, &at.child("effect")));
        }
    }
    found
}

pub fn validate_affinity(affinity: &Value, path: &Path) -> Vec<FieldError> {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let mut found = Vec::new();
    let node = field(affinity, "nodeAffinity");
    let at = path.child("nodeAffinity");
    let selector = field(node, REQUIRED);
    if !selector.is_null() {
        found.extend(validate_node_selector(selector, &at.child(REQUIRED)));
    }
    for (index, term) in items(node, PREFERRED).iter().enumerate() {
        let at = at.child(PREFERRED).index(index);
        found.extend(weight(term, &at));
        found.extend(validate_node_term(field(term, "preference"), false, &at.child("preference")));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let of = field(affinity, kind);
        let at = path.child(kind);
        for (index, term) in items(of, REQUIRED).iter().enumerate() {
            found.extend(validate_pod_term(term, &at.child(REQUIRED).index(index)));
        }
        for (index, term) in items(of, PREFERRED).iter().enumerate() {
            let at = at.child(PREFERRED).index(index);
            found.extend(weight(term, &at));
            found.extend(validate_pod_term(field(term, "podAffinityTerm"), &at.child("podAffinityTerm")));
        }
    }
    found
}

fn weight(term: &Value, path: &Path) -> Option<FieldError> {
    let weight = int_at(term, "weight").unwrap_or(0);
    (!(1..=100).contains(&weight)).then(|| invalid(&path.child("weight"), weight, "must be in the range 1-100"))
}

fn validate_node_selector(selector: &Value, path: &Path) -> Vec<FieldError> {
    let terms = items(selector, "nodeSelectorTerms");
    let at = path.child("nodeSelectorTerms");
    if terms.is_empty() {
        return vec![required(&at, "must have at least one node selector term")];
    }
    terms.iter().enumerate().flat_map(|(index, term)| validate_node_term(term, true, &at.index(index))).collect()
}

/// `strict`: the values must be valid label values, which a mere preference may break.
fn validate_node_term(term: &Value, strict: bool, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, requirement) in items(term, "matchExpressions").iter().enumerate() {
        found.extend(validate_node_requirement(requirement, strict, &path.child("matchExpressions").index(index)));
    }
    for (index, requirement) in items(term, "matchFields").iter().enumerate() {
        found.extend(validate_field_requirement(requirement, &path.child("matchFields").index(index)));
    }
    found
}

fn validate_node_requirement(requirement: &Value, strict: bool, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let values = items(requirement, "values");
    let at = path.child("values");
    match str_at(requirement, "operator") {
        "In" | "NotIn" if values.is_empty() => {
            found.push(required(&at, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            found.push(forbidden(&at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            found.push(required(&at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => found.push(invalid(&path.child("operator"), other, "not a valid selector operator")),
    }
    let key = str_at(requirement, "key");
    found.extend(all_invalid(&path.child("key"), key, names::qualified(key)));
    for (index, value) in values.iter().filter_map(Value::as_str).enumerate().filter(|_| strict) {
        found.extend(all_invalid(&at.index(index), value, names::label_value(value)));
    }
    found
}

fn validate_field_requirement(requirement: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let values = items(requirement, "values");
    match str_at(requirement, "operator") {
        "In" | "NotIn" if values.len() != 1 => {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            found.push(required(&path.child("values"), why));
        }
        "In" | "NotIn" => {}
        other => found.push(invalid(&path.child("operator"), other, "not a valid selector operator")),
    }
    let key = str_at(requirement, "key");
    if key == "metadata.name" {
        for (index, value) in values.iter().filter_map(Value::as_str).enumerate() {
            found.extend(all_invalid(&path.child("values").index(index), value, names::subdomain(value)));
        }
    } else {
        found.push(invalid(&path.child("key"), key, "not a valid field selector key"));
    }
    found
}

fn validate_pod_term(term: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for part in ["labelSelector", "namespaceSelector"] {
        found.extend(validate_selector(field(term, part), &path.child(part)));
    }
    for namespace in items(term, "namespaces").iter().filter_map(Value::as_str) {
        found.extend(all_invalid(&path.child("namespace"), namespace, names::label(namespace)));
    }
    found.extend(validate_label_keys(term, path));
    let key = str_at(term, "topologyKey");
    let at = path.child("topologyKey");
    if key.is_empty() {
        found.push(required(&at, "can not be empty"));
    }
    found.extend(all_invalid(&at, key, names::qualified(key)));
    found
}

/// By now the selector has an expression for each of `matchLabelKeys` that the pod has: another with the same key must not
/// be there. The path is as the real server gives it.
fn keys_selected_twice(selector: &Value, keys: &[String], path: &Path) -> Vec<FieldError> {
    let mut seen: Vec<&str> =
        field(selector, "matchLabels").as_object().into_iter().flatten().map(|(k, _)| &**k).collect();
    let mut found = Vec::new();
    for expression in items(selector, "matchExpressions") {
        let key = str_at(expression, "key");
        if let Some(index) = keys.iter().rposition(|own| own == key).filter(|_| seen.contains(&key)) {
            found.push(invalid(&path.index(index), key, "exists in both matchLabelKeys and labelSelector"));
        }
        seen.push(key);
    }
    found
}

/// `matchLabelKeys` and `mismatchLabelKeys`: good keys, with a selector, and not the same ones.
fn validate_label_keys(term: &Value, path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let keys =
        |part: &str| -> Vec<String> { items(term, part).iter().filter_map(Value::as_str).map(str::to_owned).collect() };
    let selector = field(term, "labelSelector");
    for part in ["matchLabelKeys", "mismatchLabelKeys"] {
        let at = path.child(part);
        if !keys(part).is_empty() && selector.is_null() {
            found.push(forbidden(&at, "must not be specified when labelSelector is not set"));
            continue;
        }
        for (index, key) in keys(part).iter().enumerate() {
            found.extend(all_invalid(&at.index(index), key, names::qualified(key)));
        }
    }
    found.extend(keys_selected_twice(selector, &keys("matchLabelKeys"), path));
    let mismatched = keys("mismatchLabelKeys");
    for (index, key) in keys("matchLabelKeys").iter().enumerate().filter(|(_, key)| mismatched.contains(key)) {
        let at = path.child("matchLabelKeys").index(index);
        found.push(invalid(&at, key.as_str(), "exists in both matchLabelKeys and mismatchLabelKeys"));
    }
    found
}

pub fn validate_spread(constraints: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    for (index, constraint) in constraints.iter().enumerate() {
        let at = path.index(index);
        let part = |name: &str| str_at(constraint, name);
        let (key, action) = (part("topologyKey"), part("whenUnsatisfiable"));
        let skew = int_at(constraint, "maxSkew").unwrap_or(0);
        if skew <= 0 {
            found.push(invalid(&at.child("maxSkew"), skew, "must be greater than zero"));
        }
        if key.is_empty() {
            found.push(required(&at.child("topologyKey"), "can not be empty"));
        }
        let actions = ["DoNotSchedule", "ScheduleAnyway"];
        if !actions.contains(&action) {
            found.push(not_supported(&at.child("whenUnsatisfiable"), action, &actions));
        }
        let again = constraints[index + 1..].iter();
        if again
            .clone()
            .any(|other| str_at(other, "topologyKey") == key && str_at(other, "whenUnsatisfiable") == action)
        {
            found.push(duplicate(&at.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {action}}}")));
        }
        if let Some(domains) = int_at(constraint, "minDomains") {
            let at = at.child("minDomains");
            if domains <= 0 {
                found.push(invalid(&at, domains, "must be greater than zero"));
            }
            if action != "DoNotSchedule" {
                let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                found.push(invalid(&at, domains, &why));
            }
        }
        for name in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(policy) = field(constraint, name).as_str() {
                found.extend(is_one_of(policy, &["Honor", "Ignore"], &at.child(name)));
            }
        }
        found.extend(validate_label_keys(constraint, &at));
        found.extend(validate_selector(field(constraint, "labelSelector"), &at.child("labelSelector")));
    }
    found
}

/// The taints of a node.
pub fn validate_taints(taints: &[Value], path: &Path) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for (index, taint) in taints.iter().enumerate() {
        let at = path.index(index);
        let (key, value, effect) = (str_at(taint, "key"), str_at(taint, "value"), str_at(taint, "effect"));
        found.extend(all_invalid(&at.child("key"), key, names::qualified(key)));
        let errors = names::label_value(value);
        if !errors.is_empty() {
            found.push(invalid(&at.child("value"), value, &errors.join(";")));
        }
        if effect.is_empty() {
            found.push(required(&at.child("effect"), ""));
        } else {
            found.extend(taint_effect(effect, &at.child("effect")));
        }
        if seen.contains(&(key, effect)) {
            let shown = Shown::internal(&[
                ("Key", key.into()),
                ("Value", value.into()),
                ("Effect", effect.into()),
                ("TimeAdded", field(taint, "timeAdded").clone().into()),
            ]);
            let why = "taints must be unique by key and effect pair";
            found.push(crate::kube::api::field::duplicate_because(&at, shown, why));
            continue;
        }
        seen.push((key, effect));
    }
    found
}
