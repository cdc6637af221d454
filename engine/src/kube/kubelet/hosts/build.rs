//! What nodes, pods and the workstation are made of when they start as hosts: kind's cables, routes and masking rule, and the
//! sockets of what runs there.
//!
//! Measured on kind 0.30: `ip addr`, `ip route`, `iptables-save` and `ss -tlnp` on nodes and in pods. Left out: Docker's rules
//! for its name server, and the names that cables really get, which are random.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::name_of_pod;
use crate::host_spec::{DeviceSpec, HostSpec, PidNamespace, ProcessSpec, RouteSpec, SocketSpec};
use crate::kube::kubelet::program::{Families, NODE_ADDRESS, Run, Socket, Transport};
use crate::kube::kubelet::runtime::{self, PodRuntime, State};
use crate::kube::kubelet::{sites, sockets};
use crate::linux::socket::Protocol;
use crate::netfilter::rule::{Change, Hook, Match, Net, Random, Rule, Target, What as Compared};
use crate::object::{self, str_at};
use crate::store::Kind;
use crate::time::Time;
use crate::tools::jobs::WORKSTATION;
use crate::world::World;

/// The link that nodes and workstation are plugged into, and the workstation's address there.
const BRIDGE: &str = "kind";
pub(super) const BRIDGE_ADDRESS: &str = "172.18.0.1";
const BRIDGE_LENGTH: u8 = 16;
/// All pods of the cluster.
const POD_NET: &str = "10.244.0.0/16";

/// A number that follows from a text alone (FNV-1a).
pub(super) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

pub(super) fn workstation() -> HostSpec {
    let device = DeviceSpec {
        name: "br-portlab".to_owned(),
        link: BRIDGE.to_owned(),
        addresses: vec![format!("{BRIDGE_ADDRESS}/{BRIDGE_LENGTH}")],
        broadcast: true,
        ..DeviceSpec::default()
    };
    HostSpec { name: WORKSTATION.to_owned(), devices: vec![device], ..HostSpec::default() }
}

pub(super) fn node_spec(world: &World, node: &str) -> HostSpec {
    let eth0 = DeviceSpec {
        name: "eth0".to_owned(),
        link: BRIDGE.to_owned(),
        addresses: vec![format!("{}/{BRIDGE_LENGTH}", sockets::node_ip(world, node))],
        broadcast: true,
        ..DeviceSpec::default()
    };
    let mut spec = HostSpec {
        name: node.to_owned(),
        gateway: BRIDGE_ADDRESS.parse().ok(),
        forwards: true,
        sysctls: vec![("net.ipv4.ip_unprivileged_port_start", "0".to_owned())],
        rules: masquerade(),
        processes: daemons(world, node),
        ..HostSpec::default()
    };
    for other in world.store().list(Kind::Node).filter(|other| object::name(other) != node) {
        let via = sockets::node_ip(world, object::name(other)).parse().ok();
        let to = str_at(other, "spec.podCIDR").to_owned();
        spec.routes.push(RouteSpec { to, via, device: "eth0".to_owned(), source: None, for_host: false });
    }
    for pod in world.kube.kubelet.pods.values().filter(|pod| pod.node == node && pod.sandbox) {
        if pod.host_network {
            spec.processes.extend(processes(world, pod));
        } else {
            let (device, route) = cable(world, pod);
            spec.devices.push(device);
            spec.routes.push(route);
        }
    }
    // The kernel numbers devices as they come: those of pods had been there before Docker gave the node its own.
    spec.devices.push(eth0);
    spec
}

/// The node's end of a pod's cable, and the way to the pod by it.
pub(super) fn cable(world: &World, pod: &PodRuntime) -> (DeviceSpec, RouteSpec) {
    let name = cable_name(pod);
    let device = DeviceSpec {
        link: link_name(pod),
        addresses: vec![format!("{}/32", gateway(world, &pod.node))],
        name: name.clone(),
        unrouted: true,
        // A pod has `lo` and `eth0`.
        peer: 2,
        ..DeviceSpec::default()
    };
    (device, RouteSpec { to: format!("{}/32", pod.ip), via: None, device: name, source: None, for_host: true })
}

pub(super) fn cable_name(pod: &PodRuntime) -> String {
    format!("veth{:08x}", digest(&link_name(pod)) as u32)
}

fn link_name(pod: &PodRuntime) -> String {
    format!("{} {}", name_of_pod(pod), pod.ip)
}

/// The node's address towards its pods: the first of its range.
fn gateway(world: &World, node: &str) -> String {
    let range = world.store().find(Kind::Node, "", node).map_or("", |node| str_at(node, "spec.podCIDR"));
    let base = range.split('/').next().and_then(|base| base.parse::<std::net::Ipv4Addr>().ok());
    base.map_or(String::new(), |base| std::net::Ipv4Addr::from_bits(base.to_bits() + 1).to_string())
}

