//! The way of a packet: out of a socket, over `lo` or a device, in again, or through to the next network.
//!
//! Source: `ip_output.c`, `ip_input.c`, `ip_forward.c`, `net/core/neighbour.c`. A packet to an own address is delivered before
//! the call returns. One that leaves lies in [`Namespace::outbox`] with its next hop; whoever carries it says so when nobody
//! has that address ([`Namespace::nobody_answers`]), and three seconds later the sender hears of it. Left out: TTL, redirects,
//! fragments, forwarding of IPv6, the rate limits of ICMP.

use std::net::Ipv6Addr;

use super::Namespace;
use super::address::{is_any, is_mapped};
use super::counters::Counter;
use super::demux::{Holder, Tuple};
use super::errno::Errno;
use super::packet::{Body, Packet, Unreachable};
use super::route::{AddressType, LO, Out, wire_family};
use super::socket::{Protocol, SocketId, State};
use super::timer::Timer;
use super::trace::{Way, Why};
use crate::netfilter::Verdict;
use crate::netfilter::conntrack::{Direction, Found};

/// How long a neighbour is asked for, in ms: three questions, a second apart. Measured: 3.05 to 3.08 s.
const NEIGHBOUR_MS: u64 = 3_050;

/// How many packets wait for a neighbour.
const WAITING_MAX: usize = 64;

/// A packet that leaves by a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub device: u32,
    /// The address on the link that it is handed to.
    pub hop: Ipv6Addr,
    pub packet: Packet,
}

impl Namespace {
    /// Puts a packet on the wire that no socket bound to a device sends.
    pub(super) fn transmit(&mut self, packet: Packet) {
        self.transmit_by(None, packet);
    }

    /// Puts a packet on the wire; `by` is the device that its socket is bound to.
    pub(super) fn transmit_by(&mut self, by: Option<u32>, mut packet: Packet) {
        let mut out = self.way_out(&packet, by);
        let found = if out.is_some() { self.netfilter.track(self.now, &mut packet) } else { Found::Untracked };
        if matches!(found, Found::Known(_, Direction::Reply)) {
            // It may have another destination now (`ip_route_me_harder`).
            out = self.way_out(&packet, by);
        }
        let Some((device, hop)) = out else { return self.lose(packet, by) };
        self.counters.sent(&packet);
        if found == Found::New {
            let name = self.routing.devices.iter().find(|other| other.index == device).map(|other| &*other.name);
            self.netfilter.output(name, &packet);
        }
        match hop {
            Some(hop) => self.leave(found, device, hop, packet),
            None if self.translate(found, LO, &mut packet) => self.backlog.push_back(packet),
            None => {}
        }
    }

    /// No way leads on. Of IPv4, lo takes it all the same; of IPv6, the host tells itself that there is no route.
    fn lose(&mut self, packet: Packet, by: Option<u32>) {
        if self.out_of(&packet, by) == Some(Out::Nowhere) {
            if is_mapped(packet.destination) {
                self.counters.sent(&packet);
                self.counters.received(&packet, false);
            } else {
                self.counters.add(Counter::Ip6OutRequests);
                self.counters.add(Counter::Ip6OutNoRoutes);
                self.tell_unreachable(&packet, Unreachable::Net);
            }
        }
        self.note_dropped(|| packet, Why::NobodyThere);
    }

    fn out_of(&self, packet: &Packet, by: Option<u32>) -> Option<Out> {
        let source = if is_any(packet.source) { wire_family(packet.destination).any() } else { packet.source };
        Some(self.routing.output(source, packet.destination, by).ok()?.out)
    }

    /// The device that a packet of a socket leaves by, and the next address unless it stays here.
    fn way_out(&self, packet: &Packet, by: Option<u32>) -> Option<(u32, Option<Ipv6Addr>)> {
        match self.out_of(packet, by)? {
            Out::Local => Some((LO, None)),
            Out::Link { device, hop } if device != LO => Some((device, Some(hop))),
            _ => None,
        }
    }

    fn leave(&mut self, found: Found, device: u32, hop: Ipv6Addr, mut packet: Packet) {
        if self.translate(found, device, &mut packet) {
            self.note_packet(Way::Out(device), &packet);
            self.outbox.push(Leaving { device, hop, packet });
        }
    }

    /// Takes a packet that leaves to the rules; whether it goes on.
    fn translate(&mut self, found: Found, device: u32, packet: &mut Packet) -> bool {
        if found == Found::Untracked {
            return true;
        }
        let Some(by) = self.routing.devices.iter().find(|other| other.index == device) else { return true };
        let own = by.addresses.iter().map(|(own, _)| *own).find(|own| is_mapped(*own)).unwrap_or(packet.source);
        match self.netfilter.postrouting(self.now, found, (&by.name, own), packet) {
            Verdict::Accept => true,
            Verdict::Drop(why) => {
                self.note_dropped(|| packet.clone(), why);
                false
            }
        }
    }

    /// Delivers what is under way to own addresses.
    pub(super) fn deliver(&mut self) {
        loop {
            while let Some(packet) = self.backlog.pop_front() {
                self.note_packet(Way::Lo, &packet);
                self.counters.received(&packet, true);
                self.take_in(&packet);
            }
            if !self.send_owed_ack() {
                break;
            }
        }
    }

