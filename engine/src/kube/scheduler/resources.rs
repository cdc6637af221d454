//! What a pod asks for, in the units the scheduler counts in.
//!
//! Source: component-helpers `resource/helpers.go` (PodRequests), `pkg/scheduler/framework/types.go` (Resource).
//! Containers add up; an init container counts by its maximum together with the sidecars started before it; a
//! sidecar (an init container with restartPolicy Always) also adds to the containers; requests of the pod itself
//! replace those of its containers for cpu, memory and huge pages; overhead comes on top. A running container
//! counts with the larger of what it asks for and what its status says it was given (in-place resize).

use crate::kube::quantity::{self, Quantity};
use serde_json::Value;
use std::collections::BTreeMap;

/// Amounts by resource name, exact.
pub type ResourceList = BTreeMap<String, Quantity>;

/// What a container that names no CPU or memory is taken to use when nodes are scored.
pub const DEFAULT_MILLI_CPU: i64 = 100;
pub const DEFAULT_MEMORY_BYTES: i64 = 200 * 1024 * 1024;

/// Amounts as the scheduler adds them: thousandths of a CPU, bytes, and whole units of everything else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    pub milli_cpu: i64,
    pub memory: i64,
    pub ephemeral_storage: i64,
    pub pods: i64,
    pub scalar: BTreeMap<String, i64>,
}

impl Resources {
    pub fn from_list(list: &ResourceList) -> Resources {
        let mut all = Resources::default();
        for (name, quantity) in list {
            match name.as_str() {
                "cpu" => all.milli_cpu = quantity.milli_value(),
                "memory" => all.memory = quantity.value(),
                "ephemeral-storage" => all.ephemeral_storage = quantity.value(),
                "pods" => all.pods = quantity.value(),
                scalar if is_scalar(scalar) => {
                    all.scalar.insert(scalar.to_string(), quantity.value());
                }
                _ => {}
            }
        }
        all
    }

    /// Adds `sign` times `other` (1 when a pod comes, -1 when it goes).
    pub fn add(&mut self, other: &Resources, sign: i64) {
        self.milli_cpu += sign * other.milli_cpu;
        self.memory += sign * other.memory;
        self.ephemeral_storage += sign * other.ephemeral_storage;
        for (name, amount) in &other.scalar {
            *self.scalar.entry(name.clone()).or_default() += sign * amount;
        }
    }

    pub fn scalar(&self, name: &str) -> i64 {
        self.scalar.get(name).copied().unwrap_or(0)
    }
}

/// Extended resources, huge pages, attachable volumes and prefixed native names.
fn is_scalar(name: &str) -> bool {
    let extended = name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.");
    extended
        || name.starts_with("hugepages-")
        || name.starts_with("attachable-volumes-")
        || name.contains("kubernetes.io/")
}

/// Reads a map of quantities; amounts that cannot be read count as absent (the API server refuses them).
pub fn resource_list(value: &Value) -> ResourceList {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(name, amount)| Some((name.clone(), amount_of(amount)?))).collect()
}

fn amount_of(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => quantity::parse(text).ok(),
        Value::Number(number) => quantity::parse(&number.to_string()).ok(),
        _ => None,
    }
}

/// What the pod asks for.
pub fn pod_requests(pod: &Value) -> ResourceList {
    requests(pod, &ResourceList::new(), true)
}

/// CPU (thousandths) and memory (bytes) that scoring counts: containers that name none get the defaults.
pub fn non_zero_requests(pod: &Value, named: &ResourceList) -> (i64, i64) {
    let pod_level = resource_list(&pod["spec"]["resources"]["requests"]).keys().any(|name| is_pod_level(name));
    let mut missing = ResourceList::new();
    if !pod_level || !named.contains_key("cpu") {
        missing.insert("cpu".to_string(), Quantity::milli(DEFAULT_MILLI_CPU));
    }
    if !pod_level || !named.contains_key("memory") {
        missing.insert("memory".to_string(), Quantity::whole(DEFAULT_MEMORY_BYTES));
    }
    let all = requests(pod, &missing, true);
    (all.get("cpu").map_or(0, |q| q.milli_value()), all.get("memory").map_or(0, |q| q.value()))
}

