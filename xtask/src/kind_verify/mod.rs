//! `cargo xtask kind-verify`: runs the lessons on a real Kubernetes and compares each claim.
//!
//! A cluster of kind is made for the run, under a name and a KUBECONFIG of its own, and removed afterwards however
//! the run ends: well, with a difference, or by INT, TERM or HUP. After KILL the next run removes what was left.
//! With `--context` a cluster that is there already is used, inside a namespace made for the run.
//!
//! * [`child`]: starting programs, with an eye on signals
//! * [`cluster`]: the cluster's life
//! * [`world`]: lessons on it
//! * [`known`]: differences that are understood
//! * [`crate::report`]: table, JSON, JUnit, record
//!
//! Leaves out: clusters that are made by anything but kind, and load balancing compared as a distribution (no lesson
//! claims one yet).

mod child;
mod cluster;
mod known;
mod world;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use portlab_scenarios::model::Lesson;
use portlab_scenarios::{grade, read};

use crate::report::{self, LessonReport, Report};
use child::{Interrupted, Runner};
use cluster::Cluster;

mod flags {
    use std::path::PathBuf;

    xflags::xflags! {
        /// Runs the lessons on a real Kubernetes and compares each claim.
        cmd kind-verify {
            /// Only the lessons of these names (their folder's name without the number).
            repeated --only lesson: String
            /// The cluster's name; claims that name its nodes are read with this name. The default is portlab.
            optional --name name: String
            /// The image of the nodes. The default is kindest/node:v1.34.0.
            optional --node-image image: String
            /// Use the cluster of this context instead of making one; everything happens in a namespace of its own.
            optional --context context: String
            /// Keep the cluster, and say how to reach and how to remove it.
            optional --keep
            /// Write report.json, junit.xml and, after a difference, diagnostics into this folder.
            optional --report dir: PathBuf
            /// Print every command in order and run none.
            optional --dry-run
            /// Write what was seen into scenarios/records/kind.json, which the page shows as the lessons' badges.
            optional --record
            /// Read the lessons from this folder instead of scenarios/lessons; the records lie in its neighbour `records`.
            optional --lessons dir: PathBuf
        }
    }
}

/// The node image unless told otherwise: the Kubernetes that the engine models.
const NODE_IMAGE: &str = "kindest/node:v1.34.0";

/// What a run is asked to do.
pub struct Options {
    pub name: String,
    pub node_image: String,
    pub context: Option<String>,
    pub keep: bool,
    pub dry_run: bool,
    /// Where the run keeps its KUBECONFIG, its marker and the lessons' files.
    pub state: PathBuf,
}

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::KindVerify::from_vec(args).unwrap_or_else(|error| error.exit());
    let folder = flags.lessons.unwrap_or_else(|| crate::root().join("scenarios/lessons"));
    let records = folder.join("../records");
    let lessons = chosen(read::lessons(&folder).map_err(anyhow::Error::msg)?, &flags.only)?;
    let options = Options {
        name: flags.name.unwrap_or_else(|| "portlab".to_owned()),
        node_image: flags.node_image.unwrap_or_else(|| NODE_IMAGE.to_owned()),
        context: flags.context,
        keep: flags.keep,
        dry_run: flags.dry_run,
        state: state_folder()?,
    };
    if flags.record && (options.context.is_some() || options.dry_run || !flags.only.is_empty()) {
        bail!("--record goes with a whole run on a cluster of its own, not with --context, --dry-run or --only");
    }
    let mut runner = Runner::new(options.dry_run)?;
    let known = known::read(&records.join("known-differences.json"))?;
    let mut report = Report { command: "kind-verify", ..Report::default() };
    let outcome = verify(&mut runner, &options, &lessons, &mut report, flags.report.as_deref());
    if options.dry_run {
        return outcome.map(|()| ExitCode::SUCCESS);
    }
    known::settle(&mut report, &known);
    print!("{}", report.table());
    if let Some(dir) = &flags.report {
        report.write(dir)?;
    }
    if let Some(signal) = runner.signal() {
        eprintln!("xtask kind-verify: ended by a signal; the cluster and the files of this run are removed");
        return Ok(ExitCode::from(128 + u8::try_from(signal).unwrap_or(0)));
    }
    outcome?;
    if flags.record {
        report.record(&records.join("kind.json"), &lessons)?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `--only` by name; an unknown name is an error that lists the names.
fn chosen(lessons: Vec<Lesson>, only: &[String]) -> anyhow::Result<Vec<Lesson>> {
    if let Some(unknown) = only.iter().find(|name| !lessons.iter().any(|lesson| lesson.id == **name)) {
        let names: Vec<&str> = lessons.iter().map(|lesson| lesson.id.as_str()).collect();
        bail!("no lesson is named `{unknown}`; the lessons are: {}", names.join(", "));
    }
    Ok(lessons.into_iter().filter(|lesson| only.is_empty() || only.contains(&lesson.id)).collect())
}

/// A folder below target/: what is in it belongs to this command.
fn state_folder() -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::root().join("target"), PathBuf::from);
    let folder = folder.join("kind-verify");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Runs the lessons in groups that share a cluster. Each cluster is removed before the next is made.
