//! What the scheduler did with a pod, step by step.

use std::fmt;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The pod was taken from the queue.
    Dequeued,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Dequeued => f.write_str("taken from the queue"),
        }
    }
}
