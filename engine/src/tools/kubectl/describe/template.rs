//! The pod template of a controller's description, and what it shares with pods.

use serde_json::Value;

use super::writer::Writer;
use super::{container, volume};
use crate::object::{field, int_at, items, str_at};
use crate::tools::kubectl::label_selector;

pub fn describe(w: &mut Writer, template: &Value) {
    w.text(0, "Pod Template:\n");
    w.labels("  Labels", template, "metadata.labels");
    if crate::object::entries(template, "metadata.annotations").next().is_some() {
        w.annotations("  Annotations", template, "metadata.annotations");
    }
    w.row_if(1, "Service Account", str_at(template, "spec.serviceAccountName"));
    if !items(template, "spec.initContainers").is_empty() {
        container::list(w, "Init Containers", items(template, "spec.initContainers"), &[], None, "  ");
    }
    container::list(w, "Containers", items(template, "spec.containers"), &[], None, "  ");
    volume::list(w, items(template, "spec.volumes"), "  ");
    topology_spread(w, items(template, "spec.topologySpreadConstraints"), "  ");
    w.row_if(1, "Priority Class Name", str_at(template, "spec.priorityClassName"));
    w.labels("  Node-Selectors", template, "spec.nodeSelector");
    tolerations(w, "  Tolerations", items(template, "spec.tolerations"));
}

pub fn tolerations(w: &mut Writer, title: &str, tolerations: &[Value]) {
    let mut sorted: Vec<&Value> = tolerations.iter().collect();
    sorted.sort_by_key(|toleration| str_at(toleration, "key"));
    let lines: Vec<String> = sorted.into_iter().map(toleration).collect();
    w.lines(title, &lines);
}

fn toleration(toleration: &Value) -> String {
    let (key, value, effect) = (str_at(toleration, "key"), str_at(toleration, "value"), str_at(toleration, "effect"));
    let mut text = key.to_owned();
    if !value.is_empty() {
        text.push_str(&format!("={value}"));
    }
    if !effect.is_empty() {
        text.push_str(&format!(":{effect}"));
    }
    if str_at(toleration, "operator") == "Exists" && value.is_empty() {
        text.push_str(if text.is_empty() { "op=Exists" } else { " op=Exists" });
    }
    if let Some(seconds) = int_at(toleration, "tolerationSeconds") {
        text.push_str(&format!(" for {seconds}s"));
    }
    text
}

pub fn topology_spread(w: &mut Writer, constraints: &[Value], space: &str) {
    if constraints.is_empty() {
        return;
    }
    let mut sorted: Vec<&Value> = constraints.iter().collect();
    sorted.sort_by_key(|constraint| str_at(constraint, "topologyKey"));
    w.text(0, &format!("{space}Topology Spread Constraints:\t"));
    for (index, constraint) in sorted.into_iter().enumerate() {
        if index != 0 {
            w.text(0, &format!("{space}\t"));
        }
        let (key, when) = (str_at(constraint, "topologyKey"), str_at(constraint, "whenUnsatisfiable"));
        let skew = int_at(constraint, "maxSkew").unwrap_or(0);
        w.text(0, &format!("{key}:{when} when max skew {skew} is exceeded"));
        let selector = field(constraint, "labelSelector");
        if !selector.is_null() {
            w.text(0, &format!(" for selector {}", label_selector::format(selector)));
        }
        w.text(0, "\n");
    }
}
