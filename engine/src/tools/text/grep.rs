//! `grep`, `egrep`, `fgrep`.
//! Left out: `-P`, `--color`, `-z` and searching directories other than with `-r` in the lab; refused.

use regex_lite::Regex;

use super::Cx;
use crate::tools::files;
use crate::tools::options::{self, Given, flag, value};
use crate::tools::regex;

/// What to look for and how to show it.
struct Search {
    regexes: Vec<Regex>,
    word: bool,
    invert: bool,
    only: bool,
    count: bool,
    number: bool,
    quiet: bool,
    list: bool,
    list_without: bool,
    names: bool,
    max: usize,
    before: usize,
    after: usize,
}

/// `grep [OPTIONS] PATTERN [FILE…]`
pub fn grep(cx: &mut Cx) -> i32 {
    let specs = [
        flag('E', "extended-regexp"),
        flag('F', "fixed-strings"),
        flag('G', "basic-regexp"),
        flag('i', "ignore-case"),
        flag('y', ""),
        flag('v', "invert-match"),
        flag('c', "count"),
        flag('n', "line-number"),
        flag('o', "only-matching"),
        flag('q', "quiet"),
        flag('w', "word-regexp"),
        flag('x', "line-regexp"),
        flag('l', "files-with-matches"),
        flag('L', "files-without-match"),
        flag('h', "no-filename"),
        flag('H', "with-filename"),
        flag('s', "no-messages"),
        flag('r', "recursive"),
        flag('a', "text"),
        value('e', "regexp"),
        value('m', "max-count"),
        value('A', "after-context"),
        value('B', "before-context"),
        value('C', "context"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut operands = given.operands.clone();
    let mut patterns: Vec<String> = given.values('e').map(str::to_owned).collect();
    if patterns.is_empty() {
        if operands.is_empty() {
            cx.eprint("Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n");
            return 2;
        }
        patterns.push(operands.remove(0));
    }
    let patterns: Vec<&str> = patterns.iter().flat_map(|text| text.split('\n')).collect();
    let mut search = match search(cx, &given, &patterns) {
        Ok(search) => search,
        Err(why) => {
            let program = cx.args[0].clone();
            return cx.fail(&why.replace("{}", &program), 2);
        }
    };
    let sources = sources(cx, &given, operands.clone());
    search.names = !given.has('h') && (given.has('H') || sources.len() > 1 || given.has('r') && sources != operands);
    let (mut found, mut failed) = (false, false);
    for path in sources {
        let text = match cx.open(&path) {
            Ok(text) => text,
            Err(why) => {
                failed = true;
                if !given.has('s') {
                    cx.fail(&format!("{path}: {why}"), 2);
                }
                continue;
            }
        };
        let name = if path == "-" { "(standard input)" } else { &path };
        found |= one_file(cx, &search, name, &text);
        if found && search.quiet {
            return 0;
        }
    }
    if failed { 2 } else { i32::from(!found) }
}

fn sources(cx: &Cx, given: &Given, operands: Vec<String>) -> Vec<String> {
    if !given.has('r') {
        return if operands.is_empty() { vec!["-".into()] } else { operands };
    }
    let bases = if operands.is_empty() { vec![String::new()] } else { operands };
    let mut sources = Vec::new();
    for base in bases {
        let tidy = files::tidy(&base);
        let prefix = if tidy.is_empty() { String::new() } else { format!("{tidy}/") };
        if files::read(cx.world, cx.env, &base).is_some() {
            sources.push(base);
            continue;
        }
        let inside = cx.world.state.files.keys().filter_map(|key| key.strip_prefix(&prefix));
        let shown = if base.is_empty() { String::new() } else { format!("{}/", base.trim_end_matches('/')) };
        sources.extend(inside.filter(|rest| !rest.starts_with('/')).map(|rest| format!("{shown}{rest}")));
    }
    sources
}

fn search(_: &Cx, given: &Given, patterns: &[&str]) -> Result<Search, String> {
    let number = |option: char| -> Result<usize, String> {
        let Some(text) = given.value(option) else { return Ok(0) };
        text.parse().map_err(|_| format!("{text}: invalid context length argument"))
    };
    let context = number('C')?;
    let around =
        |option: char| -> Result<usize, String> { if given.has(option) { number(option) } else { Ok(context) } };
    let ignore_case = given.has('i') || given.has('y');
    let mut regexes = Vec::new();
    for pattern in patterns {
        let translated =
            if given.has('F') { regex::literal(pattern) } else { regex::translate(pattern, given.has('E'))? };
        let whole = if given.has('x') { format!("^(?:{translated})$") } else { translated };
        regexes.push(regex::compile(&whole, ignore_case)?);
    }
    Ok(Search {
        regexes,
        word: given.has('w'),
        invert: given.has('v'),
        only: given.has('o'),
        count: given.has('c'),
        number: given.has('n'),
        quiet: given.has('q'),
        list: given.has('l'),
        list_without: given.has('L'),
        names: false,
        max: given
            .value('m')
            .map_or(Ok(usize::MAX), |text| text.parse().map_err(|_| "invalid max count".to_owned()))?,
        before: around('B')?,
        after: around('A')?,
    })
}

/// The matches of a line, leftmost and longest first, without overlap.
fn matches(search: &Search, line: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at <= line.len() {
        let candidates = search.regexes.iter().filter_map(|regex| first_match(search, regex, line, at));
        let Some((begin, end)) = candidates.min_by_key(|(begin, end)| (*begin, std::cmp::Reverse(*end))) else { break };
        found.push((begin, end));
        at = if end > begin { end } else { end + line[end..].chars().next().map_or(1, char::len_utf8) };
    }
    found
}

fn first_match(search: &Search, regex: &Regex, line: &str, from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let found = regex.find_at(line, from)?;
        let (begin, mut end) = (found.start(), found.end());
        if !search.word {
            return Some((begin, end));
        }
        // With -w a match may have to give up characters at its end.
        loop {
            if is_word(line, begin, end) {
                return Some((begin, end));
            }
            let shorter =
                line[begin..end].char_indices().next_back().map(|(at, _)| begin + at).filter(|end| *end > begin);
            match shorter.and_then(|to| regex.find_at(&line[..to], begin)).filter(|found| found.start() == begin) {
                Some(found) if found.end() > begin => end = found.end(),
                _ => break,
            }
        }
        from = begin + line[begin..].chars().next().map_or(1, char::len_utf8);
        if from > line.len() {
            return None;
        }
    }
}

fn is_word(line: &str, begin: usize, end: usize) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    !line[..begin].ends_with(part) && !line[end..].starts_with(part) && end > begin
}

