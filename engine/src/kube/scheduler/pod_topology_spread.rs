//! Filter: a DoNotSchedule constraint turns down a node whose domain would hold more matching pods than the emptiest
//! domain plus maxSkew. Score: ScheduleAnyway constraints prefer domains with fewer matching pods; pods that name no
//! constraints but are selected by a Service or owned by a ReplicaSet, StatefulSet or ReplicationController get the
//! system's two (hostname, maxSkew 3; zone, maxSkew 5). Source: `plugins/podtopologyspread`, `plugins/helper/spread.go`.

use super::cluster::Cluster;
use super::node_info::NodeInfo;
use super::pod_info::{PodInfo, SpreadConstraint, WhenUnsatisfiable};
use super::selector::{Labels, Selector};
use super::taint_toleration::untolerated;
use super::trace::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// The two emptiest domains seen, the emptiest first. Like the real one it follows changes to these two only, which
/// is enough because pods are added and removed on one node at a time.
#[derive(Clone, Debug)]
struct CriticalPaths([(String, i64); 2]);

impl CriticalPaths {
    fn new() -> CriticalPaths {
        CriticalPaths([(String::new(), i32::MAX as i64), (String::new(), i32::MAX as i64)])
    }

    fn update(&mut self, domain: &str, count: i64) {
        let paths = &mut self.0;
        if let Some(known) = paths.iter().position(|(name, _)| name == domain) {
            paths[known].1 = count;
            if paths[0].1 > paths[1].1 {
                paths.swap(0, 1);
            }
        } else if count < paths[0].1 {
            paths.swap(0, 1);
            paths[0] = (domain.to_string(), count);
        } else if count < paths[1].1 {
            paths[1] = (domain.to_string(), count);
        }
    }
}

/// One hard constraint with the matching pods of each domain.
#[derive(Clone, Debug)]
struct Spread {
    constraint: Rc<SpreadConstraint>,
    domains: BTreeMap<String, i64>,
    critical: CriticalPaths,
}

/// What the filter needs, counted once for an attempt.
#[derive(Clone, Debug)]
pub struct PreFilter(Vec<Spread>);

fn has_all_keys<'a>(labels: &Labels, mut constraints: impl Iterator<Item = &'a SpreadConstraint>) -> bool {
    constraints.all(|c| labels.contains_key(&c.topology_key))
}

/// nodeAffinityPolicy and nodeTaintsPolicy: does the node count for the constraint?
fn includes(constraint: &SpreadConstraint, pod: &PodInfo, node: &NodeInfo) -> bool {
    (!constraint.honor_affinity || pod.selects_node(node.name(), node.labels()))
        && (!constraint.honor_taints || untolerated(pod, &node.spec.taints).is_none())
}

/// Pods on the node that the selector picks; an empty selector picks none here.
fn count_matching(node: &NodeInfo, selector: &Selector, namespace: &str) -> i64 {
    if selector.is_empty() {
        return 0;
    }
    let counted = |pod: &&Rc<PodInfo>| !pod.deleting && pod.id.namespace == namespace && selector.matches(&pod.labels);
    node.pods.iter().filter(counted).count() as i64
}

/// `None`: the pod has no hard constraints and the plugin is skipped.
pub fn pre_filter(cluster: &Cluster, pod: &PodInfo) -> Option<PreFilter> {
    let hard = pod.spread.iter().filter(|c| c.when == WhenUnsatisfiable::DoNotSchedule);
    let mut spreads: Vec<Spread> = hard
        .map(|c| Spread { constraint: Rc::new(c.clone()), domains: BTreeMap::new(), critical: CriticalPaths::new() })
        .collect();
    if spreads.is_empty() {
        return None;
    }
    for node in cluster.nodes() {
        if !has_all_keys(node.labels(), spreads.iter().map(|s| &*s.constraint)) {
            continue;
        }
        for spread in spreads.iter_mut().filter(|s| includes(&s.constraint, pod, node)) {
            let domain = node.labels()[&spread.constraint.topology_key].clone();
            *spread.domains.entry(domain).or_default() +=
                count_matching(node, &spread.constraint.selector, &pod.id.namespace);
        }
    }
    for spread in &mut spreads {
        let Spread { domains, critical, .. } = spread;
        domains.iter().for_each(|(domain, count)| critical.update(domain, *count));
    }
    Some(PreFilter(spreads))
}

impl PreFilter {
    /// A pod comes to the node (`sign` 1) or goes from it (-1), as a thought experiment for `pod`.
    pub fn update(&mut self, pod: &PodInfo, other: &PodInfo, node: &NodeInfo, sign: i64) {
        if other.id.namespace != pod.id.namespace || !has_all_keys(node.labels(), self.0.iter().map(|s| &*s.constraint))
        {
            return;
        }
        for spread in &mut self.0 {
            let constraint = &spread.constraint;
            if constraint.selector.matches(&other.labels) && includes(constraint, pod, node) {
                let domain = &node.labels()[&constraint.topology_key];
                let count = spread.domains.entry(domain.clone()).or_default();
                *count += sign;
                spread.critical.update(domain, *count);
            }
        }
    }
}

pub fn filter(state: &PreFilter, pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    for Spread { constraint, domains, critical } in &state.0 {
        let key = &constraint.topology_key;
        let Some(value) = node.labels().get(key) else {
            return Err(Reason::SpreadLabelMissing { key: key.as_str().into() });
        };
        let least = if (domains.len() as i64) < constraint.min_domains { 0 } else { critical.0[0].1 };
        let own = constraint.selector.matches(&pod.labels) as i64;
        let matching = domains.get(value).copied().unwrap_or(0);
        if matching + own - least > constraint.max_skew {
            let (key, value) = (key.as_str().into(), value.as_str().into());
            return Err(Reason::Spread { key, value, matching, own, least, max_skew: constraint.max_skew });
        }
    }
    Ok(())
}

