//! Going through the lesson with mouse or finger: one gate after another, up to the end or to the exercises.

use crate::{Gate, Page};

/// More gates than a lesson has.
pub const GATES_MAX: usize = 60;

/// Where home leads to the lesson that these tests go through: the one with a cluster.
pub const LESSON: &str = ".path a[href$='pending-no-free-host-port']";

impl Page {
    /// Opens the lesson from home.
    pub async fn enter_lesson(&self) {
        self.click(LESSON).await;
        self.seen("[data-page=lesson] #bench").await;
    }

    /// Passes one gate by mouse or finger, an exercise by its solution; false when the lesson is through.
    pub async fn pass_by_pointer(&self) -> bool {
        match self.gate().await {
            Gate::Predict | Gate::Recall => {
                let question = self.attribute("[data-question]", "data-question").await;
                self.click("[data-question] label.opt:nth-of-type(2)").await;
                self.click("#commit-button:enabled").await;
                self.seen(&format!("[data-answered='{question}']")).await;
            }
            Gate::Run => {
                self.click("#main-button:enabled").await;
                self.seen("#bench:not([data-frames='0'])").await;
                if self.gate().await == Gate::Run {
                    self.click("#last:enabled").await;
                }
                self.seen(".story:not([data-gate=run])").await;
            }
            Gate::Exercise => {
                let exercise = self.exercise().await;
                self.click(&format!("[data-exercise='{exercise}'] .skip")).await;
                self.seen(&format!("[data-exercise='{exercise}'][data-state='solution shown']")).await;
            }
            Gate::None => {
                let step = self.attribute(".story", "data-step").await;
                if self.is_last_step().await {
                    return false;
                }
                self.click("#next-step:enabled").await;
                self.seen(&format!(".story:not([data-step='{step}'])")).await;
            }
        }
        true
    }

    /// Passes gates by mouse or finger until one of this kind waits; [`Gate::None`] goes to the lesson's end.
    ///
    /// # Panics
    /// When the lesson has none, or does not end.
    pub async fn go_to(&self, gate: Gate) {
        for _ in 0..GATES_MAX {
            if gate != Gate::None && self.gate().await == gate {
                return;
            }
            if !self.pass_by_pointer().await {
                assert_eq!(gate, Gate::None, "the lesson ended before");
                return;
            }
        }
        panic!("the lesson does not end");
    }

    /// The exercise that waits.
    pub async fn exercise(&self) -> String {
        self.attribute("[data-now=true] [data-exercise]", "data-exercise").await
    }

    /// Whether there is no step after the one that is shown.
    pub async fn is_last_step(&self) -> bool {
        self.script("return document.querySelector('#next-step') === null").await == true
    }
}
