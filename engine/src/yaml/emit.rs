//! Writing: what `sigs.k8s.io/yaml` prints for `-o yaml`.
//!
//! Block style, keys in go-yaml's natural order, lists at the column of their key, lines folded at the first space
//! after column 80, strings quoted where they would otherwise be read as something else. Source: `encode.go`,
//! `emitterc.go` and `sorter.go` of go-yaml v2.

use std::cmp::Ordering;
use std::fmt::Write;

use serde_json::{Map, Number, Value};

use super::resolve::{Scalar, format_float, json_float, resolve};

const WIDTH: usize = 80;
const INDENT: usize = 2;
/// A longer key is written after `? `.
const SIMPLE_KEY_BYTES_MAX: usize = 128;

/// Writes a value as kubectl does, with a final newline.
pub fn emit(value: &Value) -> String {
    let mut emitter = Emitter { out: String::new(), column: 0, whitespace: true, indention: true };
    emitter.node(value, None);
    if emitter.column > 0 {
        emitter.put('\n');
    }
    emitter.out
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// `yaml_emitter_t`: the column, and whether the last character was white space or indentation.
struct Emitter {
    out: String,
    column: usize,
    whitespace: bool,
    indention: bool,
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    fn indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    /// A node; `indent` is that of the collection it stands in.
    fn node(&mut self, value: &Value, indent: Option<usize>) {
        let within = indent.map_or(0, |indent| indent + INDENT);
        let scalar_indent = indent.map_or(INDENT, |indent| indent + INDENT);
        match value {
            Value::Null => self.plain("null", scalar_indent, true),
            Value::Bool(true) => self.plain("true", scalar_indent, true),
            Value::Bool(false) => self.plain("false", scalar_indent, true),
            Value::Number(number) => self.plain(&number_text(number), scalar_indent, true),
            Value::String(text) => self.string(text, scalar_indent, false),
            Value::Array(items) if items.is_empty() => self.indicator("[]", true, false, false),
            Value::Object(fields) if fields.is_empty() => self.indicator("{}", true, false, false),
            Value::Array(items) => self.sequence(items, within),
            Value::Object(fields) => self.mapping(fields, within),
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize) {
        for item in items {
            self.indent(indent);
            self.indicator("-", true, false, true);
            self.node(item, Some(indent));
        }
    }

    fn mapping(&mut self, fields: &Map<String, Value>, indent: usize) {
        let mut fields: Vec<_> = fields.iter().collect();
        fields.sort_by(|(a, _), (b, _)| natural_order(a, b));
        for (key, value) in fields {
            self.indent(indent);
            let simple = key.len() <= SIMPLE_KEY_BYTES_MAX && !key.chars().any(is_break);
            if simple {
                self.string(key, indent + INDENT, true);
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.string(key, indent + INDENT, false);
                self.indent(indent);
                self.indicator(":", true, false, true);
            }
            match value {
                // In a mapping a list begins at the column of its key.
                Value::Array(items) if !items.is_empty() && !self.indention => self.sequence(items, indent),
                _ => self.node(value, Some(indent)),
            }
        }
    }

    fn string(&mut self, text: &str, indent: usize, is_key: bool) {
        match style(text, is_key) {
            Style::Plain => self.plain(text, indent, !is_key),
            Style::SingleQuoted => self.single_quoted(text, indent, !is_key),
            Style::DoubleQuoted => self.double_quoted(text, indent, !is_key),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, may_fold: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.folded(text, indent, may_fold, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.indicator("'", true, false, false);
        self.folded(text, indent, may_fold, true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// The characters of a plain or single-quoted scalar.
    fn folded(&mut self, text: &str, indent: usize, may_fold: bool, quoted: bool) {
        let mut chars = text.char_indices().peekable();
        let (mut spaces, mut breaks) = (false, false);
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|&(_, next)| next);
            if c == ' ' {
                let inside = !quoted || at > 0 && at < text.len() - 1;
                if may_fold && !spaces && self.column > WIDTH && inside && next != Some(' ') {
                    self.indent(indent);
                } else {
                    self.put(c);
                }
                spaces = true;
                continue;
            }
            if is_break(c) {
                if !breaks && c == '\n' {
                    self.put('\n');
                }
                self.put_break(c);
                self.indention = true;
                breaks = true;
                continue;
            }
            if breaks {
                self.indent(indent);
            }
            if quoted && c == '\'' {
                self.put(c);
            }
            self.put(c);
            self.indention = false;
            (spaces, breaks) = (false, false);
        }
    }

    fn put_break(&mut self, c: char) {
        self.put(c);
        self.column = 0;
    }

    fn double_quoted(&mut self, text: &str, indent: usize, may_fold: bool) {
        self.indicator("\"", true, false, false);
        let mut chars = text.char_indices().peekable();
        let mut spaces = false;
        while let Some((at, c)) = chars.next() {
            if !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                escape(c).chars().for_each(|c| self.put(c));
                spaces = false;
            } else if c == ' ' {
                if may_fold && !spaces && self.column > WIDTH && at > 0 && at < text.len() - 1 {
                    self.indent(indent);
                    if chars.peek().is_some_and(|&(_, next)| next == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.indicator("|", true, false, false);
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.indicator("2", false, false, false);
        }
        let mut from_the_end = text.chars().rev();
        match (from_the_end.next().is_some_and(is_break), from_the_end.next()) {
            (false, _) => self.indicator("-", false, false, false),
            (true, None) => self.indicator("+", false, false, false),
            (true, Some(c)) if is_break(c) => self.indicator("+", false, false, false),
            (true, Some(_)) => {}
        }
        self.put('\n');
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.put_break(c);
                self.indention = true;
                breaks = true;
                continue;
            }
            if breaks {
                self.indent(indent);
            }
            self.put(c);
            self.indention = false;
            breaks = false;
        }
    }
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => match json_float(float) {
            Some(Value::Number(number)) if number.is_i64() => number.to_string(),
            _ => format_float(float),
        },
        _ => number.to_string(),
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// As go-yaml has it: tabs are not, and neither is anything beyond the first plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn style(text: &str, is_key: bool) -> Style {
    let may_be = analyze(text);
    let resolves_to_text = matches!(resolve(text), Scalar::Text) && !is_base60(text);
    let mut style = if text.contains('\n') {
        Style::Literal
    } else if resolves_to_text {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    if is_key && text.contains(is_break) {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain && (!may_be.plain || text.is_empty() && is_key) {
        style = Style::SingleQuoted;
    }
    let refused =
        style == Style::SingleQuoted && !may_be.single_quoted || style == Style::Literal && (!may_be.literal || is_key);
    if refused { Style::DoubleQuoted } else { style }
}

/// The styles that can hold a text: `yaml_emitter_analyze_scalar` for block context.
struct Allowed {
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

fn analyze(text: &str) -> Allowed {
    let chars: Vec<char> = text.chars().collect();
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
    let (mut previous_space, mut previous_break, mut after_white) = (false, false, true);
    for (at, &c) in chars.iter().enumerate() {
        let before_white = chars.get(at + 1).is_none_or(|&next| matches!(next, ' ' | '\t'));
        indicators |= match c {
            '#' => at == 0 || after_white,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => at == 0,
            '?' | '-' => at == 0 && before_white,
            ':' => before_white,
            _ => false,
        };
        special |= !is_printable(c);
        if c == ' ' {
            break_space |= previous_break;
        } else if is_break(c) {
            breaks = true;
            space_break |= previous_space;
        }
        (previous_space, previous_break) = (c == ' ', is_break(c));
        after_white = matches!(c, ' ' | '\t' | '\0') || is_break(c);
    }
    let edge = |c: Option<&char>| c.is_some_and(|&c| c == ' ' || is_break(c));
    let padded = edge(chars.first()) || edge(chars.last());
    let bad = space_break || special;
    Allowed {
        plain: !(indicators || padded || break_space || bad || breaks),
        single_quoted: !(break_space || bad),
        literal: !(chars.is_empty() || chars.last() == Some(&' ') || bad),
    }
}

/// `12:30:45`: a number to base 60 in YAML 1.1, quoted for the sake of other readers.
fn is_base60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or("");
    let rest: Vec<_> = parts.collect();
    let is_sixtieth = |part: &&str| match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    };
    let Some((last, middle)) = rest.split_last() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && middle.iter().all(is_sixtieth)
        && is_sixtieth(&last)
}

fn escape(c: char) -> String {
    let named = match c {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let mut out = String::new();
            let code = u32::from(c);
            let written = match code {
                0..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            debug_assert!(written.is_ok());
            return out;
        }
    };
    format!("\\{named}")
}

/// go-yaml's order of keys: letters after everything else, runs of digits by their value.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else { return a.len().cmp(&b.len()) };
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => return a[at].cmp(&b[at]),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Inside a number whose leading digit stands before, a zero does not make it shorter.
    let before = a[..at].iter().rev().take_while(|c| c.is_numeric());
    let inside = (a[at] == '0' || b[at] == '0') && before.clone().any(|&c| c != '0');
    let run = |chars: &[char]| {
        let digits = chars[at..].iter().take_while(|c| c.is_ascii_digit());
        let length = digits.clone().count();
        let value = digits
            .fold(i64::from(inside), |n, &c| n.wrapping_mul(10).wrapping_add(i64::from(u32::from(c) - u32::from('0'))));
        (value, length)
    };
    run(&a).cmp(&run(&b)).then(a[at].cmp(&b[at]))
}
