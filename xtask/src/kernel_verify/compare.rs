//! A draft on the kernel, and its answers held against the engine's.

use portlab_scenarios::syscalls::script::Line;
use portlab_scenarios::syscalls::{Answer, Case};

use crate::kernel::{Place, TRIES};
use crate::worlds::apart;

/// A case on which the worlds differ.
#[derive(Clone)]
pub struct Differing {
    /// As the kernel answered it in the last try.
    pub case: Case,
    /// The line.
    pub index: usize,
    pub engine: String,
    /// What the kernel answered on the line that differed, in each try before.
    pub tries: Vec<String>,
}

impl Differing {
    pub fn line(&self) -> &Line {
        &self.case.lines[self.index]
    }

    /// What kind of difference it is: cases of one kind are shown once.
    pub fn kind(&self) -> String {
        let call = self.line().call.to_string();
        let name = call.split('(').next().unwrap_or_default();
        // Addresses, texts and counts differ from case to case.
        let plain = |answer: &str| {
            let fixed = answer == "0" || answer.starts_with(['-', 'n', 'a', 'p']);
            if fixed { answer.to_owned() } else { "…".to_owned() }
        };
        format!("{name}: kernel {}, engine {}", plain(&self.line().stated.to_string()), plain(&self.engine))
    }
}

/// Asks the kernel until a try agrees with the engine, at most [`TRIES`] times; what differs still is returned.
///
/// # Errors
/// The kernel cannot be asked.
pub fn compare(place: &Place, draft: &Case) -> anyhow::Result<Option<Differing>> {
    let mut tries = Vec::new();
    loop {
        let answers = place.record(draft)?;
        let case = answered(draft, answers);
        let Some(apart) = apart(&case) else { return Ok(None) };
        if tries.len() + 1 == TRIES {
            return Ok(Some(Differing { case, index: apart.index, engine: apart.engine, tries }));
        }
        tries.push(case.lines[apart.index].to_string());
    }
}

/// The calls that were made with their answers; a new socket that no line names keeps no name.
fn answered(draft: &Case, answers: Vec<Option<Answer>>) -> Case {
    let lines = draft.lines.iter().zip(answers).filter_map(|(line, answer)| {
        let mut line = line.clone();
        // A draft that was recorded before may state an error where a socket came now.
        line.stated = answer?;
        Some(line)
    });
    Case { lines: lines.collect() }
}
