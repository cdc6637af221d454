//! The shell of the lab: bash as far as lessons and the material need it.
//!
//! The way of a line: [`lex`] and [`parse`] read one complete command line at a time, `expand` makes arguments of words,
//! [`exec`] runs them. Everything is bounded: nesting, turns of loops, commands, expansion, output.
//! Source: POSIX.1-2017, "Shell Command Language", and the manual of bash 5.2 for what goes beyond.
//!
//! Left out, each with a message: programs in the background that are not servers, arrays, `select`, `coproc`, traps, history expansion.

mod arithmetic;
pub mod ast;
mod brace;
mod builtins;
mod conditions;
pub(crate) mod escape;
pub mod exec;
mod expand;
mod lex;
pub mod parse;
pub(crate) mod pattern;
#[cfg(test)]
mod tests;

pub(crate) use builtins::{echo_text, with_escapes};

use crate::kube::kubelet::hosts;
use crate::lab::{Output, Place, Stream};
use crate::world::World;
use exec::{Shell, Stop};
use parse::{Parser, Problem};

use super::{Env, jobs};

/// Bytes of commands that are read at most.
const TEXT_MAX: usize = 1 << 20;

/// Runs a text of commands at a place, in the shell that the place keeps from line to line.
pub fn run(world: &mut World, place: &Place, text: &str) -> Output {
    let mut env = world.shells.remove(place).unwrap_or_else(|| Env::at(place));
    env.pipes.clear();
    let output = within(world, place, |world| run_in(world, place, &mut env, text));
    world.shells.insert(place.clone(), env);
    output
}

fn run_in(world: &mut World, place: &Place, env: &mut Env, text: &str) -> Output {
    if text.len() > TEXT_MAX {
        let text = format!("bash: portlab reads at most {TEXT_MAX} bytes of commands\n");
        return Output { chunks: vec![(Stream::Stderr, text)], exit: 2 };
    }
    let mut shell = Shell::new(world, place, env);
    let done = shell.text_of_commands(text);
    let exit = match done {
        Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => status,
        Err(Stop::Break(_) | Stop::Continue(_)) => 0,
        Err(Stop::Failed(text)) => {
            shell.complain(&text);
            1
        }
        Err(Stop::Bound(text)) => {
            shell.complain(&text);
            2
        }
    };
    let mut chunks = std::mem::take(&mut shell.out);
    chunks.extend(jobs::news(world, place));
    env.status = exit;
    env.locals.clear();
    env.options.errexit = false;
    Output { chunks, exit }
}

/// Runs one program with its arguments, for `xargs`, `docker exec` and `watch`.
pub(crate) fn run_program(world: &mut World, place: &Place, env: &mut Env, args: Vec<String>, stdin: String) -> Output {
    within(world, place, |world| call(world, place, env, args, stdin))
}

/// Runs something with the files of a place: the lab's, or those of a node or container.
fn within(world: &mut World, place: &Place, run: impl FnOnce(&mut World) -> Output) -> Output {
    let away = matches!(place, Place::Node(_) | Place::Pod { .. });
    if !away || world.container_files.is_some() {
        return run(world);
    }
    world.container_files = Some(hosts::files_of(world, place));
    let output = run(world);
    world.container_files = None;
    output
}

fn call(world: &mut World, place: &Place, env: &mut Env, args: Vec<String>, stdin: String) -> Output {
    let mut shell = Shell::new(world, place, env);
    shell.stdin = stdin;
    let exit = match shell.call(args) {
        Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => status,
        Err(Stop::Break(_) | Stop::Continue(_)) => 0,
        Err(Stop::Failed(text) | Stop::Bound(text)) => {
            shell.complain(&text);
            2
        }
    };
    Output { chunks: std::mem::take(&mut shell.out), exit }
}

/// Whether a text of commands is not complete yet: a terminal then asks for another line before it runs anything.
#[must_use]
pub fn needs_more(text: &str) -> bool {
    if text.len() > TEXT_MAX {
        return false;
    }
    let continued = text.strip_suffix('\n').unwrap_or(text);
    let backslashes = continued.chars().rev().take_while(|c| *c == '\\').count();
    let mut parser = Parser::new(text);
    loop {
        match parser.next_line() {
            Ok(Some(_)) => {}
            Ok(None) => return backslashes % 2 == 1,
            Err(Problem::Incomplete(_)) => return true,
            Err(_) => return false,
        }
    }
}

/// Whether the end of an incomplete text is the body of a here-document, whose lines get no prompt.
#[must_use]
pub fn in_here_document(text: &str) -> bool {
    let mut parser = Parser::new(text);
    loop {
        match parser.next_line() {
            Ok(Some(_)) => {}
            Err(Problem::Incomplete(why)) => return why.starts_with("here-document"),
            Ok(None) | Err(_) => return false,
        }
    }
}

/// What bash says of a text that it cannot read.
fn problem_text(problem: &Problem) -> String {
    match problem {
        Problem::Incomplete(text) | Problem::Bound(text) => text.clone(),
        Problem::Unexpected(token) => format!("syntax error near unexpected token `{token}'"),
    }
}

/// The names that the shell runs by itself, for completion and `help`.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    builtins::names()
}
