//! Sysctls and counters of the calling thread's network namespace, from `/proc`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

/// `net.ipv4.tcp_tw_reuse` as a path. Names are under `net.` and have no slash: the parser saw to it.
fn path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name.replace('.', "/"))
}

/// The value, its blanks as one.
pub fn sysctl(name: &str) -> io::Result<String> {
    let text = fs::read_to_string(path(name))?;
    Ok(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// Writes the value with a newline, for an empty one would otherwise write nothing. The kernel may read the first words and
/// no more; a write of the rest changes nothing then.
pub fn set_sysctl(name: &str, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path(name))?.write_all(format!("{value}\n").as_bytes())
}

/// The counter of that name; `ENOENT` where there is none.
pub fn counter(name: &str) -> io::Result<String> {
    for file in ["snmp", "netstat", "snmp6"] {
        let text = fs::read_to_string(format!("/proc/thread-self/net/{file}"))?;
        let value = if file == "snmp6" { in_list(&text, name) } else { in_tables(&text, name) };
        if let Some(value) = value {
            return Ok(value.to_owned());
        }
    }
    Err(rustix::io::Errno::NOENT.into())
}

/// `Tcp: ActiveOpens PassiveOpens` over `Tcp: 1 2`: nstat joins the first word and the column.
fn in_tables<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let Some((table, names)) = names.split_once(": ") else { continue };
        let values = values.split_once(": ").map_or("", |(_, values)| values);
        let Some(column) = name.strip_prefix(table) else { continue };
        let found = names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == column);
        if let Some((_, value)) = found {
            return Some(value);
        }
    }
    None
}

/// `Ip6InReceives   12`.
fn in_list<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (counter, value) = line.split_once(char::is_whitespace)?;
        (counter == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_as_nstat_names_them() {
        let snmp = "Ip: Forwarding InReceives\nIp: 1 20\nTcp: ActiveOpens PassiveOpens\nTcp: 3 4\n";
        assert_eq!(in_tables(snmp, "TcpPassiveOpens"), Some("4"));
        assert_eq!(in_tables(snmp, "IpInReceives"), Some("20"));
        assert_eq!(in_tables(snmp, "TcpInReceives"), None);
        assert_eq!(in_tables("TcpExt: TW TWRecycled\nTcpExt: 1 2\n", "TcpExtTWRecycled"), Some("2"));
        let snmp6 = "Ip6InReceives                   \t12\nIp6OutRequests                  \t13\n";
        assert_eq!(in_list(snmp6, "Ip6OutRequests"), Some("13"));
        assert_eq!(in_list(snmp6, "Ip6Out"), None);
    }
}
