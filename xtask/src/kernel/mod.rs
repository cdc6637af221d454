//! This machine's kernel as a world that answers calls: a network namespace of its own for each case.
//!
//! Needs Linux and root. Nothing outside the namespace is read or changed, and the namespace goes with its thread.

#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod netlink;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only the kernel's calls wait"))]
mod pool;
#[cfg(target_os = "linux")]
mod proc;
#[cfg(target_os = "linux")]
pub mod terminal;

use std::time::{Duration, Instant};

use portlab_scenarios::syscalls::{Answer, Call, Case, Kernel, Verdict, run_case};

/// How often a case is run again before an answer counts as different: a case that the machine's load has delayed
/// meets the delayed ACK, 40 ms after a close, where a script's calls follow each other at once.
pub const TRIES: usize = 6;

/// A recorded case ends when its calls have waited this long: each may wait a second, and some cases are long.
const WAITS_MAX: Duration = Duration::from_secs(6);

/// What a case came to, and what it had come to in the tries before.
pub struct Tried {
    pub verdicts: Vec<Verdict>,
    pub before: Vec<Vec<Verdict>>,
}

/// Why the kernel cannot be asked here, in words for the person who runs it; `None` when it can.
pub fn lacking() -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        // A thread of its own: the namespace goes with it.
        let tried = std::thread::spawn(|| namespace::Namespace::new(None).map(drop)).join();
        match tried {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!(
                "{error}; the kernel is asked in network namespaces, which needs root (CAP_SYS_ADMIN and \
                 CAP_NET_ADMIN): sudo -E cargo xtask …"
            )),
            Err(_) => Some("the thread that tried the kernel panicked".to_owned()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    Some("the kernel of this machine is not Linux: run it in a Linux machine or container, as root".to_owned())
}

/// Runs jobs that ask the kernel, many at once: a job that waits leaves its place to the next.
pub fn each<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&Place, &T) -> R + Sync) -> Vec<R> {
    pool::each(jobs, work)
}

/// Where a job runs; it is what the kernel tells when a call waits.
pub struct Place {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only the kernel's calls wait"))]
    slot: std::sync::Arc<pool::Slot>,
}

impl Place {
    /// Makes a fresh world and lets `work` ask it. Returns also whether the calls followed each other at once.
    ///
    /// # Errors
    /// No namespace could be made.
    #[cfg(target_os = "linux")]
    pub fn fresh<R>(&self, work: impl FnOnce(&mut dyn Kernel) -> R) -> anyhow::Result<(R, bool)> {
        let mut namespace = namespace::Namespace::new(Some(std::sync::Arc::clone(&self.slot)))?;
        let result = work(&mut namespace);
        Ok((result, namespace.undisturbed()))
    }

    #[cfg(not(target_os = "linux"))]
    pub fn fresh<R>(&self, _: impl FnOnce(&mut dyn Kernel) -> R) -> anyhow::Result<(R, bool)> {
        anyhow::bail!(lacking().unwrap_or_default())
    }

    /// Runs a case until a try agrees in every line, at most [`TRIES`] times.
    ///
    /// # Errors
    /// No namespace could be made.
    pub fn run(&self, case: &Case) -> anyhow::Result<Tried> {
        let mut before = Vec::new();
        loop {
            let (verdicts, undisturbed) = self.fresh(|kernel| run_case(kernel, case))?;
            let differs = verdicts.iter().any(Verdict::differs);
            if before.len() + 1 == TRIES || (!differs && undisturbed) {
                return Ok(Tried { verdicts, before });
            }
            before.push(verdicts);
        }
    }

    /// What the kernel answers to calls of which some name sockets that may not come: those are left out.
    ///
    /// # Errors
    /// No namespace could be made.
    pub fn record(&self, case: &Case) -> anyhow::Result<Vec<Option<Answer>>> {
        let mut tries = 0;
        loop {
            let (answers, undisturbed) = self.fresh(|kernel| record(kernel, case))?;
            tries += 1;
            if undisturbed || tries == TRIES {
                return Ok(answers);
            }
        }
    }
}

/// Asks every call whose handle is there; a call that gives a socket gives it the name that is stated. Where the calls
/// wait too long the rest of the case is left out.
pub fn record(kernel: &mut dyn Kernel, case: &Case) -> Vec<Option<Answer>> {
    let mut open = std::collections::BTreeSet::new();
    let mut answers = Vec::new();
    let ends = Instant::now() + Duration::from_millis(case.sleep_millis()) + WAITS_MAX;
    for line in &case.lines {
        if Instant::now() > ends || line.call.handle().is_some_and(|name| !open.contains(name)) {
            answers.push(None);
            continue;
        }
        let new = if let Answer::Handle(name) = &line.stated { name } else { "socket" };
        let answer = kernel.answer(&line.call, new);
        if let Call::Close(name) = &line.call {
            open.remove(name.as_str());
        }
        if let (Answer::Handle(_), Answer::Handle(name)) = (&line.stated, &answer) {
            open.insert(name.clone());
        }
        answers.push(Some(answer));
    }
    answers
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
