//! Connections as wires: the end that opened at the left, the other at the right, and a packet between them.
//!
//! A few are drawn: what the call or packet that is shown is about, then the newest; the rest is counted. An end that
//! nobody holds (any more, or ever) is drawn as an empty place.

use std::collections::BTreeSet;
use std::rc::Rc;

use portlab_engine::linux::address::{Family, is_any, is_mapped};
use portlab_engine::linux::socket::{Protocol, State};

use super::plug::{Plug, Shape, Tuple};
use super::rail::View;

/// Wires drawn at most.
pub const WIRES_MAX: usize = 4;

/// A connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Wire {
    pub key: String,
    pub protocol: Protocol,
    pub opener: End,
    pub other: End,
    pub pill: Option<Pill>,
}

/// One end of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub host: Option<Rc<str>>,
    /// `127.0.0.1:8080`
    pub at: String,
    pub plug: Option<Plug>,
}

/// A packet on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pill {
    /// `SYN`, `SYN-ACK`, `FIN`, `RST`, `data`
    pub flag: String,
    /// `127.0.0.1:47386 → 127.0.0.1:8080`
    pub path: String,
    /// What it carries, in words.
    pub load: String,
    pub to_other: bool,
    /// Why nobody answers it.
    pub dropped: Option<String>,
}

/// A packet and the connection it belongs to, seen from its sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Travelling {
    pub tuple: Tuple,
    pub pill: Pill,
}

/// The wires of the hosts, and how many are not drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wires {
    pub wires: Vec<Wire>,
    pub hidden: usize,
}

/// A connection as one of its ends has it.
struct Candidate {
    rank: u8,
    /// Newer ones are drawn first.
    age: u64,
    host: usize,
    tuple: Tuple,
    /// Whether this end is known to have opened it.
    opened: bool,
}

fn mirror((protocol, local, num, peer, dport): Tuple) -> Tuple {
    (protocol, peer, dport, local, num)
}

/// An address and port as they are on the wire.
#[must_use]
pub fn show(address: std::net::Ipv6Addr, port: u16) -> String {
    let family = if is_mapped(address) { Family::V4 } else { Family::V6 };
    family.show(address, port).to_string()
}

/// The wires of some hosts, and the packet that is on its way.
#[must_use]
pub fn wires(views: &[View], packet: Option<&Travelling>) -> Wires {
    let mut all = Vec::new();
    for (host, view) in views.iter().enumerate() {
        candidates(host, view, packet, &mut all);
    }
    all.sort_by_key(|one| (one.rank, std::cmp::Reverse(one.age), one.host, one.tuple));
    let mut drawn: Vec<&Candidate> = Vec::new();
    let mut pairs = BTreeSet::new();
    for one in &all {
        if pairs.contains(&mirror(one.tuple)) && one.tuple != mirror(one.tuple) {
            continue;
        }
        pairs.insert(one.tuple);
        if drawn.len() < WIRES_MAX {
            drawn.push(one);
        }
    }
    let mut wires: Vec<Wire> = drawn.iter().map(|one| wire(views, &all, one)).collect();
    if let Some(packet) = packet {
        put_on(views, &mut wires, packet);
    }
    // A stable order: a step must not reshuffle what is there.
    wires.sort_by(|one, other| one.key.cmp(&other.key));
    Wires { hidden: pairs.len() - drawn.len(), wires }
}

fn candidates(host: usize, view: &View, packet: Option<&Travelling>, all: &mut Vec<Candidate>) {
    let namespace = view.host.namespace();
    let travels = |tuple: Tuple| packet.is_some_and(|packet| packet.tuple == tuple || mirror(packet.tuple) == tuple);
    let rank = |tuple: Tuple, acts: bool, state: State| match (travels(tuple), acts, state) {
        (true, ..) => 0,
        (_, true, _) => 1,
        (_, _, State::TimeWait) => 3,
        _ => 2,
    };
    for (id, socket) in namespace.sockets() {
        let tuple = (socket.protocol, socket.local, socket.num, socket.peer, socket.dport);
        let Some(state) = view.then.state(view.name, &tuple, socket.state) else { continue };
        if socket.dport == 0 || socket.num == 0 || matches!(state, State::Listen) {
            continue;
        }
        if state == State::Close && socket.protocol == Protocol::Tcp && !travels(tuple) {
            continue;
        }
        let rank = rank(tuple, view.focus.acts == Some(id), state);
        all.push(Candidate { rank, age: socket.inode, host, tuple, opened: socket.connect_bound });
    }
    for (_, wait) in namespace.time_waits() {
        let tuple = (Protocol::Tcp, wait.local, wait.num, wait.peer, wait.dport);
        let Some(state) = view.then.state(view.name, &tuple, wait.substate) else { continue };
        let rank = rank(tuple, false, state);
        all.push(Candidate { rank, age: wait.entered, host, tuple, opened: wait.connect_bound });
    }
    for (_, request) in namespace.requests() {
        let tuple = (Protocol::Tcp, request.local, request.num, request.peer, request.dport);
        let Some(state) = view.then.state(view.name, &tuple, State::SynRecv) else { continue };
        all.push(Candidate { rank: rank(tuple, false, state), age: 0, host, tuple, opened: false });
    }
}

