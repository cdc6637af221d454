//! The front matter: `key: value` lines between two `---`.

use super::{Line, Problem, problem};
use crate::model::{Cluster, Host, Proxy};

/// What the front matter says.
pub(super) struct Front {
    pub title: String,
    pub summary: String,
    pub minutes: u8,
    pub chapter: u8,
    pub position: u8,
    pub concepts: Vec<String>,
    pub cluster: Cluster,
    pub not_in: Vec<(String, String)>,
}

const KEYS: &str =
    "title, summary, minutes, chapter, position, concepts, nodes, proxy, host, not-in-kernel, not-in-kind";

/// Reads the front matter; returns what follows it too.
pub(super) fn read<'a, 'b>(lines: &'b [Line<'a>]) -> Result<(Front, &'b [Line<'a>]), Problem> {
    if lines.first().is_none_or(|line| line.text.trim_end() != "---") {
        return problem(1, 1, "no front matter found; expected `---` on the first line");
    }
    let Some(length) = lines[1..].iter().position(|line| line.text.trim_end() == "---") else {
        return problem(1, 1, "the front matter has no end; expected a second `---`");
    };
    let mut front = Front {
        title: String::new(),
        summary: String::new(),
        minutes: 0,
        chapter: 0,
        position: 0,
        concepts: Vec::new(),
        cluster: Cluster { nodes: 3, ..Cluster::default() },
        not_in: Vec::new(),
    };
    for line in &lines[1..=length] {
        entry(&mut front, line)?;
    }
    let missing = [
        ("title", front.title.is_empty()),
        ("summary", front.summary.is_empty()),
        ("minutes", front.minutes == 0),
        ("chapter", front.chapter == 0),
        ("position", front.position == 0),
    ];
    if let Some((key, _)) = missing.iter().find(|(_, missing)| *missing) {
        return problem(1, 1, format!("the front matter lacks `{key}`"));
    }
    if front.cluster.nodes > 0 && !front.cluster.hosts.is_empty() {
        return problem(1, 1, "the front matter has hosts beside a cluster; expected `nodes: 0`");
    }
    if front.cluster.nodes == 0 && front.not_in.iter().all(|(world, _)| world != "kind") {
        front.not_in.push(("kind".to_owned(), "it needs no cluster: `cargo xtask kernel-verify` runs it".to_owned()));
    }
    Ok((front, &lines[length + 2..]))
}

fn entry(front: &mut Front, line: &Line) -> Result<(), Problem> {
    if line.text.trim().is_empty() {
        return Ok(());
    }
    let Some((key, value)) = line.text.split_once(':') else {
        return problem(line.number, 1, format!("found `{}`; expected `key: value`", line.text));
    };
    let column = u32::try_from(key.len() + 3).unwrap_or(1);
    let value = value.trim();
    match key {
        "title" => value.clone_into(&mut front.title),
        "summary" => value.clone_into(&mut front.summary),
        "minutes" => front.minutes = number(line, column, value, 1, 120)?,
        "chapter" => front.chapter = number(line, column, value, 1, 4)?,
        "position" => front.position = number(line, column, value, 1, 9)?,
        "concepts" => front.concepts = value.split(',').map(|part| part.trim().to_owned()).collect(),
        "nodes" => front.cluster.nodes = u32::from(number(line, column, value, 0, 9)?),
        "proxy" => {
            front.cluster.proxy = match value {
                "iptables" => Proxy::Iptables,
                "nftables" => Proxy::Nftables,
                "ipvs" => Proxy::Ipvs,
                _ => {
                    return problem(
                        line.number,
                        column,
                        format!("found `{value}`; expected iptables, nftables or ipvs"),
                    );
                }
            }
        }
        "host" => front.cluster.hosts.push(host(line, column, value)?),
        "not-in-kernel" => front.not_in.push(("kernel".to_owned(), value.to_owned())),
        "not-in-kind" => front.not_in.push(("kind".to_owned(), value.to_owned())),
        _ => return problem(line.number, 1, format!("found the key `{key}`; expected one of {KEYS}")),
    }
    Ok(())
}

fn number(line: &Line, column: u32, value: &str, from: u8, to: u8) -> Result<u8, Problem> {
    match value.parse::<u8>() {
        Ok(number) if (from..=to).contains(&number) => Ok(number),
        _ => problem(line.number, column, format!("found `{value}`; expected a whole number from {from} to {to}")),
    }
}

/// `client 10.0.0.2/24 via 10.0.0.1`, `router 10.0.0.1/24 203.0.113.1/24 forwards`.
fn host(line: &Line, column: u32, value: &str) -> Result<Host, Problem> {
    let mut words = value.split_whitespace();
    let mut host = Host { name: words.next().unwrap_or("").to_owned(), ..Host::default() };
    while let Some(word) = words.next() {
        match word {
            "via" => host.gateway = words.next().map(str::to_owned),
            "forwards" => host.forwards = true,
            address if Host::link(address).is_some() => host.addresses.push(address.to_owned()),
            _ => {
                return problem(
                    line.number,
                    column,
                    format!("found `{word}`; expected an address such as 10.0.0.2/24"),
                );
            }
        }
    }
    if host.addresses.is_empty() {
        return problem(line.number, column, format!("found `{value}`; expected a name and an address"));
    }
    Ok(host)
}
