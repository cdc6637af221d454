//! The command line of the lab: the shell and one file per simulated program.

pub mod kubectl;

use std::time::Duration;

use crate::lab::{Output, Place, Stream};
use crate::world::World;

/// How long every command takes.
pub const COMMAND_TAKES: Duration = Duration::from_millis(100);

/// What a shell remembers from line to line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    pub vars: std::collections::BTreeMap<String, String>,
    /// `$?`
    pub status: i32,
}

/// What a program gets and writes to.
pub struct Cx<'a> {
    pub world: &'a mut World,
    pub place: &'a Place,
    /// `args[0]` is the program's name.
    pub args: Vec<String>,
    pub stdin: String,
    pub env: &'a mut Env,
    pub out: Vec<(Stream, String)>,
}

impl Cx<'_> {
    /// Writes to standard output.
    pub fn print(&mut self, text: &str) {
        self.out.push((Stream::Stdout, text.to_owned()));
    }

    /// Writes to standard error.
    pub fn eprint(&mut self, text: &str) {
        self.out.push((Stream::Stderr, text.to_owned()));
    }
}

/// Runs a command line at a place.
pub fn run(world: &mut World, place: &Place, line: &str) -> Output {
    let _ = (place, line);
    world.advance(COMMAND_TAKES);
    Output::default()
}
