//! What nc does in the background: a server that waits for somebody, or a client that holds its connection.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::{Asked, fail, shown, socket, succeeded};
use crate::host::{Answer, Call};
use crate::lab::Stream;
use crate::linux::Errno;
use crate::linux::options::SocketOption;
use crate::linux::socket::{Protocol, State};
use crate::linux::tcp::close::Shutdown;
use crate::tools::Cx;
use crate::tools::jobs::{self, Process, Starting, Step};
use crate::world::World;

/// A program in the background: a server, or a client that holds its connection.
#[derive(Clone, Debug)]
pub struct Background {
    /// Whether it is a client, which ends with its connection.
    client: bool,
    /// Whether it takes another connection after one has ended.
    keep: bool,
    verbose: bool,
    numeric: bool,
    ends: bool,
    udp: bool,
    /// What is still to be sent to the other side.
    input: Rc<[u8]>,
    /// Whether the end of standard input has been passed on.
    ended: bool,
}

/// Connects and goes into the background; a connection that takes longer than the shell waits comes about there.
pub(super) fn hold(
    cx: &mut Cx,
    asked: &Asked,
    (host, addresses, port): (&str, &[IpAddr], u16),
    detached: bool,
    starting: Starting,
) -> i32 {
    if !detached && cx.stdin.is_empty() {
        cx.eprint("portlab: nc would be stopped, for a job in the background may not read the terminal: add -d\n");
        return 2;
    }
    if asked.timeout.is_some() {
        cx.eprint("portlab does not model nc -w in the background\n");
        return 2;
    }
    let process = Process::start(cx);
    let sink = starting.sink.clone();
    jobs::begin(cx, process.pid, starting);
    let to = SocketAddr::new(addresses[0], port);
    let opened =
        socket(cx, process, asked, to.ip()).and_then(|fd| match process.call(cx, Call::Connect { fd, to }).number() {
            Ok(_) => Ok(true),
            Err(Errno::Einprogress) => Ok(false),
            Err(errno) if asked.verbose => Err(connect_failed(asked, &shown(host, to.ip()), port, errno)),
            Err(_) => Err(String::new()),
        });
    match opened {
        Ok(connected) => {
            if connected && asked.verbose {
                succeeded(cx, asked, host, port);
            }
            let input = if detached { String::new() } else { cx.take_stdin() };
            let (verbose, numeric, ends) = (asked.verbose, asked.numeric, asked.ends);
            let udp = asked.protocol == Protocol::Udp;
            let input: Rc<[u8]> = input.into_bytes().into();
            let program = Background { client: true, keep: false, verbose, numeric, ends, udp, input, ended: false };
            jobs::go_on(cx, process.pid, program, sink);
            jobs::settle(cx.world);
        }
        Err(text) => {
            if !text.is_empty() {
                cx.eprint(&format!("nc: {text}\n"));
            }
            jobs::end(cx.world, &cx.host, process.pid, "Exit 1");
        }
    }
    0
}

fn connect_failed(asked: &Asked, name: &str, port: u16, errno: Errno) -> String {
    let protocol = if asked.protocol == Protocol::Tcp { "tcp" } else { "udp" };
    format!("connect to {name} port {port} ({protocol}) failed: {}", errno.words())
}

/// Listens and goes into the background.
pub(super) fn serve(cx: &mut Cx, asked: &Asked, keep: bool, at: SocketAddr) -> i32 {
    let starting = cx.world.jobs.starting.take();
    let udp = asked.protocol == Protocol::Udp;
    if udp && !keep {
        cx.eprint("portlab does not model nc -l -u without -k\n");
        return 2;
    }
    let process = Process::start(cx);
    let bare = Asked { source: None, source_port: 0, ..asked.clone() };
    let listening = socket(cx, process, &bare, at.ip()).and_then(|fd| {
        process.call(cx, Call::SetOption { fd, option: SocketOption::ReuseAddr(true) });
        process.call(cx, Call::SetOption { fd, option: SocketOption::ReusePort(true) });
        process.call(cx, Call::Bind { fd, to: at }).number().map_err(|errno| errno.words().to_owned())?;
        if !udp {
            process.call(cx, Call::Listen { fd, backlog: 1 }).number().map_err(|e| format!("listen: {}", e.words()))?;
        }
        Ok(fd)
    });
    if let Err(text) = listening {
        fail(cx, &text);
        return process.exit(cx, 1);
    }
    if asked.verbose {
        let verb = if udp { "Bound" } else { "Listening" };
        cx.eprint(&format!("{verb} on {} {}\n", at.ip(), at.port()));
    }
    let Some(starting) = starting else {
        cx.eprint("portlab: nobody could connect to nc -l in the foreground: put & after it\n");
        return process.exit(cx, 130);
    };
    let input: Rc<[u8]> = cx.take_stdin().into_bytes().into();
    let (verbose, numeric, ends) = (asked.verbose, asked.numeric, asked.ends);
    let server = Background { client: false, keep, verbose, numeric, ends, udp, input, ended: false };
    jobs::serve(cx, process.pid, Some(server), starting);
    jobs::settle(cx.world);
    0
}

