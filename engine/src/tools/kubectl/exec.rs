//! `kubectl exec POD -- COMMAND`: runs a program of the lab in a container.
//!
//! Source: `kubectl/pkg/cmd/exec`. Which programs a container has is the shell's matter; a terminal (`-it` without a command)
//! is not modelled.

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::pod_of::{Preference, containers, default_container, pods_of};
use super::select::{Query, select};
use crate::kube::kubelet::images::{self, Userland};
use crate::lab::{Place, Stream};
use crate::object::{self, items, str_at};
use crate::tools::{Env, shell};

pub fn run(call: &mut Call) -> Outcome {
    let (target, command) = read_args(call)?;
    if target.is_empty() && call.flags.list("filename").is_empty() {
        return Err(Failure::text("pod, type/name or --filename must be specified"));
    }
    if command.is_empty() {
        return Err(Failure::text("you must specify at least one command for the container"));
    }
    let named = if target.contains('/') { target } else { format!("pods/{target}") };
    let query = Query {
        args: vec![named],
        files: call.flags.list("filename"),
        namespace: call.namespace(),
        ..Query::default()
    };
    let Some(info) = select(call.cx.world, &query)?.infos()?.into_iter().next() else { return Ok(()) };
    let pods = pods_of(call, &info, Preference::Active, "cannot attach to")?;
    let pod = pods[0].clone();
    let phase = str_at(&pod, "status.phase");
    if matches!(phase, "Succeeded" | "Failed") {
        let text = format!("cannot exec into a container in a completed pod; current phase is {phase}");
        return Err(Failure::text(text));
    }
    let container = match call.flags.text("container") {
        "" => default_container(call, &pod, call.flags.bool("quiet")),
        given => given.to_string(),
    };
    check_running(call, &pod, &container)?;
    if call.flags.bool("stdin") && call.flags.bool("tty") && !call.flags.bool("quiet") && !call.cx.stdin.is_empty() {
        call.cx.eprint("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    in_container(call, &pod, container, command)
}

/// The pod and the command that follows `--`.
fn read_args(call: &Call) -> Outcome<(String, Vec<String>)> {
    let target = if call.dash == Some(0) { String::new() } else { call.args.first().cloned().unwrap_or_default() };
    match call.dash {
        Some(dash) => Ok((target, call.args[dash..].to_vec())),
        None if call.args.len() > 1 => {
            Err(call.usage_error("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"))
        }
        None => Ok((target, Vec::new())),
    }
}

/// What the API server and the kubelet say about a container that cannot be entered.
fn check_running(call: &Call, pod: &serde_json::Value, container: &str) -> Outcome {
    let name = object::name(pod);
    if !containers(pod).any(|c| c == container) {
        return Err(Failure::bad_request(format!("container {container} is not valid for pod {name}")));
    }
    if str_at(pod, "spec.nodeName").is_empty() {
        return Err(Failure::bad_request(format!("pod {name} does not have a host assigned")));
    }
    let key = crate::store::Key::of(crate::store::Kind::Pod, pod);
    let now = call.cx.world.store().get(&key);
    let statuses = now.map_or(&[][..], |pod| items(pod, "status.containerStatuses"));
    let running = statuses.iter().any(|s| str_at(s, "name") == container && s["state"].get("running").is_some());
    if !running {
        return Err(Failure::text(format!(
            "Internal error occurred: unable to upgrade connection: container not found ({})",
            quote(container)
        )));
    }
    Ok(())
}

fn in_container(call: &mut Call, pod: &serde_json::Value, container: String, command: Vec<String>) -> Outcome {
    let all = items(pod, "spec.containers").iter().chain(items(pod, "spec.initContainers"));
    let image = all.into_iter().find(|one| str_at(one, "name") == container).map_or("", |one| str_at(one, "image"));
    let place = Place::Pod { namespace: object::namespace(pod).into(), name: object::name(pod).into(), container };
    let stdin = if call.flags.bool("stdin") { call.cx.take_stdin() } else { String::new() };
    let only_a_shell = command.len() == 1 && ["sh", "bash", "/bin/sh", "/bin/bash"].contains(&command[0].as_str());
    if only_a_shell && stdin.is_empty() {
        return Err(Failure::not_modelled(
            "a shell that stays open: give the command, as in kubectl exec POD -- COMMAND",
        ));
    }
    let mut env = Env::at(&place);
    let program = command[0].clone();
    if images::userland(image) == Userland::Bare {
        return Err(no_such_program(&program));
    }
    let output = shell::run_program(call.cx.world, &place, &mut env, command, stdin);
    let missing = output.exit == 127
        && matches!(&output.chunks[..], [(Stream::Stderr, text)] if text.ends_with("command not found\n"));
    if missing {
        return Err(no_such_program(&program));
    }
    call.cx.out.extend(output.chunks);
    match output.exit {
        0 => Ok(()),
        code => Err(Failure::Exactly { text: format!("command terminated with exit code {code}"), exit: code }),
    }
}

/// What the container runtime says of a program that the container does not have.
fn no_such_program(program: &str) -> Failure {
    let text = format!(
        "error: Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: \
         failed to start exec {}: OCI runtime exec failed: exec failed: unable to start container process: exec: {}: executable file \
         not found in $PATH",
        quote(&"0".repeat(64)),
        quote(program)
    );
    Failure::Exactly { text, exit: 1 }
}
