//! Which source port `connect` takes when the socket has none.
//!
//! Source: `__inet_hash_connect` in `net/ipv4/inet_hashtables.c`, RFC 6056 §3.3.4; FACTS §3.2. The kernel tries port after
//! port; near exhaustion that is a walk over the whole range for every call. Here a destination remembers which ports it
//! has found taken, and those that it has taken since, so that each is looked at once at most and not again until it is
//! given back: the answer is the same, and the cost of a connect stays the same as the range fills.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use super::bind::{Because, Refusal};
use super::demux::Tuple;
use super::socket::SocketId;
use super::sysctl::Ports;
use super::{Errno, Namespace};

/// What decides where a search begins: source address, destination, its port.
type Flow = (Ipv6Addr, Ipv6Addr, u16);

/// How many destinations keep their own memory of taken ports.
const FLOWS_MAX: usize = 64;

/// Ports that are taken towards a destination, for sockets of any device or of none.
#[derive(Clone, Debug, Default)]
struct Taken {
    /// By a connection, or a `TIME_WAIT` that cannot be used again: until it goes.
    live: Ports,
    /// By a `TIME_WAIT` that can be used again, at this time in ms at the earliest.
    waiting: Ports,
    waiting_until: u64,
    /// Runs of 64 ports in which a walk found none: over even ports, over odd ones, over all. A bit for each run.
    full: [[u64; 16]; 3],
    /// How often ports had ceased to be bound when `full` was noted; more than that since, and it says nothing.
    unbound: u64,
}

impl Taken {
    /// The first run from this one on that is not known to be full.
    fn next_run(&self, which: usize, from: usize) -> usize {
        let mut run = from;
        while run < 1024 {
            let open = !self.full[which][run / 64] & (u64::MAX << (run % 64));
            if open != 0 {
                return run / 64 * 64 + open.trailing_zeros() as usize;
            }
            run = (run / 64 + 1) * 64;
        }
        1024
    }
}

/// Where each destination's search begins, and what it remembers.
#[derive(Clone, Debug)]
pub struct Flows {
    key: u64,
    perturbation: BTreeMap<u16, u32>,
    /// Of a few destinations, at most [`FLOWS_MAX`].
    taken: Vec<(Flow, Taken)>,
}

impl Flows {
    pub(super) fn new(seed: u64) -> Self {
        Self { key: seed ^ 0x5bd1_e995_9d1b_899f, perturbation: BTreeMap::new(), taken: Vec::new() }
    }

    /// A connection that is bound to no device has this port from now on.
    pub(super) fn take(&mut self, tuple: &Tuple) {
        if let Some(taken) = self.memory(&(tuple.local, tuple.peer, tuple.dport)) {
            taken.live.insert(tuple.port);
        }
    }

    /// A port of this destination may be free again.
    pub(super) fn release(&mut self, tuple: &Tuple) {
        if let Some(taken) = self.memory(&(tuple.local, tuple.peer, tuple.dport)) {
            taken.live.remove(tuple.port);
            taken.waiting.remove(tuple.port);
            let run = usize::from(tuple.port >> 6);
            taken.full.iter_mut().for_each(|full| full[run / 64] &= !(1 << (run % 64)));
        }
    }

    fn memory(&mut self, flow: &Flow) -> Option<&mut Taken> {
        self.taken.iter_mut().find(|(of, _)| of == flow).map(|(_, taken)| taken)
    }

    /// Notes what a look has found; a destination that finds a port taken for the first time gets a memory.
    fn remember(&mut self, flow: &Flow, port: u16, look: &Look) {
        if self.memory(flow).is_none() {
            if self.taken.len() >= FLOWS_MAX {
                self.taken.clear();
            }
            self.taken.push((*flow, Taken::default()));
        }
        let Some(taken) = self.memory(flow) else { return };
        match look {
            Look::Live => taken.live.insert(port),
            Look::Waiting(until) => {
                taken.waiting.insert(port);
                let sooner = taken.waiting_until == 0 || *until < taken.waiting_until;
                if sooner {
                    taken.waiting_until = *until;
                }
            }
            Look::Free | Look::Bound => {}
        }
    }

    /// The tuples that are remembered as taken.
    #[cfg(test)]
    pub(super) fn all_taken(&self) -> impl Iterator<Item = Tuple> + '_ {
        self.taken.iter().flat_map(|((local, peer, dport), taken)| {
            let ports = (0..=u16::MAX).filter(|port| taken.live.contains(*port) || taken.waiting.contains(*port));
            ports.map(|port| Tuple { local: *local, port, peer: *peer, dport: *dport })
        })
    }

    /// A setting changed that says what may be used again.
    pub(super) fn forget(&mut self) {
        self.taken.clear();
    }

    /// The keyed hash of source, destination and port: 64 bits.
    fn offset(&self, flow: &Flow) -> u64 {
        let mut hash = super::Random(self.key ^ u64::from(flow.2));
        for address in [flow.0, flow.1] {
            let bits = address.to_bits();
            hash.0 ^= hash.next() ^ u64::try_from(bits >> 64).unwrap_or(0);
            hash.0 ^= hash.next() ^ u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        }
        hash.next()
    }
}

/// What a look at one port gave.
enum Look {
    Free,
    /// A connection of this destination uses it.
    Live,
    /// A `TIME_WAIT` uses it, and gives it up at this time in ms.
    Waiting(u64),
    /// Nobody here may have it, whatever the destination.
    Bound,
}

