//! `cargo xtask shell`: the lab's terminal, natively.
//!
//! On a terminal: a prompt with line editing, history and virtual time. Otherwise a script on standard input gives a
//! transcript: each line after `$ ` (the lines of here-documents bare), then what it prints. Files are read from the
//! current directory; what commands write stays in the lab.

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use portlab_engine::lab::{JqOutput, Lab, LabOptions, Nodes, Output, Place, ProxyMode, Stream};
use portlab_engine::tools::files::HOST_DIRECTORY;
use portlab_engine::tools::shell::{in_here_document, needs_more};
use rustyline::error::ReadlineError;

const HELP: &str = "\
cargo xtask shell [--nodes N | --no-nodes] [--name NAME] [--proxy iptables|nftables|ipvs] [--seed S]

The lab's terminal. A script on standard input gives a transcript.

  --nodes N    a kind cluster of N nodes, the control plane included (default 3)
  --no-nodes   an API server and a scheduler only; nodes are what is applied
  --name NAME  the cluster's name, with which its nodes' names begin (default portlab)
  --proxy MODE iptables (default), nftables or ipvs
  --seed S     what is random in the lab follows from this number (default 1)
";

/// Bytes of a file of the host that are read at most.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Runs the command with the words after its name.
pub fn run(words: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let Some(options) = options(&words)? else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let mut lab = Lab::new(options);
    let exit = if std::io::stdin().is_terminal() {
        interactive(&mut lab)?
    } else {
        transcript(&mut lab, std::io::stdin().lock(), &mut std::io::stdout().lock())?
    };
    Ok(ExitCode::from(u8::try_from(exit & 0xff).unwrap_or(1)))
}

/// The lab that the words ask for; None for `--help`.
fn options(words: &[OsString]) -> anyhow::Result<Option<LabOptions>> {
    let mut options = LabOptions { jq: Some(jq), host_files: Some(host_file), ..LabOptions::default() };
    let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        let (name, joined) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        let mut value = || joined.clone().or_else(|| words.next()).with_context(|| format!("{name} needs a value"));
        match name.as_str() {
            "-h" | "--help" => return Ok(None),
            "--no-nodes" => options.nodes = Nodes::None,
            "--nodes" => {
                let count = value()?.parse().ok().filter(|count| (1..=100).contains(count));
                options.nodes = Nodes::Kind(count.context("--nodes takes a number from 1 to 100")?);
            }
            "--name" => options.cluster = value()?,
            "--seed" => options.seed = value()?.parse().context("--seed takes a number")?,
            "--proxy" => {
                options.proxy = match value()?.as_str() {
                    "iptables" => ProxyMode::Iptables,
                    "nftables" => ProxyMode::Nftables,
                    "ipvs" => ProxyMode::Ipvs,
                    other => bail!("--proxy is iptables, nftables or ipvs, not `{other}`"),
                };
            }
            other => bail!("no option is named `{other}`; see cargo xtask shell --help"),
        }
    }
    Ok(Some(options))
}

fn jq(args: &[String], stdin: &str) -> JqOutput {
    let output = portlab_jq::run(args, stdin);
    JqOutput { stdout: output.stdout, stderr: output.stderr, exit: output.exit }
}

/// A file of the current directory; for a path that ends in [`HOST_DIRECTORY`] the names in that directory.
fn host_file(path: &str) -> Option<String> {
    let Some(directory) = path.strip_suffix(HOST_DIRECTORY) else {
        let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        if metadata.len() > FILE_BYTES_MAX {
            return None;
        }
        return Some(String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned());
    };
    let mut names = String::new();
    for entry in std::fs::read_dir(directory).ok()?.flatten() {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        names.push_str(&format!("{}{slash}\n", entry.file_name().to_string_lossy()));
    }
    Some(names)
}

/// Runs a script and writes its transcript; returns the status of the last command.
fn transcript(lab: &mut Lab, script: impl BufRead, out: &mut impl Write) -> anyhow::Result<i32> {
    let (mut pending, mut exit) = (String::new(), 0);
    for line in script.lines() {
        let line = line.context("standard input")?;
        let bare = !pending.is_empty() && in_here_document(&pending);
        writeln!(out, "{}{line}", if bare { "" } else { "$ " })?;
        pending.push_str(&line);
        pending.push('\n');
        if needs_more(&pending) {
            continue;
        }
        exit = run_line(lab, &std::mem::take(&mut pending), out)?;
    }
    if !pending.is_empty() {
        exit = run_line(lab, &pending, out)?;
    }
    Ok(exit)
}

fn run_line(lab: &mut Lab, line: &str, out: &mut impl Write) -> anyhow::Result<i32> {
    let output = lab.run(&Place::Workstation, line);
    let text = output.text();
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(output.exit)
}

fn interactive(lab: &mut Lab) -> anyhow::Result<i32> {
    let mut editor = rustyline::DefaultEditor::new().context("the terminal")?;
    println!("portlab: `help` says what there is, `exit` or Ctrl-D leaves.");
    let (mut pending, mut exit) = (String::new(), 0);
    loop {
        match editor.readline(if pending.is_empty() { "$ " } else { "> " }) {
            Ok(line) => {
                pending.push_str(&line);
                pending.push('\n');
                if needs_more(&pending) {
                    continue;
                }
                let text = std::mem::take(&mut pending);
                if text.trim() == "exit" {
                    return Ok(exit);
                }
                let _ = editor.add_history_entry(text.trim_end());
                let output = lab.run(&Place::Workstation, &text);
                show(&output);
                exit = output.exit;
            }
            Err(ReadlineError::Interrupted) => pending.clear(),
            Err(ReadlineError::Eof) => return Ok(exit),
            Err(error) => return Err(error).context("the terminal"),
        }
    }
}

fn show(output: &Output) {
    for (stream, text) in &output.chunks {
        match stream {
            Stream::Stdout => print!("{text}"),
            Stream::Stderr => eprint!("{text}"),
        }
    }
    if !output.text().is_empty() && !output.text().ends_with('\n') {
        println!();
    }
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_gives_a_transcript() {
        let script = "echo one\ncat <<EOF\ntwo\nEOF\nprintf three\nif true\nthen echo 4\nfi\necho err >&2; false\n";
        let mut lab = Lab::new(LabOptions { nodes: Nodes::None, ..LabOptions::default() });
        let mut out = Vec::new();
        let exit = transcript(&mut lab, script.as_bytes(), &mut out).unwrap();
        let want = "$ echo one\none\n$ cat <<EOF\ntwo\nEOF\ntwo\n$ printf three\nthree\n$ if true\n$ then echo 4\n$ fi\n4\n\
                    $ echo err >&2; false\nerr\n";
        assert_eq!((String::from_utf8(out).unwrap().as_str(), exit), (want, 1));
    }

    #[test]
    fn options_are_read_or_refused() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let read = options(&words("--nodes 5 --name x --proxy=ipvs --seed 7")).unwrap().unwrap();
        assert_eq!(
            (read.nodes, read.cluster.as_str(), read.proxy, read.seed),
            (Nodes::Kind(5), "x", ProxyMode::Ipvs, 7)
        );
        assert_eq!(options(&words("--no-nodes")).unwrap().unwrap().nodes, Nodes::None);
        assert!(options(&words("--nodes 0")).is_err());
        assert!(options(&words("--bogus")).is_err());
        assert!(options(&words("--help")).unwrap().is_none());
    }
}
