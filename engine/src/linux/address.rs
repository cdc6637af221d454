//! Addresses of sockets in one form, and when two local addresses overlap.
//!
//! Every address is kept as IPv6, an IPv4 address as `::ffff:a.b.c.d`, so that one comparison serves both families.
//! A socket of IPv6 at `::ffff:127.0.0.1` and one of IPv4 at 127.0.0.1 then have the same address, as on the wire.
//! Source: `inet_rcv_saddr_equal` in `net/ipv4/inet_connection_sock.c`; FACTS §1.1. Left out: scopes of link-local
//! addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `::`
pub const ANY6: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
/// `0.0.0.0`
pub const ANY4: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
/// `127.0.0.1`
pub const LOOPBACK4: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1);
/// `::1`
pub const LOOPBACK6: Ipv6Addr = Ipv6Addr::LOCALHOST;

/// What an IPv6 address has where the kernel asks a socket of IPv6 for an IPv4 address: 127.0.0.6.
pub const LOOPBACK4_IPV6: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);

/// The one form.
#[must_use]
pub fn canonical(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Whether the address is IPv4 on the wire.
#[must_use]
pub fn is_mapped(address: Ipv6Addr) -> bool {
    address.to_ipv4_mapped().is_some()
}

/// Whether the address is `::` or `0.0.0.0`.
#[must_use]
pub fn is_any(address: Ipv6Addr) -> bool {
    address == ANY6 || address == ANY4
}

/// 127.0.0.0/8, mapped or not, or `::1`.
#[must_use]
pub fn is_loopback(address: Ipv6Addr) -> bool {
    address == LOOPBACK6 || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
}

/// Whether an IPv6 address means nothing without a device: link-local ones, and groups of a link or a host.
#[must_use]
pub fn needs_device(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local() || (address.is_multicast() && matches!(address.octets()[1] & 0x0f, 1 | 2))
}

/// The IPv4 address that the kernel keeps beside an IPv6 one: 0.0.0.0 for `::`, the address for a mapped one.
#[must_use]
pub fn as_v4(address: Ipv6Addr) -> Ipv4Addr {
    match address.to_ipv4_mapped() {
        Some(address) => address,
        None if address == ANY6 => Ipv4Addr::UNSPECIFIED,
        None => LOOPBACK4_IPV6,
    }
}

/// Which of the two families a socket is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// The wildcard of the family.
    #[must_use]
    pub fn any(self) -> Ipv6Addr {
        match self {
            Self::V4 => ANY4,
            Self::V6 => ANY6,
        }
    }

    /// An address in the form that a socket of this family shows: 127.0.0.1, or `::ffff:127.0.0.1`.
    #[must_use]
    pub fn show(self, address: Ipv6Addr, port: u16) -> SocketAddr {
        match self {
            Self::V4 => SocketAddr::new(IpAddr::V4(as_v4(address)), port),
            Self::V6 => SocketAddr::new(IpAddr::V6(address), port),
        }
    }
}

/// A local address as far as overlap goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub family: Family,
    pub address: Ipv6Addr,
    pub v6only: bool,
}

/// Which wildcards take in the other's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildcards {
    /// Either side's: the question of a bind.
    Both,
    /// The first side's alone: the question of a port's memory.
    First,
    /// None: the addresses must be equal, as in a group of `SO_REUSEPORT`.
    None,
}

/// Whether two local addresses overlap. The order counts where one socket is of IPv4: only the other's v6only is asked.
#[must_use]
pub fn overlap(first: Local, second: Local, wildcards: Wildcards) -> bool {
    let of_first = wildcards != Wildcards::None;
    let of_second = wildcards == Wildcards::Both;
    let equal_v4 = || {
        let (one, two) = (as_v4(first.address), as_v4(second.address));
        !second.v6only && (one == two || (of_first && one.is_unspecified()) || (of_second && two.is_unspecified()))
    };
    if first.family == Family::V4 {
        return equal_v4();
    }
    // A socket of IPv4 has no IPv6 address here, and counts as a mapped one.
    let second_v6 = (second.family == Family::V6).then_some(second.address);
    let second_is_mapped = second_v6.is_none_or(is_mapped);
    if is_mapped(first.address) && second_is_mapped {
        return equal_v4();
    }
    if first.address == ANY6 && second_v6 == Some(ANY6) {
        return true;
    }
    if second_v6 == Some(ANY6) && of_second && !(second.v6only && is_mapped(first.address)) {
        return true;
    }
    if first.address == ANY6 && of_first && !(first.v6only && second_is_mapped) {
        return true;
    }
    second_v6 == Some(first.address)
}
