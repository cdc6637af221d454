//! Filter: a cordoned node takes only pods that tolerate `node.kubernetes.io/unschedulable:NoSchedule`.
//! Source: `plugins/nodeunschedulable`.

use super::node_info::{NodeInfo, Taint};
use super::pod_info::PodInfo;
use super::taint_toleration::tolerates;
use super::trace::Reason;

pub fn filter(pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    if !node.spec.unschedulable {
        return Ok(());
    }
    let cordon =
        Taint { key: "node.kubernetes.io/unschedulable".into(), value: "".into(), effect: "NoSchedule".into() };
    if pod.tolerations.iter().any(|toleration| tolerates(toleration, &cordon)) { Ok(()) } else { Err(Reason::Cordoned) }
}
