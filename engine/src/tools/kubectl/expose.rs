//! `kubectl expose`: makes a Service for a pod, Deployment, ReplicaSet or another Service.
//!
//! Sources: `kubectl/pkg/cmd/expose`, `kubectl/pkg/polymorphichelpers`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Call;
use super::apply::annotate_for_create;
use super::failure::{Failure, Outcome};
use super::go_format::parse_int;
use super::go_value::quote;
use super::printed::{DryRun, Printer};
use super::request::{self, Validation};
use super::rollout::group_kind;
use super::select::{Info, select};
use crate::kube::api::{self, PatchType};
use crate::object::{entries, field, int_at, items, set, str_at};
use crate::store::Kind;

pub fn run(call: &mut Call) -> Outcome {
    let dry_run = DryRun::of(call)?;
    let mut printer = Printer::of(call, dry_run)?.of_typed(dry_run);
    let mut query = call.query();
    // -l are the labels of the Service here, and --selector is its selector.
    query.label_selector.clear();
    select(call.cx.world, &query)?.visit(|info| {
        let service = overridden(call, service_for(call, &info)?)?;
        let mut object = service;
        if dry_run == DryRun::Client {
            if call.flags.changed("namespace") {
                set(&mut object, "metadata.namespace", call.namespace());
            }
            return printer.print(call, Kind::Service, &object, "exposed");
        }
        let object = annotate_for_create(&object, call.flags.bool("save-config"));
        let namespace = call.namespace();
        let stored = request::create_generated(call, Kind::Service, &namespace, &object, Validation::Ignore, dry_run)?;
        printer.print(call, Kind::Service, &stored, "exposed")
    })
}

/// The Service that the flags and the exposed object describe.
fn service_for(call: &Call, info: &Info) -> Outcome<Value> {
    if !matches!(info.kind, Kind::Pod | Kind::Service | Kind::Deployment | Kind::ReplicaSet) {
        return Err(Failure::text(format!("cannot expose a {}", group_kind(info.kind))));
    }
    let selector = match call.flags.text("selector") {
        "" => selector_of(info).map_err(|why| {
            Failure::text(format!("couldn't retrieve selectors via --selector flag or introspection: {why}"))
        })?,
        given => read_labels(given)?,
    };
    let cluster_ip = call.flags.text("cluster-ip");
    let asked = call.flags.text("port");
    let ports: Vec<String> =
        if asked.is_empty() { ports_of(info) } else { asked.split(',').map(String::from).collect() };
    if ports.is_empty() && cluster_ip != "None" {
        return Err(Failure::text("couldn't find port via --port flag or introspection"));
    }
    let labels = match call.flags.text("labels") {
        "" => entries(info.value(), "metadata.labels").map(|(k, v)| (k.to_string(), v.clone())).collect(),
        given => read_labels(given)?,
    };
    let name = match call.flags.text("name") {
        "" => info.name.chars().take(63).collect(),
        given => given.to_string(),
    };
    let mut spec = json!({"selector": selector});
    let ports = service_ports(call, &ports, &protocols_of(info))?;
    if !ports.is_empty() {
        set(&mut spec, "ports", ports);
    }
    add_flags(call, &mut spec)?;
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"loadBalancer": {}},
    });
    if !labels.is_empty() {
        set(&mut service, "metadata.labels", Value::Object(labels));
    }
    Ok(service)
}

fn add_flags(call: &Call, spec: &mut Value) -> Outcome {
    for (flag, path) in [("type", "type"), ("cluster-ip", "clusterIP")] {
        if !call.flags.text(flag).is_empty() {
            set(spec, path, call.flags.text(flag));
        }
    }
    if !call.flags.text("external-ip").is_empty() {
        set(spec, "externalIPs", json!([call.flags.text("external-ip")]));
    }
    if call.flags.text("type") == "LoadBalancer" && !call.flags.text("load-balancer-ip").is_empty() {
        set(spec, "loadBalancerIP", call.flags.text("load-balancer-ip"));
    }
    match call.flags.text("session-affinity") {
        "" => {}
        affinity @ ("None" | "ClientIP") => set(spec, "sessionAffinity", affinity),
        other => return Err(Failure::text(format!("unknown session affinity: {other}"))),
    }
    Ok(())
}

fn read_labels(text: &str) -> Outcome<Map<String, Value>> {
    let mut labels = Map::new();
    for pair in text.split(',') {
        match pair.split('=').collect::<Vec<_>>().as_slice() {
            ["", _] => return Err(Failure::text("unexpected empty label key")),
            [key, value] => labels.insert((*key).to_string(), json!(value)),
            _ => return Err(Failure::text(format!("unexpected label spec: {pair}"))),
        };
    }
    Ok(labels)
}

