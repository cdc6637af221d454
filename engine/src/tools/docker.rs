//! `docker`: as with kind, the nodes are containers. `docker exec NODE COMMAND` runs a command on one, `docker ps` lists them.
//!
//! Left out, with a message: everything else of docker.

use super::options::{self, flag, value};
use super::{Cx, shell};
use crate::lab::{Nodes, Place, Stream};
use crate::object;
use crate::store::Kind;

/// Runs docker.
pub fn run(cx: &mut Cx) -> i32 {
    match cx.args.get(1).cloned().as_deref() {
        Some("exec") => exec(cx),
        Some("ps") => ps(cx),
        Some("container") if cx.args.get(2).is_some_and(|word| matches!(word.as_str(), "exec" | "ls" | "ps")) => {
            cx.args.remove(1);
            if cx.args[1] == "exec" { exec(cx) } else { ps(cx) }
        }
        Some(other) => {
            let text =
                format!("portlab does not model `docker {other}`: docker exec NODE COMMAND and docker ps are there\n");
            cx.eprint(&text);
            2
        }
        None => {
            cx.print("Usage:  docker exec [-it] NODE COMMAND [ARG...]\n        docker ps\n");
            0
        }
    }
}

/// The containers that are nodes: those of a kind cluster.
fn nodes(cx: &Cx) -> Vec<String> {
    if !matches!(cx.world.options().nodes, Nodes::Kind(_)) {
        return Vec::new();
    }
    cx.world.store().list(Kind::Node).map(|node| object::name(node).to_owned()).collect()
}

fn exec(cx: &mut Cx) -> i32 {
    cx.args.remove(0);
    cx.args[0] = "docker".into();
    let specs = [
        flag('i', "interactive"),
        flag('t', "tty"),
        value('e', "env"),
        value('u', "user"),
        value('w', "workdir"),
        flag(' ', "privileged"),
    ];
    let given = match options::read_until_operand(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let Some((node, command)) = given.operands.split_first().filter(|(_, command)| !command.is_empty()) else {
        cx.eprint("docker: 'docker exec' requires at least 2 arguments\n\nUsage:  docker exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nSee 'docker exec --help' for more information\n");
        return 1;
    };
    if !nodes(cx).contains(node) {
        cx.eprint(&format!("Error response from daemon: No such container: {node}\n"));
        return 1;
    }
    let place = Place::Node(node.clone());
    let mut env = super::Env::at(&place);
    for pair in given.values('e') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        env.vars.insert(name.to_owned(), value.to_owned());
        env.exported.insert(name.to_owned());
    }
    let interactive_shell = matches!(command, [shell] if shell == "bash" || shell == "sh") && cx.stdin.is_empty();
    if interactive_shell {
        cx.eprint(&format!(
            "portlab does not model a shell that stays open: give the command, as in docker exec {node} COMMAND\n"
        ));
        return 2;
    }
    let stdin = if given.has('i') { cx.take_stdin() } else { String::new() };
    let output = shell::run_program(cx.world, &place, &mut env, command.to_vec(), stdin);
    if output.exit == 127
        && let [(Stream::Stderr, text)] = &output.chunks[..]
        && text.ends_with("command not found\n")
    {
        let name = &command[0];
        cx.eprint(&format!(
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"{name}\": executable file not found in $PATH: unknown\n"
        ));
        return 127;
    }
    cx.out.extend(output.chunks);
    output.exit
}

fn ps(cx: &mut Cx) -> i32 {
    cx.args.remove(0);
    let specs = [flag('a', "all"), flag('q', "quiet"), value('f', "filter"), value('\0', "format")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.has('f') {
        return cx.fail("portlab does not model option --filter of docker ps", 2);
    }
    let mut rows = Vec::new();
    for name in nodes(cx).into_iter().rev() {
        // A container's identifier is not modelled beyond being a stable number.
        let id = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        rows.push((format!("{:012x}", id & 0xffff_ffff_ffff), name));
    }
    match given.value('\0') {
        Some("{{.Names}}") => rows.iter().for_each(|(_, name)| cx.print(&format!("{name}\n"))),
        Some(_) => return cx.fail("portlab models only --format '{{.Names}}' of docker ps", 2),
        None if given.has('q') => rows.iter().for_each(|(id, _)| cx.print(&format!("{id}\n"))),
        None => {
            cx.print("CONTAINER ID   IMAGE                  NAMES\n");
            rows.iter().for_each(|(id, name)| cx.print(&format!("{id}   kindest/node:v1.34.0   {name}\n")));
        }
    }
    0
}
