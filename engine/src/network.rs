//! The hosts of a lab and the links between them: a call on one, time on all.
//!
//! A packet that leaves a host arrives at once, in order, at the host on the same link that has the address it is handed to.
//! All clocks go together, so a call that waits lets every host go on. Where nobody has the address, the sender is told
//! three seconds later, as by the kernel. Left out: delay, loss, bridges, several hosts with one address.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::host::{Answer, Begun, Call, Host, Part};
use crate::http::Tally;
use crate::linux::trace::{Happening, Moment};
use crate::linux::wait::Wait;
use crate::linux::wire::Leaving;
use crate::time::Time;

/// Hosts by name.
pub type Hosts = BTreeMap<Rc<str>, Rc<Host>>;

/// Rounds in which hosts may answer each other before the lab goes on: more than any exchange of one call has, so that only
/// packets that go round in circles end here.
const ROUNDS_MAX: u32 = 256;

/// The most moments that one call tells of; the rest are counted.
const MOMENTS_MAX: usize = 256;

/// Makes a call of a process on a host; its answer, and what happened on the hosts since that was last told.
pub fn make(hosts: &mut Hosts, now: Time, name: &str, (pid, call): (u32, &Call)) -> (Answer, Vec<Moment>) {
    let mut seen = Seen::default();
    come_up(hosts, now, &mut seen);
    let Some(host) = hosts.get_mut(name).map(Rc::make_mut) else { return (Answer::Number(0), seen.told()) };
    let begun = host.begin(pid, call);
    seen.hear(host);
    settle(hosts, now, &mut seen);
    let answer = match begun {
        Begun::Done(answer) => answer,
        Begun::Loads => round_of_requests(hosts, now, name, (pid, call), &mut seen),
        Begun::Waits(wait) => {
            let now = wait_for(hosts, name, &wait, &mut seen);
            let Some(host) = hosts.get_mut(name).map(Rc::make_mut) else { return (Answer::Number(0), seen.told()) };
            let answer = host.finish(wait);
            seen.hear(host);
            settle(hosts, now, &mut seen);
            answer
        }
    };
    (answer, seen.told())
}

/// A round of requests, with whatever the other side does in between.
fn round_of_requests(hosts: &mut Hosts, now: Time, name: &str, (pid, call): (u32, &Call), seen: &mut Seen) -> Answer {
    let mut tally = Tally::default();
    let Call::Load { load } = call else { return Answer::Number(0) };
    for part in [Part::Open, Part::Ask, Part::Read] {
        // A client that cannot open another connection gives up.
        let mut done = tally.connect.is_some();
        while !done {
            let Some(host) = hosts.get_mut(name).map(Rc::make_mut) else { break };
            done = host.load(pid, load, part, &mut tally);
            seen.hear(host);
            settle(hosts, now, seen);
        }
    }
    Answer::Loaded(tally.into())
}

/// Lets the clocks of all hosts come up to this time; what happened on the way. What is due at that very time has not
/// happened yet, for the kernel's timers are coarser than a sleep.
pub fn pass(hosts: &mut Hosts, now: Time) -> Vec<Moment> {
    let mut seen = Seen::default();
    come_up(hosts, now, &mut seen);
    seen.told()
}

fn come_up(hosts: &mut Hosts, now: Time, seen: &mut Seen) {
    let before = Time(now.0 - 1);
    while let Some(at) = next_goes_off(hosts, before, seen) {
        settle(hosts, at, seen);
    }
    for host in hosts.values_mut().filter(|host| host.now() < now) {
        Rc::make_mut(host).catch_up(now);
    }
}

/// Lets the first thing happen that is due by this time, on whichever host; when that was.
fn next_goes_off(hosts: &mut Hosts, by: Time, seen: &mut Seen) -> Option<Time> {
    let due = hosts.values().filter_map(|host| host.next_timer()).min().filter(|due| *due <= by)?;
    let host = hosts.values_mut().find(|host| host.next_timer() == Some(due))?;
    let host = Rc::make_mut(host);
    host.next_goes_off(by);
    seen.hear(host);
    Some(due.max(host.now()))
}

