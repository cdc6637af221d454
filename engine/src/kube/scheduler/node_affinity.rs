//! Filter: nodeSelector and required node affinity. PreFilter: terms that all name nodes by `metadata.name` leave only
//! those nodes to look at. Score: the weights of the preferences that the node meets. Source: `plugins/nodeaffinity`.

use super::node_info::NodeInfo;
use super::pod_info::PodInfo;
use super::selector::{NodeTerm, Operator};
use super::trace::Reason;
use std::collections::BTreeSet;

/// What a pod whose terms contradict themselves is told.
pub const CONFLICT: &str = "pod affinity terms conflict";

/// The nodes that the pod's terms name, if every term names some. Empty: the terms cannot be met.
pub fn named_nodes(pod: &PodInfo) -> Option<BTreeSet<String>> {
    let terms = pod.node_terms.as_ref().filter(|terms| !terms.is_empty())?;
    let mut all = BTreeSet::new();
    for term in terms {
        all.append(&mut names_of(term)?);
    }
    Some(all)
}

fn names_of(term: &NodeTerm) -> Option<BTreeSet<String>> {
    let named = term.fields.iter().filter(|r| r.key == "metadata.name" && r.operator == Operator::In);
    let sets = named.map(|r| r.values.iter().cloned().collect::<BTreeSet<String>>());
    sets.reduce(|a, b| a.intersection(&b).cloned().collect())
}

pub fn filter(pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    if pod.selects_node(node.name(), node.labels()) { Ok(()) } else { Err(Reason::NodeAffinity) }
}

/// Sum of the weights met; `None` when the pod has no preferences and the plugin is skipped.
pub fn score(pod: &PodInfo, node: &NodeInfo) -> Option<i64> {
    let preferred = pod.preferred_nodes.as_ref()?;
    let met = preferred.iter().filter(|(_, term)| term.matches(node.name(), node.labels()));
    Some(met.map(|(weight, _)| weight).sum())
}
