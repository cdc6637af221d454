//! Create, update and patch: the way of a request from JSON to the store.
//!
//! Source: apiserver's `registry/generic/registry/store.go` and `endpoints/handlers`. Leaves out: dry run, field managers.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::event::{Actor, Verb, What};
use crate::kube::api::patch::{PatchType, apply};
use crate::kube::api::validation::{validate, validate_status_update, validate_update};
use crate::kube::api::{Status, admission, allocate, default_object, prepare};
use crate::kube::schema::canonical::canonicalise;
use crate::kube::schema::decode::check;
use crate::object::{field, name, namespace, set, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

const STALE: &str = "the object has been modified; please apply your changes to the latest version and try again";

/// Decodes a JSON document as an object of a kind: unknown fields (when `strict`) and values of a wrong type are refused with
/// the API server's words. The answer is the document without what the kind does not have; nothing is defaulted.
///
/// # Errors
/// A BadRequest, `Pod in version "v1" cannot be handled as a Pod: …`.
pub fn decode(kind: Kind, document: &Value, strict: bool) -> Result<Value, Status> {
    let info = kind.info();
    if let Some(message) = check(info.kind, document).message(strict) {
        return Err(Status::bad_request(format!(
            "{0} in version {1:?} cannot be handled as a {0}: {message}",
            info.kind, info.version
        )));
    }
    Ok(document.clone())
}

/// Stores a new object. `namespace` is that of the request; the object may name the same or none.
///
/// # Errors
/// As the API server refuses: Invalid, AlreadyExists, NotFound (the namespace), Forbidden (admission), BadRequest.
pub fn create(world: &mut World, actor: Actor, kind: Kind, namespace: &str, object: Value) -> Result<Object, Status> {
    let info = kind.info();
    let mut object = decode(kind, &object, false)?;
    place_in_namespace(kind, namespace, &mut object)?;
    set(&mut object, "apiVersion", info.api_version());
    set(&mut object, "kind", info.kind);
    canonicalise(info.kind, &mut object);
    default_object(kind, &mut object);
    if name(&object).is_empty() && !str_at(&object, "metadata.generateName").is_empty() {
        generate_name(world, kind, &mut object);
    }
    admission::admit_create(world, kind, &mut object)?;
    prepare::for_create(kind, &mut object);
    let now = world.now().rfc3339();
    let uid = world.uid();
    set(&mut object, "metadata.creationTimestamp", now);
    set(&mut object, "metadata.uid", uid);
    for left_out in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        set(&mut object, &format!("metadata.{left_out}"), Value::Null);
    }
    // As in the real server, addresses and ports are taken before validation: what cannot be had is the only error.
    if kind == Kind::Service {
        allocate::for_create(world, &mut object)?;
    }
    let errors = validate(kind, &object);
    if !errors.is_empty() {
        return Err(Status::invalid(kind, name(&object), &errors));
    }
    admission::validate_create(kind, &object)?;
    canonicalise(info.kind, &mut object);
    let key = Key::of(kind, &object);
    if world.store().get(&key).is_some() {
        return Err(Status::already_exists(kind, &key.name));
    }
    Ok(store(world, actor, key, None, object))
}

/// The namespace of the request, or the same in the object; a kind without namespaces has none.
fn place_in_namespace(kind: Kind, request: &str, object: &mut Value) -> Result<(), Status> {
    if !kind.info().namespaced {
        set(object, "metadata.namespace", Value::Null);
        return Ok(());
    }
    let own = namespace(object);
    if !own.is_empty() && own != request {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    set(object, "metadata.namespace", request);
    Ok(())
}

/// Up to 58 characters of generateName and five random ones; tried again while the name is taken, at most eight times.
fn generate_name(world: &mut World, kind: Kind, object: &mut Value) {
    let base: String = str_at(object, "metadata.generateName").chars().take(58).collect();
    for _ in 0..8 {
        let full = format!("{base}{}", world.suffix(5));
        set(object, "metadata.name", full);
        if world.store().get(&Key::of(kind, object)).is_none() {
            break;
        }
    }
}

/// Which part of an object a request is for: all but its status, or its `status` subresource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Main,
    Status,
}

/// Replaces one part of an object (and what else its status subresource may change); the rest is kept. With a resourceVersion,
/// only if that is the stored one.
///
/// # Errors
/// As the API server refuses: NotFound, Conflict, Invalid, BadRequest.
pub fn update(
    world: &mut World,
    actor: Actor,
    part: Part,
    kind: Kind,
    namespace: &str,
    name: &str,
    object: Value,
) -> Result<Object, Status> {
    let object = decode(kind, &object, false)?;
    replace(world, actor, Key::new(kind, namespace, name), object, part)
}

