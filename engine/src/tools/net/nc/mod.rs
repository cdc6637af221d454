//! `nc`: netcat as OpenBSD has it: connect, send standard input, print what comes; or listen and do the same.
//!
//! Source: `netcat.c` of netcat-openbsd 1.219 (Debian 12). Modelled: `-4 -6 -d -k -l -N -n -p -q -s -u -v -w -z`. A server
//! goes into the background with `&`; its standard input is then empty, or what a pipe gives it. Left out, with a message:
//! a server in the foreground, for nobody could connect to it; `-u -l` without `-k`; proxies, UNIX sockets, telnet.

mod background;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use super::services;
use crate::host::{Answer, Call};
use crate::linux::Errno;
use crate::linux::address::Family;
use crate::linux::socket::Protocol;
use crate::linux::tcp::close::Shutdown;
use crate::tools::Cx;
use crate::tools::jobs::Process;
use crate::tools::options::{self, flag, value};
pub use background::{Background, step};
use background::{hold, serve};

/// How long a client that waits for nothing in particular is let wait.
const WAIT: Duration = Duration::from_secs(30);

const USAGE: &str = "\
usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
\t  [destination] [port]
";

/// What the options ask for.
#[derive(Clone, Debug)]
struct Asked {
    protocol: Protocol,
    family: Option<Family>,
    numeric: bool,
    verbose: bool,
    /// `-z`: connect and no more.
    scan: bool,
    /// `-w`
    timeout: Option<Duration>,
    /// `-N`, or `-q` with a time: the end of standard input ends the sending.
    ends: bool,
    source: Option<IpAddr>,
    source_port: u16,
}

/// Runs nc.
pub fn run(cx: &mut Cx) -> i32 {
    let mut specs: Vec<_> = "46dklNnuvz".chars().map(|c| flag(c, "")).collect();
    specs.extend("pqsw".chars().map(|c| value(c, "")));
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let asked = match asked(&given) {
        Ok(asked) => asked,
        Err(text) => return fail(cx, &text),
    };
    let (host, ports) = match (&given.operands[..], given.has('l')) {
        ([], true) if asked.source_port != 0 => (None, vec![asked.source_port.to_string()]),
        ([], true) => return fail(cx, "missing port number"),
        ([port], true) if asked.source_port == 0 => (None, vec![port.clone()]),
        ([host], true) => (Some(host.clone()), vec![asked.source_port.to_string()]),
        ([], false) => {
            cx.eprint(USAGE);
            return 1;
        }
        ([_], false) => return fail(cx, "missing port number"),
        ([host, ports @ ..], _) => (Some(host.clone()), ports.to_vec()),
    };
    if given.has('l') && (given.value('s').is_some() || ports.len() > 1) {
        cx.eprint(USAGE);
        return 1;
    }
    if given.has('k') && !given.has('l') {
        return fail(cx, "must use -l with -k");
    }
    let ports = match ports_of(&ports, asked.protocol) {
        Ok(ports) => ports,
        Err(text) => return fail(cx, &text),
    };
    let addresses = match resolve(host.as_deref(), &asked) {
        Ok(addresses) => addresses,
        Err(()) => {
            let (name, port) = (host.unwrap_or_default(), ports[0]);
            return fail(cx, &format!("getaddrinfo for host \"{name}\" port {port}: Name or service not known"));
        }
    };
    if given.has('l') {
        return serve(cx, &asked, given.has('k'), SocketAddr::new(addresses[0], ports[0]));
    }
    let host = host.unwrap_or_default();
    if let Some(starting) = cx.world.jobs.starting.take().filter(|_| !asked.scan) {
        return hold(cx, &asked, (&host, &addresses, ports[0]), given.has('d'), starting);
    }
    let process = Process::start(cx);
    let mut status = 1;
    for port in ports {
        match connect(cx, process, &asked, &host, &addresses, port) {
            Ok(Some(fd)) => {
                status = talk(cx, process, &asked, &host, (fd, port));
                process.call(cx, Call::Close { fd });
            }
            Ok(None) => {}
            Err(text) => {
                fail(cx, &text);
                return process.exit(cx, 1);
            }
        }
        if cx.world.halted() {
            break;
        }
    }
    process.exit(cx, status)
}

