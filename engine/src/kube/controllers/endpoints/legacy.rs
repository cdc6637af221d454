//! The Endpoints object of a Service: addresses grouped by their ports, ready and not ready ones apart, stopping ones left out.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{ACTOR, Failure, Member, TRIGGER_TIME, client, inherited_labels, target_reference, trigger_time};
use crate::object::{self, field, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
/// Beyond this many addresses the object is cut off.
const ADDRESSES_MAX: usize = 1000;

pub(super) fn sync(world: &mut World, service: &Object, members: &[Member]) -> Result<(), Failure> {
    let subsets = subsets(members);
    let mut labels = inherited_labels(service);
    labels.insert(MANAGED_BY.to_owned(), json!("endpoint-controller"));
    let labels = Value::Object(labels);
    let triggered = trigger_time(service, members);
    match world.store().find(Kind::Endpoints, object::namespace(service), object::name(service)).cloned() {
        None => {
            let mut endpoints = json!({"apiVersion": "v1", "kind": "Endpoints",
                "metadata": {"name": object::name(service), "namespace": object::namespace(service), "labels": labels,
                    "annotations": {TRIGGER_TIME: triggered}}});
            object::set(&mut endpoints, "subsets", subsets);
            client::create(world, ACTOR, Kind::Endpoints, endpoints).map(|_| ())
        }
        Some(found) if *field(&found, "subsets") == subsets && *field(&found, "metadata.labels") == labels => Ok(()),
        Some(found) => {
            let mut changed = (*found).clone();
            object::set(&mut changed, "subsets", subsets);
            changed["metadata"]["labels"] = labels;
            changed["metadata"]["annotations"][TRIGGER_TIME] = json!(triggered);
            client::update(world, ACTOR, Kind::Endpoints, changed).map(|_| ())
        }
    }
}

/// Nobody owns an Endpoints object: it goes when its Service is seen to be gone.
pub(super) fn remove(world: &mut World, service: &Key) -> Result<(), Failure> {
    let key = Key::new(Kind::Endpoints, &service.namespace, &service.name);
    if world.store().get(&key).is_some() { client::delete(world, ACTOR, &key) } else { Ok(()) }
}

/// The subsets, one per set of ports; null when nothing stands behind the Service.
fn subsets(members: &[Member]) -> Value {
    let mut sorted: Vec<&Member> = members.iter().filter(|member| !member.terminating).collect();
    sorted.sort_by_key(|member| (member.ip.parse::<Ipv4Addr>().ok(), object::uid(&member.pod).to_owned()));
    let mut groups: BTreeMap<String, (Vec<Value>, Vec<&Member>)> = BTreeMap::new();
    for member in sorted.into_iter().take(ADDRESSES_MAX) {
        let ports: Vec<Value> = member.ports.iter().map(port).collect();
        groups.entry(json!(ports).to_string()).or_insert_with(|| (ports, Vec::new())).1.push(member);
    }
    if groups.is_empty() {
        return Value::Null;
    }
    let subset = |(ports, members): &(Vec<Value>, Vec<&Member>)| {
        let mut subset = json!({});
        for (name, ready) in [("addresses", true), ("notReadyAddresses", false)] {
            let addresses: Vec<Value> =
                members.iter().filter(|member| member.ready == ready).map(|m| address(m)).collect();
            if !addresses.is_empty() {
                subset[name] = json!(addresses);
            }
        }
        if !ports.is_empty() {
            subset["ports"] = json!(ports);
        }
        subset
    };
    groups.values().map(subset).collect()
}

fn address(member: &Member) -> Value {
    let mut address = json!({"ip": member.ip, "targetRef": target_reference(&member.pod)});
    let node = str_at(&member.pod, "spec.nodeName");
    if !node.is_empty() {
        address["nodeName"] = json!(node);
    }
    address
}

/// An EndpointPort of the old kind has no name when the Service's port has none.
fn port(port: &Value) -> Value {
    let mut port = port.clone();
    if str_at(&port, "name").is_empty() {
        object::set(&mut port, "name", Value::Null);
    }
    port
}
