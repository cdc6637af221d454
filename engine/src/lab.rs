//! The lab: the one door through which the page, the scenarios and xtask reach the engine.
//!
//! The world changes only through [`Lab::run`], [`Lab::call`], [`Lab::advance`] and their like. Time travel is replay:
//! [`Lab::at`] folds the recorded events, [`Lab::rewind`] runs the same inputs again up to an event, and both give
//! the same state. An event in the middle of a controller's work can be gone back to as well: the world then goes
//! on as if that controller had been restarted at that moment.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::event::{Actor, Event, What};
use crate::host::{Answer, Call, Host};
pub use crate::host_spec::{DeviceSpec, HostSpec};
use crate::kube;
use crate::time::Time;
use crate::tools;
use crate::world::{State, World};

/// Which nodes a lab has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// No cluster at all: kubectl finds no server.
    NoCluster,
    /// An API server and a scheduler only: no kubelet, no controllers; nodes are what is applied.
    None,
    /// A kind cluster of this many nodes, the control plane included; at least 1.
    Kind(u32),
}

/// How kube-proxy writes its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyMode {
    #[default]
    Iptables,
    Nftables,
    Ipvs,
}

/// What jq printed and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JqOutput {
    pub stdout: String,
    pub stderr: String,
    pub exit: i32,
}

/// jq: arguments without the program's name, and standard input. It is passed in because the page loads it late.
pub type Jq = fn(args: &[String], stdin: &str) -> JqOutput;

/// Reads a file of the host, for the native shell; `None` when there is none of that name.
pub type ReadFile = fn(path: &str) -> Option<String>;

/// How a lab is set up.
#[derive(Clone, Debug)]
pub struct LabOptions {
    pub nodes: Nodes,
    /// The cluster's name, the first part of its nodes' names.
    pub cluster: String,
    pub proxy: ProxyMode,
    pub seed: u64,
    pub jq: Option<Jq>,
    /// Where files come from that the lab does not have; nowhere in the page.
    pub host_files: Option<ReadFile>,
    /// Hosts that stand on links, besides the workstation or, by its name, that one too.
    pub hosts: Vec<HostSpec>,
}

impl Default for LabOptions {
    fn default() -> LabOptions {
        LabOptions {
            nodes: Nodes::Kind(3),
            cluster: "portlab".to_owned(),
            proxy: ProxyMode::default(),
            seed: 1,
            jq: None,
            host_files: None,
            hosts: Vec::new(),
        }
    }
}

/// Where a command runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The learner's own machine, with kubectl and docker.
    Workstation,
    /// One of the lab's hosts, by name, as root.
    Host(String),
    /// A node, as `docker exec` or a login gives it.
    Node(String),
    Pod {
        namespace: String,
        name: String,
        container: String,
    },
}

impl Place {
    /// The prompt that a lesson shows: `$ `, `worker# `, `pod/client$ `.
    #[must_use]
    pub fn prompt(&self) -> String {
        match self {
            Place::Workstation => "$ ".to_owned(),
            Place::Host(name) | Place::Node(name) => format!("{name}# "),
            Place::Pod { name, .. } => format!("pod/{name}$ "),
        }
    }
}

/// Which of a program's two streams a piece of output went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What a command line printed, both streams in order, and its exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub chunks: Vec<(Stream, String)>,
    pub exit: i32,
}

impl Output {
    /// Both streams as a terminal shows them.
    #[must_use]
    pub fn text(&self) -> String {
        self.chunks.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// One stream alone.
    #[must_use]
    pub fn stream(&self, which: Stream) -> String {
        self.chunks.iter().filter(|(stream, _)| *stream == which).map(|(_, text)| text.as_str()).collect()
    }
}

/// What came in through the door.
#[derive(Clone, Debug)]
enum Input {
    Run {
        place: Place,
        line: Rc<str>,
    },
    Advance(Duration),
    RestartHost(Rc<str>),
    Call {
        host: Rc<str>,
        pid: u32,
        call: Call,
    },
    WriteFile {
        path: String,
        text: Option<Rc<str>>,
    },
    /// From here on the history is another one: only the first events were kept.
    Cut {
        kept: usize,
    },
}

/// How many abandoned histories [`Lab::undo`] can bring back.
const UNDO_DEPTH: usize = 4;
/// Fewest events between two kept states.
const SNAPSHOT_EVERY: usize = 64;

/// A world with the inputs and kept states that belong to it.
type History = (World, Vec<(usize, Input)>, Vec<(usize, Rc<State>)>);

/// The world and its history.
pub struct Lab {
    world: World,
    /// Each input with the number of events that had happened before it.
    inputs: Vec<(usize, Input)>,
    /// States after some number of events, ascending, from which [`Lab::at`] folds on.
    snapshots: Vec<(usize, Rc<State>)>,
    abandoned: Vec<History>,
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lab({} events, {:?})", self.events().len(), self.now())
    }
}

