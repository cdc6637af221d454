//! Records of runs on the real thing: `cargo xtask kind-verify` writes `records/kind.json`, `kernel-verify`
//! `records/kernel.json`.
//!
//! A record counts only while it was made with this very text of the lesson and every claim was the same or differed
//! for a recorded reason; then the page shows it as the lesson's badge.

use serde::{Deserialize, Serialize};

use crate::grade::Verdict;
use crate::model::Lesson;

/// What a run has shown, lesson by lesson.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    pub lessons: Vec<Record>,
}

/// One lesson's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub lesson: String,
    /// [`Lesson::hash`] of the text that was run.
    pub hash: String,
    /// `6.18.44`, of a run of kernel-verify.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kernel: String,
    /// `v0.30.0`, of a run of kind-verify.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `v1.34.0`
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kubernetes: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node_image: String,
    /// `2026-11-21`
    pub date: String,
    pub claims: Vec<Confirmed>,
}

/// One claim's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirmed {
    pub place: String,
    pub command: String,
    pub verdict: Verdict,
    pub tries: u32,
}

impl Record {
    /// On what it was: `Linux 6.18.44`, `kind v0.30.0 / Kubernetes v1.34.0`.
    #[must_use]
    pub fn system(&self) -> String {
        if self.kernel.is_empty() {
            format!("kind {} / Kubernetes {}", self.kind, self.kubernetes)
        } else {
            format!("Linux {}", self.kernel)
        }
    }
}

/// The records that were committed with this version of the lessons.
///
/// # Panics
/// Never: a test reads the files.
#[must_use]
pub fn committed() -> Records {
    let read = |text| serde_json::from_str::<Records>(text).unwrap_or_default().lessons;
    let mut lessons = read(include_str!("../records/kind.json"));
    lessons.extend(read(include_str!("../records/kernel.json")));
    Records { lessons }
}

/// The record that confirms a lesson as it stands, if there is one.
#[must_use]
pub fn confirming<'a>(records: &'a Records, lesson: &Lesson) -> Option<&'a Record> {
    let good = |c: &Confirmed| matches!(c.verdict, Verdict::Same | Verdict::KnownDifference);
    let holds = |r: &&Record| {
        r.lesson == lesson.id && r.hash == lesson.hash && !r.claims.is_empty() && r.claims.iter().all(good)
    };
    records.lessons.iter().find(holds)
}
