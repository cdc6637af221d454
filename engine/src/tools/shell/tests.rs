//! Scripts with what bash 5.2, coreutils 9.1, grep 3.8, sed 4.9, mawk 1.3 and column 2.38 print for them:
//! `fixtures/shell/*.txt`, recorded by `record.py` beside them; and what has no counterpart there.

use serde_json::Value;

use crate::lab::{Lab, LabOptions, Nodes, Place};

const FILES: [(&str, &str); 8] = [
    ("pods.txt", include_str!("../../../fixtures/shell/files/pods.txt")),
    ("a.txt", include_str!("../../../fixtures/shell/files/a.txt")),
    ("colon.txt", include_str!("../../../fixtures/shell/files/colon.txt")),
    ("noend.txt", include_str!("../../../fixtures/shell/files/noend.txt")),
    ("web.yaml", include_str!("../../../fixtures/shell/files/web.yaml")),
    ("dir/x.yaml", include_str!("../../../fixtures/shell/files/dir/x.yaml")),
    ("dir/y.txt", include_str!("../../../fixtures/shell/files/dir/y.txt")),
    ("fail.sh", include_str!("../../../fixtures/shell/files/fail.sh")),
];

fn lab() -> Lab {
    let mut lab = Lab::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
    for (path, text) in FILES {
        lab.write_file(path, text);
    }
    lab.write_file(".hidden", "h\n");
    lab
}

fn run(lab: &mut Lab, line: &str) -> (String, i32) {
    let output = lab.run(&Place::Workstation, line);
    (output.text(), output.exit)
}

#[test]
fn agrees_with_bash_and_its_filters() {
    let mut failures = 0;
    let mut count = 0;
    for line in include_str!("../../../fixtures/shell.jsonl").lines() {
        count += 1;
        let row: Value = serde_json::from_str(line).unwrap();
        let text = row["run"].as_str().unwrap();
        let (got, exit) = run(&mut lab(), text);
        let want = row["out"].as_str().unwrap();
        if got != want || i64::from(exit) != row["exit"].as_i64().unwrap() {
            failures += 1;
            eprintln!("$ {text}\n--- got {exit}\n{got}--- want {}\n{want}", row["exit"]);
        }
    }
    assert_eq!(failures, 0, "of {count}");
}
