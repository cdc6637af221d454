//! `env`, `printenv`, `basename`, `dirname`.

use super::options::{self, flag, value};
use super::{Cx, shell};

/// `env [NAME=VALUE…] [COMMAND…]`
pub fn env(cx: &mut Cx) -> i32 {
    let given = match options::read_until_operand(cx, &[value('u', "unset")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut inner = cx.env.clone();
    for name in given.values('u') {
        inner.vars.remove(name);
    }
    let mut operands = given.operands.iter().peekable();
    while let Some((name, value)) = operands.peek().and_then(|text| text.split_once('=')) {
        inner.vars.insert(name.to_owned(), value.to_owned());
        inner.exported.insert(name.to_owned());
        operands.next();
    }
    let command: Vec<String> = operands.cloned().collect();
    if command.is_empty() {
        let all: String = exported(&inner);
        cx.print(&all);
        return 0;
    }
    let stdin = cx.take_stdin();
    let output = shell::run_program(cx.world, cx.place, &mut inner, command, stdin);
    cx.out.extend(output.chunks);
    output.exit
}

fn exported(env: &super::Env) -> String {
    env.exported.iter().filter_map(|name| Some(format!("{name}={}\n", env.vars.get(name)?))).collect()
}

/// `printenv [NAME…]`
pub fn printenv(cx: &mut Cx) -> i32 {
    if cx.args.len() == 1 {
        let all = exported(cx.env);
        cx.print(&all);
        return 0;
    }
    let mut status = 0;
    for at in 1..cx.args.len() {
        let name = &cx.args[at];
        match cx.env.vars.get(name).filter(|_| cx.env.exported.contains(name)).cloned() {
            Some(value) => cx.print(&format!("{value}\n")),
            None => status = 1,
        }
    }
    status
}

/// `basename PATH [SUFFIX]`, `basename -a PATH…`
pub fn basename(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[flag('a', "multiple"), value('s', "suffix")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut suffix = given.value('s').unwrap_or("").to_owned();
    let mut paths = given.operands.clone();
    if paths.is_empty() {
        return cx.fail("missing operand\nTry 'basename --help' for more information.", 1);
    }
    if !given.has('a') && !given.has('s') && paths.len() > 1 {
        if paths.len() > 2 {
            let text = format!("extra operand ‘{}’\nTry 'basename --help' for more information.", paths[2]);
            return cx.fail(&text, 1);
        }
        suffix = paths.remove(1);
    }
    for path in paths {
        let trimmed = path.trim_end_matches('/');
        let name = if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or("") };
        let name = name.strip_suffix(suffix.as_str()).filter(|rest| !rest.is_empty()).unwrap_or(name);
        cx.print(&format!("{name}\n"));
    }
    0
}

/// `dirname PATH…`
pub fn dirname(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.operands.is_empty() {
        return cx.fail("missing operand\nTry 'dirname --help' for more information.", 1);
    }
    for path in given.operands {
        let trimmed = path.trim_end_matches('/');
        let parent = match trimmed.rfind('/') {
            None if trimmed.is_empty() && !path.is_empty() => "/",
            None => ".",
            Some(at) if trimmed[..at].trim_end_matches('/').is_empty() => "/",
            Some(at) => trimmed[..at].trim_end_matches('/'),
        };
        cx.print(&format!("{parent}\n"));
    }
    0
}
