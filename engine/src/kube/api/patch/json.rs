//! JSON merge patch (RFC 7386) and JSON patch (RFC 6902).

use serde_json::{Map, Value};

use crate::kube::api::Status;
use crate::kube::api::status::Reason;

/// RFC 7386: maps merge, null removes, everything else replaces.
pub fn merge(target: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut result = target.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if change.is_null() {
            result.remove(key);
        } else {
            let merged = merge(result.get(key).unwrap_or(&Value::Null), change);
            result.insert(key.clone(), merged);
        }
    }
    Value::Object(result)
}

/// What the server says of a patch that does not apply, whatever the reason.
fn rejected() -> Status {
    Status {
        code: 422,
        reason: Reason::Invalid,
        ..Status::bad_request("the server rejected our request due to an error in our request")
    }
}

/// RFC 6902: a list of operations, all or nothing.
pub fn apply(object: &Value, patch: &Value) -> Result<Value, Status> {
    let Some(operations) = patch.as_array() else {
        let found = if patch.is_object() { "object" } else { "value" };
        return Err(Status::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {found} into Go value of type jsonpatch.Patch"
        )));
    };
    let mut result = object.clone();
    for operation in operations {
        run(&mut result, operation).ok_or_else(rejected)?;
    }
    Ok(result)
}

fn run(document: &mut Value, operation: &Value) -> Option<()> {
    let path = operation.get("path")?.as_str()?;
    match operation.get("op")?.as_str()? {
        "add" => add(document, path, operation.get("value")?.clone()),
        "remove" => remove(document, path).map(|_| ()),
        "replace" => {
            *find(document, path)? = operation.get("value")?.clone();
            Some(())
        }
        "test" => {
            let wanted = operation.get("value").unwrap_or(&Value::Null);
            let found = find(document, path).map_or(Value::Null, |value| value.clone());
            (found == *wanted).then_some(())
        }
        "move" => {
            let moved = remove(document, operation.get("from")?.as_str()?)?;
            add(document, path, moved)
        }
        "copy" => {
            let copied = find(document, operation.get("from")?.as_str()?)?.clone();
            add(document, path, copied)
        }
        _ => None,
    }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn find<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    document.pointer_mut(path)
}

fn parent<'a, 'b>(document: &'a mut Value, path: &'b str) -> Option<(&'a mut Value, &'b str)> {
    let (parents, last) = path.rsplit_once('/')?;
    Some((find(document, parents)?, last))
}

/// An index; `-` and one past the end are allowed where an element is added, a negative one counts from the end.
fn index(token: &str, length: usize) -> Option<usize> {
    match token.strip_prefix('-') {
        Some("") => Some(length),
        Some(back) => length.checked_sub(back.parse().ok()?),
        None => token.parse().ok(),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *document = value;
        return Some(());
    }
    match parent(document, path)? {
        (Value::Object(members), last) => {
            members.insert(unescape(last), value);
        }
        (Value::Array(elements), last) => {
            let at = index(last, elements.len()).filter(|at| *at <= elements.len())?;
            elements.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    match parent(document, path)? {
        (Value::Object(members), last) => Map::remove(members, &unescape(last)),
        (Value::Array(elements), last) => {
            let at = index(last, elements.len()).filter(|at| *at < elements.len())?;
            Some(elements.remove(at))
        }
        _ => None,
    }
}
