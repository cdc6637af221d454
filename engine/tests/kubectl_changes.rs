//! The commands that change or wait, compared with a recording of kubectl 1.34.0 on a real cluster (`kubectl/changes.txt`).
//!
//! Compared is every line, after masking what is random or a clock. What is free (how many steps a rollout was seen to take,
//! the order of a Go map) is compared as far as it is not; what differs stands in [`KNOWN`] with its reason.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

use portlab_engine::lab::{Lab, LabOptions, Place};

/// How much of an answer is compared.
enum Open {
    /// A watch sees more or fewer steps on the way; it ends the same.
    LastLine,
    /// What follows is the program's own log.
    FirstLine,
    /// Go walks a map.
    AnyOrder,
    /// Which and how many pods there are depends on how far a rollout has come.
    FirstWords,
}

fn open(command: &str) -> Option<Open> {
    Some(match command {
        c if c.starts_with("kubectl rollout status") => Open::LastLine,
        "kubectl logs deploy/web --tail=1" | "kubectl logs svc/web" => Open::FirstLine,
        "kubectl label pod p --list" => Open::AnyOrder,
        "kubectl delete all -l app=web" => Open::FirstWords,
        _ => return None,
    })
}

/// Where the lab differs, and why.
const KNOWN: &[(&str, &str)] = &[
    (
        "kubectl replace -f pod.yaml",
        "names the pod's random volume and its node; transcripts/sessions/pod-updates.txt compares it masked",
    ),
    ("kubectl exec svc/s1 -- ls", "the recording was cut short after a minute"),
];

fn mask(text: &str) -> String {
    let text = text.replace(" from kset namespace", " from default namespace").replace("\"kset\"", "\"default\"");
    let text = text.replace("in kset namespace", "in default namespace");
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || "-=:.".contains(c) {
            word.push(c);
            continue;
        }
        out.push_str(&masked_word(&word));
        word.clear();
        out.push(c);
    }
    out.trim_end().to_string()
}

fn masked_word(word: &str) -> String {
    let hash = |text: &str| text.len() >= 5 && text.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b));
    if let Some(rest) = word.strip_prefix("web-").filter(|rest| rest.split('-').all(hash)) {
        return format!("web{}", "-HASH".repeat(rest.split('-').count()));
    }
    if word.starts_with("pod-template-hash=") {
        return "pod-template-hash=HASH".into();
    }
    if word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T' {
        return "TIME".into();
    }
    if word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return "ID".into();
    }
    word.to_string()
}

fn comparable(command: &str, text: &str) -> Vec<String> {
    let text = mask(text);
    let lines: Vec<String> = text.lines().map(str::to_string).collect();
    match open(command) {
        None => lines,
        Some(Open::LastLine) => lines.last().cloned().into_iter().collect(),
        Some(Open::FirstLine) => lines.first().cloned().into_iter().collect(),
        Some(Open::AnyOrder) => {
            let mut lines = lines;
            lines.sort();
            lines
        }
        Some(Open::FirstWords) => {
            let mut words: Vec<String> =
                lines.iter().map(|line| line.split(' ').next().unwrap_or("").to_string()).collect();
            words.dedup();
            words
        }
    }
}

fn recorded() -> Vec<(String, String)> {
    let text = include_str!("kubectl/changes.txt");
    let mut blocks = Vec::new();
    for block in text.split("\n$ ") {
        let block = block.strip_prefix("$ ").unwrap_or(block);
        let (command, said) = block.split_once('\n').unwrap_or((block, ""));
        blocks.push((command.to_string(), said.to_string()));
    }
    blocks
}

fn lab_with_manifests() -> Lab {
    let mut lab = Lab::new(LabOptions::default());
    for (name, text) in [
        ("web.yaml", include_str!("kubectl/web.yaml")),
        ("web2.yaml", include_str!("kubectl/web2.yaml")),
        ("two.yaml", include_str!("kubectl/two.yaml")),
        ("list.yaml", include_str!("kubectl/list.yaml")),
        ("pod.yaml", include_str!("kubectl/pod.yaml")),
        ("bad.yaml", include_str!("kubectl/bad.yaml")),
        ("label.yaml", include_str!("kubectl/label.yaml")),
        ("broken.yaml", include_str!("kubectl/broken.yaml")),
        ("empty.yaml", include_str!("kubectl/empty.yaml")),
        ("other.yaml", include_str!("kubectl/other.yaml")),
    ] {
        lab.write_file(name, text);
    }
    lab
}

#[test]
fn commands_that_change_answer_as_on_a_real_cluster() {
    let mut lab = lab_with_manifests();
    let mut differences = Vec::new();
    let mut compared = 0;
    for (command, said) in recorded() {
        // The lab's only namespace for this is default; the recording's was its own.
        let line = command.replace("-n kset", "-n default");
        let output = lab.run(&Place::Workstation, &line);
        let mut text = output.text();
        while text.ends_with('\n') {
            text.pop();
        }
        if output.exit != 0 {
            text.push_str(&format!("\n[exit {}]", output.exit));
        }
        let (seen, wanted) = (comparable(&command, text.trim_start_matches('\n')), comparable(&command, &said));
        let known = KNOWN.iter().any(|(known, _)| *known == command);
        compared += usize::from(!known);
        if seen != wanted && !known {
            differences.push(format!("$ {command}\n- {}\n+ {}", wanted.join("\n- "), seen.join("\n+ ")));
        }
    }
    assert!(compared > 200, "{compared} commands");
    assert!(differences.is_empty(), "{} of {compared} differ:\n{}", differences.len(), differences.join("\n\n"));
}
