//! What happened in a namespace besides the answers of its calls: packets, states, and what was thrown away.
//!
//! A namespace notes nothing unless a [`Trace`] is switched on, for programs that run many calls need none. Each packet is
//! noted once in each namespace: when it is delivered over `lo`, leaves, or comes in. A connection keeps its story from
//! entry to entry: a half-open one is born from `CLOSE` to `SYN_RECV` and becomes a socket without a word; `TIME_WAIT` takes
//! a socket's place and ends in `CLOSE`. Left out: sockets that are only bound, and the states of UDP but for its peer.

use std::fmt;
use std::net::Ipv6Addr;
use std::rc::Rc;

use super::Namespace;
use super::address::Family;
use super::packet::{Body, Packet, Segment, Unreachable};
use super::route::wire_family;
use super::socket::{Protocol, Request, Socket, SocketId, State, TimeWait};

/// The most moments that are kept until they are taken; the rest are counted.
pub const MOMENTS_MAX: usize = 64;

/// Something that happened on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Virtual time in ms, counted as the owner of the trace counts it: in a lab, since the lab began.
    pub at: u64,
    pub host: Rc<str>,
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    Packet {
        way: Way,
        packet: Packet,
    },
    State(Change),
    /// A packet that nobody answers.
    Dropped {
        packet: Packet,
        why: Why,
    },
    /// So many more happened than were kept.
    More(u64),
}

/// How a packet went, as this host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From one socket here to another, over `lo`.
    Lo,
    /// Out by the device of this number.
    Out(u32),
    /// In by the device of this number.
    In(u32),
}

/// A connection, or a listener, in a new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub protocol: Protocol,
    pub family: Family,
    pub local: Ipv6Addr,
    pub num: u16,
    pub peer: Ipv6Addr,
    /// 0: no peer.
    pub dport: u16,
    pub from: State,
    pub to: State,
}

/// Why a packet was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The listener's queue of connections is full.
    QueueFull,
    /// No route leads there, or nobody is there.
    NobodyThere,
    /// Its source cannot be translated: every port of the rule's range is in use towards there.
    NoTupleLeft,
    /// As many connections are followed as may be.
    TableFull,
    /// It is for somebody else, and `ip_forward` is off.
    NotForwarded,
}

/// What was noted and not yet taken.
#[derive(Clone, Debug)]
pub struct Trace {
    host: Rc<str>,
    /// When the namespace began, on the clock of [`Moment::at`].
    began: u64,
    moments: Vec<Moment>,
    more: u64,
}

impl Trace {
    /// An empty one for the host of that name, whose namespace began at that time in ms.
    #[must_use]
    pub fn new(host: Rc<str>, began: u64) -> Self {
        Self { host, began, moments: Vec::new(), more: 0 }
    }

    /// Notes what happens now, unless much has been noted already.
    fn note(&mut self, now: u64, what: impl FnOnce() -> Happening) {
        if self.moments.len() < MOMENTS_MAX {
            self.moments.push(Moment { at: self.began + now, host: self.host.clone(), what: what() });
        } else {
            self.more += 1;
        }
    }
}

impl Namespace {
    /// From now on what happens is noted.
    pub fn switch_on(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// What has happened since this was last asked, in order; [`Happening::More`] is the last where it was too much.
    pub fn take_trace(&mut self) -> Vec<Moment> {
        let Some(trace) = &mut self.trace else { return Vec::new() };
        let mut moments = std::mem::take(&mut trace.moments);
        let more = std::mem::take(&mut trace.more);
        if more > 0 {
            let at = trace.began + self.now;
            moments.push(Moment { at, host: trace.host.clone(), what: Happening::More(more) });
        }
        moments
    }

    /// Runs something whose changes are part of one that is noted otherwise.
    pub(super) fn quietly<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let trace = self.trace.take();
        let result = run(self);
        self.trace = trace;
        result
    }

    pub(super) fn note_packet(&mut self, way: Way, packet: &Packet) {
        if let Some(trace) = &mut self.trace {
            trace.note(self.now, || Happening::Packet { way, packet: packet.clone() });
        }
    }

    pub(super) fn note_dropped(&mut self, packet: impl FnOnce() -> Packet, why: Why) {
        if let Some(trace) = &mut self.trace {
            trace.note(self.now, || Happening::Dropped { packet: packet(), why });
        }
    }

