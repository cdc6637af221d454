//! Filter: required pod affinity (matching pods must be in the domain, unless the pod would be the first and matches
//! itself), required anti-affinity, and the anti-affinity of pods that are already there. Score: preferred terms of
//! the pod and of existing pods, and required affinity of existing pods with weight 1. Source: `plugins/interpodaffinity`.
//!
//! Kept as in 1.34.0: a namespaceSelector of the incoming pod picks namespaces by their labels, and is then asked
//! once more without labels, so that one made only of NotIn or DoesNotExist picks every namespace.

use super::cluster::Cluster;
use super::node_info::NodeInfo;
use super::pod_info::{AffinityTerm, PodInfo};
use super::selector::Labels;
use super::trace::Reason;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What required affinity of an existing pod towards the incoming one is worth.
const HARD_POD_AFFINITY_WEIGHT: i64 = 1;

/// Matching pods by topology key and value.
type Counts = BTreeMap<(String, String), i64>;

/// What the filter needs, counted once for an attempt.
#[derive(Clone, Debug)]
pub struct PreFilter {
    existing_anti_affinity: Counts,
    affinity: Counts,
    anti_affinity: Counts,
    terms: Rc<Terms>,
}

/// The pod's own terms, their namespaces complete.
#[derive(Debug)]
struct Terms {
    affinity: Vec<AffinityTerm>,
    anti_affinity: Vec<AffinityTerm>,
    namespace_labels: Labels,
}

fn with_namespaces(cluster: &Cluster, term: &AffinityTerm) -> AffinityTerm {
    let mut term = term.clone();
    if !term.namespace_selector.is_empty() {
        term.namespaces.extend(cluster.namespaces_matching(&term.namespace_selector).cloned());
    }
    term
}

fn bump(counts: &mut Counts, node: &NodeInfo, key: &str, by: i64) {
    let Some(value) = node.labels().get(key) else { return };
    let pair = (key.to_string(), value.clone());
    let count = counts.entry(pair.clone()).or_default();
    *count += by;
    if *count == 0 {
        counts.remove(&pair);
    }
}

fn matches_all(terms: &[AffinityTerm], pod: &PodInfo) -> bool {
    !terms.is_empty() && terms.iter().all(|term| term.matches(pod, &Labels::new()))
}

/// `None`: neither the pod nor any existing pod has something to say.
pub fn pre_filter(cluster: &Cluster, pod: &PodInfo) -> Option<PreFilter> {
    if pod.affinity.is_empty() && pod.anti_affinity.is_empty() && !cluster.any_anti_affinity() {
        return None;
    }
    let complete = |terms: &[AffinityTerm]| terms.iter().map(|term| with_namespaces(cluster, term)).collect();
    let terms = Rc::new(Terms {
        affinity: complete(&pod.affinity),
        anti_affinity: complete(&pod.anti_affinity),
        namespace_labels: cluster.namespace_labels(&pod.id.namespace),
    });
    let (affinity, anti_affinity) = (Counts::new(), Counts::new());
    let mut state = PreFilter { existing_anti_affinity: Counts::new(), affinity, anti_affinity, terms };
    let own = !pod.affinity.is_empty() || !pod.anti_affinity.is_empty();
    for node in cluster.nodes() {
        for other in node.pods.iter().filter(|other| own || !other.anti_affinity.is_empty()) {
            state.update(pod, other, node, 1);
        }
    }
    (own || !state.existing_anti_affinity.is_empty()).then_some(state)
}

impl PreFilter {
    /// A pod comes to the node (`sign` 1) or goes from it (-1), as a thought experiment for `pod`.
    pub fn update(&mut self, pod: &PodInfo, other: &PodInfo, node: &NodeInfo, sign: i64) {
        let terms = self.terms.clone();
        for term in other.anti_affinity.iter().filter(|term| term.matches(pod, &terms.namespace_labels)) {
            bump(&mut self.existing_anti_affinity, node, &term.topology_key, sign);
        }
        if matches_all(&terms.affinity, other) {
            for term in &terms.affinity {
                bump(&mut self.affinity, node, &term.topology_key, sign);
            }
        }
        for term in terms.anti_affinity.iter().filter(|term| term.matches(other, &Labels::new())) {
            bump(&mut self.anti_affinity, node, &term.topology_key, sign);
        }
    }

