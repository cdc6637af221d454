//! What a run of lessons on the real thing has shown: as a table, as JSON with all tries, as JUnit, and as the record that
//! the page shows. kind-verify and kernel-verify share it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use portlab_engine::time::{EPOCH_SECS, Time};
use portlab_scenarios::gate;
use portlab_scenarios::grade::{self, Graduation, Verdict};
use portlab_scenarios::model::{Block, Lesson};
use portlab_scenarios::record::{Confirmed, Record, Records};
use portlab_scenarios::syscalls::parse_trial;
use portlab_scenarios::world::Engine;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

/// The versions of what answered.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Versions {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kernel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubernetes: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubectl: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_image: String,
}

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimReport {
    pub place: String,
    pub command: String,
    pub verdict: Verdict,
    /// Every output that was seen, in order.
    pub tries: Vec<String>,
    /// Why it differed or could not be answered.
    pub reason: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct LessonReport {
    pub lesson: String,
    pub hash: String,
    pub claims: Vec<ClaimReport>,
    /// Why it was not run; empty when it was.
    pub not_run: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The command that ran: `kind-verify`.
    #[serde(skip)]
    pub command: &'static str,
    pub versions: Option<Versions>,
    pub lessons: Vec<LessonReport>,
}

/// How many claims the steps of a lesson make.
pub fn claims(lesson: &Lesson) -> usize {
    let blocks = lesson.steps.iter().flat_map(|step| &step.blocks);
    let of = |block: &Block| match block {
        Block::Console(commands) => commands.len(),
        Block::Syscalls(calls) => {
            parse_trial(&calls.script).map_or(0, |script| script.cases().iter().map(|case| case.lines.len()).sum())
        }
        _ => 0,
    };
    blocks.map(of).sum()
}

impl LessonReport {
    pub fn not_run(lesson: &Lesson, reason: String) -> LessonReport {
        LessonReport { lesson: lesson.id.clone(), hash: lesson.hash.clone(), claims: Vec::new(), not_run: reason }
    }

    /// The world could not be had at all.
    pub fn failed(lesson: &Lesson, reason: String) -> LessonReport {
        let claim = ClaimReport {
            place: "start".to_owned(),
            command: String::new(),
            verdict: Verdict::Inconclusive,
            tries: Vec::new(),
            reason,
        };
        LessonReport { claims: vec![claim], ..LessonReport::not_run(lesson, String::new()) }
    }

    /// Claims as they were graded; questions compared with the engine's answers; exercises from both sides.
    pub fn of(lesson: &Lesson, seen: &Graduation) -> LessonReport {
        let mut claims: Vec<ClaimReport> = seen
            .claims
            .iter()
            .map(|graded| ClaimReport {
                place: graded.place.clone(),
                command: graded.command.line.clone(),
                verdict: graded.verdict,
                tries: graded.tries.iter().map(|seen| seen.output.clone()).collect(),
                reason: if graded.verdict == Verdict::Same { String::new() } else { gate::difference(graded) },
            })
            .collect();
        let mut engine = Engine::new(Some(portlab_jq::run));
        let expected = grade::lesson(&mut engine, lesson).unwrap_or_default();
        for answered in &seen.questions {
            let wanted = expected.questions.iter().find(|q| q.id == answered.id).map(|q| q.held.clone());
            let same = answered.held.len() == 1 && wanted.as_ref() == Some(&answered.held);
            let reason =
                format!("here the choices {:?} held, in the engine {:?}", answered.held, wanted.unwrap_or_default());
            claims.push(row(format!("question {}", answered.id), same, reason));
        }
        for tried in &seen.exercises {
            let same = !tried.start_satisfies && tried.solution_reaches;
            let reason = format!(
                "start satisfies the goal: {}; solution reaches it: {}",
                tried.start_satisfies, tried.solution_reaches
            );
            claims.push(row(format!("exercise {}", tried.id), same, reason));
        }
        LessonReport { lesson: lesson.id.clone(), hash: lesson.hash.clone(), claims, not_run: String::new() }
    }
}

fn row(place: String, same: bool, reason: String) -> ClaimReport {
    let verdict = if same { Verdict::Same } else { Verdict::Different };
    let reason = if same { String::new() } else { reason };
    ClaimReport { place, command: String::new(), verdict, tries: Vec::new(), reason }
}

/// Whether a verdict is one that a good run may have.
pub fn is_fine(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Same | Verdict::KnownDifference | Verdict::NotRun)
}

