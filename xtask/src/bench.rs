//! `cargo xtask bench`: the figures of the design's budget table, one `name value unit` a line, in the release profile.
//!
//! The engine's own come from an example of the crate `portlab-scenarios`. The page's are taken in a Chromium that
//! opens it from a local server: a script at the start of index.html, which only this command puts there, tells the
//! server when the first paint was and when home, or a lesson's bench, was there. With `?large` it then types commands
//! that make ten thousand replicas, and tells how long the page stood still for each and for a key pressed afterwards.
//! With `?heatmap` it lets the source ports run out and come back, and tells how long frames take meanwhile.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};

use crate::kernel;
use crate::page::{Builder, Profile, Site};
use crate::test::browser;
use crate::{dist, serve, toolchain};

#[cfg(target_os = "linux")]
mod ports;

mod flags {
    xflags::xflags! {
        /// Prints the figures of the design's budget table, one `name value unit` a line.
        cmd bench {
            /// Leave out what needs a browser or a build of the page.
            optional --engine-only
        }
    }
}

/// How often the page is opened; the median counts.
const VISITS: usize = 5;

/// A page that does not say it is ready within this time has failed.
const READY_MAX: Duration = Duration::from_secs(90);

/// Runs before anything else in the page. It reports once, when the first paint has been and the page is ready.
const REPORTER: &str = include_str!("bench/reporter.js");

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Bench::from_vec(args).unwrap_or_else(|error| error.exit());
    engine()?;
    if !flags.engine_only {
        page()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn engine() -> anyhow::Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--release", "--package", "portlab-scenarios", "--example", "figures"]);
    cargo.stderr(Stdio::inherit());
    let output = cargo.current_dir(crate::root()).output().context("cargo does not start")?;
    ensure!(output.status.success(), "the engine's figures could not be taken");
    let figures = String::from_utf8(output.stdout)?;
    print!("{figures}");
    let of_engine = |name: &str| -> Option<f64> {
        figures.lines().find_map(|line| line.strip_prefix(name)?.split(' ').nth(1)?.parse().ok())
    };
    if let Some(lacking) = kernel::lacking() {
        eprintln!("the kernel's figures are left out: {lacking}");
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    for (name, value) in ports::of_kernel()? {
        print(&format!("kernel_{name}"), value, "ms");
        if let Some(engine) = of_engine(name) {
            print(&format!("{name}_times_faster"), value / engine, "times");
        }
    }
    Ok(())
}

fn page() -> anyhow::Result<()> {
    let root = crate::root();
    let toolchain = toolchain::find(root)?;
    let site = Builder::new(root, toolchain.clone(), Profile::Release).site()?;
    print("first_visit_gzip", dist::first_visit_gzip_bytes(&site) as f64 / 1000.0, "KB");
    print("first_lesson_gzip", dist::first_lesson_gzip_bytes(&site) as f64 / 1000.0, "KB");
    visits(&site)?;

    let mut builder = Builder::new(root, toolchain, Profile::Dev);
    builder.site()?;
    // An edit is a source that is newer than what was built of it; its text stays as it is.
    let edited = std::fs::File::options().append(true).open(root.join("web/src/main.rs"))?;
    edited.set_modified(SystemTime::now())?;
    let started = Instant::now();
    builder.site()?;
    print("rebuild_after_edit_in_web", started.elapsed().as_secs_f64(), "s");
    Ok(())
}

fn print(name: &str, value: f64, unit: &str) {
    println!("{name} {value:.3} {unit}");
}

/// Opens home and the first lesson with a cluster, each in a browser that has never seen the page.
fn visits(site: &Site) -> anyhow::Result<()> {
    let mut site = site.clone();
    let index = site.get_mut("index.html").context("the site has an index.html")?;
    let head = format!("<head><script>{REPORTER}</script>");
    let html = String::from_utf8(index.content.clone())?.replacen("<head>", &head, 1);
    index.content = html.into_bytes();
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    let url = format!("http://{}/", listener.local_addr()?);
    let (sender, reports) = channel();
    serve::answer_and_tell(listener, &Arc::new(RwLock::new(site)), Some(sender))?;

    let profiles = std::env::temp_dir().join(format!("portlab-bench-{}", std::process::id()));
    let lessons = portlab_scenarios::lessons();
    let lesson = &lessons.iter().find(|lesson| lesson.cluster.nodes > 0).context("no lesson has a cluster")?.id;
    for (name, path) in [("home", String::new()), ("lesson", format!("#/lesson/{lesson}"))] {
        let mut paints = Vec::new();
        let mut readies = Vec::new();
        for n in 0..VISITS {
            let profile = profiles.join(format!("{name}-{n}"));
            let seen = visit(&format!("{url}{path}"), &profile, &reports)?;
            let figure = |name| seen.iter().find(|(of, _)| of == name).map_or(f64::NAN, |(_, value)| *value);
            paints.push(figure("paint"));
            readies.push(figure("ready"));
        }
        print(&format!("first_paint_{name}"), median(&mut paints), "ms");
        print(&format!("ready_{name}"), median(&mut readies), "ms");
    }
    for (name, value) in visit(&format!("{url}?large#/lesson/{lesson}"), &profiles.join("large"), &reports)? {
        print(&format!("page_{name}"), value, if name.starts_with("drawn") { "elements" } else { "ms" });
    }
    for (name, value) in visit(&format!("{url}?heatmap#/source-ports"), &profiles.join("heatmap"), &reports)? {
        print(&name, value, if name.ends_with("frames") { "frames" } else { "ms" });
    }
    // A browser that was ended may still write for a moment; what is left of it lies in the folder for such things.
    let _still_written = std::fs::remove_dir_all(&profiles);
    Ok(())
}

/// One visit, and what the page reported of it: the first paint and when it was ready, in milliseconds after
/// navigation start, or the figures of `?large` or `?heatmap`.
fn visit(url: &str, profile: &Path, reports: &Receiver<String>) -> anyhow::Result<Vec<(String, f64)>> {
    let chromium = browser::chromium()?;
    let mut command = Command::new(chromium);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1440,900"]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(["--remote-debugging-port=0", url]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let report = reports.recv_timeout(READY_MAX);
    child.kill()?;
    child.wait()?;
    let report = report.with_context(|| format!("{url} did not say that it is ready"))?;
    figures(&report).with_context(|| format!("a report that is none: {report}"))
}

/// Names and values of "/figures?paint=31.5&ready=80".
fn figures(report: &str) -> Option<Vec<(String, f64)>> {
    let pairs = report.strip_prefix("/figures?")?.split('&');
    pairs
        .map(|pair| pair.split_once('=').and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?))))
        .collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_names_and_numbers() {
        let read = figures("/figures?paint=31.5&ready=80");
        assert_eq!(read, Some(vec![("paint".to_owned(), 31.5), ("ready".to_owned(), 80.0)]));
        assert_eq!(figures("/figures?paint=&ready=80"), None);
        assert_eq!(figures("/"), None);
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), 3.0);
    }
}
