//! `ss`: the sockets of the host.
//!
//! Source: `misc/ss.c` of iproute2 6.1. Modelled: `-t -u -l -a -n -r -p -o -e -4 -6 -f -H -O -s`, states and filters. Said to be
//! left out: `-m` and `-i` (sizes of buffers and congestion are not modelled), sockets that are not TCP or UDP.

use super::rows::{self, Row, Timer};
use super::services;
use super::ss_filter::{self, Filter};
use crate::kube::kubelet::hosts;
use crate::linux::address::{Family, LOOPBACK4, is_any};
use crate::linux::socket::{Protocol, State};
use crate::tools::Cx;
use crate::tools::options::{self, flag, value};

/// What `state` a row may have when neither `-a` nor `-l` nor `state` is given: connections that are not closing for good.
const CONNECTIONS: [State; 8] = [
    State::Established,
    State::SynSent,
    State::FinWait1,
    State::FinWait2,
    State::CloseWait,
    State::LastAck,
    State::Closing,
    State::SynRecv,
];

/// The table's columns: title, whether its text stands at the right, what comes before it.
const COLUMNS: [(&str, bool, &str); 9] = [
    ("Netid", false, ""),
    ("State", false, " "),
    ("Recv-Q", false, " "),
    ("Send-Q", false, " "),
    ("Local Address:", true, " "),
    ("Port", false, ""),
    ("Peer Address:", true, " "),
    ("Port", false, ""),
    ("Process", false, ""),
];

struct Wanted {
    protocols: Vec<Protocol>,
    families: Vec<Family>,
    states: Vec<State>,
    filter: Option<Filter>,
}

fn specs() -> Vec<options::Spec> {
    let flags = [
        ('t', "tcp"),
        ('u', "udp"),
        ('l', "listening"),
        ('a', "all"),
        ('n', "numeric"),
        ('p', "processes"),
        ('o', "options"),
        ('e', "extended"),
        ('4', "ipv4"),
        ('6', "ipv6"),
        ('H', "no-header"),
        ('O', "oneline"),
        ('s', "summary"),
        ('V', "version"),
        ('r', "resolve"),
        ('x', "unix"),
        ('w', "raw"),
        ('0', "packet"),
        ('i', "info"),
        ('m', "memory"),
        ('T', "threads"),
    ];
    let mut specs: Vec<_> = flags.iter().map(|(short, long)| flag(*short, long)).collect();
    specs.extend([value('A', "query"), value('f', "family")]);
    specs
}

/// Runs ss.
pub fn run(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &specs()) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.has('V') {
        cx.print("ss utility, iproute2-6.1.0\n");
        return 0;
    }
    if given.has('i') || given.has('m') {
        let what = if given.has('i') { "congestion control (-i)" } else { "the sizes of buffers (-m)" };
        cx.eprint(&format!("portlab does not model {what}: of a socket there are -o, -e and -p\n"));
        return 2;
    }
    cx.world.start_host(&cx.host);
    let pids = hosts::pids_of(cx.world, cx.place);
    let rows = cx.world.host(&cx.host).map(|host| rows::of_host(host, &pids)).unwrap_or_default();
    if given.has('s') {
        cx.print(&summary(&rows));
        // The table follows where sockets are named.
        if !"tuxw046Af".chars().any(|option| given.has(option)) && given.operands.is_empty() {
            return 0;
        }
    }
    let wanted = match wanted(&given) {
        Ok(wanted) => wanted,
        Err((text, status)) => {
            cx.eprint(&format!("{text}\n"));
            return status;
        }
    };
    if !given.has('t') && !given.has('u') && !given.has('A') || "xw0".chars().any(|other| given.has(other)) {
        cx.eprint("portlab: sockets of TCP and UDP alone are modelled\n");
    }
    let passes = |row: &&Row| {
        wanted.protocols.contains(&row.protocol)
            && wanted.families.contains(&row.family)
            && wanted.states.contains(&row.state)
            && wanted.filter.as_ref().is_none_or(|filter| filter.passes(row))
    };
    let details = Details {
        numeric: given.has('n'),
        resolves: given.has('r'),
        processes: given.has('p'),
        timers: given.has('o') || given.has('e'),
        extended: given.has('e'),
    };
    let lines: Vec<[String; 9]> = rows.iter().filter(passes).map(|row| cells(row, &details)).collect();
    let mut hidden = Vec::new();
    if wanted.protocols.len() == 1 {
        hidden.push(0);
    }
    if wanted.states.len() == 1 {
        hidden.push(1);
    }
    cx.print(&table(&lines, &hidden, !given.has('H')));
    0
}

