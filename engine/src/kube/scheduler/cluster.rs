//! The scheduler's picture of the cluster, kept up to date object by object.
//!
//! Source: `pkg/scheduler/backend/cache` (cache, node tree, snapshot) and the nominator of `backend/queue`.
//! Nodes are listed as the node tree does: zone by zone in turn, so that looking at only a part of a large cluster
//! does not mean looking at one zone. Pods on nodes that do not exist (yet) are kept aside until the node comes.

use super::node_info::{self, NodeInfo, NodeSpec};
use super::pod_info::{PodInfo, PodRef};
use super::port_index::PortIndex;
use super::selector::{Labels, Selector, labels};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Namespace and name.
pub type Name = (String, String);

/// Everything that a decision looks at.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    nodes: Vec<NodeInfo>,
    index: BTreeMap<Rc<str>, usize>,
    /// Pods whose node is unknown, by node name.
    homeless: BTreeMap<String, Vec<Rc<PodInfo>>>,
    /// Each image's size, as the first node told that still has it, and the number of nodes that have it.
    images: BTreeMap<String, (i64, usize)>,
    namespaces: BTreeMap<String, Labels>,
    services: BTreeMap<Name, Option<Labels>>,
    /// Selectors of ReplicaSets, StatefulSets and ReplicationControllers, by kind.
    owners: BTreeMap<(String, Name), Selector>,
    nominated: BTreeMap<String, Vec<Rc<PodInfo>>>,
    /// Where the next search through the nodes begins.
    next_start: usize,
    pods_with_affinity: usize,
    pods_with_anti_affinity: usize,
    /// How many pods on nodes have which priority.
    priorities: BTreeMap<i32, usize>,
    ports: PortIndex,
    /// Nodes were added at the end that belong between others.
    unordered: bool,
}

impl Cluster {
    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Nodes, in the scheduler's order once [`Cluster::settle`] has seen to it.
    pub fn nodes(&self) -> &[NodeInfo] {
        &self.nodes
    }

    pub fn node(&self, name: &str) -> Option<&NodeInfo> {
        self.index.get(name).map(|at| &self.nodes[*at])
    }

    /// Adds a node or takes over its changed object.
    pub fn set_node(&mut self, node: &Value) {
        let spec = node_info::read(node);
        if let Some(old) = self.node(&spec.name).map(|known| known.spec.clone()) {
            self.forget_images(&old);
        }
        for (name, size) in &spec.images {
            self.images.entry(name.clone()).or_insert((*size, 0)).1 += 1;
        }
        if self.node(&spec.name).is_some_and(|known| zone(known.labels()) != zone(&spec.labels)) {
            self.settle();
        }
        match self.index.get(&spec.name) {
            Some(at) => {
                let at = *at;
                let old = std::mem::replace(&mut self.nodes[at].spec, Rc::new(spec));
                self.ports.set_node(at, &self.nodes[at]);
                if zone(&old.labels) != zone(self.nodes[at].labels()) {
                    self.reorder();
                }
            }
            None => {
                let waiting = self.homeless.remove(&*spec.name).unwrap_or_default();
                let mut info = NodeInfo::new(spec);
                waiting.iter().for_each(|pod| info.add_pod(pod));
                let zoned = |node: &NodeInfo| zone(node.labels()) != ("", "");
                self.unordered |= zoned(&info) || self.nodes.last().is_some_and(zoned);
                self.index.insert(info.name().clone(), self.nodes.len());
                self.ports.set_node(self.nodes.len(), &info);
                self.nodes.push(info);
            }
        }
    }

    /// Forgets a node; its pods wait for it to come back.
    pub fn remove_node(&mut self, name: &str) {
        self.settle();
        let Some(at) = self.index.remove(name) else { return };
        let gone = self.nodes.remove(at);
        self.forget_images(&gone.spec);
        if !gone.pods.is_empty() {
            self.homeless.insert(name.to_string(), gone.pods);
        }
        self.reorder();
    }