/// Lets time pass until the call waits no longer; the time that it is then.
fn wait_for(hosts: &mut Hosts, name: &str, wait: &Wait, seen: &mut Seen) -> Time {
    let Some(host) = hosts.get(name) else { return Time::default() };
    let (mut waits, until) = host.waits(wait);
    let mut now = host.now();
    let mut passed = false;
    while waits {
        let Some(at) = next_goes_off(hosts, until, seen) else {
            now = until;
            break;
        };
        (now, passed) = (at, true);
        settle(hosts, at, seen);
        waits = hosts.get(name).is_some_and(|host| host.waits(wait).0);
    }
    // What is due together happens together.
    while passed && !waits && next_goes_off(hosts, now, seen).is_some() {
        settle(hosts, now, seen);
    }
    if let Some(host) = hosts.get_mut(name) {
        Rc::make_mut(host).catch_up(now);
    }
    now
}

/// Carries packets until no host has anything to say.
fn settle(hosts: &mut Hosts, now: Time, seen: &mut Seen) {
    for _ in 0..ROUNDS_MAX {
        let full = hosts.iter().find(|(_, host)| !host.namespace().outbox.is_empty());
        let Some(from) = full.map(|(name, _)| name.clone()) else { if serve(hosts, seen) { continue } else { return } };
        let Some(host) = hosts.get_mut(&from).map(Rc::make_mut) else { return };
        for leaving in host.take_outbox() {
            carry(hosts, now, &from, leaving, seen);
        }
    }
    for host in hosts.values_mut() {
        Rc::make_mut(host).take_outbox();
    }
}

/// Lets the web servers of all hosts do what is to be done; whether there was anything.
fn serve(hosts: &mut Hosts, seen: &mut Seen) -> bool {
    let mut busy = false;
    for host in hosts.values_mut().filter(|host| host.has_servers()) {
        let host = Rc::make_mut(host);
        busy |= host.serve();
        seen.hear(host);
    }
    busy
}

fn carry(hosts: &mut Hosts, now: Time, from: &Rc<str>, leaving: Leaving, seen: &mut Seen) {
    let link = hosts.get(from).and_then(|host| host.device(leaving.device)?.link.clone());
    let there = hosts.iter().filter(|(name, _)| *name != from).find_map(|(name, host)| {
        let devices = &host.namespace().routing.devices;
        let device = devices.iter().find(|device| {
            device.link.is_some() && device.link == link && device.addresses.iter().any(|own| own.0 == leaving.hop)
        })?;
        Some((name.clone(), device.index))
    });
    match there {
        Some((name, device)) => {
            let Some(host) = hosts.get_mut(&name).map(Rc::make_mut) else { return };
            host.catch_up(now);
            host.receive(device, leaving.packet);
            seen.hear(host);
        }
        None => {
            if let Some(host) = hosts.get_mut(from) {
                Rc::make_mut(host).nobody_answers(leaving);
            }
        }
    }
}

/// What happened on the hosts, as much of it as is kept.
#[derive(Debug, Default)]
struct Seen {
    moments: Vec<Moment>,
    more: u64,
}

impl Seen {
    /// Takes what a host has to tell.
    fn hear(&mut self, host: &mut Host) {
        for moment in host.take_trace() {
            match moment.what {
                Happening::More(count) => self.more += count,
                _ if self.moments.len() < MOMENTS_MAX => self.moments.push(moment),
                _ => self.more += 1,
            }
        }
    }

    fn told(mut self) -> Vec<Moment> {
        if let Some(last) = self.moments.last().filter(|_| self.more > 0) {
            self.moments.push(Moment { what: Happening::More(self.more), ..last.clone() });
        }
        self.moments
    }
}
