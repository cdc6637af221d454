//! The pod worker: what the kubelet does each time it looks at one of its pods.
//!
//! Source: Kubernetes 1.34 `pkg/kubelet/kubelet.go` (`SyncPod`), `kuberuntime_manager.go`, `pod_workers.go`. As there, the status
//! is reported before the containers are seen to, so that a container which waits to be started again still shows how it ended.

use std::time::Duration;

use serde_json::Value;

use super::events::{tell, tell_of_pull_secrets};
use super::program::{OnTerm, Run};
use super::runtime::{self, Container, Ended, PodRuntime, State};
use super::{Work, admission, hosts, images, probes, sockets, status};
use crate::event::Actor;
use crate::kube::Task;
use crate::kube::api::DeleteOptions;
use crate::kube::controllers::client;
use crate::object::{self, bool_at, field, int_at, items, str_at};
use crate::store::{Key, Kind, Object};
use crate::time::Time;
use crate::world::World;

/// From admission to a network: at least so long, and up to so much longer.
const SANDBOX_MS: (u32, u32) = (700, 250);
/// How long an image takes to come.
const PULL_MS: (u32, u32) = (900, 300);
/// How soon the kubelet sees that a container has started, and that one has ended (it looks once a second).
const SEES_START_MS: (u32, u32) = (80, 60);
const SEES_EXIT_MS: (u32, u32) = (300, 600);
/// How long after a start it goes through the pod once more.
const LOOKS_AGAIN: Duration = Duration::from_secs(1);
/// From the end of a stopping pod's last container until it is seen, and from there until volumes and cgroups are gone.
const SEES_STOP_MS: (u32, u32) = (550, 250);
const CLEANS_UP_MS: (u32, u32) = (450, 200);
/// A worker that failed to start a container tries again after ten to fifteen seconds.
const TRY_AGAIN_MS: (u32, u32) = (10_000, 5_000);

/// Looks at a pod that is bound to a node.
pub(super) fn sync(world: &mut World, key: &Key, uid: &str) {
    let Some(pod) = current(world, key, uid) else { return };
    let node = str_at(&pod, "spec.nodeName").to_owned();
    if world.store().find(Kind::Node, "", &node).is_none() {
        return;
    }
    if object::is_terminating(&pod) {
        return stop(world, key, uid, &pod);
    }
    if matches!(str_at(&pod, "status.phase"), "Succeeded" | "Failed") {
        return;
    }
    if !world.kube.kubelet.pods.contains_key(uid) {
        return admit(world, key, uid, &pod, node);
    }
    report(world, key, uid);
    if world.kube.kubelet.pods.get(uid).is_some_and(|runtime| runtime.sandbox) {
        run_containers(world, key, uid);
    }
}

/// The pod, if it is still the one that is meant.
pub(super) fn current(world: &World, key: &Key, uid: &str) -> Option<Object> {
    world.store().get(key).filter(|pod| object::uid(pod) == uid).cloned()
}

fn between(world: &mut World, (least, more): (u32, u32)) -> Duration {
    Duration::from_millis(u64::from(least + world.random(more)))
}

fn admit(world: &mut World, key: &Key, uid: &str, pod: &Object, node: String) {
    if let Err(refusal) = admission::check(world, pod, &node) {
        client::event(world, Actor::Kubelet { node: node.clone() }, pod, "Warning", &refusal.reason, &refusal.message);
        let mut rejected = (**pod).clone();
        rejected["status"] = status::rejected(pod, &refusal, world.now());
        // The pod is gone when this fails, and then there is nothing to report.
        let _ = client::update_status(world, Actor::Kubelet { node }, Kind::Pod, &mut rejected);
        return;
    }
    let names = ["spec.initContainers", "spec.containers"].into_iter().flat_map(|path| items(pod, path));
    let containers = names.map(|container| (str_at(container, "name").to_owned(), Container::default())).collect();
    let runtime = PodRuntime {
        pod: key.clone(),
        node,
        host_network: bool_at(pod, "spec.hostNetwork"),
        sandbox: false,
        ip: String::new(),
        containers,
        stopping: false,
        cleaned_up: None,
    };
    world.kube.kubelet.pods.insert(uid.to_owned(), runtime);
    tell_of_pull_secrets(world, pod);
    report(world, key, uid);
    let wait = between(world, SANDBOX_MS);
    world.at(wait, Task::Kubelet(Work::Sandbox { pod: key.clone(), uid: uid.to_owned() }));
}

