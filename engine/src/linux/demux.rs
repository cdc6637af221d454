//! Which socket a packet is for: the connection, else the best listener.
//!
//! Source: `__inet_lookup_established`, `inet_lhash2_lookup`, `inet6_lhash2_lookup`, `udp4_lib_lookup2`,
//! `udp6_lib_lookup2`, `__inet_check_established`, `tcp_twsk_unique`; FACTS §2 and §3.5. Left out: the preference for the
//! processor that a packet came in on, programs that choose sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use super::Namespace;
use super::address::{Family, Wildcards, is_any, is_loopback, is_mapped, overlap};
use super::packet::Packet;
use super::route::{LO, wire_family};
use super::socket::{RequestId, Socket, SocketId, State, TimeWaitId};

/// A connection as one end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    pub local: Ipv6Addr,
    pub port: u16,
    pub peer: Ipv6Addr,
    pub dport: u16,
}

impl Tuple {
    /// As the receiver of the packet sees it.
    #[must_use]
    pub fn of_receiver(packet: &Packet) -> Self {
        Self { local: packet.destination, port: packet.dport, peer: packet.source, dport: packet.sport }
    }
}

/// Who has the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Socket(SocketId),
    TimeWait(TimeWaitId),
    Request(RequestId),
}

/// Listeners by port and address, both wildcards as one, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    lists: BTreeMap<(u16, Ipv6Addr), Vec<SocketId>>,
    groups: u32,
}

/// UDP sockets by port, the newest first but for IPv6 sockets with `SO_REUSEPORT`, which go to the end
/// (`sk_add_node_rcu`); and by port and address, both wildcards as one, in the order in which they are
/// tried.
#[derive(Clone, Debug, Default)]
pub struct UdpPorts {
    pub(super) by_port: BTreeMap<u16, Vec<SocketId>>,
    pub(super) by_address: BTreeMap<(u16, Ipv6Addr), Vec<SocketId>>,
    pub(super) groups: u32,
    /// How many sockets were ever connected.
    pub(super) connected: u64,
    /// Groups of which a member was ever connected.
    pub(super) connected_groups: BTreeSet<u32>,
}

/// Whether a connection may have its tuple.
pub(super) enum Unique {
    /// It may; the `TIME_WAIT` that it takes the place of.
    Yes(Option<TimeWaitId>),
    /// Not before this time in ms, when a `TIME_WAIT` may be used again.
    Later(u64),
    No,
}

impl Namespace {
    /// Whether a socket may have the tuple. `searching` for a port, a `TIME_WAIT` is used again only as `tcp_tw_reuse`
    /// allows; a port that the socket has already needs timestamps alone.
    pub(super) fn unique(&self, id: SocketId, tuple: &Tuple, searching: bool) -> Unique {
        let device = self.socket_of(id).options.device;
        let mut reused = None;
        for holder in self.established.holders(tuple) {
            let theirs = match holder {
                Holder::Socket(other) => self.socket_of(other).options.device,
                Holder::TimeWait(wait) => self.time_waits[wait.0 as usize].device,
                Holder::Request(request) => self.socket_of(self.requests[request.0 as usize].listener).options.device,
            };
            if theirs.is_some() && theirs != device {
                continue;
            }
            let Holder::TimeWait(wait) = holder else { return Unique::No };
            match self.reusable_at(wait, searching) {
                Some(at) if at <= self.now => reused = Some(wait),
                Some(at) => return Unique::Later(at),
                None => return Unique::No,
            }
            break;
        }
        Unique::Yes(reused)
    }

    /// From when on, in ms, the tuple of a `TIME_WAIT` may be used again; `None`: not before it ends.
    fn reusable_at(&self, id: TimeWaitId, searching: bool) -> Option<u64> {
        let wait = &self.time_waits[id.0 as usize];
        if !wait.timestamps {
            return None;
        }
        if !searching {
            return Some(0);
        }
        let on_loopback = wait.device == Some(LO) || is_loopback(wait.local) || is_loopback(wait.peer);
        let allowed = match self.sysctls.tw_reuse {
            0 => false,
            2 => on_loopback,
            _ => true,
        };
        // The kernel compares whole milliseconds, and where within one the entry was made is chance.
        let after_delay = wait.entered + self.sysctls.tw_reuse_delay_ms + u64::from(wait.snd_nxt & 1);
        (allowed && wait.substate != State::FinWait2).then_some(after_delay)
    }

    /// The connection that a packet belongs to; `tuple` is the receiver's view.
    pub(super) fn lookup_established(&self, tuple: &Tuple) -> Option<Holder> {
        // All packets here that come from an own address come in by lo.
        self.established.holders(tuple).find(|holder| {
            let device = match holder {
                Holder::Socket(id) => self.socket_of(*id).options.device,
                Holder::TimeWait(id) => self.time_waits[id.0 as usize].device,
                Holder::Request(_) => None,
            };
            self.came_by(device, tuple.peer)
        })
    }

    /// Whether a socket bound to this device gets packets from that address.
    pub(super) fn came_by(&self, device: Option<u32>, from: Ipv6Addr) -> bool {
        device.is_none_or(|device| device == self.device_towards(from))
    }

