//! `lsof -i`: the sockets that processes of the host have open.
//!
//! Source: `print.c` of lsof 4.95. Modelled: `-i [4|6][TCP|UDP][@ADDRESS][:PORTS]`, `-n`, `-P`, `-t`,
//! and what narrows it: `-p`, `-c`, `-u`, `-s TCP:STATES`.
//! Left out, with a message: everything that is not a socket of the internet.

use std::net::{IpAddr, Ipv6Addr};

use super::rows::{self, Row};
use super::services;
use crate::kube::kubelet::hosts;
use crate::linux::address::{Family, canonical, is_any};
use crate::linux::socket::{Protocol, State};
use crate::tools::Cx;

#[derive(Debug, Default)]
struct Asked {
    internet: bool,
    family: Option<Family>,
    protocol: Option<Protocol>,
    address: Option<Ipv6Addr>,
    ports: Vec<(u32, u32)>,
    pids: Vec<u32>,
    /// Beginnings of the programs' names (`-c`).
    commands: Vec<String>,
    /// States that are asked for, and those that are not (`^LISTEN`).
    states: Vec<String>,
    but: Vec<String>,
    /// Users (`-u`); all processes are root's.
    users: Vec<String>,
    numeric_hosts: bool,
    numeric_ports: bool,
    terse: bool,
}

/// Runs lsof.
pub fn run(cx: &mut Cx) -> i32 {
    let asked = match asked(&cx.args[1..]) {
        Ok(asked) if asked.internet => asked,
        Ok(asked) if !asked.pids.is_empty() || !asked.commands.is_empty() => {
            cx.eprint("portlab: of open files the sockets alone are modelled\n");
            asked
        }
        Ok(_) => return cx.fail("portlab models lsof -i alone, as lsof -nP -i :8080", 2),
        Err(text) => return cx.fail(&text, 1),
    };
    cx.world.start_host(&cx.host);
    let from = hosts::pids_of(cx.world, cx.place);
    let mut rows = cx.world.host(&cx.host).map(|host| rows::of_host(host, &from)).unwrap_or_default();
    rows.retain(|row| fits(row, &asked));
    rows.sort_by_key(|row| row.user.as_ref().map(|user| (user.pid, user.fd)));
    if rows.is_empty() {
        return 1;
    }
    let text = if asked.terse { pids(&rows) } else { table(&rows, &asked) };
    cx.print(&text);
    0
}

fn asked(words: &[String]) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(mut letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            return Err("portlab does not model lsof of files".into());
        };
        while let Some(letter) = letters.chars().next() {
            letters = &letters[letter.len_utf8()..];
            match letter {
                'n' => asked.numeric_hosts = true,
                'P' => asked.numeric_ports = true,
                't' => asked.terse = true,
                // What is asked for besides -i narrows it.
                'a' => {}
                'i' | 's' | 'p' | 'c' | 'u' => {
                    let mut next = || words.next_if(|next| !next.starts_with('-')).map_or("", String::as_str);
                    let value = if letters.is_empty() { next() } else { letters };
                    match letter {
                        'i' => internet(&mut asked, value)?,
                        's' => states(&mut asked, value)?,
                        'c' => asked.commands.push(value.to_owned()),
                        'u' => asked.users.extend(value.split(',').map(str::to_owned)),
                        _ => {
                            let pids = value.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>();
                            asked.pids = pids.map_err(|_| format!("illegal process ID: {value}"))?;
                        }
                    }
                    letters = "";
                }
                other => return Err(format!("portlab does not model option -{other} of lsof")),
            }
        }
    }
    Ok(asked)
}

/// `TCP:LISTEN,ESTABLISHED`, `TCP:^LISTEN`
fn states(asked: &mut Asked, text: &str) -> Result<(), String> {
    let names = text.to_ascii_uppercase();
    let Some(names) = names.strip_prefix("TCP:") else { return Err(format!("unknown -s protocol: {text}")) };
    for name in names.split(',') {
        let (name, list) = match name.strip_prefix('^') {
            Some(name) => (name, &mut asked.but),
            None => (name, &mut asked.states),
        };
        if !STATES.iter().any(|state| state.name() == name) {
            return Err(format!("unknown TCP state name: {name}"));
        }
        list.push(name.to_owned());
    }
    Ok(())
}

const STATES: [State; 11] = [
    State::Established,
    State::SynSent,
    State::SynRecv,
    State::FinWait1,
    State::FinWait2,
    State::TimeWait,
    State::Close,
    State::CloseWait,
    State::LastAck,
    State::Listen,
    State::Closing,
];

