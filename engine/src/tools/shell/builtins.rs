//! Commands that act on the shell itself.
//!
//! Left out, with a message: job control, `trap`, `exec`, `declare`, `getopts`, `mapfile`; variables are text only.

use super::conditions;
use super::escape;
use super::exec::{Shell, Stop};
use crate::kube::kubelet::hosts;
use crate::lab::Stream;
use crate::tools::{self, files};

type Status = Result<i32, Stop>;
type Builtin = fn(&mut Shell, &[String]) -> Status;

const BUILTINS: [(&str, Builtin); 32] = [
    (":", |_, _| Ok(0)),
    ("true", |_, _| Ok(0)),
    ("false", |_, _| Ok(1)),
    (".", source),
    ("source", source),
    ("[", conditions::bracket),
    ("test", conditions::bracket),
    ("alias", alias),
    ("unalias", unalias),
    ("bash", shell),
    ("sh", shell),
    ("break", |shell, args| Err(Stop::Break(levels(shell, args)))),
    ("continue", |shell, args| Err(Stop::Continue(levels(shell, args)))),
    ("builtin", |shell, args| again(shell, args)),
    ("cd", cd),
    ("command", command),
    ("type", type_of),
    ("which", which),
    ("eval", |shell, args| shell.text_of_commands(&args[1..].join(" "))),
    ("exit", |shell, args| Err(Stop::Exit(status(shell, args)))),
    ("return", |shell, args| Err(Stop::Return(status(shell, args)))),
    ("export", export),
    ("readonly", export),
    ("unset", unset),
    ("let", let_command),
    ("local", local),
    ("pwd", pwd),
    ("read", read),
    ("set", set_options),
    ("shift", shift),
    ("time", |shell, args| again(shell, args)),
    ("nohup", |shell, args| again(shell, args)),
];

pub(super) fn find(name: &str) -> Option<Builtin> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

