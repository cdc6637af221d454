//! The fenced blocks: console, syscalls, predict, recall, exercise, yaml, instrument.
//!
//! A script of system calls is kept as text: what reads it is `crate::syscalls`, which the build does not have. That each
//! lesson's scripts can be read is for `cargo xtask lessons check` and the tests.

use super::{Line, Problem, problem, prose};
use crate::model::{Block, Calls, Choice, Claim, Command, Exercise, File, Goal, Instrument, Place, Program, Question};

/// How long a claim may take to be seen unless the block says `eventually=`, in seconds.
pub const EVENTUALLY_SECS: u32 = 30;

/// Reads a block by the first word after its fence.
pub(super) fn fenced(info: Line, inside: &[Line], files: &[File]) -> Result<Block, Problem> {
    let mut words = info.text.split_whitespace();
    let kind = words.next().unwrap_or("");
    let options = Options::read(info.number, kind, words)?;
    match kind {
        "console" => Ok(Block::Console(commands(inside, &options)?)),
        "syscalls" => Ok(Block::Syscalls(calls(info, inside)?)),
        "instrument" => instrument(info, &options),
        "predict" => Ok(Block::Predict(question(info, inside, &options)?)),
        "recall" => Ok(Block::Recall(question(info, inside, &options)?)),
        "exercise" => Ok(Block::Exercise(exercise(info, inside, &options)?)),
        "yaml" => yaml(info, inside, options, files),
        _ => problem(
            info.number,
            4,
            format!(
                "found the block `{kind}`; expected console, syscalls, predict, recall, exercise, yaml or instrument"
            ),
        ),
    }
}

/// `name=value` words after the kind of a block.
#[derive(Default)]
struct Options {
    id: String,
    file: String,
    name: String,
    eventually_secs: Option<u32>,
    stays_secs: u32,
}

impl Options {
    fn read<'a>(line: u32, kind: &str, words: impl Iterator<Item = &'a str>) -> Result<Options, Problem> {
        let mut options = Options::default();
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match (kind, name) {
                ("console", "eventually") => options.eventually_secs = Some(seconds(line, word, value)?),
                ("console", "stays") => options.stays_secs = seconds(line, word, value)?,
                ("predict" | "recall" | "exercise", "id") if is_slug(value) => value.clone_into(&mut options.id),
                ("yaml", "file") => value.clone_into(&mut options.file),
                ("instrument", "name") => value.clone_into(&mut options.name),
                _ => return problem(line, 4, format!("a {kind} block has no option `{word}`")),
            }
        }
        Ok(options)
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn seconds(line: u32, word: &str, value: &str) -> Result<u32, Problem> {
    match value.strip_suffix('s').and_then(|n| n.parse().ok()) {
        Some(secs) if (1..=900).contains(&secs) => Ok(secs),
        _ => problem(line, 4, format!("found `{word}`; expected seconds from 1s to 900s, such as `stays=10s`")),
    }
}

/// The lines of a script, verbatim.
fn calls(info: Line, lines: &[Line]) -> Result<Calls, Problem> {
    let Some(first) = lines.first().filter(|_| lines.iter().any(|line| !line.text.trim().is_empty())) else {
        return problem(info.number, 1, "this script is empty; expected calls such as `socket(tcp4) = api`");
    };
    let script: String = lines.iter().flat_map(|line| [line.text, "\n"]).collect();
    Ok(Calls { script, source_line: first.number })
}

fn instrument(info: Line, options: &Options) -> Result<Block, Problem> {
    match Instrument::ALL.into_iter().find(|instrument| instrument.name() == options.name) {
        Some(instrument) => Ok(Block::Instrument(instrument)),
        None => {
            let names = Instrument::ALL.map(Instrument::name).join(" or ");
            problem(info.number, 4, format!("found the instrument `{}`; expected `name=` {names}", options.name))
        }
    }
}