/// What scoring needs, counted once for an attempt.
#[derive(Clone, Debug)]
pub struct PreScore {
    constraints: Vec<SpreadConstraint>,
    ignored: BTreeSet<Rc<str>>,
    domains: Vec<BTreeMap<String, i64>>,
    weights: Vec<f64>,
}

/// `None`: nothing to say about this pod.
pub fn pre_score(cluster: &Cluster, pod: &PodInfo, feasible: &[&NodeInfo]) -> Option<PreScore> {
    let own = !pod.spread.is_empty();
    let constraints: Vec<SpreadConstraint> = if own {
        pod.spread.iter().filter(|c| c.when == WhenUnsatisfiable::ScheduleAnyway).cloned().collect()
    } else {
        default_constraints(cluster, pod)
    };
    if constraints.is_empty() {
        return None;
    }
    let mut domains: Vec<BTreeMap<String, i64>> = vec![BTreeMap::new(); constraints.len()];
    let mut unlabelled = vec![false; constraints.len()];
    let mut ignored = BTreeSet::new();
    for node in feasible {
        if own && !has_all_keys(node.labels(), constraints.iter()) {
            ignored.insert(node.name().clone());
            continue;
        }
        for (i, constraint) in constraints.iter().enumerate().filter(|(_, c)| c.topology_key != HOSTNAME) {
            match node.labels().get(&constraint.topology_key) {
                Some(value) => domains[i].entry(value.clone()).or_default(),
                None => {
                    unlabelled[i] = true;
                    continue;
                }
            };
        }
    }
    let size = |i: usize| match constraints[i].topology_key.as_str() {
        HOSTNAME => feasible.len() - ignored.len(),
        // Nodes without the label share the empty value, which is a domain too.
        _ => domains[i].len() + (unlabelled[i] && !domains[i].contains_key("")) as usize,
    };
    let weights = (0..constraints.len()).map(|i| ((size(i) + 2) as f64).ln()).collect();
    let mut state = PreScore { ignored, weights, domains, constraints };
    state.count(cluster, pod, own);
    Some(state)
}

impl PreScore {
    fn count(&mut self, cluster: &Cluster, pod: &PodInfo, require_all: bool) {
        if self.domains.iter().all(BTreeMap::is_empty) {
            return;
        }
        for node in cluster.nodes() {
            if require_all && !has_all_keys(node.labels(), self.constraints.iter()) {
                continue;
            }
            for (constraint, domains) in self.constraints.iter().zip(&mut self.domains) {
                let value = node.labels().get(&constraint.topology_key).map_or("", String::as_str);
                let Some(count) = domains.get_mut(value).filter(|_| includes(constraint, pod, node)) else { continue };
                *count += count_matching(node, &constraint.selector, &pod.id.namespace);
            }
        }
    }

    /// More is worse; `normalise` turns it round.
    pub fn score(&self, pod: &PodInfo, node: &NodeInfo) -> i64 {
        if self.ignored.contains(node.name()) {
            return 0;
        }
        let mut score = 0.0;
        for (i, constraint) in self.constraints.iter().enumerate() {
            let Some(value) = node.labels().get(&constraint.topology_key) else { continue };
            let count = match constraint.topology_key.as_str() {
                HOSTNAME => count_matching(node, &constraint.selector, &pod.id.namespace),
                _ => self.domains[i].get(value).copied().unwrap_or(0),
            };
            score += count as f64 * self.weights[i] + (constraint.max_skew - 1) as f64;
        }
        f64::round(score) as i64
    }

    pub fn normalise(&self, nodes: &[&NodeInfo], scores: &mut [i64]) {
        let counts = |node: &NodeInfo| !self.ignored.contains(node.name());
        let counted = || nodes.iter().zip(scores.iter()).filter(|(node, _)| counts(node)).map(|(_, score)| *score);
        let least = counted().min().unwrap_or(i64::MAX);
        let most = counted().max().unwrap_or(0).max(0);
        for (node, score) in nodes.iter().zip(scores.iter_mut()) {
            *score = match () {
                _ if !counts(node) => 0,
                _ if most == 0 => 100,
                _ => 100 * (most + least - *score) / most,
            };
        }
    }
}

/// The system's constraints with the selector that the pod's Services and owner give; none without such.
fn default_constraints(cluster: &Cluster, pod: &PodInfo) -> Vec<SpreadConstraint> {
    let namespace = &pod.id.namespace;
    let mut merged = Labels::new();
    for selector in cluster.services_of(namespace, &pod.labels) {
        merged.extend(selector.clone());
    }
    let mut selector = Selector::from_labels(&merged);
    if let Some(([version, kind], name)) = &pod.owner
        && version == if kind == "ReplicationController" { "v1" } else { "apps/v1" }
        && let Some(owner) = cluster.owner_selector(kind, namespace, name)
    {
        owner.requirements().iter().for_each(|r| selector.add(r.clone()));
    }
    if selector.is_empty() {
        return Vec::new();
    }
    let constraint = |key: &str, max_skew| SpreadConstraint {
        max_skew,
        topology_key: key.to_string(),
        when: WhenUnsatisfiable::ScheduleAnyway,
        selector: selector.clone(),
        min_domains: 1,
        honor_affinity: true,
        honor_taints: false,
    };
    vec![constraint(HOSTNAME, 3), constraint(ZONE, 5)]
}
