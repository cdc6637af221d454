//! The text of FailedScheduling. Source: FitError.Error in `pkg/scheduler/framework/types.go`, the PostFilter part of
//! `framework/runtime/framework.go` and `framework/preemption/preemption.go`, as of 1.34.0.

use super::trace::{Plugin, Reason};

/// The DynamicResources plugin's word when it has nothing to free, which always stands before preemption's.
pub const NO_CLAIMS: &str = "no new claims to deallocate";
/// For nodes where removing pods could not help.
pub const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling";
pub const NEVER_PREEMPTS: &str = "not eligible due to preemptionPolicy=Never.";
pub const VICTIMS_LEAVING: &str = "not eligible due to a terminating pod on the nominated node.";
/// There is no node at all.
pub const NO_NODES: &str = "no nodes available to schedule pods";

/// How many nodes gave which reason, in order of first sight.
#[derive(Clone, Debug, Default)]
pub struct Histogram(Vec<(Reason, usize)>);

impl Histogram {
    pub fn add(&mut self, reason: &Reason) {
        self.add_many(reason, 1);
    }

    pub fn add_many(&mut self, reason: &Reason, nodes: usize) {
        match self.0.iter_mut().find(|(known, _)| known.same_messages(reason)) {
            Some((_, count)) => *count += nodes,
            None if nodes > 0 => self.0.push((reason.clone(), nodes)),
            None => {}
        }
    }

    pub fn total(&self) -> usize {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The reasons seen, each once.
    pub fn reasons(&self) -> impl Iterator<Item = &Reason> {
        self.0.iter().map(|(reason, _)| reason)
    }
}

/// `0/N nodes are available: <count reason>, … .` The parts are sorted as text, so capitals and digits come first.
/// `others` is what the nodes that are not in the histogram have in common.
pub fn fit_error(nodes: usize, histogram: &Histogram, others: Option<&str>) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut count = |text: &str, by: usize| match counts.iter_mut().find(|(known, _)| known == text) {
        Some((_, sum)) => *sum += by,
        None => counts.push((text.to_string(), by)),
    };
    for (reason, by) in &histogram.0 {
        reason.messages().iter().for_each(|text| count(text, *by));
    }
    if let Some(text) = others.filter(|_| nodes > histogram.total()) {
        count(text, nodes - histogram.total());
    }
    let mut parts: Vec<String> = counts.into_iter().map(|(text, by)| format!("{by} {text}")).collect();
    parts.sort();
    let head = format!("0/{nodes} nodes are available:");
    if parts.is_empty() { head } else { format!("{head} {}.", parts.join(", ")) }
}

/// When a plugin turned the pod itself down, before any node was looked at. The plugins after it were not prepared then,
/// and DynamicResources, asked before preemption, fails for want of its notes: preemption is not even tried.
pub fn pre_filter_error(nodes: usize, message: &str) -> String {
    format!("0/{nodes} nodes are available: {message}. not found")
}

/// When a plugin could not prepare the scoring.
pub fn pre_score_error(plugin: Plugin, why: &str) -> String {
    format!("running PreScore plugin \"{plugin}\": {why}")
}

/// Appends what preemption said.
pub fn with_preemption(message: &str, preemption: &str) -> String {
    format!("{message} {NO_CLAIMS}, preemption: {preemption}")
}
