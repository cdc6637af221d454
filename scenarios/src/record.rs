//! Records of runs on the real thing: `cargo xtask kind-verify` writes `records/kind.json`, `kernel-verify`
//! `records/kernel.json`.
//!
//! A record counts only while it was made with this very text of the lesson and every claim was the same or differed
//! for a recorded reason; then the page shows it as the lesson's badge. The page carries [`Confirmation`]s alone, which
//! the build takes out of the records; `crate::confirmations` gives them.

use serde::{Deserialize, Serialize};

use crate::model::Verdict;

/// The files of records, in the order in which they are asked: a cluster's word comes before a kernel's.
pub const FILES: [&str; 2] = ["kind.json", "kernel.json"];

/// What a run has shown, lesson by lesson.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Records {
    pub lessons: Vec<Record>,
}

/// One lesson's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub lesson: String,
    /// `Lesson::hash` of the text that was run.
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

/// That every claim of a lesson's text was confirmed, on what and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub lesson: String,
    /// `Lesson::hash` of the text that was confirmed; another text is not.
    pub hash: String,
    /// As in [`Record`].
    pub kernel: String,
    pub kind: String,
    pub kubernetes: String,
    pub date: String,
}

impl Record {
    /// What the record confirms: nothing, unless it has claims and all of them held.
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation> {
        let good = |c: &Confirmed| matches!(c.verdict, Verdict::Same | Verdict::KnownDifference);
        (!self.claims.is_empty() && self.claims.iter().all(good)).then(|| Confirmation {
            lesson: self.lesson.clone(),
            hash: self.hash.clone(),
            kernel: self.kernel.clone(),
            kind: self.kind.clone(),
            kubernetes: self.kubernetes.clone(),
            date: self.date.clone(),
        })
    }
}

impl Confirmation {
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

/// What confirms the lesson with this id and this hash of its text, if anything does.
#[must_use]
pub fn confirming<'a>(all: &'a [Confirmation], lesson: &str, hash: &str) -> Option<&'a Confirmation> {
    all.iter().find(|confirmation| confirmation.lesson == lesson && confirmation.hash == hash)
}
