//! `netstat`: the sockets and counters of the host, as net-tools shows them.
//!
//! Source: `netstat.c`, `statistics.c` of net-tools 2.10. Modelled: `-t -u -l -a -n -p -e -o -4 -6 -A -s -W -r`; of `-s` the
//! lines of what portlab counts. Left out, with a message: interfaces (`-i`, `-g`), `-c`. A host of the lab has no
//! sockets of other kinds.

use std::net::Ipv4Addr;

use super::rows::{self, Row};
use super::services;
use crate::kube::kubelet::hosts;
use crate::kube::kubelet::images::Userland;
use crate::linux::Namespace;
use crate::linux::address::{Family, is_any};
use crate::linux::route::LO;
use crate::linux::socket::{Protocol, State};
use crate::tools::Cx;
use crate::tools::options::{self, flag, value};

fn specs() -> Vec<options::Spec> {
    let flags = [
        ('t', "tcp"),
        ('u', "udp"),
        ('l', "listening"),
        ('a', "all"),
        ('n', "numeric"),
        ('p', "programs"),
        ('e', "extend"),
        ('o', "timers"),
        ('4', "inet"),
        ('6', "inet6"),
        ('s', "statistics"),
        ('W', "wide"),
        ('v', "verbose"),
        ('w', "raw"),
        ('x', "unix"),
        ('r', "route"),
        ('V', "version"),
    ];
    let mut specs: Vec<_> = flags.iter().map(|(short, long)| flag(*short, long)).collect();
    specs.push(value('A', "protocol"));
    specs
}

/// Runs netstat.
pub fn run(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &specs()) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let applet = hosts::userland_at(cx.world, cx.place) == Userland::Busybox;
    if let Some(option) =
        ['p', 'o', '4', '6', 's', 'v', 'V', 'A'].into_iter().find(|option| applet && given.has(*option))
    {
        let text = format!("portlab does not model option -{option} of busybox's netstat\n");
        cx.eprint(&text);
        return 1;
    }
    if given.has('V') {
        cx.print("net-tools 2.10\n");
        return 0;
    }
    if let Some(other) = given.value('A').filter(|family| !["inet", "inet6"].contains(family)) {
        let text = format!("portlab does not model the sockets of {other}\n");
        cx.eprint(&text);
        return 2;
    }
    cx.world.start_host(&cx.host);
    if given.has('r') {
        let text = cx.world.host(&cx.host).map_or(String::new(), |host| routes(host.namespace()));
        cx.print(&text);
        return 0;
    }
    let pids = hosts::pids_of(cx.world, cx.place);
    let Some(host) = cx.world.host(&cx.host) else { return 1 };
    if given.has('s') {
        let text = statistics(host.namespace(), given.has('t'), given.has('u'));
        cx.print(&text);
        cx.eprint("portlab: lines of counters that it does not count are left out\n");
        return 0;
    }
    let text = tables(rows::of_host(host, &pids), &given, applet);
    cx.print(&text);
    0
}

/// The sockets that are asked for, under their titles.
fn tables(rows: Vec<Row>, given: &options::Given, applet: bool) -> String {
    let which = match (given.has('a'), given.has('l')) {
        (true, _) => "servers and established",
        (false, true) => "only servers",
        (false, false) => "w/o servers",
    };
    // Of UNIX and raw sockets there are none.
    let unix = format!(
        "Active UNIX domain sockets ({which})\nProto RefCnt Flags       Type       State         I-Node  {} Path\n",
        if given.has('p') { " PID/Program name    " } else { "" },
    );
    if given.has('x') && !given.has('t') && !given.has('u') {
        return unix;
    }
    let mut text = format!("Active Internet connections ({which})\n");
    text += "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ";
    // Busybox's columns are a blank wider, and its `-e` shows other ones.
    text += if applet { " " } else { "" };
    text += if given.has('e') { " User       Inode     " } else { "" };
    text += if given.has('p') { " PID/Program name    " } else { "" };
    text += if given.has('o') { " Timer" } else { "" };
    text.push('\n');
    let either = given.has('t') || given.has('u') || given.has('w');
    let only = match given.last_of(&['4', '6', 'A']) {
        Some(('4', _) | ('A', "inet")) => Some(Family::V4),
        Some(_) => Some(Family::V6),
        None => None,
    }
    .filter(|_| given.has('4') != given.has('6') || given.has('A'));
    for row in in_order(rows) {
        let option = if row.protocol == Protocol::Tcp { 't' } else { 'u' };
        let serves = match row.protocol {
            Protocol::Tcp => row.state == State::Listen,
            Protocol::Udp => row.state == State::Close,
        };
        let shown = (!either || given.has(option))
            && (given.has('a') || serves == given.has('l'))
            && only.is_none_or(|family| family == row.family);
        if shown {
            text += &if applet { applet_line(&row, given) } else { line(&row, given) };
        }
    }
    if !either && only.is_none() || given.has('x') {
        text += &unix;
    }
    text
}

