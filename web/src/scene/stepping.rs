//! What the strip says of a step of a trace: the packet, the states before and after, why nobody answers.

use portlab_engine::linux::trace::{Change, Happening, Moment};

use super::frame::{Decision, Glyph, Part, Stop};
use super::host::moment::travelling;
use super::host::plug::Shape;
use super::host::wire::show;

/// Changes of state that the strip names; the rest are counted.
const CHANGES_MAX: usize = 2;

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
    let mut told: Vec<String> =
        changes.iter().take(CHANGES_MAX).map(|change| words(change, packet.is_some())).collect();
    if changes.len() > CHANGES_MAX {
        told.push(format!("{} more change their state", changes.len() - CHANGES_MAX));
    }
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

/// `port 47386 CLOSE → SYN_SENT`; the packet beside it has the addresses.
fn words(change: &Change, brief: bool) -> String {
    let end = if brief { format!("port {}", change.num) } else { show(change.local, change.num) };
    format!("{end} {} → {}", change.from.name(), change.to.name())
}
