//! All that can happen to a session, and what each does.

use std::cell::RefCell;
use std::rc::Rc;

use portlab_engine::lab::{Lab, Place};
use portlab_scenarios::claim;
use portlab_scenarios::grade;
use portlab_scenarios::model::{Block, Command, Exercise, Question};
use portlab_scenarios::script::Made;
use portlab_scenarios::world::{Engine, lab_place};
use yew::Reducible;

use super::gate::Gate;
use super::log::{INPUTS_MAX, Input, replay};
use super::progress::{Answer, Ended, Progress, Sure};
use super::{Dropped, Session};
use crate::scene::frame::Glyph;

/// Lines of history that are kept.
const HISTORY_MAX: usize = 200;
/// Milliseconds between two looks while a claim waits; as when lessons are checked.
const POLL_MS: u64 = 500;
/// Milliseconds that an exercise waits at most for what a command has set going.
const GOALS_MS_MAX: u64 = 10_000;
/// Events of a history beyond which an exercise does not look ahead.
const AHEAD_EVENTS_MAX: usize = 30_000;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A prediction or recall question was answered; `choice` is `None` when it was skipped. `at` is the wall clock.
    Answer {
        question: String,
        choice: Option<usize>,
        sure: Sure,
        at: String,
    },
    /// The commands that wait in the step were started.
    RunStep,
    /// A command was typed.
    Type(String),
    /// The transport was moved to where this many frames have been reached.
    Seek(usize),
    /// One frame on or back, with animation.
    Step(i8),
    Auto(bool),
    GoTo(usize),
    /// An exercise was started, or started again, by its id.
    StartExercise(String),
    /// The program of an exercise was run, as the learner has it.
    RunProgram(String),
    /// An exercise was given up; its solution is shown.
    SkipExercise(String),
    Hint,
    Draft {
        file: String,
        text: String,
    },
    /// A draft was given up; the lesson's text is back.
    Revert(String),
    /// A manifest was saved into the lab and applied.
    Apply(String),
    Undo,
    Keep,
    Reset,
}

impl Reducible for Session {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        next.jumped = !matches!(action, Action::Step(_));
        match action {
            Action::Answer { question, choice, sure, at } => next.answer(&question, choice, sure, at),
            Action::RunStep => next.run_step(),
            Action::Type(line) => next.type_in(&line),
            Action::Seek(cursor) => next.seek(cursor),
            Action::Step(by) => next.seek(next.cursor.saturating_add_signed(isize::from(by))),
            Action::Auto(on) => next.auto = on && next.cursor < next.frames.len(),
            Action::GoTo(step) => next.go_to(step),
            Action::StartExercise(id) => next.start_exercise(&id),
            Action::RunProgram(id) => next.run_program(&id),
            Action::SkipExercise(id) => next.end_exercise(&id, Ended::Skipped),
            Action::Hint => next.progress.hints += 1,
            Action::Draft { file, text } => drop(next.progress.drafts.insert(file, text)),
            Action::Revert(file) => drop(next.progress.drafts.remove(&file)),
            Action::Apply(file) => next.apply(&file),
            Action::Undo => next.undo(),
            Action::Keep => next.dropped = None,
            Action::Reset => next = Session::open(next.lesson.clone(), None, next.jq),
        }
        Rc::new(next)
    }
}

impl Session {
    fn answer(&mut self, id: &str, choice: Option<usize>, sure: Sure, at: String) {
        let Some((block, question)) = self.question(id) else { return };
        let predicted = matches!(self.step().blocks[block], Block::Predict(_));
        let later =
            self.step().blocks[block..].iter().any(|block| matches!(block, Block::Console(_) | Block::Syscalls(_)));
        let held = (!predicted || !later).then(|| grade::held(&mut Engine::of(self.fork()), &question, &self.made()));
        self.progress.answers.insert(id.to_owned(), Answer { choice, sure, at, held });
    }

    /// A question of the step, with its block.
    fn question(&self, id: &str) -> Option<(usize, Question)> {
        self.step().blocks.iter().enumerate().find_map(|(at, block)| match block {
            Block::Predict(question) | Block::Recall(question) if question.id == id => Some((at, question.clone())),
            _ => None,
        })
    }

    fn run_step(&mut self) {
        let Some(Gate::Run(block)) = self.open_blocks().gate else { return };
        let step = self.progress.step;
        self.return_to_latest();
        let before = self.frames.len();
        match self.lesson.steps[step].blocks[block].clone() {
            Block::Console(commands) => commands.iter().for_each(|command| self.run_claimed(command)),
            Block::Syscalls(calls) => self.feed(Input::Script(calls.script)),
            _ => return,
        }
        self.resolve(step, block);
        self.progress.playing = Some((step, block));
        self.recut();
        // Looking only is over at once; what changes the world is gone through frame by frame.
        let changes = self.frames[before..].iter().any(|frame| frame.glyph != Glyph::Hop);
        self.seek(if changes { before + 1 } else { self.frames.len() });
    }

