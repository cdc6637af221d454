//! The state of the bench of calls: two processes on one host, the calls that they have made, and what each gave.
//!
//! The lab is made anew from the calls whenever one is taken back; a few hundred calls take no time. What is kept is the
//! calls' text with the process that made each, so that anything that cannot be read counts as nothing kept.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use portlab_engine::event::What;
use portlab_engine::lab::{Lab, LabOptions, Nodes};
use portlab_engine::world::State;
use portlab_scenarios::syscalls::on_lab::{BENCH, OnLab};
use portlab_scenarios::syscalls::{Answer, Call, Item, Kernel, parse_trial};
use serde::{Deserialize, Serialize};
use yew::Reducible;

use crate::scene::frame::{Frame, frames};

/// Calls that the bench takes at most.
pub const CALLS_MAX: usize = 300;
/// Characters of a line at most.
pub const LINE_CHARS_MAX: usize = 1_000;
/// Seconds that one call may sleep at most.
const SLEEP_SECS_MAX: u64 = 86_400;
/// The version of the kept form.
const VERSION: u32 = 1;
/// Bytes of kept text that are read at most.
const KEPT_BYTES_MAX: usize = 400_000;

/// One of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    A,
    B,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// `A`
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Side::A => "A",
            Side::B => "B",
        }
    }

    fn at(self) -> usize {
        usize::from(self == Side::B)
    }
}

/// A call that a process has made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub side: Side,
    pub call: Call,
    /// What the new socket is called, where the call makes one.
    pub name: Option<String>,
    pub answer: Answer,
    /// What decided, where the call was refused.
    pub because: Option<String>,
    /// The events that the lab had after it.
    pub end: usize,
}

impl Made {
    /// The line that makes this call.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.name {
            Some(name) => format!("{} = {name}", self.call),
            None => self.call.to_string(),
        }
    }
}

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In characters, from 1.
    pub column: usize,
    pub says: String,
}

/// The bench.
#[derive(Clone)]
pub struct Bench {
    pub calls: Rc<Vec<Made>>,
    pub frames: Rc<Vec<Frame>>,
    /// How many frames have been reached.
    pub cursor: usize,
    pub auto: bool,
    pub jumped: bool,
    /// Counts changes of the lab.
    pub revision: u64,
    /// The line that was not taken, and why.
    pub wrong: Option<(Side, Wrong)>,
    /// The calls before the last that was taken back, or before some were dropped.
    dropped: Option<Rc<Vec<(Side, String)>>>,
    lab: Rc<RefCell<Lab>>,
    pids: [u32; 2],
    begun: usize,
}

impl PartialEq for Bench {
    fn eq(&self, other: &Bench) -> bool {
        Rc::ptr_eq(&self.lab, &other.lab)
            && (self.revision, self.cursor, self.auto) == (other.revision, other.cursor, other.auto)
            && self.wrong == other.wrong
    }
}

/// What can happen to the bench.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A process makes the call of this line.
    Make(Side, String),
    /// The last call is taken back.
    TakeBack,
    /// What was taken back or dropped comes again.
    Again,
    Seek(usize),
    Step(i8),
    Auto(bool),
    /// These calls, from a fresh host.
    Load(Vec<(Side, String)>),
}

impl Reducible for Bench {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        next.jumped = !matches!(action, Action::Step(_) | Action::Make(..));
        match action {
            Action::Make(side, line) => next.make_at_moment(side, &line),
            Action::TakeBack => {
                let all = next.lines();
                if let Some((_, kept)) = all.split_last() {
                    next = next.anew(kept);
                    next.dropped = Some(Rc::new(all));
                }
            }
            Action::Again => {
                if let Some(lines) = next.dropped.take() {
                    next = next.anew(&lines);
                }
            }
            Action::Seek(cursor) => next.seek(cursor),
            Action::Step(by) => next.seek(next.cursor.saturating_add_signed(isize::from(by))),
            Action::Auto(on) => next.auto = on && next.cursor < next.frames.len(),
            Action::Load(lines) => {
                next = next.anew(&lines);
                next.dropped = None;
            }
        }
        Rc::new(next)
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    calls: Vec<(Side, String)>,
}

