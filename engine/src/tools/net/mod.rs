//! Programs that show, use and set up the sockets of a host: those of iproute2 6.1, net-tools 2.10, procps 4.0 and
//! netcat-openbsd 1.219, curl 7.88.1, lsof 4.95, ApacheBench 2.3, nginx 1.22.1, Python's web server, iptables 1.8.9 and
//! conntrack 1.4.7, as Debian 12 has them.
//!
//! Each opens sockets by system calls of its own process ([`super::jobs::Process`]), or reads the host's namespace. Their
//! output is that for a pipe: `ss` then makes no column wider than its content. Commands act with the rights of root.

pub mod ab;
pub mod conntrack;
pub mod curl;
mod curl_writeout;
pub mod ip;
pub mod iptables;
pub mod lsof;
pub mod nc;
pub mod netstat;
pub mod nstat;
pub mod rows;
pub mod services;
pub mod ss;
mod ss_filter;
pub mod sysctl;
pub mod web_servers;
pub mod wget;

use std::net::{IpAddr, Ipv4Addr};

use super::Cx;
use crate::lab::Place;

/// The address of a name: `localhost`, and in a pod its own name. In a cluster a name may be that of a Service, and it is said
/// that these are not modelled.
fn resolve(cx: &mut Cx, name: &str) -> Option<IpAddr> {
    if name == "localhost" {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let own = cx.world.container_files.as_ref().and_then(|files| files.get("etc/hosts")).and_then(|hosts| {
        let line = hosts.lines().find(|line| line.split_whitespace().skip(1).any(|known| known == name))?;
        line.split_whitespace().next()?.parse().ok()
    });
    let address = name.parse().ok().or(own);
    if address.is_none() && matches!(cx.place, Place::Pod { .. } | Place::Node(_)) {
        cx.eprint("portlab does not model DNS yet: ask by address\n");
    }
    address
}
