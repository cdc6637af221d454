//! Records of runs on a real cluster, as `cargo xtask kind-verify` writes them into `records/kind.json`.
//!
//! A record counts only while it was made with this very text of the lesson and every claim was the same or differed
//! for a recorded reason; then the page shows it as the lesson's badge.

use serde::{Deserialize, Serialize};

use crate::grade::Verdict;
use crate::model::Lesson;

/// What a run on a cluster has shown, lesson by lesson.
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
    /// `v0.30.0`
    pub kind: String,
    /// `v1.34.0`
    pub kubernetes: String,
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

/// The records that were committed with this version of the lessons.
///
/// # Panics
/// Never: a test reads the file.
#[must_use]
pub fn committed() -> Records {
    serde_json::from_str(include_str!("../records/kind.json")).unwrap_or_default()
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