/// Commands, each with the output that follows it.
fn commands(lines: &[Line], options: &Options) -> Result<Vec<Command>, Problem> {
    let mut commands: Vec<Command> = Vec::new();
    let mut i = 0;
    while i < lines.len() {
        let Some((place, first)) = prompt(lines[i].text) else {
            let Some(last) = commands.last_mut() else {
                return problem(
                    lines[i].number,
                    1,
                    "found output before any command; expected a prompt: `$ `, `worker# ` or `pod/NAME$ `",
                );
            };
            output_line(last, &lines[i])?;
            i += 1;
            continue;
        };
        let number = lines[i].number;
        let (line, used) = whole_command(&lines[i..], first)?;
        i += used;
        let claim = Claim {
            output: Vec::new(),
            exit: 0,
            eventually_secs: options.eventually_secs.unwrap_or(EVENTUALLY_SECS),
            stays_secs: options.stays_secs,
            reads: reads(&line),
        };
        commands.push(Command { place, line, claim, source_line: number });
    }
    for command in &mut commands {
        while command.claim.output.last().is_some_and(String::is_empty) {
            command.claim.output.pop();
        }
    }
    Ok(commands)
}

fn output_line(command: &mut Command, line: &Line) -> Result<(), Problem> {
    let exit = line.text.strip_prefix("[exit ").and_then(|rest| rest.strip_suffix(']'));
    match exit.map(str::parse) {
        Some(Ok(exit)) => command.claim.exit = exit,
        Some(Err(_)) => {
            return problem(line.number, 7, format!("found `{}`; expected a number as in `[exit 1]`", line.text));
        }
        None => command.claim.output.push(line.text.trim_end().to_owned()),
    }
    Ok(())
}

/// `$ cmd`, `worker# cmd`, `pod/client$ cmd`.
fn prompt(text: &str) -> Option<(Place, &str)> {
    if let Some(command) = text.strip_prefix("$ ") {
        return Some((Place::Workstation, command));
    }
    if let Some((name, command)) = text.strip_prefix("pod/").and_then(|rest| rest.split_once("$ ")) {
        return is_slug(name).then(|| (Place::Pod(name.to_owned()), command));
    }
    let (name, command) = text.split_once("# ")?;
    is_slug(name).then(|| (Place::Node(name.to_owned()), command))
}

/// A command with its continuation lines and here-documents; how many lines it takes.
fn whole_command(lines: &[Line], first: &str) -> Result<(String, usize), Problem> {
    let mut command = first.to_owned();
    let mut used = 1;
    while command.ends_with('\\') {
        let Some(next) = lines.get(used) else {
            return problem(lines[0].number, 1, "the command ends with a backslash; expected its next line");
        };
        command.push('\n');
        command.push_str(next.text);
        used += 1;
    }
    if let Some(word) = first.split("<<").nth(1) {
        let end = word.trim_start_matches('-').split_whitespace().next().unwrap_or("").trim_matches(['\'', '"']);
        let Some(length) = lines[used..].iter().position(|line| line.text == end) else {
            return problem(lines[0].number, 1, format!("the here-document has no end; expected a line `{end}`"));
        };
        for line in &lines[used..=used + length] {
            command.push('\n');
            command.push_str(line.text);
        }
        used += length + 1;
    }
    Ok((command, used))
}

/// Whether every part of a pipeline only reads, so that repeating it changes nothing.
pub(super) fn reads(line: &str) -> bool {
    const READERS: [&str; 25] = [
        "jq",
        "grep",
        "sort",
        "uniq",
        "head",
        "tail",
        "wc",
        "cut",
        "tr",
        "column",
        "awk",
        "echo",
        "cat",
        "ss",
        "netstat",
        "lsof",
        "iptables-save",
        "ip",
        "curl",
        "test",
        "[",
        "true",
        "nstat",
        "sysctl",
        "ipset",
    ];
    const VERBS: [&str; 9] =
        ["get", "describe", "logs", "events", "explain", "wait", "version", "api-resources", "auth"];
    // A redirection writes a file, but writing it again gives the same.
    line.split(['|', ';', '&']).map(str::trim).filter(|part| !part.is_empty()).all(|part| {
        let part = part.split_once("=$(").map_or(part, |(_, inner)| inner);
        let mut words = part.split_whitespace();
        match words.next() {
            Some("kubectl" | "oc") => match words.find(|word| !word.starts_with('-')) {
                Some("rollout") => matches!(words.next(), Some("status" | "history")),
                verb => verb.is_some_and(|verb| VERBS.contains(&verb)),
            },
            Some("docker") => {
                words.nth(1).is_some_and(|_| words.next().is_some_and(|program| READERS.contains(&program)))
            }
            Some("ip") => !words.any(|word| ["add", "del", "delete", "replace", "flush", "set"].contains(&word)),
            Some("sysctl") => !words.any(|word| word.contains('=') || word == "-w"),
            Some("iptables") => words.any(|word| word.starts_with('-') && word.ends_with(['S', 'L'])),
            Some("conntrack") => words.next().is_some_and(|word| ["-L", "-S", "-C"].contains(&word)),
            program => program.is_some_and(|program| READERS.contains(&program)),
        }
    })
}

