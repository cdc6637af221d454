//! Text that begins with `{`: a stream of JSON values, or else YAML (whose flow style it may be).
//! The words for broken JSON are those of Go's `encoding/json` scanner.

use serde_json::{Deserializer, Value};

use super::{Broken, Document, Marks, YamlError};

/// What reads the text when it is not JSON: `parse::yaml_documents`.
type YamlReader = fn(&str, usize) -> Result<Vec<Document>, YamlError>;

pub(super) fn parse(text: &str, yaml: YamlReader) -> Result<Vec<Document>, YamlError> {
    let mut documents = Vec::new();
    let mut stream = Deserializer::from_str(text).into_iter::<Value>();
    let mut consumed = 0;
    while let Some(next) = stream.next() {
        let begins = consumed;
        match next {
            Ok(value) => {
                consumed = stream.byte_offset();
                let first_line = 1 + text[..begins].matches('\n').count();
                let marks = yaml(&text[begins..consumed], first_line).ok().and_then(|mut read| read.pop());
                documents.push(Document { value, marks: marks.map_or_else(Marks::default, |read| read.marks) });
            }
            Err(error) => return rest_as_yaml(text, begins, &error, documents, yaml),
        }
    }
    Ok(documents)
}

/// After at most one JSON value the rest may still be YAML; where it is not, the JSON reader's error is told.
fn rest_as_yaml(
    text: &str,
    begins: usize,
    error: &serde_json::Error,
    mut documents: Vec<Document>,
    yaml: YamlReader,
) -> Result<Vec<Document>, YamlError> {
    let rest = &text[begins..];
    let first_line = 1 + text[..begins].matches('\n').count();
    if documents.len() <= 1
        && let Ok(more) = yaml(rest, first_line)
    {
        documents.extend(more);
        return Ok(documents);
    }
    let (offset, words) = problem(rest);
    let (line, column) = place(text, begins + offset, error);
    let found: String = rest[floor(rest, offset)..].lines().next().unwrap_or("").chars().take(40).collect();
    // Go counts the offending byte in, and knows no place for a text that ends too early.
    let message =
        if words == "unexpected EOF" { words } else { format!("json: offset {}: {words}", begins + offset + 1) };
    Err(Broken { message, line, column, found, expected: String::new(), before: documents }.into())
}

fn floor(text: &str, mut offset: usize) -> usize {
    offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn place(text: &str, offset: usize, error: &serde_json::Error) -> (usize, usize) {
    let before = &text[..floor(text, offset)];
    if before.is_empty() {
        return (error.line().max(1), error.column().max(1));
    }
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}

/// What the scanner may meet next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    After,
}

/// Finds the first byte of a broken JSON text that does not fit, and Go's words for it.
fn problem(text: &str) -> (usize, String) {
    let bytes = text.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let mut next = Next::Value;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let step = match next {
            Next::Value | Next::ValueOrEnd => value(bytes, at, next == Next::ValueOrEnd, &mut open),
            Next::Key | Next::KeyOrEnd => key(bytes, at, next == Next::KeyOrEnd, &mut open),
            Next::Colon if byte == b':' => Ok((at + 1, Next::Value)),
            Next::Colon => Err((at, "after object key".into())),
            Next::After => after(byte, at, &mut open),
        };
        match step {
            Ok((to, then)) => (at, next) = (to, then),
            Err((at, _)) if at >= bytes.len() => return (at, "unexpected EOF".into()),
            Err((at, context)) => return (at, format!("invalid character {} {context}", quoted(text, at))),
        }
        if open.is_empty() && next == Next::After {
            break;
        }
    }
    (bytes.len(), "unexpected EOF".into())
}

type Step = Result<(usize, Next), (usize, String)>;