    /// Runs a lesson's command when its claim can be seen: how long to wait for that is tried out beforehand.
    fn run_claimed(&mut self, command: &Command) {
        let place = lab_place(&command.place, self.lab().options());
        let wait = if command.claim.reads { wait_for(&mut self.fork(), &place, command) } else { 0 };
        if wait > 0 {
            self.feed(Input::Wait(wait));
        }
        self.feed(Input::command(&place, &command.line));
    }

    /// Settles the predictions of a step that its commands have now decided.
    fn resolve(&mut self, step: usize, block: usize) {
        let open: Vec<Question> = self.lesson.steps[step].blocks[..block]
            .iter()
            .filter_map(|block| match block {
                Block::Predict(question) => Some(question.clone()),
                _ => None,
            })
            .filter(|question| self.progress.answers.get(&question.id).is_some_and(|answer| answer.held.is_none()))
            .collect();
        if open.is_empty() {
            return;
        }
        let mut engine = Engine::of(self.fork());
        let made = self.made();
        for question in open {
            let held = grade::held(&mut engine, &question, &made);
            if let Some(answer) = self.progress.answers.get_mut(&question.id) {
                answer.held = Some(held);
            }
        }
    }

    fn type_in(&mut self, line: &str) {
        if self.progress.history.last().is_none_or(|last| last != line) {
            self.progress.history.push(line.to_owned());
            let surplus = self.progress.history.len().saturating_sub(HISTORY_MAX);
            self.progress.history.drain(..surplus);
        }
        let input = self.typed(line);
        self.do_now(&[input]);
    }

    /// A line of the terminal: `router# ss -tan` runs on that host of the lesson, all else on the learner's machine.
    fn typed(&self, line: &str) -> Input {
        let host = line.split_once("# ").map(|(name, rest)| (name.trim(), rest));
        let lab = self.lab();
        match host.filter(|(name, _)| lab.options().hosts.iter().any(|host| host.name == *name)) {
            Some((name, rest)) => Input::command(&Place::Host(name.to_owned()), rest),
            None => Input::command(&Place::Workstation, line),
        }
    }

    fn apply(&mut self, file: &str) {
        let text = self.manifest(file);
        self.do_now(&[Input::Write(file.to_owned(), text), Input::Run(format!("kubectl apply -f {file}"))]);
    }

    /// Lets inputs happen at the moment that is shown; what lay after it is dropped, and can be brought back.
    fn do_now(&mut self, inputs: &[Input]) {
        if self.progress.log.len() >= INPUTS_MAX {
            return;
        }
        if !self.is_latest() {
            self.cut();
        }
        for input in inputs {
            self.feed(input.clone());
        }
        self.look_at_goals();
        self.recut();
        self.seek(self.frames.len());
    }

    /// Drops what happened after the moment that is shown.
    fn cut(&mut self) {
        let (kept, clock) = (self.seen(), self.frame().and_then(|frame| frame.clock));
        let events = self.lab().events().len().saturating_sub(kept);
        let old = Dropped {
            events,
            entries: self.entries.clone(),
            played: self.played.clone(),
            starts: self.starts.clone(),
            progress: self.progress.clone(),
            cursor: self.cursor,
        };
        self.feed(Input::Cut(kept));
        if let Some(clock) = clock {
            let ms = clock.since(self.lab().now()).as_millis();
            self.feed(Input::Wait(u64::try_from(ms).unwrap_or(0)));
        }
        let step = self.progress.step;
        self.progress.windows.retain(|of, _| *of <= step);
        self.dropped = Some(Rc::new(old));
    }

    fn undo(&mut self) {
        let Some(old) = self.dropped.take() else { return };
        let history = std::mem::take(&mut self.progress.history);
        let drafts = std::mem::take(&mut self.progress.drafts);
        self.progress = Progress { history, drafts, ..old.progress.clone() };
        if !self.lab.borrow_mut().undo() {
            self.lab = Rc::new(RefCell::new(replay(&self.lesson, &self.progress.log, self.jq)));
        }
        self.entries = old.entries.clone();
        self.played = old.played.clone();
        self.starts.clone_from(&old.starts);
        self.revision += 1;
        self.recut();
        self.seek(old.cursor);
    }

    fn return_to_latest(&mut self) {
        self.cursor = self.frames.len();
    }

    /// Moves the transport; commands of the lesson that are looked at to the end are done.
    fn seek(&mut self, cursor: usize) {
        self.cursor = cursor.min(self.frames.len());
        if self.cursor == self.frames.len() {
            self.auto = false;
            if let Some(run) = self.progress.playing.take() {
                self.progress.runs.insert(run);
            }
        }
    }