    /// The same within a call of this socket, which holds it.
    pub(super) fn deliver_within(&mut self, id: SocketId) {
        self.called = Some(id);
        self.deliver();
        self.called = None;
        self.sock(id).tcp.window.holds(None);
    }

    /// A packet came in by a device: it is for this host, or goes on to the next network where `ip_forward` says so.
    pub fn receive(&mut self, device: u32, mut packet: Packet) {
        self.note_packet(Way::In(device), &packet);
        let found = self.netfilter.track(self.now, &mut packet);
        let by = self.routing.devices.iter().find(|other| other.index == device).map(|other| &*other.name);
        if found == Found::New {
            self.netfilter.prerouting(by, &packet);
        }
        let here = match packet.destination.to_ipv4_mapped() {
            Some(v4) => self.routing.address_type(v4) == AddressType::Local,
            None => self.routing.is_local6(packet.destination),
        };
        self.counters.received(&packet, here);
        if here {
            match self.netfilter.input(self.now, found, by, &mut packet) {
                Verdict::Accept => self.take_in(&packet),
                Verdict::Drop(why) => self.note_dropped(|| packet, why),
            }
        } else if self.sysctls.forward && is_mapped(packet.destination) {
            self.forward(found, packet);
        } else {
            self.note_dropped(|| packet, Why::NotForwarded);
        }
        self.deliver();
    }

    fn forward(&mut self, found: Found, packet: Packet) {
        match self.routing.next_hop(packet.destination) {
            Some((device, hop)) => self.leave(found, device, hop, packet),
            None => self.tell_unreachable(&packet, Unreachable::Net),
        }
    }

    fn take_in(&mut self, packet: &Packet) {
        match &packet.body {
            Body::Tcp(segment) => self.receive_tcp(packet, segment),
            Body::Udp(data) => self.receive_udp(packet, data),
            Body::PortUnreachable => self.receive_unreachable(packet),
            Body::Unreachable { what, by, protocol: Protocol::Tcp } => self.was_unreachable(packet, *what, *by),
            // To UDP it is no error.
            Body::Unreachable { .. } => {}
        }
    }

    /// Tells the sender of a packet that it cannot get there; nobody is told of a message of ICMP.
    fn tell_unreachable(&mut self, packet: &Packet, what: Unreachable) {
        let protocol = match &packet.body {
            Body::Tcp(_) => Protocol::Tcp,
            Body::Udp(_) => Protocol::Udp,
            Body::PortUnreachable | Body::Unreachable { .. } => return,
        };
        let by = self.routing.output(wire_family(packet.source).any(), packet.source, None);
        let by = by.map_or(packet.source, |path| path.source);
        let answer = packet.answer(Body::Unreachable { what, by, protocol });
        self.counters.sent(&answer);
        match self.routing.next_hop(answer.destination) {
            Some((device, hop)) if !self.is_own(answer.destination) => {
                self.leave(Found::Untracked, device, hop, answer)
            }
            _ => self.backlog.push_back(answer),
        }
    }

    /// Whether a packet to that address came here although the address is not an own one: over `lo`, by a socket bound to it.
    pub(super) fn is_nobodys(&self, address: Ipv6Addr) -> bool {
        !is_any(address) && !self.is_own(address)
    }

    fn is_own(&self, address: Ipv6Addr) -> bool {
        address
            .to_ipv4_mapped()
            .map_or_else(|| self.routing.is_local6(address), |v4| self.routing.address_type(v4) == AddressType::Local)
    }

    /// A segment did not get there. Only a connection that is being opened gives up, and not while its call holds the socket:
    /// what the host itself has to say of the first SYN comes within that call.
    fn was_unreachable(&mut self, packet: &Packet, what: Unreachable, by: Ipv6Addr) {
        let tuple = Tuple::of_receiver(packet);
        let Some(Holder::Socket(id)) = self.lookup_established(&tuple) else { return };
        let socket = self.socket_of(id);
        if socket.state != State::SynSent {
            return;
        }
        if socket.tcp.retransmits == 0 && self.is_own(by) {
            self.counters.add(Counter::TcpExtLockDroppedIcmps);
        } else {
            self.sock(id).error = Some(match what {
                Unreachable::Host => Errno::Ehostunreach,
                Unreachable::Net => Errno::Enetunreach,
            });
            self.done(id);
        }
    }

    /// Nobody on the link has the address that this packet is to be handed to: it waits for an answer that never comes.
    pub fn nobody_answers(&mut self, leaving: Leaving) {
        let Leaving { device, hop, packet } = leaving;
        if !self.neighbours.contains_key(&(device, hop)) {
            self.set_timer(self.now + NEIGHBOUR_MS, Timer::Neighbour { device, hop });
        }
        let waiting = self.neighbours.entry((device, hop)).or_default();
        if waiting.len() < WAITING_MAX {
            waiting.push(packet);
        }
    }

    /// The neighbour has not answered: each packet's sender is told.
    pub(super) fn neighbour_is_missing(&mut self, device: u32, hop: Ipv6Addr) {
        for packet in self.neighbours.remove(&(device, hop)).unwrap_or_default() {
            self.note_dropped(|| packet.clone(), Why::NobodyThere);
            self.tell_unreachable(&packet, Unreachable::Host);
        }
    }
}
