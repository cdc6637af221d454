//! The scheduler at work in the world: it hears of changes, takes pods from its backlog and writes down the outcome.
//!
//! Source: `pkg/scheduler/eventhandlers.go`, `schedule_one.go`. Pods that have ended (Succeeded, Failed) count as gone;
//! pods of another schedulerName wait for a scheduler that does not exist here. An attempt begins 15 ms after the
//! change that led to it.

use super::backlog::{Backlog, FLUSH_EVERY};
use super::cluster::{Cluster, Name, name_of};
use super::hints::Change;
use super::outcome;
use super::pod_info::{self, PodInfo};
use super::trace::Step;
use super::{Outcome, attempt};
use crate::event::{Actor, Event, What};
use crate::kube::Task;
use crate::object::str_at;
use crate::store::{Key, Kind};
use crate::time::Time;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// From a change to the attempt that it leads to.
const REACTION: Duration = Duration::from_millis(15);
/// Attempts at one instant; the rest follow a millisecond later.
const ATTEMPTS_AT_ONCE: usize = 64;
/// Pods that name another scheduler are none of its business.
pub const SCHEDULER: &str = "default-scheduler";

/// The scheduler's tasks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Take pods from the backlog.
    Next,
    /// Look for pods that have waited too long.
    Flush,
}

/// What the scheduler knows.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub cluster: Cluster,
    backlog: Backlog,
    /// Pods on nodes, as last heard of.
    assigned: BTreeMap<Name, Rc<PodInfo>>,
}

/// Hears of a change.
pub fn informed(world: &mut World, event: &Event) {
    let now = world.now();
    let memory = &mut world.kube.scheduler;
    match &event.what {
        What::Stored { key, new, .. } => memory.stored(key, new, now),
        What::Deleted { key, old } => memory.deleted(key, old, now),
        _ => return,
    }
    plan(world, REACTION);
}

/// Queues the next attempt, and the flush if pods wait.
fn plan(world: &mut World, reaction: Duration) {
    let now = world.now();
    let backlog = &world.kube.scheduler.backlog;
    let (next, waiting) = (backlog.next_at(now), backlog.any_waiting());
    if let Some(at) = next {
        world.at(at.since(now).max(reaction), Task::Scheduler(Work::Next));
    }
    if waiting {
        world.at(FLUSH_EVERY, Task::Scheduler(Work::Flush));
    }
}

/// Does a task that is due.
pub fn run(world: &mut World, work: Work) {
    match work {
        Work::Flush => {
            let now = world.now();
            world.kube.scheduler.backlog.flush(now);
        }
        Work::Next => {
            for _ in 0..ATTEMPTS_AT_ONCE {
                if world.halted() || !attempt_next(world) {
                    break;
                }
            }
        }
    }
    plan(world, Duration::from_millis(1));
}

/// Takes the next pod and places it or says why not; false when none is ready.
fn attempt_next(world: &mut World) -> bool {
    let now = world.now();
    let Some((pod, number)) = world.kube.scheduler.backlog.take(now) else { return false };
    let name: Name = (pod.id.namespace.clone(), pod.id.name.clone());
    let key = Key::new(Kind::Pod, &name.0, &name.1);
    // Taken out while it is asked, because the draws come from the world.
    let mut cluster = std::mem::take(&mut world.kube.scheduler.cluster);
    let result = attempt(&mut cluster, &pod, &mut |bound| world.random(bound));
    cluster.advance_start(result.evaluated);
    world.kube.scheduler.cluster = cluster;
    let begins = Step::Dequeued { attempt: number };
    for step in std::iter::once(begins).chain(result.steps) {
        world.commit(Actor::Scheduler, What::Scheduling { pod: key.clone(), step });
    }
    if world.halted() {
        world.kube.scheduler.backlog.put_back(&name);
        return false;
    }
    match result.outcome {
        Outcome::Placed { node, .. } => {
            if outcome::bind(world, &pod, &node).is_err() {
                world.kube.scheduler.backlog.failed(&name, [].into(), now);
            }
        }
        Outcome::Unschedulable(failure) => {
            world.kube.scheduler.backlog.failed(&name, failure.plugins.clone(), now);
            outcome::fail(world, &pod, &failure);
        }
    }
    if world.halted() {
        world.kube.scheduler.backlog.put_back(&name);
    }
    true
}

