//! Cluster IPs and node ports: taken from their ranges, refused when taken or outside.
//!
//! Source: `pkg/registry/core/service/{storage,ipallocator,portallocator}`. What is taken is read from the Services in the store,
//! so that going back in time needs nothing more. A dynamic choice comes from the upper part of a range, at random, as since 1.29.
//! Leaves out: IPv6 and dual stack, which kind's cluster is not configured for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::kube::api::field::{FieldError, Path, invalid};
use crate::kube::api::validation::service::{is_headless, needs_health_check, validate_cluster_ips};
use crate::kube::api::{Reason, Status};
use crate::object::{bool_at, field, int_at, items, name, set, str_at};
use crate::store::Kind;
use crate::world::World;

/// 10.96.0.0/16: the network, and how many addresses lie in it.
const CLUSTER_IPS: (u32, u32) = (u32::from_be_bytes([10, 96, 0, 0]), 65536);
/// The addresses at the start of the range that are chosen only when the rest is used up.
const CLUSTER_IPS_STATIC: u32 = 256;
const NODE_PORTS: (i64, i64) = (30000, 32767);
/// The first port that is chosen dynamically while one is free.
const NODE_PORTS_DYNAMIC: i64 = 30086;

/// Gives a new Service its IP family, cluster IP and node ports.
pub fn for_create(world: &mut World, service: &mut Value) -> Result<(), Status> {
    if !str_at(service, "spec.clusterIP").is_empty() && items(service, "spec.clusterIPs").is_empty() {
        let ip = str_at(service, "spec.clusterIP").to_owned();
        set(service, "spec.clusterIPs", json!([ip]));
    }
    set_ip_family(service)?;
    allocate_cluster_ip(world, service, "")?;
    init_node_ports(world, service)?;
    allocate_health_check(world, service, &Value::Null)
}

/// The same for a changed one, which keeps what it has.
pub fn for_update(world: &mut World, service: &mut Value, old: &Value) -> Result<(), Status> {
    set_ip_family(service)?;
    // An address is for life: what asks for another one is refused by validation.
    if items(old, "spec.clusterIPs").is_empty() {
        allocate_cluster_ip(world, service, name(old))?;
    }
    update_node_ports(world, service, old)?;
    allocate_health_check(world, service, old)
}

fn refused(service: &Value, error: FieldError) -> Status {
    Status::invalid(Kind::Service, name(service), &[error])
}

fn is_type(service: &Value, types: &[&str]) -> bool {
    types.contains(&str_at(service, "spec.type"))
}

fn needs_node_ports(service: &Value) -> bool {
    is_type(service, &["NodePort", "LoadBalancer"])
}

/// Whether `text` is an IPv6 address rather than an IPv4 one.
fn family_of(text: &str) -> &'static str {
    if text.contains(':') { "IPv6" } else { "IPv4" }
}

/// `ipFamilyPolicy` and `ipFamilies` of a cluster that has IPv4 only.
fn set_ip_family(service: &mut Value) -> Result<(), Status> {
    if is_type(service, &["ExternalName"]) {
        return Ok(());
    }
    let spec = Path::new("spec");
    let selectorless = str_at(service, "spec.clusterIP") == "None" && items_of_map(service, "spec.selector") == 0;
    if field(service, "spec.ipFamilyPolicy").is_null() {
        set(service, "spec.ipFamilyPolicy", if selectorless { "RequireDualStack" } else { "SingleStack" });
    }
    let errors = validate_cluster_ips(service, &spec);
    if !errors.is_empty() {
        return Err(Status::invalid(Kind::Service, name(service), &errors));
    }
    let policy = str_at(service, "spec.ipFamilyPolicy").to_owned();
    let mut families: Vec<String> =
        items(service, "spec.ipFamilies").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let ips: Vec<String> =
        items(service, "spec.clusterIPs").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for (index, ip) in ips.iter().enumerate().filter(|(_, ip)| *ip != "None") {
        if index >= families.len() {
            if family_of(ip) == "IPv6" {
                let why = "IPv6 is not configured on this cluster";
                return Err(refused(service, invalid(&spec.child("clusterIPs").index(index), json!(ips), why)));
            }
            families.push("IPv4".to_owned());
        }
    }
    if policy == "SingleStack" && families.len() == 2 {
        let why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified";
        return Err(refused(service, invalid(&spec.child("ipFamilyPolicy"), policy, why)));
    }
    if selectorless {
        if families.is_empty() {
            families.push("IPv4".to_owned());
        }
        if families.len() < 2 && policy != "SingleStack" {
            families.push(if families[0] == "IPv4" { "IPv6" } else { "IPv4" }.to_owned());
        }
    } else {
        if policy == "RequireDualStack" {
            let why = "this cluster is not configured for dual-stack services";
            return Err(refused(service, invalid(&spec.child("ipFamilyPolicy"), policy, why)));
        }
        if let Some(index) = families.iter().position(|family| family != "IPv4") {
            let path = spec.child("ipFamilies").index(index);
            return Err(refused(service, invalid(&path, families[index].clone(), "not configured on this cluster")));
        }
        if families.is_empty() {
            families.push("IPv4".to_owned());
        }
    }
    set(service, "spec.ipFamilies", json!(families));
    Ok(())
}

