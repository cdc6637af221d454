//! `kubectl replace`: puts a manifest in place of the object; with `--force` deletes the object first.
//!
//! Source: `kubectl/pkg/cmd/replace`. Left out: `--raw`, subresources.

use std::time::Duration;

use super::Call;
use super::apply::{annotate_for_create, require_files};
use super::delete::cascade;
use super::failure::{Failure, Outcome};
use super::follow::{limit_of, wait_until};
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::resources;
use super::select::{Info, Query, select};
use crate::kube::api::DeleteOptions;

pub fn run(call: &mut Call) -> Outcome {
    let validation = Validation::of(call)?;
    let dry_run = DryRun::of(call)?;
    let printer = Printer::of(call, dry_run)?;
    let force = call.flags.bool("force");
    require_files(call)?;
    let grace = call.flags.int("grace-period");
    if grace >= 0 && !force {
        return Err(Failure::text("--grace-period must have --force specified"));
    }
    if call.flags.duration("timeout") != 0 && !force {
        return Err(Failure::text("--timeout must have --force specified"));
    }
    if force && dry_run != DryRun::None {
        return Err(Failure::text("--dry-run can not be used when --force is set"));
    }
    if !call.flags.text("subresource").is_empty() {
        return Err(Failure::not_modelled("--subresource of 'kubectl replace'"));
    }
    let mut query = call.query();
    query.args.clear();
    query.validate = validation != Validation::Ignore;
    if force {
        return force_replace(call, &query, validation, printer, grace);
    }
    replace_each(call, &query, validation, dry_run, printer)
}

fn replace_each(
    call: &mut Call,
    query: &Query,
    validation: Validation,
    dry_run: DryRun,
    mut printer: Printer,
) -> Outcome {
    let save_config = call.flags.bool("save-config");
    select(call.cx.world, query)?.visit(|info| {
        let object = annotate_for_create(info.value(), save_config);
        if dry_run == DryRun::Client {
            return printer.print(call, info.kind, &object, "replaced");
        }
        let stored = request::replace(call, &info, &object, validation, dry_run)
            .map_err(|failure| failure.when("replacing", &info.source))?;
        printer.print(call, info.kind, &stored, "replaced")
    })
}

fn force_replace(call: &mut Call, query: &Query, validation: Validation, mut printer: Printer, grace: i64) -> Outcome {
    // A grace period of nothing means one second, so that nothing is lost by accident.
    let grace = if grace == 0 { 1 } else { grace };
    let propagation = cascade(call)?;
    let without_checks = Query { validate: false, ..query.clone() };
    let mut found = 0usize;
    let mut gone: Vec<Info> = Vec::new();
    select(call.cx.world, &without_checks)?.visit(|info| {
        found += 1;
        let options = DeleteOptions { grace: u32::try_from(grace).ok(), propagation };
        match request::delete(call, &info, options) {
            Ok(_) => {
                let place = match info.kind.info().namespaced {
                    true => format!(" from {} namespace", info.namespace),
                    false => String::new(),
                };
                call.print(format!("{} \"{}\" deleted{place}", resources::singular(info.kind), info.name));
                gone.push(info);
                Ok(())
            }
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) => Err(failure.when("deleting", &info.source)),
        }
    })?;
    if found == 0 {
        call.print("No resources found");
    }
    let limit = limit_of(call.flags.duration("timeout")).or(Some(Duration::from_secs(300)));
    for info in &gone {
        let key = info.key();
        if !wait_until(call, limit, |world| world.store().get(&key).is_none())? {
            return Err(Failure::text("timed out waiting for the condition"));
        }
    }
    let save_config = call.flags.bool("save-config");
    let mut count = 0usize;
    select(call.cx.world, query)?.visit(|info| {
        let object = annotate_for_create(info.value(), save_config);
        let stored = request::create(call, info.kind, &info.namespace, &object, validation, DryRun::None)?;
        count += 1;
        printer.print(call, info.kind, &stored, "replaced")
    })?;
    if count == 0 {
        return Err(Failure::text("no objects passed to replace"));
    }
    Ok(())
}