fn value(bytes: &[u8], at: usize, may_end: bool, open: &mut Vec<u8>) -> Step {
    match bytes[at] {
        b'{' => {
            open.push(b'{');
            Ok((at + 1, Next::KeyOrEnd))
        }
        b'[' => {
            open.push(b'[');
            Ok((at + 1, Next::ValueOrEnd))
        }
        b']' if may_end => {
            open.pop();
            Ok((at + 1, Next::After))
        }
        b'"' => Ok((string(bytes, at)?, Next::After)),
        b'-' | b'0'..=b'9' => Ok((number(bytes, at)?, Next::After)),
        b't' => Ok((literal(bytes, at, "true")?, Next::After)),
        b'f' => Ok((literal(bytes, at, "false")?, Next::After)),
        b'n' => Ok((literal(bytes, at, "null")?, Next::After)),
        _ => Err((at, "looking for beginning of value".into())),
    }
}

fn key(bytes: &[u8], at: usize, may_end: bool, open: &mut Vec<u8>) -> Step {
    match bytes[at] {
        b'"' => Ok((string(bytes, at)?, Next::Colon)),
        b'}' if may_end => {
            open.pop();
            Ok((at + 1, Next::After))
        }
        _ => Err((at, "looking for beginning of object key string".into())),
    }
}

fn after(byte: u8, at: usize, open: &mut Vec<u8>) -> Step {
    match (open.last(), byte) {
        (Some(b'{'), b',') => Ok((at + 1, Next::Key)),
        (Some(b'['), b',') => Ok((at + 1, Next::Value)),
        (Some(b'{'), b'}') | (Some(b'['), b']') => {
            open.pop();
            Ok((at + 1, Next::After))
        }
        (Some(b'{'), _) => Err((at, "after object key:value pair".into())),
        (Some(_), _) => Err((at, "after array element".into())),
        (None, _) => Err((at, "after top-level value".into())),
    }
}

fn string(bytes: &[u8], at: usize) -> Result<usize, (usize, String)> {
    let mut at = at + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Ok(at + 1),
            b'\\' => match bytes.get(at + 1) {
                Some(b'u') => {
                    for digit in at + 2..at + 6 {
                        if !bytes.get(digit).is_some_and(u8::is_ascii_hexdigit) {
                            return Err((digit, "in \\u hexadecimal character escape".into()));
                        }
                    }
                    at += 6;
                }
                Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => at += 2,
                _ => return Err((at + 1, "in string escape code".into())),
            },
            0..0x20 => return Err((at, "in string literal".into())),
            _ => at += 1,
        }
    }
    Err((bytes.len(), String::new()))
}

fn number(bytes: &[u8], begins: usize) -> Result<usize, (usize, String)> {
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = begins + usize::from(bytes[begins] == b'-');
    if at > begins && !bytes.get(at).is_some_and(u8::is_ascii_digit) {
        return Err((at, "in numeric literal".into()));
    }
    at = if bytes[at] == b'0' { at + 1 } else { digits(at) };
    if bytes.get(at) == Some(&b'.') {
        if !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
            return Err((at + 1, "after decimal point in numeric literal".into()));
        }
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if !bytes.get(at).is_some_and(u8::is_ascii_digit) {
            return Err((at, "in exponent of numeric literal".into()));
        }
        at = digits(at);
    }
    Ok(at)
}

fn literal(bytes: &[u8], at: usize, word: &str) -> Result<usize, (usize, String)> {
    for (offset, expected) in word.bytes().enumerate().skip(1) {
        if bytes.get(at + offset) != Some(&expected) {
            return Err((at + offset, format!("in literal {word} (expecting '{}')", expected as char)));
        }
    }
    Ok(at + word.len())
}

/// A byte as Go quotes it in these messages.
fn quoted(text: &str, at: usize) -> String {
    match text.as_bytes()[at] {
        b'\'' => r"'\''".into(),
        b'"' => "'\"'".into(),
        b'\n' => r"'\n'".into(),
        b'\t' => r"'\t'".into(),
        b'\r' => r"'\r'".into(),
        byte @ (0..0x20 | 0x7f) => format!("'\\x{byte:02x}'"),
        byte => format!("'{}'", char::from(byte)),
    }
}
