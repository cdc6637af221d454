//! A socket: what it is, what was set on it, where it stands in its life.
//!
//! Names are the kernel's: `struct sock`, `struct inet_sock`, `struct tcp_sock`. Left out: the end of TCP's windows
//! (all that is sent fits), congestion, urgent data, options that no rule here asks for.

use std::collections::VecDeque;
use std::net::Ipv6Addr;

use super::address::{ANY4, Family, Local, is_mapped};
use super::errno::Errno;
use super::tcp::window::Window;
use super::timer::TimerKey;
use super::udp_queue::Datagrams;

/// A socket of one namespace. Numbers are used again after the socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// What remains of a connection whose side closed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeWaitId(pub u32);

/// A connection that a listener has answered with SYN and ACK, not yet acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
}

/// The states of RFC 9293, as Linux numbers and names them. A UDP socket is `Close`, or `Established` when connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
}

impl State {
    /// As the kernel's sources name it: `TIME_WAIT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Established => "ESTABLISHED",
            Self::SynSent => "SYN_SENT",
            Self::SynRecv => "SYN_RECV",
            Self::FinWait1 => "FIN_WAIT1",
            Self::FinWait2 => "FIN_WAIT2",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::Listen => "LISTEN",
            Self::Closing => "CLOSING",
        }
    }
}

/// The state that the descriptor, not the protocol, is in (`sock->state`); an orphan has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Unconnected,
    Connecting,
    Connected,
    Disconnecting,
}

/// What `setsockopt` has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `SO_REUSEADDR`
    pub reuse: bool,
    /// `SO_REUSEPORT`
    pub reuseport: bool,
    /// `IPV6_V6ONLY`; also true once a socket is bound to an address that is of IPv6 alone.
    pub v6only: bool,
    /// `IP_BIND_ADDRESS_NO_PORT`
    pub bind_address_no_port: bool,
    /// `IP_LOCAL_PORT_RANGE`: low and high, 0 for an end that was not set.
    pub local_port_range: (u16, u16),
    /// `SO_LINGER`: seconds that close waits; 0 resets.
    pub linger: Option<u16>,
    /// `SO_BINDTODEVICE`: index of the device.
    pub device: Option<u32>,
}

/// A listener's queue of connections that wait for `accept`.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// What `listen` asked for, at most `somaxconn`. One more than this fits.
    pub backlog: u32,
    /// Connections in the order of their handshakes.
    pub queue: VecDeque<SocketId>,
}

/// TCP's own numbers and queues.
#[derive(Clone, Debug, Default)]
pub struct Tcp {
    /// Next sequence number to send.
    pub snd_nxt: u32,
    /// First one not acknowledged.
    pub snd_una: u32,
    /// Next one that is expected.
    pub rcv_nxt: u32,
    /// Where the next connection begins, when a connection before it on this socket says so; 0: anywhere.
    pub next_iss: u32,
    /// Whether both sides use timestamps.
    pub timestamps: bool,
    /// The peer of the last connection that a socket of IPv6 opened over IPv4. Once there is one the socket sends by IPv4
    /// ever after (`ipv6_mapped`), to this peer, also what it opens over IPv6.
    pub v4_peer: Option<Ipv6Addr>,
    /// What it says that it can take, and what the peer does.
    pub window: Window,
    /// Bytes that were received and not read.
    pub received: Vec<u8>,
    /// Bytes that were taken for sending and wait for an ACK of those before them (Nagle's algorithm).
    pub unsent: Vec<u8>,
    /// The number after the last small segment that was sent.
    pub snd_sml: u32,
    /// When to acknowledge.
    pub acks: Acks,
    /// The peer's FIN has come (`SOCK_DONE`).
    pub done: bool,
    /// And the end of the stream has been read; before that it counts in the receive queue.
    pub end_read: bool,
    /// A `send` waits for the connection: the last ACK of the handshake waits for its data.
    pub write_pending: bool,
    /// An ACK that waits for something to ride on.
    pub delayed_ack: Option<TimerKey>,
    /// Bytes that were sent and not acknowledged.
    pub in_flight: Vec<u8>,
    /// When what is not acknowledged is sent again.
    pub retransmit: Option<TimerKey>,
    /// How often it was; of what follows a handshake, one more once it was probed for.
    pub retransmits: u32,
    /// When it was for the first time after the probe, in ms.
    pub resent_at: u64,
    /// The end of an orphan's wait in `FIN_WAIT2`.
    pub orphan_timer: Option<TimerKey>,
}

impl Tcp {
    /// How many numbers came since the last ACK.
    pub(super) fn since_acknowledged(&self) -> u32 {
        self.rcv_nxt.wrapping_sub(self.acks.acknowledged)
    }
}

/// What decides whether an ACK goes at once or waits for something to ride on (`icsk_ack`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acks {
    /// Something is to be acknowledged.
    pub scheduled: bool,
    /// The largest segment that came, what the last one held if it may be a whole one, and up to where was acknowledged.
    pub largest: u32,
    pub last_segment: u32,
    pub acknowledged: u32,
    /// A small segment came since the last ACK; a second one.
    pub pushed: bool,
    pub pushed_again: bool,
    /// How many ACKs still go at once.
    pub quick: u32,
    /// Both sides send in turn, so that ACKs may wait for data (`pingpong`).
    pub interactive: bool,
    /// How long an ACK waits, in ms; 0 before any data came.
    pub wait_ms: u64,
    /// When data came last, in ms.
    pub received_at: u64,
}

