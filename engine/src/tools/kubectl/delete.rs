//! `kubectl delete`: asks for deletion and waits until the objects are gone.
//!
//! Source: `kubectl/pkg/cmd/delete`. Left out: `--interactive` without an answer on standard input, `--raw`.

use super::failure::{Failure, Outcome};
use super::follow::{limit_of, wait_until};
use super::go_format::parse_bool;
use super::printed::DryRun;
use super::resources;
use super::select::{Fetch, Info, select};
use super::{Call, request};
use crate::kube::api::{DeleteOptions, Propagation};
use crate::object;

/// What one run of delete was asked for.
struct Wishes {
    /// Seconds, negative for each object's own.
    grace: i64,
    cascade: Propagation,
    dry_run: DryRun,
    name_only: bool,
}

pub fn run(call: &mut Call) -> Outcome {
    let by_selector = call.flags.bool("all")
        || !call.flags.text("selector").is_empty()
        || !call.flags.text("field-selector").is_empty();
    let ignore_not_found = match call.flags.changed("ignore-not-found") {
        true => call.flags.bool("ignore-not-found"),
        false => by_selector,
    };
    let cascade = cascade(call)?;
    let mut query = call.query();
    query.all = call.flags.bool("all");
    query.type_alone_is_all = false;
    query.fetch = Fetch::None;
    let grace = grace(call)?;
    let dry_run = DryRun::of(call)?;
    let selected = select(call.cx.world, &query)?;
    validate(call, grace)?;
    let wishes = Wishes { grace, cascade, dry_run, name_only: call.flags.text("output") == "name" };

    let mut found = 0usize;
    let mut deleted: Vec<(Info, String)> = Vec::new();
    let mut warn_cluster_scope = query.enforce_namespace && !query.all_namespaces;
    if call.flags.bool("interactive") && !confirmed(call, selected.clone().infos()?) {
        return Ok(());
    }
    let ignored = |failure: Failure| match failure.is_not_found() && ignore_not_found {
        true => Ok(()),
        false => Err(failure),
    };
    let mut selected = selected;
    selected.infos.retain(|info| !matches!(info, Err(failure) if failure.is_not_found() && ignore_not_found));
    selected.visit(|info| {
        found += 1;
        if warn_cluster_scope && !info.kind.info().namespaced {
            call.warn("deleting cluster-scoped resources, not scoped to the provided namespace");
            warn_cluster_scope = false;
        }
        match delete_one(call, &info, &wishes) {
            Ok(uid) => deleted.push((info, uid)),
            Err(failure) => ignored(failure)?,
        }
        Ok(())
    })?;
    if found == 0 {
        call.print("No resources found");
        return Ok(());
    }
    if call.flags.bool("wait") && dry_run == DryRun::None {
        wait_for_all(call, &deleted)?;
    }
    Ok(())
}

fn grace(call: &Call) -> Outcome<i64> {
    let mut grace = call.flags.int("grace-period");
    let force = call.flags.bool("force");
    if call.flags.bool("now") {
        if grace != -1 {
            return Err(Failure::text("--now and --grace-period cannot be specified together"));
        }
        grace = 1;
    }
    if grace == 0 && !force {
        grace = 1;
    }
    if force && grace < 0 {
        grace = 0;
    }
    Ok(grace)
}

fn validate(call: &mut Call, grace: i64) -> Outcome {
    let output = call.flags.text("output");
    if !output.is_empty() && output != "name" {
        return Err(Failure::text(format!("unexpected -o output mode: {output}. We only support '-o name'")));
    }
    if call.flags.bool("force") && grace == 0 {
        call.warn(
            "Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may \
             continue to run on the cluster indefinitely.",
        );
    } else if call.flags.bool("force") && grace > 0 {
        return Err(Failure::text("--force and --grace-period greater than 0 cannot be specified together"));
    }
    Ok(())
}

/// `--cascade`, with the booleans that it used to take.
pub fn cascade(call: &mut Call) -> Outcome<Propagation> {
    let value = call.flags.text("cascade").to_string();
    let (propagation, instead) = match value.as_str() {
        "background" => return Ok(Propagation::Background),
        "foreground" => return Ok(Propagation::Foreground),
        "orphan" => return Ok(Propagation::Orphan),
        other => match parse_bool(other) {
            Ok(true) => (Propagation::Background, "background"),
            Ok(false) => (Propagation::Orphan, "orphan"),
            Err(_) => {
                return Err(Failure::text(format!(
                    "invalid cascade value ({value}). Must be \"background\", \"foreground\", or \"orphan\""
                )));
            }
        },
    };
    let text = format!(
        "warning: --cascade={value} is deprecated (boolean value) and can be replaced with --cascade={instead}.\n"
    );
    call.cx.eprint(&text);
    Ok(propagation)
}

fn confirmed(call: &mut Call, infos: Vec<Info>) -> bool {
    if infos.is_empty() {
        call.print("No resources found");
        return false;
    }
    call.print(format!("You are about to delete the following {} resource(s):", infos.len()));
    for info in &infos {
        call.print(info.display());
    }
    call.cx.print("Do you want to continue? (y/N): ");
    let yes = call.cx.stdin.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("y"));
    if !yes {
        call.print("deletion is cancelled");
    }
    yes
}

/// Deletes one object and says so; the uid of what was deleted.
fn delete_one(call: &mut Call, info: &Info, wishes: &Wishes) -> Outcome<String> {
    if wishes.dry_run == DryRun::Client {
        say_deleted(call, info, wishes);
        return Ok(String::new());
    }
    let answer = if wishes.dry_run == DryRun::Server {
        super::select::get(call.cx.world, info.clone()).map(|found| found.object)?
    } else {
        let grace = u32::try_from(wishes.grace).ok();
        let options = DeleteOptions { grace, propagation: wishes.cascade };
        Some(request::delete(call, info, options).map_err(|f| f.when("deleting", &info.source))?)
    };
    say_deleted(call, info, wishes);
    Ok(answer.map_or_else(String::new, |object| object::uid(&object).to_string()))
}

fn say_deleted(call: &mut Call, info: &Info, wishes: &Wishes) {
    if wishes.name_only {
        call.print(info.display());
        return;
    }
    let mut done = if wishes.grace == 0 { "force deleted" } else { "deleted" }.to_string();
    if info.kind.info().namespaced {
        done.push_str(&format!(" from {} namespace", info.namespace));
    }
    match wishes.dry_run {
        DryRun::None => {}
        DryRun::Client => done.push_str(" (dry run)"),
        DryRun::Server => done.push_str(" (server dry run)"),
    }
    call.print(format!("{} \"{}\" {done}", resources::singular(info.kind), info.name));
}

/// Waits until each deleted object is gone, or another of its name has come.
fn wait_for_all(call: &mut Call, deleted: &[(Info, String)]) -> Outcome {
    let limit = limit_of(call.flags.duration("timeout"));
    let end = limit.map(|limit| call.cx.world.now().plus(limit));
    let mut failures = Vec::new();
    for (info, uid) in deleted {
        let left = end.map(|end| end.since(call.cx.world.now()));
        let gone =
            |world: &crate::world::World| world.store().get(&info.key()).is_none_or(|now| object::uid(now) != uid);
        if !wait_until(call, left, gone)? {
            let plural = info.kind.info().plural;
            failures.push(Failure::text(format!("timed out waiting for the condition on {plural}/{}", info.name)));
            break;
        }
    }
    Failure::gathered(failures)
}
