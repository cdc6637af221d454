//! The load: a client that makes requests at a rate, on hosts that are network namespaces of the engine.
//!
//! Every request is made by system calls, so it is [`Namespace`] that chooses ports, keeps `TIME_WAIT`s, lets them be used
//! again and refuses: `socket`, `connect` without `bind`, `send`; 20 ms later the server answers, the client reads and
//! closes first, the server after it. With a pool so many connections stay open, and a request goes over one that is
//! idle; when all are busy it opens one of its own. Left out: time on the wire and in the server beyond those 20 ms,
//! loss, a second client on the same address.

use std::collections::VecDeque;
use std::net::SocketAddr;

use portlab_engine::linux::address::{Family, canonical};
use portlab_engine::linux::bind::Refusal;
use portlab_engine::linux::bucket::Owner;
use portlab_engine::linux::counters::Counter;
use portlab_engine::linux::route::Device;
use portlab_engine::linux::socket::{Protocol, SocketId, State};
use portlab_engine::linux::{Errno, Namespace};

use super::record::{How, RUN_MS, Record, What};
use super::settings::{Place, Settings};

/// How long a request takes, in ms.
pub const REQUEST_MS: u32 = 20;

/// Decides where the search for ports begins, the same in every run.
const SEED: u64 = 3;

/// The index of the device that leads to the other host.
const ETH0: u32 = 2;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: api\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// The client's host, and the server's where that is another.
#[derive(Clone, Debug)]
struct Hosts {
    client: Namespace,
    elsewhere: Option<Namespace>,
}

impl Hosts {
    fn new(settings: &Settings) -> Result<Self, Refusal> {
        let mut client = Namespace::new(SEED);
        let mut elsewhere = None;
        if settings.place == Place::Elsewhere {
            let mut server = Namespace::new(SEED);
            add_link(&mut client, &format!("{}/24", settings.source()))?;
            for number in 0..settings.destinations {
                add_link(&mut server, &format!("{}/24", settings.destination(number).ip()))?;
            }
            elsewhere = Some(server);
        }
        let (low, high) = settings.range;
        client.set_sysctl("net.ipv4.ip_local_port_range", &format!("{low} {high}"))?;
        client.set_sysctl("net.ipv4.tcp_tw_reuse", &settings.tw_reuse.to_string())?;
        client.set_sysctl("net.ipv4.tcp_timestamps", &u8::from(settings.timestamps).to_string())?;
        Ok(Self { client, elsewhere })
    }

    fn server(&mut self) -> &mut Namespace {
        self.elsewhere.as_mut().unwrap_or(&mut self.client)
    }

    /// Carries packets to the other host until neither has any.
    fn carry(&mut self) {
        let Some(server) = &mut self.elsewhere else { return };
        while !(self.client.outbox.is_empty() && server.outbox.is_empty()) {
            std::mem::take(&mut self.client.outbox)
                .into_iter()
                .for_each(|leaving| server.receive(ETH0, leaving.packet));
            std::mem::take(&mut server.outbox)
                .into_iter()
                .for_each(|leaving| self.client.receive(ETH0, leaving.packet));
        }
    }

    fn advance_to(&mut self, at: u32) {
        let Self { client, elsewhere } = self;
        for host in [Some(client), elsewhere.as_mut()].into_iter().flatten() {
            host.advance(u64::from(at) - host.now());
        }
        self.carry();
    }
}

fn add_link(host: &mut Namespace, prefix: &str) -> Result<(), Refusal> {
    if host.routing.device("eth0").is_none() {
        host.routing.add_device(Device { name: "eth0".into(), link: Some("wire".into()), ..Device::default() });
    }
    host.add_address("eth0", prefix)
}

/// An open connection: its two ends.
#[derive(Clone, Copy, Debug)]
struct Connection {
    client: SocketId,
    server: SocketId,
    port: u16,
    to: u8,
    /// Its number among the uses of ports, when it goes to the first destination.
    number: Option<usize>,
    kept: bool,
}

/// A run under way.
#[derive(Clone, Debug)]
pub struct Run {
    settings: Settings,
    hosts: Hosts,
    listeners: Vec<SocketId>,
    /// Requests that are being answered, and when the answer comes.
    busy: VecDeque<(u32, Connection)>,
    idle: Vec<Connection>,
    kept: u16,
    /// Requests made.
    made: u32,
    pub record: Record,
}

impl Run {
    /// Hosts with servers that listen, and nothing asked yet.
    ///
    /// # Errors
    /// When the kernel refuses a setting: settings that are [`Settings::clamped`] are never refused.
    pub fn new(settings: Settings) -> Result<Self, Refusal> {
        let mut hosts = Hosts::new(&settings)?;
        let mut listeners = Vec::new();
        for number in 0..settings.destinations {
            let server = hosts.server();
            let listener = server.socket(Protocol::Tcp, Family::V4);
            server.bind(listener, settings.destination(number))?;
            server.listen(listener, 4096)?;
            listeners.push(listener);
        }
        let (low, high) = settings.range;
        let barred = (low..=high).filter(|port| hosts.client.buckets().bound().contains(*port)).collect();
        let record = Record::new(settings, barred);
        Ok(Self { settings, hosts, listeners, busy: VecDeque::new(), idle: Vec::new(), kept: 0, made: 0, record })
    }

    /// Goes on by this many requests or answers; whether the run is at its end.
    pub fn go_on(&mut self, count: u32) -> bool {
        for _ in 0..count {
            if self.record.is_complete() {
                return true;
            }
            self.step();
        }
        self.record.is_complete()
    }

