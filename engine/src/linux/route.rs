//! Addresses of a namespace, and where a packet goes.
//!
//! Source: `net/ipv4/route.c`, `net/ipv4/fib_frontend.c`, `net/ipv6/route.c`; FACTS §2. Left out: policy routing, metrics,
//! scopes of IPv6, neighbours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use super::address::{ANY6, Family, LOOPBACK4, LOOPBACK6, canonical, is_loopback, is_mapped};
use super::errno::Errno;

/// The group of IPv4 that every device is a member of.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

/// The index of `lo` in every namespace.
pub const LO: u32 = 1;

/// A network device: its name and addresses with the length of their prefix.
#[derive(Clone, Debug, Default)]
pub struct Device {
    pub index: u32,
    pub name: String,
    /// In the one form, with the prefix length of the address's own family.
    pub addresses: Vec<(Ipv6Addr, u8)>,
    /// The link that it is plugged into; none for `lo`.
    pub link: Option<Rc<str>>,
    /// Whether the prefixes of its addresses give no routes (`noprefixroute`).
    pub unrouted: bool,
    /// Whether its addresses of IPv4 were given their broadcast address.
    pub broadcast: bool,
    /// The number that the other end of its cable has there; 0 where that is not known.
    pub peer: u32,
}

/// A route that was added; those of addresses follow from the addresses.
#[derive(Clone, Debug)]
pub struct Route {
    pub to: Ipv6Addr,
    pub length: u8,
    pub via: Option<Ipv6Addr>,
    pub device: u32,
    /// The address that packets get by it; else one of the device.
    pub source: Option<Ipv6Addr>,
    /// Whether its scope is `host`, not `link`, where there is no next hop.
    pub for_host: bool,
}

/// What kind of address it is to this namespace (`RTN_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    Local,
    Broadcast,
    Multicast,
    Unicast,
}

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// To a socket of this namespace.
    Local,
    /// To everybody on the link.
    Broadcast,
    /// Out of this device to that next hop.
    Link { device: u32, hop: Ipv6Addr },
    /// Onto `lo`, where nobody takes it.
    Nowhere,
}

/// An answer of the routing table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub out: Out,
}

/// Devices and routes.
#[derive(Clone, Debug)]
pub struct Routing {
    pub devices: Vec<Device>,
    pub routes: Vec<Route>,
}

impl Default for Routing {
    /// `lo` with 127.0.0.1/8 and `::1/128`.
    fn default() -> Self {
        let lo = Device {
            index: LO,
            name: "lo".into(),
            addresses: vec![(LOOPBACK4, 8), (LOOPBACK6, 128)],
            ..Device::default()
        };
        Self { devices: vec![lo], routes: Vec::new() }
    }
}

impl Routing {
    /// The device of that name.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// What kind an IPv4 address is (`inet_addr_type`).
    #[must_use]
    pub fn address_type(&self, address: Ipv4Addr) -> AddressType {
        if address.is_unspecified() || address == Ipv4Addr::BROADCAST {
            return AddressType::Broadcast;
        }
        if address.is_multicast() {
            return AddressType::Multicast;
        }
        self.local(address).map_or(AddressType::Unicast, |(kind, _)| kind)
    }

    /// Whether an IPv6 address is one of this namespace's own.
    #[must_use]
    pub fn is_local6(&self, address: Ipv6Addr) -> bool {
        self.devices.iter().any(|device| device.addresses.iter().any(|own| own.0 == address))
    }

    /// The local table: kind of the address, and the source that its route prefers.
    fn local(&self, address: Ipv4Addr) -> Option<(AddressType, Ipv4Addr)> {
        let mut best: Option<(u8, Ipv4Addr)> = None;
        let addresses = self.devices.iter().flat_map(|device| device.addresses.iter().map(|own| (device.index, own)));
        for (device, &(own, length)) in addresses {
            let Some(own) = own.to_ipv4_mapped() else { continue };
            // No prefix is longer than that of a single address.
            if own == address {
                return Some((AddressType::Local, own));
            }
            if length < 31 && address == last(own, length) && has_route(own, length) {
                return Some((AddressType::Broadcast, own));
            }
            let longer = best.is_none_or(|(other, _)| length > other);
            if device == LO && longer && has_route(own, length) && same_net(own, address, length) {
                best = Some((length, own));
            }
        }
        best.map(|(_, own)| (AddressType::Local, own))
    }

