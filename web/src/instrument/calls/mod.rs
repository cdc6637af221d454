//! The bench of calls: two processes on one host, whose system calls are chosen one by one.
//!
//! * [`bench`]: its state. [`presets`]: beginnings. [`draft`]: a call that is being put together.
//! * [`export`]: the calls as a script for a real kernel.
//! * [`view`], [`ledger`], [`form`]: how it looks.

pub mod bench;
pub mod draft;
pub mod export;
mod form;
mod ledger;
pub mod presets;
#[cfg(test)]
mod tests;
mod view;

pub use view::{Calls, calls_page};
