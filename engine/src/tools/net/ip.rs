//! `ip`: the addresses of the host's devices, and where a packet would go.
//!
//! Source: `ip/ipaddress.c`, `ip/iproute.c` of iproute2 6.1. Modelled: `ip [-br|-o] [-4|-6] addr [show] [[dev] NAME]`, `ip link`,
//! `ip addr add PREFIX dev NAME`, `ip route`, `ip route get ADDRESS` of IPv4. Left out: link-local addresses, which no device
//! here has, and the routes of IPv6.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::host::{Answer, Call};
use crate::kube::kubelet::hosts;
use crate::kube::kubelet::images::Userland;
use crate::linux::address::{ANY4, is_loopback};
use crate::linux::route::{Device, LO, Out, Path, last, parse_prefix};
use crate::linux::{Errno, Namespace};
use crate::tools::Cx;
use crate::tools::jobs::Process;

/// Which addresses are shown, and how.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    brief: bool,
    only_v4: bool,
    only_v6: bool,
    /// As busybox's applet has it.
    applet: bool,
    /// `-o`: a line for each address.
    one_line: bool,
}

/// The objects that there are besides.
const OBJECTS: [&str; 14] = [
    "neighbour",
    "neighbor",
    "link",
    "rule",
    "netns",
    "tunnel",
    "route",
    "help",
    "maddress",
    "monitor",
    "nexthop",
    "tcp_metrics",
    "vrf",
    "xfrm",
];

/// Runs ip.
pub fn run(cx: &mut Cx) -> i32 {
    let applet = hosts::userland_at(cx.world, cx.place) == Userland::Busybox;
    let mut shown = Shown { applet, ..Shown::default() };
    let mut words: Vec<String> = cx.args[1..].to_vec();
    while let Some(option) = words.first().filter(|word| word.starts_with('-')).cloned() {
        match option.as_str() {
            "-br" | "-brief" | "--brief" if !applet => shown.brief = true,
            "-4" => shown.only_v4 = true,
            "-6" => shown.only_v6 = true,
            "-o" | "-oneline" => shown.one_line = true,
            // Colours, names and units change nothing where there is no terminal.
            "-c" | "-color" | "-c=never" | "-c=auto" | "-color=auto" | "-h" | "-r" => {}
            "-V" | "-Version" => {
                cx.print("ip utility, iproute2-6.1.0\n");
                return 0;
            }
            _ => return not_modelled(cx, &option),
        }
        words.remove(0);
    }
    cx.world.start_host(&cx.host);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let starts = |word: &str, whole: &str| !word.is_empty() && whole.starts_with(word);
    match &words[..] {
        [object, rest @ ..] if starts(object, "address") || *object == "addr" => match rest {
            ["add" | "a" | "ad", rest @ ..] => add(cx, rest),
            _ => match named(rest) {
                Some(name) => each(cx, name, |device| shown_device(device, shown)),
                None => not_modelled(cx, &words.join(" ")),
            },
        },
        [object, rest @ ..] if starts(object, "link") && !shown.only_v4 && !shown.only_v6 => match named(rest) {
            Some(name) => links(cx, name, shown),
            None => not_modelled(cx, &words.join(" ")),
        },
        [object, "get" | "g", to] if starts(object, "route") && shown.only_v6 => get(cx, to),
        [object, rest @ ..] if starts(object, "route") && !shown.only_v6 => match rest {
            [] | ["show" | "list" | "ls" | "s" | "l"] => routes(cx, shown),
            ["table", "main"] | ["show" | "list" | "ls", "table", "main"] => routes(cx, shown),
            ["get" | "g", to] | ["get" | "g", "to", to] => get(cx, to),
            _ => not_modelled(cx, &words.join(" ")),
        },
        [object, ..] if OBJECTS.iter().any(|known| starts(object, known)) => not_modelled(cx, &words.join(" ")),
        [] => not_modelled(cx, "help"),
        [object, ..] => {
            cx.eprint(&format!("Object \"{object}\" is unknown, try \"ip help\".\n"));
            1
        }
    }
}

/// The device that `show` is asked for, none for all; none at all where something else is asked.
fn named<'a>(words: &[&'a str]) -> Option<Option<&'a str>> {
    match words {
        [] | ["show" | "sh" | "s" | "list" | "ls" | "l"] => Some(None),
        ["show" | "sh" | "s" | "list" | "ls" | "l", "dev" | "d", name]
        | ["show" | "sh" | "s" | "list" | "ls" | "l", name] => Some(Some(name)),
        _ => None,
    }
}

