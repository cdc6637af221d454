//! The lessons of portlab and what runs them.
//!
//! * [`model`]: what a lesson is. [`lessons`] and [`lesson`] give those that were compiled in, [`confirmations`] what confirms them.
//! * [`claim`]: whether an output is the one that was claimed.
//! * [`world`]: where commands run: the engine here, a real cluster in xtask.
//! * [`grade`]: runs a lesson in a world and says of each claim, prediction and exercise how it went.
//! * [`gate`]: what every lesson must pass, from both sides.
//! * [`mod@index`]: what the learning path needs of the lessons; [`index()`] gives it of those that were compiled in.
//! * [`record`]: what a run on a real cluster has confirmed.
//! * [`script`]: a lesson's system calls in a world.
//! * [`syscalls`]: scripts of system calls, and worlds that answer them.

pub mod claim;
pub mod gate;
pub mod grade;
pub mod index;
pub mod model;
#[cfg(feature = "parse")]
pub mod parse;
#[cfg(feature = "parse")]
pub mod read;
pub mod record;
pub mod script;
pub mod syscalls;
pub mod world;

/// Each lesson's id and text, in the order of the path.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/lessons.rs"));

/// The lessons that were compiled in, in the order of the path.
///
/// # Panics
/// Never: the build wrote this text with the same types.
#[must_use]
pub fn lessons() -> Vec<model::Lesson> {
    TEXTS.iter().map(|(_, text)| compiled(text)).collect()
}

/// The one with this id; the others are not read.
///
/// # Panics
/// As [`lessons`].
#[must_use]
pub fn lesson(id: &str) -> Option<model::Lesson> {
    TEXTS.iter().find(|(known, _)| *known == id).map(|(_, text)| compiled(text))
}

/// The index of the same lessons, in the same order.
///
/// # Panics
/// As [`lessons`].
#[must_use]
pub fn index() -> Vec<index::Entry> {
    compiled(include_str!(concat!(env!("OUT_DIR"), "/index.json")))
}

/// What records of real runs confirm, of those that were committed with these lessons.
///
/// # Panics
/// As [`lessons`].
#[must_use]
pub fn confirmations() -> Vec<record::Confirmation> {
    compiled(include_str!(concat!(env!("OUT_DIR"), "/confirmations.json")))
}

fn compiled<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| unreachable!("the build wrote this text: {error}"))
}
