//! `kubectl rollout status`, `restart`, `pause` and `resume`; `history` and `undo` stand in `rollout_history`.
//!
//! Sources: `kubectl/pkg/cmd/rollout`, `kubectl/pkg/polymorphichelpers`. Left out: StatefulSets, which the lab does not have.

use serde_json::{Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::follow::{Change, Ended, follow, limit_of};
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::resources;
use super::select::{Fetch, Info, Query, select};
use crate::kube::api::PatchType;
use crate::object::{bool_at, condition, int_at, name, str_at};
use crate::store::Kind;

/// The query that all parts of rollout make: a type alone means all of it.
pub fn query(call: &Call) -> Outcome<Query> {
    if call.args.is_empty() && call.flags.list("filename").is_empty() {
        return Err(Failure::text("required resource not specified"));
    }
    if call.flags.int("revision") < 0 {
        return Err(Failure::text(format!("revision must be a positive integer: {}", call.flags.int("revision"))));
    }
    Ok(Query { type_alone_is_all: true, fetch: Fetch::Latest, ..call.query() })
}

pub fn status(call: &mut Call) -> Outcome {
    let query = query(call)?;
    let revision = call.flags.int("revision");
    let limit = limit_of(call.flags.duration("timeout"));
    let watch = call.flags.bool("watch");
    let mut found = false;
    select(call.cx.world, &query)?.visit(|info| {
        found = true;
        if !matches!(info.kind, Kind::Deployment | Kind::DaemonSet) {
            let kind = group_kind(info.kind);
            return Err(Failure::text(format!("no status viewer has been implemented for {kind}")));
        }
        let ended = follow(call, &info.key(), limit, |call, change| {
            let Change::Present(object) = change else {
                return Err(Failure::text("object has been deleted"));
            };
            let (text, done) = match info.kind {
                Kind::Deployment => deployment_status(&object, revision)?,
                _ => daemon_set_status(&object)?,
            };
            call.print(text);
            Ok((done || !watch).then_some(()))
        })?;
        match ended {
            Ended::Done(()) => Ok(()),
            Ended::TimedOut => Err(Failure::text("timed out waiting for the condition")),
        }
    })?;
    if !found {
        call.cx.eprint(&format!("No resources found in {} namespace.\n", query.namespace));
    }
    Ok(())
}

/// `Deployment.apps`
pub fn group_kind(kind: Kind) -> String {
    let info = kind.info();
    if info.group.is_empty() { info.kind.to_string() } else { format!("{}.{}", info.kind, info.group) }
}

/// How far a Deployment's rollout is, and whether it is done.
fn deployment_status(object: &Value, revision: i64) -> Outcome<(String, bool)> {
    let named = quote(name(object));
    if revision > 0 {
        let running = crate::object::label(object, "annotations", "deployment.kubernetes.io/revision");
        let running: i64 = running.and_then(|r| r.parse().ok()).unwrap_or(0);
        if revision != running {
            let text = format!("desired revision ({revision}) is different from the running revision ({running})");
            return Err(Failure::text(text));
        }
    }
    let number = |path: &str| int_at(object, path).unwrap_or(0);
    if number("metadata.generation") > number("status.observedGeneration") {
        return Ok(("Waiting for deployment spec update to be observed...".into(), false));
    }
    if condition(object, "Progressing").is_some_and(|c| str_at(c, "reason") == "ProgressDeadlineExceeded") {
        return Err(Failure::text(format!("deployment {named} exceeded its progress deadline")));
    }
    let (wanted, updated) = (number("spec.replicas"), number("status.updatedReplicas"));
    let (all, available) = (number("status.replicas"), number("status.availableReplicas"));
    let waiting = |what: String| Ok((format!("Waiting for deployment {named} rollout to finish: {what}..."), false));
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new replicas have been updated"));
    }
    if all > updated {
        return waiting(format!("{} old replicas are pending termination", all - updated));
    }
    if available < updated {
        return waiting(format!("{available} of {updated} updated replicas are available"));
    }
    Ok((format!("deployment {named} successfully rolled out"), true))
}

