//! `ab`: ApacheBench 2.3: many requests to one URL, some at a time, and what they took.
//!
//! Source: `support/ab.c` of httpd 2.4 (Debian 12). Modelled: `-n -c -k -q -r -s -d -S`. Who closes a connection first is the
//! server's matter: without `-k` it always is the server. A round of as many requests as go at a time takes 1 ms of the lab's
//! time, so all times in the report are alike. Left out, with a message: `-t`, other methods, HTTPS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use crate::host::{Answer, Call};
use crate::http::{Load, Tally};
use crate::linux::Errno;
use crate::tools::Cx;
use crate::tools::jobs::Process;
use crate::tools::options::{self, Given, flag, value};

/// The most requests of one run.
const REQUESTS_MAX: u32 = 100_000;
/// What a round takes.
const ROUND: Duration = Duration::from_millis(1);
/// How long a connection without an answer is waited for, unless `-s` says otherwise.
const TIMEOUT_SECS: u64 = 30;

const BANNER: &str = "\
This is ApacheBench, Version 2.3 <$Revision$>
Copyright 1996 Adam Twiss, Zeus Technology Ltd, http://www.zeustech.net/
Licensed to The Apache Software Foundation, http://www.apache.org/

";

/// What happened in all rounds.
#[derive(Default)]
struct Sum {
    tally: Tally,
    rounds: u64,
}

/// Runs ab.
pub fn run(cx: &mut Cx) -> i32 {
    let mut specs: Vec<_> = "kqrdS".chars().map(|c| flag(c, "")).collect();
    specs.extend("ncs".chars().map(|c| value(c, "")));
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let number = |letter: char, otherwise: u32| given.value(letter).map_or(Ok(otherwise), str::parse::<u32>);
    let (Ok(requests), Ok(concurrency), Ok(secs)) = (number('n', 1), number('c', 1), number('s', 30)) else {
        return wrong(cx, "Invalid number of requests");
    };
    if requests == 0 {
        return wrong(cx, "Invalid number of requests");
    }
    if concurrency == 0 || concurrency > 20_000 {
        return wrong(cx, "Invalid Concurrency [Range 0..20000]");
    }
    if concurrency > requests {
        return wrong(cx, "Cannot use concurrency level greater than total number of requests");
    }
    if requests > REQUESTS_MAX {
        cx.eprint(&format!("portlab: ab makes at most {REQUESTS_MAX} requests\n"));
        return 2;
    }
    let [url] = &given.operands[..] else { return wrong(cx, "wrong number of arguments") };
    let Some((host, to, path)) = target(url) else { return wrong(cx, "invalid URL") };
    let port = if to.port() == 80 { String::new() } else { format!(":{}", to.port()) };
    let load = Load {
        to,
        path: path.into(),
        host: format!("{host}{port}").into(),
        requests,
        concurrency,
        keep_alive: given.has('k'),
    };
    cx.print(&format!("{BANNER}Benchmarking {host} (be patient)..."));
    let process = Process::start(cx);
    let secs = if given.value('s').is_some() { u64::from(secs) } else { TIMEOUT_SECS };
    let status = match perform(cx, process, &load, given.has('r'), secs) {
        Ok(sum) => {
            let text = report(&given, &host, &load, &sum);
            cx.print(&text);
            0
        }
        Err(status) => status,
    };
    process.exit(cx, status)
}

fn wrong(cx: &mut Cx, text: &str) -> i32 {
    cx.eprint(&format!("ab: {text}\nUsage: ab [options] [http[s]://]hostname[:port]/path\n"));
    22
}

/// Host, address and path of a URL, which needs a path.
fn target(url: &str) -> Option<(String, SocketAddr, String)> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_once('/')?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, 80),
    };
    let bare = host.trim_matches(['[', ']']);
    let address: IpAddr = if bare == "localhost" { Ipv4Addr::LOCALHOST.into() } else { bare.parse().ok()? };
    Some((bare.to_owned(), SocketAddr::new(address, port), format!("/{path}")))
}

