//! `cargo xtask schedule FILE`: what the scheduler answers for clusters given as JSON lines.
//!
//! Each line is `{nodes, bound, pod}` as in golden/scheduler, and is printed with portlab's `answer`.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use portlab_engine::kube::scheduler::case::answer;
use serde_json::Value;

mod flags {
    use std::path::PathBuf;

    xflags::xflags! {
        /// Prints each line of FILE with the scheduler's answer: the node and the scores, or the message with
        /// what preemption does, or the API server's refusal.
        cmd schedule {
            /// Lines of JSON: nodes, bound (the pods on them), pod.
            required file: PathBuf
        }
    }
}

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Schedule::from_vec(args).unwrap_or_else(|error| error.exit());
    schedule(&flags.file, &mut BufWriter::new(std::io::stdout().lock()))?;
    Ok(ExitCode::SUCCESS)
}

/// Answers every line of the file; stops at the first that cannot be understood, and says which.
fn schedule(file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = |column: usize| format!("{}:{}:{column}", file.display(), index + 1);
        let mut case: Value = serde_json::from_str(line).map_err(|error| {
            let what = error.to_string();
            anyhow!("{}: not JSON: {}", place(error.column().max(1)), what.split(" at line ").next().unwrap_or(&what))
        })?;
        let answer = answer(&case).map_err(|error| anyhow!("{}: {error}", place(1)))?;
        case["answer"] = answer.value;
        writeln!(out, "{case}")?;
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(name: &str, text: &str) -> Result<String, String> {
        let file = std::env::temp_dir().join(format!("portlab-schedule-{}-{name}.jsonl", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let mut out = Vec::new();
        let result = schedule(&file, &mut out);
        std::fs::remove_file(&file).unwrap();
        let file = file.display().to_string();
        result.map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string().replace(&file, "FILE"))
    }

    #[test]
    fn a_case_is_printed_with_its_answer() {
        let case = r#"{"nodes":[],"bound":[],"pod":{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}}"#;
        let printed: Value = serde_json::from_str(&answered("good", case).unwrap()).unwrap();
        assert_eq!(printed["answer"]["message"], "no nodes available to schedule pods");
    }

    #[test]
    fn bad_input_is_named_by_file_line_and_column() {
        for (text, said) in [
            ("\n{\"nodes\":}", "FILE:2:10: not JSON: expected value"),
            ("[]", "FILE:1:1: `nodes` must be a list, found nothing"),
            ("{\"nodes\":[],\"bound\":[],\"pod\":7}", "FILE:1:1: `pod` must be an object, found 7"),
        ] {
            assert_eq!(answered("bad", text).unwrap_err(), said);
        }
    }
}
