//! Laws that hold after any calls whatever.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::address::Family;
use super::bucket::Owner;
use super::demux::Holder;
use super::options::SocketOption;
use super::route::Device;
use super::socket::{Protocol, SocketId};
use super::tcp::close::Shutdown;
use super::tcp::tuple_of;
use super::{Errno, Namespace};

impl Namespace {
    /// What must be true between calls: every list names what is there, and everything that is there is listed once.
    fn check(&self) {
        for (id, socket) in self.sockets().filter(|(_, socket)| socket.protocol == Protocol::Tcp) {
            let bucket = self.buckets.get(socket.num).and_then(|bucket| bucket.at(socket.local));
            let listed = bucket.is_some_and(|at| at.owners.contains(&Owner::Socket(id)));
            assert_eq!(listed, socket.in_bucket, "{id:?} {socket:?}");
            let connection = self.established.find(&tuple_of(socket), Holder::Socket(id)).is_some();
            let listener = self.is_listed(id);
            assert_eq!(connection || listener, socket.hashed, "{id:?} {socket:?}");
            assert!(!socket.in_bucket || socket.num != 0);
            assert!(socket.listening.queue.iter().all(|child| self.sockets.contains(child.0 as usize)));
        }
        for (id, wait) in self.time_waits() {
            let bucket = self.buckets.get(wait.num).and_then(|bucket| bucket.at(wait.local));
            assert!(bucket.is_some_and(|at| at.owners.contains(&Owner::TimeWait(id))));
        }
        for tuple in self.flows.all_taken() {
            let holder = self.established.holders(&tuple).next();
            assert!(holder.is_some(), "{tuple:?} is free");
        }
        let owners = self.buckets.all().map(|bucket| bucket.owners().count()).sum::<usize>();
        let holders = self.sockets().filter(|(_, socket)| socket.in_bucket).count() + self.time_waits.len();
        assert_eq!(owners, holders);
    }
}

/// A step of a random life.
#[derive(Clone, Debug)]
enum Step {
    Socket(bool, bool),
    Set(usize, SocketOption),
    Bind(usize, usize, u16),
    Listen(usize, i32),
    Connect(usize, usize, u16),
    Accept(usize),
    Close(usize),
    Shutdown(usize, Shutdown),
    Send(usize),
    Recv(usize),
    Wait(u64),
}

const ADDRESSES: &[&str] = &["0.0.0.0", "127.0.0.1", "127.0.0.2", "::", "::1", "::ffff:127.0.0.1", "::ffff:0.0.0.0"];

fn step() -> impl Strategy<Value = Step> {
    let which = 0..8usize;
    let port = prop_oneof![Just(0u16), Just(8080), Just(40000), Just(40001)];
    let option = prop_oneof![
        any::<bool>().prop_map(SocketOption::ReuseAddr),
        any::<bool>().prop_map(SocketOption::ReusePort),
        any::<bool>().prop_map(SocketOption::V6Only),
        any::<bool>().prop_map(SocketOption::BindAddressNoPort),
        (any::<bool>(), 0..2u16).prop_map(|(on, seconds)| SocketOption::Linger { on, seconds }),
        Just(SocketOption::LocalPortRange { low: 40000, high: 40001 }),
        Just(SocketOption::BindToDevice("lo".into())),
    ];
    let how = prop_oneof![Just(Shutdown::Read), Just(Shutdown::Write), Just(Shutdown::Both)];
    prop_oneof![
        3 => (any::<bool>(), any::<bool>()).prop_map(|(tcp, v4)| Step::Socket(tcp, v4)),
        2 => (which.clone(), option).prop_map(|(which, option)| Step::Set(which, option)),
        4 => (which.clone(), 0..ADDRESSES.len(), port.clone()).prop_map(|(a, b, c)| Step::Bind(a, b, c)),
        3 => (which.clone(), 0..3i32).prop_map(|(a, b)| Step::Listen(a, b)),
        4 => (which.clone(), 0..ADDRESSES.len(), port).prop_map(|(a, b, c)| Step::Connect(a, b, c)),
        3 => which.clone().prop_map(Step::Accept),
        3 => which.clone().prop_map(Step::Close),
        2 => (which.clone(), how).prop_map(|(a, b)| Step::Shutdown(a, b)),
        2 => which.clone().prop_map(Step::Send),
        2 => which.prop_map(Step::Recv),
        1 => (0..100_000u64).prop_map(Step::Wait),
    ]
}

