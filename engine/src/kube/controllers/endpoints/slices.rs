//! EndpointSlices: up to 100 endpoints each, one set of slices per set of ports. Endpoints stay where they are when others come
//! and go; a Service without any has one empty slice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ACTOR, Failure, Member, TRIGGER_TIME, client, inherited_labels, target_reference, trigger_time};
use crate::kube::controllers::deployment::controller_reference;
use crate::object::{self, field, items, str_at};
use crate::store::{Key, Kind, Object};
use crate::world::World;

const PER_SLICE_MAX: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";

pub(super) fn sync(world: &mut World, service: &Object, members: &[Member]) -> Result<(), Failure> {
    // By ports, as text: the order of the groups is of no importance, that it is always the same is.
    let mut wanted: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
    for member in members {
        let ports = json!(member.ports);
        let group = wanted.entry(ports.to_string()).or_insert_with(|| (ports, Vec::new()));
        group.1.push(endpoint(world, service, member));
    }
    let mut spare = Vec::new();
    for slice in existing(world, service) {
        match wanted.get_mut(&field(&slice, "ports").to_string()) {
            Some((ports, group)) => {
                let kept = take_known(&slice, group);
                let ports = ports.clone();
                if kept.is_empty() && group.is_empty() {
                    spare.push(slice);
                } else {
                    let mut kept = kept;
                    let room = PER_SLICE_MAX.saturating_sub(kept.len()).min(group.len());
                    kept.extend(group.drain(..room));
                    write(world, service, members, Some(&slice), ports, json!(kept))?;
                }
            }
            None => spare.push(slice),
        }
    }
    for (ports, group) in wanted.into_values() {
        for chunk in group.chunks(PER_SLICE_MAX) {
            let reused = spare.pop();
            write(world, service, members, reused.as_ref(), ports.clone(), json!(chunk))?;
        }
    }
    if members.is_empty() {
        let reused = spare.pop();
        write(world, service, members, reused.as_ref(), Value::Null, Value::Null)?;
    }
    for slice in spare {
        client::delete(world, ACTOR, &Key::of(Kind::EndpointSlice, &slice))?;
    }
    Ok(())
}

/// The slices that this controller keeps for the Service.
fn existing(world: &World, service: &Value) -> Vec<Object> {
    let slices = world.store().list_in(Kind::EndpointSlice, Some(object::namespace(service)));
    slices
        .filter(|slice| object::label(slice, "labels", SERVICE_NAME) == Some(object::name(service)))
        .filter(|slice| object::label(slice, "labels", MANAGED_BY) == Some(MANAGER))
        .filter(|slice| !object::is_terminating(slice))
        .cloned()
        .collect()
}

/// Takes from `wanted` the endpoints that the slice has already, in the slice's order and as they are now.
fn take_known(slice: &Value, wanted: &mut Vec<Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    for old in items(slice, "endpoints") {
        let same = |new: &Value| str_at(new, "targetRef.uid") == str_at(old, "targetRef.uid");
        if let Some(at) = wanted.iter().position(same) {
            kept.push(wanted.remove(at));
        }
    }
    kept
}

fn endpoint(world: &World, service: &Value, member: &Member) -> Value {
    let mut endpoint = json!({"addresses": [member.ip],
        "conditions": {"ready": member.ready, "serving": member.serving, "terminating": member.terminating},
        "targetRef": target_reference(&member.pod)});
    let node = str_at(&member.pod, "spec.nodeName");
    if !node.is_empty() {
        endpoint["nodeName"] = json!(node);
    }
    let node = world.store().find(Kind::Node, "", node);
    if let Some(zone) = node.and_then(|node| object::label(node, "labels", "topology.kubernetes.io/zone")) {
        endpoint["zone"] = json!(zone);
    }
    let hostname = str_at(&member.pod, "spec.hostname");
    if !hostname.is_empty() && str_at(&member.pod, "spec.subdomain") == object::name(service) {
        endpoint["hostname"] = json!(hostname);
    }
    endpoint
}

/// Creates a slice, or changes one if that changes anything.
fn write(
    world: &mut World,
    service: &Object,
    members: &[Member],
    slice: Option<&Object>,
    ports: Value,
    endpoints: Value,
) -> Result<(), Failure> {
    let mut labels = inherited_labels(service);
    labels.insert(SERVICE_NAME.to_owned(), json!(object::name(service)));
    labels.insert(MANAGED_BY.to_owned(), json!(MANAGER));
    let labels = Value::Object(labels);
    let triggered = trigger_time(service, members);
    let Some(slice) = slice else {
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"generateName": format!("{}-", object::name(service)), "namespace": object::namespace(service),
                "labels": labels, "annotations": {TRIGGER_TIME: triggered},
                "ownerReferences": [controller_reference(Kind::Service, service)]},
            "endpoints": endpoints, "ports": ports});
        return client::create(world, ACTOR, Kind::EndpointSlice, slice).map(|_| ());
    };
    if *field(slice, "endpoints") == endpoints
        && *field(slice, "ports") == ports
        && *field(slice, "metadata.labels") == labels
    {
        return Ok(());
    }
    let mut changed = (**slice).clone();
    changed["metadata"]["labels"] = labels;
    changed["metadata"]["annotations"][TRIGGER_TIME] = json!(triggered);
    changed["endpoints"] = endpoints;
    changed["ports"] = ports;
    client::update(world, ACTOR, Kind::EndpointSlice, changed).map(|_| ())
}
