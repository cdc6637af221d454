//! kubectl 1.34: one file per command, and what they share.
pub mod age;
pub mod go_value;
pub mod field_selector;
pub mod jsonpath;
pub mod label_selector;
pub mod printers;
pub mod table;
pub mod tabwriter;
