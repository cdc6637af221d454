//! kind-verify against scripts that stand in for kind, docker and kubectl: what it runs and in which order, what it
//! says of what it sees, and that it leaves nothing behind, whenever and however it is ended.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A place of its own for one run: programs, their memory, the run's state folder.
struct Stand {
    dir: PathBuf,
}

impl Stand {
    fn new(name: &str) -> Stand {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kind-verify-{name}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("fake")).unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kind_verify");
        copy(&fixture, &dir);
        fs::create_dir_all(dir.join("records")).unwrap();
        fs::write(dir.join("records/kind.json"), "{\"lessons\": []}\n").unwrap();
        for file in ["log", "clusters", "containers", "namespaces"] {
            fs::write(dir.join("fake").join(file), "").unwrap();
        }
        for fifo in ["reached", "release"] {
            assert!(Command::new("mkfifo").arg(dir.join("fake").join(fifo)).status().unwrap().success());
        }
        Stand { dir }
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let path = format!("{}:{}", self.dir.join("bin").display(), std::env::var("PATH").unwrap());
        command.arg("kind-verify").arg("--lessons").arg(self.dir.join("lessons")).args(args);
        command.env("PATH", path).env("FAKE", self.dir.join("fake")).env("CARGO_TARGET_DIR", &self.dir);
        command.envs(env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> (i32, String) {
        ended(self.command(args, env).output().unwrap())
    }

    /// Starts a run and returns once a program has reached the stage.
    fn run_to(&self, stage: &str, args: &[&str]) -> Child {
        let child = self.command(args, &[("FAKE_STOP_AT", stage)]).spawn().unwrap();
        // Opening the pipe waits for the script that writes into it.
        assert_eq!(fs::read_to_string(self.fake("reached")).unwrap(), "here\n");
        child
    }

    fn fake(&self, file: &str) -> PathBuf {
        self.dir.join("fake").join(file)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.fake(file)).unwrap()
    }

