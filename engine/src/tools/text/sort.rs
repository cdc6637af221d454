//! `sort`, in the C locale's order (bytes), as GNU's with `LC_ALL=C`.
//! Left out: `-m`, `-M`, `-g`, `-R`, `-d`, `--parallel` and the like, which are refused.

use std::cmp::Ordering;

use super::{Cx, input};
use crate::tools::files;
use crate::tools::options::{self, flag, lines, value};

/// How a key is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rules {
    numeric: bool,
    human: bool,
    version: bool,
    reverse: bool,
    fold: bool,
    blanks: bool,
}

impl Rules {
    fn add(&mut self, option: char) -> bool {
        match option {
            'n' => self.numeric = true,
            'h' => self.human = true,
            'V' => self.version = true,
            'r' => self.reverse = true,
            'f' => self.fold = true,
            'b' => self.blanks = true,
            _ => return false,
        }
        true
    }
}

/// `-k FROM[.CHAR][RULES][,TO[.CHAR][RULES]]`
#[derive(Clone, Copy, Debug)]
struct Key {
    from: (usize, usize),
    to: Option<(usize, usize)>,
    rules: Rules,
}

const OPTIONS: [options::Spec; 12] = [
    flag('n', "numeric-sort"),
    flag('r', "reverse"),
    flag('h', "human-numeric-sort"),
    flag('V', "version-sort"),
    flag('f', "ignore-case"),
    flag('b', "ignore-leading-blanks"),
    flag('u', "unique"),
    flag('s', "stable"),
    flag('c', "check"),
    value('k', "key"),
    value('t', "field-separator"),
    value('o', "output"),
];

/// `sort [-nrhVfbus] [-k KEY]… [-t C] [-o FILE] [-c] [FILE…]`
pub fn sort(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &OPTIONS) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut global = Rules::default();
    for option in "nrhVfb".chars().filter(|option| given.has(*option)) {
        global.add(option);
    }
    let separator = match given.value('t') {
        None => None,
        Some("\\0") => Some('\0'),
        Some(text) if text.chars().count() == 1 => text.chars().next(),
        Some("") => return cx.fail("empty tab", 2),
        Some(text) => return cx.fail(&format!("multi-character tab ‘{text}’"), 2),
    };
    let mut keys = Vec::new();
    for text in given.values('k') {
        match key(text, global) {
            Some(key) => keys.push(key),
            None => return cx.fail(&format!("portlab does not model -k {text}, or it is no key"), 2),
        }
    }
    let (text, status) = match readable(cx, &given.operands) {
        Ok(text) => (text, 0),
        Err(status) => return status,
    };
    let mut sorted: Vec<&str> = lines(&text).map(options::bare).collect();
    let by_keys = |a: &str, b: &str| order(a, b, &keys, global, separator);
    let full = |a: &&str, b: &&str| {
        let last_resort = if given.has('s') || given.has('u') { Ordering::Equal } else { a.cmp(b) };
        by_keys(a, b).then(if global.reverse { last_resort.reverse() } else { last_resort })
    };
    if given.has('c') {
        let found = sorted.windows(2).position(|pair| full(&pair[0], &pair[1]) == Ordering::Greater);
        return match found {
            Some(at) => cx.fail(
                &format!(
                    "{}:{}: disorder: {}",
                    given.operands.first().map_or("-", String::as_str),
                    at + 2,
                    sorted[at + 1]
                ),
                1,
            ),
            None => 0,
        };
    }
    sorted.sort_by(full);
    if given.has('u') {
        sorted.dedup_by(|a, b| by_keys(a, b) == Ordering::Equal);
    }
    let out: String = sorted.iter().flat_map(|line| [line, "\n"]).collect();
    match given.value('o') {
        Some(path) => files::write(cx.world, path, &out),
        None => cx.print(&out),
    }
    status
}

fn readable(cx: &mut Cx, operands: &[String]) -> Result<String, i32> {
    for path in operands.iter().filter(|path| *path != "-") {
        if let Err(why) = files::open(cx.world, cx.env, path) {
            let text = if why == "Is a directory" {
                format!("read failed: {path}: {why}")
            } else {
                format!("cannot read: {path}: {why}")
            };
            return Err(cx.fail(&text, 2));
        }
    }
    let mut text = String::new();
    for path in operands {
        text.push_str(&input(cx, std::slice::from_ref(path)).0);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(if operands.is_empty() { cx.take_stdin() } else { text })
}

fn key(text: &str, global: Rules) -> Option<Key> {
    let (from, to) = text.split_once(',').map_or((text, None), |(from, to)| (from, Some(to)));
    let mut rules = Rules::default();
    let from = position(from, 1, &mut rules)?;
    let to = match to {
        Some(to) => Some(position(to, 0, &mut rules)?),
        None => None,
    };
    if from.0 == 0 || from.1 == 0 || to.is_some_and(|(field, _)| field == 0) {
        return None;
    }
    Some(Key { from, to, rules: if rules == Rules::default() { global } else { rules } })
}

/// `FIELD[.CHAR][RULES]`
fn position(text: &str, default_char: usize, rules: &mut Rules) -> Option<(usize, usize)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let known = text[end..].chars().all(|option| rules.add(option));
    let (field, char) = text[..end].split_once('.').map_or((&text[..end], None), |(field, char)| (field, Some(char)));
    let char = char.map_or(Some(default_char), |char| char.parse().ok())?;
    if known { Some((field.parse().ok()?, char)) } else { None }
}

