//! The command line of the lab: the shell and one file per simulated program or family.
//!
//! [`run`] hands a line to the [`shell`], which finds programs in [`PROGRAMS`]. A program reads its arguments and standard
//! input from [`Cx`], changes the world, prints, and returns its exit status. A real program that portlab leaves out stands in
//! [`left_out`] with the reason.

pub mod files;
pub mod jobs;
pub mod kubectl;
pub mod left_out;
pub mod net;
pub mod options;
pub mod regex;
pub mod shell;
pub mod text;

mod clock;
mod docker;
mod environment;
mod help;
mod jq;
mod listing;
mod proc;
mod processes;
mod xargs;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crate::kube::kubelet::images::Userland;
use crate::lab::{Output, Place, Stream};
use crate::world::World;

/// How long every command takes.
pub const COMMAND_TAKES: Duration = Duration::from_millis(100);

/// What a shell remembers from line to line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    pub vars: BTreeMap<String, String>,
    /// The variables that programs see.
    pub exported: BTreeSet<String>,
    /// `$?`
    pub status: i32,
    /// `$1`, `$2`, …
    pub positional: Vec<String>,
    pub functions: BTreeMap<String, Rc<shell::ast::Command>>,
    pub aliases: BTreeMap<String, String>,
    pub options: Options,
    /// The outer values of the variables that running functions declared `local`.
    pub locals: Vec<BTreeMap<String, Option<String>>>,
    /// The files of `<( )`, by path.
    pub pipes: BTreeMap<String, String>,
}

/// What `set` switches on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub errexit: bool,
    pub nounset: bool,
    pub pipefail: bool,
    pub xtrace: bool,
}

impl Env {
    /// The variables of a new shell at a place.
    #[must_use]
    pub fn at(place: &Place) -> Env {
        let (user, home, host) = match place {
            Place::Workstation => ("learner", "/home/learner", "workstation"),
            Place::Host(name) | Place::Node(name) => ("root", "/root", name.as_str()),
            Place::Pod { name, .. } => ("root", "/root", name.as_str()),
        };
        let pwd = if *place == Place::Workstation { home } else { "/" };
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let pairs = [
            ("HOME", home),
            ("HOSTNAME", host),
            ("LANG", "C.UTF-8"),
            ("PATH", path),
            ("PWD", pwd),
            ("SHELL", "/bin/bash"),
            ("TERM", "xterm-256color"),
            ("USER", user),
        ];
        let vars: BTreeMap<String, String> =
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Env { exported: vars.keys().cloned().collect(), vars, ..Env::default() }
    }

    /// Keeps what a program inherits: exported variables, and what the lab itself keeps under names that cannot be typed.
    pub(crate) fn become_child(&mut self) {
        let exported = &self.exported;
        self.vars.retain(|name, _| exported.contains(name) || name.contains(' '));
        self.functions.clear();
        self.aliases.clear();
    }
}

/// What a program gets and writes to.
pub struct Cx<'a> {
    pub world: &'a mut World,
    pub place: &'a Place,
    /// The host whose sockets it uses.
    pub host: Rc<str>,
    /// `args[0]` is the program's name.
    pub args: Vec<String>,
    /// What standard input still holds. A program that reads it takes it (`std::mem::take`); the rest is left for the next.
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

    /// All that is left of standard input.
    pub fn take_stdin(&mut self) -> String {
        std::mem::take(&mut self.stdin)
    }

    /// The text of a file, or of standard input for `-`; what the C library says when there is none.
    pub fn open(&mut self, path: &str) -> Result<Rc<str>, &'static str> {
        if path == "-" || path == "/dev/stdin" {
            return Ok(self.take_stdin().into());
        }
        if let Some(text) = proc::read(self.world, &self.host, path) {
            return text;
        }
        files::open(self.world, self.env, path)
    }

    /// Says on standard error, after the program's name, what is wrong; returns the status.
    pub fn fail(&mut self, text: &str, status: i32) -> i32 {
        let text = format!("{}: {text}\n", self.args[0]);
        self.eprint(&text);
        status
    }
}

/// A program of the lab.
pub struct Program {
    pub name: &'static str,
    pub run: fn(&mut Cx) -> i32,
    /// Whether it takes the time of a command; what real shells do by themselves does not.
    pub takes_time: bool,
    pub at: At,
    /// What it does, for `help`.
    pub summary: &'static str,
}