/// Seconds since 1970.
pub fn now_secs() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// As the report and the table spell it.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Different => "different",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NotRun => "not run",
        Verdict::KnownDifference => "known difference",
    }
}

impl Report {
    /// Whether nothing differed and nothing stayed open.
    pub fn is_good(&self) -> bool {
        self.lessons.iter().flat_map(|lesson| &lesson.claims).all(|claim| is_fine(claim.verdict))
    }

    /// For people: one line a claim, then what differed, then the sum.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let mut counts = std::collections::BTreeMap::new();
        for lesson in &self.lessons {
            let _ = writeln!(text, "\n{}", lesson.lesson);
            if !lesson.not_run.is_empty() {
                let _ = writeln!(text, "  not run: {}", lesson.not_run);
                *counts.entry("lessons not run").or_insert(0) += 1;
            }
            for claim in &lesson.claims {
                let command = claim.command.lines().next().unwrap_or("");
                let tries =
                    if claim.tries.len() > 1 { format!(" ({} tries)", claim.tries.len()) } else { String::new() };
                let _ = writeln!(text, "  {:<16} {}: {command}{tries}", word(claim.verdict), claim.place);
                if !claim.reason.is_empty() {
                    let _ = writeln!(text, "    {}", claim.reason.replace('\n', "\n    "));
                }
                *counts.entry(word(claim.verdict)).or_insert(0) += 1;
            }
        }
        let sum: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        let _ = writeln!(
            text,
            "\n{}: {}",
            self.command,
            if sum.is_empty() { "nothing was run".to_owned() } else { sum.join(", ") }
        );
        text
    }

    /// report.json and junit.xml.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::write(dir.join("report.json"), serde_json::to_string_pretty(self)?)?;
        fs::write(dir.join("junit.xml"), self.junit()?)?;
        println!("report: {}", dir.display());
        Ok(())
    }

    fn junit(&self) -> anyhow::Result<String> {
        let mut report = quick_junit::Report::new(self.command);
        for lesson in &self.lessons {
            let mut suite = TestSuite::new(&lesson.lesson);
            for claim in &lesson.claims {
                let failed = |kind| {
                    let mut status = TestCaseStatus::non_success(kind);
                    status.set_message(claim.reason.clone());
                    status
                };
                let status = match claim.verdict {
                    Verdict::Same | Verdict::KnownDifference => TestCaseStatus::success(),
                    Verdict::NotRun => TestCaseStatus::skipped(),
                    Verdict::Different => failed(NonSuccessKind::Failure),
                    Verdict::Inconclusive => failed(NonSuccessKind::Error),
                };
                suite.add_test_case(TestCase::new(format!("{}: {}", claim.place, claim.command), status));
            }
            if !lesson.not_run.is_empty() {
                let mut status = TestCaseStatus::skipped();
                status.set_message(lesson.not_run.clone());
                suite.add_test_case(TestCase::new("lesson", status));
            }
            suite.set_time(Duration::ZERO);
            report.add_test_suite(suite);
        }
        Ok(report.to_string()?)
    }

    /// Puts what was seen into the file of records; lessons that no longer exist go, lessons not run keep theirs.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn record(&self, path: &Path, lessons: &[Lesson]) -> anyhow::Result<()> {
        let versions = self.versions.clone().unwrap_or_default();
        let mut records: Records = serde_json::from_str(&fs::read_to_string(path)?)?;
        let now = i64::try_from(now_secs()).unwrap_or(0);
        let date = Time((now - EPOCH_SECS) * 1000).rfc3339();
        for lesson in self.lessons.iter().filter(|lesson| lesson.not_run.is_empty()) {
            let confirmed = |claim: &ClaimReport| Confirmed {
                place: claim.place.clone(),
                command: claim.command.clone(),
                verdict: claim.verdict,
                tries: u32::try_from(claim.tries.len()).unwrap_or(u32::MAX),
            };
            records.lessons.retain(|record| record.lesson != lesson.lesson);
            records.lessons.push(Record {
                lesson: lesson.lesson.clone(),
                hash: lesson.hash.clone(),
                kernel: versions.kernel.clone(),
                kind: versions.kind.clone(),
                kubernetes: versions.kubernetes.clone(),
                node_image: versions.node_image.clone(),
                date: date[..10].to_owned(),
                claims: lesson.claims.iter().map(confirmed).collect(),
            });
        }
        records.lessons.retain(|record| lessons.iter().any(|lesson| lesson.id == record.lesson));
        fs::write(path, serde_json::to_string_pretty(&records)? + "\n")?;
        println!("recorded in {}", path.display());
        Ok(())
    }
}
