//! `--sort-by`: objects in the order of one field (`kubectl/pkg/cmd/get/sorter.go`).
//!
//! Compares as kubectl does: numbers as numbers, texts as quantities when both are quantities, absent before present.
//! Left out: kubectl's crash on a field that cannot be ordered (a list, a map, a boolean); such objects keep their order.

use serde_json::Value;

use super::custom_columns::relaxed_path;
use super::go_value::quote;
use super::jsonpath::{Found, Template};
use crate::kube::quantity;
use crate::store::Object;

/// Up to this many elements Go sorts by insertion, whose outcome shows when "less" is not strict.
const INSERTION_MAX: usize = 12;

/// # Errors
/// What kubectl says of a path that it cannot read or that no object has.
pub fn sort(objects: &mut Vec<Object>, path: &str) -> Result<(), String> {
    if objects.is_empty() {
        return Ok(());
    }
    let path = relaxed_path(path).unwrap_or_else(|_| path.to_owned());
    let template = Template::new(&path).map_err(|why| format!("sorting error: {why}"))?;
    let mut keyed: Vec<(Option<Value>, Object)> = Vec::new();
    for object in objects.iter() {
        let found = template.find(object)?;
        let key = found.into_iter().next().and_then(|list| list.into_iter().next()).map(Found::into_owned);
        keyed.push((key, object.clone()));
    }
    if keyed.iter().all(|(key, _)| key.is_none()) {
        return Err(format!("couldn't find any field with path {} in the list of objects", quote(&path)));
    }
    if keyed.len() <= INSERTION_MAX {
        for end in 1..keyed.len() {
            let mut at = end;
            while at > 0 && less(keyed[at].0.as_ref(), keyed[at - 1].0.as_ref()) {
                keyed.swap(at, at - 1);
                at -= 1;
            }
        }
    } else {
        keyed.sort_by(|(a, _), (b, _)| {
            let (forward, backward) = (less(a.as_ref(), b.as_ref()), less(b.as_ref(), a.as_ref()));
            backward.cmp(&forward)
        });
    }
    *objects = keyed.into_iter().map(|(_, object)| object).collect();
    Ok(())
}

fn less(a: Option<&Value>, b: Option<&Value>) -> bool {
    let Some(a) = a else { return true };
    let Some(b) = b else { return false };
    match (a, b) {
        (Value::Null, Value::Null) => false,
        (Value::Null, _) => true,
        (Value::String(a), Value::String(b)) => match (quantity::parse(a), quantity::parse(b)) {
            (Ok(a), Ok(b)) => a < b,
            _ => a < b,
        },
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a < b,
            _ => a.as_f64() < b.as_f64(),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::rc::Rc;

    fn sorted(values: &[Value], path: &str) -> Result<Vec<Value>, String> {
        let mut objects: Vec<Object> = values.iter().cloned().map(Rc::new).collect();
        sort(&mut objects, path)?;
        Ok(objects.iter().map(|object| (**object).clone()).collect())
    }

    #[test]
    fn numbers_texts_and_quantities() {
        let values = |list: [Value; 3]| list.map(|value| json!({"f": value}));
        assert_eq!(
            sorted(&values([json!(10), json!(9), json!(-1)]), ".f").unwrap(),
            values([json!(-1), json!(9), json!(10)])
        );
        assert_eq!(
            sorted(&values([json!("1Gi"), json!("900Mi"), json!("2")]), "{.f}").unwrap(),
            values([json!("2"), json!("900Mi"), json!("1Gi")])
        );
        assert_eq!(
            sorted(&values([json!("b"), json!("a1"), json!("a")]), "f").unwrap(),
            values([json!("a"), json!("a1"), json!("b")])
        );
    }

    #[test]
    fn absent_fields_come_first_and_one_must_be_there() {
        let values = [json!({"f": 1}), json!({"n": "x"}), json!({"n": "y"})];
        assert_eq!(sorted(&values, ".f").unwrap(), [json!({"n": "y"}), json!({"n": "x"}), json!({"f": 1})]);
        assert_eq!(
            sorted(&values, ".g").unwrap_err(),
            "couldn't find any field with path \"{.g}\" in the list of objects"
        );
    }
}
