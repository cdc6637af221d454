//! The description of a node, with the arithmetic of its allocated resources
//! (`describeNodeResource`, `kubectl/pkg/util/resource`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::Around;
use super::writer::{Writer, date, or_none};
use crate::kube::quantity::{self, Quantity};
use crate::object::{bool_at, entries, field, items, name, namespace, str_at};
use crate::store::{Kind, Object};
use crate::time::Time;
use crate::tools::kubectl::printers::{roles, since};

type Amounts = BTreeMap<String, Quantity>;

/// How often a kubelet renews its lease, in milliseconds.
const LEASE_RENEWED_EVERY_MS: i64 = 10_000;

pub fn describe(w: &mut Writer, node: &Value, around: Around) {
    w.row(0, "Name", name(node));
    w.row(0, "Roles", or_none(&roles(node).join(",")));
    w.labels("Labels", node, "metadata.labels");
    w.annotations("Annotations", node, "metadata.annotations");
    w.row(0, "CreationTimestamp", date(str_at(node, "metadata.creationTimestamp")));
    let mut taints: Vec<&Value> = items(node, "spec.taints").iter().collect();
    taints.sort_by_key(|taint| format!("{},{}", str_at(taint, "effect"), str_at(taint, "key")));
    w.lines("Taints", &taints.into_iter().map(taint).collect::<Vec<_>>());
    w.row(0, "Unschedulable", bool_at(node, "spec.unschedulable"));
    lease(w, node, around.now);
    conditions(w, node);
    w.text(0, "Addresses:\n");
    for address in items(node, "status.addresses") {
        w.row(1, str_at(address, "type"), str_at(address, "address"));
    }
    for (title, path) in [("Capacity", "status.capacity"), ("Allocatable", "status.allocatable")] {
        if entries(node, path).next().is_some() {
            w.text(0, &format!("{title}:\n"));
        }
        for (resource, amount) in amounts(node, path) {
            w.row(1, &resource, amount);
        }
    }
    system_info(w, node);
    w.row_if(0, "PodCIDR", str_at(node, "spec.podCIDR"));
    let ranges: Vec<&str> = items(node, "spec.podCIDRs").iter().filter_map(Value::as_str).collect();
    w.row_if(0, "PodCIDRs", &ranges.join(","));
    w.row_if(0, "ProviderID", str_at(node, "spec.providerID"));
    pods(w, node, around);
}

fn taint(taint: &Value) -> String {
    let (key, value, effect) = (str_at(taint, "key"), str_at(taint, "value"), str_at(taint, "effect"));
    match (value, effect) {
        ("", "") => key.into(),
        ("", effect) => format!("{key}:{effect}"),
        (value, effect) => format!("{key}={value}:{effect}"),
    }
}

/// portlab keeps no Lease objects; a kubelet that posts its status renews its lease as well.
fn lease(w: &mut Writer, node: &Value, now: Time) {
    if str_at(node, "status.nodeInfo.kubeletVersion").is_empty() {
        let missing = format!("Failed to get lease: leases.coordination.k8s.io \"{}\" not found", name(node));
        w.row(0, "Lease", missing);
        return;
    }
    let created = Time::parse_rfc3339(str_at(node, "metadata.creationTimestamp")).unwrap_or(now);
    let since_renewal = (now.0 - created.0).rem_euclid(LEASE_RENEWED_EVERY_MS);
    w.text(0, "Lease:\n");
    w.row(1, "HolderIdentity", name(node));
    w.row(1, "AcquireTime", "<unset>");
    w.row(1, "RenewTime", Time(now.0 - since_renewal).rfc1123z());
}

fn conditions(w: &mut Writer, node: &Value) {
    let conditions = items(node, "status.conditions");
    if conditions.is_empty() {
        return;
    }
    w.text(0, "Conditions:\n");
    w.cells(1, &["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"]);
    w.cells(1, &["----", "------", "-----------------", "------------------", "------", "-------"]);
    for condition in conditions {
        let at = |path: &str| str_at(condition, path);
        w.text(
            1,
            &format!(
                "{} \t{} \t{} \t{} \t{} \t{}\n",
                at("type"),
                at("status"),
                date(at("lastHeartbeatTime")),
                date(at("lastTransitionTime")),
                at("reason"),
                at("message")
            ),
        );
    }
}

fn system_info(w: &mut Writer, node: &Value) {
    w.text(0, "System Info:\n");
    for (title, path) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
        ("Kube-Proxy Version", "kubeProxyVersion"),
    ] {
        w.row(1, title, str_at(field(node, "status.nodeInfo"), path));
    }
}

