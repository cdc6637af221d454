//! What may change in a pod that scheduling gates hold back: gates go, and where it may run becomes narrower.
//!
//! Source: `validateOnlyDeletedSchedulingGates`, `validateNodeSelectorMutation`, `validateNodeAffinityMutation` of
//! `pkg/apis/core/validation`.

use serde_json::{Value, json};

use crate::kube::api::field::{FieldError, Path, Shown, forbidden, invalid};
use crate::object::{field, items, set, str_at};

const NODE_AFFINITY: &str = "spec.affinity.nodeAffinity";
const TERMS: &str = "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";

/// No gate may be new.
pub(super) fn only_deleted_gates(old: &Value, new: &Value, path: &Path) -> Vec<FieldError> {
    let held = |name: &str| items(old, "spec.schedulingGates").iter().any(|gate| str_at(gate, "name") == name);
    let gates =
        items(new, "spec.schedulingGates").iter().enumerate().map(|(index, gate)| (index, str_at(gate, "name")));
    gates
        .filter(|(_, name)| !held(name))
        .map(|(index, name)| {
            let why = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            forbidden(&path.index(index).child("name"), &why)
        })
        .collect()
}

/// What is wrong with the change of a gated pod's nodeSelector and node affinity; in `munged` both become those of `old`.
pub(super) fn narrowed(old: &Value, munged: &mut Value) -> Vec<FieldError> {
    let mut found = Vec::new();
    if items(old, "spec.schedulingGates").is_empty() {
        return found;
    }
    let (before, after) = (field(old, "spec.nodeSelector").clone(), field(munged, "spec.nodeSelector").clone());
    if before != after {
        if before.as_object().into_iter().flatten().any(|(key, value)| after.get(key) != Some(value)) {
            let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            found.push(invalid(&Path::new("spec.nodeSelector"), after, why));
        }
        set(munged, "spec.nodeSelector", before);
    }
    let (before, after) = (field(old, NODE_AFFINITY).clone(), field(munged, NODE_AFFINITY).clone());
    if before != after {
        found.extend(narrowed_affinity(&before, &after));
        let others = ["podAffinity", "podAntiAffinity"];
        let bare = field(old, "spec.affinity").is_null()
            && others.iter().all(|other| field(munged, &format!("spec.affinity.{other}")).is_null());
        if bare {
            set(munged, "spec.affinity", Value::Null);
        } else {
            set(munged, NODE_AFFINITY, before);
        }
    }
    found
}

/// Terms may get more requirements; none may go or change, and there must be as many terms as before.
fn narrowed_affinity(before: &Value, after: &Value) -> Vec<FieldError> {
    let path = Path::new(&format!("{NODE_AFFINITY}.{TERMS}"));
    let (old, new) = (items(before, TERMS), items(after, TERMS));
    if !old.is_empty() && old.len() != new.len() {
        let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        let shown = if new.is_empty() { Shown::from(Value::Null) } else { Shown::list(new.iter().map(shown_term)) };
        return vec![invalid(&path, shown, why)];
    }
    let wider = |(old, new): &(&Value, &Value)| !has_only_additions(old, new);
    let pairs = old.iter().zip(new).enumerate().filter(|(_, pair)| wider(pair));
    let why = "only additions are allowed (no mutations or deletions)";
    pairs.map(|(index, (_, new))| invalid(&path.index(index), shown_term(new), why)).collect()
}

fn has_only_additions(old: &Value, new: &Value) -> bool {
    let lists = ["matchExpressions", "matchFields"];
    let empty = |term: &Value| lists.iter().all(|list| items(term, list).is_empty());
    if empty(old) && !empty(new) {
        return false;
    }
    lists.iter().all(|list| items(new, list).starts_with(items(old, list)))
}

/// A term as the internal type prints.
fn shown_term(term: &Value) -> Shown {
    let list = |name: &str| match items(term, name) {
        [] => Shown::from(Value::Null),
        requirements => Shown::list(requirements.iter().map(|requirement| {
            let values = requirement.get("values").cloned().unwrap_or(json!(null));
            Shown::internal(&[
                ("Key", str_at(requirement, "key").into()),
                ("Operator", str_at(requirement, "operator").into()),
                ("Values", values.into()),
            ])
        })),
    };
    Shown::internal(&[("MatchExpressions", list("matchExpressions")), ("MatchFields", list("matchFields"))])
}
