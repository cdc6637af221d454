//! `kubectl rollout history` and `undo`: the revisions that ReplicaSets and ControllerRevisions keep.
//!
//! Sources: `kubectl/pkg/polymorphichelpers/{history,rollback}.go`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::rollout::{group_kind, query};
use super::select::{Info, select};
use crate::kube::api::PatchType;
use crate::object::{bool_at, controlled_by, field, int_at, label, set, str_at};
use crate::store::{Kind, Object};
use crate::world::World;

const REVISION: &str = "deployment.kubernetes.io/revision";
const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
const HASH: &str = "pod-template-hash";

/// Annotations that belong to the Deployment or to one ReplicaSet and do not go back with a rollback.
const OWN_ANNOTATIONS: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// The kept revisions of an object, by number.
fn revisions(world: &World, info: &Info) -> BTreeMap<i64, Object> {
    let kind = if info.kind == Kind::Deployment { Kind::ReplicaSet } else { Kind::ControllerRevision };
    let owned = world.store().list_in(kind, Some(&info.namespace)).filter(|o| controlled_by(o, info.value()));
    let number = |object: &Object| match kind {
        Kind::ReplicaSet => label(object, "annotations", REVISION).and_then(|r| r.parse().ok()),
        _ => int_at(object, "revision"),
    };
    owned.filter_map(|object| Some((number(object)?, object.clone()))).collect()
}

/// The pod template of a revision.
fn template_of(revision: &Value) -> Value {
    let path = if str_at(revision, "kind") == "ReplicaSet" { "spec.template" } else { "data.spec.template" };
    let mut template = field(revision, path).clone();
    if let Some(map) = template.as_object_mut() {
        map.remove("$patch");
    }
    template
}

pub fn history(call: &mut Call) -> Outcome {
    let mut query = query(call)?;
    query.type_alone_is_all = true;
    let revision = call.flags.int("revision");
    let mut printer = Printer::of(call, DryRun::None)?;
    select(call.cx.world, &query)?.visit(|info| {
        if !matches!(info.kind, Kind::Deployment | Kind::DaemonSet) {
            let kind = quote(&group_kind(info.kind));
            return Err(Failure::text(format!("no history viewer has been implemented for {kind}")));
        }
        let kept = revisions(call.cx.world, &info);
        if revision > 0 && !kept.contains_key(&revision) && !kept.is_empty() {
            return Err(Failure::text("unable to find the specified revision"));
        }
        if printer.prints_objects() {
            for (_, object) in kept.iter().filter(|(number, _)| revision == 0 || **number == revision) {
                printer.print(call, info.kind, &as_revision(&info, object), "")?;
            }
            return Ok(());
        }
        let with = if revision > 0 { format!("with revision #{revision}") } else { String::new() };
        let text = match kept.get(&revision) {
            _ if kept.is_empty() => "No rollout history found.".to_string(),
            Some(object) => {
                let mut template = template_of(object);
                if let Some(cause) = label(object, "annotations", CHANGE_CAUSE) {
                    set_annotation(&mut template, CHANGE_CAUSE, cause);
                }
                super::describe::pod_template(&template)
            }
            None => table(&kept),
        };
        printer.print(call, info.kind, info.value(), &format!("{with}\n{text}"))
    })
}

/// A DaemonSet as it was at a revision; a Deployment's revision is its ReplicaSet.
fn as_revision(info: &Info, revision: &Value) -> Value {
    if info.kind == Kind::Deployment {
        return revision.clone();
    }
    let mut object = info.value().clone();
    set(&mut object, "spec.template", template_of(revision));
    object
}

fn set_annotation(template: &mut Value, key: &str, value: &str) {
    let mut annotations = field(template, "metadata.annotations").as_object().cloned().unwrap_or_default();
    annotations.insert(key.to_string(), json!(value));
    set(template, "metadata.annotations", annotations);
}

