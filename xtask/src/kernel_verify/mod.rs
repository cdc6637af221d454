//! `cargo xtask kernel-verify`: the engine held against this machine's kernel.
//!
//! The lessons that need no cluster, commands and system calls, and the scripts under `engine/fixtures/syscalls`, whose
//! answers are stated; with `--fuzz` random scripts after several habits, whose answers are the kernel's own. What differs
//! is made as small as it gets and printed with both answers. Everything happens in namespaces of the run's own.

mod compare;
mod draft;
mod habits;
#[cfg(target_os = "linux")]
mod lessons;
mod random;
mod shrink;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use portlab_scenarios::model::Lesson;
use portlab_scenarios::read;
use portlab_scenarios::syscalls::{Case, Verdict, parse};
use serde_json::json;

use crate::worlds::{self, On};
use crate::{install, kernel, report};
use compare::{Differing, compare};
use habits::Habit;
use random::Random;

mod flags {
    use std::path::PathBuf;

    xflags::xflags! {
        /// Holds the engine against this machine's kernel.
        cmd kernel-verify {
            /// Compare this many random cases instead of the fixtures.
            optional --fuzz cases: usize
            /// The seed of the random cases; 1 unless given.
            optional --seed seed: u64
            /// Random cases of this habit only. May be given more than once.
            repeated --habit name: String
            /// Leaves out cases that sleep longer than this many seconds in all; 5 unless given.
            optional --max-sleep seconds: u64
            /// The lessons or fixtures of this name only. May be given more than once.
            repeated --only name: String
            /// Differences that are made small and shown; 10 unless given.
            optional --show count: usize
            /// Write report.json, junit.xml and the scripts that differ into this folder.
            optional --report dir: PathBuf
            /// Print the cases and ask nobody.
            optional --dry-run
            /// Write what was seen of the lessons into scenarios/records/kernel.json, which the page shows as their badges.
            optional --record
        }
    }
}

