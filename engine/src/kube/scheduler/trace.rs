//! What happened in one attempt to place a pod, step by step, precise enough to print.
//!
//! A `Reason` says why one plugin turned one node down: its `message` is Kubernetes' text, its `detail` names what
//! decided it (the pod that holds the port, the taint, the amounts). Steps name at most `NODES_NAMED` nodes and
//! count the rest, so that a cluster of thousands of nodes leaves small events.

use crate::kube::scheduler::pod_info::{HostPort, PodRef};
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// Most nodes that one step names.
pub const NODES_NAMED: usize = 32;

/// The plugins of the default profile that have a say here, by their real names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plugin {
    SchedulingGates,
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    PodTopologySpread,
    InterPodAffinity,
    DefaultPreemption,
    NodeResourcesBalancedAllocation,
    ImageLocality,
}

impl Plugin {
    /// Those that filter nodes, in order.
    pub const FILTERS: [Plugin; 8] = [
        Plugin::NodeUnschedulable,
        Plugin::NodeName,
        Plugin::TaintToleration,
        Plugin::NodeAffinity,
        Plugin::NodePorts,
        Plugin::NodeResourcesFit,
        Plugin::PodTopologySpread,
        Plugin::InterPodAffinity,
    ];
}

impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A resource that a node has too little of.
#[derive(Clone, Debug, PartialEq)]
pub struct Insufficient {
    /// `pods`, `cpu` (thousandths), `memory` (bytes), or an extended resource.
    pub resource: Rc<str>,
    pub wanted: i64,
    pub used: i64,
    pub allocatable: i64,
}

impl Insufficient {
    fn message(&self) -> Cow<'static, str> {
        match &*self.resource {
            "pods" => "Too many pods".into(),
            "cpu" => "Insufficient cpu".into(),
            "memory" => "Insufficient memory".into(),
            other => format!("Insufficient {other}").into(),
        }
    }

    /// Even an empty node would be too small.
    fn hopeless(&self) -> bool {
        &*self.resource != "pods" && self.wanted > self.allocatable
    }
}

/// Why a plugin turned a node down.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    Cordoned,
    OtherNodeName {
        wanted: Rc<str>,
    },
    Taint {
        key: Rc<str>,
        value: Rc<str>,
        effect: Rc<str>,
    },
    NodeAffinity,
    /// `holder` is known where the node is named in a step.
    PortTaken {
        wanted: HostPort,
        held: HostPort,
        holder: Option<Rc<PodRef>>,
    },
    TooLittle(Vec<Insufficient>),
    SpreadLabelMissing {
        key: Rc<str>,
    },
    Spread {
        key: Rc<str>,
        value: Rc<str>,
        matching: i64,
        own: i64,
        least: i64,
        max_skew: i64,
    },
    Affinity {
        key: Rc<str>,
    },
    AntiAffinity {
        key: Rc<str>,
        value: Rc<str>,
    },
    ExistingAntiAffinity {
        key: Rc<str>,
        value: Rc<str>,
    },
    /// In the preemption part: no pod of lower priority is on the node.
    NoVictims,
}

impl Reason {
    pub fn plugin(&self) -> Plugin {
        match self {
            Reason::Cordoned => Plugin::NodeUnschedulable,
            Reason::OtherNodeName { .. } => Plugin::NodeName,
            Reason::Taint { .. } => Plugin::TaintToleration,
            Reason::NodeAffinity => Plugin::NodeAffinity,
            Reason::PortTaken { .. } => Plugin::NodePorts,
            Reason::TooLittle(_) => Plugin::NodeResourcesFit,
            Reason::SpreadLabelMissing { .. } | Reason::Spread { .. } => Plugin::PodTopologySpread,
            Reason::Affinity { .. } | Reason::AntiAffinity { .. } | Reason::ExistingAntiAffinity { .. } => {
                Plugin::InterPodAffinity
            }
            Reason::NoVictims => Plugin::DefaultPreemption,
        }
    }

    /// Whether removing pods could change the verdict (Kubernetes: Unschedulable, not UnschedulableAndUnresolvable).
    pub fn preemption_may_help(&self) -> bool {
        match self {
            Reason::PortTaken { .. }
            | Reason::Spread { .. }
            | Reason::AntiAffinity { .. }
            | Reason::ExistingAntiAffinity { .. } => true,
            Reason::TooLittle(all) => !all.iter().any(Insufficient::hopeless),
            _ => false,
        }
    }

