//! `ip`: the addresses of the host's devices, and where a packet would go.
//!
//! Source: `ip/ipaddress.c`, `ip/iproute.c` of iproute2 6.1. Modelled: `ip [-br] [-4|-6] addr [show] [[dev] NAME]`,
//! `ip addr add PREFIX dev NAME`, `ip route`, `ip route get ADDRESS` of IPv4. A host has `lo` alone so far.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::host::{Answer, Call};
use crate::linux::address::{ANY4, is_loopback};
use crate::linux::route::{Device, Out, parse_prefix};
use crate::linux::{Errno, Namespace};
use crate::tools::Cx;
use crate::tools::jobs::Process;

/// Which addresses are shown, and how.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    brief: bool,
    only_v4: bool,
    only_v6: bool,
}

/// Runs ip.
pub fn run(cx: &mut Cx) -> i32 {
    let mut shown = Shown::default();
    let mut words: Vec<String> = cx.args[1..].to_vec();
    while let Some(option) = words.first().filter(|word| word.starts_with('-')).cloned() {
        match option.as_str() {
            "-br" | "-brief" | "--brief" => shown.brief = true,
            "-4" => shown.only_v4 = true,
            "-6" => shown.only_v6 = true,
            _ => return not_modelled(cx, &option),
        }
        words.remove(0);
    }
    cx.world.start_host(cx.place.host());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let starts = |word: &str, whole: &str| !word.is_empty() && whole.starts_with(word);
    match &words[..] {
        [object, rest @ ..] if starts(object, "address") || *object == "addr" => match rest {
            ["add", rest @ ..] => add(cx, rest),
            [] | ["show" | "list" | "ls"] => show(cx, None, shown),
            ["show" | "list" | "ls", "dev", name] | ["show" | "list" | "ls", name] => show(cx, Some(name), shown),
            _ => not_modelled(cx, &words.join(" ")),
        },
        [object, rest @ ..] if starts(object, "route") && !shown.only_v6 => match rest {
            [] | ["show" | "list" | "ls"] => 0,
            ["get", to] => get(cx, to),
            _ => not_modelled(cx, &words.join(" ")),
        },
        [object, ..] if ["link", "l", "neigh", "n", "rule", "netns", "tunnel", "route", "r"].contains(object) => {
            not_modelled(cx, &words.join(" "))
        }
        [object, ..] => {
            cx.eprint(&format!("Object \"{object}\" is unknown, try \"ip help\".\n"));
            1
        }
        [] => not_modelled(cx, "without an object"),
    }
}

fn not_modelled(cx: &mut Cx, what: &str) -> i32 {
    cx.eprint(&format!("portlab does not model `ip {what}`: ip addr, ip addr add and ip route are there\n"));
    2
}

/// A device's addresses in the kernel's order: of IPv4 those that share a net with an earlier one last; of IPv6 the newest
/// first, that of the host itself last.
fn addresses(device: &Device) -> Vec<(Ipv6Addr, u8, bool)> {
    let mut v4: Vec<(Ipv6Addr, u8, bool)> = Vec::new();
    let mut v6: Vec<(Ipv6Addr, u8, bool)> = Vec::new();
    for &(address, length) in &device.addresses {
        let Some(own) = address.to_ipv4_mapped() else {
            v6.push((address, length, false));
            continue;
        };
        let net = |address: Ipv4Addr| address.to_bits().checked_shr(32 - u32::from(length));
        let shares = |other: &(Ipv6Addr, u8, bool)| {
            other.1 == length && other.0.to_ipv4_mapped().is_some_and(|other| net(other) == net(own))
        };
        let secondary = v4.iter().any(shares);
        v4.push((address, length, secondary));
    }
    v4.sort_by_key(|row| row.2);
    v6.reverse();
    v6.sort_by_key(|row| is_loopback(row.0));
    v4.into_iter().chain(v6).collect()
}

