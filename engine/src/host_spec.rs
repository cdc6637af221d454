//! What a host is made of when it starts: devices on links, routes, settings, rules, and the processes that run there.
//!
//! Left out: what the kernel makes of it ([`crate::host`] does that), and everything that is no part of a network.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use crate::http::Site;
use crate::linux::socket::Protocol;
use crate::netfilter::rule;

/// A host and what it is plugged into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSpec {
    pub name: String,
    pub devices: Vec<DeviceSpec>,
    /// Where packets go that nothing else leads to: `10.0.0.1`.
    pub gateway: Option<IpAddr>,
    /// Whether it is a router: `net.ipv4.ip_forward` is 1.
    pub forwards: bool,
    pub routes: Vec<RouteSpec>,
    /// Settings that differ from the kernel's own: name and value. What is no setting is left out.
    pub sysctls: Vec<(&'static str, String)>,
    pub rules: Vec<rule::Change>,
    /// What runs there from the start.
    pub processes: Vec<ProcessSpec>,
}

/// A device of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceSpec {
    pub name: String,
    /// All devices with one link hear each other.
    pub link: String,
    /// With the length of their prefix: `10.0.0.2/24`. What is no prefix is left out.
    pub addresses: Vec<String>,
    /// Whether the prefixes of its addresses give no routes (`noprefixroute`).
    pub unrouted: bool,
    /// Whether its addresses were given a broadcast address, as Docker and the plugins of CNI do.
    pub broadcast: bool,
    /// The number that the other end of the cable has on its host; 0 where that is not known.
    pub peer: u32,
}

/// A route that does not follow from an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// A prefix: `10.244.1.0/24`, `0.0.0.0/0`. What is no prefix is left out.
    pub to: String,
    /// The next hop; none where the destination is on the link itself.
    pub via: Option<IpAddr>,
    pub device: String,
    /// The address that packets get by it.
    pub source: Option<IpAddr>,
    /// Whether its scope is `host`, not `link`, where there is no next hop.
    pub for_host: bool,
}

/// A process, with the sockets that it has opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessSpec {
    pub line: Rc<str>,
    pub pids: PidNamespace,
    pub sockets: Vec<SocketSpec>,
    /// What it answers on them; without one nobody takes a connection.
    pub site: Option<Rc<Site>>,
}

/// A socket that listens, or for UDP is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSpec {
    pub protocol: Protocol,
    pub at: SocketAddr,
    /// `IPV6_V6ONLY`
    pub v6only: bool,
    pub backlog: i32,
}

/// Whose processes a process can see: a container has its own, and the host sees those of its containers too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PidNamespace {
    #[default]
    Host,
    /// A container, by a name of its own on this host.
    Container(Rc<str>),
    /// Outside of what the host itself is: the daemon of containers, for a node that is one.
    Outside,
}

impl PidNamespace {
    /// Whether a process here sees one there.
    #[must_use]
    pub fn sees(&self, other: &PidNamespace) -> bool {
        self == other || *self == PidNamespace::Host && matches!(other, PidNamespace::Container(_))
    }
}
