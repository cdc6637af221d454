//! What the kubelet reports about a container: an event that names the part of the pod that it is about.
//!
//! Source: `pkg/kubelet/container/ref.go` (`fieldPath`). What is about the pod as a whole goes through `controllers::client::event`.

use serde_json::Value;

use crate::kube::api::{self, Report};
use crate::object::{items, str_at};
use crate::world::World;

/// Records an event about one container of a pod.
pub(super) fn tell(world: &mut World, pod: &Value, container: &str, class: &str, reason: &str, message: &str) {
    let node = str_at(pod, "spec.nodeName");
    let part = part(pod, container);
    api::record_event(world, pod, Report { component: "kubelet", node, class, reason, message, part: &part });
}

/// `spec.containers{web}`
fn part(pod: &Value, container: &str) -> String {
    let init = items(pod, "spec.initContainers").iter().any(|one| str_at(one, "name") == container);
    format!("spec.{}{{{container}}}", if init { "initContainers" } else { "containers" })
}
