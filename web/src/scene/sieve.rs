//! The filter table of one scheduling attempt: plugins are rows in the scheduler's order, nodes are lanes.
//!
//! Drawn from the attempt's steps as far as they have been seen, never re-derived. Only that a plugin had nothing to
//! check ("none set") is read from the pod.

use std::rc::Rc;

use portlab_engine::event::{Event, What};
use portlab_engine::kube::scheduler::pod_info::HostPort;
use portlab_engine::kube::scheduler::trace::{NodeScore, Plugin, Reason, Step, Verdict};
use portlab_engine::object::{field, items, name, str_at};
use portlab_engine::store::{Key, Kind, Object, Store};
use portlab_engine::world::State;

use super::claim::{Claim, Compared, claims, compare};
use super::frame::Frame;
use super::stage::{LANES_MAX, short_pod};

/// How far back the beginning of an attempt is looked for.
pub(super) const LOOK_BACK_MAX: usize = 50_000;

/// One attempt, as far as it has been seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Sieve {
    pub pod: Key,
    pub attempt: u32,
    /// The host ports that the pod asks for.
    pub wants: Vec<Claim>,
    /// The nodes of the lanes, by name.
    pub nodes: Vec<Rc<str>>,
    pub rows: Vec<Row>,
    /// Filters at the end that no node reached.
    pub not_run: Vec<Plugin>,
    pub end: Option<End>,
}

/// How the attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Placed(Rc<str>),
    Failed,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    /// What the plugin looks at, shown where it stopped a node.
    pub why: &'static str,
    pub cells: Vec<Cell>,
}

/// What a row says about a lane.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Pass,
    NoneSet,
    NotRun,
    Stop(Box<StopBox>),
    Score(i64),
    Lands,
    Said(String),
}

/// Why a node was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct StopBox {
    pub title: String,
    pub text: String,
    /// For a port: the three comparisons with the claim in the way.
    pub compared: Option<[Compared; 3]>,
}

/// The table to show with a frame: of the attempt that the frame belongs to, else of the last failed attempt of the
/// oldest pod that still waits.
#[must_use]
pub fn sieve(events: &[Event], frame: Option<&Frame>, state: &State) -> Option<Sieve> {
    let seen = frame.map_or(events.len(), |frame| frame.end).min(events.len());
    let events = &events[..seen];
    let own = frame.and_then(|frame| events.get(frame.about)).and_then(pod_of);
    let (pod, until) = match own {
        Some(pod) => (pod, frame.map_or(seen, |frame| frame.about + 1)),
        None => (oldest_refused(events, &state.store)?, seen),
    };
    attempt(&events[..until], &pod, state)
}

/// The pod whose attempt an event is part of.
fn pod_of(event: &Event) -> Option<Key> {
    match &event.what {
        What::Scheduling { pod, .. } => Some(pod.clone()),
        What::Stored { key, old: Some(old), new, .. } if key.kind == Kind::Pod => {
            (field(old, "spec.nodeName") != field(new, "spec.nodeName")).then(|| key.clone())
        }
        What::Stored { key, new, .. } if key.kind == Kind::Event && str_at(new, "reason") == "FailedScheduling" => {
            Some(Key::new(Kind::Pod, str_at(new, "involvedObject.namespace"), str_at(new, "involvedObject.name")))
        }
        _ => None,
    }
}

fn oldest_refused(events: &[Event], store: &Store) -> Option<Key> {
    let waiting = |pod: &&Object| str_at(pod, "spec.nodeName").is_empty();
    let oldest = store.list(Kind::Pod).filter(waiting).min_by_key(|pod| str_at(pod, "metadata.creationTimestamp"))?;
    let key = Key::of(Kind::Pod, oldest);
    let tried =
        |event: &Event| matches!(&event.what, What::Scheduling { pod, step: Step::Failed { .. } } if *pod == key);
    events.iter().rev().take(LOOK_BACK_MAX).any(tried).then_some(key)
}

