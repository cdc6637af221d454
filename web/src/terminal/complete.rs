//! Completion of a command line: programs, kubectl's commands and flags, resources, names of objects, files.
//!
//! Offers what may stand where the cursor is, in the manner of the shell's own completion; whether the command then
//! makes sense is the command's to say.

use std::collections::BTreeMap;
use std::rc::Rc;

use portlab_engine::object::{name, namespace};
use portlab_engine::store::{Kind, Store};

/// Offers at most; more are counted by the caller's length check.
pub const OFFERS_MAX: usize = 60;

const PROGRAMS: [&str; 20] = [
    "awk", "cat", "column", "cut", "docker", "echo", "grep", "head", "jq", "kubectl", "ls", "oc", "sed", "sleep",
    "sort", "tail", "tr", "uniq", "wc", "xargs",
];

const COMMANDS: [&str; 25] = [
    "annotate", "apply", "cordon", "create", "delete", "describe", "drain", "events", "exec", "explain", "expose",
    "get", "label", "logs", "patch", "replace", "rollout", "run", "scale", "set", "taint", "top", "uncordon",
    "version", "wait",
];

/// Second words of the commands that have them.
const SECOND: [(&str, &[&str]); 3] = [
    ("rollout", &["history", "pause", "restart", "resume", "status", "undo"]),
    ("set", &["env", "image", "resources"]),
    ("create", &["deployment", "namespace", "service", "priorityclass"]),
];

const FLAGS: [&str; 14] = [
    "--all-namespaces",
    "--field-selector",
    "--filename",
    "--namespace",
    "--output",
    "--overrides",
    "--replicas",
    "--selector",
    "--show-labels",
    "--sort-by",
    "--timeout",
    "--type",
    "--watch",
    "--no-headers",
];

/// What completing does to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The line up to the cursor, with what all offers have in common added.
    pub line: String,
    /// More than one offer: to be listed.
    pub offers: Vec<String>,
}

/// Completes the line, the cursor being at its end; `None` when nothing fits.
#[must_use]
pub fn complete(line: &str, store: &Store, files: &BTreeMap<String, Rc<str>>) -> Option<Completion> {
    let command = line.rsplit(['|', ';', '&', '(', '\n']).next().unwrap_or(line);
    let (before, word) = match command.rfind(char::is_whitespace) {
        Some(at) => command.split_at(at + 1),
        None => ("", command.trim_start()),
    };
    let words: Vec<&str> = before.split_whitespace().collect();
    let mut offers: Vec<String> =
        offers(&words, word, store, files).into_iter().filter(|o| o.starts_with(word)).collect();
    offers.sort();
    offers.dedup();
    let common = common_start(&offers)?;
    let stem = &line[..line.len() - word.len()];
    let ends = offers.len() == 1 && !common.ends_with('=') && !common.ends_with('/');
    let line = format!("{stem}{common}{}", if ends { " " } else { "" });
    if offers.len() == 1 {
        offers.clear();
    }
    Some(Completion { line, offers })
}

/// The longest start that all have; `None` when there are none.
fn common_start(offers: &[String]) -> Option<String> {
    let first = offers.first()?;
    let same =
        |other: &String| first.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let length = offers.iter().map(same).min().unwrap_or(0);
    Some(first[..length].to_owned())
}

fn offers(words: &[&str], word: &str, store: &Store, files: &BTreeMap<String, Rc<str>>) -> Vec<String> {
    let owned = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let file_names = || files.keys().cloned().collect::<Vec<_>>();
    match words {
        [] => owned(&PROGRAMS),
        ["kubectl" | "oc", rest @ ..] => kubectl(rest, word, store, file_names()),
        ["docker"] => owned(&["exec"]),
        ["docker", "exec", ..] => names(store, Kind::Node, None),
        _ => file_names(),
    }
}

