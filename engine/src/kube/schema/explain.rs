//! The text of `kubectl explain` for the port fields and what stands beside and above them.
//!
//! Source: kubectl's `pkg/explain/v2/templates/plaintext.tmpl` over the OpenAPI document of 1.34.0, whose sentences for the types
//! on the way to a port (Pod, Deployment, DaemonSet, ReplicaSet, Service, EndpointSlice and below) are kept in `docs.txt`.
//! Leaves out: the texts of all other types ([`Unexplained::NotModelled`]) and `--recursive`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{Field, Type, structure};
use crate::store::Kind;

/// Why a field is not explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexplained {
    /// The kind has no such field; kubectl says `error: field "NAME" does not exist`.
    NoSuchField(String),
    /// It exists, and portlab does not keep its text.
    NotModelled(String),
}

/// What is said of one type.
struct Doc {
    text: String,
    fields: BTreeMap<&'static str, FieldDoc>,
}

struct FieldDoc {
    values: Vec<&'static str>,
    text: String,
}

fn docs() -> &'static BTreeMap<&'static str, Doc> {
    static DOCS: OnceLock<BTreeMap<&'static str, Doc>> = OnceLock::new();
    DOCS.get_or_init(|| read(include_str!("docs.txt")))
}

fn read(text: &'static str) -> BTreeMap<&'static str, Doc> {
    let unescape = |text: &str| text.replace("\\n", "\n").replace("\\\\", "\\");
    let mut docs = BTreeMap::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let Some(entry) = line.strip_prefix("  ") else {
            let (name, text) = line.split_once(": ").unwrap_or((line, ""));
            docs.insert(name, Doc { text: unescape(text), fields: BTreeMap::new() });
            current = name;
            continue;
        };
        let (name, rest) = entry.split_once(' ').unwrap_or((entry, ""));
        let (values, text) = match rest.strip_prefix('{').and_then(|rest| rest.split_once("} ")) {
            Some((values, text)) => (values.split(',').collect(), text),
            None => (Vec::new(), rest),
        };
        if let Some(doc) = docs.get_mut(current) {
            doc.fields.insert(name, FieldDoc { values, text: unescape(text) });
        }
    }
    docs
}

/// What `kubectl explain KIND.a.b.c` prints.
///
/// # Errors
/// When there is no such field, or its text is not kept.
pub fn explain(kind: Kind, path: &[&str]) -> Result<String, Unexplained> {
    let info = kind.info();
    let mut head = String::new();
    if !info.group.is_empty() {
        head.push_str(&format!("GROUP:      {}\n", info.group));
    }
    head.push_str(&format!("KIND:       {}\nVERSION:    {}\n\n", info.kind, info.version));
    let missing = || Unexplained::NotModelled(format!("{}.{}", info.singular, path.join(".")));
    let mut of = info.kind;
    let mut last: Option<(&Field, &FieldDoc)> = None;
    for (index, name) in path.iter().enumerate() {
        let field = structure(of).and_then(|found| found.field(name));
        let field = field.ok_or_else(|| Unexplained::NoSuchField((*path.last().unwrap_or(name)).to_owned()))?;
        let doc = docs().get(of).and_then(|doc| doc.fields.get(name)).ok_or_else(missing)?;
        last = Some((field, doc));
        match named(&field.ty) {
            Some(inner) if docs().contains_key(inner) => of = inner,
            Some(_) => return Err(missing()),
            None if index + 1 < path.len() => {
                return Err(Unexplained::NoSuchField((*path.last().unwrap_or(name)).to_owned()));
            }
            None => of = "",
        }
    }
    let mut text = head;
    let mut description = String::new();
    if let Some((field, doc)) = last {
        text.push_str(&format!("FIELD: {} <{}>\n", field.name, type_name(&field.ty)));
        if !doc.values.is_empty() {
            text.push_str(&format!("ENUM:\n    {}", doc.values.join("\n    ")));
        }
        text.push_str("\n\n");
        description.push_str(&format!("{}\n", doc.text));
    }
    let doc = docs().get(of);
    if let Some(doc) = doc {
        description.push_str(&format!("{}\n", doc.text));
    }
    text.push_str(&format!("DESCRIPTION:\n{}\n", indent(&wrap(&description, 76), 4)));
    if let Some(doc) = doc.filter(|doc| !doc.fields.is_empty()) {
        text.push_str(&format!("FIELDS:\n{}", field_list(of, doc)));
    }
    text.push('\n');
    Ok(text)
}