impl Program {
    /// Whether it is installed there.
    #[must_use]
    pub fn is_in(&self, userland: Userland) -> bool {
        match self.at {
            At::Everywhere => true,
            At::Workstation => userland == Userland::Workstation,
            At::Hosts => matches!(userland, Userland::Workstation | Userland::Host),
            At::Networks => true,
            At::NotBusybox => userland != Userland::Busybox,
            At::Lent => userland != Userland::Busybox,
            At::Applet => userland == Userland::Busybox,
        }
    }

    /// Whether the real place has none, and the lab lends it.
    #[must_use]
    pub fn is_lent_to(&self, userland: Userland) -> bool {
        let lent = self.at == At::Lent || self.name == "netstat" && userland != Userland::Busybox;
        lent && !matches!(userland, Userland::Workstation | Userland::Host)
    }
}

/// Where a program is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Everywhere,
    Workstation,
    /// On the workstation and the other hosts of the lab, but on no node and in no container.
    Hosts,
    /// Wherever there is a network: hosts, nodes, containers.
    Networks,
    /// The same but for containers where busybox has another program of that name.
    NotBusybox,
    /// On the hosts; the lab lends it to nodes and containers, which in truth have none.
    Lent,
    /// As an applet of busybox alone.
    Applet,
}

const fn program(name: &'static str, run: fn(&mut Cx) -> i32, summary: &'static str) -> Program {
    Program { name, run, takes_time: true, at: At::Everywhere, summary }
}

const fn workstation(name: &'static str, run: fn(&mut Cx) -> i32, summary: &'static str) -> Program {
    Program { name, run, takes_time: true, at: At::Workstation, summary }
}

const fn builtin(name: &'static str, run: fn(&mut Cx) -> i32, summary: &'static str) -> Program {
    Program { name, run, takes_time: false, at: At::Everywhere, summary }
}

const fn on_hosts(name: &'static str, run: fn(&mut Cx) -> i32, summary: &'static str) -> Program {
    Program { name, run, takes_time: true, at: At::Hosts, summary }
}

const fn at(at: At, name: &'static str, run: fn(&mut Cx) -> i32, summary: &'static str) -> Program {
    Program { name, run, takes_time: true, at, summary }
}

const fn shell_only(name: &'static str, run: fn(&mut Cx) -> i32, summary: &'static str) -> Program {
    Program { name, run, takes_time: false, at: At::Hosts, summary }
}

