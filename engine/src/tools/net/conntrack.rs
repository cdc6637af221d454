//! `conntrack`: the connections that a host's kernel follows.
//!
//! Source: conntrack 1.4.7 of Debian 12. Modelled: `-L` (with `-p -s -d --sport --dport --state`), `-S`, `-C`, `-F`.
//! Left out: `-E -D -G -U`, other tables and outputs. `-S` shows one processor.

use crate::host::Call;
use crate::lab::Place;
use crate::linux::address::Family;
use crate::linux::socket::Protocol;
use crate::netfilter::Change;
use crate::netfilter::conntrack::{Connection, Tuple};
use crate::tools::Cx;
use crate::tools::jobs::Process;

/// Runs conntrack.
pub fn run(cx: &mut Cx) -> i32 {
    if matches!(cx.place, Place::Pod { .. }) {
        let text = "conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN \
                    capability to do this\n";
        cx.eprint(text);
        return 1;
    }
    cx.world.start_host(&cx.host);
    let words = cx.args[1..].to_vec();
    match words.first().map(String::as_str) {
        Some("-L" | "--dump") => list(cx, &words[1..]),
        Some("-C" | "--count") => {
            let count = connections(cx).len();
            cx.print(&format!("{count}\n"));
            0
        }
        Some("-S" | "--stats") => {
            let table = cx.world.host(&cx.host).map(|host| {
                let conntrack = &host.namespace().netfilter.conntrack;
                (conntrack.insert_failed, conntrack.drop, conntrack.early_drop)
            });
            let (failed, drop, early) = table.unwrap_or_default();
            cx.print(&format!(
                "cpu=0   \tfound=0 invalid=0 insert=0 insert_failed={failed} drop={drop} early_drop={early} error=0 \
                 search_restart=0 clash_resolve=0 chaintoolong=0 \n"
            ));
            0
        }
        Some("-F" | "--flush") => {
            let process = Process::start(cx);
            process.call(cx, Call::Netfilter(Change::FlushConnections));
            process.exit(cx, 0);
            cx.eprint("conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n");
            0
        }
        other => {
            let text = format!("portlab models conntrack -L, -S, -C and -F; found {}\n", other.unwrap_or("nothing"));
            cx.eprint(&text);
            2
        }
    }
}

fn connections(cx: &mut Cx) -> Vec<(Connection, u64)> {
    let Some(host) = cx.world.host(&cx.host) else { return Vec::new() };
    let now = host.namespace().now();
    let all = host.namespace().netfilter.conntrack.all(now);
    all.map(|connection| (connection.clone(), (connection.expires - now) / 1000)).collect()
}

fn list(cx: &mut Cx, options: &[String]) -> i32 {
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let known = ["-p", "--proto", "-s", "--src", "-d", "--dst", "--sport", "--dport", "--state"];
        match (known.contains(&word.as_str()), words.next()) {
            (true, Some(value)) => wanted.push((word, value)),
            (true, None) => {
                cx.eprint(&format!("conntrack v1.4.7 (conntrack-tools): option `{word}' requires an argument\n"));
                return 2;
            }
            (false, _) => {
                cx.eprint(&format!("portlab does not model conntrack -L {word}\n"));
                return 2;
            }
        }
    }
    let fits = |connection: &Connection| {
        let original = connection.original;
        wanted.iter().all(|(option, value)| match *option {
            "-p" | "--proto" => *value == protocol(original.protocol).0,
            "-s" | "--src" => *value == Family::V4.show(original.source, 0).ip().to_string(),
            "-d" | "--dst" => *value == Family::V4.show(original.destination, 0).ip().to_string(),
            "--sport" => *value == original.sport.to_string(),
            "--dport" => *value == original.dport.to_string(),
            _ => *value == connection.state.name(),
        })
    };
    let shown: Vec<String> =
        connections(cx).iter().filter(|(connection, _)| fits(connection)).map(|(c, left)| line(c, *left)).collect();
    cx.print(&shown.concat());
    let count = shown.len();
    cx.eprint(&format!("conntrack v1.4.7 (conntrack-tools): {count} flow entries have been shown.\n"));
    0
}

fn protocol(protocol: Protocol) -> (&'static str, u8) {
    match protocol {
        Protocol::Tcp => ("tcp", 6),
        Protocol::Udp => ("udp", 17),
    }
}

fn line(connection: &Connection, left_secs: u64) -> String {
    let (name, number) = protocol(connection.original.protocol);
    let state = if number == 6 { format!("{} ", connection.state.name()) } else { String::new() };
    let unreplied = if connection.seen_reply { "" } else { "[UNREPLIED] " };
    let assured = if connection.assured { "[ASSURED] " } else { "" };
    format!(
        "{name:<8} {number} {left_secs} {state}{}{unreplied}{}{assured}mark=0 use=1\n",
        tuple(connection.original),
        tuple(connection.reply)
    )
}

fn tuple(tuple: Tuple) -> String {
    let ip = |address| Family::V4.show(address, 0).ip();
    let (source, destination) = (ip(tuple.source), ip(tuple.destination));
    format!("src={source} dst={destination} sport={} dport={} ", tuple.sport, tuple.dport)
}
