//! What `-o` asks for, and objects printed so: json, yaml, name, jsonpath, custom columns
//! (`cli-runtime/pkg/genericclioptions`, `kubectl/pkg/cmd/get/get_flags.go`). Left out: Go templates, which are refused as not modelled.

use serde_json::{Map, Value, json};

use super::custom_columns::CustomColumns;
use super::failure::{Failure, Outcome};
use super::go_value::{self, quote};
use super::jsonpath::Template;
use crate::object::{items, name, str_at};
use crate::world::World;
use crate::yaml;

/// A way to print objects.
pub enum Output {
    /// The command's own text, or a table.
    Human {
        wide: bool,
    },
    Json,
    Yaml,
    Name,
    JsonPath {
        template: Template,
        as_json: bool,
    },
    CustomColumns(CustomColumns),
}

/// The formats that a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formats {
    /// `get`: also tables and custom columns.
    Tables,
    /// Every other command that prints objects.
    Plain,
}

const TEMPLATES: [&str; 4] = ["go-template-file", "go-template", "templatefile", "template"];
const JSON_PATHS: [&str; 3] = ["jsonpath-as-json", "jsonpath-file", "jsonpath"];
const COLUMNS: [&str; 2] = ["custom-columns-file", "custom-columns"];

/// Reads the value of `-o`; an empty one is the command's own output.
pub fn parse(world: &World, text: &str, formats: Formats, no_headers: bool) -> Outcome<Output> {
    let (format, argument) = match text.split_once('=') {
        Some((format, argument)) => (format, Some(argument)),
        None => (text, None),
    };
    if TEMPLATES.contains(&format) {
        return Err(Failure::not_modelled(format!("-o {format}")));
    }
    if JSON_PATHS.contains(&format) {
        return json_path(world, format, argument.unwrap_or(""));
    }
    let tables = formats == Formats::Tables;
    match text.to_lowercase().as_str() {
        "json" => return Ok(Output::Json),
        "yaml" => return Ok(Output::Yaml),
        _ => {}
    }
    if text.is_empty() || (text == "wide" && tables) {
        return Ok(Output::Human { wide: text == "wide" });
    }
    if tables && COLUMNS.contains(&format) {
        let columns = CustomColumns::parse(world, format, argument.unwrap_or(""), no_headers)?;
        return Ok(Output::CustomColumns(columns));
    }
    if text == "name" {
        return Ok(Output::Name);
    }
    let mut allowed = vec!["json", "yaml", "name"];
    allowed.extend(TEMPLATES.iter().chain(&JSON_PATHS));
    if tables {
        allowed.extend(COLUMNS);
        allowed.push("wide");
    }
    allowed.sort_unstable();
    Err(Failure::text(format!(
        "unable to match a printer suitable for the output format {}, allowed formats are: {}",
        quote(text),
        allowed.join(",")
    )))
}

fn json_path(world: &World, format: &str, argument: &str) -> Outcome<Output> {
    if argument.is_empty() {
        return Err(Failure::text("template format specified but no template given"));
    }
    let text = if format == "jsonpath-file" {
        let missing = || format!("error reading --template {argument}, open {argument}: no such file or directory");
        world.read_file(argument).ok_or_else(|| Failure::text(missing()))?.to_string()
    } else {
        argument.to_owned()
    };
    let template =
        Template::new(&text).map_err(|why| Failure::text(format!("error parsing jsonpath {text}, {why}")))?;
    Ok(Output::JsonPath { template, as_json: format == "jsonpath-as-json" })
}

impl Output {
    /// One object, or a `List` of them, as text. Human output prints nothing here.
    pub fn print(&self, object: &Value) -> Outcome<String> {
        Ok(match self {
            Output::Human { .. } => String::new(),
            Output::Json => format!("{}\n", go_value::json_indented(&without_managed_fields(object))),
            Output::Yaml => yaml::emit(&without_managed_fields(object)),
            Output::Name => names(object),
            Output::JsonPath { template, as_json: false } => template.print(object, true).map_err(Failure::text)?,
            Output::JsonPath { template, as_json: true } => template.print_json(object, true).map_err(Failure::text)?,
            Output::CustomColumns(columns) => columns.print(object).map_err(Failure::text)?,
        })
    }

    /// What stands between one printed object and the next.
    #[must_use]
    pub fn separator(&self) -> &'static str {
        if matches!(self, Output::Yaml) { "---\n" } else { "" }
    }
}

/// The list that kubectl makes of several objects.
#[must_use]
pub fn list_of(objects: impl IntoIterator<Item = Value>) -> Value {
    let items: Vec<Value> = objects.into_iter().collect();
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

#[must_use]
pub fn is_list(object: &Value) -> bool {
    object.get("items").is_some_and(Value::is_array)
}

fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    let strip = |object: &mut Value| {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            Map::remove(metadata, "managedFields");
        }
    };
    strip(&mut object);
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(strip);
    }
    object
}

/// `pod/web`, `deployment.apps/web`: a line for each object.
fn names(object: &Value) -> String {
    if is_list(object) {
        return items(object, "items").iter().map(names).collect();
    }
    let kind = str_at(object, "kind").to_lowercase();
    let group = str_at(object, "apiVersion").split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
    format!("{kind}{group}/{}\n", name(object))
}
