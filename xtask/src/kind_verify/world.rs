//! Lessons on a real cluster: commands by bash with the real kubectl, on a node by `docker exec`, in a pod by
//! `kubectl exec`.

use std::fs;
use std::time::Duration;

use portlab_scenarios::claim;
use portlab_scenarios::model::{Block, Cluster as Wanted, Command, File, Lesson, Place};
use portlab_scenarios::syscalls::{Case, Verdict};
use portlab_scenarios::world::{Seen, World};

use super::child::Runner;
use super::cluster::Cluster;

/// How long one command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(180);

/// A cluster as a world.
pub struct Kind<'a> {
    runner: &'a Runner,
    cluster: &'a Cluster,
}

impl<'a> Kind<'a> {
    pub fn new(runner: &'a Runner, cluster: &'a Cluster) -> Kind<'a> {
        Kind { runner, cluster }
    }

    /// A line of bash with both streams in one, in the folder of the lesson's files. Variables that a line sets are
    /// kept in a file and are there for the next.
    fn bash(&self, line: &str) -> xshell::Cmd<'a> {
        let script = format!(
            "exec 2>&1; set -a; [ ! -f .variables ] || . ./.variables; set +a\n{line}\nstatus=$?\n{}\nexit $status",
            assigned(line)
                .map(|name| format!("printf '%s=%q\\n' {name} \"${name}\" >> .variables"))
                .unwrap_or_default()
        );
        let cluster = self.cluster;
        let command = self.runner.shell.cmd("bash").args(["--norc", "-c", &script]);
        command.env("KUBECONFIG", &cluster.kubeconfig).env("LC_ALL", "C")
    }

    fn kubectl(&self, args: &[&str]) -> Result<(), String> {
        let command = self.cluster.kubectl(self.runner).args(args);
        self.runner.must(command, COMMAND_LIMIT).map(drop).map_err(|error| format!("{error:#}"))
    }
}

/// `NAME` of a line `NAME=…`.
fn assigned(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some(name)
}

impl World for Kind<'_> {
    fn name(&self) -> &'static str {
        "kind"
    }

    /// Empties the namespace; a new cluster is not needed, because what lessons make lies in it.
    fn fresh(&mut self, _wanted: &Wanted, files: &[File]) -> Result<(), String> {
        let folder = &self.cluster.folder;
        if !self.runner.is_dry() {
            let written =
                fs::remove_dir_all(folder).or(Ok(())).and_then(|()| fs::create_dir_all(folder)).and_then(|()| {
                    files.iter().try_for_each(|file| fs::write(folder.join(&file.name), self.wording(&file.text)))
                });
            written.map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let owners = "deployments,daemonsets,statefulsets,replicasets,jobs";
        self.kubectl(&["delete", owners, "--all", "--cascade=foreground", "--timeout=90s"])?;
        self.kubectl(&["delete", "pods", "--all", "--now", "--timeout=90s"])?;
        // All Services but `kubernetes`, which is the API server's own.
        self.kubectl(&["delete", "services", "--selector=component!=apiserver", "--timeout=90s"])?;
        self.kubectl(&["delete", "events", "--all"])
    }

    fn run(&mut self, place: &Place, line: &str) -> Result<Seen, String> {
        let sh = &self.runner.shell;
        let command = match place {
            Place::Workstation => self.bash(line),
            Place::Node(name) => {
                let node = format!("{}-{name}", self.cluster.name);
                let line = format!("exec 2>&1; {line}");
                xshell::cmd!(sh, "docker exec {node} sh -c {line}")
            }
            Place::Pod(name) => {
                let line = format!("exec 2>&1; {line}");
                self.cluster.kubectl(self.runner).args(["exec", name, "--", "sh", "-c", &line])
            }
        };
        if self.runner.is_dry() {
            self.runner.announce(&match place {
                Place::Workstation => line.to_owned(),
                _ => command.to_string(),
            });
            return Err("dry run".to_owned());
        }
        let _folder = sh.push_dir(&self.cluster.folder);
        let ended = self.runner.run(command, COMMAND_LIMIT).map_err(|error| format!("{error:#}"))?;
        Ok(Seen { output: ended.output, exit: ended.exit })
    }

    fn calls(&mut self, _: &Case) -> Result<Vec<Verdict>, String> {
        Err("a cluster makes no system calls for a lesson: `cargo xtask kernel-verify` does".to_owned())
    }

    fn wait(&mut self, time: Duration) {
        self.runner.pause(time);
    }

    fn wording(&self, text: &str) -> String {
        let text = claim::renamed(text, &self.cluster.name);
        match self.cluster.borrowed {
            Some(_) => text.replace("default namespace", &format!("{} namespace", self.cluster.namespace)),
            None => text,
        }
    }
}

/// Every command of a lesson, questions and exercises included.
fn commands(lesson: &Lesson) -> impl Iterator<Item = &Command> {
    lesson.steps.iter().flat_map(|step| &step.blocks).flat_map(|block| -> Vec<&Command> {
        match block {
            Block::Console(commands) => commands.iter().collect(),
            Block::Predict(question) | Block::Recall(question) => {
                question.choices.iter().flat_map(|c| &c.check).collect()
            }
            Block::Exercise(exercise) => {
                let goals = exercise.goals.iter().flat_map(|goal| &goal.check);
                exercise.start.iter().chain(goals).chain(&exercise.solution).collect()
            }
            Block::Syscalls(_) | Block::Prose(_) | Block::Yaml { .. } | Block::Instrument(_) => Vec::new(),
        }
    })
}

/// Whether a lesson changes nodes, which a borrowed cluster must not suffer.
pub fn changes_nodes(lesson: &Lesson) -> bool {
    const VERBS: [&str; 4] = ["cordon", "uncordon", "drain", "taint"];
    commands(lesson).any(|command| {
        let words: Vec<&str> = command.line.split_whitespace().collect();
        let on_node = matches!(command.place, Place::Node(_)) && !command.claim.reads;
        let verb = words.iter().any(|word| VERBS.contains(word));
        let label = words
            .windows(2)
            .any(|pair| matches!(pair[0], "label" | "annotate" | "patch" | "delete") && pair[1].starts_with("node"));
        on_node || verb || label
    })
}

/// Whether a lesson's text depends on the names that kind gives its nodes.
pub fn names_nodes(lesson: &Lesson) -> bool {
    let named = |text: &str| claim::renamed(text, "other") != text;
    lesson.files.iter().any(|file| named(&file.text))
        || commands(lesson).any(|c| {
            matches!(c.place, Place::Node(_)) || named(&c.line) || c.claim.output.iter().any(|line| named(line))
        })
}

/// The images that the lessons' manifests and commands name, each once, sorted.
pub fn images(lessons: &[&Lesson]) -> Vec<String> {
    let mut images = std::collections::BTreeSet::new();
    for lesson in lessons {
        let texts = lesson.files.iter().map(|file| file.text.as_str()).chain(commands(lesson).map(|c| c.line.as_str()));
        for text in texts {
            for mark in ["image:", "--image=", "--image ", "\"image\":"] {
                for (at, _) in text.match_indices(mark) {
                    let rest = text[at + mark.len()..].trim_start().trim_start_matches(['"', '\'']);
                    let end = rest.find(|c: char| c.is_whitespace() || "\"',}]".contains(c)).unwrap_or(rest.len());
                    images.insert(rest[..end].to_owned());
                }
            }
        }
    }
    images.remove("");
    images.into_iter().collect()
}
