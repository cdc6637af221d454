//! The kubelet of every node: admits pods, starts and restarts containers, probes them, reports their status, stops them.
//!
//! Source: Kubernetes 1.34 `pkg/kubelet`. What runs is remembered here ([`Memory`]), as a node remembers it; what is reported is
//! in the store. Leaves out: volumes, resource pressure, static pods as files, lifecycle hooks.
//!
//! * [`images`], [`program`]: what containers do; [`admission`]: which pods a node takes; [`runtime`]: starting and stopping;
//! * [`status`]: what is reported; [`probes`]; [`sockets`]: who listens where on a node; [`hosts`]: nodes and pods as hosts.

pub mod admission;
mod events;
pub mod hosts;
pub mod images;
pub mod probes;
pub mod program;
pub mod runtime;
mod shell_script;
mod sites;
pub mod sockets;
mod status;
mod sync;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::event::{Actor, Event, What};
use crate::kube::Task;
use crate::object::{self, str_at};
use crate::store::{Key, Kind};
use crate::world::World;
use probes::Probe;
use runtime::PodRuntime;

/// What waits to be done on a node. Everything is about one pod, told from a later one of the same name by its uid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Compare what the pod should be with what runs, and act.
    Sync {
        pod: Key,
        uid: String,
    },
    /// Look at a pod again after a container has started.
    LookAgain {
        pod: Key,
        uid: String,
    },
    /// The pod's network is up: its containers can start.
    Sandbox {
        pod: Key,
        uid: String,
    },
    /// The image of a container has arrived.
    Pulled {
        pod: Key,
        uid: String,
        container: String,
    },
    /// A container's program has ended by itself, or on being told to.
    Exited {
        pod: Key,
        uid: String,
        container: String,
        id: String,
    },
    Probe {
        pod: Key,
        uid: String,
        container: String,
        id: String,
        probe: Probe,
    },
}

/// What the nodes remember.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Running pods by uid.
    pub pods: BTreeMap<String, PodRuntime>,
    /// Images that nodes have pulled, by node and canonical name.
    pub pulled: BTreeSet<(String, String)>,
    /// The last pod address that each node gave out, counted from the start of its range.
    pub last_address: BTreeMap<String, u32>,
}

/// The kubelet hears of a pod that was bound, changed or deleted a moment after it happened.
const HEARS_AFTER: Duration = Duration::from_millis(15);

pub fn informed(world: &mut World, event: &Event) {
    match &event.what {
        What::Stored { key, old, new, .. } if key.kind == Kind::Pod && !str_at(new, "spec.nodeName").is_empty() => {
            // Its own reports are no news to the kubelet.
            let own = matches!(event.actor, Actor::Kubelet { .. });
            let same = old.as_ref().is_some_and(|old| {
                object::field(old, "spec") == object::field(new, "spec")
                    && object::is_terminating(old) == object::is_terminating(new)
            });
            if !own && !same {
                let uid = object::uid(new).to_owned();
                world.at(HEARS_AFTER, Task::Kubelet(Work::Sync { pod: key.clone(), uid }));
            }
        }
        What::Deleted { key, old } if key.kind == Kind::Pod => sync::forget(world, old),
        _ => {}
    }
}

pub fn run(world: &mut World, work: Work) {
    match work {
        Work::Sync { pod, uid } => sync::sync(world, &pod, &uid),
        Work::Sandbox { pod, uid } => sync::sandbox_ready(world, &pod, &uid),
        Work::Pulled { pod, uid, container } => sync::pulled(world, &pod, &uid, &container),
        Work::LookAgain { pod, uid } => sync::look_again(world, &pod, &uid),
        Work::Exited { pod, uid, container, id } => sync::exited(world, &pod, &uid, &container, &id),
        Work::Probe { pod, uid, container, id, probe } => probes::run(world, &pod, &uid, &container, &id, probe),
    }
}

/// The log of a container, or of the one before it; the Err is what kubectl shows after `error: `.
pub fn logs(world: &World, pod: &Value, container: &str, previous: bool) -> Result<Vec<String>, String> {
    let runtime = world.kube.kubelet.pods.get(object::uid(pod));
    let found = runtime.and_then(|runtime| runtime.containers.get(container));
    let now = world.now();
    let name = object::name(pod);
    if previous {
        let last = found.and_then(|found| found.ended_before());
        return match last {
            Some(ended) => Ok(program::log(&ended.run, ended.started, ended.finished)),
            None => Err(format!("previous terminated container \"{container}\" in pod \"{name}\" not found")),
        };
    }
    match found.map(|found| &found.state) {
        Some(runtime::State::Running { started, run, .. }) => Ok(program::log(run, *started, now)),
        Some(runtime::State::Exited(ended)) => Ok(program::log(&ended.run, ended.started, ended.finished)),
        _ => {
            let reason = status::waiting_reason(pod, container);
            Err(format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"))
        }
    }
}
