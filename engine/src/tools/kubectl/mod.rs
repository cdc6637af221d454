//! `kubectl` 1.34 (and `oc`, its alias here): one file per command.
//!
//! The way of a command line: [`args`] reads it by the tables of [`commands`], [`run`] finds the command's function,
//! which asks [`select`] for the objects, changes them through [`crate::kube::api`] and prints; a [`failure`] prints at the end.
//! What the real program does and portlab does not stands in [`left_out`], the one list of it.

use std::collections::BTreeSet;
use std::time::Duration;

pub mod age;
pub mod api_resources;
pub mod apply;
pub mod args;
pub mod auth_can_i;
pub mod cluster_info;
pub mod commands;
pub mod config;
pub mod create;
pub mod custom_columns;
pub mod delete;
pub mod describe;
pub mod describe_command;
pub mod drain;
pub mod events;
pub mod exec;
pub mod explain;
pub mod expose;
pub mod failure;
pub mod field_selector;
pub mod follow;
pub mod get;
pub mod go_format;
pub mod go_value;
pub mod jsonpath;
pub mod label;
pub mod label_selector;
pub mod left_out;
pub mod logs;
pub mod manifests;
pub mod output;
pub mod patch;
pub mod pod_of;
pub mod printed;
pub mod printers;
pub mod replace;
pub mod request;
pub mod resources;
pub mod rollout;
pub mod rollout_history;
pub mod run;
pub mod scale;
pub mod select;
pub mod set;
pub mod sorter;
pub mod table;
pub mod tabwriter;
pub mod taint;
pub mod top;
pub mod wait;
pub mod watch;

use args::{Flags, Refusal};
use commands::Command;
use failure::{Failure, Outcome};
use select::Query;

use super::Cx;
use crate::lab::Nodes;

/// A command that runs: its flags and words, and the program's surroundings.
pub struct Call<'a, 'w> {
    pub cx: &'a mut Cx<'w>,
    pub command: &'static Command,
    pub args: Vec<String>,
    /// How many of `args` stood before `--`.
    pub dash: Option<usize>,
    pub flags: Flags,
    /// The server's warnings that this command has shown.
    warned: BTreeSet<String>,
}

impl Call<'_, '_> {
    /// The namespace of `-n`, else of the context.
    pub fn namespace(&self) -> String {
        match self.flags.text("namespace") {
            "" => self.context_namespace(),
            named => named.to_string(),
        }
    }

    /// The namespace that `kubectl config set-context --current --namespace` chose.
    fn context_namespace(&self) -> String {
        self.cx.env.vars.get(CONTEXT_NAMESPACE).cloned().unwrap_or_else(|| "default".to_string())
    }

    /// A query with what is the same for most commands: words, `-f`, `-R`, `-l`, `--field-selector`, `--all`, `-A`, `-n`.
    pub fn query(&self) -> Query {
        Query {
            args: self.args.clone(),
            files: self.flags.list("filename"),
            recursive: self.flags.bool("recursive"),
            stdin: self.cx.stdin.clone(),
            pipes: self.cx.env.pipes.clone(),
            namespace: self.namespace(),
            enforce_namespace: self.flags.changed("namespace"),
            all_namespaces: self.flags.bool("all-namespaces"),
            label_selector: self.flags.text("selector").to_string(),
            field_selector: self.flags.text("field-selector").to_string(),
            type_alone_is_all: self.flags.bool("all"),
            continue_on_error: true,
            ..Query::default()
        }
    }

    /// A complaint about the command line, which points to the command's help.
    pub fn usage_error(&self, text: impl AsRef<str>) -> Failure {
        let name = self.command.full_name();
        Failure::text(format!("{}\nSee '{name} -h' for help and examples", text.as_ref()))
    }

    /// Refuses the command when one of these flags was not given.
    pub fn require(&self, flags: &[&str]) -> Outcome {
        let missing: Vec<String> =
            flags.iter().filter(|f| !self.flags.changed(f)).map(|f| format!("\"{f}\"")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::text(format!("required flag(s) {} not set", missing.join(", "))))
    }

    pub fn print(&mut self, text: impl AsRef<str>) {
        self.cx.print(&format!("{}\n", text.as_ref()));
    }

    pub fn warn(&mut self, text: impl AsRef<str>) {
        self.cx.eprint(&format!("Warning: {}\n", text.as_ref()));
    }

    /// Shows a warning of the API server, unless this command has shown it.
    pub fn warn_once(&mut self, text: &str) {
        if self.warned.insert(text.to_string()) {
            self.warn(text);
        }
    }

