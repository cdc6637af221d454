//! Tables as the API server sends them and kubectl prints them (`cli-runtime/pkg/printers/tableprinter.go`):
//! wide columns, namespace and label columns, `kind/name`, headers once.

use serde_json::Value;

use super::printers;
use super::tabwriter::{TabWriter, table};
use crate::object::{entries, label, namespace};
use crate::store::Kind;
use crate::time::Time;

/// A column: its header and whether only `-o wide` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub header: &'static str,
    pub wide: bool,
}

/// What the flags of `get` say about tables.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub wide: bool,
    pub no_headers: bool,
    pub with_namespace: bool,
    /// Names are printed as `kind.group/name`.
    pub with_kind: bool,
    pub show_labels: bool,
    pub label_columns: Vec<String>,
}

/// Prints rows of one table after another; a header is printed once per kind.
pub struct TablePrinter {
    writer: TabWriter,
    options: Options,
    kind: Option<Kind>,
}

impl TablePrinter {
    #[must_use]
    pub fn new(options: Options) -> TablePrinter {
        TablePrinter { writer: table(), options, kind: None }
    }

    /// Adds a row, with `event` as its first column when watch events are shown.
    pub fn row(&mut self, kind: Kind, object: &Value, now: Time, event: Option<&str>) {
        if self.kind != Some(kind) {
            self.kind = Some(kind);
            if !self.options.no_headers {
                self.header(kind, event.is_some());
            }
        }
        let mut cells = Vec::new();
        cells.extend(event.map(|event| format!("{event:<8}")));
        if self.options.with_namespace {
            cells.push(namespace(object).to_owned());
        }
        let name_column = printers::columns(kind).iter().position(|column| column.header == "NAME");
        for (index, (column, cell)) in
            printers::columns(kind).iter().zip(printers::cells(kind, object, now)).enumerate()
        {
            if column.wide && !self.options.wide {
                continue;
            }
            let prefixed = self.options.with_kind && name_column == Some(index);
            cells.push(if prefixed {
                format!("{}/{}", printers::group_kind(kind), printable(&cell))
            } else {
                printable(&cell)
            });
        }
        for key in &self.options.label_columns {
            cells.push(label(object, "labels", key).unwrap_or("").to_owned());
        }
        if self.options.show_labels {
            cells.push(format_labels(object, "metadata.labels"));
        }
        self.line(&cells);
    }

    /// The text so far; what comes later keeps the columns' widths.
    pub fn flush(&mut self) -> String {
        self.writer.flush();
        self.writer.take()
    }

    fn header(&mut self, kind: Kind, with_event: bool) {
        let mut cells = Vec::new();
        if with_event {
            cells.push("EVENT".to_owned());
        }
        if self.options.with_namespace {
            cells.push("NAMESPACE".to_owned());
        }
        let shown = printers::columns(kind).iter().filter(|column| self.options.wide || !column.wide);
        cells.extend(shown.map(|column| column.header.to_owned()));
        for key in &self.options.label_columns {
            cells.push(key.rsplit('/').next().unwrap_or(key).to_uppercase());
        }
        if self.options.show_labels {
            cells.push("LABELS".to_owned());
        }
        self.line(&cells);
    }

    fn line(&mut self, cells: &[String]) {
        self.writer.write(&cells.join("\t"));
        self.writer.write("\n");
    }
}

/// `a=1,b=2`, or `<none>`, of the map at `path`.
#[must_use]
pub fn format_labels(object: &Value, path: &str) -> String {
    let labels: Vec<String> =
        entries(object, path).map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or(""))).collect();
    if labels.is_empty() { "<none>".into() } else { labels.join(",") }
}

/// A cell ends at its first line break; control characters of terminals are defused.
fn printable(cell: &str) -> String {
    match cell.find(['\u{c}', '\n', '\r']) {
        Some(end) => format!("{}...", escape_terminal(&cell[..end])),
        None => escape_terminal(cell),
    }
}

/// `cli-runtime/pkg/printers/terminal.go`.
#[must_use]
pub fn escape_terminal(text: &str) -> String {
    text.replace('\u{1b}', "^[").replace('\r', "\\r")
}