fn wire(views: &[View], all: &[Candidate], one: &Candidate) -> Wire {
    let partner = all.iter().find(|other| other.tuple == mirror(one.tuple) && !std::ptr::eq(*other, one));
    // Who opened: the end whose port connect chose, else the one that was made first, else the higher port.
    let opened = match partner {
        Some(partner) if partner.opened != one.opened => one.opened,
        Some(partner) if one.age != 0 && partner.age != 0 => one.age < partner.age,
        Some(_) => one.tuple.2 > one.tuple.4,
        None => one.opened || one.tuple.2 > one.tuple.4,
    };
    let mine = End {
        host: Some(views[one.host].name.clone()),
        at: show(one.tuple.1, one.tuple.2),
        plug: plug(&views[one.host], one.tuple),
    };
    let theirs = match partner {
        Some(partner) => End {
            host: Some(views[partner.host].name.clone()),
            at: show(partner.tuple.1, partner.tuple.2),
            plug: plug(&views[partner.host], partner.tuple),
        },
        None => far_end(views, one.tuple.0, one.tuple.3, one.tuple.4),
    };
    let (opener, other) = if opened { (mine, theirs) } else { (theirs, mine) };
    Wire { key: format!("{}-{}", opener.at, other.at), protocol: one.tuple.0, opener, other, pill: None }
}

fn plug(view: &View, tuple: Tuple) -> Option<Plug> {
    view.plug_of(&tuple)
}

/// Who would take a packet to this address and port: a listener, or a socket of UDP; perhaps nobody.
fn far_end(views: &[View], protocol: Protocol, address: std::net::Ipv6Addr, port: u16) -> End {
    let at = show(address, port);
    for view in views {
        let sockets = view.host.namespace().sockets().filter(|(_, socket)| {
            socket.protocol == protocol
                && socket.num == port
                && socket.dport == 0
                && (is_any(socket.local) || socket.local == address)
        });
        for (_, socket) in sockets {
            let tuple = (protocol, socket.local, port, socket.peer, 0);
            let open = |plug: &Plug| matches!(plug.shape, Shape::Listening | Shape::Datagrams);
            if let Some(plug) = plug(view, tuple).filter(open) {
                return End { host: Some(view.name.clone()), at, plug: Some(plug) };
            }
        }
    }
    // The address may be a host's own, as that of a router which has put it in the place of another.
    let has = |view: &&View| {
        let devices = &view.host.namespace().routing.devices;
        devices.iter().flat_map(|device| &device.addresses).any(|(own, _)| *own == address)
    };
    End { host: views.iter().find(has).map(|view| view.name.clone()), at, plug: None }
}

/// Puts the packet on its wire; one that belongs to none gets one.
fn put_on(views: &[View], wires: &mut Vec<Wire>, packet: &Travelling) {
    let (protocol, source, sport, destination, dport) = packet.tuple;
    let (from, to) = (show(source, sport), show(destination, dport));
    let found = wires.iter_mut().find(|wire| {
        (wire.opener.at == from && wire.other.at == to) || (wire.opener.at == to && wire.other.at == from)
    });
    if let Some(wire) = found {
        let to_other = wire.opener.at == from;
        wire.pill = Some(Pill { to_other, ..packet.pill.clone() });
        return;
    }
    let opener = match views.iter().find_map(|view| Some((view.name, plug(view, packet.tuple)?))) {
        Some((host, plug)) => End { host: Some(host.clone()), at: from.clone(), plug: Some(plug) },
        None => End { host: None, at: from.clone(), plug: None },
    };
    let other = far_end(views, protocol, destination, dport);
    let pill = Some(Pill { to_other: true, ..packet.pill.clone() });
    wires.push(Wire { key: format!("{from}-{to}"), protocol, opener, other, pill });
}
