//! Table rows of the controllers' objects: Deployment, ReplicaSet, DaemonSet.

use serde_json::Value;

use super::{Column, column, containers, since, wide};
use crate::object::{field, int_at, name, str_at};
use crate::time::Time;
use crate::tools::kubectl::label_selector::{self, LabelSelector};
use crate::tools::kubectl::table::format_labels;

pub const DEPLOYMENT: &[Column] = &[
    column("NAME"),
    column("READY"),
    column("UP-TO-DATE"),
    column("AVAILABLE"),
    column("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

pub const REPLICA_SET: &[Column] = &[
    column("NAME"),
    column("DESIRED"),
    column("CURRENT"),
    column("READY"),
    column("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

pub const DAEMON_SET: &[Column] = &[
    column("NAME"),
    column("DESIRED"),
    column("CURRENT"),
    column("READY"),
    column("UP-TO-DATE"),
    column("AVAILABLE"),
    column("NODE SELECTOR"),
    column("AGE"),
    wide("CONTAINERS"),
    wide("IMAGES"),
    wide("SELECTOR"),
];

fn number(object: &Value, path: &str) -> String {
    int_at(object, path).unwrap_or(0).to_string()
}

fn age(object: &Value, now: Time) -> String {
    since(str_at(object, "metadata.creationTimestamp"), now)
}

pub fn deployment(object: &Value, now: Time) -> Vec<String> {
    let [names, images] = containers(object, "spec.template.spec.containers");
    let selector = LabelSelector::of(field(object, "spec.selector")).map(|selector| selector.to_string());
    vec![
        name(object).into(),
        format!("{}/{}", number(object, "status.readyReplicas"), number(object, "spec.replicas")),
        number(object, "status.updatedReplicas"),
        number(object, "status.availableReplicas"),
        age(object, now),
        names,
        images,
        selector.unwrap_or_default(),
    ]
}

pub fn replica_set(object: &Value, now: Time) -> Vec<String> {
    let [names, images] = containers(object, "spec.template.spec.containers");
    vec![
        name(object).into(),
        number(object, "spec.replicas"),
        number(object, "status.replicas"),
        number(object, "status.readyReplicas"),
        age(object, now),
        names,
        images,
        label_selector::format(field(object, "spec.selector")),
    ]
}

pub fn daemon_set(object: &Value, now: Time) -> Vec<String> {
    let [names, images] = containers(object, "spec.template.spec.containers");
    vec![
        name(object).into(),
        number(object, "status.desiredNumberScheduled"),
        number(object, "status.currentNumberScheduled"),
        number(object, "status.numberReady"),
        number(object, "status.updatedNumberScheduled"),
        number(object, "status.numberAvailable"),
        format_labels(object, "spec.template.spec.nodeSelector"),
        age(object, now),
        names,
        images,
        label_selector::format(field(object, "spec.selector")),
    ]
}
