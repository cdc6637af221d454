//! A shell of a person on a machine of its own: bash in new network and process namespaces, with job control.
//!
//! What it is given comes by a terminal, so that jobs are as in a login; what it prints goes into a pipe, so that no program
//! fits its columns to a screen. When the terminal goes, so do all its processes.
//! Programs: setsid and unshare of util-linux, bash, ip of iproute2.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write, pipe};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use portlab_scenarios::world::Seen;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, OutputModes, tcgetattr, tcsetattr};

/// How long a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(150);
/// What one command may print.
const OUTPUT_BYTES_MAX: usize = 4 << 20;
/// Stands around a command's exit status in the prompt, behind what the command printed.
const MARK: char = '\u{1e}';

/// The shell.
pub struct Terminal {
    shell: Child,
    input: File,
    output: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Starts a shell in this folder; its `lo` is up, and there is nothing else.
    ///
    /// # Errors
    /// No namespace could be made, which needs root.
    pub fn start(folder: &Path) -> anyhow::Result<Terminal> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).context("no terminal")?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = OpenOptions::new().read(true).write(true).open(name.to_str()?).context("no terminal")?;
        let mut modes = tcgetattr(&slave)?;
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        modes.output_modes.remove(OutputModes::OPOST);
        tcsetattr(&slave, OptionalActions::Now, &modes)?;
        let (mut reader, writer) = pipe()?;
        let shell = Command::new("setsid")
            .args(["--ctty", "--wait", "unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["bash", "--norc", "--noprofile", "--noediting", "-i"])
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .envs([("LC_ALL", "C"), ("TERM", "dumb"), ("PS1", &format!("{MARK}$?{MARK}")), ("PS2", "")])
            .env("HOME", folder)
            .stdin(slave)
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .spawn()
            .context("setsid of util-linux does not start")?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Terminal { shell, input: File::from(master), output };
        terminal.prompt("bash")?;
        let up = terminal.run("set +H; ip link set lo up")?;
        ensure!(up.exit == 0 && up.output.is_empty(), "a shell in namespaces of its own does not start: {}", up.output);
        Ok(terminal)
    }

    /// The number of the shell's process as this process sees it: by it `ip` finds the network namespace.
    ///
    /// # Errors
    /// The shell has ended.
    pub fn pid(&self) -> anyhow::Result<String> {
        let found = Command::new("pgrep").args(["-P", &self.shell.id().to_string()]).output()?;
        let text = String::from_utf8_lossy(&found.stdout);
        Ok(text.lines().next().context("the shell has ended")?.to_owned())
    }

    /// Runs a command line; what background programs print meanwhile is with it.
    ///
    /// While it runs nothing more stands in the terminal: a program in the background that looks there would find it, try to
    /// read it, and be stopped. So the shell says by its prompt, behind what has ended in the background, that it is done.
    ///
    /// # Errors
    /// It takes longer than [`COMMAND_LIMIT`], or prints too much, or the shell has ended.
    pub fn run(&mut self, line: &str) -> anyhow::Result<Seen> {
        // Several lines are one command, so that one prompt follows them.
        let whole = match line.trim_end().contains('\n') {
            true => format!("eval '{}'\n", line.replace('\'', r"'\''")),
            false => format!("{}\n", line.trim_end()),
        };
        self.input.write_all(whole.as_bytes())?;
        self.prompt(line)
    }

    /// Waits for the shell's prompt; what was printed before it.
    fn prompt(&mut self, line: &str) -> anyhow::Result<Seen> {
        let end = Instant::now() + COMMAND_LIMIT;
        let mut bytes = Vec::new();
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(more) => bytes.extend(more),
                Err(RecvTimeoutError::Timeout) => {
                    anyhow::bail!("`{line}` has not ended after {} s", COMMAND_LIMIT.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    anyhow::bail!("the shell has ended: {}", String::from_utf8_lossy(&bytes))
                }
            }
            ensure!(bytes.len() <= OUTPUT_BYTES_MAX, "`{line}` prints more than {OUTPUT_BYTES_MAX} bytes");
            if let Some(seen) = ended(&bytes) {
                return Ok(seen);
            }
        }
    }
}

/// The output and the exit status, once the second mark is there.
fn ended(bytes: &[u8]) -> Option<Seen> {
    let text = String::from_utf8_lossy(bytes);
    let (output, rest) = text.split_once(MARK)?;
    let (exit, _) = rest.split_once(MARK)?;
    Some(Seen { output: output.to_owned(), exit: exit.parse().ok()? })
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // unshare ends its child with itself, and with that first process all others of the namespace end.
        let _ = Command::new("pkill").args(["-KILL", "-P", &self.shell.id().to_string()]).stdin(Stdio::null()).status();
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
