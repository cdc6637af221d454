//! The filter of `ss`: states, and an expression over addresses and ports.
//!
//! Source: `misc/ssfilter.y` and `misc/ssfilter_check.c` of iproute2 6.1. Left out: `dev`, `fwmark`, `cgroup`, `autobound`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::rows::Row;
use super::services;
use crate::linux::address::Family;
use crate::linux::socket::{Protocol, State};

/// What a row must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Address {
        local: bool,
        prefix: Option<(Ipv6Addr, u8)>,
        v4: bool,
        port: Option<u32>,
    },
    /// As the real one reads it, a port may be more than there are.
    Port {
        local: bool,
        order: Order,
        port: u32,
    },
}

/// How a port compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Equal,
    AtLeast,
    AtMost,
}

impl Filter {
    /// Whether a row passes.
    #[must_use]
    pub fn passes(&self, row: &Row) -> bool {
        match self {
            Filter::All(parts) => parts.iter().all(|part| part.passes(row)),
            Filter::Any(parts) => parts.iter().any(|part| part.passes(row)),
            Filter::Not(part) => !part.passes(row),
            Filter::Port { local, order, port } => {
                let of_row = u32::from(if *local { row.local.1 } else { row.peer.1 });
                match order {
                    Order::Equal => of_row == *port,
                    Order::AtLeast => of_row >= *port,
                    Order::AtMost => of_row <= *port,
                }
            }
            Filter::Address { local, prefix, v4, port } => {
                let (address, of_row) = if *local { row.local } else { row.peer };
                let inside = prefix.is_none_or(|(to, length)| {
                    // A prefix of IPv6 is not compared with sockets of IPv4; one of IPv4 is, with mapped addresses too.
                    let comparable = *v4 || row.family == Family::V6;
                    comparable && same_prefix(to, address, length)
                });
                inside && port.is_none_or(|port| port == u32::from(of_row))
            }
        }
    }
}

fn same_prefix(one: Ipv6Addr, two: Ipv6Addr, length: u8) -> bool {
    let shift = 128 - u32::from(length.min(128));
    one.to_bits().checked_shr(shift) == two.to_bits().checked_shr(shift)
}

/// The states that a name of `state` and `exclude` stands for.
#[must_use]
pub fn states(name: &str) -> Option<Vec<State>> {
    use State::{
        Close, CloseWait, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynRecv, SynSent, TimeWait,
    };
    let connected = [Established, SynSent, SynRecv, FinWait1, FinWait2, TimeWait, CloseWait, LastAck, Closing];
    let but = |left_out: [State; 2]| connected.into_iter().filter(move |state| !left_out.contains(state));
    Some(match name.to_ascii_lowercase().as_str() {
        "established" => vec![Established],
        "syn-sent" => vec![SynSent],
        "syn-recv" | "syn-rcv" => vec![SynRecv],
        "fin-wait-1" => vec![FinWait1],
        "fin-wait-2" => vec![FinWait2],
        "time-wait" => vec![TimeWait],
        "unconnected" | "closed" | "close" => vec![Close],
        "close-wait" => vec![CloseWait],
        "last-ack" => vec![LastAck],
        "listening" => vec![Listen],
        "closing" => vec![Closing],
        "all" => connected.into_iter().chain([Close, Listen]).collect(),
        "connected" => connected.to_vec(),
        "synchronized" => but([SynSent; 2]).collect(),
        "bucket" => vec![SynRecv, TimeWait],
        "big" => but([SynRecv, TimeWait]).chain([Close, Listen]).collect(),
        _ => return None,
    })
}

/// What `ss` says of an expression, and its exit status.
pub type Problem = (String, i32);

/// What the real parser says wherever something else is expected.
fn syntax_error() -> Problem {
    let text = "ss: bison bellows (while parsing filter): \"syntax error!\" Sorry.\nUsage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]";
    (text.into(), 255)
}