/// What a run came to.
#[derive(Default)]
struct Report {
    cases: usize,
    lines: usize,
    differing: usize,
    left_out: usize,
    /// Per kind of difference: how many cases, and the smallest scripts.
    kinds: BTreeMap<String, (usize, Vec<String>)>,
}

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::KernelVerify::from_vec(args).unwrap_or_else(|error| error.exit());
    let habits = chosen(&flags.habit)?;
    let max_sleep_millis = flags.max_sleep.unwrap_or(5).saturating_mul(1000);
    let seed = flags.seed.unwrap_or(1);
    let drafts = |count: usize| -> Vec<Case> {
        (0..count).map(|index| draft::case(habits[index % habits.len()], Random::of_case(seed, index as u64))).collect()
    };
    let (lessons, fixtures) = named(&flags.only)?;
    if flags.record && (flags.fuzz.is_some() || flags.dry_run || !flags.only.is_empty()) {
        bail!("--record goes with a whole run, not with --fuzz, --dry-run or --only");
    }
    if flags.dry_run {
        match flags.fuzz {
            Some(count) => drafts(count).iter().for_each(|case| print!("---\n{case}")),
            None => {
                lessons.iter().for_each(|lesson| println!("{}: {} claims", lesson.id, report::claims(lesson)));
                fixtures.iter().for_each(|(name, cases)| println!("{name}: {} cases", cases.len()));
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(lacking) = kernel::lacking() {
        bail!("{lacking}");
    }
    let lessons_hold = flags.fuzz.is_some() || hold(&lessons, flags.report.as_deref(), flags.record)?;
    if fixtures.is_empty() && flags.fuzz.is_none() {
        return Ok(if lessons_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut report = Report::default();
    let started = Instant::now();
    if let Some(count) = flags.fuzz {
        // A panic of the engine is an answer here; its message would come once for each try.
        std::panic::set_hook(Box::new(|_| {}));
        let (kept, left): (Vec<Case>, Vec<Case>) =
            drafts(count).into_iter().partition(|case| case.sleep_millis() <= max_sleep_millis);
        report.left_out = left.len();
        fuzz(&kept, flags.show.unwrap_or(10), &mut report)?;
        let _ = std::panic::take_hook();
    } else {
        for (name, cases) in &fixtures {
            stated(name, cases, max_sleep_millis, &mut report)?;
        }
    }
    for (kind, (count, scripts)) in &report.kinds {
        println!("\n== {count} × {kind}");
        for script in scripts {
            println!("---\n{script}");
        }
    }
    if let Some(dir) = &flags.report {
        report.write(dir)?;
    }
    if report.left_out > 0 {
        println!("left out {} cases that sleep longer than {} s", report.left_out, max_sleep_millis / 1000);
    }
    println!("{:.1} s", started.elapsed().as_secs_f64());
    println!("cases {}, lines {}, differing {}", report.cases, report.lines, report.differing);
    Ok(if report.differing == 0 && lessons_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Habit>> {
    if let Some(unknown) = names.iter().find(|name| habits::all().all(|habit| habit.name != **name)) {
        let known: Vec<&str> = habits::all().map(|habit| habit.name).collect();
        bail!("no habit is named `{unknown}`; there are {}", known.join(", "));
    }
    Ok(habits::all().filter(|habit| names.is_empty() || names.iter().any(|name| name == habit.name)).collect())
}

/// Scripts by their files' names.
type Fixtures = Vec<(String, Vec<Case>)>;

/// The lessons and the scripts of these names; all where none is named.
fn named(only: &[String]) -> anyhow::Result<(Vec<Lesson>, Fixtures)> {
    let lessons = read::lessons(&crate::root().join("scenarios/lessons")).map_err(anyhow::Error::msg)?;
    let fixtures = fixtures()?;
    let known = |name: &String| {
        lessons.iter().any(|lesson| lesson.id == *name) || fixtures.iter().any(|(fixture, _)| fixture == name)
    };
    if let Some(unknown) = only.iter().find(|name| !known(name)) {
        let mut names: Vec<&str> = lessons.iter().map(|lesson| lesson.id.as_str()).collect();
        names.extend(fixtures.iter().map(|(name, _)| name.as_str()));
        bail!("no lesson and no fixture is named `{unknown}`; there are {}", names.join(", "));
    }
    let wanted = |name: &String| only.is_empty() || only.contains(name);
    let lessons = lessons.into_iter().filter(|lesson| wanted(&lesson.id)).collect();
    Ok((lessons, fixtures.into_iter().filter(|(name, _)| wanted(name)).collect()))
}

/// The scripts that state the kernel's answers.
fn fixtures() -> anyhow::Result<Fixtures> {
    let folder = crate::root().join("engine/fixtures/syscalls");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut fixtures = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let script = parse(&text).map_err(|error| anyhow!("{}, {error}", file.display()))?;
        fixtures.push((name, script.cases()));
    }
    Ok(fixtures)
}

/// Runs the lessons; whether every claim is as stated.
#[cfg(target_os = "linux")]
fn hold(lessons: &[Lesson], dir: Option<&Path>, record: bool) -> anyhow::Result<bool> {
    if lessons.is_empty() {
        return Ok(true);
    }
    install_programs()?;
    let report = lessons::verify(lessons);
    println!("{}", report.table());
    if let Some(dir) = dir {
        report.write(&dir.join("lessons"))?;
    }
    if record {
        report.record(&crate::root().join("scenarios/records/kernel.json"), lessons)?;
    }
    Ok(report.is_good())
}

/// Installs what lessons run where it is missing; elsewhere than on Debian that is the person's.
///
/// # Errors
/// What is missing cannot be installed.
pub fn install_programs() -> anyhow::Result<()> {
    if install::is_debian_kin() { install::debian_packages(&PACKAGES, "for the lessons' commands") } else { Ok(()) }
}

/// The Debian packages of the programs that lessons run.
const PACKAGES: [&str; 10] = [
    "bash",
    "conntrack",
    "curl",
    "iproute2",
    "iptables",
    "lsof",
    "net-tools",
    "netcat-openbsd",
    "procps",
    "util-linux",
];

#[cfg(not(target_os = "linux"))]
fn hold(_: &[Lesson], _: Option<&Path>, _: bool) -> anyhow::Result<bool> {
    anyhow::bail!(kernel::lacking().unwrap_or_default())
}

/// Cases whose answers are stated: both worlds must give them.
fn stated(name: &str, cases: &[Case], max_sleep_millis: u64, report: &mut Report) -> anyhow::Result<()> {
    let (kept, left): (Vec<Case>, Vec<Case>) =
        cases.iter().cloned().partition(|case| case.sleep_millis() <= max_sleep_millis);
    report.left_out += left.len();
    let outcomes = worlds::run(On::Both, &kept)?;
    for (case, outcome) in kept.iter().zip(outcomes) {
        report.cases += 1;
        report.lines += case.lines.len();
        let first = |verdicts: Option<&Vec<Verdict>>| verdicts?.iter().position(Verdict::differs);
        let kernel = outcome.kernel.as_ref().map(|tried| &tried.verdicts);
        let engine = outcome.engine.as_ref();
        let index = [first(kernel), first(engine), outcome.apart].into_iter().flatten().min();
        if let Some(index) = index {
            report.differing += 1;
            let line = &case.lines[index];
            let said = |verdicts: Option<&Vec<Verdict>>| {
                verdicts.and_then(|verdicts| verdicts[index].answer()).map_or("nothing".to_owned(), ToString::to_string)
            };
            let kind = format!("{name}: stated {}, kernel {}, engine {}", line.stated, said(kernel), said(engine));
            report.add(kind, || format!("# line {}\n{case}", line.number));
        }
    }
    Ok(())
}

/// Drafts whose answers are the kernel's.
fn fuzz(drafts: &[Case], show: usize, report: &mut Report) -> anyhow::Result<()> {
    let stop = AtomicBool::new(false);
    let results = kernel::each(drafts, |place, draft| {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        compare(place, draft).inspect_err(|_| stop.store(true, Ordering::Relaxed))
    });
    let mut found: BTreeMap<String, Vec<Differing>> = BTreeMap::new();
    for (draft, result) in drafts.iter().zip(results) {
        report.cases += 1;
        report.lines += draft.lines.len();
        if let Some(differing) = result? {
            report.differing += 1;
            found.entry(differing.kind()).or_default().push(differing);
        }
    }
    // Of each kind one, the shortest; then a second of each, as long as there is room.
    let mut chosen: Vec<Differing> = Vec::new();
    for of_kind in found.values_mut() {
        of_kind.sort_by_key(|differing| differing.index);
    }
    for rank in 0..3 {
        chosen.extend(found.values().filter_map(|of_kind| of_kind.get(rank)).cloned());
    }
    chosen.truncate(show);
    let small = kernel::each(&chosen, |place, differing| shrink::shrink(place, differing.clone()));
    for (kind, of_kind) in &found {
        report.kinds.entry(kind.clone()).or_default().0 += of_kind.len();
    }
    for (before, differing) in chosen.iter().zip(small) {
        let differing = differing?;
        let text = format!("{}# engine: {}\n", differing.case, differing.engine);
        let tries: String = differing.tries.iter().map(|line| format!("# a try before: {line}\n")).collect();
        // Two kinds may come down to the same script.
        if !report.kinds.values().flat_map(|(_, scripts)| scripts).any(|other| other.starts_with(&text)) {
            report.kinds.entry(before.kind()).or_default().1.push(text + &tries);
        }
    }
    Ok(())
}

impl Report {
    /// Counts a difference; the first of a kind is shown.
    fn add(&mut self, kind: String, script: impl FnOnce() -> String) {
        let (count, scripts) = self.kinds.entry(kind).or_default();
        *count += 1;
        if scripts.is_empty() {
            scripts.push(script());
        }
    }

    fn write(&self, dir: &PathBuf) -> anyhow::Result<()> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let kinds: Vec<_> = self
            .kinds
            .iter()
            .map(|(kind, (count, scripts))| json!({"kind": kind, "cases": count, "scripts": scripts}))
            .collect();
        let report = json!({
            "cases": self.cases, "lines": self.lines, "differing": self.differing, "left_out": self.left_out,
            "differences": kinds,
        });
        fs::write(dir.join("report.json"), format!("{report:#}\n"))?;
        let scripts: Vec<&str> = self.kinds.values().flat_map(|(_, scripts)| scripts).map(String::as_str).collect();
        fs::write(dir.join("differing.txt"), scripts.join("---\n"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
