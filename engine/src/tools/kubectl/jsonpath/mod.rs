//! kubectl's JSONPath dialect (`client-go/util/jsonpath`): templates such as
//! `{range .items[*]}{.metadata.name}{"\n"}{end}`, with filters, slices, unions, recursive descent and quotes.
//!
//! The grammar and its messages are those of the Go package. Where that package walks a Go map in random order
//! (wildcard and recursive descent over an object), keys are visited in alphabetical order.

mod eval;
mod parse;

pub use eval::{Evaluator, Found};
pub use parse::{Node, parse};

use super::go_value;
use serde_json::Value;

/// A parsed template, to be asked of values.
pub struct Template {
    text: String,
    nodes: Vec<Node>,
}

impl Template {
    /// # Errors
    /// The parser's own words, without what kubectl puts around them.
    pub fn new(text: &str) -> Result<Template, String> {
        Ok(Template { text: text.into(), nodes: parse(text)? })
    }

    /// All results, one list for each node of the template; a missing key yields nothing.
    ///
    /// # Errors
    /// The evaluator's own words (an index out of bounds, a filter over something that is no list…).
    pub fn find<'a>(&self, data: &'a Value) -> Result<Vec<Vec<Found<'a>>>, String> {
        Evaluator::new(&self.nodes, true).find(data)
    }

    /// The text that `-o jsonpath=` prints for this value.
    ///
    /// # Errors
    /// The whole message, as it stands after `error: `.
    pub fn print(&self, data: &Value, allow_missing_keys: bool) -> Result<String, String> {
        let found = Evaluator::new(&self.nodes, allow_missing_keys).find(data);
        let lists = found.map_err(|message| self.explain(&message, data))?;
        let mut out = String::new();
        for list in lists {
            let texts: Vec<String> = list.iter().map(|value| text_of(value)).collect();
            out.push_str(&texts.join(" "));
        }
        Ok(out)
    }

    /// The text that `-o jsonpath-as-json=` prints: each node's results as an indented JSON list.
    ///
    /// # Errors
    /// As for `print`.
    pub fn print_json(&self, data: &Value, allow_missing_keys: bool) -> Result<String, String> {
        let found = Evaluator::new(&self.nodes, allow_missing_keys).find(data);
        let lists = found.map_err(|message| self.explain(&message, data))?;
        let mut out = String::new();
        for list in lists {
            let list = Value::Array(list.into_iter().map(|value| value.into_owned()).collect());
            out.push_str(&go_value::json_indented(&list));
            out.push('\n');
        }
        Ok(out)
    }

    fn explain(&self, message: &str, data: &Value) -> String {
        let template = &self.text;
        let inner = format!(
            "Error executing template: {message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n",
            go_value::syntax(data)
        );
        format!("error executing jsonpath {}: {inner}\n", go_value::quote(template))
    }
}

/// Objects and lists print as one line of JSON, everything else as Go prints it.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Object(_) | Value::Array(_) => go_value::json(value),
        other => go_value::plain(other),
    }
}

#[cfg(test)]
mod tests;
