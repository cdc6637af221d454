//! Filter: a pod that names its node goes nowhere else. Such a pod never comes to this scheduler through its queue;
//! the plugin matters to the kubelet, which asks the same question. Source: `plugins/nodename`.

use super::node_info::NodeInfo;
use super::pod_info::PodInfo;
use super::trace::Reason;

pub fn filter(pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    if pod.node_name.is_empty() || pod.node_name == **node.name() {
        return Ok(());
    }
    Err(Reason::OtherNodeName { wanted: pod.node_name.as_str().into() })
}
