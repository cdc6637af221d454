//! Strict decoding of JSON into an API type, with the messages of the real decoder.
//!
//! Source: sigs.k8s.io/json (Go's encoding/json, case-sensitive, unknown fields collected) and the decoders of apimachinery's
//! types. The first value of a wrong type is the answer; only without one are unknown fields reported, all of them.
//! Leaves out: duplicate fields, which a parsed value cannot hold; whoever parses the text reports them.

use serde_json::Value;

use super::{Struct, Type, structure};
use crate::kube::quantity::{self, QuantityError};
use crate::object::json_type;

/// What decoding found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The first value that does not fit its field.
    pub error: Option<String>,
    /// Paths of fields that the type does not have, in document order; at most a hundred are kept.
    pub unknown: Vec<String>,
}

impl Findings {
    /// The error text: a wrong type always, unknown fields when `strict`.
    pub fn message(&self, strict: bool) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(error.clone());
        }
        if !strict || self.unknown.is_empty() {
            return None;
        }
        let fields: Vec<String> = self.unknown.iter().map(|path| format!("unknown field {path:?}")).collect();
        Some(format!("strict decoding error: {}", fields.join(", ")))
    }
}

/// Decodes `value` as the struct or kind of that name.
pub fn check(kind: &str, value: &Value) -> Findings {
    let mut walk = Walk { findings: Findings::default(), path: String::new(), names: Vec::new(), owner: "" };
    if let Some(root) = structure(kind) {
        match value {
            Value::Object(_) => walk.structure(root, value),
            Value::Null => {}
            other => walk.mismatch(json_type(other), &format!("v1.{kind}")),
        }
    }
    walk.findings
}

struct Walk {
    findings: Findings,
    /// The path with indices and map keys, for unknown fields.
    path: String,
    /// The names of the fields on the way, for wrong types: without indices and map keys.
    names: Vec<&'static str>,
    /// The struct of the innermost field.
    owner: &'static str,
}

impl Walk {
    fn structure(&mut self, structure: &'static Struct, value: &Value) {
        let Value::Object(members) = value else { return };
        let (length, owner) = (self.path.len(), self.owner);
        for (name, member) in members {
            let dot = if length == 0 { "" } else { "." };
            let Some(field) = structure.field(name) else {
                if self.findings.unknown.len() < 100 {
                    self.findings.unknown.push(format!("{}{dot}{name}", self.path));
                }
                continue;
            };
            self.path.push_str(dot);
            self.path.push_str(name);
            self.names.push(field.name);
            self.owner = structure.name;
            self.value(&field.ty, member);
            self.names.pop();
            self.owner = owner;
            self.path.truncate(length);
        }
    }

    fn value(&mut self, ty: &Type, value: &Value) {
        let ty = ty.inner();
        if value.is_null() {
            return;
        }
        match (ty, value) {
            (Type::Struct(name), Value::Object(_)) => {
                if let Some(inner) = structure(name) {
                    self.structure(inner, value);
                }
            }
            (Type::Map(_, item), Value::Object(members)) => {
                let length = self.path.len();
                for (key, member) in members {
                    self.path.push('.');
                    self.path.push_str(key);
                    self.value(item, member);
                    self.path.truncate(length);
                }
            }
            (Type::List(item), Value::Array(members)) => {
                let length = self.path.len();
                for (index, member) in members.iter().enumerate() {
                    self.path.push_str(&format!("[{index}]"));
                    self.value(item, member);
                    self.path.truncate(length);
                }
            }
            (Type::String(_), Value::String(_)) | (Type::Bool, Value::Bool(_)) | (Type::Raw(_), _) => {}
            (Type::Int32 | Type::Int64, Value::Number(number)) => {
                let fits = number.as_i64().is_some_and(|n| *ty == Type::Int64 || i32::try_from(n).is_ok());
                if !fits {
                    self.mismatch(&format!("number {number}"), &ty.go_name());
                }
            }
            (Type::Bytes, Value::String(text)) => self.base64(text),
            (Type::Quantity, _) => self.quantity(value),
            (Type::Time | Type::MicroTime, _) => self.time(ty, value),
            (Type::IntOrString, _) => self.int_or_string(value),
            (_, other) => self.mismatch(json_type(other), &ty.go_name()),
        }
    }