fn fail(cx: &mut Cx, text: &str) -> i32 {
    cx.eprint(&format!("nc: {text}\n"));
    1
}

fn asked(given: &options::Given) -> Result<Asked, String> {
    let family = match (given.has('4'), given.has('6')) {
        (_, true) => Some(Family::V6),
        (true, false) => Some(Family::V4),
        _ => None,
    };
    let seconds = |text: &str| text.parse::<u32>().map(|secs| Duration::from_secs(u64::from(secs)));
    let timeout = given.value('w').map(|text| seconds(text).map_err(|_| format!("timeout invalid: {text}")));
    let source = given.value('s').map(|text| {
        text.parse::<IpAddr>().map_err(|_| format!("getaddrinfo for source \"{text}\": Name or service not known"))
    });
    let protocol = if given.has('u') { Protocol::Udp } else { Protocol::Tcp };
    Ok(Asked {
        protocol,
        family,
        numeric: given.has('n'),
        verbose: given.has('v'),
        scan: given.has('z'),
        timeout: timeout.transpose()?,
        ends: given.has('N') || given.value('q').is_some_and(|text| !text.starts_with('-')),
        source: source.transpose()?,
        source_port: given.value('p').map_or(Ok(0), |text| port_of(text, protocol))?,
    })
}

fn port_of(text: &str, protocol: Protocol) -> Result<u16, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 1 => Err(format!("port number too small: {text}")),
        Ok(number) => u16::try_from(number).map_err(|_| format!("port number too large: {text}")),
        Err(_) => services::port(text, protocol).ok_or_else(|| format!("port number invalid: {text}")),
    }
}

/// Ports and ranges of them, as `80`, `http`, `8000-8010`.
fn ports_of(words: &[String], protocol: Protocol) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    for word in words {
        match word.split_once('-').filter(|_| word.starts_with(|c: char| c.is_ascii_digit())) {
            Some((low, high)) => {
                let (low, high) = (port_of(low, protocol)?, port_of(high, protocol)?);
                ports.extend(low.min(high)..=low.max(high));
            }
            None => ports.push(port_of(word, protocol)?),
        }
    }
    Ok(ports)
}

/// The addresses of a name: the lab knows `localhost` alone.
fn resolve(host: Option<&str>, asked: &Asked) -> Result<Vec<IpAddr>, ()> {
    let v6 = asked.family == Some(Family::V6);
    let addresses: Vec<IpAddr> = match host {
        None if v6 => vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
        None => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
        Some("localhost") if !asked.numeric && !v6 => vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        Some(host) => vec![host.parse().map_err(|_| ())?],
    };
    let fits = |address: &IpAddr| asked.family.is_none_or(|family| (family == Family::V6) == address.is_ipv6());
    if addresses.iter().all(fits) { Ok(addresses) } else { Err(()) }
}

/// A socket for the address, with the options and the address of its own that were asked for.
fn socket(cx: &mut Cx, process: Process, asked: &Asked, to: IpAddr) -> Result<u32, String> {
    let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
    let answer = process.call(cx, Call::Socket { protocol: asked.protocol, family, name: None });
    let fd = answer.number().map_err(|errno| errno.words().to_owned())?;
    if asked.source.is_some() || asked.source_port != 0 {
        let any = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let own = SocketAddr::new(asked.source.unwrap_or(any), asked.source_port);
        let bound = process.call(cx, Call::Bind { fd, to: own });
        bound.number().map_err(|errno| format!("bind failed: {}", errno.words()))?;
    }
    Ok(fd)
}

