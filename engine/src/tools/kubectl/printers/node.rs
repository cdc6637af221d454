//! The table row of a node.

use serde_json::Value;

use super::{Column, column, label_suffixes, since, wide};
use crate::object::{bool_at, condition, items, label, name, str_at};
use crate::time::Time;

pub const COLUMNS: &[Column] = &[
    column("NAME"),
    column("STATUS"),
    column("ROLES"),
    column("AGE"),
    column("VERSION"),
    wide("INTERNAL-IP"),
    wide("EXTERNAL-IP"),
    wide("OS-IMAGE"),
    wide("KERNEL-VERSION"),
    wide("CONTAINER-RUNTIME"),
];

pub fn cells(node: &Value, now: Time) -> Vec<String> {
    let address = |kind: &str| {
        let found = items(node, "status.addresses").iter().find(|address| str_at(address, "type") == kind);
        found.map_or("<none>", |address| str_at(address, "address")).to_owned()
    };
    let or_unknown = |path: &str| match str_at(node, path) {
        "" => "<unknown>".to_owned(),
        text => text.to_owned(),
    };
    let roles = roles(node).join(",");
    vec![
        name(node).into(),
        status(node),
        if roles.is_empty() { "<none>".into() } else { roles },
        since(str_at(node, "metadata.creationTimestamp"), now),
        str_at(node, "status.nodeInfo.kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or_unknown("status.nodeInfo.osImage"),
        or_unknown("status.nodeInfo.kernelVersion"),
        or_unknown("status.nodeInfo.containerRuntimeVersion"),
    ]
}

fn status(node: &Value) -> String {
    let ready = match condition(node, "Ready").map(|condition| str_at(condition, "status")) {
        None => "Unknown",
        Some("True") => "Ready",
        Some(_) => "NotReady",
    };
    if bool_at(node, "spec.unschedulable") { format!("{ready},SchedulingDisabled") } else { ready.into() }
}

/// The roles that labels give a node, sorted.
#[must_use]
pub fn roles(node: &Value) -> Vec<String> {
    let mut roles: Vec<String> =
        label_suffixes(node, "node-role.kubernetes.io/").filter(|role| !role.is_empty()).map(Into::into).collect();
    roles.extend(label(node, "labels", "kubernetes.io/role").filter(|role| !role.is_empty()).map(Into::into));
    roles.sort();
    roles.dedup();
    roles
}
