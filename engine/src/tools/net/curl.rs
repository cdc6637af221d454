//! `curl`: HTTP/1.1 over one connection.
//!
//! Source: curl 7.88.1 (Debian 12). Modelled: `http://` addresses, `-s -S -f -i -I -v -4 -6 -m -o -X -H -d -w`,
//! `--connect-timeout`, `--interface`, `--local-port`, `-k -L -g` without effect. It prints as on a terminal: no progress meter. Left out, with a
//! message: other protocols, several addresses, redirections, proxies, chunked bodies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::curl_writeout::{Told, told_failed, write_out};
use super::resolve;
use crate::host::{Answer, Call};
use crate::linux::Errno;
use crate::linux::address::Family;
use crate::linux::options::SocketOption;
use crate::linux::socket::Protocol;
use crate::time::Time;
use crate::tools::jobs::Process;
use crate::tools::options::{self, Given, flag, value};
use crate::tools::{Cx, files};

/// How long an answer is waited for where no option says so.
const WAIT: Duration = Duration::from_secs(30);

/// Why curl ends: its exit status and what it says.
pub(super) type Failure = (i32, String);

/// What an address of HTTP names.
pub(super) struct Target {
    pub host: String,
    pub port: u16,
    pub path: String,
}

/// What came back.
#[derive(Default)]
struct Reply {
    head: String,
    body: Vec<u8>,
}

/// Runs curl.
pub fn run(cx: &mut Cx) -> i32 {
    let flags = [('s', "silent"), ('S', "show-error"), ('f', "fail"), ('i', "include"), ('I', "head")];
    let more = [('v', "verbose"), ('4', "ipv4"), ('6', "ipv6"), ('V', "version")];
    // These change nothing here: certificates, redirects and patterns in addresses are not modelled, and a connection ends with curl.
    let idle = [('k', "insecure"), ('L', "location"), ('g', "globoff"), ('N', "no-buffer"), ('K', "no-keepalive")];
    let values = [('m', "max-time"), ('o', "output"), ('X', "request"), ('H', "header"), ('d', "data")];
    let named = [('w', "write-out"), ('c', "connect-timeout"), ('n', "interface"), ('p', "local-port")];
    let mut specs: Vec<_> = flags.iter().chain(&more).chain(&idle).map(|(short, long)| flag(*short, long)).collect();
    specs.extend(values.iter().chain(&named).map(|(short, long)| value(*short, long)));
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.has('V') {
        cx.print("curl 7.88.1\n");
        return 0;
    }
    let [address] = &given.operands[..] else {
        if given.operands.is_empty() {
            cx.eprint("curl: try 'curl --help' or 'curl --manual' for more information\n");
        } else {
            cx.eprint("portlab models curl with one address\n");
        }
        return 2;
    };
    let done = target(address).and_then(|target| fetch(cx, &given, &target));
    let status = match done {
        Ok(status) => status,
        Err((status, text)) => {
            if !given.has('s') || given.has('S') {
                cx.eprint(&format!("curl: ({status}) {text}\n"));
            }
            status
        }
    };
    if status == 130 {
        cx.eprint("portlab: curl still waits for an answer; stopped after 30 s\n");
    }
    status
}

