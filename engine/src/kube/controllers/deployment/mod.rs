//! The Deployment controller: one ReplicaSet per revision of the pod template, grown and shrunk as the strategy allows.
//!
//! Source: Kubernetes 1.34 `pkg/controller/deployment` (`deployment_controller.go`, `sync.go`, `rolling.go`, `recreate.go`).
//! Leaves out: the rollback field of old API versions (`kubectl rollout undo` patches the template), and the field
//! status.terminatingReplicas, which is behind a feature gate that is off.

pub mod revision;
pub mod rollout;
mod status;

use serde_json::{Value, json};

use super::client::{self, Failure};
use super::{conditions, pods};
use crate::event::Actor;
use crate::object::{self, bool_at, field, int_at, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;
use rollout::Size;

const ACTOR: Actor = Actor::DeploymentController;

/// The ReplicaSets of a Deployment: the one with its template, if there is one, and the others, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sets {
    pub new: Option<Object>,
    pub old: Vec<Object>,
}

impl Sets {
    fn all(&self) -> impl Iterator<Item = &Object> {
        self.old.iter().chain(&self.new)
    }

    fn active_old(&self) -> Vec<Object> {
        self.old.iter().filter(|set| replicas(set) > 0).cloned().collect()
    }

    fn wanted(&self) -> i64 {
        self.all().map(|set| replicas(set)).sum()
    }
}

/// Brings one Deployment a step nearer to what it should be.
pub fn sync(world: &mut World, key: &Key) -> Result<(), Failure> {
    let Some(mut deployment) = world.store().get(key).map(|found| (**found).clone()) else { return Ok(()) };
    if object::is_terminating(&deployment) {
        let sets = revision::sets(world, &mut deployment, false)?;
        return status::sync(world, &mut deployment, &sets);
    }
    status::note_pause(world, &mut deployment)?;
    if bool_at(&deployment, "spec.paused") {
        return sync_scale(world, &mut deployment);
    }
    let sets = revision::sets(world, &mut deployment, false)?;
    if was_scaled(&deployment, &sets) {
        return sync_scale(world, &mut deployment);
    }
    if str_at(&deployment, "spec.strategy.type") == "Recreate" {
        recreate(world, &mut deployment, sets)
    } else {
        roll(world, &mut deployment)
    }
}

/// Whether someone changed spec.replicas since the ReplicaSets were last sized.
fn was_scaled(deployment: &Value, sets: &Sets) -> bool {
    let desired = int_at(deployment, "spec.replicas").unwrap_or(1);
    sets.all()
        .filter(|set| replicas(set) > 0)
        .filter_map(|set| revision::count_annotation(set, revision::DESIRED_REPLICAS))
        .any(|noted| noted != desired)
}

fn roll(world: &mut World, deployment: &mut Value) -> Result<(), Failure> {
    let sets = revision::sets(world, deployment, true)?;
    let limits = rollout::limits(deployment);
    let Some(new) = sets.new.clone() else { return Ok(()) };
    let size = replicas(&new);
    let next = if size == limits.desired {
        size
    } else if size > limits.desired {
        limits.desired
    } else {
        rollout::new_replicas(&limits, sets.wanted(), size)
    };
    if next != size {
        scale_set(world, deployment, &new, next)?;
        return status::sync_rollout(world, deployment, &sets);
    }
    let mut old = sets.active_old();
    let sizes: Vec<Size> = old.iter().map(|set| size_of(set)).collect();
    let steps = rollout::shrink_old(&limits, &sizes, size_of(&new));
    for (index, next) in &steps {
        if let Some(set) = old.get_mut(*index) {
            *set = scale_set(world, deployment, &set.clone(), *next)?;
        }
    }
    if steps.is_empty() && status::complete(deployment, field(deployment, "status")) {
        clean_up(world, deployment, &sets.old)?;
    }
    status::sync_rollout(world, deployment, &sets)
}

fn recreate(world: &mut World, deployment: &mut Value, mut sets: Sets) -> Result<(), Failure> {
    let mut shrunk = false;
    for set in sets.active_old() {
        scale_set(world, deployment, &set, 0)?;
        shrunk = true;
    }
    if shrunk || old_pods_run(world, deployment, &sets) {
        return status::sync_rollout(world, deployment, &sets);
    }
    if sets.new.is_none() {
        sets = revision::sets(world, deployment, true)?;
    }
    let desired = int_at(deployment, "spec.replicas").unwrap_or(1);
    if let Some(new) = sets.new.clone().filter(|new| replicas(new) != desired) {
        scale_set(world, deployment, &new, desired)?;
    }
    if status::complete(deployment, field(deployment, "status")) {
        clean_up(world, deployment, &sets.old)?;
    }
    status::sync_rollout(world, deployment, &sets)
}