    /// The next answer or request, whichever comes first, or the end.
    fn step(&mut self) {
        let request = u32::try_from(u64::from(self.made) * 1000 / u64::from(self.settings.rate)).unwrap_or(RUN_MS);
        let answer = self.busy.front().map_or(RUN_MS, |(at, _)| *at);
        let next = request.min(answer).min(RUN_MS);
        if next > self.record.until {
            self.hosts.advance_to(next);
            self.record.until = next;
        }
        if next == RUN_MS {
            self.record.finish();
        } else if next == answer {
            if let Some((at, connection)) = self.busy.pop_front() {
                self.answer(at, connection);
            }
        } else {
            self.made += 1;
            self.ask(next);
        }
        self.record.counters.note(next, &self.hosts.client.counters);
    }

    fn ask(&mut self, at: u32) {
        let to = u8::try_from((self.made - 1) % u32::from(self.settings.destinations)).unwrap_or(0);
        if let Some(place) = self.idle.iter().position(|connection| connection.to == to) {
            let connection = self.idle.remove(place);
            self.record.note_attempt(at, to, connection.port, How::Carried);
            self.send(at, connection);
            return;
        }
        let recycled = self.hosts.client.counters.get(Counter::TcpExtTWRecycled);
        match self.connect(self.settings.destination(to)) {
            Ok((client, server)) => {
                let port = self.hosts.client.getsockname(client).port();
                let other_parity = (port - self.settings.range.0) % 2 == 1;
                let how = match self.hosts.client.counters.get(Counter::TcpExtTWRecycled) {
                    now if now > recycled => How::Reused,
                    _ if other_parity => How::Other,
                    _ => How::First,
                };
                let number = (to == 0).then(|| self.record.note_use(at, port, how));
                self.record.note_attempt(at, to, port, how);
                let kept = self.kept < self.settings.pool;
                if kept {
                    self.kept += 1;
                    if self.kept == self.settings.pool {
                        self.record.note_first(at, What::PoolFull);
                    }
                }
                self.send(at, Connection { client, server, port, to, number, kept });
            }
            Err(refusal) => {
                self.record.errno = Some(refusal.errno);
                self.record.note_attempt(at, to, 0, How::Refused);
            }
        }
    }

    /// A connection, and its end at the server.
    fn connect(&mut self, to: SocketAddr) -> Result<(SocketId, SocketId), Refusal> {
        let client = self.hosts.client.socket(Protocol::Tcp, Family::V4);
        let begun = self.hosts.client.connect_nonblocking(client, to);
        self.hosts.carry();
        let stands = self.hosts.client.socket_of(client).state == State::Established;
        let listener = self.listeners[usize::from(self.number_of(to))];
        let accepted = match begun {
            Ok(()) => self.hosts.server().accept(listener),
            Err(refusal) if refusal.errno == Errno::Einprogress && stands => self.hosts.server().accept(listener),
            Err(refusal) => Err(refusal),
        };
        accepted.map(|server| (client, server)).inspect_err(|_| {
            self.hosts.client.close(client);
            self.hosts.carry();
        })
    }

    fn number_of(&self, to: SocketAddr) -> u8 {
        (0..self.settings.destinations).find(|number| self.settings.destination(*number) == to).unwrap_or(0)
    }

    fn send(&mut self, at: u32, connection: Connection) {
        let sent = self.hosts.client.send(connection.client, REQUEST);
        debug_assert_eq!(sent, Ok(REQUEST.len()), "a connection that stands takes a request");
        self.hosts.carry();
        self.busy.push_back((at + REQUEST_MS, connection));
    }

    /// The server answers; what is not kept is closed, by the client first.
    fn answer(&mut self, at: u32, connection: Connection) {
        let server = self.hosts.server();
        let asked = server.recv(connection.server);
        let answered = server.send(connection.server, ANSWER);
        debug_assert!(asked.is_ok() && answered.is_ok(), "the server has a request to answer");
        self.hosts.carry();
        let got = self.hosts.client.recv(connection.client);
        debug_assert_eq!(got.as_deref(), Ok(ANSWER));
        self.hosts.carry();
        if connection.kept {
            self.idle.push(connection);
            return;
        }
        self.hosts.client.close(connection.client);
        self.hosts.carry();
        let end = self.hosts.server().recv(connection.server);
        debug_assert_eq!(end.as_deref(), Ok(b"".as_slice()), "the client has closed");
        self.hosts.server().close(connection.server);
        self.hosts.carry();
        if let Some(number) = connection.number {
            let gone = self.end_of_wait(&connection).map_or(at, |due| due + 1);
            let ended = &mut self.record.uses[number];
            (ended.closed, ended.gone) = (at, gone);
        }
    }

    /// When the timer of what remains of this connection is due; it still stands at that very moment.
    fn end_of_wait(&self, connection: &Connection) -> Option<u32> {
        let peer = canonical(self.settings.destination(connection.to).ip());
        let client = &self.hosts.client;
        client
            .buckets()
            .get(connection.port)?
            .owners()
            .find_map(|owner| match owner {
                Owner::TimeWait(id) => client.time_wait_of(id).filter(|wait| wait.peer == peer),
                Owner::Socket(_) => None,
            })?
            .timer
            .due()
            .try_into()
            .ok()
    }
}

#[cfg(test)]
mod tests;
