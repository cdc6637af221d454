//! UDP: ports, peers, datagrams, and the ICMP answer of a port that is not open.
//!
//! Source: `net/ipv4/udp.c`, `net/ipv4/datagram.c`, `net/ipv6/datagram.c`; FACTS §1.1 (last paragraph), §2, §3.4. Left out:
//! groups that are joined, corking, sizes beyond 65,507 bytes, rate limits of ICMP.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::address::{
    ANY6, Family, LOOPBACK4, LOOPBACK6, Wildcards, canonical, is_any, is_mapped, needs_device, overlap,
};
use super::bind::{Because, Refusal};
use super::bucket::Owner;
use super::counters::Counter;
use super::demux::{Tuple, at_tail, enter, equals, leave, list_of, one_of};
use super::packet::{Body, Packet};
use super::route::{Out, wire_family};
use super::socket::{Socket, SocketId, State, Stray};
use super::udp_queue::Datagram;
use super::{Errno, Namespace};

/// The most that fits in one datagram of IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;

impl Namespace {
    /// Takes a port: the one asked for, or any when it is 0.
    pub(super) fn udp_get_port(&mut self, id: SocketId, asked: u16) -> Result<(), Refusal> {
        let port = if asked == 0 {
            self.udp_find_port(id)?
        } else {
            // The first holder that SO_REUSEADDR does not excuse decides.
            if let Some((other, shares)) = self.udp_holders(id, asked).next()
                && !shares
            {
                let because = Because::Holder(Owner::Socket(other));
                return Err(Refusal { errno: Errno::Eaddrinuse, because });
            }
            asked
        };
        self.sock(id).num = port;
        self.udp_enter(id);
        Ok(())
    }

