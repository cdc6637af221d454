//! The revisions of a DaemonSet, kept as ControllerRevisions that hold the template.
//!
//! Source: Kubernetes 1.34 `pkg/controller/daemon/update.go` (`constructHistory`, `snapshot`, `cleanupHistory`).

use serde_json::{Value, json};

use super::{ACTOR, Failure, HASH_LABEL, by_node, client, owned};
use crate::kube::controllers::deployment::{controller_reference, revision::template_hash};
use crate::object::{self, field, int_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

/// The hash of the present template's revision, which is made when it is missing, and the other revisions.
pub(super) fn current(world: &mut World, set: &Object) -> Result<(String, Vec<Object>), Failure> {
    let all = owned::claim(world, ACTOR, Kind::ControllerRevision, Kind::DaemonSet, set)?;
    let data = snapshot_data(set);
    let (same, old): (Vec<Object>, Vec<Object>) = all.into_iter().partition(|one| *field(one, "data") == data);
    let number = |one: &Object| int_at(one, "revision").unwrap_or(0);
    let next = old.iter().map(number).max().unwrap_or(0) + 1;
    let revision = match same.into_iter().max_by_key(number) {
        None => snapshot(world, set, data, next)?,
        Some(kept) if number(&kept) < next => {
            let mut raised = (*kept).clone();
            raised["revision"] = json!(next);
            client::update(world, ACTOR, Kind::ControllerRevision, raised)?
        }
        Some(kept) => kept,
    };
    Ok((object::label(&revision, "labels", HASH_LABEL).unwrap_or("").to_owned(), old))
}

fn snapshot_data(set: &Value) -> Value {
    let mut template = field(set, "spec.template").clone();
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}

fn snapshot(world: &mut World, set: &Object, data: Value, revision: i64) -> Result<Object, Failure> {
    let hash = template_hash(field(set, "spec.template"), int_at(set, "status.collisionCount"));
    let mut labels = field(set, "spec.template.metadata.labels").clone();
    labels[HASH_LABEL] = json!(hash);
    let history = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {"name": format!("{}-{hash}", object::name(set)), "namespace": object::namespace(set), "labels": labels,
            "annotations": field(set, "metadata.annotations"),
            "ownerReferences": [controller_reference(Kind::DaemonSet, set)]},
        "data": data, "revision": revision});
    let created = client::create(world, ACTOR, Kind::ControllerRevision, history);
    if created.as_ref().is_err_and(Failure::is_already_exists) {
        let mut changed = (**set).clone();
        object::set(&mut changed, "status.collisionCount", int_at(set, "status.collisionCount").unwrap_or(0) + 1);
        client::update_status(world, ACTOR, Kind::DaemonSet, &mut changed)?;
    }
    created
}

/// Deletes the oldest revisions beyond spec.revisionHistoryLimit of which no pod is left.
pub(super) fn clean_up(world: &mut World, set: &Object, old: &[Object]) -> Result<(), Failure> {
    let limit = usize::try_from(int_at(set, "spec.revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
    let surplus = old.len().saturating_sub(limit);
    if surplus == 0 {
        return Ok(());
    }
    let pods = by_node(world, set)?;
    let live = |one: &Object| {
        let hash = object::label(one, "labels", HASH_LABEL);
        pods.values().flatten().any(|pod| object::label(pod, "labels", HASH_LABEL) == hash)
    };
    let mut dead: Vec<&Object> = old.iter().filter(|one| !live(one)).collect();
    dead.sort_by_key(|one| int_at(one, "revision"));
    for one in dead.into_iter().take(surplus) {
        client::delete(world, ACTOR, &Key::of(Kind::ControllerRevision, one))?;
    }
    Ok(())
}
