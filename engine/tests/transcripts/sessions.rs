//! Sessions on a real cluster (1.34.0), each from the start, beside this file: what was asked, manifests in here-documents
//! included, and what the real kubectl and API server answered. The lab must answer the same.

use portlab_engine::lab::{Lab, LabOptions, Place};

use super::mask::Mask;
use super::{blocks, diff};

const SESSIONS: [(&str, &str); 6] = [
    ("node-ports", include_str!("sessions/node-ports.txt")),
    ("pod-updates", include_str!("sessions/pod-updates.txt")),
    ("described", include_str!("sessions/described.txt")),
    ("explained", include_str!("sessions/explained.txt")),
    ("rollouts", include_str!("sessions/rollouts.txt")),
    ("material", include_str!("sessions/material.txt")),
];

#[test]
fn the_lab_answers_as_the_real_cluster_did() {
    let mask = Mask::new();
    let mut different = Vec::new();
    for (name, text) in SESSIONS {
        let mut lab = Lab::new(LabOptions::default());
        for block in blocks(text) {
            let output = lab.run(&Place::Workstation, &block.input);
            let mut got = output.text();
            if output.exit != 0 {
                got.push_str(&format!("[exit {}]\n", output.exit));
            }
            let command = format!("$ {}", block.input.lines().next().unwrap_or(""));
            let lines = |text: &str| mask.output(&command, &without_ids(text.trim_matches('\n')));
            let (want, got) = (lines(&block.output), lines(&got));
            if want != got {
                different.push(format!("{name}: {command}\n{}", diff(&want, &got)));
            }
        }
    }
    assert!(different.is_empty(), "{} blocks differ\n{}", different.len(), different.join("\n"));
}

/// Without the numbers that the container runtime gives, 64 hexadecimal digits in quotes.
fn without_ids(text: &str) -> String {
    let id = |part: &&str| part.len() == 64 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
    text.split('"').map(|part| if id(&part) { "ID" } else { part }).collect::<Vec<_>>().join("\"")
}
