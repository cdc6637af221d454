//! What a transcript shows that the lab leaves out, with the reasons. Everything else must agree.

/// Lines that hold a text, in the output of commands that begin so.
struct LeftOut {
    command: &'static str,
    line: &'static str,
    /// Why it is left out.
    #[allow(dead_code, reason = "it is for the reader")]
    reason: &'static str,
}

const LINES: &[LeftOut] = &[
    LeftOut { command: "kubectl describe node", line: "Machine ID:", reason: "it is the recording machine's own" },
    LeftOut { command: "kubectl describe node", line: "System UUID:", reason: "it is the recording machine's own" },
];

pub fn without(command: &str, output: &str) -> String {
    let kept = |line: &&str| {
        !LINES.iter().any(|left_out| command[2..].starts_with(left_out.command) && line.contains(left_out.line))
    };
    let lines: Vec<&str> = output.lines().filter(kept).collect();
    lines.join("\n")
}
