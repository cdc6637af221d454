//! The lessons of portlab and what runs them.
//!
//! * [`model`]: what a lesson is.

pub mod model;
