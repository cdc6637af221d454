//! `ps`, `pgrep`, `pidof`, `pkill`: the processes of the host.
//!
//! Source: procps 4.0.2 (`src/ps/output.c`, `src/pgrep.c`). Modelled: `ps [-e|-A|a|x] [-f|u] [-p PIDS] [-C NAMES]
//! [-o FIELDS]`, `pgrep [-c] [-f] [-l|-a] [-x]`. The shell and `ps` are processes like others. Left out: memory and the time
//! that processes take, and when they started, which are shown as 0 and `-`; threads.

use super::jobs::{self, Process};
use super::options::{self, flag, value};
use super::{Cx, regex};
use crate::kube::kubelet::hosts;

/// The shell's own number: `$$`.
pub const SHELL_PID: u32 = 1200;

struct Row {
    pid: u32,
    parent: u32,
    line: String,
    uid: u32,
}

impl Row {
    fn name(&self) -> &str {
        let program = self.line.split(' ').next().unwrap_or("").trim_end_matches(':');
        program.rsplit('/').next().unwrap_or(program)
    }
}

/// The processes of the host in the order of their numbers, the shell first.
fn rows(cx: &mut Cx) -> Vec<Row> {
    cx.world.start_host(&cx.host);
    let from = hosts::pids_of(cx.world, cx.place);
    let shell = Row { pid: SHELL_PID, parent: 1, line: "bash".into(), uid: 0 };
    let of_host = cx.world.host(&cx.host).into_iter().flat_map(|host| &host.processes);
    let seen = of_host.filter(|(_, process)| from.sees(&process.pids)).map(|(pid, process)| Row {
        pid: *pid,
        parent: SHELL_PID,
        line: process.line.to_string(),
        uid: process.euid,
    });
    std::iter::once(shell).chain(seen).collect()
}

/// A column: its name for `-o`, its title, its width (0: the rest of the line), whether it stands at the right.
type Column = (&'static str, &'static str, usize, bool);

const COLUMNS: [Column; 20] = [
    ("pid", "PID", 7, true),
    ("ppid", "PPID", 7, true),
    ("user", "USER", 8, false),
    ("uid", "UID", 5, true),
    ("tty", "TTY", 8, false),
    ("tt", "TT", 8, false),
    ("stat", "STAT", 4, false),
    ("s", "S", 1, false),
    ("time", "TIME", 8, true),
    ("comm", "COMMAND", 15, false),
    ("args", "COMMAND", 0, false),
    ("cmd", "CMD", 0, false),
    ("command", "COMMAND", 0, false),
    ("%cpu", "%CPU", 4, true),
    ("%mem", "%MEM", 4, true),
    ("vsz", "VSZ", 6, true),
    ("rss", "RSS", 5, true),
    ("c", "C", 2, true),
    ("start", "START", 5, false),
    ("stime", "STIME", 5, false),
];

fn cell(row: &Row, column: &str) -> String {
    match column {
        "pid" => row.pid.to_string(),
        "ppid" => row.parent.to_string(),
        "user" if row.uid == 0 => "root".into(),
        "user" | "uid" => row.uid.to_string(),
        "tty" | "tt" => "pts/0".into(),
        "stat" | "s" => match (row.name(), column) {
            ("ps", "stat") => "R+".into(),
            ("ps", _) => "R".into(),
            ("bash", "stat") => "Ss".into(),
            _ => "S".into(),
        },
        "time" => "00:00:00".into(),
        "comm" => row.name().into(),
        "%cpu" | "%mem" => "0.0".into(),
        "vsz" | "rss" | "c" => "0".into(),
        "start" | "stime" => "-".into(),
        _ => row.line.clone(),
    }
}

/// The columns that `-o` names, each with its title.
fn columns(text: &str) -> Result<Vec<(Column, String)>, String> {
    let mut columns = Vec::new();
    for field in text.split([',', ' ']).filter(|field| !field.is_empty()) {
        let (name, title) = field.split_once('=').map_or((field, None), |(name, title)| (name, Some(title)));
        let name = match name.to_ascii_lowercase().as_str() {
            "pcpu" => "%cpu".into(),
            "pmem" => "%mem".into(),
            "ucmd" | "ucomm" => "comm".into(),
            "tname" => "tty".into(),
            "state" => "s".into(),
            "euser" => "user".into(),
            name => name.to_owned(),
        };
        let Some(column) = COLUMNS.iter().find(|column| column.0 == name) else {
            return Err(format!("portlab does not model the column `{field}` of ps"));
        };
        columns.push((*column, title.unwrap_or(column.1).to_owned()));
    }
    Ok(columns)
}

fn table(rows: &[&Row], columns: &[(Column, String)]) -> String {
    let mut text = String::new();
    let mut line = |cells: Vec<String>| {
        let last = cells.len().saturating_sub(1);
        for (at, (cell, ((_, _, width, right), title))) in cells.into_iter().zip(columns).enumerate() {
            let width = (*width).max(title.len());
            text += if at == 0 { "" } else { " " };
            text += &match right {
                true => format!("{cell:>width$}"),
                false if at == last => cell,
                false => format!("{cell:<width$}"),
            };
        }
        text.push('\n');
    };
    if columns.iter().any(|(_, title)| !title.is_empty()) {
        line(columns.iter().map(|(_, title)| title.clone()).collect());
    }
    for row in rows {
        line(columns.iter().map(|((name, ..), _)| cell(row, name)).collect());
    }
    text
}

