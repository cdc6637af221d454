//! jq's words for what goes wrong; jaq has words of its own.

use jaq_core::compile::Undefined;
use jaq_core::load::{File, Lexer, parse::Parser};
use jaq_json::Val;

/// Longest value that an error shows, in bytes, as in jq.
const SHOWN_MAX: usize = 11;

/// `jq: error (at <stdin>:7): Cannot iterate over null (null)`: the number of lines read comes with it.
pub fn runtime(error: &jaq_json::Error, stdin: &str) -> String {
    let lines = stdin.matches('\n').count();
    let message = in_jqs_words(&error.to_string());
    match error.clone().into_val() {
        // `error("text")` shows the text, `error({...})` the value.
        Val::TStr(text) if error.to_string().starts_with('"') => {
            format!("jq: error (at <stdin>:{lines}): {}\n", String::from_utf8_lossy(&text))
        }
        Val::Obj(_) | Val::Arr(_) => format!("jq: error (at <stdin>:{lines}) (not a string): {message}\n"),
        _ => format!("jq: error (at <stdin>:{lines}): {message}\n"),
    }
}

/// jaq's message in jq's words, where the two differ.
fn in_jqs_words(message: &str) -> String {
    if let Some((value, kind)) = message.strip_prefix("cannot use ").and_then(|rest| rest.rsplit_once(" as ")) {
        return match kind {
            "iterable (array or object)" => format!("Cannot iterate over {}", with_type(value)),
            "number" => format!("{} number required", with_type(value)),
            "string" => format!("{} cannot be parsed as a string", with_type(value)),
            "array" => format!("{} is not an array", with_type(value)),
            _ => message.to_owned(),
        };
    }
    if let Some((value, index)) = message.strip_prefix("cannot index ").and_then(|rest| rest.rsplit_once(" with ")) {
        let index = if index.starts_with('"') { index.to_owned() } else { type_of(index).to_owned() };
        return format!("Cannot index {} with {index}", type_of(value));
    }
    if let Some(rest) = message.strip_prefix("cannot calculate ") {
        for (sign, verb) in
            [(" + ", "added"), (" - ", "subtracted"), (" * ", "multiplied"), (" / ", "divided"), (" % ", "divided")]
        {
            if let Some((left, right)) = rest.split_once(sign) {
                let zero = if right == "0" { " because the divisor is zero" } else { "" };
                return format!("{} and {} cannot be {verb}{zero}", with_type(left), with_type(right));
            }
        }
    }
    message.to_owned()
}

fn type_of(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "boolean",
        Some(b'"') => "string",
        Some(b'[') => "array",
        Some(b'{') => "object",
        _ => "number",
    }
}

fn with_type(value: &str) -> String {
    let mut shown = value.to_owned();
    if shown.len() > SHOWN_MAX {
        let end = (0..SHOWN_MAX).rev().find(|at| shown.is_char_boundary(*at)).unwrap_or(0);
        shown.truncate(end);
        shown.push_str("...");
    }
    format!("{} ({shown})", type_of(value))
}

/// A filter that does not parse: what was found and where.
pub fn syntax(code: &str) -> String {
    let at = first_trouble(code);
    let found = match code.get(at..).and_then(|rest| rest.split_whitespace().next()) {
        Some(word) => format!("unexpected `{word}`"),
        None => "unexpected end of the filter (Unix shell quoting issues?)".to_owned(),
    };
    compile_error(code, at, &format!("syntax error, {found}"))
}

/// Where the first thing stands that does not fit; the end when something is missing.
fn first_trouble(code: &str) -> usize {
    let offset =
        |part: &str| (part.as_ptr() as usize).checked_sub(code.as_ptr() as usize).filter(|at| *at <= code.len());
    let tokens = match Lexer::new(code).lex() {
        Ok(tokens) => tokens,
        Err(errors) => return errors.first().and_then(|(_, found)| offset(found)).unwrap_or(code.len()),
    };
    match Parser::new(&tokens).parse(|p| p.term()) {
        Err(errors) => errors.first().and_then(|(_, token)| offset(token.as_ref()?.0)).unwrap_or(code.len()),
        Ok(_) => code.len(),
    }
}

/// The names that a file uses and nobody defines.
type Unknown<'a> = (File<&'a str, ()>, Vec<(&'a str, Undefined)>);

/// A name that is not defined.
pub fn undefined(code: &str, errors: &[Unknown]) -> String {
    let mut text = String::new();
    let mut count = 0;
    for (name, what) in errors.iter().flat_map(|(_, errors)| errors) {
        let name = match what {
            Undefined::Filter(arity) => format!("{name}/{arity}"),
            _ => (*name).to_owned(),
        };
        text.push_str(&format!("jq: error: {name} is not defined at <top-level>, line 1:\n{code}\n"));
        count += 1;
    }
    text + &format!("jq: {count} compile error{}\n", if count == 1 { "" } else { "s" })
}

fn compile_error(code: &str, at: usize, message: &str) -> String {
    let line = code[..at].matches('\n').count() + 1;
    format!("jq: error: {message} at <top-level>, line {line}:\n{code}\njq: 1 compile error\n")
}

/// Input that is not JSON.
pub fn parse(stdin: &str, error: &str) -> String {
    format!("jq: parse error: {error} at line {}\n", stdin.lines().count().max(1))
}

/// The text with everything beyond ASCII as `\uXXXX`.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}
