//! `kubectl cordon`, `uncordon` and `drain`.
//!
//! Sources: `kubectl/pkg/cmd/drain`, `kubectl/pkg/drain`. Left out: PodDisruptionBudgets, which the lab does not have, so that
//! no eviction is ever refused; `--skip-wait-for-delete-timeout`.

use std::time::Duration;

use serde_json::{Value, json};

use super::Call;
use super::failure::{Failure, Outcome};
use super::follow::wait_until;
use super::go_value::quote;
use super::label_selector::LabelSelector;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::select::{Fetch, Info, Query, select};
use crate::event::Actor;
use crate::kube::api::{self, DeleteOptions, PatchType, Propagation};
use crate::object::{self, bool_at, controller, entries, field, items, str_at};
use crate::store::{Key, Kind, Object};
use crate::time::Time;
use crate::world::World;

pub fn cordon(call: &mut Call) -> Outcome {
    let (nodes, dry_run) = nodes(call)?;
    set_unschedulable(call, &nodes, true, dry_run)
}

pub fn uncordon(call: &mut Call) -> Outcome {
    let (nodes, dry_run) = nodes(call)?;
    set_unschedulable(call, &nodes, false, dry_run)
}

/// The nodes that the command line names or selects.
fn nodes(call: &mut Call) -> Outcome<(Vec<Info>, DryRun)> {
    let selector = call.flags.text("selector").to_string();
    if call.args.is_empty() && !call.flags.changed("selector") {
        let usage = call.command.usage;
        return Err(call.usage_error(format!("USAGE: {usage} [flags]")));
    }
    if !call.args.is_empty() && !selector.is_empty() {
        return Err(call.usage_error("error: cannot specify both a node name and a --selector option"));
    }
    let dry_run = DryRun::of(call)?;
    if LabelSelector::parse(call.flags.text("pod-selector")).is_err() {
        return Err(Failure::text("--pod-selector=<pod_selector> must be a valid label selector"));
    }
    let named = |word: &String| if word.contains('/') { word.clone() } else { format!("nodes/{word}") };
    let query = Query {
        args: if selector.is_empty() { call.args.iter().map(named).collect() } else { vec!["nodes".into()] },
        label_selector: selector,
        namespace: call.namespace(),
        fetch: Fetch::Lazy,
        single_resource_type: true,
        ..Query::default()
    };
    let infos = select(call.cx.world, &query)?.infos()?;
    if let Some(other) = infos.iter().find(|info| info.kind != Kind::Node) {
        let resource = quote(&super::resources::group_version_resource(other.kind));
        return Err(Failure::text(format!("error: expected resource of type node, got {resource}")));
    }
    Ok((infos, dry_run))
}

fn set_unschedulable(call: &mut Call, nodes: &[Info], wanted: bool, dry_run: DryRun) -> Outcome {
    let mut printer = Printer::of(call, dry_run)?;
    let (verb, already, changed) = match wanted {
        true => ("cordon", "already cordoned", "cordoned"),
        false => ("uncordon", "already uncordoned", "uncordoned"),
    };
    for node in nodes {
        if bool_at(node.value(), "spec.unschedulable") == wanted {
            printer.print(call, Kind::Node, node.value(), already)?;
            continue;
        }
        let mut now: Object = node.object.clone().unwrap_or_default();
        if dry_run != DryRun::Client {
            let patch = json!({"spec": {"unschedulable": if wanted { json!(true) } else { Value::Null }}});
            match request::patch(call, node, PatchType::Strategic, &patch, Validation::Ignore, dry_run) {
                Ok(object) => now = object,
                Err(failure) => {
                    let text = format!("error: unable to {verb} node {}: {}\n", quote(&node.name), failure.message());
                    call.cx.eprint(&text);
                    continue;
                }
            }
        }
        printer.print(call, Kind::Node, &now, changed)?;
    }
    Ok(())
}

