//! The stage of hosts: from a state and the event that is shown to rails, wires and the table of five-tuples.
//!
//! * [`plug`]: a socket, or what is drawn like one.
//! * [`rail`]: the ports of a host and who holds them.
//! * [`translation`]: what a router translates.
//! * [`wire`]: connections and the packet between their ends.
//! * [`moment`]: a moment in the middle of a call.
//!
//! What decided a refusal is read from the answer in the event and never worked out again.

pub mod moment;
pub mod plug;
pub mod rail;
pub mod translation;
pub mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::rc::Rc;

use portlab_engine::event::{Event, What};
use portlab_engine::host::{Answer, Call, Host};
use portlab_engine::linux::Errno;
use portlab_engine::linux::bind::Because;
use portlab_engine::linux::socket::Protocol;
use portlab_engine::tools::jobs::WORKSTATION;
use portlab_engine::world::State as World;
use portlab_scenarios::syscalls::on_lab::BENCH;

use super::calling::{fd_of, words};
use moment::{Then, travelling};
use plug::{Focus, Plug};
use rail::{At, Attempt, Rail, View};
use wire::{Travelling, Wires, wires};

/// Hosts drawn at most.
pub const HOSTS_MAX: usize = 4;
/// Rows of the table drawn at most.
pub const ROWS_MAX: usize = 200;

/// What the stage shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    pub rails: Vec<Rail>,
    pub hidden_hosts: usize,
    pub wires: Wires,
}

/// A row of the table, with its host.
pub type Row = (Rc<str>, Plug);

/// What is shown of the last event of a state.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub event: &'a Event,
    /// The step of its trace that is shown; none when all of it has happened.
    pub step: Option<(usize, usize)>,
}

/// Whether what was done last was done on the bench, on which scripts make their calls.
#[must_use]
pub fn on_bench(events: &[Event]) -> bool {
    let host = events.iter().rev().find_map(|event| match &event.what {
        What::Called { host, .. } | What::HostStarted { host, .. } => Some(host),
        _ => None,
    });
    host.is_some_and(|host| &**host == BENCH)
}

/// Draws a state as it was at the moment that is shown: the bench alone, or all hosts but the bench.
#[must_use]
pub fn scene(world: &World, shown: Option<Shown>, bench: bool) -> Scene {
    let (then, packet) = moment_of(shown);
    let calls = calls(world, shown);
    let mine = |view: &View| (&**view.name == BENCH) == bench;
    let mut all: Vec<View> = views(world, &calls, &then).filter(mine).collect();
    if all.len() > 1 {
        // Beside hosts on links the workstation is drawn when something runs on it.
        all.retain(|view| &**view.name != WORKSTATION || view.host.namespace().socket_count() > 0);
    }
    let hidden_hosts = all.len().saturating_sub(HOSTS_MAX);
    if hidden_hosts > 0 {
        // Whoever has to do with what is shown is drawn before others.
        let near = concerned(world, shown);
        all.sort_by_key(|view| !near.contains(view.name));
        all.truncate(HOSTS_MAX);
        all.sort_by_key(|view| view.name);
    }
    let views = &all[..];
    Scene { wires: wires(views, packet.as_ref()), rails: views.iter().map(View::rail).collect(), hidden_hosts }
}

/// The hosts that an event is about: where the call was made, where something happened, and whom the socket speaks with.
fn concerned(world: &World, shown: Option<Shown>) -> BTreeSet<Rc<str>> {
    let Some(Shown { event, .. }) = shown else { return BTreeSet::new() };
    let (What::Called { trace, .. } | What::Passed { trace }) = &event.what else { return BTreeSet::new() };
    let mut near: BTreeSet<Rc<str>> = trace.iter().map(|moment| moment.host.clone()).collect();
    let What::Called { host: on, pid, call, answer, .. } = &event.what else { return near };
    near.insert(on.clone());
    let socket = world.hosts.get(on).and_then(|host| {
        let id = host.processes.get(pid)?.fds.get(&fd_of(call, answer)?)?;
        Some(host.namespace().socket_of(*id))
    });
    let peer = socket.map(|socket| socket.peer);
    let has = |host: &Host| {
        let devices = &host.namespace().routing.devices;
        devices.iter().flat_map(|device| &device.addresses).any(|(own, _)| Some(*own) == peer)
    };
    near.extend(world.hosts.iter().filter(|(name, host)| **name != *on && has(host)).map(|(name, _)| name.clone()));
    near
}