    /// Where a packet to `destination` goes, from `source` (the wildcard: to be chosen).
    ///
    /// # Errors
    /// `EINVAL` for a source that cannot be one, `ENETUNREACH` without a route, `EAFNOSUPPORT` for a mapped source and
    /// a destination that is of IPv6 alone.
    pub fn output(&self, source: Ipv6Addr, destination: Ipv6Addr, device: Option<u32>) -> Result<Path, Errno> {
        match destination.to_ipv4_mapped() {
            Some(to) => {
                let from = source.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED);
                self.output4(from, to, device)
            }
            None => self.output6(source, destination, device),
        }
    }

    fn output4(&self, from: Ipv4Addr, to: Ipv4Addr, device: Option<u32>) -> Result<Path, Errno> {
        let path = |source: Ipv4Addr, destination: Ipv4Addr, out| {
            Ok(Path { source: source.to_ipv6_mapped(), destination: destination.to_ipv6_mapped(), out })
        };
        if !from.is_unspecified() {
            if from.is_multicast() || from == Ipv4Addr::BROADCAST {
                return Err(Errno::Einval);
            }
            if self.local(from).is_none_or(|(kind, _)| kind != AddressType::Local) {
                return Err(Errno::Enetunreach);
            }
        }
        if to.is_unspecified() {
            let own = if from.is_unspecified() { Ipv4Addr::LOCALHOST } else { from };
            return path(own, own, Out::Local);
        }
        let chosen = |preferred: Ipv4Addr| if from.is_unspecified() { preferred } else { from };
        if to == Ipv4Addr::BROADCAST && (device.is_some() || !from.is_unspecified()) {
            return path(from, to, Out::Broadcast);
        }
        if to.is_multicast() && (device.is_some() || !from.is_unspecified()) {
            // The device takes it, or that of the source. Of its own accord each is a member of one group alone.
            let by_lo = device == Some(LO) || (device.is_none() && self.is_of_lo(from));
            let source = if from.is_unspecified() { self.global_of_lo() } else { from };
            return match device {
                Some(other) if other != LO => path(from, to, Out::Nowhere),
                _ if source.is_multicast() => Err(Errno::Einval),
                _ if by_lo && to == ALL_HOSTS => path(source, to, Out::Local),
                _ => path(source, to, Out::Nowhere),
            };
        }
        match self.local(to) {
            Some((AddressType::Local, preferred)) => return path(chosen(preferred), to, Out::Local),
            Some((_, preferred)) => return path(chosen(preferred), to, Out::Broadcast),
            None => {}
        }
        let Some((out, preferred)) = self.link(to.to_ipv6_mapped(), device) else {
            return match device {
                // The kernel takes it to be on the link, and lo hands back whatever goes out by it.
                Some(LO) => match chosen(self.global_of_lo()) {
                    source if source.is_multicast() => Err(Errno::Einval),
                    source => path(source, to, Out::Local),
                },
                _ => Err(Errno::Enetunreach),
            };
        };
        let source = chosen(preferred.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED));
        if source.is_loopback() {
            return Err(Errno::Einval);
        }
        path(source, to, out)
    }

    /// Whether the address is one of `lo`, or in one of its nets.
    fn is_of_lo(&self, address: Ipv4Addr) -> bool {
        let lo = self.devices.iter().filter(|device| device.index == LO).flat_map(|device| &device.addresses);
        lo.into_iter().any(|&(own, length)| covers(own, length, address.to_ipv6_mapped()))
    }

    /// The first address of `lo` that is not for this host alone.
    fn global_of_lo(&self) -> Ipv4Addr {
        let lo = self.devices.iter().filter(|device| device.index == LO).flat_map(|device| &device.addresses);
        let mut addresses = lo.filter_map(|(own, _)| own.to_ipv4_mapped());
        addresses.find(|own| !own.is_loopback()).unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    fn output6(&self, from: Ipv6Addr, to: Ipv6Addr, device: Option<u32>) -> Result<Path, Errno> {
        let (out, preferred) = if self.is_local6(to) {
            (Out::Local, to)
        } else {
            self.link(to, device).or_else(|| self.beside_lo(to)).ok_or(Errno::Enetunreach)?
        };
        if is_mapped(from) {
            return Err(Errno::Eafnosupport);
        }
        let source = if from == ANY6 { preferred } else { from };
        Ok(Path { source, destination: to, out })
    }

    /// A prefix of `lo` leads to `lo`, where of IPv6 only the very addresses are taken in; the source is the one that has
    /// most of its prefix in common, of equal ones the last that was added.
    fn beside_lo(&self, to: Ipv6Addr) -> Option<(Out, Ipv6Addr)> {
        let lo = self.devices.iter().filter(|device| device.index == LO).flat_map(|device| &device.addresses);
        let own: Vec<_> = lo.filter(|(own, _)| !is_mapped(*own) && *own != LOOPBACK6).collect();
        own.iter().find(|(address, length)| covers(*address, *length, to))?;
        let common = |(address, length): &(Ipv6Addr, u8)| {
            (address.to_bits() ^ to.to_bits()).leading_zeros().min(u32::from(*length))
        };
        let source = own.iter().max_by_key(|own| common(own))?.0;
        Some((Out::Nowhere, source))
    }

    /// The device and the next address on the way to one that is not an own one.
    #[must_use]
    pub fn next_hop(&self, to: Ipv6Addr) -> Option<(u32, Ipv6Addr)> {
        match self.link(to, None)?.0 {
            Out::Link { device, hop } => Some((device, hop)),
            _ => None,
        }
    }

    /// Sends by this neighbour whatever no other route takes.
    pub fn gateway(&mut self, gateway: Option<IpAddr>) {
        let Some(via) = gateway.map(canonical) else { return };
        let Some((device, _)) = self.next_hop(via) else { return };
        let to = wire_family(via).any();
        self.routes.push(Route { to, length: 0, via: Some(via), device, source: None, for_host: false });
    }

    /// Adds a device and gives it a number.
    pub fn add_device(&mut self, device: Device) {
        let index = self.devices.iter().map(|device| device.index).max().unwrap_or(0) + 1;
        self.devices.push(Device { index, ..device });
    }

    /// Takes a device away, with its addresses and its routes.
    pub fn remove_device(&mut self, name: &str) {
        let Some(index) = self.device(name).map(|device| device.index) else { return };
        self.devices.retain(|device| device.index != index);
        self.routes.retain(|route| route.device != index);
    }

    /// Routes that lead out: of the prefixes of addresses, and those that were added; the longest wins.
    fn link(&self, to: Ipv6Addr, device: Option<u32>) -> Option<(Out, Ipv6Addr)> {
        let mut best: Option<(u8, u32, Option<Ipv6Addr>, Option<Ipv6Addr>)> = None;
        let mut consider = |length: u8, out: u32, via, source| {
            let fits = device.is_none_or(|device| device == out);
            if fits && best.is_none_or(|(other, ..)| length > other) {
                best = Some((length, out, via, source));
            }
        };
        for own in self.devices.iter().filter(|device| device.index != LO && !device.unrouted) {
            for &(address, length) in &own.addresses {
                if covers(address, length, to) {
                    consider(length, own.index, None, None);
                }
            }
        }
        for route in self.routes.iter().filter(|route| covers(route.to, route.length, to)) {
            consider(route.length, route.device, route.via, route.source);
        }
        let (_, out, via, source) = best?;
        let hop = via.unwrap_or(to);
        if let Some(source) = source {
            return Some((Out::Link { device: out, hop }, source));
        }
        let own = &self.devices.iter().find(|device| device.index == out)?.addresses;
        let near = own.iter().find(|(address, length)| covers(*address, *length, hop));
        let any = own.iter().find(|(address, _)| is_mapped(*address) == is_mapped(to) && !is_loopback(*address));
        Some((Out::Link { device: out, hop }, near.or(any)?.0))
    }
}

