//! What went into the lab, so that a reload can bring the same world about again.

use std::time::Duration;

use portlab_engine::lab::{Jq, Lab, Output, Place};
use portlab_scenarios::model::{Calls, Lesson};
use portlab_scenarios::script::{self, Made};
use portlab_scenarios::world::new_lab;
use serde::{Deserialize, Serialize};

/// Inputs that are kept at most; a lesson needs a few dozen.
pub const INPUTS_MAX: usize = 2_000;

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// A command line on the learner's own machine.
    Run(String),
    /// A command line at another place: the host, the node, or namespace, pod and container.
    At(Where, String),
    /// System calls, made on a bench of their own.
    Script(String),
    /// Milliseconds that passed.
    Wait(u64),
    /// A manifest was saved.
    Write(String, String),
    /// The history went on from its first events: the rest was dropped.
    Cut(usize),
}

/// A place other than the learner's own machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    Host(String),
    Node(String),
    Pod(String, String, String),
}

impl Input {
    /// A command line at a place.
    #[must_use]
    pub fn command(place: &Place, line: &str) -> Input {
        let line = line.to_owned();
        match place {
            Place::Workstation => Input::Run(line),
            Place::Host(host) => Input::At(Where::Host(host.clone()), line),
            Place::Node(node) => Input::At(Where::Node(node.clone()), line),
            Place::Pod { namespace, name, container } => {
                Input::At(Where::Pod(namespace.clone(), name.clone(), container.clone()), line)
            }
        }
    }

    /// The command line and its place, if this is one.
    #[must_use]
    pub fn as_command(&self) -> Option<(Place, &str)> {
        match self {
            Input::Run(line) => Some((Place::Workstation, line)),
            Input::At(Where::Host(host), line) => Some((Place::Host(host.clone()), line)),
            Input::At(Where::Node(node), line) => Some((Place::Node(node.clone()), line)),
            Input::At(Where::Pod(namespace, name, container), line) => {
                let (namespace, name, container) = (namespace.clone(), name.clone(), container.clone());
                Some((Place::Pod { namespace, name, container }, line))
            }
            Input::Script(_) | Input::Wait(_) | Input::Write(..) | Input::Cut(_) => None,
        }
    }
}

/// What came of an input.
#[derive(Clone, Debug)]
pub enum Came {
    Nothing,
    Printed(Output),
    /// Each call of a script with the number of events after it; or why the text is no script.
    Played(Result<Vec<(Made, usize)>, String>),
}

/// Puts one input into a lab.
pub fn feed(lab: &mut Lab, input: &Input) -> Came {
    match input {
        Input::Script(text) => {
            return Came::Played(script::play(lab, &Calls { script: text.clone(), source_line: 1 }));
        }
        Input::Wait(ms) => lab.advance(Duration::from_millis(*ms)),
        Input::Write(path, text) => lab.write_file(path, text),
        Input::Cut(kept) => lab.rewind(*kept),
        Input::Run(_) | Input::At(..) => {
            if let Some((place, line)) = input.as_command() {
                return Came::Printed(lab.run(&place, line));
            }
        }
    }
    Came::Nothing
}

/// A lab of the lesson into which all of this went.
#[must_use]
pub fn replay(lesson: &Lesson, log: &[Input], jq: Option<Jq>) -> Lab {
    let mut lab = new_lab(&lesson.cluster, &lesson.files, jq);
    for input in log {
        feed(&mut lab, input);
    }
    lab
}