/// Connects to the first address that answers; none when there is no such.
fn connect(
    cx: &mut Cx,
    process: Process,
    asked: &Asked,
    host: &str,
    addresses: &[IpAddr],
    port: u16,
) -> Result<Option<u32>, String> {
    for address in addresses {
        let to = SocketAddr::new(*address, port);
        let fd = socket(cx, process, asked, *address)?;
        let began = cx.world.now();
        let failed = loop {
            let Err(errno) = process.call(cx, Call::Connect { fd, to }).number() else { return Ok(Some(fd)) };
            let waits = matches!(errno, Errno::Einprogress | Errno::Ealready) && !cx.world.halted();
            if !waits {
                break format!("failed: {}", errno.words());
            }
            if asked.timeout.is_some_and(|timeout| cx.world.now().since(began) >= timeout) {
                break format!("timed out: {}", Errno::Einprogress.words());
            }
        };
        if asked.verbose {
            let protocol = if asked.protocol == Protocol::Tcp { "tcp" } else { "udp" };
            let name = shown(host, *address);
            cx.eprint(&format!("nc: connect to {name} port {port} ({protocol}) {failed}\n"));
        }
        process.call(cx, Call::Close { fd });
    }
    Ok(None)
}

/// A name with its address, or an address.
fn shown(host: &str, address: IpAddr) -> String {
    if host.parse::<IpAddr>().is_ok() { host.to_owned() } else { format!("{host} ({address})") }
}

/// What is done on a connection: nothing with -z, else standard input goes out and what comes is printed.
fn talk(cx: &mut Cx, process: Process, asked: &Asked, host: &str, (fd, port): (u32, u16)) -> i32 {
    let udp = asked.protocol == Protocol::Udp;
    // Only who wants to be told tries whether anybody is there.
    if udp && asked.verbose && !probe(cx, process, fd) {
        return 1;
    }
    if asked.verbose {
        succeeded(cx, asked, host, port);
    }
    if asked.scan {
        return 0;
    }
    let input = cx.take_stdin();
    for piece in input.as_bytes().chunks(16_384) {
        if process.call(cx, Call::Send { fd, data: piece.into() }).number().is_err() {
            return 1;
        }
    }
    if asked.ends && !udp {
        process.call(cx, Call::Shutdown { fd, how: Shutdown::Write });
    }
    receive(cx, process, fd, asked)
}

fn succeeded(cx: &mut Cx, asked: &Asked, host: &str, port: u16) {
    let protocol = if asked.protocol == Protocol::Udp { "udp" } else { "tcp" };
    let service = services::name(port, asked.protocol).filter(|_| !asked.numeric).unwrap_or("*");
    let name = if host == "localhost" { "localhost (127.0.0.1)".to_owned() } else { host.to_owned() };
    cx.eprint(&format!("Connection to {name} {port} port [{protocol}/{service}] succeeded!\n"));
}

/// Four bytes and one, a second apart: a closed port of UDP says so by ICMP.
fn probe(cx: &mut Cx, process: Process, fd: u32) -> bool {
    for number in 0..5 {
        if number > 1 {
            cx.world.advance(Duration::from_secs(1));
        }
        if process.call(cx, Call::Send { fd, data: Rc::from(*b"X") }).number().is_err() {
            return false;
        }
    }
    true
}

/// Prints what comes until the peer ends, or until nothing has come for as long as `-w` says.
fn receive(cx: &mut Cx, process: Process, fd: u32, asked: &Asked) -> i32 {
    let mut waited = false;
    loop {
        match process.call(cx, Call::Recv { fd }) {
            Answer::Data(data) if data.is_empty() && asked.protocol == Protocol::Tcp => {
                process.call(cx, Call::Shutdown { fd, how: Shutdown::Read });
                return 0;
            }
            Answer::Data(data) => {
                waited = false;
                cx.print(&String::from_utf8_lossy(&data));
            }
            Answer::Refused { refusal, .. } if refusal.errno == Errno::Eagain && !cx.world.halted() => {
                if waited {
                    if asked.timeout.is_some() || asked.protocol == Protocol::Udp && asked.ends {
                        return 0;
                    }
                    cx.eprint("portlab: nc still waits for the other side; stopped after 30 s\n");
                    return 130;
                }
                waited = true;
                cx.world.advance(asked.timeout.unwrap_or(WAIT));
            }
            _ => return 1,
        }
    }
}
