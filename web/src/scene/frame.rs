//! Frames: the stops of the transport. One frame is one decision or one change worth seeing, with the events
//! that merely go along with it (status updates, Normal events, the end of a command) folded in.

use std::fmt;

use portlab_engine::event::{Actor, Event, Verb, What};
use portlab_engine::object::{field, int_at, is_terminating, items, name, namespace, str_at};
use portlab_engine::store::{Kind, Object};
use portlab_engine::time::Time;

use super::calling::Calling;
use super::host::Shown;
use super::host::plug::Shape;
use super::passing::Passing;
use super::scheduling;

/// A mark with its own outline; colour only where it means a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A command or a pod on its way.
    Hop,
    /// A rule was tested and let the pod through.
    Rule,
    /// Something was refused.
    Refused,
    Added,
    Changed,
    Gone,
    /// A pod was bound to a node.
    Landed,
    /// A pod runs.
    Up,
    /// A pod is stopping.
    Ending,
    /// A socket has come into a state.
    Socket(Shape),
    /// Nothing has come yet.
    Waits,
    /// A packet that nobody answers.
    Dropped,
}

/// A stop of the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The events of this frame: from `start` up to, but not including, `end`.
    pub start: usize,
    pub end: usize,
    /// The event that the frame is about.
    pub about: usize,
    /// The part of that event's trace that the frame shows, where it does not show the whole event.
    pub step: Option<(usize, usize)>,
    /// The moment that is shown, where time has passed since that event.
    pub clock: Option<Time>,
    /// Whether that event is over, and the frame shows what came of it.
    pub past: bool,
    pub glyph: Glyph,
    /// A word or two, beside the counter.
    pub title: String,
    pub decision: Decision,
}

impl Frame {
    /// Its event, with the part of its trace that is shown; none where that event is past.
    #[must_use]
    pub fn shown<'a>(&self, events: &'a [Event]) -> Option<Shown<'a>> {
        if self.past {
            return None;
        }
        Some(Shown { event: events.get(self.about)?, step: self.step })
    }
}

/// What the decision strip says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// `Decided by`, `Command`, `Change`.
    pub label: &'static str,
    pub parts: Vec<Part>,
    /// Who and where, at the far end.
    pub place: String,
}

/// A piece of the strip's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Strong(String),
    /// A refusal: the one thing in colour.
    Refusal(String),
}

impl fmt::Display for Decision {
    /// The whole line as plain text, for the list of events.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) | Part::Strong(text) | Part::Refusal(text) => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

impl Decision {
    /// A line that begins with a name.
    pub(super) fn new(
        label: &'static str,
        strong: impl Into<String>,
        rest: impl Into<String>,
        place: impl Into<String>,
    ) -> Decision {
        let parts = vec![Part::Strong(strong.into()), Part::Text(rest.into())];
        Decision { label, parts, place: place.into() }
    }

    pub(super) fn refusal(mut self, text: impl Into<String>) -> Decision {
        self.parts.push(Part::Refusal(text.into()));
        self
    }
}

/// A frame's own part, before its events are counted out.
pub(super) type Stop = (Glyph, String, Decision);

/// Cuts the events from `from` on into frames. `events` is the whole history.
#[must_use]
pub fn frames(events: &[Event], from: usize, cluster: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut start = from;
    let mut calling = Calling::default();
    let mut passing = Passing::default();
    events.iter().take(from).for_each(|event| calling.follow(event));
    for event in events.iter().skip(from) {
        let end = event.index + 1;
        let passed = passing.before(events, event);
        if let Some(((glyph, title, decision), clock)) = passed {
            // The end of a command tells the clock; before the next program there is no event that does.
            let ended = matches!(event.what, What::CommandEnded { .. });
            let (about, end, clock) =
                if ended { (event.index, end, None) } else { (event.index - 1, event.index, Some(clock)) };
            frames.push(Frame { start, end, about, step: None, clock, past: !ended, glyph, title, decision });
            start = end;
        }
        // What a kubelet does on a host goes along with what the cluster shows of it.
        let called = matches!(event.what, What::Called { .. }) && !matches!(event.actor, Actor::Kubelet { .. });
        if called || matches!(event.what, What::Passed { .. }) {
            if calling.stops(events, event, start, &mut frames) {
                start = end;
            }
        } else if let Some((glyph, title, decision)) = stop(events, event, cluster) {
            let (about, step, clock) = (event.index, None, None);
            frames.push(Frame { start, end, about, step, clock, past: false, glyph, title, decision });
            start = end;
        } else if let Some(last) = frames.last_mut() {
            last.end = end;
            start = end;
        }
    }
    frames
}

/// What an event stops the transport for; `None` when it only goes along.
fn stop(events: &[Event], event: &Event, cluster: &str) -> Option<Stop> {
    match &event.what {
        What::Command { place, line } => {
            let first = line.lines().next().unwrap_or_default();
            let program = first.split_whitespace().next().unwrap_or("command").to_owned();
            let decision = Decision::new("Command", place.prompt(), first.to_owned(), "you");
            Some((Glyph::Hop, program, decision))
        }
        What::FileWritten { path, text } => {
            let done = if text.is_some() { " written" } else { " removed" };
            Some((Glyph::Changed, path.clone(), Decision::new("Change", path.clone(), done, "you")))
        }
        What::Stored { key, verb, old, new } if namespace(new) != "kube-system" => {
            let old = old.as_ref().filter(|_| *verb == Verb::Modified);
            stored(&event.actor, key.kind, old, new, cluster)
        }
        What::Deleted { key, .. } if shown(key.kind) && key.namespace != "kube-system" => {
            let title = format!("{} gone", key.kind.info().kind);
            let decision = Decision::new("Change", key.to_string(), " is gone", event.actor.to_string());
            Some((Glyph::Gone, title, decision))
        }
        What::Scheduling { pod, step } => scheduling::stop(events, event, pod, step, cluster),
        _ => None,
    }
}

/// The kinds whose coming, changing and going are worth a stop.
fn shown(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Pod
            | Kind::Deployment
            | Kind::ReplicaSet
            | Kind::DaemonSet
            | Kind::Service
            | Kind::Node
            | Kind::Namespace
    )
}

