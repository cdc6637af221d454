//! The API objects, keyed and ordered as etcd keeps them.
//!
//! Models: kinds with their names on the command line, keys, listing in (namespace, name) order, resourceVersion.
//! Leaves out: history of an object (a watch is the event log), etcd itself.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use serde_json::Value;

/// An object as the API server stores it: complete, defaulted, immutable. A change makes a new one.
pub type Object = Rc<Value>;

/// The kinds of object that portlab has. What it leaves out stands in `kube/mod.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Namespace,
    Node,
    PriorityClass,
    ConfigMap,
    ServiceAccount,
    Pod,
    Service,
    Endpoints,
    Event,
    DaemonSet,
    Deployment,
    ReplicaSet,
    ControllerRevision,
    EndpointSlice,
}

/// How the API server and the command line name a kind.
#[derive(Debug)]
pub struct KindInfo {
    /// `Deployment`
    pub kind: &'static str,
    /// `deployments`
    pub plural: &'static str,
    /// `deployment`
    pub singular: &'static str,
    /// `deploy`
    pub short: &'static [&'static str],
    /// `apps`; empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub namespaced: bool,
    /// Whether `kubectl get all` lists it.
    pub in_all: bool,
}

const fn info(
    kind: &'static str,
    plural: &'static str,
    singular: &'static str,
    short: &'static [&'static str],
    group: &'static str,
    namespaced: bool,
    in_all: bool,
) -> KindInfo {
    KindInfo { kind, plural, singular, short, group, version: "v1", namespaced, in_all }
}

impl Kind {
    /// Every kind, in the order in which `kubectl get all` prints those that it lists.
    pub const ALL: [Kind; 14] = [
        Kind::Pod,
        Kind::Service,
        Kind::DaemonSet,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::Namespace,
        Kind::Node,
        Kind::PriorityClass,
        Kind::ConfigMap,
        Kind::ServiceAccount,
        Kind::Endpoints,
        Kind::Event,
        Kind::ControllerRevision,
        Kind::EndpointSlice,
    ];

    /// The names of this kind.
    #[must_use]
    pub fn info(self) -> &'static KindInfo {
        const NAMESPACE: KindInfo = info("Namespace", "namespaces", "namespace", &["ns"], "", false, false);
        const NODE: KindInfo = info("Node", "nodes", "node", &["no"], "", false, false);
        const PRIORITY_CLASS: KindInfo =
            info("PriorityClass", "priorityclasses", "priorityclass", &["pc"], "scheduling.k8s.io", false, false);
        const CONFIG_MAP: KindInfo = info("ConfigMap", "configmaps", "configmap", &["cm"], "", true, false);
        const SERVICE_ACCOUNT: KindInfo =
            info("ServiceAccount", "serviceaccounts", "serviceaccount", &["sa"], "", true, false);
        const POD: KindInfo = info("Pod", "pods", "pod", &["po"], "", true, true);
        const SERVICE: KindInfo = info("Service", "services", "service", &["svc"], "", true, true);
        const ENDPOINTS: KindInfo = info("Endpoints", "endpoints", "endpoints", &["ep"], "", true, false);
        const EVENT: KindInfo = info("Event", "events", "event", &["ev"], "", true, false);
        const DAEMON_SET: KindInfo = info("DaemonSet", "daemonsets", "daemonset", &["ds"], "apps", true, true);
        const DEPLOYMENT: KindInfo = info("Deployment", "deployments", "deployment", &["deploy"], "apps", true, true);
        const REPLICA_SET: KindInfo = info("ReplicaSet", "replicasets", "replicaset", &["rs"], "apps", true, true);
        const CONTROLLER_REVISION: KindInfo =
            info("ControllerRevision", "controllerrevisions", "controllerrevision", &[], "apps", true, false);
        const ENDPOINT_SLICE: KindInfo =
            info("EndpointSlice", "endpointslices", "endpointslice", &[], "discovery.k8s.io", true, false);
        match self {
            Kind::Namespace => &NAMESPACE,
            Kind::Node => &NODE,
            Kind::PriorityClass => &PRIORITY_CLASS,
            Kind::ConfigMap => &CONFIG_MAP,
            Kind::ServiceAccount => &SERVICE_ACCOUNT,
            Kind::Pod => &POD,
            Kind::Service => &SERVICE,
            Kind::Endpoints => &ENDPOINTS,
            Kind::Event => &EVENT,
            Kind::DaemonSet => &DAEMON_SET,
            Kind::Deployment => &DEPLOYMENT,
            Kind::ReplicaSet => &REPLICA_SET,
            Kind::ControllerRevision => &CONTROLLER_REVISION,
            Kind::EndpointSlice => &ENDPOINT_SLICE,
        }
    }

    /// The kind of `apiVersion: apps/v1, kind: Deployment`.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.info().kind == kind && k.info().api_version() == api_version)
    }
}