    /// The device that packets from an address come in by: `lo` for own ones, else the one that leads there.
    fn device_towards(&self, address: Ipv6Addr) -> u32 {
        match self.routing.output(wire_family(address).any(), address, None) {
            Ok(path) => match path.out {
                super::route::Out::Link { device, .. } => device,
                _ => LO,
            },
            Err(_) => LO,
        }
    }

    /// The listener that a SYN is for: one at the very address, else one at the wildcard.
    pub(super) fn lookup_listener(&self, tuple: &Tuple) -> Option<SocketId> {
        let wildcard = wire_family(tuple.local).any();
        [tuple.local, wildcard].into_iter().find_map(|address| self.best_listener(tuple, address))
    }

    /// The best of one list. A group of `SO_REUSEPORT` that is better than what came before it ends the search.
    fn best_listener(&self, tuple: &Tuple, address: Ipv6Addr) -> Option<SocketId> {
        let of_v4 = is_mapped(address);
        let list = self.listeners.lists.get(&list_of(tuple.port, address))?;
        let mut best: Option<(u32, SocketId)> = None;
        for &id in list {
            let socket = self.socket_of(id);
            let fits = if of_v4 { !socket.options.v6only } else { socket.local == address };
            if !fits || !self.came_by(socket.options.device, tuple.peer) {
                continue;
            }
            let of_own_family = of_v4 && socket.family == Family::V4;
            let score = 1 + u32::from(socket.options.device.is_some()) + u32::from(of_own_family);
            if best.is_none_or(|(other, _)| score > other) {
                if let Some(group) = socket.group {
                    let members = list.iter().filter(|id| self.socket_of(**id).group == Some(group));
                    return one_of(members.copied().collect(), tuple);
                }
                best = Some((score, id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// Enters a listener; with `SO_REUSEPORT` it joins the group of equals.
    pub(super) fn enter_listener(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        let key = list_of(socket.num, socket.local);
        let mut group = None;
        if socket.options.reuseport {
            let mut list = self.listeners.lists.get(&key).into_iter().flatten();
            let equal = list.find(|other| equals(socket, self.socket_of(**other)));
            group = equal.and_then(|other| self.socket_of(*other).group);
            if group.is_none() {
                self.listeners.groups += 1;
                group = Some(self.listeners.groups);
            }
        }
        let tail = at_tail(self.socket_of(id));
        enter(&mut self.listeners.lists, key, id, tail);
        let socket = self.sock(id);
        (socket.group, socket.hashed) = (group, true);
    }

    /// Whether the socket stands in the list of listeners.
    #[cfg(test)]
    pub(super) fn is_listed(&self, id: SocketId) -> bool {
        let socket = self.socket_of(id);
        let list = self.listeners.lists.get(&list_of(socket.num, socket.local));
        list.is_some_and(|list| list.contains(&id))
    }

    /// Takes a listener out.
    pub(super) fn leave_listener(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        let key = list_of(socket.num, socket.local);
        leave(&mut self.listeners.lists, key, id);
        let socket = self.sock(id);
        (socket.group, socket.hashed) = (None, false);
    }
}

/// Both wildcards share a list.
pub(super) fn list_of(port: u16, address: Ipv6Addr) -> (u16, Ipv6Addr) {
    (port, if is_any(address) { Ipv6Addr::UNSPECIFIED } else { address })
}

/// One of a group of equal `SO_REUSEPORT` sockets, by a hash of the connection.
pub(super) fn one_of(members: Vec<SocketId>, tuple: &Tuple) -> Option<SocketId> {
    let peer = u64::try_from(tuple.peer.to_bits() & u128::from(u64::MAX)).unwrap_or(0);
    let mut hash = super::Random(peer ^ u64::from(tuple.dport) << 16 ^ u64::from(tuple.port));
    let place = hash.below(super::number(members.len())) as usize;
    members.get(place).copied()
}

/// Puts a socket into the list of its key, last or first.
pub(super) fn enter<K: Ord>(lists: &mut BTreeMap<K, Vec<SocketId>>, key: K, id: SocketId, tail: bool) {
    let list = lists.entry(key).or_default();
    list.insert(if tail { list.len() } else { 0 }, id);
}

/// Takes a socket out of the list of its key, and the list with the last one.
pub(super) fn leave<K: Ord>(lists: &mut BTreeMap<K, Vec<SocketId>>, key: K, id: SocketId) {
    if let Some(list) = lists.get_mut(&key) {
        list.retain(|other| *other != id);
        if list.is_empty() {
            lists.remove(&key);
        }
    }
}

/// Where a new one stands among those of its list: IPv6 with `SO_REUSEPORT` last, all others first.
pub(super) fn at_tail(socket: &Socket) -> bool {
    socket.options.reuseport && socket.family == Family::V6
}

/// Whether two sockets with `SO_REUSEPORT` on one port are of one group.
pub(super) fn equals(one: &Socket, other: &Socket) -> bool {
    one.family == other.family
        && one.options.v6only == other.options.v6only
        && one.options.device == other.options.device
        && other.options.reuseport
        && one.uid == other.uid
        && one.num == other.num
        && overlap(one.bound(), other.bound(), Wildcards::None)
}