impl Lab {
    /// A lab at its beginning: the cluster is up and idle. Its first events set the scene.
    #[must_use]
    pub fn new(options: LabOptions) -> Lab {
        let mut world = World::new(options);
        start(&mut world);
        // The scene ends at its own moment, which may lie after its last event.
        let scene = (world.events().len(), Rc::new(world.state.clone()));
        Lab { world, inputs: Vec::new(), snapshots: vec![scene], abandoned: Vec::new() }
    }

    /// How many events set the scene, before anything came in.
    #[must_use]
    pub fn scene(&self) -> usize {
        self.snapshots.first().map_or(0, |(kept, _)| *kept)
    }

    /// Runs a command line (or several lines, here-documents included) and returns what it printed.
    pub fn run(&mut self, place: &Place, line: &str) -> Output {
        self.input(Input::Run { place: place.clone(), line: line.into() })
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Duration) {
        self.input(Input::Advance(by));
    }

    /// Writes a file of the lab; a file that has this text already is left alone.
    pub fn write_file(&mut self, path: &str, text: &str) {
        if self.world.state.files.get(path).is_none_or(|old| &**old != text) {
            self.input(Input::WriteFile { path: path.to_owned(), text: Some(text.into()) });
        }
    }

    /// Removes a file of the lab.
    pub fn remove_file(&mut self, path: &str) {
        if self.world.state.files.contains_key(path) {
            self.input(Input::WriteFile { path: path.to_owned(), text: None });
        }
    }

    /// Starts a host, anew where one of that name runs.
    pub fn restart_host(&mut self, host: &str) {
        self.input(Input::RestartHost(host.into()));
    }

    /// Makes a system call of a process on a host; `EAGAIN` where no host of that name has started.
    pub fn call(&mut self, host: &str, pid: u32, call: Call) -> Answer {
        self.inputs.push((self.events().len(), Input::Call { host: host.into(), pid, call: call.clone() }));
        let answer = take_call(&mut self.world, host, pid, call);
        self.keep_snapshot();
        answer
    }

    /// A host as it is now; none before it has started.
    pub fn host(&mut self, host: &str) -> Option<&Host> {
        self.world.host(host)
    }

    fn input(&mut self, input: Input) -> Output {
        self.inputs.push((self.events().len(), input.clone()));
        let output = take_in(&mut self.world, &input);
        self.keep_snapshot();
        output
    }