/// Runs ps.
pub fn ps(cx: &mut Cx) -> i32 {
    // BSD's letters go without a dash.
    if let Some(first) = cx.args.get(1).filter(|first| first.chars().all(|c| "auxfw".contains(c))) {
        let letters: String = first.chars().map(|c| if c == 'u' { 'U' } else { c }).filter(|c| *c != 'f').collect();
        cx.args[1] = format!("-{letters}");
    }
    let mut specs: Vec<_> = "eAaxfwUl".chars().map(|c| flag(c, "")).collect();
    specs.extend([value('p', "pid"), value('C', ""), value('o', "format")]);
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let fields = given.values('o').collect::<Vec<_>>().join(",");
    let text = if !fields.is_empty() {
        fields.as_str()
    } else if given.has('U') {
        cx.eprint("portlab: memory and times of processes are not modelled: 0 and -\n");
        "user,pid,%cpu,%mem,vsz,rss,tty,stat,start,time,args"
    } else if given.has('f') {
        "user=UID,pid,ppid,c,stime,tty,time,cmd"
    } else {
        "pid,tty,time,comm=CMD"
    };
    let columns = match columns(text) {
        Ok(columns) => columns,
        Err(text) => {
            cx.eprint(&format!("{text}\n"));
            return 2;
        }
    };
    let own = Process::start(cx);
    let rows = rows(cx);
    let listed =
        |option: char, is: &dyn Fn(&str) -> bool| given.values(option).flat_map(|list| list.split([',', ' '])).any(is);
    let wanted = |row: &&Row| {
        let chosen = given.has('p') || given.has('C');
        !chosen || listed('p', &|pid| pid == row.pid.to_string()) || listed('C', &|name| name == row.name())
    };
    let shown: Vec<&Row> = rows.iter().filter(wanted).collect();
    let text = table(&shown, &columns);
    cx.print(&text);
    own.exit(cx, i32::from(shown.is_empty()))
}

/// The processes that a pattern of `pgrep` names, but not the shell and the one that asks.
fn matching(cx: &mut Cx, given: &options::Given) -> Result<Vec<Row>, i32> {
    let [pattern] = &given.operands[..] else {
        return Err(cx.fail("only one pattern can be provided", 2));
    };
    let expression = if given.has('x') { format!("^({pattern})$") } else { pattern.clone() };
    let expression = regex::extended(&expression, given.has('i')).map_err(|why| cx.fail(&why, 2))?;
    let mut rows = rows(cx);
    rows.retain(|row| expression.is_match(if given.has('f') { &row.line } else { row.name() }));
    Ok(rows)
}

/// Runs pgrep.
pub fn pgrep(cx: &mut Cx) -> i32 {
    let specs: Vec<_> = "cflaxi".chars().map(|c| flag(c, "")).collect();
    let rows = match options::read(cx, &specs).and_then(|given| Ok((matching(cx, &given)?, given))) {
        Ok((rows, given)) if given.has('c') => {
            cx.print(&format!("{}\n", rows.len()));
            rows
        }
        Ok((rows, given)) => {
            let line = |row: &Row| match (given.has('a'), given.has('l')) {
                (true, _) => format!("{} {}\n", row.pid, row.line),
                (false, true) => format!("{} {}\n", row.pid, row.name()),
                (false, false) => format!("{}\n", row.pid),
            };
            let text: String = rows.iter().map(line).collect();
            cx.print(&text);
            rows
        }
        Err(status) => return status,
    };
    i32::from(rows.is_empty())
}

/// Runs pidof: the newest first, on one line.
pub fn pidof(cx: &mut Cx) -> i32 {
    let names = cx.args[1..].to_vec();
    let mut pids: Vec<String> = rows(cx)
        .iter()
        .filter(|row| names.iter().any(|name| name == row.name()))
        .map(|row| row.pid.to_string())
        .collect();
    pids.reverse();
    if !pids.is_empty() {
        cx.print(&format!("{}\n", pids.join(" ")));
    }
    i32::from(pids.is_empty())
}

/// Runs pkill or killall, which takes whole names and says when there is none.
pub fn pkill(cx: &mut Cx) -> i32 {
    let all = cx.args[0] == "killall";
    let signal = cx.args.get(1).and_then(|word| word.strip_prefix('-')).and_then(jobs::signal);
    if signal.is_some() {
        cx.args.remove(1);
    }
    let specs: Vec<_> = "fxieq".chars().map(|c| flag(c, "")).collect();
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut rows = match matching(cx, &given) {
        Ok(rows) => rows,
        Err(status) => return status,
    };
    rows.retain(|row| row.pid != SHELL_PID && (!all || row.name() == given.operands[0]));
    for row in &rows {
        jobs::stop(cx, row.pid, signal.unwrap_or("Terminated"));
    }
    if rows.is_empty() && all {
        let text = format!("{}: no process found\n", given.operands[0]);
        cx.eprint(&text);
    }
    i32::from(rows.is_empty())
}
