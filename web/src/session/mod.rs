//! One learner in one lesson: the lab, what has been done, and where the transport stands.
//!
//! [`Session`] is the page's whole state; [`Action`] is all that can happen to it (see [`act`]). The lab itself is
//! shared and changes in place, always together with the log of its inputs, from which [`log::replay`] makes it anew.

pub mod act;
pub mod gate;
pub mod log;
pub mod progress;
#[cfg(test)]
mod tests;

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use portlab_engine::event::Event;
use portlab_engine::lab::{Jq, Lab, Place, Stream};
use portlab_engine::time::Time;
use portlab_engine::world::State;
use portlab_scenarios::model::{Block, Exercise, Instrument, Lesson, Step};
use portlab_scenarios::script::Made;

use crate::scene::frame::{Frame, frames};
use gate::Open;
use log::{Came, Input};
use progress::Progress;

pub use act::Action;

/// A command in the terminal, with what it printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Events before it began and when it had ended.
    pub start: usize,
    pub end: usize,
    pub place: Place,
    pub line: Rc<str>,
    pub chunks: Rc<Vec<(Stream, String)>>,
    pub exit: i32,
}

/// A script of system calls that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Events before it began.
    pub start: usize,
    pub script: Rc<str>,
    /// Each call with the number of events after it; or why the text is no script.
    pub calls: Result<Rc<Vec<(Made, usize)>>, Rc<str>>,
}

impl Played {
    /// The calls that were made.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        self.calls.iter().flat_map(|calls| calls.iter()).map(|(made, _)| made.clone()).collect()
    }
}

/// What was dropped by going on from an earlier event, so that it can be brought back.
#[derive(Clone, Debug)]
pub struct Dropped {
    pub events: usize,
    entries: Rc<Vec<Entry>>,
    played: Rc<Vec<Played>>,
    starts: Vec<usize>,
    progress: Progress,
    cursor: usize,
}

/// The state that was asked for last, with what it belongs to: the revision, the number of events, the moment after them.
type Shown = Rc<RefCell<Option<((u64, usize, Option<Time>), Rc<State>)>>>;

/// The state of the lesson's page.
#[derive(Clone)]
pub struct Session {
    pub lesson: Rc<Lesson>,
    pub progress: Progress,
    /// The stops of the step that is shown.
    pub frames: Rc<Vec<Frame>>,
    /// How many of them have been reached.
    pub cursor: usize,
    pub entries: Rc<Vec<Entry>>,
    pub played: Rc<Vec<Played>>,
    pub dropped: Option<Rc<Dropped>>,
    /// Whether autoplay is on.
    pub auto: bool,
    /// Whether the last move was a jump, which is not animated.
    pub jumped: bool,
    /// Counts changes of the lab, so that what is drawn from it can be remembered.
    pub revision: u64,
    lab: Rc<RefCell<Lab>>,
    shown: Shown,
    /// Events before each input of the log.
    starts: Vec<usize>,
    jq: Option<Jq>,
}

impl PartialEq for Session {
    /// The lab changes only together with the revision.
    fn eq(&self, other: &Session) -> bool {
        Rc::ptr_eq(&self.lab, &other.lab)
            && self.revision == other.revision
            && self.cursor == other.cursor
            && self.auto == other.auto
            && self.progress == other.progress
    }
}

impl Session {
    /// Opens a lesson where it was left, or at its beginning.
    #[must_use]
    pub fn open(lesson: Rc<Lesson>, kept: Option<&str>, jq: Option<Jq>) -> Session {
        let mut progress = Progress::decode(kept, &lesson.hash, lesson.steps.len());
        let log = std::mem::take(&mut progress.log);
        let mut session = Session {
            lab: Rc::new(RefCell::new(log::replay(&lesson, &[], jq))),
            shown: Rc::default(),
            lesson,
            progress,
            frames: Rc::default(),
            cursor: 0,
            entries: Rc::default(),
            played: Rc::default(),
            dropped: None,
            auto: false,
            jumped: true,
            revision: 0,
            starts: Vec::new(),
            jq,
        };
        for input in log {
            session.feed(input);
        }
        session.progress.windows.entry(session.progress.step).or_insert(session.progress.log.len());
        if let Some(run) = session.progress.playing.take() {
            session.progress.runs.insert(run);
        }
        session.recut();
        session.cursor = session.frames.len();
        session
    }

    /// The step that is shown.
    #[must_use]
    pub fn step(&self) -> &Step {
        &self.lesson.steps[self.progress.step]
    }

    /// What of that step is open.
    #[must_use]
    pub fn open_blocks(&self) -> Open {
        gate::open(self.step(), self.progress.step, &self.progress)
    }

    /// The instrument that stands in the place of the stage: what was run in the step has the stage, and an exercise at
    /// work needs the terminal.
    #[must_use]
    pub fn instrument(&self) -> Option<Instrument> {
        let blocks = &self.step().blocks;
        let at_work =
            |block: &Block| matches!(block, Block::Exercise(one) if self.progress.exercise.as_ref() == Some(&one.id));
        if !self.frames.is_empty() || blocks.iter().any(at_work) {
            return None;
        }
        blocks.iter().take(self.open_blocks().blocks).find_map(|block| match block {
            Block::Instrument(which) => Some(*which),
            _ => None,
        })
    }

    /// Where the transport stands: how many events have been seen.
    #[must_use]
    pub fn seen(&self) -> usize {
        match self.cursor.checked_sub(1).and_then(|last| self.frames.get(last)) {
            Some(frame) => frame.end,
            None => self.window().0,
        }
    }

