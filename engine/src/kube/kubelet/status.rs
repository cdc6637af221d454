//! The status that a kubelet reports: phase, conditions and the state of each container.
//!
//! Source: Kubernetes 1.34 `pkg/kubelet/kubelet_pods.go` (`generateAPIPodStatus`, `getPhase`) and `pkg/kubelet/status`.

use serde_json::{Map, Value, json};

use super::admission::Refusal;
use super::images;
use super::runtime::{self, Container, Ended, PodRuntime, State};
use crate::object::{self, bool_at, field, int_at, items, str_at};
use crate::time::Time;

/// The conditions that the kubelet owns, in its order.
const OWN: [&str; 5] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/// The status of a pod that its node did not take. It says nothing of containers: none has been looked at.
pub fn rejected(pod: &Value, refusal: &Refusal, now: Time) -> Value {
    json!({"phase": "Failed", "reason": refusal.reason, "message": format!("Pod was rejected: {}", refusal.message),
        "qosClass": field(pod, "status.qosClass"), "startTime": now.rfc3339(),
        "observedGeneration": field(pod, "metadata.generation")})
}

/// The status of a pod that is on its node.
pub fn of(pod: &Value, runtime: &PodRuntime, host_ip: &str, now: Time) -> Value {
    let init = container_statuses(pod, runtime, "spec.initContainers");
    let mut ordinary = container_statuses(pod, runtime, "spec.containers");
    ordinary.sort_by(|a, b| str_at(a, "name").cmp(str_at(b, "name")));
    let terminal = runtime.stopping && runtime.containers.values().all(|one| !one.is_running());
    let phase = phase(pod, &init, &ordinary, terminal);
    let mut status = Map::new();
    let mut put = |name: &str, value: Value| status.insert(name.to_owned(), value);
    put("phase", json!(phase));
    put("qosClass", field(pod, "status.qosClass").clone());
    put("observedGeneration", field(pod, "metadata.generation").clone());
    let started = str_at(pod, "status.startTime");
    put("startTime", json!(if started.is_empty() { now.rfc3339() } else { started.to_owned() }));
    put("hostIP", json!(host_ip));
    put("hostIPs", json!([{"ip": host_ip}]));
    let ip = if runtime.host_network { host_ip } else { runtime.ip.as_str() };
    if !ip.is_empty() {
        put("podIP", json!(ip));
        put("podIPs", json!([{"ip": ip}]));
    }
    put("conditions", conditions(pod, runtime, phase, &init, &ordinary, now));
    if !init.is_empty() {
        put("initContainerStatuses", Value::Array(init));
    }
    put("containerStatuses", Value::Array(ordinary));
    for name in ["nominatedNodeName", "resourceClaimStatuses"] {
        if let Some(kept) = pod.get("status").and_then(|status| status.get(name)) {
            put(name, kept.clone());
        }
    }
    Value::Object(status)
}

fn conditions(pod: &Value, runtime: &PodRuntime, phase: &str, init: &[Value], ordinary: &[Value], now: Time) -> Value {
    let others = items(pod, "status.conditions").iter().filter(|one| !OWN.contains(&str_at(one, "type")));
    let mut conditions: Vec<Value> = others.cloned().collect();
    let ready = containers_ready(pod, phase, init, ordinary);
    let gates = readiness_gates(pod, &conditions);
    // The sandbox of a pod that has ended goes with its last container.
    let ended = matches!(phase, "Succeeded" | "Failed");
    let sandbox = if runtime.sandbox && !runtime.stopping && !ended { Ok(()) } else { Err(("", String::new())) };
    for (kind, verdict) in [
        (OWN[0], sandbox),
        (OWN[1], initialized(pod, phase, init, ordinary)),
        (OWN[2], ready.clone().and(gates)),
        (OWN[3], ready),
        (OWN[4], Ok(())),
    ] {
        let mut condition = json!({"type": kind, "status": if verdict.is_ok() { "True" } else { "False" },
            "lastProbeTime": null, "observedGeneration": field(pod, "metadata.generation")});
        if let Err((reason, message)) = verdict {
            for (name, text) in [("reason", reason), ("message", message.as_str())] {
                if !text.is_empty() {
                    condition[name] = json!(text);
                }
            }
        }
        if kind == OWN[1] && phase == "Succeeded" {
            condition["reason"] = json!("PodCompleted");
        }
        let before = object::condition(pod, kind).filter(|before| before["status"] == condition["status"]);
        condition["lastTransitionTime"] =
            before.map_or_else(|| json!(now.rfc3339()), |before| before["lastTransitionTime"].clone());
        conditions.push(condition);
    }
    Value::Array(conditions)
}

