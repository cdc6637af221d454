//! Deleting: grace periods, finalizers, namespaces with what is in them, eviction.
//!
//! Source: apiserver's `registry/rest/delete.go`, the pod strategy's `CheckGracefulDelete`, the namespace registry.
//! Leaves out: PodDisruptionBudgets (the lab has none), preconditions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::event::{Actor, What};
use crate::kube::api::{Status, prepare, write};
use crate::object::{field, int_at, is_terminating, items, name, namespace, set, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

/// What becomes of the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They go afterwards (the garbage collector).
    #[default]
    Background,
    /// They go first; the object waits for them.
    Foreground,
    /// They stay, without owner.
    Orphan,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Seconds until it is taken away by force; the object's own when not given.
    pub grace: Option<u32>,
    pub propagation: Propagation,
}

/// Deletes an object, or marks it as terminating while it waits for its grace period or its finalizers.
/// Returns the object as it then stands, or as it last stood.
///
/// # Errors
/// NotFound; Forbidden for the namespaces that the cluster itself needs.
pub fn delete(
    world: &mut World,
    actor: Actor,
    kind: Kind,
    namespace: &str,
    name: &str,
    options: DeleteOptions,
) -> Result<Object, Status> {
    let key = Key::new(kind, namespace, name);
    if kind == Kind::Namespace && ["default", "kube-system", "kube-public"].contains(&name) {
        return Err(Status::forbidden(kind, name, "this namespace may not be deleted"));
    }
    let Some(old) = world.store().get(&key).cloned() else { return Err(Status::not_found(kind, name)) };
    let grace = grace_of(kind, &old, options.grace);
    let mut object = (*old).clone();
    add_propagation_finalizer(&mut object, options.propagation);
    let waits =
        grace > 0 || !items(&object, "metadata.finalizers").is_empty() || !items(&object, "spec.finalizers").is_empty();
    if !waits {
        world.commit(actor, What::Deleted { key, old: old.clone() });
        return Ok(old);
    }
    if is_terminating(&old) {
        let before = int_at(&old, "metadata.deletionGracePeriodSeconds").unwrap_or(0);
        if grace >= before {
            return Ok(old);
        }
    }
    let end = world.now().plus(Duration::from_secs(grace.unsigned_abs()));
    set(&mut object, "metadata.deletionTimestamp", end.rfc3339());
    set(&mut object, "metadata.deletionGracePeriodSeconds", grace);
    prepare::bump_generation(&mut object, &old, !is_terminating(&old) && int_at(&old, "metadata.generation").is_some());
    if kind == Kind::Namespace {
        set(&mut object, "metadata.deletionGracePeriodSeconds", Value::Null);
        set(&mut object, "status.phase", "Terminating");
    }
    Ok(write::store(world, actor, key, Some(old), object))
}

/// Seconds of grace: only pods have any, and none that no kubelet runs or that have ended.
fn grace_of(kind: Kind, object: &Value, asked: Option<u32>) -> i64 {
    if kind != Kind::Pod {
        return 0;
    }
    let ended = ["Succeeded", "Failed"].contains(&str_at(object, "status.phase"));
    if str_at(object, "spec.nodeName").is_empty() || ended {
        return 0;
    }
    asked.map_or_else(|| int_at(object, "spec.terminationGracePeriodSeconds").unwrap_or(30), i64::from)
}

fn add_propagation_finalizer(object: &mut Value, propagation: Propagation) {
    let wanted = match propagation {
        Propagation::Background => return,
        Propagation::Foreground => "foregroundDeletion",
        Propagation::Orphan => "orphan",
    };
    let mut finalizers: Vec<Value> = items(object, "metadata.finalizers").to_vec();
    if !finalizers.iter().any(|finalizer| finalizer == wanted) {
        finalizers.push(json!(wanted));
    }
    set(object, "metadata.finalizers", finalizers);
}

/// Evicts a pod: deletion on behalf of `kubectl drain`, with the pod's own grace period unless one is given.
///
/// # Errors
/// NotFound.
pub fn evict(
    world: &mut World,
    actor: Actor,
    namespace: &str,
    pod: &str,
    grace: Option<u32>,
) -> Result<Object, Status> {
    delete(world, actor, Kind::Pod, namespace, pod, DeleteOptions { grace, ..DeleteOptions::default() })
}

/// One round of the namespace controller over a namespace that is terminating: asks everything in it to go and, when nothing is
/// left, lets the namespace go. Returns whether it is gone; call again while it is not.
pub fn finalize_namespace(world: &mut World, namespace_name: &str) -> bool {
    let key = Key::new(Kind::Namespace, "", namespace_name);
    let Some(old) = world.store().get(&key).cloned() else { return true };
    if !is_terminating(&old) {
        return false;
    }
    let mut left = false;
    for kind in Kind::ALL.into_iter().filter(|kind| kind.info().namespaced) {
        let objects: Vec<Object> = world.store().list_in(kind, Some(namespace_name)).cloned().collect();
        for object in objects {
            let (inside, of) = (namespace(&object).to_owned(), name(&object).to_owned());
            // What another deletion took along is gone already.
            let _ = delete(world, Actor::NamespaceController, kind, &inside, &of, DeleteOptions::default());
            left |= world.store().find(kind, &inside, &of).is_some();
        }
    }
    if left {
        return false;
    }
    let mut object = (*old).clone();
    set(&mut object, "spec.finalizers", Value::Null);
    if field(&object, "metadata.finalizers").is_null() {
        world.commit(Actor::NamespaceController, What::Deleted { key, old });
        return true;
    }
    write::store(world, Actor::NamespaceController, key, Some(old), object);
    false
}
