//! Starting programs so that INT, TERM and HUP end them, and so that what they started ends too.
//!
//! Each program runs in a process group of its own: the terminal's Ctrl-C reaches this program alone, which then ends
//! the group, and a second Ctrl-C does not reach the programs that clean up. Leaves out: systems without signals.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use xshell::{Cmd, Shell};

/// A signal asked the run to end.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ended by a signal")
    }
}

impl std::error::Error for Interrupted {}

/// How often a program that runs is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What a program printed, both streams in order where it wrote to one pipe, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub output: String,
    pub exit: i32,
}

/// Runs programs, or prints them when the run is dry.
pub struct Runner {
    pub shell: Shell,
    dry: bool,
    /// The number of the signal that came, else 0.
    signal: Arc<AtomicUsize>,
    /// While cleaning up, signals are not looked at.
    pub deaf: bool,
    /// Where the number of the program that runs is kept, for a run that comes after this one was killed.
    pub note: Option<PathBuf>,
}

impl Runner {
    pub fn new(dry: bool) -> anyhow::Result<Runner> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let value = usize::try_from(number).unwrap_or(1);
            signal_hook::flag::register_usize(number, Arc::clone(&signal), value)?;
        }
        Ok(Runner { shell: Shell::new()?, dry, signal, deaf: false, note: None })
    }

    /// The signal that came.
    pub fn signal(&self) -> Option<usize> {
        Some(self.signal.load(Ordering::SeqCst)).filter(|number| *number != 0)
    }

    /// # Errors
    /// [`Interrupted`] when a signal has come and the run is not cleaning up.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.signal().is_some() && !self.deaf { Err(Interrupted.into()) } else { Ok(()) }
    }

    pub fn is_dry(&self) -> bool {
        self.dry
    }

    /// Says a command as a person would type it.
    pub fn announce(&self, text: &str) {
        if self.dry {
            // A reader that has seen enough (`| head`) is no reason to stop.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// Runs a command to its end; what it prints is returned, not shown. In a dry run it is printed instead.
    ///
    /// # Errors
    /// It cannot be started, takes longer than `limit`, or a signal came. A status other than 0 is no error.
    pub fn run(&self, command: Cmd, limit: Duration) -> anyhow::Result<Ended> {
        self.check()?;
        if self.dry {
            self.announce(&command.to_string());
            return Ok(Ended { output: String::new(), exit: 0 });
        }
        let text = command.to_string();
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot start `{text}`"))?;
        if let Some(note) = &self.note {
            let _ = fs::write(note, child.id().to_string());
        }
        let out = drain(child.stdout.take());
        let err = drain(child.stderr.take());
        let status = self.wait(&mut child, limit);
        if let Some(note) = &self.note {
            let _ = fs::remove_file(note);
        }
        let mut output = out.join().unwrap_or_default();
        output.push_str(&err.join().unwrap_or_default());
        let status = status.with_context(|| format!("`{text}`"))?;
        Ok(Ended { output, exit: code(status) })
    }

    /// As [`Runner::run`], but a status other than 0 is an error that shows what was printed.
    pub fn must(&self, command: Cmd, limit: Duration) -> anyhow::Result<String> {
        let text = command.to_string();
        let ended = self.run(command, limit)?;
        if ended.exit != 0 {
            bail!("`{text}` exited {}:\n{}", ended.exit, ended.output.trim_end());
        }
        Ok(ended.output)
    }

    /// Waits for a program's end; ends its whole group on a signal or when time is up.
    fn wait(&self, child: &mut Child, limit: Duration) -> anyhow::Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            let late = started.elapsed() > limit;
            if late || self.check().is_err() {
                end_group(child);
                self.check()?;
                bail!("did not end within {} s", limit.as_secs());
            }
            thread::sleep(LOOK);
        }
    }

    /// Lets real time pass, and ends at once when a signal comes.
    pub fn pause(&self, time: Duration) {
        let started = Instant::now();
        while !self.dry && started.elapsed() < time && self.check().is_ok() {
            thread::sleep(LOOK.min(time));
        }
    }
}

/// TERM to the group, and KILL when that is not enough; returns when the leader is gone.
fn end_group(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    for (signal, patience) in [(Signal::TERM, Duration::from_secs(5)), (Signal::KILL, Duration::from_secs(5))] {
        let _ = kill_process_group(group, signal);
        let started = Instant::now();
        while started.elapsed() < patience {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                // The leader may go before what it started.
                let _ = kill_process_group(group, Signal::KILL);
                return;
            }
            thread::sleep(LOOK);
        }
    }
}

/// Reads a stream to its end in a thread, so that a full pipe never stops the program.
fn drain(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// Ends the program that a killed run had started, and what that started, if the number is still theirs.
pub fn end_noted(note: &Path, cluster: &str) {
    let pid = fs::read_to_string(note).ok().and_then(|text| text.parse::<i32>().ok());
    let Some(pid) =
        pid.filter(|pid| words_of(*pid).iter().any(|word| word.contains(cluster) || word.ends_with("kubectl")))
    else {
        return;
    };
    if let Some(group) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// The words of a process's command line; none when there is no such process.
pub fn words_of(pid: i32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).split('\0').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a process of this number runs.
pub fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
        || i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}
