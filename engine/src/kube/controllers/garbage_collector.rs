//! The garbage collector: objects whose owners are all gone go too; owners that are deleted in the foreground wait for what
//! they own, and those deleted as orphaning let it go free.
//!
//! Source: Kubernetes 1.34 `pkg/controller/garbagecollector`. It keeps no graph: each round looks at all ownerReferences.

use serde_json::Value;

use super::client::{self, Failure};
use super::owned;
use crate::event::Actor;
use crate::kube::api::{DeleteOptions, Propagation};
use crate::object::{self, bool_at, items, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

const ACTOR: Actor = Actor::GarbageCollector;
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// What a reference to an owner is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Solid,
    /// Being deleted in the foreground: waits for its dependents.
    Waiting,
    Gone,
}

/// One round over everything that has an owner or waits for what it owns.
pub fn collect(world: &mut World) -> Result<(), Failure> {
    let mut result = Ok(());
    for (key, object) in objects(world, |object| !items(object, "metadata.ownerReferences").is_empty()) {
        result = result.and(collect_one(world, &key, &object));
    }
    let waits = |object: &Value| object::is_terminating(object) && !items(object, "metadata.finalizers").is_empty();
    for (key, owner) in objects(world, waits) {
        if has_finalizer(&owner, ORPHAN) {
            result = result.and(set_free(world, &key, &owner));
        } else if has_finalizer(&owner, FOREGROUND) && !is_blocked(world, &owner) {
            result = result.and(drop_finalizer(world, &key, &owner, FOREGROUND));
        }
    }
    result
}

fn objects(world: &World, wanted: impl Fn(&Value) -> bool) -> Vec<(Key, Object)> {
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Event);
    let all = kinds.flat_map(|kind| world.store().list(kind).map(move |object| (kind, object)));
    all.filter(|(_, object)| wanted(object)).map(|(kind, object)| (Key::of(kind, object), object.clone())).collect()
}

fn collect_one(world: &mut World, key: &Key, object: &Object) -> Result<(), Failure> {
    let references = items(object, "metadata.ownerReferences");
    let owners: Vec<Owner> = references.iter().map(|reference| owner(world, &key.namespace, reference)).collect();
    if owners.iter().all(|owner| *owner == Owner::Solid) {
        return Ok(());
    }
    if owners.contains(&Owner::Solid) {
        let kept =
            references.iter().zip(&owners).filter(|(_, owner)| **owner == Owner::Solid).map(|(one, _)| one.clone());
        return owned::set_references(world, &ACTOR, key.kind, object, kept.collect()).map(|_| ());
    }
    if object::is_terminating(object) {
        return Ok(());
    }
    let propagation = if has_finalizer(object, ORPHAN) {
        Propagation::Orphan
    } else if has_finalizer(object, FOREGROUND) || (owners.contains(&Owner::Waiting) && has_dependents(world, object)) {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    client::delete_with(world, ACTOR, key, DeleteOptions { propagation, ..DeleteOptions::default() })
}

/// An owner of a kind that the lab does not have counts as there.
fn owner(world: &World, namespace: &str, reference: &Value) -> Owner {
    let Some(kind) = Kind::of(str_at(reference, "apiVersion"), str_at(reference, "kind")) else { return Owner::Solid };
    match world.store().find(kind, namespace, str_at(reference, "name")) {
        Some(owner) if object::uid(owner) == str_at(reference, "uid") => {
            if object::is_terminating(owner) && has_finalizer(owner, FOREGROUND) {
                Owner::Waiting
            } else {
                Owner::Solid
            }
        }
        _ => Owner::Gone,
    }
}

fn owned_by<'a>(object: &'a Value, owner: &Value) -> Option<&'a Value> {
    items(object, "metadata.ownerReferences").iter().find(|reference| str_at(reference, "uid") == object::uid(owner))
}

fn has_dependents(world: &World, owner: &Value) -> bool {
    !objects(world, |object| owned_by(object, owner).is_some()).is_empty()
}

/// Whether a dependent that says so is still there.
fn is_blocked(world: &World, owner: &Value) -> bool {
    let blocks =
        |object: &Value| owned_by(object, owner).is_some_and(|reference| bool_at(reference, "blockOwnerDeletion"));
    !objects(world, blocks).is_empty()
}

fn set_free(world: &mut World, key: &Key, owner: &Object) -> Result<(), Failure> {
    for (dependent, object) in objects(world, |object| owned_by(object, owner).is_some()) {
        let references = items(&object, "metadata.ownerReferences").iter();
        let kept = references.filter(|reference| str_at(reference, "uid") != object::uid(owner)).cloned().collect();
        owned::set_references(world, &ACTOR, dependent.kind, &object, kept)?;
    }
    drop_finalizer(world, key, owner, ORPHAN)
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    items(object, "metadata.finalizers").iter().any(|finalizer| finalizer == name)
}

fn drop_finalizer(world: &mut World, key: &Key, object: &Object, name: &str) -> Result<(), Failure> {
    let kept: Vec<Value> = items(object, "metadata.finalizers").iter().filter(|one| *one != name).cloned().collect();
    let mut changed = (**object).clone();
    object::set(&mut changed, "metadata.finalizers", if kept.is_empty() { Value::Null } else { Value::Array(kept) });
    client::update(world, ACTOR, key.kind, changed).map(|_| ())
}
