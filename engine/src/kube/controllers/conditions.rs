//! Conditions of workloads: found, set and taken away as the Deployment and ReplicaSet controllers do it.
//!
//! Source: Kubernetes 1.34 `pkg/controller/deployment/util/deployment_util.go`. A condition that already says the same is
//! left alone, one that changes moves to the end of the list.

use serde_json::{Value, json};

use crate::object::{field, str_at};
use crate::time::Time;

pub fn find<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status.get("conditions")?.as_array()?.iter().find(|condition| str_at(condition, "type") == kind)
}

/// A condition of a Deployment, which also says when it was last looked at.
pub fn deployment_condition(kind: &str, status: &str, reason: &str, message: String, now: Time) -> Value {
    let now = now.rfc3339();
    json!({"type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": now, "lastUpdateTime": now})
}

/// Adds or replaces; a condition of the same status and reason is left as it is, one of the same status keeps its
/// lastTransitionTime.
pub fn set(status: &mut Value, mut condition: Value) {
    if let Some(current) = find(status, str_at(&condition, "type")) {
        let same_status = field(current, "status") == field(&condition, "status");
        if same_status && field(current, "reason") == field(&condition, "reason") {
            return;
        }
        if same_status {
            condition["lastTransitionTime"] = current["lastTransitionTime"].clone();
        }
    }
    remove(status, str_at(&condition, "type"));
    match status.get_mut("conditions").and_then(Value::as_array_mut) {
        Some(conditions) => conditions.push(condition),
        None => status["conditions"] = json!([condition]),
    }
}

pub fn remove(status: &mut Value, kind: &str) {
    let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) else { return };
    conditions.retain(|condition| str_at(condition, "type") != kind);
    if conditions.is_empty() {
        status.as_object_mut().map(|status| status.remove("conditions"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_status_keeps_its_transition() {
        let mut status = json!({});
        set(&mut status, deployment_condition("Progressing", "True", "NewReplicaSetCreated", String::new(), Time(0)));
        set(
            &mut status,
            deployment_condition("Available", "False", "MinimumReplicasUnavailable", String::new(), Time(0)),
        );
        set(&mut status, deployment_condition("Progressing", "True", "ReplicaSetUpdated", String::new(), Time(5000)));
        let types: Vec<&str> = status["conditions"].as_array().unwrap().iter().map(|c| str_at(c, "type")).collect();
        assert_eq!(types, ["Available", "Progressing"]);
        let progressing = find(&status, "Progressing").unwrap();
        assert_eq!(progressing["lastTransitionTime"], Time(0).rfc3339());
        assert_eq!(progressing["lastUpdateTime"], Time(5000).rfc3339());
        set(&mut status, deployment_condition("Progressing", "True", "ReplicaSetUpdated", String::new(), Time(9000)));
        assert_eq!(find(&status, "Progressing").unwrap()["lastUpdateTime"], Time(5000).rfc3339());
        remove(&mut status, "Available");
        remove(&mut status, "Progressing");
        assert_eq!(status, json!({}));
    }
}