/// The last attempt with this pod among the events.
fn attempt(events: &[Event], pod: &Key, state: &State) -> Option<Sieve> {
    let mut steps: Vec<&Step> = Vec::new();
    let mut number = 1;
    for event in events.iter().rev().take(LOOK_BACK_MAX) {
        let What::Scheduling { pod: of, step } = &event.what else { continue };
        if of != pod {
            continue;
        }
        if let Step::Dequeued { attempt } = step {
            number = *attempt;
            steps.push(step);
            break;
        }
        steps.push(step);
    }
    steps.reverse();
    if steps.is_empty() {
        return None;
    }
    let object = state.store.get(pod);
    let nodes = lanes(&steps, &state.store);
    let mut sieve = Sieve {
        pod: pod.clone(),
        attempt: number,
        wants: object.map(|object| claims(object)).unwrap_or_default(),
        nodes,
        rows: Vec::new(),
        not_run: Vec::new(),
        end: None,
    };
    for step in steps {
        take_in(&mut sieve, step, object, state);
    }
    Some(sieve)
}

/// The nodes to draw: all in order while they fit, else those that the steps name first.
fn lanes(steps: &[&Step], store: &Store) -> Vec<Rc<str>> {
    let all = || store.list(Kind::Node).map(|node| Rc::from(name(node)));
    if store.list(Kind::Node).nth(LANES_MAX).is_none() {
        return all().collect();
    }
    let named = steps.iter().flat_map(|step| match step {
        Step::Filter { rejected, .. } => rejected.iter().take(2).map(|verdict| verdict.node.clone()).collect(),
        Step::Placed { node, .. } => vec![node.clone()],
        _ => Vec::new(),
    });
    let mut lanes: Vec<Rc<str>> = Vec::new();
    for node in named.chain(all()) {
        if lanes.len() < LANES_MAX && !lanes.contains(&node) {
            lanes.push(node);
        }
    }
    lanes
}

fn take_in(sieve: &mut Sieve, step: &Step, object: Option<&Object>, state: &State) {
    match step {
        Step::Dequeued { .. } => {}
        Step::Gated { gates } => {
            let cells = sieve.nodes.iter().map(|_| Cell::Said(gates.join(", "))).collect();
            sieve.rows.push(Row { name: Plugin::SchedulingGates.to_string(), why: "the pod is held back", cells });
        }
        Step::PreFilter { nodes, .. } => {
            let left_out = |node: &Rc<str>| match nodes.contains(node) {
                true => Cell::Pass,
                false => Cell::Stop(Box::new(StopBox {
                    title: "not looked at".into(),
                    text: format!("the pod's affinity names only {}", nodes.join(", ")),
                    compared: None,
                })),
            };
            let cells = sieve.nodes.iter().map(left_out).collect();
            sieve.rows.push(Row { name: "NodeAffinity, beforehand".into(), why: "the pod names its nodes", cells });
        }
        Step::Filter { plugin, rejected, passed, .. } => {
            let cells = cells(sieve, *plugin, rejected, object, state);
            sieve.rows.push(Row { name: plugin.to_string(), why: asks(*plugin), cells });
            if *passed == 0 {
                let after = Plugin::FILTERS.iter().skip_while(|p| *p != plugin).skip(1);
                sieve.not_run = after.copied().collect();
            }
        }
        Step::Scores { nodes, .. } => {
            let score = |node: &Rc<str>| nodes.iter().find(|score| score.node == *node).map_or(Cell::NotRun, total);
            let cells = sieve.nodes.iter().map(score).collect();
            sieve.rows.push(Row { name: "Score".into(), why: "", cells });
        }
        Step::Preemption { rejected, chosen, .. } => {
            let cells =
                sieve.nodes.iter().map(|node| preemption(node, rejected, chosen.as_ref().map(|c| &c.node))).collect();
            sieve.rows.push(Row { name: "DefaultPreemption".into(), why: "", cells });
        }
        Step::Placed { node, .. } => {
            let cells = sieve.nodes.iter().map(|lane| if lane == node { Cell::Lands } else { Cell::NotRun }).collect();
            sieve.rows.push(Row { name: "Bind".into(), why: "", cells });
            sieve.end = Some(End::Placed(node.clone()));
        }
        Step::Failed { .. } => sieve.end = Some(End::Failed),
    }
}

fn total(score: &NodeScore) -> Cell {
    Cell::Score(score.total)
}

