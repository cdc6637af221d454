//! Which source address and port a translated connection gets.
//!
//! The port stays where the answers would be nobody else's. Else one is drawn and counted up from: out of the range that the
//! rule states, or out of 1024 to 65535 (600 to 1023 and 1 to 511 for low ones). At most 128 are tried from one draw, then
//! 64, 32 and 16 from new ones, so a nearly full range may fail early. The last 32 tries take a closed connection's port
//! where the new one's sequence numbers lie ahead of it. `ip_local_port_range` plays no part.
//! Source: `get_unique_tuple`, `nf_nat_l4proto_unique_tuple`, `nf_nat_used_tuple_harder`; FACTS §4.

use std::net::Ipv6Addr;

use super::conntrack::{Connection, Conntrack, State, Tuple};
use crate::linux::packet::before;
use crate::linux::socket::Protocol;

/// Tries from the first draw.
const ATTEMPTS_MAX: u32 = 128;
/// Below this no new draw is made.
const ATTEMPTS_MIN: u32 = 16;
/// Tries that may take the port of a closed connection.
const HARDER: u32 = 32;

/// What a rule makes of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub address: Ipv6Addr,
    /// The ports it states, both inclusive.
    pub ports: Option<(u16, u16)>,
    /// `--random`, `--random-fully`
    pub random: bool,
}

/// Gives a new connection its answers' destination. Where every try fails it is that of the last, which somebody has.
pub fn translate(
    conntrack: &mut Conntrack,
    now: u64,
    connection: &mut Connection,
    range: Range,
    mut draw: impl FnMut() -> u16,
) {
    let mut sent = Tuple { source: range.address, ..connection.original };
    let inside = range.ports.is_none_or(|(low, high)| (low..=high).contains(&sent.sport));
    if !range.random && inside && !conntrack.is_taken(now, &sent.inverted()) {
        connection.reply = sent.inverted();
        return;
    }
    let (low, high) = range.ports.unwrap_or(match sent.sport {
        0..=511 => (1, 511),
        512..=1023 => (600, 1023),
        1024.. => (1024, u16::MAX),
    });
    let size = u32::from(high) - u32::from(low) + 1;
    let mut attempts = size.min(ATTEMPTS_MAX);
    loop {
        let start = u32::from(draw());
        for attempt in 0..attempts {
            sent.sport = low + u16::try_from((start + attempt) % size).unwrap_or(0);
            if !is_used(conntrack, now, &sent, connection, attempts - attempt) {
                connection.reply = sent.inverted();
                return;
            }
        }
        if attempts >= size || attempts < ATTEMPTS_MIN {
            connection.reply = sent.inverted();
            return;
        }
        attempts /= 2;
    }
}

/// Whether somebody has these answers and keeps them.
fn is_used(conntrack: &mut Conntrack, now: u64, sent: &Tuple, new: &Connection, left: u32) -> bool {
    let Some((id, old)) = conntrack.holder(now, &sent.inverted()) else { return false };
    let harder = left <= HARDER && sent.protocol == Protocol::Tcp && new.state == State::SynSent;
    let gives_way = harder && old.state == State::TimeWait && before(old.sent_end, new.sent_end);
    if gives_way {
        conntrack.forget(id);
    }
    !gives_way
}
