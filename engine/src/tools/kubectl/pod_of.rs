//! Which pod and container `logs` and `exec` mean when they are given a controller, a Service or no container.
//!
//! Sources: `kubectl/pkg/polymorphichelpers/helpers.go`, `kubectl/pkg/util/podutils`, `kubectl/pkg/cmd/util/podcmd`.

use std::cmp::Reverse;

use serde_json::Value;

use super::Call;
use super::failure::{Failure, Outcome};
use super::follow::wait_until;
use super::go_value::quote;
use super::label_selector::LabelSelector;
use super::select::Info;
use crate::object::{condition, condition_is_true, field, int_at, is_terminating, items, label, name, str_at};
use crate::store::{Kind, Object};
use crate::world::World;

/// Which pod comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The one whose log is most likely wanted.
    Logging,
    /// The one that is most alive.
    Active,
}

/// The pods that an object stands for: itself, or those that its selector finds, the preferred one first.
pub fn pods_of(call: &mut Call, info: &Info, preference: Preference, doing: &str) -> Outcome<Vec<Object>> {
    if info.kind == Kind::Pod {
        return Ok(info.object.iter().cloned().collect());
    }
    let selector = match info.kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => {
            LabelSelector::of(field(info.value(), "spec.selector"))
        }
        Kind::Service if !field(info.value(), "spec.selector").is_null() => {
            let labels = serde_json::json!({"matchLabels": field(info.value(), "spec.selector")});
            LabelSelector::of(&labels)
        }
        Kind::Service => {
            return Err(Failure::text(format!(
                "{doing} *v1.Service: invalid service '{}': Service is defined without a selector",
                info.name
            )));
        }
        kind => {
            let go = go_type(kind);
            return Err(Failure::text(format!("{doing} {go}: selector for {go} not implemented")));
        }
    };
    let selector = selector.unwrap_or_default();
    let namespace = info.namespace.clone();
    let find = |world: &World| -> Vec<Object> {
        let pods = world.store().list_in(Kind::Pod, Some(&namespace));
        pods.filter(|pod| selector.matches(pod)).cloned().collect()
    };
    let nanos = call.flags.duration("pod-running-timeout");
    let limit = std::time::Duration::from_nanos(nanos.unsigned_abs());
    if !wait_until(call, Some(limit), |world| !find(world).is_empty())? {
        return Err(Failure::text("timed out waiting for the condition"));
    }
    let mut pods = find(call.cx.world);
    match preference {
        Preference::Logging => pods.sort_by_key(logging_rank),
        Preference::Active => pods.sort_by_key(|pod| Reverse(active_rank(pod))),
    }
    Ok(pods)
}

fn go_type(kind: Kind) -> String {
    format!("*v1.{}", kind.info().kind)
}

fn phase_rank(pod: &Value) -> u8 {
    match str_at(pod, "status.phase") {
        "Pending" => 2,
        "Unknown" => 1,
        _ => 0,
    }
}

/// Since when a pod is ready; later than anything when it is not.
fn ready_since(pod: &Value) -> String {
    match condition(pod, "Ready").filter(|c| str_at(c, "status") == "True") {
        Some(ready) => str_at(ready, "lastTransitionTime").to_string(),
        None => "~".to_string(),
    }
}

fn restarts(pod: &Value) -> i64 {
    items(pod, "status.containerStatuses").iter().filter_map(|c| int_at(c, "restartCount")).max().unwrap_or(0)
}

/// Assigned, running, ready, ready for longest, most restarts, oldest.
fn logging_rank(pod: &Object) -> (bool, u8, bool, String, Reverse<i64>, String) {
    (
        str_at(pod, "spec.nodeName").is_empty(),
        phase_rank(pod),
        !condition_is_true(pod, "Ready"),
        ready_since(pod),
        Reverse(restarts(pod)),
        str_at(pod, "metadata.creationTimestamp").to_string(),
    )
}

/// As the order in which a controller deletes: unassigned, pending, not ready, deleting, ready for shortest, most restarts, newest.
fn active_rank(pod: &Object) -> (bool, u8, bool, bool, Reverse<String>, Reverse<i64>, Reverse<String>) {
    (
        !str_at(pod, "spec.nodeName").is_empty(),
        2 - phase_rank(pod),
        condition_is_true(pod, "Ready"),
        !is_terminating(pod),
        Reverse(ready_since(pod)),
        Reverse(restarts(pod)),
        Reverse(str_at(pod, "metadata.creationTimestamp").to_string()),
    )
}

/// The names of a pod's containers, init containers included.
pub fn containers(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, "spec.containers").iter().chain(items(pod, "spec.initContainers")).map(|c| str_at(c, "name"))
}

/// All containers as the note of a defaulted one lists them.
fn container_list(pod: &Value) -> String {
    let own = items(pod, "spec.containers").iter().map(|c| str_at(c, "name").to_string());
    let init = items(pod, "spec.initContainers").iter().map(|c| format!("{} (init)", str_at(c, "name")));
    own.chain(init).collect::<Vec<_>>().join(", ")
}

/// The container that is meant when none was named; says which when there were several.
pub fn default_container(call: &mut Call, pod: &Value, quiet: bool) -> String {
    let annotated = label(pod, "annotations", "kubectl.kubernetes.io/default-container").unwrap_or("");
    if !annotated.is_empty() && containers(pod).any(|c| c == annotated) {
        return annotated.to_string();
    }
    let first = items(pod, "spec.containers").first().map_or("", |c| str_at(c, "name")).to_string();
    if !quiet && containers(pod).count() > 1 {
        call.cx.eprint(&format!("Defaulted container {} out of: {}\n", quote(&first), container_list(pod)));
    }
    first
}

/// `[pod/web-1/nginx] `
pub fn prefix(pod: &Value, container: &str) -> String {
    format!("[pod/{}/{container}] ", name(pod))
}