fn pods(w: &mut Writer, node: &Value, around: Around) {
    let pods: Vec<&Object> = around
        .store
        .list(Kind::Pod)
        .filter(|pod| str_at(pod, "spec.nodeName") == name(node))
        .filter(|pod| !matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed"))
        .collect();
    let mut allocatable = amounts(node, "status.allocatable");
    if allocatable.is_empty() {
        allocatable = amounts(node, "status.capacity");
    }
    w.row(0, "Non-terminated Pods", format!("({} in total)", pods.len()));
    let titles = ["CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits"];
    w.text(1, &format!("Namespace\tName\t\t{}\tAge\n", titles.join("\t")));
    w.text(1, &format!("---------\t----\t\t{}\t---\n", titles.map(|title| "-".repeat(title.len())).join("\t")));
    let (mut all_requests, mut all_limits) = (Amounts::new(), Amounts::new());
    for pod in pods {
        let (requests, limits) = (pod_amounts(pod, "requests"), pod_amounts(pod, "limits"));
        let cell = |of: &Amounts, resource: &str| share(get(of, resource), get(&allocatable, resource), resource);
        let cells = [cell(&requests, "cpu"), cell(&limits, "cpu"), cell(&requests, "memory"), cell(&limits, "memory")];
        let age = since(str_at(pod, "metadata.creationTimestamp"), around.now);
        w.text(1, &format!("{}\t{}\t\t{}\t{age}\n", namespace(pod), name(pod), cells.join("\t")));
        add(&mut all_requests, &requests);
        add(&mut all_limits, &limits);
    }
    w.text(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n");
    w.cells(1, &["Resource", "Requests", "Limits"]);
    w.cells(1, &["--------", "--------", "------"]);
    let huge_pages = allocatable.keys().filter(|resource| resource.starts_with("hugepages-"));
    for resource in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(huge_pages.map(String::as_str)) {
        let cell = |of: &Amounts| share(get(of, resource), get(&allocatable, resource), resource);
        w.cells(1, &[resource, &cell(&all_requests), &cell(&all_limits)]);
    }
    let standard = |resource: &str| {
        ["cpu", "memory", "ephemeral-storage", "pods"].contains(&resource) || resource.starts_with("hugepages-")
    };
    for resource in allocatable.keys().filter(|resource| !standard(resource)) {
        let (requests, limits) = (get(&all_requests, resource), get(&all_limits, resource));
        w.cells(1, &[resource, &requests.to_string(), &limits.to_string()]);
    }
}

/// `100m (5%)`; CPU is compared in thousandths.
fn share(amount: Quantity, of: Quantity, resource: &str) -> String {
    let value = |quantity: Quantity| if resource == "cpu" { quantity.milli_value() } else { quantity.value() };
    let percent = if value(of) == 0 { 0 } else { (value(amount) as f64 / value(of) as f64 * 100.0) as i64 };
    format!("{amount} ({percent}%)")
}

fn get(amounts: &Amounts, resource: &str) -> Quantity {
    amounts.get(resource).copied().unwrap_or(Quantity::whole(0))
}

fn add(to: &mut Amounts, amounts: &Amounts) {
    for (resource, amount) in amounts {
        let sum = to.get(resource).map_or(*amount, |sum| sum.plus(*amount));
        to.insert(resource.clone(), sum);
    }
}

fn raise(to: &mut Amounts, amounts: &Amounts) {
    for (resource, amount) in amounts {
        if to.get(resource).is_none_or(|at| amount > at) {
            to.insert(resource.clone(), *amount);
        }
    }
}

/// The quantities of a resource list.
fn amounts(object: &Value, path: &str) -> Amounts {
    let read = |value: &Value| match value {
        Value::String(text) => quantity::parse(text).ok(),
        number => quantity::parse(&number.to_string()).ok(),
    };
    entries(object, path).filter_map(|(resource, value)| Some((resource.to_owned(), read(value)?))).collect()
}

/// What a pod asks for or is limited to: its containers together, or its hungriest init container.
fn pod_amounts(pod: &Value, which: &str) -> Amounts {
    let path = format!("resources.{which}");
    let mut total = Amounts::new();
    for container in items(pod, "spec.containers") {
        add(&mut total, &amounts(container, &path));
    }
    let (mut sidecars, mut hungriest) = (Amounts::new(), Amounts::new());
    for container in items(pod, "spec.initContainers") {
        let mut needs = amounts(container, &path);
        if str_at(container, "restartPolicy") == "Always" {
            add(&mut total, &needs);
            add(&mut sidecars, &needs);
            needs = sidecars.clone();
        } else {
            add(&mut needs, &sidecars);
        }
        raise(&mut hungriest, &needs);
    }
    raise(&mut total, &hungriest);
    let mut overhead = amounts(pod, "spec.overhead");
    if which == "limits" {
        overhead.retain(|resource, _| total.get(resource).is_some_and(|limit| !limit.is_zero()));
    }
    add(&mut total, &overhead);
    total
}

/// What a variable that refers to a container's own resources shows.
pub fn resource_value(container: &Value, reference: &Value) -> String {
    let resource = str_at(reference, "resource");
    let Some((which, name)) = resource.split_once('.') else { return String::new() };
    let known = ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
    if !known || !["limits", "requests"].contains(&which) {
        return String::new();
    }
    let amount = get(&amounts(container, &format!("resources.{which}")), name);
    let divisor = match field(reference, "divisor") {
        Value::String(text) => quantity::parse(text).ok().filter(|divisor| !divisor.is_zero()),
        _ => None,
    };
    let divisor = divisor.unwrap_or(Quantity::whole(1));
    let value = |quantity: Quantity| if name == "cpu" { quantity.milli_value() } else { quantity.value() };
    let text = ((value(amount) as f64 / value(divisor) as f64).ceil() as i64).to_string();
    if text == "0" && ["limits.cpu", "limits.memory"].contains(&resource) { "node allocatable".into() } else { text }
}
