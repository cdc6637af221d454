//! The API server's tables: columns and cells of each kind (`pkg/printers/internalversion/printers.go`).
//!
//! The server always computes the wide cells as well; whether they are shown is kubectl's choice.

pub mod event;
mod node;
mod pod;
mod service;
mod workload;

pub use node::roles;
pub use service::host_port;

use serde_json::Value;

use super::age;
use super::table::Column;
use crate::object::{controller, entries, field, int_at, items, name, str_at};
use crate::store::Kind;
use crate::time::Time;

const fn column(header: &'static str) -> Column {
    Column { header, wide: false }
}

const fn wide(header: &'static str) -> Column {
    Column { header, wide: true }
}

/// The columns of a kind's table.
#[must_use]
pub fn columns(kind: Kind) -> &'static [Column] {
    const NAME_AGE: &[Column] = &[column("NAME"), column("STATUS"), column("AGE")];
    match kind {
        Kind::Pod => pod::COLUMNS,
        Kind::Node => node::COLUMNS,
        Kind::Event => event::COLUMNS,
        Kind::Service => service::SERVICE,
        Kind::Endpoints => service::ENDPOINTS,
        Kind::EndpointSlice => service::ENDPOINT_SLICE,
        Kind::Deployment => workload::DEPLOYMENT,
        Kind::ReplicaSet => workload::REPLICA_SET,
        Kind::DaemonSet => workload::DAEMON_SET,
        Kind::Namespace => NAME_AGE,
        Kind::ConfigMap => const { &[column("NAME"), column("DATA"), column("AGE")] },
        Kind::ServiceAccount => const { &[column("NAME"), column("SECRETS"), column("AGE")] },
        Kind::PriorityClass => {
            const { &[column("NAME"), column("VALUE"), column("GLOBAL-DEFAULT"), column("AGE"), column("PREEMPTIONPOLICY")] }
        }
        Kind::ControllerRevision => {
            const { &[column("NAME"), column("CONTROLLER"), column("REVISION"), column("AGE")] }
        }
    }
}

/// The cells of an object's row, one for each of the kind's columns.
#[must_use]
pub fn cells(kind: Kind, object: &Value, now: Time) -> Vec<String> {
    let age = || since(str_at(object, "metadata.creationTimestamp"), now);
    let count = |path: &str| field(object, path).as_object().map_or(items(object, path).len(), serde_json::Map::len);
    match kind {
        Kind::Pod => pod::cells(object, now),
        Kind::Node => node::cells(object, now),
        Kind::Event => event::cells(object, now),
        Kind::Service => service::service(object, now),
        Kind::Endpoints => service::endpoints(object, now),
        Kind::EndpointSlice => service::endpoint_slice(object, now),
        Kind::Deployment => workload::deployment(object, now),
        Kind::ReplicaSet => workload::replica_set(object, now),
        Kind::DaemonSet => workload::daemon_set(object, now),
        Kind::Namespace => vec![name(object).into(), str_at(object, "status.phase").into(), age()],
        Kind::ConfigMap => vec![name(object).into(), (count("data") + count("binaryData")).to_string(), age()],
        Kind::ServiceAccount => vec![name(object).into(), count("secrets").to_string(), age()],
        Kind::PriorityClass => vec![
            name(object).into(),
            int_at(object, "value").unwrap_or(0).to_string(),
            field(object, "globalDefault").as_bool().unwrap_or(false).to_string(),
            age(),
            str_at(object, "preemptionPolicy").into(),
        ],
        Kind::ControllerRevision => {
            let owner = controller(object).map(|owner| {
                let group =
                    str_at(owner, "apiVersion").split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
                format!("{}{group}/{}", str_at(owner, "kind").to_lowercase(), str_at(owner, "name"))
            });
            let revision = int_at(object, "revision").unwrap_or(0).to_string();
            vec![name(object).into(), owner.unwrap_or("<none>".into()), revision, age()]
        }
    }
}

/// `pod` or `deployment.apps`: what stands before the name where kinds are shown.
#[must_use]
pub fn group_kind(kind: Kind) -> String {
    let info = kind.info();
    let lower = info.kind.to_lowercase();
    if info.group.is_empty() { lower } else { format!("{lower}.{}", info.group) }
}

/// AGE since a timestamp; `<unknown>` when there is none.
#[must_use]
pub fn since(timestamp: &str, now: Time) -> String {
    Time::parse_rfc3339(timestamp).map_or("<unknown>".into(), |then| age::human(now.0 - then.0))
}

/// Names and images of containers, each joined by commas.
fn containers(object: &Value, path: &str) -> [String; 2] {
    let join = |key: &str| {
        let all: Vec<&str> = items(object, path).iter().map(|container| str_at(container, key)).collect();
        all.join(",")
    };
    [join("name"), join("image")]
}

/// The label keys that start with `prefix`, without it.
fn label_suffixes<'a>(object: &'a Value, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    entries(object, "metadata.labels").filter_map(move |(key, _)| key.strip_prefix(prefix))
}

#[cfg(test)]
mod tests;
