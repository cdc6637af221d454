//! A pod as the scheduler sees it: parsed once, then asked thousands of times.
//!
//! Source: `pkg/scheduler/framework/types.go` (PodInfo), `pkg/scheduler/util/utils.go` (GetHostPorts),
//! `pkg/registry/core/pod/strategy.go` (matchLabelKeys and mismatchLabelKeys, which the API server writes into the
//! selectors: doing it again changes nothing). Left out: volumes and resource claims.

use super::resources::{self, Resources};
use super::selector::{Labels, NodeTerm, Operator, Requirement, Selector, labels, term_errors};
use crate::kube::api::field::Path;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

/// Which pod: enough to name it and to tell it from a later one of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodRef {
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Transport protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        })
    }
}

/// A port of the node that a pod claims. The wildcard is the literal 0.0.0.0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    pub port: u16,
    pub protocol: Protocol,
    pub host_ip: Rc<str>,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host_ip, self.port, self.protocol)
    }
}

/// A toleration of taints.
#[derive(Clone, Debug, PartialEq)]
pub struct Toleration {
    pub key: String,
    pub operator: String,
    pub value: String,
    pub effect: String,
}

/// A term of pod affinity or anti-affinity.
#[derive(Clone, Debug, PartialEq)]
pub struct AffinityTerm {
    pub namespaces: BTreeSet<String>,
    pub namespace_selector: Selector,
    pub selector: Selector,
    pub topology_key: String,
}

/// What `whenUnsatisfiable` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnsatisfiable {
    DoNotSchedule,
    ScheduleAnyway,
}

/// A topology spread constraint with its selector complete.
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadConstraint {
    pub max_skew: i64,
    pub topology_key: String,
    pub when: WhenUnsatisfiable,
    pub selector: Selector,
    pub min_domains: i64,
    pub honor_affinity: bool,
    pub honor_taints: bool,
}

