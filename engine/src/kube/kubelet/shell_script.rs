//! Commands that a manifest gives to a container with a shell: `sleep 3600`, `sh -c 'echo hi; exit 3'`, `httpd -f -p 8080`.
//!
//! Models: echo, sleep, exit, true, false, `while true`/`while :` loops, httpd and nc as listeners, tail -f and cat as waiting,
//! `;`, `&&`, `||` and newlines. What else stands at the end of a script, or alone, is taken for a server that runs on; in the
//! middle of one it succeeds at once. Leaves out: the rest of the shell language.

use super::images::tcp;
use super::program::{Dress, Families, OnTerm, Program, Serves, Socket, Step};

/// Process 1 ignores signals that it has no handler for, and none of these programs has one.
const DEAF: OnTerm = OnTerm::Ignored;
const STEPS_MAX: usize = 1000;

pub fn program(words: &[String]) -> Program {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let shell = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let is_shell = ["sh", "bash", "ash"].contains(&shell);
    let mut steps = Vec::new();
    match words.get(1) {
        Some(flag) if is_shell && flag.starts_with('-') && flag.ends_with('c') => {
            script(words.get(2).unwrap_or(&""), &mut steps);
        }
        _ if is_shell => {}
        _ if !simple(&words, true, &mut steps) => steps.push(Step::Exit(1)),
        _ => {}
    }
    let unknown = !is_shell && steps == [Step::Wait] && !["sleep", "tail", "cat"].contains(&shell);
    steps.push(Step::Exit(0));
    Program { steps, on_term: if unknown { OnTerm::Exit { after_ms: 100, code: 0 } } else { DEAF } }
}

/// Adds the steps of a script; commands after a failing `&&` are left out, those after a failing `||` kept.
fn script(text: &str, steps: &mut Vec<Step>) {
    let text = text.trim();
    if let Some(body) = endless_loop(text) {
        let (before, body) = body;
        script(before, steps);
        let mut inner = Vec::new();
        script(body, &mut inner);
        steps.push(Step::Repeat(inner));
        return;
    }
    let (mut status, mut wanted) = (true, true);
    let all = commands(text);
    let last = all.len();
    for (number, (joint, command)) in all.into_iter().enumerate() {
        wanted = match joint {
            Joint::Always => true,
            Joint::And => wanted && status,
            Joint::Or => !status || !wanted,
        };
        if wanted && steps.len() < STEPS_MAX {
            let words = split(command);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            status = simple(&words, number + 1 == last, steps);
        }
    }
    if !status {
        steps.push(Step::Exit(1));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    Always,
    And,
    Or,
}

/// `before; while true; do BODY; done`: what stands before the loop, and its body.
fn endless_loop(text: &str) -> Option<(&str, &str)> {
    let start = ["while true", "while :", "while sleep"].iter().filter_map(|head| text.find(head)).min()?;
    let body_start = text[start..].find("do ").or_else(|| text[start..].find("do\n"))? + start + 3;
    let body_end = text.rfind("done").filter(|end| *end >= body_start)?;
    Some((&text[..start], &text[body_start..body_end]))
}

/// The commands with what joins each to the one before it; quoted text is left whole.
fn commands(text: &str) -> Vec<(Joint, &str)> {
    let (mut found, mut start, mut joint, mut quote) = (Vec::new(), 0, Joint::Always, None);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let next = match (quote, bytes[at]) {
            (Some(open), byte) => {
                quote = (open != byte).then_some(open);
                None
            }
            (None, b'\'' | b'"') => {
                quote = Some(bytes[at]);
                None
            }
            (None, b';' | b'\n') => Some((Joint::Always, 1)),
            (None, b'&') if bytes.get(at + 1) == Some(&b'&') => Some((Joint::And, 2)),
            (None, b'|') if bytes.get(at + 1) == Some(&b'|') => Some((Joint::Or, 2)),
            _ => None,
        };
        if let Some((following, width)) = next {
            found.push((joint, text[start..at].trim()));
            (joint, start) = (following, at + width);
            at += width;
        } else {
            at += 1;
        }
    }
    found.push((joint, text[start..].trim()));
    found.retain(|(_, command)| !command.is_empty());
    found
}

