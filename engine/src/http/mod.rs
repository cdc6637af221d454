//! Web servers and their load, as programs that run on a host within the call or the packet that wakes them.
//!
//! What a server answers is in [`site`]. A server in the background takes every connection that waits, answers what is asked and closes where its program does:
//! Python's `http.server` speaks HTTP/1.0 and ends each connection itself; nginx keeps a connection where the client asks for
//! that, and ends it first where not. So who keeps `TIME_WAIT` follows from the programs. A load is many requests of one
//! client, `concurrency` at a time, in rounds: connect, ask, read. Measured with Python 3.11, nginx 1.22.1 and
//! ApacheBench 2.3. Left out: the time after which a server gives up.

mod site;

use std::net::SocketAddr;
use std::rc::Rc;

use crate::host::Process;
use crate::linux::address::Family;
use crate::linux::socket::{Protocol, SocketId, State};
use crate::linux::tcp::close::Shutdown;
use crate::linux::{Errno, Namespace};
use crate::time::Time;
pub use site::{Site, Software};

/// Requests of one client to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    pub to: SocketAddr,
    pub path: Rc<str>,
    pub host: Rc<str>,
    /// How many are still to be made.
    pub requests: u32,
    pub concurrency: u32,
    pub keep_alive: bool,
}

/// What came of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub complete: u32,
    /// Of these, on connections that stay open.
    pub kept: u32,
    /// Of these, with another status than 2xx.
    pub non_2xx: u32,
    pub total_bytes: u64,
    pub html_bytes: u64,
    /// Head and length of the body of the first answer.
    pub first: Option<(Rc<str>, usize)>,
    /// Why no further connection could be opened, and how often that was tried.
    pub connect: Option<Errno>,
    /// Why nothing came on a connection.
    pub receive: Option<Errno>,
}

/// Tries of a connection that fails before the client gives up.
const CONNECT_TRIES: u32 = 11;

/// Lets a server do what is to be done; whether there was anything.
pub fn serve(process: &mut Process, namespace: &mut Namespace, now: Time) -> bool {
    let Some(site) = process.serves.clone() else { return false };
    namespace.euid = process.euid;
    let mut busy = false;
    let sockets: Vec<(u32, SocketId)> = process.fds.iter().map(|(fd, id)| (*fd, *id)).collect();
    for (fd, id) in sockets {
        let socket = namespace.socket_of(id);
        if socket.state == State::Listen {
            while let Ok(child) = namespace.accept(id) {
                process.give(child, None);
                busy = true;
            }
            continue;
        }
        let asked = complete(&socket.tcp.received) || site.refuses(&socket.tcp.received);
        let over = socket.error.is_some() || socket.tcp.done && !asked;
        if !asked && !over {
            continue;
        }
        busy = true;
        let stays = asked && respond(namespace, id, &site, now);
        if !stays {
            process.fds.remove(&fd);
            namespace.abandon(id);
        }
    }
    busy
}

/// Answers a request; whether the connection stays open.
fn respond(namespace: &mut Namespace, id: SocketId, site: &Site, now: Time) -> bool {
    let Ok(request) = namespace.recv(id) else { return false };
    let socket = namespace.socket_of(id);
    let peer = socket.family.show(socket.peer, socket.dport);
    let Some((answer, keep)) = site.answer(&String::from_utf8_lossy(&request), peer, now) else { return true };
    let sent = namespace.send(id, &answer).is_ok();
    if sent && !keep && matches!(site.software, Software::Python | Software::Busybox) {
        let _ = namespace.shutdown(id, Shutdown::Write);
    }
    sent && keep
}

/// Whether a head has come to its end.
fn complete(received: &[u8]) -> bool {
    received.windows(4).any(|four| four == b"\r\n\r\n")
}

/// First part of a round, done until it says that there are as many connections as are wanted: opens one more. Whoever
/// listens takes it before the next comes.
pub fn open(process: &mut Process, namespace: &mut Namespace, load: &Load, tally: &mut Tally) -> bool {
    namespace.euid = process.euid;
    let wanted = load.concurrency.min(load.requests) as usize;
    let family = if load.to.is_ipv4() { Family::V4 } else { Family::V6 };
    if process.fds.len() >= wanted {
        return true;
    }
    for _ in 0..CONNECT_TRIES {
        let id = namespace.socket(Protocol::Tcp, family);
        match namespace.connect_nonblocking(id, load.to) {
            Err(refusal) if refusal.errno == Errno::Econnrefused => {
                tally.receive = Some(refusal.errno);
                namespace.abandon(id);
                return true;
            }
            Err(refusal) if refusal.errno != Errno::Einprogress => {
                tally.connect = Some(refusal.errno);
                namespace.abandon(id);
            }
            _ => {
                process.give(id, None);
                return process.fds.len() >= wanted;
            }
        }
    }
    true
}

/// Second part: each connection that stands asks.
pub fn ask(process: &Process, namespace: &mut Namespace, load: &Load) {
    let connection = if load.keep_alive { "Connection: Keep-Alive\r\n" } else { "" };
    let (path, host) = (&load.path, &load.host);
    let request = format!(
        "GET {path} HTTP/1.0\r\n{connection}Host: {host}\r\nUser-Agent: ApacheBench/2.3\r\nAccept: */*\r\n\r\n"
    );
    for id in process.fds.values() {
        // One that has asked before and waits for its answer has something under way.
        let socket = namespace.socket_of(*id);
        let idle = socket.tcp.received.is_empty() && !process.asked.contains(id);
        if socket.state == State::Established && idle {
            let _ = namespace.send(*id, request.as_bytes());
        }
    }
}

/// Third part: answers are read; a connection that the server has ended, or that is not to be kept, is closed.
pub fn read(process: &mut Process, namespace: &mut Namespace, load: &Load, tally: &mut Tally) {
    process.asked.clear();
    let sockets: Vec<(u32, SocketId)> = process.fds.iter().map(|(fd, id)| (*fd, *id)).collect();
    for (fd, id) in sockets {
        let socket = namespace.socket_of(id);
        if let Some(errno) = socket.error {
            tally.receive = Some(errno);
        } else if complete(&socket.tcp.received) {
            let ended = socket.tcp.done;
            let data = namespace.recv(id).unwrap_or_default();
            let kept = count(&data, load, tally) && !ended;
            // Past the last request nothing is asked any more; what is kept is closed by the end of the program.
            if kept {
                continue;
            }
        } else {
            if socket.state != State::SynSent {
                process.asked.insert(id);
            }
            continue;
        }
        process.fds.remove(&fd);
        namespace.abandon(id);
    }
}

/// Counts an answer; whether its connection is kept.
fn count(data: &[u8], load: &Load, tally: &mut Tally) -> bool {
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let kept = load.keep_alive && head.to_ascii_lowercase().contains("connection: keep-alive");
    tally.complete += 1;
    tally.kept += u32::from(kept);
    tally.non_2xx += u32::from(!head.split(' ').nth(1).unwrap_or("").starts_with('2'));
    tally.total_bytes += data.len() as u64;
    tally.html_bytes += body.len() as u64;
    if tally.first.is_none() {
        tally.first = Some((head.into(), body.len()));
    }
    kept
}
