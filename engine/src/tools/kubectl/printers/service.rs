//! Table rows of Services, Endpoints and EndpointSlices.

use serde_json::Value;

use super::{Column, column, since, wide};
use crate::object::{field, int_at, items, name, str_at};
use crate::time::Time;
use crate::tools::kubectl::table::format_labels;

pub const SERVICE: &[Column] = &[
    column("NAME"),
    column("TYPE"),
    column("CLUSTER-IP"),
    column("EXTERNAL-IP"),
    column("PORT(S)"),
    column("AGE"),
    wide("SELECTOR"),
];
pub const ENDPOINTS: &[Column] = &[column("NAME"), column("ENDPOINTS"), column("AGE")];
pub const ENDPOINT_SLICE: &[Column] =
    &[column("NAME"), column("ADDRESSTYPE"), column("PORTS"), column("ENDPOINTS"), column("AGE")];

/// How many addresses or ports a cell lists before `+ N more...`.
const LISTED: usize = 3;

fn age(object: &Value, now: Time) -> String {
    since(str_at(object, "metadata.creationTimestamp"), now)
}

fn texts<'a>(object: &'a Value, path: &str) -> Vec<&'a str> {
    items(object, path).iter().filter_map(Value::as_str).collect()
}

pub fn service(object: &Value, now: Time) -> Vec<String> {
    let ports: Vec<String> = items(object, "spec.ports").iter().map(port).collect();
    vec![
        name(object).into(),
        str_at(object, "spec.type").into(),
        texts(object, "spec.clusterIPs").first().map_or("<none>", |ip| ip).into(),
        external_ip(object),
        if ports.is_empty() { "<none>".into() } else { ports.join(",") },
        age(object, now),
        format_labels(object, "spec.selector"),
    ]
}

fn port(port: &Value) -> String {
    let (number, protocol) = (int_at(port, "port").unwrap_or(0), str_at(port, "protocol"));
    match int_at(port, "nodePort").unwrap_or(0) {
        0 => format!("{number}/{protocol}"),
        node_port => format!("{number}:{node_port}/{protocol}"),
    }
}

fn external_ip(object: &Value) -> String {
    let mut addresses: Vec<&str> = Vec::new();
    let empty = match str_at(object, "spec.type") {
        "ClusterIP" | "NodePort" => "<none>",
        "LoadBalancer" => {
            addresses =
                items(object, "status.loadBalancer.ingress").iter().map(ingress).filter(|at| !at.is_empty()).collect();
            addresses.sort_unstable();
            addresses.dedup();
            "<pending>"
        }
        "ExternalName" => return str_at(object, "spec.externalName").into(),
        _ => return "<unknown>".into(),
    };
    addresses.extend(texts(object, "spec.externalIPs"));
    if addresses.is_empty() { empty.into() } else { addresses.join(",") }
}

fn ingress(ingress: &Value) -> &str {
    match str_at(ingress, "ip") {
        "" => str_at(ingress, "hostname"),
        ip => ip,
    }
}

pub fn endpoints(object: &Value, now: Time) -> Vec<String> {
    let mut list = Vec::new();
    for subset in items(object, "subsets") {
        let addresses: Vec<&str> = items(subset, "addresses").iter().map(|address| str_at(address, "ip")).collect();
        let ports = items(subset, "ports");
        if ports.is_empty() {
            list.extend(addresses.iter().map(|address| (*address).to_owned()));
        }
        for port in ports {
            let number = int_at(port, "port").unwrap_or(0);
            list.extend(addresses.iter().map(|address| host_port(address, number)));
        }
    }
    let none = items(object, "subsets").is_empty();
    let text = if none { "<none>".into() } else { with_more(&list) };
    vec![name(object).into(), text, age(object, now)]
}

pub fn endpoint_slice(object: &Value, now: Time) -> Vec<String> {
    let ports: Vec<String> = items(object, "ports").iter().map(slice_port).collect();
    let endpoints = items(object, "endpoints").iter();
    let addresses: Vec<String> = endpoints.flat_map(|endpoint| texts(endpoint, "addresses")).map(Into::into).collect();
    let or_unset = |list: &[String]| match with_more(list) {
        text if text.is_empty() => "<unset>".to_owned(),
        text => text,
    };
    vec![
        name(object).into(),
        str_at(object, "addressType").into(),
        or_unset(&ports),
        or_unset(&addresses),
        age(object, now),
    ]
}

fn slice_port(port: &Value) -> String {
    match (int_at(port, "port"), field(port, "name").as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) => name.into(),
        (None, None) => "*".into(),
    }
}

/// `net.JoinHostPort`: an IPv6 address gets brackets.
#[must_use]
pub fn host_port(address: &str, port: i64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

fn with_more(list: &[String]) -> String {
    if list.len() > LISTED {
        return format!("{} + {} more...", list[..LISTED].join(","), list.len() - LISTED);
    }
    list.join(",")
}