/// The question, then its choices: `- text`, `| note`, `$ check`, `~ why`.
fn question(info: Line, lines: &[Line], options: &Options) -> Result<Question, Problem> {
    if options.id.is_empty() {
        return problem(info.number, 4, "a question needs a name; expected `id=some-name`");
    }
    let starts: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].text.starts_with("- ")).collect();
    let Some(&first) = starts.first().filter(|_| (2..=6).contains(&starts.len())) else {
        return problem(
            info.number,
            1,
            format!("found {} choices; expected 2 to 6 lines that begin with `- `", starts.len()),
        );
    };
    let asked = lines[..first].iter().map(|line| line.text.trim()).collect::<Vec<_>>().join(" ");
    let mut choices = Vec::new();
    for (n, &start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(lines.len());
        choices.push(choice(&lines[start..end])?);
    }
    Ok(Question {
        id: options.id.clone(),
        text: prose::spans(Line { number: info.number + 1, text: asked.trim() })?,
        choices,
    })
}

fn choice(lines: &[Line]) -> Result<Choice, Problem> {
    let mut choice = Choice {
        text: prose::spans(Line { number: lines[0].number, text: &lines[0].text[2..] })?,
        note: Vec::new(),
        check: Vec::new(),
        call: None,
        why: Vec::new(),
    };
    let mut check = Vec::new();
    for line in &lines[1..] {
        let inner = Line { number: line.number, text: line.text.strip_prefix("  ").unwrap_or(line.text) };
        let rest = |mark| inner.text.strip_prefix(mark).map(|text| Line { number: line.number, text });
        if let Some(note) = rest("| ") {
            choice.note = prose::spans(note)?;
        } else if let Some(why) = rest("~ ") {
            choice.why = prose::spans(why)?;
        } else if let Some(call) = rest("> ") {
            choice.call = Some(stated(call));
        } else {
            check.push(inner);
        }
    }
    choice.check = commands(&check, &Options::default())?;
    if choice.check.is_empty() == choice.call.is_none() {
        return problem(
            lines[0].number,
            1,
            "this choice has no check, or two; expected a command `$ …` and what it prints when the choice holds, or a call `> …`",
        );
    }
    if let Some(command) = choice.check.iter().find(|command| !command.claim.reads) {
        return problem(
            command.source_line,
            1,
            format!("`{}` may change the cluster; expected a check that only reads", command.line),
        );
    }
    if choice.why.is_empty() {
        return problem(
            lines[0].number,
            1,
            "this choice has no reason; expected a line `~ why it tempts, or why it holds`",
        );
    }
    Ok(choice)
}

/// A call with its answer, as it stands behind `> `.
fn stated(line: Line) -> Calls {
    Calls { script: line.text.to_owned(), source_line: line.number }
}

