//! The scheduler, and the API server before it, against what real ones answered (golden/scheduler, and in
//! fixtures/scheduler.jsonl cases of other habits): node, message, refusal, nominated node, victims, every plugin's score.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use super::case::{Answer, answer};
use serde_json::{Value, json};

/// The cases of a recording, by its path from the crate.
fn recorded(path: &str) -> Vec<Value> {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Empty when portlab's answer is one that the real scheduler could give, else what differs.
fn differences(case: &Value) -> Vec<String> {
    let theirs = &case["answer"];
    let Answer { value: ours, equals } = match answer(case) {
        Ok(answer) => answer,
        Err(error) => return vec![error],
    };
    let mut wrong = Vec::new();
    for field in ["message", "rejected", "scores"] {
        if ours[field] != theirs[field] {
            wrong.push(format!("{field}: {} instead of {}", ours[field], theirs[field]));
        }
    }
    let mut choice = |theirs: &Value, keys: &[&str]| {
        let wanted: Value =
            keys.iter().map(|key| (key.to_string(), theirs[*key].clone())).collect::<serde_json::Map<_, _>>().into();
        let could = if theirs[keys[0]].is_null() { ours[keys[0]].is_null() } else { equals.contains(&wanted) };
        if !could {
            wrong.push(format!("{}: one of {} instead of {wanted}", keys[0], json!(equals)));
        }
    };
    choice(theirs, &["node"]);
    choice(theirs, &["nominated", "victims"]);
    if theirs["or"].is_object() {
        choice(&theirs["or"], &["nominated", "victims"]);
    }
    wrong
}

/// What differs in any of the recordings.
fn wrong(paths: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in paths {
        for (line, case) in recorded(path).iter().enumerate() {
            wrong.extend(differences(case).into_iter().map(|text| format!("{path} line {}: {text}", line + 1)));
        }
    }
    wrong
}

#[test]
fn golden_cases_are_answered_alike() {
    let wrong = wrong(&["../golden/scheduler/ports.jsonl", "../golden/scheduler/rich.jsonl"]);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn cases_of_other_habits_are_answered_alike() {
    let wrong = wrong(&["fixtures/scheduler.jsonl"]);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
