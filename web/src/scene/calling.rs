//! System calls as stops of the transport: the call in strace's notation, what it was answered, and what decided that.
//!
//! A refusal's cause comes from the answer in the event: the holder of the port, the setting, the address. A command that
//! makes very many calls gets a stop for every so many of them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use portlab_engine::event::{Event, What};
use portlab_engine::host::{Answer, Call};
use portlab_engine::linux::bind::{Because, Refusal};
use portlab_engine::linux::socket::{Protocol, State};
use portlab_engine::linux::trace::Happening;
use portlab_engine::time::Time;
use portlab_scenarios::syscalls;

use super::frame::{Decision, Frame, Glyph, Part};
use super::host::moment;
use super::host::plug::Shape;
use super::stepping;

/// Stops at most for the calls of one command.
const STOPS_MAX: usize = 120;

/// Cuts the calls among a history's events into stops.
#[derive(Default)]
pub(super) struct Calling {
    /// By host, process and descriptor: what the program calls it.
    names: BTreeMap<(Rc<str>, u32, u32), Rc<str>>,
    /// The command whose calls are being counted out.
    run: Option<Run>,
}

/// The calls of one command.
struct Run {
    command: usize,
    /// How many calls it makes.
    all: usize,
    since_stop: usize,
    errors: BTreeSet<&'static str>,
}

impl Calling {
    /// Remembers names that events before the first stop gave.
    pub(super) fn follow(&mut self, event: &Event) {
        let What::Called { host, pid, call, answer, .. } = &event.what else { return };
        if let (Call::Socket { name: Some(name), .. } | Call::Accept { name: Some(name), .. }, Ok(fd)) =
            (call, answer.number())
        {
            self.names.insert((host.clone(), *pid, fd), name.clone());
        }
    }

    /// Puts the stops of an event of hosts behind the others: the steps of what happened, then the call's answer. Whether
    /// there were any; else it goes along with the next.
    pub(super) fn stops(&mut self, events: &[Event], event: &Event, start: usize, frames: &mut Vec<Frame>) -> bool {
        let end = event.index + 1;
        let mut put = |step, clock, glyph, title, decision| {
            // All stops of an event but the first begin where it has ended.
            let start = if frames.last().is_some_and(|last| last.about == event.index) { end } else { start };
            frames.push(Frame { start, end, about: event.index, step, clock, past: false, glyph, title, decision });
        };
        if let What::Passed { trace } = &event.what {
            for step in moment::steps(trace) {
                let (glyph, title, decision) = stepping::said(&trace[step.0..step.1], "by itself");
                put(Some(step), None, glyph, title, decision);
            }
            return !trace.is_empty();
        }
        let What::Called { host, pid, program, call, answer, answered, trace } = &event.what else { return false };
        self.follow(event);
        let Some((calls, all)) = self.counted(events, event, answer) else { return false };
        let name = fd_of(call, answer).and_then(|fd| self.names.get(&(host.clone(), *pid, fd)));
        let name = name.map(|name| &**name);
        // A state that changes with a packet, or with the call itself, needs no stop of its own.
        let sleeps = matches!(call, Call::Sleep { .. });
        let happens = sleeps || trace.iter().any(|moment| !matches!(moment.what, Happening::State(_)));
        if happens && all <= STOPS_MAX {
            let own = words(call, name);
            for step in moment::steps(trace) {
                let late = trace[step.0].at < u64::try_from(event.at.0).unwrap_or(0);
                let place = if late { "by itself, before the next call" } else { &own };
                let (glyph, title, decision) = stepping::said(&trace[step.0..step.1], place);
                put(Some(step), moment_of(trace[step.0].at, event), glyph, title, decision);
            }
        }
        let (glyph, title, mut decision) = said(call, answer, name);
        decision.place = match call {
            Call::Spawn { .. } => format!("on {host}"),
            _ => format!("{program} ({pid}) on {host}"),
        };
        if calls > 1 {
            decision.parts.insert(0, Part::Text(format!("{calls} calls; the last: ")));
        }
        // Somebody else may have done something before it was answered.
        let next = events.get(end).map_or(*answered, |next| next.at.min(*answered));
        put(None, (next > event.at).then_some(next), glyph, title, decision);
        true
    }

    /// How many calls this stop stands for, and how many the command makes in all; none where there is no stop yet.
    fn counted(&mut self, events: &[Event], event: &Event, answer: &Answer) -> Option<(usize, usize)> {
        let Some(command) = event.cause else { return Some((1, 1)) };
        if self.run.as_ref().is_none_or(|run| run.command != command) {
            let later = &events[event.index..];
            let mine = |event: &&Event| matches!(event.what, What::Called { .. }) && event.cause == Some(command);
            let all = later.iter().filter(mine).count();
            self.run = Some(Run { command, all, since_stop: 0, errors: BTreeSet::new() });
        }
        let run = self.run.as_mut()?;
        run.since_stop += 1;
        let news = match answer {
            Answer::Refused { refusal, .. } => run.errors.insert(refusal.errno.name()),
            _ => false,
        };
        let last = || {
            let mut rest = events[event.index + 1..].iter().take(4 * STOPS_MAX);
            !rest.any(|event| matches!(event.what, What::Called { .. }) && event.cause == Some(command))
        };
        let stop = run.since_stop >= run.all.div_ceil(STOPS_MAX) || news || last();
        stop.then(|| (std::mem::take(&mut run.since_stop), run.all))
    }
}

/// The clock at a moment of a call's trace that lies after the call was made.
fn moment_of(at: u64, event: &Event) -> Option<Time> {
    i64::try_from(at).ok().map(Time).filter(|at| *at > event.at)
}

