//! The patch that `kubectl apply` computes from three objects: last applied, manifest, live.
//!
//! Source: `CreateThreeWayMergePatch`. Two differences make it: what the manifest sets and the live object has otherwise, and
//! what the last applied manifest had and this one has not.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::order::{same, sort_as};
use super::strategic::{Options, merge_maps};
use crate::kube::schema::{Field, Struct, Type, structure};

/// Which differences count.
#[derive(Clone, Copy, PartialEq)]
enum Only {
    ChangesAndAdditions,
    Deletions,
}

pub fn create(kind: &str, last: &Value, modified: &Value, current: &Value) -> Value {
    let of = structure(kind);
    let empty = Value::Object(Map::new());
    let last = if last.is_object() { last } else { &empty };
    let delta = Value::Object(diff_maps(current, modified, of, false, Only::ChangesAndAdditions));
    let deletions = Value::Object(diff_maps(last, modified, of, false, Only::Deletions));
    let options = Options { carry_out: false, drop_nulls: false };
    // Merging two patches of the same manifest cannot meet an unknown directive.
    merge_maps(&deletions, &delta, of, options).unwrap_or(delta)
}

/// The patch that leads from `original` to `modified`, as far as `only` goes.
fn diff_maps(
    original: &Value,
    modified: &Value,
    of: Option<&'static Struct>,
    retain_keys: bool,
    only: Only,
) -> Map<String, Value> {
    let nothing = Map::new();
    let original = original.as_object().unwrap_or(&nothing);
    let modified = modified.as_object().unwrap_or(&nothing);
    let mut patch = Map::new();
    for (key, new) in modified {
        let Some(old) = original.get(key) else {
            if only == Only::ChangesAndAdditions {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        };
        let field = of.and_then(|of| of.field(key));
        match (old, new) {
            (Value::Object(_), Value::Object(_)) => {
                let inner = field.and_then(struct_of);
                let retain = field.is_some_and(|field| field.patch.retain_keys);
                let changes = diff_maps(old, new, inner, retain, only);
                if !changes.is_empty() {
                    patch.insert(key.clone(), Value::Object(changes));
                }
            }
            (Value::Array(from), Value::Array(to)) if field.is_some_and(|field| field.patch.merge) => {
                if let Some(field) = field {
                    diff_lists(&mut patch, key, field, from, to, only);
                }
            }
            _ if old != new && only == Only::ChangesAndAdditions => {
                patch.insert(key.clone(), new.clone());
            }
            _ => {}
        }
    }
    let missing: Vec<&String> = original.keys().filter(|key| !modified.contains_key(*key)).collect();
    if only == Only::Deletions {
        patch.extend(missing.iter().map(|key| ((*key).clone(), Value::Null)));
    }
    let kept: Vec<&String> = modified.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
    let more = missing.iter().any(|key| !original[*key].is_null());
    if retain_keys && !kept.is_empty() && (!patch.is_empty() || more) {
        patch.insert("$retainKeys".to_owned(), json!(kept));
    }
    patch
}

fn struct_of(field: &Field) -> Option<&'static Struct> {
    match field.ty.inner() {
        Type::Struct(name) => structure(name),
        _ => None,
    }
}

/// The differences of a list that merges, with the order of its elements when anything differs.
fn diff_lists(patch: &mut Map<String, Value>, name: &str, field: &Field, from: &[Value], to: &[Value], only: Only) {
    let key = field.patch.key;
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    for (old, new) in pairs(from, to, key) {
        match (old, new, key) {
            (Some(old), Some(new), Some(key)) => {
                let mut changes = diff_maps(old, new, field.ty.element_struct(), field.patch.retain_keys, only);
                if !changes.is_empty() {
                    changes.insert(key.to_owned(), new[key].clone());
                    changed.push(Value::Object(changes));
                }
            }
            (None, Some(new), _) if only == Only::ChangesAndAdditions => changed.push(new.clone()),
            (Some(old), None, _) if only == Only::Deletions => deleted.push(old.clone()),
            _ => {}
        }
    }
    changed = sort_as(&changed, to, key);
    deleted = sort_as(&deleted, from, key);
    let in_order = from.len() == to.len() && from.iter().zip(to).all(|(a, b)| same(a, b, key));
    let any = !changed.is_empty() || !deleted.is_empty();
    if let Some(key) = key {
        changed.extend(deleted.drain(..).map(|element| json!({key: element[key], "$patch": "delete"})));
    }
    if !changed.is_empty() {
        patch.insert(name.to_owned(), Value::Array(changed));
    }
    if !deleted.is_empty() {
        patch.insert(format!("$deleteFromPrimitiveList/{name}"), Value::Array(deleted));
    }
    if any || !in_order {
        let order = to.iter().map(|element| key.map_or_else(|| element.clone(), |key| json!({key: element[key]})));
        patch.insert(format!("$setElementOrder/{name}"), order.collect());
    }
}

/// Walks two lists side by side, sorted by key. Of several elements of one key each meets one, from the last on, for kubectl's
/// sort turns equal ones round: ports that share a `containerPort` change and go in ways that surprise, and must here too.
fn pairs<'a>(from: &'a [Value], to: &'a [Value], key: Option<&str>) -> Vec<(Option<&'a Value>, Option<&'a Value>)> {
    let text = |element: &Value| {
        let value = key.map_or(element, |key| &element[key]);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let sorted = |list: &'a [Value]| {
        let mut sorted: Vec<(String, &Value)> = list.iter().rev().map(|element| (text(element), element)).collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        sorted.into_iter().peekable()
    };
    let (mut from, mut to) = (sorted(from), sorted(to));
    let mut pairs = Vec::new();
    loop {
        let order = match (from.peek(), to.peek()) {
            (Some((old, _)), Some((new, _))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return pairs,
        };
        let old = if order == Ordering::Greater { None } else { from.next() };
        let new = if order == Ordering::Less { None } else { to.next() };
        pairs.push((old.map(|(_, element)| element), new.map(|(_, element)| element)));
    }
}
