//! A case in a world: every line's stated answer beside the one that came.
//!
//! What no script can know is not compared: a port that a `?` stands for, and which of equal `SO_REUSEPORT` listeners
//! a connection went to (the kernel hashes the addresses with a secret).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use portlab_engine::linux::Errno;

use super::call::{Answer, Call, SocketOption};
use super::script::{Case, Line};

/// A world that answers calls: the engine's, or this machine's kernel. A fresh one for each case.
pub trait Kernel {
    /// Makes the call and says what it gave. `new` is the name under which later calls use the socket that the call
    /// makes, if it makes one; then the answer is that name.
    ///
    /// A call on a handle that is not open is never asked for: [`run_case`] sees to it.
    fn answer(&mut self, call: &Call, new: &str) -> Answer;
}

/// How a line went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is the stated one.
    Agrees(Answer),
    /// Another answer came.
    Differs(Answer),
    /// A connection may as well have gone to an equal listener; nothing behind this line is compared.
    Chance(Answer),
    /// The call was not made: no socket has this name in this run.
    NoHandle(String),
    /// The call was not made, because an earlier line of the case was left to chance.
    NotCompared,
}

impl Verdict {
    /// The answer, where the call was made.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Agrees(answer) | Self::Differs(answer) | Self::Chance(answer) => Some(answer),
            Self::NoHandle(_) | Self::NotCompared => None,
        }
    }

    /// Whether the line counts as different.
    #[must_use]
    pub fn differs(&self) -> bool {
        matches!(self, Self::Differs(_) | Self::NoHandle(_))
    }
}

/// Whether an answer is a stated one.
#[must_use]
pub fn agrees(stated: &Answer, answer: &Answer) -> bool {
    match (stated, answer) {
        (Answer::Any, _) | (Answer::Handle(_), Answer::Handle(_)) => true,
        (Answer::Address { ip: stated, port: None }, Answer::Address { ip, .. }) => stated == ip,
        _ => stated == answer,
    }
}

/// Runs a case to its end, also behind a line that differs: a verdict for every line.
pub fn run_case(kernel: &mut dyn Kernel, case: &Case) -> Vec<Verdict> {
    let mut sockets = Sockets::default();
    let mut chance = false;
    let mut verdicts = Vec::with_capacity(case.lines.len());
    for line in &case.lines {
        let verdict = if chance { Verdict::NotCompared } else { run_line(kernel, line, &mut sockets) };
        chance |= matches!(verdict, Verdict::Chance(_));
        verdicts.push(verdict);
    }
    verdicts
}

fn run_line(kernel: &mut dyn Kernel, line: &Line, sockets: &mut Sockets) -> Verdict {
    if let Some(name) = line.call.handle().filter(|name| !sockets.open.contains_key(*name)) {
        return Verdict::NoHandle(name.to_owned());
    }
    let new = if let Answer::Handle(name) = &line.stated { name } else { UNNAMED };
    let answer = kernel.answer(&line.call, new);
    let chance = sockets.left_to_chance(&line.call, &line.stated, &answer);
    sockets.note(&line.call, &answer);
    if agrees(&line.stated, &answer) {
        Verdict::Agrees(answer)
    } else if chance {
        Verdict::Chance(answer)
    } else {
        Verdict::Differs(answer)
    }
}

/// The name of a socket that came although none was stated: no script can use it.
const UNNAMED: &str = "socket";

/// The open sockets of a run, with what decides whether two listeners are equal.
#[derive(Default)]
struct Sockets {
    open: BTreeMap<String, Known>,
}

#[derive(Clone, Default)]
struct Known {
    reuse_port: bool,
    bound: Option<SocketAddr>,
}

impl Sockets {
    /// Whether a connection came here and not to an equal listener, or the other way round, by the kernel's hash alone.
    fn left_to_chance(&self, call: &Call, stated: &Answer, answer: &Answer) -> bool {
        let Call::Accept(name) = call else { return false };
        let none = Answer::Errno(Errno::Eagain);
        let one_came = matches!((stated, answer), (Answer::Handle(_), got) if *got == none)
            || (*stated == none && matches!(answer, Answer::Handle(_)));
        let Some(listener) = self.open.get(name).filter(|known| known.reuse_port && known.bound.is_some()) else {
            return false;
        };
        let equals = self.open.iter().filter(|(other, known)| {
            *other != name && known.reuse_port && known.bound.map(|at| at.port()) == listener.bound.map(|at| at.port())
        });
        one_came && equals.count() > 0
    }

    /// Follows a call that was made.
    fn note(&mut self, call: &Call, answer: &Answer) {
        match (call, answer) {
            (_, Answer::Handle(name)) if name != UNNAMED => {
                self.open.insert(name.clone(), Known::default());
            }
            (Call::Close(name), _) => {
                self.open.remove(name);
            }
            (Call::Setsockopt(name, SocketOption::ReusePort(on)), Answer::Zero) => {
                self.open.entry(name.clone()).or_default().reuse_port = *on;
            }
            (Call::Bind(name, address), Answer::Zero) => {
                self.open.entry(name.clone()).or_default().bound = Some(*address);
            }
            _ => {}
        }
    }
}