    /// Sockets of the port that overlap and are not excused by `SO_REUSEADDR`, in the port's order; whether `SO_REUSEPORT`
    /// shares the port with them.
    fn udp_holders(&self, id: SocketId, port: u16) -> impl Iterator<Item = (SocketId, bool)> + '_ {
        let socket = self.socket_of(id);
        let holders = self.udp_ports.by_port.get(&port).into_iter().flatten().copied();
        holders.filter(move |other| *other != id).filter_map(move |other| {
            let theirs = self.socket_of(other);
            let (mine, device) = (socket.options, theirs.options.device);
            let apart = mine.device.is_some() && device.is_some() && mine.device != device;
            let excused = mine.reuse && theirs.options.reuse;
            if apart || excused || !overlap(socket.bound(), theirs.bound(), Wildcards::Both) {
                return None;
            }
            let shares = mine.reuseport && theirs.options.reuseport && socket.uid == theirs.uid;
            Some((other, shares))
        })
    }

    fn udp_find_port(&mut self, id: SocketId) -> Result<u16, Refusal> {
        let (low, high, _) = self.port_range(id);
        let slots = u32::from(high) - u32::from(low) + 1;
        let start = self.random.below(slots);
        let free = |slot: u32| {
            let port = u16::try_from(u32::from(low) + (start + slot) % slots).unwrap_or(u16::MAX);
            let open = !self.sysctls.reserved.contains(port) && self.udp_holders(id, port).all(|holder| holder.1);
            open.then_some(port)
        };
        let refusal = Refusal { errno: Errno::Eaddrinuse, because: Because::NoPortLeft { low, high } };
        (0..slots).find_map(free).ok_or(refusal)
    }

    fn udp_enter(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        let (port, key, tail) = (socket.num, list_of(socket.num, socket.local), at_tail(socket));
        let mut group = None;
        if socket.options.reuseport {
            let mut others = self.udp_ports.by_port.get(&port).into_iter().flatten();
            let equal = others.find(|other| equals(socket, self.socket_of(**other)));
            group = equal.and_then(|other| self.socket_of(*other).group);
            if group.is_none() {
                self.udp_ports.groups += 1;
                group = Some(self.udp_ports.groups);
            }
        }
        enter(&mut self.udp_ports.by_port, port, id, tail);
        enter(&mut self.udp_ports.by_address, key, id, tail);
        let socket = self.sock(id);
        (socket.hashed, socket.group) = (true, group);
    }

    fn udp_leave_address(&mut self, id: SocketId) {
        let key = list_of(self.socket_of(id).num, self.socket_of(id).local);
        leave(&mut self.udp_ports.by_address, key, id);
        self.sock(id).group = None;
    }

    /// The local address changed: the socket leaves its group and stands first in the list of the new address.
    fn udp_move_to(&mut self, id: SocketId, address: Ipv6Addr) {
        self.udp_leave_address(id);
        self.sock(id).local = address;
        let key = list_of(self.socket_of(id).num, address);
        enter(&mut self.udp_ports.by_address, key, id, false);
    }

    pub(super) fn udp_close(&mut self, id: SocketId) {
        if self.socket_of(id).hashed {
            self.udp_leave_address(id);
            let port = self.socket_of(id).num;
            leave(&mut self.udp_ports.by_port, port, id);
        }
        self.sockets.remove(id.0 as usize);
    }

    /// `connect` of a UDP socket: names the peer, sends nothing. May be done again.
    ///
    /// # Errors
    /// `EAGAIN` when no port is left, those of the route, `EACCES` for a broadcast address.
    pub fn udp_connect(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Refusal> {
        self.udp_autobind(id)?;
        let peer = self.udp_destination(id, to)?;
        let socket = self.socket_of(id);
        let (source, device) = (socket.source, socket.options.device);
        let path = match self.routing.output(socket.source_towards(peer), peer, device) {
            Ok(path) if path.out != Out::Broadcast => path,
            failed => {
                if is_mapped(peer) {
                    self.sock(id).stray = Some(Stray { destination: peer, routed: false });
                }
                let errno = failed.err().unwrap_or(Errno::Eacces);
                if errno == Errno::Enetunreach {
                    self.count(if is_mapped(peer) { Counter::IpOutNoRoutes } else { Counter::Ip6OutNoRoutes });
                }
                return Err(errno.into());
            }
        };
        if is_any(source) {
            self.sock(id).source = path.source;
        }
        if is_mapped(peer) && is_any(self.socket_of(id).source4) {
            self.sock(id).source4 = path.source;
        }
        if is_any(self.socket_of(id).local) {
            self.udp_move_to(id, path.source);
        }
        let group = self.socket_of(id).group;
        self.udp_ports.connected_groups.extend(group);
        if self.socket_of(id).connected_as == 0 {
            self.udp_ports.connected += 1;
            self.sock(id).connected_as = self.udp_ports.connected;
        }
        let socket = self.sock(id);
        (socket.peer, socket.dport, socket.state) = (path.destination, to.port(), State::Established);
        socket.stray = None;
        Ok(())
    }

    /// A socket without a port gets one before anything else is asked.
    fn udp_autobind(&mut self, id: SocketId) -> Result<(), Refusal> {
        if self.socket_of(id).num == 0 {
            self.udp_get_port(id, 0).map_err(|refusal| Refusal { errno: Errno::Eagain, ..refusal })?;
            let socket = self.sock(id);
            socket.sport = socket.num;
        }
        Ok(())
    }

    fn udp_destination(&self, id: SocketId, to: SocketAddr) -> Result<Ipv6Addr, Refusal> {
        let socket = self.socket_of(id);
        match (socket.family, to.ip()) {
            (Family::V4, IpAddr::V6(_)) => Err(Errno::Eafnosupport.into()),
            (Family::V4, v4) => Ok(canonical(v4)),
            (Family::V6, IpAddr::V4(_)) if socket.options.v6only => Err(Errno::Eafnosupport.into()),
            (Family::V6, IpAddr::V4(v4)) => Ok(v4.to_ipv6_mapped()),
            (Family::V6, IpAddr::V6(ANY6)) if is_mapped(socket.local) => Ok(LOOPBACK4),
            (Family::V6, IpAddr::V6(ANY6)) => Ok(LOOPBACK6),
            (Family::V6, IpAddr::V6(v6)) if is_mapped(v6) && socket.options.v6only => Err(Errno::Enetunreach.into()),
            (Family::V6, IpAddr::V6(v6)) if needs_device(v6) && socket.options.device.is_none() => {
                Err(Errno::Einval.into())
            }
            (Family::V6, IpAddr::V6(v6)) => Ok(v6),
        }
    }

    /// `send` of a UDP socket that has a peer.
    pub(super) fn udp_send(&mut self, id: SocketId, data: &[u8]) -> Result<usize, Refusal> {
        self.udp_autobind(id)?;
        if data.len() > DATAGRAM_BYTES_MAX {
            return Err(Errno::Emsgsize.into());
        }
        let socket = self.socket_of(id);
        if socket.state != State::Established {
            return Err(Errno::Edestaddrreq.into());
        }
        if is_mapped(socket.peer) && socket.options.v6only {
            return Err(Errno::Enetunreach.into());
        }
        if is_mapped(socket.peer) && socket.family == Family::V6 && socket.dport == 0 {
            return Err(Errno::Einval.into());
        }
        let socket = self.sock(id);
        let stray = socket.stray.filter(|stray| stray.routed && is_mapped(socket.peer));
        socket.stray = socket.stray.map(|stray| Stray { routed: true, ..stray });
        if let Some(errno) = socket.error.take() {
            return Err(errno.into());
        }
        if socket.shut_write {
            return Err(Errno::Epipe.into());
        }
        let device = socket.options.device;
        let (from, to) = (socket.source_towards(socket.peer), socket.peer);
        if self.routing.output(from, to, device).is_ok_and(|path| path.out == Out::Broadcast) {
            // Since the connect the address has become one of a whole net.
            return Err(Errno::Eacces.into());
        }
        let socket = self.socket_of(id);
        let packet = Packet {
            source: socket.source_towards(socket.peer),
            sport: socket.sport,
            destination: stray.map_or(socket.peer, |stray| stray.destination),
            dport: socket.dport,
            body: Body::Udp(data.to_vec()),
        };
        self.count(if is_mapped(packet.destination) { Counter::UdpOutDatagrams } else { Counter::Udp6OutDatagrams });
        if stray.is_some() {
            self.counters.sent(&packet);
            self.backlog.push_back(packet);
        } else {
            self.transmit_by(device, packet);
        }
        self.deliver();
        Ok(data.len())
    }

    /// `recv` of a UDP socket: an error that came by ICMP first, then the oldest datagram.
    pub(super) fn udp_recv(&mut self, id: SocketId) -> Result<Vec<u8>, Refusal> {
        let socket = self.sock(id);
        if let Some(errno) = socket.error.take() {
            return Err(errno.into());
        }
        let datagram = socket.datagrams.take().ok_or(Errno::Eagain)?;
        self.count(match datagram.over {
            Family::V4 => Counter::UdpInDatagrams,
            Family::V6 => Counter::Udp6InDatagrams,
        });
        Ok(datagram.data)
    }

    /// A datagram came in.
    pub(super) fn receive_udp(&mut self, packet: &Packet, data: &[u8]) {
        let tuple = Tuple { local: packet.destination, port: packet.dport, peer: packet.source, dport: packet.sport };
        let to_group = tuple.local.to_ipv4_mapped().map_or(tuple.local.is_multicast(), |v4| v4.is_multicast());
        if to_group {
            self.udp_members(&tuple).into_iter().for_each(|id| self.queue_datagram(id, &tuple, data));
            return;
        }
        if let Some(id) = self.udp_lookup(&tuple) {
            self.queue_datagram(id, &tuple, data);
            return;
        }
        self.count(if is_mapped(tuple.local) { Counter::UdpNoPorts } else { Counter::Udp6NoPorts });
        self.transmit(packet.answer(Body::PortUnreachable));
    }

    /// Leaves a datagram to be read, if the receive buffer has room for it; nobody else hears of one that is dropped.
    fn queue_datagram(&mut self, id: SocketId, tuple: &Tuple, data: &[u8]) {
        let over = wire_family(tuple.local);
        if !self.sock(id).datagrams.put(Datagram { data: data.to_vec(), over }) {
            let (full, errors) = match over {
                Family::V4 => (Counter::UdpRcvbufErrors, Counter::UdpInErrors),
                Family::V6 => (Counter::Udp6RcvbufErrors, Counter::Udp6InErrors),
            };
            self.count(full);
            self.count(errors);
        }
    }

    /// All sockets that a datagram to a group is for (`__udp_is_mcast_sock`). Those of IPv6 take no group of IPv4 that they did
    /// not join (`mc_all`), and nobody here can join one.
    fn udp_members(&self, tuple: &Tuple) -> Vec<SocketId> {
        let holders = self.udp_ports.by_port.get(&tuple.port).into_iter().flatten().copied();
        let member = |id: &SocketId| {
            let socket = self.socket_of(*id);
            socket.family == Family::V4
                && is_mapped(tuple.local)
                && (is_any(socket.peer) || socket.peer == tuple.peer)
                && (socket.dport == 0 || socket.dport == tuple.dport)
                && (is_any(socket.local) || socket.local == tuple.local)
                && self.came_by(socket.options.device, tuple.peer)
        };
        holders.filter(member).collect()
    }

    /// The port of a datagram that was sent is not open.
    pub(super) fn receive_unreachable(&mut self, packet: &Packet) {
        let tuple = Tuple { local: packet.destination, port: packet.dport, peer: packet.source, dport: packet.sport };
        if let Some(id) = self.udp_lookup(&tuple)
            && self.socket_of(id).state == State::Established
        {
            self.sock(id).error = Some(Errno::Econnrefused);
        }
    }

    /// The socket that a datagram is for: a connected one, else the best at the very address, else at the wildcard.
    fn udp_lookup(&self, tuple: &Tuple) -> Option<SocketId> {
        let wildcard = wire_family(tuple.local).any();
        let list = self.udp_ports.by_address.get(&list_of(tuple.port, tuple.local));
        // Of several the one that was connected last for the first time (`udp_lib_hash4`).
        let exact = list.into_iter().flatten().copied().filter(|id| {
            let socket = self.socket_of(*id);
            socket.state == State::Established
                && (socket.local, socket.peer, socket.dport) == (tuple.local, tuple.peer, tuple.dport)
                && self.came_by(socket.options.device, tuple.peer)
        });
        let exact = exact.max_by_key(|id| self.socket_of(*id).connected_as);
        exact.or_else(|| [tuple.local, wildcard].into_iter().find_map(|address| self.udp_best(tuple, address)))
    }

    fn udp_best(&self, tuple: &Tuple, address: Ipv6Addr) -> Option<SocketId> {
        let list = self.udp_ports.by_address.get(&list_of(tuple.port, address))?;
        let mut best: Option<(u32, SocketId)> = None;
        for &id in list {
            let socket = self.socket_of(id);
            let Some(score) = self.udp_score(socket, tuple, address) else { continue };
            if best.is_some_and(|(other, _)| score <= other) {
                continue;
            }
            best = Some((score, id));
            if let Some(group) = socket.group.filter(|_| socket.state != State::Established) {
                let members = list.iter().copied().filter(|id| self.socket_of(*id).group == Some(group));
                let member = one_of(members.collect(), tuple)?;
                if !self.udp_ports.connected_groups.contains(&group) {
                    return Some(member);
                }
                best = Some((score, member));
            }
        }
        best.map(|(_, id)| id)
    }

    fn udp_score(&self, socket: &Socket, tuple: &Tuple, address: Ipv6Addr) -> Option<u32> {
        let of_v4 = is_mapped(address);
        let fits = if of_v4 { !socket.options.v6only } else { socket.local == address };
        if !fits || !self.came_by(socket.options.device, tuple.peer) {
            return None;
        }
        let each = if of_v4 { 4 } else { 1 };
        let mut score = if of_v4 { 1 + u32::from(socket.family == Family::V4) } else { 0 };
        if !is_any(socket.peer) {
            score += (socket.peer == tuple.peer).then_some(each)?;
        }
        if socket.dport != 0 {
            score += (socket.dport == tuple.dport).then_some(each)?;
        }
        Some(score + if socket.options.device.is_some() { each } else { 0 })
    }
}
