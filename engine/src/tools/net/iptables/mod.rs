//! `iptables` and `iptables-save`: the rules of a host's network namespace.
//!
//! Source: iptables 1.8.9 (nf_tables) of Debian 12. Modelled: the table `nat` with `-A -I -R -D -C -F -S -L -P`, and what
//! [`crate::netfilter::rule`] knows of matches and targets; anything else is refused by its name. Left out: the other
//! tables, chains of one's own, comments, ranges of addresses, names of networks.

mod arguments;
mod list;

use crate::host::{Answer, Call};
use crate::lab::Place;
use crate::linux::Errno;
use crate::netfilter::rule::{Change, Hook};
use crate::tools::Cx;
use crate::tools::jobs::Process;
use arguments::{Asked, Command, Wrong};

const VERSION: &str = "iptables v1.8.9 (nf_tables)";

/// Whether the rules cannot be shown at this place, and why is said.
fn withheld(cx: &mut Cx) -> Option<i32> {
    match cx.place {
        Place::Pod { .. } => {
            let text =
                format!("{VERSION}: Could not fetch rule set generation id: Permission denied (you must be root)\n");
            cx.eprint(&text);
            Some(4)
        }
        Place::Node(_) => {
            cx.eprint("portlab does not model the rules of kube-proxy and portmap yet, so it shows none of a node\n");
            Some(2)
        }
        _ => None,
    }
}

/// Runs iptables.
pub fn run(cx: &mut Cx) -> i32 {
    if let Some(status) = withheld(cx) {
        return status;
    }
    cx.world.start_host(&cx.host);
    match arguments::read(&cx.args[1..]) {
        Ok(asked) => obey(cx, asked),
        Err(Wrong { text, exit }) => {
            cx.eprint(&text);
            exit
        }
    }
}

/// Runs iptables-save.
pub fn save(cx: &mut Cx) -> i32 {
    if let Some(status) = withheld(cx) {
        return status;
    }
    let mut counters = false;
    let mut words = cx.args[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "--counters" => counters = true,
            "-t" | "--table" if words.next().is_some_and(|table| table == "nat") => {}
            other => {
                let text = format!("portlab models iptables-save with -c and -t nat; found {other}\n");
                cx.eprint(&text);
                return 2;
            }
        }
    }
    cx.world.start_host(&cx.host);
    let date = clock(cx);
    let Some(host) = cx.world.host(&cx.host) else { return 1 };
    let text = list::saved(&host.namespace().netfilter.rules, &date, counters);
    cx.print(&text);
    0
}

/// `Sun Nov 22 01:36:26 2026`
fn clock(cx: &Cx) -> String {
    let text = cx.world.now().rfc1123z();
    // `Sat, 21 Nov 2026 17:04:12 +0000`
    let words: Vec<&str> = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        [weekday, day, month, year, time, _] => format!("{weekday} {month} {day:>2} {time} {year}"),
        _ => text,
    }
}

fn obey(cx: &mut Cx, asked: Asked) -> i32 {
    let change = match asked.command {
        Command::Show(hook) => {
            let text = rules(cx, |rules| list::script(rules, hook));
            cx.print(&text);
            return 0;
        }
        Command::List(hook, look) => {
            let text = rules(cx, |rules| list::table(rules, hook, look));
            cx.print(&text);
            return 0;
        }
        Command::Version => {
            cx.print(&format!("{VERSION}\n"));
            return 0;
        }
        Command::Nothing => return 0,
        Command::Check(hook, rule) => {
            let there = cx.world.host(&cx.host).is_some_and(|host| host.namespace().netfilter.rules.has(hook, &rule));
            return if there { 0 } else { bad_rule(cx) };
        }
        Command::Change(change) => change,
    };
    let process = Process::start(cx);
    let answer = process.call(cx, Call::Netfilter(crate::netfilter::Change::Rules(change.clone())));
    process.exit(cx, 0);
    match answer {
        Answer::Refused { refusal, .. } => refused(cx, &change, refusal.errno),
        _ => 0,
    }
}

fn rules(cx: &mut Cx, print: impl Fn(&crate::netfilter::rule::Rules) -> String) -> String {
    cx.world.host(&cx.host).map_or(String::new(), |host| print(&host.namespace().netfilter.rules))
}

fn bad_rule(cx: &mut Cx) -> i32 {
    cx.eprint("iptables: Bad rule (does a matching rule exist in that chain?).\n");
    1
}

fn refused(cx: &mut Cx, change: &Change, errno: Errno) -> i32 {
    let (verb, hook): (&str, Hook) = match change {
        Change::Delete(..) => return bad_rule(cx),
        Change::DeleteAt(..) => return position(cx, "deletion"),
        Change::Replace(..) if errno == Errno::Enoent => return position(cx, "replacement"),
        Change::Insert(..) if errno == Errno::Enoent => return position(cx, "insertion"),
        Change::Replace(hook, ..) => ("RULE_REPLACE", *hook),
        Change::Insert(hook, ..) => ("RULE_INSERT", *hook),
        Change::Append(hook, _) => ("RULE_APPEND", *hook),
        Change::Flush(_) => return 1,
    };
    let chain = hook.chain();
    cx.eprint(&format!("{VERSION}:  {verb} failed ({}): rule in chain {chain}\n", errno.words()));
    4
}

fn position(cx: &mut Cx, what: &str) -> i32 {
    cx.eprint(&format!("iptables: Index of {what} too big.\n"));
    1
}
