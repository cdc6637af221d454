//! The cluster's life: made under a name of its own, told apart from anybody else's, always removed.
//!
//! Before the first container is asked for, a marker is written that says whose cluster this is going to be. It goes
//! when the cluster is gone. A marker whose process no longer runs is what a killed run left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use portlab_scenarios::model::Lesson;
use serde_json::{Value, json};
use xshell::{Cmd, cmd};

use super::Options;
use super::child::{Runner, end_noted, is_alive, words_of};
use super::world;
use crate::report::{Versions, now_secs};

/// How long each kind of step may take.
const MINUTE: Duration = Duration::from_secs(60);
const CREATE_LIMIT: Duration = Duration::from_secs(900);
/// Containers that came to be this long after a marker was written may belong to its run.
const MARKER_SECS: u64 = 900;

/// A cluster that this run may use.
pub struct Cluster {
    pub name: String,
    /// The namespace in which lessons run.
    pub namespace: String,
    pub kubeconfig: PathBuf,
    /// The folder with the lessons' files, where commands run.
    pub folder: PathBuf,
    /// Not this run's own: only the namespace is.
    pub borrowed: Option<String>,
}

/// The paths of one cluster's files.
fn marker(options: &Options) -> PathBuf {
    options.state.join(format!("{}.json", options.name))
}

impl Cluster {
    /// Makes the cluster, or the namespace in a borrowed one. Returns the cluster as far as it came to be, so that it
    /// can be removed, and what went wrong.
    pub fn make(runner: &Runner, options: &Options, lessons: &[&Lesson]) -> (Cluster, anyhow::Result<()>) {
        let unique = format!("portlab-verify-{}", std::process::id());
        let cluster = Cluster {
            name: options.name.clone(),
            namespace: if options.context.is_some() { unique } else { "default".to_owned() },
            kubeconfig: options.state.join(format!("{}.kubeconfig", options.name)),
            folder: options.state.join(format!("{}.files", options.name)),
            borrowed: options.context.clone(),
        };
        let made = match &options.context {
            Some(context) => cluster.borrow(runner, context),
            None => cluster.create(runner, options, lessons),
        };
        (cluster, made)
    }

    /// In words, for people.
    pub fn title(&self) -> String {
        match &self.borrowed {
            Some(context) => format!("the cluster of context {context}, namespace {}", self.namespace),
            None => format!("the cluster {}", self.name),
        }
    }