/// The selector that finds the pods of the exposed object.
fn selector_of(info: &Info) -> Result<Map<String, Value>, String> {
    let (path, missing) = match info.kind {
        Kind::Pod => ("metadata.labels", "the pod has no labels and cannot be exposed"),
        Kind::Service => ("spec.selector", "the service has no pod selector set"),
        Kind::Deployment => {
            ("spec.selector.matchLabels", "invalid deployment: no selectors, therefore cannot be exposed")
        }
        _ => ("spec.selector.matchLabels", "invalid replicaset: no selectors, therefore cannot be exposed"),
    };
    let expressions = items(info.value(), "spec.selector.matchExpressions");
    if !expressions.is_empty() {
        let all: Vec<String> = expressions.iter().map(expression_text).collect();
        return Err(format!("couldn't convert expressions - \"[{}]\" to map-based selector format", all.join(" ")));
    }
    let labels: Map<String, Value> = entries(info.value(), path).map(|(k, v)| (k.to_string(), v.clone())).collect();
    if labels.is_empty() { Err(missing.to_string()) } else { Ok(labels) }
}

/// `%+v` of a LabelSelectorRequirement.
fn expression_text(expression: &Value) -> String {
    let values: Vec<&str> = items(expression, "values").iter().filter_map(Value::as_str).collect();
    let (key, operator) = (str_at(expression, "key"), str_at(expression, "operator"));
    format!("{{Key:{key} Operator:{operator} Values:[{}]}}", values.join(" "))
}

fn pod_spec(info: &Info) -> &Value {
    field(info.value(), if info.kind == Kind::Pod { "spec" } else { "spec.template.spec" })
}

/// Every port with its protocol, in the order of the containers.
fn declared_ports(info: &Info) -> Vec<(String, String)> {
    let read = |port: &Value, number: &str| {
        let protocol = match str_at(port, "protocol") {
            "" => "TCP",
            given => given,
        };
        (int_at(port, number).unwrap_or(0).to_string(), protocol.to_string())
    };
    if info.kind == Kind::Service {
        return items(info.value(), "spec.ports").iter().map(|port| read(port, "port")).collect();
    }
    let containers = items(pod_spec(info), "containers");
    containers.iter().flat_map(|c| items(c, "ports")).map(|port| read(port, "containerPort")).collect()
}

fn ports_of(info: &Info) -> Vec<String> {
    let mut ports: Vec<String> = Vec::new();
    for (port, _) in declared_ports(info) {
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    ports
}

fn protocols_of(info: &Info) -> BTreeMap<String, Vec<String>> {
    let mut protocols: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (port, protocol) in declared_ports(info) {
        let of_port = protocols.entry(port).or_default();
        if !of_port.contains(&protocol) {
            of_port.push(protocol);
        }
    }
    protocols
}

fn service_ports(call: &Call, ports: &[String], protocols: &BTreeMap<String, Vec<String>>) -> Outcome<Vec<Value>> {
    let mut made = Vec::new();
    let several = ports.len() > 1;
    for (i, text) in ports.iter().enumerate() {
        let number = parse_int(text, 10, 64)
            .map_err(|_| Failure::text(format!("strconv.Atoi: parsing {}: invalid syntax", quote(text))))?;
        let asked = call.flags.text("protocol");
        let own = protocols.get(text).map_or(&[][..], Vec::as_slice);
        let name = if several { format!("port-{}", i + 1) } else { String::new() };
        match (asked, own) {
            ("", [_, _, ..]) => {
                for protocol in own {
                    let name = format!("port-{}-{}", i + 1, protocol.to_lowercase());
                    made.push(service_port(&name, number, protocol));
                }
            }
            ("", [one]) => made.push(service_port(&name, number, one)),
            ("", []) => made.push(service_port(&name, number, "TCP")),
            (given, _) => made.push(service_port(&name, number, given)),
        }
    }
    let target = call.flags.text("target-port");
    for port in &mut made {
        let value = match target {
            "" => port["port"].clone(),
            text => parse_int(text, 10, 32).map_or_else(|_| json!(text), |number| json!(number)),
        };
        set(port, "targetPort", value);
    }
    Ok(made)
}

fn service_port(name: &str, number: i64, protocol: &str) -> Value {
    let mut port = json!({"port": number, "protocol": protocol});
    if !name.is_empty() {
        set(&mut port, "name", name);
    }
    port
}

fn overridden(call: &Call, service: Value) -> Outcome<Value> {
    let text = call.flags.text("overrides");
    if text.is_empty() {
        return Ok(service);
    }
    let how = match call.flags.text("override-type") {
        "strategic" => PatchType::Strategic,
        "json" => PatchType::Json,
        _ => PatchType::Merge,
    };
    let overrides: Value = serde_json::from_str(text).map_err(|_| Failure::text("Invalid JSON Patch"))?;
    api::patch::apply(Kind::Service, "", how, &service, &overrides).map_err(|status| Failure::text(status.message))
}
