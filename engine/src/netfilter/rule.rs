//! Tables of rules: what a packet is compared with, in which order, and the rule that decides.
//!
//! The one table so far is `nat`, which sees the first packet of a connection only. Source: `ip_tables`' semantics as nft
//! keeps them; `iptables(8)`, `iptables-extensions(8)`. Printing a rule gives it as `iptables -S` does. Left out: chains of
//! one's own, targets other than those of [`Target`], and matches other than those of [`Match`]; they are refused by name.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::nat::Range;
use crate::linux::Errno;
use crate::linux::packet::{Body, Packet};
use crate::linux::route::{first, same_net};
use crate::linux::socket::Protocol;

/// Where a packet is when it meets a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    Prerouting,
    Input,
    Output,
    Postrouting,
}

impl Hook {
    /// In the order in which the table lists its chains.
    pub const ALL: [Hook; 4] = [Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting];

    /// The chain's name.
    #[must_use]
    pub fn chain(self) -> &'static str {
        match self {
            Hook::Prerouting => "PREROUTING",
            Hook::Input => "INPUT",
            Hook::Output => "OUTPUT",
            Hook::Postrouting => "POSTROUTING",
        }
    }
}

/// Addresses with the same beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    pub address: Ipv4Addr,
    pub length: u8,
}

impl Net {
    /// Reads `10.0.0.0/24` or an address alone; what lies behind the prefix becomes 0.
    #[must_use]
    pub fn parse(text: &str) -> Option<Net> {
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        let length: u8 = length.parse().ok().filter(|length| *length <= 32)?;
        let address: Ipv4Addr = address.parse().ok()?;
        Some(Net { address: first(address, length), length })
    }

    fn has(self, address: Ipv6Addr) -> bool {
        address.to_ipv4_mapped().is_some_and(|address| same_net(address, self.address, self.length))
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// A comparison; with `not` it must fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub not: bool,
    pub what: What,
}

/// What is compared, in the order in which a rule prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `-s`
    Source(Net),
    /// `-d`
    Destination(Net),
    /// `-i`; a name that ends in `+` stands for all that begin so.
    In(String),
    /// `-o`
    Out(String),
    /// `-p`
    Protocol(Protocol),
    /// `--sport`
    SourcePorts(u16, u16),
    /// `--dport`
    DestinationPorts(u16, u16),
}

/// What a rule does with a packet that it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Accept,
    Return,
    /// `SNAT --to-source`
    Snat {
        address: Ipv4Addr,
        ports: Option<(u16, u16)>,
        random: Random,
    },
    /// `MASQUERADE`: the address of the device that the packet leaves by.
    Masquerade {
        ports: Option<(u16, u16)>,
        random: Random,
    },
}

/// How the port is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Random {
    /// It stays where it may.
    #[default]
    No,
    /// `--random`
    Random,
    /// `--random-fully`
    Fully,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub matches: Vec<Match>,
    pub target: Target,
}

/// A rule in its chain, and what it has seen.
#[derive(Clone, Debug)]
pub struct Counted {
    pub rule: Rule,
    pub packets: u64,
    pub bytes: u64,
}

/// A chain of the table.
#[derive(Clone, Debug)]
pub struct Chain {
    pub hook: Hook,
    pub rules: Vec<Counted>,
}

/// The table `nat`.
#[derive(Clone, Debug)]
pub struct Rules {
    pub chains: Vec<Chain>,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { chains: Hook::ALL.map(|hook| Chain { hook, rules: Vec::new() }).to_vec() }
    }
}

/// A change of a chain. Positions count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Append(Hook, Rule),
    Insert(Hook, usize, Rule),
    Replace(Hook, usize, Rule),
    DeleteAt(Hook, usize),
    Delete(Hook, Rule),
    /// All chains where none is named.
    Flush(Option<Hook>),
}

/// Why a change cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No rule at that position.
    NoSuchPosition,
    NoSuchRule,
    /// `MASQUERADE` and `SNAT` stand in POSTROUTING (and `SNAT` in INPUT) alone.
    WrongChain,
}

impl Refusal {
    /// The kernel's error.
    #[must_use]
    pub fn errno(self) -> Errno {
        match self {
            Refusal::NoSuchPosition | Refusal::NoSuchRule => Errno::Enoent,
            Refusal::WrongChain => Errno::Einval,
        }
    }
}

