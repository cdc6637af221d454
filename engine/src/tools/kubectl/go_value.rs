//! JSON values as Go prints them: `%v`, `%#v`, `%q` and encoding/json, for the places where kubectl lets Go do it
//! (custom columns, jsonpath text, jsonpath errors, `-o json`).

use serde_json::{Map, Value};

use crate::kube::schema::{self, Struct};

/// `fmt.Sprint` of a decoded JSON value: `map[a:1 b:[x y]]`.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// `%#v` of a decoded JSON value.
pub fn syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(text) => quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{}:{}", quote(key), syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        other => plain(other),
    }
}

/// The Go type that holds a decoded JSON value.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// `strconv.Quote`.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for ch in text.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            ch if (ch as u32) < 0x20 || ch == '\u{7f}' => out.push_str(&format!("\\x{:02x}", ch as u32)),
            ch if ch.is_control() => out.push_str(&format!("\\u{:04x}", ch as u32)),
            ch => out.push(ch),
        }
    }
    out.push('"');
    out
}

/// `json.Marshal`: one line, keys sorted, `<`, `>` and `&` escaped.
pub fn json(value: &Value) -> String {
    escape_html(value.to_string())
}

/// `json.MarshalIndent` with four spaces.
pub fn json_indented(value: &Value) -> String {
    let mut out = String::new();
    indented(value, None, 0, &mut out);
    escape_html(out)
}

/// `json.MarshalIndent` of a value of that Go type: the fields in the order of their declaration.
pub fn json_declared(kind: &str, value: &Value) -> String {
    let mut out = String::new();
    indented(value, schema::structure(kind), 0, &mut out);
    escape_html(out)
}

/// The members of an object: as declared where the type is known, else sorted.
fn members(
    fields: &Map<String, Value>,
    declared: Option<&'static Struct>,
) -> Vec<(String, Value, Option<&'static Struct>)> {
    let place = |key: &str| declared.and_then(|declared| declared.fields.iter().position(|field| field.name == key));
    let below =
        |key: &str| declared.and_then(|declared| declared.field(key)).and_then(|field| field.ty.element_struct());
    let mut members: Vec<(&String, &Value)> = fields.iter().collect();
    members.sort_by_key(|(key, _)| place(key).unwrap_or(usize::MAX));
    members.into_iter().map(|(key, value)| (key.clone(), value.clone(), below(key))).collect()
}

fn indented(value: &Value, declared: Option<&'static Struct>, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                line(out, depth + 1);
                indented(item, declared, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (index, (key, field, below)) in members(fields, declared).into_iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                line(out, depth + 1);
                out.push_str(&Value::String(key).to_string());
                out.push_str(": ");
                indented(&field, below, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// These characters occur in JSON only inside strings, so the text can be searched as a whole.
fn escape_html(text: String) -> String {
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// `%v` of a number: floats in their shortest form, with an exponent from 1e21 on and below 1e-4.
fn number_text(number: &serde_json::Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{float}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_as_go_prints_them() {
        let value = json!({"b": [1, "x", null], "a": {"c": true}, "f": 1.5, "e": 1e30});
        assert_eq!(plain(&value), "map[a:map[c:true] b:[1 x <nil>] e:1e+30 f:1.5]");
        assert_eq!(
            syntax(&json!({"b": [1, "x\n", null], "a": {}})),
            r#"map[string]interface {}{"a":map[string]interface {}{}, "b":[]interface {}{1, "x\n", interface {}(nil)}}"#
        );
        assert_eq!(super::json(&json!({"a": "<&>"})), r#"{"a":"\u003c\u0026\u003e"}"#);
        assert_eq!(
            json_indented(&json!({"a": [1], "b": {}, "c": []})),
            "{\n    \"a\": [\n        1\n    ],\n    \"b\": {},\n    \"c\": []\n}"
        );
    }
}
