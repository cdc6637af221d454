//! What runs on a host while the shell goes on: `&`, `jobs`, `kill`, `wait`.
//!
//! In the background run servers that wait for somebody to connect, and clients that hold a connection. Whenever a call was made on its host it looks at
//! its own sockets and does what is to be done ([`settle`]); what it prints is shown after the command that caused it.
//! Left out: any other program in the background, stopped jobs, signals other than those that end a process.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::net::nc;
use super::{Cx, files};
use crate::host::{Answer, Call};
use crate::host_spec::ProcessSpec;
use crate::http::Load;
use crate::kube::kubelet::hosts;
use crate::lab::{Nodes, Place, Stream};
use crate::linux::Errno;
use crate::world::World;

/// The host that the learner's shell is on.
pub const WORKSTATION: &str = "workstation";

/// Rounds in which servers may answer each other before the lab goes on.
const ROUNDS_MAX: u32 = 10_000;
/// Bytes that background programs may have printed and nobody has seen.
const SAID_BYTES_MAX: usize = 1 << 20;

/// How long `wait` waits for jobs that do not end.
const WAIT_SECS_MAX: u32 = 30;

/// The programs that can run in the background.
pub const SERVERS: [&str; 3] = ["nc", "netcat", "python3"];

/// The jobs of all hosts.
#[derive(Clone, Debug, Default)]
pub struct AllJobs {
    hosts: BTreeMap<Rc<str>, Jobs>,
    settling: bool,
    /// What the shell is about to start in the background.
    pub(super) starting: Option<Starting>,
}

impl AllJobs {
    /// Those of one host's shell.
    pub(super) fn of(&mut self, host: &str) -> &mut Jobs {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.into(), Jobs::default());
        }
        self.hosts.entry(host.into()).or_default()
    }
}

/// The jobs of a host's shell.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    list: Vec<Job>,
    servers: BTreeMap<u32, Server>,
    /// What background programs printed on the terminal since it was last shown.
    said: Vec<(Stream, String)>,
    /// `$!`
    pub(super) last_pid: Option<u32>,
    /// What `nstat` showed last.
    pub(super) nstat: Option<Vec<u64>>,
}

/// A command line followed by `&`.
#[derive(Clone, Debug)]
pub struct Starting {
    pub line: Rc<str>,
    pub sink: Sink,
}

/// Where a background program's standard output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    Terminal,
    File(String),
    Nowhere,
}

#[derive(Clone, Debug)]
struct Job {
    number: usize,
    pid: u32,
    line: Rc<str>,
    state: &'static str,
}

#[derive(Clone, Debug)]
struct Server {
    program: nc::Background,
    sink: Sink,
}

/// What a server did when it looked at its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Idle,
    Busy,
    Ended(i32),
}

/// Lets a process serve in the background; the shell's next line says so. A server without a program here acts by itself.
pub fn serve(cx: &mut Cx, pid: u32, program: Option<nc::Background>, starting: Starting) {
    let sink = starting.sink.clone();
    begin(cx, pid, starting);
    if let Some(program) = program {
        go_on(cx, pid, program, sink);
    }
}

/// Makes a process a job of the shell.
pub fn begin(cx: &mut Cx, pid: u32, starting: Starting) {
    let jobs = cx.world.jobs.of(&cx.host);
    jobs.last_pid = Some(pid);
    // The shell of a node or a container is gone after its one line, and says nothing of jobs.
    if matches!(cx.place, Place::Workstation | Place::Host(_)) {
        let number = jobs.list.last().map_or(1, |job| job.number + 1);
        jobs.list.push(Job { number, pid, line: starting.line, state: "Running" });
        cx.eprint(&format!("[{number}] {pid}\n"));
    }
}

/// Lets a job act whenever something happens on its host.
pub fn go_on(cx: &mut Cx, pid: u32, program: nc::Background, sink: Sink) {
    cx.world.jobs.of(&cx.host).servers.insert(pid, Server { program, sink });
}

/// Lets every server do what is to be done, until nothing is.
pub fn settle(world: &mut World) {
    if std::mem::replace(&mut world.jobs.settling, true) {
        return;
    }
    for _ in 0..ROUNDS_MAX {
        let hosts = world.jobs.hosts.iter();
        let servers: Vec<(Rc<str>, u32)> =
            hosts.flat_map(|(host, jobs)| jobs.servers.keys().map(|pid| (host.clone(), *pid))).collect();
        let mut busy = false;
        for (host, pid) in servers {
            let Some(mut server) = world.jobs.of(&host).servers.remove(&pid) else { continue };
            let (step, said) = nc::step(world, (&host, pid), &mut server.program);
            print(world, &host, &server.sink, &said);
            busy |= step != Step::Idle;
            match step {
                Step::Ended(status) => end(world, &host, pid, if status == 0 { "Done" } else { "Exit 1" }),
                Step::Idle | Step::Busy => {
                    world.jobs.of(&host).servers.insert(pid, server);
                }
            }
        }
        if !busy || world.halted() {
            break;
        }
    }
    world.jobs.settling = false;
}

