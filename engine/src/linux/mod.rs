//! A network namespace of Linux 6.18: addresses, routes, settings, users, TCP and UDP sockets.
//!
//! [`Namespace`] is the whole of it; a system call is a method. Read in this order:
//!
//! * [`address`]: one form for addresses, and when two overlap; [`socket`]: what a socket is.
//! * [`bind`] with [`bucket`]: who may take a port. [`ephemeral`]: which port `connect` takes.
//! * [`wire`]: the way of a packet. [`demux`] with [`ehash`]: which socket it is for. [`tcp`], [`udp`] with [`udp_queue`]: what it does there.
//! * [`calls`]: the system calls, [`wait`] and [`options`] among them; [`sysctl`], [`counters`], [`route`], [`timer`].
//! * [`trace`]: what is told of all this besides the answers.
//!
//! Time is virtual and stands still during a call, except for one that waits. Packets to an own address are delivered
//! before the call returns, as on a quiet loopback; those to others lie in [`Namespace::outbox`]. Left out: TCP
//! buffers that are full, congestion, loss, path MTU, urgent data, Fast Open, SYN cookies, MPTCP.

pub mod address;
pub mod bind;
pub mod bucket;
pub mod calls;
pub mod counters;
pub mod demux;
mod ehash;
pub mod ephemeral;
mod errno;
pub mod options;
pub mod packet;
pub mod route;
pub mod socket;
pub mod sysctl;
pub mod tcp;
pub mod timer;
pub mod trace;
pub mod udp;
pub mod udp_queue;
pub mod wait;
pub mod wire;

pub use errno::Errno;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv6Addr;

use slab::Slab;

use crate::netfilter::Netfilter;
use bucket::Buckets;
use counters::{Counter, Counters};
use demux::{Listeners, UdpPorts};
use ehash::Established;
use ephemeral::Flows;
use packet::Packet;
use route::Routing;
use socket::{Request, RequestId, Socket, SocketId, TimeWait, TimeWaitId};
use sysctl::Sysctls;
use timer::{Timer, TimerKey, Timers};
use wire::Leaving;

/// One network namespace and the process that makes calls in it.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Virtual time in ms since the namespace began.
    now: u64,
    pub sysctls: Sysctls,
    pub counters: Counters,
    pub routing: Routing,
    pub netfilter: Netfilter,
    /// The effective user of the caller.
    pub euid: u32,
    sockets: Slab<Socket>,
    time_waits: Slab<TimeWait>,
    requests: Slab<Request>,
    buckets: Buckets,
    established: Established,
    listeners: Listeners,
    udp_ports: UdpPorts,
    flows: Flows,
    timers: Timers,
    /// Packets to own addresses that are under way.
    backlog: VecDeque<Packet>,
    /// The socket that a call holds while packets are delivered.
    called: Option<SocketId>,
    /// The socket that talks to itself and owes an ACK.
    owed_ack: Option<SocketId>,
    /// Packets that left by another device.
    pub outbox: Vec<Leaving>,
    /// Packets that wait for an address on a link that nobody has.
    neighbours: BTreeMap<(u32, Ipv6Addr), Vec<Packet>>,
    random: Random,
    inodes: u64,
    /// Where the next connection's numbers begin.
    sequence: u32,
    /// What happened besides the answers of calls; none unless it was switched on.
    trace: Option<trace::Trace>,
}

