//! What the steps and the test runners in them came to.

use std::fmt;

/// How a test runner of Rust's sums up: "test result: ok. 13 passed; 0 failed; 0 ignored; …".
const RESULT: &str = "test result: ";

/// The sums so far.
#[derive(Default)]
pub struct Tally {
    results: Vec<String>,
    steps: Vec<String>,
    passed: usize,
    failed: usize,
    skipped: usize,
    failed_tests: usize,
}

impl Tally {
    /// Takes in a line that a command printed.
    pub fn line(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix(RESULT) else { return };
        self.results.push(line.trim_end().to_owned());
        let count = |what: &str| -> usize {
            let mut parts = counts.split(['.', ';']).map(str::trim);
            parts.find_map(|part| part.strip_suffix(what)?.trim().parse().ok()).unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.failed_tests += count("failed");
        self.skipped += count("ignored");
    }

    /// Tests that a runner reported as failed.
    pub fn failed_tests(&self) -> usize {
        self.failed_tests
    }

    pub fn held(&mut self, step: &str, seconds: f64) {
        self.passed += 1;
        self.steps.push(format!("{step:<10} held     {seconds:>7.1} s"));
    }

    pub fn skipped(&mut self, step: &str, reason: &str) {
        self.skipped += 1;
        self.steps.push(format!("{step:<10} skipped  ({reason})"));
    }

    /// A step that failed; `counted` when its failed tests are in the sums already.
    pub fn failed(&mut self, step: &str, seconds: f64, counted: bool) {
        self.failed += usize::from(!counted);
        self.steps.push(format!("{step:<10} FAILED   {seconds:>7.1} s"));
    }

    pub fn all_held(&self) -> bool {
        self.failed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.results.iter().chain(&self.steps) {
            writeln!(f, "{line}")?;
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_and_steps_add_up() {
        let mut tally = Tally::default();
        tally.held("format", 1.0);
        tally.line("running 13 tests");
        tally.line("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.04s");
        tally.held("tests", 2.0);
        assert!(tally.all_held());
        assert_eq!(tally.to_string().lines().last(), Some("14 passed, 0 failed, 1 skipped"));

        tally.line("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s");
        assert_eq!(tally.failed_tests(), 2);
        tally.failed("browser", 3.0, true);
        tally.failed("lints", 3.0, false);
        assert!(!tally.all_held());
        assert_eq!(tally.to_string().lines().last(), Some("17 passed, 3 failed, 1 skipped"));
        assert!(tally.to_string().starts_with("test result: ok. 12 passed; 0 failed;"));
    }
}
