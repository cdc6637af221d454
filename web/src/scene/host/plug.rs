//! Sockets as plugs: what one looks like, where it is bound, who has it, what was set on it.
//!
//! A plug stands for a socket, for what remains of a connection in `TIME_WAIT`, or for a half-open one at a listener.
//! Everything is read from the namespace; nothing is worked out here but words.

use std::net::Ipv6Addr;

use portlab_engine::host::Host;
use portlab_engine::linux::address::{Family, is_mapped};
use portlab_engine::linux::bucket::Owner;
use portlab_engine::linux::socket::{Protocol, Request, Socket, SocketId, State, TimeWait, TimeWaitId};

/// How a plug is drawn: each has an outline of its own beside its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// It has no port.
    Fresh,
    /// It has a port and does nothing with it.
    Bound,
    Listening,
    /// UDP at a port.
    Datagrams,
    /// `SYN_SENT`
    Opening,
    /// `SYN_RECV`
    Answering,
    Established,
    /// This end has sent its FIN: `FIN_WAIT1`, `FIN_WAIT2`, `CLOSING`.
    Closing,
    /// The other end has: `CLOSE_WAIT`, `LAST_ACK`.
    LeftOpen,
    TimeWait,
}

impl Shape {
    /// The shape of a state.
    #[must_use]
    pub fn of(protocol: Protocol, state: State, port: u16) -> Shape {
        match state {
            State::Close if port == 0 => Shape::Fresh,
            State::Close if protocol == Protocol::Udp => Shape::Datagrams,
            State::Close => Shape::Bound,
            State::Listen => Shape::Listening,
            State::SynSent => Shape::Opening,
            State::SynRecv => Shape::Answering,
            State::Established => Shape::Established,
            State::FinWait1 | State::FinWait2 | State::Closing => Shape::Closing,
            State::CloseWait | State::LastAck => Shape::LeftOpen,
            State::TimeWait => Shape::TimeWait,
        }
    }
}

/// Protocol, own address and port, the peer's: what a connection is told apart by.
pub type Tuple = (Protocol, Ipv6Addr, u16, Ipv6Addr, u16);

/// A socket, or what is drawn like one.
#[derive(Clone, Debug, PartialEq)]
pub struct Plug {
    pub key: String,
    pub tuple: Tuple,
    pub state: State,
    pub shape: Shape,
    /// The local address without its port, as the socket shows it: `0.0.0.0`, `[::]`.
    pub address: String,
    /// The peer with its port.
    pub peer: Option<String>,
    pub who: Who,
    /// `REUSEADDR`, `V6ONLY`, …
    pub options: Vec<String>,
    /// Of a listener: how many connections wait, and the backlog.
    pub queue: Option<(usize, u32)>,
    /// Bytes received and not read.
    pub unread: usize,
    /// The timer that runs, and how long it has left.
    pub timer: Option<(&'static str, u64)>,
    /// The user whose socket it is.
    pub uid: u32,
    /// It decided the refusal that is shown.
    pub decided: bool,
    /// The call that is shown was made on it.
    pub acts: bool,
}

/// Who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A process, by the name that its program has for the socket, or by its own.
    Process(String),
    /// It waits for `accept` in the queue of this listener.
    Queue(String),
    /// This listener has answered, and the handshake is not over.
    HalfOpen(String),
    /// No process any more.
    Nobody,
}

impl Who {
    /// In words.
    #[must_use]
    pub fn says(&self) -> String {
        match self {
            Who::Process(name) => name.clone(),
            Who::Queue(listener) => format!("waits for accept at {listener}"),
            Who::HalfOpen(listener) => format!("half-open at {listener}"),
            Who::Nobody => "no process".to_owned(),
        }
    }
}

impl Plug {
    /// What stands for the state: the kernel's name, or what a socket without one does.
    #[must_use]
    pub fn says(&self) -> &'static str {
        match self.shape {
            Shape::Fresh => "no port",
            Shape::Bound => "bound only",
            Shape::Datagrams => "bound",
            _ => self.state.name(),
        }
    }

    /// Its name for those who do not see it: `8080, LISTEN, api, at 0.0.0.0, REUSEADDR`.
    #[must_use]
    pub fn label(&self) -> String {
        let port = if self.tuple.2 == 0 { "socket".to_owned() } else { self.tuple.2.to_string() };
        let mut label = format!("{port}, {}, {}, at {}", self.says(), self.who.says(), self.address);
        if let Some((waiting, backlog)) = self.queue {
            label += &format!(", {waiting} in the queue, backlog {backlog}");
        }
        for option in &self.options {
            label += &format!(", {option}");
        }
        if self.uid != 0 {
            label += &format!(", uid {}", self.uid);
        }
        label
    }
}

/// What a call that is shown has to do with the sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Focus {
    pub decided: Option<Owner>,
    pub acts: Option<SocketId>,
}

/// An address as a socket of the family shows it, without a port.
#[must_use]
pub fn bare(family: Family, address: Ipv6Addr) -> String {
    let shown = family.show(address, 0).to_string();
    shown.strip_suffix(":0").unwrap_or(&shown).to_owned()
}

/// A socket without a port has no address worth telling, but a kind: `tcp4`.
fn kind_of(socket: &Socket) -> String {
    let protocol = if socket.protocol == Protocol::Tcp { "tcp" } else { "udp" };
    format!("{protocol}{}", if socket.family == Family::V4 { 4 } else { 6 })
}

