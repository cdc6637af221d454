//! kube-scheduler 1.34: where does a pod go, and why?
//!
//! The map: `cluster` is the picture it decides on (`node_info`, `pod_info`, `resources`, `selector` are its parts);
//! `framework` asks the plugins, one file each, in the real order; `preemption` looks for room when there is none;
//! `message` writes the FailedScheduling text; `trace` is the record of an attempt, which the page shows.
//! Everything here is a pure function of `Cluster`, pod and the draws given.
//!
//! Source: `pkg/scheduler/schedule_one.go`. Left out: volumes, resource claims, extenders, other profiles.

pub mod case;
pub mod cluster;
pub mod framework;
pub mod message;
pub mod node_info;
pub mod pod_info;
pub mod preemption;
pub mod queue;
pub mod resources;
pub mod selector;
pub mod sort;
pub mod trace;

mod backlog;
mod balanced_allocation;
mod hints;
mod image_locality;
mod inter_pod_affinity;
pub(crate) mod node_affinity;
pub(crate) mod node_name;
pub(crate) mod node_ports;
pub(crate) mod node_resources_fit;
mod node_unschedulable;
mod outcome;
mod pod_topology_spread;
mod port_index;
pub(crate) mod taint_toleration;

use cluster::Cluster;
use framework::{Cycle, Scores, pre_filter, run_filters_with_nominated, run_scores};
use message::Histogram;
use node_info::NodeInfo;
use pod_info::PodInfo;
use preemption::{Preemption, preempt};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use trace::{Candidate, NODES_NAMED, Plugin, Reason, Step, Verdict};

/// Below this many nodes all are looked at.
const MIN_FEASIBLE_NODES: usize = 100;
const MIN_FEASIBLE_PERCENT: usize = 5;

/// One attempt to place a pod.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub steps: Vec<Step>,
    pub outcome: Outcome,
    /// Nodes looked at, by which the next search begins later.
    pub evaluated: usize,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// `scores` is empty when only one node was feasible; `equals` are the nodes of the best total.
    Placed {
        node: Rc<str>,
        scores: Scores,
        equals: Vec<Rc<str>>,
    },
    Unschedulable(Failure),
}

/// Why and how a pod is not placed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Text of the FailedScheduling event and of the PodScheduled condition.
    pub message: String,
    /// The scheduler could not make sense of the pod, rather than find no room: reason `SchedulerError`.
    pub error: bool,
    /// Preemption: the node and the pods that must go.
    pub preemption: Option<Candidate>,
    /// Candidates that were just as good.
    pub equals: Vec<Candidate>,
    /// `status.nominatedNodeName` stays as it is, rather than being cleared.
    pub keep_nomination: bool,
    /// The plugins that objected: only what they wait for can help.
    pub plugins: BTreeSet<Plugin>,
}

/// Finds a node for the pod. `draw(n)` gives a number below n, for choices among equals.
pub fn attempt(cluster: &mut Cluster, pod: &PodInfo, draw: &mut dyn FnMut(u32) -> u32) -> Attempt {
    cluster.settle();
    let cluster = &*cluster;
    let failed = |message: String| Failure {
        message,
        error: false,
        preemption: None,
        equals: Vec::new(),
        keep_nomination: false,
        plugins: BTreeSet::new(),
    };
    if cluster.is_empty() {
        return unschedulable(Vec::new(), failed(message::NO_NODES.to_string()), 0);
    }
    let named = node_affinity::named_nodes(pod);
    if named.as_ref().is_some_and(BTreeSet::is_empty) {
        let message = message::pre_filter_error(cluster.len(), node_affinity::CONFLICT);
        let plugins = [Plugin::NodeAffinity].into();
        return unschedulable(Vec::new(), Failure { keep_nomination: true, plugins, ..failed(message) }, 0);
    }
    let cycle = pre_filter(cluster, pod);
    let mut steps = Vec::new();
    if let Some(named) = &named {
        let known: Vec<Rc<str>> = named.iter().filter_map(|name| Some(cluster.node(name)?.name().clone())).collect();
        steps.push(Step::PreFilter { left_out: cluster.len() - known.len(), nodes: known });
    }
    let search = search(cluster, &cycle, pod, named.as_ref());
    steps.extend(filter_steps(cluster, &search));
    let evaluated = if search.nominated { 0 } else { search.feasible.len() + search.rejected.len() };
    if search.feasible.is_empty() {
        return no_room(cluster, &cycle, pod, &search, named.is_some(), steps, draw);
    }
    // Scoring begins when there is a choice, and only then are preferences read.
    if let Some(why) = pod.bad_preferences.as_ref().filter(|_| search.feasible.len() > 1) {
        let message = message::pre_score_error(Plugin::NodeAffinity, why);
        return unschedulable(steps, Failure { error: true, ..failed(message) }, evaluated);
    }
    let (node, scores, equals) = choose(cluster, pod, &search.feasible, draw);
    if !scores.is_empty() {
        steps.push(Step::Scores { nodes: scores.best(NODES_NAMED), feasible: search.feasible.len() });
    }
    steps.push(Step::Placed { node: node.clone(), feasible: search.feasible.len() });
    Attempt { steps, outcome: Outcome::Placed { node, scores, equals }, evaluated }
}

fn unschedulable(mut steps: Vec<Step>, failure: Failure, evaluated: usize) -> Attempt {
    steps.push(Step::Failed { message: failure.message.clone() });
    Attempt { steps, outcome: Outcome::Unschedulable(failure), evaluated }
}