fn items_of_map(object: &Value, path: &str) -> usize {
    field(object, path).as_object().map_or(0, serde_json::Map::len)
}

/// The addresses of all Services but the one of this namespace and name.
fn taken_ips(world: &World, place: &str, except: &str) -> BTreeSet<u32> {
    let others = world
        .store()
        .list(Kind::Service)
        .filter(|service| name(service) != except || crate::object::namespace(service) != place);
    let ips = others.flat_map(|service| items(service, "spec.clusterIPs").iter());
    ips.filter_map(|ip| ip.as_str()?.parse::<Ipv4Addr>().ok()).map(u32::from).collect()
}

fn allocate_cluster_ip(world: &mut World, service: &mut Value, own: &str) -> Result<(), Status> {
    if is_type(service, &["ExternalName"]) || is_headless(service) {
        return Ok(());
    }
    let taken = taken_ips(world, crate::object::namespace(service), own);
    let asked: Vec<Value> = items(service, "spec.clusterIPs").to_vec();
    if let Some(ip) = asked.first().and_then(Value::as_str) {
        let Ok(address) = ip.parse::<Ipv4Addr>().map(u32::from) else { return Ok(()) };
        let fail = |why: &str| {
            let error =
                invalid(&Path::new("spec.clusterIPs"), json!(asked), &format!("failed to allocate IP {ip}: {why}"));
            Err(refused(service, error))
        };
        // The first and the last address of the range are not handed out.
        let offset = address.wrapping_sub(CLUSTER_IPS.0);
        if offset == 0 || offset >= CLUSTER_IPS.1 - 1 {
            return fail("the provided network does not match the current range");
        }
        if taken.contains(&address) {
            return fail("provided IP is already allocated");
        }
        set(service, "spec.clusterIP", ip);
        return Ok(());
    }
    let upper = CLUSTER_IPS.1 - 1 - CLUSTER_IPS_STATIC;
    let start = world.random(upper);
    let dynamic = (0..upper).map(|step| CLUSTER_IPS_STATIC + (start + step) % upper);
    let found =
        dynamic.chain(1..CLUSTER_IPS_STATIC).map(|offset| CLUSTER_IPS.0 + offset).find(|ip| !taken.contains(ip));
    let Some(found) = found else {
        return Err(Status::internal("failed to allocate a serviceIP: range is full"));
    };
    let ip = Ipv4Addr::from(found).to_string();
    set(service, "spec.clusterIP", ip.clone());
    set(service, "spec.clusterIPs", json!([ip]));
    Ok(())
}

/// The node ports (and health check ports) of all Services.
fn taken_ports(world: &World) -> BTreeSet<i64> {
    let services = world.store().list(Kind::Service);
    let health = |service: &Value| int_at(service, "spec.healthCheckNodePort").filter(|port| *port != 0);
    services.flat_map(|service| listed_ports(service).into_iter().chain(health(service))).collect()
}

/// The node ports of its list of ports.
fn listed_ports(service: &Value) -> BTreeSet<i64> {
    items(service, "spec.ports").iter().filter_map(|port| int_at(port, "nodePort")).filter(|port| *port != 0).collect()
}

fn not_to_be_had(service: &Value, index: usize, port: i64, why: &str) -> Status {
    refused(service, invalid(&Path::new("spec.ports").index(index).child("nodePort"), port, why))
}

/// Whether a port of the Service that asks for no node port gets one.
fn wants_node_ports(service: &Value) -> bool {
    !is_type(service, &["LoadBalancer"]) || bool_at(service, "spec.allocateLoadBalancerNodePorts")
}

fn next_or_full(world: &mut World, taken: &mut BTreeSet<i64>, what: &str) -> Result<i64, Status> {
    let chosen = next_node_port(world, taken)
        .ok_or_else(|| Status::internal(&format!("failed to allocate a {what}: range is full")))?;
    taken.insert(chosen);
    Ok(chosen)
}

