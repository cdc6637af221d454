//! Running what was read: lists, pipelines, compound commands, redirections, and who is asked to run a simple command.
//!
//! In a pipeline the first command runs first, to its end, and its output is kept for the next; what it says on standard
//! error is shown at once. A simple command that is a program takes 100 ms after it has done its work, a pipeline of
//! programs 100 ms altogether, a builtin nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{AndOr, Assign, Body, Command, Joint, List, Pipeline, Redirect, Target, Word};
use super::{arithmetic, builtins, conditions, pattern};
use crate::kube::kubelet::hosts;
use crate::lab::{Place, Stream};
use crate::linux::Errno;
use crate::time::Time;
use crate::tools::{self, COMMAND_TAKES, Cx, Env, files, jobs, proc};
use crate::world::World;

/// Commands and turns of loops that one line may run.
const STEPS_MAX: u32 = 20_000;
/// Turns that one loop may take.
const TURNS_MAX: u32 = 10_000;
/// Bytes that one line may print.
const OUTPUT_MAX: usize = 4 << 20;
/// Functions, subshells, scripts and the like within each other.
const DEPTH_MAX: usize = 40;

/// Why a list of commands ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Exit(i32),
    Return(i32),
    Break(u32),
    Continue(u32),
    /// An expansion failed: the line ends with status 1.
    Failed(String),
    /// A bound of portlab's, or something that it does not model: the line ends with status 2.
    Bound(String),
}

/// The shell at work on one line.
pub struct Shell<'a> {
    pub(super) world: &'a mut World,
    pub(super) place: &'a Place,
    pub(super) env: &'a mut Env,
    pub(super) out: Vec<(Stream, String)>,
    /// What is left of standard input.
    pub(super) stdin: String,
    pub(super) steps: u32,
    pub(super) printed: usize,
    pub(super) depth: usize,
    /// Inside a pipeline, whose programs take their time together.
    together: bool,
    /// A program has run in it.
    timed: bool,
    /// Status of the last command substitution, for assignments without a command.
    substituted: Option<i32>,
    /// Where a failing command does not end a shell with `set -e`.
    pub(super) tolerant: bool,
}

