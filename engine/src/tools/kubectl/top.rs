//! `kubectl top`: what it says without a metrics server, which neither kind nor the lab has.

use super::Call;
use super::failure::{Failure, Outcome};

pub fn run(_: &mut Call) -> Outcome {
    Err(Failure::text("Metrics API not available"))
}
