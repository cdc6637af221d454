//! Applying a strategic merge patch.

use serde_json::{Map, Value};

use super::order::{arrange, same};
use crate::kube::schema::{Struct, Type, structure};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// How far merging goes.
#[derive(Clone, Copy)]
pub struct Options {
    /// The directives for lists are carried out; else they are kept in the result, which is a patch itself.
    pub carry_out: bool,
    /// A null for a field that is not there is dropped; else it is kept.
    pub drop_nulls: bool,
}

/// The object of that kind with the patch applied.
pub fn apply(kind: &str, object: &Value, patch: &Value) -> Result<Value, String> {
    merge_maps(object, patch, structure(kind), Options { carry_out: true, drop_nulls: true })
}

/// Merges `patch` into `original`, both maps.
pub fn merge_maps(
    original: &Value,
    patch: &Value,
    of: Option<&'static Struct>,
    options: Options,
) -> Result<Value, String> {
    let mut result = original.as_object().cloned().unwrap_or_default();
    let mut changes = patch.as_object().cloned().unwrap_or_default();
    match changes.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            changes.remove(DIRECTIVE);
            return Ok(Value::Object(changes));
        }
        Some("delete") => return Ok(Value::Object(Map::new())),
        Some("merge") => {
            changes.remove(DIRECTIVE);
        }
        Some(other) => return Err(format!("unknown patch type found: {other}")),
        None => {}
    }
    retain_keys(&mut result, &mut changes, options)?;
    if options.carry_out {
        set_orders(&mut result, &mut changes, of, options)?;
    }
    for (key, change) in changes {
        let bare = key.strip_prefix(DELETE);
        if !options.carry_out && (bare.is_some() || key.starts_with(ORDER)) {
            result.insert(key, change);
            continue;
        }
        let name = bare.unwrap_or(&key).to_owned();
        if change.is_null() {
            result.remove(&name);
            if !options.drop_nulls {
                result.insert(name, change);
            }
            continue;
        }
        let Some(existing) = result.get(&name).filter(|existing| !existing.is_null()) else {
            if bare.is_none() {
                let clean = if options.drop_nulls { without_directives(change) } else { Some(change) };
                result.extend(clean.map(|clean| (name, clean)));
            }
            continue;
        };
        let field = of.and_then(|of| of.field(&name));
        let inner = field.and_then(|field| field.ty.element_struct());
        let merged = match (existing, &change) {
            (Value::Object(_), Value::Object(_)) => {
                merge_maps(existing, &change, map_struct(field.map(|f| &f.ty), inner), options)?
            }
            (Value::Array(elements), Value::Array(changes)) if field.is_some_and(|field| field.patch.merge) => {
                let key = field.and_then(|field| field.patch.key);
                Value::Array(merge_lists(elements, changes, key, inner, bare.is_some(), options)?)
            }
            _ => change,
        };
        result.insert(name, merged);
    }
    Ok(Value::Object(result))
}