/// True, or False with reason and message.
type Verdict = Result<(), (&'static str, String)>;

fn containers_ready(pod: &Value, phase: &str, init: &[Value], ordinary: &[Value]) -> Verdict {
    match phase {
        "Succeeded" => return Err(("PodCompleted", String::new())),
        "Failed" => return Err(("PodFailed", String::new())),
        _ => {}
    }
    let sidecars =
        init.iter().filter(|status| str_at(runtime::spec(pod, str_at(status, "name")), "restartPolicy") == "Always");
    let in_order =
        items(pod, "spec.containers").iter().filter_map(|container| find(ordinary, str_at(container, "name")));
    let unready: Vec<&str> = sidecars
        .chain(in_order)
        .filter(|status| !bool_at(status, "ready"))
        .map(|status| str_at(status, "name"))
        .collect();
    if unready.is_empty() {
        return Ok(());
    }
    Err(("ContainersNotReady", format!("containers with unready status: [{}]", unready.join(" "))))
}

fn readiness_gates(pod: &Value, conditions: &[Value]) -> Verdict {
    let mut messages = Vec::new();
    for gate in items(pod, "spec.readinessGates") {
        let kind = str_at(gate, "conditionType");
        match conditions.iter().find(|condition| str_at(condition, "type") == kind) {
            None => messages.push(format!("corresponding condition of pod readiness gate \"{kind}\" does not exist.")),
            Some(condition) if str_at(condition, "status") != "True" => {
                let status = str_at(condition, "status");
                messages.push(format!("the status of pod readiness gate \"{kind}\" is not \"True\", but {status}"));
            }
            Some(_) => {}
        }
    }
    if messages.is_empty() { Ok(()) } else { Err(("ReadinessGatesNotReady", messages.join(", "))) }
}

fn initialized(pod: &Value, phase: &str, init: &[Value], ordinary: &[Value]) -> Verdict {
    let begun =
        ordinary.iter().any(|status| state(status) != "waiting" || !field(status, "lastState.terminated").is_null());
    let unfinished: Vec<&str> = init
        .iter()
        .filter(|status| {
            let sidecar = str_at(runtime::spec(pod, str_at(status, "name")), "restartPolicy") == "Always";
            if sidecar { !bool_at(status, "started") } else { int_at(status, "state.terminated.exitCode") != Some(0) }
        })
        .map(|status| str_at(status, "name"))
        .collect();
    if begun || phase == "Succeeded" || unfinished.is_empty() {
        return Ok(());
    }
    Err(("ContainersNotInitialized", format!("containers with incomplete status: [{}]", unfinished.join(" "))))
}

fn find<'a>(statuses: &'a [Value], name: &str) -> Option<&'a Value> {
    statuses.iter().find(|status| str_at(status, "name") == name)
}

/// `waiting`, `running` or `terminated`.
fn state(status: &Value) -> &'static str {
    ["running", "terminated"].into_iter().find(|name| field(status, "state").get(name).is_some()).unwrap_or("waiting")
}

/// Pending, Running, Succeeded or Failed. `terminal`: nothing will be started again.
fn phase(pod: &Value, init: &[Value], ordinary: &[Value], terminal: bool) -> &'static str {
    let before = str_at(pod, "status.phase");
    if let Some(ended) = ["Succeeded", "Failed"].into_iter().find(|ended| *ended == before) {
        return ended;
    }
    let policy = str_at(pod, "spec.restartPolicy");
    let mut pending_init = false;
    for status in init {
        let sidecar = str_at(runtime::spec(pod, str_at(status, "name")), "restartPolicy") == "Always";
        let code =
            int_at(status, "state.terminated.exitCode").or_else(|| int_at(status, "lastState.terminated.exitCode"));
        match (sidecar, state(status)) {
            (true, _) => pending_init |= !bool_at(status, "started") && code.is_none(),
            (false, "terminated") if code == Some(0) => {}
            (false, "running") => pending_init = true,
            (false, _) if code.is_some_and(|code| code != 0) => {
                if policy == "Never" {
                    return "Failed";
                }
                pending_init = true;
            }
            (false, _) => pending_init = true,
        }
    }
    let begun = |status: &Value| state(status) != "waiting" || !field(status, "lastState.terminated").is_null();
    let waiting = ordinary.iter().any(|status| !begun(status));
    let running = ordinary.iter().any(|status| state(status) == "running");
    let all_well = ordinary.iter().all(|status| int_at(status, "state.terminated.exitCode") == Some(0));
    let started_before = ordinary.iter().any(begun);
    if terminal && !waiting {
        return if all_well { "Succeeded" } else { "Failed" };
    }
    if terminal && !started_before {
        return "Failed";
    }
    if (pending_init && !started_before) || waiting {
        return "Pending";
    }
    match (running, policy) {
        (true, _) | (false, "Always" | "") => "Running",
        (false, _) if all_well => "Succeeded",
        (false, "Never") => "Failed",
        (false, _) => "Running",
    }
}

fn container_statuses(pod: &Value, runtime: &PodRuntime, path: &str) -> Vec<Value> {
    let none = Container::default();
    items(pod, path)
        .iter()
        .map(|container| {
            let found = runtime.containers.get(str_at(container, "name")).unwrap_or(&none);
            container_status(pod, container, found, runtime.stopping)
        })
        .collect()
}

