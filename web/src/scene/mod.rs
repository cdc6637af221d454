//! From the lab's events and states to what the screen shows: pure functions, tested natively.
//!
//! * [`frame`]: which events are worth a stop of the transport, and what the strip says there.
//! * [`calling`]: what the strip says of each system call; `stepping`: of each packet; `passing`: of time that passes.
//! * [`host`]: rails of sockets, wires, five-tuples.
//! * `scheduling`: what the strip says of each step of the scheduler.
//! * [`stage`]: nodes, pods, Services and claimed host ports in one state.
//! * [`effect`]: fields that have no effect in the lab.
//! * [`claim`]: the host ports that pods declare, and how two of them compare.
//! * [`sieve`]: the filter table of one scheduling attempt, as far as it has got.
//!
//! Everything is capped where it is drawn ([`stage::LANES_MAX`], [`stage::PODS_MAX`]); what is left out is counted.

pub mod calling;
pub mod claim;
pub mod effect;
pub mod frame;
pub mod host;
mod passing;
mod scheduling;
pub mod sieve;
pub mod stage;
mod stepping;

#[cfg(test)]
mod tests;