/// A line as busybox has it: one name for both families, and the state is a column wider.
fn applet_line(row: &Row, given: &options::Given) -> String {
    let text = line(row, given);
    let (protocol, rest) = text.split_at(6);
    let protocol = protocol.trim_end().trim_end_matches('6');
    format!("{protocol:<6}{} \n", rest.trim_end_matches('\n'))
}

/// TCP first, IPv4 before IPv6: the files of `/proc/net` one after another.
fn in_order(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| (row.protocol == Protocol::Udp, row.family));
    rows
}

fn line(row: &Row, given: &options::Given) -> String {
    let end = |(address, port): (std::net::Ipv6Addr, u16)| {
        let address = match address.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None if is_any(address) && !given.has('n') => "[::]".to_owned(),
            None => address.to_string(),
        };
        let port = match services::name(port, row.protocol) {
            _ if port == 0 => "*".to_owned(),
            Some(name) if !given.has('n') => name.to_owned(),
            _ => port.to_string(),
        };
        // What does not fit is cut, but never the port.
        let room = if given.has('W') { usize::MAX } else { 23usize.saturating_sub(port.len() + 1) };
        let address: String = address.chars().take(room).collect();
        let name =
            if address == "127.0.0.1" && row.family == Family::V4 && !given.has('n') { "localhost" } else { &address };
        format!("{name}:{port}")
    };
    let protocol = match (row.protocol, row.family) {
        (Protocol::Tcp, Family::V4) => "tcp",
        (Protocol::Tcp, Family::V6) => "tcp6",
        (Protocol::Udp, Family::V4) => "udp",
        (Protocol::Udp, Family::V6) => "udp6",
    };
    // The send queue of a listener is not its backlog here.
    let send_q = if row.state == State::Listen { 0 } else { row.send_q };
    let mut text = format!(
        "{protocol:<4}  {:>6} {send_q:>6} {:<23} {:<23} {:<11}",
        row.recv_q,
        end(row.local),
        end(row.peer),
        state_name(row),
    );
    if given.has('e') {
        text += &format!(" {:<10} {:<10}", row.uid, row.inode);
    }
    if given.has('p') {
        let program = row.user.as_ref().map_or("-".to_owned(), |user| format!("{}/{}", user.pid, user.name));
        text += &format!(" {program:<20}");
    }
    if given.has('o') {
        let timer = row.timer.map_or("off (0.00/0/0)".to_owned(), |timer| {
            let hundredths = timer.left_ms / 10;
            format!("{} ({}.{:02}/{}/0)", timer.name, hundredths / 100, hundredths % 100, timer.retransmits)
        });
        text += &format!(" {timer}");
    }
    text.push('\n');
    text
}

