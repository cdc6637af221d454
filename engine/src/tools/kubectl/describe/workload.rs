//! Descriptions of Deployments, ReplicaSets and DaemonSets.

use std::rc::Rc;

use serde_json::Value;

use super::template;
use super::writer::{Writer, date, int_or_string};
use crate::object::{controlled_by, controller, field, int_at, items, name, namespace, set, str_at};
use crate::store::{Kind, Object, Store};
use crate::tools::kubectl::label_selector::{self, LabelSelector};
use crate::tools::kubectl::table::format_labels;

fn number(object: &Value, path: &str) -> i64 {
    int_at(object, path).unwrap_or(0)
}

pub fn deployment(w: &mut Writer, object: &Value, store: &Store) {
    w.row(0, "Name", name(object));
    w.row(0, "Namespace", namespace(object));
    w.row(0, "CreationTimestamp", date(str_at(object, "metadata.creationTimestamp")));
    w.labels("Labels", object, "metadata.labels");
    w.annotations("Annotations", object, "metadata.annotations");
    let selector = LabelSelector::of(field(object, "spec.selector")).map(|selector| selector.to_string());
    w.row(0, "Selector", selector.unwrap_or_default());
    let replicas = format!(
        "{} desired | {} updated | {} total | {} available | {} unavailable",
        number(object, "spec.replicas"),
        number(object, "status.updatedReplicas"),
        number(object, "status.replicas"),
        number(object, "status.availableReplicas"),
        number(object, "status.unavailableReplicas"),
    );
    w.row(0, "Replicas", replicas);
    w.row(0, "StrategyType", str_at(object, "spec.strategy.type"));
    w.row(0, "MinReadySeconds", number(object, "spec.minReadySeconds"));
    let rolling = field(object, "spec.strategy.rollingUpdate");
    if !rolling.is_null() {
        let (unavailable, surge) = (int_or_string(rolling, "maxUnavailable"), int_or_string(rolling, "maxSurge"));
        w.row(0, "RollingUpdateStrategy", format!("{unavailable} max unavailable, {surge} max surge"));
    }
    template::describe(w, field(object, "spec.template"));
    conditions(w, object);
    let (old, new) = replica_sets(object, store);
    if !old.is_empty() || new.is_some() {
        w.row(0, "OldReplicaSets", counts(&old));
        w.row(0, "NewReplicaSet", counts(&new.into_iter().collect::<Vec<_>>()));
    }
}

/// Old ReplicaSets of a Deployment in order of creation, and the one that has its template.
fn replica_sets<'a>(deployment: &Value, store: &'a Store) -> (Vec<&'a Object>, Option<&'a Object>) {
    let owned =
        store.list_in(Kind::ReplicaSet, Some(namespace(deployment))).filter(|set| controlled_by(set, deployment));
    let mut sets: Vec<&Object> = owned.collect();
    sets.sort_by_key(|set| (str_at(set, "metadata.creationTimestamp"), name(set)));
    let wanted = without_hash(field(deployment, "spec.template"));
    let new = sets.iter().position(|set| without_hash(field(set, "spec.template")) == wanted).map(|at| sets.remove(at));
    (sets, new)
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    // A template that went through the API server may carry an empty timestamp.
    set(&mut template, "metadata.creationTimestamp", Value::Null);
    template
}

fn counts(sets: &[&Rc<Value>]) -> String {
    let texts: Vec<String> = sets
        .iter()
        .map(|set| {
            let (created, wanted) = (number(set, "status.replicas"), number(set, "spec.replicas"));
            format!("{} ({created}/{wanted} replicas created)", name(set))
        })
        .collect();
    if texts.is_empty() { "<none>".into() } else { texts.join(", ") }
}

fn conditions(w: &mut Writer, object: &Value) {
    let conditions = items(object, "status.conditions");
    if conditions.is_empty() {
        return;
    }
    w.text(0, "Conditions:\n");
    w.cells(1, &["Type", "Status", "Reason"]);
    w.cells(1, &["----", "------", "------"]);
    for condition in conditions {
        let kind = format!("{} ", str_at(condition, "type"));
        w.cells(1, &[&kind, str_at(condition, "status"), str_at(condition, "reason")]);
    }
}

pub fn replica_set(w: &mut Writer, object: &Value, store: &Store) {
    w.row(0, "Name", name(object));
    w.row(0, "Namespace", namespace(object));
    w.row(0, "Selector", label_selector::format(field(object, "spec.selector")));
    w.labels("Labels", object, "metadata.labels");
    w.annotations("Annotations", object, "metadata.annotations");
    if let Some(owner) = controller(object) {
        w.row(0, "Controlled By", format!("{}/{}", str_at(owner, "kind"), str_at(owner, "name")));
    }
    let (current, desired) = (number(object, "status.replicas"), number(object, "spec.replicas"));
    w.row(0, "Replicas", format!("{current} current / {desired} desired"));
    w.row(0, "Pods Status", pods_status(object, store));
    template::describe(w, field(object, "spec.template"));
    conditions(w, object);
}

pub fn daemon_set(w: &mut Writer, object: &Value, store: &Store) {
    w.row(0, "Name", name(object));
    w.row(0, "Namespace", namespace(object));
    let selector = LabelSelector::of(field(object, "spec.selector")).map(|selector| selector.to_string());
    w.row(0, "Selector", selector.unwrap_or_default());
    w.row(0, "Node-Selector", format_labels(object, "spec.template.spec.nodeSelector"));
    w.labels("Labels", object, "metadata.labels");
    w.annotations("Annotations", object, "metadata.annotations");
    for (title, path) in [
        ("Desired Number of Nodes Scheduled", "status.desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "status.currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "status.updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "status.numberAvailable"),
        ("Number of Nodes Misscheduled", "status.numberMisscheduled"),
    ] {
        w.text(0, &format!("{title}: {}\n", number(object, path)));
    }
    w.row(0, "Pods Status", pods_status(object, store));
    template::describe(w, field(object, "spec.template"));
}

/// How many of a controller's pods are in each phase.
fn pods_status(owner: &Value, store: &Store) -> String {
    let selector = LabelSelector::of(field(owner, "spec.selector"));
    let pods: Vec<&Object> = store
        .list_in(Kind::Pod, Some(namespace(owner)))
        .filter(|pod| controlled_by(pod, owner) && selector.as_ref().is_some_and(|selector| selector.matches(pod)))
        .collect();
    let count = |phase: &str| pods.iter().filter(|pod| str_at(pod, "status.phase") == phase).count();
    format!(
        "{} Running / {} Waiting / {} Succeeded / {} Failed",
        count("Running"),
        count("Pending"),
        count("Succeeded"),
        count("Failed")
    )
}