    /// Kubernetes' texts for this reason: one, or one for each resource.
    pub fn messages(&self) -> Vec<Cow<'static, str>> {
        let one = match self {
            Reason::Cordoned => "node(s) were unschedulable",
            Reason::OtherNodeName { .. } => "node(s) didn't match the requested node name",
            Reason::Taint { key, value, .. } => {
                return vec![format!("node(s) had untolerated taint {{{key}: {value}}}").into()];
            }
            Reason::NodeAffinity => "node(s) didn't match Pod's node affinity/selector",
            Reason::PortTaken { .. } => "node(s) didn't have free ports for the requested pod ports",
            Reason::TooLittle(all) => return all.iter().map(Insufficient::message).collect(),
            Reason::SpreadLabelMissing { .. } => {
                "node(s) didn't match pod topology spread constraints (missing required label)"
            }
            Reason::Spread { .. } => "node(s) didn't match pod topology spread constraints",
            Reason::Affinity { .. } => "node(s) didn't match pod affinity rules",
            Reason::AntiAffinity { .. } => "node(s) didn't match pod anti-affinity rules",
            Reason::ExistingAntiAffinity { .. } => "node(s) didn't satisfy existing pods anti-affinity rules",
            Reason::NoVictims => "No preemption victims found for incoming pod",
        };
        vec![one.into()]
    }

    /// Whether both have the same `messages`, found without writing them.
    pub fn same_messages(&self, other: &Reason) -> bool {
        match (self, other) {
            (Reason::Taint { key, value, .. }, Reason::Taint { key: k, value: v, .. }) => key == k && value == v,
            (Reason::TooLittle(a), Reason::TooLittle(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.resource == b.resource)
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// What decided, in the words of the lab.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Cordoned => f.write_str("the node is cordoned"),
            Reason::OtherNodeName { wanted } => write!(f, "the pod asks for node {wanted}"),
            Reason::Taint { key, value, effect } if value.is_empty() => {
                write!(f, "taint {key}:{effect} is not tolerated")
            }
            Reason::Taint { key, value, effect } => write!(f, "taint {key}={value}:{effect} is not tolerated"),
            Reason::NodeAffinity => f.write_str("nodeSelector or node affinity asks for other labels"),
            Reason::PortTaken { wanted, held, holder: Some(holder) } => {
                write!(f, "{wanted} is taken: pod {holder} holds {held}")
            }
            Reason::PortTaken { wanted, held, holder: None } => write!(f, "{wanted} is taken: {held} is held"),
            Reason::TooLittle(all) => {
                for (i, too_little) in all.iter().enumerate() {
                    let Insufficient { resource, wanted, used, allocatable } = too_little;
                    let comma = if i > 0 { "; " } else { "" };
                    write!(f, "{comma}{resource}: wants {wanted}, {used} of {allocatable} in use")?;
                }
                Ok(())
            }
            Reason::SpreadLabelMissing { key } => write!(f, "the node has no label {key}"),
            Reason::Spread { key, value, matching, own, least, max_skew } => {
                write!(
                    f,
                    "{key}={value} would have {} matching pods, {least} elsewhere, maxSkew {max_skew}",
                    matching + own
                )
            }
            Reason::Affinity { key } => write!(f, "no pod that the affinity asks for in this {key}"),
            Reason::AntiAffinity { key, value } => {
                write!(f, "a pod that the anti-affinity excludes is in {key}={value}")
            }
            Reason::ExistingAntiAffinity { key, value } => {
                write!(f, "a pod in {key}={value} excludes this one by its anti-affinity")
            }
            Reason::NoVictims => f.write_str("no pod of lower priority is on the node"),
        }
    }
}

/// One node's reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub node: Rc<str>,
    pub reason: Reason,
}

/// What the scoring plugins gave one node, after weighting.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeScore {
    pub node: Rc<str>,
    pub plugins: Vec<(Plugin, i64)>,
    pub total: i64,
}

/// Pods that would have to go from one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub node: Rc<str>,
    pub victims: Vec<Rc<PodRef>>,
}

/// One step of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Taken from the queue; the first attempt is 1.
    Dequeued { attempt: u32 },
    /// Held back by spec.schedulingGates.
    Gated { gates: Vec<String> },
    /// Node affinity on metadata.name left only these nodes to look at.
    PreFilter { nodes: Vec<Rc<str>>, left_out: usize },
    /// One plugin looked at the nodes that earlier plugins let pass.
    Filter { plugin: Plugin, rejected: Vec<Verdict>, rejected_total: usize, passed: usize },
    /// The feasible nodes and their scores, best first.
    Scores { nodes: Vec<NodeScore>, feasible: usize },
    /// No feasible node: where would removing pods of lower priority help?
    Preemption { candidates: Vec<Candidate>, rejected: Vec<Verdict>, rejected_total: usize, chosen: Option<Candidate> },
    /// The decision: bound to this node.
    Placed { node: Rc<str>, feasible: usize },
    /// The decision: not now, with the text of the FailedScheduling event.
    Failed { message: String },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Dequeued { attempt } => write!(f, "attempt {attempt} begins"),
            Step::Gated { gates } => write!(f, "held back by gates {}", gates.join(", ")),
            Step::PreFilter { nodes, .. } => write!(f, "NodeAffinity: only {}", nodes.join(", ")),
            Step::Filter { plugin, rejected_total: 0, passed, .. } => write!(f, "{plugin}: {passed} pass"),
            Step::Filter { plugin, rejected, rejected_total, passed } => {
                write!(f, "{plugin}: {passed} pass, {rejected_total} rejected")?;
                rejected.iter().try_for_each(|v| write!(f, "; {}: {}", v.node, v.reason))
            }
            Step::Scores { nodes, .. } => {
                f.write_str("scores:")?;
                nodes.iter().try_for_each(|score| write!(f, " {}={}", score.node, score.total))
            }
            Step::Preemption { chosen: Some(chosen), .. } => {
                let names: Vec<String> = chosen.victims.iter().map(|v| v.to_string()).collect();
                write!(f, "preemption on {}: {} must go", chosen.node, names.join(", "))
            }
            Step::Preemption { .. } => f.write_str("preemption helps on no node"),
            Step::Placed { node, .. } => write!(f, "placed on {node}"),
            Step::Failed { message } => f.write_str(message),
        }
    }
}
