//! What the workload controllers ask of a pod: is it active, ready, available; and which of several goes first.
//!
//! Source: Kubernetes 1.34 `pkg/controller/controller_utils.go` (`ActivePodsWithRanks`) and `pkg/api/v1/pod`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::object::{self, int_at, items, str_at};
use crate::store::Object;
use crate::time::Time;

/// Neither finished nor asked to stop.
pub fn is_active(pod: &Value) -> bool {
    !matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed") && !object::is_terminating(pod)
}

pub fn is_ready(pod: &Value) -> bool {
    object::condition_is_true(pod, "Ready")
}

/// When the pod became ready; None while it is not.
pub fn ready_since(pod: &Value) -> Option<Time> {
    let condition = object::condition(pod, "Ready").filter(|condition| str_at(condition, "status") == "True")?;
    Time::parse_rfc3339(str_at(condition, "lastTransitionTime"))
}

/// Ready for at least `min_ready_secs`.
pub fn is_available(pod: &Value, min_ready_secs: i64, now: Time) -> bool {
    available_in(pod, min_ready_secs, now) == Some(Duration::ZERO)
}

/// How long until the pod counts as available, if it stays ready; None while it is not ready.
pub fn available_in(pod: &Value, min_ready_secs: i64, now: Time) -> Option<Duration> {
    ready_since(pod).map(|since| wait_of(since, min_ready_secs, now))
}

/// How long until a pod that is ready since then counts as available.
pub fn wait_of(since: Time, min_ready_secs: i64, now: Time) -> Duration {
    let wait = Duration::from_secs(u64::try_from(min_ready_secs).unwrap_or(0));
    since.plus(wait).since(now)
}

pub fn created(object: &Value) -> Option<Time> {
    Time::parse_rfc3339(str_at(object, "metadata.creationTimestamp"))
}

/// Orders pods so that those which should be deleted first come first. `related` are all pods of the same owner's
/// owner: a pod that shares its node with more of them goes before one that stands alone.
pub fn sort_for_deletion(pods: &mut [Object], related: &[Object], now: Time) {
    let mut on_node: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in related.iter().filter(|pod| is_active(pod)) {
        *on_node.entry(str_at(pod, "spec.nodeName")).or_default() += 1;
    }
    // Two pods of one moment are equal where a third of another moment stands between them, so this is no order that the
    // library's sorting could be trusted with. Each pod goes behind those before it that do not come after it.
    let mut sorted: Vec<Rank> = Vec::with_capacity(pods.len());
    for pod in pods.iter() {
        let rank = rank(pod, on_node.get(str_at(pod, "spec.nodeName")).copied().unwrap_or(0));
        let at = sorted.partition_point(|before| deletion_order(before, &rank, now) != Ordering::Greater);
        sorted.insert(at, rank);
    }
    let sorted: Vec<Object> = sorted.into_iter().map(|rank| rank.pod.clone()).collect();
    pods.clone_from_slice(&sorted);
}

/// What decides which pod goes first, read once.
struct Rank<'a> {
    pod: &'a Object,
    uid: &'a str,
    assigned: bool,
    phase: u8,
    ready: bool,
    cost: i64,
    on_node: usize,
    ready_since: Option<Time>,
    restarts: i64,
    created: Option<Time>,
}

fn rank(pod: &Object, on_node: usize) -> Rank<'_> {
    Rank {
        pod,
        uid: object::uid(pod),
        assigned: !str_at(pod, "spec.nodeName").is_empty(),
        phase: match str_at(pod, "status.phase") {
            "Pending" => 0,
            "Unknown" => 1,
            _ => 2,
        },
        ready: is_ready(pod),
        cost: deletion_cost(pod),
        on_node,
        ready_since: ready_since(pod),
        restarts: restarts(pod),
        created: created(pod),
    }
}

