//! The difference that a refused change of a pod's spec is shown as: a unified diff of two dumps.
//!
//! Source: apimachinery's `util/diff` (JSON of the internal type, difflib with three lines of context) and the Go names of
//! `pkg/apis/core/types.go`. Leaves out: the internal names inside ephemeral volume claims.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::kube::schema::{Struct, Type, structure};
use crate::object::field;

/// Go names that are not the JSON name with a capital.
const NAMES: [(&str, &str); 43] = [
    ("apiGroup", "APIGroup"),
    ("apiVersion", "APIVersion"),
    ("awsElasticBlockStore", "AWSElasticBlockStore"),
    ("cephfs", "CephFS"),
    ("chapAuthDiscovery", "DiscoveryCHAPAuth"),
    ("chapAuthSession", "SessionCHAPAuth"),
    ("csi", "CSI"),
    ("diskURI", "DataDiskURI"),
    ("dnsConfig", "DNSConfig"),
    ("dnsPolicy", "DNSPolicy"),
    ("fc", "FC"),
    ("fsGroup", "FSGroup"),
    ("fsGroupChangePolicy", "FSGroupChangePolicy"),
    ("fsType", "FSType"),
    ("gcePersistentDisk", "GCEPersistentDisk"),
    ("gmsaCredentialSpec", "GMSACredentialSpec"),
    ("gmsaCredentialSpecName", "GMSACredentialSpecName"),
    ("grpc", "GRPC"),
    ("hostIPC", "HostIPC"),
    ("hostNetwork", "HostNetwork"),
    ("hostPID", "HostPID"),
    ("httpGet", "HTTPGet"),
    ("httpHeaders", "HTTPHeaders"),
    ("ip", "IP"),
    ("iqn", "IQN"),
    ("iscsi", "ISCSI"),
    ("iscsiInterface", "ISCSIInterface"),
    ("monitors", "CephMonitors"),
    ("nfs", "NFS"),
    ("os", "OS"),
    ("pdName", "PDName"),
    ("pool", "RBDPool"),
    ("rbd", "RBD"),
    ("seLinuxChangePolicy", "SELinuxChangePolicy"),
    ("seLinuxOptions", "SELinuxOptions"),
    ("sslEnabled", "SSLEnabled"),
    ("storageos", "StorageOS"),
    ("tcpSocket", "TCPSocket"),
    ("tty", "TTY"),
    ("user", "RadosUser"),
    ("uid", "UID"),
    ("uri", "URI"),
    ("wwids", "WWIDs"),
];

/// The internal structs whose fields stand in another order than in the API, by their JSON names.
const POD_SPEC: &str = "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds \
    activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName automountServiceAccountToken nodeName securityContext \
    imagePullSecrets hostname subdomain setHostnameAsFQDN affinity schedulerName tolerations hostAliases priorityClassName \
    priority preemptionPolicy dnsConfig readinessGates runtimeClassName overhead enableServiceLinks topologySpreadConstraints \
    os schedulingGates resourceClaims resources hostnameOverride";
const VOLUME: &str = "name hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs \
    persistentVolumeClaim rbd quobyte flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap vsphereVolume \
    azureDisk photonPersistentDisk projected portworxVolume scaleIO storageos csi ephemeral image";
const SECURITY_CONTEXT: &str = "hostNetwork hostPID hostIPC shareProcessNamespace hostUsers seLinuxOptions windowsOptions \
    runAsUser runAsGroup runAsNonRoot supplementalGroups supplementalGroupsPolicy fsGroup fsGroupChangePolicy sysctls \
    seccompProfile appArmorProfile seLinuxChangePolicy";

/// What the internal type keeps in the security context.
const MOVED: [(&str, Type); 5] = [
    ("hostNetwork", Type::Bool),
    ("hostPID", Type::Bool),
    ("hostIPC", Type::Bool),
    ("shareProcessNamespace", Type::String("")),
    ("hostUsers", Type::String("")),
];

/// The unified diff of two pod specs.
pub fn spec_diff(old: &Value, new: &Value) -> String {
    unified(&dumped(old), &dumped(new))
}

