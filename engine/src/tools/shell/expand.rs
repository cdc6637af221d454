//! Words to arguments: braces, parameters, `$( )`, arithmetic, splitting at `IFS`, file names, in POSIX's order.

use super::arithmetic;
use super::ast::{Change, Part, Word};
use super::exec::{Shell, Stop};
use super::pattern::{escaped, is_pattern, matches_chars};
use crate::kube::kubelet::hosts;
use crate::tools::files;
use crate::tools::processes::SHELL_PID;

/// Words that one word may become.
const FIELDS_MAX: usize = 10_000;
/// Bytes that one word may become.
const BYTES_MAX: usize = 2 << 20;

/// A field being built: its text, and the same as a pattern with quoted characters escaped.
#[derive(Clone, Debug, Default)]
struct Field {
    text: String,
    pattern: String,
    /// Kept even when empty.
    quoted: bool,
}

impl Field {
    fn push(&mut self, text: &str, quoted: bool) {
        self.text.push_str(text);
        if quoted {
            self.pattern.push_str(&escaped(text));
        } else {
            self.pattern.push_str(text);
        }
        self.quoted |= quoted;
    }
}

impl Shell<'_> {
    /// The arguments that words become.
    pub(super) fn arguments(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let mut arguments = Vec::new();
        for word in words {
            for word in super::brace::expand(word)? {
                for field in self.fields(&word, true)? {
                    let names = if is_pattern(&field.pattern) {
                        files::glob(self.world, self.env, &field.pattern)
                    } else {
                        Vec::new()
                    };
                    if names.is_empty() {
                        arguments.push(field.text);
                    } else {
                        arguments.extend(names);
                    }
                    if arguments.len() > FIELDS_MAX {
                        return Err(Stop::Bound(format!("portlab expands to at most {FIELDS_MAX} words")));
                    }
                }
            }
        }
        Ok(arguments)
    }

    /// A word where nothing is split: assignments, redirections, here-documents.
    pub(super) fn text(&mut self, word: &Word) -> Result<String, Stop> {
        Ok(self.joined(word)?.text)
    }

    /// A word as a pattern: what was quoted stands for itself.
    pub(super) fn pattern(&mut self, word: &Word) -> Result<String, Stop> {
        Ok(self.joined(word)?.pattern)
    }

    fn joined(&mut self, word: &Word) -> Result<Field, Stop> {
        let mut joined = Field::default();
        for (number, field) in self.fields(word, false)?.into_iter().enumerate() {
            if number > 0 {
                joined.push(" ", true);
            }
            joined.text.push_str(&field.text);
            joined.pattern.push_str(&field.pattern);
        }
        Ok(joined)
    }

    fn fields(&mut self, word: &Word, split: bool) -> Result<Vec<Field>, Stop> {
        let mut done: Vec<Field> = Vec::new();
        let mut open = Field::default();
        for part in &word.0 {
            match part {
                Part::Literal(text) => open.push(text, false),
                Part::Quoted(text) => open.push(text, true),
                Part::Parameter { name, length: false, change: None, quoted }
                    if name == "@" || name == "*" && !quoted =>
                {
                    self.positional(*quoted && split, split, &mut done, &mut open)?;
                }
                Part::Parameter { quoted, .. } => {
                    let value = self.parameter(part)?;
                    self.add(&value, *quoted || !split, split, &mut done, &mut open);
                    open.quoted |= *quoted;
                }
                Part::Command { list, quoted } => {
                    let value = self.substitute(list)?;
                    self.add(&value, *quoted || !split, split, &mut done, &mut open);
                    open.quoted |= *quoted;
                }
                Part::Arithmetic { expression, quoted } => {
                    let value = self.arithmetic(expression)?.to_string();
                    self.add(&value, *quoted || !split, split, &mut done, &mut open);
                }
                Part::Process(list) => {
                    let path = self.process(list)?;
                    open.push(&path, true);
                }
            }
            if done.len() > FIELDS_MAX || open.text.len() > BYTES_MAX {
                return Err(Stop::Bound(format!(
                    "portlab expands a word to at most {FIELDS_MAX} words and {BYTES_MAX} bytes"
                )));
            }
        }
        if open.quoted || !open.text.is_empty() || !split {
            done.push(open);
        }
        Ok(done)
    }

    /// Adds an expanded value: whole, or cut at the characters of `IFS`.
    fn add(&self, value: &str, whole: bool, split: bool, done: &mut Vec<Field>, open: &mut Field) {
        if whole {
            // Where nothing is split an unquoted value may still be a pattern (`case`, `${x#$y}`).
            open.push(value, false);
            if split {
                open.pattern.truncate(open.pattern.len() - value.len());
                open.pattern.push_str(&escaped(value));
            }
            return;
        }
        let ifs = self.env.vars.get("IFS").map_or(" \t\n", String::as_str);
        let mut after_mark = false;
        for c in value.chars() {
            if !ifs.contains(c) {
                open.push(c.encode_utf8(&mut [0; 4]), false);
                after_mark = false;
                continue;
            }
            let blank = c.is_whitespace();
            if !open.text.is_empty() || open.quoted || !blank && (after_mark || done.is_empty()) {
                done.push(std::mem::take(open));
                after_mark = false;
            }
            after_mark |= !blank;
        }
    }

    fn positional(&mut self, separate: bool, split: bool, done: &mut Vec<Field>, open: &mut Field) -> Result<(), Stop> {
        let values = self.env.positional.clone();
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                if split {
                    if !open.text.is_empty() || open.quoted {
                        done.push(std::mem::take(open));
                    }
                } else {
                    open.push(" ", true);
                }
            }
            self.add(value, separate || !split, split, done, open);
            open.quoted |= separate;
        }
        Ok(())
    }

    pub(super) fn arithmetic(&mut self, expression: &Word) -> Result<i64, Stop> {
        let text = self.text(expression)?;
        arithmetic::evaluate(text.trim(), self.env).map_err(Stop::Failed)
    }

    /// A parameter's value without any change; None when it is not set.
    fn value(&mut self, name: &str) -> Option<String> {
        let env = &*self.env;
        match name {
            "?" => Some(env.status.to_string()),
            "#" => Some(env.positional.len().to_string()),
            "@" | "*" => Some(env.positional.join(" ")),
            "$" => Some(SHELL_PID.to_string()),
            "!" => self.world.jobs.of(&hosts::name_of(self.world, self.place)).last_pid.map(|pid| pid.to_string()),
            "-" => Some("himBHs".into()),
            "0" => Some("bash".into()),
            "RANDOM" => Some(self.world.random(32_768).to_string()),
            "SECONDS" => Some((self.world.now().0 / 1000).to_string()),
            _ => match name.parse::<usize>() {
                Ok(number) => env.positional.get(number.wrapping_sub(1)).cloned(),
                Err(_) => env.vars.get(name).cloned(),
            },
        }
    }

    fn parameter(&mut self, part: &Part) -> Result<String, Stop> {
        let Part::Parameter { name, length, change, .. } = part else { return Ok(String::new()) };
        let value = self.value(name);
        if *length {
            let count = if name == "@" || name == "*" {
                self.env.positional.len()
            } else {
                value.unwrap_or_default().chars().count()
            };
            return Ok(count.to_string());
        }
        let Some((change, word)) = change else {
            if value.is_none() && self.env.options.nounset && !matches!(name.as_str(), "@" | "*") {
                return Err(Stop::Failed(format!("{name}: unbound variable")));
            }
            return Ok(value.unwrap_or_default());
        };
        let given = |colon: &bool| value.clone().filter(|value| !(*colon && value.is_empty()));
        match change {
            Change::Default { colon } => match given(colon) {
                Some(value) => Ok(value),
                None => self.text(word),
            },
            Change::Assign { colon } => match given(colon) {
                Some(value) => Ok(value),
                None => {
                    let value = self.text(word)?;
                    self.env.vars.insert(name.clone(), value.clone());
                    Ok(value)
                }
            },
            Change::Error { colon } => match given(colon) {
                Some(value) => Ok(value),
                None => {
                    let text = self.text(word)?;
                    let standard = if *colon { "parameter null or not set" } else { "parameter not set" };
                    Err(Stop::Failed(format!("{name}: {}", if text.is_empty() { standard } else { &text })))
                }
            },
            Change::Alternative { colon } => match given(colon) {
                Some(_) => self.text(word),
                None => Ok(String::new()),
            },
            _ => self.changed(change, value.unwrap_or_default(), word),
        }
    }

    /// The changes that work on a value's text.
    fn changed(&mut self, change: &Change, value: String, word: &Word) -> Result<String, Stop> {
        let chars: Vec<char> = value.chars().collect();
        match change {
            Change::Substring => self.substring(&chars, word),
            Change::RemovePrefix { longest } => {
                let pattern: Vec<char> = self.pattern(word)?.chars().collect();
                let fits = |&end: &usize| matches_chars(&pattern, &chars[..end]);
                let end = if *longest { (0..=chars.len()).rev().find(fits) } else { (0..=chars.len()).find(fits) };
                Ok(chars[end.unwrap_or(0)..].iter().collect())
            }
            Change::RemoveSuffix { longest } => {
                let pattern: Vec<char> = self.pattern(word)?.chars().collect();
                let fits = |&begin: &usize| matches_chars(&pattern, &chars[begin..]);
                let begin = if *longest { (0..=chars.len()).find(fits) } else { (0..=chars.len()).rev().find(fits) };
                Ok(chars[..begin.unwrap_or(chars.len())].iter().collect())
            }
            Change::Replace { all, by } => {
                let pattern: Vec<char> = self.pattern(word)?.chars().collect();
                let by = self.text(by)?;
                Ok(replaced(&chars, &pattern, &by, *all))
            }
            Change::Upper { all: true } => Ok(value.to_uppercase()),
            Change::Lower { all: true } => Ok(value.to_lowercase()),
            Change::Upper { .. } => {
                Ok(chars.iter().take(1).flat_map(|c| c.to_uppercase()).chain(chars.iter().skip(1).copied()).collect())
            }
            Change::Lower { .. } => {
                Ok(chars.iter().take(1).flat_map(|c| c.to_lowercase()).chain(chars.iter().skip(1).copied()).collect())
            }
            Change::Default { .. } | Change::Assign { .. } | Change::Error { .. } | Change::Alternative { .. } => {
                Ok(value)
            }
        }
    }

    /// `${x:offset:length}`
    fn substring(&mut self, chars: &[char], word: &Word) -> Result<String, Stop> {
        let text = self.text(word)?;
        let (offset, length) =
            text.split_once(':').map_or((text.as_str(), None), |(offset, length)| (offset, Some(length)));
        let offset = arithmetic::evaluate(offset, self.env).map_err(Stop::Failed)?;
        let size = chars.len() as i64;
        let begin = if offset < 0 { size + offset } else { offset };
        let end = match length {
            None => size,
            Some(length) => match arithmetic::evaluate(length, self.env).map_err(Stop::Failed)? {
                length if length < 0 => size + length,
                length => begin.saturating_add(length),
            },
        };
        if begin < 0 || begin > size {
            return Ok(String::new());
        }
        if end < begin {
            return Err(Stop::Failed(format!("{}: substring expression < 0", length.unwrap_or(""))));
        }
        Ok(chars[begin as usize..end.min(size) as usize].iter().collect())
    }
}

fn replaced(chars: &[char], pattern: &[char], by: &str, all: bool) -> String {
    let (anchor, pattern) = match pattern.first() {
        Some('#') if !all => (Some('#'), &pattern[1..]),
        Some('%') if !all => (Some('%'), &pattern[1..]),
        _ => (None, pattern),
    };
    let mut out = String::new();
    let (mut at, mut going_on) = (0, !pattern.is_empty());
    while at < chars.len() {
        let end = match anchor {
            _ if !going_on || anchor == Some('#') && at > 0 => None,
            Some('%') => matches_chars(pattern, &chars[at..]).then_some(chars.len()),
            _ => (at + 1..=chars.len()).rev().find(|&end| matches_chars(pattern, &chars[at..end])),
        };
        match end {
            Some(end) => {
                out.push_str(by);
                at = end;
                going_on = all;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
        if out.len() > BYTES_MAX {
            break;
        }
    }
    out
}
