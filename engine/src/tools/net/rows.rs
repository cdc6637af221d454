//! The sockets of a host as rows: what `ss`, `netstat` and `lsof` show of each.
//!
//! Source: `inet_csk_diag_fill`, `inet_sk_diag_fill` and `inet_twsk_diag_fill` in `net/ipv4/inet_diag.c`. IPv4 comes before
//! IPv6, listeners before connections; among these the kernel's order is that of a hash, and here that of their making.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use crate::host::Host;
use crate::host_spec::PidNamespace;
use crate::linux::address::Family;
use crate::linux::socket::{Protocol, Request, Socket, SocketId, State, TimeWait};

/// A timer of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// `on` for a retransmission, `keepalive` for an orphan's wait, `timewait`.
    pub name: &'static str,
    pub left_ms: u64,
    pub retransmits: u32,
}

/// The process that has the socket open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub pid: u32,
    pub fd: u32,
}

/// A socket, or what is shown like one.
#[derive(Clone, Debug)]
pub struct Row {
    pub protocol: Protocol,
    pub family: Family,
    pub state: State,
    pub recv_q: u64,
    pub send_q: u64,
    pub local: (Ipv6Addr, u16),
    pub peer: (Ipv6Addr, u16),
    pub v6only: bool,
    /// The device that it is bound to.
    pub device: Option<String>,
    pub uid: u32,
    /// 0 where no descriptor refers to it.
    pub inode: u64,
    /// Whether it is a full socket, not what remains of one or is yet to be one.
    pub full: bool,
    /// It receives no more; it sends no more.
    pub shut: (bool, bool),
    pub timer: Option<Timer>,
    pub user: Option<User>,
    /// A number of its own, from the order of making.
    pub cookie: u64,
}

/// All sockets of a host, UDP first, as `ss` orders them; of their processes those that are seen from there.
#[must_use]
pub fn of_host(host: &Host, from: &PidNamespace) -> Vec<Row> {
    let namespace = host.namespace();
    let now = namespace.now();
    let mut users: BTreeMap<SocketId, User> = BTreeMap::new();
    // A container counts its own processes, from 1.
    let first = match from {
        PidNamespace::Container(_) => host.processes.iter().find(|(_, process)| process.pids == *from),
        _ => None,
    };
    let before = first.map_or(0, |(pid, _)| pid - 1);
    for (pid, process) in host.processes.iter().filter(|(_, process)| from.sees(&process.pids)) {
        for (fd, id) in &process.fds {
            users.insert(*id, User { name: process.name().to_owned(), pid: pid - before, fd: *fd });
        }
    }
    let shown = |socket: &Socket| match socket.protocol {
        Protocol::Tcp => socket.state != State::Close,
        Protocol::Udp => socket.hashed || socket.num != 0,
    };
    let sockets = namespace.sockets().filter(|(_, socket)| shown(socket));
    let device = |index: Option<u32>| {
        let devices = &namespace.routing.devices;
        index.and_then(|index| devices.iter().find(|device| device.index == index)).map(|device| device.name.clone())
    };
    let mut rows: Vec<Row> = sockets
        .map(|(id, socket)| Row { device: device(socket.options.device), ..of_socket(socket, now, users.remove(&id)) })
        .collect();
    rows.extend(
        namespace.requests().map(|(_, request)| of_request(request, namespace.socket_of(request.listener), now)),
    );
    rows.extend(namespace.time_waits().map(|(_, wait)| Row { device: device(wait.device), ..of_time_wait(wait, now) }));
    rows.sort_by_key(|row| {
        let listens = row.state == State::Listen;
        let port = if listens || row.protocol == Protocol::Udp { row.local.1 } else { 0 };
        let age = if listens { u64::MAX - row.cookie } else { row.cookie };
        (row.protocol == Protocol::Tcp, row.family, !listens, port, age)
    });
    rows
}

fn of_socket(socket: &Socket, now: u64, user: Option<User>) -> Row {
    let listening = &socket.listening;
    let (recv_q, send_q) = match (socket.protocol, socket.state) {
        (Protocol::Tcp, State::Listen) => (listening.queue.len(), listening.backlog as usize),
        (Protocol::Tcp, _) => {
            let tcp = &socket.tcp;
            let unacknowledged = tcp.snd_nxt.wrapping_sub(tcp.snd_una) as usize;
            // A FIN that nobody has read takes a number.
            let fin = usize::from(tcp.done && !tcp.end_read);
            (tcp.received.len() + fin, unacknowledged + tcp.unsent.len())
        }
        (Protocol::Udp, _) => (socket.datagrams.unread_bytes(), 0),
    };
    let left = |due: u64| due.saturating_sub(now);
    let tcp = &socket.tcp;
    let retransmit =
        tcp.retransmit.map(|key| Timer { name: "on", left_ms: left(key.due()), retransmits: tcp.retransmits });
    let orphan = tcp.orphan_timer.map(|key| Timer { name: "keepalive", left_ms: left(key.due()), retransmits: 0 });
    Row {
        protocol: socket.protocol,
        family: socket.family,
        state: socket.state,
        recv_q: recv_q as u64,
        send_q: send_q as u64,
        local: (socket.local, socket.num),
        peer: (socket.peer, socket.dport),
        v6only: socket.options.v6only,
        device: None,
        uid: socket.uid,
        inode: if user.is_some() { socket.inode } else { 0 },
        full: true,
        shut: (socket.shut_read, socket.shut_write),
        timer: retransmit.or(orphan),
        user,
        cookie: socket.inode,
    }
}

fn of_request(request: &Request, listener: &Socket, now: u64) -> Row {
    let left_ms = request.timer.due().saturating_sub(now);
    Row {
        state: State::SynRecv,
        recv_q: 0,
        send_q: 0,
        local: (request.local, request.num),
        peer: (request.peer, request.dport),
        inode: 0,
        full: false,
        timer: Some(Timer { name: "on", left_ms, retransmits: request.retransmits }),
        user: None,
        shut: (false, false),
        ..of_socket(listener, now, None)
    }
}

fn of_time_wait(wait: &TimeWait, now: u64) -> Row {
    Row {
        protocol: Protocol::Tcp,
        family: wait.family,
        state: wait.substate,
        recv_q: 0,
        send_q: 0,
        local: (wait.local, wait.num),
        peer: (wait.peer, wait.dport),
        v6only: wait.v6only,
        device: None,
        uid: 0,
        inode: 0,
        full: false,
        shut: (true, true),
        timer: Some(Timer { name: "timewait", left_ms: wait.timer.due().saturating_sub(now), retransmits: 0 }),
        user: None,
        cookie: wait.entered,
    }
}
