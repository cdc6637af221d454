//! Pods that wait to be placed: which comes next, and which wait for something to change.
//!
//! Source: `pkg/scheduler/backend/queue` (active_queue.go, backoff_queue.go, scheduling_queue.go, unschedulable_pods.go)
//! with the gates SchedulerQueueingHints and SchedulerPopFromBackoffQ on, as 1.34 has them.
//! Ready pods go by priority, then by the time they began to wait. A pod that failed waits until a change that its
//! plugins find relevant; within its backoff (1 s, doubling to 10 s) it then comes after the ready ones, but is not made
//! to wait if there are none. After five minutes it is tried anyway.
//!
//! All changes of one command share one instant of virtual time, though a real client sends them one after another and
//! the scheduler takes each as it comes. So pods that just arrived are taken in the order of arrival.

use super::cluster::Name;
use super::hints::{Change, helps_nobody, listeners, worth_another_try};
use super::pod_info::PodInfo;
use super::trace::Plugin;
use crate::time::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// Pods whose backoff ends within the same second are ordered by priority.
const BACKOFF_WINDOW_MILLIS: i64 = 1000;
const MAX_WAIT: Duration = Duration::from_secs(5 * 60);
/// How often overdue pods are looked for.
pub const FLUSH_EVERY: Duration = Duration::from_secs(30);

/// Where a pod stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Arrived,
    Ready,
    /// Until then; `idle` says whether it may be taken earlier when nothing else is ready.
    Backoff {
        until: Time,
        idle: bool,
    },
    /// For a relevant change.
    Waiting,
    /// For its scheduling gates to be removed.
    Gated,
    /// An attempt is under way.
    Taken,
}

#[derive(Clone, Debug)]
struct Entry {
    pod: Rc<PodInfo>,
    place: Place,
    attempts: u32,
    /// Failures for want of a fitting node, and failures in a row for want of any node.
    rejections: u32,
    errors: u32,
    since: Time,
    /// Tells apart what happened in the same millisecond.
    order: u64,
    plugins: BTreeSet<Plugin>,
}

type Rank = (Reverse<i32>, u64, Name);

/// The pods that no node has yet.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    entries: BTreeMap<Name, Entry>,
    arrived: VecDeque<Name>,
    ready: BTreeSet<Rank>,
    backoff: BTreeSet<(Time, Rank)>,
    /// Those in backoff that may be taken earlier.
    idle: BTreeSet<(Time, Rank)>,
    rejected_by: BTreeMap<Plugin, BTreeSet<Name>>,
    order: u64,
}

fn name_of(pod: &PodInfo) -> Name {
    (pod.id.namespace.clone(), pod.id.name.clone())
}

impl Entry {
    fn rank(&self) -> Rank {
        (Reverse(self.pod.priority), self.order, name_of(&self.pod))
    }

    fn backoff_until(&self) -> Option<Time> {
        let failures = if self.errors > 0 { self.errors } else { self.rejections };
        let doublings = failures.checked_sub(1)?.min(4);
        let end = self.since.plus((INITIAL_BACKOFF * 2u32.pow(doublings)).min(MAX_BACKOFF));
        Some(Time(end.0.div_euclid(BACKOFF_WINDOW_MILLIS) * BACKOFF_WINDOW_MILLIS))
    }
}

impl Backlog {
    /// A waiting pod.
    pub fn get(&self, name: &Name) -> Option<Rc<PodInfo>> {
        self.entries.get(name).map(|entry| entry.pod.clone())
    }

    /// A new pod, or one whose node was taken from it.
    pub fn add(&mut self, pod: Rc<PodInfo>, now: Time) {
        let name = name_of(&pod);
        self.remove(&name);
        let gated = !pod.gates.is_empty();
        self.order += 1;
        let entry = Entry {
            place: if gated { Place::Gated } else { Place::Arrived },
            attempts: 0,
            rejections: 0,
            errors: 0,
            since: now,
            order: self.order,
            plugins: BTreeSet::new(),
            pod,
        };
        self.entries.insert(name.clone(), entry);
        if !gated {
            self.arrived.push_back(name);
        }
    }

    /// Takes the pod out, wherever it stands.
    pub fn remove(&mut self, name: &Name) -> Option<Rc<PodInfo>> {
        self.unplace(name);
        self.entries.remove(name).map(|entry| entry.pod)
    }

    fn unplace(&mut self, name: &Name) {
        let Some(entry) = self.entries.get(name) else { return };
        match entry.place {
            Place::Arrived if self.arrived.front() == Some(name) => {
                self.arrived.pop_front();
            }
            Place::Arrived => self.arrived.retain(|other| other != name),
            Place::Ready => {
                self.ready.remove(&entry.rank());
            }
            Place::Backoff { until, .. } => {
                let waiting = (until, entry.rank());
                self.backoff.remove(&waiting);
                self.idle.remove(&waiting);
            }
            Place::Waiting => {
                for plugin in &entry.plugins {
                    if let Some(names) = self.rejected_by.get_mut(plugin) {
                        names.remove(name);
                    }
                }
            }
            Place::Gated | Place::Taken => {}
        }
    }

    fn place(&mut self, name: &Name, place: Place) {
        self.unplace(name);
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.place = place;
        match place {
            Place::Arrived => self.arrived.push_front(name.clone()),
            Place::Ready => {
                self.ready.insert(entry.rank());
            }
            Place::Backoff { until, idle } => {
                self.backoff.insert((until, entry.rank()));
                if idle {
                    self.idle.insert((until, entry.rank()));
                }
            }
            Place::Waiting => {
                for plugin in &entry.plugins {
                    self.rejected_by.entry(*plugin).or_default().insert(name.clone());
                }
            }
            Place::Gated | Place::Taken => {}
        }
    }

