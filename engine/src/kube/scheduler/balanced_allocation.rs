//! Score: how evenly CPU and memory would be used; 100 when both in the same proportion. Skipped for a pod that asks
//! for neither. Source: `plugins/noderesources/balanced_allocation.go`, in Go's float64 arithmetic.

use super::node_info::NodeInfo;
use super::pod_info::PodInfo;

/// `None` when the plugin is skipped.
pub fn score(pod: &PodInfo, node: &NodeInfo) -> Option<i64> {
    let wanted = &pod.requests;
    if wanted.milli_cpu == 0 && wanted.memory == 0 {
        return None;
    }
    let (used, allocatable) = (&node.requested, &node.spec.allocatable);
    let share = |requested: i64, capacity: i64| (capacity != 0).then(|| (requested as f64 / capacity as f64).min(1.0));
    let cpu = share(used.milli_cpu + wanted.milli_cpu, allocatable.milli_cpu);
    let memory = share(used.memory + wanted.memory, allocatable.memory);
    let deviation = match (cpu, memory) {
        (Some(cpu), Some(memory)) => ((cpu - memory) / 2.0).abs(),
        _ => 0.0,
    };
    Some(((1.0 - deviation) * 100.0) as i64)
}
