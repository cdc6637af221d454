//! Preemption: when no node is feasible, which pods of lower priority would have to go, and from which node?
//!
//! Source: `framework/preemption/preemption.go`, `plugins/defaultpreemption`. On each node where it may help, all pods
//! of lower priority are removed in thought; if the pod then fits, they are put back one by one, the most important
//! first, as long as it still fits: those that cannot go back are the victims. Among the candidate nodes the choice
//! falls by lowest highest priority of a victim, then lowest sum of priorities, then fewest victims, then latest start
//! of the victims of highest priority; what is still equal is open. Left out: PodDisruptionBudgets and extenders.

use super::cluster::Cluster;
use super::framework::{Cycle, run_filters_with_nominated};
use super::message::{self, Histogram};
use super::node_info::NodeInfo;
use super::node_ports;
use super::pod_info::PodInfo;
use super::sort::sort_slice;
use super::trace::{Candidate, NODES_NAMED, Reason, Verdict};
use std::cmp::Ordering;
use std::rc::Rc;

/// Candidates looked for: a tenth of the nodes, at least a hundred.
const MIN_CANDIDATES_PERCENT: usize = 10;
const MIN_CANDIDATES: usize = 100;

/// A node where preemption would make room.
#[derive(Clone, Debug)]
struct Room<'a> {
    node: &'a NodeInfo,
    victims: Vec<Rc<PodInfo>>,
}

/// What preemption found.
#[derive(Clone, Debug)]
pub struct Preemption {
    /// The last part of the FailedScheduling text; `None` when pods are preempted.
    pub message: Option<String>,
    pub chosen: Option<Candidate>,
    /// The candidates that nothing told apart, the chosen one among them.
    pub equals: Vec<Candidate>,
    pub candidates: Vec<Candidate>,
    /// Why it helps on none of the other nodes: the first of them, and how many they are.
    pub rejected: Vec<Verdict>,
    pub rejected_total: usize,
    /// The pod keeps the node it is nominated to (victims are still leaving, or it may not preempt).
    pub keep_nomination: bool,
}

fn refused(message: String, keep_nomination: bool) -> Preemption {
    Preemption {
        message: Some(message),
        chosen: None,
        equals: vec![],
        candidates: vec![],
        rejected: vec![],
        rejected_total: 0,
        keep_nomination,
    }
}

/// Looks for victims. `verdicts` are the filters' for the nodes that were looked at; `draw(n)` gives a number below n.
pub fn preempt(
    cluster: &Cluster,
    cycle: &Cycle,
    pod: &PodInfo,
    verdicts: &[(usize, Reason)],
    draw: &mut dyn FnMut(u32) -> u32,
) -> Preemption {
    if pod.never_preempts {
        return refused(message::NEVER_PREEMPTS.to_string(), true);
    }
    if victims_leaving(cluster, pod, verdicts) {
        return refused(message::VICTIMS_LEAVING.to_string(), true);
    }
    let nodes = cluster.nodes();
    let helpful: Vec<&NodeInfo> =
        verdicts.iter().filter(|(_, reason)| reason.preemption_may_help()).map(|(at, _)| &nodes[*at]).collect();
    if !cluster.any_below(pod.priority) {
        return nobody_below(cluster, &helpful, draw);
    }
    let (rooms, rejected) = dry_run(cluster, cycle, pod, &helpful, draw);
    let rejected_total = rejected.len();
    if rooms.is_empty() {
        let mut histogram = Histogram::default();
        rejected.iter().for_each(|verdict| histogram.add(&verdict.reason));
        let message = message::fit_error(nodes.len(), &histogram, Some(message::NOT_HELPFUL));
        return Preemption { rejected, rejected_total, ..refused(message, false) };
    }
    let equals = pick(&rooms);
    let chosen = &equals[draw(equals.len() as u32) as usize];
    Preemption {
        message: None,
        chosen: Some(candidate(chosen)),
        equals: equals.iter().map(|room| candidate(room)).collect(),
        candidates: rooms.iter().map(candidate).collect(),
        rejected,
        rejected_total,
        keep_nomination: false,
    }
}

/// No pod anywhere is less important: every node where preemption might help lacks victims. What a dry run would draw and name
/// is drawn and named.
fn nobody_below(cluster: &Cluster, helpful: &[&NodeInfo], draw: &mut dyn FnMut(u32) -> u32) -> Preemption {
    let mut histogram = Histogram::default();
    histogram.add_many(&Reason::NoVictims, helpful.len());
    let message = message::fit_error(cluster.len(), &histogram, Some(message::NOT_HELPFUL));
    let offset = if helpful.is_empty() { 0 } else { draw(helpful.len() as u32) as usize };
    let named = helpful[offset..].iter().chain(&helpful[..offset]).take(NODES_NAMED);
    let rejected = named.map(|node| Verdict { node: node.name().clone(), reason: Reason::NoVictims }).collect();
    Preemption { rejected, rejected_total: helpful.len(), ..refused(message, false) }
}