/// The pod has its network; its containers can start.
pub(super) fn sandbox_ready(world: &mut World, key: &Key, uid: &str) {
    let Some(pod) = current(world, key, uid).filter(|pod| !object::is_terminating(pod)) else { return };
    let Some(runtime) = world.kube.kubelet.pods.get(uid) else { return };
    if !runtime.sandbox {
        let (node, host_network) = (runtime.node.clone(), runtime.host_network);
        let ip = if host_network { sockets::node_ip(world, &node) } else { sockets::next_address(world, &node) };
        if let Some(runtime) = world.kube.kubelet.pods.get_mut(uid) {
            (runtime.sandbox, runtime.ip) = (true, ip);
        }
        hosts::pod_is_up(world, uid);
    }
    if object::uid(&pod) == uid {
        run_containers(world, key, uid);
    }
}

/// Starts what should run and does not: init containers one after the other, then all others.
fn run_containers(world: &mut World, key: &Key, uid: &str) {
    let Some(pod) = current(world, key, uid) else { return };
    for container in items(&pod, "spec.initContainers") {
        let sidecar = str_at(container, "restartPolicy") == "Always";
        see_to(world, key, uid, &pod, container);
        let Some(found) = container_of(world, uid, str_at(container, "name")) else { return };
        let done = match &found.state {
            State::Running { .. } => sidecar && found.started,
            State::Exited(ended) => !sidecar && ended.code == 0,
            State::Created | State::Pulling => false,
        };
        if !done {
            return;
        }
    }
    for container in items(&pod, "spec.containers") {
        see_to(world, key, uid, &pod, container);
    }
}

pub(super) fn container_of<'a>(world: &'a mut World, uid: &str, name: &str) -> Option<&'a mut Container> {
    world.kube.kubelet.pods.get_mut(uid)?.containers.get_mut(name)
}

/// Starts a container that has not run yet, or one that has ended and should run again once its delay is over.
fn see_to(world: &mut World, key: &Key, uid: &str, pod: &Object, container: &Value) {
    let name = str_at(container, "name").to_owned();
    let now = world.now();
    let Some(found) = container_of(world, uid, &name) else { return };
    match &found.state {
        State::Created => fetch_and_start(world, key, uid, pod, container),
        State::Exited(ended) => {
            let init = items(pod, "spec.initContainers").iter().any(|one| str_at(one, "name") == name);
            let finished = init && ended.code == 0 && str_at(container, "restartPolicy") != "Always";
            if finished || !runtime::restarts(pod, container, ended.code) {
                return;
            }
            let Some(delay) = found.hold_back(now) else {
                return fetch_and_start(world, key, uid, pod, container);
            };
            let full_name = format!("{}_{}({uid})", key.name, key.namespace);
            let message = format!("back-off {} restarting failed container={name} pod={full_name}", go_duration(delay));
            found.waiting = Some(("CrashLoopBackOff".to_owned(), message));
            let message = format!("Back-off restarting failed container {name} in pod {full_name}");
            tell(world, pod, &name, "Warning", "BackOff", &message);
            try_again(world, key, uid);
        }
        State::Pulling | State::Running { .. } => {}
    }
}

/// Seconds as Go prints a duration: `40s`, `1m20s`, `5m0s`.
fn go_duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    if secs < 60 { format!("{secs}s") } else { format!("{}m{}s", secs / 60, secs % 60) }
}

fn try_again(world: &mut World, key: &Key, uid: &str) {
    let wait = between(world, TRY_AGAIN_MS);
    world.at(wait, Task::Kubelet(Work::Sync { pod: key.clone(), uid: uid.to_owned() }));
}

fn fetch_and_start(world: &mut World, key: &Key, uid: &str, pod: &Object, container: &Value) {
    let image = str_at(container, "image").to_owned();
    let name = str_at(container, "name").to_owned();
    let node = str_at(pod, "spec.nodeName").to_owned();
    let here = images::is_present(&image) || world.kube.kubelet.pulled.contains(&(node, images::canonical(&image)));
    match (str_at(container, "imagePullPolicy"), here) {
        ("Never", false) => {
            let message = format!("Container image \"{image}\" is not present with pull policy of Never");
            tell(world, pod, &name, "Warning", "ErrImageNeverPull", &message);
            tell(world, pod, &name, "Warning", "Failed", "Error: ErrImageNeverPull");
            if let Some(found) = container_of(world, uid, &name) {
                found.waiting = Some(("ErrImageNeverPull".to_owned(), message));
            }
            try_again(world, key, uid);
        }
        ("Always", _) | (_, false) => {
            tell(world, pod, &name, "Normal", "Pulling", &format!("Pulling image \"{image}\""));
            if let Some(found) = container_of(world, uid, &name)
                && let State::Exited(ended) = std::mem::replace(&mut found.state, State::Pulling)
            {
                found.last = Some(ended);
            }
            let wait = between(world, PULL_MS);
            world.at(wait, Task::Kubelet(Work::Pulled { pod: key.clone(), uid: uid.to_owned(), container: name }));
        }
        (_, true) => {
            tell(
                world,
                pod,
                &name,
                "Normal",
                "Pulled",
                &format!("Container image \"{image}\" already present on machine"),
            );
            start(world, key, uid, pod, container);
        }
    }
}

