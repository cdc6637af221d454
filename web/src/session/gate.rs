//! What of a step is open: its blocks in order, up to the first that waits for the learner.
//!
//! A prediction waits for a choice, commands wait to be run and looked at to the end, a recall question waits for an
//! answer, an exercise for its goals. The five phases of a step are read from the same walk.

use portlab_scenarios::index::{Wait, Waits};
use portlab_scenarios::model::{Block, Step};

use super::progress::Progress;

/// What waits, with the position of its block in the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Predict(usize),
    Run(usize),
    Recall(usize),
    Exercise(usize),
}

impl Gate {
    #[must_use]
    pub fn block(self) -> usize {
        match self {
            Gate::Predict(at) | Gate::Run(at) | Gate::Recall(at) | Gate::Exercise(at) => at,
        }
    }
}

/// The phases of a step, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Case,
    Predict,
    Run,
    Recall,
    Explain,
}

/// How far a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Done,
    Now,
    /// To come, and nothing holds it back.
    Ahead,
    /// Closed until something before it is done.
    Shut,
}

/// What of a step is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// How many blocks are shown.
    pub blocks: usize,
    pub gate: Option<Gate>,
    pub phases: Vec<(Phase, Reach)>,
}

/// Walks a step.
#[must_use]
pub fn open(step: &Step, number: usize, progress: &Progress) -> Open {
    let gate = step.blocks.iter().enumerate().find_map(|(at, block)| gate_at(block, number, at, progress));
    let blocks = gate.map_or(step.blocks.len(), |gate| gate.block() + 1);
    Open { blocks, gate, phases: phases(step, gate) }
}

/// Whether nothing waits any more of what waits in a step.
#[must_use]
pub fn is_done(waits: &[Wait], number: usize, progress: &Progress) -> bool {
    waits.iter().all(|(at, waits)| is_met(waits, (number, *at), progress))
}

fn gate_at(block: &Block, step: usize, at: usize, progress: &Progress) -> Option<Gate> {
    let waits = Waits::of(block).filter(|waits| !is_met(waits, (step, at), progress))?;
    Some(match waits {
        Waits::Predict(_) => Gate::Predict(at),
        Waits::Run => Gate::Run(at),
        Waits::Recall(_) => Gate::Recall(at),
        Waits::Exercise(_) => Gate::Exercise(at),
    })
}

/// Whether the learner has done what a block waits for; its place is the step's number and its own.
fn is_met(waits: &Waits, place: (usize, usize), progress: &Progress) -> bool {
    match waits {
        Waits::Predict(question) | Waits::Recall(question) => progress.answers.contains_key(question),
        Waits::Run => progress.runs.contains(&place),
        Waits::Exercise(exercise) => progress.exercises.contains_key(exercise),
    }
}

/// The phase that each block belongs to: prose before the first run is the case, after the last question it explains.
fn phase_of(step: &Step, at: usize) -> Phase {
    match &step.blocks[at] {
        Block::Predict(_) => Phase::Predict,
        Block::Console(_) | Block::Syscalls(_) | Block::Exercise(_) => Phase::Run,
        Block::Recall(_) => Phase::Recall,
        Block::Prose(_) | Block::Yaml { .. } | Block::Instrument(_) => {
            let acted = step.blocks[..at]
                .iter()
                .any(|b| matches!(b, Block::Console(_) | Block::Syscalls(_) | Block::Recall(_)));
            if acted { Phase::Explain } else { Phase::Case }
        }
    }
}

fn phases(step: &Step, gate: Option<Gate>) -> Vec<(Phase, Reach)> {
    let all: Vec<Phase> = (0..step.blocks.len()).map(|at| phase_of(step, at)).collect();
    let now = gate.map(|gate| all[gate.block()]);
    let mut kinds = all.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let reach = |phase: Phase| {
        let Some(gate) = gate else { return Reach::Done };
        if Some(phase) == now {
            return Reach::Now;
        }
        let waits = all.iter().enumerate().any(|(at, p)| *p == phase && at > gate.block());
        match (waits, gate) {
            (false, _) => Reach::Done,
            (true, Gate::Predict(_)) if phase == Phase::Run => Reach::Shut,
            (true, _) if phase == Phase::Explain => Reach::Shut,
            (true, _) => Reach::Ahead,
        }
    };
    kinds.into_iter().map(|phase| (phase, reach(phase))).collect()
}
