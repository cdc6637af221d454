//! The table of events at the end of a description.

use serde_json::Value;

use super::writer::Writer;
use crate::object::{name, namespace, str_at, uid};
use crate::store::{Kind, Object, Store};
use crate::time::Time;
use crate::tools::kubectl::printers::event::interval;

/// The events about an object. A node's are found by its uid (controllers) and by its name as uid (kubelet);
/// a pod's by name and uid whatever their kind.
pub fn about<'a>(kind: Kind, object: &Value, store: &'a Store) -> Vec<&'a Object> {
    let in_namespace = Some(namespace(object)).filter(|_| kind.info().namespaced);
    let with_uid = |uid: &str| -> Vec<&'a Object> {
        store
            .list_in(Kind::Event, in_namespace)
            .filter(|event| str_at(event, "involvedObject.name") == name(object))
            .filter(|event| str_at(event, "involvedObject.namespace") == namespace(object))
            .filter(|event| kind == Kind::Pod || str_at(event, "involvedObject.kind") == kind.info().kind)
            .filter(|event| str_at(event, "involvedObject.uid") == uid)
            .collect()
    };
    let mut events = with_uid(uid(object));
    if kind == Kind::Node {
        events.extend(with_uid(name(object)));
    }
    events
}

/// The events about a name of which the object is not known.
pub fn of_name<'a>(namespace: &str, name: &str, store: &'a Store) -> Vec<&'a Object> {
    store
        .list_in(Kind::Event, Some(namespace))
        .filter(|event| str_at(event, "involvedObject.name") == name)
        .filter(|event| str_at(event, "involvedObject.namespace") == namespace)
        .collect()
}

pub fn write(w: &mut Writer, mut events: Vec<&Object>, now: Time) {
    if events.is_empty() {
        w.row(0, "Events", "<none>");
        return;
    }
    w.flush();
    events.sort_by_key(|event| Time::parse_rfc3339(str_at(event, "lastTimestamp")).map_or(i64::MIN, |time| time.0));
    w.text(0, "Events:\n");
    w.cells(1, &["Type", "Reason", "Age", "From", "Message"]);
    w.cells(1, &["----", "------", "----", "----", "-------"]);
    for event in events {
        let source = match str_at(event, "source.component") {
            "" => str_at(event, "reportingComponent"),
            component => component,
        };
        let message = str_at(event, "message").trim();
        w.cells(1, &[str_at(event, "type"), str_at(event, "reason"), &interval(event, now), source, message]);
    }
}