/// Sets a variable; exported ones stay so.
pub(super) fn set(shell: &mut Shell, name: &str, value: String) -> Result<(), Stop> {
    shell.env.vars.insert(name.to_owned(), value);
    Ok(())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn say(shell: &mut Shell, text: &str) {
    shell.print(Stream::Stdout, text);
}

fn not_modelled(shell: &mut Shell, name: &str, option: &str) -> Status {
    shell.complain(&format!("portlab does not model option {option} of {name}"));
    Ok(2)
}

fn status(shell: &mut Shell, args: &[String]) -> i32 {
    match args.get(1).map(|text| (text, text.parse::<i32>())) {
        None => shell.env.status,
        Some((_, Ok(status))) => status & 0xff,
        Some((text, Err(_))) => {
            shell.complain(&format!("{}: {text}: numeric argument required", args[0]));
            2
        }
    }
}

fn levels(_: &mut Shell, args: &[String]) -> u32 {
    args.get(1).and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

fn again(shell: &mut Shell, args: &[String]) -> Status {
    match args.len() {
        1 => Ok(0),
        _ if args[0] == "time" => timed(shell, &args[1..]),
        _ => shell.call(args[1..].to_vec()),
    }
}

/// `time COMMAND`: the lab's time that it took; what the processor took is not modelled. It times the command that follows,
/// not a whole pipeline.
fn timed(shell: &mut Shell, args: &[String]) -> Status {
    let began = shell.world.now();
    let status = shell.call(args.to_vec())?;
    let spent = shell.world.now().since(began);
    let (minutes, seconds) = (spent.as_secs() / 60, spent.as_secs() % 60);
    let real = format!("{minutes}m{seconds}.{:03}s", spent.subsec_millis());
    shell.print(Stream::Stderr, &format!("\nreal\t{real}\nuser\t0m0.000s\nsys\t0m0.000s\n"));
    Ok(status)
}

fn source(shell: &mut Shell, args: &[String]) -> Status {
    let Some(path) = args.get(1) else {
        shell.complain(&format!("{}: filename argument required", args[0]));
        return Ok(2);
    };
    match files::open(shell.world, shell.env, path) {
        Ok(text) => {
            shell.depth += 1;
            let done = if shell.depth > 30 {
                Err(Stop::Bound("portlab reads at most 30 files within each other".into()))
            } else {
                shell.text_of_commands(&text)
            };
            shell.depth -= 1;
            match done {
                Err(Stop::Return(status)) => Ok(status),
                done => done,
            }
        }
        Err(why) => {
            shell.complain(&format!("{path}: {why}"));
            Ok(1)
        }
    }
}

/// `bash FILE`, `bash -c TEXT`, `bash` with a script on standard input.
fn shell(shell: &mut Shell, args: &[String]) -> Status {
    let mut rest = &args[1..];
    let mut options = String::new();
    while let Some(option) = rest.first().filter(|text| text.starts_with('-') && text.len() > 1) {
        if option == "-c" {
            let Some(text) = rest.get(1).cloned() else {
                shell.complain("-c: option requires an argument");
                return Ok(2);
            };
            // The word after the text is `$0`.
            return shell.script(&format!("{options}{text}"), &rest[if rest.len() > 2 { 2 } else { 1 }..]);
        }
        if option.chars().skip(1).any(|c| !"exuli".contains(c)) {
            return not_modelled(shell, &args[0], option);
        }
        let set: String = option.chars().skip(1).filter(|c| "exu".contains(*c)).collect();
        if !set.is_empty() {
            options.push_str(&format!("set -{set}\n"));
        }
        rest = &rest[1..];
    }
    let Some(path) = rest.first() else {
        let text = std::mem::take(&mut shell.stdin);
        return shell.script(&format!("{options}{text}"), &args[..1]);
    };
    match files::open(shell.world, shell.env, path) {
        Ok(text) => shell.script(&format!("{options}{text}"), rest),
        Err(why) => {
            shell.complain(&format!("{path}: {why}"));
            Ok(127)
        }
    }
}

fn alias(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    if args.len() == 1 {
        let all: String = shell.env.aliases.iter().map(|(name, text)| format!("alias {name}='{text}'\n")).collect();
        say(shell, &all);
    }
    for arg in &args[1..] {
        if let Some((name, text)) = arg.split_once('=') {
            shell.env.aliases.insert(name.to_owned(), text.to_owned());
        } else if let Some(text) = shell.env.aliases.get(arg).cloned() {
            say(shell, &format!("alias {arg}='{text}'\n"));
        } else {
            shell.complain(&format!("alias: {arg}: not found"));
            status = 1;
        }
    }
    Ok(status)
}

fn unalias(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    for name in &args[1..] {
        if name == "-a" {
            shell.env.aliases.clear();
        } else if shell.env.aliases.remove(name).is_none() {
            shell.complain(&format!("unalias: {name}: not found"));
            status = 1;
        }
    }
    Ok(status)
}

/// The lab has one working directory: `cd` only says whether another exists.
fn cd(shell: &mut Shell, args: &[String]) -> Status {
    let path = args.get(1).map_or("", String::as_str);
    let home = shell.env.vars.get("HOME").cloned().unwrap_or_default();
    if path.is_empty() || path == "~" || path == home || files::tidy(path).is_empty() {
        return Ok(0);
    }
    if files::is_directory(shell.world, path) {
        shell.complain(&format!("portlab does not model changing the directory: name files as {path}/…"));
        return Ok(1);
    }
    let why = if files::read(shell.world, shell.env, path).is_some() {
        "Not a directory"
    } else {
        "No such file or directory"
    };
    shell.complain(&format!("cd: {path}: {why}"));
    Ok(1)
}

fn pwd(shell: &mut Shell, _: &[String]) -> Status {
    let text = format!("{}\n", shell.env.vars.get("PWD").map_or("/", String::as_str));
    say(shell, &text);
    Ok(0)
}

/// What a name would run.
fn kind_of(shell: &Shell, name: &str) -> Option<String> {
    if let Some(text) = shell.env.aliases.get(name) {
        return Some(format!("{name} is aliased to `{text}'"));
    }
    if shell.env.functions.contains_key(name) {
        return Some(format!("{name} is a function"));
    }
    let program = tools::find(name, hosts::userland_at(shell.world, shell.place));
    if program.is_some_and(|program| !program.takes_time)
        || find(name).is_some() && !matches!(name, "bash" | "sh" | "which" | "nohup" | "time")
    {
        return Some(format!("{name} is a shell builtin"));
    }
    (find(name).is_some() || program.is_some()).then(|| format!("{name} is /usr/bin/{name}"))
}

fn type_of(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    for name in &args[1..] {
        match kind_of(shell, name) {
            Some(text) => say(shell, &format!("{text}\n")),
            None => {
                shell.complain(&format!("type: {name}: not found"));
                status = 1;
            }
        }
    }
    Ok(status)
}

fn path_of(shell: &Shell, name: &str) -> Option<String> {
    let kind = kind_of(shell, name)?;
    Some(if kind.contains(" /usr/bin/") { format!("/usr/bin/{name}\n") } else { format!("{name}\n") })
}

fn which(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    for name in &args[1..] {
        match path_of(shell, name) {
            Some(text) => say(shell, &text),
            None => status = 1,
        }
    }
    Ok(status)
}

fn command(shell: &mut Shell, args: &[String]) -> Status {
    match args.get(1).map(String::as_str) {
        None => Ok(0),
        Some("-v") => which(shell, &args[1..]),
        Some("-V") => type_of(shell, &args[1..]),
        Some(option) if option.starts_with('-') => not_modelled(shell, "command", option),
        Some(name) => match find(name) {
            Some(builtin) => builtin(shell, &args[1..]),
            None => shell.program(args[1..].to_vec()),
        },
    }
}

fn export(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    if args.len() == 1 || args[1] == "-p" {
        let all: String = exported(shell).map(|(name, value)| format!("declare -x {name}=\"{value}\"\n")).collect();
        say(shell, &all);
        return Ok(0);
    }
    for arg in &args[1..] {
        if arg.starts_with('-') {
            return not_modelled(shell, &args[0], arg);
        }
        let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_name(name) {
            shell.complain(&format!("{}: `{arg}': not a valid identifier", args[0]));
            status = 1;
            continue;
        }
        if let Some(value) = value {
            set(shell, name, value.to_owned())?;
        }
        shell.env.exported.insert(name.to_owned());
    }
    Ok(status)
}

fn exported<'s>(shell: &'s Shell) -> impl Iterator<Item = (&'s str, &'s str)> {
    let env = &*shell.env;
    env.exported.iter().filter_map(|name| Some((name.as_str(), env.vars.get(name)?.as_str())))
}

fn unset(shell: &mut Shell, args: &[String]) -> Status {
    for name in args[1..].iter().filter(|name| *name != "-v" && *name != "-f") {
        if shell.env.vars.remove(name).is_none() {
            shell.env.functions.remove(name);
        }
        shell.env.exported.remove(name);
    }
    Ok(0)
}

fn let_command(shell: &mut Shell, args: &[String]) -> Status {
    let mut value = 0;
    for text in &args[1..] {
        value = match super::arithmetic::evaluate(text, shell.env) {
            Ok(value) => value,
            Err(why) => {
                shell.complain(&format!("let: {why}"));
                return Ok(1);
            }
        };
    }
    Ok(i32::from(value == 0))
}

fn local(shell: &mut Shell, args: &[String]) -> Status {
    for arg in &args[1..] {
        if arg.starts_with('-') {
            return not_modelled(shell, "local", arg);
        }
        let (name, value) = arg.split_once('=').unwrap_or((arg, ""));
        let old = shell.env.vars.get(name).cloned();
        let Some(locals) = shell.env.locals.last_mut() else {
            shell.complain("local: can only be used in a function");
            return Ok(1);
        };
        locals.entry(name.to_owned()).or_insert(old);
        set(shell, name, value.to_owned())?;
    }
    Ok(0)
}

/// `read [-r] [-p PROMPT] NAME…`: one line of standard input, cut at `IFS`.
fn read(shell: &mut Shell, args: &[String]) -> Status {
    let (mut raw, mut at) = (false, 1);
    while let Some(option) = args.get(at).filter(|text| text.starts_with('-') && text.len() > 1) {
        match option.as_str() {
            "-r" => raw = true,
            "-p" => at += 1,
            "-s" => {}
            option => {
                let option = option.to_owned();
                return not_modelled(shell, "read", &option);
            }
        }
        at += 1;
    }
    if shell.stdin.is_empty() {
        for name in &args[at.min(args.len())..] {
            set(shell, name, String::new())?;
        }
        return Ok(1);
    }
    let mut line = take_line(shell);
    let complete = line.ends_with('\n');
    while !raw && line.ends_with("\\\n") {
        line.truncate(line.len() - 2);
        line += &take_line(shell);
    }
    let line = line.trim_end_matches('\n');
    let line: String = if raw { line.to_owned() } else { unescaped(line) };
    let ifs = shell.env.vars.get("IFS").cloned().unwrap_or_else(|| " \t\n".into());
    let names: Vec<String> = if at < args.len() { args[at..].to_vec() } else { vec!["REPLY".into()] };
    let blank = |c: char| ifs.contains(c) && c.is_whitespace();
    let mut rest = if at < args.len() { line.trim_matches(blank) } else { &line };
    for (number, name) in names.iter().enumerate() {
        let (value, after) = match rest.find(|c| ifs.contains(c)) {
            Some(end) if number + 1 < names.len() => {
                let mark = rest[end..].trim_start_matches(blank);
                let hard = mark.chars().next().filter(|c| ifs.contains(*c));
                (&rest[..end], mark[hard.map_or(0, char::len_utf8)..].trim_start_matches(blank))
            }
            _ => (rest, ""),
        };
        set(shell, name, value.to_owned())?;
        rest = after;
    }
    Ok(i32::from(!complete))
}

fn take_line(shell: &mut Shell) -> String {
    let end = shell.stdin.find('\n').map_or(shell.stdin.len(), |at| at + 1);
    let rest = shell.stdin.split_off(end);
    std::mem::replace(&mut shell.stdin, rest)
}

fn unescaped(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

fn set_options(shell: &mut Shell, args: &[String]) -> Status {
    let mut at = 1;
    if args.len() == 1 {
        let all: String = shell
            .env
            .vars
            .iter()
            .filter(|(name, _)| is_name(name))
            .map(|(name, value)| format!("{name}={}\n", quoted(value)))
            .collect();
        say(shell, &all);
        return Ok(0);
    }
    while let Some(arg) = args.get(at) {
        at += 1;
        let on = arg.starts_with('-');
        if arg == "--" || !(on || arg.starts_with('+')) {
            shell.env.positional = args[if arg == "--" { at } else { at - 1 }..].to_vec();
            return Ok(0);
        }
        for c in arg.chars().skip(1) {
            let options = &mut shell.env.options;
            match c {
                'e' => options.errexit = on,
                'u' => options.nounset = on,
                'x' => options.xtrace = on,
                'o' => match args.get(at).map(String::as_str) {
                    Some("pipefail") => options.pipefail = on,
                    Some("errexit") => options.errexit = on,
                    Some("nounset") => options.nounset = on,
                    Some("xtrace") => options.xtrace = on,
                    other => {
                        let name = other.unwrap_or("").to_owned();
                        return not_modelled(shell, "set", &format!("-o {name}"));
                    }
                },
                c => return not_modelled(shell, "set", &format!("-{c}")),
            }
            at += usize::from(c == 'o');
        }
    }
    Ok(0)
}

/// A value as bash's `set` shows it.
fn quoted(value: &str) -> String {
    let plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c));
    if plain || value.is_empty() { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

fn shift(shell: &mut Shell, args: &[String]) -> Status {
    let count = args.get(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    if count > shell.env.positional.len() {
        return Ok(1);
    }
    shell.env.positional.drain(..count);
    Ok(0)
}

/// What `echo` writes for its arguments.
pub(crate) fn echo_text(args: &[String]) -> String {
    let (mut newline, mut escapes, mut at) = (true, false, 0);
    while let Some(option) = args
        .get(at)
        .and_then(|text| text.strip_prefix('-'))
        .filter(|o| !o.is_empty() && o.chars().all(|c| "neE".contains(c)))
    {
        for c in option.chars() {
            match c {
                'n' => newline = false,
                c => escapes = c == 'e',
            }
        }
        at += 1;
    }
    let mut text = args[at..].join(" ");
    if escapes {
        let (out, stopped) = with_escapes(&text);
        text = out;
        newline &= !stopped;
    }
    if newline {
        text.push('\n');
    }
    text
}

/// Undoes the escapes of `echo -e` and `%b`; `\c` ends the output.
pub(crate) fn with_escapes(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.starts_with('c') {
            return (out, true);
        }
        let (c, used) = escape::echo(rest);
        out.push_str(&c);
        rest = &rest[used..];
    }
    out.push_str(rest);
    (out, false)
}