/// Two columns, two spaces apart.
fn table(kept: &BTreeMap<i64, Object>) -> String {
    let mut text = format!("{:<8}  CHANGE-CAUSE\n", "REVISION");
    for (number, object) in kept {
        let cause = label(object, "annotations", CHANGE_CAUSE).filter(|c| !c.is_empty()).unwrap_or("<none>");
        text.push_str(&format!("{number:<8}  {cause}\n"));
    }
    text
}

pub fn undo(call: &mut Call) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let query = query(call)?;
    let revision = call.flags.int("to-revision");
    let mut printer = Printer::of(call, dry_run)?;
    select(call.cx.world, &query)?.visit(|info| {
        let done = match info.kind {
            Kind::Deployment => undo_deployment(call, &info, revision, dry_run)?,
            Kind::DaemonSet => undo_daemon_set(call, &info, revision, dry_run)?,
            kind => {
                let kind = group_kind(kind);
                return Err(Failure::text(format!("no rollbacker has been implemented for {}", quote(&kind))));
            }
        };
        printer.print(call, info.kind, info.value(), &done)
    })
}

fn not_in_history(revision: i64) -> Failure {
    Failure::text(format!("unable to find specified revision {revision} in history"))
}

fn skipped(revision: i64) -> String {
    format!("skipped rollback (current template already matches revision {revision})")
}

fn undo_deployment(call: &mut Call, info: &Info, revision: i64, dry_run: DryRun) -> Outcome<String> {
    let kept = revisions(call.cx.world, info);
    let wanted =
        match revision {
            0 => kept.values().rev().nth(1).ok_or_else(|| {
                Failure::text(format!("no rollout history found for deployment {}", quote(&info.name)))
            })?,
            number => kept.get(&number).ok_or_else(|| not_in_history(number))?,
        };
    let mut template = template_of(wanted);
    if dry_run == DryRun::Client {
        return Ok(super::describe::pod_template(&template));
    }
    if bool_at(info.value(), "spec.paused") {
        return Err(Failure::text(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        ));
    }
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    if template == *field(info.value(), "spec.template") {
        return Ok(skipped(revision));
    }
    let mut annotations = Map::new();
    for (from, own) in [(info.value(), true), (&**wanted, false)] {
        for (key, value) in crate::object::entries(from, "metadata.annotations") {
            if OWN_ANNOTATIONS.contains(&key) == own {
                annotations.insert(key.to_string(), value.clone());
            }
        }
    }
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    request::patch(call, info, PatchType::Json, &patch, Validation::Ignore, dry_run)
        .map_err(|f| Failure::text(format!("failed restoring revision {revision}: {}", f.message())))?;
    Ok("rolled back".into())
}

fn undo_daemon_set(call: &mut Call, info: &Info, revision: i64, dry_run: DryRun) -> Outcome<String> {
    if revision < 0 {
        return Err(not_in_history(revision));
    }
    let kept = revisions(call.cx.world, info);
    if revision == 0 && kept.len() <= 1 {
        return Err(Failure::text("no last revision to roll back to"));
    }
    let wanted = match revision {
        0 => kept.values().rev().nth(1),
        number => kept.get(&number),
    };
    let wanted = wanted.ok_or_else(|| not_in_history(revision))?;
    let template = template_of(wanted);
    if dry_run == DryRun::Client {
        return Ok(super::describe::pod_template(&template));
    }
    if template == *field(info.value(), "spec.template") {
        return Ok(skipped(revision));
    }
    let patch = json!({"spec": {"template": with_replace(template)}});
    request::patch(call, info, PatchType::Strategic, &patch, Validation::Ignore, dry_run)
        .map_err(|f| Failure::text(format!("failed restoring revision {revision}: {}", f.message())))?;
    Ok("rolled back".into())
}

/// A strategic patch that replaces the template instead of merging it.
fn with_replace(mut template: Value) -> Value {
    if let Some(map) = template.as_object_mut() {
        map.insert("$patch".into(), json!("replace"));
    }
    template
}
