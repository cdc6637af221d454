//! golden/kubectl/mask.py in Rust: hides what is random, a clock, a free choice or the machine's own.
//! Two transcripts agree when their masks are equal.

use fancy_regex::Regex;

/// The letters Kubernetes makes names from.
const SAFE: &str = "[bcdfghjklmnpqrstvwxz2456789]";

/// The rules of mask.py, in its order.
pub struct Mask {
    rules: Vec<(Regex, &'static str)>,
    table: Regex,
}

impl Mask {
    pub fn new() -> Mask {
        let rules = [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?".to_owned(), "TIME"),
            (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}".to_owned(), "TIME"),
            (r"I\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ".to_owned(), "LOG "),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "UID"),
            (r"(containerd://|sha256:)[0-9a-f]{64}".to_owned(), "ID"),
            (r#"id: \\"[0-9a-f]{64}"#.to_owned(), "id: ID"),
            (r#"(resourceVersion: )"\d+""#.to_owned(), r#"${1}"RV""#),
            (r"\(x\d+ over [^)]*\)".to_owned(), "(xN over AGE)"),
            (format!(r"-{SAFE}{{7,10}}-{SAFE}{{5}}\b"), "-HASH-SUFFIX"),
            (format!(r"-{SAFE}{{8,10}}\b"), "-HASH"),
            (format!(r"(pod-template-hash[=:] ?){SAFE}{{7,10}}\b"), "${1}HASH"),
            (format!(r"-{SAFE}{{5}}\b"), "-SUFFIX"),
            (r"\b(\d+d)?(\d+h)?(\d+m)?\d+s\b|\b\d+[dhm]\b".to_owned(), "AGE"),
            (r"\b10\.96\.(?!0\.1\b)\d+\.\d+\b".to_owned(), "SERVICE-IP"),
            (r"\b10\.244\.\d+\.\d+\b".to_owned(), "POD-IP"),
            (r"\b172\.\d+\.0\.\d+\b".to_owned(), "NODE-IP"),
            (r"\b3(0(?!080\b)\d{3}|1\d{3}|2[0-7]\d\d)\b(?=/|$| )".to_owned(), "NODE-PORT"),
            (r"portlab-worker2\b".to_owned(), "portlab-worker"),
            (r"\d+\.\d+\.\d+-\S+-v\d+".to_owned(), "KERNEL"),
            (r"after \d+ (ms|milliseconds)".to_owned(), "after N ms"),
            (r"-{4,}".to_owned(), "----"),
            (r"[ \t]+".to_owned(), " "),
            (r" $".to_owned(), ""),
        ];
        let compile = |pattern: &str| Regex::new(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        Mask {
            rules: rules.iter().map(|(pattern, to)| (compile(pattern), *to)).collect(),
            table: compile(r"^\$ kubectl (get|drain|events|delete)\b(?!.*(-o|--output)[ =]?(yaml|json|jsonpath))"),
        }
    }

    pub fn line(&self, line: &str) -> String {
        self.rules.iter().fold(line.to_owned(), |text, (rule, to)| rule.replace_all(&text, *to).into_owned())
    }

    /// The masked output of a command, sorted where the order of rows hangs on random names.
    pub fn output(&self, command: &str, output: &str) -> Vec<String> {
        let mut lines: Vec<String> = output.lines().map(|line| self.line(line)).collect();
        if self.table.is_match(command).unwrap_or(false) {
            lines.sort();
        }
        lines
    }
}
