//! Nodes and pods as hosts of the network: what somebody sees who looks into one, or talks to it.
//!
//! A node or pod gets its network namespace, as a [`Host`](crate::host::Host), when a program first runs there or somebody
//! connects to it; until then nobody could tell. From there on the kubelet keeps it up: containers that start open their
//! sockets, those that end close them, and the namespace goes with its pod. What they are made of is in [`build`].
//!
//! Left out: connections of the control plane, of kubelets and of probes; the rules of kube-proxy and portmap (who connects
//! to what they translate is told so, [`translated`]); DNS; link-local addresses of IPv6.

mod build;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::images::{self, Userland};
use super::program::{Serves, Socket, Transport};
use super::runtime::{self, PodRuntime};
use super::sockets;
use crate::event::{Actor, What};
use crate::host::Call;
use crate::host_spec::PidNamespace;
use crate::lab::{Nodes, Place};
use crate::linux::socket::Protocol;
use crate::object::{self, int_at, items, str_at};
use crate::store::{Key, Kind};
use crate::tools::jobs::WORKSTATION;
use crate::world::World;
use build::{BRIDGE_ADDRESS, cable, cable_name, digest, node_spec, pod_spec, processes, workstation};

/// The name of the host whose sockets programs use at a place.
pub fn name_of(world: &World, place: &Place) -> Rc<str> {
    match place {
        Place::Workstation => WORKSTATION.into(),
        Place::Host(name) | Place::Node(name) => name.as_str().into(),
        Place::Pod { namespace, name, .. } => match pod_named(world, namespace, name) {
            Some(pod) if pod.host_network => pod.node.as_str().into(),
            _ => format!("{namespace}/{name}").into(),
        },
    }
}

/// Whose processes a program at a place can see.
pub fn pids_of(world: &World, place: &Place) -> PidNamespace {
    match place {
        Place::Pod { namespace, name, .. } => {
            let container = container_at(world, place).map_or("", |container| str_at(container, "name"));
            PidNamespace::Container(format!("{namespace}/{name}/{container}").into())
        }
        _ => PidNamespace::Host,
    }
}

/// Which programs a place has.
pub fn userland_at(world: &World, place: &Place) -> Userland {
    match place {
        Place::Workstation => Userland::Workstation,
        Place::Host(_) => Userland::Host,
        Place::Node(_) => Userland::Node,
        Place::Pod { .. } => {
            container_at(world, place).map_or(Userland::Debian, |one| images::userland(str_at(one, "image")))
        }
    }
}

/// The container of a place, as its pod describes it; the first one where none is named.
fn container_at<'a>(world: &'a World, place: &Place) -> Option<&'a serde_json::Value> {
    let Place::Pod { namespace, name, container } = place else { return None };
    let pod = world.store().find(Kind::Pod, namespace, name)?;
    if container.is_empty() { items(pod, "spec.containers").first() } else { Some(runtime::spec(pod, container)) }
}

/// The files that there are on a node or in a container, as far as they are modelled, by path without the first slash.
pub fn files_of(world: &World, place: &Place) -> BTreeMap<String, Rc<str>> {
    let mut files = BTreeMap::new();
    let mut add = |path: &str, text: String| files.insert(path.to_owned(), text.into());
    match place {
        Place::Node(name) => {
            add("etc/hostname", format!("{name}\n"));
        }
        Place::Pod { namespace, name, .. } => {
            let Some(pod) = pod_named(world, namespace, name) else { return files };
            if pod.host_network {
                // On its node's network a pod has the node's files.
                add("etc/hostname", format!("{}\n", pod.node));
                return files;
            }
            add("etc/hostname", format!("{name}\n"));
            let names = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n\
                         fe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n";
            add("etc/hosts", format!("# Kubernetes-managed hosts file.\n{names}{}\t{name}\n", pod.ip));
            let search = format!("search {namespace}.svc.cluster.local svc.cluster.local cluster.local\n");
            add("etc/resolv.conf", search + "nameserver 10.96.0.10\noptions ndots:5\n");
        }
        Place::Workstation | Place::Host(_) => {}
    }
    files
}

