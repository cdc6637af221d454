//! The admission plugins that a kind cluster has enabled and that matter here.
//!
//! Models: NamespaceLifecycle, ServiceAccount, RuntimeClass (there are none), Priority, DefaultTolerationSeconds.
//! Leaves out: TaintNodesByCondition (whoever starts a node gives it its taint; without nodes none is added), LimitRanger,
//! ResourceQuota, webhooks. Without nodes there is no controller that makes service accounts, and the plugin is off.

use serde_json::{Value, json};

use crate::kube::api::Status;
use crate::kube::api::write::Part;
use crate::lab::Nodes;
use crate::object::{bool_at, field, int_at, items, name, namespace, set, str_at};
use crate::store::Kind;
use crate::world::World;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Priorities that exist in every cluster, by the name of their class.
const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// Looks at a new object, and completes it.
pub fn admit_create(world: &mut World, kind: Kind, object: &mut Value) -> Result<(), Status> {
    if kind.info().namespaced {
        admit_namespace(world, kind, object)?;
    }
    match kind {
        Kind::Pod => {
            if matches!(world.options().nodes, Nodes::Kind(_)) {
                add_service_account(world, object)?;
            }
            set_priority(world, object)?;
            add_default_tolerations(object);
            no_runtime_class(object)
        }
        Kind::PriorityClass => one_default_class(world, object),
        _ => Ok(()),
    }
}

/// Looks at a new object once more, complete and valid.
pub fn validate_create(kind: Kind, object: &Value) -> Result<(), Status> {
    if kind == Kind::Pod { no_overhead(object) } else { Ok(()) }
}

/// Looks at a changed object.
pub fn admit_update(world: &World, kind: Kind, part: Part, object: &mut Value, old: &Value) -> Result<(), Status> {
    match kind {
        Kind::Pod if part == Part::Status => Ok(()),
        Kind::Pod => {
            for path in ["spec.priority", "spec.preemptionPolicy"] {
                if field(object, path).is_null() {
                    set(object, path, field(old, path).clone());
                }
            }
            add_default_tolerations(object);
            Ok(())
        }
        Kind::PriorityClass => one_default_class(world, object),
        _ => Ok(()),
    }
}

fn admit_namespace(world: &World, kind: Kind, object: &Value) -> Result<(), Status> {
    let place = namespace(object);
    let Some(found) = world.store().find(Kind::Namespace, "", place) else {
        return Err(Status::not_found(Kind::Namespace, place));
    };
    if str_at(found, "status.phase") == "Terminating" {
        let why = format!("unable to create new content in namespace {place} because it is being terminated");
        return Err(Status::forbidden(kind, name(object), &why));
    }
    Ok(())
}

/// The account `default`, and the volume with its token, mounted into every container that mounts nothing there.
fn add_service_account(world: &mut World, pod: &mut Value) -> Result<(), Status> {
    if crate::object::label(pod, "annotations", "kubernetes.io/config.mirror").is_some() {
        return Ok(());
    }
    if str_at(pod, "spec.serviceAccountName").is_empty() {
        set(pod, "spec.serviceAccountName", "default");
    }
    let account = str_at(pod, "spec.serviceAccountName").to_owned();
    set(pod, "spec.serviceAccount", account.clone());
    let place = namespace(pod).to_owned();
    let found = world.store().find(Kind::ServiceAccount, &place, &account).cloned();
    // The real plugin waits until the controller has made the account `default`.
    if found.is_none() && account != "default" {
        let why = format!("error looking up service account {place}/{account}: serviceaccount {account:?} not found");
        return Err(Status::forbidden(Kind::Pod, name(pod), &why));
    }
    let own = field(pod, "spec.automountServiceAccountToken").as_bool();
    let of_account = found.as_ref().and_then(|account| field(account, "automountServiceAccountToken").as_bool());
    if own.or(of_account).unwrap_or(true) {
        mount_token(world, pod);
    }
    Ok(())
}

fn mount_token(world: &mut World, pod: &mut Value) {
    let existing = items(pod, "spec.volumes").iter().map(name_of).find(|name| name.starts_with("kube-api-access-"));
    let volume = existing.clone().unwrap_or_else(|| format!("kube-api-access-{}", world.suffix(5)));
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        let Some(containers) = pod["spec"].get_mut(list).and_then(Value::as_array_mut) else { continue };
        for container in containers {
            let mut mounts = items(container, "volumeMounts").to_vec();
            if mounts.iter().all(|mount| str_at(mount, "mountPath") != TOKEN_PATH) {
                mounts.push(json!({"name": volume, "readOnly": true, "mountPath": TOKEN_PATH}));
                set(container, "volumeMounts", mounts);
                needed = true;
            }
        }
    }
    if existing.is_none() && needed {
        let mut volumes = items(pod, "spec.volumes").to_vec();
        volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
            {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]}},
        ]}}));
        set(pod, "spec.volumes", volumes);
    }
}

