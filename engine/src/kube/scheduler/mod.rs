//! kube-scheduler.

pub mod queue;
pub mod trace;
