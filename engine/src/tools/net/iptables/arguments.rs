//! The command line of iptables.

use crate::linux::socket::Protocol;
use crate::netfilter::rule::{Change, Hook, Match, Net, Random, Rule, Target, What};

use super::VERSION;
use super::list::Look;
use crate::tools::net::services;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub command: Command,
}

#[derive(Debug)]
pub(super) enum Command {
    Change(Change),
    Check(Hook, Rule),
    Show(Option<Hook>),
    List(Option<Hook>, Look),
    Version,
    /// A policy that is what it was.
    Nothing,
}

/// What is printed of a line that is wrong, and the exit status.
#[derive(Debug)]
pub(super) struct Wrong {
    pub text: String,
    pub exit: i32,
}

fn wrong<T>(text: impl AsRef<str>) -> Result<T, Wrong> {
    let text = format!("{VERSION}: {}\nTry `iptables -h' or 'iptables --help' for more information.\n", text.as_ref());
    Err(Wrong { text, exit: 2 })
}

fn unmodelled<T>(what: &str) -> Result<T, Wrong> {
    Err(Wrong { text: format!("portlab does not model iptables {what}\n"), exit: 2 })
}

/// A command letter with the chain and the number behind it.
#[derive(Debug)]
struct Verb {
    letter: char,
    chain: Option<String>,
    number: Option<String>,
}

/// What was read of a rule so far.
#[derive(Debug, Default)]
struct Draft {
    table: Option<String>,
    verb: Option<Verb>,
    matches: Vec<Match>,
    target: Option<String>,
    protocol: Option<Protocol>,
    to_source: Option<String>,
    to_ports: Option<String>,
    random: Random,
    look: Look,
}

/// Reads the words behind the program's name.
pub(super) fn read(words: &[String]) -> Result<Asked, Wrong> {
    let mut draft = Draft::default();
    let mut words = split(words).into_iter().peekable();
    let mut not = false;
    while let Some(word) = words.next() {
        if word == "!" {
            not = true;
            continue;
        }
        if matches!(word.as_str(), "-V" | "--version") {
            return Ok(Asked { command: Command::Version });
        }
        if let Some(letter) = verb(&word) {
            let mut operand = || words.next_if(|word| !word.starts_with('-') && word != "!");
            let chain = operand();
            let number = if matches!(letter, 'I' | 'R' | 'D' | 'L' | 'S' | 'P') { operand() } else { None };
            draft.verb = Some(Verb { letter, chain, number });
        } else if !look(&mut draft.look, &word) {
            let value = if matches!(word.as_str(), "--random" | "--random-fully") { None } else { words.next() };
            option(&mut draft, &word, value, not)?;
        }
        not = false;
    }
    command(draft)
}

/// `-nvL` is three options; `--dport=80` two words.
fn split(words: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for word in words {
        match word.strip_prefix('-').filter(|rest| rest.len() > 1 && !rest.starts_with('-')) {
            Some(letters) if letters.chars().all(|c| c.is_ascii_alphabetic()) => {
                out.extend(letters.chars().map(|letter| format!("-{letter}")));
            }
            _ => match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((name, value)) => out.extend([name.to_owned(), value.to_owned()]),
                None => out.push(word.clone()),
            },
        }
    }
    out
}

fn verb(word: &str) -> Option<char> {
    Some(match word {
        "-A" | "--append" => 'A',
        "-I" | "--insert" => 'I',
        "-R" | "--replace" => 'R',
        "-D" | "--delete" => 'D',
        "-C" | "--check" => 'C',
        "-F" | "--flush" => 'F',
        "-S" | "--list-rules" => 'S',
        "-L" | "--list" => 'L',
        "-P" | "--policy" => 'P',
        _ => return None,
    })
}

fn look(look: &mut Look, word: &str) -> bool {
    match word {
        "-n" | "--numeric" => look.numeric = true,
        "-v" | "--verbose" => look.verbose = true,
        "-x" | "--exact" => look.exact = true,
        "--line-numbers" => look.numbers = true,
        // The kernel's lock and the wait for it.
        "-w" | "--wait" => {}
        _ => return false,
    }
    true
}