fn not_modelled(cx: &mut Cx, what: &str) -> i32 {
    cx.eprint(&format!("portlab does not model `ip {what}`: ip addr, ip addr add, ip link and ip route are there\n"));
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

/// Prints a device, or all of them.
fn each(cx: &mut Cx, name: Option<&str>, shown: impl Fn(&Device) -> String) -> i32 {
    let Some(host) = cx.world.host(&cx.host) else { return 1 };
    let devices: Vec<&Device> =
        host.namespace().routing.devices.iter().filter(|device| name.is_none_or(|name| device.name == name)).collect();
    if devices.is_empty() {
        let text = format!("Device \"{}\" does not exist.\n", name.unwrap_or(""));
        cx.eprint(&text);
        return 1;
    }
    let text: String = devices.into_iter().map(shown).collect();
    cx.print(&text);
    0
}

fn shown_device(device: &Device, shown: Shown) -> String {
    let visible = |row: &(Ipv6Addr, u8, bool)| {
        let v4 = row.0.to_ipv4_mapped().is_some();
        shown.only_v4 == shown.only_v6 || shown.only_v4 == v4
    };
    let rows: Vec<_> = addresses(device).into_iter().filter(visible).collect();
    if rows.is_empty() && shown.only_v4 != shown.only_v6 && device.index != LO {
        return String::new();
    }
    if shown.brief {
        let list: String = rows.iter().map(|(address, length, _)| format!("{}/{length} ", plain(*address))).collect();
        return format!("{:<16} {:<14} {list}\n", name_of(device), state_of(device));
    }
    let mut text = if shown.one_line { String::new() } else { head(device, shown, "") };
    if !shown.one_line && !shown.only_v4 && !shown.only_v6 {
        text += &link_line(device, shown);
    }
    for (address, length, secondary) in rows {
        let scope = if is_loopback(address) { "host" } else { "global" };
        let second = if secondary { "secondary " } else { "" };
        text += &match address.to_ipv4_mapped() {
            Some(v4) => {
                let all = if device.broadcast { format!("brd {} ", last(v4, length)) } else { String::new() };
                format!("    inet {v4}/{length} {all}scope {scope} {second}{}\n", device.name)
            }
            None => format!("    inet6 {address}/{length} scope {scope} \n"),
        };
        if shown.one_line {
            let name = format!("{}: {}   ", device.index, device.name);
            let start = text.rfind("    inet").unwrap_or(0);
            text.replace_range(start..start + 3, &name);
            text.truncate(text.len() - 1);
            text.push('\\');
        }
        text += "       valid_lft forever preferred_lft forever\n";
    }
    text
}

fn plain(address: Ipv6Addr) -> String {
    address.to_ipv4_mapped().map_or_else(|| address.to_string(), |v4| v4.to_string())
}

/// The device's name, with the number of its other end.
fn name_of(device: &Device) -> String {
    if device.peer == 0 { device.name.clone() } else { format!("{}@if{}", device.name, device.peer) }
}

fn state_of(device: &Device) -> &'static str {
    if device.index == LO { "UNKNOWN" } else { "UP" }
}

fn flags_of(device: &Device) -> &'static str {
    if device.index == LO { "LOOPBACK,UP,LOWER_UP" } else { "BROADCAST,MULTICAST,UP,LOWER_UP" }
}

fn mac_of(device: &Device) -> String {
    if device.index == LO {
        return "00:00:00:00:00:00".to_owned();
    }
    // As Docker makes it from the address; a cable's end that shares its address with others, from its name.
    let own = device.addresses.iter().find(|(_, length)| *length < 32).and_then(|(own, _)| own.to_ipv4_mapped());
    let digits = own.map_or_else(
        || device.name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)),
        Ipv4Addr::to_bits,
    );
    let [a, b, c, d] = digits.to_be_bytes();
    format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// The first line of a device; that of `ip link` names a mode.
fn head(device: &Device, shown: Shown, mode: &str) -> String {
    let (index, name, flags, state) = (device.index, name_of(device), flags_of(device), state_of(device));
    let mtu = if device.index == LO { 65_536 } else { 1500 };
    let (qdisc, group) = if shown.only_v6 { ("", "") } else { ("qdisc noqueue ", "group default ") };
    if shown.applet {
        return format!("{index}: {name}: <{flags}> mtu {mtu} {qdisc}qlen 1000\n");
    }
    format!("{index}: {name}: <{flags}> mtu {mtu} {qdisc}state {state} {mode}{group}qlen 1000\n")
}