fn order(a: &str, b: &str, keys: &[Key], global: Rules, separator: Option<char>) -> Ordering {
    if keys.is_empty() {
        return compare(a, b, global);
    }
    for key in keys {
        let order = compare(part(a, key, separator), part(b, key, separator), key.rules);
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// The part of a line that a key names.
fn part<'l>(line: &'l str, key: &Key, separator: Option<char>) -> &'l str {
    let fields = fields(line, separator);
    let begin = match fields.get(key.from.0 - 1) {
        None => line.len(),
        Some(&(begin, end)) => at_char(line, begin, end, key.from.1 - 1, key.rules.blanks),
    };
    let end = match key.to {
        None => line.len(),
        Some((field, char)) => match fields.get(field - 1) {
            None => line.len(),
            Some(&(_, end)) if char == 0 => end,
            Some(&(begin, end)) => at_char(line, begin, end, char, key.rules.blanks),
        },
    };
    &line[begin..end.max(begin)]
}

fn at_char(line: &str, begin: usize, end: usize, chars: usize, skip_blanks: bool) -> usize {
    let field = &line[begin..end];
    let skipped = if skip_blanks { field.len() - field.trim_start_matches([' ', '\t']).len() } else { 0 };
    let rest = &field[skipped..];
    begin + skipped + rest.char_indices().nth(chars).map_or(rest.len(), |(at, _)| at)
}

/// Where fields begin and end; without a separator a field takes the blanks before it.
fn fields(line: &str, separator: Option<char>) -> Vec<(usize, usize)> {
    let mut fields = Vec::new();
    if let Some(separator) = separator {
        let mut begin = 0;
        for (at, mark) in line.match_indices(separator) {
            fields.push((begin, at));
            begin = at + mark.len();
        }
        fields.push((begin, line.len()));
        return fields;
    }
    let (mut begin, mut in_word) = (0, false);
    for (at, c) in line.char_indices() {
        let blank = c == ' ' || c == '\t';
        if blank && in_word {
            fields.push((begin, at));
            begin = at;
        }
        in_word = !blank;
    }
    fields.push((begin, line.len()));
    fields
}

fn compare(a: &str, b: &str, rules: Rules) -> Ordering {
    let (a, b) =
        if rules.blanks { (a.trim_start_matches([' ', '\t']), b.trim_start_matches([' ', '\t'])) } else { (a, b) };
    let order = if rules.human {
        human(a).partial_cmp(&human(b)).unwrap_or(Ordering::Equal)
    } else if rules.numeric {
        number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal)
    } else if rules.version {
        version(a, b)
    } else if rules.fold {
        a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase())
    } else {
        a.cmp(b)
    };
    if rules.reverse { order.reverse() } else { order }
}

/// The decimal number that a text begins with, after blanks; 0 when there is none.
fn number(text: &str) -> f64 {
    let text = text.trim_start_matches([' ', '\t']);
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let mut seen_point = false;
    let end = digits
        .find(|c: char| !(c.is_ascii_digit() || c == '.' && !std::mem::replace(&mut seen_point, true)))
        .unwrap_or(digits.len());
    let value = format!("0{}", &digits[..end]).trim_end_matches('.').parse().unwrap_or(0.0);
    if negative { -value } else { value }
}

/// `2K`, `1.5Mi`: the suffix decides first.
fn human(text: &str) -> (i32, f64) {
    let value = number(text);
    let trimmed = text.trim_start_matches([' ', '\t']).trim_start_matches('-');
    let suffix = trimmed.chars().find(|c| !c.is_ascii_digit() && *c != '.');
    let power = match suffix {
        Some('k' | 'K') => 1,
        Some(c) => "MGTPEZY".find(c).map_or(0, |at| at as i32 + 2),
        None => 0,
    };
    let sign = if value < 0.0 { -1 } else { 1 };
    (if value == 0.0 { 0 } else { sign * power }, value)
}

/// Runs of digits count by value, everything else by character, letters before other signs, `~` before the end.
fn version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        let rank = |text: &[u8]| match text.first() {
            Some(b'~') => -1,
            None => 0,
            Some(c) if c.is_ascii_digit() => 0,
            Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
            Some(c) => i32::from(*c) + 256,
        };
        let stops = |text: &[u8]| text.first().is_none_or(u8::is_ascii_digit);
        if !stops(a) || !stops(b) {
            match rank(a).cmp(&rank(b)) {
                Ordering::Equal => {
                    a = a.get(1..).unwrap_or(&[]);
                    b = b.get(1..).unwrap_or(&[]);
                    continue;
                }
                order => return order,
            }
        }
        let run = |text: &[u8]| {
            let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
            let zeros = text[..end].iter().take_while(|c| **c == b'0').count();
            (zeros, end)
        };
        let ((zeros_a, end_a), (zeros_b, end_b)) = (run(a), run(b));
        let (digits_a, digits_b) = (&a[zeros_a..end_a], &b[zeros_b..end_b]);
        match digits_a.len().cmp(&digits_b.len()).then(digits_a.cmp(digits_b)) {
            Ordering::Equal => (a, b) = (&a[end_a..], &b[end_b..]),
            order => return order,
        }
    }
    Ordering::Equal
}
