//! Cases in the engine, on the kernel, or in both, and the first line on which the two differ.

use portlab_scenarios::syscalls::{Case, Verdict};

use crate::kernel::{self, Tried};

/// Where scripts run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Engine,
    Kernel,
    Both,
}

/// What a case came to in the worlds in which it ran.
pub struct Outcome {
    pub kernel: Option<Tried>,
    pub engine: Option<Vec<Verdict>>,
    /// The first line on which the two worlds answer differently.
    pub apart: Option<usize>,
}

/// Runs the cases where they are to run.
///
/// # Errors
/// The kernel cannot be asked.
pub fn run(on: On, cases: &[Case]) -> anyhow::Result<Vec<Outcome>> {
    anyhow::ensure!(on == On::Kernel, "the engine does not answer system calls yet: --on kernel");
    let outcomes =
        kernel::each(cases, |place, case| Ok(Outcome { kernel: Some(place.run(case)?), engine: None, apart: None }));
    outcomes.into_iter().collect()
}