    /// All that has happened.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.world.events()
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.world.state
    }

    #[must_use]
    pub fn now(&self) -> Time {
        self.world.now()
    }

    #[must_use]
    pub fn options(&self) -> &LabOptions {
        self.world.options()
    }

    /// Gives the lab its jq, once the page has loaded it.
    pub fn set_jq(&mut self, jq: Jq) {
        self.world.set_jq(jq);
    }

    /// The state after the first `count` events; the last one when there are fewer.
    #[must_use]
    pub fn at(&self, count: usize) -> State {
        let events = self.events();
        let count = count.min(events.len());
        let nearest = self.snapshots.partition_point(|(kept, _)| *kept <= count);
        let (from, mut state) = match nearest.checked_sub(1).map(|i| &self.snapshots[i]) {
            Some((kept, state)) => (*kept, State::clone(state)),
            None => (0, State::default()),
        };
        for event in &events[from..count] {
            state.apply(event);
        }
        state
    }

    /// A lab of its own with the same history: what is tried there leaves no trace here.
    #[must_use]
    pub fn fork(&self) -> Lab {
        Lab {
            world: self.world.clone(),
            inputs: self.inputs.clone(),
            snapshots: self.snapshots.clone(),
            abandoned: Vec::new(),
        }
    }

    /// What a command that only reads objects would print after the first `count` events, without running it here.
    /// Nothing happens in the meantime: no controller is there.
    #[must_use]
    pub fn peek(&self, count: usize, line: &str) -> Output {
        let mut world = World::new(self.options().clone());
        world.state = self.at(count);
        tools::run(&mut world, &Place::Workstation, line)
    }

    /// Goes back to the moment after the first `count` events and drops those that followed;
    /// [`Lab::undo`] brings them back. Does nothing when nothing followed.
    pub fn rewind(&mut self, count: usize) {
        let count = count.max(self.scene());
        if count >= self.events().len() {
            return;
        }
        let mut inputs: Vec<_> = self.inputs.iter().filter(|(before, _)| *before < count).cloned().collect();
        inputs.push((count, Input::Cut { kept: count }));
        let world = replay(self.world.options().clone(), &inputs);
        let snapshots = self.snapshots.iter().filter(|(kept, _)| *kept <= count).cloned().collect();
        let old = (
            std::mem::replace(&mut self.world, world),
            std::mem::replace(&mut self.inputs, inputs),
            std::mem::replace(&mut self.snapshots, snapshots),
        );
        if self.abandoned.len() == UNDO_DEPTH {
            self.abandoned.remove(0);
        }
        self.abandoned.push(old);
    }

    /// Brings back the history that the last [`Lab::rewind`] dropped, in place of what has happened since.
    /// Returns whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some((world, inputs, snapshots)) = self.abandoned.pop() else { return false };
        (self.world, self.inputs, self.snapshots) = (world, inputs, snapshots);
        true
    }

    /// Whether [`Lab::undo`] has something to bring back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.abandoned.is_empty()
    }

    /// Keeps the state when enough has happened since the last kept one: more as there are more objects and sockets,
    /// so that all kept states together stay in proportion to the history.
    fn keep_snapshot(&mut self) {
        let Some(event) = self.events().last() else { return };
        let (count, at) = (event.index + 1, event.at);
        let last = self.snapshots.last().map_or(0, |(kept, _)| *kept);
        let sockets: usize = self.world.state.hosts.values().map(|host| host.namespace().socket_count()).sum();
        if count - last >= SNAPSHOT_EVERY.max(self.world.store().len() + sockets) {
            // As the fold gives it: time that has passed since the last event belongs to no event, and a host's clock
            // may have gone on with it.
            let state = match self.world.state.hosts.is_empty() {
                true => State { now: at, ..self.world.state.clone() },
                false => self.at(count),
            };
            self.snapshots.push((count, Rc::new(state)));
        }
    }
}

/// Sets the scene.
fn start(world: &mut World) {
    kube::start(world);
    let hosts: Vec<String> = world.options().hosts.iter().map(|host| host.name.clone()).collect();
    hosts.iter().for_each(|host| world.start_host(host));
}

/// Runs recorded inputs in a new world.
fn replay(options: LabOptions, inputs: &[(usize, Input)]) -> World {
    let mut world = World::new(options);
    start(&mut world);
    let scene = world.events().len();
    for (i, (_, input)) in inputs.iter().enumerate() {
        let cut = inputs[i..].iter().find_map(|(_, input)| match input {
            Input::Cut { kept } => Some(*kept),
            _ => None,
        });
        if matches!(input, Input::Cut { .. }) {
            world.go_on(scene);
            continue;
        }
        if !world.halted() {
            world.stop_after(cut.unwrap_or(usize::MAX));
            take_in(&mut world, input);
        }
    }
    world
}

fn take_in(world: &mut World, input: &Input) -> Output {
    match input {
        Input::Run { place, line } => {
            world.commit(Actor::Learner, What::Command { place: place.clone(), line: line.clone() });
            let output = tools::run(world, place, line);
            world.hosts_pass();
            world.commit(Actor::Learner, What::CommandEnded { exit: output.exit });
            world.end_of_input();
            output
        }
        Input::Advance(by) => {
            world.advance(*by);
            world.hosts_pass();
            world.end_of_input();
            Output::default()
        }
        Input::RestartHost(host) => {
            world.restart_host(host);
            Output::default()
        }
        Input::Call { host, pid, call } => {
            take_call(world, host, *pid, call.clone());
            Output::default()
        }
        Input::WriteFile { path, text } => {
            world.commit(Actor::Learner, What::FileWritten { path: path.clone(), text: text.clone() });
            Output::default()
        }
        Input::Cut { .. } => Output::default(),
    }
}

fn take_call(world: &mut World, host: &str, pid: u32, call: Call) -> Answer {
    let answer = world.call(host, pid, call);
    world.end_of_input();
    answer
}
