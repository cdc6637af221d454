//! Queueing hints: which change in the cluster may make a pod fit that was turned down?
//!
//! A pod waits until something happens that one of the plugins that objected to it registered for, and that the
//! plugin's hint finds relevant to this pod. Source: `EventsToRegister` and the hint functions of each plugin,
//! `PodSchedulingPropertiesChange` and `NodeSchedulingPropertiesChange` in `pkg/scheduler/framework/events.go`.
//! Left out: hints of volume and device plugins, which never object here.

use super::node_info::NodeSpec;
use super::pod_info::{AffinityTerm, PodInfo, SpreadConstraint, WhenUnsatisfiable};
use super::resources::Resources;
use super::selector::Labels;
use super::taint_toleration::untolerated;
use super::trace::Plugin;
use super::{node_ports, node_resources_fit};

/// Something that happened in the cluster.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// A pod came onto a node.
    PodAssigned(&'a PodInfo),
    /// A pod on a node changed.
    PodUpdated {
        old: &'a PodInfo,
        new: &'a PodInfo,
    },
    /// A pod left its node, or a nomination ended.
    PodGone(&'a PodInfo),
    NodeAdded(&'a NodeSpec),
    NodeUpdated {
        old: &'a NodeSpec,
        new: &'a NodeSpec,
    },
    NodeGone(&'a NodeSpec),
}

/// The plugins that listen to this kind of change.
pub fn listeners(change: Change) -> &'static [Plugin] {
    const PODS: &[Plugin] = &[Plugin::PodTopologySpread, Plugin::InterPodAffinity];
    const RESIZED: &[Plugin] = &[Plugin::NodeResourcesFit, Plugin::PodTopologySpread, Plugin::InterPodAffinity];
    const GONE: &[Plugin] =
        &[Plugin::NodePorts, Plugin::NodeResourcesFit, Plugin::PodTopologySpread, Plugin::InterPodAffinity];
    match change {
        Change::PodAssigned(_) => PODS,
        Change::PodUpdated { .. } => RESIZED,
        Change::PodGone(_) => GONE,
        Change::NodeAdded(_) | Change::NodeUpdated { .. } => &Plugin::FILTERS,
        Change::NodeGone(_) => &[Plugin::PodTopologySpread],
    }
}

/// Whether no plugin can find the change worth another try, whatever pod it turned down: most changes of pods are of their
/// status.
pub fn helps_nobody(change: Change) -> bool {
    matches!(change, Change::PodUpdated { old, new } if old.requests == new.requests && old.labels == new.labels
        && old.id.namespace == new.id.namespace)
}

/// Whether `plugin`, which objected to `pod`, finds the change worth another try.
pub fn worth_another_try(plugin: Plugin, pod: &PodInfo, change: Change) -> bool {
    match change {
        Change::PodGone(gone) => match plugin {
            Plugin::NodePorts => node_ports::overlap(&pod.host_ports, &gone.host_ports),
            Plugin::NodeResourcesFit => true,
            Plugin::PodTopologySpread => spread_concerns(pod, gone),
            Plugin::InterPodAffinity => matches_all(&pod.anti_affinity, gone),
            _ => false,
        },
        Change::PodAssigned(new) => match plugin {
            Plugin::PodTopologySpread => spread_concerns(pod, new),
            Plugin::InterPodAffinity => matches_all(&pod.affinity, new),
            _ => false,
        },
        Change::PodUpdated { old, new } => match plugin {
            Plugin::NodeResourcesFit => shrank(pod, &old.requests, &new.requests),
            Plugin::PodTopologySpread => spread_relabelled(pod, old, new),
            Plugin::InterPodAffinity => {
                (!matches_all(&pod.affinity, old) && matches_all(&pod.affinity, new))
                    || (matches_all(&pod.anti_affinity, old) && !matches_all(&pod.anti_affinity, new))
            }
            _ => false,
        },
        Change::NodeAdded(node) => node_helps(plugin, pod, None, node),
        Change::NodeUpdated { old, new } => node_helps(plugin, pod, Some(old), new),
        Change::NodeGone(node) => plugin == Plugin::PodTopologySpread && has_keys(pod, &node.labels),
    }
}

fn matches_all(terms: &[AffinityTerm], other: &PodInfo) -> bool {
    !terms.is_empty() && terms.iter().all(|term| term.matches(other, &Labels::new()))
}

fn hard(pod: &PodInfo) -> impl Iterator<Item = &SpreadConstraint> {
    pod.spread.iter().filter(|c| c.when == WhenUnsatisfiable::DoNotSchedule)
}

fn spread_concerns(pod: &PodInfo, other: &PodInfo) -> bool {
    other.id.namespace == pod.id.namespace && hard(pod).any(|c| c.selector.matches(&other.labels))
}

fn spread_relabelled(pod: &PodInfo, old: &PodInfo, new: &PodInfo) -> bool {
    let differs = |c: &SpreadConstraint| c.selector.matches(&old.labels) != c.selector.matches(&new.labels);
    new.id.namespace == pod.id.namespace && old.labels != new.labels && hard(pod).any(differs)
}

fn has_keys(pod: &PodInfo, labels: &Labels) -> bool {
    hard(pod).all(|c| labels.contains_key(&c.topology_key))
}

/// A resource that the waiting pod wants was given back.
fn shrank(pod: &PodInfo, old: &Resources, new: &Resources) -> bool {
    let wanted = &pod.requests;
    (wanted.milli_cpu > 0 && old.milli_cpu > new.milli_cpu)
        || (wanted.memory > 0 && old.memory > new.memory)
        || (wanted.ephemeral_storage > 0 && old.ephemeral_storage > new.ephemeral_storage)
        || wanted.scalar.iter().any(|(name, amount)| *amount > 0 && old.scalar(name) > new.scalar(name))
}

/// A resource that the waiting pod wants has grown on the node.
fn grew(pod: &PodInfo, old: &Resources, new: &Resources) -> bool {
    new.pods > old.pods || shrank(pod, new, old)
}

fn node_helps(plugin: Plugin, pod: &PodInfo, old: Option<&NodeSpec>, new: &NodeSpec) -> bool {
    let relabelled = old.is_none_or(|old| old.labels != new.labels);
    let retainted = old.is_none_or(|old| old.taints != new.taints);
    match plugin {
        Plugin::NodeUnschedulable => !new.unschedulable && old.is_none_or(|old| old.unschedulable),
        Plugin::NodeName | Plugin::NodePorts => old.is_none(),
        Plugin::TaintToleration => {
            let before = old.is_none_or(|old| untolerated(pod, &old.taints).is_some());
            retainted && before && untolerated(pod, &new.taints).is_none()
        }
        Plugin::NodeAffinity => {
            let before = old.is_some_and(|old| pod.selects_node(&old.name, &old.labels));
            relabelled && !before && pod.selects_node(&new.name, &new.labels)
        }
        Plugin::NodeResourcesFit => {
            let more = old.is_none_or(|old| grew(pod, &old.allocatable, &new.allocatable));
            more && node_resources_fit::fits_empty(pod, &new.allocatable)
        }
        Plugin::PodTopologySpread => match old {
            None => has_keys(pod, &new.labels),
            Some(old) => {
                let (before, after) = (has_keys(pod, &old.labels), has_keys(pod, &new.labels));
                let moved = hard(pod).any(|c| old.labels.get(&c.topology_key) != new.labels.get(&c.topology_key));
                before != after || (after && (moved || retainted))
            }
        },
        Plugin::InterPodAffinity => affinity_domain_changed(pod, old, new),
        _ => false,
    }
}

fn affinity_domain_changed(pod: &PodInfo, old: Option<&NodeSpec>, new: &NodeSpec) -> bool {
    let value = |node: &NodeSpec, term: &AffinityTerm| node.labels.get(&term.topology_key).cloned();
    let Some(old) = old else {
        return !pod.anti_affinity.is_empty() || pod.affinity.iter().any(|term| value(new, term).is_some());
    };
    pod.affinity.iter().any(|term| value(new, term).is_some() && value(old, term) != value(new, term))
        || pod.anti_affinity.iter().any(|term| value(old, term).is_some() && value(old, term) != value(new, term))
}