pub fn drain(call: &mut Call) -> Outcome {
    let (nodes, dry_run) = nodes(call)?;
    set_unschedulable(call, &nodes, true, dry_run)?;
    let mut printer = Printer::of(call, dry_run)?;
    let mut fatal = Vec::new();
    let mut remaining = Vec::new();
    for node in &nodes {
        match empty(call, &node.name, dry_run) {
            Ok(()) => printer.print(call, Kind::Node, node.value(), "drained")?,
            Err(failure) => {
                let why = failure.message();
                let text = format!(
                    "error: unable to drain node {} due to error: {why}, continuing command...\n",
                    quote(&node.name)
                );
                call.cx.eprint(&text);
                fatal.push(failure);
                remaining.push(node.name.clone());
            }
        }
    }
    if remaining.is_empty() {
        return Ok(());
    }
    let list: String = remaining.iter().map(|name| format!(" {name}\n")).collect();
    call.cx.eprint(&format!("There are pending nodes to be drained:\n{list}"));
    Err(Failure::Many(fatal))
}

/// What drain makes of a pod.
enum Verdict {
    Delete,
    DeleteWith(&'static str),
    Skip,
    SkipWith(&'static str),
    Refuse(String),
}

/// The pods of a node with what drain makes of each, or why it may not.
/// Each reason with the pods it holds for.
type Reasons = Vec<(String, Vec<String>)>;

fn pods_for_deletion(call: &Call, node: &str) -> Outcome<(Vec<Object>, String)> {
    let selector = LabelSelector::parse(call.flags.text("pod-selector")).map_err(Failure::text)?;
    let world = &*call.cx.world;
    let here =
        world.store().list(Kind::Pod).filter(|pod| str_at(pod, "spec.nodeName") == node && selector.matches(pod));
    let mut pods = Vec::new();
    let (mut warnings, mut refusals) = (Reasons::new(), Reasons::new());
    let note = |list: &mut Reasons, why: String, pod: &Object| {
        let named = format!("{}/{}", object::namespace(pod), object::name(pod));
        match list.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(named),
            None => list.push((why, vec![named])),
        }
    };
    for pod in here {
        match verdict(call, world, pod) {
            Verdict::Delete => pods.push(pod.clone()),
            Verdict::DeleteWith(why) => {
                note(&mut warnings, why.to_string(), pod);
                pods.push(pod.clone());
            }
            Verdict::Skip => {}
            Verdict::SkipWith(why) => note(&mut warnings, why.to_string(), pod),
            Verdict::Refuse(why) => note(&mut refusals, why, pod),
        }
    }
    let line = |(why, names): &(String, Vec<String>)| format!("{why}: {}", names.join(", "));
    if !refusals.is_empty() {
        let all = refusals.iter().map(|refusal| Failure::text(format!("cannot delete {}", line(refusal)))).collect();
        return Err(Failure::Many(all));
    }
    Ok((pods, warnings.iter().map(line).collect::<Vec<_>>().join("; ")))
}

/// The filters of drain, in their order; the first that keeps the pod decides, else the last warning stands.
fn verdict(call: &Call, world: &World, pod: &Value) -> Verdict {
    let ended = matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed");
    let force = call.flags.bool("force");
    let owner = controller(pod);
    let daemon_set =
        owner.filter(|o| str_at(o, "kind") == "DaemonSet" && str_at(o, "apiVersion") == "apps/v1" && !ended);
    if let Some(owner) = daemon_set {
        let name = str_at(owner, "name");
        if world.store().find(Kind::DaemonSet, object::namespace(pod), name).is_none() {
            if !force {
                return Verdict::Refuse(format!("daemonsets.apps {} not found", quote(name)));
            }
            // A later filter that has nothing to say drops this warning, as in kubectl.
        } else if call.flags.bool("ignore-daemonsets") {
            return Verdict::SkipWith("ignoring DaemonSet-managed Pods");
        } else {
            return Verdict::Refuse("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)".into());
        }
    }
    if entries(pod, "metadata.annotations").any(|(key, _)| key == "kubernetes.io/config.mirror") {
        return Verdict::Skip;
    }
    if ended {
        return Verdict::Delete;
    }
    let local = items(pod, "spec.volumes").iter().any(|volume| !field(volume, "emptyDir").is_null());
    if local && !call.flags.bool("delete-emptydir-data") {
        return Verdict::Refuse("Pods with local storage (use --delete-emptydir-data to override)".into());
    }
    match owner {
        Some(_) => Verdict::Delete,
        None if force => Verdict::DeleteWith("deleting Pods that declare no controller"),
        None => Verdict::Refuse("cannot delete Pods that declare no controller (use --force to override)".into()),
    }
}

/// Empties a node: evicts or deletes its pods and waits until they are gone.
fn empty(call: &mut Call, node: &str, dry_run: DryRun) -> Outcome {
    let (pods, warnings) = pods_for_deletion(call, node)?;
    if !warnings.is_empty() {
        call.warn(warnings);
    }
    let evicts = !call.flags.bool("disable-eviction");
    if dry_run != DryRun::None {
        let note = if dry_run == DryRun::Client { "dry run" } else { "server dry run" };
        for pod in &pods {
            if dry_run == DryRun::Client || evicts {
                call.print(format!("evicting pod {}/{} ({note})", object::namespace(pod), object::name(pod)));
            }
        }
        return Ok(());
    }
    for pod in &pods {
        let (namespace, name) = (object::namespace(pod), object::name(pod));
        if evicts {
            call.print(format!("evicting pod {namespace}/{name}"));
        }
        let grace = u32::try_from(call.flags.int("grace-period")).ok();
        let answer = if evicts {
            api::evict(call.cx.world, Actor::Learner, namespace, name, grace)
        } else {
            let options = DeleteOptions { grace, propagation: Propagation::Background };
            api::delete(call.cx.world, Actor::Learner, Kind::Pod, namespace, name, options)
        };
        match answer.map_err(Failure::from) {
            Err(failure) if !failure.is_not_found() => return Err(failure),
            _ => {}
        }
    }
    let waited = wait_until_gone(call, &pods, evicts);
    if let Err(failure) = &waited {
        let left: Vec<Object> = pods_for_deletion(call, node)?.0;
        if !left.is_empty() {
            let names: String = left.iter().map(|pod| format!("pod/{}\n", object::name(pod))).collect();
            let why = failure.message();
            let text = format!("There are pending pods in node {} when an error occurred: {why}\n{names}", quote(node));
            call.cx.eprint(&text);
        }
    }
    waited
}

/// Waits for the pods, looking once a second as drain does, and reports each as it goes.
fn wait_until_gone(call: &mut Call, pods: &[Object], evicts: bool) -> Outcome {
    let mut printer = Printer::of(call, DryRun::None)?;
    let nanos = call.flags.duration("timeout");
    let end = (nanos != 0).then(|| call.cx.world.now().plus(Duration::from_nanos(nanos.unsigned_abs())));
    let begun = call.cx.world.now();
    let mut left: Vec<&Object> = pods.iter().collect();
    loop {
        let world = &*call.cx.world;
        let is_gone = |world: &World, pod: &Object| {
            world.store().get(&Key::of(Kind::Pod, pod)).is_none_or(|now| object::uid(now) != object::uid(pod))
        };
        let (gone, still): (Vec<&Object>, Vec<&Object>) = left.into_iter().partition(|pod| is_gone(world, pod));
        for pod in gone {
            printer.print(call, Kind::Pod, pod, if evicts { "evicted" } else { "deleted" })?;
        }
        left = still;
        if left.is_empty() {
            return Ok(());
        }
        let limit = end.map(|end| end.since(call.cx.world.now()));
        let any_gone = |world: &World| left.iter().any(|pod| is_gone(world, pod));
        if !wait_until(call, limit, any_gone)? {
            return Err(out_of_time(&left, evicts));
        }
        call.cx.world.advance(to_next_look(begun, call));
    }
}

/// Drain asks at once and then every second; a pod that has gone is noticed when it next asks.
fn to_next_look(begun: Time, call: &Call) -> Duration {
    let passed = call.cx.world.now().0.saturating_sub(begun.0).rem_euclid(1000);
    Duration::from_millis(u64::try_from((1000 - passed) % 1000).unwrap_or(0))
}

fn out_of_time(left: &[&Object], evicts: bool) -> Failure {
    if !evicts {
        return Failure::text("context deadline exceeded");
    }
    let one = |pod: &&Object| {
        Failure::text(format!(
            "error when waiting for pod {} in namespace {} to terminate: context deadline exceeded",
            quote(object::name(pod)),
            quote(object::namespace(pod))
        ))
    };
    Failure::Many(left.iter().map(one).collect())
}