/// The words of a command, quotes taken off.
fn split(command: &str) -> Vec<String> {
    let (mut words, mut word, mut open, mut begun) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (open, c) {
            (Some(quote), c) if c == quote => open = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (open, begun) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    begun = false;
                }
            }
            (None, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Commands that do their work and end.
const BRIEF: [&str; 32] = [
    "true", ":", "cd", "export", "set", "mkdir", "touch", "rm", "cp", "mv", "ls", "cat", "date", "hostname", "whoami",
    "id", "env", "test", "[", "wget", "curl", "nslookup", "ping", "grep", "sed", "awk", "chmod", "chown", "ln",
    "uname", "nc", "ncat",
];

/// Adds the steps of one command, the last one of its script or not; whether it succeeds.
fn simple(words: &[&str], last: bool, steps: &mut Vec<Step>) -> bool {
    let Some(first) = words.first() else { return true };
    let program = first.rsplit('/').next().unwrap_or(first);
    let args =
        if program == "exec" || program == "busybox" { return simple(&words[1..], last, steps) } else { &words[1..] };
    match program {
        "echo" | "printf" => {
            let shown: Vec<&str> = args.iter().take_while(|arg| !arg.starts_with('>')).copied().collect();
            if shown.len() == args.len() {
                steps.push(Step::Say(Dress::Plain, shown.join(" ")));
            }
        }
        "sleep" => match args.first().copied().and_then(duration_ms) {
            Some(duration_ms) => steps.push(Step::SleepMs(duration_ms)),
            None => steps.push(Step::Wait),
        },
        "exit" => steps.push(Step::Exit(args.first().and_then(|code| code.parse().ok()).unwrap_or(0))),
        "false" => return false,
        "httpd" => {
            let port = option(args, "-p").and_then(port_of).unwrap_or(80);
            serve(steps, ("httpd", 9), port, Serves::Files, "httpd: bind: Address already in use");
        }
        "nc" | "ncat" => {
            let listens = args.iter().any(|arg| arg.starts_with('-') && arg.contains('l'));
            if let Some(port) =
                option(args, "-p").or_else(|| args.last().copied()).and_then(port_of).filter(|_| listens)
            {
                serve(steps, ("nc", 1), port, Serves::Bytes, "nc: bind: Address already in use");
            }
        }
        "tail" if args.iter().any(|arg| arg.starts_with("-f") || arg.starts_with("-F")) => steps.push(Step::Wait),
        "cat" | "wait" if args.is_empty() => steps.push(Step::Wait),
        _ if last && !BRIEF.contains(&program) => steps.push(Step::Wait),
        _ => {}
    }
    true
}

fn serve(steps: &mut Vec<Step>, (process, backlog): (&str, i32), port: u16, serves: Serves, refused: &str) {
    let failing = vec![Step::Say(Dress::Plain, refused.to_owned()), Step::Exit(1)];
    let socket = Socket { backlog, families: Families::Both, ..tcp(process, "", port, serves) };
    steps.push(Step::Listen(socket, failing));
    steps.push(Step::Wait);
}

fn option<'a>(args: &[&'a str], name: &str) -> Option<&'a str> {
    args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix(name) {
        Some("") => args.get(at + 1).copied(),
        rest => rest,
    })
}

fn port_of(text: &str) -> Option<u16> {
    text.rsplit(':').next()?.parse().ok()
}

/// `30`, `0.5`, `2m`, `1h`; None for `infinity` and for what is no number.
fn duration_ms(text: &str) -> Option<u64> {
    let (number, unit_ms) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1000.0),
        (at, 'm') => (&text[..at], 60_000.0),
        (at, 'h') => (&text[..at], 3_600_000.0),
        (at, 'd') => (&text[..at], 86_400_000.0),
        _ => (text, 1000.0),
    };
    let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    Some((number * unit_ms) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::program::run;
    use super::*;

    fn exit(words: &[&str]) -> Option<(u64, i32)> {
        run(&program(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()), &[]).exit
    }

    #[test]
    fn how_they_end() {
        assert_eq!(exit(&["sleep", "3600"]), Some((3_600_000, 0)));
        assert_eq!(exit(&["sleep", "infinity"]), None);
        assert_eq!(exit(&["sh", "-c", "echo hi; sleep 2; exit 3"]), Some((2000, 3)));
        assert_eq!(exit(&["sh", "-c", "false || sleep 1"]), Some((1000, 0)));
        assert_eq!(exit(&["sh", "-c", "sleep 5 && false"]), Some((5000, 1)));
        assert_eq!(exit(&["/bin/sh", "-c", "while true; do echo 'a; b'; sleep 10; done"]), None);
        assert_eq!(exit(&["false"]), Some((0, 1)));
        assert_eq!(exit(&["/app/server", "--verbose"]), None);
        assert_eq!(exit(&["sh", "-c", "mkdir /x && exec /app/server"]), None);
        assert_eq!(exit(&["httpd", "-f", "-p", "8080"]), None);
    }
}