/// Prose, then the sections `start` (or `program`), `goal TEXT` with `hint TEXT`, `solution`.
fn exercise(info: Line, lines: &[Line], options: &Options) -> Result<Exercise, Problem> {
    if options.id.is_empty() {
        return problem(info.number, 4, "an exercise needs a name; expected `id=some-name`");
    }
    let is_head = |line: &Line| {
        ["start", "program", "solution"].contains(&line.text.trim_end())
            || line.text.starts_with("goal ")
            || line.text.starts_with("hint ")
    };
    let heads: Vec<usize> = (0..lines.len()).filter(|&i| is_head(&lines[i])).collect();
    let prose_end = heads.first().copied().unwrap_or(lines.len());
    let mut exercise = Exercise {
        id: options.id.clone(),
        task: prose::paragraphs(&lines[..prose_end])?,
        start: Vec::new(),
        goals: Vec::new(),
        solution: Vec::new(),
        program: None,
    };
    for (n, &head) in heads.iter().enumerate() {
        let end = heads.get(n + 1).copied().unwrap_or(lines.len());
        section(&mut exercise, lines[head], &lines[head + 1..end])?;
    }
    let lacks = if exercise.goals.is_empty() { "goal" } else { "solution" };
    let solved = match &exercise.program {
        Some(program) => !program.solution.script.is_empty(),
        None => !exercise.solution.is_empty(),
    };
    if exercise.goals.is_empty() || !solved {
        return problem(info.number, 1, format!("this exercise has no {lacks}; expected a line `{lacks}`"));
    }
    Ok(exercise)
}

fn section(exercise: &mut Exercise, head: Line, lines: &[Line]) -> Result<(), Problem> {
    let word = head.text.split_once(' ').unwrap_or((head.text.trim_end(), ""));
    match (word, &mut exercise.program) {
        (("program", _), program) => {
            let solution = Calls { script: String::new(), source_line: head.number };
            *program = Some(Program { start: calls(head, lines)?, solution });
            return Ok(());
        }
        (("solution", _), Some(program)) => {
            program.solution = calls(head, lines)?;
            return Ok(());
        }
        (("goal", text), Some(_)) => {
            let call =
                lines.iter().find_map(|line| Some(Line { number: line.number, text: line.text.strip_prefix("> ")? }));
            let Some(call) = call else {
                return problem(head.number, 1, "this goal has no call; expected `> ` and a call with its answer");
            };
            let text = prose::spans(Line { number: head.number, text })?;
            exercise.goals.push(Goal { text, check: Vec::new(), call: Some(stated(call)), hints: Vec::new() });
            return Ok(());
        }
        _ => {}
    }
    let inside = commands(lines, &Options::default());
    match word {
        ("start", _) => exercise.start = inside?,
        ("solution", _) => exercise.solution = inside?,
        ("goal", text) => {
            let check = inside?;
            if let Some(command) = check.iter().find(|command| !command.claim.reads) {
                return problem(
                    command.source_line,
                    1,
                    format!("`{}` may change the cluster; expected a check that only reads", command.line),
                );
            }
            if check.is_empty() {
                return problem(head.number, 1, "this goal has no check; expected a command `$ …` and what it prints");
            }
            exercise.goals.push(Goal {
                text: prose::spans(Line { number: head.number, text })?,
                check,
                call: None,
                hints: Vec::new(),
            });
        }
        ("hint", text) => {
            let Some(goal) = exercise.goals.last_mut() else {
                return problem(head.number, 1, "found a hint before any goal; expected `goal TEXT` first");
            };
            goal.hints.push(prose::spans(Line { number: head.number, text })?);
        }
        _ => {}
    }
    Ok(())
}

fn yaml(info: Line, inside: &[Line], options: Options, files: &[File]) -> Result<Block, Problem> {
    let Some(file) = files.iter().find(|file| file.name == options.file) else {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        return problem(
            info.number,
            4,
            format!("found no file `{}` beside the lesson; expected one of: {}", options.file, names.join(", ")),
        );
    };
    // The text may be repeated in the lesson for readers of the source; then it must be the file's, to the letter.
    let shown: Vec<&str> = inside.iter().map(|line| line.text).collect();
    if !shown.is_empty() && !shown.iter().copied().eq(file.text.lines()) {
        return problem(
            info.number,
            1,
            format!("this text differs from {}; expected the same text or none", file.name),
        );
    }
    Ok(Block::Yaml { file: options.file })
}