fn stored(actor: &Actor, kind: Kind, old: Option<&Object>, new: &Object, cluster: &str) -> Option<Stop> {
    let what = format!("{}/{}", kind.info().singular, name(new));
    let change = |glyph, title: String, rest: String| {
        Some((glyph, title, Decision::new("Change", what.clone(), rest, actor.to_string())))
    };
    if kind == Kind::Event {
        return reported(new, actor);
    }
    if kind == Kind::EndpointSlice {
        let ready = |object: &Object| items(object, "endpoints").len();
        let (before, now) = (old.map_or(0, ready), ready(new));
        return (before != now)
            .then(|| change(Glyph::Changed, "Endpoints".into(), format!(": {before} → {now} endpoints")))?;
    }
    if !shown(kind) {
        return None;
    }
    let kind_name = kind.info().kind;
    let Some(old) = old else {
        let replicas = int_at(new, "spec.replicas").filter(|_| kind != Kind::Pod);
        let rest = replicas.map_or(" created".to_owned(), |n| format!(" created, {n} {}", replicas_word(n)));
        return change(Glyph::Added, format!("{kind_name} created"), rest);
    };
    if !is_terminating(old) && is_terminating(new) {
        return change(Glyph::Ending, format!("{kind_name} stops"), " is asked to stop".into());
    }
    if kind == Kind::Pod {
        return pod_changed(actor, old, new, cluster);
    }
    let differs = |path: &str| field(old, path) != field(new, path);
    if differs("spec.replicas") {
        let (before, now) = (field(old, "spec.replicas"), field(new, "spec.replicas"));
        return change(
            Glyph::Changed,
            format!("{kind_name} {now}"),
            format!(": {before} → {now} {}", replicas_word(now.as_i64().unwrap_or(0))),
        );
    }
    if differs("spec.unschedulable") {
        let on = field(new, "spec.unschedulable") == true;
        let word = if on { "cordoned" } else { "uncordoned" };
        return change(Glyph::Changed, word.to_owned(), format!(" is {word}"));
    }
    differs("spec").then(|| change(Glyph::Changed, format!("{kind_name} changed"), ": its spec changes".into()))?
}

fn replicas_word(n: i64) -> &'static str {
    if n == 1 { "replica" } else { "replicas" }
}

fn pod_changed(actor: &Actor, old: &Object, new: &Object, cluster: &str) -> Option<Stop> {
    let differs = |path: &str| field(old, path) != field(new, path);
    let what = format!("pod/{}", name(new));
    if differs("spec.nodeName") {
        let node = super::stage::short_node(str_at(new, "spec.nodeName"), cluster);
        let decision =
            Decision::new("Decided by", "Binding", format!(": {} goes to {node}", name(new)), actor.to_string());
        return Some((Glyph::Landed, format!("to {node}"), decision));
    }
    if differs("status.phase") {
        let phase = str_at(new, "status.phase");
        let glyph = if phase == "Failed" { Glyph::Refused } else { Glyph::Up };
        let why = str_at(new, "status.message");
        let decision = Decision::new("Change", what, format!(" is {phase}"), actor.to_string());
        let decision = if why.is_empty() { decision } else { decision.refusal(format!(": {why}")) };
        return Some((glyph, phase.to_owned(), decision));
    }
    None
}

/// Events of the API: warnings stop the transport, the rest goes along.
fn reported(event: &Object, actor: &Actor) -> Option<Stop> {
    if str_at(event, "type") != "Warning" {
        return None;
    }
    let reason = str_at(event, "reason").to_owned();
    let about = str_at(event, "involvedObject.name");
    let decision = Decision::new("Decided by", reason.clone(), format!(" on {about}: "), actor.to_string());
    Some((Glyph::Refused, reason, decision.refusal(str_at(event, "message"))))
}
