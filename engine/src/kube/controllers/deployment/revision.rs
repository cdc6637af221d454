//! Which ReplicaSet is whose revision: finds the one with the Deployment's template or makes it, numbers revisions, and keeps
//! the annotations that say how large the Deployment was when a set was last sized.
//!
//! Source: Kubernetes 1.34 `pkg/controller/deployment/sync.go` (`getNewReplicaSet`) and `util/deployment_util.go`. The
//! pod-template-hash has the form of the real one (FNV-1a, written in the alphabet of names) but is taken of the template's
//! JSON, where Kubernetes takes it of a dump of Go's memory; so the characters differ from a real cluster's.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ACTOR, Sets, controller_reference, created_order, note_create_error, replicas, rollout, status};
use crate::kube::controllers::client::{self, Failure};
use crate::kube::controllers::{conditions, owned};
use crate::object::{self, field, int_at, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

pub const REVISION: &str = "deployment.kubernetes.io/revision";
pub const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
pub const HASH_LABEL: &str = "pod-template-hash";
/// Annotations of a Deployment that its ReplicaSets do not inherit.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    "deprecated.deployment.rollback.to",
];
/// A revision history longer than this forgets its oldest entries.
const HISTORY_CHARS_MAX: usize = 2000;

/// The Deployment's ReplicaSets, with revisions up to date; makes the new one when it is missing and `create` says so.
pub(crate) fn sets(world: &mut World, deployment: &mut Value, create: bool) -> Result<Sets, Failure> {
    let mut all = owned::claim(world, ACTOR, Kind::ReplicaSet, Kind::Deployment, deployment)?;
    all.sort_by(|a, b| created_order(a, b));
    let at = all.iter().position(|set| same_template(field(deployment, "spec.template"), field(set, "spec.template")));
    let found = at.map(|at| all.remove(at));
    let newest = all.iter().filter_map(|set| revision(set)).max().unwrap_or(0).max(0);
    let new = match found {
        Some(set) => Some(refresh(world, deployment, &set, newest + 1)?),
        None if create => Some(create_set(world, deployment, &all, newest + 1)?),
        None => None,
    };
    Ok(Sets { new, old: all })
}

/// Whether two pod templates say the same, apart from the hash label. Nulls and empty maps of metadata mean the same as
/// absence.
fn same_template(a: &Value, b: &Value) -> bool {
    let (Some(one), Some(other)) = (a.as_object(), b.as_object()) else { return a == b };
    let has = |of: &Map<String, Value>, in_: &Map<String, Value>| {
        of.iter().all(|(name, value)| name == "metadata" || in_.get(name) == Some(value))
    };
    has(one, other) && has(other, one) && plain_metadata(one) == plain_metadata(other)
}

/// A template's metadata without the hash label and without what is empty.
fn plain_metadata(template: &Map<String, Value>) -> Map<String, Value> {
    let mut metadata = template.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    metadata.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()));
    metadata
}

/// Brings the annotations of an existing new ReplicaSet, and the revision of its Deployment, up to date.
fn refresh(world: &mut World, deployment: &mut Value, set: &Object, revision: i64) -> Result<Object, Failure> {
    let mut changed = (**set).clone();
    annotate(deployment, &mut changed, revision);
    let min_ready = field(deployment, "spec.minReadySeconds");
    if int_at(&changed, "spec.minReadySeconds").unwrap_or(0) != min_ready.as_i64().unwrap_or(0) {
        object::set(&mut changed, "spec.minReadySeconds", min_ready.clone());
    }
    if changed != **set {
        return client::update(world, ACTOR, Kind::ReplicaSet, changed);
    }
    let number = annotation(set, REVISION).unwrap_or("").to_owned();
    let mut dirty = set_annotation(deployment, REVISION, &number);
    if status::has_deadline(deployment) && conditions::find(field(deployment, "status"), "Progressing").is_none() {
        let message = format!("Found new replica set \"{}\"", object::name(set));
        let condition =
            conditions::deployment_condition("Progressing", "True", "FoundNewReplicaSet", message, world.now());
        status::set_condition(deployment, condition);
        dirty = true;
    }
    if dirty {
        client::update_status(world, ACTOR, Kind::Deployment, deployment)?;
    }
    Ok(set.clone())
}

fn create_set(world: &mut World, deployment: &mut Value, old: &[Object], revision: i64) -> Result<Object, Failure> {
    let limits = rollout::limits(deployment);
    let total: i64 = old.iter().map(|set| replicas(set)).sum();
    let size = rollout::new_replicas(&limits, total, 0);
    let mut set = new_set(deployment, size);
    annotate(deployment, &mut set, revision);
    note_replicas(&mut set, &limits);
    let name = object::name(&set).to_owned();
    let created = match client::create(world, ACTOR, Kind::ReplicaSet, set) {
        Ok(created) => created,
        Err(failure) if failure.is_already_exists() => {
            let collisions = int_at(deployment, "status.collisionCount").unwrap_or(0) + 1;
            object::set(deployment, "status.collisionCount", collisions);
            client::update_status(world, ACTOR, Kind::Deployment, deployment)?;
            return Err(failure);
        }
        Err(failure) => {
            if !failure.is_terminating_namespace() {
                note_create_error(world, deployment, &name, &failure)?;
            }
            return Err(failure);
        }
    };
    if size > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {size}");
        client::event(world, ACTOR, deployment, "Normal", "ScalingReplicaSet", &message);
    }
    set_annotation(deployment, REVISION, &revision.to_string());
    if status::has_deadline(deployment) {
        let message = format!("Created new replica set \"{name}\"");
        let condition =
            conditions::deployment_condition("Progressing", "True", "NewReplicaSetCreated", message, world.now());
        status::set_condition(deployment, condition);
    }
    client::update_status(world, ACTOR, Kind::Deployment, deployment)?;
    Ok(created)
}

