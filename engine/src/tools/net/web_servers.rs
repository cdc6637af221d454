//! `python3 -m http.server` and `nginx`: web servers that stay up, with the lab's files as they are at the start.
//!
//! Source: Python 3.11 `http/server.py`; nginx 1.22.1 as Debian 12 configures it. Modelled: `python3 -m http.server
//! [-b ADDRESS] [PORT] &`; `nginx`, which goes into the background by itself and listens on port 80 of every address, and
//! `nginx -s stop`. Left out: the log, nginx's workers (one process stands for all), other programs of Python.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use crate::host::Call;
use crate::http::{Site, Software};
use crate::linux::Errno;
use crate::linux::address::Family;
use crate::linux::options::SocketOption;
use crate::linux::socket::Protocol;
use crate::tools::Cx;
use crate::tools::jobs::{self, Process};

/// Runs Python's web server.
pub fn python3(cx: &mut Cx) -> i32 {
    let starting = cx.world.jobs.starting.take();
    let words: Vec<&str> = cx.args.iter().skip(1).map(String::as_str).collect();
    let ["-m", "http.server", rest @ ..] = &words[..] else {
        cx.eprint("portlab models one program of python3: python3 -m http.server [PORT] &\n");
        return 2;
    };
    let (address, rest) = match rest {
        ["-b" | "--bind", address, rest @ ..] => (address.parse::<IpAddr>(), rest),
        [port, "-b" | "--bind", address] => (address.parse::<IpAddr>(), &[*port][..]),
        rest => (Ok(Ipv4Addr::UNSPECIFIED.into()), rest),
    };
    let port = match rest {
        [] => Ok(8000),
        [port] => port.parse::<u16>(),
        _ => "".parse(),
    };
    let (Ok(address), Ok(port)) = (address, port) else {
        cx.eprint("usage: server.py [-h] [--cgi] [-b ADDRESS] [-d DIRECTORY] [-p VERSION] [port]\n");
        return 2;
    };
    let Some(starting) = starting else {
        cx.eprint("portlab: nobody could ask http.server in the foreground: put & after it\n");
        return 130;
    };
    let process = Process::start(cx);
    if let Err(errno) = listen(cx, process, SocketAddr::new(address, port), 5) {
        cx.eprint(&format!("OSError: [Errno {}] {}\n", errno.number(), errno.words()));
        return process.exit(cx, 1);
    }
    serve(cx, process, Software::Python);
    jobs::serve(cx, process.pid, None, starting);
    0
}

/// Runs nginx.
pub fn nginx(cx: &mut Cx) -> i32 {
    let words: Vec<String> = cx.args.iter().skip(1).cloned().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match &words[..] {
        [] => {}
        ["-s", "stop" | "quit"] => return stop(cx),
        ["-v"] => {
            cx.eprint("nginx version: nginx/1.22.1\n");
            return 0;
        }
        _ => {
            cx.eprint("portlab models nginx without options, nginx -s stop and nginx -v\n");
            return 2;
        }
    }
    let process = Process::start(cx);
    let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    for address in any {
        let to = SocketAddr::new(address, 80);
        if let Err(errno) = listen(cx, process, to, 511) {
            let line = format!("nginx: [emerg] bind() to {to} failed ({}: {})\n", errno.number(), errno.words());
            cx.eprint(&line.repeat(5));
            cx.eprint("nginx: [emerg] still could not bind()\n");
            return process.exit(cx, 1);
        }
    }
    serve(cx, process, Software::Nginx("1.22.1"));
    0
}

fn stop(cx: &mut Cx) -> i32 {
    let running = cx.world.host(&cx.host).and_then(|host| {
        host.processes.iter().find(|(_, process)| process.serves.is_some() && process.name() == "nginx")
    });
    let Some(pid) = running.map(|(pid, _)| *pid) else {
        cx.eprint("nginx: [error] open() \"/run/nginx.pid\" failed (2: No such file or directory)\n");
        return 1;
    };
    cx.world.call(&cx.host, pid, Call::Exit);
    0
}

/// A socket that listens there, with `SO_REUSEADDR` as both programs set it.
fn listen(cx: &mut Cx, process: Process, to: SocketAddr, backlog: i32) -> Result<(), Errno> {
    let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
    let fd = process.call(cx, Call::Socket { protocol: Protocol::Tcp, family, name: None }).number()?;
    process.call(cx, Call::SetOption { fd, option: SocketOption::ReuseAddr(true) });
    if family == Family::V6 {
        process.call(cx, Call::SetOption { fd, option: SocketOption::V6Only(true) });
    }
    process.call(cx, Call::Bind { fd, to }).number()?;
    process.call(cx, Call::Listen { fd, backlog }).number()?;
    Ok(())
}

fn serve(cx: &mut Cx, process: Process, software: Software) {
    let (files, since) = (cx.world.state.files.clone(), cx.world.now());
    let site = Site { software, files, hostname: cx.host.clone(), since };
    process.call(cx, Call::Serve { site: Rc::new(site) });
}