/// One walk over the range: `slots` ports from `start`, `step` apart. Past the end of the range it goes on `slots` lower,
/// so that a range of odd size leaves one port out, and which one depends on the start.
struct Walk {
    low: u32,
    end: u32,
    slots: u32,
    step: u32,
    start: u32,
}

impl Namespace {
    /// Chooses a port for a connection from `local` to `peer`, and enters the socket with it.
    ///
    /// # Errors
    /// `EADDRNOTAVAIL` when none is left for this destination.
    pub(super) fn choose_port(&mut self, id: SocketId) -> Result<u16, Refusal> {
        let socket = self.socket_of(id);
        let flow = (socket.local, socket.peer, socket.dport);
        let (low, high, own_range) = self.port_range(id);
        let step = if own_range { 1 } else { 2 };
        let mut slots = u32::from(high) - u32::from(low) + 1;
        if !own_range && slots > 1 {
            slots &= !1;
        }
        let hash = self.flows.offset(&flow);
        let place = u16::try_from(hash & 0xffff).unwrap_or(0);
        let perturbation = self.flows.perturbation.get(&place).copied().unwrap_or(0);
        let mut start = perturbation.wrapping_add(u32::try_from(hash >> 32).unwrap_or(0)) % slots;
        if !own_range {
            start &= !1;
        }
        let walks = if own_range || slots == 1 { 1 } else { 2 };
        for parity in 0..walks {
            let walk = Walk { low: u32::from(low), end: u32::from(high) + 1, slots, step, start: start + parity };
            if let Some((port, skipped)) = self.walk(id, &flow, &walk) {
                let grown = skipped.max(self.random.below(8) * step) + step;
                self.flows.perturbation.insert(place, perturbation.wrapping_add(grown));
                return Ok(port);
            }
        }
        Err(Refusal { errno: Errno::Eaddrnotavail, because: Because::NoPortLeft { low, high } })
    }

    /// The first port of the walk that may be taken, and how many slots lie before it.
    fn walk(&mut self, id: SocketId, flow: &Flow, walk: &Walk) -> Option<(u16, u32)> {
        let on_device = self.socket_of(id).options.device.is_some();
        let mut skipped = 0;
        while skipped < walk.slots {
            skipped = self.next_candidate(flow, walk, skipped)?;
            let port = port_at(walk, skipped);
            match self.look(id, flow, port) {
                Look::Free => return Some((port, skipped)),
                Look::Bound => {}
                // What is in the way of a socket on a device may be in nobody else's way.
                _ if on_device => {}
                look => self.flows.remember(flow, port, &look),
            }
            skipped += walk.step;
        }
        None
    }

    /// The next slot, from this one on, that is not known to be taken.
    fn next_candidate(&mut self, flow: &Flow, walk: &Walk, from: u32) -> Option<u32> {
        let now = self.now;
        let Self { flows, sysctls, buckets, .. } = self;
        let mut taken = flows.memory(flow);
        if let Some(taken) = taken.as_deref_mut() {
            if taken.waiting_until != 0 && taken.waiting_until <= now {
                (taken.waiting, taken.waiting_until) = (Ports::default(), 0);
                taken.full = Default::default();
            }
            if taken.unbound != buckets.unbound() {
                (taken.full, taken.unbound) = (Default::default(), buckets.unbound());
            }
        }
        let mut slot = from;
        while slot < walk.slots {
            let port = u32::from(port_at(walk, slot));
            let (run, bit) = (port as usize >> 6, port & 63);
            let which = if walk.step == 2 { (bit & 1) as usize } else { 2 };
            let next = taken.as_deref().map_or(run, |taken| taken.next_run(which, run));
            if next > run {
                let jump = (super::number(next) * 64).min(walk.end) - port;
                slot += jump.next_multiple_of(walk.step);
                continue;
            }
            let mut busy = sysctls.reserved.word(run) | buckets.bound().word(run);
            if let Some(taken) = taken.as_deref() {
                busy |= taken.live.word(run) | taken.waiting.word(run);
            }
            let parity = [0x5555_5555_5555_5555, 0xaaaa_aaaa_aaaa_aaaa, u64::MAX][which];
            if let Some(taken) = taken.as_deref_mut().filter(|_| !busy & parity == 0) {
                taken.full[which][run / 64] |= 1 << (run % 64);
            }
            let to_end = walk.end - port;
            let free = !busy & parity & (u64::MAX << bit);
            if free != 0 && free.trailing_zeros() - bit < to_end {
                let found = slot + free.trailing_zeros() - bit;
                return (found < walk.slots).then_some(found);
            }
            // On to the next run, or around the end.
            slot += (64 - bit).min(to_end).next_multiple_of(walk.step);
        }
        None
    }

    fn look(&self, id: SocketId, flow: &Flow, port: u16) -> Look {
        match self.buckets.get(port) {
            None => Look::Free,
            Some(bucket) if bucket.bound => Look::Bound,
            Some(_) => {
                let tuple = Tuple { local: flow.0, port, peer: flow.1, dport: flow.2 };
                match self.unique(id, &tuple, true) {
                    super::demux::Unique::Yes(_) => Look::Free,
                    super::demux::Unique::Later(at) => Look::Waiting(at),
                    super::demux::Unique::No => Look::Live,
                }
            }
        }
    }
}

fn port_at(walk: &Walk, slot: u32) -> u16 {
    let mut port = walk.low + walk.start + slot;
    if port >= walk.end {
        port -= walk.slots;
    }
    u16::try_from(port).unwrap_or(u16::MAX)
}
