//! Checking a manifest while it is edited: what kubectl and the API server would say of it, and where.
//!
//! Runs the engine's own reading, strict decoding, defaulting and validation, without a cluster: whether names are
//! taken and what admission says shows when it is applied. Leaves out lists of objects (`kind: List`).

use portlab_engine::kube::api::{FieldError, default_object, validate};
use portlab_engine::kube::schema::decode::check;
use portlab_engine::kube::schema::stored_without_effect;
use portlab_engine::object::{json_type, set, str_at};
use portlab_engine::store::Kind;
use portlab_engine::yaml::{self, Mark, Marked, Marks};
use serde_json::Value;

/// Bytes of a manifest that are checked while typing; more is checked when it is applied.
pub const CHECKED_BYTES_MAX: usize = 256 * 1024;
/// Problems and dull fields that are told at most.
const TOLD_MAX: usize = 20;

/// Something that would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Mark,
    /// In plain words.
    pub plain: String,
    /// As kubectl or the API server says it.
    pub said: String,
}

/// A field that is kept and has no effect in the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dull {
    pub line: usize,
    pub path: String,
}

/// All that is to be said of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub problems: Vec<Problem>,
    pub dull: Vec<Dull>,
    /// Objects that were read, such as `Deployment web`.
    pub objects: Vec<String>,
    pub too_long: bool,
}

/// Checks a text.
#[must_use]
pub fn findings(text: &str) -> Findings {
    let mut out = Findings::default();
    if text.len() > CHECKED_BYTES_MAX {
        out.too_long = true;
        return out;
    }
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => {
            let place = Mark { line: error.line, column: error.column, end_line: error.line, end_column: error.column };
            let expected =
                if error.expected.is_empty() { String::new() } else { format!(", expected {}", error.expected) };
            let found = if error.found.is_empty() { "the text".to_owned() } else { format!("“{}”", error.found) };
            let plain = format!("this is not YAML: {found} cannot stand in column {}{expected}.", error.column);
            out.problems.push(Problem { place, plain, said: error.message.clone() });
            error.before.clone()
        }
    };
    for document in documents.iter().filter(|document| !document.value.is_null()) {
        object(&document.value, &document.marks, &mut out);
    }
    out.problems.truncate(TOLD_MAX);
    out.dull.truncate(TOLD_MAX);
    out
}

fn object(value: &Value, marks: &Marks, out: &mut Findings) {
    let (version, kind_name) = (str_at(value, "apiVersion"), str_at(value, "kind"));
    let Some(kind) = Kind::of(version, kind_name) else {
        let (path, plain) = match (version, kind_name) {
            (_, "") => ("", "it says no kind, so nobody knows what it is.".to_owned()),
            ("", _) => ("kind", "it says no apiVersion.".to_owned()),
            _ => ("kind", format!("this cluster has no {kind_name} in {version}.")),
        };
        let said = format!("no matches for kind \"{kind_name}\" in version \"{version}\"");
        out.problems.push(Problem { place: value_mark(marks.nearest(path)), plain, said });
        return;
    };
    out.objects.push(format!("{kind_name} {}", str_at(value, "metadata.name")));
    let decoded = check(kind.info().kind, value);
    if let Some(error) = &decoded.error {
        let place = value_mark(marks.nearest(&mismatched(error, value)));
        out.problems.push(Problem {
            place,
            plain: "this value has the wrong type for its field.".into(),
            said: error.clone(),
        });
        return;
    }
    for path in &decoded.unknown {
        let place = key_mark(marks.nearest(path));
        let name = path.rsplit('.').next().unwrap_or(path);
        let plain = format!("{kind_name} has no field “{name}” here; names are case-sensitive.");
        out.problems.push(Problem { place, plain, said: format!("unknown field {path:?}") });
    }
    let mut whole = value.clone();
    if kind.info().namespaced && str_at(&whole, "metadata.namespace").is_empty() {
        set(&mut whole, "metadata.namespace", "default");
    }
    default_object(kind, &mut whole);
    for error in validate(kind, &whole) {
        let place = value_mark(marks.nearest(&error.field));
        out.problems.push(Problem { place, plain: plain(&error), said: error.to_string() });
    }
    for path in stored_without_effect(kind.info().kind, value) {
        out.dull.push(Dull { line: key_mark(marks.nearest(&path)).line, path });
    }
}