    /// How many events have been told to the end: in the middle of a call its answer is still to come.
    #[must_use]
    pub fn told(&self) -> usize {
        match self.frame() {
            Some(frame) if frame.step.is_some() => frame.about.min(self.seen()),
            _ => self.seen(),
        }
    }

    /// The first event of the step's part of the history, and the first after it.
    #[must_use]
    pub fn window(&self) -> (usize, usize) {
        let all = self.lab.borrow().events().len();
        let begin = |step: usize| {
            let inputs = *self.progress.windows.get(&step)?;
            Some(self.starts.get(inputs).copied().unwrap_or(all).min(all))
        };
        let step = self.progress.step;
        let start = begin(step).unwrap_or(all);
        let next = self.progress.windows.range(step + 1..).next().and_then(|(step, _)| begin(*step));
        (start, next.unwrap_or(all).max(start))
    }

    /// Whether the transport stands at the latest event of the lab.
    #[must_use]
    pub fn is_latest(&self) -> bool {
        self.cursor >= self.frames.len() && self.window().1 == self.lab.borrow().events().len()
    }

    /// The frame that was reached last.
    #[must_use]
    pub fn frame(&self) -> Option<&Frame> {
        self.frames.get(self.cursor.checked_sub(1)?)
    }

    /// Whether the lesson has a cluster, or hosts alone.
    #[must_use]
    pub fn has_cluster(&self) -> bool {
        self.lesson.cluster.nodes > 0
    }

    /// A first command for whoever does not know what to type.
    #[must_use]
    pub fn example(&self) -> &'static str {
        if self.has_cluster() {
            "any command, for instance: kubectl get pods"
        } else {
            "any command, for instance: ss -tln"
        }
    }

    /// The world as it was where the transport stands.
    #[must_use]
    pub fn state(&self) -> Rc<State> {
        let (seen, clock) = (self.seen(), self.frame().and_then(|frame| frame.clock));
        let asked = (self.revision, seen, clock);
        let mut shown = self.shown.borrow_mut();
        match &*shown {
            Some((of, state)) if *of == asked => state.clone(),
            _ => {
                let mut state = self.lab.borrow().at(seen);
                state.now = clock.unwrap_or(state.now);
                let state = Rc::new(state);
                *shown = Some((asked, state.clone()));
                state
            }
        }
    }

    /// The lab, to read from.
    #[must_use]
    pub fn lab(&self) -> Ref<'_, Lab> {
        self.lab.borrow()
    }

    /// The events of the lab, to read from.
    #[must_use]
    pub fn events(&self) -> Ref<'_, [Event]> {
        Ref::map(self.lab.borrow(), Lab::events)
    }

    #[must_use]
    pub fn cluster(&self) -> String {
        self.lab.borrow().options().cluster.clone()
    }

    /// A lab of its own with the same history: what is tried there leaves no trace.
    #[must_use]
    pub fn fork(&self) -> Lab {
        self.lab.borrow().fork()
    }

    /// What a command would print where the transport stands, without running it in the lab.
    #[must_use]
    pub fn peek(&self, line: &str) -> String {
        self.lab.borrow().peek(self.seen(), line).text()
    }

    /// The text of a manifest: the learner's, else the lesson's.
    #[must_use]
    pub fn manifest(&self, file: &str) -> String {
        let own = self.progress.drafts.get(file).cloned();
        let given = || self.lesson.files.iter().find(|f| f.name == file).map(|f| f.text.clone());
        own.or_else(given).unwrap_or_default()
    }

    /// Puts an input into the lab and the log; a command also into the terminal.
    fn feed(&mut self, input: Input) {
        let mut lab = self.lab.borrow_mut();
        let start = lab.events().len();
        self.starts.push(start);
        let came = log::feed(&mut lab, &input);
        match (came, &input) {
            (Came::Printed(output), input) => {
                if let Some((place, line)) = input.as_command() {
                    let chunks = Rc::new(output.chunks);
                    let end = lab.events().len();
                    let entry = Entry { start, end, place, line: line.into(), chunks, exit: output.exit };
                    Rc::make_mut(&mut self.entries).push(entry);
                }
            }
            (Came::Played(calls), Input::Script(text)) => {
                let calls = calls.map(Rc::new).map_err(Rc::from);
                Rc::make_mut(&mut self.played).push(Played { start, script: text.as_str().into(), calls });
            }
            (_, Input::Cut(kept)) => {
                Rc::make_mut(&mut self.entries).retain(|entry| entry.start < *kept);
                Rc::make_mut(&mut self.played).retain(|played| played.start < *kept);
            }
            _ => {}
        }
        drop(lab);
        self.progress.log.push(input);
        self.revision += 1;
    }

    /// The last run of a script, if this one was run.
    #[must_use]
    pub fn played(&self, script: &str) -> Option<&Played> {
        self.played.iter().rev().find(|played| &*played.script == script)
    }

    /// The calls that were made last.
    fn made(&self) -> Vec<Made> {
        self.played.last().map(Played::made).unwrap_or_default()
    }

    /// The text of a program to be repaired: the learner's, else the lesson's.
    #[must_use]
    pub fn program(&self, exercise: &Exercise) -> Option<String> {
        let given = &exercise.program.as_ref()?.start.script;
        Some(self.progress.drafts.get(&program_key(&exercise.id)).unwrap_or(given).clone())
    }

    /// Cuts the step's part of the history into frames again.
    fn recut(&mut self) {
        let (start, end) = self.window();
        let lab = self.lab.borrow();
        self.frames = Rc::new(frames(&lab.events()[..end], start, &lab.options().cluster));
    }
}

/// The name under which a program is kept among the drafts; no file has such a name.
#[must_use]
pub fn program_key(exercise: &str) -> String {
    format!("program:{exercise}")
}