/// Makes the requests, round by round.
fn perform(cx: &mut Cx, process: Process, load: &Load, goes_on: bool, timeout_secs: u64) -> Result<Sum, i32> {
    let mut sum = Sum::default();
    let mut silent = 0;
    while sum.tally.complete < load.requests && !cx.world.halted() {
        let left = load.requests - sum.tally.complete;
        let round = Load { requests: left, ..load.clone() };
        let tally = match process.call(cx, Call::Load { load: round }) {
            Answer::Loaded(tally) => tally,
            Answer::Refused { refusal, .. } => {
                return Err(failed(cx, "\napr_socket_connect()", refusal.errno, ""));
            }
            _ => break,
        };
        add(&mut sum, &tally);
        let done = if sum.tally.complete > 0 {
            format!("Total of {} requests completed\n", sum.tally.complete)
        } else {
            String::new()
        };
        if let Some(errno) = tally.connect {
            return Err(failed(cx, "\nTest aborted after 10 failures\n\napr_socket_connect()", errno, &done));
        }
        if let Some(errno) = tally.receive.filter(|_| !goes_on) {
            return Err(failed(cx, "apr_socket_recv", errno, &done));
        }
        if tally.complete > 0 {
            silent = 0;
            cx.world.advance(ROUND);
        } else if silent < timeout_secs {
            silent += 1;
            cx.world.advance(Duration::from_secs(1));
        } else {
            cx.eprint(&format!("apr_pollset_poll: The timeout specified has expired (70007)\n{done}"));
            return Err(119);
        }
    }
    Ok(sum)
}

fn failed(cx: &mut Cx, what: &str, errno: Errno, done: &str) -> i32 {
    cx.eprint(&format!("{what}: {} ({})\n{done}", errno.words(), errno.number()));
    errno.number()
}

fn add(sum: &mut Sum, round: &Rc<Tally>) {
    let all = &mut sum.tally;
    all.complete += round.complete;
    all.kept += round.kept;
    all.non_2xx += round.non_2xx;
    all.total_bytes += round.total_bytes;
    all.html_bytes += round.html_bytes;
    all.first = all.first.take().or_else(|| round.first.clone());
    sum.rounds += 1;
}

/// The report, as ab prints it for requests that each took one round.
fn report(given: &Given, host: &str, load: &Load, sum: &Sum) -> String {
    let tally = &sum.tally;
    let (head, length) = tally.first.clone().unwrap_or_else(|| ("".into(), 0));
    let software = head.lines().find_map(|line| line.strip_prefix("Server: ")).unwrap_or("").to_owned();
    let seconds = sum.rounds as f64 / 1000.0;
    let count = f64::from(tally.complete);
    let mut text = format!(
        "..done\n\n\nServer Software:        {software}\nServer Hostname:        {host}\n\
         Server Port:            {}\n\nDocument Path:          {}\nDocument Length:        {length} bytes\n\n\
         Concurrency Level:      {}\nTime taken for tests:   {seconds:.3} seconds\n\
         Complete requests:      {}\nFailed requests:        0\n",
        load.to.port(),
        load.path,
        load.concurrency,
        tally.complete,
    );
    if tally.non_2xx > 0 {
        text += &format!("Non-2xx responses:      {}\n", tally.non_2xx);
    }
    if load.keep_alive {
        text += &format!("Keep-Alive requests:    {}\n", tally.kept);
    }
    let each = f64::from(load.concurrency) * seconds * 1000.0 / count;
    text += &format!(
        "Total transferred:      {} bytes\nHTML transferred:       {} bytes\n\
         Requests per second:    {:.2} [#/sec] (mean)\nTime per request:       {each:.3} [ms] (mean)\n\
         Time per request:       {:.3} [ms] (mean, across all concurrent requests)\n\
         Transfer rate:          {:.2} [Kbytes/sec] received\n\n",
        tally.total_bytes,
        tally.html_bytes,
        count / seconds,
        seconds * 1000.0 / count,
        tally.total_bytes as f64 / 1024.0 / seconds,
    );
    text += &times(given);
    text
}

/// The times of connections, which are all alike.
fn times(given: &Given) -> String {
    let mut text = "Connection Times (ms)\n".to_owned();
    text += if given.has('S') {
        "              min    avg   max\n"
    } else {
        "              min  mean[+/-sd] median   max\n"
    };
    for (name, ms) in [("Connect:", 0), ("Processing:", 1), ("Waiting:", 1), ("Total:", 1)] {
        if given.has('S') {
            if name != "Waiting:" {
                text += &format!("{name:<13}{ms:>5} {ms:>5} {ms:>5}\n");
            }
        } else {
            text += &format!("{name:<13}{ms:>4} {ms:>4} {:>5.1} {ms:>6} {ms:>7}\n", 0.0);
        }
    }
    if !given.has('d') {
        text += "\nPercentage of the requests served within a certain time (ms)\n";
        for percent in [50, 66, 75, 80, 90, 95, 98, 99] {
            text += &format!(" {percent:>3}% {:>6}\n", 1);
        }
        text += &format!(" 100% {:>6} (longest request)\n", 1);
    }
    text
}
