//! A case in the making: calls on sockets that may be there, from the vocabulary of a habit.
//!
//! It follows only loosely what the calls do: which sockets were asked to bind and to listen, so that others can be
//! sent there. Whether a handle came to be is found out when the case runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portlab_scenarios::syscalls::script::Line;
use portlab_scenarios::syscalls::{Answer, Call, Case, Family, Shutdown, SocketOption};

use super::habits::{Habit, Op};
use super::random::Random;

/// A case in the making.
pub struct Draft<'a> {
    habit: &'a Habit,
    pub random: Random,
    lines: Vec<Line>,
    sockets: Vec<Socket>,
    named: usize,
}

#[derive(Clone)]
struct Socket {
    name: String,
    family: Family,
    /// Where it was asked to bind.
    at: Option<SocketAddr>,
    listens: bool,
    /// A connection, from either end.
    connected: bool,
}

/// A case of the habit.
pub fn case(habit: &Habit, random: Random) -> Case {
    let mut draft = Draft { habit, random, lines: Vec::new(), sockets: Vec::new(), named: 0 };
    for (percent, sysctl, values) in habit.sysctls {
        if draft.random.percent(*percent) {
            let value = draft.random.pick(values).to_owned();
            draft.push(Call::Sysctl { name: (*sysctl).to_owned(), value: Some(value) });
        }
    }
    let count = habit.steps.0 + draft.random.below(habit.steps.1 - habit.steps.0);
    for _ in 0..count {
        let op = draft.random.weighted(habit.ops);
        draft.step(op);
    }
    for name in draft.sockets.clone().into_iter().map(|socket| socket.name) {
        if draft.random.percent(30) {
            draft.push(Call::Getsockname(name));
        }
    }
    for counter in habit.counters {
        draft.push(Call::Counter((*counter).to_owned()));
    }
    Case { lines: draft.lines }
}

