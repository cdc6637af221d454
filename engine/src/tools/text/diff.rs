//! `diff`: normal and unified, of two files.
//! Left out: directories, `-r`, side by side; refused.

use super::Cx;
use crate::tools::clock::formatted;
use crate::tools::files;
use crate::tools::options::{self, flag, value};

/// Lines of both files together that are compared at most, for the table of common lines.
const CELLS_MAX: usize = 4_000_000;

/// A stretch where the files differ: lines from..to of the first and of the second.
struct Change {
    old: (usize, usize),
    new: (usize, usize),
}

/// `diff [-u | -U N] [-q] [-b] [-w] [-i] FILE FILE`
pub fn diff(cx: &mut Cx) -> i32 {
    let specs = [
        flag('u', "unified"),
        value('U', ""),
        flag('q', "brief"),
        flag('s', "report-identical-files"),
        flag('b', "ignore-space-change"),
        flag('w', "ignore-all-space"),
        flag('i', "ignore-case"),
        flag('N', "new-file"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let [first, second] = &given.operands[..] else {
        let text = match given.operands.last() {
            None => "missing operand after 'diff'".to_owned(),
            Some(last) if given.operands.len() == 1 => format!("missing operand after '{last}'"),
            Some(last) => format!("extra operand '{last}'"),
        };
        return cx.fail(&format!("{text}\ndiff: Try 'diff --help' for more information."), 2);
    };
    let mut texts = Vec::new();
    for path in [first, second] {
        match cx.open(path) {
            Ok(text) => texts.push(text),
            Err(_) if given.has('N') => texts.push("".into()),
            Err("Is a directory") => return cx.fail(&format!("portlab does not compare directories: {path}"), 2),
            Err(why) => return cx.fail(&format!("{path}: {why}"), 2),
        }
    }
    let old: Vec<&str> = texts[0].split_inclusive('\n').collect();
    let new: Vec<&str> = texts[1].split_inclusive('\n').collect();
    let key = |line: &&str| {
        let line = if given.has('i') { line.to_lowercase() } else { line.to_string() };
        match (given.has('w'), given.has('b')) {
            (true, _) => line.split_whitespace().collect::<String>(),
            (_, true) => line.split_whitespace().collect::<Vec<_>>().join(" "),
            _ => line,
        }
    };
    let (old_keys, new_keys): (Vec<String>, Vec<String>) =
        (old.iter().map(key).collect(), new.iter().map(key).collect());
    let Some(changes) = changes(&old_keys, &new_keys) else {
        return cx.fail("portlab compares smaller files only", 2);
    };
    if changes.is_empty() {
        if given.has('s') {
            cx.print(&format!("Files {first} and {second} are identical\n"));
        }
        return 0;
    }
    if given.has('q') {
        cx.print(&format!("Files {first} and {second} differ\n"));
        return 1;
    }
    let out = if given.has('u') || given.has('U') {
        let context = given.value('U').and_then(|text| text.parse().ok()).unwrap_or(3);
        let stamp = formatted(cx.world.now(), "%F %T.%N %z").unwrap_or_default();
        let head = format!("--- {first}\t{stamp}\n+++ {second}\t{stamp}\n");
        head + &unified(&old, &new, &changes, context)
    } else {
        normal(&old, &new, &changes)
    };
    cx.print(&out);
    let _ = files::HOST_DIRECTORY;
    1
}

/// The changes between two lists of lines, by their longest common subsequence.
fn changes(old: &[String], new: &[String]) -> Option<Vec<Change>> {
    let prefix = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let suffix = old[prefix..].iter().rev().zip(new[prefix..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[prefix..old.len() - suffix], &new[prefix..new.len() - suffix]);
    if a.len().saturating_mul(b.len()) > CELLS_MAX {
        return None;
    }
    let width = b.len() + 1;
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut changes: Vec<Change> = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (from_i, from_j) = (i, j);
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                break;
            }
            if j == b.len() || i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
        changes.push(Change { old: (prefix + from_i, prefix + i), new: (prefix + from_j, prefix + j) });
    }
    Some(changes)
}

fn marked(mark: &str, lines: &[&str]) -> String {
    let mut out = String::new();
    for line in lines {
        out.push_str(mark);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
    out
}

fn normal(old: &[&str], new: &[&str], changes: &[Change]) -> String {
    let range = |(from, to): (usize, usize)| match to.saturating_sub(from) {
        0 => from.to_string(),
        1 => (from + 1).to_string(),
        _ => format!("{},{to}", from + 1),
    };
    let mut out = String::new();
    for change in changes {
        let (gone, come) = (&old[change.old.0..change.old.1], &new[change.new.0..change.new.1]);
        let letter = match (gone.is_empty(), come.is_empty()) {
            (true, _) => 'a',
            (_, true) => 'd',
            _ => 'c',
        };
        out.push_str(&format!("{}{letter}{}\n", range(change.old), range(change.new)));
        out.push_str(&marked("< ", gone));
        if letter == 'c' {
            out.push_str("---\n");
        }
        out.push_str(&marked("> ", come));
    }
    out
}

fn unified(old: &[&str], new: &[&str], changes: &[Change], context: usize) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < changes.len() {
        let mut end = at + 1;
        while end < changes.len() && changes[end].old.0 - changes[end - 1].old.1 <= 2 * context {
            end += 1;
        }
        let (first, last) = (&changes[at], &changes[end - 1]);
        let before = context.min(first.old.0);
        let after = context.min(old.len() - last.old.1);
        let range = |from: usize, to: usize| match to - from {
            0 => format!("{from},0"),
            1 => (from + 1).to_string(),
            length => format!("{},{length}", from + 1),
        };
        out.push_str(&format!(
            "@@ -{} +{} @@\n",
            range(first.old.0 - before, last.old.1 + after),
            range(first.new.0 - before, last.new.1 + after)
        ));
        let mut line = first.old.0 - before;
        for change in &changes[at..end] {
            out.push_str(&marked(" ", &old[line..change.old.0]));
            out.push_str(&marked("-", &old[change.old.0..change.old.1]));
            out.push_str(&marked("+", &new[change.new.0..change.new.1]));
            line = change.old.1;
        }
        out.push_str(&marked(" ", &old[line..line + after]));
        at = end;
    }
    out
}