/// Whether pods of former revisions are still there, stopping ones included.
fn old_pods_run(world: &World, deployment: &Value, sets: &Sets) -> bool {
    if sets.old.iter().any(|set| int_at(set, "status.replicas").unwrap_or(0) > 0) {
        return true;
    }
    let pods = world.store().list_in(Kind::Pod, Some(object::namespace(deployment)));
    pods.filter(|pod| !matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed"))
        .any(|pod| sets.old.iter().any(|set| object::controlled_by(pod, set)))
}

/// What happens when the Deployment was scaled or is paused: no rollout, all ReplicaSets in proportion.
fn sync_scale(world: &mut World, deployment: &mut Value) -> Result<(), Failure> {
    let sets = revision::sets(world, deployment, false)?;
    scale(world, deployment, &sets)?;
    if bool_at(deployment, "spec.paused") {
        clean_up(world, deployment, &sets.old)?;
    }
    status::sync(world, deployment, &sets)
}

fn scale(world: &mut World, deployment: &Value, sets: &Sets) -> Result<(), Failure> {
    let limits = rollout::limits(deployment);
    let active: Vec<Object> = sets.all().filter(|set| replicas(set) > 0).cloned().collect();
    let only = match active.as_slice() {
        [] => sets.new.as_ref().or(sets.old.last()),
        [one] => Some(one),
        _ => None,
    };
    if active.len() < 2 {
        if let Some(set) = only.filter(|set| replicas(set) != limits.desired) {
            scale_set(world, deployment, set, limits.desired)?;
        }
        return Ok(());
    }
    if sets.new.as_ref().is_some_and(|new| is_saturated(&limits, new)) {
        for set in sets.active_old() {
            scale_set(world, deployment, &set, 0)?;
        }
        return Ok(());
    }
    if !limits.rolling {
        return Ok(());
    }
    let mut ordered = active;
    let sizes = |sets: &[Object]| sets.iter().map(|set| size_of(set)).collect::<Vec<Size>>();
    let to_add = rollout::to_add(&limits, &sizes(&ordered));
    by_size(&mut ordered, to_add > 0);
    let status_replicas = int_at(deployment, "status.replicas").unwrap_or(0);
    let next = rollout::proportional(&limits, status_replicas, &sizes(&ordered));
    for (set, size) in ordered.iter().zip(next) {
        scale_set(world, deployment, set, size)?;
    }
    Ok(())
}

/// Larger sets first; among equals the newer or the older first.
fn by_size(sets: &mut [Object], newer_first: bool) {
    sets.sort_by(|a, b| {
        let age = created_order(a, b);
        replicas(b).cmp(&replicas(a)).then(if newer_first { age.reverse() } else { age })
    });
}

/// Older sets first, then by name.
pub(crate) fn created_order(a: &Value, b: &Value) -> std::cmp::Ordering {
    pods::created(a).cmp(&pods::created(b)).then_with(|| object::name(a).cmp(object::name(b)))
}

fn is_saturated(limits: &rollout::Limits, set: &Value) -> bool {
    replicas(set) == limits.desired
        && revision::count_annotation(set, revision::DESIRED_REPLICAS) == Some(limits.desired)
        && size_of(set).available == limits.desired
}

/// Gives a ReplicaSet its new size, notes the Deployment's size on it, and tells of it in an event.
fn scale_set(world: &mut World, deployment: &Value, set: &Object, size: i64) -> Result<Object, Failure> {
    let before = replicas(set);
    let mut changed = (**set).clone();
    let noted = revision::note_replicas(&mut changed, &rollout::limits(deployment));
    if before == size && !noted {
        return Ok(set.clone());
    }
    object::set(&mut changed, "spec.replicas", size);
    let stored = client::update(world, ACTOR, Kind::ReplicaSet, changed)?;
    if before != size {
        let direction = if before < size { "up" } else { "down" };
        let message = format!("Scaled {direction} replica set {} from {before} to {size}", object::name(set));
        client::event(world, ACTOR, deployment, "Normal", "ScalingReplicaSet", &message);
    }
    Ok(stored)
}

/// Deletes the oldest ReplicaSets beyond spec.revisionHistoryLimit that have no pods left.
fn clean_up(world: &mut World, deployment: &Value, old: &[Object]) -> Result<(), Failure> {
    let Some(limit) = int_at(deployment, "spec.revisionHistoryLimit").filter(|limit| *limit != i64::from(i32::MAX))
    else {
        return Ok(());
    };
    let mut alive: Vec<&Object> = old.iter().filter(|set| !object::is_terminating(set)).collect();
    alive.sort_by(|a, b| revision::revision(a).cmp(&revision::revision(b)).then_with(|| created_order(a, b)));
    let surplus = alive.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for set in alive.into_iter().take(surplus) {
        let seen = int_at(set, "status.observedGeneration") >= int_at(set, "metadata.generation");
        if int_at(set, "status.replicas").unwrap_or(0) == 0 && replicas(set) == 0 && seen {
            client::delete(world, ACTOR, &Key::of(Kind::ReplicaSet, set))?;
        }
    }
    Ok(())
}

pub(crate) fn replicas(set: &Value) -> i64 {
    int_at(set, "spec.replicas").unwrap_or(1)
}

fn size_of(set: &Value) -> Size {
    Size {
        replicas: replicas(set),
        available: int_at(set, "status.availableReplicas").unwrap_or(0),
        max_replicas: revision::count_annotation(set, revision::MAX_REPLICAS),
    }
}

/// Records on the Deployment that it could not get its new ReplicaSet.
fn note_create_error(world: &mut World, deployment: &mut Value, name: &str, failure: &Failure) -> Result<(), Failure> {
    let message = format!("Failed to create new replica set \"{name}\": {failure}");
    if status::has_deadline(deployment) {
        let condition = conditions::deployment_condition(
            "Progressing",
            "False",
            "ReplicaSetCreateError",
            message.clone(),
            world.now(),
        );
        status::set_condition(deployment, condition);
        client::update_status(world, ACTOR, Kind::Deployment, deployment)?;
    }
    client::event(world, ACTOR, deployment, "Warning", "ReplicaSetCreateError", &message);
    Ok(())
}

/// A reference that makes `owner` the controller of the object that carries it.
pub(crate) fn controller_reference(kind: Kind, owner: &Value) -> Value {
    let info = kind.info();
    json!({"apiVersion": info.api_version(), "kind": info.kind, "name": object::name(owner), "uid": object::uid(owner),
        "controller": true, "blockOwnerDeletion": true})
}