    fn forget_images(&mut self, spec: &NodeSpec) {
        for name in spec.images.keys() {
            if let Some((_, nodes)) = self.images.get_mut(name) {
                *nodes -= 1;
                if *nodes == 0 {
                    self.images.remove(name);
                }
            }
        }
    }

    /// Brings nodes that were added into the scheduler's order: once for all of them, before the next decision.
    pub fn settle(&mut self) {
        if self.unordered {
            self.reorder();
        }
    }

    /// One node of each zone in turn, zones and nodes in the order they came.
    fn reorder(&mut self) {
        self.unordered = false;
        let mut zones: Vec<((String, String), Vec<NodeInfo>)> = Vec::new();
        for node in std::mem::take(&mut self.nodes) {
            let (region, zone) = zone(node.labels());
            let key = (region.to_string(), zone.to_string());
            match zones.iter_mut().find(|(known, _)| *known == key) {
                Some((_, nodes)) => nodes.push(node),
                None => zones.push((key, vec![node])),
            }
        }
        let mut queues: Vec<_> = zones.into_iter().map(|(_, nodes)| nodes.into_iter()).collect();
        while !queues.is_empty() {
            queues.retain_mut(|queue| queue.next().map(|node| self.nodes.push(node)).is_some());
        }
        self.index = self.nodes.iter().enumerate().map(|(at, node)| (node.name().clone(), at)).collect();
        self.ports = PortIndex::default();
        self.nodes.iter().enumerate().for_each(|(at, node)| self.ports.set_node(at, node));
    }

    /// Puts a pod onto the node that it names.
    pub fn add_pod(&mut self, pod: &Rc<PodInfo>) {
        self.count_pod(pod, 1);
        match self.index.get(pod.node_name.as_str()) {
            Some(at) => {
                self.nodes[*at].add_pod(pod);
                self.ports.set_ports(*at, &self.nodes[*at], &pod.host_ports);
            }
            None => self.homeless.entry(pod.node_name.clone()).or_default().push(pod.clone()),
        }
    }

    /// Takes a pod off the node that it names.
    pub fn remove_pod(&mut self, pod: &PodInfo) {
        self.count_pod(pod, -1);
        match self.index.get(pod.node_name.as_str()) {
            Some(at) => {
                self.nodes[*at].remove_pod(&pod.id);
                self.ports.set_ports(*at, &self.nodes[*at], &pod.host_ports);
            }
            None => {
                if let Some(waiting) = self.homeless.get_mut(&pod.node_name) {
                    waiting.retain(|other| other.id != pod.id);
                }
            }
        }
    }

    fn count_pod(&mut self, pod: &PodInfo, sign: isize) {
        let same = self.priorities.entry(pod.priority).or_default();
        *same = same.saturating_add_signed(sign);
        if *same == 0 {
            self.priorities.remove(&pod.priority);
        }
        if pod.has_affinity() {
            self.pods_with_affinity = self.pods_with_affinity.saturating_add_signed(sign);
        }
        if !pod.anti_affinity.is_empty() {
            self.pods_with_anti_affinity = self.pods_with_anti_affinity.saturating_add_signed(sign);
        }
    }

    /// Which nodes use which host ports.
    pub fn ports(&self) -> &PortIndex {
        &self.ports
    }

    /// Whether any pod on a node has a lower priority than this.
    pub fn any_below(&self, priority: i32) -> bool {
        self.priorities.first_key_value().is_some_and(|(lowest, _)| *lowest < priority)
    }

    /// Whether any pending pod is nominated to a node.
    pub fn any_nominated(&self) -> bool {
        !self.nominated.is_empty()
    }

    /// Whether any pod on a node has terms of pod affinity or anti-affinity.
    pub fn any_affinity(&self) -> bool {
        self.pods_with_affinity > 0
    }

