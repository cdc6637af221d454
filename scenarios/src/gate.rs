//! What every lesson must pass before it is shown, from both sides.
//!
//! Every claim holds in the engine; every question has exactly one choice that holds; an exercise's start leaves a
//! goal open, its solution reaches all, and does not without any one of its commands; and a claim that is changed
//! fails (the mutation check), so that no claim is too weak to notice.

use std::fmt;

use crate::claim;
use crate::grade::{self, Graded, Graduation, Verdict};
use crate::model::{Claim, Command, Exercise, Lesson};
use crate::script;
use crate::world::World;

/// Something that a lesson does not pass, with its line in `lesson.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub lesson: String,
    pub line: u32,
    pub message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/lesson.md:{}: {}", self.lesson, self.line, self.message)
    }
}

/// Everything that this lesson does not pass, and what the run showed.
///
/// # Errors
/// The world could not give a fresh cluster.
pub fn check(world: &mut dyn World, lesson: &Lesson) -> Result<(Vec<Complaint>, Graduation), String> {
    let graduation = grade::lesson(world, lesson)?;
    let mut complaints = Vec::new();
    let mut complain = |line, message: String| complaints.push(Complaint { lesson: lesson.id.clone(), line, message });
    for graded in &graduation.claims {
        if graded.verdict != Verdict::Same {
            complain(graded.command.source_line, difference(graded));
        }
        if let Some(message) = too_weak(graded) {
            complain(graded.command.source_line, message);
        }
    }
    for answered in &graduation.questions {
        if answered.held.len() != 1 {
            let found = answered.held.len();
            complain(answered.line, format!("question `{}`: {found} choices hold; expected exactly one", answered.id));
        }
    }
    for tried in &graduation.exercises {
        if tried.start_satisfies {
            complain(tried.line, format!("exercise `{}`: the start satisfies every goal already", tried.id));
        }
        if !tried.solution_reaches {
            complain(tried.line, format!("exercise `{}`: the solution does not reach the goal", tried.id));
        }
    }
    for exercise in grade::exercises(lesson) {
        if let Some(program) = &exercise.program {
            for (line, text) in script::idle(world, exercise, program) {
                complain(line, format!("exercise `{}`: the goal is reached without `{text}`", exercise.id));
            }
        }
        for command in idle(world, lesson, exercise)? {
            let message = format!("exercise `{}`: the goal is reached without `{}`", exercise.id, command.line);
            complain(command.source_line, message);
        }
    }
    complaints.sort_by_key(|complaint| complaint.line);
    Ok((complaints, graduation))
}

/// In words, how a claim and what was seen differ: the first line that is not as claimed.
#[must_use]
pub fn difference(graded: &Graded) -> String {
    let mut text = format!("{}: `{}`", graded.place, first_line(&graded.command.line));
    if graded.verdict == Verdict::Inconclusive {
        text.push_str(&format!(" could not be answered: {}", graded.reason));
        return text;
    }
    let Some(last) = graded.tries.last() else { return text + " was not run" };
    if last.exit != graded.command.claim.exit {
        text.push_str(&format!(" exited {}; expected {}", last.exit, graded.command.claim.exit));
    }
    text.push_str(&format!(" printed, at try {}:\n{}", graded.tries.len(), last.output.trim_end()));
    text.push_str(&format!("\nexpected:\n{}", graded.command.claim.output.join("\n")));
    text
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// A claim that some change leaves true says too little. Each mutant is compared with what was really seen.
fn too_weak(graded: &Graded) -> Option<String> {
    let last = graded.tries.last().filter(|_| graded.verdict == Verdict::Same)?;
    let says = &graded.command.claim.output;
    if !says.is_empty() && says.iter().all(|line| line == "...") {
        return Some(format!(
            "`{}`: a claim of `...` alone cannot fail; say what must be seen",
            first_line(&graded.command.line)
        ));
    }
    let survivor = mutants(&graded.command.claim).find(|mutant| claim::holds(mutant, &last.output, last.exit))?;
    Some(format!(
        "`{}`: the claim still holds when it is changed to:\n{}\n[exit {}]",
        first_line(&graded.command.line),
        survivor.output.join("\n"),
        survivor.exit
    ))
}

/// The claim with one thing changed: another exit status, and each line that says something made to say something else.
fn mutants(claim: &Claim) -> impl Iterator<Item = Claim> {
    let other_exit = Claim { exit: claim.exit + 1, ..claim.clone() };
    let changed = claim.output.iter().enumerate().filter(|(_, line)| *line != "...").map(|(i, line)| {
        let mut mutant = claim.clone();
        mutant.output[i] = match line.split_once("[..]") {
            Some((head, rest)) if head.trim().is_empty() => format!("{head}[..]\u{1}{rest}"),
            _ => format!("\u{1}{line}"),
        };
        mutant
    });
    std::iter::once(other_exit).chain(changed)
}

/// The commands of the solution without which the goal is reached all the same.
fn idle<'a>(world: &mut dyn World, lesson: &Lesson, exercise: &'a Exercise) -> Result<Vec<&'a Command>, String> {
    let mut idle = Vec::new();
    for (skipped, command) in exercise.solution.iter().enumerate() {
        // A command that only reads is there to be looked at; it is not part of the repair.
        if command.claim.reads {
            continue;
        }
        world.fresh(&lesson.cluster, &lesson.files)?;
        for start in &exercise.start {
            grade::command(world, "", start);
        }
        for (_, other) in exercise.solution.iter().enumerate().filter(|(n, _)| *n != skipped) {
            let mut once = other.clone();
            once.claim.eventually_secs = once.claim.eventually_secs.min(5);
            grade::command(world, "", &once);
        }
        if grade::reached(world, exercise) {
            idle.push(command);
        }
    }
    Ok(idle)
}