fn pod_named<'a>(world: &'a World, namespace: &str, name: &str) -> Option<&'a PodRuntime> {
    let pods = &world.kube.kubelet.pods;
    pods.values().find(|pod| pod.sandbox && pod.pod.name == name && pod.pod.namespace == namespace)
}

/// The name of the host that is a pod's network: its node's, where it uses that.
pub(super) fn name_of_pod(pod: &PodRuntime) -> String {
    if pod.host_network { pod.node.clone() } else { format!("{}/{}", pod.pod.namespace, pod.pod.name) }
}

fn is_awake(world: &World, host: &str) -> bool {
    world.state.hosts.contains_key(host)
}

/// Starts a node, a pod or the cluster's workstation as a host; whether it is one of these.
pub fn wake(world: &mut World, host: &str) -> bool {
    if !matches!(world.options().nodes, Nodes::Kind(_)) {
        return false;
    }
    let spec = if host == WORKSTATION {
        workstation()
    } else if let Some((namespace, name)) = host.split_once('/') {
        let Some(pod) = pod_named(world, namespace, name) else { return false };
        let node = pod.node.clone();
        if !is_awake(world, &node) {
            wake(world, &node);
        }
        match pod_named(world, namespace, name) {
            Some(pod) => pod_spec(world, pod),
            None => return false,
        }
    } else if world.store().find(Kind::Node, "", host).is_some() {
        node_spec(world, host)
    } else {
        return false;
    };
    let seed = world.options().seed ^ digest(host);
    world.commit(Actor::Lab, What::HostStarted { host: host.into(), seed, spec: spec.into() });
    true
}

/// Starts whoever has this address, and the node that it is on.
pub fn wake_for(world: &mut World, address: IpAddr) {
    if !matches!(world.options().nodes, Nodes::Kind(_)) {
        return;
    }
    let address = address.to_canonical().to_string();
    let pod = world.kube.kubelet.pods.values().find(|pod| pod.sandbox && !pod.host_network && pod.ip == address);
    let host = match pod {
        Some(pod) => Some(name_of_pod(pod)),
        None if address == BRIDGE_ADDRESS => Some(WORKSTATION.to_owned()),
        None => node_at(world, &address),
    };
    if let Some(host) = host.filter(|host| !is_awake(world, host)) {
        wake(world, &host);
    }
}

fn node_at(world: &World, address: &str) -> Option<String> {
    let nodes: Vec<String> = world.store().list(Kind::Node).map(|node| object::name(node).to_owned()).collect();
    nodes.into_iter().find(|node| sockets::node_ip(world, node) == address)
}

/// The pod's network has come up: its node, where somebody looks, gets its end of the cable.
pub(super) fn pod_is_up(world: &mut World, uid: &str) {
    let Some(pod) = world.kube.kubelet.pods.get(uid).filter(|pod| !pod.host_network) else { return };
    let node = pod.node.clone();
    if is_awake(world, &node) {
        let (device, route) = cable(world, pod);
        let call = Call::Plug { device: device.into(), routes: vec![route].into() };
        world.call_as(Actor::Kubelet { node: node.clone() }, &node, 0, call);
    }
}

/// A container has started.
pub(super) fn container_is_up(world: &mut World, uid: &str, name: &str) {
    let Some(pod) = world.kube.kubelet.pods.get(uid) else { return };
    let (host, node) = (name_of_pod(pod), pod.node.clone());
    if !is_awake(world, &host) {
        return;
    }
    let pids = PidNamespace::Container(format!("{}/{}/{name}", pod.pod.namespace, pod.pod.name).into());
    let started = processes(world, pod).into_iter().find(|process| process.pids == pids);
    if let Some(process) = started {
        world.call_as(Actor::Kubelet { node }, &host, 0, Call::Spawn { process: process.into() });
    }
}

