//! Startup, readiness and liveness probes: a connection, an HTTP request or a command, made against what really listens.
//!
//! Source: Kubernetes 1.34 `pkg/kubelet/prober` and `pkg/probe`. Leaves out: gRPC health checks and commands inside containers
//! (both succeed while the container runs; `false` and `exit 1` fail), and time-outs: a local answer comes at once.

use std::time::Duration;

use serde_json::Value;

use super::events::tell;
use super::program::{Serves, Socket, Transport};
use super::runtime::{self, State};
use super::sync::{container_of, current, kill, report};
use super::{Work, sockets};
use crate::kube::Task;
use crate::object::{self, field, int_at, items, str_at};
use crate::store::Key;
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    Startup,
    Readiness,
    Liveness,
}

impl Probe {
    fn field(self) -> &'static str {
        match self {
            Probe::Startup => "startupProbe",
            Probe::Readiness => "readinessProbe",
            Probe::Liveness => "livenessProbe",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Probe::Startup => "Startup",
            Probe::Readiness => "Readiness",
            Probe::Liveness => "Liveness",
        }
    }
}

/// How often in a row each probe has last said the same: positive for success, negative for failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    startup: i64,
    readiness: i64,
    liveness: i64,
}

impl Counters {
    fn note(&mut self, probe: Probe, success: bool) -> i64 {
        let counter = match probe {
            Probe::Startup => &mut self.startup,
            Probe::Readiness => &mut self.readiness,
            Probe::Liveness => &mut self.liveness,
        };
        *counter = if success { (*counter).max(0) + 1 } else { (*counter).min(0) - 1 };
        *counter
    }
}

/// Sets the probes of a container that has just started going.
pub(super) fn begin(world: &mut World, key: &Key, uid: &str, container: &Value, id: &str) {
    for probe in [Probe::Startup, Probe::Readiness, Probe::Liveness] {
        let wanted = field(container, probe.field());
        if wanted.is_object() {
            let secs = u64::try_from(int_at(wanted, "initialDelaySeconds").unwrap_or(0)).unwrap_or(0);
            let wait = Duration::from_secs(secs) + Duration::from_millis(u64::from(100 + world.random(200)));
            queue(world, key, uid, str_at(container, "name"), id, probe, wait);
        }
    }
}

fn queue(world: &mut World, key: &Key, uid: &str, container: &str, id: &str, probe: Probe, wait: Duration) {
    let (pod, uid, container, id) = (key.clone(), uid.to_owned(), container.to_owned(), id.to_owned());
    world.at(wait, Task::Kubelet(Work::Probe { pod, uid, container, id, probe }));
}

/// Makes one probe, draws the conclusion, and plans the next.
pub(super) fn run(world: &mut World, key: &Key, uid: &str, name: &str, id: &str, probe: Probe) {
    let Some(pod) = current(world, key, uid).filter(|pod| !object::is_terminating(pod)) else { return };
    let container = runtime::spec(&pod, name).clone();
    let wanted = field(&container, probe.field());
    let Some(found) = container_of(world, uid, name).filter(|found| found.id == id && found.is_running()) else {
        return;
    };
    let started = found.started;
    let period = Duration::from_secs(u64::try_from(int_at(wanted, "periodSeconds").unwrap_or(10)).unwrap_or(10).max(1));
    if probe == Probe::Startup && started {
        return;
    }
    queue(world, key, uid, name, id, probe, period);
    if probe != Probe::Startup && !started {
        return;
    }
    let outcome = make(world, uid, &container, wanted);
    if let Err(why) = &outcome {
        let message = format!("{} probe failed: {why}", probe.title());
        tell(world, &pod, name, "Warning", "Unhealthy", &message);
    }
    let Some(found) = container_of(world, uid, name) else { return };
    let streak = found.counters.note(probe, outcome.is_ok());
    let passed = streak >= int_at(wanted, "successThreshold").unwrap_or(1);
    let failed = -streak >= int_at(wanted, "failureThreshold").unwrap_or(3);
    match probe {
        Probe::Readiness if passed && !found.ready => found.ready = true,
        Probe::Readiness if failed && found.ready => found.ready = false,
        Probe::Startup if passed => found.started = true,
        Probe::Startup | Probe::Liveness if failed && found.killed.is_none() => {
            return give_up(world, key, uid, &pod, name, probe);
        }
        _ => return,
    }
    report(world, key, uid);
    if probe == Probe::Startup {
        world.at(Duration::from_millis(100), Task::Kubelet(Work::Sync { pod: key.clone(), uid: uid.to_owned() }));
    }
}

