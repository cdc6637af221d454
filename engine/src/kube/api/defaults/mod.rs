//! Defaulting: what the API server fills in when a field is left out.
//!
//! Source: `pkg/apis/{core,apps,scheduling,discovery}/v1/defaults.go`. Pure: a default depends on the object alone.

mod pod;
mod service;
mod workload;

use serde_json::{Value, json};

use crate::object::{field, name, set, str_at};
use crate::store::Kind;

/// Fills in what is left out of an object of that kind.
pub fn default_object(kind: Kind, object: &mut Value) {
    match kind {
        Kind::Pod => pod::default_pod(object),
        Kind::Deployment => workload::default_deployment(object),
        Kind::ReplicaSet => workload::default_replica_set(object),
        Kind::DaemonSet => workload::default_daemon_set(object),
        Kind::Service => service::default_service(object),
        Kind::Endpoints => service::default_endpoints(object),
        Kind::EndpointSlice => service::default_endpoint_slice(object),
        Kind::Namespace => default_namespace(object),
        Kind::Node => default_node(object),
        Kind::PriorityClass => default_if_absent(object, "preemptionPolicy", json!("PreemptLowerPriority")),
        Kind::ConfigMap | Kind::ServiceAccount | Kind::Event | Kind::ControllerRevision => {}
    }
}

/// Sets a field that is absent (null or, for a text, empty).
fn default_if_absent(object: &mut Value, path: &str, value: Value) {
    let absent = match field(object, path) {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if absent {
        set(object, path, value);
    }
}

/// Sets a number that is absent or zero.
fn default_if_zero(object: &mut Value, path: &str, value: i64) {
    if field(object, path).as_i64().unwrap_or(0) == 0 {
        set(object, path, value);
    }
}

/// The elements of a list, to change them in place.
fn elements<'a>(object: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

fn default_namespace(namespace: &mut Value) {
    let own = name(namespace).to_owned();
    if !own.is_empty() {
        let mut labels = field(namespace, "metadata.labels").as_object().cloned().unwrap_or_default();
        labels.insert("kubernetes.io/metadata.name".to_owned(), json!(own));
        set(namespace, "metadata.labels", Value::Object(labels));
    }
    if str_at(namespace, "status.phase").is_empty() {
        set(namespace, "status.phase", "Active");
    }
}

fn default_node(node: &mut Value) {
    if field(node, "status.allocatable").is_null() && !field(node, "status.capacity").is_null() {
        set(node, "status.allocatable", field(node, "status.capacity").clone());
    }
}
