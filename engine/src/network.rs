//! The hosts of a lab and the links between them: a call on one, time on all.
//!
//! A packet that leaves a host arrives at once, in order, at the host on the same link that has the address it is handed to.
//! All clocks go together, so a call that waits lets every host go on. Where nobody has the address, the sender is told
//! three seconds later, as by the kernel. Left out: delay, loss, bridges, several hosts with one address.
//!
//! A call looks at every host once; after that only those are looked at that something happens on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
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
    let place = hosts.keys().position(|other| **other == *name);
    let mut network = Network::new(hosts);
    network.come_up(now);
    let answer = place.map_or(Answer::Number(0), |place| network.make(now, place, pid, call));
    (answer, network.told())
}

/// Lets the clocks of all hosts come up to this time; what happened on the way. What is due at that very time has not
/// happened yet, for the kernel's timers are coarser than a sleep.
pub fn pass(hosts: &mut Hosts, now: Time) -> Vec<Moment> {
    let mut network = Network::new(hosts);
    network.come_up(now);
    network.told()
}

/// Where a host stands among the hosts of a lab.
type Place = usize;

/// The hosts while a call is made or time passes.
struct Network<'a> {
    hosts: Vec<&'a mut Rc<Host>>,
    /// When each host next does something by itself; the same in the order of time.
    due: Vec<Option<Time>>,
    agenda: BTreeSet<(Time, Place)>,
    /// Hosts that may have something to say, for something has happened on them.
    touched: BTreeSet<Place>,
    /// Who gets what a host hands to an address by one of its devices: a host and its device. Asked for once.
    neighbours: BTreeMap<(Place, u32, Ipv6Addr), Option<(Place, u32)>>,
    /// What happened, as much of it as is kept.
    moments: Vec<Moment>,
    more: u64,
}

