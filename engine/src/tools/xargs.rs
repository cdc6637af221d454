//! `xargs` and `watch`: programs that run others.

use std::time::Duration;

use super::options::{self, flag, value};
use super::{Cx, shell};

const RUNS_MAX: usize = 1000;
/// How long `watch` looks, since nobody can interrupt it: as long as `kubectl get -w`.
const WATCH_SECS: u64 = 30;

const OPTIONS: [options::Spec; 8] = [
    flag('r', "no-run-if-empty"),
    flag('t', "verbose"),
    flag('0', "null"),
    value('n', "max-args"),
    value('I', "replace"),
    value('d', "delimiter"),
    value('L', "max-lines"),
    value('P', "max-procs"),
];

/// `xargs [-r] [-n N] [-I TEXT] [-d C] [-0] [-t] COMMAND…`
pub fn xargs(cx: &mut Cx) -> i32 {
    let given = match options::read_until_operand(cx, &OPTIONS) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let command = if given.operands.is_empty() { vec!["echo".to_owned()] } else { given.operands.clone() };
    let text = cx.take_stdin();
    let delimiter = if given.has('0') {
        Some('\0')
    } else {
        given.value('d').map(|d| if d == "\\n" { '\n' } else { d.chars().next().unwrap_or('\n') })
    };
    let items = match (delimiter, given.has('I') || given.has('L')) {
        (Some(delimiter), _) => {
            text.strip_suffix(delimiter).unwrap_or(&text).split(delimiter).map(str::to_owned).collect()
        }
        (None, true) => text.lines().map(|line| line.trim_start().to_owned()).filter(|line| !line.is_empty()).collect(),
        (None, false) => match words(&text) {
            Some(words) => words,
            None => {
                return cx.fail(
                    "unmatched single quote; by default quotes are special to xargs unless you use the -0 option",
                    1,
                );
            }
        },
    };
    let runs: Vec<Vec<String>> = if let Some(mark) = given.value('I') {
        items.iter().map(|item| command.iter().map(|word| word.replace(mark, item)).collect()).collect()
    } else {
        let count = match given.value('n').or(given.value('L')).map(str::parse::<usize>) {
            None => usize::MAX,
            Some(Ok(count)) if count > 0 => count,
            Some(_) => return cx.fail("invalid number for -n option", 1),
        };
        if items.is_empty() {
            if given.has('r') { Vec::new() } else { vec![command.clone()] }
        } else {
            items.chunks(count.min(items.len())).map(|chunk| [&command[..], chunk].concat()).collect()
        }
    };
    if runs.len() > RUNS_MAX {
        return cx.fail(&format!("portlab runs at most {RUNS_MAX} commands"), 2);
    }
    let mut status = 0;
    for run in runs {
        if given.has('t') {
            cx.eprint(&format!("{}\n", run.join(" ")));
        }
        let name = run[0].clone();
        let output = shell::run_program(cx.world, cx.place, cx.env, run, String::new());
        if output.exit == 127 && output.text().ends_with("command not found\n") {
            return cx.fail(&format!("{name}: No such file or directory"), 127);
        }
        cx.out.extend(output.chunks);
        match output.exit {
            0 => {}
            255 => return cx.fail(&format!("{name}: exited with status 255; aborting"), 124),
            127 => return 127,
            _ => status = 123,
        }
    }
    status
}

/// Cuts at blanks and newlines; quotes and backslashes protect. None when a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\n' => return None,
                        inside => word.push(inside),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// `watch [-n SECONDS] COMMAND`: runs it again and again for 30 s of virtual time and prints what changed.
pub fn watch(cx: &mut Cx) -> i32 {
    let given = match options::read_until_operand(
        cx,
        &[value('n', "interval"), flag('d', "differences"), flag('t', "no-title")],
    ) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let interval = given.value('n').map_or(Some(2.0), |text| text.parse::<f64>().ok()).filter(|n| *n >= 0.1);
    let (Some(interval), false) = (interval, given.operands.is_empty()) else {
        return cx.fail("usage: watch [-n SECONDS] COMMAND", 1);
    };
    let line = given.operands.join(" ");
    let end = cx.world.now().plus(Duration::from_secs(WATCH_SECS));
    let mut last = None;
    let mut status = 0;
    while cx.world.now() < end && !cx.world.halted() {
        let began = cx.world.now();
        let command = vec!["bash".to_owned(), "-c".to_owned(), line.clone()];
        let output = shell::run_program(cx.world, cx.place, cx.env, command, String::new());
        if last.as_ref() != Some(&output.chunks) {
            if !given.has('t') {
                cx.print(&format!("Every {interval:.1}s: {line}\n\n"));
            }
            cx.out.extend(output.chunks.clone());
            last = Some(output.chunks);
        }
        status = output.exit;
        let spent = cx.world.now().since(began);
        cx.world.advance(Duration::from_secs_f64(interval).saturating_sub(spent));
    }
    status
}