    /// The object of a waiting pod changed.
    pub fn update(&mut self, pod: Rc<PodInfo>, now: Time) {
        let name = name_of(&pod);
        let Some(entry) = self.entries.get(&name) else { return self.add(pod, now) };
        let (old, place) = (entry.pod.clone(), entry.place);
        let moved = old.priority != pod.priority;
        let rejected_by = |plugin: Plugin| entry.plugins.contains(&plugin);
        let hard = || {
            pod.spread
                .iter()
                .any(|c| old.labels != pod.labels && c.selector.matches(&old.labels) != c.selector.matches(&pod.labels))
        };
        let again = match place {
            Place::Gated => pod.gates.is_empty(),
            Place::Waiting => {
                (old.tolerations.len() != pod.tolerations.len()
                    && (rejected_by(Plugin::TaintToleration) || rejected_by(Plugin::NodeUnschedulable)))
                    || (old.requests != pod.requests && rejected_by(Plugin::NodeResourcesFit))
                    || (hard() && rejected_by(Plugin::PodTopologySpread))
            }
            _ => false,
        };
        if moved {
            self.place(&name, Place::Taken);
        }
        if let Some(entry) = self.entries.get_mut(&name) {
            entry.pod = pod;
        }
        if moved {
            self.place(&name, place);
        }
        if again {
            self.try_again(&name, now);
        }
    }

    /// The next pod to place, with the number of this attempt.
    pub fn take(&mut self, now: Time) -> Option<(Rc<PodInfo>, u32)> {
        self.end_backoffs(now);
        let arrived = self.arrived.front().map(|name| self.entries[name].pod.priority);
        let ready = self.ready.first().map(|(Reverse(priority), ..)| *priority);
        let name = if arrived.is_some() && arrived >= ready {
            self.arrived.front().cloned()
        } else if let Some((.., name)) = self.ready.first() {
            Some(name.clone())
        } else {
            self.idle.first().map(|(_, (.., name))| name.clone())
        }?;
        self.place(&name, Place::Taken);
        let entry = self.entries.get_mut(&name)?;
        entry.attempts += 1;
        Some((entry.pod.clone(), entry.attempts))
    }

    /// An attempt was cut short: the pod is the next again.
    pub fn put_back(&mut self, name: &Name) {
        if let Some(entry) = self.entries.get_mut(name).filter(|entry| entry.place == Place::Taken) {
            entry.attempts -= 1;
            self.place(name, Place::Arrived);
        }
    }

    fn end_backoffs(&mut self, now: Time) {
        while let Some((until, (.., name))) = self.backoff.first().cloned() {
            if until > now {
                break;
            }
            self.place(&name, Place::Ready);
        }
    }

    /// The attempt failed because of these plugins; without any there were no nodes, and it is repeated after a while.
    pub fn failed(&mut self, name: &Name, plugins: BTreeSet<Plugin>, now: Time) {
        self.order += 1;
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.since = now;
        entry.order = self.order;
        entry.plugins = plugins;
        if entry.plugins.is_empty() {
            entry.errors += 1;
            self.try_again(name, now);
        } else {
            entry.rejections += 1;
            entry.errors = 0;
            self.place(name, Place::Waiting);
        }
    }

    fn try_again(&mut self, name: &Name, now: Time) {
        let Some(entry) = self.entries.get(name) else { return };
        if entry.place == Place::Gated && !entry.pod.gates.is_empty() {
            return;
        }
        match entry.backoff_until().filter(|until| *until > now) {
            Some(until) => self.place(name, Place::Backoff { until, idle: entry.errors == 0 }),
            None => self.place(name, Place::Ready),
        }
    }

    /// Something happened: pods whose plugins find it relevant are tried again; `only` narrows to some.
    pub fn changed(&mut self, change: Change, now: Time, only: impl Fn(&PodInfo) -> bool) {
        let mut again: BTreeSet<Name> = BTreeSet::new();
        if helps_nobody(change) {
            return;
        }
        for plugin in listeners(change) {
            for name in self.rejected_by.get(plugin).into_iter().flatten() {
                let pod = &self.entries[name].pod;
                if only(pod) && worth_another_try(*plugin, pod, change) {
                    again.insert(name.clone());
                }
            }
        }
        again.iter().for_each(|name| self.try_again(name, now));
    }

    /// Tries again what has waited for more than five minutes.
    pub fn flush(&mut self, now: Time) {
        let overdue = |entry: &Entry| entry.place == Place::Waiting && now.since(entry.since) > MAX_WAIT;
        let names: Vec<Name> =
            self.entries.iter().filter(|(_, entry)| overdue(entry)).map(|(name, _)| name.clone()).collect();
        names.iter().for_each(|name| self.try_again(name, now));
    }

    /// When `take` will next give a pod, if nothing else happens.
    pub fn next_at(&self, now: Time) -> Option<Time> {
        if !self.arrived.is_empty() || !self.ready.is_empty() || !self.idle.is_empty() {
            return Some(now);
        }
        self.backoff.first().map(|(until, _)| *until)
    }

    /// Whether any pod waits for a change, so that the flush is needed.
    pub fn any_waiting(&self) -> bool {
        self.rejected_by.values().any(|names| !names.is_empty())
    }
}
