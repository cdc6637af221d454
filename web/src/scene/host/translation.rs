//! What a host translates: entries of its connection tracking whose answers come to another address or port than the
//! first packet was sent from.
//!
//! Drawn in its box, because no socket of it takes part and its rail stays empty. In the middle of a call an entry is
//! there from the step on in which its first packet leaves translated. Translated destinations are left out: no lesson
//! has them yet.

use std::rc::Rc;

use portlab_engine::host::Host;
use portlab_engine::linux::packet::{Body, Packet};
use portlab_engine::linux::socket::Protocol;
use portlab_engine::linux::trace::{Happening, Moment, Way};
use portlab_engine::netfilter::conntrack::{Connection, Tuple};

use super::wire::show;

/// Entries drawn at most on one host, the latest.
pub const TRANSLATIONS_MAX: usize = 4;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// The source as it was sent: `10.0.0.3:50000`.
    pub from: String,
    /// The source that it got: `203.0.113.1:1234`.
    pub to: String,
    pub towards: String,
}

/// The latest entries of a host at this time in ms of its own clock, and how many more there are. `later` has not
/// happened yet at the moment that is shown.
#[must_use]
pub fn translations(name: &Rc<str>, host: &Host, now: u64, later: &[Moment]) -> (Vec<Translation>, usize) {
    let is_new = |packet: &Packet| match &packet.body {
        Body::Tcp(segment) => segment.syn && !segment.ack,
        Body::Udp(_) => true,
        Body::PortUnreachable | Body::Unreachable { .. } => false,
    };
    let to_come: Vec<Tuple> = later
        .iter()
        .filter(|moment| moment.host == *name)
        .filter_map(|moment| match &moment.what {
            Happening::Packet { way: Way::Out(_), packet } if is_new(packet) => Tuple::of(packet),
            _ => None,
        })
        .collect();
    let is_drawn = |one: &&Connection| {
        let translated = one.reply.inverted();
        let changed = (translated.source, translated.sport) != (one.original.source, one.original.sport);
        changed && !to_come.contains(&translated)
    };
    let all: Vec<&Connection> = host.namespace().netfilter.conntrack.all(now).filter(is_drawn).collect();
    let hidden = all.len().saturating_sub(TRANSLATIONS_MAX);
    let drawn = all[hidden..].iter().map(|one| Translation {
        protocol: if one.original.protocol == Protocol::Tcp { "TCP" } else { "UDP" },
        from: show(one.original.source, one.original.sport),
        to: show(one.reply.destination, one.reply.dport),
        towards: show(one.original.destination, one.original.dport),
    });
    (drawn.collect(), hidden)
}