/// Reads an expression.
///
/// # Errors
/// A word that is no address or port, or where something else is expected.
pub fn parse(text: &str) -> Result<Filter, Problem> {
    let mut reader = Reader { tokens: tokens(text), at: 0 };
    let filter = reader.any()?;
    match reader.peek() {
        None => Ok(filter),
        Some(_) => Err(syntax_error()),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_whitespace() && !"()&|=<>".contains(c) && (c != '!' || chars.peek() != Some(&'=')) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        let mut mark = String::from(c);
        while !"() \t\n".contains(c) && chars.peek().is_some_and(|next| "=&|".contains(*next)) && mark.len() < 2 {
            mark.extend(chars.next());
        }
        if !c.is_whitespace() {
            tokens.push(mark);
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|token| words.contains(&token));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Filter, Problem> {
        let mut parts = vec![self.all()?];
        while self.eat(&["or", "|", "||"]) {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self) -> Result<Filter, Problem> {
        let mut parts = vec![self.one()?];
        while self.eat(&["and", "&", "&&"]) || !matches!(self.peek(), None | Some(")" | "or" | "|" | "||")) {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        if self.eat(&["!", "not"]) {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.eat(&["("]) {
            let inner = self.any()?;
            return if self.eat(&[")"]) { Ok(inner) } else { Err(syntax_error()) };
        }
        let Some(word) = self.peek().map(str::to_owned) else {
            return Err(syntax_error());
        };
        let place = ["src", "dst", "sport", "dport"].contains(&word.as_str());
        if ["dev", "fwmark", "cgroup", "autobound"].contains(&word.as_str()) {
            return Err((format!("portlab does not model `{word}` in the filter of ss"), 2));
        }
        self.at += usize::from(place);
        if !place {
            // A bare address stands for either end's in ss's grammar only after src or dst.
            return Err(bad_address(&word));
        }
        self.compare(&word)
    }

    fn compare(&mut self, word: &str) -> Result<Filter, Problem> {
        let operator = self.peek().unwrap_or("").to_owned();
        let (negated, order, strict) = match operator.as_str() {
            "=" | "==" | "eq" => (false, Order::Equal, false),
            "!=" | "ne" | "neq" => (true, Order::Equal, false),
            ">=" | "ge" | "geq" => (false, Order::AtLeast, false),
            "<=" | "le" | "leq" => (false, Order::AtMost, false),
            ">" | "gt" => (true, Order::AtMost, true),
            "<" | "lt" => (true, Order::AtLeast, true),
            _ => (false, Order::Equal, false),
        };
        let known = negated || strict || order != Order::Equal || ["=", "==", "eq"].contains(&operator.as_str());
        self.at += usize::from(known);
        let Some(value) = self.peek().map(str::to_owned) else {
            return Err(syntax_error());
        };
        self.at += 1;
        let local = word.starts_with('s');
        let port = word.ends_with("port");
        if known && !port && order != Order::Equal || negated && !port {
            // An address is compared for being equal alone.
            return Err(syntax_error());
        }
        let filter = if port {
            let port = value.strip_prefix(':').unwrap_or(&value);
            let port = port_of(port).ok_or_else(|| bad_port(port))?;
            Filter::Port { local, order, port }
        } else {
            address(local, &value)?
        };
        Ok(if negated { Filter::Not(Box::new(filter)) } else { filter })
    }
}

fn bad_address(word: &str) -> Problem {
    (format!("Error: an inet prefix is expected rather than \"{word}\".\nCannot parse dst/src address."), 1)
}

fn bad_port(word: &str) -> Problem {
    (format!("Error: \"{word}\" does not look like a port.\nCannot parse dst/src address."), 1)
}

fn port_of(text: &str) -> Option<u32> {
    let service = |protocol| services::port(text, protocol).map(u32::from);
    text.parse().ok().or_else(|| service(Protocol::Tcp)).or_else(|| service(Protocol::Udp))
}

/// An address of IPv4 with fewer than four numbers is filled up: `127`, `10.1`.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u8> = text.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    let mut octets = [0; 4];
    octets.get_mut(..numbers.len())?.copy_from_slice(&numbers);
    Some(octets.into())
}

/// `127.0.0.1`, `10.0.0.0/8:80`, `[::1]:80`, `:80`, `*:80`.
fn address(local: bool, text: &str) -> Result<Filter, Problem> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| bad_address(text))?;
            let (length, port) = rest.split_once(':').map_or((rest, None), |(length, port)| (length, Some(port)));
            (format!("{host}{length}"), port)
        }
        // The last colon goes before the port, so that an address of IPv6 needs its brackets.
        None => text.rsplit_once(':').map_or((text.to_owned(), None), |(host, port)| (host.to_owned(), Some(port))),
    };
    let port = match port {
        None | Some("" | "*") => None,
        Some(port) => Some(port_of(port).ok_or_else(|| bad_port(port))?),
    };
    if host.is_empty() || host == "*" {
        return Ok(Filter::Address { local, prefix: None, v4: false, port });
    }
    let (address, length) = host.split_once('/').map_or((host.as_str(), None), |(a, l)| (a, Some(l)));
    let length = length.map(|length| length.parse::<u8>().map_err(|_| bad_address(text))).transpose()?;
    if let Some(v4) = parse_v4(address) {
        let prefix = Some((v4.to_ipv6_mapped(), 96 + length.unwrap_or(32).min(32)));
        return Ok(Filter::Address { local, prefix, v4: true, port });
    }
    let v6: Ipv6Addr = address.parse().map_err(|_| bad_address(&host))?;
    Ok(Filter::Address { local, prefix: Some((v6, length.unwrap_or(128))), v4: false, port })
}
