//! Defaults of Deployments, ReplicaSets and DaemonSets. apps/v1 never defaults a selector.

use serde_json::{Value, json};

use super::default_if_absent;
use super::pod::default_pod_spec;
use crate::object::{field, set, str_at};

fn default_template(object: &mut Value) {
    if let Some(spec) = object.pointer_mut("/spec/template/spec") {
        default_pod_spec(spec);
    }
}

pub fn default_deployment(deployment: &mut Value) {
    default_template(deployment);
    default_if_absent(deployment, "spec.replicas", json!(1));
    default_if_absent(deployment, "spec.strategy.type", json!("RollingUpdate"));
    if str_at(deployment, "spec.strategy.type") == "RollingUpdate" {
        for limit in ["maxUnavailable", "maxSurge"] {
            let path = format!("spec.strategy.rollingUpdate.{limit}");
            if field(deployment, &path).is_null() {
                set(deployment, &path, "25%");
            }
        }
    }
    default_if_absent(deployment, "spec.revisionHistoryLimit", json!(10));
    default_if_absent(deployment, "spec.progressDeadlineSeconds", json!(600));
}

pub fn default_replica_set(replica_set: &mut Value) {
    default_template(replica_set);
    default_if_absent(replica_set, "spec.replicas", json!(1));
}

pub fn default_daemon_set(daemon_set: &mut Value) {
    default_template(daemon_set);
    default_if_absent(daemon_set, "spec.updateStrategy.type", json!("RollingUpdate"));
    if str_at(daemon_set, "spec.updateStrategy.type") == "RollingUpdate" {
        for (limit, value) in [("maxUnavailable", 1), ("maxSurge", 0)] {
            let path = format!("spec.updateStrategy.rollingUpdate.{limit}");
            if field(daemon_set, &path).is_null() {
                set(daemon_set, &path, value);
            }
        }
    }
    default_if_absent(daemon_set, "spec.revisionHistoryLimit", json!(10));
}
