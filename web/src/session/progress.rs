//! What a learner has done in a lesson, and how it is kept.
//!
//! The kept text is JSON with a version. Anything that cannot be read (damaged, of another version, larger than
//! [`KEPT_BYTES_MAX`]) counts as nothing kept: the lesson starts anew, and nothing else happens.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::log::Input;

/// The version of the kept form; a change of the types below that old text does not fit raises it.
pub const VERSION: u32 = 1;
/// Bytes of kept text that are read at most.
pub const KEPT_BYTES_MAX: usize = 1_000_000;

/// The name under which a lesson's progress is kept.
#[must_use]
pub fn key(lesson: &str) -> String {
    format!("portlab.lesson.{lesson}")
}

/// How sure a prediction was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sure {
    Guess,
    #[default]
    Fairly,
    Certain,
}

impl Sure {
    pub const ALL: [Sure; 3] = [Sure::Guess, Sure::Fairly, Sure::Certain];

    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Sure::Guess => "guess",
            Sure::Fairly => "fairly",
            Sure::Certain => "certain",
        }
    }

    /// As it stands on a locked prediction.
    #[must_use]
    pub fn said(self) -> &'static str {
        match self {
            Sure::Guess => "a guess",
            Sure::Fairly => "fairly sure",
            Sure::Certain => "certain",
        }
    }
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The choice's position; `None` when the question was skipped.
    pub choice: Option<usize>,
    pub sure: Sure,
    /// `15:07`
    pub at: String,
    /// The choices that held, once that was known.
    pub held: Option<Vec<usize>>,
}

/// How an exercise ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    Solved,
    Skipped,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub version: u32,
    /// The lesson's hash; an answer belongs to a text.
    pub hash: String,
    /// The step that is shown.
    pub step: usize,
    /// By the question's id.
    pub answers: BTreeMap<String, Answer>,
    /// Commands that have run and been looked at to the end: step and block.
    pub runs: BTreeSet<(usize, usize)>,
    /// By the exercise's id.
    pub exercises: BTreeMap<String, Ended>,
    /// The exercise that is being worked on.
    pub exercise: Option<String>,
    /// Which of its goals held when last looked at.
    #[serde(default)]
    pub holds: Vec<bool>,
    /// How many hints of the first goal that does not hold are open.
    pub hints: usize,
    /// Manifests as the learner changed them, by file name.
    pub drafts: BTreeMap<String, String>,
    /// What went into the lab, in order.
    pub log: Vec<Input>,
    /// Lines typed into the terminal, the latest last.
    pub history: Vec<String>,
    /// Where each step's part of the history begins: how many inputs had gone in when it was first opened.
    pub windows: BTreeMap<usize, usize>,
    /// Commands that have run and are being looked at: step and block.
    pub playing: Option<(usize, usize)>,
}

impl Progress {
    /// Nothing done yet.
    #[must_use]
    pub fn new(hash: &str) -> Progress {
        Progress { version: VERSION, hash: hash.to_owned(), ..Progress::default() }
    }

    /// Reads what was kept for the lesson with this hash and number of steps.
    #[must_use]
    pub fn decode(kept: Option<&str>, hash: &str, steps: usize) -> Progress {
        let read = kept
            .filter(|text| text.len() <= KEPT_BYTES_MAX)
            .and_then(|text| serde_json::from_str::<Progress>(text).ok())
            .filter(|progress| progress.version == VERSION && progress.hash == hash && progress.step < steps);
        read.unwrap_or_else(|| Progress::new(hash))
    }

    /// The same without what went into the lab: for when bringing that about again has killed the page.
    #[must_use]
    pub fn without_log(&self) -> Progress {
        Progress { log: Vec::new(), windows: BTreeMap::new(), exercise: None, playing: None, ..self.clone() }
    }

    /// The first goal of the exercise that did not hold when last looked at.
    #[must_use]
    pub fn first_open(&self) -> Option<usize> {
        self.holds.iter().position(|holds| !holds)
    }

    /// Whether anything in the log needs jq.
    #[must_use]
    pub fn needs_jq(&self) -> bool {
        self.log.iter().any(|input| input.as_command().is_some_and(|(_, line)| line.contains("jq")))
    }

    /// The text to keep; without drafts and log when it would become too large to be read again.
    #[must_use]
    pub fn encode(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        if text.len() <= KEPT_BYTES_MAX {
            return text;
        }
        let small = Progress {
            drafts: BTreeMap::new(),
            log: Vec::new(),
            history: Vec::new(),
            windows: BTreeMap::new(),
            ..self.clone()
        };
        serde_json::to_string(&small).unwrap_or_default()
    }
}
