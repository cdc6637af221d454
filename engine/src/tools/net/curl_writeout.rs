//! `curl -w`: what it tells of a transfer.
//!
//! Source: `src/tool_writeout.c` of curl 7.88.1. Modelled: the variables of [`variable`]; an unknown one is said to be so.

use std::net::SocketAddr;
use std::time::Duration;

use super::curl::Failure;
use crate::tools::Cx;
use crate::tools::options::Given;

/// What `-w` can tell of a transfer.
#[derive(Default)]
pub(super) struct Told<'a> {
    pub(super) status: i32,
    pub(super) error: &'a str,
    pub(super) code: &'a str,
    pub(super) own: Option<SocketAddr>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) bytes: usize,
    pub(super) kind: &'a str,
    pub(super) spent: Duration,
}

/// Lets `-w` tell of a transfer that failed; not of one that was cut off, whose head is not kept.
pub(super) fn told_failed(
    cx: &mut Cx,
    given: &Given,
    failure: Failure,
    ends: Option<(SocketAddr, SocketAddr)>,
) -> Failure {
    let (status, error) = (failure.0, failure.1.as_str());
    if ![18, 130].contains(&status) {
        let (own, peer) = ends.unzip();
        let told = Told { status, error, own, peer, ..Told::default() };
        write_out(cx, given, given.operands.first().map_or("", String::as_str), &told);
    }
    failure
}

/// Prints the format of `-w` (`src/tool_writeout.c`).
pub(super) fn write_out(cx: &mut Cx, given: &Given, url: &str, told: &Told) {
    let Some(format) = given.value('w') else { return };
    let format = format.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r");
    let (mut text, mut rest) = (String::new(), format.as_str());
    while let Some(at) = rest.find('%') {
        text += &rest[..at];
        let after = &rest[at + 1..];
        let name = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        (text, rest) = match name {
            Some((name, left)) => {
                match variable(given, url, told, name) {
                    Some(value) => text += &value,
                    None => cx.eprint(&format!("curl: unknown --write-out variable: '{name}'\n")),
                }
                (text, left)
            }
            None if after.starts_with('%') => (text + "%", &after[1..]),
            None => (text + "%", after),
        };
    }
    let text = text + rest;
    cx.print(&text);
}

fn variable(given: &Given, url: &str, told: &Told, name: &str) -> Option<String> {
    let ip = |end: Option<SocketAddr>| end.map_or(String::new(), |end| end.ip().to_canonical().to_string());
    let port = |end: Option<SocketAddr>| end.map_or(0, |end| end.port()).to_string();
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    Some(match name {
        "http_code" | "response_code" => if told.code.is_empty() { "000" } else { told.code }.to_owned(),
        "local_port" => port(told.own),
        "remote_port" => port(told.peer),
        "local_ip" => ip(told.own),
        "remote_ip" => ip(told.peer),
        "size_download" => told.bytes.to_string(),
        "num_connects" => u8::from(told.peer.is_some()).to_string(),
        "exitcode" => told.status.to_string(),
        "errormsg" => told.error.to_owned(),
        "content_type" => told.kind.to_owned(),
        "url" => url.to_owned(),
        "url_effective" if whole.matches('/').count() < 3 => format!("{whole}/"),
        "url_effective" => whole,
        "scheme" => "HTTP".to_owned(),
        "method" if given.has('I') => "HEAD".to_owned(),
        "method" => given.value('X').unwrap_or(if given.has('d') { "POST" } else { "GET" }).to_owned(),
        "num_redirects" => "0".to_owned(),
        // The lab's time: connecting on one host takes none.
        "time_total" | "time_starttransfer" => format!("{:.6}", told.spent.as_secs_f64()),
        "time_connect" | "time_namelookup" | "time_appconnect" | "time_pretransfer" => "0.000000".to_owned(),
        _ => return None,
    })
}
