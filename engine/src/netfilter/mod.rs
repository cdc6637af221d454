//! Packet filtering of a network namespace: tables of rules, connection tracking, and NAT of the source.
//!
//! * [`rule`]: tables, chains, rules; a walk that says which rule decided.
//! * [`conntrack`]: the connections that pass, their states and how long they are kept.
//! * [`nat`]: which source port a translated connection gets.
//!
//! Nothing is tracked before a rule of the table `nat` was first added, as in a fresh namespace of Linux. Sources:
//! `net/netfilter/nf_nat_core.c`, `nf_conntrack_core.c`, `nf_conntrack_proto_tcp.c`; FACTS §4. Left out: translation of
//! the destination, the tables `filter`, `mangle` and `raw`, IPv6, ICMP as a connection, helpers, marks, zones, offload.

pub mod conntrack;
pub mod nat;
pub mod rule;

use std::net::Ipv6Addr;

use crate::linux::packet::Packet;
use conntrack::{Connection, Conntrack, Direction, Found};
use rule::{Hook, Passing, Rules};

/// The filter of a namespace.
#[derive(Clone, Debug)]
pub struct Netfilter {
    pub rules: Rules,
    pub conntrack: Conntrack,
    /// Whether connections are followed: since a rule was first added.
    active: bool,
    random: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// The translated connection would be one that is there already, and no other port was free.
    Drop,
}

impl Netfilter {
    /// No rules. The seed decides which ports are drawn.
    #[must_use]
    pub fn new(seed: u64) -> Netfilter {
        Netfilter { rules: Rules::default(), conntrack: Conntrack::default(), active: false, random: seed }
    }

    /// Makes a change of the rules.
    ///
    /// # Errors
    /// What `iptables` says of one that cannot be made.
    pub fn change(&mut self, change: &rule::Change) -> Result<(), rule::Refusal> {
        if *change == rule::Change::ForgetConnections {
            self.conntrack.flush();
            return Ok(());
        }
        self.active = true;
        self.rules.change(change)
    }

    /// A packet that came in, before it is looked at where it goes: an answer to a translated connection gets its old
    /// destination back.
    pub fn prerouting(&mut self, now: u64, packet: &mut Packet) -> Found {
        if !self.active {
            return Found::Untracked;
        }
        let found = self.conntrack.meet(now, packet);
        if let Found::Known(id, Direction::Reply) = found {
            let original = self.conntrack.get(id).original;
            (packet.destination, packet.dport) = (original.source, original.sport);
        }
        found
    }

    /// A packet that came in and is for a socket here: a connection that is new is entered.
    pub fn input(&mut self, now: u64, found: Found, packet: &Packet) {
        if found == Found::New {
            self.conntrack.confirm(now, Connection::of(packet));
        }
    }

    /// A packet of a socket here, before it leaves.
    pub fn output(&mut self, now: u64, packet: &Packet) -> Found {
        if self.active { self.conntrack.meet(now, packet) } else { Found::Untracked }
    }

    /// A packet that leaves by this device, whose address is `own`. The first of a connection is taken to the rules, and
    /// those behind it are translated as it was.
    pub fn postrouting(&mut self, now: u64, found: Found, device: (&str, Ipv6Addr), packet: &mut Packet) -> Verdict {
        let reply = match found {
            Found::Untracked | Found::Known(_, Direction::Reply) => return Verdict::Accept,
            Found::Known(id, Direction::Original) => self.conntrack.get(id).reply,
            Found::New => {
                let connection = self.first(now, device, packet);
                let reply = connection.reply;
                if !self.conntrack.confirm(now, connection) {
                    return Verdict::Drop;
                }
                reply
            }
        };
        (packet.source, packet.sport) = (reply.destination, reply.dport);
        Verdict::Accept
    }

    fn first(&mut self, now: u64, (device, own): (&str, Ipv6Addr), packet: &Packet) -> Connection {
        let passing = Passing { hook: Hook::Postrouting, packet, device_in: None, device_out: Some(device), own };
        let mut connection = Connection::of(packet);
        if let Some(range) = self.rules.source(&passing) {
            let random = &mut self.random;
            nat::translate(&mut self.conntrack, now, &mut connection, range, || {
                *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                u16::try_from(*random >> 48).unwrap_or(0)
            });
        }
        connection
    }
}

#[cfg(test)]
mod tests;
