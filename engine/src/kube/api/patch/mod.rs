//! Patches: strategic merge, JSON merge (RFC 7386) and JSON patch (RFC 6902), and the patch that `kubectl apply` computes.
//!
//! Source: apimachinery's `util/strategicpatch` and apiserver's `endpoints/handlers/patch.go`. How a list merges is read from the
//! schema (`patchStrategy`, `patchMergeKey`).

mod json;
mod order;
mod strategic;
mod three_way;

use serde_json::Value;

use crate::kube::api::Status;
use crate::kube::api::status::Reason;
use crate::store::Kind;

/// The three formats of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    Strategic,
    Merge,
    Json,
}

/// The object with the patch applied; nothing is checked beyond the patch itself.
///
/// # Errors
/// A patch that does not apply, in the API server's words.
pub fn apply(kind: Kind, _name: &str, how: PatchType, object: &Value, patch: &Value) -> Result<Value, Status> {
    match how {
        PatchType::Merge => Ok(json::merge(object, patch)),
        PatchType::Json => json::apply(object, patch),
        PatchType::Strategic => {
            if !patch.is_object() {
                return Err(Status::bad_request(
                    "json: cannot unmarshal array into Go value of type map[string]interface {}",
                ));
            }
            strategic::apply(kind.info().kind, object, patch).map_err(|message| Status {
                code: 500,
                reason: Reason::Unknown,
                ..Status::bad_request(message)
            })
        }
    }
}

/// The strategic merge patch that `kubectl apply` sends: what `modified` (the manifest) sets differently from `current`, and the
/// removal of what `last` (the manifest as last applied, null when never) had and `modified` has not. Empty when nothing differs.
#[must_use]
pub fn apply_patch(last: &Value, current: &Value, modified: &Value, kind: Kind) -> Value {
    three_way::create(kind.info().kind, last, modified, current)
}

#[cfg(test)]
mod tests;