/// What the filters said about the nodes that were looked at.
struct Search<'a> {
    feasible: Vec<&'a NodeInfo>,
    /// Position in the cluster's nodes, and why not.
    rejected: Vec<(usize, Reason)>,
    /// Only the node that the pod was nominated to was needed.
    nominated: bool,
}

fn search<'a>(cluster: &'a Cluster, cycle: &Cycle, pod: &PodInfo, named: Option<&BTreeSet<String>>) -> Search<'a> {
    if let Some(node) = cluster.node(&pod.nominated_node)
        && run_filters_with_nominated(cluster, cycle, pod, node).is_ok()
    {
        return Search { feasible: vec![node], rejected: Vec::new(), nominated: true };
    }
    let nodes = cluster.nodes();
    let order: Option<Vec<usize>> =
        named.map(|named| (0..nodes.len()).filter(|at| named.contains(&**nodes[*at].name())).collect());
    let count = order.as_ref().map_or(nodes.len(), Vec::len);
    let ports = cluster.ports().wanted(pod).filter(|_| !cluster.any_nominated());
    let enough = feasible_nodes_to_find(count);
    let mut found = Search { feasible: Vec::new(), rejected: Vec::new(), nominated: false };
    for step in 0..count {
        let place = (cluster.next_start() + step) % count;
        let at = order.as_ref().map_or(place, |order| order[place]);
        let taken = ports.as_ref().and_then(|ports| ports.taken(at));
        match taken.map_or_else(|| run_filters_with_nominated(cluster, cycle, pod, &nodes[at]), Err) {
            Ok(()) => found.feasible.push(&nodes[at]),
            Err(reason) => found.rejected.push((at, reason)),
        }
        if found.feasible.len() >= enough {
            break;
        }
    }
    found
}

/// How many feasible nodes are enough: all up to 100, then a share that falls from 50 % to 5 % as clusters grow.
fn feasible_nodes_to_find(nodes: usize) -> usize {
    if nodes < MIN_FEASIBLE_NODES {
        return nodes;
    }
    let percent = 50usize.saturating_sub(nodes / 125).max(MIN_FEASIBLE_PERCENT);
    (nodes * percent / 100).max(MIN_FEASIBLE_NODES)
}

/// One step for each filter that saw a node, naming the first nodes that it turned down.
fn filter_steps(cluster: &Cluster, search: &Search) -> Vec<Step> {
    let nodes = cluster.nodes();
    let mut rows: BTreeMap<Plugin, (usize, Vec<Verdict>)> = BTreeMap::new();
    for (at, reason) in &search.rejected {
        let (total, verdicts) = rows.entry(reason.plugin()).or_default();
        *total += 1;
        if verdicts.len() < NODES_NAMED {
            let reason = node_ports::explain(reason.clone(), &nodes[*at]);
            verdicts.push(Verdict { node: nodes[*at].name().clone(), reason });
        }
    }
    let mut left = search.feasible.len() + search.rejected.len();
    let mut steps = Vec::new();
    for plugin in Plugin::FILTERS {
        let (rejected_total, rejected) = rows.remove(&plugin).unwrap_or_default();
        if left == 0 {
            break;
        }
        left -= rejected_total;
        steps.push(Step::Filter { plugin, rejected, rejected_total, passed: left });
    }
    steps
}

/// The best node; among equals a random one, drawn as the scheduler's reservoir does.
fn choose(
    cluster: &Cluster,
    pod: &PodInfo,
    feasible: &[&NodeInfo],
    draw: &mut dyn FnMut(u32) -> u32,
) -> (Rc<str>, Scores, Vec<Rc<str>>) {
    if let [only] = feasible {
        return (only.name().clone(), Scores::default(), vec![only.name().clone()]);
    }
    let scores = run_scores(cluster, pod, feasible);
    let best = scores.totals.iter().copied().max().unwrap_or(0);
    let is_best = |at: &usize| scores.totals[*at] == best;
    let equals: Vec<Rc<str>> = (0..feasible.len()).filter(is_best).map(|at| feasible[at].name().clone()).collect();
    let node = equals[draw(equals.len() as u32) as usize].clone();
    (node, scores, equals)
}

fn no_room(
    cluster: &Cluster,
    cycle: &Cycle,
    pod: &PodInfo,
    search: &Search,
    named: bool,
    mut steps: Vec<Step>,
    draw: &mut dyn FnMut(u32) -> u32,
) -> Attempt {
    let mut histogram = Histogram::default();
    search.rejected.iter().for_each(|(_, reason)| histogram.add(reason));
    let mut plugins: BTreeSet<Plugin> = histogram.reasons().map(Reason::plugin).collect();
    if named {
        plugins.insert(Plugin::NodeAffinity);
    }
    let others = named.then_some("node(s) didn't satisfy plugin(s) [NodeAffinity]");
    let message = message::fit_error(cluster.len(), &histogram, others);
    let Preemption { message: objection, chosen, equals, candidates, mut rejected, rejected_total, keep_nomination } =
        preempt(cluster, cycle, pod, &search.rejected, draw);
    rejected.truncate(NODES_NAMED);
    let named_candidates = candidates.into_iter().take(NODES_NAMED).collect();
    steps.push(Step::Preemption { candidates: named_candidates, rejected, rejected_total, chosen: chosen.clone() });
    let message = match objection {
        Some(objection) => message::with_preemption(&message, &objection),
        None => message,
    };
    let failure = Failure { message, error: false, preemption: chosen, equals, keep_nomination, plugins };
    unschedulable(steps, failure, search.rejected.len())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod queue_tests;

#[cfg(test)]
mod step_tests;