impl<'a> Shell<'a> {
    pub fn new(world: &'a mut World, place: &'a Place, env: &'a mut Env) -> Shell<'a> {
        Shell {
            world,
            place,
            env,
            out: Vec::new(),
            stdin: String::new(),
            steps: 0,
            printed: 0,
            depth: 0,
            together: false,
            timed: false,
            substituted: None,
            tolerant: false,
        }
    }

    pub(super) fn print(&mut self, stream: Stream, text: &str) {
        if !text.is_empty() {
            self.out.push((stream, text.to_owned()));
        }
    }

    /// Says something on standard error, as bash does.
    pub(super) fn complain(&mut self, text: &str) {
        self.print(Stream::Stderr, &format!("bash: {text}\n"));
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(Stop::Bound(format!("portlab runs at most {STEPS_MAX} commands for one line")));
        }
        if self.world.halted() { Err(Stop::Exit(self.env.status)) } else { Ok(()) }
    }

    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth >= DEPTH_MAX {
            return Err(Stop::Bound(format!(
                "portlab runs at most {DEPTH_MAX} functions, scripts and subshells within each other"
            )));
        }
        self.depth += 1;
        let done = run(self);
        self.depth -= 1;
        done
    }

    pub(super) fn list(&mut self, list: &List) -> Result<i32, Stop> {
        let mut status = 0;
        for and_or in &list.0 {
            status = self.and_or(and_or)?;
        }
        Ok(status)
    }

    fn and_or(&mut self, and_or: &AndOr) -> Result<i32, Stop> {
        if let Some(line) = &and_or.background {
            return self.background(and_or, line);
        }
        let tolerant = self.tolerant;
        self.tolerant = tolerant || !and_or.rest.is_empty();
        let mut status = self.pipeline(&and_or.first)?;
        for (number, (joint, pipeline)) in and_or.rest.iter().enumerate() {
            self.tolerant = tolerant || number + 1 < and_or.rest.len();
            if (*joint == Joint::And) == (status == 0) {
                status = self.pipeline(pipeline)?;
            }
        }
        self.tolerant = tolerant;
        Ok(status)
    }

    /// Starts a server; what stands before it in a pipeline runs to its end first.
    fn background(&mut self, and_or: &AndOr, line: &Rc<str>) -> Result<i32, Stop> {
        let last = and_or.first.commands.last().filter(|_| and_or.rest.is_empty());
        let (Some(command), Some(name)) = (last, last.and_then(program_of)) else {
            return Err(not_in_background(line));
        };
        if !jobs::SERVERS.contains(&name) {
            return Err(not_in_background(name));
        }
        let mut sink = jobs::Sink::Terminal;
        for redirect in &command.redirects {
            if let (1, Target::Write { path, .. }) = (redirect.fd, &redirect.to) {
                let path = self.text(path)?;
                // A file on a node or in a container is not kept.
                let lost = path == "/dev/null" || self.world.container_files.is_some();
                sink = if lost { jobs::Sink::Nowhere } else { jobs::Sink::File(path) };
            }
        }
        self.world.jobs.starting = Some(jobs::Starting { line: line.clone(), sink });
        let status = self.pipeline(&and_or.first)?;
        // A client has run to its end in the foreground.
        let left = self.world.jobs.starting.take();
        Ok(if left.is_some() { status } else { 0 })
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Result<i32, Stop> {
        let tolerant = self.tolerant;
        self.tolerant |= pipeline.negated;
        let status = match &pipeline.commands[..] {
            [command] => self.command(command)?,
            commands => self.piped(commands)?,
        };
        self.tolerant = tolerant;
        let status = if pipeline.negated { i32::from(status == 0) } else { status };
        self.env.status = status;
        if status != 0 && self.env.options.errexit && !self.tolerant && !pipeline.negated {
            return Err(Stop::Exit(status));
        }
        Ok(status)
    }

    fn piped(&mut self, commands: &[Command]) -> Result<i32, Stop> {
        let began = self.world.now();
        let (together, timed) =
            (std::mem::replace(&mut self.together, true), std::mem::replace(&mut self.timed, false));
        let stdin = std::mem::take(&mut self.stdin);
        let tolerant = std::mem::replace(&mut self.tolerant, true);
        let mut statuses = Vec::new();
        self.stdin = stdin.clone();
        for (number, command) in commands.iter().enumerate() {
            let before = std::mem::take(&mut self.out);
            let status = self.subshell(|shell| shell.command(command));
            let written = std::mem::replace(&mut self.out, before);
            self.stdin.clear();
            for (stream, text) in written {
                if stream == Stream::Stdout && number + 1 < commands.len() {
                    self.stdin.push_str(&text);
                } else {
                    self.out.push((stream, text));
                }
            }
            statuses.push(status?);
        }
        self.tolerant = tolerant;
        self.stdin = String::new();
        self.together = together;
        let ran_program = std::mem::replace(&mut self.timed, timed);
        self.take_time(ran_program, began);
        let last = statuses.last().copied().unwrap_or(0);
        let failed = statuses.iter().rev().copied().find(|status| *status != 0);
        Ok(if self.env.options.pipefail { failed.unwrap_or(last) } else { last })
    }

    /// Lets the rest of a program's 100 ms pass; programs that wait have taken more already.
    fn take_time(&mut self, ran_program: bool, began: Time) {
        if !ran_program {
            return;
        }
        if self.together {
            self.timed = true;
        } else {
            let spent = self.world.now().since(began);
            self.world.advance(COMMAND_TAKES.saturating_sub(spent));
        }
    }

    /// Runs something whose variables are its own; `exit` ends only it.
    pub(super) fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Result<i32, Stop>) -> Result<i32, Stop> {
        let env = self.env.clone();
        let done = self.deeper(run);
        *self.env = env;
        let status = match done {
            Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => status,
            Err(Stop::Break(_) | Stop::Continue(_)) => 0,
            Err(Stop::Failed(text)) => {
                self.complain(&text);
                1
            }
            Err(bound @ Stop::Bound(_)) => return Err(bound),
        };
        self.env.status = status;
        Ok(status)
    }

    /// The output of commands, without newlines at its end: `$( … )`.
    pub(super) fn substitute(&mut self, list: &List) -> Result<String, Stop> {
        let (text, status) = self.captured(list)?;
        self.substituted = Some(status);
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn captured(&mut self, list: &List) -> Result<(String, i32), Stop> {
        let before = std::mem::take(&mut self.out);
        let together = std::mem::replace(&mut self.together, false);
        let status = self.subshell(|shell| shell.list(list));
        self.together = together;
        let written = std::mem::replace(&mut self.out, before);
        let mut text = String::new();
        for (stream, chunk) in written {
            match stream {
                Stream::Stdout => text.push_str(&chunk),
                Stream::Stderr => self.out.push((stream, chunk)),
            }
        }
        Ok((text.replace('\0', ""), status?))
    }

    /// `<( … )`: the output lies in a file that lives as long as the line.
    pub(super) fn process(&mut self, list: &List) -> Result<String, Stop> {
        let (text, _) = self.captured(list)?;
        let path = format!("/dev/fd/{}", 63 - self.env.pipes.len().min(60));
        self.env.pipes.insert(path.clone(), text);
        Ok(path)
    }

    fn command(&mut self, command: &Command) -> Result<i32, Stop> {
        self.step()?;
        if command.redirects.is_empty() {
            return self.body(&command.body);
        }
        let outputs = match self.open(&command.redirects)? {
            Ok(outputs) => outputs,
            Err(text) => {
                self.complain(&text);
                return Ok(1);
            }
        };
        let outer_stdin = outputs.stdin.clone().map(|text| std::mem::replace(&mut self.stdin, text));
        let before = std::mem::take(&mut self.out);
        let status = self.body(&command.body);
        let written = std::mem::replace(&mut self.out, before);
        if let Some(stdin) = outer_stdin {
            self.stdin = stdin;
        }
        match self.deliver(written, outputs) {
            Ok(()) => status,
            Err(errno) => {
                let program = program_of(command).unwrap_or("bash");
                self.complain(&format!("{program}: write error: {}", errno.words()));
                status.map(|_| 1)
            }
        }
    }

    fn body(&mut self, body: &Body) -> Result<i32, Stop> {
        if let Body::Simple { assigns, words } = body {
            return self.simple(assigns, words);
        }
        let together = std::mem::replace(&mut self.together, false);
        let status = self.compound(body);
        self.together = together;
        status
    }

    fn compound(&mut self, body: &Body) -> Result<i32, Stop> {
        match body {
            Body::Simple { .. } => Ok(0),
            Body::Group(list) => self.list(list),
            Body::Subshell(list) => self.subshell(|shell| shell.list(list)),
            Body::If { arms, otherwise } => {
                for (condition, then) in arms {
                    if self.condition(condition)? == 0 {
                        return self.list(then);
                    }
                }
                otherwise.as_ref().map_or(Ok(0), |list| self.list(list))
            }
            Body::While { negated, condition, body } => self.while_loop(*negated, condition, body),
            Body::For { name, words, body } => {
                let values = match words {
                    Some(words) => self.arguments(words)?,
                    None => self.env.positional.clone(),
                };
                self.for_loop(name, values, body)
            }
            Body::Case { word, arms } => {
                let text = self.text(word)?;
                for (patterns, list) in arms {
                    for word in patterns {
                        if pattern::matches(&self.pattern(word)?, &text) {
                            return self.list(list);
                        }
                    }
                }
                Ok(0)
            }
            Body::Test(words) => conditions::double_bracket(self, words),
            Body::Arithmetic(expression) => {
                let text = self.text(expression)?;
                match arithmetic::evaluate(text.trim(), self.env) {
                    Ok(value) => Ok(i32::from(value == 0)),
                    Err(why) => {
                        self.complain(&format!("((: {why}"));
                        Ok(1)
                    }
                }
            }
            Body::Function { name, body } => {
                self.env.functions.insert(name.clone(), body.clone());
                Ok(0)
            }
        }
    }

    fn condition(&mut self, list: &List) -> Result<i32, Stop> {
        let tolerant = std::mem::replace(&mut self.tolerant, true);
        let status = self.list(list);
        self.tolerant = tolerant;
        status
    }

    fn while_loop(&mut self, negated: bool, condition: &List, body: &List) -> Result<i32, Stop> {
        let mut status = 0;
        for _ in 0..TURNS_MAX {
            self.step()?;
            if (self.condition(condition)? == 0) == negated {
                return Ok(status);
            }
            match self.turn(body)? {
                Some(done) => status = done,
                None => return Ok(0),
            }
        }
        Err(too_many_turns())
    }

    fn for_loop(&mut self, name: &str, values: Vec<String>, body: &List) -> Result<i32, Stop> {
        let mut status = 0;
        for value in values {
            self.step()?;
            self.env.vars.insert(name.to_owned(), value);
            match self.turn(body)? {
                Some(done) => status = done,
                None => return Ok(0),
            }
        }
        Ok(status)
    }

    /// One turn of a loop; None when `break` ended the loop.
    fn turn(&mut self, body: &List) -> Result<Option<i32>, Stop> {
        match self.list(body) {
            Ok(status) => Ok(Some(status)),
            Err(Stop::Continue(1)) => Ok(Some(0)),
            Err(Stop::Break(1)) => Ok(None),
            Err(Stop::Continue(levels)) => Err(Stop::Continue(levels - 1)),
            Err(Stop::Break(levels)) => Err(Stop::Break(levels - 1)),
            Err(stop) => Err(stop),
        }
    }

    fn simple(&mut self, assigns: &[Assign], words: &[Word]) -> Result<i32, Stop> {
        self.substituted = None;
        let words = self.without_alias(words)?;
        let arguments = self.arguments(&words)?;
        if self.env.options.xtrace && !arguments.is_empty() {
            self.print(Stream::Stderr, &format!("+ {}\n", arguments.join(" ")));
        }
        if arguments.is_empty() {
            for assign in assigns {
                self.assign(assign)?;
            }
            return Ok(self.substituted.unwrap_or(0));
        }
        let mut saved = BTreeMap::new();
        for assign in assigns {
            let old = (self.env.vars.get(&assign.name).cloned(), self.env.exported.contains(&assign.name));
            saved.entry(assign.name.clone()).or_insert(old);
            self.assign(assign)?;
            self.env.exported.insert(assign.name.clone());
        }
        let status = self.call(arguments);
        for (name, (value, exported)) in saved {
            match value {
                Some(value) => self.env.vars.insert(name.clone(), value),
                None => self.env.vars.remove(&name),
            };
            if !exported {
                self.env.exported.remove(&name);
            }
        }
        status
    }

    fn assign(&mut self, assign: &Assign) -> Result<(), Stop> {
        let mut value = self.text(&assign.value)?;
        if assign.append {
            value.insert_str(0, self.env.vars.get(&assign.name).map_or("", String::as_str));
        }
        builtins::set(self, &assign.name, value)
    }

    fn without_alias(&mut self, words: &[Word]) -> Result<Vec<Word>, Stop> {
        let mut words = words.to_vec();
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = words.first().and_then(Word::as_literal) {
            let Some(text) = self.env.aliases.get(name).filter(|_| !seen.iter().any(|old| old == name)) else { break };
            seen.push(name.to_owned());
            let Ok(Some(list)) = super::parse::Parser::new(text).next_line() else { break };
            let Some(Body::Simple { words: new, .. }) =
                list.0.first().and_then(|first| first.first.commands.first()).map(|c| &c.body)
            else {
                break;
            };
            words.splice(..1, new.iter().cloned());
        }
        Ok(words)
    }

    /// Runs a command with its arguments: a function, a builtin, a program, or a script of the lab.
    pub(super) fn call(&mut self, arguments: Vec<String>) -> Result<i32, Stop> {
        let name = arguments[0].as_str();
        if let Some(function) = self.env.functions.get(name).cloned() {
            return self.function(&function, arguments);
        }
        if let Some(builtin) = builtins::find(name) {
            return builtin(self, &arguments);
        }
        self.program(arguments)
    }

    fn function(&mut self, body: &Rc<Command>, arguments: Vec<String>) -> Result<i32, Stop> {
        let outer = std::mem::replace(&mut self.env.positional, arguments[1..].to_vec());
        self.env.locals.push(BTreeMap::new());
        let done = self.deeper(|shell| shell.command(body));
        for (name, value) in self.env.locals.pop().unwrap_or_default() {
            match value {
                Some(value) => self.env.vars.insert(name, value),
                None => self.env.vars.remove(&name),
            };
        }
        self.env.positional = outer;
        match done {
            Err(Stop::Return(status)) => Ok(status),
            done => done,
        }
    }

    /// Runs a program of the table.
    pub(super) fn program(&mut self, arguments: Vec<String>) -> Result<i32, Stop> {
        let name = arguments[0].clone();
        let userland = hosts::userland_at(self.world, self.place);
        let Some(program) = tools::find(&name, userland) else {
            if name.contains('/')
                && let Some(text) = files::read(self.world, self.env, &name)
            {
                return self.script(&text, &arguments);
            }
            let (text, status) = tools::not_found(&name, userland);
            self.print(Stream::Stderr, &format!("{text}\n"));
            return Ok(status);
        };
        let began = self.world.now();
        let stdin = std::mem::take(&mut self.stdin);
        let host = hosts::name_of(self.world, self.place);
        let (place, out) = (self.place, Vec::new());
        let mut cx = Cx { world: self.world, place, host, args: arguments, stdin, env: self.env, out };
        if program.is_lent_to(userland) {
            let text = format!("portlab lends {name}: a real node or container of kind has none\n");
            cx.eprint(&text);
        }
        let status = (program.run)(&mut cx);
        let (out, rest) = (std::mem::take(&mut cx.out), std::mem::take(&mut cx.stdin));
        self.stdin = rest;
        self.printed += out.iter().map(|(_, text)| text.len()).sum::<usize>();
        self.out.extend(out.into_iter().filter(|(_, text)| !text.is_empty()));
        if self.printed > OUTPUT_MAX {
            return Err(Stop::Bound(format!("portlab prints at most {OUTPUT_MAX} bytes for one line")));
        }
        self.take_time(program.takes_time, began);
        Ok(status)
    }

    /// Runs the text of a file as a shell of its own.
    pub(super) fn script(&mut self, text: &str, arguments: &[String]) -> Result<i32, Stop> {
        let together = std::mem::replace(&mut self.together, false);
        let status = self.subshell(|shell| {
            shell.env.positional = arguments[1..].to_vec();
            shell.env.become_child();
            shell.env.options = Default::default();
            shell.text_of_commands(text)
        });
        self.together = together;
        status
    }

    /// Reads and runs commands line by line in this shell.
    pub(super) fn text_of_commands(&mut self, text: &str) -> Result<i32, Stop> {
        let mut parser = super::parse::Parser::new(text);
        let mut status = self.env.status;
        loop {
            match parser.next_line() {
                Ok(None) => return Ok(status),
                Ok(Some(list)) => status = self.list(&list)?,
                Err(problem) => {
                    let text = super::problem_text(&problem);
                    self.complain(&text);
                    return Err(Stop::Exit(2));
                }
            }
        }
    }
}