impl<'a> Network<'a> {
    fn new(hosts: &'a mut Hosts) -> Network<'a> {
        let hosts: Vec<_> = hosts.values_mut().collect();
        let due: Vec<Option<Time>> = hosts.iter().map(|host| host.next_timer()).collect();
        let agenda = due.iter().enumerate().filter_map(|(place, due)| Some(((*due)?, place))).collect();
        let (touched, neighbours) = (BTreeSet::new(), BTreeMap::new());
        Network { hosts, due, agenda, touched, neighbours, moments: Vec::new(), more: 0 }
    }

    /// Lets something happen on a host.
    fn on<T>(&mut self, place: Place, act: impl FnOnce(&mut Host) -> T) -> T {
        let host = Rc::make_mut(self.hosts[place]);
        let result = act(host);
        let (due, trace) = (host.next_timer(), host.take_trace());
        let before = std::mem::replace(&mut self.due[place], due);
        if before != due {
            before.map(|before| self.agenda.remove(&(before, place)));
            due.map(|due| self.agenda.insert((due, place)));
        }
        self.touched.insert(place);
        self.hear(trace);
        result
    }

    fn make(&mut self, now: Time, place: Place, pid: u32, call: &Call) -> Answer {
        let begun = self.on(place, |host| host.begin(pid, call));
        // The call may have changed who has which address.
        self.neighbours.clear();
        self.settle(now);
        match begun {
            Begun::Done(answer) => answer,
            Begun::Sleeps(time) => {
                self.come_up(now.plus(time));
                Answer::Number(0)
            }
            Begun::Loads => self.round_of_requests(now, place, pid, call),
            Begun::Waits(wait) => {
                let now = self.wait_for(place, &wait);
                let answer = self.on(place, |host| host.finish(wait));
                self.settle(now);
                answer
            }
        }
    }

    /// A round of requests, with whatever the other side does in between.
    fn round_of_requests(&mut self, now: Time, place: Place, pid: u32, call: &Call) -> Answer {
        let mut tally = Tally::default();
        let Call::Load { load } = call else { return Answer::Number(0) };
        for part in [Part::Open, Part::Ask, Part::Read] {
            // A client that cannot open another connection gives up.
            let mut done = tally.connect.is_some();
            while !done {
                done = self.on(place, |host| host.load(pid, load, part, &mut tally));
                self.settle(now);
            }
        }
        Answer::Loaded(tally.into())
    }

    fn come_up(&mut self, now: Time) {
        let before = Time(now.0 - 1);
        while let Some(at) = self.next_goes_off(before) {
            self.settle(at);
        }
        for host in self.hosts.iter_mut().filter(|host| host.now() < now) {
            Rc::make_mut(host).catch_up(now);
        }
    }

    /// Lets the first thing happen that is due by this time, on whichever host; when that was.
    fn next_goes_off(&mut self, by: Time) -> Option<Time> {
        let (due, place) = *self.agenda.first().filter(|(due, _)| *due <= by)?;
        self.on(place, |host| {
            host.next_goes_off(by);
            Some(due.max(host.now()))
        })
    }

    /// Lets time pass until the call waits no longer; the time that it is then.
    fn wait_for(&mut self, place: Place, wait: &Wait) -> Time {
        let (mut waits, until) = self.hosts[place].waits(wait);
        let mut now = self.hosts[place].now();
        let mut passed = false;
        while waits {
            let Some(at) = self.next_goes_off(until) else {
                now = until;
                break;
            };
            (now, passed) = (at, true);
            self.settle(at);
            waits = self.hosts[place].waits(wait).0;
        }
        // What is due together happens together.
        while passed && !waits && self.next_goes_off(now).is_some() {
            self.settle(now);
        }
        self.on(place, |host| host.catch_up(now));
        now
    }

    /// Carries packets until no host has anything to say.
    fn settle(&mut self, now: Time) {
        for _ in 0..ROUNDS_MAX {
            let mut touched = self.touched.iter();
            match touched.find(|place| !self.hosts[**place].namespace().outbox.is_empty()).copied() {
                Some(from) => {
                    for leaving in self.on(from, Host::take_outbox) {
                        self.carry(now, from, leaving);
                    }
                }
                None if self.serve() => {}
                None => {
                    self.touched.clear();
                    return;
                }
            }
        }
        for place in std::mem::take(&mut self.touched) {
            Rc::make_mut(self.hosts[place]).take_outbox();
        }
    }

    /// Lets web servers do what is to be done; whether there was anything.
    fn serve(&mut self) -> bool {
        let servers: Vec<Place> =
            self.touched.iter().copied().filter(|place| self.hosts[*place].has_servers()).collect();
        let mut busy = false;
        for place in servers {
            busy |= self.on(place, Host::serve);
        }
        busy
    }

    fn carry(&mut self, now: Time, from: Place, leaving: Leaving) {
        let way = (from, leaving.device, leaving.hop);
        let there = match self.neighbours.get(&way) {
            Some(known) => *known,
            None => {
                let found = self.neighbour(from, &leaving);
                self.neighbours.insert(way, found);
                found
            }
        };
        match there {
            Some((place, device)) => self.on(place, |host| {
                host.catch_up(now);
                host.receive(device, leaving.packet);
            }),
            None => self.on(from, |host| host.nobody_answers(leaving)),
        }
    }

    /// The host on the same link that has the address, and its device there.
    fn neighbour(&self, from: Place, leaving: &Leaving) -> Option<(Place, u32)> {
        let link = self.hosts[from].device(leaving.device)?.link.as_ref()?;
        let mut others = self.hosts.iter().enumerate().filter(|(place, _)| *place != from);
        others.find_map(|(place, host)| {
            let devices = &host.namespace().routing.devices;
            let device = devices.iter().find(|device| {
                device.link.as_ref() == Some(link) && device.addresses.iter().any(|own| own.0 == leaving.hop)
            })?;
            Some((place, device.index))
        })
    }

    /// Notes what a host has to tell.
    fn hear(&mut self, trace: Vec<Moment>) {
        for moment in trace {
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