/// A packet at a hook.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    pub hook: Hook,
    pub packet: &'a Packet,
    pub device_in: Option<&'a str>,
    pub device_out: Option<&'a str>,
    /// The address of the device that it leaves by, for `MASQUERADE`.
    pub own: Ipv6Addr,
}

impl Rules {
    /// The chain of a hook.
    #[must_use]
    pub fn chain(&self, hook: Hook) -> &Chain {
        &self.chains[hook as usize]
    }

    /// Whether this very rule stands in the chain.
    #[must_use]
    pub fn has(&self, hook: Hook, rule: &Rule) -> bool {
        self.chain(hook).rules.iter().any(|counted| counted.rule == *rule)
    }

    /// Makes a change.
    ///
    /// # Errors
    /// It names what is not there, or a target where it may not stand.
    pub fn change(&mut self, change: &Change) -> Result<(), Refusal> {
        let counted = |rule: &Rule| Counted { rule: rule.clone(), packets: 0, bytes: 0 };
        if let Change::Append(hook, rule) | Change::Insert(hook, _, rule) | Change::Replace(hook, _, rule) = change {
            may_stand(*hook, rule)?;
        }
        match change {
            Change::Append(hook, rule) => self.rules(*hook).push(counted(rule)),
            Change::Insert(hook, at, rule) => {
                let rules = self.rules(*hook);
                let at = at.checked_sub(1).filter(|at| *at <= rules.len()).ok_or(Refusal::NoSuchPosition)?;
                rules.insert(at, counted(rule));
            }
            Change::Replace(hook, at, rule) => {
                let place = at.checked_sub(1).and_then(|at| self.rules(*hook).get_mut(at));
                *place.ok_or(Refusal::NoSuchPosition)? = counted(rule);
            }
            Change::DeleteAt(hook, at) => {
                let rules = self.rules(*hook);
                let at = at.checked_sub(1).filter(|at| *at < rules.len()).ok_or(Refusal::NoSuchPosition)?;
                rules.remove(at);
            }
            Change::Delete(hook, rule) => {
                let rules = self.rules(*hook);
                let at = rules.iter().position(|counted| counted.rule == *rule).ok_or(Refusal::NoSuchRule)?;
                rules.remove(at);
            }
            Change::Flush(hook) => {
                let flushed = self.chains.iter_mut().filter(|chain| hook.is_none_or(|hook| chain.hook == hook));
                flushed.for_each(|chain| chain.rules.clear());
            }
        }
        Ok(())
    }

    fn rules(&mut self, hook: Hook) -> &mut Vec<Counted> {
        &mut self.chains[hook as usize].rules
    }

    /// Takes the first packet of a connection down the chain of a hook: what becomes of its source, none where it stays
    /// as it is. The rule that decides counts the packet; chains themselves count nothing, as in the nft variant.
    pub fn walk(&mut self, passing: &Passing) -> Option<Range> {
        let rules = &mut self.chains[passing.hook as usize].rules;
        let counted = rules.iter_mut().find(|counted| counted.rule.fits(passing))?;
        counted.packets += 1;
        counted.bytes += bytes(passing.packet);
        let (address, ports, random) = match counted.rule.target {
            // The chain's policy accepts, so leaving it is the same.
            Target::Accept | Target::Return => return None,
            Target::Snat { address, ports, random } => (address.to_ipv6_mapped(), ports, random),
            Target::Masquerade { ports, random } => (passing.own, ports, random),
        };
        Some(Range { address, ports, random: random != Random::No })
    }
}

fn may_stand(hook: Hook, rule: &Rule) -> Result<(), Refusal> {
    let fits = match rule.target {
        Target::Accept | Target::Return => true,
        Target::Snat { .. } => matches!(hook, Hook::Input | Hook::Postrouting),
        Target::Masquerade { .. } => hook == Hook::Postrouting,
    };
    if fits { Ok(()) } else { Err(Refusal::WrongChain) }
}

/// The length of a packet of IPv4: a SYN carries 20 bytes of options.
fn bytes(packet: &Packet) -> u64 {
    let length = match &packet.body {
        Body::Tcp(segment) => 40 + if segment.syn { 20 } else { 12 } + segment.data.len(),
        Body::Udp(data) => 28 + data.len(),
        _ => 56,
    };
    u64::try_from(length).unwrap_or(0)
}