/// Node ports of a new Service: two protocols of one port share a node port, and one that was asked for counts for both.
fn init_node_ports(world: &mut World, service: &mut Value) -> Result<(), Status> {
    if !needs_node_ports(service) {
        return Ok(());
    }
    let mut taken = taken_ports(world);
    let mut ports: Vec<Value> = items(service, "spec.ports").to_vec();
    let mut by_port: BTreeMap<i64, i64> = BTreeMap::new();
    for index in 0..ports.len() {
        let number = |name: &str| int_at(&ports[index], name).unwrap_or(0);
        let (port, asked) = (number("port"), number("nodePort"));
        if asked == 0 && !wants_node_ports(service) {
            continue;
        }
        let node_port = match (by_port.get(&port).copied(), asked) {
            (Some(shared), 0) => shared,
            (Some(shared), asked) if shared == asked => shared,
            (Some(_), asked) => {
                take(&mut taken, asked).map_err(|why| not_to_be_had(service, index, asked, &why))?;
                asked
            }
            (None, _) => {
                let chosen = match requested_for(port, &ports) {
                    0 => next_or_full(world, &mut taken, "nodePort")?,
                    asked => {
                        take(&mut taken, asked).map_err(|why| not_to_be_had(service, index, asked, &why))?;
                        asked
                    }
                };
                by_port.insert(port, chosen);
                chosen
            }
        };
        set(&mut ports[index], "nodePort", node_port);
    }
    set(service, "spec.ports", ports);
    Ok(())
}

/// Node ports of a changed Service: what it held it may hold on, and no protocol may have one number twice.
fn update_node_ports(world: &mut World, service: &mut Value, old: &Value) -> Result<(), Status> {
    if !needs_node_ports(service) {
        return Ok(());
    }
    let held = listed_ports(old);
    let mut taken = taken_ports(world);
    let mut ports: Vec<Value> = items(service, "spec.ports").to_vec();
    let mut numbers: BTreeSet<i64> = BTreeSet::new();
    let mut pairs: BTreeSet<(String, i64)> = BTreeSet::new();
    for (index, port) in ports.iter_mut().enumerate() {
        let mut node_port = int_at(port, "nodePort").unwrap_or(0);
        if node_port == 0 {
            if !wants_node_ports(service) {
                continue;
            }
            node_port = next_or_full(world, &mut taken, "nodePort")?;
            set(port, "nodePort", node_port);
        } else if !held.contains(&node_port) && numbers.insert(node_port) {
            take(&mut taken, node_port).map_err(|why| not_to_be_had(service, index, node_port, &why))?;
        }
        let protocol = str_at(port, "protocol").to_owned();
        let duplicate = format!("duplicate nodePort: {{{protocol} {node_port}}}");
        if !pairs.insert((protocol, node_port)) {
            return Err(Status { code: 500, reason: Reason::Unknown, ..Status::bad_request(duplicate) });
        }
    }
    set(service, "spec.ports", ports);
    Ok(())
}

/// The port for health checks of a Service that begins to need one.
fn allocate_health_check(world: &mut World, service: &mut Value, old: &Value) -> Result<(), Status> {
    if !needs_health_check(service) || needs_health_check(old) {
        return Ok(());
    }
    let mut taken = taken_ports(world);
    taken.extend(listed_ports(service));
    let asked = int_at(service, "spec.healthCheckNodePort").unwrap_or(0);
    if asked != 0 {
        return take(&mut taken, asked).map_err(|why| {
            Status::internal(&format!("failed to allocate requested HealthCheck NodePort {asked}: {why}"))
        });
    }
    let chosen = next_or_full(world, &mut taken, "HealthCheck NodePort")?;
    set(service, "spec.healthCheckNodePort", chosen);
    Ok(())
}

fn requested_for(port: i64, ports: &[Value]) -> i64 {
    let same = ports.iter().filter(|other| int_at(other, "port") == Some(port));
    same.filter_map(|other| int_at(other, "nodePort")).find(|node_port| *node_port != 0).unwrap_or(0)
}

fn take(taken: &mut BTreeSet<i64>, port: i64) -> Result<(), String> {
    let (low, high) = NODE_PORTS;
    if !(low..=high).contains(&port) {
        return Err(format!("provided port is not in the valid range. The range of valid ports is {low}-{high}"));
    }
    if taken.insert(port) { Ok(()) } else { Err("provided port is already allocated".to_owned()) }
}