impl Bench {
    /// A bench on which nothing has been called, or the calls that were kept.
    #[must_use]
    pub fn open(kept: Option<&str>) -> Bench {
        let mut lab = Lab::new(LabOptions { nodes: Nodes::NoCluster, ..LabOptions::default() });
        let first = OnLab::fresh(&mut lab).pid();
        let second = OnLab::process(&mut lab).pid();
        let begun = lab.events().len();
        let mut bench = Bench {
            calls: Rc::default(),
            frames: Rc::default(),
            cursor: 0,
            auto: false,
            jumped: true,
            revision: 0,
            wrong: None,
            dropped: None,
            lab: Rc::new(RefCell::new(lab)),
            pids: [first, second],
            begun,
        };
        let kept = kept.filter(|text| text.len() <= KEPT_BYTES_MAX);
        let kept = kept.and_then(|text| serde_json::from_str::<Kept>(text).ok()).filter(|kept| kept.version == VERSION);
        for (side, line) in kept.into_iter().flat_map(|kept| kept.calls) {
            bench.make(side, &line);
        }
        bench.wrong = None;
        bench.recut();
        bench.cursor = bench.frames.len();
        bench
    }

    /// The text to keep.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(&Kept { version: VERSION, calls: self.lines() }).unwrap_or_default()
    }

    /// A fresh bench with these calls; the revision goes on, so that nothing that was drawn is taken for it.
    fn anew(&self, lines: &[(Side, String)]) -> Bench {
        let mut bench = Bench { revision: self.revision + 1, ..Bench::open(None) };
        for (side, line) in lines {
            bench.make(*side, line);
        }
        bench.wrong = None;
        bench.recut();
        bench.cursor = bench.frames.len();
        bench
    }

    fn lines(&self) -> Vec<(Side, String)> {
        self.calls.iter().map(|made| (made.side, made.line())).collect()
    }

    /// Makes a call at the moment that is shown; calls after it are dropped, and can be brought again.
    fn make_at_moment(&mut self, side: Side, line: &str) {
        let before = self.clone();
        let reached = self.reached();
        let mut all = None;
        if reached < self.calls.len() {
            all = Some(Rc::new(self.lines()));
            let kept: Vec<_> = self.lines().into_iter().take(reached).collect();
            *self = self.anew(&kept);
        }
        let from = self.frames.len();
        self.make(side, line);
        if self.wrong.is_some() {
            *self = Bench { wrong: self.wrong.clone(), ..before };
            return;
        }
        self.dropped = all;
        self.recut();
        // A call whose packets can be gone through is stopped at the first of them.
        self.seek(if self.frames.len() > from + 1 { from + 1 } else { self.frames.len() });
    }

    /// How many calls have been reached by the transport.
    #[must_use]
    pub fn reached(&self) -> usize {
        if self.cursor == self.frames.len() {
            return self.calls.len();
        }
        let seen = self.seen();
        self.calls.iter().filter(|made| made.end <= seen).count()
    }

    /// Whether something can be brought again.
    #[must_use]
    pub fn can_again(&self) -> bool {
        self.dropped.is_some()
    }

    /// Makes a call, or says what is wrong with its line.
    fn make(&mut self, side: Side, line: &str) {
        self.wrong = None;
        match self.read(side, line) {
            Ok((call, name)) => {
                let mut lab = self.lab.borrow_mut();
                let from = lab.events().len();
                let new = name.clone().unwrap_or_default();
                let answer = OnLab::of(&mut lab, self.pids[side.at()]).answer(&call, &new);
                let refused = lab.events()[from..].iter().rev().find_map(|event| match &event.what {
                    What::Called { answer: told @ portlab_engine::host::Answer::Refused { .. }, .. } => {
                        Some(told.to_string())
                    }
                    _ => None,
                });
                let because = refused.and_then(|told| Some(told.split_once("): ")?.1.to_owned()));
                let end = lab.events().len();
                drop(lab);
                Rc::make_mut(&mut self.calls).push(Made { side, call, name, answer, because, end });
                self.revision += 1;
            }
            Err(wrong) => self.wrong = Some((side, wrong)),
        }
    }

    /// Reads a line: a call, and the name of the socket that it makes.
    fn read(&self, side: Side, line: &str) -> Result<(Call, Option<String>), Wrong> {
        let line = line.trim();
        let wrong = |column: usize, says: &str| Wrong { column, says: says.to_owned() };
        if self.calls.len() >= CALLS_MAX {
            return Err(wrong(1, &format!("the bench takes {CALLS_MAX} calls; take some back or start anew")));
        }
        if line.chars().count() > LINE_CHARS_MAX {
            return Err(wrong(LINE_CHARS_MAX, &format!("a line may have {LINE_CHARS_MAX} characters")));
        }
        if line.is_empty() || line.starts_with('#') || line.starts_with("---") || line.contains('\n') {
            return Err(wrong(1, "found no call, expected one, as in bind(a1, 0.0.0.0:8080)"));
        }
        let makes = ["socket", "accept"].iter().any(|name| line.starts_with(name));
        let text =
            if makes && !line.contains('=') { format!("{line} = {}", self.next_name(side)) } else { line.to_owned() };
        // A handle that is not open is said below, in words that know of the two processes.
        let script = parse_one(&text)?;
        if let Call::Sleep { millis } = script.0
            && millis > SLEEP_SECS_MAX * 1000
        {
            return Err(wrong(7, &format!("a call may sleep {SLEEP_SECS_MAX} seconds at most")));
        }
        if let Some(handle) = script.0.handle() {
            let column = text.find('(').map_or(1, |at| at + 2);
            if !self.handles(side).iter().any(|open| open == handle) {
                let other = Side::BOTH.into_iter().find(|other| self.handles(*other).iter().any(|open| open == handle));
                return Err(wrong(
                    column,
                    &match other {
                        Some(other) => format!("{handle} is open in process {}, not in {}", other.name(), side.name()),
                        None => format!("no socket of process {} is called {handle}", side.name()),
                    },
                ));
            }
        }
        if let Some(name) = &script.1
            && Side::BOTH.iter().any(|side| self.handles(*side).contains(name))
        {
            let column = text.rfind(name.as_str()).map_or(1, |at| text[..at].chars().count() + 1);
            return Err(wrong(column, &format!("a socket that is open is called {name} already")));
        }
        Ok(script)
    }

    /// The sockets that a process has open, the newest last.
    #[must_use]
    pub fn handles(&self, side: Side) -> Vec<String> {
        let lab = self.lab.borrow();
        let process = lab.state().hosts.get(BENCH).and_then(|host| host.processes.get(&self.pids[side.at()]));
        process.map(|process| process.names.values().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// The user that a process is at the end of its calls.
    #[must_use]
    pub fn user(&self, side: Side) -> u32 {
        let lab = self.lab.borrow();
        let process = lab.state().hosts.get(BENCH).and_then(|host| host.processes.get(&self.pids[side.at()]));
        process.map_or(0, |process| process.euid)
    }

    /// What a process's next socket is called: no name is used twice.
    #[must_use]
    pub fn next_name(&self, side: Side) -> String {
        let letter = side.name().to_lowercase();
        let used = |name: &String| self.calls.iter().any(|made| made.name.as_ref() == Some(name));
        (1..).map(|n| format!("{letter}{n}")).find(|name| !used(name)).unwrap_or_default()
    }

    #[must_use]
    pub fn pid(&self, side: Side) -> u32 {
        self.pids[side.at()]
    }

    /// How many events have been seen.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.frame().map_or(self.begun, |frame| frame.end)
    }

    /// The frame that was reached last.
    #[must_use]
    pub fn frame(&self) -> Option<&Frame> {
        self.frames.get(self.cursor.checked_sub(1)?)
    }

    /// The lab, to read from.
    #[must_use]
    pub fn lab(&self) -> Ref<'_, Lab> {
        self.lab.borrow()
    }

    /// The world as it was at the moment that is shown.
    #[must_use]
    pub fn state(&self) -> State {
        let lab = self.lab.borrow();
        if self.cursor == self.frames.len() { lab.state().clone() } else { lab.at(self.seen()) }
    }

    fn seek(&mut self, cursor: usize) {
        self.cursor = cursor.min(self.frames.len());
        self.auto &= self.cursor < self.frames.len();
    }

    fn recut(&mut self) {
        let lab = self.lab.borrow();
        self.frames = Rc::new(frames(lab.events(), self.begun, ""));
    }

    /// The frame at which a call has given its answer.
    #[must_use]
    pub fn frame_of(&self, made: &Made) -> usize {
        self.frames.iter().take_while(|frame| frame.end <= made.end).count()
    }
}

/// The one call of a line, handles aside.
fn parse_one(text: &str) -> Result<(Call, Option<String>), Wrong> {
    let opened = handle_of(text).map(|handle| format!("socket(tcp4) = {handle}\n")).unwrap_or_default();
    let script = parse_trial(&format!("{opened}{text}")).or_else(|_| parse_trial(text)).map_err(|error| Wrong {
        column: error.column,
        says: format!("column {}: found {}, expected {}", error.column, error.found, error.expected),
    })?;
    let line = script.items.into_iter().rev().find_map(|item| match item {
        Item::Call(line) => Some(line),
        _ => None,
    });
    let line = line.ok_or_else(|| Wrong { column: 1, says: "found no call".to_owned() })?;
    let name = match line.stated {
        Answer::Handle(name) => Some(name),
        _ => None,
    };
    Ok((line.call, name))
}

/// The first word between a line's parentheses, where it may be a handle.
fn handle_of(text: &str) -> Option<&str> {
    let inner = text.split_once('(')?.1;
    let word = inner.split([',', ')', ' ']).next()?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!word.is_empty() && word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.chars().all(plain)).then_some(word)
}