fn dumped(spec: &Value) -> Vec<String> {
    let mut spec = spec.clone();
    let moved: Vec<(&str, Value)> = MOVED.iter().map(|(name, _)| (*name, field(&spec, name).clone())).collect();
    if let Some(context) = spec.get_mut("securityContext").and_then(Value::as_object_mut) {
        context.extend(moved.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    let mut out = Dump { lines: Vec::new(), line: String::new() };
    out.value(&Type::Struct("PodSpec"), &spec, 0);
    out.lines.push(out.line);
    out.lines
}

fn go_name(json: &str, of: &str) -> String {
    match (of, json) {
        ("GlusterfsVolumeSource", "endpoints") => return "EndpointsName".to_owned(),
        ("RBDVolumeSource", "image") => return "RBDImage".to_owned(),
        ("QuobyteVolumeSource", "user") => return "User".to_owned(),
        _ => {}
    }
    match NAMES.iter().find(|(name, _)| *name == json) {
        Some((_, go)) => (*go).to_owned(),
        None => json[..1].to_uppercase() + &json[1..],
    }
}

/// JSON with an indent of one blank a level, line by line.
struct Dump {
    lines: Vec<String>,
    line: String,
}

impl Dump {
    fn end_line(&mut self, depth: usize) {
        let next = " ".repeat(depth);
        self.lines.push(std::mem::replace(&mut self.line, next));
    }

    fn value(&mut self, ty: &Type, value: &Value, depth: usize) {
        match (ty, value) {
            (Type::Pointer(_), Value::Null) => self.line.push_str("null"),
            (Type::Pointer(inner), _) => self.value(inner, value, depth),
            (Type::Struct("LabelSelector"), _) => self.tagged("LabelSelector", value, depth),
            (Type::Struct(name), _) => match structure(name) {
                Some(of) => self.structure(of, value, depth),
                None => self.line.push_str(&value.to_string()),
            },
            (Type::List(item), Value::Array(elements)) if !elements.is_empty() => {
                self.line.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.end_line(depth + 1);
                    self.value(item, element, depth + 1);
                    self.line.push_str(if index + 1 < elements.len() { "," } else { "" });
                }
                self.end_line(depth);
                self.line.push(']');
            }
            (Type::Map(_, item), Value::Object(members)) => {
                let entries: Vec<(String, &Type, &Value)> =
                    members.iter().map(|(k, v)| (k.clone(), item.as_ref(), v)).collect();
                self.members(&entries, depth);
            }
            (Type::String("string") | Type::Bytes, Value::Null) => self.line.push_str("\"\""),
            (Type::String(name), Value::Null) if !name.is_empty() => self.line.push_str("\"\""),
            (Type::Bool, Value::Null) => self.line.push_str("false"),
            (Type::Int32 | Type::Int64 | Type::IntOrString, Value::Null) => self.line.push('0'),
            (Type::Quantity, Value::Null) => self.line.push_str("\"0\""),
            (_, other) => self.line.push_str(&other.to_string()),
        }
    }

    fn members(&mut self, entries: &[(String, &Type, &Value)], depth: usize) {
        self.line.push('{');
        for (index, (name, ty, value)) in entries.iter().enumerate() {
            self.end_line(depth + 1);
            self.line.push_str(&format!("{name:?}: "));
            self.value(ty, value, depth + 1);
            self.line.push_str(if index + 1 < entries.len() { "," } else { "" });
        }
        if !entries.is_empty() {
            self.end_line(depth);
        }
        self.line.push('}');
    }

    /// A struct of the internal types: every field, under its Go name.
    fn structure(&mut self, of: &'static Struct, value: &Value, depth: usize) {
        let empty = Value::Object(Map::new());
        let value = if value.is_object() { value } else { &empty };
        let order: Vec<&str> = match of.name {
            "PodSpec" => POD_SPEC.split_whitespace().collect(),
            "Volume" => VOLUME.split_whitespace().collect(),
            "PodSecurityContext" => SECURITY_CONTEXT.split_whitespace().collect(),
            _ => of.fields.iter().map(|field| field.name).collect(),
        };
        let typed = order.iter().filter_map(|name| {
            let own = of.field(name).map(|field| &field.ty);
            let ty = own.or_else(|| MOVED.iter().find(|(moved, _)| moved == name).map(|(_, ty)| ty))?;
            Some((go_name(name, of.name), ty, field(value, name)))
        });
        self.members(&typed.collect::<Vec<_>>(), depth);
    }

    /// A struct that keeps its JSON names and leaves out what is empty.
    fn tagged(&mut self, name: &str, value: &Value, depth: usize) {
        let fields = structure(name).map_or(&[][..], |of| of.fields.as_slice());
        let present =
            fields.iter().filter_map(|field| Some((field.name.to_owned(), &field.ty, value.get(field.name)?)));
        let entries: Vec<(String, &Type, &Value)> = present.collect();
        self.line.push('{');
        for (index, (name, ty, value)) in entries.iter().enumerate() {
            self.end_line(depth + 1);
            self.line.push_str(&format!("{name:?}: "));
            match (ty, value) {
                (Type::List(item), Value::Array(elements)) => {
                    self.line.push('[');
                    for (index, element) in elements.iter().enumerate() {
                        self.end_line(depth + 2);
                        match item.as_ref() {
                            Type::Struct(inner) => self.tagged(inner, element, depth + 2),
                            _ => self.line.push_str(&element.to_string()),
                        }
                        self.line.push_str(if index + 1 < elements.len() { "," } else { "" });
                    }
                    self.end_line(depth + 1);
                    self.line.push(']');
                }
                _ => self.value(ty, value, depth + 1),
            }
            self.line.push_str(if index + 1 < entries.len() { "," } else { "" });
        }
        if !entries.is_empty() {
            self.end_line(depth);
        }
        self.line.push('}');
    }
}

/// A run of equal lines: where it begins in each text, and its length.
type Block = (usize, usize, usize);

const CONTEXT: usize = 3;

/// The unified diff of two texts as difflib gives it, without the lines that name the files.
fn unified(old: &[String], new: &[String]) -> String {
    let mut text = String::new();
    let range = |start: usize, end: usize| match end - start {
        1 => format!("{}", start + 1),
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    };
    for group in grouped(&changes(old, new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        text.push_str(&format!("@@ -{} +{} @@\n", range(first.0.0, last.0.1), range(first.1.0, last.1.1)));
        for ((from, to), (new_from, new_to), equal) in &group {
            let signed =
                |sign: char, lines: &[String]| lines.iter().map(|line| format!("{sign}{line}\n")).collect::<String>();
            if *equal {
                text.push_str(&signed(' ', &old[*from..*to]));
            } else {
                text.push_str(&signed('-', &old[*from..*to]));
                text.push_str(&signed('+', &new[*new_from..*new_to]));
            }
        }
    }
    text
}

/// A stretch of the two texts, and whether it is equal in both.
type Stretch = ((usize, usize), (usize, usize), bool);

fn changes(old: &[String], new: &[String]) -> Vec<Stretch> {
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    for (at, new_at, length) in blocks(old, new) {
        if i < at || j < new_at {
            found.push(((i, at), (j, new_at), false));
        }
        (i, j) = (at + length, new_at + length);
        if length > 0 {
            found.push(((at, i), (new_at, j), true));
        }
    }
    found
}

/// Cuts long equal stretches, so that at most three lines stand around each change.
fn grouped(changes: &[Stretch]) -> Vec<Vec<Stretch>> {
    let mut changes = changes.to_vec();
    let tail = |(from, to): (usize, usize)| (from.max(to.saturating_sub(CONTEXT)), to);
    let head = |(from, to): (usize, usize)| (from, to.min(from + CONTEXT));
    if let Some(first) = changes.first_mut().filter(|first| first.2) {
        *first = (tail(first.0), tail(first.1), true);
    }
    if let Some(last) = changes.last_mut().filter(|last| last.2) {
        *last = (head(last.0), head(last.1), true);
    }
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    for (old, new, equal) in changes {
        if equal && old.1 - old.0 > 2 * CONTEXT {
            group.push((head(old), head(new), true));
            groups.push(std::mem::take(&mut group));
            group.push((tail(old), tail(new), true));
        } else {
            group.push((old, new, equal));
        }
    }
    if !(group.is_empty() || group.len() == 1 && group[0].2) {
        groups.push(group);
    }
    groups
}

/// The equal runs, longest first and then left and right of it; an empty one ends the list.
fn blocks(old: &[String], new: &[String]) -> Vec<Block> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    // Lines that stand almost everywhere begin no run (difflib's rule for long texts).
    if new.len() >= 200 {
        places.retain(|_, at| at.len() <= new.len() / 100 + 1);
    }
    let (mut found, mut queue) = (Vec::new(), vec![((0, old.len()), (0, new.len()))]);
    while let Some(((from, to), (new_from, new_to))) = queue.pop() {
        let (i, j, length) = longest(old, new, &places, (from, to), (new_from, new_to));
        if length > 0 {
            found.push((i, j, length));
            queue.push(((from, i), (new_from, j)));
            queue.push(((i + length, to), (j + length, new_to)));
        }
    }
    found.sort_unstable();
    let mut joined: Vec<Block> = Vec::new();
    for (i, j, length) in found {
        match joined.last_mut().filter(|last| last.0 + last.2 == i && last.1 + last.2 == j) {
            Some(last) => last.2 += length,
            None => joined.push((i, j, length)),
        }
    }
    joined.push((old.len(), new.len(), 0));
    joined
}

/// The longest run within the two stretches, the first of several.
fn longest(
    old: &[String],
    new: &[String],
    places: &BTreeMap<&str, Vec<usize>>,
    (from, to): (usize, usize),
    (new_from, new_to): (usize, usize),
) -> Block {
    let (mut i, mut j, mut length) = (from, new_from, 0);
    let mut runs: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, line) in old.iter().enumerate().take(to).skip(from) {
        let mut next = BTreeMap::new();
        for &place in
            places.get(line.as_str()).into_iter().flatten().filter(|place| (new_from..new_to).contains(*place))
        {
            let run = place.checked_sub(1).and_then(|before| runs.get(&before)).copied().unwrap_or(0) + 1;
            next.insert(place, run);
            if run > length {
                (i, j, length) = (at + 1 - run, place + 1 - run, run);
            }
        }
        runs = next;
    }
    while i > from && j > new_from && old[i - 1] == new[j - 1] {
        (i, j, length) = (i - 1, j - 1, length + 1);
    }
    while i + length < to && j + length < new_to && old[i + length] == new[j + length] {
        length += 1;
    }
    (i, j, length)
}