/// Who has a socket.
fn who(host: &Host, id: SocketId, socket: &Socket) -> Who {
    if let Some((pid, process, fd)) = host.owner(id) {
        return Who::Process(match process.names.get(&fd) {
            Some(name) => name.to_string(),
            None => format!("{} ({pid})", process.name()),
        });
    }
    match socket.queued_at {
        Some(listener) => {
            let socket = host.namespace().socket_of(listener);
            let name = match who(host, listener, socket) {
                Who::Process(name) => name,
                _ => socket.num.to_string(),
            };
            Who::Queue(name)
        }
        None => Who::Nobody,
    }
}

fn options(socket: &Socket) -> Vec<String> {
    let set = &socket.options;
    let (low, high) = set.local_port_range;
    let mut all: Vec<String> = [
        (set.reuse, "REUSEADDR"),
        (set.reuseport, "REUSEPORT"),
        // A socket at an address of IPv6 alone is so by itself; that is no news.
        (set.v6only && (socket.family == Family::V6 && socket.local == Family::V6.any()), "V6ONLY"),
        (set.bind_address_no_port, "NO_PORT"),
    ]
    .into_iter()
    .filter(|(on, _)| *on)
    .map(|(_, name)| name.to_owned())
    .collect();
    if (low, high) != (0, 0) {
        all.push(format!("RANGE {low}–{high}"));
    }
    if let Some(seconds) = set.linger {
        all.push(format!("LINGER {seconds}"));
    }
    all
}

/// The plug of a socket; `late_ms` is how far the host's clock is behind.
#[must_use]
pub fn of_socket(host: &Host, id: SocketId, socket: &Socket, state: State, focus: Focus, late_ms: u64) -> Plug {
    let tcp = &socket.tcp;
    let now = host.namespace().now() + late_ms;
    let left = |due: u64| due.saturating_sub(now);
    let resend = tcp.retransmit.map(|key| ("sends again in", left(key.due())));
    let orphan = tcp.orphan_timer.map(|key| ("given up in", left(key.due())));
    let listens = state == State::Listen;
    Plug {
        key: format!("s{}", socket.inode),
        tuple: (socket.protocol, socket.local, socket.num, socket.peer, socket.dport),
        state,
        shape: Shape::of(socket.protocol, state, socket.num),
        address: if socket.num == 0 { kind_of(socket) } else { bare(socket.family, socket.local) },
        peer: (socket.dport != 0 && !listens).then(|| socket.family.show(socket.peer, socket.dport).to_string()),
        who: who(host, id, socket),
        options: options(socket),
        queue: listens.then_some((socket.listening.queue.len(), socket.listening.backlog)),
        unread: tcp.received.len() + socket.datagrams.iter().map(|datagram| datagram.data.len()).sum::<usize>(),
        timer: resend.or(orphan),
        uid: socket.uid,
        decided: focus.decided == Some(Owner::Socket(id)),
        acts: focus.acts == Some(id),
    }
}

/// The plug of what remains of a connection.
#[must_use]
pub fn of_time_wait(
    host: &Host,
    id: TimeWaitId,
    wait: &TimeWait,
    state: State,
    decided: Option<Owner>,
    late: u64,
) -> Plug {
    let now = host.namespace().now() + late;
    let inherited = [(wait.reuse, "REUSEADDR"), (wait.reuseport, "REUSEPORT")];
    Plug {
        key: format!("w{}-{}-{}-{}", wait.local, wait.num, wait.peer, wait.dport),
        tuple: (Protocol::Tcp, wait.local, wait.num, wait.peer, wait.dport),
        state,
        shape: Shape::of(Protocol::Tcp, state, wait.num),
        address: bare(wait.family, wait.local),
        peer: Some(wait.family.show(wait.peer, wait.dport).to_string()),
        who: Who::Nobody,
        options: inherited.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()).collect(),
        queue: None,
        unread: 0,
        timer: Some(("left", wait.timer.due().saturating_sub(now))),
        uid: wait.uid,
        decided: decided == Some(Owner::TimeWait(id)),
        acts: false,
    }
}

/// The plug of a half-open connection.
#[must_use]
pub fn of_request(host: &Host, request: &Request, state: State, late_ms: u64) -> Plug {
    let listener = host.namespace().socket_of(request.listener);
    let family = if is_mapped(request.local) { Family::V4 } else { Family::V6 };
    let name = match who(host, request.listener, listener) {
        Who::Process(name) => name,
        _ => request.num.to_string(),
    };
    let left = request.timer.due().saturating_sub(host.namespace().now() + late_ms);
    Plug {
        key: format!("r{}-{}-{}-{}", request.local, request.num, request.peer, request.dport),
        tuple: (Protocol::Tcp, request.local, request.num, request.peer, request.dport),
        state,
        shape: Shape::of(Protocol::Tcp, state, request.num),
        address: bare(family, request.local),
        peer: Some(family.show(request.peer, request.dport).to_string()),
        who: Who::HalfOpen(name),
        options: Vec::new(),
        queue: None,
        unread: 0,
        timer: Some(("sends again in", left)),
        uid: listener.uid,
        decided: false,
        acts: false,
    }
}

/// How long is left, in the words of a clock: `59.8 s`, `320 ms`.
#[must_use]
pub fn left(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..100_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} s", ms / 1000),
    }
}