    /// Lets time pass as a command that waits does: until `done`, at most `limit`.
    pub fn wait(&mut self, limit: Duration, done: impl FnMut(&crate::world::World) -> bool) -> bool {
        self.cx.world.advance_until(limit, done)
    }
}

/// The variable of the shell in which the lab keeps the context's namespace; its name cannot be typed.
pub const CONTEXT_NAMESPACE: &str = "kubectl context namespace";

/// Runs kubectl.
pub fn run(cx: &mut Cx) -> i32 {
    match run_command(cx) {
        Ok(()) => 0,
        Err(failure) => {
            let (text, exit) = failure.report();
            if !text.is_empty() {
                cx.eprint(&text);
            }
            exit
        }
    }
}

fn run_command(cx: &mut Cx) -> Outcome {
    let parsed = match args::parse(&cx.args[1..]) {
        Ok(parsed) => parsed,
        Err(Refusal::Help(path)) => {
            cx.print(&left_out::help(path));
            return Ok(());
        }
        Err(Refusal::Usage(text)) if text.starts_with("flags cannot be placed") => {
            return Err(Failure::Exactly { text: format!("Error: {text}"), exit: 1 });
        }
        Err(Refusal::Usage(text)) => return Err(Failure::text(text)),
        Err(Refusal::Unmodelled { command, flag }) => {
            return Err(Failure::not_modelled(format!("--{flag} of 'kubectl {command}'")));
        }
    };
    let path = parsed.command.path;
    if cx.world.options().nodes == Nodes::NoCluster && !path.starts_with("config") {
        // The real one tries five times and logs each.
        return Err(Failure::text(
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
        ));
    }
    let mut call = Call {
        cx,
        command: parsed.command,
        args: parsed.args,
        dash: parsed.dash,
        flags: parsed.flags,
        warned: BTreeSet::new(),
    };
    if let Some(command) = command(path) {
        let done = command(&mut call);
        if call.flags.list("filename").iter().any(|file| file == "-") {
            call.cx.stdin.clear();
        }
        return done;
    }
    if let Some(reason) = left_out::reason(path) {
        return Err(Failure::not_modelled(format!("'kubectl {path}': {reason}")));
    }
    // What is left are commands that only hold others.
    if let Some(word) = call.args.first() {
        let word = go_value::quote(word);
        return Err(call.usage_error(format!("unknown command {word}")));
    }
    let help = left_out::help(path);
    call.cx.print(&help);
    Ok(())
}

/// What runs a command.
type Run = fn(&mut Call) -> Outcome;

/// The commands that portlab models.
fn command(path: &str) -> Option<Run> {
    Some(match path {
        "get" => get::run,
        "describe" => describe_command::run,
        "events" => events::run,
        "explain" => explain::run,
        "api-resources" => api_resources::run,
        "api-versions" => api_resources::run_versions,
        "auth can-i" => auth_can_i::run,
        "cluster-info" => cluster_info::run,
        "config current-context" => config::run_current_context,
        "config get-clusters" | "config get-users" => config::run_get_names,
        "config get-contexts" => config::run_get_contexts,
        "config set-context" => config::run_set_context,
        "config use-context" => config::run_use_context,
        "config view" => config::run_view,
        "top node" | "top pod" => top::run,
        "version" => cluster_info::run_version,
        "annotate" => label::annotate,
        "apply" => apply::run,
        "apply view-last-applied" => apply::view_last_applied,
        "cordon" => drain::cordon,
        "create" => create::run,
        "create configmap" => create::config_map,
        "create deployment" => create::deployment,
        "create namespace" => create::namespace,
        "create priorityclass" => create::priority_class,
        "create service clusterip" => create::service_cluster_ip,
        "create service externalname" => create::service_external_name,
        "create service loadbalancer" => create::service_load_balancer,
        "create service nodeport" => create::service_node_port,
        "create serviceaccount" => create::service_account,
        "delete" => delete::run,
        "drain" => drain::drain,
        "exec" => exec::run,
        "expose" => expose::run,
        "label" => label::label,
        "logs" => logs::run,
        "options" => left_out::options,
        "patch" => patch::run,
        "replace" => replace::run,
        "rollout history" => rollout_history::history,
        "rollout pause" => rollout::pause,
        "rollout restart" => rollout::restart,
        "rollout resume" => rollout::resume,
        "rollout status" => rollout::status,
        "rollout undo" => rollout_history::undo,
        "run" => run::run,
        "scale" => scale::run,
        "set env" => set::env,
        "set image" => set::image,
        "set resources" => set::resources,
        "taint" => taint::run,
        "uncordon" => drain::uncordon,
        "wait" => wait::run,
        _ => return None,
    })
}
