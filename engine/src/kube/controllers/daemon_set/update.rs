//! Rolling updates of a DaemonSet: first gone, then made anew (maxUnavailable), or first made, then gone (maxSurge).
//!
//! Source: Kubernetes 1.34 `pkg/controller/daemon/update.go`.

use serde_json::Value;

use super::{
    ByNode, Failure, apply, by_node, is_updated, oldest_first,
    placement::{Daemons, Placement},
};
use crate::kube::controllers::deployment::rollout::scaled;
use crate::kube::controllers::pods;
use crate::object::{self, field, int_at, str_at};
use crate::store::{Kind, Object};
use crate::world::World;

const ROLLING: &str = "spec.updateStrategy.rollingUpdate";

/// Takes the next step of a rolling update; pods with strategy OnDelete wait until someone deletes them.
pub(super) fn roll(world: &mut World, set: &Object, hash: &str) -> Result<(), Failure> {
    if str_at(set, "spec.updateStrategy.type") == "OnDelete" {
        return Ok(());
    }
    let mut pods = by_node(world, set)?;
    let mut desired = 0;
    let daemons = Daemons::of(set);
    for node in world.store().list(Kind::Node) {
        if daemons.on(node) == Placement::Run {
            desired += 1;
            pods.entry(object::name(node).to_owned()).or_default();
        }
    }
    let surge = scaled(field(set, &format!("{ROLLING}.maxSurge")), desired, true);
    let mut unavailable = scaled(field(set, &format!("{ROLLING}.maxUnavailable")), desired, true);
    if desired > 0 && surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    if surge == 0 {
        let delete = replaceable(world, set, hash, &pods, unavailable);
        apply(world, set, hash, &delete, &[])
    } else {
        let (delete, create) = surging(world, set, hash, &pods, surge, desired);
        apply(world, set, hash, &delete, &create)
    }
}

/// Whether new pods may stand beside old ones.
pub(super) fn allows_surge(set: &Value) -> bool {
    str_at(set, "spec.updateStrategy.type") == "RollingUpdate"
        && scaled(field(set, &format!("{ROLLING}.maxSurge")), 1, true) > 0
}

/// The new and the old pod on a node; None when there are several of one sort.
fn new_and_old<'a>(set: &Value, hash: &str, pods: &'a [Object]) -> Option<(Option<&'a Object>, Option<&'a Object>)> {
    let (mut new, mut old) = (None, None);
    for pod in pods.iter().filter(|pod| !object::is_terminating(pod)) {
        let place = if is_updated(set, pod, hash) { &mut new } else { &mut old };
        if place.replace(pod).is_some() {
            return None;
        }
    }
    Some((new, old))
}

fn available(world: &World, set: &Value, pod: &Value) -> bool {
    pods::is_available(pod, int_at(set, "spec.minReadySeconds").unwrap_or(0), world.now())
}

/// Old pods that may go: all that are unavailable anyway, and of the others as many as maxUnavailable leaves.
fn replaceable(world: &World, set: &Value, hash: &str, pods: &ByNode, unavailable_max: i64) -> Vec<Object> {
    let mut unavailable = 0;
    let (mut gone_anyway, mut candidates) = (Vec::new(), Vec::new());
    for here in pods.values() {
        match new_and_old(set, hash, here) {
            None | Some((None, None) | (Some(_), Some(_))) => unavailable += 1,
            Some((Some(new), None)) => unavailable += i64::from(!available(world, set, new)),
            Some((None, Some(old))) if !available(world, set, old) => {
                unavailable += 1;
                gone_anyway.push(old.clone());
            }
            Some((None, Some(old))) if unavailable < unavailable_max => candidates.push(old.clone()),
            Some((None, Some(_))) => {}
        }
    }
    let left = usize::try_from(unavailable_max - unavailable).unwrap_or(0);
    gone_anyway.into_iter().chain(candidates.into_iter().take(left)).collect()
}

/// With surge: the old pods that may go now, and the nodes that get a new one beside the old.
fn surging(
    world: &World,
    set: &Value,
    hash: &str,
    pods: &ByNode,
    surge_max: i64,
    desired: i64,
) -> (Vec<Object>, Vec<String>) {
    let (mut surge, mut available_count) = (0, 0);
    let (mut delete, mut leave, mut urgent, mut candidates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (node, here) in pods {
        let Some((new, old)) = new_and_old(set, hash, here) else {
            surge += 1;
            continue;
        };
        available_count += i64::from(old.or(new).is_some_and(|pod| available(world, set, pod)));
        match (new, old) {
            (_, None) => {}
            (Some(new), Some(old)) if available(world, set, new) => delete.push(old.clone()),
            (Some(_), Some(_)) => surge += 1,
            (None, Some(old)) => {
                let runs = world
                    .store()
                    .find(Kind::Node, "", node)
                    .is_some_and(|node| Daemons::of(set).on(node) == Placement::Run);
                match (available(world, set, old), runs) {
                    (false, false) => delete.push(old.clone()),
                    (false, true) => urgent.push(node.clone()),
                    (true, false) => leave.push(old.clone()),
                    (true, true) if surge < surge_max => candidates.push(node.clone()),
                    (true, true) => {}
                }
            }
        }
    }
    let spare = usize::try_from(available_count - desired).unwrap_or(0);
    delete.extend(leave.into_iter().take(spare));
    let left = usize::try_from(surge_max - surge).unwrap_or(0);
    urgent.extend(candidates.into_iter().take(left));
    (delete, urgent)
}

/// Of several running pods on one node: all but the oldest new and the oldest old one, and the old one as soon as it is not
/// ready or the new one is available.
pub(super) fn superfluous_with_surge(world: &World, set: &Value, hash: &str, running: Vec<Object>) -> Vec<Object> {
    if running.len() <= 1 {
        return Vec::new();
    }
    let (mut new, mut old): (Option<Object>, Option<Object>) = (None, None);
    let mut delete = Vec::new();
    for pod in oldest_first(running) {
        let current = object::label(&pod, "labels", super::HASH_LABEL) == Some(hash);
        let place = if current { &mut new } else { &mut old };
        if place.is_none() {
            *place = Some(pod);
        } else {
            delete.push(pod);
        }
    }
    if let (Some(new), Some(old)) = (new, old)
        && (!pods::is_ready(&old) || available(world, set, &new))
    {
        delete.push(old);
    }
    delete
}
