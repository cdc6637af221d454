//! The passing of time as a stop of the transport: where a command line let a second or more go by, and nothing happened.
//!
//! Within a command line time passes between two programs and after the last one (`sleep`, `wait`); what a program's own
//! call waits for is told with the call. What happens by itself meanwhile, on hosts or in a cluster, has stops of its own
//! and none of these. That a script sleeps is a call like others.

use portlab_engine::event::{Actor, Event, What};
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
            What::Called { call: Call::Spawn { .. }, trace, .. } => trace.is_empty() && event.actor == Actor::Learner,
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
    use std::rc::Rc;

    use portlab_engine::host::Answer;
    use portlab_engine::lab::Place;

    use super::*;

    fn called(actor: Actor, call: Call) -> (Actor, What) {
        let (host, program) = ("client".into(), "nc".into());
        let (answer, answered, trace) = (Answer::Number(0), Time(0), Rc::from([]));
        (actor, What::Called { host, pid: 1, program, call, answer, answered, trace })
    }

    #[test]
    fn only_between_the_programs_of_a_command_and_at_its_end() {
        let kubelet = || Actor::Kubelet { node: "worker".into() };
        let rows = [
            (called(Actor::Learner, Call::spawn("nc")), 1000, true),
            (called(Actor::Learner, Call::spawn("nc")), 999, false),
            (called(Actor::Learner, Call::Exit), 5000, false),
            (called(kubelet(), Call::spawn("nc")), 5000, false),
            ((Actor::Learner, What::CommandEnded { exit: 0 }), 5000, true),
            ((Actor::Learner, What::CommandEnded { exit: 0 }), 100, false),
        ];
        for ((actor, what), lapse, stops) in rows {
            let place = Place::Host("client".into());
            let what_first = What::Command { place, line: "sleep 5".into() };
            let first = Event { index: 0, at: Time(7), actor: Actor::Learner, what: what_first, cause: None };
            let second = Event { index: 1, at: Time(7 + lapse), actor, what, cause: Some(0) };
            let stop = Passing::default().before(&[first, second.clone()], &second);
            assert_eq!(stop.map(|(_, clock)| clock), stops.then_some(second.at), "{second} after {lapse} ms");
        }
    }

    #[test]
    fn seconds_to_a_tenth() {
        let said = |ms| said(ms).2.to_string();
        assert_eq!(said(1000), "1 s passes, and nothing happens");
        assert_eq!(said(2690), "2.7 s pass, and nothing happens");
        assert_eq!(said(31_000), "31 s pass, and nothing happens");
    }
}
