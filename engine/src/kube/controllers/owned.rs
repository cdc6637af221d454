//! Whose is what: controllers work on the objects that name them as controller, adopt matching ones that nobody controls, and
//! let go of their own that no longer match.
//!
//! Source: Kubernetes 1.34 `pkg/controller/controller_ref_manager.go`; pods from templates, `controller_utils.go`.

use serde_json::{Value, json};

use super::client::{self, Failure};
use super::deployment::controller_reference;
use crate::event::Actor;
use crate::object::{self, field, items, selector, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

/// The objects of a kind that `owner` controls, after adopting and releasing.
pub fn claim(
    world: &mut World,
    actor: Actor,
    kind: Kind,
    owner_kind: Kind,
    owner: &Value,
) -> Result<Vec<Object>, Failure> {
    claim_if(world, actor, kind, owner_kind, owner, |_| true)
}

/// The same for those objects for which `wanted` holds.
pub fn claim_if(
    world: &mut World,
    actor: Actor,
    kind: Kind,
    owner_kind: Kind,
    owner: &Value,
    wanted: fn(&Value) -> bool,
) -> Result<Vec<Object>, Failure> {
    let wanted_labels = field(owner, "spec.selector");
    let (mut mine, mut adopt, mut release) = (Vec::new(), Vec::new(), Vec::new());
    for object in world.store().list_in(kind, Some(object::namespace(owner))).filter(|object| wanted(object)) {
        let reference = object::controller(object);
        let owned = reference.is_some_and(|reference| str_at(reference, "uid") == object::uid(owner));
        if reference.is_some() && !owned {
            continue;
        }
        let fits = fits(wanted_labels, object);
        match (owned, fits) {
            (true, true) => mine.push(object.clone()),
            (true, false) => release.push(object.clone()),
            (false, true) if !object::is_terminating(object) => adopt.push(object.clone()),
            _ => {}
        }
    }
    if !object::is_terminating(owner) {
        for object in adopt {
            let mut references = items(&object, "metadata.ownerReferences").to_vec();
            references.push(controller_reference(owner_kind, owner));
            mine.push(set_references(world, &actor, kind, &object, references)?);
        }
        for object in release.iter().filter(|object| !object::is_terminating(object)) {
            let references = items(object, "metadata.ownerReferences").iter();
            let kept = references.filter(|reference| str_at(reference, "uid") != object::uid(owner)).cloned().collect();
            set_references(world, &actor, kind, object, kept)?;
        }
    }
    Ok(mine)
}

/// Whether a LabelSelector matches an object.
pub fn fits(wanted: &Value, object: &Value) -> bool {
    selects(wanted, field(object, "metadata.labels"))
}

/// Whether a LabelSelector matches these labels; the common one, of equalities alone, without a map of them.
pub fn selects(wanted: &Value, labels: &Value) -> bool {
    match wanted.as_object() {
        Some(parts) if parts.len() == 1 && parts.contains_key("matchLabels") => {
            object::entries(wanted, "matchLabels").all(|(key, value)| labels.get(key) == Some(value))
        }
        _ => {
            let labels = labels.as_object().into_iter().flatten();
            selector::matches(wanted, labels.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or(""))))
        }
    }
}

/// Replaces an object's ownerReferences.
pub fn set_references(
    world: &mut World,
    actor: &Actor,
    kind: Kind,
    object: &Value,
    references: Vec<Value>,
) -> Result<Object, Failure> {
    let mut changed = object.clone();
    let references = if references.is_empty() { Value::Null } else { Value::Array(references) };
    object::set(&mut changed, "metadata.ownerReferences", references);
    client::update(world, actor.clone(), kind, changed)
}

/// Creates a pod from a template, controlled by `owner`, and tells of it in an event on the owner.
pub fn create_pod(
    world: &mut World,
    actor: Actor,
    owner_kind: Kind,
    owner: &Value,
    template: &Value,
) -> Result<Object, Failure> {
    let mut metadata = json!({"generateName": format!("{}-", object::name(owner)), "namespace": object::namespace(owner),
        "ownerReferences": [controller_reference(owner_kind, owner)]});
    for name in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.get("metadata").and_then(|metadata| metadata.get(name)) {
            metadata[name] = value.clone();
        }
    }
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": field(template, "spec")});
    match client::create(world, actor.clone(), Kind::Pod, pod) {
        Ok(created) => {
            let message = format!("Created pod: {}", object::name(&created));
            client::event(world, actor, owner, "Normal", "SuccessfulCreate", &message);
            Ok(created)
        }
        Err(failure) => {
            if !failure.is_terminating_namespace() {
                let message = format!("Error creating: {failure}");
                client::event(world, actor, owner, "Warning", "FailedCreate", &message);
            }
            Err(failure)
        }
    }
}

/// Deletes a pod and tells of it in an event on the owner.
pub fn delete_pod(world: &mut World, actor: Actor, owner: &Value, pod: &Value) -> Result<(), Failure> {
    client::delete(world, actor.clone(), &Key::of(Kind::Pod, pod))?;
    let message = format!("Deleted pod: {}", object::name(pod));
    client::event(world, actor, owner, "Normal", "SuccessfulDelete", &message);
    Ok(())
}

/// Calls `one` `count` times in batches of 1, 2, 4, …; a batch with a failure is the last one. The number that succeeded, and
/// the first failure.
pub fn slow_start(count: usize, mut one: impl FnMut(usize) -> Result<(), Failure>) -> (usize, Option<Failure>) {
    let (mut done, mut succeeded, mut batch) = (0, 0, 1);
    while done < count {
        let mut failure = None;
        for index in done..(done + batch).min(count) {
            match one(index) {
                Ok(()) => succeeded += 1,
                Err(refused) => failure = failure.or(Some(refused)),
            }
        }
        if failure.is_some() {
            return (succeeded, failure);
        }
        done += batch;
        batch *= 2;
    }
    (succeeded, None)
}