/// Whether the pod has ended and holds nothing any more.
fn ended(pod: &Value) -> bool {
    matches!(str_at(pod, "status.phase"), "Succeeded" | "Failed")
}

impl Memory {
    fn stored(&mut self, key: &Key, object: &Value, now: Time) {
        match key.kind {
            Kind::Pod if ended(object) => self.pod_gone(&name_of(object), now),
            Kind::Pod => self.pod_stored(Rc::new(pod_info::read(object)), now),
            Kind::Node => self.node_stored(object, now),
            Kind::Namespace => self.cluster.set_namespace(object),
            Kind::Service => self.cluster.set_service(object),
            Kind::ReplicaSet => self.cluster.set_owner("ReplicaSet", object),
            _ => {}
        }
    }

    fn deleted(&mut self, key: &Key, object: &Value, now: Time) {
        let name = name_of(object);
        match key.kind {
            Kind::Pod => self.pod_gone(&name, now),
            Kind::Node => {
                if let Some(spec) = self.cluster.node(&key.name).map(|node| node.spec.clone()) {
                    self.cluster.remove_node(&key.name);
                    self.backlog.changed(Change::NodeGone(&spec), now, |_| true);
                }
            }
            Kind::Namespace => self.cluster.remove_namespace(&key.name),
            Kind::Service => self.cluster.remove_service(&name),
            Kind::ReplicaSet => self.cluster.remove_owner("ReplicaSet", name),
            _ => {}
        }
    }

    fn node_stored(&mut self, object: &Value, now: Time) {
        let name = str_at(object, "metadata.name");
        let old = self.cluster.node(name).map(|node| node.spec.clone());
        self.cluster.set_node(object);
        let Some(new) = self.cluster.node(name).map(|node| node.spec.clone()) else { return };
        match old {
            None => self.backlog.changed(Change::NodeAdded(&new), now, |_| true),
            Some(old) if old != new => {
                self.backlog.changed(Change::NodeUpdated { old: &old, new: &new }, now, |_| true);
            }
            Some(_) => {}
        }
    }

    fn pod_stored(&mut self, pod: Rc<PodInfo>, now: Time) {
        let name: Name = (pod.id.namespace.clone(), pod.id.name.clone());
        if pod.node_name.is_empty() {
            self.pending_stored(&name, pod, now);
            return;
        }
        let waited = self.backlog.remove(&name);
        self.cluster.withdraw(&pod.id);
        match self.assigned.insert(name, pod.clone()) {
            Some(old) => {
                self.cluster.remove_pod(&old);
                self.cluster.add_pod(&pod);
                self.backlog.changed(Change::PodUpdated { old: &old, new: &pod }, now, |_| true);
            }
            None => {
                self.cluster.add_pod(&pod);
                self.backlog.changed(Change::PodAssigned(&pod), now, |_| true);
            }
        }
        if let Some(waited) = waited {
            self.nomination_ended(&waited, now);
        }
    }

    fn pending_stored(&mut self, name: &Name, pod: Rc<PodInfo>, now: Time) {
        if pod.scheduler_name != SCHEDULER {
            return;
        }
        if pod.deleting {
            self.pod_gone(name, now);
            return;
        }
        let before = self.backlog.get(name);
        self.cluster.nominate(&pod, &pod.nominated_node);
        self.backlog.update(pod.clone(), now);
        if let Some(before) = before.filter(|old| old.nominated_node != pod.nominated_node) {
            self.nomination_ended(&before, now);
        }
    }

    /// A nomination that ended gives room to pods that are not more important: also when the pod took the place.
    fn nomination_ended(&mut self, pod: &PodInfo, now: Time) {
        if !pod.nominated_node.is_empty() {
            self.backlog.changed(Change::PodGone(pod), now, |other| other.priority <= pod.priority);
        }
    }

    fn pod_gone(&mut self, name: &Name, now: Time) {
        if let Some(old) = self.assigned.remove(name) {
            self.cluster.remove_pod(&old);
            self.backlog.changed(Change::PodGone(&old), now, |_| true);
        } else if let Some(old) = self.backlog.remove(name) {
            self.cluster.withdraw(&old.id);
            self.nomination_ended(&old, now);
        }
    }
}
