//! What the kubelet reports about a container: an event that names the part of the pod that it is about.
//!
//! Source: `pkg/kubelet/container/ref.go` (`fieldPath`). What is about the pod as a whole goes
//! through `controllers::client::event`, but for its secrets for pulling images.

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

/// Secrets for pulling images that a pod names and that are not there: the lab has no Secrets, so all of them. The kubelet says
/// so each time it looks at the pod.
pub(super) fn tell_of_pull_secrets(world: &mut World, pod: &Value) {
    let secrets = items(pod, "spec.imagePullSecrets").iter().map(|secret| str_at(secret, "name"));
    let missing: Vec<&str> = secrets.filter(|name| !name.is_empty()).collect();
    if missing.is_empty() {
        return;
    }
    let message = format!(
        "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
        missing.join(", ")
    );
    let report = Report {
        component: "kubelet",
        node: str_at(pod, "spec.nodeName"),
        class: "Warning",
        reason: "FailedToRetrieveImagePullSecret",
        message: &message,
        part: "",
    };
    api::record_event(world, pod, report);
}
