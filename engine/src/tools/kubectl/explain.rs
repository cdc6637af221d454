//! `kubectl explain`: what the API server's OpenAPI document says of a kind or a field, laid out as kubectl's
//! plain-text template does (`kubectl/pkg/explain/v2/templates/plaintext.tmpl`).
//!
//! The descriptions stand in `explain.txt`, for the types around ports, scheduling and rollouts. Left out: the other
//! types, of which portlab says so; the older `-o plaintext-openapiv2`.

use std::collections::BTreeMap;

use super::Call;
use super::failure::{Failure, Outcome};
use super::go_value::quote;
use super::resources::mapping_for;
use crate::store::{Kind, KindInfo};

/// How many values of an enumeration a list of fields shows.
const ENUM_SHOWN: usize = 4;

/// A type of the API.
struct Documented {
    description: String,
    /// What stands for the type where its name is no object: `string`.
    called: &'static str,
    /// `None` when the type has fields that portlab has no descriptions of.
    fields: Option<Vec<Field>>,
}

struct Field {
    name: &'static str,
    /// `string`, `[]@ContainerPort`, `map[string]@Quantity`: `@` before the name of another type.
    kind: &'static str,
    required: bool,
    values: Vec<&'static str>,
    description: String,
}

type Types = BTreeMap<&'static str, Documented>;

pub fn run(call: &mut Call) -> Outcome {
    let asked = match call.args.as_slice() {
        [] => {
            return Err(Failure::text(
                "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
            ));
        }
        [asked] => asked.clone(),
        _ => return Err(Failure::text("We accept only this format: explain RESOURCE\n")),
    };
    if call.flags.text("output") != "plaintext" {
        return Err(Failure::not_modelled(format!("-o {} of 'kubectl explain'", call.flags.text("output"))));
    }
    let (kind, path) = split(&asked)?;
    let api_version = call.flags.text("api-version");
    if !api_version.is_empty() && api_version != kind.info().api_version() {
        return Err(in_other_version(kind.info(), api_version));
    }
    let (text, failure) = match explain(kind.info(), &path, call.flags.bool("recursive")) {
        Ok(text) => (text, None),
        // The template has written the kind by the time that it looks for the field.
        Err(failure @ Failure::Text(_)) => (heading(kind.info()), Some(failure)),
        Err(failure) => return Err(failure),
    };
    call.cx.print(&text);
    failure.map_or(Ok(()), Err)
}

