//! What goes over the wire: TCP segments, UDP datagrams, and the ICMP messages that a port, a host or a
//! network cannot be reached.

use std::net::Ipv6Addr;

use super::socket::Protocol;

/// One packet. Addresses are in the one form; a mapped one is IPv4 on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub source: Ipv6Addr,
    pub sport: u16,
    pub destination: Ipv6Addr,
    pub dport: u16,
    pub body: Body,
}

impl Packet {
    /// A packet back to the sender of this one, from the address and port that it was sent to.
    #[must_use]
    pub fn answer(&self, body: Body) -> Self {
        Self { source: self.destination, sport: self.dport, destination: self.source, dport: self.sport, body }
    }
}

/// What is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Tcp(Segment),
    Udp(Vec<u8>),
    /// ICMP: nobody listens at the port that a datagram was sent to. The packet's own addresses are those of the
    /// datagram, turned around.
    PortUnreachable,
    /// ICMP from a router, or from the own host: the packet got no further. Addresses as above; `by` is who says so.
    Unreachable {
        what: Unreachable,
        by: Ipv6Addr,
        protocol: Protocol,
    },
}

/// What could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// Nobody answers at the next hop.
    Host,
    /// No route leads there.
    Net,
}

/// A TCP segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    pub seq: u32,
    /// Meaningful when `ack` is set.
    pub acked: u32,
    pub data: Vec<u8>,
    /// Whether it carries the timestamps option.
    pub timestamps: bool,
    /// How much more its sender can take, in bytes, the scale counted in.
    pub window: u32,
}

impl Segment {
    /// How many sequence numbers it takes: its data, and one each for SYN and FIN.
    #[must_use]
    pub fn length(&self) -> u32 {
        u32::try_from(self.data.len()).unwrap_or(u32::MAX) + u32::from(self.syn) + u32::from(self.fin)
    }

    /// The number after its last.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.seq.wrapping_add(self.length())
    }
}

/// Whether the first sequence number lies before the second, around the end.
#[must_use]
pub fn before(first: u32, second: u32) -> bool {
    first.wrapping_sub(second).cast_signed() < 0
}
