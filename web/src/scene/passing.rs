//! The passing of time as a stop of the transport: where a command line let a second or more go by, and nothing happened.
//!
//! Within a command line time passes between two programs and after the last one (`sleep`, `wait`); what a program's own
//! call waits for is told with the call. What happens by itself meanwhile has stops of its own, and none of these.
//! Leaves out the sleeping between the calls of a script, which no event tells.

use portlab_engine::event::{Event, What};
use portlab_engine::host::Call;
use portlab_engine::time::Time;

use super::frame::{Decision, Glyph, Stop};

/// Milliseconds that must pass.
const LAPSE_MS: u64 = 1000;
/// Stops at most for one command line, which may sleep in a loop.
const STOPS_MAX: usize = 60;

/// Tells where time passes among a history's events.
#[derive(Default)]
pub(super) struct Passing {
    /// The command whose stops are being counted, and how many it has.
    told: (Option<usize>, usize),
}

impl Passing {
    /// The stop for the time that has passed before this event, and the moment until which it did; none where that was
    /// too short, or something happened.
    pub(super) fn before(&mut self, events: &[Event], event: &Event) -> Option<(Stop, Time)> {
        let quiet = match &event.what {
            What::CommandEnded { .. } => true,
            What::Called { call: Call::Spawn { .. }, trace, .. } => trace.is_empty(),
            _ => false,
        };
        let last = events.get(event.index.checked_sub(1)?).filter(|_| quiet)?;
        let lapse = u64::try_from(event.at.since(last.at).as_millis()).ok().filter(|ms| *ms >= LAPSE_MS)?;
        if self.told.0 != event.cause {
            self.told = (event.cause, 0);
        }
        self.told.1 += 1;
        (self.told.1 <= STOPS_MAX).then(|| (said(lapse), event.at))
    }
}

fn said(lapse_ms: u64) -> Stop {
    let secs = secs(lapse_ms);
    let pass = if lapse_ms < 1050 { "passes" } else { "pass" };
    let decision = Decision::new("Time", format!("{secs} {pass}"), ", and nothing happens", "the lab’s clock");
    (Glyph::Waits, format!("{secs} later"), decision)
}

/// `31 s`, `2.7 s`.
fn secs(ms: u64) -> String {
    match (ms + 50) / 100 {
        tenths if tenths % 10 == 0 => format!("{} s", tenths / 10),
        tenths => format!("{}.{} s", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_to_a_tenth() {
        let said = |ms| said(ms).2.to_string();
        assert_eq!(said(1000), "1 s passes, and nothing happens");
        assert_eq!(said(2690), "2.7 s pass, and nothing happens");
        assert_eq!(said(31_000), "31 s pass, and nothing happens");
    }
}
