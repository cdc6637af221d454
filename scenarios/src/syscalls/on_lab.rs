//! A host of a lab as a world that answers calls: each call is an event of the lab, to be looked at and gone back to.
//!
//! Each case has the host [`BENCH`] anew. Nothing is remembered here: a script's handles are the names of the process's
//! descriptors. Left out: more hosts than one.

use portlab_engine::lab::Lab;

use super::call::{Answer, Call};
use super::engine::{from_host, read, spawn, to_host};
use super::run::Kernel;

/// The host on which scripts run.
pub const BENCH: &str = "bench";

/// A process on a lab's bench.
pub struct OnLab<'a> {
    lab: &'a mut Lab,
    pid: u32,
}

impl<'a> OnLab<'a> {
    /// A fresh bench with one process.
    #[must_use]
    pub fn fresh(lab: &'a mut Lab) -> OnLab<'a> {
        lab.restart_host(BENCH);
        OnLab::process(lab)
    }

    /// One more process on the bench that is there.
    #[must_use]
    pub fn process(lab: &'a mut Lab) -> OnLab<'a> {
        let pid = lab.call(BENCH, 0, spawn()).number().unwrap_or(0);
        OnLab { lab, pid }
    }

    /// A process of the bench that is there already.
    #[must_use]
    pub fn of(lab: &'a mut Lab, pid: u32) -> OnLab<'a> {
        OnLab { lab, pid }
    }

    /// How many events the lab has.
    #[must_use]
    pub fn events(&self) -> usize {
        self.lab.events().len()
    }

    /// The number of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

impl Kernel for OnLab<'_> {
    fn answer(&mut self, call: &Call, new: &str) -> Answer {
        let Some(host) = self.lab.host(BENCH) else { return Answer::Any };
        let process = host.processes.get(&self.pid);
        let Some(asked) = to_host(call, new, |name| process?.descriptor(name)) else { return read(call, host) };
        from_host(self.lab.call(BENCH, self.pid, asked), call, new)
    }
}