/// How far a DaemonSet's rollout is, and whether it is done.
fn daemon_set_status(object: &Value) -> Outcome<(String, bool)> {
    let named = quote(name(object));
    if str_at(object, "spec.updateStrategy.type") != "RollingUpdate" {
        return Err(Failure::text("rollout status is only available for RollingUpdate strategy type"));
    }
    let number = |path: &str| int_at(object, path).unwrap_or(0);
    if number("metadata.generation") > number("status.observedGeneration") {
        return Ok(("Waiting for daemon set spec update to be observed...".into(), false));
    }
    let wanted = number("status.desiredNumberScheduled");
    let (updated, available) = (number("status.updatedNumberScheduled"), number("status.numberAvailable"));
    let waiting = |what: String| Ok((format!("Waiting for daemon set {named} rollout to finish: {what}..."), false));
    if updated < wanted {
        return waiting(format!("{updated} out of {wanted} new pods have been updated"));
    }
    if available < wanted {
        return waiting(format!("{available} of {wanted} updated pods are available"));
    }
    Ok((format!("daemon set {named} successfully rolled out"), true))
}

pub fn restart(call: &mut Call) -> Outcome {
    let now = call.cx.world.now().rfc3339();
    change_each(call, "restarted", |object, kind| {
        let can = matches!(kind, Kind::Deployment | Kind::DaemonSet);
        if !can {
            return Err("restarting is not supported".into());
        }
        if kind == Kind::Deployment && bool_at(object, "spec.paused") {
            return Err("can't restart paused deployment (run rollout resume first)".into());
        }
        let annotations = crate::object::field(object, "spec.template.metadata.annotations");
        if annotations.get("kubectl.kubernetes.io/restartedAt").and_then(Value::as_str) == Some(now.as_str()) {
            return Ok(json!({}));
        }
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": now});
        Ok(json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}))
    })
}

pub fn pause(call: &mut Call) -> Outcome {
    change_each(call, "paused", |object, kind| match kind {
        Kind::Deployment if bool_at(object, "spec.paused") => Err("is already paused".into()),
        Kind::Deployment => Ok(json!({"spec": {"paused": true}})),
        _ => Err("pausing is not supported".into()),
    })
}

pub fn resume(call: &mut Call) -> Outcome {
    change_each(call, "resumed", |object, kind| match kind {
        Kind::Deployment if !bool_at(object, "spec.paused") => Err("is not paused".into()),
        Kind::Deployment => Ok(json!({"spec": {"paused": null}})),
        _ => Err("resuming is not supported".into()),
    })
}

/// Patches each object as `patch_of` says, and gathers the failures.
fn change_each(call: &mut Call, done: &str, patch_of: impl Fn(&Value, Kind) -> Result<Value, String>) -> Outcome {
    let mut printer = Printer::of(call, DryRun::None)?;
    let query = query(call)?;
    let mut infos: Vec<Info> = Vec::new();
    let mut failures = Vec::new();
    let gathered = select(call.cx.world, &query)?.visit(|info| {
        infos.push(info);
        Ok(())
    });
    failures.extend(gathered.err());
    if infos.is_empty() && failures.is_empty() {
        call.cx.eprint(&format!("No resources found in {} namespace.\n", query.namespace));
        return Ok(());
    }
    for info in infos {
        let resource = resources::qualified(info.kind);
        match patch_of(info.value(), info.kind) {
            Err(why) => failures.push(Failure::text(format!("error: {resource} {} {why}", quote(&info.name)))),
            Ok(patch) if patch == json!({}) => failures.push(Failure::text(format!(
                "failed to create patch for {}: if restart has already been triggered within the past second, please wait before \
                 attempting to trigger another",
                info.name
            ))),
            Ok(patch) => {
                let answer = request::patch(call, &info, PatchType::Strategic, &patch, Validation::Ignore, DryRun::None);
                match answer {
                    Ok(object) => printer.print(call, info.kind, &object, done)?,
                    Err(failure) => failures.push(Failure::text(format!("failed to patch: {}", failure.message()))),
                }
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::Many(failures)) }
}