fn kubectl(words: &[&str], word: &str, store: &Store, files: Vec<String>) -> Vec<String> {
    let owned = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    if word.starts_with('-') {
        return owned(&FLAGS);
    }
    let wanted = in_namespace(words);
    match words.last() {
        Some(&("-f" | "--filename")) => return files,
        Some(&("-n" | "--namespace")) => return names(store, Kind::Namespace, None),
        Some(&("-o" | "--output")) => return owned(&["json", "jsonpath=", "name", "wide", "yaml"]),
        _ => {}
    }
    let plain: Vec<&str> = plain_words(words);
    match plain.as_slice() {
        [] => owned(&COMMANDS),
        [verb] => {
            if let Some((_, second)) = SECOND.iter().find(|(of, _)| of == verb) {
                return owned(second);
            }
            match *verb {
                "cordon" | "uncordon" | "drain" => names(store, Kind::Node, None),
                "logs" | "exec" => names(store, Kind::Pod, wanted),
                "apply" | "replace" => owned(&["-f"]),
                _ => resources(word, store, wanted),
            }
        }
        ["rollout" | "set", _] => resources(word, store, wanted),
        ["rollout" | "set", _, resource, ..] | [_, resource, ..] => match kind_of(resource) {
            Some(kind) => names(store, kind, wanted),
            None => Vec::new(),
        },
    }
}

/// The namespace that the words name; `default` when they name none.
fn in_namespace<'a>(words: &[&'a str]) -> Option<&'a str> {
    let after = |at: usize| words.get(at + 1).copied();
    let named = words.iter().position(|w| matches!(*w, "-n" | "--namespace")).and_then(after);
    Some(named.unwrap_or("default"))
}

/// The words that are neither flags nor their values.
fn plain_words<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut plain = Vec::new();
    let mut value = false;
    for word in words {
        if value {
            value = false;
        } else if word.starts_with('-') {
            value = matches!(
                *word,
                "-n" | "-o" | "-l" | "-f" | "-c" | "--namespace" | "--output" | "--selector" | "--filename"
            );
        } else {
            plain.push(*word);
        }
    }
    plain
}

fn kind_of(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| {
        let info = kind.info();
        info.plural == word || info.singular == word || info.short.contains(&word)
    })
}

/// Resources, and `kind/name` once a slash is there.
fn resources(word: &str, store: &Store, namespace: Option<&str>) -> Vec<String> {
    if let Some((kind, _)) = word.split_once('/') {
        let Some(of) = kind_of(kind) else { return Vec::new() };
        return names(store, of, namespace).into_iter().map(|name| format!("{kind}/{name}")).collect();
    }
    Kind::ALL.into_iter().flat_map(|kind| [kind.info().plural.to_owned(), kind.info().singular.to_owned()]).collect()
}

fn names(store: &Store, kind: Kind, within: Option<&str>) -> Vec<String> {
    let fits = |object: &&portlab_engine::store::Object| {
        !kind.info().namespaced || within.is_none_or(|within| namespace(object) == within)
    };
    store.list(kind).filter(fits).take(10_000).map(|object| name(object).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: &str) -> Option<(String, usize)> {
        let files =
            BTreeMap::from([("web.yaml".to_owned(), Rc::from("")), ("neighbours.yaml".to_owned(), Rc::from(""))]);
        complete(line, &Store::default(), &files).map(|done| (done.line, done.offers.len()))
    }

    #[test]
    fn programs_commands_flags_and_files() {
        assert_eq!(line("kubec"), Some(("kubectl ".into(), 0)));
        assert_eq!(line("kubectl des"), Some(("kubectl describe ".into(), 0)));
        assert_eq!(line("kubectl apply -f w"), Some(("kubectl apply -f web.yaml ".into(), 0)));
        assert_eq!(line("kubectl get daem"), Some(("kubectl get daemonset".into(), 2)));
        assert_eq!(line("kubectl get pods -o js"), Some(("kubectl get pods -o json".into(), 2)));
        assert_eq!(line("kubectl get pods | gre"), Some(("kubectl get pods | grep ".into(), 0)));
        assert_eq!(line("kubectl rollout sta"), Some(("kubectl rollout status ".into(), 0)));
        assert_eq!(line("cat n"), Some(("cat neighbours.yaml ".into(), 0)));
        assert_eq!(line("nosuch"), None);
        assert_eq!(line("kubectl --show"), Some(("kubectl --show-labels ".into(), 0)));
    }
}