/// CPU and memory of the pod for scoring by free room: as its containers ask, with the defaults. In 1.34.0 this score
/// does not look at requests of the pod itself.
pub fn scored_requests(pod: &Value) -> (i64, i64) {
    let mut missing = ResourceList::new();
    missing.insert("cpu".to_string(), Quantity::milli(DEFAULT_MILLI_CPU));
    missing.insert("memory".to_string(), Quantity::whole(DEFAULT_MEMORY_BYTES));
    let all = requests(pod, &missing, false);
    (all.get("cpu").map_or(0, |q| q.milli_value()), all.get("memory").map_or(0, |q| q.value()))
}

fn is_pod_level(name: &str) -> bool {
    name == "cpu" || name == "memory" || name.starts_with("hugepages-")
}

/// What the containers ask for together, without requests of the pod itself and without overhead.
pub fn container_totals(pod: &Value, missing: &ResourceList) -> ResourceList {
    let spec = &pod["spec"];
    let mut total = ResourceList::new();
    for container in spec["containers"].as_array().into_iter().flatten() {
        add(&mut total, &container_requests(pod, container, true, missing));
    }
    let (mut sidecars, mut largest) = (ResourceList::new(), ResourceList::new());
    for container in spec["initContainers"].as_array().into_iter().flatten() {
        let sidecar = container["restartPolicy"] == "Always";
        let mut wanted = container_requests(pod, container, sidecar, missing);
        if sidecar {
            add(&mut total, &wanted);
            add(&mut sidecars, &wanted);
            wanted = sidecars.clone();
        } else {
            add(&mut wanted, &sidecars);
        }
        raise(&mut largest, &wanted);
    }
    raise(&mut total, &largest);
    total
}

fn requests(pod: &Value, missing: &ResourceList, pod_level: bool) -> ResourceList {
    let spec = &pod["spec"];
    let mut total = container_totals(pod, missing);
    for (name, amount) in resource_list(&spec["resources"]["requests"]) {
        if pod_level && is_pod_level(&name) {
            total.insert(name, amount);
        }
    }
    add(&mut total, &resource_list(&spec["overhead"]));
    total
}

fn container_requests(pod: &Value, container: &Value, resizable: bool, missing: &ResourceList) -> ResourceList {
    let mut wanted = resource_list(&container["resources"]["requests"]);
    let status = &pod["status"];
    let mut statuses = ["containerStatuses", "initContainerStatuses"]
        .iter()
        .flat_map(|list| status[*list].as_array().into_iter().flatten());
    let own = statuses.find(|s| s["name"] == container["name"] && s["resources"].is_object());
    if let Some(own) = own.filter(|_| resizable) {
        let conditions = status["conditions"].as_array().into_iter().flatten();
        if conditions.into_iter().any(|c| c["type"] == "PodResizePending" && c["reason"] == "Infeasible") {
            wanted.clear();
        }
        raise(&mut wanted, &resource_list(&own["resources"]["requests"]));
        raise(&mut wanted, &resource_list(&own["allocatedResources"]));
    }
    for (name, amount) in missing {
        wanted.entry(name.clone()).or_insert(*amount);
    }
    wanted
}

fn add(total: &mut ResourceList, more: &ResourceList) {
    for (name, amount) in more {
        total.entry(name.clone()).and_modify(|sum| *sum = sum.plus(*amount)).or_insert(*amount);
    }
}

fn raise(total: &mut ResourceList, floor: &ResourceList) {
    for (name, amount) in floor {
        total
            .entry(name.clone())
            .and_modify(|most| {
                if *amount > *most {
                    *most = *amount
                }
            })
            .or_insert(*amount);
    }
}