fn name_of(value: &Value) -> String {
    str_at(value, "name").to_owned()
}

/// No RuntimeClass exists here.
fn no_runtime_class(pod: &Value) -> Result<(), Status> {
    let Some(class) = field(pod, "spec.runtimeClassName").as_str() else { return Ok(()) };
    Err(Status::forbidden(Kind::Pod, name(pod), &format!("pod rejected: RuntimeClass {class:?} not found")))
}

/// Overhead is for a RuntimeClass to set.
fn no_overhead(pod: &Value) -> Result<(), Status> {
    if !field(pod, "spec.overhead").is_object() {
        return Ok(());
    }
    let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
    Err(Status::forbidden(Kind::Pod, name(pod), why))
}

/// The priority and preemption policy that the pod's class gives it, or the default class, or none.
fn set_priority(world: &World, pod: &mut Value) -> Result<(), Status> {
    let class = str_at(pod, "spec.priorityClassName").to_owned();
    let (class, priority, policy) = if class.is_empty() {
        default_class(world)
    } else {
        let found = world.store().find(Kind::PriorityClass, "", &class);
        let system = SYSTEM_CLASSES.iter().find(|(name, _)| *name == class);
        match (found, system) {
            (Some(found), _) => {
                let policy = field(found, "preemptionPolicy").as_str().map(str::to_owned);
                (class, int_at(found, "value").unwrap_or(0), policy)
            }
            (None, Some((_, value))) => (class, *value, Some("PreemptLowerPriority".to_owned())),
            (None, None) => {
                let why = format!("no PriorityClass with name {class} was found");
                return Err(Status::forbidden(Kind::Pod, name(pod), &why));
            }
        }
    };
    if let Some(given) = int_at(pod, "spec.priority").filter(|given| *given != priority) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name"
        );
        return Err(Status::forbidden(Kind::Pod, name(pod), &why));
    }
    set(pod, "spec.priority", priority);
    if !class.is_empty() {
        set(pod, "spec.priorityClassName", class);
    }
    let Some(policy) = policy else { return Ok(()) };
    let given = str_at(pod, "spec.preemptionPolicy");
    if !given.is_empty() && given != policy {
        let why = format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
        );
        return Err(Status::forbidden(Kind::Pod, name(pod), &why));
    }
    set(pod, "spec.preemptionPolicy", policy);
    Ok(())
}

/// The global default class (of several the one with the lowest value), or no class, priority 0.
fn default_class(world: &World) -> (String, i64, Option<String>) {
    let classes = world.store().list(Kind::PriorityClass).filter(|class| bool_at(class, "globalDefault"));
    match classes.min_by_key(|class| int_at(class, "value").unwrap_or(0)) {
        Some(class) => {
            let policy = field(class, "preemptionPolicy").as_str().map(str::to_owned);
            (name(class).to_owned(), int_at(class, "value").unwrap_or(0), policy)
        }
        None => (String::new(), 0, Some("PreemptLowerPriority".to_owned())),
    }
}

fn one_default_class(world: &World, class: &Value) -> Result<(), Status> {
    if !bool_at(class, "globalDefault") {
        return Ok(());
    }
    let (other, _, _) = default_class(world);
    if other.is_empty() || other == name(class) {
        return Ok(());
    }
    let why = format!("PriorityClass {other} is already marked as default. Only one default can exist");
    Err(Status::forbidden(Kind::PriorityClass, name(class), &why))
}

/// Five minutes on a node that is not ready or not reachable, unless the pod says otherwise.
fn add_default_tolerations(pod: &mut Value) {
    let mut tolerations = items(pod, "spec.tolerations").to_vec();
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = tolerations.iter().any(|toleration| {
            [taint, ""].contains(&str_at(toleration, "key"))
                && ["NoExecute", ""].contains(&str_at(toleration, "effect"))
        });
        if !tolerated {
            tolerations
                .push(json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
    set(pod, "spec.tolerations", tolerations);
}