    /// A kubectl that knows this cluster only.
    pub fn kubectl<'a>(&self, runner: &'a Runner) -> Cmd<'a> {
        runner.shell.cmd("kubectl").env("KUBECONFIG", &self.kubeconfig)
    }

    fn create(&self, runner: &Runner, options: &Options, lessons: &[&Lesson]) -> anyhow::Result<()> {
        let sh = &runner.shell;
        let name = &self.name;
        let config = options.state.join(format!("{name}.kind.yaml"));
        if !runner.is_dry() {
            // The marker first: from here on whatever comes to be under this name is this run's.
            let mark = json!({ "cluster": name, "pid": std::process::id(), "started": now_secs() });
            fs::write(marker(options), mark.to_string()).context("cannot write the marker")?;
            fs::write(&config, kind_config(lessons[0])).context("cannot write the cluster's configuration")?;
            fs::create_dir_all(&self.folder)?;
        }
        let (image, kubeconfig) = (&options.node_image, &self.kubeconfig);
        if !runner.is_dry() {
            println!("making the cluster {name} from {image} …");
        }
        runner.must(
            cmd!(sh, "kind create cluster --name {name} --config {config} --image {image} --kubeconfig {kubeconfig} --wait 180s"),
            CREATE_LIMIT,
        )?;
        let id = "{{.Id}}";
        for image in world::images(lessons) {
            // Images that this machine has need no registry.
            let here = runner.run(cmd!(sh, "docker image inspect --format {id} {image}"), MINUTE)?;
            if here.exit == 0 {
                runner.must(cmd!(sh, "kind load docker-image {image} --name {name}"), 5 * MINUTE)?;
            }
        }
        self.wait_until_ready(runner)
    }

    /// Nodes are ready when `kind create` returns; the default ServiceAccount may come a moment later.
    fn wait_until_ready(&self, runner: &Runner) -> anyhow::Result<()> {
        let namespace = &self.namespace;
        for _ in 0..60 {
            let account = self.kubectl(runner).args(["get", "serviceaccount", "default", "--namespace", namespace]);
            if runner.run(account, MINUTE)?.exit == 0 {
                return Ok(());
            }
            runner.pause(Duration::from_secs(1));
        }
        bail!("the cluster has no ServiceAccount `default` in the namespace {namespace} after 60 s")
    }

    /// A copy of one context alone, with a namespace of this run's own as its default.
    fn borrow(&self, runner: &Runner, context: &str) -> anyhow::Result<()> {
        let sh = &runner.shell;
        let namespace = &self.namespace;
        let config = runner.must(cmd!(sh, "kubectl config view --minify --flatten --context {context}"), MINUTE)?;
        if !runner.is_dry() {
            fs::create_dir_all(&self.folder)?;
            fs::write(&self.kubeconfig, config)?;
        }
        runner.must(self.kubectl(runner).args(["config", "use-context", context]), MINUTE)?;
        runner.must(self.kubectl(runner).args(["create", "namespace", namespace]), MINUTE)?;
        runner.must(
            self.kubectl(runner).args(["config", "set-context", "--current", "--namespace", namespace]),
            MINUTE,
        )?;
        self.wait_until_ready(runner)
    }

    /// The versions of what answers.
    pub fn versions(&self, runner: &Runner) -> anyhow::Result<Versions> {
        let sh = &runner.shell;
        let mut versions = Versions::default();
        if self.borrowed.is_none() {
            let kind = runner.must(cmd!(sh, "kind version"), MINUTE)?;
            versions.kind = kind.split_whitespace().nth(1).unwrap_or_default().to_owned();
        }
        let answer = runner.must(self.kubectl(runner).args(["version", "-o", "json"]), MINUTE)?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        versions.kubernetes = answer["serverVersion"]["gitVersion"].as_str().unwrap_or_default().to_owned();
        versions.kubectl = answer["clientVersion"]["gitVersion"].as_str().unwrap_or_default().to_owned();
        Ok(versions)
    }

    /// Keeps what helps to understand a difference. Nothing here ends the run.
    pub fn diagnose(&self, runner: &Runner, dir: &Path) {
        let questions: [(&str, &[&str]); 5] = [
            ("nodes.txt", &["describe", "nodes"]),
            ("pods.txt", &["get", "pods", "-A", "-o", "wide"]),
            ("all.txt", &["get", "all", "-o", "wide"]),
            ("events.txt", &["get", "events", "-A", "--sort-by=.metadata.creationTimestamp"]),
            ("pods.yaml", &["get", "pods", "-o", "yaml"]),
        ];
        let _ = fs::create_dir_all(dir);
        for (file, question) in questions {
            if let Ok(ended) = runner.run(self.kubectl(runner).args(question), MINUTE) {
                let _ = fs::write(dir.join(file), ended.output);
            }
        }
    }

    /// Removes what this run made: the cluster or the namespace, and the files. Signals do not stop it.
    pub fn remove(&self, runner: &mut Runner, options: &Options) -> anyhow::Result<()> {
        if options.keep {
            let delete = match &self.borrowed {
                Some(context) => format!("kubectl --context {context} delete namespace {}", self.namespace),
                None => format!("kind delete cluster --name {}", self.name),
            };
            println!("kept {}: KUBECONFIG={}; `{delete}` removes it", self.title(), self.kubeconfig.display());
            // A kept cluster is the person's own from here on.
            let _ = fs::remove_file(marker(options));
            return Ok(());
        }
        runner.deaf = true;
        let removed = match &self.borrowed {
            Some(_) => self.remove_namespace(runner),
            None => delete_cluster(runner, &self.name, &self.kubeconfig),
        };
        runner.deaf = false;
        removed?;
        if !runner.is_dry() {
            remove_files(options);
        }
        Ok(())
    }

    fn remove_namespace(&self, runner: &Runner) -> anyhow::Result<()> {
        let delete = ["delete", "namespace", &self.namespace, "--ignore-not-found", "--timeout=120s"];
        runner.must(self.kubectl(runner).args(delete), 3 * MINUTE).map(drop)
    }
}

