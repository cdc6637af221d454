//! YAML as kubectl 1.34 reads and writes it.
//!
//! Reading follows `k8s.io/apimachinery/pkg/util/yaml` (documents are cut at lines that begin with `---`,
//! text that begins with `{` is JSON first), `sigs.k8s.io/yaml` 1.6 (YAML to JSON) and `go.yaml.in/yaml/v2`
//! 2.4 (which plain scalars are booleans, numbers or null; merge keys; the limit on aliases; error text).
//! The scanner below is libyaml, from which go-yaml's is translated. Writing follows the same two.
//!
//! Beyond what kubectl knows, every node keeps its place in the text, so that an error found later
//! (an unknown field, a refused value) can be shown where the learner typed it.
//!
//! Left out: where libyaml 0.2 and go-yaml's older translation part (tags that hold `,[]{}`, `?` inside a key of
//! a flow mapping, an empty flow collection as a key); YAML directives other than `%YAML` and `%TAG`; texts beyond 3 MiB (the API server takes no larger request)
//! or nested deeper than [`DEPTH_MAX`], which are refused with a message.

mod emit;
mod json;
mod marks;
mod parse;
mod resolve;
#[cfg(test)]
mod tests;

pub use emit::emit;
pub use marks::{Mark, Marked, Marks};
pub use parse::parse;

use serde_json::Value;

/// Bytes of text that are read at most: the limit of the API server for one request.
pub const TEXT_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Nesting that is read at most.
pub const DEPTH_MAX: usize = 200;
/// Bytes of scalars that aliases may make of one document.
pub const EXPANDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One document of a text.
#[derive(Debug, Clone)]
pub struct Document {
    /// What kubectl makes of it.
    pub value: Value,
    /// Where each node stands in the whole text.
    pub marks: Marks,
}

/// Text that is not YAML (or JSON).
#[derive(Debug, Clone)]
pub struct YamlError(Box<Broken>);

/// What is known about it.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What kubectl says after `error parsing FILE: `. Its line counts from the start of the document and may be one off.
    pub message: String,
    /// Where the problem is, counted from the start of the whole text, both from 1.
    pub line: usize,
    pub column: usize,
    /// The text at that place, and what may stand there, for the page; may be empty.
    pub found: String,
    pub expected: String,
    /// The documents before the broken one; kubectl still applies these.
    pub before: Vec<Document>,
}

impl std::ops::Deref for YamlError {
    type Target = Broken;
    fn deref(&self) -> &Broken {
        &self.0
    }
}

impl From<Broken> for YamlError {
    fn from(broken: Broken) -> Self {
        YamlError(Box::new(broken))
    }
}

impl std::fmt::Display for YamlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for YamlError {}