pub(super) fn target(address: &str) -> Result<Target, Failure> {
    let bad = || (3, "URL using bad/illegal format or missing URL".to_owned());
    let rest = match address.split_once("://") {
        Some(("http", rest)) => rest,
        Some((other @ ("https" | "ftp"), _)) => return Err((1, format!("portlab does not model {other}"))),
        Some((other, _)) => return Err((1, format!("Protocol \"{other}\" not supported or disabled in libcurl"))),
        None => address,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (place, path) = rest.split_at(end);
    let (host, port) = match place.rsplit_once(':').filter(|_| !place.ends_with(']')) {
        Some((host, port)) => (host, port.parse::<u16>().map_err(|_| bad())?),
        None => (place, 80),
    };
    if host.is_empty() {
        return Err(bad());
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok(Target { host: host.trim_matches(['[', ']']).to_owned(), port, path })
}

fn fetch(cx: &mut Cx, given: &Given, target: &Target) -> Result<i32, Failure> {
    let seconds = |option: char| {
        given.value(option).and_then(|text| text.parse().ok()).and_then(|secs| Duration::try_from_secs_f64(secs).ok())
    };
    let host = &target.host;
    let v6 = given.has('6') && !given.has('4') && host == "localhost";
    let found = if v6 { Some(Ipv6Addr::LOCALHOST.into()) } else { resolve(cx, host) };
    let fits = |address: &IpAddr| given.has('4') == given.has('6') || given.has('6') == address.is_ipv6();
    let address = match found {
        Some(address) if fits(&address) => address,
        Some(_) => return Err(told_failed(cx, given, (7, "Couldn't connect to server".into()), None)),
        None => return Err(told_failed(cx, given, (6, format!("Could not resolve host: {host}")), None)),
    };
    let began = cx.world.now();
    let process = Process::start(cx);
    let limit = seconds('m');
    let connected = connect(cx, process, given, target, address, (limit, seconds('c')));
    let own = connected.as_ref().ok().and_then(|fd| own(cx, process, *fd));
    let ends = own.map(|own| (own, SocketAddr::new(address, target.port)));
    let exchanged = connected.and_then(|fd| exchange(cx, process, given, target, fd, (began, limit)));
    process.exit(cx, 0);
    let reply = exchanged.map_err(|failure| told_failed(cx, given, failure, ends))?;
    let spent = cx.world.now().since(began);
    finish(cx, given, target, &reply, (own, SocketAddr::new(address, target.port), spent))
}

/// A connected socket. What is said of a failure names the time that it took.
fn connect(
    cx: &mut Cx,
    process: Process,
    given: &Given,
    target: &Target,
    address: IpAddr,
    (limit, patience): (Option<Duration>, Option<Duration>),
) -> Result<u32, Failure> {
    let verbose = given.has('v');
    let to = SocketAddr::new(address, target.port);
    let began = cx.world.now();
    let family = if address.is_ipv4() { Family::V4 } else { Family::V6 };
    let fd = process.call(cx, Call::Socket { protocol: Protocol::Tcp, family, name: None }).number().unwrap_or(3);
    if verbose {
        cx.eprint(&format!("*   Trying {to}...\n"));
    }
    let own = given.value('n').map(str::parse::<IpAddr>);
    let own_port = given.value('p').and_then(|port| port.parse().ok()).unwrap_or(0);
    if own.is_some() || own_port != 0 {
        let any = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let own = match own {
            Some(Ok(own)) => Some(own),
            // A socket that is bound to a device is not bound to an address besides.
            Some(Err(_)) => {
                bind_to_device(cx, process, fd, given.value('n').unwrap_or(""))?;
                None
            }
            None => Some(any),
        };
        if let Some(own) = own
            && let Err(errno) = process.call(cx, Call::Bind { fd, to: SocketAddr::new(own, own_port) }).number()
        {
            return Err((45, format!("bind failed with errno {}: {}", errno.number(), errno.words())));
        }
    }
    let most = limit.into_iter().chain(patience).min().unwrap_or(Duration::from_secs(300));
    loop {
        let answer = process.call(cx, Call::Connect { fd, to }).number();
        let spent = cx.world.now().since(began);
        let (host, port, ms) = (&target.host, target.port, spent.as_millis());
        match answer {
            Ok(_) => break,
            Err(Errno::Einprogress | Errno::Ealready) if spent < most && !cx.world.halted() => {}
            Err(Errno::Einprogress | Errno::Ealready) => {
                return Err((28, format!("Connection timed out after {ms} milliseconds")));
            }
            Err(errno) => {
                let text = format!("Failed to connect to {host} port {port} after {ms} ms: Couldn't connect to server");
                if verbose {
                    let why = if errno == Errno::Econnrefused || errno == Errno::Etimedout {
                        format!("* connect to {address} port {port} failed: {}\n", errno.words())
                    } else {
                        format!("* Immediate connect fail for {address}: {}\n", errno.words())
                    };
                    cx.eprint(&format!("{why}* {text}\n* Closing connection 0\n"));
                }
                return Err((7, text));
            }
        }
    }
    if verbose {
        cx.eprint(&format!("* Connected to {} ({address}) port {} (#0)\n", target.host, target.port));
    }
    Ok(fd)
}

/// Binds to the device of `--interface`.
fn bind_to_device(cx: &mut Cx, process: Process, fd: u32, name: &str) -> Result<(), Failure> {
    let option = SocketOption::BindToDevice(name.to_owned());
    match process.call(cx, Call::SetOption { fd, option }).number() {
        Ok(_) if !name.is_empty() => Ok(()),
        _ => Err((45, format!("Couldn't bind to '{name}'"))),
    }
}

/// Sends the request and reads the answer; with it the connection's own port.
fn exchange(
    cx: &mut Cx,
    process: Process,
    given: &Given,
    target: &Target,
    fd: u32,
    (began, limit): (Time, Option<Duration>),
) -> Result<Reply, Failure> {
    let request = request(given, target);
    if given.has('v') {
        let head = request.split("\r\n\r\n").next().unwrap_or("");
        let lines: String = head.split("\r\n").map(|line| format!("> {line}\n")).collect();
        cx.eprint(&format!("{lines}> \n"));
    }
    if let Err(errno) = process.call(cx, Call::Send { fd, data: request.as_bytes().into() }).number() {
        return Err((55, format!("Send failure: {}", errno.words())));
    }
    let mut received: Vec<u8> = Vec::new();
    loop {
        match process.call(cx, Call::Recv { fd }) {
            Answer::Data(data) if data.is_empty() => {
                let reply = ended(&received);
                if let (Err((18, _)), Some((_, body))) = (&reply, split(&received))
                    && !given.has('o')
                {
                    cx.print(&String::from_utf8_lossy(body));
                }
                return reply;
            }
            Answer::Data(data) => {
                received.extend_from_slice(&data);
                if let Some(reply) = complete(&received, given.has('I'))? {
                    return Ok(reply);
                }
            }
            Answer::Refused { refusal, .. } if refusal.errno == Errno::Eagain => {
                let spent = cx.world.now().since(began);
                let left = limit.unwrap_or(WAIT).saturating_sub(spent);
                if left.is_zero() || cx.world.halted() {
                    let (Some(limit), body) = (limit, split(&received).map_or(0, |(_, body)| body.len())) else {
                        return Err((130, "stopped".to_owned()));
                    };
                    let ms = limit.as_millis();
                    return Err((
                        28,
                        format!("Operation timed out after {ms} milliseconds with {body} bytes received"),
                    ));
                }
                cx.world.advance(left);
            }
            Answer::Refused { refusal, .. } => return Err((56, format!("Recv failure: {}", refusal.errno.words()))),
            _ => return Err((56, "Recv failure: Invalid argument".to_owned())),
        }
    }
}

/// The connection's own end.
fn own(cx: &mut Cx, process: Process, fd: u32) -> Option<SocketAddr> {
    let host = cx.world.host(&cx.host)?;
    let socket = host.processes.get(&process.pid)?.fds.get(&fd)?;
    Some(host.namespace().getsockname(*socket))
}

fn request(given: &Given, target: &Target) -> String {
    let data = given.values('d').collect::<Vec<_>>().join("&");
    let default = if given.has('I') {
        "HEAD"
    } else if given.has('d') {
        "POST"
    } else {
        "GET"
    };
    let method = given.value('X').unwrap_or(default);
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let port = if target.port == 80 { String::new() } else { format!(":{}", target.port) };
    let mut text = format!(
        "{method} {} HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n",
        target.path
    );
    for header in given.values('H') {
        text += &format!("{header}\r\n");
    }
    if given.has('d') {
        text += &format!("Content-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n", data.len());
    }
    text + "\r\n" + &data
}

/// Head and body, once the head is there.
pub(super) fn split(received: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    Some(received.split_at(end))
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name));
    head.lines().find_map(of).map(|(_, value)| value.trim())
}