/// Whether the prefix takes the address in; the length is of the prefix's own family.
fn covers(prefix: Ipv6Addr, length: u8, address: Ipv6Addr) -> bool {
    match (prefix.to_ipv4_mapped(), address.to_ipv4_mapped()) {
        (Some(prefix), Some(address)) => same_net(prefix, address, length),
        (None, None) => {
            let shift = 128 - u32::from(length.min(128));
            prefix.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

/// Whether the prefix of an address leads to its device: none of the net 0.0.0.0/8 does (`fib_add_ifaddr`).
fn has_route(own: Ipv4Addr, length: u8) -> bool {
    first(own, length).octets()[0] != 0
}

/// Whether two addresses begin with the same bits.
pub(crate) fn same_net(one: Ipv4Addr, two: Ipv4Addr, length: u8) -> bool {
    first(one, length) == first(two, length)
}

/// The first address of a prefix: what names it.
pub(crate) fn first(own: Ipv4Addr, length: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(own.to_bits() & u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or(0))
}

/// The last address of a prefix: its broadcast address.
#[must_use]
pub fn last(own: Ipv4Addr, length: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(own.to_bits() | u32::MAX.checked_shr(u32::from(length)).unwrap_or(0))
}

/// The family of an address on the wire.
#[must_use]
pub fn wire_family(address: Ipv6Addr) -> Family {
    if is_mapped(address) { Family::V4 } else { Family::V6 }
}

/// The prefix `10.9.0.0/24` of a text, in the one form.
#[must_use]
pub fn parse_prefix(text: &str) -> Option<(Ipv6Addr, u8)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address = address.parse::<IpAddr>().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(most), |length| length.parse().ok())?;
    (length <= most).then_some((canonical(address), length))
}
