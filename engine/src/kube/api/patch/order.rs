//! The order of a merged list: what the patch names comes in the patch's order, what only the server has in the server's, and
//! where both know two elements the server's order decides.

use serde_json::Value;

/// Whether two elements are the same: by the merge key, or as values.
pub fn same(a: &Value, b: &Value, key: Option<&str>) -> bool {
    match key {
        Some(key) => a.get(key).is_some() && a.get(key) == b.get(key),
        None => a == b,
    }
}

fn position(list: &[Value], element: &Value, key: Option<&str>) -> Option<usize> {
    list.iter().position(|other| same(other, element, key))
}

/// Elements of `list` in the order that `wanted` gives; what it does not name stays behind, in place.
pub fn sort_as(list: &[Value], wanted: &[Value], key: Option<&str>) -> Vec<Value> {
    let mut sorted: Vec<Value> = list.to_vec();
    sorted.sort_by_key(|element| position(wanted, element, key).unwrap_or(usize::MAX));
    sorted
}

/// Puts `merged` into order: `named` lists what the patch names, `server` what the server had.
pub fn arrange(merged: &[Value], named: &[Value], server: &[Value], key: Option<&str>) -> Vec<Value> {
    let (from_patch, server_only): (Vec<Value>, Vec<Value>) =
        merged.iter().cloned().partition(|element| position(named, element, key).is_some());
    let from_patch = sort_as(&from_patch, named, key);
    let server_only = sort_as(&server_only, server, key);
    let mut left = server_only.into_iter().peekable();
    let mut right = from_patch.into_iter().peekable();
    let mut result = Vec::with_capacity(merged.len());
    while let (Some(of_server), Some(of_patch)) = (left.peek(), right.peek()) {
        let (a, b) = (position(server, of_server, key), position(server, of_patch, key));
        let server_first = matches!((a, b), (Some(a), Some(b)) if a < b);
        result.extend(if server_first { left.next() } else { right.next() });
    }
    result.extend(left);
    result.extend(right);
    result
}