fn take(namespace: &mut Namespace, open: &mut Vec<SocketId>, step: &Step) {
    let at = |which: usize| (!open.is_empty()).then(|| open[which % open.len()]);
    let address = |which: usize, port| SocketAddr::new(ADDRESSES[which].parse().expect("an address"), port);
    match step {
        Step::Socket(tcp, v4) => {
            let protocol = if *tcp { Protocol::Tcp } else { Protocol::Udp };
            open.push(namespace.socket(protocol, if *v4 { Family::V4 } else { Family::V6 }));
        }
        Step::Set(which, option) => drop(at(*which).map(|id| namespace.setsockopt(id, option))),
        Step::Bind(which, to, port) => drop(at(*which).map(|id| namespace.bind(id, address(*to, *port)))),
        Step::Listen(which, backlog) => drop(at(*which).map(|id| namespace.listen(id, *backlog))),
        Step::Connect(which, to, port) => drop(at(*which).map(|id| namespace.connect(id, address(*to, *port)))),
        Step::Accept(which) => {
            let child = at(*which).and_then(|id| namespace.accept(id).ok());
            open.extend(child);
        }
        Step::Close(which) => {
            if let Some(id) = at(*which) {
                open.retain(|other| *other != id);
                namespace.close(id);
            }
        }
        Step::Shutdown(which, how) => drop(at(*which).map(|id| namespace.shutdown(id, *how))),
        Step::Send(which) => drop(at(*which).map(|id| namespace.send(id, b"abc"))),
        Step::Recv(which) => drop(at(*which).map(|id| namespace.recv(id))),
        Step::Wait(ms) => namespace.advance(*ms),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn lists_name_what_is_there(steps in proptest::collection::vec(step(), 1..60)) {
        let mut namespace = Namespace::new(7);
        let mut open = Vec::new();
        for step in &steps {
            take(&mut namespace, &mut open, step);
            namespace.check();
        }
        for id in open {
            namespace.close(id);
        }
        namespace.advance(3_000_000);
        prop_assert_eq!(namespace.sockets().count(), 0);
        prop_assert_eq!(namespace.time_waits().count(), 0);
        prop_assert_eq!(namespace.requests().count(), 0);
        prop_assert_eq!(namespace.buckets.all().count(), 0);
    }
}

/// Connects until no source port is left; how many connections that gave, and what the next was told.
fn exhaust(namespace: &mut Namespace, listener: SocketId, to: SocketAddr) -> (usize, Errno) {
    for count in 0.. {
        let client = namespace.socket(Protocol::Tcp, Family::V4);
        if let Err(refusal) = namespace.connect(client, to) {
            namespace.close(client);
            return (count, refusal.errno);
        }
        namespace.accept(listener).expect("a connection waits");
    }
    unreachable!("ports are 16 bits")
}

fn listen_at(namespace: &mut Namespace, address: &str) -> (SocketId, SocketAddr) {
    let address: SocketAddr = address.parse().expect("an address");
    let listener = namespace.socket(Protocol::Tcp, Family::V4);
    namespace.bind(listener, address).expect("a free port");
    namespace.listen(listener, 4096).expect("a free port");
    (listener, address)
}

#[test]
fn the_default_range_gives_28232_connections_to_a_destination() {
    let mut namespace = Namespace::new(1);
    let (first, to) = listen_at(&mut namespace, "127.0.0.1:80");
    assert_eq!(exhaust(&mut namespace, first, to), (28_232, Errno::Eaddrnotavail));
    // Another port, and another address, still work, on the same source ports.
    let (second, other) = listen_at(&mut namespace, "127.0.0.1:81");
    assert_eq!(exhaust(&mut namespace, second, other), (28_232, Errno::Eaddrnotavail));
    let (_, far) = listen_at(&mut namespace, "127.0.0.2:80");
    let client = namespace.socket(Protocol::Tcp, Family::V4);
    assert_eq!(namespace.connect(client, far), Ok(()));
}

#[test]
fn reserved_ports_are_not_chosen() {
    let mut namespace = Namespace::new(1);
    namespace.set_sysctl("net.ipv4.ip_local_reserved_ports", "40000-40999").expect("a list of ports");
    let (listener, to) = listen_at(&mut namespace, "127.0.0.1:80");
    assert_eq!(exhaust(&mut namespace, listener, to), (27_232, Errno::Eaddrnotavail));
}

#[test]
fn connect_takes_one_parity_first_and_bind_the_other() {
    let mut namespace = Namespace::new(3);
    let (listener, to) = listen_at(&mut namespace, "127.0.0.1:80");
    for index in 0..28_232 {
        let client = namespace.socket(Protocol::Tcp, Family::V4);
        namespace.connect(client, to).expect("a port is left");
        namespace.accept(listener).expect("a connection waits");
        assert_eq!(namespace.getsockname(client).port() % 2 == 1, index >= 14_116, "connection {index}");
    }
    let mut namespace = Namespace::new(3);
    for _ in 0..300 {
        let socket = namespace.socket(Protocol::Tcp, Family::V4);
        namespace.bind(socket, "0.0.0.0:0".parse().expect("an address")).expect("a port is left");
        assert_eq!(namespace.getsockname(socket).port() % 2, 1);
    }
}

/// Carries what left a host to the other, until neither has anything to say.
fn exchange(one: &mut Namespace, two: &mut Namespace) {
    while !(one.outbox.is_empty() && two.outbox.is_empty()) {
        std::mem::take(&mut one.outbox).into_iter().for_each(|leaving| two.receive(2, leaving.packet));
        std::mem::take(&mut two.outbox).into_iter().for_each(|leaving| one.receive(2, leaving.packet));
    }
}

/// A host with `eth0`.
fn host(address: &str) -> Namespace {
    let mut host = Namespace::new(1);
    host.routing.add_device(Device { name: "eth0".into(), link: Some("link".into()), ..Device::default() });
    host.add_address("eth0", address).expect("a prefix");
    host
}

#[test]
fn a_nonblocking_connect_does_not_wait() {
    let (mut client, mut server) = (host("192.0.2.10/24"), host("192.0.2.80/24"));
    let (listener, to) = listen_at(&mut server, "192.0.2.80:80");
    let there = client.socket(Protocol::Tcp, Family::V4);
    let refused = |result: Result<(), super::bind::Refusal>| result.map_err(|refusal| refusal.errno);
    assert_eq!(refused(client.connect_nonblocking(there, to)), Err(Errno::Einprogress));
    assert_eq!(refused(client.connect_nonblocking(there, to)), Err(Errno::Ealready));
    exchange(&mut client, &mut server);
    assert_eq!(client.socket_of(there).state, super::socket::State::Established);
    assert_eq!(refused(client.connect_nonblocking(there, to)), Ok(()));
    assert_eq!(refused(client.connect_nonblocking(there, to)), Err(Errno::Eisconn));
    server.accept(listener).expect("a connection waits");
    let nobody = client.socket(Protocol::Tcp, Family::V4);
    assert_eq!(
        refused(client.connect_nonblocking(nobody, "192.0.2.80:81".parse().expect("an address"))),
        Err(Errno::Einprogress)
    );
    exchange(&mut client, &mut server);
    assert_eq!(refused(client.connect_nonblocking(nobody, to)), Err(Errno::Econnrefused));
    // On this host the answer is there at once.
    let (_, here) = listen_at(&mut client, "127.0.0.1:80");
    let local = client.socket(Protocol::Tcp, Family::V4);
    assert_eq!(refused(client.connect_nonblocking(local, here)), Ok(()));
    let closed = client.socket(Protocol::Tcp, Family::V4);
    assert_eq!(
        refused(client.connect_nonblocking(closed, "127.0.0.1:81".parse().expect("an address"))),
        Err(Errno::Econnrefused)
    );
    assert_eq!(client.now(), 0);
}
