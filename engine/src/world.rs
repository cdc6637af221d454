//! The world: the visible state, the clock, and the queue of what is still to come.
//!
//! [`World::commit`] is the one place where anything changes: it records an event and folds it into the state.
//! Everything else that lives here (queued tasks, the seeded generator) is machinery that a replay of the same
//! commands rebuilds. Leaves out: parallelism; tasks run one after another in order of virtual time.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::event::{Actor, Event, What};
use crate::host::{Answer, Call, Host};
use crate::http::Load;
use crate::kube::kubelet::hosts;
use crate::kube::{self, Task};
use crate::lab::{LabOptions, Place};
use crate::linux::Errno;
use crate::linux::trace::{Happening, Moment};
use crate::network::{self, Hosts};
use crate::store::Store;
use crate::time::Time;

/// The most moments of hosts that the events of one input tell; of the rest they tell how many.
const MOMENTS_MAX: usize = 4096;

/// What a learner can see of the world: the fold of the events so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub now: Time,
    pub store: Store,
    /// The lab's files by path, as the learner wrote them.
    pub files: BTreeMap<String, Rc<str>>,
    /// The hosts with a network namespace of their own, by name.
    pub hosts: Hosts,
}

impl State {
    /// Folds one event into the state.
    pub fn apply(&mut self, event: &Event) {
        self.now = event.at;
        match &event.what {
            What::Stored { key, new, .. } => self.store.put(key, new.clone()),
            What::Deleted { key, .. } => self.store.remove(key),
            What::FileWritten { path, text: Some(text) } => {
                self.files.insert(path.clone(), text.clone());
            }
            What::FileWritten { path, text: None } => {
                self.files.remove(path);
            }
            What::HostStarted { host, seed, spec } => {
                self.hosts.insert(host.clone(), Rc::new(Host::new(host, event.at, *seed).with(spec)));
            }
            What::HostStopped { host } => {
                self.hosts.remove(host);
            }
            What::Called { host, pid, call, .. } => {
                self.make(host, *pid, call);
            }
            What::Passed { .. } => {
                self.pass();
            }
            What::Command { .. } | What::CommandEnded { .. } | What::Scheduling { .. } | What::WithoutEffect { .. } => {
            }
        }
    }

    /// Makes a call on a host at this moment; the answer follows from the calls before it. Tells what has happened since
    /// this was last told.
    fn make(&mut self, host: &str, pid: u32, call: &Call) -> (Answer, Vec<Moment>) {
        network::make(&mut self.hosts, self.now, host, (pid, call))
    }

    /// Lets the hosts' clocks come up to this moment, and tells what has happened on the way.
    fn pass(&mut self) -> Vec<Moment> {
        network::pass(&mut self.hosts, self.now)
    }
}

/// A task in the queue, with the event that led to it.
#[derive(Clone, Debug)]
struct Queued {
    task: Task,
    cause: Option<usize>,
}

/// The world that commands, controllers and kubelets act on.
#[derive(Clone)]
pub struct World {
    pub state: State,
    options: LabOptions,
    events: Vec<Event>,
    queue: BTreeMap<(Time, u64), Queued>,
    /// Where each queued task stands, so that it is queued once.
    places: BTreeMap<Task, (Time, u64)>,
    queued_so_far: u64,
    /// The event that what happens now follows from.
    cause: Option<usize>,
    generator: u64,
    /// A replay ends when this many events have happened; what would follow is not recorded.
    limit: usize,
    halted: bool,
    /// Memory of the control plane that is not in the store.
    pub(crate) kube: kube::ControlPlane,
    /// The shell of each place: variables and the last exit status.
    pub(crate) shells: BTreeMap<Place, crate::tools::Env>,
    /// What runs in the background of each host's shell.
    pub(crate) jobs: crate::tools::jobs::AllJobs,
    /// What happened on the hosts and no event has told yet.
    unsaid: Vec<Moment>,
    /// How many moments of hosts the events of this input may still tell.
    moments_left: usize,
    /// The files that programs see on a node or in a container, by path without the first slash, while a command runs there.
    /// What is written there lasts as long as the command.
    pub(crate) container_files: Option<BTreeMap<String, Rc<str>>>,
}