fn verify(
    runner: &mut Runner,
    options: &Options,
    lessons: &[Lesson],
    report: &mut Report,
    diagnostics: Option<&Path>,
) -> anyhow::Result<()> {
    let (runs, skipped): (Vec<&Lesson>, Vec<&Lesson>) =
        lessons.iter().partition(|l| reason_to_skip(l, options).is_none());
    for lesson in skipped {
        report.lessons.push(LessonReport::not_run(lesson, reason_to_skip(lesson, options).unwrap_or_default()));
    }
    if runs.is_empty() {
        return Ok(());
    }
    cluster::remove_leftovers(runner, options)?;
    let mut groups: Vec<Vec<&Lesson>> = Vec::new();
    for lesson in runs {
        // A lesson that changes nodes leaves a cluster that is not as fresh as the next one expects.
        let fits = |group: &&mut Vec<&Lesson>| {
            group[0].cluster == lesson.cluster && !world::changes_nodes(group[group.len() - 1])
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(lesson),
            None => groups.push(vec![lesson]),
        }
    }
    for group in groups {
        run_group(runner, options, &group, report, diagnostics)?;
    }
    Ok(())
}

/// One cluster's life: made, used, looked at when something differed, removed.
fn run_group(
    runner: &mut Runner,
    options: &Options,
    lessons: &[&Lesson],
    report: &mut Report,
    diagnostics: Option<&Path>,
) -> anyhow::Result<()> {
    // What a failed start left behind is removed as well.
    let (cluster, made) = Cluster::make(runner, options, lessons);
    let used = made.and_then(|()| use_cluster(runner, options, &cluster, lessons, report));
    let differs = used.is_err() || !report.is_good();
    if let Some(dir) = diagnostics.filter(|_| differs && !options.dry_run) {
        cluster.diagnose(runner, &dir.join("diagnostics"));
    }
    let removed = cluster.remove(runner, options);
    match used {
        Err(error) if error.is::<Interrupted>() => removed,
        Err(error) => removed.and(Err(error)),
        Ok(()) => removed,
    }
}

fn use_cluster(
    runner: &mut Runner,
    options: &Options,
    cluster: &Cluster,
    lessons: &[&Lesson],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut versions = cluster.versions(runner)?;
    versions.node_image.clone_from(&options.node_image);
    report.versions.get_or_insert(versions);
    for lesson in lessons {
        if !options.dry_run {
            println!("{}: {} claims and more on {}", lesson.id, report::claims(lesson), cluster.title());
        }
        let mut world = world::Kind::new(runner, cluster);
        let graduation = grade::lesson(&mut world, lesson).map_err(anyhow::Error::msg);
        runner.check()?;
        report.lessons.push(LessonReport::of(lesson, &graduation?));
    }
    Ok(())
}

/// Why a lesson does not run in this world.
fn reason_to_skip(lesson: &Lesson, options: &Options) -> Option<String> {
    if let Some((_, reason)) = lesson.not_in.iter().find(|(world, _)| world == "kind") {
        return Some(reason.clone());
    }
    if options.context.is_some() && world::changes_nodes(lesson) {
        return Some("it changes nodes, and these are not this run's own".to_owned());
    }
    if options.context.is_some() && world::names_nodes(lesson) {
        return Some("it names the nodes of a cluster of kind".to_owned());
    }
    None
}