fn wanted(given: &options::Given) -> Result<Wanted, (String, i32)> {
    let mut protocols = Vec::new();
    let queries: Vec<&str> = given.values('A').flat_map(|query| query.split(',')).collect();
    if let Some(other) = queries.iter().find(|query| !["tcp", "udp", "inet"].contains(query)) {
        return Err((format!("portlab does not model `{other}` sockets"), 2));
    }
    let asks = |short, name| given.has(short) || queries.iter().any(|query| *query == name || *query == "inet");
    if asks('u', "udp") {
        protocols.push(Protocol::Udp);
    }
    if asks('t', "tcp") {
        protocols.push(Protocol::Tcp);
    }
    let others = "xw0".chars().any(|option| given.has(option));
    if protocols.is_empty() && !others {
        protocols = vec![Protocol::Udp, Protocol::Tcp];
    }
    // The last that is named counts.
    let families = match given.last_of(&['4', '6', 'f']) {
        Some(('4', _) | ('f', "inet")) => vec![Family::V4],
        Some(('6', _) | ('f', "inet6")) => vec![Family::V6],
        Some(('f', "unix" | "link" | "netlink" | "vsock")) => Vec::new(),
        Some((_, other)) => return Err((format!("ss: \"{other}\" is invalid family"), 1)),
        None => vec![Family::V4, Family::V6],
    };
    let mut words = &given.operands[..];
    let mut states: Option<Vec<State>> = None;
    while let [word, rest @ ..] = words
        && ["state", "exclude"].contains(&word.as_str())
    {
        let [name, rest @ ..] = rest else {
            return Err(("Command line is not complete. Try option \"help\"".into(), 255));
        };
        let named = ss_filter::states(name).ok_or_else(|| (format!("ss: wrong state name: {name}"), 255))?;
        if word == "state" {
            states.get_or_insert_default().extend(named);
        } else {
            let all = || ss_filter::states("all").unwrap_or_default();
            states.get_or_insert_with(all).retain(|state| !named.contains(state));
        }
        words = rest;
    }
    let default = || {
        if given.has('a') {
            return ss_filter::states("all").unwrap_or_default();
        }
        if given.has('l') {
            return vec![State::Listen, State::Close];
        }
        if protocols.contains(&Protocol::Tcp) { CONNECTIONS.to_vec() } else { vec![State::Established] }
    };
    let mut states = states.unwrap_or_else(default);
    states.sort_unstable();
    states.dedup();
    let filter = if words.is_empty() { None } else { Some(ss_filter::parse(&words.join(" "))?) };
    Ok(Wanted { protocols, families, states, filter })
}

struct Details {
    numeric: bool,
    /// Names of hosts: the lab knows that of 127.0.0.1.
    resolves: bool,
    processes: bool,
    timers: bool,
    extended: bool,
}

/// The state as ss names it.
#[must_use]
pub fn state_name(state: State) -> &'static str {
    match state {
        State::Established => "ESTAB",
        State::SynSent => "SYN-SENT",
        State::SynRecv => "SYN-RECV",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::TimeWait => "TIME-WAIT",
        State::Close => "UNCONN",
        State::CloseWait => "CLOSE-WAIT",
        State::LastAck => "LAST-ACK",
        State::Listen => "LISTEN",
        State::Closing => "CLOSING",
    }
}

fn cells(row: &Row, details: &Details) -> [String; 9] {
    let address = |(address, _): (std::net::Ipv6Addr, u16)| match row.family {
        Family::V4 if details.resolves && address == LOOPBACK4 => "localhost".to_owned(),
        Family::V4 => address.to_ipv4_mapped().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED).to_string(),
        Family::V6 if is_any(address) && !row.v6only => "*".to_owned(),
        Family::V6 => format!("[{address}]"),
    };
    let device = row.device.as_ref().map_or(String::new(), |name| format!("%{name}"));
    let port = |port: u16| match services::name(port, row.protocol) {
        _ if port == 0 => "*".to_owned(),
        Some(name) if !details.numeric => name.to_owned(),
        _ => port.to_string(),
    };
    [
        if row.protocol == Protocol::Tcp { "tcp".to_owned() } else { "udp".to_owned() },
        state_name(row.state).to_owned(),
        format!("{:<6}", row.recv_q),
        format!("{:<6}", row.send_q),
        format!("{}{device}:", address(row.local)),
        port(row.local.1),
        format!("{}:", address(row.peer)),
        port(row.peer.1),
        process(row, details),
    ]
}

