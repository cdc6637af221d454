//! What a container does while it runs, as a list of steps: what it says, which ports it listens on, how long it sleeps,
//! when and how it exits, and what it makes of SIGTERM. The steps are executed against the sockets that are already open in
//! the same network namespace, so "address already in use" comes out of that and of nothing else.
//!
//! Leaves out: what a program says about requests it serves, and everything it does besides ports and exits.

use crate::time::Time;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    Tcp,
    Udp,
    Sctp,
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
            Transport::Sctp => "SCTP",
        }
    }
}

/// What stands behind an open TCP port, as far as a probe can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Answers every path with 200.
    Anything,
    /// Answers `/` and `/index.html` with 200 and everything else with 404.
    Files,
    /// Accepts connections and speaks no HTTP.
    Bytes,
}

/// With which sockets a program takes a port of every address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// One of IPv6 that takes IPv4 too, as Go's servers have it.
    Both,
    /// One for each family, as nginx and Redis have it.
    Each,
}

/// The address of a socket that is bound to its node's own address.
pub const NODE_ADDRESS: &str = "node";

/// A socket that is listening: `address` empty means the wildcard, [`NODE_ADDRESS`] the node's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    pub transport: Transport,
    pub address: String,
    pub families: Families,
    /// The length that it gives its queue of connections.
    pub backlog: i32,
    pub port: u16,
    pub serves: Serves,
    /// The name of the process, as `ss -p` shows it.
    pub process: String,
}

impl Socket {
    /// Two sockets cannot both listen: same transport and port, and addresses that overlap.
    pub fn conflicts(&self, other: &Socket) -> bool {
        self.transport == other.transport
            && self.port == other.port
            && (self.address.is_empty() || other.address.is_empty() || self.address == other.address)
    }
}

/// A line of a log: milliseconds after the start, dress, text.
pub type Line = (u64, Dress, String);

/// In what dress a line of the log appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    Plain,
    /// `I1121 17:06:17.685626       1 log.go:244] …`
    Klog,
    /// `2026/11/21 17:06:17 [notice] 1#1: …`
    Nginx(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Say(Dress, String),
    /// Opens a socket; when it cannot, the steps given run instead of what follows.
    Listen(Socket, Vec<Step>),
    SleepMs(u64),
    Exit(i32),
    /// From here on the steps repeat for ever.
    Repeat(Vec<Step>),
    /// Nothing more happens until the container is stopped.
    Wait,
}

/// What a program makes of SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTerm {
    /// Exits with this code after so many milliseconds.
    Exit { after_ms: u64, code: i32 },
    /// Process 1 without a handler: the kernel drops the signal, and only SIGKILL at the end of the grace period helps.
    Ignored,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub steps: Vec<Step>,
    pub on_term: OnTerm,
}

/// What came of running a program: everything that can be known at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    pub sockets: Vec<Socket>,
    pub lines: Vec<Line>,
    /// Lines of a loop: it starts at the first figure and lasts as long as the second.
    pub repeat: Option<(u64, u64, Vec<Line>)>,
    /// (milliseconds after the start, exit code); None: it runs until it is stopped.
    pub exit: Option<(u64, i32)>,
}

/// No more lines of a log than this are kept or made.
pub const LINES_MAX: usize = 10_000;

/// Executes a program where `open` sockets are already listening in its network namespace.
pub fn run(program: &Program, open: &[Socket]) -> Run {
    let mut run = Run::default();
    let mut clock_ms = 0;
    execute(&program.steps, open, &mut run, &mut clock_ms);
    run
}

/// False when the program has ended or waits for ever.
fn execute(steps: &[Step], open: &[Socket], run: &mut Run, clock_ms: &mut u64) -> bool {
    for step in steps {
        match step {
            Step::Say(dress, text) => {
                if run.lines.len() < LINES_MAX {
                    run.lines.push((*clock_ms, *dress, text.clone()));
                }
            }
            Step::Listen(socket, otherwise) => {
                if open.iter().chain(&run.sockets).any(|other| other.conflicts(socket)) {
                    if !execute(otherwise, open, run, clock_ms) {
                        return false;
                    }
                } else {
                    run.sockets.push(socket.clone());
                }
            }
            Step::SleepMs(duration_ms) => *clock_ms = clock_ms.saturating_add(*duration_ms),
            Step::Exit(code) => {
                run.exit = Some((*clock_ms, *code));
                return false;
            }
            Step::Repeat(body) => {
                let mut inner = Run::default();
                let mut period_ms = 0;
                if execute(body, open, &mut inner, &mut period_ms) {
                    run.repeat = Some((*clock_ms, period_ms.max(1), inner.lines));
                } else {
                    run.lines.extend(inner.lines.into_iter().map(|(at, dress, text)| (*clock_ms + at, dress, text)));
                    run.exit = inner.exit.map(|(at, code)| (*clock_ms + at, code));
                }
                run.sockets.extend(inner.sockets);
                return false;
            }
            Step::Wait => return false,
        }
    }
    true
}

/// The log of a run that began at `started`, as it reads at `now`.
pub fn log(run: &Run, started: Time, now: Time) -> Vec<String> {
    let age_ms = millis_between(started, now);
    let mut lines: Vec<String> = Vec::new();
    let mut say = |at_ms: u64, dress: Dress, text: &str| {
        if at_ms <= age_ms && lines.len() < LINES_MAX {
            lines.push(dressed(dress, started.plus(std::time::Duration::from_millis(at_ms)), text));
        }
    };
    for (at_ms, dress, text) in &run.lines {
        say(*at_ms, *dress, text);
    }
    if let Some((from_ms, period_ms, body)) = &run.repeat {
        let rounds = (age_ms.saturating_sub(*from_ms) / period_ms + 1).min(LINES_MAX as u64);
        for round in 0..rounds {
            for (at_ms, dress, text) in body {
                say(from_ms + round * period_ms + at_ms, *dress, text);
            }
        }
    }
    lines
}

fn millis_between(from: Time, to: Time) -> u64 {
    u64::try_from(to.0 - from.0).unwrap_or(0)
}

/// A line as the program writes it. Of the time, only the milliseconds are the lab's; a real clock would go on below them.
fn dressed(dress: Dress, at: Time, text: &str) -> String {
    let stamp = at.rfc3339();
    let (date, clock) = stamp.trim_end_matches('Z').split_once('T').unwrap_or((&stamp, ""));
    match dress {
        Dress::Plain => text.to_string(),
        Dress::Klog => {
            let day: String = date.chars().skip(5).filter(char::is_ascii_digit).collect();
            format!("I{day} {clock}.{:03}000       1 log.go:244] {text}", at.0.rem_euclid(1000))
        }
        Dress::Nginx(level) => format!("{} {clock} [{level}] 1#1: {text}", date.replace('-', "/")),
    }
}