/// An image has come; its container starts.
pub(super) fn pulled(world: &mut World, key: &Key, uid: &str, name: &str) {
    let Some(pod) = current(world, key, uid).filter(|pod| !object::is_terminating(pod)) else { return };
    if !container_of(world, uid, name).is_some_and(|found| matches!(found.state, State::Pulling)) {
        return;
    }
    let container = runtime::spec(&pod, name).clone();
    let image = str_at(&container, "image").to_owned();
    let node = str_at(&pod, "spec.nodeName").to_owned();
    world.kube.kubelet.pulled.insert((node, images::canonical(&image)));
    let took = f64::from(PULL_MS.0 + world.random(PULL_MS.1)) / 1000.0;
    let size = 20_000_000 + u64::from(world.random(80_000_000));
    let message = format!(
        "Successfully pulled image \"{image}\" in {took}s ({took}s including waiting). Image size: {size} bytes."
    );
    tell(world, &pod, name, "Normal", "Pulled", &message);
    start(world, key, uid, &pod, &container);
}

/// Runs the container's program.
fn start(world: &mut World, key: &Key, uid: &str, pod: &Object, container: &Value) {
    let name = str_at(container, "name").to_owned();
    let id: String = (0..8).map(|_| format!("{:08x}", world.random(u32::MAX))).collect();
    let open = world.kube.kubelet.pods.get(uid).map(|runtime| sockets::open(world, runtime)).unwrap_or_default();
    let run = runtime::start(container, &open);
    tell(world, pod, &name, "Normal", "Created", &format!("Created container: {name}"));
    tell(world, pod, &name, "Normal", "Started", &format!("Started container {name}"));
    if !items(pod, "spec.imagePullSecrets").is_empty() {
        world.at(LOOKS_AGAIN, Task::Kubelet(Work::LookAgain { pod: key.clone(), uid: uid.to_owned() }));
    }
    let now = world.now();
    let exit = run.exit;
    let Some(found) = container_of(world, uid, &name) else { return };
    begin(found, id.clone(), now, run, container);
    hosts::container_is_up(world, uid, &name);
    let sync = Work::Sync { pod: key.clone(), uid: uid.to_owned() };
    match exit {
        Some((after_ms, _)) => {
            let work = Work::Exited { pod: key.clone(), uid: uid.to_owned(), container: name, id };
            world.at(Duration::from_millis(after_ms), Task::Kubelet(work));
            if after_ms < 1000 {
                return;
            }
        }
        None => probes::begin(world, key, uid, container, &id),
    }
    let wait = between(world, SEES_START_MS);
    world.at(wait, Task::Kubelet(sync));
}

/// The kubelet looks at a pod again after it saw a container start.
pub(super) fn look_again(world: &mut World, key: &Key, uid: &str) {
    if let Some(pod) = current(world, key, uid).filter(|pod| !object::is_terminating(pod)) {
        tell_of_pull_secrets(world, &pod);
    }
}

/// Puts a new instance of a container in the place of the one before.
pub(super) fn begin(found: &mut Container, id: String, now: Time, run: Run, container: &Value) {
    match std::mem::take(&mut found.state) {
        State::Exited(ended) => {
            found.last = Some(ended);
            found.restarts += 1;
        }
        State::Pulling if found.last.is_some() => found.restarts += 1,
        _ => {}
    }
    found.id = id;
    found.state = State::Running { started: now, run };
    found.waiting = None;
    found.killed = None;
    found.counters = probes::Counters::default();
    found.ready = field(container, "readinessProbe").is_null();
    found.started = field(container, "startupProbe").is_null();
}

/// A program has ended, by itself or because it was told to.
pub(super) fn exited(world: &mut World, key: &Key, uid: &str, name: &str, id: &str) {
    let now = world.now();
    let Some(found) = container_of(world, uid, name).filter(|found| found.id == id) else { return };
    let State::Running { started, run } = &found.state else { return };
    let code = found.killed.unwrap_or_else(|| run.exit.map_or(0, |(_, code)| code));
    let ended = Ended { id: id.to_owned(), code, started: *started, finished: now, run: run.clone() };
    found.state = State::Exited(ended);
    hosts::container_is_down(world, uid, name);
    let stopping = world.kube.kubelet.pods.get(uid).is_some_and(|runtime| runtime.stopping);
    let wait = between(world, if stopping { SEES_STOP_MS } else { SEES_EXIT_MS });
    world.at(wait, Task::Kubelet(Work::Sync { pod: key.clone(), uid: uid.to_owned() }));
}