fn print(world: &mut World, host: &str, sink: &Sink, said: &[(Stream, String)]) {
    // A file that was named on a host is the lab's, whoever made the program say something.
    let inside = world.container_files.take();
    for (stream, text) in said {
        match sink {
            Sink::File(path) if *stream == Stream::Stdout => {
                let old = world.read_file(path).map_or(String::new(), |text| text.to_string());
                files::write(world, path, &(old + text));
            }
            Sink::Nowhere if *stream == Stream::Stdout => {}
            _ => {
                let terminal = &mut world.jobs.of(host).said;
                let held: usize = terminal.iter().map(|(_, text)| text.len()).sum();
                if held + text.len() <= SAID_BYTES_MAX {
                    terminal.push((*stream, text.clone()));
                }
            }
        }
    }
    world.container_files = inside;
}

/// Ends a job.
pub fn end(world: &mut World, host: &str, pid: u32, state: &'static str) {
    world.call(host, pid, Call::Exit);
    if let Some(job) = world.jobs.of(host).list.iter_mut().find(|job| job.pid == pid) {
        job.state = state;
    }
}

/// What a host's background programs have printed, and which jobs have ended: shown when a command line is done.
pub fn news(world: &mut World, place: &Place) -> Vec<(Stream, String)> {
    let host = hosts::name_of(world, place);
    let jobs = world.jobs.of(&host);
    let mut news = std::mem::take(&mut jobs.said);
    let ended: String = lines(jobs, false, |job| job.state != "Running");
    jobs.list.retain(|job| job.state == "Running");
    if !ended.is_empty() {
        news.push((Stream::Stderr, ended));
    }
    news
}

/// Jobs as `jobs` lists them.
fn lines(jobs: &Jobs, long: bool, which: impl Fn(&Job) -> bool) -> String {
    let count = jobs.list.len();
    let row = |(at, job): (usize, &Job)| {
        let mark = match count - at {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let running = if job.state == "Running" { " &" } else { "" };
        match long {
            true => format!("[{}]{mark} {:>5} {:<24}{}{running}\n", job.number, job.pid, job.state, job.line),
            false => format!("[{}]{mark}  {:<24}{}{running}\n", job.number, job.state, job.line),
        }
    };
    jobs.list.iter().enumerate().filter(|(_, job)| which(job)).map(row).collect()
}

/// `jobs [-l|-p]`
pub fn jobs(cx: &mut Cx) -> i32 {
    match cx.args.get(1).map(String::as_str) {
        None | Some("-l") => {
            let long = cx.args.len() > 1;
            let jobs = cx.world.jobs.of(&cx.host);
            let text = lines(jobs, long, |_| true);
            jobs.list.retain(|job| job.state == "Running");
            cx.print(&text);
            0
        }
        Some("-p") => {
            let text: String = cx.world.jobs.of(&cx.host).list.iter().map(|job| format!("{}\n", job.pid)).collect();
            cx.print(&text);
            0
        }
        Some(option) => {
            let text = format!("portlab does not model option {option} of jobs\n");
            cx.eprint(&text);
            2
        }
    }
}

/// `kill [-9|-TERM|-INT|-s SIGNAL] PID|%JOB…`
pub fn kill(cx: &mut Cx) -> i32 {
    let mut words = cx.args[1..].to_vec();
    let mut signal = "TERM".to_owned();
    if words.first().is_some_and(|word| word == "-s" || word == "-n") && words.len() > 1 {
        signal = words.remove(1);
        words.remove(0);
    } else if let Some(name) = words.first().and_then(|word| word.strip_prefix('-')).map(str::to_owned) {
        signal = name;
        words.remove(0);
    }
    // Signal 0 asks whether the process is there.
    let asks = signal == "0";
    let Some(state) = self::signal(&signal).or(asks.then_some("")) else {
        let text = format!("bash: kill: portlab does not model the signal {signal}\n");
        cx.eprint(&text);
        return 2;
    };
    if words.is_empty() {
        cx.eprint("kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n");
        return 2;
    }
    let mut status = 0;
    for word in words {
        let text = match target(cx, &word) {
            Ok(_) if asks => continue,
            Ok(pid) => {
                stop(cx, pid, state);
                continue;
            }
            Err(text) => text,
        };
        cx.eprint(&format!("bash: kill: {text}\n"));
        status = 1;
    }
    status
}

/// How a signal that ends a process is told of when it has; None for others.
pub fn signal(name: &str) -> Option<&'static str> {
    Some(match name.trim_start_matches("SIG") {
        "TERM" | "15" => "Terminated",
        "KILL" | "9" => "Killed",
        "INT" | "2" => "Interrupt",
        "HUP" | "1" => "Hangup",
        _ => return None,
    })
}