fn new_set(deployment: &Value, size: i64) -> Value {
    let mut template = field(deployment, "spec.template").clone();
    let hash = template_hash(&template, int_at(deployment, "status.collisionCount"));
    object::set(&mut template, &format!("metadata.labels.{HASH_LABEL}"), hash.as_str());
    let mut selector = field(deployment, "spec.selector").clone();
    object::set(&mut selector, &format!("matchLabels.{HASH_LABEL}"), hash.as_str());
    let deployment_name = object::name(deployment);
    let kept = deployment_name.len().min(253 - 1 - hash.len());
    let mut set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{}-{hash}", &deployment_name[..kept]), "namespace": object::namespace(deployment),
            "labels": field(&template, "metadata.labels"),
            "ownerReferences": [controller_reference(Kind::Deployment, deployment)]},
        "spec": {"replicas": size, "selector": selector, "template": template}});
    if let Some(min_ready) = int_at(deployment, "spec.minReadySeconds").filter(|secs| *secs > 0) {
        object::set(&mut set, "spec.minReadySeconds", min_ready);
    }
    set
}

/// FNV-1a (32 bits) of the template and, after a collision, its count; in the alphabet of names.
pub(crate) fn template_hash(template: &Value, collisions: Option<i64>) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let mut take = |byte: u8| hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    template.to_string().bytes().for_each(&mut take);
    collisions.iter().flat_map(|count| count.to_le_bytes()).for_each(&mut take);
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    hash.to_string().bytes().map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// Copies the Deployment's annotations to its new ReplicaSet and raises the set's revision, remembering the one it had.
fn annotate(deployment: &Value, set: &mut Value, revision: i64) {
    let copied: BTreeMap<String, Value> = object::entries(deployment, "metadata.annotations")
        .filter(|(key, _)| !NOT_COPIED.contains(key))
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    for (key, value) in copied {
        set_annotation(set, &key, value.as_str().unwrap_or(""));
    }
    let before = annotation(set, REVISION).map(str::to_owned);
    let Ok(number) = before.as_deref().filter(|text| !text.is_empty()).unwrap_or("0").parse::<i64>() else { return };
    if number >= revision {
        return;
    }
    set_annotation(set, REVISION, &revision.to_string());
    let Some(before) = before else { return };
    let history = annotation(set, REVISION_HISTORY).unwrap_or("").to_owned();
    let mut entries: Vec<&str> = history.split(',').filter(|entry| !entry.is_empty()).collect();
    entries.push(&before);
    while entries.len() > 1 && entries.join(",").len() > HISTORY_CHARS_MAX {
        entries.remove(0);
    }
    set_annotation(set, REVISION_HISTORY, &entries.join(","));
}

/// Notes the Deployment's size, and its size with surge, on a ReplicaSet; whether that changed anything.
pub(crate) fn note_replicas(set: &mut Value, limits: &rollout::Limits) -> bool {
    let desired = set_annotation(set, DESIRED_REPLICAS, &limits.desired.to_string());
    let most = set_annotation(set, MAX_REPLICAS, &(limits.desired + limits.max_surge).to_string());
    desired || most
}

/// The number in an annotation; None when it is missing or no count.
pub(crate) fn count_annotation(set: &Value, key: &str) -> Option<i64> {
    annotation(set, key)?.parse::<i32>().ok().filter(|count| *count >= 0).map(i64::from)
}

/// The revision of a ReplicaSet; 0 without one, None when it cannot be read.
pub(crate) fn revision(set: &Value) -> Option<i64> {
    annotation(set, REVISION).map_or(Some(0), |text| text.parse().ok())
}

fn annotation<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    object::label(value, "annotations", key)
}

/// Whether the annotation had another value before.
fn set_annotation(value: &mut Value, key: &str, text: &str) -> bool {
    if annotation(value, key) == Some(text) {
        return false;
    }
    if !field(value, "metadata.annotations").is_object() {
        object::set(value, "metadata.annotations", json!({}));
    }
    value["metadata"]["annotations"][key] = Value::from(text);
    true
}

/// The key of a ReplicaSet's Deployment, if one controls it.
pub(crate) fn deployment_of(set: &Value) -> Option<Key> {
    let owner = object::controller(set).filter(|owner| str_at(owner, "kind") == "Deployment")?;
    Some(Key::new(Kind::Deployment, object::namespace(set), str_at(owner, "name")))
}
