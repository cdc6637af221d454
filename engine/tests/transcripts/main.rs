//! The transcripts of a real cluster (golden/kubectl), replayed in the lab: the same commands must print the same
//! lines after masking, for all that concerns objects which the commands made.
#![allow(clippy::too_many_lines, clippy::disallowed_methods, reason = "rows of data; recordings are files")]

mod left_out;
mod mask;
mod sessions;

use std::collections::BTreeMap;

use mask::Mask;
use portlab_engine::lab::{Lab, LabOptions, Place};

/// Transcripts that ran on one cluster, one after the other.
const TRANSCRIPTS: [&str; 4] = ["01-hostport", "02-commands", "03-refused", "07-daemonset"];
/// What was removed between two transcripts: the second no longer shows it.
const CLEANUP: [(&str, &str); 1] = [("03-refused", "kubectl delete pod/p6 service/s5 --now")];
/// Seeds that are replayed. Where the scheduler makes the recorded choices among equal nodes, everything must be as recorded;
/// where it makes others, everything up to the command that shows it ([`shows_placement`]).
const SEEDS: std::ops::RangeInclusive<u64> = 1..=12;
const MANIFESTS: [&str; 3] = ["web.yaml", "taken.yaml", "ds.yaml"];

fn golden(name: &str) -> String {
    let path = format!("{}/../golden/kubectl/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// A command, its here-document included, and what it printed.
struct Block {
    input: String,
    output: String,
}

fn blocks(transcript: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut in_document = false;
    for line in transcript.lines() {
        if let Some(command) = line.strip_prefix("$ ").filter(|_| !in_document) {
            in_document = command.ends_with("<<'EOF'");
            blocks.push(Block { input: command.to_owned(), output: String::new() });
            continue;
        }
        let Some(block) = blocks.last_mut() else { continue };
        if in_document {
            block.input.push_str(&format!("\n{line}"));
            in_document = line != "EOF";
        } else {
            block.output.push_str(&format!("{line}\n"));
        }
    }
    for block in &mut blocks {
        // An empty line ends a block.
        block.output.truncate(block.output.trim_end_matches('\n').len());
    }
    blocks
}

/// The names that the lab gave where the real cluster gave others, as rows of tables show them.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// Pairs the first words of rows that are alike when masked.
    fn learn(&mut self, mask: &Mask, expected: &str, got: &str) {
        let mut rows: Vec<(String, &str)> =
            got.lines().filter_map(|line| Some((mask.line(line), line.split_whitespace().next()?))).collect();
        for line in expected.lines() {
            let Some(name) = line.split_whitespace().next() else { continue };
            let masked = mask.line(line);
            if let Some(at) = rows.iter().position(|(row, _)| *row == masked) {
                let (_, own) = rows.remove(at);
                let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
                if bare(name) != bare(own) {
                    self.0.insert(bare(name), bare(own));
                }
            }
        }
    }

    fn translate(&self, text: &str) -> String {
        // Longest first: a pod's name begins with its ReplicaSet's.
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_by_key(|(theirs, _)| std::cmp::Reverse(theirs.len()));
        names.into_iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs.as_str(), ours))
    }
}

/// The blocks that differ, each with its difference.
fn differences(transcripts: &[&str], seed: u64) -> Vec<String> {
    let mask = Mask::new();
    let mut lab = Lab::new(LabOptions { seed, ..LabOptions::default() });
    for name in MANIFESTS {
        lab.write_file(name, &golden(name));
    }
    let mut names = Names::default();
    let mut different = Vec::new();
    for transcript in transcripts {
        for (number, block) in blocks(&golden(&format!("{transcript}.txt"))).iter().enumerate() {
            let input = names.translate(&block.input);
            // jq is no part of the engine; what it gets here, the blocks around show.
            if input.contains("| jq") {
                continue;
            }
            let output = lab.run(&Place::Workstation, &input);
            let mut got = output.text();
            if output.exit != 0 {
                got.push_str(&format!("[exit {}]\n", output.exit));
            }
            let got = got.trim_end_matches('\n');
            names.learn(&mask, &block.output, got);
            let command = format!("$ {}", block.input.lines().next().unwrap_or(""));
            let keep = |text: &str| mask.output(&command, &left_out::without(&command, text));
            let (want, got) = (keep(&block.output), keep(got));
            if want != got {
                different.push(format!("{transcript} block {number}: {command}\n{}", diff(&want, &got)));
            }
        }
        for (_, command) in CLEANUP.iter().filter(|(after, _)| after == transcript) {
            lab.run(&Place::Workstation, command);
        }
    }
    different
}

/// The lines between the common beginning and the common end.
fn diff(want: &[String], got: &[String]) -> String {
    let begin = want.iter().zip(got).take_while(|(a, b)| a == b).count();
    let rest = want.len().min(got.len()) - begin;
    let end = want.iter().rev().zip(got.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let lines =
        |sign: char, lines: &[String]| -> String { lines.iter().map(|line| format!("  {sign} {line}\n")).collect() };
    lines('-', &want[begin..want.len() - end]) + &lines('+', &got[begin..got.len() - end])
}

/// Of those seeds, so many make the recorded choices at least.
const AS_RECORDED: usize = 3;

/// Whether a block tells which pods the scheduler, free among equals, had put on a node: what drain would evict, and then does.
fn shows_placement(difference: &str) -> bool {
    difference.lines().next().is_some_and(|command| command.contains("$ kubectl drain "))
}

#[test]
fn the_lab_prints_what_the_real_cluster_printed() {
    let mut as_recorded = 0;
    for seed in SEEDS {
        let different = differences(&TRANSCRIPTS, seed);
        let shown = different.iter().position(|difference| shows_placement(difference));
        let ruled = &different[..shown.unwrap_or(different.len())];
        assert!(ruled.is_empty(), "seed {seed}: {} blocks differ\n{}", ruled.len(), ruled.join("\n"));
        as_recorded += usize::from(shown.is_none());
    }
    assert!(as_recorded >= AS_RECORDED, "{as_recorded} seeds place the pods as recorded");
}

#[test]
fn masks_are_those_of_the_script() {
    let mask = Mask::new();
    for (line, want) in [
        ("web-7d8f5446c9-m99j2   1/1     Running   2 (10s ago)   8s", "web-HASH-SUFFIX 1/1 Running 2 (AGE ago) AGE"),
        ("kindnet-msph7 10.244.1.2 portlab-worker2 172.19.0.4", "kindnet-SUFFIX POD-IP portlab-worker NODE-IP"),
        (
            "svc 10.96.0.1 10.96.15.129 80:30080/TCP 80:30630/TCP",
            "svc 10.96.0.1 SERVICE-IP 80:30080/TCP 80:NODE-PORT/TCP",
        ),
        ("  resourceVersion: \"635\"", " resourceVersion: \"RV\""),
        ("pod-template-hash=7d8f5446c9", "pod-template-hash=HASH"),
        ("Normal  X  55s (x3 over 55s)  kubelet ", "Normal X AGE (xN over AGE) kubelet"),
    ] {
        assert_eq!(mask.line(line), want);
    }
    let output = "B 1\nA 2";
    assert_eq!(mask.output("$ kubectl get pods", output), ["A 2", "B 1"]);
    assert_eq!(mask.output("$ kubectl get pods -o yaml", output), ["B 1", "A 2"]);
}