pub(super) fn pod_spec(world: &World, pod: &PodRuntime) -> HostSpec {
    let gateway = gateway(world, &pod.node);
    let range = world.store().find(Kind::Node, "", &pod.node).map_or("", |node| str_at(node, "spec.podCIDR"));
    let length = range.split_once('/').map_or("24", |(_, length)| length);
    let via = gateway.parse().ok();
    let source = pod.ip.parse().ok();
    let route = |to: String, via, source| RouteSpec { to, via, device: "eth0".to_owned(), source, for_host: false };
    let node = world.state.hosts.get(pod.node.as_str());
    let other_end = node.and_then(|node| node.namespace().routing.device(&cable_name(pod)));
    HostSpec {
        name: name_of_pod(pod),
        devices: vec![DeviceSpec {
            name: "eth0".to_owned(),
            link: link_name(pod),
            addresses: vec![format!("{}/{length}", pod.ip)],
            unrouted: true,
            broadcast: true,
            peer: other_end.map_or(0, |device| device.index),
        }],
        routes: vec![
            route("0.0.0.0/0".to_owned(), via, None),
            route(range.to_owned(), via, source),
            route(format!("{gateway}/32"), None, source),
        ],
        // containerd lets a pod without privileges have the low ports, and a pod inherits that its node is a router.
        forwards: true,
        sysctls: vec![("net.ipv4.ip_unprivileged_port_start", "0".to_owned())],
        processes: processes(world, pod),
        ..HostSpec::default()
    }
}

/// What pods send out of the cluster gets their node's address (KIND-MASQ-AGENT).
fn masquerade() -> Vec<Change> {
    let Some(pods) = Net::parse(POD_NET) else { return Vec::new() };
    let matches = vec![
        Match { not: true, what: Compared::Destination(pods) },
        Match { not: false, what: Compared::Out("eth0".to_owned()) },
    ];
    let target = Target::Masquerade { ports: None, random: Random::No };
    vec![Change::Append(Hook::Postrouting, Rule { matches, target })]
}

/// What runs on a node outside of containers, and Docker's own name server.
fn daemons(world: &World, node: &str) -> Vec<ProcessSpec> {
    let mut all: Vec<ProcessSpec> = Vec::new();
    for listener in sockets::on_node(world, node).into_iter().filter(|one| one.container.is_none()) {
        let socket = listener.socket;
        let opened = opened(&socket, "");
        match all.iter_mut().find(|process| *process.line == *socket.process) {
            Some(process) => process.sockets.extend(opened),
            None => all.push(ProcessSpec {
                line: socket.process.as_str().into(),
                sockets: opened,
                site: Some(Rc::new(sites::unknown(&socket.process))),
                ..ProcessSpec::default()
            }),
        }
    }
    let port = |salt: &str| 32_768 + (digest(&format!("{node} {salt}")) % 28_232) as u16;
    let dns = |protocol, port| SocketSpec {
        protocol,
        at: SocketAddr::new([127, 0, 0, 11].into(), port),
        v6only: false,
        backlog: 4096,
    };
    all.push(ProcessSpec {
        line: "dockerd".into(),
        pids: PidNamespace::Outside,
        sockets: vec![dns(Protocol::Tcp, port("tcp")), dns(Protocol::Udp, port("udp"))],
        site: None,
    });
    all
}

/// The processes of a pod's containers that run.
pub(super) fn processes(world: &World, pod: &PodRuntime) -> Vec<ProcessSpec> {
    let Some(object) = world.store().get(&pod.pod) else { return Vec::new() };
    let running = pod.containers.iter().filter_map(|(name, container)| match &container.state {
        State::Running { started, run } => Some((name, *started, run)),
        _ => None,
    });
    let address = sockets::node_ip(world, &pod.node);
    running.map(|(name, started, run)| process(pod, runtime::spec(object, name), run, started, &address)).collect()
}

fn process(
    pod: &PodRuntime,
    container: &serde_json::Value,
    run: &Run,
    started: Time,
    node_address: &str,
) -> ProcessSpec {
    let name = str_at(container, "name");
    let hostname = if pod.host_network { &pod.node } else { &pod.pod.name };
    let line = run.sockets.first().map_or_else(|| sites::process(container), |socket| socket.process.clone());
    let mut sockets: Vec<&Socket> = run.sockets.iter().collect();
    sockets.sort_by_key(|socket| socket.transport);
    ProcessSpec {
        line: line.into(),
        pids: PidNamespace::Container(format!("{}/{}/{name}", pod.pod.namespace, pod.pod.name).into()),
        sockets: sockets.into_iter().flat_map(|socket| opened(socket, node_address)).collect(),
        site: Some(Rc::new(sites::of(container, hostname, started))),
    }
}

/// The sockets of the kernel that a program opens for one of its ports. There is no SCTP here.
fn opened(socket: &Socket, node_address: &str) -> Vec<SocketSpec> {
    let protocol = match socket.transport {
        Transport::Tcp => Protocol::Tcp,
        Transport::Udp => Protocol::Udp,
        Transport::Sctp => return Vec::new(),
    };
    let spec = |address: IpAddr, v6only| SocketSpec {
        protocol,
        at: SocketAddr::new(address, socket.port),
        v6only,
        backlog: socket.backlog,
    };
    let (any4, any6): (IpAddr, IpAddr) = ([0; 4].into(), [0u16; 8].into());
    match (socket.address.as_str(), socket.families) {
        ("", Families::Both) => vec![spec(any6, false)],
        ("", Families::Each) => vec![spec(any4, false), spec(any6, true)],
        (NODE_ADDRESS, _) => node_address.parse().map(|address| spec(address, false)).into_iter().collect(),
        (address, _) => address.parse().map(|address| spec(address, false)).into_iter().collect(),
    }
}
