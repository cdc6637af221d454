//! What follows from the state of a node: cordoning taints it, an untolerated NoExecute taint drives pods away, and pods of a
//! node that is gone are removed.
//!
//! Source: Kubernetes 1.34 `pkg/controller/{nodelifecycle,tainteviction,podgc}`. Leaves out: nodes that fall silent; the lab's
//! kubelets never do.

use std::time::Duration;

use serde_json::{Value, json};

use super::Work;
use super::client::{self, Failure};
use crate::event::Actor;
use crate::kube::api::{DeleteOptions, Report};
use crate::kube::scheduler::{node_info, pod_info, taint_toleration};
use crate::kube::{Task, api};
use crate::object::{self, bool_at, int_at, items, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

const ACTOR: Actor = Actor::NodeController;
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// How long pods of a vanished node are kept, in case it comes back.
const QUARANTINE: Duration = Duration::from_secs(40);

pub fn sync(world: &mut World, name: &str) -> Result<(), Failure> {
    let Some(node) = world.store().find(Kind::Node, "", name).cloned() else {
        world.at(QUARANTINE, Task::Controller(Work::NodeGone(name.to_owned())));
        return Ok(());
    };
    sync_cordon(world, &node)?;
    if !items(&node, "spec.taints").iter().any(|taint| str_at(taint, "effect") == "NoExecute") {
        return Ok(());
    }
    for pod in pods_on(world, name) {
        if let Some(wait) = stay(&node, &pod) {
            world.at(wait, Task::Controller(Work::Evict(Key::of(Kind::Pod, &pod))));
        }
    }
    Ok(())
}

/// spec.unschedulable is shown as a taint too.
fn sync_cordon(world: &mut World, node: &Object) -> Result<(), Failure> {
    let cordoned = bool_at(node, "spec.unschedulable");
    let is_ours = |taint: &Value| str_at(taint, "key") == UNSCHEDULABLE && str_at(taint, "effect") == "NoSchedule";
    let mut taints = items(node, "spec.taints").to_vec();
    if taints.iter().any(is_ours) == cordoned {
        return Ok(());
    }
    if cordoned {
        taints.push(json!({"key": UNSCHEDULABLE, "effect": "NoSchedule", "timeAdded": world.now().rfc3339()}));
    } else {
        taints.retain(|taint| !is_ours(taint));
    }
    let mut changed = (**node).clone();
    object::set(&mut changed, "spec.taints", if taints.is_empty() { Value::Null } else { Value::Array(taints) });
    client::update(world, ACTOR, Kind::Node, changed).map(|_| ())
}

fn pods_on(world: &World, node: &str) -> Vec<Object> {
    let pods = world.store().list(Kind::Pod);
    pods.filter(|pod| str_at(pod, "spec.nodeName") == node && !object::is_terminating(pod)).cloned().collect()
}

/// How long the pod may still stay on the node; None: for ever.
fn stay(node: &Value, pod: &Value) -> Option<Duration> {
    let taints = node_info::read(node).taints;
    let mut least: Option<Duration> = None;
    for taint in taints.iter().filter(|taint| &*taint.effect == "NoExecute") {
        let tolerating = pod_info::read(pod).tolerations;
        let given = items(pod, "spec.tolerations").iter().zip(&tolerating);
        let limits: Vec<Option<i64>> = given
            .filter(|(_, toleration)| taint_toleration::tolerates(toleration, taint))
            .map(|(value, _)| int_at(value, "tolerationSeconds"))
            .collect();
        // No toleration: at once. Several: the shortest that has a limit.
        let wait = if limits.is_empty() { Some(0) } else { limits.into_iter().flatten().min() };
        let wait = wait.map(|secs| Duration::from_secs(u64::try_from(secs).unwrap_or(0)));
        least = [least, wait].into_iter().flatten().min();
    }
    least
}

/// Deletes a pod whose time on a tainted node is up, unless the taint is gone by now.
pub fn evict(world: &mut World, key: &Key) -> Result<(), Failure> {
    let Some(pod) = world.store().get(key).cloned() else { return Ok(()) };
    let node = world.store().find(Kind::Node, "", str_at(&pod, "spec.nodeName")).cloned();
    if object::is_terminating(&pod) || node.is_none_or(|node| stay(&node, &pod).is_none()) {
        return Ok(());
    }
    let message = format!("Marking for deletion Pod {}/{}", key.namespace, key.name);
    let report = Report {
        component: "taint-eviction-controller",
        node: "",
        class: "Normal",
        reason: "TaintManagerEviction",
        message: &message,
        part: "",
    };
    api::record_event(world, &pod, report);
    client::delete(world, ACTOR, key)
}

/// Removes the pods of a node that has not come back.
pub fn remove_pods(world: &mut World, name: &str) -> Result<(), Failure> {
    if world.store().find(Kind::Node, "", name).is_some() {
        return Ok(());
    }
    for pod in pods_on(world, name) {
        client::delete_with(
            world,
            ACTOR,
            &Key::of(Kind::Pod, &pod),
            DeleteOptions { grace: Some(0), ..DeleteOptions::default() },
        )?;
    }
    Ok(())
}