    fn affinity_met(&self, pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
        let mut missing = None;
        for term in &self.terms.affinity {
            let key = &term.topology_key;
            let Some(value) = node.labels().get(key) else {
                return Err(Reason::Affinity { key: key.as_str().into() });
            };
            if self.affinity.get(&(key.clone(), value.clone())).is_none_or(|count| *count <= 0) {
                missing = Some(key);
            }
        }
        match missing {
            Some(key) if !(self.affinity.is_empty() && matches_all(&self.terms.affinity, pod)) => {
                Err(Reason::Affinity { key: key.as_str().into() })
            }
            _ => Ok(()),
        }
    }
}

fn counted(counts: &Counts, key: &str, value: &str) -> bool {
    counts.get(&(key.to_string(), value.to_string())).is_some_and(|count| *count > 0)
}

pub fn filter(state: &PreFilter, pod: &PodInfo, node: &NodeInfo) -> Result<(), Reason> {
    state.affinity_met(pod, node)?;
    for term in &state.terms.anti_affinity {
        let key = &term.topology_key;
        if let Some(value) = node.labels().get(key).filter(|value| counted(&state.anti_affinity, key, value)) {
            return Err(Reason::AntiAffinity { key: key.as_str().into(), value: value.as_str().into() });
        }
    }
    for ((key, value), count) in &state.existing_anti_affinity {
        if *count > 0 && node.labels().get(key) == Some(value) {
            return Err(Reason::ExistingAntiAffinity { key: key.as_str().into(), value: value.as_str().into() });
        }
    }
    Ok(())
}

/// Weights by topology key, then value.
#[derive(Clone, Debug, Default)]
pub struct PreScore(BTreeMap<String, BTreeMap<String, i64>>);

/// `None`: no term applies and the plugin is skipped.
pub fn pre_score(cluster: &Cluster, pod: &PodInfo) -> Option<PreScore> {
    let own = !pod.preferred_affinity.is_empty() || !pod.preferred_anti_affinity.is_empty();
    if !own && !cluster.any_affinity() {
        return None;
    }
    let complete = |terms: &[(i64, AffinityTerm)]| -> Vec<(i64, AffinityTerm)> {
        terms.iter().map(|(weight, term)| (*weight, with_namespaces(cluster, term))).collect()
    };
    let (towards, away) = (complete(&pod.preferred_affinity), complete(&pod.preferred_anti_affinity));
    let (labels, none) = (cluster.namespace_labels(&pod.id.namespace), Labels::new());
    let mut state = PreScore::default();
    for node in cluster.nodes().iter().filter(|node| !node.labels().is_empty()) {
        for other in node.pods.iter().filter(|other| own || other.has_affinity()) {
            towards.iter().for_each(|(weight, term)| state.weigh(term, *weight, other, &none, node));
            away.iter().for_each(|(weight, term)| state.weigh(term, -weight, other, &none, node));
            other.affinity.iter().for_each(|term| state.weigh(term, HARD_POD_AFFINITY_WEIGHT, pod, &labels, node));
            other.preferred_affinity.iter().for_each(|(weight, term)| state.weigh(term, *weight, pod, &labels, node));
            other
                .preferred_anti_affinity
                .iter()
                .for_each(|(weight, term)| state.weigh(term, -weight, pod, &labels, node));
        }
    }
    (!state.0.is_empty()).then_some(state)
}

impl PreScore {
    fn weigh(&mut self, term: &AffinityTerm, weight: i64, pod: &PodInfo, namespace_labels: &Labels, node: &NodeInfo) {
        if let Some(value) = node.labels().get(&term.topology_key).filter(|_| term.matches(pod, namespace_labels)) {
            *self.0.entry(term.topology_key.clone()).or_default().entry(value.clone()).or_default() += weight;
        }
    }

    pub fn score(&self, node: &NodeInfo) -> i64 {
        let found = self.0.iter().filter_map(|(key, values)| values.get(node.labels().get(key)?));
        found.sum()
    }

    /// Spreads the sums over 0 to 100.
    pub fn normalise(scores: &mut [i64]) {
        let (least, most) = (scores.iter().copied().min().unwrap_or(0), scores.iter().copied().max().unwrap_or(0));
        for score in scores {
            let share = if most > least { 100.0 * ((*score - least) as f64 / (most - least) as f64) } else { 0.0 };
            *score = share as i64;
        }
    }
}
