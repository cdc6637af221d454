//! Filter: number of pods, CPU, memory, ephemeral storage and extended resources must fit into what is allocatable
//! less what pods on the node ask for. Score (LeastAllocated): the free share of CPU and memory, both of weight 1,
//! in Go's integer arithmetic. Source: `plugins/noderesources/{fit,least_allocated,resource_allocation}.go`.

use super::node_info::NodeInfo;
use super::pod_info::PodInfo;
use super::resources::Resources;
use super::trace::{Insufficient, Reason};

pub fn filter(pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    let missing = too_little(pod, node);
    if missing.is_empty() { Ok(()) } else { Err(Reason::TooLittle(missing)) }
}

fn too_little(pod: &PodInfo, node: &NodeInfo) -> Vec<Insufficient> {
    let (allocatable, used, wanted) = (&node.spec.allocatable, &node.requested, &pod.requests);
    let mut missing = Vec::new();
    let mut check = |resource: &str, wanted: i64, used: i64, allocatable: i64| {
        if wanted > 0 && wanted > allocatable - used {
            missing.push(Insufficient { resource: resource.into(), wanted, used, allocatable });
        }
    };
    check("pods", 1, node.pods.len() as i64, allocatable.pods);
    check("cpu", wanted.milli_cpu, used.milli_cpu, allocatable.milli_cpu);
    check("memory", wanted.memory, used.memory, allocatable.memory);
    check("ephemeral-storage", wanted.ephemeral_storage, used.ephemeral_storage, allocatable.ephemeral_storage);
    for (name, amount) in &wanted.scalar {
        check(name, *amount, used.scalar(name), allocatable.scalar(name));
    }
    missing
}

/// Whether the empty node could take the pod (the queueing hint for nodes that come or change).
pub fn fits_empty(pod: &PodInfo, allocatable: &Resources) -> bool {
    let wanted = &pod.requests;
    allocatable.pods >= 1
        && wanted.milli_cpu <= allocatable.milli_cpu
        && wanted.memory <= allocatable.memory
        && wanted.ephemeral_storage <= allocatable.ephemeral_storage
        && wanted.scalar.iter().all(|(name, amount)| *amount <= allocatable.scalar(name))
}

pub fn score(pod: &PodInfo, node: &NodeInfo) -> i64 {
    let allocatable = &node.spec.allocatable;
    let rows =
        [(node.non_zero.0 + pod.scored.0, allocatable.milli_cpu), (node.non_zero.1 + pod.scored.1, allocatable.memory)];
    let (mut sum, mut counted) = (0, 0);
    for (requested, capacity) in rows.into_iter().filter(|(_, capacity)| *capacity != 0) {
        sum += free_share(requested, capacity);
        counted += 1;
    }
    if counted == 0 { 0 } else { sum / counted }
}

fn free_share(requested: i64, capacity: i64) -> i64 {
    if requested > capacity { 0 } else { (capacity - requested) * 100 / capacity }
}
