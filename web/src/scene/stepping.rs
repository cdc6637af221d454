//! What the strip says of a step of a trace: the packet, the states before and after, why nobody answers.

use portlab_engine::linux::socket::State;
use portlab_engine::linux::trace::{Change, Happening, Moment};

use super::frame::{Decision, Glyph, Part, Stop};
use super::host::moment::{travelling, tuple_of};
use super::host::plug::{Shape, Tuple};
use super::host::wire::show;

/// Sockets whose changes of state the strip names; the rest are counted.
const SOCKETS_MAX: usize = 3;

/// The stop of a step. `place` says in which call it happened.
pub(super) fn said(step: &[Moment], place: &str) -> Stop {
    let changes: Vec<&Change> = step
        .iter()
        .filter_map(|moment| match &moment.what {
            Happening::State(change) => Some(change),
            _ => None,
        })
        .collect();
    let packet = travelling(step);
    let mut told = ways(&changes, packet.is_some());
    match told.len().saturating_sub(SOCKETS_MAX) {
        0 => {}
        1 => told[SOCKETS_MAX] = "1 more changes its state".to_owned(),
        more => told[SOCKETS_MAX] = format!("{more} more change their state"),
    }
    told.truncate(SOCKETS_MAX + 1);
    let states = told.join(", ");
    let shape = changes.first().map(|change| Glyph::Socket(Shape::of(change.protocol, change.to, change.num)));
    let Some(packet) = packet else {
        let more = step.iter().find_map(|moment| match moment.what {
            Happening::More(count) => Some(format!("{count} more things happened that are not told")),
            _ => None,
        });
        let title = changes.first().map_or("more", |change| change.to.name());
        let text = if states.is_empty() { more.unwrap_or_default() } else { states };
        return (shape.unwrap_or(Glyph::Changed), title.to_owned(), Decision::new("Timer", text, "", place));
    };
    let pill = packet.pill;
    let load = if pill.load.is_empty() { String::new() } else { format!(", {}", pill.load) };
    let mut decision = Decision::new("Packet", pill.flag.clone(), format!(" {}{load}", pill.path), place);
    if !states.is_empty() {
        decision.parts.push(Part::Text(format!(": {states}")));
    }
    let glyph = match (&pill.dropped, pill.flag.as_str()) {
        (Some(_), _) => Glyph::Dropped,
        (None, "RST" | "ICMP") => Glyph::Refused,
        _ => shape.unwrap_or(Glyph::Hop),
    };
    if let Some(why) = pill.dropped {
        decision = decision.refusal(format!(", dropped: {why}"));
    }
    (glyph, pill.flag, decision)
}

/// The way of each socket through its states, in the order of their first: `port 8080 FIN_WAIT1 → FIN_WAIT2 →
/// TIME_WAIT`. Where it is `brief`, the packet beside it has the addresses.
fn ways(changes: &[&Change], brief: bool) -> Vec<String> {
    let mut ways: Vec<(Tuple, State, String)> = Vec::new();
    for change in changes {
        let leads_on = |(of, to, _): &&mut (Tuple, State, String)| *of == tuple_of(change) && *to == change.from;
        if let Some((_, to, way)) = ways.iter_mut().find(leads_on) {
            *to = change.to;
            *way += &format!(" → {}", change.to.name());
        } else {
            let end = if brief { format!("port {}", change.num) } else { show(change.local, change.num) };
            let way = format!("{end} {} → {}", change.from.name(), change.to.name());
            ways.push((tuple_of(change), change.to, way));
        }
    }
    ways.into_iter().map(|(_, _, way)| way).collect()
}
