//! A host of the lab: a network namespace, the processes in it, and the calls that they make.
//!
//! A namespace changes in one way: a process makes a [`Call`]. The call is an event, and folding the event makes the call
//! again; since a namespace chooses by its seed and its clock follows the lab's, the answers are the same each time. What a
//! namespace does by itself (timers) follows from the clock, so time needs no events; what it did is told by the next one.
//!
//! Left out: descriptors that are not sockets (0 to 2 are taken).

mod call;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

pub use call::{Answer, Call};

use crate::host_spec::{DeviceSpec, HostSpec, PidNamespace, ProcessSpec, RouteSpec, SocketSpec};
use crate::http::{self, Load, Site, Tally};
use crate::linux::address::{Family, canonical};
use crate::linux::bind::{Because, Refusal};
use crate::linux::bucket::Owner;
use crate::linux::options::SocketOption;
use crate::linux::packet::Packet;
use crate::linux::route::{Device, Route, parse_prefix};
use crate::linux::socket::{Protocol, SocketId, State};
use crate::linux::trace::{Moment, Trace};
use crate::linux::wait::Wait;
use crate::linux::wire::Leaving;
use crate::linux::{Errno, Namespace};
use crate::netfilter::Change;
use crate::time::Time;

/// The number of a host's first process.
const FIRST_PID: u32 = 1201;

/// What a program reads at once, in bytes.
const RECV_BYTES_MAX: usize = 65_536;

/// A part of a round of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Open,
    Ask,
    Read,
}

/// A call that was made: its answer, or what it waits for.
#[derive(Clone, Debug)]
pub(crate) enum Begun {
    Done(Answer),
    Waits(Wait),
    /// The process sleeps for so long.
    Sleeps(Duration),
    /// A round of requests is to be made.
    Loads,
}

/// A process.
#[derive(Clone, Debug, Default)]
pub struct Process {
    pub line: Rc<str>,
    /// Whose processes it can see.
    pub pids: PidNamespace,
    /// Its effective user; the real one is root, so it may go back.
    pub euid: u32,
    /// Its sockets by descriptor.
    pub fds: BTreeMap<u32, SocketId>,
    /// What the program calls its descriptors, for those that have a name.
    pub names: BTreeMap<u32, Rc<str>>,
    /// What it serves, if it is a web server.
    pub serves: Option<Rc<Site>>,
    /// Connections on which it has asked for something and has no answer yet.
    pub asked: BTreeSet<SocketId>,
}

impl Process {
    /// The program's name, as `ps` and `ss -p` show it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.line.split(' ').next().unwrap_or("")
    }

    /// The open descriptor that the program calls so.
    #[must_use]
    pub fn descriptor(&self, name: &str) -> Option<u32> {
        self.names.iter().find(|(_, own)| &***own == name).map(|(fd, _)| *fd)
    }

    /// Takes the lowest free descriptor, as the kernel gives it; 0 to 2 are taken.
    pub(crate) fn give(&mut self, socket: SocketId, name: Option<&Rc<str>>) -> u32 {
        let fd = (3..).find(|fd| !self.fds.contains_key(fd)).unwrap_or(u32::MAX);
        self.fds.insert(fd, socket);
        if let Some(name) = name {
            self.names.retain(|_, other| other != name);
            self.names.insert(fd, name.clone());
        }
        fd
    }
}

/// A host. Two hosts are equal when the same calls were made on them at the same times, for all else follows from that.
#[derive(Clone, Debug)]
pub struct Host {
    began: Time,
    namespace: Namespace,
    pub processes: BTreeMap<u32, Process>,
    next_pid: u32,
    /// A digest of the calls so far and their times.
    history: u64,
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        (self.began, self.history) == (other.began, other.history)
    }
}

impl Host {
    /// A host that starts at this time; what happens in its namespace is noted.
    #[must_use]
    pub fn new(name: &Rc<str>, began: Time, seed: u64) -> Host {
        let mut namespace = Namespace::new(seed);
        namespace.switch_on(Trace::new(name.clone(), u64::try_from(began.0).unwrap_or(0)));
        Host { began, namespace, processes: BTreeMap::new(), next_pid: FIRST_PID, history: seed }
    }

    /// Gives it what it is described with.
    #[must_use]
    pub fn with(mut self, spec: &HostSpec) -> Host {
        for device in &spec.devices {
            self.plug(device);
        }
        self.route(&spec.routes);
        self.namespace.routing.gateway(spec.gateway);
        if spec.forwards {
            let _ = self.namespace.set_sysctl("net.ipv4.ip_forward", "1");
        }
        for (name, value) in &spec.sysctls {
            let _ = self.namespace.set_sysctl(name, value);
        }
        for rule in &spec.rules {
            let _ = self.namespace.netfilter.change(&Change::Rules(rule.clone()));
        }
        for process in &spec.processes {
            self.spawn(process);
        }
        self
    }

