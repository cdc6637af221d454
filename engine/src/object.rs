//! Reading API objects: fields by path, metadata, owners, label selectors.
//!
//! An object is JSON as the API server stores it. Paths are field names joined by dots (`spec.nodeName`);
//! a field whose own name has a dot is read with [`Value::get`]. A missing field reads as null, "" or empty.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The value at `path`; null when absent.
#[must_use]
pub fn field<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(object, |at, name| at.get(name)).unwrap_or(&Value::Null)
}

/// The text at `path`; empty when absent or not a text.
#[must_use]
pub fn str_at<'a>(object: &'a Value, path: &str) -> &'a str {
    field(object, path).as_str().unwrap_or("")
}

/// The whole number at `path`.
#[must_use]
pub fn int_at(object: &Value, path: &str) -> Option<i64> {
    field(object, path).as_i64()
}

/// Whether the value at `path` is `true`.
#[must_use]
pub fn bool_at(object: &Value, path: &str) -> bool {
    field(object, path).as_bool().unwrap_or(false)
}

/// The elements of the list at `path`; none when absent.
#[must_use]
pub fn items<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    field(object, path).as_array().map_or(&[], Vec::as_slice)
}

/// The entries of the map at `path`, sorted by key; none when absent.
pub fn entries<'a>(object: &'a Value, path: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    field(object, path).as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// What JSON calls the type of a value.
#[must_use]
pub fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[must_use]
pub fn name(object: &Value) -> &str {
    str_at(object, "metadata.name")
}

#[must_use]
pub fn namespace(object: &Value) -> &str {
    str_at(object, "metadata.namespace")
}

#[must_use]
pub fn uid(object: &Value) -> &str {
    str_at(object, "metadata.uid")
}

/// The labels, sorted by key.
pub fn labels(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    entries(object, "metadata.labels").map(|(key, value)| (key, value.as_str().unwrap_or("")))
}

/// One label or annotation; `map` is `labels` or `annotations`.
#[must_use]
pub fn label<'a>(object: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get(map)?.get(key)?.as_str()
}

/// Whether deletion has been asked for.
#[must_use]
pub fn is_terminating(object: &Value) -> bool {
    !field(object, "metadata.deletionTimestamp").is_null()
}

/// The owner that controls this object, as its ownerReferences say.
#[must_use]
pub fn controller(object: &Value) -> Option<&Value> {
    items(object, "metadata.ownerReferences").iter().find(|owner| bool_at(owner, "controller"))
}

/// Whether `owner` controls `object` (by uid).
#[must_use]
pub fn controlled_by(object: &Value, owner: &Value) -> bool {
    controller(object).is_some_and(|reference| str_at(reference, "uid") == uid(owner))
}

/// Writes `value` at `path`, making the maps on the way; null removes the field.
pub fn set(object: &mut Value, path: &str, value: impl Into<Value>) {
    let (parents, last) = path.rsplit_once('.').map_or(("", path), |(parents, last)| (parents, last));
    let mut at = object;
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        at = as_map(at).entry(name).or_insert(Value::Null);
    }
    match value.into() {
        Value::Null => as_map(at).remove(last),
        value => as_map(at).insert(last.to_owned(), value),
    };
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().unwrap_or_else(|| unreachable!("just made a map"))
}

/// The condition of this type in `status.conditions`.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, "status.conditions").iter().find(|condition| str_at(condition, "type") == kind)
}

/// Whether the condition of this type is `True`.
#[must_use]
pub fn condition_is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| str_at(condition, "status") == "True")
}

/// Label selectors (`matchLabels` and `matchExpressions`), `apimachinery/pkg/labels`.
pub mod selector {
    use super::{BTreeMap, Value, entries, field, items, str_at};

    /// Whether a LabelSelector matches. Null matches nothing, an empty one everything, as in the API.
    #[must_use]
    pub fn matches<'a>(selector: &Value, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
        if selector.is_null() {
            return false;
        }
        let labels: BTreeMap<&str, &str> = labels.into_iter().collect();
        entries(selector, "matchLabels").all(|(key, value)| labels.get(key).copied() == value.as_str())
            && items(selector, "matchExpressions").iter().all(|e| expression_matches(e, &labels))
    }

    /// Whether a plain map of labels (a Service's or ReplicationController's selector) matches; empty matches nothing.
    #[must_use]
    pub fn map_matches<'a>(selector: &Value, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
        let Some(wanted) = selector.as_object().filter(|wanted| !wanted.is_empty()) else { return false };
        let labels: BTreeMap<&str, &str> = labels.into_iter().collect();
        wanted.iter().all(|(key, value)| labels.get(key.as_str()).copied() == value.as_str())
    }

    fn expression_matches(expression: &Value, labels: &BTreeMap<&str, &str>) -> bool {
        let value = labels.get(str_at(expression, "key"));
        let listed = || items(expression, "values").iter().any(|v| v.as_str() == value.copied());
        match field(expression, "operator").as_str() {
            Some("In") => value.is_some() && listed(),
            Some("NotIn") => value.is_none() || !listed(),
            Some("Exists") => value.is_some(),
            Some("DoesNotExist") => value.is_none(),
            _ => false,
        }
    }
}
