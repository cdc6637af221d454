//! What happened in the lab, who did it, and what decided it.
//!
//! The list of events is the lab's whole history: the state after the first k events is their fold
//! ([`State::apply`](crate::world::State::apply)). The screen draws events and never re-derives them.

use std::fmt;
use std::rc::Rc;

use crate::host::{Answer, Call};
use crate::kube::scheduler::trace::Step;
use crate::lab::{HostSpec, Place};
use crate::linux::trace::Moment;
use crate::object::{condition, field, is_terminating, str_at};
use crate::store::{Key, Kind, Object};
use crate::time::Time;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Position in the history, from 0.
    pub index: usize,
    pub at: Time,
    pub actor: Actor,
    pub what: What,
    /// The event that led to this one: the command, or the change that a controller reacted to.
    pub cause: Option<usize>,
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The lab itself, setting the scene.
    Lab,
    /// A command that the learner ran.
    Learner,
    Scheduler,
    DeploymentController,
    ReplicaSetController,
    DaemonSetController,
    EndpointSliceController,
    NamespaceController,
    NodeController,
    GarbageCollector,
    Kubelet {
        node: String,
    },
}

/// Whether an object is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Added,
    Modified,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The learner ran a command line.
    Command { place: Place, line: Rc<str> },
    /// The command line has ended.
    CommandEnded { exit: i32 },
    /// An object was created or changed.
    Stored { key: Key, verb: Verb, old: Option<Object>, new: Object },
    /// An object is gone.
    Deleted { key: Key, old: Object },
    /// A file of the lab was written; `None` removed it.
    FileWritten { path: String, text: Option<Rc<str>> },
    /// One step of the scheduler with one pod.
    Scheduling { pod: Key, step: Step },
    /// Fields of an applied object that portlab stores without effect, for the page to tell.
    WithoutEffect { key: Key, fields: Vec<String> },
    /// A host has started; what its kernel chooses at random follows from the seed.
    HostStarted { host: Rc<str>, seed: u64, spec: Rc<HostSpec> },
    /// A host is gone, with all that ran there.
    HostStopped { host: Rc<str> },
    /// A process made a system call on a host, and what it was answered; what has happened on the hosts since the event
    /// before that told it. A call that waits is answered later than it is made.
    Called {
        host: Rc<str>,
        pid: u32,
        program: Rc<str>,
        call: Call,
        answer: Answer,
        answered: Time,
        trace: Rc<[Moment]>,
    },
    /// Time has passed, and on the hosts something happened by itself.
    Passed { trace: Rc<[Moment]> },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Actor::Lab => "lab",
            Actor::Learner => "you",
            Actor::Scheduler => "kube-scheduler",
            Actor::DeploymentController => "deployment-controller",
            Actor::ReplicaSetController => "replicaset-controller",
            Actor::DaemonSetController => "daemonset-controller",
            Actor::EndpointSliceController => "endpointslice-controller",
            Actor::NamespaceController => "namespace-controller",
            Actor::NodeController => "node-controller",
            Actor::GarbageCollector => "garbage-collector",
            Actor::Kubelet { node } => return write!(f, "kubelet on {node}"),
        })
    }
}

impl fmt::Display for Event {
    /// One line: for the list of events, the screen reader and the reports alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.actor, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Command { place, line } => write!(f, "{}{line}", place.prompt()),
            What::CommandEnded { exit } => write!(f, "exit {exit}"),
            What::Stored { key, verb: Verb::Added, new, .. } if key.kind == Kind::Event => {
                write!(f, "{} {}: {}", str_at(new, "type"), str_at(new, "reason"), str_at(new, "message"))
            }
            What::Stored { key, verb: Verb::Added, .. } => write!(f, "{key} created"),
            What::Stored { key, old, new, .. } => write!(f, "{key} {}", change_of(key.kind, old.as_ref(), new)),
            What::Deleted { key, .. } => write!(f, "{key} gone"),
            What::FileWritten { path, text: Some(_) } => write!(f, "{path} written"),
            What::FileWritten { path, text: None } => write!(f, "{path} removed"),
            What::Scheduling { pod, step } => write!(f, "{pod}: {step}"),
            What::WithoutEffect { key, fields } => write!(f, "{key}: stored without effect: {}", fields.join(", ")),
            What::HostStarted { host, .. } => write!(f, "host {host} started"),
            What::HostStopped { host } => write!(f, "host {host} stopped"),
            What::Called { host, pid, program, call, answer, .. } => {
                write!(f, "{host}: {program}[{pid}] {call} = {answer}")
            }
            What::Passed { trace } => {
                let moments: Vec<String> = trace.iter().map(ToString::to_string).collect();
                f.write_str(&moments.join("; "))
            }
        }
    }
}

/// In a few words, what a change of an object was about.
fn change_of(kind: Kind, old: Option<&Object>, new: &Object) -> String {
    let Some(old) = old else { return "changed".to_owned() };
    if !is_terminating(old) && is_terminating(new) {
        return "asked to stop".to_owned();
    }
    let differs = |path: &str| field(old, path) != field(new, path);
    match kind {
        Kind::Pod if differs("spec.nodeName") => format!("bound to {}", str_at(new, "spec.nodeName")),
        Kind::Pod if differs("status.phase") => format!("is {}", str_at(new, "status.phase")),
        Kind::Pod if condition(old, "PodScheduled") != condition(new, "PodScheduled") => condition(new, "PodScheduled")
            .map_or("unscheduled", |c| match str_at(c, "status") {
                "True" => "scheduled",
                _ => "cannot be scheduled",
            })
            .to_owned(),
        Kind::Pod if condition(old, "Ready") != condition(new, "Ready") => {
            let ready = crate::object::condition_is_true(new, "Ready");
            if ready { "is ready".to_owned() } else { "is not ready".to_owned() }
        }
        Kind::Deployment | Kind::ReplicaSet if differs("spec.replicas") => {
            format!("scaled from {} to {}", field(old, "spec.replicas"), field(new, "spec.replicas"))
        }
        Kind::Node if differs("spec.unschedulable") => {
            if field(new, "spec.unschedulable").is_null() {
                "uncordoned".to_owned()
            } else {
                "cordoned".to_owned()
            }
        }
        _ if differs("spec") => "spec changed".to_owned(),
        _ if differs("status") => "status changed".to_owned(),
        _ => "changed".to_owned(),
    }
}
