//! Validation: what the API server refuses, in its words and its order.
//!
//! Source: `pkg/apis/*/validation`. Each function gives all errors of its part in the order in which the real one appends them.
//! Pure: an object is valid or not by itself, an update by comparison with the old object.

mod address;
mod meta;
pub mod service;

use serde_json::Value;

use crate::kube::api::field::{FieldError, Path, invalid};
use crate::kube::api::names;
use crate::store::Kind;

/// What is wrong with a new object of that kind, after defaulting.
#[must_use]
pub fn validate(kind: Kind, object: &Value) -> Vec<FieldError> {
    match kind {
        Kind::Service => service::validate_service_create(object),
        Kind::Namespace => meta::validate_meta(object, false, names::label),
        _ => meta::validate_meta(object, kind.info().namespaced, names::subdomain),
    }
}

/// What is wrong with a change.
#[must_use]
pub fn validate_update(kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    match kind {
        Kind::Service => service::validate_service_update(old, new),
        _ => meta::validate_meta_update(old, new),
    }
}

/// What is wrong with a change of the status.
#[must_use]
pub fn validate_status_update(_kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    meta::validate_meta_update(old, new)
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

/// A struct of the API server's internal types, which print under their Go names in the order of declaration.
fn go_struct(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}