fn candidate(room: &Room) -> Candidate {
    Candidate { node: room.node.name().clone(), victims: room.victims.iter().map(|pod| pod.id.clone()).collect() }
}

/// A pod that already preempted waits while its victims are leaving.
fn victims_leaving(cluster: &Cluster, pod: &PodInfo, verdicts: &[(usize, Reason)]) -> bool {
    let Some(node) = cluster.node(&pod.nominated_node) else { return false };
    let hopeless =
        verdicts.iter().any(|(at, reason)| cluster.nodes()[*at].name() == node.name() && !reason.preemption_may_help());
    !hopeless && node.pods.iter().any(|other| other.priority < pod.priority && other.preempted)
}

fn dry_run<'a>(
    cluster: &Cluster,
    cycle: &Cycle,
    pod: &PodInfo,
    nodes: &[&'a NodeInfo],
    draw: &mut dyn FnMut(u32) -> u32,
) -> (Vec<Room<'a>>, Vec<Verdict>) {
    let (mut rooms, mut rejected) = (Vec::new(), Vec::new());
    if nodes.is_empty() {
        return (rooms, rejected);
    }
    let offset = draw(nodes.len() as u32) as usize;
    let enough = (nodes.len() * MIN_CANDIDATES_PERCENT / 100).max(MIN_CANDIDATES);
    for at in 0..nodes.len() {
        let node = nodes[(offset + at) % nodes.len()];
        match victims_on(cluster, cycle, pod, node) {
            Ok(victims) => rooms.push(Room { node, victims }),
            Err(reason) => rejected.push(Verdict { node: node.name().clone(), reason }),
        }
        if rooms.len() >= enough {
            break;
        }
    }
    (rooms, rejected)
}

/// The victims on one node, the most important first, or what still stands in the way without any of them.
fn victims_on(cluster: &Cluster, cycle: &Cycle, pod: &PodInfo, node: &NodeInfo) -> Result<Vec<Rc<PodInfo>>, Reason> {
    let mut potential: Vec<Rc<PodInfo>> =
        node.pods.iter().filter(|other| other.priority < pod.priority).cloned().collect();
    if potential.is_empty() {
        return Err(Reason::NoVictims);
    }
    let (mut cycle, mut node) = (cycle.clone(), node.clone());
    for other in &potential {
        node.remove_pod(&other.id);
        cycle.update(pod, other, &node, -1);
    }
    run_filters_with_nominated(cluster, &cycle, pod, &node).map_err(|reason| node_ports::explain(reason, &node))?;
    sort_slice(&mut potential, &|a, b| more_important(a, b));
    let mut victims = Vec::new();
    for other in potential {
        node.add_pod(&other);
        cycle.update(pod, &other, &node, 1);
        if run_filters_with_nominated(cluster, &cycle, pod, &node).is_err() {
            node.remove_pod(&other.id);
            cycle.update(pod, &other, &node, -1);
            victims.push(other);
        }
    }
    Ok(victims)
}

/// Higher priority first, then the earlier start. Pods that have not started count as starting at the moment each is
/// asked about, so of two such the one asked about first is always the earlier, and how the sort goes about it decides.
fn more_important(a: &PodInfo, b: &PodInfo) -> bool {
    match a.priority.cmp(&b.priority) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => match (&a.start_time, &b.start_time) {
            (Some(a), Some(b)) => a < b,
            (None, Some(_)) => false,
            (_, None) => true,
        },
    }
}

/// The best candidates: more than one only if all criteria leave them equal.
fn pick<'a, 'b>(rooms: &'b [Room<'a>]) -> Vec<&'b Room<'a>> {
    let highest = |room: &Room| room.victims.first().map_or(i64::MIN, |pod| pod.priority as i64);
    let sum = |room: &Room| room.victims.iter().map(|pod| pod.priority as i64 + (i32::MAX as i64 + 1)).sum::<i64>();
    let mut left: Vec<&Room> = rooms.iter().collect();
    for criterion in [&highest as &dyn Fn(&Room) -> i64, &sum, &|room| room.victims.len() as i64] {
        let least = left.iter().map(|room| criterion(room)).min();
        left.retain(|room| Some(criterion(room)) == least);
    }
    let latest = left.iter().map(|room| start_rank(room)).max();
    left.retain(|room| Some(start_rank(room)) == latest);
    left
}

/// Earliest start among the victims of highest priority; one that has not started is later than any that has.
fn start_rank(room: &Room) -> (bool, String) {
    let highest = room.victims.iter().map(|pod| pod.priority).max();
    let starts = room.victims.iter().filter(|pod| Some(pod.priority) == highest).map(|pod| &pod.start_time);
    let rank = |start: &Option<String>| (start.is_none(), start.clone().unwrap_or_default());
    starts.map(rank).min().unwrap_or((true, String::new()))
}