/// What a failed `connect` leaves on a UDP socket that has a peer: the first send after it finds its route anew and goes to
/// the peer; those after that use the route with the address that failed, and reach whoever has that port here at the
/// wildcard (`inet->cork.fl` in `udp_sendmsg`; measured on Linux 6.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray {
    pub destination: Ipv6Addr,
    pub routed: bool,
}

/// One socket.
#[derive(Clone, Debug)]
pub struct Socket {
    pub protocol: Protocol,
    pub family: Family,
    /// The user who made it, by `socket()` or by `accept()`.
    pub uid: u32,
    pub state: State,
    pub phase: Phase,
    pub options: Options,
    /// The address that incoming packets must have (`inet_rcv_saddr`).
    pub local: Ipv6Addr,
    /// The address that packets are sent from (`inet_saddr`).
    pub source: Ipv6Addr,
    /// The same for what an IPv6 socket sends by IPv4 (`inet_saddr` beside `np->saddr`): once chosen it stays, whatever
    /// the other one is.
    pub source4: Ipv6Addr,
    /// The port that it holds; 0 for none (`inet_num`).
    pub num: u16,
    /// The port that `getsockname` shows, which outlives the port held (`inet_sport`).
    pub sport: u16,
    pub peer: Ipv6Addr,
    /// 0: no peer.
    pub dport: u16,
    /// An address was asked for in `bind` (`SOCK_BINDADDR_LOCK`).
    pub address_locked: bool,
    /// A port was asked for in `bind` (`SOCK_BINDPORT_LOCK`).
    pub port_locked: bool,
    /// The port was chosen by `connect` (`SOCK_CONNECT_BIND`).
    pub connect_bound: bool,
    /// Whether it stands in the port's list.
    pub in_bucket: bool,
    /// Whether packets find it.
    pub hashed: bool,
    /// `SHUT_RD` has been done, or the peer's FIN has come.
    pub shut_read: bool,
    /// `SHUT_WR` has been done.
    pub shut_write: bool,
    /// What the next call is told (`sk_err`).
    pub error: Option<Errno>,
    /// No descriptor refers to it any more (`SOCK_DEAD`).
    pub orphan: bool,
    /// It waits in this listener's queue.
    pub queued_at: Option<SocketId>,
    /// Of equal `SO_REUSEPORT` sockets, the group (`sk_reuseport_cb`).
    pub group: Option<u32>,
    pub listening: Listening,
    pub tcp: Tcp,
    /// Datagrams that were received and not read.
    pub datagrams: Datagrams,
    /// Of UDP sockets, the how many-th that was connected; 0 for none.
    pub connected_as: u64,
    /// Where the last `connect` of UDP over IPv4 failed to go.
    pub stray: Option<Stray>,
    /// A number that no other socket of the namespace ever had; `ss -e` shows it.
    pub inode: u64,
}

impl Socket {
    /// A fresh socket of that user.
    #[must_use]
    pub fn new(protocol: Protocol, family: Family, uid: u32, inode: u64) -> Self {
        Self {
            protocol,
            family,
            uid,
            state: State::Close,
            phase: Phase::Unconnected,
            options: Options::default(),
            local: family.any(),
            source: family.any(),
            source4: ANY4,
            num: 0,
            sport: 0,
            peer: family.any(),
            dport: 0,
            address_locked: false,
            port_locked: false,
            connect_bound: false,
            in_bucket: false,
            hashed: false,
            shut_read: false,
            shut_write: false,
            error: None,
            orphan: false,
            queued_at: None,
            group: None,
            listening: Listening::default(),
            tcp: Tcp::default(),
            datagrams: Datagrams::default(),
            connected_as: 0,
            stray: None,
            inode,
        }
    }

    /// The address that UDP sends from to this one.
    #[must_use]
    pub fn source_towards(&self, peer: Ipv6Addr) -> Ipv6Addr {
        if self.family == Family::V6 && is_mapped(peer) { self.source4 } else { self.source }
    }

    /// Its local address as far as overlap goes.
    #[must_use]
    pub fn bound(&self) -> Local {
        Local { family: self.family, address: self.local, v6only: self.options.v6only }
    }
}

/// A connection in `TIME_WAIT`, or an orphan's in `FIN_WAIT2` (`struct inet_timewait_sock`).
#[derive(Clone, Debug)]
pub struct TimeWait {
    pub family: Family,
    pub uid: u32,
    /// `TimeWait`, or `FinWait2` while the peer's FIN is still to come.
    pub substate: State,
    pub reuse: bool,
    pub reuseport: bool,
    pub v6only: bool,
    pub device: Option<u32>,
    pub local: Ipv6Addr,
    pub num: u16,
    pub peer: Ipv6Addr,
    pub dport: u16,
    pub connect_bound: bool,
    pub snd_nxt: u32,
    pub rcv_nxt: u32,
    pub timestamps: bool,
    /// When it was entered, in ms: `tcp_tw_reuse_delay` counts from here.
    pub entered: u64,
    pub timer: TimerKey,
}

/// A half-open connection at a listener (`struct request_sock`).
#[derive(Clone, Debug)]
pub struct Request {
    pub listener: SocketId,
    pub local: Ipv6Addr,
    pub num: u16,
    pub peer: Ipv6Addr,
    pub dport: u16,
    /// The number of its own SYN.
    pub iss: u32,
    pub rcv_nxt: u32,
    pub timestamps: bool,
    pub retransmits: u32,
    pub timer: TimerKey,
}