fn process(row: &Row, details: &Details) -> String {
    let mut text = String::new();
    if let Some(user) = row.user.as_ref().filter(|_| details.processes) {
        text += &format!(" users:((\"{}\",pid={},fd={}))", user.name, user.pid, user.fd);
    }
    if let Some(timer) = row.timer.filter(|_| details.timers) {
        text += &format!(" timer:({},{},{})", timer.name, left(&timer), timer.retransmits);
    }
    if details.extended {
        if row.uid != 0 {
            text += &format!(" uid:{}", row.uid);
        }
        text += &format!(" ino:{} sk:{:x}", row.inode, row.cookie);
        if row.full {
            text += " cgroup:/";
            if row.family == Family::V6 && (row.state == State::Listen || row.protocol == Protocol::Udp) {
                text += &format!(" v6only:{}", u8::from(row.v6only));
            }
            let (receives, sends) = (if row.shut.0 { "-" } else { "<" }, if row.shut.1 { "-" } else { ">" });
            text += &format!(" {receives}-{sends}");
        }
    }
    text
}

/// What is left of a timer, as ss prints it: `59sec`, `1.500ms`, `208ms`, `1min3sec`.
fn left(timer: &Timer) -> String {
    let (seconds, mut ms) = (timer.left_ms / 1000, timer.left_ms % 1000);
    let (minutes, mut seconds) = (seconds / 60, seconds % 60);
    let mut text = String::new();
    if minutes > 0 {
        ms = 0;
        text += &format!("{minutes}min");
        if minutes > 9 {
            seconds = 0;
        }
    }
    if seconds > 0 {
        if seconds > 9 {
            ms = 0;
        }
        text += &format!("{seconds}{}", if ms > 0 { "." } else { "sec" });
    }
    if ms > 0 {
        text += &format!("{ms:03}ms");
    }
    text
}

/// The rows under their titles. The last cell of all does not count for the width of its column.
fn table(lines: &[[String; 9]], hidden: &[usize], header: bool) -> String {
    let titles: [String; 9] = COLUMNS.map(|column| column.0.to_owned());
    let all: Vec<&[String; 9]> = header.then_some(&titles).into_iter().chain(lines).collect();
    let shown: Vec<usize> = (0..COLUMNS.len()).filter(|column| !hidden.contains(column)).collect();
    let width = |column: usize| {
        let counted = if column + 1 == COLUMNS.len() { all.len().saturating_sub(1) } else { all.len() };
        all[..counted].iter().map(|line| line[column].len()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut text = String::new();
    for line in all {
        for (place, &column) in shown.iter().enumerate() {
            let (_, right, before) = COLUMNS[column];
            let (cell, width) = (&line[column], widths[column]);
            text += if place == 0 { "" } else { before };
            if right {
                text += &format!("{cell:>width$}");
            } else {
                text += &format!("{cell:<width$}");
            }
        }
        text.push('\n');
    }
    text
}

/// `ss -s`. The kernel's own sockets of other kinds are not modelled and count as none.
fn summary(rows: &[Row]) -> String {
    let tcp = |row: &&Row| row.protocol == Protocol::Tcp;
    let waits = rows.iter().filter(tcp).filter(|row| row.timer.is_some_and(|timer| timer.name == "timewait")).count();
    let full: Vec<&Row> = rows.iter().filter(|row| row.full).collect();
    let of = |protocol: Protocol, family: Family| {
        full.iter().filter(|row| row.protocol == protocol && row.family == family).count()
    };
    let (udp4, udp6) = (of(Protocol::Udp, Family::V4), of(Protocol::Udp, Family::V6));
    let (tcp4, tcp6) = (of(Protocol::Tcp, Family::V4), of(Protocol::Tcp, Family::V6));
    let established = full
        .iter()
        .filter(|row| row.protocol == Protocol::Tcp && matches!(row.state, State::Established | State::CloseWait));
    let orphaned = full.iter().filter(|row| row.inode == 0 && row.shut.1).count();
    let line = |name: &str, v4: usize, v6: usize| format!("{name}\t  {:<9} {v4:<9} {v6:<9}\n", v4 + v6);
    format!(
        "Total: {}\nTCP:   {} (estab {}, closed {waits}, orphaned {orphaned}, timewait {waits})\n\n\
         Transport Total     IP        IPv6\n{}{}{}{}{}\n",
        full.len(),
        tcp4 + tcp6 + waits,
        established.count(),
        line("RAW", 0, 0),
        line("UDP", udp4, udp6),
        line("TCP", tcp4, tcp6),
        line("INET", tcp4 + udp4, tcp6 + udp6),
        line("FRAG", 0, 0),
    )
}
