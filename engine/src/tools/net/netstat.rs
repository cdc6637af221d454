//! `netstat`: the sockets and counters of the host, as net-tools shows them.
//!
//! Source: `netstat.c`, `statistics.c` of net-tools 2.10. Modelled: `-t -u -l -a -n -p -e -o -4 -6 -s -W`; of `-s` the lines
//! of what portlab counts. Left out, with a message: routes and interfaces (`-r`, `-i`, `-g`). A host of the lab has no
//! sockets of other kinds.

use super::rows::{self, Row};
use super::services;
use crate::kube::kubelet::hosts;
use crate::kube::kubelet::images::Userland;
use crate::linux::Namespace;
use crate::linux::address::Family;
use crate::linux::socket::{Protocol, State};
use crate::tools::Cx;
use crate::tools::options::{self, flag};

/// Runs netstat.
pub fn run(cx: &mut Cx) -> i32 {
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
    ];
    let specs: Vec<_> = flags.iter().map(|(short, long)| flag(*short, long)).collect();
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let applet = hosts::userland_at(cx.world, cx.place) == Userland::Busybox;
    if let Some(option) = ['p', 'o', '4', '6', 's'].into_iter().find(|option| applet && given.has(*option)) {
        let text = format!("portlab does not model option -{option} of busybox's netstat\n");
        cx.eprint(&text);
        return 1;
    }
    cx.world.start_host(&cx.host);
    let pids = hosts::pids_of(cx.world, cx.place);
    let Some(host) = cx.world.host(&cx.host) else { return 1 };
    if given.has('s') {
        let text = statistics(host.namespace(), given.has('t'), given.has('u'));
        cx.print(&text);
        cx.eprint("portlab: lines of counters that it does not count are left out\n");
        return 0;
    }
    let rows = rows::of_host(host, &pids);
    let which = match (given.has('a'), given.has('l')) {
        (true, _) => "servers and established",
        (false, true) => "only servers",
        (false, false) => "w/o servers",
    };
    let mut text = format!("Active Internet connections ({which})\n");
    text += "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ";
    // Busybox's columns are a blank wider, and its `-e` shows other ones.
    text += if applet { " " } else { "" };
    text += if given.has('e') { " User       Inode     " } else { "" };
    text += if given.has('p') { " PID/Program name    " } else { "" };
    text += if given.has('o') { " Timer" } else { "" };
    text.push('\n');
    let either = given.has('t') || given.has('u');
    for row in in_order(rows) {
        let option = if row.protocol == Protocol::Tcp { 't' } else { 'u' };
        let serves = match row.protocol {
            Protocol::Tcp => row.state == State::Listen,
            Protocol::Udp => row.state == State::Close,
        };
        let family = if row.family == Family::V4 { '4' } else { '6' };
        let shown = (!either || given.has(option))
            && (given.has('a') || serves == given.has('l'))
            && (given.has('4') == given.has('6') || given.has(family));
        if shown {
            text += &if applet { applet_line(&row, &given) } else { line(&row, &given) };
        }
    }
    if !either && given.has('4') == given.has('6') {
        // A host of the lab has no UNIX sockets.
        text += &format!("Active UNIX domain sockets ({which})\n");
        text += "Proto RefCnt Flags       Type       State         I-Node   Path\n";
    }
    cx.print(&text);
    0
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
        let name = if address == "127.0.0.1" && !given.has('n') { "localhost" } else { &address };
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