/// Tells a container to stop: it gets SIGTERM now and SIGKILL when the grace period is over.
pub(super) fn kill(world: &mut World, key: &Key, uid: &str, pod: &Value, name: &str, grace: Duration) {
    let on_term = runtime::program_of(runtime::spec(pod, name)).on_term;
    let Some(found) = container_of(world, uid, name).filter(|found| found.is_running()) else { return };
    let (wait, code) = match on_term {
        OnTerm::Exit { after_ms, code } if Duration::from_millis(after_ms) <= grace => {
            (Duration::from_millis(after_ms), code)
        }
        OnTerm::Exit { .. } | OnTerm::Ignored => (grace, 137),
    };
    found.killed = Some(code);
    let id = found.id.clone();
    let work = Work::Exited { pod: key.clone(), uid: uid.to_owned(), container: name.to_owned(), id };
    world.at(wait, Task::Kubelet(work));
}

/// Stops a pod that is being deleted; when nothing runs any more, the pod is let go.
fn stop(world: &mut World, key: &Key, uid: &str, pod: &Object) {
    let Some(runtime) = world.kube.kubelet.pods.get_mut(uid) else { return let_go(world, key, pod) };
    let first = !std::mem::replace(&mut runtime.stopping, true);
    let running: Vec<String> =
        runtime.containers.iter().filter(|(_, found)| found.is_running()).map(|(name, _)| name.clone()).collect();
    if running.is_empty() {
        let ended = runtime.cleaned_up;
        report(world, key, uid);
        return match ended {
            None if !first => clean_up(world, key, uid),
            Some(at) if world.now() < at => {}
            _ => let_go(world, key, pod),
        };
    }
    let end = Time::parse_rfc3339(str_at(pod, "metadata.deletionTimestamp")).unwrap_or(world.now());
    let asked = int_at(pod, "metadata.deletionGracePeriodSeconds").unwrap_or(30);
    let grace = end.since(world.now()).max(Duration::from_secs(u64::from(asked > 0)));
    for name in running {
        if first {
            tell(world, pod, &name, "Normal", "Killing", &format!("Stopping container {name}"));
        }
        kill(world, key, uid, pod, &name, grace);
    }
}

/// The node still has something of the pod to take down; the worker then looks again.
fn clean_up(world: &mut World, key: &Key, uid: &str) {
    let wait = between(world, CLEANS_UP_MS);
    let at = world.now().plus(wait);
    if let Some(runtime) = world.kube.kubelet.pods.get_mut(uid) {
        runtime.cleaned_up = Some(at);
    }
    world.at(wait, Task::Kubelet(Work::Sync { pod: key.clone(), uid: uid.to_owned() }));
}

fn let_go(world: &mut World, key: &Key, pod: &Value) {
    let node = str_at(pod, "spec.nodeName").to_owned();
    let options = DeleteOptions { grace: Some(0), ..DeleteOptions::default() };
    let _ = client::delete_with(world, Actor::Kubelet { node }, key, options);
}

/// The pod object is gone: so is, at once, whatever of it still ran.
pub(super) fn forget(world: &mut World, pod: &Object) {
    let Some(runtime) = world.kube.kubelet.pods.remove(object::uid(pod)) else { return };
    hosts::pod_is_down(world, &runtime);
    if runtime.stopping {
        return;
    }
    for (name, _) in runtime.containers.iter().filter(|(_, found)| found.is_running()) {
        tell(world, pod, name, "Normal", "Killing", &format!("Stopping container {name}"));
    }
}

/// Writes the pod's status if it has changed.
pub(super) fn report(world: &mut World, key: &Key, uid: &str) {
    let Some(pod) = current(world, key, uid) else { return };
    let Some(runtime) = world.kube.kubelet.pods.get(uid) else { return };
    let node = runtime.node.clone();
    let host_ip = sockets::node_ip(world, &node);
    let next = status::of(&pod, runtime, &host_ip, world.now());
    if next != *field(&pod, "status") {
        let mut changed = (*pod).clone();
        changed["status"] = next;
        // The pod is gone when this fails, and then there is nothing to report.
        let _ = client::update_status(world, Actor::Kubelet { node }, Kind::Pod, &mut changed);
    }
}
