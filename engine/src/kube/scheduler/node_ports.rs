//! Filter: a host port of the pod must not overlap one that a pod on the node claims: same number and protocol, and
//! the same hostIP or 0.0.0.0 on either side. Only declared ports of pods count; what a process really listens on,
//! NodePorts and kube-proxy do not. Source: `plugins/nodeports`, HostPortInfo in `framework/types.go`.

use super::node_info::NodeInfo;
use super::pod_info::{HostPort, PodInfo};
use super::trace::Reason;

/// The first wanted port that is taken. Who holds it is found when the verdict is printed (`explain`).
pub fn filter(pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    if node.used_ports.is_empty() {
        return Ok(());
    }
    for wanted in &pod.host_ports {
        if let Some(held) = node.port_conflict(wanted) {
            return Err(Reason::PortTaken { wanted: wanted.clone(), held: held.clone(), holder: None });
        }
    }
    Ok(())
}

/// Names the pod that holds the port.
pub fn explain(reason: Reason, node: &NodeInfo) -> Reason {
    match reason {
        Reason::PortTaken { wanted, held, .. } => {
            let holder = node.port_holder(&held).map(|pod| pod.id.clone());
            Reason::PortTaken { wanted, held, holder }
        }
        other => other,
    }
}

/// Whether two sets of host ports could not share a node (the queueing hint for deleted pods).
pub fn overlap(wanted: &[HostPort], held: &[HostPort]) -> bool {
    let any = |port: &HostPort| *port.host_ip == *super::node_info::ANY_HOST_IP;
    wanted.iter().any(|w| {
        held.iter()
            .any(|h| w.port == h.port && w.protocol == h.protocol && (any(w) || any(h) || w.host_ip == h.host_ip))
    })
}
