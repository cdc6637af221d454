//! The rail of a host: its ports in order, in the zones that its settings make, with the plugs that hold them.
//!
//! Thousands of sockets are counted and not drawn. What is drawn first: what a call has just been about, then listeners
//! and ports that were bound, then the lowest.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use portlab_engine::host::Host;
use portlab_engine::linux::bucket::Owner;
use portlab_engine::linux::socket::{Protocol, RequestId, SocketId, State, TimeWaitId};
use portlab_engine::time::Time;

use super::moment::Then;
use super::plug::{self, Focus, Plug, Shape, Tuple, Who};
use super::translation::{Translation, translations};

/// Ports drawn at most on one host.
pub const PORTS_MAX: usize = 16;
/// Plugs drawn at most at one port.
pub const PLUGS_MAX: usize = 5;
/// Sockets without a port drawn at most.
pub const LOOSE_MAX: usize = 4;
/// Settings that differ drawn at most.
const SETTINGS_MAX: usize = 4;

/// A host with all that is drawn of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rail {
    pub host: Rc<str>,
    /// `lo 127.0.0.1/8`
    pub addresses: Vec<String>,
    /// Settings that are not what a fresh namespace has.
    pub settings: Vec<String>,
    /// Sockets that have no port.
    pub loose: Vec<Plug>,
    pub hidden_loose: usize,
    pub zones: Vec<Zone>,
    /// All sockets, those that are not drawn included.
    pub sockets: usize,
    /// What it translates, and how many entries more.
    pub translations: Vec<Translation>,
    pub hidden_translations: usize,
}

/// A stretch of ports for which one rule holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    pub low: u16,
    pub high: u16,
    pub kind: Kind,
    pub ports: Vec<Port>,
    /// What is not drawn: how many ports, and sockets by state.
    pub hidden: Hidden,
    /// A refusal that concerns the whole stretch: no port of it is left.
    pub attempt: Option<Attempt>,
}

/// What is particular to a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Below `ip_unprivileged_port_start`.
    Privileged,
    Plain,
    /// `ip_local_port_range`
    Local,
}

/// What is counted instead of drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    pub ports: usize,
    pub states: BTreeMap<State, usize>,
}

/// A port of one protocol and who holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    pub port: u16,
    pub protocol: Protocol,
    pub plugs: Vec<Plug>,
    pub hidden: usize,
    /// The call that was refused here.
    pub attempt: Option<Attempt>,
}

/// A call that was refused, beside what refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// `bind(other, 0.0.0.0:8080)`
    pub call: String,
    /// `EADDRINUSE`
    pub errno: &'static str,
    /// Who tried.
    pub who: String,
    pub at: At,
}

/// Where a refusal is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Port(Protocol, u16),
    /// At the range of which no port is left, by its low end.
    Range(u16),
}

/// Something that holds a port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Socket(SocketId),
    TimeWait(TimeWaitId),
    Request(RequestId),
}

/// A holder with its state as it is shown.
struct Held {
    holder: Holder,
    state: State,
    /// What is drawn first at a port: the smaller the sooner.
    rank: u8,
}

/// What holds each port.
type ByPort = BTreeMap<(u16, Protocol), Vec<Held>>;

/// A host at a moment.
pub struct View<'a> {
    pub name: &'a Rc<str>,
    pub host: &'a Host,
    pub now: Time,
    pub focus: Focus,
    pub attempt: Option<&'a Attempt>,
    pub then: &'a Then,
}

