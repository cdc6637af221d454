//! The API server of Kubernetes 1.34 over JSON values: every change of an object goes through here.
//!
//! A request passes the stages that it passes in kube-apiserver, in their order: decoding ([`decode`]), defaulting
//! ([`default_object`]), admission, preparation (generation, status), allocation of cluster IPs and node ports, validation
//! ([`validate`]), storing. Reading goes straight to the store.
//!
//! * [`create`], [`update`], [`Part::Status`], [`patch`], [`delete`], [`evict`], [`bind`]: the verbs.
//! * [`record_event`]: events with the counting that clients do.
//! * [`patch`](mod@patch): strategic merge, JSON merge and JSON patch; the three-way merge of `kubectl apply`.
//! * [`validation`], [`defaults`]: the rules by kind, pure.
//!
//! Leaves out: authentication and authorization (the learner may do everything), managedFields and server-side apply,
//! LimitRange, ResourceQuota and webhooks (the lab has no such objects), dry run.

mod admission;
mod allocate;
pub mod defaults;
mod delete;
mod events;
pub mod field;
pub mod names;
pub mod patch;
mod prepare;
pub mod status;
pub mod validation;
pub mod warnings;
mod write;

pub use defaults::default_object;
pub use delete::{DeleteOptions, Propagation, delete, evict, finalize_namespace};
pub use events::{Report, record_event};
pub use field::FieldError;
pub use patch::{PatchType, apply_patch};
pub use status::{Cause, Reason, Status};
pub use validation::{validate, validate_update};
pub use warnings::warnings;
pub use write::{Part, bind, create, decode, patch, update};

#[cfg(test)]
mod tests;