/// Ends a process by a signal.
pub fn stop(cx: &mut Cx, pid: u32, state: &'static str) {
    cx.world.jobs.of(&cx.host).servers.remove(&pid);
    end(cx.world, &cx.host, pid, state);
    settle(cx.world);
}

/// `wait [PID|%JOB…]`: until these, or all, have ended; the status is that of the last.
pub fn wait(cx: &mut Cx) -> i32 {
    let words = cx.args[1..].to_vec();
    let list = &cx.world.jobs.of(&cx.host).list;
    let mut pids: Vec<u32> = list.iter().map(|job| job.pid).collect();
    if !words.is_empty() {
        let mut named = Vec::new();
        for word in &words {
            let job = word.strip_prefix('%');
            let found = list.iter().find(|one| match job {
                Some(number) => number == one.number.to_string(),
                None => *word == one.pid.to_string(),
            });
            let Some(found) = found else {
                let text = match job {
                    Some(_) => format!("bash: wait: {word}: no such job\n"),
                    None => format!("bash: wait: pid {word} is not a child of this shell\n"),
                };
                cx.eprint(&text);
                return 127;
            };
            named.push(found.pid);
        }
        pids = named;
    }
    let state = |cx: &mut Cx, pid: u32| {
        cx.world.jobs.of(&cx.host).list.iter().find(|job| job.pid == pid).map_or("Done", |job| job.state)
    };
    let running = |cx: &mut Cx| pids.iter().any(|pid| state(cx, *pid) == "Running");
    for _ in 0..WAIT_SECS_MAX {
        if !running(cx) || cx.world.halted() {
            break;
        }
        cx.world.advance(Duration::from_secs(1));
        settle(cx.world);
    }
    if running(cx) {
        cx.eprint("portlab: the jobs still run; stopped waiting after 30 s\n");
        return 130;
    }
    const STATUSES: [(&str, i32); 5] =
        [("Exit 1", 1), ("Hangup", 129), ("Interrupt", 130), ("Killed", 137), ("Terminated", 143)];
    let last = pids.last().filter(|_| !words.is_empty()).map(|pid| state(cx, *pid));
    STATUSES.iter().find(|(name, _)| last == Some(name)).map_or(0, |(_, status)| *status)
}

/// The process that a word of `kill` means.
fn target(cx: &mut Cx, word: &str) -> Result<u32, String> {
    let jobs = &cx.world.jobs.of(&cx.host).list;
    if let Some(name) = word.strip_prefix('%') {
        let job = match name {
            "" | "%" | "+" => jobs.last(),
            number => jobs.iter().find(|job| job.number.to_string() == number),
        };
        return job.map(|job| job.pid).ok_or_else(|| format!("{word}: no such job"));
    }
    let pid = word.parse::<u32>().map_err(|_| format!("{word}: arguments must be process or job IDs"))?;
    let known = cx.world.host(&cx.host).is_some_and(|host| host.processes.contains_key(&pid));
    if known { Ok(pid) } else { Err(format!("({pid}) - No such process")) }
}

/// A program in the foreground as a process of the host.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    pub pid: u32,
}

impl Process {
    /// Starts one with the program's command line.
    pub fn start(cx: &mut Cx) -> Process {
        cx.world.start_host(&cx.host);
        let (line, pids) = (cx.args.join(" ").into(), hosts::pids_of(cx.world, cx.place));
        let process = ProcessSpec { line, pids, ..ProcessSpec::default() };
        let answer = cx.world.call(&cx.host, 0, Call::Spawn { process: process.into() });
        Process { pid: answer.number().unwrap_or(0) }
    }

    /// Makes a call, then lets the servers answer.
    pub fn call(self, cx: &mut Cx, call: Call) -> Answer {
        if let Call::Connect { to, .. } | Call::Load { load: Load { to, .. } } = &call
            && let Some(what) = hosts::translated(cx.world, &cx.host, *to)
        {
            cx.eprint(&format!("portlab does not model {what} yet\n"));
            return Answer::Refused { refusal: Errno::Ehostunreach.into(), holder: None };
        }
        let answer = cx.world.call(&cx.host, self.pid, call);
        if *cx.place == Place::Workstation
            && answer.number() == Err(Errno::Enetunreach)
            && matches!(cx.world.options().nodes, Nodes::Kind(_))
        {
            cx.eprint("portlab's workstation is linked to the nodes of the cluster alone\n");
        }
        settle(cx.world);
        answer
    }

    /// Ends it with this status.
    pub fn exit(self, cx: &mut Cx, status: i32) -> i32 {
        self.call(cx, Call::Exit);
        status
    }
}