/// Searches one file and prints what is to be printed; whether a line was selected.
fn one_file(cx: &mut Cx, search: &Search, name: &str, text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let (mut selected, mut shown_to) = (0, 0);
    let mut out = String::new();
    let mut after_left = 0;
    for (at, line) in lines.iter().enumerate() {
        if selected >= search.max && after_left == 0 {
            break;
        }
        let found = if search.only && !search.invert || search.word { matches(search, line) } else { Vec::new() };
        let hit = if search.word || !found.is_empty() {
            !found.is_empty()
        } else {
            search.regexes.iter().any(|regex| regex.is_match(line))
        };
        if hit != search.invert && selected < search.max {
            selected += 1;
            if search.quiet || search.list || search.list_without {
                break;
            }
            if search.count {
                continue;
            }
            if search.only {
                let parts = found.iter().filter(|(begin, end)| end > begin).map(|(begin, end)| &line[*begin..*end]);
                parts.for_each(|part| out.push_str(&format!("{}{part}\n", label(search, name, at, ':'))));
                continue;
            }
            let from = at.saturating_sub(search.before).max(shown_to);
            let apart = if shown_to > 0 { from > shown_to } else { selected > 1 && from > 0 };
            if (search.before > 0 || search.after > 0) && apart {
                out.push_str("--\n");
            }
            (from..at)
                .for_each(|before| out.push_str(&format!("{}{}\n", label(search, name, before, '-'), lines[before])));
            out.push_str(&format!("{}{line}\n", label(search, name, at, ':')));
            shown_to = at + 1;
            after_left = search.after;
        } else if after_left > 0 && !search.count && !search.only {
            out.push_str(&format!("{}{line}\n", label(search, name, at, '-')));
            shown_to = at + 1;
            after_left -= 1;
        }
    }
    let prefix = if search.names { format!("{name}:") } else { String::new() };
    match (search.quiet, search.list, search.list_without, search.count) {
        (true, ..) => {}
        (_, true, ..) if selected > 0 => cx.print(&format!("{name}\n")),
        (_, _, true, _) if selected == 0 => cx.print(&format!("{name}\n")),
        (_, false, false, true) => cx.print(&format!("{prefix}{selected}\n")),
        _ => cx.print(&out),
    }
    selected > 0
}

fn label(search: &Search, name: &str, at: usize, mark: char) -> String {
    let name = if search.names { format!("{name}{mark}") } else { String::new() };
    let number = if search.number { format!("{}{mark}", at + 1) } else { String::new() };
    name + &number
}