fn container_status(pod: &Value, container: &Value, found: &Container, stopping: bool) -> Value {
    let image = str_at(container, "image");
    let (current, last) = states(pod, found);
    let running = found.is_running();
    let ever = !found.id.is_empty();
    let init = items(pod, "spec.initContainers").iter().any(|one| str_at(one, "name") == str_at(container, "name"));
    let finished_init = init && matches!(&found.state, State::Exited(ended) if ended.code == 0);
    let mut status = json!({"name": str_at(container, "name"), "state": current,
        "ready": (running && found.ready && found.started && !stopping) || finished_init,
        "restartCount": found.restarts, "started": running && found.started});
    status["lastState"] = last.map_or_else(|| json!({}), |last| json!({"terminated": last}));
    if ever {
        status["image"] = json!(images::canonical(image));
        status["imageID"] = json!(image_id(image));
        status["containerID"] = json!(format!("containerd://{}", found.id));
        status["resources"] = field(container, "resources").clone();
        status["user"] = user(pod, container);
        if let Some(requests) = field(container, "resources").get("requests") {
            status["allocatedResources"] = requests.clone();
        }
    } else {
        status["image"] = json!(image);
        status["imageID"] = json!("");
    }
    let mounts: Vec<Value> = items(container, "volumeMounts").iter().map(mount_status).collect();
    if !mounts.is_empty() {
        status["volumeMounts"] = json!(mounts);
    }
    status
}

/// Who the container's program runs as: what the manifest says, else what the image does; who is given by number only is in
/// group 0.
fn user(pod: &Value, container: &Value) -> Value {
    let own = i64::from(images::user(str_at(container, "image")));
    let given = |name: &str| {
        int_at(container, &format!("securityContext.{name}")).or(int_at(pod, &format!("spec.securityContext.{name}")))
    };
    let run_as = given("runAsUser");
    let gid = given("runAsGroup").unwrap_or(if run_as.is_some() { 0 } else { own });
    let mut groups = vec![gid];
    let more = items(pod, "spec.securityContext.supplementalGroups").iter().filter_map(Value::as_i64);
    groups.extend(int_at(pod, "spec.securityContext.fsGroup").into_iter().chain(more));
    groups.sort_unstable();
    groups.dedup();
    json!({"linux": {"uid": run_as.unwrap_or(own), "gid": gid, "supplementalGroups": groups}})
}

fn mount_status(mount: &Value) -> Value {
    let mut status = json!({"name": field(mount, "name"), "mountPath": field(mount, "mountPath")});
    if bool_at(mount, "readOnly") {
        status["readOnly"] = json!(true);
        status["recursiveReadOnly"] = json!("Disabled");
    }
    status
}

/// The state now, and how the instance before ended. A container that waits to be started again says so in its state.
fn states(pod: &Value, found: &Container) -> (Value, Option<Value>) {
    let before = || found.last.as_ref().map(terminated);
    match (&found.state, &found.waiting) {
        (State::Running { started, .. }, _) => (json!({"running": {"startedAt": started.rfc3339()}}), before()),
        (State::Exited(ended), None) => (json!({"terminated": terminated(ended)}), before()),
        (State::Exited(ended), Some((reason, message))) => {
            (json!({"waiting": {"reason": reason, "message": message}}), Some(terminated(ended)))
        }
        (State::Created | State::Pulling, Some((reason, message))) => {
            (json!({"waiting": {"reason": reason, "message": message}}), before())
        }
        (State::Created | State::Pulling, None) => (json!({"waiting": {"reason": first_reason(pod)}}), before()),
    }
}

/// Why a container that has never run waits: for its network, or for the init containers.
fn first_reason(pod: &Value) -> &'static str {
    if items(pod, "spec.initContainers").is_empty() { "ContainerCreating" } else { "PodInitializing" }
}

/// The reason with which a container waits, as its status says.
pub(super) fn waiting_reason(pod: &Value, container: &str) -> String {
    let status = find(items(pod, "status.containerStatuses"), container);
    let reason = status.map_or("", |status| str_at(status, "state.waiting.reason"));
    if reason.is_empty() { "ContainerCreating".to_owned() } else { reason.to_owned() }
}

fn terminated(ended: &Ended) -> Value {
    json!({"exitCode": ended.code, "reason": if ended.code == 0 { "Completed" } else { "Error" },
        "startedAt": ended.started.rfc3339(), "finishedAt": ended.finished.rfc3339(),
        "containerID": format!("containerd://{}", ended.id)})
}

/// A stand-in for the image's digest: 64 hexadecimal digits that depend on its name alone.
fn image_id(image: &str) -> String {
    let mut digits = String::from("sha256:");
    for round in 0u8..4 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in images::canonical(image).bytes().chain([round]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        digits.push_str(&format!("{hash:016x}"));
    }
    digits
}