/// The place of a node's value.
fn value_mark(node: &Marked) -> Mark {
    node.value
}

/// The place of a node's name, of its value where it has none.
fn key_mark(node: &Marked) -> Mark {
    node.key.unwrap_or(node.value)
}

/// The last name in the path, and what is wrong with it, before the API server's own words.
fn plain(error: &FieldError) -> String {
    let name = error.field.rsplit('.').next().unwrap_or(&error.field);
    let body = error.body();
    let what = body.split(':').next().unwrap_or_default();
    match what {
        "Required value" => format!("{name} is missing."),
        "Duplicate value" => format!("{name} stands here a second time."),
        "Forbidden" => format!("{name} may not be set here."),
        "Unsupported value" => format!("{name} takes one of a few values only."),
        _ => format!("{name} cannot have this value."),
    }
}

/// The path, with indices, of the first value that Go's decoder complains of: `cannot unmarshal string into Go struct
/// field ContainerPort.spec.containers.ports.hostPort of type int32` names the way without indices.
fn mismatched(error: &str, value: &Value) -> String {
    let between = |from: &str, to: &str| Some(error.split_once(from)?.1.split_once(to)?.0);
    let found = between("cannot unmarshal ", " into").unwrap_or_default();
    let Some((_, way)) = between("Go struct field ", " of type").and_then(|way| way.split_once('.')) else {
        return String::new();
    };
    let names: Vec<&str> = way.split('.').collect();
    leaf(value, &names, found).unwrap_or_default()
}

fn leaf(value: &Value, names: &[&str], found: &str) -> Option<String> {
    if let (Value::Array(items), true) = (value, !names.is_empty() || found != "array") {
        return items
            .iter()
            .enumerate()
            .find_map(|(i, item)| Some(format!("[{i}]{}", dotted(leaf(item, names, found)?))));
    }
    let Some((name, rest)) = names.split_first() else { return (json_type(value) == found).then(String::new) };
    Some(format!("{name}{}", dotted(leaf(value.get(name)?, rest, found)?)))
}

fn dotted(path: String) -> String {
    if path.is_empty() || path.starts_with('[') { path } else { format!(".{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str =
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: a\n    image: nginx\n";

    fn lines(text: &str) -> Vec<(usize, String)> {
        findings(text).problems.into_iter().map(|problem| (problem.place.line, problem.said)).collect()
    }

    #[test]
    fn a_good_manifest_has_no_problems() {
        assert_eq!(lines(POD), []);
        assert_eq!(findings(POD).objects, ["Pod a"]);
    }

    #[test]
    fn each_problem_stands_at_its_line() {
        let ports = format!("{POD}    ports:\n    - containerPort: 80\n      hostPort: x\n");
        assert_eq!(lines(&ports)[0].0, 11);
        let unknown = format!("{POD}    hostport: 80\n");
        assert_eq!(lines(&unknown), [(9, "unknown field \"spec.containers[0].hostport\"".to_owned())]);
        let range = format!("{POD}    ports:\n    - containerPort: 99999\n");
        assert_eq!(lines(&range)[0].0, 10);
        assert_eq!(lines("a: [\n")[0].0, 2);
        assert_eq!(lines("kind: Cow\napiVersion: v1\n")[0].0, 1);
    }

    #[test]
    fn fields_without_effect_are_told() {
        let probe = format!("{POD}  terminationMessagePath: x\n")
            .replace("  terminationMessagePath", "    terminationMessagePath");
        assert_eq!(findings(&probe).dull.len(), 1);
    }

    #[test]
    fn a_long_text_is_not_checked_while_typing() {
        assert!(findings(&"#".repeat(5_000_000)).too_long);
    }
}
