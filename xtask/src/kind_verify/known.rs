//! Differences that are understood: each with its scope, the reason and a link. One that no longer differs fails the
//! run, so that the list never outlives its reasons.

use std::path::Path;

use anyhow::Context;
use portlab_scenarios::grade::Verdict;
use serde::Deserialize;

use crate::report::Report;

/// A difference that is understood.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub lesson: String,
    /// The claim's place, as the report names it, and its command.
    pub place: String,
    pub command: String,
    pub reason: String,
    pub link: String,
}

/// Reads the list; a file that is not there is an empty one.
///
/// # Errors
/// The file is not such a list; the message has line and column.
pub fn read(path: &Path) -> anyhow::Result<Vec<Known>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a list of known differences", path.display()))
}

/// Marks what is known; what is known and does not differ becomes a failure of its own.
pub fn settle(report: &mut Report, known: &[Known]) {
    for known in known {
        let Some(lesson) = report.lessons.iter_mut().find(|lesson| lesson.lesson == known.lesson) else { continue };
        for claim in lesson.claims.iter_mut().filter(|c| c.place == known.place && c.command == known.command) {
            match claim.verdict {
                Verdict::Different => {
                    claim.verdict = Verdict::KnownDifference;
                    claim.reason = format!("{} ({})", known.reason, known.link);
                }
                Verdict::Same => {
                    claim.verdict = Verdict::Different;
                    claim.reason = format!(
                        "recorded as a known difference ({}), but it no longer differs: remove it from the list",
                        known.reason
                    );
                }
                _ => {}
            }
        }
    }
}
