//! Claims: is an output the one that a lesson says will be seen?
//!
//! `[..]` stands for anything within a line, `...` alone on a line for any lines, none included. A gap of two or more
//! blanks matches any such gap, because the columns of a table are as wide as names that a real cluster chooses. The
//! shell's word that a background job has ended is not compared.

use crate::model::Claim;

/// Whether an output with this exit status is the one claimed.
#[must_use]
pub fn holds(claim: &Claim, output: &str, exit: i32) -> bool {
    let actual: Vec<&str> = output.lines().map(str::trim_end).filter(|line| !tells_of_a_job(line)).collect();
    let end = actual.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let expected: Vec<&str> = claim.output.iter().map(String::as_str).filter(|line| !tells_of_a_job(line)).collect();
    claim.exit == exit && lines_match(&expected, &actual[..end])
}

/// Whether a line is the shell's word that a job has ended, `[1]+  Done …`. With which command it comes is chance.
fn tells_of_a_job(line: &str) -> bool {
    let Some((number, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return false };
    let state = rest.trim_start_matches(['+', '-']);
    let word = state.trim_start_matches("[..]").trim_start();
    number.bytes().all(|byte| byte.is_ascii_digit())
        && word.len() < state.len()
        && ["Done", "Terminated", "Killed", "Exit "].iter().any(|end| word.starts_with(end))
}

/// Whether the expected lines, with their wildcards, are the actual ones. Linear memory, at most |expected|·|actual| steps.
fn lines_match(expected: &[&str], actual: &[&str]) -> bool {
    wildcard(expected, actual, |part| *part == "...", |part, line| line_matches(part, line))
}

/// Whether one line is as expected.
fn line_matches(expected: &str, actual: &str) -> bool {
    let (expected, actual) = (gaps(expected), gaps(actual));
    let mut parts = expected.split("[..]");
    let Some(first) = parts.next() else { return actual.is_empty() };
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// The line with every gap of two or more blanks (or a tab) made two blanks.
fn gaps(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut blanks = 0;
    for c in line.chars() {
        match c {
            ' ' => blanks += 1,
            '\t' => blanks += 2,
            _ => {
                out.push_str(["", " ", "  "][blanks.min(2)]);
                blanks = 0;
                out.push(c);
            }
        }
    }
    out
}

/// Matches a pattern with "any number of" elements against a sequence, going back only to the last of those.
fn wildcard<P, L>(pattern: &[P], lines: &[L], any: impl Fn(&P) -> bool, one: impl Fn(&P, &L) -> bool) -> bool {
    let (mut p, mut l) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while l < lines.len() {
        if p < pattern.len() && any(&pattern[p]) {
            back = Some((p + 1, l));
            p += 1;
        } else if p < pattern.len() && one(&pattern[p], &lines[l]) {
            p += 1;
            l += 1;
        } else if let Some((after, from)) = back {
            back = Some((after, from + 1));
            p = after;
            l = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(any)
}

/// The claim with the names of another cluster's nodes in place of `portlab-…`.
#[must_use]
pub fn renamed(text: &str, cluster: &str) -> String {
    ["control-plane", "worker"]
        .iter()
        .fold(text.to_owned(), |text, role| text.replace(&format!("portlab-{role}"), &format!("{cluster}-{role}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(output: &str) -> Claim {
        Claim {
            output: output.lines().map(str::to_owned).collect(),
            exit: 0,
            eventually_secs: 30,
            stays_secs: 0,
            reads: true,
        }
    }

    #[test]
    fn table() {
        // expected, actual, holds
        let rows = [
            ("a", "a\n", true),
            ("a", "b\n", false),
            ("a", "a\nb\n", false),
            ("", "", true),
            ("", "x\n", false),
            ("...", "", true),
            ("...", "x\ny\n", true),
            ("a\n...\nz", "a\nz\n", true),
            ("a\n...\nz", "a\nb\nc\nz\n", true),
            ("a\n...\nz", "a\nb\n", false),
            ("...\nb\n...", "a\nb\nb\nc\n", true),
            ("web-[..]-[..]   1/1", "web-7d8f-abcde      1/1\n", true),
            ("web-[..]   1/1", "web-7d8f-abcde 0/1\n", false),
            ("x[..]x", "x\n", false),
            ("[..]b[..]", "abc\n", true),
            ("a b", "a  b\n", false),
            ("NAME   READY", "NAME                   READY   \n", true),
            ("a", "a\n\n\n", true),
            ("a", "[1]+  Done                    nc -l 8080\na\n", true),
            ("[2]-  Exit 1                  nc -l 80\na", "a\n", true),
            ("a", "[1] 1201\na\n", false),
            ("[3][..]Terminated[..]nc -lk 80", "", true),
            ("", "[x]  Done\n", false),
        ];
        for (expected, actual, result) in rows {
            assert_eq!(holds(&claim(expected), actual, 0), result, "{expected:?} against {actual:?}");
        }
        assert!(!holds(&claim("a"), "a\n", 1));
    }

    #[test]
    fn many_wildcards_end_soon() {
        let expected = "...\nx\n".repeat(200) + "y";
        let actual = "x\n".repeat(20_000);
        assert!(!holds(&claim(&expected), &actual, 0));
    }
}