    fn plug(&mut self, device: &DeviceSpec) {
        self.namespace.routing.add_device(Device {
            name: device.name.clone(),
            link: Some(device.link.as_str().into()),
            unrouted: device.unrouted,
            broadcast: device.broadcast,
            peer: device.peer,
            ..Device::default()
        });
        for address in &device.addresses {
            // What is no prefix is left out.
            let _ = self.namespace.add_address(&device.name, address);
        }
    }

    fn route(&mut self, routes: &[RouteSpec]) {
        for route in routes {
            let device = self.namespace.routing.device(&route.device).map(|device| device.index);
            let (via, source) = (route.via.map(canonical), route.source.map(canonical));
            if let (Some((to, length)), Some(device)) = (parse_prefix(&route.to), device) {
                let for_host = route.for_host;
                self.namespace.routing.routes.push(Route { to, length, via, device, source, for_host });
            }
        }
    }

    /// Starts a process and opens its sockets; one that is refused stays closed.
    fn spawn(&mut self, spec: &ProcessSpec) -> u32 {
        let pid = self.next_pid;
        self.next_pid += 1;
        let (line, pids, serves) = (spec.line.clone(), spec.pids.clone(), spec.site.clone());
        let mut process = Process { line, pids, serves, ..Process::default() };
        self.namespace.euid = process.euid;
        for socket in &spec.sockets {
            if let Ok(id) = self.open(socket) {
                process.give(id, None);
            }
        }
        self.processes.insert(pid, process);
        pid
    }

    fn open(&mut self, spec: &SocketSpec) -> Result<SocketId, Refusal> {
        let family = if spec.at.is_ipv4() { Family::V4 } else { Family::V6 };
        let id = self.namespace.socket(spec.protocol, family);
        let listens = spec.protocol == Protocol::Tcp;
        let opened = self
            .namespace
            .setsockopt(id, &SocketOption::ReuseAddr(listens))
            .and_then(|()| match family {
                Family::V6 => self.namespace.setsockopt(id, &SocketOption::V6Only(spec.v6only)),
                Family::V4 => Ok(()),
            })
            .and_then(|()| self.namespace.bind(id, spec.at))
            .and_then(|()| if listens { self.namespace.listen(id, spec.backlog) } else { Ok(()) });
        opened.inspect_err(|_| self.namespace.abandon(id))?;
        Ok(id)
    }

    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The lab's time that its namespace has come to.
    #[must_use]
    pub fn now(&self) -> Time {
        self.began.plus(std::time::Duration::from_millis(self.namespace.now()))
    }

    /// Makes a call as on a host that stands alone: a call that waits waits for nobody else.
    pub fn make(&mut self, now: Time, pid: u32, call: &Call) -> Answer {
        self.pass(now);
        match self.begin(pid, call) {
            Begun::Done(answer) => answer,
            Begun::Waits(wait) => {
                self.namespace.wait(&wait);
                self.finish(wait)
            }
            Begun::Sleeps(time) => {
                self.pass(now.plus(time));
                Answer::Number(0)
            }
            Begun::Loads => Answer::Loaded(Rc::default()),
        }
    }

    /// Lets its web servers do what is to be done; whether there was anything.
    pub(crate) fn serve(&mut self) -> bool {
        let now = self.now();
        let servers = self.processes.values_mut().filter(|process| process.serves.is_some());
        let mut busy = false;
        for process in servers {
            busy |= http::serve(process, &mut self.namespace, now);
        }
        busy
    }

    /// Whether it has web servers.
    #[must_use]
    pub(crate) fn has_servers(&self) -> bool {
        self.processes.values().any(|process| process.serves.is_some())
    }

    /// A part of a round of requests; whether it is done.
    pub(crate) fn load(&mut self, pid: u32, load: &Load, part: Part, tally: &mut Tally) -> bool {
        let Some(process) = self.processes.get_mut(&pid) else { return true };
        match part {
            Part::Open => return http::open(process, &mut self.namespace, load, tally),
            Part::Ask => http::ask(process, &mut self.namespace, load),
            Part::Read => http::read(process, &mut self.namespace, load, tally),
        }
        true
    }

    /// Lets the clock of a host that stands alone come up to the lab's.
    pub fn pass(&mut self, now: Time) {
        let behind = now.since(self.now()).as_millis();
        self.namespace.advance(u64::try_from(behind).unwrap_or(0));
    }

