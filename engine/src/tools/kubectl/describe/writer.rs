//! Lines of `kubectl describe`: two spaces for each level, columns by tabs, maps over several lines.

use serde_json::Value;

use crate::object::{entries, field};
use crate::time::Time;
use crate::tools::kubectl::table::escape_terminal;
use crate::tools::kubectl::tabwriter::{self, TabWriter};

/// Longest annotation that stays on one line with its key.
const ANNOTATION_LENGTH_MAX: usize = 140;
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub struct Writer {
    tabs: TabWriter,
    /// For text whose tabs stay tabs: what was written so far.
    unaligned: Option<String>,
}

impl Writer {
    pub fn new() -> Writer {
        Writer { tabs: tabwriter::description(), unaligned: None }
    }

    /// A writer that aligns nothing, as `kubectl rollout history --revision` uses it.
    pub fn unaligned() -> Writer {
        Writer { unaligned: Some(String::new()), ..Writer::new() }
    }

    /// Writes text as it is, after `level` times two spaces.
    pub fn text(&mut self, level: usize, text: &str) {
        let text = format!("{}{}", "  ".repeat(level), escape_terminal(text));
        match &mut self.unaligned {
            Some(written) => written.push_str(&text),
            None => self.tabs.write(&text),
        }
    }

    /// `title:` and a value in the next column.
    pub fn row(&mut self, level: usize, title: &str, value: impl std::fmt::Display) {
        self.text(level, &format!("{title}:\t{value}\n"));
    }

    /// As `row`, unless the value is empty.
    pub fn row_if(&mut self, level: usize, title: &str, value: &str) {
        if !value.is_empty() {
            self.row(level, title, value);
        }
    }

    /// Cells of a line of a small table.
    pub fn cells(&mut self, level: usize, cells: &[&str]) {
        self.text(level, &format!("{}\n", cells.join("\t")));
    }

    /// Later lines do not widen the columns of earlier ones.
    pub fn flush(&mut self) {
        self.tabs.flush();
    }

    pub fn finish(self) -> String {
        self.unaligned.unwrap_or_else(|| self.tabs.finish())
    }

    /// Labels or other short pairs, one a line.
    pub fn labels(&mut self, title: &str, object: &Value, path: &str) {
        let pairs: Vec<String> =
            entries(object, path).map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
        self.lines(title, &pairs);
    }

    /// A title with one line for each text, or `<none>`.
    pub fn lines(&mut self, title: &str, lines: &[String]) {
        self.text(0, &format!("{title}:\t"));
        if lines.is_empty() {
            self.text(0, "<none>\n");
        }
        for (index, line) in lines.iter().enumerate() {
            let indent = if index == 0 { "" } else { "\t" };
            self.text(0, &format!("{indent}{line}\n"));
        }
    }

    /// Annotations without the one that `apply` keeps; long ones go below their key, shortened.
    pub fn annotations(&mut self, title: &str, object: &Value, path: &str) {
        let mut lines = Vec::new();
        for (key, value) in entries(object, path).filter(|(key, _)| *key != LAST_APPLIED) {
            let value = value.as_str().unwrap_or("");
            let value = value.strip_suffix('\n').unwrap_or(value);
            if value.len() + key.len() + 2 > ANNOTATION_LENGTH_MAX || value.contains('\n') {
                lines.push(format!("{key}:"));
                lines.extend(value.split('\n').map(|line| format!("  {}", shorten(line, ANNOTATION_LENGTH_MAX - 2))));
            } else {
                lines.push(format!("{key}: {value}"));
            }
        }
        self.lines(title, &lines);
    }
}

fn shorten(text: &str, length_max: usize) -> String {
    if text.len() <= length_max {
        return text.into();
    }
    let end = (0..=length_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}...", &text[..end])
}

/// A stored timestamp as describe shows it.
pub fn date(timestamp: &str) -> String {
    Time::parse_rfc3339(timestamp).map_or("Mon, 01 Jan 0001 00:00:00 +0000".into(), Time::rfc1123z)
}

/// `True` or `False`.
pub fn capital_bool(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

pub fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// A number or a text (ports, percentages), without quotes; empty when absent.
pub fn int_or_string(object: &Value, path: &str) -> String {
    match field(object, path) {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
