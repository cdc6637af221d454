//! The description of a kind that has none of its own: every field, with its name made readable.

use serde_json::{Map, Value};

use super::writer::Writer;
use crate::tools::kubectl::go_value;

const SHOWN_ABOVE: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

pub fn describe(w: &mut Writer, object: &Value) {
    super::head(w, object);
    if let Some(fields) = object.as_object() {
        content(w, 0, fields, "");
    }
}

fn content(w: &mut Writer, level: usize, fields: &Map<String, Value>, path: &str) {
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        if SHOWN_ABOVE.contains(&path.as_str()) {
            continue;
        }
        match value {
            Value::Object(inner) => {
                w.text(level, &format!("{}:\n", title(name)));
                content(w, level + 1, inner, &path);
            }
            Value::Array(items) => {
                w.text(level, &format!("{}:\n", title(name)));
                for item in items {
                    match item.as_object() {
                        Some(inner) => content(w, level + 1, inner, &path),
                        None => w.text(level + 1, &format!("{}\n", go_value::plain(item))),
                    }
                }
            }
            other => w.row(level, &title(name), go_value::plain(other)),
        }
    }
}

/// `creationTimestamp` becomes `Creation Timestamp`, `apiVersion` `API Version`.
fn title(field: &str) -> String {
    if !field.chars().all(|ch| ch.is_alphabetic() || ch == '-') {
        return field.into();
    }
    let mut words: Vec<String> = Vec::new();
    let letters: Vec<char> = field.chars().collect();
    for (index, &ch) in letters.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| letters[before]);
        let next_lower = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let starts = match previous {
            None => true,
            Some(previous) => {
                (ch.is_uppercase() && (!previous.is_uppercase() || next_lower)) || ((ch == '-') != (previous == '-'))
            }
        };
        match words.last_mut().filter(|_| !starts) {
            Some(word) => word.push(ch),
            None => words.push(ch.to_string()),
        }
    }
    let capitalised = words.iter().map(|word| {
        let upper = word.to_uppercase();
        if ["API", "URL", "UID", "OSB", "GUID"].contains(&upper.as_str()) {
            return upper;
        }
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    });
    capitalised.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn field_names_become_titles() {
        for (field, want) in [
            ("apiVersion", "API Version"),
            ("uid", "UID"),
            ("creationTimestamp", "Creation Timestamp"),
            ("podIPs", "Pod I Ps"),
            ("hostIP", "Host IP"),
            ("a.b", "a.b"),
        ] {
            assert_eq!(title(field), want);
        }
    }
}