    /// A socket is about to change its state to this one, or has just come from the other.
    pub(super) fn note_state(&mut self, id: SocketId, from: State, to: State) {
        let Self { trace: Some(trace), sockets, now, .. } = self else { return };
        if from != to {
            trace.note(*now, || Happening::State(Change { from, to, ..of_socket(&sockets[id.0 as usize]) }));
        }
    }

    pub(super) fn note_request(&mut self, request: &Request, from: State, to: State) {
        if let Some(trace) = &mut self.trace {
            trace.note(self.now, || Happening::State(Change { from, to, ..of_request(request) }));
        }
    }

    pub(super) fn note_time_wait(&mut self, wait: &TimeWait, from: State, to: State) {
        if let Some(trace) = self.trace.as_mut().filter(|_| from != to) {
            trace.note(self.now, || Happening::State(Change { from, to, ..of_time_wait(wait) }));
        }
    }
}

fn of_socket(socket: &Socket) -> Change {
    Change {
        protocol: socket.protocol,
        family: socket.family,
        local: socket.local,
        num: socket.num,
        peer: socket.peer,
        dport: socket.dport,
        from: socket.state,
        to: socket.state,
    }
}

fn of_request(request: &Request) -> Change {
    Change {
        protocol: Protocol::Tcp,
        family: wire_family(request.local),
        local: request.local,
        num: request.num,
        peer: request.peer,
        dport: request.dport,
        from: State::SynRecv,
        to: State::SynRecv,
    }
}

fn of_time_wait(wait: &TimeWait) -> Change {
    Change {
        protocol: Protocol::Tcp,
        family: wait.family,
        local: wait.local,
        num: wait.num,
        peer: wait.peer,
        dport: wait.dport,
        from: wait.substate,
        to: wait.substate,
    }
}

impl fmt::Display for Moment {
    /// `12.040 web: 10.0.0.2:80 > 10.0.0.1:40000 [S.], out`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} {}: {}", self.at / 1000, self.at % 1000, self.host, self.what)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet { way: Way::Lo, packet } => write!(f, "{packet}"),
            Self::Packet { way: Way::Out(_), packet } => write!(f, "{packet}, out"),
            Self::Packet { way: Way::In(_), packet } => write!(f, "{packet}, in"),
            Self::State(change) => write!(f, "{change}"),
            Self::Dropped { packet, why } => write!(f, "{packet}, dropped: {why}"),
            Self::More(count) => write!(f, "and {count} more"),
        }
    }
}

impl fmt::Display for Change {
    /// `127.0.0.1:40000 > 127.0.0.1:8080 SYN_SENT -> ESTABLISHED`, this end first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.family.show(self.local, self.num))?;
        if self.dport != 0 {
            write!(f, " > {}", self.family.show(self.peer, self.dport))?;
        }
        write!(f, " {} -> {}", self.from.name(), self.to.name())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "the listener's queue is full",
            Self::NobodyThere => "nobody is there",
            Self::NoTupleLeft => "no port is left to translate to",
            Self::TableFull => "the table of connections is full",
            Self::NotForwarded => "ip_forward is off",
        })
    }
}

impl fmt::Display for Packet {
    /// As tcpdump has it: `127.0.0.1:40000 > 127.0.0.1:8080 [S]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = wire_family(self.destination);
        let (from, to) = (family.show(self.source, self.sport), family.show(self.destination, self.dport));
        match &self.body {
            Body::Tcp(segment) => write!(f, "{from} > {to} {segment}"),
            Body::Udp(data) => write!(f, "{from} > {to} UDP, {} bytes", data.len()),
            Body::PortUnreachable => {
                write!(f, "{} > {} ICMP {} udp port {} unreachable", from.ip(), to.ip(), from.ip(), self.sport)
            }
            Body::Unreachable { what, by, .. } => {
                let what = if *what == Unreachable::Host { "host" } else { "net" };
                write!(f, "{} > {} ICMP {what} {} unreachable", family.show(*by, 0).ip(), to.ip(), from.ip())
            }
        }
    }
}

impl fmt::Display for Segment {
    /// Flags as tcpdump has them, and how much data: `[P.] 5 bytes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let push = !self.data.is_empty();
        let flags = [(self.fin, 'F'), (self.syn, 'S'), (self.rst, 'R'), (push, 'P'), (self.ack, '.')];
        let flags: String = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
        write!(f, "[{flags}]")?;
        if push { write!(f, " {} bytes", self.data.len()) } else { Ok(()) }
    }
}
