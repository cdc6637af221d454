//! `kubectl describe` (`kubectl/pkg/describe/describe.go`), for the kinds that portlab has.
//!
//! A kind without a description of its own (Event, ControllerRevision) is shown field by field, as kubectl does.
//! Left out: volumes of cloud providers, which are listed as `<unknown>`; the Lease object, of which a node's
//! description shows what the kubelet of a living node keeps in it.

mod container;
mod events;
mod generic;
mod node;
mod pod;
mod service;
mod template;
mod volume;
mod workload;
mod writer;

use serde_json::Value;

use crate::object::{name, str_at};
use crate::store::{Kind, Store};
use crate::time::Time;
use writer::Writer;

/// What a description may look at besides the object.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub store: &'a Store,
    pub now: Time,
    pub show_events: bool,
}

/// The whole description of an object.
#[must_use]
pub fn describe(kind: Kind, object: &Value, around: Around) -> String {
    let mut w = Writer::new();
    match kind {
        Kind::Pod => pod::describe(&mut w, object, around.now),
        Kind::Node => node::describe(&mut w, object, around),
        Kind::Deployment => workload::deployment(&mut w, object, around.store),
        Kind::ReplicaSet => workload::replica_set(&mut w, object, around.store),
        Kind::DaemonSet => workload::daemon_set(&mut w, object, around.store),
        Kind::Service => service::service(&mut w, object, around.store),
        Kind::Endpoints => service::endpoints(&mut w, object),
        Kind::EndpointSlice => service::endpoint_slice(&mut w, object),
        Kind::Namespace => namespace(&mut w, object),
        Kind::PriorityClass => priority_class(&mut w, object),
        Kind::ConfigMap => config_map(&mut w, object),
        Kind::ServiceAccount => service_account(&mut w, object),
        Kind::Event | Kind::ControllerRevision => generic::describe(&mut w, object),
    }
    if around.show_events && kind != Kind::Namespace {
        events::write(&mut w, events::about(kind, object, around.store), around.now);
    }
    w.finish()
}

/// The pod template of a revision, as `kubectl rollout history --revision` shows it: its tabs stay tabs.
pub fn pod_template(template: &Value) -> String {
    let mut w = Writer::unaligned();
    template::describe(&mut w, template);
    w.finish()
}

/// The events of a pod that is gone, which describe shows in place of the pod.
#[must_use]
pub fn events_of_missing_pod(namespace: &str, name: &str, error: &str, around: Around) -> Option<String> {
    let events = events::of_name(namespace, name, around.store);
    if events.is_empty() || !around.show_events {
        return None;
    }
    let mut w = Writer::new();
    w.text(0, &format!("Pod '{name}': error '{error}', but found events.\n"));
    events::write(&mut w, events, around.now);
    Some(w.finish())
}

/// Name, namespace, labels and annotations, with which most descriptions begin.
fn head(w: &mut Writer, object: &Value) {
    w.row(0, "Name", name(object));
    w.row(0, "Namespace", str_at(object, "metadata.namespace"));
    w.labels("Labels", object, "metadata.labels");
    w.annotations("Annotations", object, "metadata.annotations");
}

fn namespace(w: &mut Writer, object: &Value) {
    w.row(0, "Name", name(object));
    w.labels("Labels", object, "metadata.labels");
    w.annotations("Annotations", object, "metadata.annotations");
    w.row(0, "Status", str_at(object, "status.phase"));
    let conditions = crate::object::items(object, "status.conditions");
    if !conditions.is_empty() {
        w.text(0, "Conditions:\n");
        w.cells(1, &["Type", "Status", "LastTransitionTime", "Reason", "Message"]);
        w.cells(1, &["----", "------", "------------------", "------", "-------"]);
        for c in conditions {
            let changed = writer::date(str_at(c, "lastTransitionTime"));
            w.cells(1, &[str_at(c, "type"), str_at(c, "status"), &changed, str_at(c, "reason"), str_at(c, "message")]);
        }
    }
    w.text(0, "\nNo resource quota.\n");
    w.text(0, "\nNo LimitRange resource.\n");
}

fn priority_class(w: &mut Writer, object: &Value) {
    w.row(0, "Name", name(object));
    w.row(0, "Value", crate::object::int_at(object, "value").unwrap_or(0));
    w.row(0, "GlobalDefault", crate::object::bool_at(object, "globalDefault"));
    w.row(0, "PreemptionPolicy", str_at(object, "preemptionPolicy"));
    w.row(0, "Description", str_at(object, "description"));
    w.row(0, "Annotations", super::table::format_labels(object, "metadata.annotations"));
}

fn config_map(w: &mut Writer, object: &Value) {
    head(w, object);
    w.text(0, "\nData\n====\n");
    for (key, value) in crate::object::entries(object, "data") {
        w.text(0, &format!("{key}:\n----\n{}\n\n", value.as_str().unwrap_or("")));
    }
    w.text(0, "\nBinaryData\n====\n");
    for (key, value) in crate::object::entries(object, "binaryData") {
        let bytes = crate::base64::decode(value.as_str().unwrap_or("")).map_or(0, |bytes| bytes.len());
        w.text(0, &format!("{key}: {bytes} bytes\n"));
    }
    w.text(0, "\n");
}

fn service_account(w: &mut Writer, object: &Value) {
    head(w, object);
    for (title, path) in
        [("Image pull secrets:", "imagePullSecrets"), ("Mountable secrets: ", "secrets"), ("Tokens:            ", "")]
    {
        let secrets = crate::object::items(object, path);
        if secrets.is_empty() {
            w.text(0, &format!("{title}\t<none>\n"));
        }
        for (index, secret) in secrets.iter().enumerate() {
            let title = if index == 0 { title } else { "                   " };
            // portlab has no Secrets, so none of those named can be found.
            w.text(0, &format!("{title}\t{} (not found)\n", str_at(secret, "name")));
        }
    }
}

#[cfg(test)]
mod tests;