/// The kind and the path of fields; a group may stand between them, as in `deployments.apps.spec`.
fn split(asked: &str) -> Outcome<(Kind, Vec<String>)> {
    let (word, rest) = asked.split_once('.').unwrap_or((asked, ""));
    // kubectl prints this one as its REST mapper words it, without `error: `.
    let unknown = |failure: Failure| Failure::Exactly { text: failure.message(), exit: 1 };
    let kind = mapping_for(word).map_err(unknown)?;
    let group = kind.info().group;
    let rest = match rest.strip_prefix(group) {
        Some(after) if !group.is_empty() && (after.is_empty() || after.starts_with('.')) => {
            after.trim_start_matches('.')
        }
        _ => rest,
    };
    Ok((kind, rest.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
}

fn explain(info: &KindInfo, path: &[String], recursive: bool) -> Outcome<String> {
    let types = types();
    let mut text = heading(info);
    let mut kind = format!("@{}", type_of(&types, info)?);
    let mut description = String::new();
    for (depth, name) in path.iter().enumerate() {
        let field = match inner(&types, &kind) {
            Some((owner, documented)) => {
                let fields = documented.fields.as_ref().ok_or_else(|| undocumented(owner))?;
                fields.iter().find(|field| field.name == *name)
            }
            None => None,
        };
        let Some(field) = field else {
            let last = path.last().map_or("", String::as_str);
            return Err(Failure::text(format!("field {} does not exist", quote(last))));
        };
        if depth + 1 == path.len() {
            text.push_str(&format!("FIELD: {name} <{}>\n", shown_type(&types, field.kind)));
            if !field.values.is_empty() {
                let values: String = field.values.iter().map(|value| format!("\n    {}", shown_value(value))).collect();
                text.push_str(&format!("ENUM:{values}"));
            }
            text.push_str("\n\n");
            description.clone_from(&field.description);
        }
        kind = field.kind.to_owned();
    }
    if !description.is_empty() {
        description.push('\n');
    }
    if let Some((_, documented)) = inner(&types, &kind).filter(|(_, documented)| !documented.description.is_empty()) {
        description.push_str(&documented.description);
        description.push('\n');
    }
    if description.is_empty() {
        description.push_str("<empty>");
    }
    text.push_str(&format!("DESCRIPTION:\n{}\n", indent(4, &wrap(76, &description))));
    let list = field_list(&types, &kind, 1, recursive, &mut Vec::new())?;
    if !list.is_empty() {
        text.push_str(&format!("FIELDS:\n{list}"));
    }
    text.push('\n');
    Ok(text)
}

/// Why a kind is not in the group and version that were asked for.
fn in_other_version(info: &KindInfo, asked: &str) -> Failure {
    if asked.matches('/').count() > 1 {
        return Failure::text(format!("unexpected GroupVersion string: {asked}"));
    }
    let resource = format!("{}{asked}, Resource={}", if asked.contains('/') { "" } else { "/" }, info.plural);
    Failure::text(if Kind::ALL.iter().any(|kind| kind.info().api_version() == asked) {
        format!("GVR ({resource}) not found in OpenAPI schema")
    } else {
        format!("couldn't find resource for {}", quote(&resource))
    })
}

/// The type of a kind; with its group's first word where another group has a type of that name.
fn type_of(types: &Types, info: &KindInfo) -> Outcome<String> {
    let group = info.group.split('.').next().unwrap_or_default();
    let names = [format!("{group}.{}", info.kind), info.kind.to_owned()];
    names.into_iter().find(|name| types.contains_key(name.as_str())).ok_or_else(|| undocumented(info.kind))
}

fn heading(info: &KindInfo) -> String {
    let group = if info.group.is_empty() { String::new() } else { format!("GROUP:      {}\n", info.group) };
    format!("{group}KIND:       {}\nVERSION:    {}\n\n", info.kind, info.version)
}

fn undocumented(type_name: &str) -> Failure {
    Failure::not_modelled(format!("the fields of {} in 'kubectl explain'", bare(type_name)))
}

fn field_list<'t>(
    types: &'t Types,
    kind: &str,
    level: usize,
    recursive: bool,
    above: &mut Vec<&'t str>,
) -> Outcome<String> {
    let Some((name, documented)) = inner(types, kind) else { return Ok(String::new()) };
    if above.contains(&name) {
        return Ok(String::new());
    }
    above.push(name);
    let fields = documented.fields.as_ref().ok_or_else(|| undocumented(name))?;
    let mut text = String::new();
    for field in fields {
        let pad = " ".repeat(level * 2);
        let required = if field.required { " -required-" } else { "" };
        text.push_str(&format!("{pad}{}\t<{}>{required}", field.name, shown_type(types, field.kind)));
        if !field.values.is_empty() {
            let shown: Vec<String> = field.values.iter().take(ENUM_SHOWN).map(|value| shown_value(value)).collect();
            let more = if field.values.len() > ENUM_SHOWN { ", ...." } else { "" };
            text.push_str(&format!("\n{pad}enum: {}{more}", shown.join(", ")));
        }
        text.push('\n');
        if recursive {
            text.push_str(&field_list(types, field.kind, level + 1, true, above)?);
        } else {
            let description = if field.description.is_empty() { "<no description>" } else { &field.description };
            text.push_str(&indent(level * 2 + 2, &wrap(78 - level * 2, description)));
            text.push_str("\n\n");
        }
    }
    above.pop();
    Ok(text)
}

/// The documented type inside lists and maps.
fn inner<'t>(types: &'t Types, kind: &str) -> Option<(&'t str, &'t Documented)> {
    let name = &kind[kind.find('@')? + 1..];
    types.get_key_value(name).map(|(name, documented)| (*name, documented))
}

fn shown_type(types: &Types, kind: &str) -> String {
    let Some((container, name)) = kind.split_once('@') else { return kind.to_owned() };
    match types.get(name).map_or("", |documented| documented.called) {
        "" => format!("{container}{}", bare(name)),
        called => format!("{container}{called}"),
    }
}