    /// Whether any pod on a node requires anti-affinity.
    pub fn any_anti_affinity(&self) -> bool {
        self.pods_with_anti_affinity > 0
    }

    /// Size of the image and number of nodes that have it, by normalised name.
    pub fn image(&self, name: &str) -> (i64, usize) {
        self.images.get(name).copied().unwrap_or_default()
    }

    pub fn set_namespace(&mut self, namespace: &Value) {
        let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
        self.namespaces.insert(name.to_string(), labels(&namespace["metadata"]["labels"]));
    }

    pub fn remove_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
    }

    /// Labels of a namespace; none when it is unknown.
    pub fn namespace_labels(&self, name: &str) -> Labels {
        self.namespaces.get(name).cloned().unwrap_or_default()
    }

    /// Names of the namespaces that a selector picks.
    pub fn namespaces_matching<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a String> {
        self.namespaces.iter().filter(|(_, labels)| selector.matches(labels)).map(|(name, _)| name)
    }

    pub fn set_service(&mut self, service: &Value) {
        let selector = &service["spec"]["selector"];
        self.services.insert(name_of(service), selector.is_object().then(|| labels(selector)));
    }

    pub fn remove_service(&mut self, name: &Name) {
        self.services.remove(name);
    }

    /// Selectors of the Services in a namespace that pick pods with these labels.
    pub fn services_of<'a>(&'a self, namespace: &'a str, pod: &'a Labels) -> impl Iterator<Item = &'a Labels> {
        let own = self.services.iter().filter(move |((ns, _), _)| ns == namespace);
        own.filter_map(|(_, selector)| selector.as_ref())
            .filter(|wanted| wanted.iter().all(|(k, v)| pod.get(k) == Some(v)))
    }

    /// Takes over a ReplicaSet, StatefulSet or ReplicationController.
    pub fn set_owner(&mut self, kind: &str, object: &Value) {
        let selector = &object["spec"]["selector"];
        let selector = if kind == "ReplicationController" {
            Selector::from_labels(&labels(selector))
        } else {
            Selector::read(selector)
        };
        self.owners.insert((kind.to_string(), name_of(object)), selector);
    }

    pub fn remove_owner(&mut self, kind: &str, name: Name) {
        self.owners.remove(&(kind.to_string(), name));
    }

    pub fn owner_selector(&self, kind: &str, namespace: &str, name: &str) -> Option<&Selector> {
        self.owners.get(&(kind.to_string(), (namespace.to_string(), name.to_string())))
    }

    /// Notes that a pending pod may be placed on a node once its victims are gone.
    pub fn nominate(&mut self, pod: &Rc<PodInfo>, node: &str) {
        self.withdraw(&pod.id);
        if !node.is_empty() {
            self.nominated.entry(node.to_string()).or_default().push(pod.clone());
        }
    }

    /// Forgets a nomination.
    pub fn withdraw(&mut self, pod: &PodRef) {
        self.nominated.retain(|_, pods| {
            pods.retain(|other| *other.id != *pod);
            !pods.is_empty()
        });
    }

    /// Pending pods nominated to a node.
    pub fn nominated(&self, node: &str) -> &[Rc<PodInfo>] {
        self.nominated.get(node).map_or(&[], Vec::as_slice)
    }

    pub fn next_start(&self) -> usize {
        self.next_start
    }

    /// After an attempt that looked at `evaluated` nodes.
    pub fn advance_start(&mut self, evaluated: usize) {
        if !self.nodes.is_empty() {
            self.next_start = (self.next_start + evaluated) % self.nodes.len();
        }
    }
}

fn zone(labels: &Labels) -> (&str, &str) {
    let get = |key: &str| labels.get(key).map_or("", String::as_str);
    (get("topology.kubernetes.io/region"), get("topology.kubernetes.io/zone"))
}

/// Namespace and name of an object.
pub fn name_of(object: &Value) -> Name {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_string();
    (text("namespace"), text("name"))
}
