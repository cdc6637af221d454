//! `help` and `clear`.

use super::{Cx, PROGRAMS, left_out, shell};
use crate::kube::kubelet::hosts;

/// What clears a terminal: home, erase the screen, erase what was scrolled away.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// `clear`: the page and terminals understand the sequence.
pub fn clear(cx: &mut Cx) -> i32 {
    cx.print(CLEAR);
    0
}

/// `help`: what there is and what is left out; `help NAME` about one name.
pub fn help(cx: &mut Cx) -> i32 {
    if let Some(name) = cx.args.get(1).cloned() {
        return about(cx, &name);
    }
    let userland = hosts::userland_at(cx.world, cx.place);
    cx.print("The lab runs these programs:\n");
    for program in PROGRAMS {
        if program.is_in(userland) {
            cx.print(&format!("  {:<10} {}\n", program.name, program.summary));
        }
    }
    let builtins: Vec<&str> = shell::builtin_names().collect();
    cx.print(&format!("and the shell's own: {}\n\nNot modelled:\n", builtins.join(" ")));
    for (reason, names) in left_out::all() {
        cx.print(&format!("  {}\n      {reason}\n", names.join(" ")));
    }
    0
}

fn about(cx: &mut Cx, name: &str) -> i32 {
    let known = PROGRAMS.iter().find(|program| program.name == name).map(|program| program.summary.to_owned());
    let builtin =
        shell::builtin_names().find(|known| *known == name).map(|_| "a command of the shell itself".to_owned());
    let left_out = left_out::reason(name).map(|reason| format!("not modelled: {reason}"));
    match known.or(builtin).or(left_out) {
        Some(text) => {
            cx.print(&format!("{name}: {text}\n"));
            0
        }
        None => {
            cx.eprint(&format!("bash: help: no help topics match `{name}'.\n"));
            1
        }
    }
}