/// The pod, parsed.
#[derive(Clone, Debug)]
pub struct PodInfo {
    pub id: Rc<PodRef>,
    pub labels: Labels,
    pub priority: i32,
    pub never_preempts: bool,
    pub deleting: bool,
    /// Being deleted because the scheduler preempted it.
    pub preempted: bool,
    /// RFC 3339, which sorts as text; absent until a kubelet has seen the pod.
    pub start_time: Option<String>,
    pub scheduler_name: String,
    pub node_name: String,
    pub nominated_node: String,
    pub gates: Vec<String>,
    pub host_ports: Vec<HostPort>,
    pub requests: Resources,
    /// CPU in thousandths and memory in bytes, with the defaults of scoring, as a node counts a pod it has.
    pub non_zero: (i64, i64),
    /// The same for the pod that is being placed.
    pub scored: (i64, i64),
    pub node_selector: Option<Selector>,
    /// Required node affinity; `None` when the pod has none, a list without terms matches no node.
    pub node_terms: Option<Vec<NodeTerm>>,
    /// `None` when the pod names no preferences at all.
    pub preferred_nodes: Option<Vec<(i64, NodeTerm)>>,
    /// Why the preferences cannot be read, if so: the API server does not look at their values.
    pub bad_preferences: Option<String>,
    pub tolerations: Vec<Toleration>,
    pub affinity: Vec<AffinityTerm>,
    pub anti_affinity: Vec<AffinityTerm>,
    pub preferred_affinity: Vec<(i64, AffinityTerm)>,
    pub preferred_anti_affinity: Vec<(i64, AffinityTerm)>,
    pub spread: Vec<SpreadConstraint>,
    /// apiVersion and kind, and name, of the controlling owner.
    pub owner: Option<([String; 2], String)>,
    /// Images of init containers, then of containers.
    pub images: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Reads a pod as the API server stores it.
pub fn read(pod: &Value) -> PodInfo {
    let (meta, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    let namespace = meta["namespace"].as_str().unwrap_or("default").to_string();
    let labels = labels(&meta["labels"]);
    let requests = resources::pod_requests(pod);
    let affinity = &spec["affinity"];
    let terms = |of: &Value| -> Vec<AffinityTerm> {
        let required = &of["requiredDuringSchedulingIgnoredDuringExecution"];
        list(required).map(|term| affinity_term(term, &namespace, &labels)).collect()
    };
    let preferred = |of: &Value| -> Vec<(i64, AffinityTerm)> {
        let preferred = &of["preferredDuringSchedulingIgnoredDuringExecution"];
        let read = |term: &Value| affinity_term(&term["podAffinityTerm"], &namespace, &labels);
        list(preferred).map(|term| (term["weight"].as_i64().unwrap_or(0), read(term))).collect()
    };
    PodInfo {
        id: Rc::new(PodRef { namespace: namespace.clone(), name: text(&meta["name"]), uid: text(&meta["uid"]) }),
        priority: spec["priority"].as_i64().unwrap_or(0) as i32,
        never_preempts: spec["preemptionPolicy"] == "Never",
        deleting: meta["deletionTimestamp"].is_string(),
        preempted: meta["deletionTimestamp"].is_string() && preempted_by_scheduler(status),
        start_time: status["startTime"].as_str().map(str::to_string),
        scheduler_name: spec["schedulerName"].as_str().unwrap_or("default-scheduler").to_string(),
        node_name: text(&spec["nodeName"]),
        nominated_node: text(&status["nominatedNodeName"]),
        gates: list(&spec["schedulingGates"]).map(|gate| text(&gate["name"])).collect(),
        host_ports: host_ports(spec),
        non_zero: resources::non_zero_requests(pod, &requests),
        scored: resources::scored_requests(pod),
        requests: Resources::from_list(&requests),
        node_selector: node_selector(spec),
        node_terms: node_terms(affinity),
        preferred_nodes: preferred_nodes(affinity),
        bad_preferences: bad_preferences(affinity),
        tolerations: list(&spec["tolerations"]).map(toleration).collect(),
        affinity: terms(&affinity["podAffinity"]),
        anti_affinity: terms(&affinity["podAntiAffinity"]),
        preferred_affinity: preferred(&affinity["podAffinity"]),
        preferred_anti_affinity: preferred(&affinity["podAntiAffinity"]),
        spread: list(&spec["topologySpreadConstraints"]).map(|c| spread_constraint(c, &labels)).collect(),
        owner: list(&meta["ownerReferences"])
            .find(|o| o["controller"] == true)
            .map(|o| ([text(&o["apiVersion"]), text(&o["kind"])], text(&o["name"]))),
        images: list(&spec["initContainers"]).chain(list(&spec["containers"])).map(|c| text(&c["image"])).collect(),
        labels,
    }
}

impl PodInfo {
    /// Whether nodes with this pod must be looked at when pod affinity is scored.
    pub fn has_affinity(&self) -> bool {
        !(self.affinity.is_empty()
            && self.anti_affinity.is_empty()
            && self.preferred_affinity.is_empty()
            && self.preferred_anti_affinity.is_empty())
    }

    /// nodeSelector and required node affinity.
    pub fn selects_node(&self, name: &str, labels: &Labels) -> bool {
        self.node_selector.as_ref().is_none_or(|selector| selector.matches(labels))
            && self.node_terms.as_ref().is_none_or(|terms| terms.iter().any(|term| term.matches(name, labels)))
    }
}

impl AffinityTerm {
    /// Whether the term speaks of this pod, whose namespace has these labels.
    pub fn matches(&self, pod: &PodInfo, namespace_labels: &Labels) -> bool {
        (self.namespaces.contains(&pod.id.namespace) || self.namespace_selector.matches(namespace_labels))
            && self.selector.matches(&pod.labels)
    }
}

fn preempted_by_scheduler(status: &Value) -> bool {
    let disrupted = list(&status["conditions"]).find(|c| c["type"] == "DisruptionTarget");
    disrupted.is_some_and(|c| c["status"] == "True" && c["reason"] == "PreemptionByScheduler")
}

/// Host ports of sidecars, then of containers; ordinary init containers do not count.
fn host_ports(spec: &Value) -> Vec<HostPort> {
    let sidecars = list(&spec["initContainers"]).filter(|c| c["restartPolicy"] == "Always");
    let ports = sidecars.chain(list(&spec["containers"])).flat_map(|c| list(&c["ports"]));
    ports.filter_map(host_port).collect()
}

fn host_port(port: &Value) -> Option<HostPort> {
    let number = u16::try_from(port["hostPort"].as_u64()?).ok().filter(|n| *n > 0)?;
    let protocol = match port["protocol"].as_str().unwrap_or("TCP") {
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    let host_ip = port["hostIP"].as_str().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
    Some(HostPort { port: number, protocol, host_ip: host_ip.into() })
}

fn node_selector(spec: &Value) -> Option<Selector> {
    let wanted = labels(&spec["nodeSelector"]);
    (!wanted.is_empty()).then(|| Selector::from_labels(&wanted))
}

fn node_terms(affinity: &Value) -> Option<Vec<NodeTerm>> {
    let required = &affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    required.is_object().then(|| list(&required["nodeSelectorTerms"]).map(NodeTerm::read).collect())
}

fn preferred_nodes(affinity: &Value) -> Option<Vec<(i64, NodeTerm)>> {
    let preferred = preferences(affinity).as_array().filter(|all| !all.is_empty())?;
    let read = |term: &Value| (term["weight"].as_i64().unwrap_or(0), NodeTerm::read(&term["preference"]));
    Some(preferred.iter().map(read).collect())
}

fn preferences(affinity: &Value) -> &Value {
    &affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
}

/// The errors of all preferences as Go's aggregate prints them: each once, in brackets if there are several.
fn bad_preferences(affinity: &Value) -> Option<String> {
    let mut errors: Vec<String> = Vec::new();
    for (index, term) in list(preferences(affinity)).enumerate() {
        for error in term_errors(&term["preference"], &Path::new("").index(index)) {
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    match &errors[..] {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

fn toleration(value: &Value) -> Toleration {
    Toleration {
        key: text(&value["key"]),
        operator: text(&value["operator"]),
        value: text(&value["value"]),
        effect: text(&value["effect"]),
    }
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

fn affinity_term(term: &Value, namespace: &str, labels: &Labels) -> AffinityTerm {
    let mut namespaces: BTreeSet<String> = strings(&term["namespaces"]).map(str::to_string).collect();
    if namespaces.is_empty() && !term["namespaceSelector"].is_object() {
        namespaces.insert(namespace.to_string());
    }
    let mut selector = Selector::read(&term["labelSelector"]);
    add_label_keys(&mut selector, &term["matchLabelKeys"], labels, Operator::In);
    add_label_keys(&mut selector, &term["mismatchLabelKeys"], labels, Operator::NotIn);
    AffinityTerm {
        namespaces,
        namespace_selector: Selector::read(&term["namespaceSelector"]),
        selector,
        topology_key: text(&term["topologyKey"]),
    }
}

/// Asks for (or excludes) the pod's own value of each key it has.
fn add_label_keys(selector: &mut Selector, keys: &Value, labels: &Labels, operator: Operator) {
    for key in strings(keys) {
        if let Some(value) = labels.get(key) {
            selector.add(Requirement { key: key.to_string(), operator, values: vec![value.clone()] });
        }
    }
}

fn spread_constraint(value: &Value, labels: &Labels) -> SpreadConstraint {
    let mut selector = Selector::read(&value["labelSelector"]);
    add_label_keys(&mut selector, &value["matchLabelKeys"], labels, Operator::In);
    let soft = value["whenUnsatisfiable"] == "ScheduleAnyway";
    SpreadConstraint {
        max_skew: value["maxSkew"].as_i64().unwrap_or(1),
        topology_key: text(&value["topologyKey"]),
        when: if soft { WhenUnsatisfiable::ScheduleAnyway } else { WhenUnsatisfiable::DoNotSchedule },
        selector,
        min_domains: value["minDomains"].as_i64().unwrap_or(1),
        honor_affinity: value["nodeAffinityPolicy"] != "Ignore",
        honor_taints: value["nodeTaintsPolicy"] == "Honor",
    }
}