    fn go_to(&mut self, step: usize) {
        if step >= self.lesson.steps.len() {
            return;
        }
        self.return_to_latest();
        self.seek(self.frames.len());
        self.auto = false;
        self.progress.step = step;
        let inputs = self.progress.log.len();
        if self.progress.windows.range(step..).next().is_none() {
            self.progress.windows.insert(step, inputs);
        }
        self.recut();
        self.cursor = self.frames.len();
    }

    fn exercise(&self, id: &str) -> Option<&Exercise> {
        grade::exercises(&self.lesson).find(|exercise| exercise.id == id)
    }

    /// A fresh cluster in the exercise's start state; what was there before is gone.
    fn start_exercise(&mut self, id: &str) {
        let Some(exercise) = self.exercise(id).cloned() else { return };
        self.progress.log.clear();
        self.progress.windows.clear();
        self.progress.windows.insert(self.progress.step, 0);
        self.progress.hints = 0;
        self.progress.exercises.remove(&exercise.id);
        self.progress.exercise = Some(exercise.id);
        self.starts.clear();
        self.entries = Rc::default();
        self.played = Rc::default();
        self.dropped = None;
        self.lab = Rc::new(RefCell::new(replay(&self.lesson, &[], self.jq)));
        self.revision += 1;
        for command in &exercise.start {
            self.run_claimed(command);
        }
        if let Some(program) = &exercise.program {
            self.feed(Input::Script(program.start.script.clone()));
        }
        self.progress.windows.insert(self.progress.step, self.progress.log.len());
        self.recut();
        self.seek(self.frames.len());
        self.progress.holds = self.goals_now();
    }

    /// Runs a program as it stands now; one that cannot be read changes nothing but the message.
    fn run_program(&mut self, id: &str) {
        let Some(exercise) = self.exercise(id).cloned() else { return };
        if self.progress.exercise.as_deref() != Some(id) {
            self.start_exercise(id);
        }
        if let Some(text) = self.program(&exercise) {
            self.do_now(&[Input::Script(text)]);
        }
    }

    fn end_exercise(&mut self, id: &str, ended: Ended) {
        if self.exercise(id).is_some() {
            self.progress.exercises.entry(id.to_owned()).or_insert(ended);
        }
    }

    /// Which goals of the exercise that is being worked on hold.
    #[must_use]
    pub fn goals_now(&self) -> Vec<bool> {
        let one = self.progress.exercise.as_deref().and_then(|id| self.exercise(id));
        one.map_or_else(Vec::new, |one| grade::holding(&mut Engine::of(self.fork()), one, &self.made()))
    }

    /// Lets time pass while goals come to hold by what a command has set going: pods need a second or two to start,
    /// and a learner who has repaired the cause has nothing left to type.
    fn wait_for_goals(&mut self, exercise: &Exercise) {
        let made = self.made();
        let mut best = (reached(self.fork(), exercise, &made), 0);
        if exercise.program.is_none() && self.lab().events().len() < AHEAD_EVENTS_MAX {
            let mut fork = self.fork();
            let mut waited = 0;
            while best.0 < exercise.goals.len() && waited < GOALS_MS_MAX {
                fork.advance(std::time::Duration::from_millis(POLL_MS));
                waited += POLL_MS;
                let now = reached(fork.fork(), exercise, &made);
                if now > best.0 {
                    best = (now, waited);
                }
            }
        }
        if best.1 > 0 {
            self.feed(Input::Wait(best.1));
        }
    }

    fn look_at_goals(&mut self) {
        let Some(id) = self.progress.exercise.clone() else { return };
        let Some(exercise) = self.exercise(&id).cloned() else { return };
        if self.progress.exercises.contains_key(&id) {
            return;
        }
        self.wait_for_goals(&exercise);
        let was_open = self.progress.first_open();
        self.progress.holds = self.goals_now();
        // Hints are those of the first goal that does not hold.
        if self.progress.first_open() != was_open {
            self.progress.hints = 0;
        }
        if self.progress.first_open().is_none() {
            self.end_exercise(&id, Ended::Solved);
        }
    }
}

/// How many goals hold in a lab, in order, up to the first that does not.
fn reached(lab: Lab, exercise: &Exercise, made: &[Made]) -> usize {
    match grade::first_open(&mut Engine::of(lab), exercise, made) {
        Some(open) => exercise.goals.iter().position(|goal| goal == open).unwrap_or(0),
        None => exercise.goals.len(),
    }
}

/// Milliseconds until the command shows what is claimed; 0 when it does at once, or never.
fn wait_for(fork: &mut Lab, place: &Place, command: &Command) -> u64 {
    let limit = u64::from(command.claim.eventually_secs) * 1000;
    let begun = fork.now();
    loop {
        let waited = u64::try_from(fork.now().since(begun).as_millis()).unwrap_or(u64::MAX);
        let output = fork.run(place, &command.line);
        if claim::holds(&command.claim, &output.text(), output.exit) {
            return waited;
        }
        if waited >= limit {
            return 0;
        }
        fork.advance(std::time::Duration::from_millis(POLL_MS));
    }
}