/// `netstat -r`: the routes of IPv4, as `/proc/net/route` orders them: by destination, what leads everywhere first.
fn routes(namespace: &Namespace) -> String {
    let mut text =
        "Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n"
            .to_owned();
    let devices = &namespace.routing.devices;
    let mut rows: Vec<(Ipv4Addr, u8, Option<Ipv4Addr>, &str)> = Vec::new();
    for device in devices.iter().filter(|device| device.index != LO && !device.unrouted) {
        for (address, length) in &device.addresses {
            let Some(own) = address.to_ipv4_mapped().filter(|_| *length < 32) else { continue };
            rows.push((Ipv4Addr::from_bits(own.to_bits() & mask(*length)), *length, None, &device.name));
        }
    }
    for route in &namespace.routing.routes {
        let Some(to) = route.to.to_ipv4_mapped() else { continue };
        let name = devices.iter().find(|device| device.index == route.device).map_or("", |device| &device.name);
        rows.push((to, route.length, route.via.and_then(|via| via.to_ipv4_mapped()), name));
    }
    rows.sort();
    rows.dedup();
    for (to, length, via, device) in rows {
        let (to, mask, gateway) = (
            to.to_string(),
            Ipv4Addr::from_bits(mask(length)).to_string(),
            via.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string(),
        );
        let flags = match (via.is_some(), length) {
            (true, 32) => "UGH",
            (true, _) => "UG",
            (false, 32) => "UH",
            (false, _) => "U",
        };
        text += &format!("{to:<15} {gateway:<15} {mask:<15} {flags:<8}  0 0          0 {device}\n");
    }
    text
}

fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

/// UDP that has no peer is in no state.
fn state_name(row: &Row) -> &'static str {
    if row.state == State::Close { "" } else { row.state.name() }
}

/// Counters of a protocol: name, words, whether a count of 0 is shown too.
type Lines = [(&'static str, &'static str, bool)];

const TCP: &Lines = &[
    ("TcpActiveOpens", "active connection openings", true),
    ("TcpPassiveOpens", "passive connection openings", true),
    ("TcpAttemptFails", "failed connection attempts", true),
    ("TcpEstabResets", "connection resets received", true),
    ("", "connections established", true),
    ("TcpInSegs", "segments received", true),
    ("TcpOutSegs", "segments sent out", true),
    ("TcpRetransSegs", "segments retransmitted", true),
    ("TcpOutRsts", "resets sent", true),
];

const UDP: &Lines = &[
    ("UdpInDatagrams", "packets received", true),
    ("UdpNoPorts", "packets to unknown port received", true),
    ("UdpOutDatagrams", "packets sent", true),
];

const TCP_EXT: &Lines = &[
    ("TcpExtEmbryonicRsts", "resets received for embryonic SYN_RECV sockets", false),
    ("TcpExtTW", "TCP sockets finished time wait in fast timer", false),
    ("TcpExtTWRecycled", "time wait sockets recycled by time stamp", false),
    ("TcpExtTWKilled", "TCP sockets finished time wait in slow timer", false),
    ("TcpExtDelayedACKs", "delayed acks sent", false),
    ("TcpExtListenOverflows", "times the listen queue of a socket overflowed", false),
    ("TcpExtListenDrops", "SYNs to LISTEN sockets dropped", false),
    ("TcpExtTCPTimeouts", "other TCP timeouts", false),
    ("TcpExtTCPAbortOnData", "connections reset due to unexpected data", false),
    ("TcpExtTCPAbortOnClose", "connections reset due to early user close", false),
    ("TcpExtTCPTimeWaitOverflow", "", false),
    ("TcpExtTCPSynRetrans", "", false),
    ("TcpExtTCPChallengeACK", "", false),
    ("TcpExtTCPSYNChallenge", "", false),
];

fn statistics(namespace: &Namespace, tcp: bool, udp: bool) -> String {
    let both = tcp == udp;
    let mut text = String::new();
    let mut section = |title: &str, lines: &Lines| {
        text += &format!("{title}:\n");
        for (name, words, always) in lines {
            let count = match *name {
                "" => established(namespace),
                name => namespace.counters.named(name).unwrap_or(0),
            };
            if count == 0 && !always {
                continue;
            }
            text += &match *words {
                "" => format!("    {}: {count}\n", name.trim_start_matches("TcpExt")),
                words => format!("    {count} {words}\n"),
            };
        }
    };
    if both || tcp {
        section("Tcp", TCP);
    }
    if both || udp {
        section("Udp", UDP);
    }
    if both || tcp {
        section("TcpExt", TCP_EXT);
    }
    text
}

fn established(namespace: &Namespace) -> u64 {
    let counts = [State::Established, State::CloseWait];
    namespace.sockets().filter(|(_, s)| s.protocol == Protocol::Tcp && counts.contains(&s.state)).count() as u64
}