/// `4TCP@127.0.0.1:80,8000-8010`
fn internet(asked: &mut Asked, text: &str) -> Result<(), String> {
    let bad = || format!("unacceptable Internet address in: -i {text}");
    asked.internet = true;
    let (front, ports) = match text.rsplit_once(':').filter(|_| !text.ends_with(']')) {
        Some((front, ports)) => (front, Some(ports)),
        None => (text, None),
    };
    let (kind, host) = front.split_once('@').map_or((front, None), |(kind, host)| (kind, Some(host)));
    let kind = kind.to_ascii_uppercase();
    let (family, protocol) = match kind.strip_prefix(['4', '6']) {
        Some(rest) if kind.starts_with('4') => (Some(Family::V4), rest),
        Some(rest) => (Some(Family::V6), rest),
        None => (None, kind.as_str()),
    };
    asked.family = family;
    asked.protocol = match protocol {
        "" => None,
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        _ => return Err(format!("unknown protocol name ({kind}) in: -i {text}", kind = kind.to_ascii_lowercase())),
    };
    if let Some(host) = host {
        let host = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
        asked.address = Some(canonical(host.parse::<IpAddr>().map_err(|_| bad())?));
    }
    let service = |name: &str| services::port(name, Protocol::Tcp).or_else(|| services::port(name, Protocol::Udp));
    let port = |name: &str| name.parse().ok().or_else(|| service(name).map(u32::from));
    for part in ports.into_iter().flat_map(|ports| ports.split(',')) {
        // A service may have a dash in its name.
        let range = part.split_once('-').and_then(|(low, high)| Some((port(low)?, port(high)?)));
        let one = || port(part).map(|port| (port, port));
        asked.ports.push(range.or_else(one).ok_or_else(|| format!("unknown service {part} in: -i {text}"))?);
    }
    Ok(())
}

fn fits(row: &Row, asked: &Asked) -> bool {
    let Some(user) = &row.user else { return false };
    let port = |port: u16| asked.ports.iter().any(|(low, high)| (*low..=*high).contains(&u32::from(port)));
    let ends = [row.local, row.peer];
    let is = |names: &[String]| names.iter().any(|name| name == row.state.name());
    let state = (asked.states.is_empty() || is(&asked.states)) && !is(&asked.but);
    asked.family.is_none_or(|family| row.family == family)
        && asked.protocol.is_none_or(|protocol| row.protocol == protocol)
        && asked.address.is_none_or(|address| ends.iter().any(|end| end.0 == address))
        && (asked.ports.is_empty() || ends.iter().any(|end| port(end.1)))
        && (asked.pids.is_empty() || asked.pids.contains(&user.pid))
        && (asked.commands.is_empty() || asked.commands.iter().any(|name| user.name.starts_with(name.as_str())))
        && (asked.users.is_empty() || asked.users.iter().any(|name| name == "root" || name == "0"))
        && (row.protocol == Protocol::Udp || state)
}

fn pids(rows: &[Row]) -> String {
    let mut pids: Vec<u32> = rows.iter().filter_map(|row| row.user.as_ref()).map(|user| user.pid).collect();
    pids.dedup();
    pids.iter().map(|pid| format!("{pid}\n")).collect()
}

fn table(rows: &[Row], asked: &Asked) -> String {
    let users = || rows.iter().filter_map(|row| row.user.as_ref().map(|user| (row, user)));
    let widest = |least: usize, of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let of_user = |row: &Row, name: bool| {
        row.user.as_ref().map_or(0, |user| if name { user.name.len().min(9) } else { user.pid.to_string().len() })
    };
    let name = widest(7, &|row| of_user(row, true));
    let pid = widest(3, &|row| of_user(row, false));
    let device = widest(6, &|row| row.inode.to_string().len());
    let mut text =
        format!("{:<name$} {:>pid$} USER   FD   TYPE {:>device$} SIZE/OFF NODE NAME\n", "COMMAND", "PID", "DEVICE");
    for (row, user) in users() {
        let (family, protocol) = (
            if row.family == Family::V4 { "IPv4" } else { "IPv6" },
            if row.protocol == Protocol::Tcp { "TCP" } else { "UDP" },
        );
        let state = if row.protocol == Protocol::Tcp { format!("({})", row.state.name()) } else { String::new() };
        let command: String = user.name.chars().take(9).collect();
        text += &format!(
            "{command:<name$} {:>pid$} root {:>4}u  {family} {:>device$}      0t0  {protocol} {} {state}\n",
            user.pid,
            user.fd,
            row.inode,
            ends(row, asked),
        );
    }
    text
}

/// `*:8080`, `127.0.0.1:40000->127.0.0.1:8080`
fn ends(row: &Row, asked: &Asked) -> String {
    let end = |(address, port): (Ipv6Addr, u16)| {
        let host = match address.to_ipv4_mapped() {
            _ if is_any(address) => "*".to_owned(),
            Some(v4) if v4.is_loopback() && v4.octets()[3] == 1 && !asked.numeric_hosts => "localhost".to_owned(),
            Some(v4) => v4.to_string(),
            None => format!("[{address}]"),
        };
        let name = services::name(port, row.protocol).filter(|_| !asked.numeric_ports);
        format!("{host}:{}", name.map_or_else(|| port.to_string(), str::to_owned))
    };
    if row.peer.1 == 0 || row.state == State::Listen {
        return end(row.local);
    }
    format!("{}->{}", end(row.local), end(row.peer))
}