impl KindInfo {
    /// `v1` or `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pods` or `deployments.apps`, as in error messages of the API server.
    #[must_use]
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// Where an object is kept. `namespace` is empty for kinds that have none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
}

impl Key {
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Key {
        let namespace = if kind.info().namespaced { namespace } else { "" };
        Key { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The key of an object of a known kind.
    #[must_use]
    pub fn of(kind: Kind, object: &Value) -> Key {
        Key::new(kind, crate::object::namespace(object), crate::object::name(object))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let singular = self.kind.info().singular;
        if self.namespace.is_empty() || self.namespace == "default" {
            write!(f, "{singular}/{}", self.name)
        } else {
            write!(f, "{singular}/{} in {}", self.name, self.namespace)
        }
    }
}

/// All objects. Only [`World::commit`](crate::world::World::commit) changes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    /// By kind, namespace and name.
    objects: BTreeMap<Kind, BTreeMap<String, BTreeMap<String, Object>>>,
    resource_version: u64,
}

impl Store {
    /// The object at `key`.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Object> {
        self.find(key.kind, &key.namespace, &key.name)
    }

    /// The object of this kind, namespace (ignored where the kind has none) and name.
    #[must_use]
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Object> {
        let namespace = if kind.info().namespaced { namespace } else { "" };
        self.objects.get(&kind)?.get(namespace)?.get(name)
    }

    /// All objects of a kind, by namespace, then name.
    pub fn list(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Object> {
        self.objects.get(&kind).into_iter().flat_map(BTreeMap::values).flat_map(BTreeMap::values)
    }

    /// The objects of a kind in one namespace, by name; in all namespaces for `None`.
    pub fn list_in<'a>(&'a self, kind: Kind, namespace: Option<&str>) -> impl Iterator<Item = &'a Object> {
        let bound = match namespace.filter(|_| kind.info().namespaced) {
            Some(only) => (Bound::Included(only), Bound::Included(only)),
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        let namespaces = self.objects.get(&kind).map(|of_kind| of_kind.range::<str, _>(bound));
        namespaces.into_iter().flatten().flat_map(|(_, objects)| objects.values())
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The version that the last change got; 0 before the first.
    #[must_use]
    pub fn resource_version(&self) -> u64 {
        self.resource_version
    }

    pub(crate) fn put(&mut self, key: &Key, object: Object) {
        let version = crate::object::str_at(&object, "metadata.resourceVersion").parse().unwrap_or(0);
        self.resource_version = self.resource_version.max(version);
        let of_kind = self.objects.entry(key.kind).or_default();
        let known = of_kind.get_mut(&key.namespace);
        match known {
            Some(objects) => objects.insert(key.name.clone(), object),
            None => of_kind.entry(key.namespace.clone()).or_default().insert(key.name.clone(), object),
        };
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(objects) = self.objects.get_mut(&key.kind).and_then(|of_kind| of_kind.get_mut(&key.namespace)) {
            objects.remove(&key.name);
        }
        self.resource_version += 1;
    }
}