/// The entries of a map with free keys have no struct of their own.
fn map_struct(ty: Option<&Type>, inner: Option<&'static Struct>) -> Option<&'static Struct> {
    inner.filter(|_| ty.is_some_and(|ty| matches!(ty.inner(), Type::Struct(_))))
}

/// `$retainKeys`: what is not in the list goes.
fn retain_keys(
    result: &mut Map<String, Value>,
    changes: &mut Map<String, Value>,
    options: Options,
) -> Result<(), String> {
    let Some(list) = changes.remove(RETAIN) else { return Ok(()) };
    if !options.carry_out {
        result.entry(RETAIN).or_insert(list);
        return Ok(());
    }
    let Some(kept) = list.as_array() else {
        return Err("invalid patch format of retainKeys".to_owned());
    };
    if changes
        .iter()
        .any(|(key, change)| !change.is_null() && !key.starts_with('$') && !kept.contains(&Value::from(key.as_str())))
    {
        return Err("invalid patch format of retainKeys".to_owned());
    }
    result.retain(|key, _| kept.contains(&Value::from(key.as_str())));
    Ok(())
}

/// `$setElementOrder/list`: merges that list here, and orders it as told.
fn set_orders(
    result: &mut Map<String, Value>,
    changes: &mut Map<String, Value>,
    of: Option<&'static Struct>,
    options: Options,
) -> Result<(), String> {
    let keys: Vec<String> = changes.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
    for directive in keys {
        let name = directive[ORDER.len()..].to_owned();
        let Some(Value::Array(wanted)) = changes.remove(&directive) else {
            return Err("invalid patch format of setElementOrder list".to_owned());
        };
        let field = of.and_then(|of| of.field(&name));
        let key = field.and_then(|field| field.patch.key);
        let inner = field.and_then(|field| field.ty.element_struct());
        let mut server = result.get(&name).and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(Value::Array(deleted)) = changes.remove(&format!("{DELETE}{name}")) {
            server.retain(|element| !deleted.contains(element));
        }
        let patch = changes.remove(&name);
        if patch.is_none() && !result.contains_key(&name) {
            continue;
        }
        let merged = match patch {
            Some(Value::Array(elements)) => merge_lists(&server, &elements, key, inner, false, options)?,
            Some(other) => {
                changes.insert(name, other);
                continue;
            }
            None => server.clone(),
        };
        result.insert(name, Value::Array(arrange(&merged, &wanted, &server, key)));
    }
    Ok(())
}

fn merge_lists(
    original: &[Value],
    patch: &[Value],
    key: Option<&'static str>,
    of: Option<&'static Struct>,
    is_deletion: bool,
    options: Options,
) -> Result<Vec<Value>, String> {
    if is_deletion {
        return Ok(original.iter().filter(|element| !patch.contains(element)).cloned().collect());
    }
    let Some(key) = key else {
        let mut both: Vec<Value> = Vec::new();
        for element in original.iter().chain(patch) {
            if !both.contains(element) {
                both.push(element.clone());
            }
        }
        return Ok(arrange(&both, patch, original, None));
    };
    let (server, patch) = special_elements(original, patch, key)?;
    let mut merged = server.clone();
    for change in &patch {
        if change.get(key).is_none() {
            return Err(format!("map: {} does not contain declared merge key: {key}", go_map(change)));
        }
        match merged.iter_mut().find(|element| same(element, change, Some(key))) {
            Some(element) => *element = merge_maps(element, change, of, options)?,
            None => merged.extend(if options.drop_nulls {
                without_directives(change.clone())
            } else {
                Some(change.clone())
            }),
        }
    }
    Ok(arrange(&merged, &patch, &server, Some(key)))
}

/// Carries out `$patch: delete` and `$patch: replace` among the elements of a list; the rest of the patch remains.
fn special_elements(original: &[Value], patch: &[Value], key: &str) -> Result<(Vec<Value>, Vec<Value>), String> {
    let (mut server, mut rest, mut replace) = (original.to_vec(), Vec::new(), false);
    for change in patch {
        match change.get(DIRECTIVE).and_then(Value::as_str) {
            None => rest.push(change.clone()),
            Some("delete") => {
                if change.get(key).is_none() {
                    return Err(format!("map: {} does not contain declared merge key: {key}", go_map(change)));
                }
                server.retain(|element| !same(element, change, Some(key)));
            }
            Some("replace") => replace = true,
            Some("merge") => return Err("merging lists cannot yet be specified in the patch".to_owned()),
            Some(other) => return Err(format!("unknown patch type found: {other}")),
        }
    }
    Ok(if replace { (rest, Vec::new()) } else { (server, rest) })
}

/// What a patch adds, without its directives and nulls; nothing for an element that was to be deleted.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) => {
            if members.get(DIRECTIVE).is_some_and(|directive| directive == "delete") {
                return None;
            }
            let kept = members.into_iter().filter(|(key, member)| {
                key != DIRECTIVE
                    && key != RETAIN
                    && !key.starts_with(ORDER)
                    && !key.starts_with(DELETE)
                    && !member.is_null()
            });
            Some(Value::Object(kept.filter_map(|(key, member)| Some((key, without_directives(member)?))).collect()))
        }
        Value::Array(elements) => Some(Value::Array(elements.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// A map as Go prints it: `map[hostPort:81 name:web]`.
fn go_map(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let entries: Vec<String> =
                members.iter().map(|(key, member)| format!("{key}:{}", go_map(member))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}
