//! Reads a kubectl command line as cobra and pflag do: finds the command, then its flags (long and short,
//! `=`, bundled letters, repeated, `--`), and words every refusal as they do. Sources: cobra 1.9
//! `Command.Find` and `legacyArgs`, pflag 1.0.6 `FlagSet.parseArgs`. Left out: plugins and the kuberc file.

use std::collections::BTreeMap;

use super::commands::{self, Command, Fidelity, Flag, FlagType};
use super::go_format::{parse_bool, parse_duration, parse_int};
use super::go_value::quote;

/// A command line that was understood.
#[derive(Debug)]
pub struct Parsed {
    pub command: &'static Command,
    pub args: Vec<String>,
    /// How many of `args` stood before `--`, when there was one.
    pub dash: Option<usize>,
    pub flags: Flags,
}

/// Why a command line was not understood, or what it asked for instead.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `-h` or `--help`; the path of the command.
    Help(&'static str),
    /// kubectl's own words, without `error: `.
    Usage(String),
    /// A flag that exists and that portlab does not model.
    Unmodelled { command: &'static str, flag: &'static str },
}

/// The flags that were given, and the defaults of the others.
#[derive(Debug, Default)]
pub struct Flags {
    command: &'static str,
    given: BTreeMap<&'static str, Vec<String>>,
}

impl Flags {
    pub fn changed(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn value(&self, name: &str) -> &str {
        match self.given.get(name).and_then(|v| v.last()) {
            Some(value) => value,
            None => self.definition(name).map_or("", |f| f.default),
        }
    }

    fn definition(&self, name: &str) -> Option<&'static Flag> {
        commands::find(self.command).and_then(|c| c.flag(name))
    }

    /// A string flag; its default when it was not given, empty when the command has no such flag.
    pub fn text(&self, name: &str) -> &str {
        self.value(name)
    }

    pub fn bool(&self, name: &str) -> bool {
        parse_bool(self.value(name)).unwrap_or(false)
    }

    pub fn int(&self, name: &str) -> i64 {
        parse_int(self.value(name), 0, 64).unwrap_or(0)
    }

    /// A duration in nanoseconds.
    pub fn duration(&self, name: &str) -> i64 {
        parse_duration(self.value(name)).unwrap_or(0)
    }

    /// The values of a flag that may be repeated.
    pub fn list(&self, name: &str) -> Vec<String> {
        let given = self.given.get(name).cloned().unwrap_or_default();
        match self.definition(name).map(|f| f.value) {
            Some(FlagType::StringSlice) => given.iter().flat_map(|v| split_csv(v)).collect(),
            _ => given,
        }
    }
}

/// One record of CSV: commas separate, `"…"` protects them.
fn split_csv(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("there is always a field");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}

/// Finds the command that `words` (without the program's name) call, and reads its flags.
pub fn parse(words: &[String]) -> Result<Parsed, Refusal> {
    let (command, rest) = find(commands::root(), words.to_vec())?;
    let mut parsed = Parsed {
        command,
        args: Vec::new(),
        dash: None,
        flags: Flags { command: command.path, given: BTreeMap::new() },
    };
    read_flags(&mut parsed, &rest).map_err(|refusal| match refusal {
        Refusal::Usage(text) => Refusal::Usage(format!("{text}\nSee '{} --help' for usage.", command.full_name())),
        other => other,
    })?;
    Ok(parsed)
}

fn find(command: &'static Command, words: Vec<String>) -> Result<(&'static Command, Vec<String>), Refusal> {
    let Some(next) = first_word(command, &words) else {
        return Ok((command, words));
    };
    let child = command.children().find(|c| c.name() == next || c.aliases.contains(&next.as_str()));
    match child {
        Some(child) => find(child, without_first(command, words, &next)),
        None if command.path.is_empty() => Err(unknown_command(command, &next, &words)),
        None => Ok((command, words)),
    }
}

/// The text for an unknown command. kubectl first looks for a plugin, and plugins take no flags before their name.
fn unknown_command(root: &'static Command, word: &str, words: &[String]) -> Refusal {
    if let Some(first) = words.first().filter(|w| w.starts_with('-')) {
        return Refusal::Usage(format!("flags cannot be placed before plugin name: {first}"));
    }
    let mut text = format!("unknown command {} for \"kubectl\"", quote(word));
    let suggested: Vec<&str> = root.children().filter(|c| !c.hidden && suggests(c, word)).map(Command::name).collect();
    if !suggested.is_empty() {
        text.push_str("\n\nDid you mean this?");
        for name in suggested {
            text.push_str(&format!("\n\t{name}"));
        }
    }
    Refusal::Usage(text)
}

