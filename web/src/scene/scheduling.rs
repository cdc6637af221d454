//! What the decision strip says of each step of the scheduler.

use portlab_engine::event::{Event, What};
use portlab_engine::kube::scheduler::trace::Step;
use portlab_engine::store::Key;

use super::frame::{Decision, Glyph, Part, Stop};
use super::sieve::LOOK_BACK_MAX;
use super::stage::short_node;

/// The frame of one step; `None` when the step only goes along.
pub(super) fn stop(events: &[Event], event: &Event, pod: &Key, step: &Step, cluster: &str) -> Option<Stop> {
    let by = |place: &str| format!("kube-scheduler, {place}");
    let say = |strong: &str, rest: String, place: &str| Decision::new("Decided by", strong, rest, by(place));
    match step {
        Step::Dequeued { attempt } => {
            let rest = format!(": {} is taken from the queue, attempt {attempt}", pod.name);
            Some((Glyph::Hop, "Dequeued".into(), say("PrioritySort", rest, "QueueSort")))
        }
        Step::Gated { gates } => {
            let rest = format!(" holds {} back: {}", pod.name, gates.join(", "));
            Some((Glyph::Refused, "Gated".into(), say("SchedulingGates", rest, "PreEnqueue")))
        }
        Step::Filter { plugin, rejected_total: 0, passed, .. } => {
            let rest = if *passed == 1 { ": 1 node passes".to_owned() } else { format!(": {passed} nodes pass") };
            Some((Glyph::Rule, plugin.to_string(), say(&plugin.to_string(), rest, "Filter")))
        }
        Step::Filter { plugin, rejected, rejected_total, passed } => {
            let named: Vec<String> = rejected.iter().take(3).map(|v| short_node(&v.node, cluster)).collect();
            let more = rejected_total.saturating_sub(named.len());
            let on = if more > 0 {
                format!(" on {} and {more} more: ", named.join(", "))
            } else {
                format!(" on {}: ", and(&named))
            };
            let first = rejected.first().map(|verdict| verdict.reason.to_string()).unwrap_or_default();
            let left = format!("{first}. {passed} {} left", nodes_word(*passed));
            Some((Glyph::Refused, plugin.to_string(), say(&plugin.to_string(), on, "Filter").refusal(left)))
        }
        Step::Scores { nodes, .. } => {
            let best: Vec<String> =
                nodes.iter().take(4).map(|s| format!("{} {}", short_node(&s.node, cluster), s.total)).collect();
            Some((Glyph::Rule, "Score".into(), say("Score", format!(": {}", best.join(", ")), "Score")))
        }
        Step::Preemption { chosen: Some(chosen), .. } => {
            let victims: Vec<&str> = chosen.victims.iter().take(3).map(|victim| victim.name.as_str()).collect();
            let rest = format!(" on {}: ", short_node(&chosen.node, cluster));
            let decision = say("DefaultPreemption", rest, "PostFilter").refusal(format!("{} must go", and(&victims)));
            Some((Glyph::Refused, "Preemption".into(), decision))
        }
        Step::Preemption { .. } => Some((
            Glyph::Rule,
            "Preemption".into(),
            say("DefaultPreemption", ": helps on no node".into(), "PostFilter"),
        )),
        Step::Failed { .. } => Some((Glyph::Refused, "Unschedulable".into(), summary(events, event, pod, cluster))),
        Step::PreFilter { nodes, left_out } => {
            let rest = format!(": only {} looked at, {left_out} left out", nodes_word_of(nodes.len()));
            Some((Glyph::Rule, "PreFilter".into(), say("NodeAffinity", rest, "PreFilter")))
        }
        // The binding that follows says the same.
        Step::Placed { .. } => None,
    }
}

/// Which plugin stopped which nodes, for the end of an attempt.
fn summary(events: &[Event], event: &Event, pod: &Key, cluster: &str) -> Decision {
    let mut decision = Decision { label: "Decided by", parts: Vec::new(), place: "kube-scheduler, Filter".into() };
    let mut total = 0;
    let steps = events[..event.index].iter().rev().take(LOOK_BACK_MAX).filter_map(|event| match &event.what {
        What::Scheduling { pod: of, step } if of == pod => Some(step),
        _ => None,
    });
    let mut stops: Vec<(String, String)> = Vec::new();
    for step in steps.take_while(|step| !matches!(step, Step::Dequeued { .. })) {
        if let Step::Filter { plugin, rejected, rejected_total, .. } = step
            && *rejected_total > 0
        {
            let named: Vec<String> = rejected.iter().take(3).map(|v| short_node(&v.node, cluster)).collect();
            let on = if *rejected_total > 3 { format!("{rejected_total} nodes") } else { and(&named) };
            stops.push((plugin.to_string(), on));
            total += rejected_total;
        }
    }
    for (i, (plugin, on)) in stops.iter().rev().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        decision.parts.extend([
            Part::Text(comma.into()),
            Part::Strong(plugin.clone()),
            Part::Text(format!(" on {on}")),
        ]);
    }
    let colon = if stops.is_empty() { "" } else { ": " };
    decision.refusal(format!("{colon}0 of {} left", nodes_word_of(total)))
}

fn nodes_word(n: usize) -> &'static str {
    if n == 1 { "node" } else { "nodes" }
}

fn nodes_word_of(n: usize) -> String {
    format!("{n} {}", nodes_word(n))
}

/// `a`, `a and b`, `a, b and c`.
fn and<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