/// The descriptor that a call works on, or that it gives.
#[must_use]
pub fn fd_of(call: &Call, answer: &Answer) -> Option<u32> {
    match call {
        Call::SetOption { fd, .. }
        | Call::Bind { fd, .. }
        | Call::Listen { fd, .. }
        | Call::Connect { fd, .. }
        | Call::Accept { fd, .. }
        | Call::Send { fd, .. }
        | Call::Recv { fd }
        | Call::Shutdown { fd, .. }
        | Call::Getsockname { fd }
        | Call::Getpeername { fd }
        | Call::Close { fd } => Some(*fd),
        Call::Socket { .. } => answer.number().ok(),
        _ => None,
    }
}

/// A call in strace's notation, with the name that the program has for the descriptor.
#[must_use]
pub fn words(call: &Call, name: Option<&str>) -> String {
    if let Call::Send { data, fd } = call {
        let data = syscalls::Answer::Text(data.to_vec()).to_string();
        return format!("send({}, {})", name.map_or_else(|| fd.to_string(), str::to_owned), cut(&data));
    }
    let text = call.to_string();
    let (Some(name), Some((before, after))) = (name, text.split_once('(')) else { return text };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == after.len() { text } else { format!("{before}({name}{rest}") }
}

/// Not more of some data than fits the strip.
fn cut(data: &str) -> String {
    if data.chars().count() > 60 {
        format!("{}…\"", data.chars().take(58).collect::<String>())
    } else {
        data.to_owned()
    }
}

/// What a call that was made gave, as strace shows it.
fn result(call: &Call, answer: &Answer, name: Option<&str>) -> String {
    match (call, answer) {
        (Call::Socket { name: Some(name), .. }, Answer::Number(_)) => name.to_string(),
        (Call::Accept { name: Some(name), .. }, Answer::Accepted { peer, .. }) => format!("{name} from {peer}"),
        (_, Answer::Data(data)) => cut(&syscalls::Answer::Text(data.to_vec()).to_string()),
        (Call::Socket { .. }, answer) => name.map_or_else(|| answer.to_string(), str::to_owned),
        _ => answer.to_string(),
    }
}

/// The stop of a call.
fn said(call: &Call, answer: &Answer, name: Option<&str>) -> (Glyph, String, Decision) {
    if let (Call::Spawn { process }, Ok(pid)) = (call, answer.number()) {
        let decision = Decision::new("Process", process.line.to_string(), format!(" starts as process {pid}"), "");
        return (glyph(call), "start".to_owned(), decision);
    }
    let own = if matches!(call, Call::Socket { .. }) { None } else { name };
    let text = words(call, own);
    let title = text.split('(').next().unwrap_or_default().to_owned();
    let Answer::Refused { refusal, holder } = answer else {
        let rest = format!(" = {}", result(call, answer, name));
        return (glyph(call), title, Decision::new("Call", text, rest, ""));
    };
    let waits = says_wait(refusal.errno.name());
    let words = format!(" = -1 {} ({})", refusal.errno.name(), refusal.errno.words());
    let decision = match cause(refusal, holder.as_deref()) {
        Some(cause) => Decision::new("Decided by", cause, format!(": {text}"), "").refusal(words),
        None if waits => Decision::new("Nothing yet", text, words, ""),
        None => Decision::new("Refused", text, "", "").refusal(words),
    };
    let glyph = if waits { Glyph::Waits } else { Glyph::Refused };
    (glyph, title, decision)
}

/// Whether an error says that nothing has come yet, and refuses nothing.
#[must_use]
pub fn says_wait(errno: &str) -> bool {
    matches!(errno, "EINPROGRESS" | "EALREADY" | "EAGAIN")
}

/// What decided a refusal, in words; none where the call simply did not fit.
fn cause(refusal: &Refusal, holder: Option<&str>) -> Option<String> {
    match (holder, refusal.because) {
        // A port that was chosen by hand may be shared; what `connect` finds taken is the whole tuple.
        (Some(holder), _) if refusal.errno.name() == "EADDRNOTAVAIL" => Some(format!("{holder}, has this five-tuple")),
        (Some(holder), _) if holder.contains(", ") => Some(format!("{holder}, holds the port")),
        (Some(holder), _) => Some(format!("{holder} holds the port")),
        (None, Because::NoPortLeft { low, high }) => Some(format!("no port left of {low}–{high}")),
        (None, Because::Privilege { start }) => Some(format!("ip_unprivileged_port_start = {start}")),
        (None, Because::NotLocal(address)) => {
            let shown = address.to_ipv4_mapped().map_or_else(|| address.to_string(), |v4| v4.to_string());
            Some(format!("{shown} is not an address of this host"))
        }
        (None, Because::Holder(_) | Because::Misfit) => None,
    }
}

/// The mark of a call that succeeded: the state that it leads to, where it leads to one.
fn glyph(call: &Call) -> Glyph {
    match call {
        Call::Bind { .. } => Glyph::Socket(Shape::Bound),
        Call::Listen { .. } => Glyph::Socket(Shape::Listening),
        Call::Connect { .. } | Call::Accept { .. } => Glyph::Socket(Shape::Established),
        Call::Socket { .. } => Glyph::Socket(Shape::of(Protocol::Tcp, State::Close, 0)),
        Call::Close { .. } | Call::Exit => Glyph::Gone,
        Call::Shutdown { .. } => Glyph::Socket(Shape::Closing),
        Call::Spawn { .. } => Glyph::Added,
        Call::Send { .. } | Call::Recv { .. } => Glyph::Hop,
        Call::Sleep { .. } => Glyph::Waits,
        _ => Glyph::Changed,
    }
}