impl World {
    /// An empty world; [`kube::start`] fills it.
    #[must_use]
    pub fn new(options: LabOptions) -> World {
        World {
            generator: options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x632B_E59B_D9B4_E019),
            options,
            state: State::default(),
            events: Vec::new(),
            queue: BTreeMap::new(),
            places: BTreeMap::new(),
            queued_so_far: 0,
            cause: None,
            limit: usize::MAX,
            halted: false,
            kube: kube::ControlPlane::default(),
            shells: BTreeMap::new(),
            jobs: crate::tools::jobs::AllJobs::default(),
            unsaid: Vec::new(),
            moments_left: MOMENTS_MAX,
            container_files: None,
        }
    }

    #[must_use]
    pub fn now(&self) -> Time {
        self.state.now
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.state.store
    }

    #[must_use]
    pub fn options(&self) -> &LabOptions {
        &self.options
    }

    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Records what happened, changes the state and tells the control plane. Returns the event's index.
    pub fn commit(&mut self, actor: Actor, what: What) -> usize {
        let index = self.events.len();
        if self.halted || index >= self.limit {
            self.halted = true;
            return index;
        }
        let event = Event { index, at: self.now(), actor, what, cause: self.cause };
        self.state.apply(&event);
        self.record(event);
        index
    }

    /// Makes a system call of a process on a host and records it with its answer. It is [`World::commit`] for what only the
    /// host can answer: the change is made here, by [`State::make`], as the fold will make it. A call that waits lets the
    /// lab's time pass. At the end of a replay nothing changes, and the answer is `EAGAIN`.
    pub fn call(&mut self, host: &str, pid: u32, call: Call) -> Answer {
        if let Call::Connect { to, .. } | Call::Load { load: Load { to, .. } } = &call {
            hosts::wake_for(self, to.ip());
        }
        self.call_as(Actor::Learner, host, pid, call)
    }

    /// The same for somebody else than the learner.
    pub(crate) fn call_as(&mut self, actor: Actor, host: &str, pid: u32, call: Call) -> Answer {
        let index = self.events.len();
        let found = self.state.hosts.get_key_value(host).map(|(name, host)| (name.clone(), host.processes.get(&pid)));
        let Some((name, process)) = found.filter(|_| !self.halted && index < self.limit) else {
            self.halted = true;
            return Answer::Refused { refusal: Errno::Eagain.into(), holder: None };
        };
        let program: Rc<str> = match &call {
            Call::Spawn { process } => process.line.split(' ').next().unwrap_or("").into(),
            _ => process.map_or("", |process| process.name()).into(),
        };
        let at = self.now();
        let (answer, trace) = self.state.make(host, pid, &call);
        let trace = self.bounded(trace);
        let answered = self.state.hosts[host].now();
        let what = What::Called { host: name, pid, program, call, answer: answer.clone(), answered, trace };
        self.record(Event { index, at, actor, what, cause: self.cause });
        let waited = answered.since(at);
        if !waited.is_zero() {
            self.advance(waited);
        }
        answer
    }

    /// Starts a host unless it runs already.
    pub fn start_host(&mut self, host: &str) {
        if !self.state.hosts.contains_key(host) && !hosts::wake(self, host) {
            self.restart_host(host);
        }
    }

    /// Starts a host, anew where one of that name runs.
    pub fn restart_host(&mut self, host: &str) {
        let place = self.options.hosts.iter().position(|spec| spec.name == host);
        let spec = place.map(|place| self.options.hosts[place].clone()).unwrap_or_default();
        // Each host chooses ports of its own.
        let seed = self.options.seed.wrapping_add(place.map_or(0, |place| place as u64));
        self.commit(Actor::Lab, What::HostStarted { host: host.into(), seed, spec: spec.into() });
    }

    /// A host as it is now; none before it has started.
    pub fn host(&mut self, host: &str) -> Option<&Host> {
        let seen = self.state.pass();
        if self.unsaid.len() < MOMENTS_MAX {
            self.unsaid.extend(seen);
        }
        self.state.hosts.get(host).map(|host| &**host)
    }

    /// Puts an event into the history and tells the control plane.
    fn record(&mut self, event: Event) {
        let index = event.index;
        // A command stays the cause of all that it does; a controller's change is the cause of what reacts to it.
        let cause = if matches!(event.what, What::Command { .. }) { Some(index) } else { self.cause };
        self.cause = Some(index);
        if matches!(event.what, What::Stored { .. } | What::Deleted { .. }) {
            self.events.push(event.clone());
            kube::informed(self, &event);
        } else {
            // Nothing else is news to the control plane, and the steps of an attempt are long.
            self.events.push(event);
        }
        self.cause = cause;
    }

    /// Puts a task into the queue, `delay` from now. A task that waits already keeps the earlier time.
    pub fn at(&mut self, delay: Duration, task: Task) {
        let time = self.now().plus(delay);
        if let Some(&place) = self.places.get(&task) {
            if place.0 <= time {
                return;
            }
            self.queue.remove(&place);
        }
        let place = (time, self.queued_so_far);
        self.queued_so_far += 1;
        self.places.insert(task.clone(), place);
        self.queue.insert(place, Queued { task, cause: self.cause });
    }

    /// Takes a waiting task out of the queue; whether there was one.
    pub fn cancel(&mut self, task: &Task) -> bool {
        self.places.remove(task).is_some_and(|place| self.queue.remove(&place).is_some())
    }

    /// When the next task is due.
    #[must_use]
    pub fn next_task_at(&self) -> Option<Time> {
        self.queue.first_key_value().map(|((time, _), _)| *time)
    }

    /// Lets time pass; tasks run when they are due.
    pub fn advance(&mut self, by: Duration) {
        let end = self.now().plus(by);
        while self.run_next_task(end) {}
        if !self.halted {
            self.state.now = end;
        }
    }

    /// Lets time pass until `done` holds, at most `limit`. Looks before the first task and after each.
    /// Returns whether `done` holds; time stands where it began to hold.
    pub fn advance_until(&mut self, limit: Duration, mut done: impl FnMut(&World) -> bool) -> bool {
        let end = self.now().plus(limit);
        loop {
            if done(self) {
                return true;
            }
            if !self.run_next_task(end) {
                break;
            }
        }
        if !self.halted {
            self.state.now = end;
        }
        done(self)
    }

    /// Runs the first task that is due by `end`; false when there is none, or when a replay has reached its end.
    fn run_next_task(&mut self, end: Time) -> bool {
        let Some((&place, _)) = self.queue.first_key_value().filter(|((time, _), _)| *time <= end && !self.halted)
        else {
            return false;
        };
        let Some(queued) = self.queue.remove(&place) else { return false };
        self.places.remove(&queued.task);
        self.state.now = self.state.now.max(place.0);
        let outer = std::mem::replace(&mut self.cause, queued.cause);
        kube::run_task(self, queued.task.clone());
        self.cause = outer;
        if self.halted && !self.places.contains_key(&queued.task) {
            // Cut short: as after a restart of its program, the work is found again and finished.
            self.places.insert(queued.task.clone(), place);
            self.queue.insert(place, queued);
        }
        !self.halted
    }

    /// Whether a replay has reached its end and commands must return.
    #[must_use]
    pub fn halted(&self) -> bool {
        self.halted
    }

    /// Lets a replay run until `limit` events have happened.
    pub(crate) fn stop_after(&mut self, limit: usize) {
        self.limit = limit;
        self.halted = false;
    }

    /// Ends a replay: the clock stands at its last event, or where the scene's first `scene` events left it, and the
    /// world goes on from there.
    pub(crate) fn go_on(&mut self, scene: usize) {
        if let Some(last) = self.events.get(scene..).and_then(<[Event]>::last) {
            self.state.now = last.at;
        }
        self.limit = usize::MAX;
        self.halted = false;
        self.end_of_input();
    }

    /// What comes next does not follow from the command that has ended.
    pub(crate) fn end_of_input(&mut self) {
        self.cause = None;
        self.moments_left = MOMENTS_MAX;
    }

    /// Records what hosts have done by themselves by now.
    pub(crate) fn hosts_pass(&mut self) {
        let index = self.events.len();
        if self.halted || index >= self.limit {
            return;
        }
        let trace = self.state.pass();
        if !(trace.is_empty() && self.unsaid.is_empty()) {
            let what = What::Passed { trace: self.bounded(trace) };
            self.record(Event { index, at: self.now(), actor: Actor::Lab, what, cause: self.cause });
        }
    }

    /// Cuts off what one input may not tell any more, but for how much it was.
    fn bounded(&mut self, new: Vec<Moment>) -> Rc<[Moment]> {
        let mut trace = std::mem::take(&mut self.unsaid);
        trace.extend(new);
        if trace.len() > self.moments_left {
            let rest = trace.split_off(self.moments_left);
            let count = |moment: &Moment| if let Happening::More(count) = moment.what { count } else { 1 };
            let more = Happening::More(rest.iter().map(count).sum());
            trace.extend(rest.into_iter().last().map(|last| Moment { what: more, ..last }));
            self.moments_left = 0;
        } else {
            self.moments_left -= trace.len();
        }
        trace.into()
    }

    pub(crate) fn set_jq(&mut self, jq: crate::lab::Jq) {
        self.options.jq = Some(jq);
    }

    /// The text of a file: the lab's own, else the host's where the lab was given access.
    #[must_use]
    pub fn read_file(&self, path: &str) -> Option<Rc<str>> {
        let name = path.strip_prefix("./").unwrap_or(path);
        if let Some(files) = &self.container_files {
            return files.get(name.trim_start_matches('/')).cloned();
        }
        let own = self.state.files.get(name).cloned();
        own.or_else(|| self.options.host_files.and_then(|read| read(path)).map(Rc::from))
    }

    /// A whole number from 0 up to, but not including, `bound`, from the lab's seeded generator (SplitMix64).
    pub fn random(&mut self, bound: u32) -> u32 {
        self.generator = self.generator.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.generator;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        // The high part of a 32 by 32 bit product: without modulo bias worth the name.
        ((u64::from((z >> 32) as u32) * u64::from(bound.max(1))) >> 32) as u32
    }

    /// `length` characters of the alphabet from which Kubernetes makes names (no vowels, no 0, 1, 3).
    pub fn suffix(&mut self, length: usize) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length).map(|_| char::from(ALPHABET[self.random(ALPHABET.len() as u32) as usize])).collect()
    }

    /// A random UUID (version 4), as metadata.uid.
    pub fn uid(&mut self) -> String {
        let words: [u32; 4] = std::array::from_fn(|_| self.random(u32::MAX));
        let [a, b, c, d] = words;
        let version = 0x4000 | (b & 0xfff);
        let variant = 0x8000 | (c >> 16 & 0x3fff);
        format!("{a:08x}-{:04x}-{version:04x}-{variant:04x}-{:04x}{d:08x}", b >> 16, c & 0xffff)
    }
}