fn option(draft: &mut Draft, word: &str, value: Option<String>, not: bool) -> Result<(), Wrong> {
    if matches!(word, "--random" | "--random-fully") {
        draft.random = if word == "--random" { Random::Random } else { Random::Fully };
        return Ok(());
    }
    let Some(value) = value else {
        return match word {
            _ if word.starts_with('-') => wrong(format!("option \"{word}\" requires an argument")),
            _ => wrong(format!("Bad argument `{word}'")),
        };
    };
    let what = match word {
        "-t" | "--table" => {
            draft.table = Some(value);
            return Ok(());
        }
        "-j" | "--jump" => {
            draft.target = Some(value);
            return Ok(());
        }
        "--to-source" => {
            draft.to_source = Some(value);
            return Ok(());
        }
        "--to-ports" => {
            draft.to_ports = Some(value);
            return Ok(());
        }
        "-m" | "--match" if matches!(value.as_str(), "tcp" | "udp") => return Ok(()),
        "-m" | "--match" => return unmodelled(&format!("-m {value}")),
        "-s" | "--source" | "--src" => What::Source(net(&value)?),
        "-d" | "--destination" | "--dst" => What::Destination(net(&value)?),
        "-i" | "--in-interface" => What::In(value),
        "-o" | "--out-interface" => What::Out(value),
        "-p" | "--protocol" | "--proto" => {
            let protocol = match value.as_str() {
                "tcp" | "6" => Protocol::Tcp,
                "udp" | "17" => Protocol::Udp,
                "all" | "0" => return Ok(()),
                _ => return unmodelled(&format!("-p {value}")),
            };
            draft.protocol = Some(protocol).filter(|_| !not);
            What::Protocol(protocol)
        }
        "--sport" | "--source-port" | "--dport" | "--destination-port" => {
            let Some(protocol) = draft.protocol else { return wrong(format!("unknown option \"{word}\"")) };
            let Some((low, high)) = ports(&value, ':', protocol) else {
                return wrong(format!("invalid port/service `{value}' specified"));
            };
            if word.starts_with("--s") { What::SourcePorts(low, high) } else { What::DestinationPorts(low, high) }
        }
        _ if word.starts_with('-') => return unmodelled(word),
        _ => return wrong(format!("Bad argument `{word}'")),
    };
    draft.matches.push(Match { not, what });
    Ok(())
}

fn net(text: &str) -> Result<Net, Wrong> {
    Net::parse(text).map_or_else(|| wrong(format!("host/network `{text}' not found")), Ok)
}

/// A port or a range of them.
fn ports(text: &str, between: char, protocol: Protocol) -> Option<(u16, u16)> {
    let port = |text: &str| text.parse().ok().or_else(|| services::port(text, protocol));
    match text.split_once(between) {
        Some((low, high)) => {
            let low = if low.is_empty() { 0 } else { port(low)? };
            let high = if high.is_empty() { u16::MAX } else { port(high)? };
            (low <= high).then_some((low, high))
        }
        None => port(text).map(|port| (port, port)),
    }
}