fn preemption(node: &Rc<str>, rejected: &[Verdict], chosen: Option<&Rc<str>>) -> Cell {
    if chosen == Some(node) {
        return Cell::Said("room can be made here".into());
    }
    match rejected.iter().find(|verdict| verdict.node == *node).map(|verdict| &verdict.reason) {
        Some(Reason::NoVictims) => Cell::Said("no victims: no pod of lower priority".into()),
        Some(_) => Cell::Said("would not help".into()),
        None => Cell::NotRun,
    }
}

/// Whether a lane was stopped by an earlier row.
fn stopped(sieve: &Sieve, lane: usize) -> bool {
    sieve.rows.iter().any(|row| matches!(row.cells[lane], Cell::Stop(_)))
}

fn cells(sieve: &Sieve, plugin: Plugin, rejected: &[Verdict], object: Option<&Object>, state: &State) -> Vec<Cell> {
    let none_set = object.is_some_and(|object| nothing_to_check(plugin, object));
    let cell = |(lane, node): (usize, &Rc<str>)| {
        if stopped(sieve, lane) {
            return Cell::NotRun;
        }
        match rejected.iter().find(|verdict| verdict.node == *node) {
            Some(verdict) => Cell::Stop(Box::new(stop_box(&verdict.reason, &state.store))),
            None if none_set => Cell::NoneSet,
            None => Cell::Pass,
        }
    };
    sieve.nodes.iter().enumerate().map(cell).collect()
}

fn nothing_to_check(plugin: Plugin, pod: &Object) -> bool {
    match plugin {
        Plugin::NodeAffinity => {
            field(pod, "spec.nodeSelector").is_null() && field(pod, "spec.affinity.nodeAffinity").is_null()
        }
        Plugin::NodePorts => claims(pod).is_empty(),
        Plugin::PodTopologySpread => items(pod, "spec.topologySpreadConstraints").is_empty(),
        _ => false,
    }
}

/// What a filter looks at, in a few words.
fn asks(plugin: Plugin) -> &'static str {
    match plugin {
        Plugin::NodeUnschedulable => "a cordoned node takes no new pods",
        Plugin::NodeName => "spec.nodeName, when the pod sets it",
        Plugin::TaintToleration => "pod must tolerate every NoSchedule taint",
        Plugin::NodeAffinity => "nodeSelector and required affinity",
        Plugin::NodePorts => "hostIP, protocol and port against every claim already on the node",
        Plugin::NodeResourcesFit => "requests against what is left",
        Plugin::PodTopologySpread => "required spreading",
        Plugin::InterPodAffinity => "required affinity between pods",
        _ => "",
    }
}

fn claim_of(port: &HostPort) -> Claim {
    Claim {
        port: port.port,
        protocol: port.protocol.to_string(),
        ip: port.host_ip.to_string(),
        container_port: 0,
        ip_given: &*port.host_ip != "0.0.0.0",
    }
}

fn stop_box(reason: &Reason, store: &Store) -> StopBox {
    let plain = |title: &str| StopBox { title: title.to_owned(), text: reason.to_string(), compared: None };
    match reason {
        Reason::Taint { key, value, effect } => {
            let value = if value.is_empty() { String::new() } else { format!("={value}") };
            StopBox { title: "untolerated taint".into(), text: format!("{key}{value}:{effect}"), compared: None }
        }
        Reason::PortTaken { wanted, held, holder } => {
            let title = match holder {
                Some(pod) => {
                    let object = store.find(Kind::Pod, &pod.namespace, &pod.name);
                    format!("held by {}", object.map_or(pod.name.clone(), |object| short_pod(object)))
                }
                None => "the port is held".to_owned(),
            };
            let text = holder.as_ref().map(ToString::to_string).unwrap_or_default();
            StopBox { title, text, compared: Some(compare(&claim_of(wanted), &claim_of(held))) }
        }
        Reason::Cordoned => plain("cordoned"),
        Reason::TooLittle(_) => plain("too little left"),
        Reason::NodeAffinity | Reason::OtherNodeName { .. } => plain("another node is asked for"),
        Reason::Spread { .. } | Reason::SpreadLabelMissing { .. } => plain("spreading forbids it"),
        Reason::Affinity { .. } | Reason::AntiAffinity { .. } | Reason::ExistingAntiAffinity { .. } => {
            plain("pod affinity")
        }
        Reason::NoVictims => plain("no victims"),
    }
}