/// A container that fails its liveness or startup probe is stopped, and started again like one that ended by itself.
fn give_up(world: &mut World, key: &Key, uid: &str, pod: &Value, name: &str, probe: Probe) {
    let message = format!("Container {name} failed {} probe, will be restarted", probe.title().to_lowercase());
    tell(world, pod, name, "Normal", "Killing", &message);
    let own = int_at(field(runtime::spec(pod, name), probe.field()), "terminationGracePeriodSeconds");
    let grace = own.or(int_at(pod, "spec.terminationGracePeriodSeconds")).unwrap_or(30);
    kill(world, key, uid, pod, name, Duration::from_secs(u64::try_from(grace).unwrap_or(0)));
}

/// The probe's verdict, with the words of the failure.
fn make(world: &World, uid: &str, container: &Value, wanted: &Value) -> Result<(), String> {
    let Some(runtime) = world.kube.kubelet.pods.get(uid) else { return Ok(()) };
    let http = field(wanted, "httpGet");
    let tcp = field(wanted, "tcpSocket");
    if http.is_object() {
        let port = port_of(container, field(http, "port"));
        let host = host_of(http, &runtime.ip);
        let path = if str_at(http, "path").is_empty() { "/" } else { str_at(http, "path") };
        let scheme = if str_at(http, "scheme") == "HTTPS" { "https" } else { "http" };
        let url = format!("{scheme}://{host}:{port}{}{path}", if path.starts_with('/') { "" } else { "/" });
        let refused = || format!("Get \"{url}\": dial tcp {host}:{port}: connect: connection refused");
        let socket = connect(world, runtime, &host, port).ok_or_else(refused)?;
        return match socket.serves {
            Serves::Bytes => Err(format!("Get \"{url}\": EOF")),
            Serves::Files if !["/", "/index.html"].contains(&path) => {
                Err("HTTP probe failed with statuscode: 404".to_owned())
            }
            Serves::Files | Serves::Anything => Ok(()),
        };
    }
    if tcp.is_object() {
        let port = port_of(container, field(tcp, "port"));
        let host = host_of(tcp, &runtime.ip);
        let refused = || format!("dial tcp {host}:{port}: connect: connection refused");
        return connect(world, runtime, &host, port).map(|_| ()).ok_or_else(refused);
    }
    let command: Vec<&str> = items(wanted, "exec.command").iter().filter_map(Value::as_str).collect();
    let running =
        matches!(runtime.containers.get(str_at(container, "name")).map(|one| &one.state), Some(State::Running { .. }));
    let fails = command == ["false"] || command.last().is_some_and(|last| last.trim() == "exit 1");
    if running && !fails { Ok(()) } else { Err(String::new()) }
}

fn host_of(action: &Value, pod_ip: &str) -> String {
    let host = str_at(action, "host");
    if host.is_empty() { pod_ip.to_owned() } else { host.to_owned() }
}

/// A port by number, or by the name it has in this container.
fn port_of(container: &Value, port: &Value) -> i64 {
    match port {
        Value::String(name) => {
            let named = items(container, "ports").iter().find(|one| str_at(one, "name") == name);
            named.and_then(|one| int_at(one, "containerPort")).or_else(|| name.parse().ok()).unwrap_or(0)
        }
        number => number.as_i64().unwrap_or(0),
    }
}

/// The socket that takes a connection from the node to this address: the pod's own, or for the node's addresses the node's.
fn connect(world: &World, pod: &super::runtime::PodRuntime, host: &str, port: i64) -> Option<Socket> {
    let local = ["127.0.0.1", "localhost"].contains(&host);
    let listeners =
        if pod.host_network || local { sockets::on_node(world, &pod.node) } else { sockets::listeners(pod) };
    let fits = |socket: &Socket| {
        socket.transport == Transport::Tcp
            && i64::from(socket.port) == port
            && (socket.address.is_empty() || socket.address == host || (local && socket.address == "127.0.0.1"))
    };
    listeners.into_iter().map(|listener| listener.socket).find(fits)
}
