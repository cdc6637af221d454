//! A small Kubernetes 1.34: API server, scheduler, controllers and kubelet over one store.
//!
//! Each part reads the store, is told of changes ([`informed`]), queues a [`Task`] and acts when the task runs
//! ([`run_task`]), so that what happens is what the real parts would do, in an order that a replay repeats.

pub mod api;
pub mod controllers;
pub mod kind_cluster;
pub mod kubelet;
pub mod quantity;
pub mod scheduler;
pub mod schema;

use crate::event::Event;
use crate::lab::Nodes;
use crate::tools::jobs::WORKSTATION;
use crate::world::World;

/// Work that waits in the queue of virtual time. A task names what to look at, never what to do: whoever runs it
/// derives that from the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    Scheduler(scheduler::queue::Work),
    Controller(controllers::Work),
    Kubelet(kubelet::Work),
}

/// What the control plane remembers besides the store.
#[derive(Clone, Debug, Default)]
pub struct ControlPlane {
    pub controllers: controllers::Memory,
    /// The names of the events recorded so far, by what makes an event the same as an earlier one.
    pub event_names: std::collections::BTreeMap<String, String>,
    pub kubelet: kubelet::Memory,
    pub scheduler: scheduler::queue::Memory,
}

/// Sets the scene: the objects of a fresh cluster.
pub fn start(world: &mut World) {
    match world.options().nodes {
        Nodes::Kind(nodes) => kind_cluster::create(world, nodes),
        Nodes::None => kind_cluster::api_server(world),
        Nodes::NoCluster => world.start_host(WORKSTATION),
    }
}

/// Tells the control plane of a change; whoever it concerns queues a task.
pub fn informed(world: &mut World, event: &Event) {
    scheduler::queue::informed(world, event);
    if matches!(world.options().nodes, Nodes::Kind(_)) {
        controllers::informed(world, event);
        kubelet::informed(world, event);
    }
}

/// Runs a task that is due.
pub fn run_task(world: &mut World, task: Task) {
    match task {
        Task::Scheduler(work) => scheduler::queue::run(world, work),
        Task::Controller(work) => controllers::run(world, work),
        Task::Kubelet(work) => kubelet::run(world, work),
    }
}
