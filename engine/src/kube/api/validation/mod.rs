//! Validation: what the API server refuses, in its words and its order.
//!
//! Source: `pkg/apis/*/validation`. Each function gives all errors of its part in the order in which the real one appends them.
//! Pure: an object is valid or not by itself, an update by comparison with the old object. What a module leaves out is accepted.

mod address;
mod affinity;
mod container;
mod env;
mod gated;
mod meta;
mod node;
mod pod;
mod pod_diff;
mod resources;
pub mod service;
mod volume;
mod workload;

use serde_json::Value;

use crate::kube::api::field::{FieldError, Path, invalid, not_supported, required};
use crate::kube::api::names;
use crate::object::str_at;
use crate::store::Kind;

/// What is wrong with a new object of that kind, after defaulting.
#[must_use]
pub fn validate(kind: Kind, object: &Value) -> Vec<FieldError> {
    match kind {
        Kind::Pod => pod::validate_pod_create(object),
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => workload::validate_workload_create(kind, object),
        Kind::Service => service::validate_service_create(object),
        Kind::Node => node::validate_node_create(object),
        Kind::PriorityClass => node::validate_priority_class_create(object),
        Kind::EndpointSlice => node::validate_endpoint_slice(object),
        Kind::Namespace => meta::validate_meta(object, false, names::label),
        Kind::ConfigMap | Kind::ServiceAccount | Kind::Endpoints | Kind::Event | Kind::ControllerRevision => {
            meta::validate_meta(object, true, names::subdomain)
        }
    }
}

/// What is wrong with a change.
#[must_use]
pub fn validate_update(kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    match kind {
        Kind::Pod => pod::validate_pod_update(old, new),
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => workload::validate_workload_update(kind, old, new),
        Kind::Service => service::validate_service_update(old, new),
        Kind::Node => node::validate_node_update(old, new),
        Kind::PriorityClass => node::validate_priority_class_update(old, new),
        Kind::EndpointSlice => {
            let mut found = node::validate_endpoint_slice(new);
            found.extend(meta::immutable(old, new, "addressType", &Path::new("addressType")));
            found
        }
        Kind::ControllerRevision => node::validate_controller_revision_update(old, new),
        Kind::Namespace | Kind::ConfigMap | Kind::ServiceAccount | Kind::Endpoints | Kind::Event => {
            meta::validate_meta_update(old, new)
        }
    }
}

/// What is wrong with a change of the status.
#[must_use]
pub fn validate_status_update(kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    match kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => workload::validate_workload_status(kind, old, new),
        Kind::Node => node::validate_node_update(old, new),
        _ => meta::validate_meta_update(old, new),
    }
}

/// An IntOrString that is a port: a number in range or a name of a port.
fn port_number_or_name(port: &Value, path: &Path) -> Vec<FieldError> {
    match port {
        Value::String(name) => meta::all_invalid(path, name, names::port_name(name)),
        other => {
            let number = other.as_i64().unwrap_or(0);
            names::port_number(number).iter().map(|why| invalid(path, number, why)).collect()
        }
    }
}

/// A value that must be there and be one of these, which are printed in this order.
fn is_one_of(value: &str, valid: &[&str], path: &Path) -> Option<FieldError> {
    if value.is_empty() {
        return Some(required(path, ""));
    }
    (!valid.contains(&value)).then(|| not_supported(path, value, valid))
}

/// The same for a field of an object.
fn required_one_of(object: &Value, part: &str, valid: &[&str], path: &Path) -> Option<FieldError> {
    is_one_of(str_at(object, part), valid, &path.child(part))
}

/// The effect of a taint or toleration.
fn taint_effect(effect: &str, path: &Path) -> Option<FieldError> {
    is_one_of(effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], path)
}
