//! A moment in the middle of a call: the states that sockets had before what happened next, and the packet on its way.
//!
//! The engine's state is known before an event and after it. Between them the event's trace tells each packet and each
//! change of a state; so what has not happened yet is taken back from the state after the event.

use std::collections::BTreeMap;
use std::rc::Rc;

use portlab_engine::linux::packet::{Body, Packet, Segment, Unreachable};
use portlab_engine::linux::socket::{Protocol, State};
use portlab_engine::linux::trace::{Change, Happening, Moment, Way};

use super::plug::Tuple;
use super::wire::{Pill, Travelling};

/// Steps at most that one event opens into.
const STEPS_MAX: usize = 24;

/// What has not happened yet at the moment that is shown.
#[derive(Clone, Debug, Default)]
pub struct Then {
    /// By host and connection: its state then, none before it began.
    undone: BTreeMap<(Rc<str>, Tuple), Option<State>>,
    /// What happens after that moment and is told with the same event.
    later: Rc<[Moment]>,
}

impl Then {
    /// The moment before all of this happened.
    #[must_use]
    pub fn before(later: &[Moment]) -> Then {
        let mut undone = BTreeMap::new();
        for moment in later.iter().rev() {
            let Happening::State(change) = &moment.what else { continue };
            // A half-open connection begins with its first state; every other socket was there before.
            let begins = change.from == State::Close && change.to == State::SynRecv;
            undone.insert((moment.host.clone(), tuple_of(change)), (!begins).then_some(change.from));
        }
        Then { undone, later: later.into() }
    }

    /// What happens after that moment and is told with the same event.
    #[must_use]
    pub fn later(&self) -> &[Moment] {
        &self.later
    }

    /// The state at that moment of what is in this state after the event; none when it was not there yet.
    #[must_use]
    pub fn state(&self, host: &Rc<str>, tuple: &Tuple, after: State) -> Option<State> {
        if self.undone.is_empty() {
            return Some(after);
        }
        self.undone.get(&(host.clone(), *tuple)).copied().unwrap_or(Some(after))
    }
}

/// The connection that changed.
#[must_use]
pub fn tuple_of(change: &Change) -> Tuple {
    (change.protocol, change.local, change.num, change.peer, change.dport)
}

fn tuple_of_packet(packet: &Packet) -> Tuple {
    let protocol = match &packet.body {
        Body::Tcp(_) => Protocol::Tcp,
        Body::Udp(_) | Body::PortUnreachable => Protocol::Udp,
        Body::Unreachable { protocol, .. } => *protocol,
    };
    (protocol, packet.source, packet.sport, packet.destination, packet.dport)
}

/// Cuts a trace into steps: each packet with the states that it leads to, and what happened by itself at another time.
/// The last step has the rest where there are too many.
#[must_use]
pub fn steps(trace: &[Moment]) -> Vec<(usize, usize)> {
    let mut begins = vec![0];
    let mut seen_packet: Option<(&Packet, u64)> = None;
    for (at, moment) in trace.iter().enumerate() {
        let new = match &moment.what {
            Happening::Packet { way, packet } => {
                // On its way from host to host a packet is told of by each; a rewritten one is another.
                let told = |(before, at): (&Packet, u64)| before == packet && at == moment.at;
                let same = !matches!(way, Way::Lo) && seen_packet.is_some_and(told);
                let first = seen_packet.replace((packet, moment.at)).is_none();
                // What its sender's state became on the way stands before it and belongs to it.
                let own = begins.last().is_some_and(|begin| *begin > 0 && sends(&trace[*begin..at], packet));
                !same && !first && !own
            }
            Happening::Dropped { packet, .. } => {
                let same = seen_packet.is_some_and(|(before, _)| before == packet);
                let first = seen_packet.replace((packet, moment.at)).is_none();
                !same && !first
            }
            Happening::State(change) => match seen_packet {
                Some((_, time)) => moment.at > time + 1 || leads_on(change, &trace[at + 1..]),
                None => false,
            },
            Happening::More(_) => false,
        };
        if new && at > 0 {
            begins.push(at);
        }
    }
    begins.truncate(STEPS_MAX);
    let ends = begins.iter().skip(1).copied().chain([trace.len()]);
    begins.iter().copied().zip(ends).filter(|(begin, end)| begin < end).collect()
}

/// Whether the change is that of a sender whose packet comes next.
fn leads_on(change: &Change, rest: &[Moment]) -> bool {
    let sending = matches!(change.to, State::SynSent | State::FinWait1 | State::LastAck | State::Closing);
    let next = rest.first().map(|moment| &moment.what);
    sending && matches!(next, Some(Happening::Packet { packet, .. }) if tuple_of_packet(packet) == tuple_of(change))
}

/// Whether only the sender's change stands between the step's beginning and the packet.
fn sends(before: &[Moment], packet: &Packet) -> bool {
    !before.is_empty()
        && before.iter().all(
            |moment| matches!(&moment.what, Happening::State(change) if tuple_of(change) == tuple_of_packet(packet)),
        )
}

/// The packet of a step.
#[must_use]
pub fn travelling(step: &[Moment]) -> Option<Travelling> {
    let dropped = step.iter().find_map(|moment| match &moment.what {
        Happening::Dropped { why, .. } => Some(why.to_string()),
        _ => None,
    });
    let packet = step.iter().find_map(|moment| match &moment.what {
        Happening::Packet { packet, .. } | Happening::Dropped { packet, .. } => Some(packet),
        _ => None,
    })?;
    let tuple = tuple_of_packet(packet);
    let show = super::wire::show;
    let path = format!("{} → {}", show(tuple.1, tuple.2), show(tuple.3, tuple.4));
    let (flag, load) = flag(&packet.body);
    Some(Travelling { tuple, pill: Pill { flag, path, load, to_other: true, dropped } })
}

/// What a packet is called, and what it carries.
#[must_use]
pub fn flag(body: &Body) -> (String, String) {
    let bytes = |count: usize| match count {
        0 => String::new(),
        1 => "1 byte".to_owned(),
        n => format!("{n} bytes"),
    };
    match body {
        Body::Tcp(segment) => (segment_flag(segment).to_owned(), bytes(segment.data.len())),
        Body::Udp(data) => ("UDP".to_owned(), bytes(data.len())),
        Body::PortUnreachable => ("ICMP".to_owned(), "port unreachable".to_owned()),
        Body::Unreachable { what: Unreachable::Host, .. } => ("ICMP".to_owned(), "host unreachable".to_owned()),
        Body::Unreachable { what: Unreachable::Net, .. } => ("ICMP".to_owned(), "network unreachable".to_owned()),
    }
}

fn segment_flag(segment: &Segment) -> &'static str {
    match segment {
        Segment { rst: true, .. } => "RST",
        Segment { syn: true, ack: true, .. } => "SYN-ACK",
        Segment { syn: true, .. } => "SYN",
        Segment { fin: true, .. } => "FIN",
        Segment { data, .. } if !data.is_empty() => "data",
        _ => "ACK",
    }
}
