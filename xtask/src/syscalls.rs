//! `cargo xtask syscalls FILE…`: scripts of system calls in the engine, on this machine's kernel, or in both.
//!
//! Prints each file with the answers that came; behind a line whose answer is not the stated one, or on which the two
//! worlds differ, a comment says so.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use portlab_engine::linux::counters::Counters;
use portlab_engine::linux::sysctl::Sysctls;
use portlab_scenarios::syscalls::script::{Item, Line};
use portlab_scenarios::syscalls::{Answer, Call, Case, Script, Verdict, parse, parse_draft};

use crate::kernel;
use crate::worlds::{self, On, Outcome};

mod flags {
    use std::path::PathBuf;

    xflags::xflags! {
        /// Runs scripts of system calls and prints them with the answers.
        cmd syscalls {
            /// Where: engine, kernel or both. Both where the kernel can be asked, else the engine.
            optional --on world: String
            /// Leaves out cases that sleep longer than this many seconds in all.
            optional --max-sleep seconds: u64
            /// Writes into the files what the kernel answers. A port that is `?` stays so.
            optional --record
            /// The scripts.
            repeated file: PathBuf
        }
    }
}

/// What is counted over all files.
#[derive(Default)]
struct Sums {
    cases: usize,
    lines: usize,
    differing: usize,
    left_out: usize,
}

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Syscalls::from_vec(args).unwrap_or_else(|error| error.exit());
    ensure!(!flags.file.is_empty(), "name a file: cargo xtask syscalls FILE…");
    if flags.record {
        return record(&flags.file);
    }
    let on = on(flags.on.as_deref())?;
    let mut sums = Sums::default();
    for file in &flags.file {
        if flags.file.len() > 1 {
            println!("# {}", file.display());
        }
        let script = read(file, parse)?;
        let (left, kept): (Vec<Case>, Vec<Case>) =
            script.cases().into_iter().partition(|case| too_long(case, flags.max_sleep));
        sums.left_out += left.len();
        let outcomes = worlds::run(on, &kept)?;
        print!("{}", printed(&script, flags.max_sleep, &kept, &outcomes, &mut sums));
    }
    let Sums { cases, lines, differing, left_out } = sums;
    if left_out > 0 {
        println!("left out {left_out} cases that sleep longer than {} s", flags.max_sleep.unwrap_or_default());
    }
    println!("cases {cases}, lines {lines}, differing {differing}");
    Ok(if differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn on(name: Option<&str>) -> anyhow::Result<On> {
    let on = match name {
        None if kernel::lacking().is_none() => On::Both,
        None | Some("engine") => On::Engine,
        Some("kernel") => On::Kernel,
        Some("both") => On::Both,
        Some(other) => bail!("--on is engine, kernel or both, not `{other}`"),
    };
    if on != On::Engine
        && let Some(lacking) = kernel::lacking()
    {
        bail!("{lacking}");
    }
    Ok(on)
}

fn too_long(case: &Case, max_sleep: Option<u64>) -> bool {
    max_sleep.is_some_and(|seconds| case.sleep_millis() > seconds.saturating_mul(1000))
}

fn read(
    file: &Path,
    parse: fn(&str) -> Result<Script, portlab_scenarios::syscalls::ScriptError>,
) -> anyhow::Result<Script> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let (line, column) =
            (good.matches('\n').count() + 1, good.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1);
        let found = error.as_bytes()[good.len()];
        anyhow!(
            "{}, line {line}, column {column}: found the byte 0x{found:02x}, expected text in UTF-8",
            file.display()
        )
    })?;
    parse(&text).map_err(|error| anyhow!("{}, {error}", file.display()))
}