/// Applies a patch to the stored object.
///
/// # Errors
/// As [`update`]; a patch that does not apply is a BadRequest or Invalid.
pub fn patch(
    world: &mut World,
    actor: Actor,
    kind: Kind,
    namespace: &str,
    name: &str,
    how: PatchType,
    patch: &Value,
) -> Result<Object, Status> {
    let key = Key::new(kind, namespace, name);
    let old = world.store().get(&key).cloned().ok_or_else(|| Status::not_found(kind, name))?;
    let patched = apply(kind, name, how, &old, patch)?;
    let patched = match check(kind.info().kind, &patched).message(false) {
        None => patched,
        Some(message) => return Err(Status::bad_request(message)),
    };
    replace(world, actor, key, patched, Part::Main)
}

/// The common way of update and patch.
fn replace(world: &mut World, actor: Actor, key: Key, mut object: Value, part: Part) -> Result<Object, Status> {
    let kind = key.kind;
    let info = kind.info();
    let Some(old) = world.store().get(&key).cloned() else { return Err(Status::not_found(kind, &key.name)) };
    if name(&object) != key.name && !name(&object).is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            name(&object),
            key.name
        )));
    }
    place_in_namespace(kind, &key.namespace, &mut object)?;
    let given = str_at(&object, "metadata.resourceVersion");
    if !given.is_empty() && given != str_at(&old, "metadata.resourceVersion") {
        return Err(Status::conflict(kind, &key.name, STALE));
    }
    set(&mut object, "apiVersion", info.api_version());
    set(&mut object, "kind", info.kind);
    keep_system_fields(&mut object, &old);
    canonicalise(info.kind, &mut object);
    default_object(kind, &mut object);
    prepare::for_update(kind, part, &mut object, &old);
    admission::admit_update(world, kind, part, &mut object, &old)?;
    if kind == Kind::Service && part == Part::Main {
        allocate::for_update(world, &mut object, &old)?;
    }
    let errors = match part {
        Part::Main => validate_update(kind, &old, &object),
        Part::Status => validate_status_update(kind, &old, &object),
    };
    if !errors.is_empty() {
        return Err(Status::invalid(kind, &key.name, &errors));
    }
    canonicalise(info.kind, &mut object);
    if object == *old {
        return Ok(old);
    }
    if is_released(&object) {
        world.commit(actor, What::Deleted { key, old });
        return Ok(Rc::new(object));
    }
    Ok(store(world, actor, key, Some(old), object))
}

/// What a client may leave out of an update because the server knows it.
fn keep_system_fields(object: &mut Value, old: &Value) {
    for path in ["metadata.name", "metadata.uid", "metadata.creationTimestamp", "metadata.generateName"] {
        if field(object, path).is_null() {
            set(object, path, field(old, path).clone());
        }
    }
    for path in [
        "metadata.resourceVersion",
        "metadata.generation",
        "metadata.deletionTimestamp",
        "metadata.deletionGracePeriodSeconds",
    ] {
        set(object, path, field(old, path).clone());
    }
}

/// An object that waited only for its last finalizer goes with it.
fn is_released(object: &Value) -> bool {
    !field(object, "metadata.deletionTimestamp").is_null()
        && field(object, "metadata.finalizers").is_null()
        && field(object, "metadata.deletionGracePeriodSeconds").as_i64().unwrap_or(0) == 0
        && field(object, "spec.finalizers").is_null()
}

/// Gives the object the next resourceVersion and commits it.
pub(super) fn store(world: &mut World, actor: Actor, key: Key, old: Option<Object>, mut object: Value) -> Object {
    let version = world.store().resource_version() + 1;
    set(&mut object, "metadata.resourceVersion", version.to_string());
    let new: Object = Rc::new(object);
    let verb = if old.is_some() { Verb::Modified } else { Verb::Added };
    world.commit(actor, What::Stored { key, verb, old, new: new.clone() });
    new
}

/// Assigns a pod to a node: the `binding` subresource that the scheduler posts.
///
/// # Errors
/// NotFound without the pod; Conflict when it has a node or is being deleted.
pub fn bind(world: &mut World, namespace: &str, pod: &str, node: &str) -> Result<Object, Status> {
    let key = Key::new(Kind::Pod, namespace, pod);
    let Some(old) = world.store().get(&key).cloned() else { return Err(Status::not_found(Kind::Pod, pod)) };
    let refused = |why: &str| Err(Status::conflict(Kind::Pod, pod, why));
    if !field(&old, "metadata.deletionTimestamp").is_null() {
        return refused(&format!("pod {pod} is being deleted, cannot be assigned to a host"));
    }
    let current = str_at(&old, "spec.nodeName");
    if !current.is_empty() {
        return refused(&format!("pod {pod} is already assigned to node {current:?}"));
    }
    let mut object = (*old).clone();
    set(&mut object, "spec.nodeName", node);
    let now = world.now().rfc3339();
    prepare::set_condition(
        &mut object,
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now}),
    );
    canonicalise("Pod", &mut object);
    Ok(store(world, Actor::Scheduler, key, Some(old), object))
}
