//! Which nodes use which host ports, so that a pod which finds its port taken on thousands of nodes is told so quickly.
//!
//! Holds no more than the nodes' own `used_ports` say, turned round: a bit for each node, for each port. It answers only
//! for plain nodes (schedulable, without taints), where nothing that is asked before NodePorts could object.

use super::node_info::{ANY_HOST_IP, NodeInfo};
use super::pod_info::{HostPort, PodInfo};
use super::trace::Reason;
use std::collections::BTreeMap;

/// A set of positions in the cluster's list of nodes.
#[derive(Clone, Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn set(&mut self, at: usize, on: bool) {
        if self.0.len() <= at / 64 {
            self.0.resize(at / 64 + 1, 0);
        }
        let bit = 1 << (at % 64);
        if on { self.0[at / 64] |= bit } else { self.0[at / 64] &= !bit }
    }
}

/// Nodes by port.
#[derive(Clone, Debug, Default)]
pub struct PortIndex {
    plain: Bits,
    used: BTreeMap<HostPort, Bits>,
}

/// The ports that one pod wants, with those in use that overlap them.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    plain: &'a Bits,
    overlapping: Vec<(HostPort, HostPort, &'a Bits)>,
}

impl PortIndex {
    /// A node is new or changed.
    pub fn set_node(&mut self, at: usize, node: &NodeInfo) {
        self.plain.set(at, !node.spec.unschedulable && node.spec.taints.is_empty());
        self.set_ports(at, node, &node.used_ports);
    }

    /// Takes over whether the node uses these ports.
    pub fn set_ports(&mut self, at: usize, node: &NodeInfo, ports: &[HostPort]) {
        for port in ports {
            let on = node.used_ports.binary_search(port).is_ok();
            self.used.entry(port.clone()).or_default().set(at, on);
        }
    }

    /// Prepares the questions about one pod; `None` when other filters may object before NodePorts.
    pub fn wanted(&self, pod: &PodInfo) -> Option<Wanted<'_>> {
        let free = pod.node_selector.is_none() && pod.node_terms.is_none() && pod.node_name.is_empty();
        if !free || pod.host_ports.is_empty() {
            return None;
        }
        let mut overlapping = Vec::new();
        for wanted in &pod.host_ports {
            let any = |ip: &str| ip == ANY_HOST_IP;
            let first = HostPort { host_ip: "".into(), ..wanted.clone() };
            let same =
                self.used.range(first..).take_while(|(p, _)| (p.port, p.protocol) == (wanted.port, wanted.protocol));
            for (held, bits) in same {
                if any(&wanted.host_ip) || any(&held.host_ip) || wanted.host_ip == held.host_ip {
                    overlapping.push((wanted.clone(), held.clone(), bits));
                }
            }
        }
        Some(Wanted { plain: &self.plain, overlapping })
    }
}

impl Wanted<'_> {
    /// Why the node at this position has no free port; `None` if it may have, and must be asked itself.
    pub fn taken(&self, at: usize) -> Option<Reason> {
        if !self.plain.has(at) {
            return None;
        }
        let (wanted, held, _) = self.overlapping.iter().find(|(_, _, bits)| bits.has(at))?;
        Some(Reason::PortTaken { wanted: wanted.clone(), held: held.clone(), holder: None })
    }
}