/// The name without the group that tells it from another of the same name.
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn shown_value(value: &str) -> String {
    if value.is_empty() { "\"\"".into() } else { value.into() }
}

fn indent(by: usize, text: &str) -> String {
    let pad = " ".repeat(by);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
}

/// Breaks lines at spaces so that they have at most `limit` characters (`mitchellh/go-wordwrap`).
fn wrap(limit: usize, text: &str) -> String {
    let mut out = String::new();
    let (mut current, mut word, mut space) = (0, String::new(), String::new());
    let length = |text: &str| text.chars().count();
    for ch in text.chars() {
        if ch == '\n' || ch.is_whitespace() && ch != '\u{a0}' {
            if !word.is_empty() || ch != '\n' && space.is_empty() || ch == '\n' && current + length(&space) <= limit {
                current += length(&space) + length(&word);
                out.push_str(&std::mem::take(&mut space));
                out.push_str(&std::mem::take(&mut word));
            }
            if ch == '\n' {
                space.clear();
                out.push('\n');
                current = 0;
            } else {
                space.push(ch);
            }
            continue;
        }
        word.push(ch);
        if current + length(&word) + length(&space) > limit && length(&word) < limit {
            out.push('\n');
            current = 0;
            space.clear();
        }
    }
    if !word.is_empty() || current + length(&space) <= limit {
        out.push_str(&space);
        out.push_str(&word);
    }
    out
}

fn types() -> Types {
    let mut types = Types::new();
    let mut last = "";
    let text = |cell: &str| cell.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\");
    for line in include_str!("explain.txt").lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&'static str> = line.split('\t').collect();
        if let [name, called, description] = cells.as_slice() {
            last = name.trim_start_matches('=');
            let fields = if called.ends_with('!') { None } else { Some(Vec::new()) };
            types.insert(
                last,
                Documented { description: text(description), called: called.trim_end_matches('!'), fields },
            );
        } else if let [name, kind, required, values, description] = cells.as_slice() {
            let values = values.split(',').filter(|_| !values.is_empty()).collect();
            let field = Field { name, kind, required: *required == "*", values, description: text(description) };
            if let Some(fields) = types.get_mut(last).and_then(|documented| documented.fields.as_mut()) {
                fields.push(field);
            }
        }
    }
    types
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "recordings are files")]
mod tests {
    use super::*;

    fn printed(asked: &str) -> String {
        match split(asked).and_then(|(kind, path)| explain(kind.info(), &path, false)) {
            Ok(text) => text,
            Err(failure) => failure.report().0,
        }
    }

    #[test]
    fn fields_as_the_real_cluster_explains_them() {
        let path = format!("{}/../golden/kubectl/02-commands.txt", env!("CARGO_MANIFEST_DIR"));
        let transcript = std::fs::read_to_string(path).expect("the transcripts are in the repository");
        for asked in
            ["pod.spec.containers.ports", "pod.spec.containers.ports.hostPort", "service.spec.ports.targetPort"]
        {
            let command = format!("$ kubectl explain {asked}\n");
            let begin = transcript.find(&command).expect("the command is there") + command.len();
            let end = transcript[begin..].find("\n$ ").expect("another follows") + begin;
            assert_eq!(printed(asked), transcript[begin..end], "{asked}");
        }
    }

    #[test]
    fn what_does_not_exist_and_what_portlab_lacks() {
        assert_eq!(printed("pod.spec.hostport"), "error: field \"hostport\" does not exist\n");
        assert_eq!(printed("pod.spec.hostNetwork.x"), "error: field \"x\" does not exist\n");
        assert_eq!(printed("widget").trim_end(), "the server doesn't have a resource type \"widget\"");
        assert!(printed("pod.spec.volumes").starts_with("portlab does not model the fields of Volume"));
        assert!(printed("deployments.apps.spec.strategy").starts_with("GROUP:      apps\nKIND:       Deployment\n"));
        let selector = printed("deployment.spec.selector.matchLabels");
        assert!(selector.contains("FIELD: matchLabels <map[string]string>\n\n\n"), "{selector}");
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        let types = types();
        for (name, documented) in &types {
            for field in documented.fields.iter().flatten() {
                let known = inner(&types, field.kind).is_some();
                assert!(known || !field.kind.contains('@'), "{name}.{}: {}", field.name, field.kind);
            }
        }
    }
}