impl View<'_> {
    fn late_ms(&self) -> u64 {
        u64::try_from(self.now.since(self.host.now()).as_millis()).unwrap_or(u64::MAX)
    }

    /// All that holds a port, by port; and what holds none.
    fn held(&self) -> (ByPort, Vec<(SocketId, State)>) {
        let namespace = self.host.namespace();
        let mut ports = ByPort::new();
        let mut loose = Vec::new();
        for (id, socket) in namespace.sockets() {
            let tuple = (socket.protocol, socket.local, socket.num, socket.peer, socket.dport);
            let Some(state) = self.then.state(self.name, &tuple, socket.state) else { continue };
            if socket.num == 0 {
                loose.push((id, state));
                continue;
            }
            let decided = self.focus.decided == Some(Owner::Socket(id));
            let rank = rank(state, decided || self.focus.acts == Some(id));
            let held = Held { holder: Holder::Socket(id), state, rank };
            ports.entry((socket.num, socket.protocol)).or_default().push(held);
        }
        for (id, wait) in namespace.time_waits() {
            let tuple = (Protocol::Tcp, wait.local, wait.num, wait.peer, wait.dport);
            let Some(state) = self.then.state(self.name, &tuple, wait.substate) else { continue };
            let rank = rank(state, self.focus.decided == Some(Owner::TimeWait(id)));
            let held = Held { holder: Holder::TimeWait(id), state, rank };
            ports.entry((wait.num, Protocol::Tcp)).or_default().push(held);
        }
        for (id, request) in namespace.requests() {
            let tuple = (Protocol::Tcp, request.local, request.num, request.peer, request.dport);
            let Some(state) = self.then.state(self.name, &tuple, State::SynRecv) else { continue };
            let held = Held { holder: Holder::Request(id), state, rank: rank(state, false) };
            ports.entry((request.num, Protocol::Tcp)).or_default().push(held);
        }
        (ports, loose)
    }

    /// A socket; in the middle of a call its queue and its owner are those of that moment.
    fn socket(&self, id: SocketId, state: State) -> Plug {
        let namespace = self.host.namespace();
        let socket = namespace.socket_of(id);
        let mut plug = plug::of_socket(self.host, id, socket, state, self.focus, self.late_ms());
        if let Some((waiting, _)) = &mut plug.queue {
            let there = |child: &&SocketId| {
                let child = namespace.socket_of(**child);
                let tuple = (child.protocol, child.local, child.num, child.peer, child.dport);
                self.then.state(self.name, &tuple, child.state).is_some_and(|state| state != State::SynRecv)
            };
            *waiting = socket.listening.queue.iter().filter(there).count();
        }
        if let (State::SynRecv, Who::Queue(listener)) = (state, &plug.who) {
            plug.who = Who::HalfOpen(listener.clone());
        }
        plug
    }

    fn plug(&self, held: &Held) -> Option<Plug> {
        let (namespace, late) = (self.host.namespace(), self.late_ms());
        Some(match held.holder {
            Holder::Socket(id) => self.socket(id, held.state),
            Holder::TimeWait(id) => {
                let (_, wait) = namespace.time_waits().find(|(other, _)| *other == id)?;
                plug::of_time_wait(self.host, id, wait, held.state, self.focus.decided, late)
            }
            Holder::Request(id) => {
                let (_, request) = namespace.requests().find(|(other, _)| *other == id)?;
                plug::of_request(self.host, request, held.state, late)
            }
        })
    }

    /// The plug of a connection, drawn on the rail or not.
    #[must_use]
    pub fn plug_of(&self, tuple: &Tuple) -> Option<Plug> {
        let namespace = self.host.namespace();
        let is = |local, num, peer, dport| (local, num, peer, dport) == (tuple.1, tuple.2, tuple.3, tuple.4);
        let socket =
            namespace.sockets().find(|(_, one)| one.protocol == tuple.0 && is(one.local, one.num, one.peer, one.dport));
        let mut found = socket.map(|(id, one)| (Holder::Socket(id), one.state));
        if found.is_none() && tuple.0 == Protocol::Tcp {
            let wait = namespace.time_waits().find(|(_, one)| is(one.local, one.num, one.peer, one.dport));
            let request = || namespace.requests().find(|(_, one)| is(one.local, one.num, one.peer, one.dport));
            found = match wait {
                Some((id, one)) => Some((Holder::TimeWait(id), one.substate)),
                None => request().map(|(id, _)| (Holder::Request(id), State::SynRecv)),
            };
        }
        let (holder, after) = found?;
        let state = self.then.state(self.name, tuple, after)?;
        self.plug(&Held { holder, state, rank: 0 })
    }

    /// So many plugs in the order of their ports, and how many there are in all.
    #[must_use]
    pub fn plugs(&self, most: usize) -> (Vec<Plug>, usize) {
        let (ports, _) = self.held();
        let all = ports.values().map(Vec::len).sum::<usize>();
        let plugs = ports.values().flatten().take(most).filter_map(|held| self.plug(held));
        (plugs.collect(), all)
    }

    /// The rail.
    #[must_use]
    pub fn rail(&self) -> Rail {
        let namespace = self.host.namespace();
        let (mut ports, loose) = self.held();
        let sockets = loose.len() + ports.values().map(Vec::len).sum::<usize>();
        if let Some(Attempt { at: At::Port(protocol, port), .. }) = self.attempt {
            ports.entry((*port, *protocol)).or_default();
        }
        let drawn = self.drawn(&mut ports);
        let late = self.late_ms();
        let shown = loose.iter().rev().take(LOOSE_MAX).rev();
        let loose_plugs = shown
            .map(|(id, state)| plug::of_socket(self.host, *id, namespace.socket_of(*id), *state, self.focus, late))
            .collect();
        let mut zones = zones(namespace.sysctls.unprivileged_port_start, namespace.sysctls.range);
        for ((port, protocol), held) in &ports {
            let Some(zone) = zones.iter_mut().find(|zone| (zone.low..=zone.high).contains(port)) else { continue };
            if drawn.contains(&(*port, *protocol)) {
                zone.ports.push(self.port(*port, *protocol, held));
            } else {
                zone.hidden.ports += 1;
                held.iter().for_each(|held| *zone.hidden.states.entry(held.state).or_default() += 1);
            }
        }
        if let Some(attempt @ Attempt { at: At::Range(low), .. }) = self.attempt
            && let Some(zone) = zones.iter_mut().find(|zone| (zone.low..=zone.high).contains(low))
        {
            zone.attempt = Some(attempt.clone());
        }
        let now = namespace.now() + late;
        let (translations, hidden_translations) = translations(self.name, self.host, now, self.then.later());
        Rail {
            host: self.name.clone(),
            addresses: self.addresses(),
            settings: self.settings(),
            loose: loose_plugs,
            hidden_loose: loose.len().saturating_sub(LOOSE_MAX),
            zones,
            sockets,
            translations,
            hidden_translations,
        }
    }

    fn port(&self, port: u16, protocol: Protocol, held: &[Held]) -> Port {
        let attempt = self.attempt.filter(|attempt| attempt.at == At::Port(protocol, port)).cloned();
        let plugs = held.iter().take(PLUGS_MAX).filter_map(|held| self.plug(held)).collect();
        Port { port, protocol, plugs, hidden: held.len().saturating_sub(PLUGS_MAX), attempt }
    }

    /// The ports that are drawn. At each of them the holders come into the order in which they are drawn.
    fn drawn(&self, ports: &mut ByPort) -> BTreeSet<(u16, Protocol)> {
        let mut order: Vec<(u8, u16, Protocol)> = Vec::with_capacity(ports.len());
        for ((port, protocol), held) in ports.iter_mut() {
            held.sort_by_key(|held| (held.rank, held.holder));
            let tried = self.attempt.is_some_and(|attempt| attempt.at == At::Port(*protocol, *port));
            let first = held.first().map_or(u8::MAX, |held| held.rank);
            order.push((if tried { 0 } else { first }, *port, *protocol));
        }
        order.sort_unstable();
        order.into_iter().take(PORTS_MAX).map(|(_, port, protocol)| (port, protocol)).collect()
    }

    fn addresses(&self) -> Vec<String> {
        let devices = &self.host.namespace().routing.devices;
        let shown = |(address, length): &(std::net::Ipv6Addr, u8)| match address.to_ipv4_mapped() {
            Some(v4) => format!("{v4}/{length}"),
            None => format!("{address}/{length}"),
        };
        let line = |device: &portlab_engine::linux::route::Device| {
            let all: Vec<String> = device.addresses.iter().map(shown).collect();
            format!("{} {}", device.name, all.join(" "))
        };
        devices.iter().filter(|device| !device.addresses.is_empty()).map(line).collect()
    }

    fn settings(&self) -> Vec<String> {
        let (mine, fresh) = (&self.host.namespace().sysctls, portlab_engine::linux::sysctl::Sysctls::default());
        let names = portlab_engine::linux::sysctl::Sysctls::names();
        let differs = names.filter(|name| mine.get(name) != fresh.get(name));
        let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        differs.take(SETTINGS_MAX).map(|name| format!("{} = {}", short(name), mine.get(name).unwrap_or(""))).collect()
    }
}

