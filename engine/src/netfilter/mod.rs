//! Packet filtering of a network namespace: tables of rules, connection tracking, and NAT of the source.
//!
//! * [`rule`]: tables, chains, rules; a walk that says which rule decided.
//! * [`conntrack`]: the connections that pass, their states and how long they are kept.
//! * [`nat`]: which source port a translated connection gets.
//!
//! Nothing is tracked before a rule of the table `nat` was first added, as in a fresh namespace of Linux. A packet meets
//! the hooks in the kernel's order: PREROUTING and INPUT coming in, OUTPUT and POSTROUTING going out, PREROUTING and
//! POSTROUTING passing through; over `lo` OUTPUT and POSTROUTING alone, for a connection is translated once. Sources:
//! `net/netfilter/nf_nat_core.c`, `nf_conntrack_core.c`, `nf_conntrack_proto_tcp.c`; FACTS §4. Left out: translation of
//! the destination, the tables `filter`, `mangle` and `raw`, IPv6, ICMP as a connection, helpers, marks, zones, offload.

pub mod conntrack;
pub mod nat;
pub mod rule;

use std::fmt;
use std::net::Ipv6Addr;

use crate::linux::Random;
use crate::linux::packet::Packet;
use crate::linux::trace::Why;
use conntrack::{Connection, Conntrack, Direction, Found};
use rule::{Hook, Passing, Rules};

/// The filter of a namespace.
#[derive(Clone, Debug)]
pub struct Netfilter {
    pub rules: Rules,
    pub conntrack: Conntrack,
    /// Whether connections are followed: since a rule was first added.
    active: bool,
    random: Random,
}

/// What a process may ask of it. `Display` is the command line that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Rules(rule::Change),
    /// Forget all connections, as `conntrack -F` does; the rules stay.
    FlushConnections,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Rules(change) => change.fmt(f),
            Change::FlushConnections => f.write_str("conntrack -F"),
        }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Drop(Why),
}

impl Netfilter {
    /// No rules. The seed decides which ports are drawn.
    #[must_use]
    pub fn new(seed: u64) -> Netfilter {
        let (rules, conntrack) = (Rules::default(), Conntrack::default());
        // Other draws than those of the namespace itself.
        Netfilter { rules, conntrack, active: false, random: Random(!seed) }
    }

    /// Makes a change.
    ///
    /// # Errors
    /// What `iptables` says of one that cannot be made.
    pub fn change(&mut self, change: &Change) -> Result<(), rule::Refusal> {
        match change {
            Change::Rules(change) => {
                self.active = true;
                self.rules.change(change)
            }
            Change::FlushConnections => {
                self.conntrack.flush();
                Ok(())
            }
        }
    }

    /// Finds the connection of a packet that came in, or that a socket here sends, before anything looks at where it
    /// goes: an answer to a translated connection gets its old destination back.
    pub fn track(&mut self, now: u64, packet: &mut Packet) -> Found {
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

    /// The first packet of a connection came in by this device.
    pub fn prerouting(&mut self, device: Option<&str>, packet: &Packet) {
        self.rules.walk(&passing(Hook::Prerouting, packet, (device, None)));
    }

    /// The first packet of a connection of a socket here, about to leave by this device.
    pub fn output(&mut self, device: Option<&str>, packet: &Packet) {
        self.rules.walk(&passing(Hook::Output, packet, (None, device)));
    }

    /// A packet that came in by this device and is for a socket here. The first of a connection is taken to the rules.
    pub fn input(&mut self, now: u64, found: Found, device: Option<&str>, packet: &mut Packet) -> Verdict {
        self.translate(now, found, Hook::Input, packet, (device, None), packet.destination)
    }

    /// A packet that leaves by this device, whose address is `own`. The first of a connection is taken to the rules.
    pub fn postrouting(&mut self, now: u64, found: Found, device: (&str, Ipv6Addr), packet: &mut Packet) -> Verdict {
        self.translate(now, found, Hook::Postrouting, packet, (None, Some(device.0)), device.1)
    }

    /// The last hook: a connection that is new is entered, and its packets get the source that it was given.
    fn translate(
        &mut self,
        now: u64,
        found: Found,
        hook: Hook,
        packet: &mut Packet,
        devices: (Option<&str>, Option<&str>),
        own: Ipv6Addr,
    ) -> Verdict {
        let reply = match found {
            Found::Untracked | Found::Known(_, Direction::Reply) => return Verdict::Accept,
            Found::Known(id, Direction::Original) => self.conntrack.get(id).reply,
            Found::New => {
                let mut connection = Connection::of(packet);
                if let Some(range) = self.rules.walk(&Passing { own, ..passing(hook, packet, devices) }) {
                    let random = &mut self.random;
                    let draw = || u16::try_from(random.next() >> 48).unwrap_or(0);
                    nat::translate(&mut self.conntrack, now, &mut connection, range, draw);
                }
                let reply = connection.reply;
                if let Err(why) = self.conntrack.confirm(now, connection) {
                    return Verdict::Drop(why);
                }
                reply
            }
        };
        (packet.source, packet.sport) = (reply.destination, reply.dport);
        Verdict::Accept
    }
}

/// A packet at a hook, with the devices that it came in by and goes out by.
fn passing<'a>(hook: Hook, packet: &'a Packet, devices: (Option<&'a str>, Option<&'a str>)) -> Passing<'a> {
    Passing { hook, packet, device_in: devices.0, device_out: devices.1, own: packet.source }
}

#[cfg(test)]
mod tests;