/// What has not happened yet, and the packet on its way.
fn moment_of(shown: Option<Shown>) -> (Then, Option<Travelling>) {
    let Some(Shown { event, step: Some((begin, end)) }) = shown else { return (Then::default(), None) };
    let (What::Called { trace, .. } | What::Passed { trace }) = &event.what else { return (Then::default(), None) };
    let end = end.min(trace.len());
    (Then::before(&trace[end..]), travelling(&trace[begin.min(end)..end]))
}

/// By host, what the event that is shown has to do with it; what a call gave is not known in the middle of it.
fn calls(world: &World, shown: Option<Shown>) -> Vec<(Focus, Option<Attempt>)> {
    let of = |(name, host): (&Rc<str>, &Rc<Host>)| match shown {
        Some(Shown { event, step: None }) => about(name, host, event),
        Some(Shown { event, .. }) => (Focus { decided: None, ..about(name, host, event).0 }, None),
        None => (Focus::default(), None),
    };
    world.hosts.iter().map(of).collect()
}

fn views<'a>(
    world: &'a World,
    calls: &'a [(Focus, Option<Attempt>)],
    then: &'a Then,
) -> impl Iterator<Item = View<'a>> {
    world.hosts.iter().zip(calls).map(|((name, host), (focus, attempt))| View {
        name,
        host,
        now: world.now,
        focus: *focus,
        attempt: attempt.as_ref(),
        then,
    })
}

/// The table of all sockets and how many are left out.
#[must_use]
pub fn table(world: &World, shown: Option<Shown>, bench: bool) -> (Vec<Row>, usize) {
    let (then, _) = moment_of(shown);
    let calls = calls(world, shown);
    let mut rows: Vec<Row> = Vec::new();
    let mut all = 0;
    for view in views(world, &calls, &then).filter(|view| (&**view.name == BENCH) == bench) {
        let (plugs, count) = view.plugs(ROWS_MAX - rows.len());
        all += count;
        rows.extend(plugs.into_iter().map(|plug| (view.name.clone(), plug)));
    }
    let hidden = all - rows.len();
    (rows, hidden)
}

/// What the event has to do with the sockets of a host.
fn about(name: &Rc<str>, host: &Host, event: &Event) -> (Focus, Option<Attempt>) {
    let What::Called { host: on, pid, program, call, answer, .. } = &event.what else {
        return (Focus::default(), None);
    };
    if on != name {
        return (Focus::default(), None);
    }
    let process = host.processes.get(pid);
    let acts = fd_of(call, answer).and_then(|fd| process?.fds.get(&fd).copied());
    let Answer::Refused { refusal, .. } = answer else { return (Focus { decided: None, acts }, None) };
    let decided = match refusal.because {
        Because::Holder(owner) => Some(owner),
        _ => None,
    };
    let socket = acts.map(|id| host.namespace().socket_of(id));
    let protocol = socket.map_or(Protocol::Tcp, |socket| socket.protocol);
    let at = match (call, refusal.because) {
        (_, Because::NoPortLeft { low, .. }) => Some(At::Range(low)),
        (Call::Bind { to, .. }, _) if to.port() != 0 => Some(At::Port(protocol, to.port())),
        (Call::Connect { to, .. }, _) if refusal.errno == Errno::Econnrefused => Some(At::Port(protocol, to.port())),
        (Call::Listen { .. }, _) => socket.filter(|socket| socket.num != 0).map(|s| At::Port(protocol, s.num)),
        _ => None,
    };
    let own = fd_of(call, answer).and_then(|fd| process?.names.get(&fd)).map(|name| &**name);
    let attempt = at.map(|at| Attempt {
        call: words(call, own),
        errno: refusal.errno.name(),
        who: format!("{program} ({pid})"),
        at,
    });
    (Focus { decided, acts }, attempt)
}