impl Draft<'_> {
    fn push(&mut self, call: Call) {
        self.lines.push(Line { number: 0, call, stated: Answer::Any, comment: None });
    }

    fn push_new(&mut self, call: Call, prefix: char) -> String {
        self.named += 1;
        let name = format!("{prefix}{}", self.named);
        self.lines.push(Line { number: 0, call, stated: Answer::Handle(name.clone()), comment: None });
        name
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Socket => {
                self.socket();
            }
            Op::BoundSocket => {
                let socket = self.socket();
                self.bind(&socket);
            }
            Op::Server => self.server(),
            Op::Client => {
                if let Some(server) = self.listener() {
                    let client = self.socket_for(&server);
                    self.connect_to(&client, &server);
                }
            }
            Op::Pair => self.pair(),
            Op::Option => {
                if let Some(socket) = self.any() {
                    self.option(&socket);
                }
            }
            Op::Bind => {
                if let Some(socket) = self.any() {
                    self.bind(&socket);
                }
            }
            Op::Listen => {
                if let Some(socket) = self.any() {
                    self.listen(&socket.name);
                }
            }
            Op::Connect => {
                if let Some(socket) = self.any() {
                    let address = self.target(&socket);
                    self.push(Call::Connect(socket.name.clone(), address));
                    self.mark(&socket.name, |socket| socket.connected = true);
                }
            }
            Op::SelfConnect => {
                if let Some(socket) = self.any()
                    && let Some(at) = socket.at
                {
                    let address = reachable(at, &mut self.random);
                    self.push(Call::Connect(socket.name, address));
                }
            }
            Op::Accept => {
                if let Some(server) = self.listener() {
                    self.accept(&server);
                }
            }
            Op::ShutListener => {
                if let Some(server) = self.listener() {
                    let how = self.random.pick(&[Shutdown::Read, Shutdown::Both, Shutdown::Write]);
                    self.push(Call::Shutdown(server.name, how));
                }
            }
            Op::CloseListener => {
                if let Some(server) = self.listener() {
                    self.close(server.name);
                }
            }
            Op::Sysctl | Op::Seteuid | Op::Addr | Op::Sleep | Op::Counter => self.around(op),
            Op::Close | Op::Shutdown | Op::Send | Op::Recv | Op::Getsockname | Op::Getpeername => self.use_one(op),
        }
    }

    /// A call that takes no socket.
    fn around(&mut self, op: Op) {
        match op {
            Op::Sysctl => {
                let (_, name, values) = self.random.pick(self.habit.sysctls);
                let value = if self.random.percent(85) { Some(self.random.pick(values).to_owned()) } else { None };
                self.push(Call::Sysctl { name: name.to_owned(), value });
            }
            Op::Seteuid => {
                let uid = self.random.pick(&[0, 1000, 1000, 1001]);
                self.push(Call::Seteuid(uid));
            }
            Op::Addr => {
                let (ip, prefix) = self.random.pick(ADDED);
                self.push(Call::Addr { device: "lo".to_owned(), ip, prefix });
            }
            Op::Sleep => {
                let millis = self.random.pick(self.habit.sleeps);
                self.push(Call::Sleep { millis });
            }
            _ => {
                let name = self.random.pick(COUNTERS).to_owned();
                self.push(Call::Counter(name));
            }
        }
    }

    /// A call that takes a socket and little else.
    fn use_one(&mut self, op: Op) {
        let wants_connection = matches!(op, Op::Shutdown | Op::Send | Op::Recv | Op::Getpeername);
        let Some(socket) = (if wants_connection { self.connected() } else { self.any() }) else { return };
        let name = socket.name.clone();
        let call = match op {
            Op::Close => return self.close(name),
            Op::Shutdown => Call::Shutdown(
                name,
                self.random.pick(&[Shutdown::Write, Shutdown::Write, Shutdown::Read, Shutdown::Both]),
            ),
            Op::Send if !self.habit.long_sends.is_empty() && self.random.percent(30) => {
                let bytes = self.random.pick(self.habit.long_sends);
                Call::Send(name, vec![b'x'; bytes])
            }
            Op::Send => Call::Send(name, self.random.pick(&[&b"a"[..], b"a", b"bcd", b"bcd", b"efghi", b""]).to_vec()),
            Op::Recv => Call::Recv(name),
            Op::Getsockname => Call::Getsockname(name),
            _ => Call::Getpeername(name),
        };
        self.push(call);
    }

    fn close(&mut self, name: String) {
        self.sockets.retain(|other| other.name != name);
        self.push(Call::Close(name));
    }

    fn any(&mut self) -> Option<Socket> {
        if self.sockets.is_empty() { None } else { Some(self.random.pick(&self.sockets)) }
    }

    /// A connection, or mostly so.
    fn connected(&mut self) -> Option<Socket> {
        let some: Vec<Socket> = self.sockets.iter().filter(|socket| socket.connected).cloned().collect();
        if some.is_empty() || self.random.percent(10) { self.any() } else { Some(self.random.pick(&some)) }
    }

    fn listener(&mut self) -> Option<Socket> {
        let some: Vec<Socket> = self.sockets.iter().filter(|socket| socket.listens).cloned().collect();
        if some.is_empty() || self.random.percent(4) { self.any() } else { Some(self.random.pick(&some)) }
    }

    fn mark(&mut self, name: &str, change: impl Fn(&mut Socket)) {
        self.sockets.iter_mut().filter(|socket| socket.name == name).for_each(change);
    }

    fn socket(&mut self) -> Socket {
        let family = self.random.pick(self.habit.families);
        self.socket_of(family)
    }

    fn socket_of(&mut self, family: Family) -> Socket {
        let name = self.push_new(Call::Socket(family), 's');
        let socket = Socket { name, family, at: None, listens: false, connected: false };
        self.sockets.push(socket.clone());
        while self.random.percent(self.habit.options_percent) {
            self.option(&socket);
        }
        socket
    }

    fn option(&mut self, socket: &Socket) {
        let option = self.random.pick(self.habit.options).value(&mut self.random, self.habit);
        // IPV6_V6ONLY on an IPv4 socket says little: seldom.
        if matches!(option, SocketOption::V6Only(_)) && !socket.family.is_v6() && self.random.percent(95) {
            return;
        }
        self.push(Call::Setsockopt(socket.name.clone(), option));
    }

    fn bind(&mut self, socket: &Socket) {
        let ip = self.ip(socket.family);
        let port = self.random.pick(self.habit.ports);
        let at = SocketAddr::new(ip, port);
        self.push(Call::Bind(socket.name.clone(), at));
        self.mark(&socket.name, |socket| socket.at = Some(at));
    }

    fn listen(&mut self, name: &str) {
        let backlog = self.random.pick(self.habit.backlogs);
        self.push(Call::Listen(name.to_owned(), backlog));
        self.mark(name, |socket| socket.listens = true);
    }

    fn ip(&mut self, family: Family) -> IpAddr {
        let v6 = if self.random.percent(self.habit.wrong_family_percent) { !family.is_v6() } else { family.is_v6() };
        if v6 { self.random.pick(self.habit.v6).into() } else { self.random.pick(self.habit.v4).into() }
    }

    fn server(&mut self) {
        let tcp: Vec<Family> = self.habit.families.iter().copied().filter(|family| family.is_tcp()).collect();
        let family = if tcp.is_empty() { self.random.pick(self.habit.families) } else { self.random.pick(&tcp) };
        let socket = self.socket_of(family);
        self.bind(&socket);
        self.listen(&socket.name);
    }

    fn socket_for(&mut self, server: &Socket) -> Socket {
        let family = if self.random.percent(75) { server.family } else { self.random.pick(self.habit.families) };
        self.socket_of(family)
    }

    fn connect_to(&mut self, client: &Socket, server: &Socket) {
        if self.random.percent(self.habit.client_binds_percent) {
            self.bind(client);
        }
        let address = match server.at {
            Some(at) => self.seen_from(client, at),
            None => self.target(client),
        };
        self.push(Call::Connect(client.name.clone(), address));
        self.mark(&client.name, |socket| socket.connected = true);
    }

    fn pair(&mut self) {
        let Some(server) = self.listener() else { return };
        let client = self.socket_for(&server);
        self.connect_to(&client, &server);
        self.accept(&server);
    }

    fn accept(&mut self, server: &Socket) {
        let name = self.push_new(Call::Accept(server.name.clone()), 'c');
        self.sockets.push(Socket { name, family: server.family, at: server.at, listens: false, connected: true });
    }

    /// Where to connect: mostly at a socket that is there.
    fn target(&mut self, from: &Socket) -> SocketAddr {
        let bound: Vec<SocketAddr> = self.sockets.iter().filter_map(|socket| socket.at).collect();
        if !bound.is_empty() && self.random.percent(75) {
            let at = self.random.pick(&bound);
            return self.seen_from(from, at);
        }
        let ip = self.ip(from.family);
        SocketAddr::new(ip, self.random.pick(self.habit.ports))
    }

    /// An address at which `at` may be reached by a socket of the family.
    fn seen_from(&mut self, from: &Socket, at: SocketAddr) -> SocketAddr {
        let at = reachable(at, &mut self.random);
        match at.ip() {
            IpAddr::V4(ip) if from.family.is_v6() => {
                let mapped = self.random.percent(80);
                SocketAddr::new(if mapped { ip.to_ipv6_mapped().into() } else { Ipv6Addr::LOCALHOST.into() }, at.port())
            }
            IpAddr::V6(ip) if !from.family.is_v6() => {
                SocketAddr::new(ip.to_ipv4_mapped().unwrap_or(Ipv4Addr::LOCALHOST).into(), at.port())
            }
            _ => at,
        }
    }
}