fn show(cx: &mut Cx, name: Option<&str>, shown: Shown) -> i32 {
    let Some(host) = cx.world.host(cx.place.host()) else { return 1 };
    let devices: Vec<&Device> =
        host.namespace().routing.devices.iter().filter(|device| name.is_none_or(|name| device.name == name)).collect();
    if devices.is_empty() {
        let text = format!("Device \"{}\" does not exist.\n", name.unwrap_or(""));
        cx.eprint(&text);
        return 1;
    }
    let text: String = devices.iter().map(|device| shown_device(device, shown)).collect();
    cx.print(&text);
    0
}

fn shown_device(device: &Device, shown: Shown) -> String {
    let visible = |row: &(Ipv6Addr, u8, bool)| {
        let v4 = row.0.to_ipv4_mapped().is_some();
        shown.only_v4 == shown.only_v6 || shown.only_v4 == v4
    };
    let rows: Vec<_> = addresses(device).into_iter().filter(visible).collect();
    let plain = |address: Ipv6Addr| address.to_ipv4_mapped().map_or_else(|| address.to_string(), |v4| v4.to_string());
    if shown.brief {
        let list: String = rows.iter().map(|(address, length, _)| format!("{}/{length} ", plain(*address))).collect();
        return format!("{:<16} {:<14} {list}\n", device.name, "UNKNOWN");
    }
    let qdisc = if shown.only_v6 { "" } else { "qdisc noqueue " };
    let group = if shown.only_v6 { "" } else { "group default " };
    let mut text = format!(
        "{}: {}: <LOOPBACK,UP,LOWER_UP> mtu 65536 {qdisc}state UNKNOWN {group}qlen 1000\n",
        device.index, device.name
    );
    if !shown.only_v4 && !shown.only_v6 {
        text += "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n";
    }
    for (address, length, secondary) in rows {
        let scope = if is_loopback(address) { "host" } else { "global" };
        let second = if secondary { "secondary " } else { "" };
        text += &match address.to_ipv4_mapped() {
            Some(v4) => format!("    inet {v4}/{length} scope {scope} {second}{}\n", device.name),
            None => format!("    inet6 {address}/{length} scope {scope} \n"),
        };
        text += "       valid_lft forever preferred_lft forever\n";
    }
    text
}

fn add(cx: &mut Cx, words: &[&str]) -> i32 {
    let (prefix, device) = match words {
        [prefix, "dev", device] => (*prefix, *device),
        [_] => {
            cx.eprint("Not enough information: \"dev\" argument is required.\n");
            return 1;
        }
        _ => return not_modelled(cx, &format!("addr add {}", words.join(" "))),
    };
    if parse_prefix(prefix).is_none() {
        cx.eprint(&format!("Error: any valid prefix is expected rather than \"{prefix}\".\n"));
        return 1;
    }
    let process = Process::start(cx);
    let status = match process.call(cx, Call::AddAddress { device: device.into(), prefix: prefix.into() }) {
        Answer::Refused { refusal, .. } => {
            let (text, status) = match refusal.errno {
                Errno::Enodev => (format!("Cannot find device \"{device}\""), 1),
                Errno::Eexist if prefix.contains(':') => ("RTNETLINK answers: File exists".to_owned(), 2),
                Errno::Eexist => ("Error: ipv4: Address already assigned.".to_owned(), 2),
                errno => (format!("RTNETLINK answers: {}", errno.words()), 2),
            };
            cx.eprint(&format!("{text}\n"));
            status
        }
        _ => 0,
    };
    process.exit(cx, status)
}

fn get(cx: &mut Cx, to: &str) -> i32 {
    let Ok(to) = to.parse::<Ipv4Addr>() else { return not_modelled(cx, &format!("route get {to}")) };
    let Some(host) = cx.world.host(cx.place.host()) else { return 1 };
    let namespace: &Namespace = host.namespace();
    let path = namespace.routing.output(ANY4, to.to_ipv6_mapped(), None);
    match path {
        Ok(path) if path.out == Out::Local => {
            let source = path.source.to_ipv4_mapped().unwrap_or(to);
            cx.print(&format!("local {to} dev lo src {source} uid 0 \n    cache <local> \n"));
            0
        }
        Ok(_) => not_modelled(cx, &format!("route get {to}")),
        Err(errno) => {
            cx.eprint(&format!("RTNETLINK answers: {}\n", errno.words()));
            2
        }
    }
}