    /// A time of the lab on the clock of its namespace, in ms.
    fn on_own_clock(&self, time: Time) -> u64 {
        u64::try_from(time.since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// When something happens next by itself.
    #[must_use]
    pub(crate) fn next_timer(&self) -> Option<Time> {
        self.namespace.next_timer().map(|at| self.began.plus(Duration::from_millis(at)))
    }

    /// Lets its clock come up to the lab's; whatever was due by then has happened.
    pub(crate) fn catch_up(&mut self, now: Time) {
        let now = self.on_own_clock(now);
        self.namespace.catch_up(now);
    }

    /// Lets the first thing happen that is due by this time.
    pub(crate) fn next_goes_off(&mut self, by: Time) {
        let by = self.on_own_clock(by);
        self.namespace.next_goes_off(by);
    }

    /// The device of this number.
    pub(crate) fn device(&self, index: u32) -> Option<&Device> {
        self.namespace.routing.devices.iter().find(|device| device.index == index)
    }

    /// A packet comes in by the device of this number.
    pub(crate) fn receive(&mut self, device: u32, packet: Packet) {
        self.namespace.receive(device, packet);
    }

    /// What has left by devices since this was last asked.
    pub(crate) fn take_outbox(&mut self) -> Vec<Leaving> {
        std::mem::take(&mut self.namespace.outbox)
    }

    /// Nobody on the link has the address that this packet was to be handed to.
    pub(crate) fn nobody_answers(&mut self, leaving: Leaving) {
        self.namespace.nobody_answers(leaving);
    }

    /// What has happened since this was last asked.
    pub fn take_trace(&mut self) -> Vec<Moment> {
        self.namespace.take_trace()
    }

    /// The process and descriptor that a socket belongs to; none for an orphan or one that waits for `accept`.
    #[must_use]
    pub fn owner(&self, socket: SocketId) -> Option<(u32, &Process, u32)> {
        self.processes.iter().find_map(|(pid, process)| {
            let (fd, _) = process.fds.iter().find(|(_, id)| **id == socket)?;
            Some((*pid, process, *fd))
        })
    }

    /// Makes a call, up to where it waits for somebody else. Calls of a process that has ended, or on a descriptor that it
    /// does not have, change nothing.
    pub(crate) fn begin(&mut self, pid: u32, call: &Call) -> Begun {
        let text = format!("{} {pid} {call:?}", self.namespace.now());
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.history = text.bytes().fold(self.history, mix);
        match self.begin_waiting(pid, call) {
            Ok(Some(begun)) => begun,
            Ok(None) => Begun::Done(self.answer(pid, call).unwrap_or_else(|refusal| self.refused(refusal))),
            Err(refusal) => Begun::Done(self.refused(refusal)),
        }
    }

    /// Begins a call that may wait; none for one that does not.
    fn begin_waiting(&mut self, pid: u32, call: &Call) -> Result<Option<Begun>, Refusal> {
        let Some(process) = self.processes.get_mut(&pid) else { return Ok(None) };
        let namespace = &mut self.namespace;
        namespace.euid = process.euid;
        let at = |fd: &u32| process.fds.get(fd).copied().ok_or(Errno::Ebadf);
        match call {
            Call::Connect { fd, to } if namespace.socket_of(at(fd)?).protocol == Protocol::Tcp => {
                Ok(Some(Begun::Waits(namespace.begin_connect(at(fd)?, *to)?)))
            }
            Call::Load { .. } => Ok(Some(Begun::Loads)),
            Call::Sleep { millis } => Ok(Some(Begun::Sleeps(Duration::from_millis(*millis)))),
            Call::Serve { site } => {
                process.serves = Some(site.clone());
                Ok(Some(Begun::Done(Answer::Number(0))))
            }
            Call::Send { fd, data } => Ok(namespace.begin_send(at(fd)?, data)?.map(Begun::Waits)),
            Call::Close { fd } => {
                let socket = at(fd)?;
                process.fds.remove(fd);
                process.names.remove(fd);
                let wait = namespace.begin_close(socket);
                Ok(Some(wait.map_or(Begun::Done(Answer::Number(0)), Begun::Waits)))
            }
            _ => Ok(None),
        }
    }

    /// Whether a call still waits, the time aside; and until when it does.
    #[must_use]
    pub(crate) fn waits(&self, wait: &Wait) -> (bool, Time) {
        (self.namespace.waits(wait), self.began.plus(Duration::from_millis(wait.until)))
    }

    /// The rest of a call that has waited.
    pub(crate) fn finish(&mut self, wait: Wait) -> Answer {
        match self.namespace.finish(wait) {
            Ok(number) => Answer::Number(u32::try_from(number).unwrap_or(u32::MAX)),
            Err(refusal) => self.refused(refusal),
        }
    }

    fn refused(&self, refusal: Refusal) -> Answer {
        let holder = match refusal.because {
            Because::Holder(owner) => Some(self.describe(owner).into()),
            _ => None,
        };
        Answer::Refused { refusal, holder }
    }

    /// A holder of a port in words: who, where, in which state.
    fn describe(&self, owner: Owner) -> String {
        match owner {
            Owner::Socket(id) => {
                let socket = self.namespace.socket_of(id);
                let at = socket.family.show(socket.local, socket.num);
                let who = self.owner(id).map_or_else(
                    || "a socket".to_owned(),
                    |(pid, process, fd)| match process.names.get(&fd) {
                        Some(name) => name.to_string(),
                        None => format!("{} ({pid})", process.name()),
                    },
                );
                // The kernel calls a socket that is only bound CLOSE, which nobody would take for a holder.
                let state = if socket.state == State::Close { "bound" } else { socket.state.name() };
                format!("{who} at {at}, {state}")
            }
            Owner::TimeWait(id) => {
                self.namespace.time_waits().find(|(other, _)| *other == id).map_or_else(String::new, |(_, wait)| {
                    format!("TIME_WAIT at {}", wait.family.show(wait.local, wait.num))
                })
            }
        }
    }

    fn answer(&mut self, pid: u32, call: &Call) -> Result<Answer, Refusal> {
        match call {
            Call::Spawn { process } => return Ok(Answer::Number(self.spawn(process))),
            Call::Plug { device, routes } => {
                self.plug(device);
                self.route(routes);
                return Ok(Answer::Number(0));
            }
            Call::Unplug { device } => {
                self.namespace.routing.remove_device(device);
                return Ok(Answer::Number(0));
            }
            _ => {}
        }
        let Some(process) = self.processes.get_mut(&pid) else { return Err(Errno::Ebadf.into()) };
        let namespace = &mut self.namespace;
        namespace.euid = process.euid;
        let at = |fd: &u32| process.fds.get(fd).copied().ok_or(Errno::Ebadf);
        match call {
            Call::Spawn { .. }
            | Call::Plug { .. }
            | Call::Unplug { .. }
            | Call::Close { .. }
            | Call::Load { .. }
            | Call::Sleep { .. }
            | Call::Serve { .. } => {}
            Call::Exit => {
                // A process that ends waits for no socket that lingers.
                let ended = self.processes.remove(&pid);
                ended.into_iter().flat_map(|process| process.fds.into_values()).for_each(|id| namespace.abandon(id));
            }
            Call::Socket { protocol, family, name } => {
                let socket = namespace.socket(*protocol, *family);
                return Ok(Answer::Number(process.give(socket, name.as_ref())));
            }
            Call::SetOption { fd, option } => namespace.setsockopt(at(fd)?, option)?,
            Call::Bind { fd, to } => namespace.bind(at(fd)?, *to)?,
            Call::Listen { fd, backlog } => namespace.listen(at(fd)?, *backlog)?,
            Call::Connect { fd, to } => namespace.connect(at(fd)?, *to)?,
            Call::Accept { fd, name } => {
                let child = namespace.accept(at(fd)?)?;
                let socket = namespace.socket_of(child);
                let peer = socket.family.show(socket.peer, socket.dport);
                return Ok(Answer::Accepted { fd: process.give(child, name.as_ref()), peer });
            }
            Call::Send { fd, data } => {
                let sent = namespace.send(at(fd)?, data)?;
                return Ok(Answer::Number(u32::try_from(sent).unwrap_or(u32::MAX)));
            }
            Call::Recv { fd } => return Ok(Answer::Data(namespace.recv_at_most(at(fd)?, RECV_BYTES_MAX)?.into())),
            Call::Shutdown { fd, how } => namespace.shutdown(at(fd)?, *how)?,
            Call::Getsockname { fd } => return Ok(Answer::Address(namespace.getsockname(at(fd)?))),
            Call::Getpeername { fd } => return Ok(Answer::Address(namespace.getpeername(at(fd)?)?)),
            Call::Seteuid { uid } => {
                namespace.seteuid(*uid)?;
                process.euid = *uid;
            }
            Call::Sysctl { name, value } => namespace.set_sysctl(name, value)?,
            Call::AddAddress { device, prefix } => namespace.add_address(device, prefix)?,
            Call::Netfilter(change) => namespace.netfilter.change(change).map_err(|refusal| refusal.errno())?,
        }
        Ok(Answer::Number(0))
    }
}