fn delete_cluster(runner: &Runner, name: &str, kubeconfig: &Path) -> anyhow::Result<()> {
    let sh = &runner.shell;
    let mut last = None;
    // A container that is still starting can refuse once.
    for _ in 0..3 {
        match runner.must(cmd!(sh, "kind delete cluster --name {name} --kubeconfig {kubeconfig}"), 3 * MINUTE) {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    last.map_or(Ok(()), |error| Err(error.context(format!("the cluster {name} could not be removed"))))
}

fn remove_files(options: &Options) {
    let name = &options.name;
    for file in [
        format!("{name}.kubeconfig"),
        format!("{name}.kubeconfig.lock"),
        format!("{name}.kind.yaml"),
        format!("{name}.json"),
        format!("{name}.child"),
    ] {
        let _ = fs::remove_file(options.state.join(file));
    }
    let _ = fs::remove_dir_all(options.state.join(format!("{name}.files")));
}

/// Removes what a killed run left, and refuses a cluster of this name that is not such a leftover.
///
/// # Errors
/// A cluster of this name is there that no killed run of this checkout made.
pub fn remove_leftovers(runner: &mut Runner, options: &Options) -> anyhow::Result<()> {
    let sh = &runner.shell;
    if options.context.is_some() {
        return Ok(());
    }
    let name = &options.name;
    let note = options.state.join(format!("{name}.child"));
    let listed = runner.must(cmd!(sh, "kind get clusters"), MINUTE)?;
    let there = listed.lines().any(|line| line.trim() == name);
    let mark: Option<Value> =
        fs::read_to_string(marker(options)).ok().and_then(|text| serde_json::from_str(&text).ok());
    let Some(mark) = mark.filter(|_| !runner.is_dry()) else {
        if there {
            bail!(
                "a cluster named {name} is there already; --name gives this run's another name, `kind delete cluster --name {name}` removes that one"
            );
        }
        runner.note = Some(note);
        return Ok(());
    };
    let pid = mark["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    if is_alive(pid) && is_this_program(pid) {
        bail!("another run (process {pid}) uses the cluster {name}; --name gives this run's another name");
    }
    end_noted(&note, name);
    if there && !is_of_run(runner, name, mark["started"].as_u64().unwrap_or(0))? {
        bail!("a cluster named {name} is there that this command did not make; --name gives this run's another name");
    }
    println!("removing what an earlier run left: {name}");
    let kubeconfig = options.state.join(format!("{name}.kubeconfig"));
    // Containers that kind does not list yet are removed by their label, which `kind delete` goes by.
    delete_cluster(runner, name, &kubeconfig)?;
    remove_files(options);
    runner.note = Some(note);
    Ok(())
}

/// Whether a process is a run of this command, not another that got its number.
fn is_this_program(pid: u32) -> bool {
    i32::try_from(pid).is_ok_and(|pid| words_of(pid).iter().any(|word| word == "kind-verify"))
}

/// Whether every container of the cluster came to be within the time that a run's start may take.
fn is_of_run(runner: &Runner, name: &str, started: u64) -> anyhow::Result<bool> {
    let sh = &runner.shell;
    let label = format!("label=io.x-k8s.kind.cluster={name}");
    let format = "{{.CreatedAt}}";
    let created = runner.must(cmd!(sh, "docker ps --all --filter {label} --format {format}"), MINUTE)?;
    Ok(created
        .lines()
        .filter_map(created_secs)
        .all(|at| (started.saturating_sub(1)..=started + MARKER_SECS).contains(&at)))
}

/// Seconds since 1970 of Docker's `2026-11-21 18:20:03 +0000 UTC`.
fn created_secs(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    let (day, clock, zone) = (words.next()?, words.next()?, words.next()?);
    let utc = portlab_engine::time::Time::parse_rfc3339(&format!("{day}T{clock}Z"))?;
    let (hours, minutes) = (zone.get(1..3)?.parse::<i64>().ok()?, zone.get(3..5)?.parse::<i64>().ok()?);
    let east = (hours * 60 + minutes) * 60 * if zone.starts_with('-') { -1 } else { 1 };
    u64::try_from(portlab_engine::time::EPOCH_SECS + utc.0 / 1000 - east).ok()
}

/// kind's configuration for a lesson's cluster.
fn kind_config(lesson: &Lesson) -> String {
    use portlab_scenarios::model::Proxy;
    let proxy = match lesson.cluster.proxy {
        Proxy::Iptables => "iptables",
        Proxy::Nftables => "nftables",
        Proxy::Ipvs => "ipvs",
    };
    let mut text = format!(
        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking:\n  kubeProxyMode: {proxy}\nnodes:\n- role: control-plane\n"
    );
    for _ in 1..lesson.cluster.nodes {
        text.push_str("- role: worker\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dockers_times() {
        assert_eq!(created_secs("2026-11-21 18:00:00 +0000 UTC"), Some(1_795_284_000));
        assert_eq!(created_secs("2026-11-21 19:00:00 +0100 CET"), Some(1_795_284_000));
        assert_eq!(created_secs("yesterday"), None);
    }
}