    fn mismatch(&mut self, found: &str, wanted: &str) {
        let message = if self.owner.is_empty() {
            format!("json: cannot unmarshal {found} into Go value of type {wanted}")
        } else {
            let owner = self.owner.rsplit('.').next().unwrap_or(self.owner);
            format!(
                "json: cannot unmarshal {found} into Go struct field {owner}.{} of type {wanted}",
                self.names.join(".")
            )
        };
        self.fail(message);
    }

    fn fail(&mut self, message: String) {
        self.findings.error.get_or_insert(message);
    }

    fn quantity(&mut self, value: &Value) {
        let text = match value {
            Value::String(text) => text.trim().to_string(),
            other => other.to_string(),
        };
        if let Err(error) = quantity::parse(&text) {
            // An empty text is to the decoder one of the wrong form.
            let error = if error == QuantityError::Empty { QuantityError::Format } else { error };
            self.fail(error.to_string());
        }
    }

    fn int_or_string(&mut self, value: &Value) {
        let found = match value {
            Value::String(_) => return,
            Value::Number(number) if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => return,
            Value::Number(number) => format!("number {number}"),
            other => json_type(other).to_owned(),
        };
        self.fail(format!("json: cannot unmarshal {found} into Go value of type int32"));
    }

    fn time(&mut self, ty: &Type, value: &Value) {
        let layout = if *ty == Type::Time { "2006-01-02T15:04:05Z07:00" } else { "2006-01-02T15:04:05.000000Z07:00" };
        match value {
            Value::String(text) => {
                if let Err(error) = check_time(text, layout) {
                    self.fail(error);
                }
            }
            other => self.fail(format!("json: cannot unmarshal {} into Go value of type string", json_type(other))),
        }
    }

    fn base64(&mut self, text: &str) {
        let symbols: Vec<u8> = text.bytes().filter(|b| *b != b'\n' && *b != b'\r').collect();
        let body = symbols.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).count();
        let padding = symbols.len() - body;
        let padded = symbols[body..].iter().all(|b| *b == b'=');
        if !padded || !symbols.len().is_multiple_of(4) || padding > 2 {
            self.fail(format!(
                "illegal base64 data at input byte {}",
                if padded { symbols.len().min(body / 4 * 4) } else { body }
            ));
        }
    }
}

/// RFC 3339 as Go's `time.Parse` reads it: which element of the layout fails, and at which text.
fn check_time(text: &str, layout: &str) -> Result<(), String> {
    let fail = |rest: &str, element: &str| {
        Err(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {element:?}"))
    };
    let elements = [
        (4, "2006"),
        (0, "-"),
        (2, "01"),
        (0, "-"),
        (2, "02"),
        (0, "T"),
        (2, "15"),
        (0, ":"),
        (2, "04"),
        (0, ":"),
        (2, "05"),
    ];
    let mut rest = text;
    for (digits, element) in elements {
        let taken = if digits == 0 { element.len() } else { digits };
        let good = rest.is_char_boundary(taken.min(rest.len()))
            && rest.len() >= taken
            && if digits == 0 {
                rest.starts_with(element)
            } else {
                rest.bytes().take(digits).all(|b| b.is_ascii_digit())
            };
        if !good {
            return fail(rest, element);
        }
        rest = &rest[taken..];
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    } else if layout.contains(".000000") {
        return fail(rest, ".000000");
    }
    let bytes = rest.as_bytes();
    let offset = bytes.len() == 6 && matches!(bytes[0], b'+' | b'-') && bytes[3] == b':';
    if rest == "Z" || offset { Ok(()) } else { fail(rest, "Z07:00") }
}
