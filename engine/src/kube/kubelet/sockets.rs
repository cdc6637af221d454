//! Who listens where: the sockets of each network namespace of a node, and the addresses that pods get.
//!
//! A pod has a network namespace of its own, unless it uses its node's. Addresses are given out in order, as the host-local
//! plugin of kind's network does.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::hosts;
use super::images::tcp;
use super::program::{Serves, Socket};
use super::runtime::{Container, PodRuntime, State};
use crate::object::{items, str_at};
use crate::store::{Key, Kind};
use crate::world::World;

/// A listening socket and whose it is; None: the node's own daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub socket: Socket,
    pub container: Option<(Key, String)>,
}

/// What every node runs outside of containers.
fn daemons() -> [Socket; 3] {
    [
        tcp("kubelet", "127.0.0.1", 10248, Serves::Anything),
        tcp("kubelet", "", 10250, Serves::Anything),
        tcp("containerd", "127.0.0.1", 37147, Serves::Bytes),
    ]
}

/// All sockets that listen in a node's own network namespace.
pub fn on_node(world: &World, node: &str) -> Vec<Listener> {
    let own = daemons().into_iter().map(|socket| Listener { socket, container: None });
    let pods = world.kube.kubelet.pods.values().filter(|pod| pod.node == node && pod.host_network);
    own.chain(pods.flat_map(listeners)).collect()
}

/// The sockets of the containers of one pod.
pub fn listeners(pod: &PodRuntime) -> Vec<Listener> {
    let sockets = |name: &String, container: &Container| -> Vec<Listener> {
        let State::Running { run, .. } = &container.state else { return Vec::new() };
        let whose = Some((pod.pod.clone(), name.clone()));
        run.sockets.iter().map(|socket| Listener { socket: socket.clone(), container: whose.clone() }).collect()
    };
    pod.containers.iter().flat_map(|(name, container)| sockets(name, container)).collect()
}

/// The sockets that are open in the network namespace in which the pod's containers run.
pub fn open(world: &World, pod: &PodRuntime) -> Vec<Socket> {
    let host = hosts::name_of_pod(pod);
    if let Some(open) = hosts::open_on(world, &host) {
        return open;
    }
    let listeners = if pod.host_network { on_node(world, &pod.node) } else { listeners(pod) };
    listeners.into_iter().map(|listener| listener.socket).collect()
}

/// The node's InternalIP.
pub fn node_ip(world: &World, node: &str) -> String {
    let node = world.store().find(Kind::Node, "", node);
    let addresses = node.map_or(&[][..], |node| items(node, "status.addresses"));
    let internal = addresses.iter().find(|address| str_at(address, "type") == "InternalIP");
    internal.map_or(String::new(), |address| str_at(address, "address").to_owned())
}

/// The next free address of the node's range; the first one after the network's own and the gateway's.
pub fn next_address(world: &mut World, node: &str) -> String {
    let range = world.store().find(Kind::Node, "", node).map_or("", |node| str_at(node, "spec.podCIDR")).to_owned();
    let (base, length) = range.split_once('/').unwrap_or(("10.244.0.0", "24"));
    let base = u32::from(base.parse::<Ipv4Addr>().unwrap_or(Ipv4Addr::new(10, 244, 0, 0)));
    let size = 1u32.checked_shl(32 - length.parse::<u32>().unwrap_or(24).min(30)).unwrap_or(u32::MAX);
    let used: BTreeSet<&str> =
        world.kube.kubelet.pods.values().filter(|pod| pod.node == node).map(|pod| pod.ip.as_str()).collect();
    let mut last = world.kube.kubelet.last_address.get(node).copied().unwrap_or(1);
    for _ in 0..size {
        // After the end comes the beginning; the last address is the broadcast one.
        last = if last + 2 >= size { 2 } else { last + 1 };
        let address = Ipv4Addr::from(base + last).to_string();
        if !used.contains(address.as_str()) {
            world.kube.kubelet.last_address.insert(node.to_owned(), last);
            return address;
        }
    }
    String::new()
}