/// What comes first among the holders of a port.
fn rank(state: State, concerned: bool) -> u8 {
    match (concerned, Shape::of(Protocol::Tcp, state, 1)) {
        (true, _) => 0,
        (_, Shape::Listening | Shape::Bound) => 1,
        (_, Shape::Opening | Shape::Answering) => 2,
        (_, Shape::TimeWait) => 4,
        _ => 3,
    }
}

/// All ports in zones, none of them empty.
fn zones(start: u16, (low, high): (u16, u16)) -> Vec<Zone> {
    let zone = |low: u32, high: u32, kind| {
        let (low, high) = (u16::try_from(low).ok()?, u16::try_from(high).ok()?);
        let nothing = || (Vec::new(), Hidden::default());
        let (ports, hidden) = nothing();
        (low <= high).then_some(Zone { low, high, kind, ports, hidden, attempt: None })
    };
    let (start, low, high) = (u32::from(start), u32::from(low), u32::from(high));
    let all = [
        (start > 0).then(|| zone(0, start - 1, Kind::Privileged)).flatten(),
        (low > start).then(|| zone(start, low - 1, Kind::Plain)).flatten(),
        zone(low.max(start), high, Kind::Local),
        zone(high + 1, 65_535, Kind::Plain),
    ];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_is_in_one_zone() {
        for (start, range) in [(1024, (32_768, 60_999)), (0, (1, 65_535)), (1024, (1024, 1024)), (0, (40_000, 40_001))]
        {
            let zones = zones(start, range);
            let ends: Vec<(u16, u16)> = zones.iter().map(|zone| (zone.low, zone.high)).collect();
            assert_eq!((ends[0].0, ends[ends.len() - 1].1), (0, 65_535), "{ends:?}");
            assert!(ends.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{ends:?}");
            assert_eq!(zones.iter().filter(|zone| zone.kind == Kind::Local).count(), 1);
        }
    }
}
