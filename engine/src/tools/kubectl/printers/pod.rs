//! The table row of a pod: READY, STATUS and RESTARTS as `printPod` derives them from the container statuses.

use serde_json::Value;

use super::{Column, column, since, wide};
use crate::object::{bool_at, condition_is_true, field, int_at, is_terminating, items, name, str_at};
use crate::time::Time;

pub const COLUMNS: &[Column] = &[
    column("NAME"),
    column("READY"),
    column("STATUS"),
    column("RESTARTS"),
    column("AGE"),
    wide("IP"),
    wide("NODE"),
    wide("NOMINATED NODE"),
    wide("READINESS GATES"),
];

pub fn cells(pod: &Value, now: Time) -> Vec<String> {
    let summary = summarize(pod);
    let restarts = match summary.last_restart {
        Some(last) if summary.restarts != 0 => {
            format!("{} ({} ago)", summary.restarts, super::age::human(now.0 - last.0))
        }
        _ => summary.restarts.to_string(),
    };
    let or_none = |text: &str| if text.is_empty() { "<none>".to_owned() } else { text.to_owned() };
    vec![
        name(pod).into(),
        format!("{}/{}", summary.ready, summary.total),
        summary.reason,
        restarts,
        since(str_at(pod, "metadata.creationTimestamp"), now),
        or_none(items(pod, "status.podIPs").first().map_or("", |address| str_at(address, "ip"))),
        or_none(str_at(pod, "spec.nodeName")),
        or_none(str_at(pod, "status.nominatedNodeName")),
        readiness_gates(pod),
    ]
}

struct Summary {
    ready: usize,
    total: usize,
    reason: String,
    restarts: i64,
    last_restart: Option<Time>,
}

/// Restarts of some containers and when the last of them was.
#[derive(Default)]
struct Restarts {
    count: i64,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += int_at(status, "restartCount").unwrap_or(0);
        let finished = Time::parse_rfc3339(str_at(status, "lastState.terminated.finishedAt"));
        self.last = self.last.max(finished);
    }
}

fn summarize(pod: &Value) -> Summary {
    let mut reason = match str_at(pod, "status.reason") {
        "" => str_at(pod, "status.phase").to_owned(),
        reason => reason.to_owned(),
    };
    let gated = |c: &&Value| str_at(c, "type") == "PodScheduled" && str_at(c, "reason") == "SchedulingGated";
    if items(pod, "status.conditions").iter().any(|c| gated(&c)) {
        reason = "SchedulingGated".into();
    }
    let sidecar = |name: &str| {
        let mut inits = items(pod, "spec.initContainers").iter();
        inits.any(|container| str_at(container, "name") == name && str_at(container, "restartPolicy") == "Always")
    };
    let inits = items(pod, "spec.initContainers");
    let sidecars = inits.iter().filter(|container| sidecar(str_at(container, "name"))).count();
    let total = items(pod, "spec.containers").len() + sidecars;

    let mut ready = 0;
    let (mut of_inits, mut of_sidecars) = (Restarts::default(), Restarts::default());
    let mut initializing = None;
    for (index, status) in items(pod, "status.initContainerStatuses").iter().enumerate() {
        of_inits.add(status);
        let is_sidecar = sidecar(str_at(status, "name"));
        if is_sidecar {
            of_sidecars.add(status);
        }
        if int_at(status, "state.terminated.exitCode") == Some(0) {
            continue;
        }
        if is_sidecar && bool_at(status, "started") {
            ready += usize::from(bool_at(status, "ready"));
            continue;
        }
        initializing = Some(init_reason(status, index, inits.len()));
        break;
    }
    if let Some(why) = &initializing {
        reason.clone_from(why);
    }
    let mut restarts = of_inits;
    if initializing.is_none() || condition_is_true(pod, "Initialized") {
        restarts = of_sidecars;
        let mut running = false;
        for status in items(pod, "status.containerStatuses").iter().rev() {
            restarts.add(status);
            if let Some(why) = container_reason(status) {
                reason = why;
            } else if bool_at(status, "ready") && !field(status, "state.running").is_null() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && running {
            reason = if condition_is_true(pod, "Ready") { "Running".into() } else { "NotReady".into() };
        }
    }
    let ended = matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed");
    if is_terminating(pod) && str_at(pod, "status.reason") == "NodeLost" {
        reason = "Unknown".into();
    } else if is_terminating(pod) && !ended {
        reason = "Terminating".into();
    }
    Summary { ready, total, reason, restarts: restarts.count, last_restart: restarts.last }
}

/// Why an init container that has not succeeded holds the pod back.
fn init_reason(status: &Value, index: usize, of: usize) -> String {
    let terminated = field(status, "state.terminated");
    let waiting = str_at(status, "state.waiting.reason");
    if !terminated.is_null() {
        return format!("Init:{}", termination(terminated));
    }
    match waiting {
        "" | "PodInitializing" => format!("Init:{index}/{of}"),
        reason => format!("Init:{reason}"),
    }
}

/// What a waiting or ended container says; none for one that runs.
fn container_reason(status: &Value) -> Option<String> {
    let waiting = str_at(status, "state.waiting.reason");
    if !waiting.is_empty() {
        return Some(waiting.into());
    }
    let terminated = field(status, "state.terminated");
    (!terminated.is_null()).then(|| termination(terminated))
}

fn termination(terminated: &Value) -> String {
    let reason = str_at(terminated, "reason");
    if !reason.is_empty() {
        return reason.into();
    }
    match int_at(terminated, "signal").unwrap_or(0) {
        0 => format!("ExitCode:{}", int_at(terminated, "exitCode").unwrap_or(0)),
        signal => format!("Signal:{signal}"),
    }
}

fn readiness_gates(pod: &Value) -> String {
    let gates = items(pod, "spec.readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let passed = gates.iter().filter(|gate| condition_is_true(pod, str_at(gate, "conditionType"))).count();
    format!("{passed}/{}", gates.len())
}