fn suggests(command: &Command, word: &str) -> bool {
    let (word, name) = (word.to_lowercase(), command.name());
    distance(&word, name) <= 2 || name.starts_with(&word) || command.suggest_for.contains(&word.as_str())
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Whether a flag, as written, consumes the next word. A flag that the command does not know is taken to.
fn takes_next(command: &'static Command, word: &str) -> bool {
    if word.contains('=') {
        return false;
    }
    if let Some(name) = word.strip_prefix("--") {
        return command.flag(name).is_none_or(|f| f.without_value.is_empty());
    }
    let mut letters = word.chars().skip(1);
    match (letters.next(), letters.next()) {
        (Some(letter), None) => command.shorthand(letter).is_none_or(|f| f.without_value.is_empty()),
        _ => false,
    }
}

fn first_word(command: &'static Command, words: &[String]) -> Option<String> {
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if word == "--" {
            return None;
        }
        if word.starts_with('-') {
            if takes_next(command, word) {
                if rest.len() <= 1 {
                    return None;
                }
                rest = &rest[1..];
            }
        } else if !word.is_empty() {
            return Some(word.clone());
        }
    }
    None
}

fn without_first(command: &'static Command, mut words: Vec<String>, name: &str) -> Vec<String> {
    let mut at = 0;
    while at < words.len() && words[at] != "--" {
        if words[at].starts_with('-') && takes_next(command, &words[at]) {
            at += 1;
        } else if words[at] == name {
            words.remove(at);
            return words;
        }
        at += 1;
    }
    words
}

/// `exec` and `run` stop reading flags at the first word after `--` only; kubectl keeps flags and words mixed.
fn read_flags(parsed: &mut Parsed, words: &[String]) -> Result<(), Refusal> {
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if word == "--" {
            parsed.dash = Some(parsed.args.len());
            parsed.args.extend(rest.iter().cloned());
            return Ok(());
        }
        if let Some(long) = word.strip_prefix("--") {
            rest = read_long(parsed, word, long, rest)?;
        } else if word.len() > 1 && word.starts_with('-') {
            rest = read_short(parsed, &word[1..], rest)?;
        } else {
            parsed.args.push(word.clone());
        }
    }
    Ok(())
}

fn read_long<'w>(parsed: &mut Parsed, word: &str, long: &str, rest: &'w [String]) -> Result<&'w [String], Refusal> {
    if long.starts_with('-') || long.starts_with('=') {
        return Err(Refusal::Usage(format!("bad flag syntax: {word}")));
    }
    let (name, value) = match long.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (long, None),
    };
    let Some(flag) = parsed.command.flag(name) else {
        return Err(match name {
            "help" => Refusal::Help(parsed.command.path),
            _ => Refusal::Usage(format!("unknown flag: --{name}")),
        });
    };
    if let Some(value) = value {
        set(parsed, flag, value)?;
        return Ok(rest);
    }
    if !flag.without_value.is_empty() {
        set(parsed, flag, flag.without_value)?;
        return Ok(rest);
    }
    let Some((value, rest)) = rest.split_first() else {
        return Err(Refusal::Usage(format!("flag needs an argument: {word}")));
    };
    set(parsed, flag, value)?;
    Ok(rest)
}

fn read_short<'w>(parsed: &mut Parsed, letters: &str, rest: &'w [String]) -> Result<&'w [String], Refusal> {
    let mut letters = letters;
    while let Some(letter) = letters.chars().next() {
        let after = &letters[letter.len_utf8()..];
        let Some(flag) = parsed.command.shorthand(letter) else {
            return Err(match letter {
                'h' => Refusal::Help(parsed.command.path),
                _ => Refusal::Usage(format!("unknown shorthand flag: '{letter}' in -{letters}")),
            });
        };
        if let Some(value) = after.strip_prefix('=').filter(|v| !v.is_empty()) {
            set(parsed, flag, value)?;
            return Ok(rest);
        }
        if !flag.without_value.is_empty() {
            set(parsed, flag, flag.without_value)?;
            letters = after;
            continue;
        }
        if !after.is_empty() {
            set(parsed, flag, after)?;
            return Ok(rest);
        }
        let Some((value, rest)) = rest.split_first() else {
            return Err(Refusal::Usage(format!("flag needs an argument: '{letter}' in -{letters}")));
        };
        set(parsed, flag, value)?;
        return Ok(rest);
    }
    Ok(rest)
}

fn set(parsed: &mut Parsed, flag: &'static Flag, value: &str) -> Result<(), Refusal> {
    let checked = match flag.value {
        FlagType::Bool => parse_bool(value).map(|_| ()),
        FlagType::Int { bits } => parse_int(value, 0, bits).map(|_| ()),
        FlagType::Duration => parse_duration(value).map(|_| ()),
        _ => Ok(()),
    };
    if let Err(why) = checked {
        let name = match flag.shorthand {
            Some(letter) => format!("-{letter}, --{}", flag.name),
            None => format!("--{}", flag.name),
        };
        return Err(Refusal::Usage(format!("invalid argument {} for \"{name}\" flag: {why}", quote(value))));
    }
    if flag.fidelity == Fidelity::Unmodelled && value != flag.default && value != "false" {
        return Err(Refusal::Unmodelled { command: parsed.command.path, flag: flag.name });
    }
    parsed.flags.given.entry(flag.name).or_default().push(value.to_string());
    Ok(())
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
