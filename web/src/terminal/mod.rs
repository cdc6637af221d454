//! Completing a command line and cutting a paste into commands: pure, tested natively.

pub mod complete;
pub mod paste;
