//! How controllers and the kubelet reach the API server. They read and write without anything coming between, so a
//! resourceVersion that they read earlier never stands in their way; they send none.

use std::fmt;

use serde_json::Value;

use crate::event::Actor;
use crate::kube::api::{self, DeleteOptions, Reason, Report, Status};
use crate::object;
use crate::store::{Key, Kind, Object};
use crate::world::World;

/// A refusal of the API server, for which the work is tried again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Status);

impl Failure {
    pub fn is_already_exists(&self) -> bool {
        self.0.reason == Reason::AlreadyExists
    }

    pub fn is_not_found(&self) -> bool {
        self.0.reason == Reason::NotFound
    }

    /// Nothing can be created in a namespace that is going away, and nobody complains about it.
    pub fn is_terminating_namespace(&self) -> bool {
        self.0.reason == Reason::Forbidden && self.0.message.ends_with("because it is being terminated")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure(status)
    }
}

pub fn create(world: &mut World, actor: Actor, kind: Kind, object: Value) -> Result<Object, Failure> {
    let namespace = object::namespace(&object).to_owned();
    Ok(api::create(world, actor, kind, &namespace, object)?)
}

pub fn update(world: &mut World, actor: Actor, kind: Kind, mut object: Value) -> Result<Object, Failure> {
    object::set(&mut object, "metadata.resourceVersion", Value::Null);
    let key = Key::of(kind, &object);
    Ok(api::update(world, actor, api::Part::Main, kind, &key.namespace, &key.name, object)?)
}

/// Writes status and annotations; `object` becomes what was stored.
pub fn update_status(world: &mut World, actor: Actor, kind: Kind, object: &mut Value) -> Result<(), Failure> {
    let mut sent = object.clone();
    object::set(&mut sent, "metadata.resourceVersion", Value::Null);
    let key = Key::of(kind, &sent);
    *object = (*api::update(world, actor, api::Part::Status, kind, &key.namespace, &key.name, sent)?).clone();
    Ok(())
}

/// Deletes with the grace period that the object asks for, dependents in the background. Gone already is as good.
pub fn delete(world: &mut World, actor: Actor, key: &Key) -> Result<(), Failure> {
    delete_with(world, actor, key, DeleteOptions::default())
}

pub fn delete_with(world: &mut World, actor: Actor, key: &Key, options: DeleteOptions) -> Result<(), Failure> {
    match api::delete(world, actor, key.kind, &key.namespace, &key.name, options).map_err(Failure) {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(()),
    }
}

/// Records an event about `about`, as `kubectl get events` shows it; the actor's name is the event's source.
pub fn event(world: &mut World, actor: Actor, about: &Value, class: &str, reason: &str, message: &str) {
    let (component, node) = match &actor {
        Actor::Kubelet { node } => ("kubelet".to_owned(), node.as_str()),
        other => (other.to_string(), ""),
    };
    api::record_event(world, about, Report { component: &component, node, class, reason, message, part: "" });
}