/// The answer, if it is all there by its own account.
fn complete(received: &[u8], head_only: bool) -> Result<Option<Reply>, Failure> {
    let start = &received[..received.len().min(5)];
    if !b"HTTP/".starts_with(start) {
        return Err((1, "Received HTTP/0.9 when not allowed".to_owned()));
    }
    let Some((head, body)) = split(received) else { return Ok(None) };
    let head = String::from_utf8_lossy(head).into_owned();
    if header(&head, "Transfer-Encoding").is_some() {
        return Err((2, "portlab does not model Transfer-Encoding".to_owned()));
    }
    let length = header(&head, "Content-Length").and_then(|length| length.parse::<usize>().ok());
    let length = if head_only { Some(0) } else { length };
    Ok(length.filter(|length| body.len() >= *length).map(|length| Reply { head, body: body[..length].to_vec() }))
}

/// The answer where the server has ended the connection.
fn ended(received: &[u8]) -> Result<Reply, Failure> {
    let Some((head, body)) = split(received) else {
        return Err((52, "Empty reply from server".to_owned()));
    };
    let head = String::from_utf8_lossy(head).into_owned();
    if let Some(length) = header(&head, "Content-Length").and_then(|length| length.parse::<usize>().ok()) {
        let left = length.saturating_sub(body.len());
        return Err((18, format!("transfer closed with {left} bytes remaining to read")));
    }
    Ok(Reply { head, body: body.to_vec() })
}

/// Own end, other end, and the time that it took.
type Ends = (Option<SocketAddr>, SocketAddr, Duration);

fn finish(cx: &mut Cx, given: &Given, target: &Target, reply: &Reply, ends: Ends) -> Result<i32, Failure> {
    let code = reply.head.split_whitespace().nth(1).unwrap_or("000").to_owned();
    if given.has('v') {
        let lines: String = reply.head.trim_end().lines().map(|line| format!("< {line}\n")).collect();
        cx.eprint(&format!("{lines}< \n"));
    }
    let failed = given.has('f') && code.parse::<u32>().is_ok_and(|code| code >= 400);
    if !failed {
        let mut text = if given.has('i') || given.has('I') { reply.head.clone() } else { String::new() };
        text += &String::from_utf8_lossy(&reply.body);
        match given.value('o') {
            None | Some("-") => cx.print(&text),
            Some("/dev/null") => {}
            Some(path) => files::write(cx.world, path, &text),
        }
    }
    if given.has('v') {
        cx.eprint(&format!("* Connection #0 to host {} left intact\n", target.host));
    }
    let error = format!("The requested URL returned error: {code}");
    let (status, error) = if failed { (22, error.as_str()) } else { (0, "") };
    let kind = header(&reply.head, "Content-Type").unwrap_or("");
    let (own, peer, spent) = ends;
    let told = Told { status, error, code: &code, own, peer: Some(peer), bytes: reply.body.len(), kind, spent };
    write_out(cx, given, given.operands.first().map_or("", String::as_str), &told);
    if failed {
        return Err((22, format!("The requested URL returned error: {code}")));
    }
    Ok(0)
}