/// The name of the program that a simple command runs, where it is written out.
fn program_of(command: &Command) -> Option<&str> {
    match &command.body {
        Body::Simple { words, .. } => words.first()?.as_literal(),
        _ => None,
    }
}

fn not_in_background(what: &str) -> Stop {
    Stop::Bound(format!(
        "portlab does not model `{what}` in the background (&): servers run there, as nc -lk 8080 &, and clients that hold a connection, as nc -d HOST PORT &"
    ))
}

fn too_many_turns() -> Stop {
    Stop::Bound(format!("portlab runs at most {TURNS_MAX} turns of a loop"))
}

/// Where a stream of a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    To(Stream),
    /// Into a file, by its number in [`Outputs::files`].
    File(usize),
    Nowhere,
}

/// The redirections of a command.
struct Outputs {
    stdin: Option<String>,
    fds: BTreeMap<u32, Goes>,
    files: Vec<(String, String)>,
}

impl Shell<'_> {
    /// Opens the files of redirections, in order; the inner error is what bash says when one cannot be.
    fn open(&mut self, redirects: &[Redirect]) -> Result<Result<Outputs, String>, Stop> {
        let fds = BTreeMap::from([(1, Goes::To(Stream::Stdout)), (2, Goes::To(Stream::Stderr))]);
        let mut outputs = Outputs { stdin: None, fds, files: Vec::new() };
        for Redirect { fd, to } in redirects {
            let opened = match to {
                Target::Read(word) => {
                    let path = self.text(word)?;
                    let host = hosts::name_of(self.world, self.place);
                    let kernels = proc::read(self.world, &host, &path);
                    match kernels.unwrap_or_else(|| files::open(self.world, self.env, &path)) {
                        Ok(text) => {
                            outputs.stdin = Some(text.to_string());
                            Ok(())
                        }
                        Err(why) => Err(format!("{path}: {why}")),
                    }
                }
                Target::Text { text, newline } => {
                    let mut text = self.text(text)?;
                    if *newline {
                        text.push('\n');
                    }
                    outputs.stdin = Some(text);
                    Ok(())
                }
                Target::Write { path, append } => {
                    let path = self.text(path)?;
                    self.create(&mut outputs, &path, *append).map(|goes| outputs.fds.extend([(*fd, goes)]))
                }
                Target::WriteBoth { path, append } => {
                    let path = self.text(path)?;
                    self.create(&mut outputs, &path, *append).map(|goes| outputs.fds.extend([(1, goes), (2, goes)]))
                }
                Target::Duplicate(0) => Ok(()),
                Target::Duplicate(from) => match outputs.fds.get(from).copied() {
                    Some(goes) => {
                        outputs.fds.insert(*fd, goes);
                        Ok(())
                    }
                    None => Err(format!("{from}: Bad file descriptor")),
                },
                Target::Close => {
                    outputs.fds.insert(*fd, Goes::Nowhere);
                    Ok(())
                }
            };
            if let Err(why) = opened {
                return Ok(Err(why));
            }
        }
        Ok(Ok(outputs))
    }

    fn create(&mut self, outputs: &mut Outputs, path: &str, append: bool) -> Result<Goes, String> {
        match path {
            "/dev/null" => return Ok(Goes::Nowhere),
            "/dev/stdout" | "/dev/tty" => return Ok(Goes::To(Stream::Stdout)),
            "/dev/stderr" => return Ok(Goes::To(Stream::Stderr)),
            "" => return Err(": No such file or directory".into()),
            _ => {}
        }
        if proc::is_kernels(path) {
            let host = hosts::name_of(self.world, self.place);
            let opened = proc::open_to_write(self.world, self.place, &host, path);
            opened.map_err(|why| format!("{path}: {why}"))?;
            outputs.files.push((path.to_owned(), String::new()));
            return Ok(Goes::File(outputs.files.len() - 1));
        }
        if files::is_directory(self.world, path) {
            return Err(format!("{path}: Is a directory"));
        }
        let old = if append { files::read(self.world, self.env, path).map(|text| text.to_string()) } else { None };
        if !append {
            files::write(self.world, path, "");
        }
        outputs.files.push((path.to_owned(), old.unwrap_or_default()));
        Ok(Goes::File(outputs.files.len() - 1))
    }

    /// Sends what a command wrote where its streams go; the kernel may refuse what is written to its own files.
    fn deliver(&mut self, written: Vec<(Stream, String)>, mut outputs: Outputs) -> Result<(), Errno> {
        for (stream, text) in written {
            let fd = if stream == Stream::Stdout { 1 } else { 2 };
            match outputs.fds.get(&fd) {
                Some(Goes::To(stream)) => self.out.push((*stream, text)),
                Some(Goes::File(number)) => outputs.files[*number].1.push_str(&text),
                Some(Goes::Nowhere) | None => {}
            }
        }
        let host = hosts::name_of(self.world, self.place);
        for (path, text) in outputs.files {
            match proc::is_kernels(&path) {
                true if text.is_empty() => {}
                true => proc::write(self.world, &host, &path, &text)?,
                false => files::write(self.world, &path, &text),
            }
        }
        Ok(())
    }
}
