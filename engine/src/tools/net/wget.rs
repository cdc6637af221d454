//! `wget` as busybox has it: one page over HTTP/1.1, printed.
//!
//! Source: busybox 1.35 `networking/wget.c`; what it printed in a pod. Modelled: `-q -S -O - -O /dev/null` and one `http://`
//! address. Left out, with a message: other protocols, files, `-T`, `-c`, `-P`, `--spider`, `--post-data`.

use std::net::SocketAddr;
use std::time::Duration;

use super::curl::{Target, header, split, target};
use super::resolve;
use crate::host::{Answer, Call};
use crate::linux::Errno;
use crate::linux::address::Family;
use crate::linux::socket::Protocol;
use crate::tools::Cx;
use crate::tools::jobs::Process;
use crate::tools::options::{self, flag, value};

/// How long an answer is waited for.
const WAIT: Duration = Duration::from_secs(30);

/// Runs wget.
pub fn run(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[flag('q', ""), flag('S', ""), value('O', "")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let [address] = &given.operands[..] else {
        cx.eprint("portlab models wget with one address\n");
        return 1;
    };
    let file = given.value('O').unwrap_or("");
    if !["-", "/dev/null"].contains(&file) {
        cx.eprint("portlab models no files in containers: add -O -\n");
        return 1;
    }
    let Ok(target) = target(address) else {
        return cx.fail(&format!("not an http or ftp url: {address}"), 1);
    };
    let Some(ip) = resolve(cx, &target.host) else {
        return cx.fail(&format!("bad address '{}'", target.host), 1);
    };
    let to = SocketAddr::new(ip, target.port);
    let quiet = given.has('q');
    if !quiet {
        cx.eprint(&format!("Connecting to {}:{} ({to})\n", target.host, target.port));
    }
    let process = Process::start(cx);
    let received = fetch(cx, process, to, &target);
    process.exit(cx, 0);
    let shown = received.and_then(|received| show(cx, &received, (given.has('S'), quiet, file)));
    shown.map_or_else(|text| cx.fail(&text, 1), |()| 0)
}

fn fetch(cx: &mut Cx, process: Process, to: SocketAddr, target: &Target) -> Result<Vec<u8>, String> {
    let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
    let call = Call::Socket { protocol: Protocol::Tcp, family, name: None };
    let fd = process.call(cx, call).number().map_err(|errno| errno.words().to_owned())?;
    let refused = |errno: Errno| format!("can't connect to remote host ({}): {}", to.ip(), errno.words());
    let began = cx.world.now();
    while let Err(errno) = process.call(cx, Call::Connect { fd, to }).number() {
        let waits = matches!(errno, Errno::Einprogress | Errno::Ealready) && !cx.world.halted();
        if !waits || cx.world.now().since(began) > Duration::from_secs(127) {
            return Err(refused(if waits { Errno::Etimedout } else { errno }));
        }
    }
    let port = if target.port == 80 { String::new() } else { format!(":{}", target.port) };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}{port}\r\nUser-Agent: Wget\r\nConnection: close\r\n\r\n",
        target.path, target.host
    );
    let sent = process.call(cx, Call::Send { fd, data: request.as_bytes().into() });
    sent.number().map_err(|errno| format!("error getting response: {}", errno.words()))?;
    let mut received = Vec::new();
    let mut waited = false;
    loop {
        match process.call(cx, Call::Recv { fd }) {
            Answer::Data(data) if data.is_empty() => return Ok(received),
            Answer::Data(data) => received.extend_from_slice(&data),
            Answer::Refused { refusal, .. } if refusal.errno == Errno::Eagain && !waited && !cx.world.halted() => {
                waited = true;
                cx.world.advance(WAIT);
            }
            Answer::Refused { refusal, .. } if refusal.errno == Errno::Eagain => {
                return Err("portlab: still waits for an answer; stopped after 30 s".to_owned());
            }
            _ => return Err("error getting response: Connection reset by peer".to_owned()),
        }
    }
}

fn show(cx: &mut Cx, received: &[u8], (heads, quiet, file): (bool, bool, &str)) -> Result<(), String> {
    let Some((head, body)) = split(received) else { return Err("error getting response".to_owned()) };
    let head = String::from_utf8_lossy(head).into_owned();
    if heads {
        let lines: String = head.lines().map(|line| format!("  {line}\n")).collect();
        cx.eprint(&lines);
    }
    let status = head.lines().next().unwrap_or("").to_owned();
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("server returned error: {status}"));
    }
    if header(&head, "Transfer-Encoding").is_some() {
        return Err("portlab does not model Transfer-Encoding".to_owned());
    }
    let (from, to, name) = match file {
        "-" => ("writing to stdout".to_owned(), "written to stdout".to_owned(), "-"),
        file => (format!("saving to '{file}'"), format!("'{file}' saved"), "null"),
    };
    if !quiet {
        cx.eprint(&format!("{from}\n"));
    }
    if file == "-" {
        cx.print(&String::from_utf8_lossy(body));
    }
    if !quiet {
        let bar = "*".repeat(32);
        cx.eprint(&format!("{name:<20} 100% |{bar}| {:>5}  0:00:00 ETA\n{to}\n", body.len()));
    }
    Ok(())
}