fn next_node_port(world: &mut World, taken: &BTreeSet<i64>) -> Option<i64> {
    let count = NODE_PORTS.1 - NODE_PORTS_DYNAMIC + 1;
    let start = i64::from(world.random(count as u32));
    let dynamic = (0..count).map(|step| NODE_PORTS_DYNAMIC + (start + step) % count);
    dynamic.chain(NODE_PORTS.0..NODE_PORTS_DYNAMIC).find(|port| !taken.contains(port))
}

/// Before the validation of an update: what was allocated and is not mentioned stays, what the new type has no use for and was
/// not changed goes.
pub fn keep_allocated(service: &mut Value, old: &Value) {
    drop_by_type(service, old);
    let has_ip = |service: &Value| !is_type(service, &["ExternalName"]);
    if has_ip(old) && has_ip(service) {
        for path in ["spec.ipFamilies", "spec.ipFamilyPolicy"] {
            if field(service, path).is_null() && is_headless(service) == is_headless(old) {
                set(service, path, field(old, path).clone());
            }
        }
        if str_at(service, "spec.clusterIP").is_empty() {
            set(service, "spec.clusterIP", field(old, "spec.clusterIP").clone());
        }
        let same_list = field(service, "spec.clusterIPs") == field(old, "spec.clusterIPs");
        let same_ip = field(service, "spec.clusterIP") == field(old, "spec.clusterIP");
        if items(service, "spec.clusterIPs").is_empty() && same_ip {
            set(service, "spec.clusterIPs", field(old, "spec.clusterIPs").clone());
        } else if !same_ip && same_list {
            let ip = field(service, "spec.clusterIP").clone();
            set(service, "spec.clusterIPs", json!([ip]));
        }
    }
    if needs_node_ports(old) && needs_node_ports(service) {
        keep_node_ports(service, old);
    }
    if needs_health_check(old)
        && needs_health_check(service)
        && int_at(service, "spec.healthCheckNodePort").unwrap_or(0) == 0
    {
        set(service, "spec.healthCheckNodePort", field(old, "spec.healthCheckNodePort").clone());
    }
}

/// A port that names no node port keeps that of the old port of its name, unless another has taken it over.
fn keep_node_ports(service: &mut Value, old: &Value) {
    let used: BTreeSet<i64> = listed_ports(old).intersection(&listed_ports(service)).copied().collect();
    let mut ports = items(service, "spec.ports").to_vec();
    for port in ports.iter_mut().filter(|port| int_at(port, "nodePort").unwrap_or(0) == 0) {
        let before = items(old, "spec.ports").iter().rfind(|other| str_at(other, "name") == str_at(port, "name"));
        let before = before.and_then(|other| int_at(other, "nodePort")).unwrap_or(0);
        if before != 0 && !used.contains(&before) {
            set(port, "nodePort", before);
        }
    }
    set(service, "spec.ports", ports);
}

fn drop_by_type(service: &mut Value, old: &Value) {
    let same = |service: &Value, path: &str| field(service, path) == field(old, path);
    let external = |service: &Value| is_type(service, &["ExternalName"]);
    if !external(old) && external(service) {
        if same(service, "spec.clusterIP") && same(service, "spec.clusterIPs") {
            set(service, "spec.clusterIP", Value::Null);
            set(service, "spec.clusterIPs", Value::Null);
        }
        for path in ["spec.ipFamilies", "spec.ipFamilyPolicy"] {
            if same(service, path) {
                set(service, path, Value::Null);
            }
        }
    }
    let loses_node_ports = needs_node_ports(old) && !needs_node_ports(service);
    if loses_node_ports && listed_ports(old).is_superset(&listed_ports(service)) {
        let mut ports = items(service, "spec.ports").to_vec();
        for port in &mut ports {
            set(port, "nodePort", Value::Null);
        }
        set(service, "spec.ports", ports);
    }
    if needs_health_check(old) && !needs_health_check(service) && same(service, "spec.healthCheckNodePort") {
        set(service, "spec.healthCheckNodePort", Value::Null);
    }
    let balanced = |service: &Value| is_type(service, &["LoadBalancer"]);
    if balanced(old) && !balanced(service) {
        for path in ["spec.allocateLoadBalancerNodePorts", "spec.loadBalancerClass"] {
            if same(service, path) {
                set(service, path, Value::Null);
            }
        }
    }
    if needs_node_ports(old) && !needs_node_ports(service) && same(service, "spec.externalTrafficPolicy") {
        set(service, "spec.externalTrafficPolicy", Value::Null);
    }
    if !balanced(service) {
        set(service, "status.loadBalancer", json!({}));
    }
}
