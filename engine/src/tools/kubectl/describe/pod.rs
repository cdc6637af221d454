//! The description of a pod.

use serde_json::Value;

use super::container;
use super::template::{tolerations, topology_spread};
use super::volume;
use super::writer::{Writer, date};
use crate::object::{controller, field, int_at, is_terminating, items, str_at};
use crate::time::Time;
use crate::tools::kubectl::printers::since;

pub fn describe(w: &mut Writer, pod: &Value, now: Time) {
    identity(w, pod);
    w.labels("Labels", pod, "metadata.labels");
    w.annotations("Annotations", pod, "metadata.annotations");
    status(w, pod, now);
    let status_of = |path: &str| items(pod, path);
    if !items(pod, "spec.initContainers").is_empty() {
        let statuses = status_of("status.initContainerStatuses");
        container::list(w, "Init Containers", items(pod, "spec.initContainers"), statuses, Some(pod), "");
    }
    container::list(
        w,
        "Containers",
        items(pod, "spec.containers"),
        status_of("status.containerStatuses"),
        Some(pod),
        "",
    );
    if !items(pod, "spec.ephemeralContainers").is_empty() {
        let statuses = status_of("status.ephemeralContainerStatuses");
        container::list(w, "Ephemeral Containers", items(pod, "spec.ephemeralContainers"), statuses, Some(pod), "");
    }
    conditions(w, pod);
    volume::list(w, items(pod, "spec.volumes"), "");
    w.row(0, "QoS Class", str_at(pod, "status.qosClass"));
    w.labels("Node-Selectors", pod, "spec.nodeSelector");
    tolerations(w, "Tolerations", items(pod, "spec.tolerations"));
    topology_spread(w, items(pod, "spec.topologySpreadConstraints"), "");
}

fn identity(w: &mut Writer, pod: &Value) {
    w.row(0, "Name", str_at(pod, "metadata.name"));
    w.row(0, "Namespace", str_at(pod, "metadata.namespace"));
    if let Some(priority) = int_at(pod, "spec.priority") {
        w.row(0, "Priority", priority);
    }
    w.row_if(0, "Priority Class Name", str_at(pod, "spec.priorityClassName"));
    w.row_if(0, "Runtime Class Name", str_at(pod, "spec.runtimeClassName"));
    w.row_if(0, "Service Account", str_at(pod, "spec.serviceAccountName"));
    match str_at(pod, "spec.nodeName") {
        "" => w.row(0, "Node", "<none>"),
        node => w.row(0, "Node", format!("{node}/{}", str_at(pod, "status.hostIP"))),
    }
    let started = str_at(pod, "status.startTime");
    if !started.is_empty() {
        w.row(0, "Start Time", date(started));
    }
}

fn status(w: &mut Writer, pod: &Value, now: Time) {
    let ended = matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed");
    if is_terminating(pod) && !ended {
        let since_asked = since(str_at(pod, "metadata.deletionTimestamp"), now);
        w.row(0, "Status", format!("Terminating (lasts {since_asked})"));
        let grace = int_at(pod, "metadata.deletionGracePeriodSeconds").unwrap_or(0);
        w.row(0, "Termination Grace Period", format!("{grace}s"));
    } else {
        w.row(0, "Status", str_at(pod, "status.phase"));
    }
    w.row_if(0, "Reason", str_at(pod, "status.reason"));
    w.row_if(0, "Message", str_at(pod, "status.message"));
    container::seccomp(w, 0, field(pod, "spec.securityContext"));
    w.row(0, "IP", str_at(pod, "status.podIP"));
    let addresses = items(pod, "status.podIPs");
    if addresses.is_empty() {
        w.row(0, "IPs", "<none>");
    } else {
        w.text(0, "IPs:\n");
        for address in addresses {
            w.row(1, "IP", str_at(address, "ip"));
        }
    }
    if let Some(owner) = controller(pod) {
        w.row(0, "Controlled By", format!("{}/{}", str_at(owner, "kind"), str_at(owner, "name")));
    }
    w.row_if(0, "NominatedNodeName", str_at(pod, "status.nominatedNodeName"));
    if !field(pod, "spec.resources").is_null() {
        w.text(0, "Resources:\n");
        container::resources(w, 1, field(pod, "spec.resources"));
    }
}

fn conditions(w: &mut Writer, pod: &Value) {
    let conditions = items(pod, "status.conditions");
    let gates = items(pod, "spec.readinessGates");
    if !gates.is_empty() {
        w.text(0, "Readiness Gates:\n  Type\tStatus\n");
        for gate in gates {
            let kind = str_at(gate, "conditionType");
            let condition = conditions.iter().find(|condition| str_at(condition, "type") == kind);
            let status = condition.map_or("<none>", |condition| str_at(condition, "status"));
            w.text(1, &format!("{kind} \t{status} \n"));
        }
    }
    if !conditions.is_empty() {
        w.text(0, "Conditions:\n  Type\tStatus\n");
        for condition in conditions {
            w.text(1, &format!("{} \t{} \n", str_at(condition, "type"), str_at(condition, "status")));
        }
    }
}