fn deletion_order(a: &Rank, b: &Rank, now: Time) -> Ordering {
    let fixed = |pod: &Rank| (pod.assigned, pod.phase, pod.ready, pod.cost);
    fixed(a)
        .cmp(&fixed(b))
        .then_with(|| b.on_node.cmp(&a.on_node))
        .then_with(|| younger_first((a.ready_since, a.uid), (b.ready_since, b.uid), now))
        .then_with(|| b.restarts.cmp(&a.restarts))
        .then_with(|| younger_first((a.created, a.uid), (b.created, b.uid), now))
}

/// The younger one first, where ages differ by a power of two; the smaller uid where they do not. Equal moments say nothing.
fn younger_first((a, uid_a): (Option<Time>, &str), (b, uid_b): (Option<Time>, &str), now: Time) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else { return Ordering::Equal };
    if a == b {
        return Ordering::Equal;
    }
    age_rank(a, now).cmp(&age_rank(b, now)).then_with(|| uid_a.cmp(uid_b))
}

/// The whole part of the binary logarithm of an age in nanoseconds; -1 for none.
fn age_rank(since: Time, now: Time) -> i64 {
    let age_ns = now.since(since).as_nanos();
    if age_ns == 0 { -1 } else { i64::from(age_ns.ilog2()) }
}

fn deletion_cost(pod: &Value) -> i64 {
    object::label(pod, "annotations", "controller.kubernetes.io/pod-deletion-cost")
        .and_then(|text| text.parse::<i32>().ok())
        .map_or(0, i64::from)
}

fn restarts(pod: &Value) -> i64 {
    items(pod, "status.containerStatuses").iter().filter_map(|status| int_at(status, "restartCount")).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::rc::Rc;

    fn pod(name: &str, node: &str, ready_secs_ago: Option<i64>) -> Object {
        let at = |secs: i64| Time(1_000_000 - secs * 1000).rfc3339();
        let phase = if node.is_empty() { "Pending" } else { "Running" };
        let mut pod = json!({"metadata": {"name": name, "uid": name, "creationTimestamp": at(500)},
            "spec": {"nodeName": node}, "status": {"phase": phase}});
        if let Some(secs) = ready_secs_ago {
            pod["status"]["conditions"] = json!([{"type": "Ready", "status": "True", "lastTransitionTime": at(secs)}]);
        }
        Rc::new(pod)
    }

    fn order(mut pods: Vec<Object>) -> String {
        let related = pods.clone();
        sort_for_deletion(&mut pods, &related, Time(1_000_000));
        pods.iter().map(|pod| object::name(pod)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn who_goes_first() {
        assert_eq!(
            order(vec![pod("old", "n1", Some(400)), pod("new", "n2", Some(4)), pod("wait", "", None)]),
            "wait new old"
        );
        // 400 and 300 seconds are one bucket: the uid decides.
        assert_eq!(order(vec![pod("b", "n1", Some(300)), pod("a", "n2", Some(400))]), "a b");
        assert_eq!(
            order(vec![pod("alone", "n1", Some(4)), pod("x", "n2", Some(400)), pod("y", "n2", Some(8))]),
            "y x alone"
        );
        assert_eq!(order(vec![pod("ready", "n1", Some(4)), pod("not", "n2", None)]), "not ready");
        let mut cheap = (*pod("cheap", "n1", Some(400))).clone();
        object::set(&mut cheap, "metadata.annotations", json!({"controller.kubernetes.io/pod-deletion-cost": "-5"}));
        assert_eq!(order(vec![pod("dear", "n2", Some(4)), Rc::new(cheap)]), "cheap dear");
    }

    #[test]
    fn available_after_min_ready() {
        let pod = pod("p", "n", Some(4));
        assert!(is_available(&pod, 4, Time(1_000_000)));
        assert!(!is_available(&pod, 5, Time(1_000_000)));
        assert_eq!(available_in(&pod, 6, Time(1_000_500)), Some(Duration::from_millis(1500)));
    }
}