/// The file with answers in place of those stated, and a comment where something differs.
fn printed(script: &Script, max_sleep: Option<u64>, kept: &[Case], outcomes: &[Outcome], sums: &mut Sums) -> String {
    let mut text = String::new();
    let mut ran = kept.iter().zip(outcomes);
    // Lines of the case that is being printed; none in one that was left out.
    let mut current: Option<(&Outcome, usize)> = None;
    let mut all = script.cases().into_iter();
    let mut behind_separator = true;
    for item in &script.items {
        match item {
            Item::Case(_) => {
                behind_separator = true;
                let _ = writeln!(text, "{item}");
            }
            Item::Comment(_) | Item::Blank => {
                let _ = writeln!(text, "{item}");
            }
            Item::Call(line) => {
                if behind_separator {
                    behind_separator = false;
                    let left_out = all.next().is_some_and(|case| too_long(&case, max_sleep));
                    current = if left_out { None } else { ran.next().map(|(_, outcome)| (outcome, 0)) };
                    sums.cases += usize::from(!left_out);
                }
                let Some((outcome, index)) = &mut current else {
                    let _ = writeln!(text, "{line}");
                    continue;
                };
                sums.lines += 1;
                let mut shown = line.clone();
                if let Some(answer) = outcome.answer(*index) {
                    shown.stated = answer.clone();
                }
                let difference = outcome.difference(line, *index);
                sums.differing += usize::from(difference.is_some());
                let _ = match difference {
                    Some(difference) => writeln!(text, "{shown}  # DIFFERS: {difference}"),
                    None => writeln!(text, "{shown}"),
                };
                *index += 1;
            }
        }
    }
    text
}

/// Puts the kernel's answers into the files and drops the calls whose handle does not come.
fn record(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    if let Some(lacking) = kernel::lacking() {
        bail!("{lacking}");
    }
    for file in files {
        let script = read(file, parse_draft)?;
        let cases = script.cases();
        let answers = kernel::each(&cases, |place, case| place.record(case));
        let answers = answers.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let mut answers = answers.into_iter().flatten();
        let mut items = Vec::new();
        for item in script.items {
            let Item::Call(mut line) = item else {
                items.push(item);
                continue;
            };
            if let Some(answer) = answers.next().flatten() {
                line.stated = recorded(&line.stated, answer);
                items.push(Item::Call(line));
            }
        }
        let text = Script { items }.to_string();
        parse(&text).map_err(|error| anyhow!("{} as recorded, {error}", file.display()))?;
        fs::write(file, text).with_context(|| file.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer as it is written down: a port stays open where it was.
fn recorded(stated: &Answer, answer: Answer) -> Answer {
    match (stated, answer) {
        (Answer::Address { port: None, .. }, Answer::Address { ip, .. }) => Answer::Address { ip, port: None },
        (_, answer) => answer,
    }
}

/// Whether the call asks for a setting or a counter that the kernel may have and portlab has not.
fn not_modelled(call: &Call) -> bool {
    match call {
        Call::Sysctl { name, .. } => Sysctls::default().get(name).is_none(),
        Call::Counter(name) => Counters::default().named(name).is_none(),
        _ => false,
    }
}

impl Outcome {
    /// What is printed: the kernel's answer, else the engine's.
    fn answer(&self, index: usize) -> Option<&Answer> {
        let verdicts = self.kernel.as_ref().map(|tried| &tried.verdicts).or(self.engine.as_ref());
        verdicts.and_then(|verdicts| verdicts[index].answer())
    }

    /// In which world the line is not as stated, and where the worlds differ.
    fn difference(&self, line: &Line, index: usize) -> Option<String> {
        let kernel = self.kernel.as_ref().map(|tried| &tried.verdicts[index]);
        let engine = self.engine.as_ref().map(|verdicts| &verdicts[index]);
        let apart = self.apart == Some(index);
        if !apart && !kernel.is_some_and(Verdict::differs) && !engine.is_some_and(Verdict::differs) {
            return None;
        }
        let mut words = vec![format!("stated {}", line.stated)];
        for (world, verdict) in [("kernel", kernel), ("engine", engine)] {
            let Some(verdict) = verdict else { continue };
            words.push(match verdict {
                _ if world == "engine" && not_modelled(&line.call) => "engine: portlab does not model it".to_owned(),
                Verdict::NoHandle(name) => format!("{world}: no socket is named {name}"),
                Verdict::NotCompared => format!("{world}: not run"),
                Verdict::Agrees(answer) | Verdict::Differs(answer) | Verdict::Chance(answer) => {
                    format!("{world} {answer}")
                }
            });
        }
        if let Some(tried) = &self.kernel
            && !tried.before.is_empty()
        {
            words.push(format!("the kernel was asked {} times", tried.before.len() + 1));
        }
        Some(words.join(", "))
    }
}