/// A container has ended: all its processes end with it.
pub(super) fn container_is_down(world: &mut World, uid: &str, name: &str) {
    let Some(pod) = world.kube.kubelet.pods.get(uid) else { return };
    let (host, node) = (name_of_pod(pod), pod.node.clone());
    let pids = PidNamespace::Container(format!("{}/{}/{name}", pod.pod.namespace, pod.pod.name).into());
    let Some(found) = world.state.hosts.get(host.as_str()) else { return };
    let ended: Vec<u32> =
        found.processes.iter().filter(|(_, process)| process.pids == pids).map(|(pid, _)| *pid).collect();
    for pid in ended {
        world.call_as(Actor::Kubelet { node: node.clone() }, &host, pid, Call::Exit);
    }
}

/// A pod is gone from its node, and its network namespace with it.
pub(super) fn pod_is_down(world: &mut World, pod: &PodRuntime) {
    let node = pod.node.clone();
    let actor = Actor::Kubelet { node: node.clone() };
    if pod.host_network {
        return;
    }
    let host = name_of_pod(pod);
    if is_awake(world, &host) {
        world.commit(actor.clone(), What::HostStopped { host: host.into() });
    }
    if is_awake(world, &node) {
        world.call_as(actor, &node, 0, Call::Unplug { device: cable_name(pod).into() });
    }
}

/// The sockets that hold ports on a host that somebody looks at, whoever opened them.
pub(super) fn open_on(world: &World, host: &str) -> Option<Vec<Socket>> {
    let namespace = world.state.hosts.get(host)?.namespace();
    let held = namespace.sockets().filter(|(_, socket)| socket.num != 0 && socket.dport == 0);
    let shown = |socket: &crate::linux::socket::Socket| {
        let ip = socket.family.show(socket.local, socket.num).ip().to_canonical();
        let transport = if socket.protocol == Protocol::Tcp { Transport::Tcp } else { Transport::Udp };
        let address = if ip.is_unspecified() { String::new() } else { ip.to_string() };
        let bare = images::tcp("", &address, socket.num, Serves::Bytes);
        Socket { transport, ..bare }
    };
    Some(held.map(|(_, socket)| shown(socket)).collect())
}

/// What kube-proxy or portmap would translate on the way to this address, in words; none where a packet goes as it is.
pub fn translated(world: &World, host: &str, to: SocketAddr) -> Option<&'static str> {
    if !matches!(world.options().nodes, Nodes::Kind(_)) {
        return None;
    }
    let (address, port) = (to.ip().to_canonical().to_string(), i64::from(to.port()));
    let services = || world.store().list(Kind::Service);
    let addresses = |service: &serde_json::Value| -> bool {
        let named = |path: &str| items(service, path).iter().any(|ip| ip.as_str() == Some(&address));
        let balancer = items(service, "status.loadBalancer.ingress").iter().any(|one| str_at(one, "ip") == address);
        named("spec.clusterIPs")
            || named("spec.externalIPs")
            || balancer
            || str_at(service, "spec.clusterIP") == address
    };
    if services().any(|service| addresses(service)) {
        return Some("the addresses of Services");
    }
    let local = to.ip().to_canonical().is_loopback();
    let node = if local { Some(host.to_owned()) } else { node_at(world, &address) }?;
    let node_port = |service: &serde_json::Value| {
        items(service, "spec.ports").iter().any(|one| int_at(one, "nodePort") == Some(port))
    };
    if world.store().find(Kind::Node, "", &node).is_some() && services().any(|service| node_port(service)) {
        return Some("node ports");
    }
    let pods = world.kube.kubelet.pods.values().filter(|pod| pod.node == node && pod.sandbox && !pod.host_network);
    let host_port = |pod: &PodRuntime| {
        let key: &Key = &pod.pod;
        let containers = world.store().get(key).map_or(&[][..], |pod| items(pod, "spec.containers"));
        containers.iter().flat_map(|one| items(one, "ports")).any(|one| int_at(one, "hostPort") == Some(port))
    };
    pods.into_iter().any(host_port).then_some("host ports, which portmap translates,")
}