/// A wildcard as one of the addresses that it stands for.
fn reachable(at: SocketAddr, random: &mut Random) -> SocketAddr {
    let ip = match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            random.pick(&[Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, TWO, ip]).into()
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            random.pick(&[Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, Ipv4Addr::LOCALHOST.to_ipv6_mapped(), ip]).into()
        }
        ip => ip,
    };
    SocketAddr::new(ip, at.port())
}

const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Addresses that a case may add to `lo`, with their prefixes.
const ADDED: &[(IpAddr, u8)] = &[
    (IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1)), 32),
    (IpAddr::V4(Ipv4Addr::new(10, 9, 0, 2)), 32),
    (IpAddr::V4(Ipv4Addr::new(10, 8, 0, 1)), 24),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)), 64),
];

/// Counters that both worlds have.
const COUNTERS: &[&str] = &[
    "TcpActiveOpens",
    "TcpPassiveOpens",
    "TcpAttemptFails",
    "TcpEstabResets",
    "TcpOutRsts",
    "TcpExtTWRecycled",
    "TcpExtListenOverflows",
    "TcpExtListenDrops",
    "TcpExtTCPAbortOnData",
    "TcpExtTCPAbortOnClose",
    "TcpExtTCPTimeWaitOverflow",
    "IpOutNoRoutes",
    "Ip6OutNoRoutes",
    "IcmpOutDestUnreachs",
    "Icmp6InDestUnreachs",
    "UdpInDatagrams",
    "UdpNoPorts",
    "UdpOutDatagrams",
    "Udp6InDatagrams",
    "Udp6NoPorts",
    "Udp6OutDatagrams",
];