    /// What a run leaves in the world and on the disk; empty when it has cleaned up.
    fn left(&self) -> Vec<String> {
        let mut left: Vec<String> = ["clusters", "containers", "namespaces"]
            .iter()
            .flat_map(|file| self.read(file).lines().map(|line| format!("{file}: {line}")).collect::<Vec<_>>())
            .collect();
        if let Ok(entries) = fs::read_dir(self.dir.join("kind-verify")) {
            left.extend(entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()));
        }
        left
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn ended(output: Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

fn send(signal: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
}

const FIXTURE: [&str; 2] = ["--only", "fixture"];

#[test]
fn a_good_run_is_all_same_and_leaves_nothing() {
    let stand = Stand::new("good");
    let report = stand.dir.join("report");
    let (exit, text) = stand.run(&["--report", report.to_str().unwrap(), "--record"], &[]);
    assert_eq!(exit, 1, "the second lesson differs, since no pod is named nobody in the default namespace\n{text}");
    assert!(text.contains("kind-verify: 1 different, 9 same"), "{text}");
    assert_eq!(stand.left(), Vec::<String>::new());
    let (exit, text) = stand.run(&FIXTURE, &[]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("kind-verify: 9 same"), "{text}");
    assert!(text.contains("same             step 1: kubectl get pods (3 tries)"), "{text}");

    let log = stand.read("log");
    let at = |part: &str| log.find(part).unwrap_or_else(|| panic!("{part} in\n{log}"));
    assert!(at("kind create cluster --name portlab") < at("docker image inspect"));
    assert!(
        at("docker image inspect --format {{.Id}} nginx:1.29") < at("kind load docker-image nginx:1.29 --name portlab")
    );
    assert!(at("kubectl describe nodes") < at("kind delete cluster"), "diagnostics come before the cluster goes");
    assert!(report.join("diagnostics/pods.yaml").exists());
    let junit = fs::read_to_string(report.join("junit.xml")).unwrap();
    assert!(
        junit.contains("<testsuite name=\"fixture\" tests=\"9\" disabled=\"0\" errors=\"0\" failures=\"0\""),
        "{junit}"
    );
    let record = fs::read_to_string(stand.dir.join("records/kind.json")).unwrap();
    assert!(record.contains("\"kubernetes\": \"v1.34.0\"") && record.contains("\"verdict\": \"same\""), "{record}");
}

#[test]
fn what_changes_runs_once_and_what_reads_is_repeated() {
    let stand = Stand::new("once");
    let report = stand.dir.join("report");
    let args = ["--only", "fixture", "--report", report.to_str().unwrap()];
    let (exit, text) = stand.run(&args, &[("FAKE_APPLY_SAYS", "pod/p configured")]);
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("different        step 1: kubectl apply -f pod.yaml\n"), "{text}");
    assert!(text.contains("pod/p configured") && text.contains("expected:\n    pod/p created"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(report.join("report.json")).unwrap()).unwrap();
    let claims = &json["lessons"][0]["claims"];
    assert_eq!(claims[0]["tries"], serde_json::json!(["pod/p configured\n"]));
    assert_eq!(claims[1]["tries"].as_array().map(Vec::len), Some(3), "every try is kept");
    assert_eq!(stand.left(), Vec::<String>::new());
}

#[test]
fn another_name_renames_the_claims_and_the_manifests() {
    let stand = Stand::new("name");
    let (exit, text) = stand.run(&["--only", "fixture", "--name", "mine", "--node-image", "kindest/node:other"], &[]);
    assert_eq!(exit, 0, "{text}");
    assert!(stand.read("applied").contains("mine-worker"));
    assert!(stand.read("log").contains("--image kindest/node:other"));
}

#[test]
fn a_cluster_of_that_name_is_refused_and_left_alone() {
    let stand = Stand::new("taken");
    fs::write(stand.fake("clusters"), "portlab\n").unwrap();
    let (exit, text) = stand.run(&FIXTURE, &[]);
    assert_eq!(exit, 1);
    assert!(text.contains("a cluster named portlab is there already; --name gives this run's another name"), "{text}");
    assert_eq!(stand.read("clusters"), "portlab\n");
    assert!(!stand.read("log").contains("kind delete"));
}

#[test]
fn a_failed_start_is_cleaned_up() {
    let stand = Stand::new("failed");
    let (exit, text) = stand.run(&FIXTURE, &[("FAKE_CREATE_FAILS", "1")]);
    assert_eq!(exit, 1);
    assert!(text.contains("no room"), "{text}");
    assert_eq!(stand.left(), Vec::<String>::new());
}

#[test]
fn a_dry_run_says_every_command_and_runs_none() {
    let stand = Stand::new("dry");
    let (exit, text) = stand.run(&["--dry-run"], &[]);
    assert_eq!(exit, 0, "{text}");
    assert_eq!(stand.read("log"), "");
    assert_eq!(stand.left(), Vec::<String>::new());
    let wanted = [
        "kind get clusters",
        "kind create cluster --name portlab",
        "docker image inspect --format {{.Id}} nginx:1.29",
        "kind load docker-image nginx:1.29 --name portlab",
        "kubectl apply -f pod.yaml",
        "kubectl delete pod p",
        "kind delete cluster --name portlab",
    ];
    let mut rest = text.as_str();
    for command in wanted {
        let at = rest.find(command).unwrap_or_else(|| panic!("`{command}` in this order in\n{text}"));
        rest = &rest[at + command.len()..];
    }
}

#[test]
fn every_signal_at_every_stage_leaves_nothing() {
    for stage in ["list", "create-early", "create-late", "load", "ready", "lesson"] {
        for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            let stand = Stand::new(&format!("{stage}-{signal}"));
            let child = stand.run_to(stage, &FIXTURE);
            send(signal, child.id());
            let (exit, text) = ended(child.wait_with_output().unwrap());
            assert_eq!(exit, 128 + number, "{signal} at {stage}: {text}");
            assert_eq!(stand.left(), Vec::<String>::new(), "{signal} at {stage}");
        }
    }
}

#[test]
fn a_signal_does_not_stop_the_cleaning_up() {
    for signal in ["INT", "TERM", "HUP"] {
        let stand = Stand::new(&format!("delete-{signal}"));
        let child = stand.run_to("delete", &FIXTURE);
        send(signal, child.id());
        fs::write(stand.fake("release"), "go on\n").unwrap();
        let (exit, text) = ended(child.wait_with_output().unwrap());
        assert!(exit > 128, "{text}");
        assert_eq!(stand.left(), Vec::<String>::new(), "{signal}");
    }
}

#[test]
fn after_kill_the_next_run_removes_what_was_left() {
    for stage in ["create-early", "create-late", "lesson"] {
        let stand = Stand::new(&format!("kill-{stage}"));
        let mut child = stand.run_to(stage, &FIXTURE);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_ne!(stand.left(), Vec::<String>::new(), "{stage}");
        let (exit, text) = stand.run(&FIXTURE, &[]);
        assert_eq!(exit, 0, "{stage}: {text}");
        assert!(text.contains("removing what an earlier run left: portlab"), "{text}");
        assert_eq!(stand.left(), Vec::<String>::new(), "{stage}");
    }
}

#[test]
fn a_marker_does_not_claim_a_cluster_that_is_older() {
    let stand = Stand::new("older");
    let mut child = stand.run_to("create-early", &FIXTURE);
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(stand.fake("clusters"), "portlab\n").unwrap();
    fs::write(stand.fake("containers"), "2020-01-01 00:00:00 +0000 UTC\n").unwrap();
    let (exit, text) = stand.run(&FIXTURE, &[]);
    assert_eq!(exit, 1);
    assert!(text.contains("that this command did not make"), "{text}");
    assert_eq!(stand.read("clusters"), "portlab\n");
}

#[test]
fn a_borrowed_cluster_gets_a_namespace_for_the_run() {
    let stand = Stand::new("context");
    let (exit, text) = stand.run(&["--context", "work"], &[]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("not run: it names the nodes of a cluster of kind"), "{text}");
    assert!(text.contains("same             step 1: kubectl delete pod nobody"), "{text}");
    assert!(!stand.read("log").contains("kind "), "no cluster is made");
    assert_eq!(stand.left(), Vec::<String>::new());
    for stage in ["borrow", "ready", "lesson"] {
        let stand = Stand::new(&format!("context-{stage}"));
        let child = stand.run_to(stage, &["--context", "work"]);
        send("TERM", child.id());
        let (exit, text) = ended(child.wait_with_output().unwrap());
        assert_eq!(exit, 143, "{stage}: {text}");
        assert_eq!(stand.left(), Vec::<String>::new(), "{stage}");
    }
}

#[test]
fn known_differences_are_told_and_outlived_ones_fail() {
    let stand = Stand::new("known");
    let known = |command: &str| {
        format!(
            "[{{\"lesson\": \"fixture\", \"place\": \"step 1\", \"command\": \"{command}\", \"reason\": \"R\", \"link\": \"L\"}}]"
        )
    };
    let list = stand.dir.join("records/known-differences.json");
    fs::write(&list, known("kubectl apply -f pod.yaml")).unwrap();
    let (exit, text) = stand.run(&FIXTURE, &[("FAKE_APPLY_SAYS", "else")]);
    assert!(text.contains("known difference step 1: kubectl apply -f pod.yaml"), "{text}");
    assert_eq!(exit, 1, "the exercise's start differs as well, and that is not known");
    let (exit, text) = stand.run(&FIXTURE, &[]);
    assert_eq!(exit, 1);
    assert!(text.contains("it no longer differs: remove it from the list"), "{text}");
    fs::write(&list, "[{\"lesson\": 3}]").unwrap();
    let (exit, text) = stand.run(&FIXTURE, &[]);
    assert_eq!(exit, 1);
    assert!(text.contains("line 1 column"), "{text}");
}

#[test]
fn keep_leaves_the_cluster_and_says_how_to_remove_it() {
    let stand = Stand::new("keep");
    let (exit, text) = stand.run(&["--only", "fixture", "--keep"], &[]);
    assert_eq!(exit, 0);
    assert!(text.contains("`kind delete cluster --name portlab` removes it"), "{text}");
    assert_eq!(stand.read("clusters"), "portlab\n");
    assert!(!stand.dir.join("kind-verify/portlab.json").exists(), "a kept cluster is nobody's leftover");
    let (exit, text) = stand.run(&FIXTURE, &[]);
    assert_eq!(exit, 1);
    assert!(text.contains("is there already"), "{text}");
}
