//! The scheduling framework: which plugin is asked when, and what becomes of its answer.
//!
//! Source: `pkg/scheduler/framework/runtime/framework.go` and the default profile (`apis/config/v1/default_plugins.go`):
//! filters in the order of `Plugin::FILTERS`, the first that objects decides; scores are normalised to 0..100 per
//! plugin and weighted. Volume plugins and DynamicResources pass everything here, because the lab has no volumes or
//! devices to be scarce.

use super::cluster::Cluster;
use super::node_info::NodeInfo;
use super::pod_info::PodInfo;
use super::trace::{NodeScore, Plugin, Reason};
use super::{
    balanced_allocation, image_locality, inter_pod_affinity, node_affinity, node_name, node_ports, node_resources_fit,
    node_unschedulable, pod_topology_spread, taint_toleration,
};
use std::rc::Rc;

/// What the stateful filters counted for one pod. A clone is the ground for a thought experiment.
#[derive(Clone, Debug)]
pub struct Cycle {
    spread: Option<pod_topology_spread::PreFilter>,
    affinity: Option<inter_pod_affinity::PreFilter>,
}

/// Counts once what the filters need; a plugin with nothing to say is skipped from here on.
pub fn pre_filter(cluster: &Cluster, pod: &PodInfo) -> Cycle {
    Cycle {
        spread: pod_topology_spread::pre_filter(cluster, pod),
        affinity: inter_pod_affinity::pre_filter(cluster, pod),
    }
}

impl Cycle {
    /// Supposes that `other` came to the node (`sign` 1) or left it (-1).
    pub fn update(&mut self, pod: &PodInfo, other: &PodInfo, node: &NodeInfo, sign: i64) {
        if let Some(spread) = &mut self.spread {
            spread.update(pod, other, node, sign);
        }
        if let Some(affinity) = &mut self.affinity {
            affinity.update(pod, other, node, sign);
        }
    }
}

/// Asks the filters in order.
pub fn run_filters(cycle: &Cycle, pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    node_unschedulable::filter(pod, node)?;
    node_name::filter(pod, node)?;
    taint_toleration::filter(pod, node)?;
    node_affinity::filter(pod, node)?;
    node_ports::filter(pod, node)?;
    node_resources_fit::filter(pod, node)?;
    if let Some(spread) = &cycle.spread {
        pod_topology_spread::filter(spread, pod, node)?;
    }
    if let Some(affinity) = &cycle.affinity {
        inter_pod_affinity::filter(affinity, pod, node)?;
    }
    Ok(())
}

/// Asks the filters with the pods of equal or higher priority that are nominated to the node, and again without:
/// they may come or not, and the pod must fit either way.
pub fn run_filters_with_nominated(
    cluster: &Cluster,
    cycle: &Cycle,
    pod: &PodInfo,
    node: &NodeInfo,
) -> Result<(), Reason> {
    let nominated = cluster.nominated(node.name());
    let yields_to = |other: &&Rc<PodInfo>| other.priority >= pod.priority && other.id != pod.id;
    if nominated.iter().any(|other| yields_to(&other)) {
        let (mut cycle, mut node) = (cycle.clone(), node.clone());
        for other in nominated.iter().filter(yields_to) {
            node.add_pod(other);
            cycle.update(pod, other, &node, 1);
        }
        run_filters(&cycle, pod, &node)?;
    }
    run_filters(cycle, pod, node)
}

/// Scores of the feasible nodes, in their order: what each plugin gave after weighting, and the totals.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    pub nodes: Vec<Rc<str>>,
    columns: Vec<(Plugin, Vec<i64>)>,
    pub totals: Vec<i64>,
}

impl Scores {
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What each plugin gave the node at this place.
    pub fn row(&self, at: usize) -> NodeScore {
        let plugins = self.columns.iter().map(|(plugin, scores)| (*plugin, scores[at])).collect();
        NodeScore { node: self.nodes[at].clone(), plugins, total: self.totals[at] }
    }

    pub fn rows(&self) -> impl Iterator<Item = NodeScore> {
        (0..self.nodes.len()).map(|at| self.row(at))
    }

    /// The best nodes, equals in their order.
    pub fn best(&self, count: usize) -> Vec<NodeScore> {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|at| -self.totals[*at]);
        order.into_iter().take(count).map(|at| self.row(at)).collect()
    }
}

/// Asks the scoring plugins that have something to say about the pod.
pub fn run_scores(cluster: &Cluster, pod: &PodInfo, nodes: &[&NodeInfo]) -> Scores {
    let names = nodes.iter().map(|node| node.name().clone()).collect();
    let mut scores = Scores { nodes: names, columns: Vec::new(), totals: vec![0; nodes.len()] };
    let each = |score: &dyn Fn(&NodeInfo) -> i64| -> Vec<i64> { nodes.iter().map(|node| score(node)).collect() };
    let mut add = |plugin: Plugin, weight: i64, mut column: Vec<i64>| {
        for (score, total) in column.iter_mut().zip(&mut scores.totals) {
            *score *= weight;
            *total += *score;
        }
        scores.columns.push((plugin, column));
    };
    let mut taints = each(&|node| taint_toleration::score(pod, node));
    normalise(&mut taints, true);
    add(Plugin::TaintToleration, 3, taints);
    if pod.preferred_nodes.is_some() {
        let mut preferred = each(&|node| node_affinity::score(pod, node).unwrap_or(0));
        normalise(&mut preferred, false);
        add(Plugin::NodeAffinity, 2, preferred);
    }
    add(Plugin::NodeResourcesFit, 1, each(&|node| node_resources_fit::score(pod, node)));
    if let Some(state) = pod_topology_spread::pre_score(cluster, pod, nodes) {
        let mut spread = each(&|node| state.score(pod, node));
        state.normalise(nodes, &mut spread);
        add(Plugin::PodTopologySpread, 2, spread);
    }
    if let Some(state) = inter_pod_affinity::pre_score(cluster, pod) {
        let mut affinity = each(&|node| state.score(node));
        inter_pod_affinity::PreScore::normalise(&mut affinity);
        add(Plugin::InterPodAffinity, 2, affinity);
    }
    if nodes.iter().any(|node| balanced_allocation::score(pod, node).is_some()) {
        let balanced = each(&|node| balanced_allocation::score(pod, node).unwrap_or(0));
        add(Plugin::NodeResourcesBalancedAllocation, 1, balanced);
    }
    add(Plugin::ImageLocality, 1, each(&|node| image_locality::score(cluster, pod, node)));
    scores
}

/// Scales to 0..100 by the largest, or in reverse (`plugins/helper/normalize_score.go`).
fn normalise(scores: &mut [i64], reverse: bool) {
    let most = scores.iter().copied().max().unwrap_or(0).max(0);
    for score in scores {
        let scaled = if most == 0 { 0 } else { 100 * *score / most };
        *score = if reverse { 100 - scaled } else { scaled };
    }
}