impl Rule {
    fn fits(&self, passing: &Passing) -> bool {
        self.matches.iter().all(|one| one.what.holds(passing) != one.not)
    }
}

impl What {
    fn holds(&self, passing: &Passing) -> bool {
        let packet = passing.packet;
        match self {
            What::Source(net) => net.has(packet.source),
            What::Destination(net) => net.has(packet.destination),
            What::In(name) => passing.device_in.is_some_and(|device| is_named(device, name)),
            What::Out(name) => passing.device_out.is_some_and(|device| is_named(device, name)),
            What::Protocol(Protocol::Tcp) => matches!(packet.body, Body::Tcp(_)),
            What::Protocol(Protocol::Udp) => matches!(packet.body, Body::Udp(_)),
            What::SourcePorts(low, high) => (*low..=*high).contains(&packet.sport),
            What::DestinationPorts(low, high) => (*low..=*high).contains(&packet.dport),
        }
    }
}

fn is_named(device: &str, name: &str) -> bool {
    match name.strip_suffix('+') {
        Some(start) => device.starts_with(start),
        None => device == name,
    }
}

impl fmt::Display for Rule {
    /// As `iptables -S` prints what stands behind the chain's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.matches.iter().find_map(|one| match one.what {
            What::Protocol(Protocol::Tcp) => Some("tcp"),
            What::Protocol(Protocol::Udp) => Some("udp"),
            _ => None,
        });
        let mut named = false;
        for one in &self.matches {
            if matches!(one.what, What::SourcePorts(..) | What::DestinationPorts(..)) && !named {
                write!(f, " -m {}", protocol.unwrap_or("tcp"))?;
                named = true;
            }
            f.write_str(if one.not { " !" } else { "" })?;
            match &one.what {
                What::Source(net) => write!(f, " -s {net}")?,
                What::Destination(net) => write!(f, " -d {net}")?,
                What::In(name) => write!(f, " -i {name}")?,
                What::Out(name) => write!(f, " -o {name}")?,
                What::Protocol(_) => write!(f, " -p {}", protocol.unwrap_or("tcp"))?,
                What::SourcePorts(low, high) => write!(f, " --sport {}", Ports(*low, *high, ':'))?,
                What::DestinationPorts(low, high) => write!(f, " --dport {}", Ports(*low, *high, ':'))?,
            }
        }
        match self.target {
            Target::Accept => f.write_str(" -j ACCEPT"),
            Target::Return => f.write_str(" -j RETURN"),
            Target::Snat { address, ports, random } => {
                write!(f, " -j SNAT --to-source {address}")?;
                ports.map_or(Ok(()), |(low, high)| write!(f, ":{}", Ports(low, high, '-')))?;
                f.write_str(random.option())
            }
            Target::Masquerade { ports, random } => {
                f.write_str(" -j MASQUERADE")?;
                ports.map_or(Ok(()), |(low, high)| write!(f, " --to-ports {}", Ports(low, high, '-')))?;
                f.write_str(random.option())
            }
        }
    }
}

impl Random {
    fn option(self) -> &'static str {
        match self {
            Random::No => "",
            Random::Random => " --random",
            Random::Fully => " --random-fully",
        }
    }
}

/// One port, or the ends of a range with this sign between.
pub struct Ports(pub u16, pub u16, pub char);

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { write!(f, "{}", self.0) } else { write!(f, "{}{}{}", self.0, self.2, self.1) }
    }
}

impl fmt::Display for Change {
    /// As the command line that makes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Append(hook, rule) => write!(f, "iptables -t nat -A {}{rule}", hook.chain()),
            Change::Insert(hook, at, rule) => write!(f, "iptables -t nat -I {} {at}{rule}", hook.chain()),
            Change::Replace(hook, at, rule) => write!(f, "iptables -t nat -R {} {at}{rule}", hook.chain()),
            Change::DeleteAt(hook, at) => write!(f, "iptables -t nat -D {} {at}", hook.chain()),
            Change::Delete(hook, rule) => write!(f, "iptables -t nat -D {}{rule}", hook.chain()),
            Change::Flush(Some(hook)) => write!(f, "iptables -t nat -F {}", hook.chain()),
            Change::Flush(None) => f.write_str("iptables -t nat -F"),
        }
    }
}