impl Namespace {
    /// A fresh namespace: `lo` up, default settings, no socket. The seed decides which ports are chosen where the kernel
    /// chooses at random.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: 0,
            sysctls: Sysctls::default(),
            counters: Counters::default(),
            routing: Routing::default(),
            netfilter: Netfilter::new(seed),
            euid: 0,
            sockets: Slab::new(),
            time_waits: Slab::new(),
            requests: Slab::new(),
            buckets: Buckets::default(),
            established: Established::default(),
            listeners: Listeners::default(),
            udp_ports: UdpPorts::default(),
            flows: Flows::new(seed),
            timers: Timers::default(),
            backlog: VecDeque::new(),
            called: None,
            owed_ack: None,
            outbox: Vec::new(),
            neighbours: BTreeMap::new(),
            random: Random(seed),
            inodes: 20_000,
            sequence: 1,
            trace: None,
        }
    }

    /// Virtual time in ms.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The socket of that number.
    ///
    /// # Panics
    /// When it is gone: numbers come from this namespace, and whoever keeps one past `close` has a bug.
    #[must_use]
    pub fn socket_of(&self, id: SocketId) -> &Socket {
        &self.sockets[id.0 as usize]
    }

    /// What remains of a connection, by its number; `None` once that is over.
    #[must_use]
    pub fn time_wait_of(&self, id: TimeWaitId) -> Option<&TimeWait> {
        self.time_waits.get(id.0 as usize)
    }

    /// How many sockets there are, connections in `TIME_WAIT` included.
    #[must_use]
    pub fn socket_count(&self) -> usize {
        self.sockets.len() + self.time_waits.len()
    }

    /// All sockets, orphans included.
    pub fn sockets(&self) -> impl Iterator<Item = (SocketId, &Socket)> {
        self.sockets.iter().map(|(id, socket)| (SocketId(number(id)), socket))
    }

    /// All connections in `TIME_WAIT` or, orphaned, in `FIN_WAIT2`.
    pub fn time_waits(&self) -> impl Iterator<Item = (TimeWaitId, &TimeWait)> {
        self.time_waits.iter().map(|(id, wait)| (TimeWaitId(number(id)), wait))
    }

    /// All half-open connections.
    pub fn requests(&self) -> impl Iterator<Item = (RequestId, &Request)> {
        self.requests.iter().map(|(id, request)| (RequestId(number(id)), request))
    }

    /// The ports that TCP sockets hold.
    #[must_use]
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    fn sock(&mut self, id: SocketId) -> &mut Socket {
        &mut self.sockets[id.0 as usize]
    }

    fn count(&mut self, counter: Counter) {
        self.counters.add(counter);
    }

    fn inode(&mut self) -> u64 {
        self.inodes += 1;
        self.inodes
    }

    /// Lets time pass: what is due happens in its order. What is due at the very end has not happened yet, for the kernel's
    /// timers are coarser than a sleep.
    pub fn advance(&mut self, ms: u64) {
        let end = self.now + ms;
        if let Some(before) = end.checked_sub(1).filter(|before| *before >= self.now) {
            self.advance_until(before, |_| false);
        }
        self.now = end;
    }

    /// Lets time pass until the condition holds, at most until `end`; whether it holds.
    fn advance_until(&mut self, end: u64, done: impl Fn(&Self) -> bool) -> bool {
        if done(self) {
            return true;
        }
        while self.next_goes_off(end) {
            if done(self) {
                return true;
            }
        }
        self.now = end;
        false
    }

    /// Lets the clock come up to this time, in ms; whatever is due by then has happened.
    pub(crate) fn catch_up(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    /// Lets the first thing happen that is due by this time; whether there was one. Timers that are due together go off
    /// together, and what they send is received after that.
    pub(crate) fn next_goes_off(&mut self, by: u64) -> bool {
        let Some((at, timer)) = self.timers.pop(by) else { return false };
        self.now = self.now.max(at);
        self.goes_off(timer);
        let now = self.now;
        while let Some((_, timer)) = self.timers.pop(now) {
            self.goes_off(timer);
        }
        self.deliver();
        true
    }

    fn set_timer(&mut self, due: u64, timer: Timer) -> TimerKey {
        let chance = u32::try_from(self.random.next() >> 32).unwrap_or(0);
        self.timers.set(due, timer, chance)
    }

    /// When something happens next by itself.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        self.timers.next()
    }
}

#[cfg(test)]
mod tests;

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound, which is not 0.
    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound.max(1))).unwrap_or(0)
    }
}