fn command(draft: Draft) -> Result<Asked, Wrong> {
    let table = draft.table.clone().unwrap_or_else(|| "filter".to_owned());
    match table.as_str() {
        "nat" => {}
        "filter" | "mangle" | "raw" | "security" => return unmodelled(&format!("-t {table}: the table nat is there")),
        _ => {
            let text = format!(
                "{VERSION}: table '{table}' does not exist\nPerhaps iptables or your kernel needs to be upgraded.\n"
            );
            return Err(Wrong { text, exit: 3 });
        }
    }
    let Some(Verb { letter, chain, number }) = &draft.verb else { return wrong("no command specified") };
    let hook = match chain {
        None => None,
        Some(name) => match Hook::ALL.into_iter().find(|hook| hook.chain() == name) {
            Some(hook) => Some(hook),
            None => {
                return Err(Wrong { text: "iptables: No chain/target/match by that name.\n".to_owned(), exit: 1 });
            }
        },
    };
    let position = number.as_ref().map(|number| match number.parse::<usize>() {
        Ok(number) if number > 0 => Ok(number),
        _ => wrong(format!("Invalid rule number `{number}'")),
    });
    let command = match (letter, hook) {
        ('S', hook) => Command::Show(hook),
        ('L', hook) => Command::List(hook, draft.look),
        ('F', hook) => Command::Change(Change::Flush(hook)),
        (letter, None) => return wrong(format!("option \"-{letter}\" requires an argument")),
        ('P', Some(_)) => match number.as_deref() {
            Some("ACCEPT") => Command::Nothing,
            Some("DROP") => {
                return wrong(
                    "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n",
                );
            }
            _ => return wrong("-P requires a chain and a policy"),
        },
        ('D', Some(hook)) if number.is_some() => {
            Command::Change(Change::DeleteAt(hook, position.transpose()?.unwrap_or(1)))
        }
        (letter, Some(hook)) => {
            let rule = rule(
                draft.matches,
                draft.target,
                draft.protocol,
                hook,
                (draft.to_source, draft.to_ports),
                draft.random,
            )?;
            match letter {
                'A' => Command::Change(Change::Append(hook, rule)),
                'I' => Command::Change(Change::Insert(hook, position.transpose()?.unwrap_or(1), rule)),
                'R' => match position.transpose()? {
                    Some(at) => Command::Change(Change::Replace(hook, at, rule)),
                    None => return wrong("-R requires a rule number"),
                },
                'C' => Command::Check(hook, rule),
                _ => Command::Change(Change::Delete(hook, rule)),
            }
        }
    };
    Ok(Asked { command })
}

fn rule(
    mut matches: Vec<Match>,
    target: Option<String>,
    protocol: Option<Protocol>,
    hook: Hook,
    (to_source, to_ports): (Option<String>, Option<String>),
    random: Random,
) -> Result<Rule, Wrong> {
    let goes_out = matches!(hook, Hook::Output | Hook::Postrouting);
    for one in &matches {
        match one.what {
            What::In(_) if goes_out => return wrong(format!("Can't use -i with {}\n", hook.chain())),
            What::Out(_) if !goes_out => return wrong(format!("Can't use -o with {}\n", hook.chain())),
            _ => {}
        }
    }
    let order = |what: &What| match what {
        What::Source(_) => 0,
        What::Destination(_) => 1,
        What::In(_) => 2,
        What::Out(_) => 3,
        What::Protocol(_) => 4,
        What::SourcePorts(..) => 5,
        What::DestinationPorts(..) => 6,
    };
    matches.sort_by_key(|one| order(&one.what));
    let transport = protocol.unwrap_or(Protocol::Tcp);
    let ports_of = |text: &str| match ports(text, '-', transport) {
        Some(_) if protocol.is_none() => wrong("Need TCP, UDP, SCTP or DCCP with port specification"),
        Some(ports) => Ok(ports),
        None => wrong(format!("Port `{text}' not valid")),
    };
    let target = match target.as_deref() {
        Some("ACCEPT") => Target::Accept,
        Some("RETURN") => Target::Return,
        Some("MASQUERADE") => Target::Masquerade { ports: to_ports.as_deref().map(ports_of).transpose()?, random },
        Some("SNAT") => {
            let Some(to) = to_source else { return wrong("SNAT: option \"--to-source\" must be specified\n") };
            let (address, range) = to.split_once(':').map_or((to.as_str(), None), |(a, ports)| (a, Some(ports)));
            if address.contains('-') {
                return unmodelled("SNAT to a range of addresses");
            }
            let Ok(address) = address.parse() else { return wrong(format!("Bad IP address \"{address}\"\n")) };
            Target::Snat { address, ports: range.map(ports_of).transpose()?, random }
        }
        Some(known @ ("DNAT" | "REDIRECT" | "NETMAP" | "LOG" | "MARK")) => return unmodelled(&format!("-j {known}")),
        Some(other) => return wrong(format!("Chain '{other}' does not exist")),
        None => return unmodelled("rules without a target"),
    };
    Ok(Rule { matches, target })
}