/// All programs, in the order of `help`.
pub const PROGRAMS: &[Program] = &[
    workstation("kubectl", kubectl::run, "Kubernetes' command line, version 1.34"),
    workstation("oc", kubectl::run, "the same, as OpenShift calls it"),
    workstation("docker", docker::run, "docker exec NODE COMMAND, docker ps: the way onto a node"),
    program("jq", jq::run, "filter JSON"),
    program("cat", text::lines::cat, "print files"),
    program("grep", text::grep::grep, "print the lines that match"),
    program("sed", text::sed::sed, "edit lines: s///, p, d, q, a, i, c, y"),
    program("awk", text::awk::awk, "patterns and actions over lines and fields"),
    program("cut", text::cut::cut, "print fields or characters of lines"),
    program("sort", text::sort::sort, "sort lines"),
    program("uniq", text::count::uniq, "join equal lines that follow each other"),
    program("wc", text::count::wc, "count lines, words, bytes"),
    program("head", text::lines::head, "print the first lines"),
    program("tail", text::lines::tail, "print the last lines"),
    program("tr", text::tr::tr, "replace or delete characters"),
    program("column", text::column::column, "align columns (-t)"),
    program("paste", text::lines::paste, "put the lines of files side by side"),
    program("tac", text::lines::tac, "print lines in reverse order"),
    program("rev", text::lines::rev, "reverse each line"),
    program("nl", text::lines::nl, "number lines"),
    program("tee", text::lines::tee, "copy standard input to files"),
    program("diff", text::diff::diff, "compare two files"),
    program("base64", text::lines::base64, "encode or decode base64"),
    program("seq", text::echo::seq, "print numbers"),
    program("xargs", xargs::xargs, "run a command with arguments from standard input"),
    program("watch", xargs::watch, "run a command again and again, for 30 s"),
    program("ls", listing::ls, "list the lab's files"),
    program("rm", listing::rm, "remove files of the lab"),
    program("cp", listing::cp, "copy files of the lab"),
    program("mv", listing::cp, "rename files of the lab"),
    program("date", clock::date, "the lab's time"),
    program("sleep", clock::sleep, "let the lab's time pass"),
    at(At::Networks, "ss", net::ss::run, "the sockets of the host"),
    at(At::Networks, "netstat", net::netstat::run, "the same, as net-tools shows them; -s counters"),
    at(At::Lent, "lsof", net::lsof::run, "who has which socket open (lsof -nP -i :8080)"),
    at(At::Networks, "ip", net::ip::run, "addresses and routes"),
    at(At::Networks, "curl", net::curl::run, "ask a server over HTTP"),
    at(At::Networks, "sysctl", net::sysctl::run, "read and set the kernel's settings"),
    at(At::Networks, "nstat", net::nstat::run, "the kernel's counters"),
    at(At::NotBusybox, "iptables", net::iptables::run, "rules of packet filtering: the table nat"),
    at(At::NotBusybox, "iptables-save", net::iptables::save, "the same as a script"),
    at(At::NotBusybox, "conntrack", net::conntrack::run, "the connections that the kernel follows"),
    at(At::NotBusybox, "nc", net::nc::run, "connect to a port, or listen on one (nc -lk 8080 &)"),
    at(At::NotBusybox, "netcat", net::nc::run, "the same"),
    at(At::Applet, "wget", net::wget::run, "ask a server over HTTP (wget -qO- http://…)"),
    at(At::Lent, "ab", net::ab::run, "many requests to a web server (ab -n 100 -c 2 http://127.0.0.1/)"),
    on_hosts("python3", net::web_servers::python3, "a web server: python3 -m http.server PORT &"),
    on_hosts("nginx", net::web_servers::nginx, "a web server on port 80, in the background"),
    program("basename", environment::basename, "the last part of a path"),
    program("dirname", environment::dirname, "a path without its last part"),
    program("env", environment::env, "print variables, or run a command with others"),
    program("printenv", environment::printenv, "print variables"),
    builtin("echo", text::echo::echo, "print arguments"),
    builtin("printf", text::echo::printf, "print arguments in a format"),
    on_hosts("ps", processes::ps, "the processes of the host (ps aux, ps -ef, ps -p PID -o pid,args)"),
    on_hosts("pgrep", processes::pgrep, "numbers of processes by name"),
    on_hosts("pidof", processes::pidof, "the same"),
    on_hosts("pkill", processes::pkill, "end processes by name"),
    on_hosts("killall", processes::pkill, "the same"),
    shell_only("jobs", jobs::jobs, "what runs in the background"),
    shell_only("kill", jobs::kill, "end a process: kill PID, kill %1"),
    shell_only("wait", jobs::wait, "wait until jobs have ended"),
    builtin("clear", help::clear, "clear the screen"),
    builtin("help", help::help, "this list"),
];

/// The program of a name where there are these programs.
#[must_use]
pub fn find(name: &str, userland: Userland) -> Option<&'static Program> {
    let name = ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"]
        .into_iter()
        .find_map(|path| name.strip_prefix(path))
        .unwrap_or(name);
    PROGRAMS.iter().find(|program| program.name == name && program.is_in(userland))
}

/// What is said of a name that no program has, and the exit status.
#[must_use]
pub fn not_found(name: &str, userland: Userland) -> (String, i32) {
    // What a container or a node does not have in truth is not found there.
    let known = PROGRAMS.iter().find(|program| program.name == name && !program.is_in(userland));
    let hosts = matches!(userland, Userland::Workstation | Userland::Host);
    if let Some(reason) = left_out::reason(name).filter(|_| hosts || known.is_none()) {
        return (format!("portlab does not model `{name}`: {reason}"), 127);
    }
    if known.is_some() && hosts {
        return (format!("portlab does not model `{name}` here: run it on the workstation"), 127);
    }
    if userland == Userland::Busybox && ["nc", "netcat"].contains(&name) {
        return (format!("portlab does not model busybox's {name}: wget is there, and nc in other containers"), 127);
    }
    let why = if name.contains('/') { "No such file or directory" } else { "command not found" };
    (format!("bash: {name}: {why}"), 127)
}

/// Runs a command line at a place.
pub fn run(world: &mut World, place: &Place, line: &str) -> Output {
    shell::run(world, place, line)
}