fn field_list(of: &str, doc: &Doc) -> String {
    let mut text = String::new();
    for (name, said) in &doc.fields {
        let Some(field) = structure(of).and_then(|found| found.field(name)) else { continue };
        let required = if field.required { " -required-" } else { "" };
        text.push_str(&format!("  {name}\t<{}>{required}", type_name(&field.ty)));
        if !said.values.is_empty() {
            let shown = said.values[..said.values.len().min(4)].join(", ");
            let more = if said.values.len() > 4 { ", ...." } else { "" };
            text.push_str(&format!("\n  enum: {shown}{more}"));
        }
        let said = if said.text.is_empty() { "<no description>" } else { &said.text };
        text.push_str(&format!("\n{}\n\n", indent(&wrap(said, 76), 4)));
    }
    text
}

/// The type whose fields stand below a field, IntOrString included, which has words but no fields.
fn named(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Struct(name) => Some(name),
        Type::IntOrString => Some("IntOrString"),
        Type::Quantity => Some("Quantity"),
        Type::Time | Type::MicroTime => Some("Time"),
        Type::Pointer(inner) | Type::List(inner) | Type::Map(_, inner) => named(inner),
        _ => None,
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::String(_) | Type::Bytes | Type::Time | Type::MicroTime => "string".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Int32 | Type::Int64 => "integer".to_owned(),
        Type::Quantity => "Quantity".to_owned(),
        Type::IntOrString => "IntOrString".to_owned(),
        Type::Raw(_) => "Object".to_owned(),
        Type::Pointer(inner) => type_name(inner),
        Type::List(item) => format!("[]{}", type_name(item)),
        Type::Map(_, item) => format!("map[string]{}", type_name(item)),
        Type::Struct(name) => name.rsplit('.').next().unwrap_or(name).to_owned(),
    }
}

fn indent(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
}

/// Breaks lines before the word that would pass `limit`; a longer word stands alone. Blanks between words are kept within a line.
fn wrap(text: &str, limit: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrap_line(line, limit)).collect();
    lines.join("\n")
}

fn wrap_line(line: &str, limit: usize) -> String {
    let mut out = String::new();
    let (mut width, mut blanks) = (0, String::new());
    let mut rest = line;
    while !rest.is_empty() {
        let word_at = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        blanks.push_str(&rest[..word_at]);
        rest = &rest[word_at..];
        let word_end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(word_end);
        let length = word.chars().count();
        // A word as long as a line or longer goes on in its line when that line is empty or the word began before its end.
        if !word.is_empty() && width + blanks.len() + length.min(limit - 1) > limit {
            out.push('\n');
            width = 0;
            blanks.clear();
        }
        if word.is_empty() && width + blanks.len() > limit {
            blanks.clear();
        }
        out.push_str(&blanks);
        out.push_str(word);
        width += blanks.len() + length;
        blanks.clear();
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three answers of golden/kubectl/02, without the line that ends each in the transcript.
    #[test]
    fn explains_as_the_real_one() {
        let transcript = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/kubectl/02-commands.txt"));
        let asked = [
            ("pod.spec.containers.ports", Kind::Pod),
            ("pod.spec.containers.ports.hostPort", Kind::Pod),
            ("service.spec.ports.targetPort", Kind::Service),
        ];
        for (what, kind) in asked {
            let (_, rest) = transcript.split_once(&format!("$ kubectl explain {what}\n")).expect("in the transcript");
            let wanted = rest.split("\n$ ").next().unwrap_or("");
            let path: Vec<&str> = what.split('.').skip(1).collect();
            assert_eq!(explain(kind, &path).as_deref(), Ok(wanted), "{what}");
        }
    }

    #[test]
    fn says_what_it_does_not_explain() {
        let field = |path: &[&str]| explain(Kind::Pod, path).expect_err("not explained");
        assert_eq!(field(&["spec", "nope"]), Unexplained::NoSuchField("nope".to_owned()));
        assert_eq!(field(&["spec", "affinity"]), Unexplained::NotModelled("pod.spec.affinity".to_owned()));
        assert!(
            explain(Kind::Pod, &["spec", "hostNetwork"])
                .is_ok_and(|text| text.contains("FIELD: hostNetwork <boolean>\n\n\nDESCRIPTION:"))
        );
        assert!(
            explain(Kind::Deployment, &["spec", "strategy"])
                .is_ok_and(|text| text.starts_with("GROUP:      apps\nKIND:       Deployment\n"))
        );
    }
}
