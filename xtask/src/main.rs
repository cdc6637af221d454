//! `cargo xtask COMMAND`: everything a person runs in this repository. One file per command.
//!
//! The engine and the lessons start nothing; whatever starts a process, reads a file or opens a port is here.

mod bench;
mod bindings;
mod dist;
mod holder;
mod index_html;
mod install;
mod kernel;
mod kernel_verify;
mod kind_verify;
mod lessons;
mod notices;
mod page;
mod report;
mod schedule;
mod serve;
mod shell;
mod syscalls;
mod test;
mod toolchain;
mod worlds;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// A command: its name, what it does in one line, and the function that gets the words after the name.
struct Command {
    name: &'static str,
    summary: &'static str,
    run: fn(Vec<OsString>) -> anyhow::Result<ExitCode>,
}

const COMMANDS: &[Command] = &[
    Command { name: "serve", summary: "build the page and serve it on this machine", run: serve::run },
    Command {
        name: "kind-verify",
        summary: "run the lessons on a real Kubernetes and compare each claim",
        run: kind_verify::run,
    },
    Command {
        name: "kernel-verify",
        summary: "hold the engine's sockets against this machine's kernel",
        run: kernel_verify::run,
    },
    Command { name: "dist", summary: "write the static site to dist/, or one HTML file", run: dist::run },
    Command { name: "test", summary: "everything that continuous integration runs", run: test::run },
    Command { name: "lessons", summary: "check the lessons, or start a new one", run: lessons::run },
    Command { name: "notices", summary: "write THIRD-PARTY-NOTICES.txt from what is in the page", run: notices::run },
    Command {
        name: "schedule",
        summary: "what the scheduler answers for clusters given as JSON lines",
        run: schedule::run,
    },
    Command { name: "bench", summary: "the figures of the budget table, one a line", run: bench::run },
    Command {
        name: "shell",
        summary: "the lab's terminal; a script on standard input gives a transcript",
        run: shell::run,
    },
    Command {
        name: "syscalls",
        summary: "scripts of system calls in the engine, on this kernel, or in both",
        run: syscalls::run,
    },
];

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let name = args.next().unwrap_or_default();
    let name = name.to_string_lossy();
    if matches!(&*name, "-h" | "--help" | "help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        if !name.is_empty() {
            eprintln!("xtask: no command is named `{name}`\n");
        }
        eprint!("{}", help());
        return ExitCode::from(2);
    };
    match (command.run)(args.collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("cargo xtask COMMAND [OPTIONS]\n\n");
    for command in COMMANDS {
        text += &format!("  {:<14} {}\n", command.name, command.summary);
    }
    text + "\n`cargo xtask COMMAND --help` says what its options are.\n"
}

/// The folder of the checkout, whatever folder the command was started in.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the checkout")
}
