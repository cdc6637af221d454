//! What the workload controllers read of every pod each time they look at its owner: read once per change of the pod, because an
//! owner of ten thousand pods is looked at after every change of any of them.
//!
//! Source: the informer's cache in Kubernetes, of which this is the part that counts. It holds what the store says, no more.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::pods;
use crate::event::What;
use crate::object::{self, str_at};
use crate::store::{Kind, Object};
use crate::time::Time;

/// A pod, with what is asked of it most often.
#[derive(Clone, Debug)]
pub struct Seen {
    pub object: Object,
    /// Shared among pods of one template, so that they are compared once for all.
    pub labels: Rc<Value>,
    pub active: bool,
    /// The uid of its controller.
    pub controller: Option<Rc<str>>,
    pub ready: bool,
    pub ready_since: Option<Time>,
}

impl Seen {
    /// Reads a pod; `like` are labels that it may share.
    pub fn of(object: &Object, like: Option<&Rc<Value>>) -> Seen {
        let labels = object::field(object, "metadata.labels");
        let shared = like.filter(|like| ***like == *labels).cloned();
        Seen {
            object: object.clone(),
            labels: shared.unwrap_or_else(|| Rc::new(labels.clone())),
            active: pods::is_active(object),
            controller: object::controller(object).map(|owner| str_at(owner, "uid").into()),
            ready: pods::is_ready(object),
            ready_since: pods::ready_since(object),
        }
    }

    /// How long until the pod counts as available, if it stays ready; None while it is not ready.
    pub fn available_in(&self, min_ready_secs: i64, now: Time) -> Option<Duration> {
        self.ready_since.map(|since| pods::wait_of(since, min_ready_secs, now))
    }

    /// Ready for at least `min_ready_secs`.
    pub fn is_available(&self, min_ready_secs: i64, now: Time) -> bool {
        self.available_in(min_ready_secs, now) == Some(Duration::ZERO)
    }
}

/// Asks about labels, once for neighbours that share them.
pub fn of_labels(answer: impl Fn(&Value) -> bool) -> impl FnMut(&Seen) -> bool {
    let mut last: Option<(Rc<Value>, bool)> = None;
    move |pod| match &last {
        Some((labels, said)) if Rc::ptr_eq(labels, &pod.labels) => *said,
        _ => {
            let said = answer(&pod.labels);
            last = Some((pod.labels.clone(), said));
            said
        }
    }
}

/// All pods, by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    pods: BTreeMap<String, BTreeMap<String, Seen>>,
    /// The labels of the last new pod: the next one often comes from the same template.
    labels: Option<Rc<Value>>,
}

impl Pods {
    /// Takes over a change.
    pub fn note(&mut self, what: &What) {
        match what {
            What::Stored { key, new, .. } if key.kind == Kind::Pod => {
                let of_namespace = self.pods.entry(key.namespace.clone()).or_default();
                match of_namespace.get_mut(&key.name) {
                    Some(seen) => *seen = Seen::of(new, Some(&seen.labels)),
                    None => {
                        let seen = Seen::of(new, self.labels.as_ref());
                        self.labels = Some(seen.labels.clone());
                        of_namespace.insert(key.name.clone(), seen);
                    }
                }
            }
            What::Deleted { key, .. } if key.kind == Kind::Pod => {
                if let Some(of_namespace) = self.pods.get_mut(&key.namespace) {
                    of_namespace.remove(&key.name);
                }
            }
            _ => {}
        }
    }

    /// The pods of a namespace, by name.
    pub fn list_in(&self, namespace: &str) -> impl Iterator<Item = &Seen> {
        self.pods.get(namespace).into_iter().flat_map(BTreeMap::values)
    }

    /// The active pods that `owner` controls; None when there are some to adopt or to release first. `selects` says whether
    /// the owner selects a pod of these labels.
    pub fn active_of(&self, owner: &Value, selects: impl Fn(&Value) -> bool) -> Option<Vec<Seen>> {
        let uid = object::uid(owner);
        let mut selects = of_labels(selects);
        let mut mine = Vec::new();
        for pod in self.list_in(object::namespace(owner)).filter(|pod| pod.active) {
            let owned = pod.controller.as_deref() == Some(uid);
            if owned || pod.controller.is_none() {
                if owned != selects(pod) {
                    return None;
                }
                if owned {
                    mine.push(pod.clone());
                }
            }
        }
        Some(mine)
    }
}
