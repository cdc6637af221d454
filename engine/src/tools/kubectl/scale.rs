//! `kubectl scale`: sets the number of replicas.
//!
//! Source: `kubectl/pkg/cmd/scale` and `kubectl/pkg/scale`.

use std::time::Duration;

use serde_json::json;

use super::Call;
use super::failure::{Failure, Outcome};
use super::follow::wait_until;
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::select::{Info, select};
use crate::kube::api::PatchType;
use crate::object::{int_at, str_at};
use crate::store::Kind;

pub fn run(call: &mut Call) -> Outcome {
    call.require(&["replicas"])?;
    let dry_run = DryRun::of(call)?;
    let mut printer = Printer::of(call, dry_run)?;
    let replicas = call.flags.int("replicas");
    if replicas < 0 {
        return Err(Failure::text(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
        ));
    }
    if call.flags.int("current-replicas") < -1 {
        return Err(Failure::text("The --current-replicas must specify an integer of -1 or greater"));
    }
    let query = call.query();
    let mut infos = Vec::new();
    let outcome = select(call.cx.world, &query)?.visit(|info| {
        infos.push(info);
        Ok(())
    });
    if !call.flags.text("resource-version").is_empty() && infos.len() > 1 {
        return Err(Failure::text("cannot use --resource-version with multiple resources"));
    }
    if infos.is_empty() {
        let why = outcome.err().map_or(String::new(), |failure| format!(" {}", failure.message()));
        return Err(Failure::text(format!("no objects passed to scale{why}")));
    }
    for info in &infos {
        if dry_run != DryRun::Client {
            scale(call, info, replicas, dry_run)?;
        }
        printer.print(call, info.kind, info.value(), "scaled")?;
    }
    outcome
}

/// Sets the replicas of one object, if it stands as the preconditions say, and waits for them with `--timeout`.
fn scale(call: &mut Call, info: &Info, replicas: i64, dry_run: DryRun) -> Outcome {
    if !matches!(info.kind, Kind::Deployment | Kind::ReplicaSet) {
        return Err(Failure::Status(super::failure::Refused {
            reason: "NotFound".into(),
            message: "the server could not find the requested resource".into(),
            ..Default::default()
        }));
    }
    let current = int_at(info.value(), "spec.replicas").unwrap_or(0);
    let asked = call.flags.int("current-replicas");
    if asked != -1 && asked != current {
        return Err(Failure::text(format!("Expected replicas to be {asked}, was {current}")));
    }
    let version = call.flags.text("resource-version");
    let actual = str_at(info.value(), "metadata.resourceVersion");
    if !version.is_empty() && version != actual {
        return Err(Failure::text(format!("Expected resource version to be {version}, was {actual}")));
    }
    let patch = json!({"spec": {"replicas": replicas}});
    request::patch(call, info, PatchType::Merge, &patch, Validation::Ignore, dry_run)?;
    let nanos = call.flags.duration("timeout");
    if nanos != 0 && dry_run == DryRun::None {
        let key = info.key();
        let limit = Duration::from_nanos(nanos.unsigned_abs());
        let reached = wait_until(call, Some(limit), |world| {
            world.store().get(&key).is_none_or(|now| {
                let wanted = int_at(now, "spec.replicas").unwrap_or(0);
                wanted != replicas || int_at(now, "status.replicas").unwrap_or(0) == replicas
            })
        })?;
        if !reached {
            return Err(Failure::text(format!("timed out waiting for {} to be synced", quote(&info.name))));
        }
    }
    Ok(())
}
