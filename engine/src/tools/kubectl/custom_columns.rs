//! `-o custom-columns=NAME:.metadata.name,…` and the paths that `--sort-by` takes too
//! (`kubectl/pkg/cmd/get/customcolumn.go`).

use serde_json::Value;

use super::failure::{Failure, Outcome};
use super::go_value;
use super::jsonpath::Template;
use super::output::is_list;
use super::table::escape_terminal;
use super::tabwriter::table;
use crate::object::items;
use crate::world::World;

pub struct CustomColumns {
    columns: Vec<(String, Template)>,
    no_headers: bool,
}

impl CustomColumns {
    /// Reads the columns from the command line, or header and paths from the two lines of a file.
    pub fn parse(world: &World, format: &str, text: &str, no_headers: bool) -> Outcome<CustomColumns> {
        if text.is_empty() {
            return Err(Failure::text("custom-columns format specified but no custom columns given"));
        }
        let (pairs, no_headers) = if format == "custom-columns-file" {
            let missing = || format!("error reading template {text}, open {text}: no such file or directory\n");
            let file = world.read_file(text).ok_or_else(|| Failure::text(missing()))?;
            (from_file(&file)?, false)
        } else {
            (from_spec(text)?, no_headers)
        };
        let mut columns = Vec::new();
        for (header, path) in pairs {
            let path = relaxed_path(&path).map_err(Failure::text)?;
            columns.push((header, Template::new(&path).map_err(Failure::text)?));
        }
        Ok(CustomColumns { columns, no_headers })
    }

    /// # Errors
    /// The message of a path that fails.
    pub fn print(&self, object: &Value) -> Result<String, String> {
        let mut writer = table();
        if !self.no_headers {
            let headers: Vec<&str> = self.columns.iter().map(|(header, _)| header.as_str()).collect();
            writer.write(&format!("{}\n", headers.join("\t")));
        }
        let one = [object.clone()];
        for object in if is_list(object) { items(object, "items") } else { &one } {
            let cells: Vec<String> =
                self.columns.iter().map(|(_, path)| cell(path, object)).collect::<Result<_, _>>()?;
            writer.write(&format!("{}\n", cells.join("\t")));
        }
        Ok(writer.finish())
    }
}

fn cell(path: &Template, object: &Value) -> Result<String, String> {
    let found = path.find(object)?;
    let mut texts: Vec<String> = Vec::new();
    if found.first().is_none_or(Vec::is_empty) {
        texts.push("<none>".into());
    }
    texts.extend(found.iter().flatten().map(|value| escape_terminal(&go_value::plain(value))));
    Ok(texts.join(","))
}

fn from_spec(text: &str) -> Outcome<Vec<(String, String)>> {
    let pair = |part: &str| match part.split_once(':') {
        Some((header, path)) => Ok((header.to_owned(), path.to_owned())),
        None => {
            Err(Failure::text(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")))
        }
    };
    text.split(',').map(pair).collect()
}

fn from_file(text: &str) -> Outcome<Vec<(String, String)>> {
    const EXPECTED: &str =
        "Expected format is one line of space separated headers, one line of space separated column specs.";
    let mut lines = text.lines();
    let mut line = |which: &str| {
        let missing = || Failure::text(format!("invalid template, missing {which} line. {EXPECTED}"));
        let line = lines.next().ok_or_else(missing)?;
        Ok::<_, Failure>(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let (headers, paths) = (line("header")?, line("spec")?);
    if headers.len() != paths.len() {
        let text =
            format!("number of headers ({}) and field specifications ({}) don't match", headers.len(), paths.len());
        return Err(Failure::text(text));
    }
    Ok(headers.into_iter().zip(paths).collect())
}

/// `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}` all become the last of these.
///
/// # Errors
/// kubectl's message about anything else.
pub fn relaxed_path(path: &str) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let inner = path.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(path);
    let bare = inner.strip_prefix('.').filter(|bare| !bare.is_empty()).unwrap_or(inner);
    if bare.is_empty() || bare.contains(['{', '}']) {
        return Err(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
                .into(),
        );
    }
    Ok(format!("{{.{bare}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::LabOptions;
    use serde_json::json;

    fn print(spec: &str, object: &Value) -> String {
        let columns = CustomColumns::parse(&World::new(LabOptions::default()), "custom-columns", spec, false);
        match columns.and_then(|columns| columns.print(object).map_err(Failure::text)) {
            Ok(text) => text,
            Err(failure) => failure.report().0,
        }
    }

    #[test]
    fn columns_of_one_object_or_a_list() {
        let object = json!({"a": "x", "m": {"k": 1}, "l": [{"n": "p"}, {"n": "q"}], "z": null});
        assert_eq!(
            print("A:.a,M:m,L:{.l[*].n},NO:{b},Z:.z", &object),
            "A     M          L     NO       Z\nx     map[k:1]   p,q   <none>   <nil>\n"
        );
        assert_eq!(print("A:.a", &json!({"items": []})), "A\n");
        assert_eq!(print("A:.a", &json!({"items": [{"a": 1}, {}]})), "A\n1\n<none>\n");
    }

    #[test]
    fn refusals() {
        let object = json!({});
        assert_eq!(
            print("A", &object),
            "error: unexpected custom-columns spec: A, expected <header>:<json-path-expr>\n"
        );
        assert_eq!(
            print("A:{.a}{.b}", &object),
            "error: unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'\n"
        );
        assert_eq!(print("", &object), "error: custom-columns format specified but no custom columns given\n");
    }
}
