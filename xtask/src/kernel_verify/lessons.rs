//! Lessons on this machine's kernel: their system calls, and their commands by bash in namespaces of their own.
//!
//! Lessons that need a cluster are not run. Left out: several hosts in one lesson.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use portlab_scenarios::grade;
use portlab_scenarios::model::{Cluster, File, Lesson, Place};
use portlab_scenarios::syscalls::{Case, Verdict};
use portlab_scenarios::world::{Seen, World};

use crate::kernel;
use crate::kernel::terminal::Terminal;
use crate::report::{LessonReport, Report, Versions};

/// This machine's kernel as a world of lessons.
struct Machine {
    folder: PathBuf,
    terminal: Option<Terminal>,
}

impl World for Machine {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn fresh(&mut self, cluster: &Cluster, files: &[File]) -> Result<(), String> {
        if cluster.nodes > 0 {
            return Err("a kernel alone is no cluster".to_owned());
        }
        self.terminal = None;
        let made = || -> anyhow::Result<Terminal> {
            let _ = fs::remove_dir_all(&self.folder);
            fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
            for file in files {
                fs::write(self.folder.join(&file.name), &file.text).with_context(|| file.name.clone())?;
            }
            Terminal::start(&self.folder)
        };
        self.terminal = Some(made().map_err(|error| format!("{error:#}"))?);
        Ok(())
    }

    fn run(&mut self, place: &Place, line: &str) -> Result<Seen, String> {
        match (&mut self.terminal, place) {
            (Some(terminal), Place::Workstation) => terminal.run(line).map_err(|error| format!("{error:#}")),
            _ => Err("this world has the workstation alone".to_owned()),
        }
    }

    fn calls(&mut self, case: &Case) -> Result<Vec<Verdict>, String> {
        let tried = kernel::each(std::slice::from_ref(case), |place, case| place.run(case));
        match tried.into_iter().next() {
            Some(Ok(tried)) => Ok(tried.verdicts),
            Some(Err(error)) => Err(format!("{error:#}")),
            None => Err("the kernel was not asked".to_owned()),
        }
    }

    fn wait(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.terminal = None;
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Why a lesson does not run here; nothing when it does.
fn reason_to_skip(lesson: &Lesson) -> Option<String> {
    let stated = lesson.not_in.iter().find(|(world, _)| world == "kernel").map(|(_, reason)| reason.clone());
    stated.or_else(|| (lesson.cluster.nodes > 0).then(|| "it needs a cluster".to_owned()))
}

/// Runs lessons side by side: most of their time they wait.
pub fn verify(lessons: &[Lesson]) -> Report {
    let version = rustix::system::uname().release().to_string_lossy().into_owned();
    let versions = Versions { kernel: version, ..Versions::default() };
    let mut report = Report { command: "kernel-verify", versions: Some(versions), lessons: Vec::new() };
    std::thread::scope(|scope| {
        let runs: Vec<_> = lessons.iter().map(|lesson| scope.spawn(|| one(lesson))).collect();
        for (run, lesson) in runs.into_iter().zip(lessons) {
            let panicked = |_| LessonReport::not_run(lesson, "the run panicked".to_owned());
            report.lessons.push(run.join().unwrap_or_else(panicked));
        }
    });
    report
}

fn one(lesson: &Lesson) -> LessonReport {
    if let Some(reason) = reason_to_skip(lesson) {
        return LessonReport::not_run(lesson, reason);
    }
    let folder = std::env::temp_dir().join(format!("portlab-lesson-{}-{}", std::process::id(), lesson.id));
    let mut machine = Machine { folder, terminal: None };
    match grade::lesson(&mut machine, lesson) {
        Ok(seen) => LessonReport::of(lesson, &seen),
        Err(reason) => LessonReport::failed(lesson, reason),
    }
}

#[cfg(test)]
mod tests {
    use portlab_scenarios::grade::Verdict;
    use portlab_scenarios::parse;

    use super::*;

    const TEXT: &str = "---\ntitle: T\nsummary: S\nminutes: 1\nchapter: 1\nposition: 1\nnodes: 0\n---\n## One\n\n\
        ```console\n$ PORT=8080\n$ nc -l 127.0.0.1 $PORT &\n[1] [..]\n$ ss -Htln | wc -l\n1\n$ kill %1\n$ false\n[exit 1]\n```\n\n\
        ```syscalls\nsocket(tcp4) = a\nbind(a, 127.0.0.1:8080) = 0\n```\n";

    fn verdicts(text: &str) -> Vec<(String, Verdict)> {
        let lesson = parse::lesson("11-small", "lesson.md", text, Vec::new()).unwrap();
        let report = verify(&[lesson]);
        report.lessons[0].claims.iter().map(|claim| (claim.command.clone(), claim.verdict)).collect()
    }

    #[test]
    fn commands_and_calls_are_asked_of_the_kernel() {
        if let Some(lacking) = kernel::lacking() {
            println!("skipped: {lacking}");
            return;
        }
        let all = verdicts(TEXT);
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|(_, verdict)| *verdict == Verdict::Same), "{all:?}");
        let wrong = TEXT.replace("127.0.0.1:8080) = 0", "127.0.0.1:8080) = -1 EADDRINUSE").replace("\n1\n", "\n0\n");
        let wrong = wrong.replace("```console\n", "```console eventually=1s\n");
        let differing: Vec<_> = verdicts(&wrong).into_iter().filter(|(_, verdict)| *verdict != Verdict::Same).collect();
        assert_eq!(
            differing,
            [
                ("ss -Htln | wc -l".to_owned(), Verdict::Different),
                ("bind(a, 127.0.0.1:8080)".to_owned(), Verdict::Different)
            ]
        );
    }

    #[test]
    fn nothing_of_a_shell_is_left() {
        if kernel::lacking().is_some() {
            return;
        }
        let folder = std::env::temp_dir().join(format!("portlab-terminal-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut terminal = Terminal::start(&folder).unwrap();
        terminal.run("(exec -a portlab-left-over sleep 600) &").unwrap();
        let left = || {
            let list = std::process::Command::new("pgrep").args(["-f", "portlab-left-over"]).output().unwrap();
            list.status.success()
        };
        assert!(left());
        drop(terminal);
        fs::remove_dir_all(&folder).unwrap();
        assert!(!left());
    }
}
