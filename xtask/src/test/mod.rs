//! `cargo xtask test`: everything that continuous integration runs, each step whether or not the one before held.
//!
//! What the runners themselves said is repeated at the end, under it a line a step, and a last line with the sums.

pub mod browser;
mod tally;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use crate::page::{Builder, Profile, Site};
use crate::toolchain::{self, Toolchain};
use crate::{dist, install, notices};
use tally::Tally;

mod flags {
    xflags::xflags! {
        /// Runs everything that continuous integration runs.
        cmd test {
            /// Run this step only: format, lints, tests, kernel, lessons, page, notices or browser. May be given more than once.
            repeated --only step: String
        }
    }
}

/// What the steps share.
struct Session {
    tally: Tally,
    /// Found by the first step that compiles for the browser.
    toolchain: Option<Toolchain>,
    /// The site as people visit it, once a step has built it.
    site: Option<Site>,
}

/// What a step that did not fail came to.
enum Outcome {
    Held,
    /// Not run, with the reason.
    Skipped(String),
}

struct Step {
    name: &'static str,
    run: fn(&mut Session) -> anyhow::Result<Outcome>,
}

const STEPS: [Step; 8] = [
    Step { name: "format", run: format },
    Step { name: "lints", run: lints },
    Step { name: "tests", run: tests },
    Step { name: "kernel", run: kernel },
    Step { name: "lessons", run: lessons },
    Step { name: "page", run: page },
    Step { name: "notices", run: notices },
    Step { name: "browser", run: browser },
];

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Test::from_vec(args).unwrap_or_else(|error| error.exit());
    if let Some(unknown) = flags.only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("no step is named `{unknown}`; there are {}", STEPS.map(|step| step.name).join(", "));
    }
    let mut session = Session { tally: Tally::default(), toolchain: None, site: None };
    for step in STEPS.iter().filter(|step| flags.only.is_empty() || flags.only.iter().any(|name| name == step.name)) {
        println!("\n== {} ==", step.name);
        let started = Instant::now();
        let failed_before = session.tally.failed_tests();
        let outcome = (step.run)(&mut session);
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(Outcome::Held) => session.tally.held(step.name, seconds),
            Ok(Outcome::Skipped(reason)) => session.tally.skipped(step.name, &reason),
            Err(error) => {
                eprintln!("{}: {error:#}", step.name);
                let counted = session.tally.failed_tests() > failed_before;
                session.tally.failed(step.name, seconds, counted);
            }
        }
    }
    print!("\n{}", session.tally);
    Ok(if session.tally.all_held() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn format(session: &mut Session) -> anyhow::Result<Outcome> {
    if !component("fmt", "rustfmt")? {
        return Ok(Outcome::Skipped("this toolchain has no rustfmt".into()));
    }
    session.check(cargo().args(["fmt", "--all", "--check"]))
}

/// The engine's own rules (clippy.toml there) hold for what is shipped; tests may read files.
fn lints(session: &mut Session) -> anyhow::Result<Outcome> {
    if !component("clippy", "clippy")? {
        return Ok(Outcome::Skipped("this toolchain has no clippy".into()));
    }
    session.check(cargo().args([
        "clippy",
        "--workspace",
        "--keep-going",
        "--lib",
        "--bins",
        "--",
        "-D",
        "warnings",
    ]))?;
    let tests = ["-A", "clippy::disallowed_methods", "-A", "clippy::disallowed_types"];
    session.check(
        cargo().args(["clippy", "--workspace", "--keep-going", "--all-targets", "--", "-D", "warnings"]).args(tests),
    )?;
    let toolchain = session.toolchain()?;
    if toolchain.is_host() {
        let page = ["--package", "portlab-web", "--package", "portlab-web-jq", "--target", toolchain::TARGET];
        let target_dir = toolchain.target_dir.clone();
        session.check(
            cargo().arg("clippy").args(page).arg("--target-dir").arg(target_dir).args(["--", "-D", "warnings"]),
        )?;
    }
    Ok(Outcome::Held)
}

fn tests(session: &mut Session) -> anyhow::Result<Outcome> {
    // Some ask the kernel by the programs that lessons run.
    if crate::kernel::lacking().is_none() {
        crate::kernel_verify::install_programs()?;
    }
    session.check(cargo().args(["test", "--workspace", "--exclude", browser::PACKAGE, "--no-fail-fast"]))
}

/// The sockets of the engine against those of this machine: the stated scripts, and random ones.
fn kernel(_: &mut Session) -> anyhow::Result<Outcome> {
    if let Some(lacking) = crate::kernel::lacking() {
        return Ok(Outcome::Skipped(lacking));
    }
    for args in [vec![], vec!["--fuzz".into(), "2000".into(), "--seed".into(), "1".into()]] {
        let code = crate::kernel_verify::run(args)?;
        ensure!(code == ExitCode::SUCCESS, "the engine differs from the kernel");
    }
    Ok(Outcome::Held)
}

fn lessons(_: &mut Session) -> anyhow::Result<Outcome> {
    let code = crate::lessons::run(vec!["check".into()])?;
    ensure!(code == ExitCode::SUCCESS, "a lesson does not pass");
    Ok(Outcome::Held)
}

fn page(session: &mut Session) -> anyhow::Result<Outcome> {
    let site = session.site()?;
    print!("{}", dist::sizes(site));
    dist::check(dist::first_visit_gzip_bytes(site))?;
    Ok(Outcome::Held)
}

fn notices(_: &mut Session) -> anyhow::Result<Outcome> {
    notices::check(crate::root())?;
    Ok(Outcome::Held)
}

fn browser(session: &mut Session) -> anyhow::Result<Outcome> {
    let site = session.site()?.clone();
    browser::run(session, site)
}

impl Session {
    /// Runs a command to its end, shows what it prints, and keeps the lines in which a test runner sums up.
    fn check(&mut self, command: &mut Command) -> anyhow::Result<Outcome> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cargo does not start")?;
        let printed = BufReader::new(child.stdout.take().expect("it is piped"));
        for line in printed.split(b'\n') {
            let mut line = line?;
            self.tally.line(&String::from_utf8_lossy(&line));
            line.push(b'\n');
            std::io::stdout().write_all(&line)?;
        }
        let status = child.wait()?;
        ensure!(status.success(), "{:?} failed ({status})", command.get_args().collect::<Vec<_>>());
        Ok(Outcome::Held)
    }

    fn toolchain(&mut self) -> anyhow::Result<&Toolchain> {
        if self.toolchain.is_none() {
            self.toolchain = Some(toolchain::find(crate::root())?);
        }
        Ok(self.toolchain.as_ref().expect("it was found just now"))
    }

    fn site(&mut self) -> anyhow::Result<&Site> {
        if self.site.is_none() {
            let toolchain = self.toolchain()?.clone();
            self.site = Some(Builder::new(crate::root(), toolchain, Profile::Release).site()?);
        }
        Ok(self.site.as_ref().expect("it was built just now"))
    }
}

/// The cargo that runs xtask, in the checkout.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::root());
    command
}

/// Whether `cargo SUBCOMMAND` is there, after rustup was asked for its component where it was not.
fn component(subcommand: &str, component: &str) -> anyhow::Result<bool> {
    let there = || cargo().args([subcommand, "--version"]).output().is_ok_and(|output| output.status.success());
    if there() {
        return Ok(true);
    }
    if install::on_path("rustup").is_none() {
        return Ok(false);
    }
    println!("installing a part of the toolchain: rustup component add {component}");
    let status = Command::new("rustup").args(["component", "add", component]).stdin(Stdio::null()).status()?;
    ensure!(status.success() && there(), "rustup could not add {component} ({status})");
    Ok(true)
}