/// Does the next thing that a program in the background has to do; what it prints. Where it stands, its descriptors say: of
/// a server 3 listens and 4 is connected, of a client 3 is.
pub fn step(world: &mut World, of: (&str, u32), server: &mut Background) -> (Step, Vec<(Stream, String)>) {
    let mut said = Vec::new();
    let step = if server.udp { datagrams(world, of, &mut said) } else { connection(world, of, server, &mut said) };
    (step, said)
}

fn datagrams(world: &mut World, (host, pid): (&str, u32), said: &mut Vec<(Stream, String)>) -> Step {
    let waiting = world.host(host).is_some_and(|host| {
        let id = host.processes.get(&pid).and_then(|process| process.fds.get(&3));
        id.is_some_and(|id| !host.namespace().socket_of(*id).datagrams.is_empty())
    });
    if !waiting {
        return Step::Idle;
    }
    if let Answer::Data(data) = world.call(host, pid, Call::Recv { fd: 3 }) {
        said.push((Stream::Stdout, String::from_utf8_lossy(&data).into_owned()));
    }
    Step::Busy
}

fn connection(
    world: &mut World,
    (at, pid): (&str, u32),
    server: &mut Background,
    said: &mut Vec<(Stream, String)>,
) -> Step {
    let Some(host) = world.host(at) else { return Step::Idle };
    let Some(process) = host.processes.get(&pid) else { return Step::Idle };
    let socket = |fd: u32| process.fds.get(&fd).map(|id| host.namespace().socket_of(*id));
    let fd = if server.client { 3 } else { 4 };
    let Some(connected) = socket(fd) else {
        if socket(3).is_none_or(|socket| socket.listening.queue.is_empty()) {
            return Step::Idle;
        }
        if let Answer::Accepted { peer, .. } = world.call(at, pid, Call::Accept { fd: 3, name: None })
            && server.verbose
        {
            let local = peer.ip().to_canonical().is_loopback() && !server.numeric;
            let name = if local { "localhost".to_owned() } else { peer.ip().to_string() };
            said.push((Stream::Stderr, format!("Connection received on {name} {}\n", peer.port())));
        }
        server.ended = false;
        return Step::Busy;
    };
    if connected.state == State::SynSent && connected.error.is_none() {
        return Step::Idle;
    }
    let tcp = &connected.tcp;
    let failed = connected.error.is_some();
    let readable = !tcp.received.is_empty() || tcp.done || failed;
    if !server.input.is_empty() {
        let data = std::mem::replace(&mut server.input, Rc::from([]));
        world.call(at, pid, Call::Send { fd, data });
        return Step::Busy;
    }
    if server.ends && !server.ended {
        server.ended = true;
        world.call(at, pid, Call::Shutdown { fd, how: Shutdown::Write });
        return Step::Busy;
    }
    if !readable {
        return Step::Idle;
    }
    match world.call(at, pid, Call::Recv { fd }) {
        Answer::Data(data) if !data.is_empty() => {
            said.push((Stream::Stdout, String::from_utf8_lossy(&data).into_owned()));
            return Step::Busy;
        }
        Answer::Refused { refusal, .. } if refusal.errno == Errno::Eagain => return Step::Idle,
        _ => {}
    }
    world.call(at, pid, Call::Shutdown { fd, how: Shutdown::Read });
    world.call(at, pid, Call::Close { fd });
    match (server.keep, failed) {
        (true, _) => Step::Busy,
        // A connection that never came about, or was reset, is a failure of a client.
        (false, failed) => Step::Ended(i32::from(failed && server.client)),
    }
}
