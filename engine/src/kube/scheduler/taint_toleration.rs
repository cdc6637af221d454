//! Filter: the first NoSchedule or NoExecute taint that the pod does not tolerate turns the node down.
//! Score: fewer untolerated PreferNoSchedule taints are better. Source: `plugins/tainttoleration`,
//! `api/core/v1/toleration.go`.

use super::node_info::{NodeInfo, Taint};
use super::pod_info::{PodInfo, Toleration};
use super::trace::Reason;

/// Empty key, effect or operator match any key, any effect, and `Equal`.
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    (toleration.effect.is_empty() || toleration.effect == *taint.effect)
        && (toleration.key.is_empty() || toleration.key == *taint.key)
        && match toleration.operator.as_str() {
            "" | "Equal" => toleration.value == *taint.value,
            "Exists" => true,
            _ => false,
        }
}

/// The first taint that keeps the pod off the node.
pub fn untolerated<'a>(pod: &PodInfo, taints: &'a [Taint]) -> Option<&'a Taint> {
    let repels = |taint: &&Taint| matches!(&*taint.effect, "NoSchedule" | "NoExecute");
    taints.iter().filter(repels).find(|taint| !pod.tolerations.iter().any(|t| tolerates(t, taint)))
}

pub fn filter(pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    match untolerated(pod, &node.spec.taints) {
        None => Ok(()),
        Some(Taint { key, value, effect }) => {
            Err(Reason::Taint { key: key.clone(), value: value.clone(), effect: effect.clone() })
        }
    }
}

/// How many PreferNoSchedule taints the pod does not tolerate; normalised in reverse.
pub fn score(pod: &PodInfo, node: &NodeInfo) -> i64 {
    let relevant = |t: &&Toleration| t.effect.is_empty() || t.effect == "PreferNoSchedule";
    let tolerated = |taint: &Taint| pod.tolerations.iter().filter(relevant).any(|t| tolerates(t, taint));
    let soft = node.spec.taints.iter().filter(|taint| &*taint.effect == "PreferNoSchedule");
    soft.filter(|taint| !tolerated(taint)).count() as i64
}