fn link_line(device: &Device, shown: Shown) -> String {
    let (kind, all) =
        if device.index == LO { ("loopback", "00:00:00:00:00:00") } else { ("ether", "ff:ff:ff:ff:ff:ff") };
    let other = if device.peer == 0 || shown.applet { "" } else { " link-netnsid 0" };
    format!("    link/{kind} {} brd {all}{other}\n", mac_of(device))
}

/// `ip link [show] [[dev] NAME]`
fn links(cx: &mut Cx, name: Option<&str>, shown: Shown) -> i32 {
    let one = |device: &Device| match shown.brief {
        true => {
            format!("{:<16} {:<14} {} <{}> \n", name_of(device), state_of(device), mac_of(device), flags_of(device))
        }
        false => {
            let text = head(device, shown, "mode DEFAULT ") + &link_line(device, shown);
            if shown.one_line { format!("{}\n", text.trim_end().replace('\n', "\\")) } else { text }
        }
    };
    each(cx, name, one)
}

/// `ip route`: those of IPv4.
fn routes(cx: &mut Cx, shown: Shown) -> i32 {
    let Some(host) = cx.world.host(&cx.host) else { return 1 };
    let routing = &host.namespace().routing;
    let mut rows: Vec<(u32, u8, String)> = Vec::new();
    for device in routing.devices.iter().filter(|device| device.index != LO && !device.unrouted) {
        for (address, length, secondary) in addresses(device) {
            let Some(own) = address.to_ipv4_mapped().filter(|_| length < 32 && !secondary) else { continue };
            let net = own.to_bits() & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            let (to, name) = (Ipv4Addr::from_bits(net), &device.name);
            rows.push((net, length, format!("{to}/{length} dev {name} proto kernel scope link src {own} \n")));
        }
    }
    for route in &routing.routes {
        let Some(to) = route.to.to_ipv4_mapped() else { continue };
        let device = routing.devices.iter().find(|device| device.index == route.device);
        let name = device.map_or("", |device| device.name.as_str());
        let net = match route.length {
            0 => "default".to_owned(),
            32 => to.to_string(),
            length => format!("{to}/{length}"),
        };
        let via = route.via.map_or(String::new(), |via| format!("via {} ", plain(via)));
        let scope = match (route.via, route.for_host) {
            (Some(_), _) => "",
            (None, true) => "scope host ",
            (None, false) => "scope link ",
        };
        // The applet sets its sources off by one blank more.
        let gap = if shown.applet { " " } else { "" };
        let source = route.source.map_or(String::new(), |source| format!("{gap}src {} ", plain(source)));
        rows.push((to.to_bits(), route.length, format!("{net} {via}dev {name} {scope}{source}\n")));
    }
    rows.sort();
    let text: String = rows.into_iter().map(|row| row.2).collect();
    cx.print(&text);
    0
}

fn add(cx: &mut Cx, words: &[&str]) -> i32 {
    let (prefix, device) = match words {
        [prefix, "dev", device] | ["dev", device, prefix] | ["local", prefix, "dev", device] => (*prefix, *device),
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
    let Ok(to) = to.parse::<Ipv4Addr>() else {
        if to.parse::<Ipv6Addr>().is_ok() {
            return not_modelled(cx, &format!("route get {to}"));
        }
        cx.eprint(&format!("Error: any valid prefix is expected rather than \"{to}\".\n"));
        return 1;
    };
    let Some(host) = cx.world.host(&cx.host) else { return 1 };
    let namespace: &Namespace = host.namespace();
    let path = namespace.routing.output(ANY4, to.to_ipv6_mapped(), None);
    match path {
        Ok(path) if path.out == Out::Local => {
            let source = path.source.to_ipv4_mapped().unwrap_or(to);
            cx.print(&format!("local {to} dev lo src {source} uid 0 \n    cache <local> \n"));
            0
        }
        Ok(Path { source, out: Out::Link { device, hop }, .. }) => {
            let device = namespace.routing.devices.iter().find(|one| one.index == device);
            let name = device.map_or("", |device| device.name.as_str());
            let via = if plain(hop) == to.to_string() { String::new() } else { format!("via {} ", plain(hop)) };
            let text = format!("{to} {via}dev {name} src {} uid 0 \n    cache \n", plain(source));
            cx.print(&text);
            0
        }
        Ok(_) => not_modelled(cx, &format!("route get {to}")),
        Err(errno) => {
            cx.eprint(&format!("RTNETLINK answers: {}\n", errno.words()));
            2
        }
    }
}
