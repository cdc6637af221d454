//! What the learning path needs of the lessons: enough to name each, and to say how far a learner is in it.
//!
//! The page's home carries the index alone, which the build makes of the lessons; `crate::index` gives it. Leaves out
//! all that a lesson says and runs.

use serde::{Deserialize, Serialize};

use crate::model::{Block, Lesson, Step};

/// A lesson in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As in [`Lesson`].
    pub id: String,
    pub chapter: u8,
    pub position: u8,
    pub title: String,
    pub summary: String,
    pub minutes: u8,
    pub hash: String,
    /// Whether it runs on a cluster; else on hosts alone.
    pub has_cluster: bool,
    /// What waits for the learner in each step.
    pub steps: Vec<Vec<Wait>>,
}

/// A block that waits for the learner: its position in the step, and for what.
pub type Wait = (usize, Waits);

/// For what a block waits before the rest of the step opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waits {
    /// An answer to the question with this id.
    Predict(String),
    /// Its commands or calls to be run and looked at.
    Run,
    /// An answer to the question with this id.
    Recall(String),
    /// The exercise with this id to be ended.
    Exercise(String),
}

impl Waits {
    /// For what this block waits, if it does.
    #[must_use]
    pub fn of(block: &Block) -> Option<Waits> {
        match block {
            Block::Prose(_) | Block::Yaml { .. } | Block::Instrument(_) => None,
            Block::Predict(question) => Some(Waits::Predict(question.id.clone())),
            Block::Recall(question) => Some(Waits::Recall(question.id.clone())),
            Block::Console(_) | Block::Syscalls(_) => Some(Waits::Run),
            Block::Exercise(exercise) => Some(Waits::Exercise(exercise.id.clone())),
        }
    }
}

/// What waits in a step, in order.
#[must_use]
pub fn waits(step: &Step) -> Vec<Wait> {
    step.blocks.iter().enumerate().filter_map(|(at, block)| Some((at, Waits::of(block)?))).collect()
}

impl Entry {
    #[must_use]
    pub fn of(lesson: &Lesson) -> Entry {
        Entry {
            id: lesson.id.clone(),
            chapter: lesson.chapter,
            position: lesson.position,
            title: lesson.title.clone(),
            summary: lesson.summary.clone(),
            minutes: lesson.minutes,
            hash: lesson.hash.clone(),
            has_cluster: lesson.cluster.nodes > 0,
            steps: lesson.steps.iter().map(waits).collect(),
        }
    }
}
