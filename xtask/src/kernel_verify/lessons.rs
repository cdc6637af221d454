//! Lessons on this machine's kernel: their system calls, and their commands by bash in namespaces of their own.
//!
//! Lessons that need a cluster are not run. Where a lesson has several hosts each is a shell in namespaces of its own; a
//! link is a bridge in one more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use portlab_scenarios::grade;
use portlab_scenarios::model::{Cluster, File, Host, Lesson, Place};
use portlab_scenarios::syscalls::{Case, Verdict};
use portlab_scenarios::world::{Seen, World};

use crate::kernel;
use crate::kernel::terminal::Terminal;
use crate::report::{LessonReport, Report, Versions};

/// This machine's kernel as a world of lessons.
struct Machine {
    folder: PathBuf,
    /// By name; the workstation's has none.
    terminals: BTreeMap<String, Terminal>,
}

/// The terminal whose namespace has the bridges.
const SWITCH: &str = "the links";

impl Machine {
    fn start(&mut self, cluster: &Cluster, files: &[File]) -> anyhow::Result<()> {
        self.terminals.clear();
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        for file in files {
            fs::write(self.folder.join(&file.name), &file.text).with_context(|| file.name.clone())?;
        }
        self.terminals.insert(String::new(), Terminal::start(&self.folder)?);
        if cluster.hosts.is_empty() {
            return Ok(());
        }
        for name in cluster.hosts.iter().map(|host| host.name.as_str()).chain([SWITCH]) {
            self.terminals.insert(name.to_owned(), Terminal::start(&self.folder)?);
        }
        let addresses = cluster.hosts.iter().flat_map(|host| &host.addresses);
        let links: BTreeSet<String> = addresses.filter_map(|address| Host::link(address)).collect();
        for number in 0..links.len() {
            self.must(SWITCH, &format!("ip link add br{number} type bridge && ip link set br{number} up"))?;
        }
        cluster.hosts.iter().enumerate().try_for_each(|(number, host)| self.plug_in(number, host, &links))
    }

    /// Gives a host its devices and addresses, each device plugged into the bridge of its subnet.
    fn plug_in(&mut self, number: usize, host: &Host, links: &BTreeSet<String>) -> anyhow::Result<()> {
        for (device, address) in host.addresses.iter().enumerate() {
            let link = Host::link(address).unwrap_or_default();
            let bridge = links.iter().position(|other| *other == link).unwrap_or(0);
            let plug = format!("h{number}d{device}");
            let (inside, switch) = (self.terminal(&host.name)?.pid()?, self.terminal(SWITCH)?.pid()?);
            let made = Command::new("ip")
                .args(["link", "add", &format!("eth{device}"), "netns", &inside, "type", "veth"])
                .args(["peer", "name", &plug, "netns", &switch])
                .output()
                .context("ip of iproute2 does not start")?;
            ensure!(made.status.success(), "no link: {}", String::from_utf8_lossy(&made.stderr));
            self.must(SWITCH, &format!("ip link set {plug} master br{bridge} up"))?;
            self.must(&host.name, &format!("ip addr add {address} dev eth{device} && ip link set eth{device} up"))?;
        }
        if let Some(gateway) = &host.gateway {
            self.must(&host.name, &format!("ip route add default via {gateway}"))?;
        }
        if host.forwards {
            self.must(&host.name, "sysctl -q -w net.ipv4.ip_forward=1")?;
        }
        Ok(())
    }

    fn terminal(&mut self, name: &str) -> anyhow::Result<&mut Terminal> {
        self.terminals.get_mut(name).with_context(|| format!("this world has no host `{name}`"))
    }

    fn must(&mut self, host: &str, line: &str) -> anyhow::Result<()> {
        let seen = self.terminal(host)?.run(line)?;
        ensure!(seen.exit == 0, "`{line}` failed: {}", seen.output);
        Ok(())
    }
}

impl World for Machine {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn fresh(&mut self, cluster: &Cluster, files: &[File]) -> Result<(), String> {
        if cluster.nodes > 0 {
            return Err("a kernel alone is no cluster".to_owned());
        }
        self.start(cluster, files).map_err(|error| format!("{error:#}"))
    }

    fn run(&mut self, place: &Place, line: &str) -> Result<Seen, String> {
        let name = match place {
            Place::Workstation => "",
            Place::Node(name) => name,
            Place::Pod(_) => return Err("a kernel alone has no pods".to_owned()),
        };
        self.terminal(name).and_then(|terminal| terminal.run(line)).map_err(|error| format!("{error:#}"))
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
        self.terminals.clear();
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
    // `6.18.44-amd64`: what stands behind the version names a build.
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let version = release.split('-').next().unwrap_or_default().to_owned();
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
    let mut machine = Machine { folder, terminals: BTreeMap::new() };
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

    /// What is not here for these tests; `cargo xtask test` installs the programs.
    fn lacking() -> Option<String> {
        let missing =
            ["ip", "nc", "ss", "pgrep"].into_iter().find(|program| crate::install::on_path(program).is_none());
        kernel::lacking().or_else(|| missing.map(|program| format!("the program {program} is missing")))
    }

    fn verdicts(text: &str) -> Vec<(String, Verdict)> {
        let lesson = parse::lesson("11-small", "lesson.md", text, Vec::new()).unwrap();
        let report = verify(&[lesson]);
        report.lessons[0].claims.iter().map(|claim| (claim.command.clone(), claim.verdict)).collect()
    }

    #[test]
    fn commands_and_calls_are_asked_of_the_kernel() {
        if let Some(lacking) = lacking() {
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
        if let Some(lacking) = lacking() {
            println!("skipped: {lacking}");
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
