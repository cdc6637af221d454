//! The system calls of a lesson: making them in a world, what came of each, and programs to be repaired.
//!
//! A question or a goal may be about a call: it holds when the last line with that very call got the stated answer.

use portlab_engine::lab::Lab;

use crate::grade::{Graded, Tried, Verdict};
use crate::model::{Calls, Claim, Command, Exercise, Place, Program};
use crate::syscalls::on_lab::OnLab;
use crate::syscalls::run::agrees;
use crate::syscalls::{self, Answer, Call, Kernel, Line, parse_draft, parse_trial, run_case};
use crate::world::{Seen, World};

/// A call of a script that was to be made, and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub line: Line,
    pub verdict: syscalls::Verdict,
    /// Line of `lesson.md`, from 1.
    pub source_line: u32,
}

/// Makes the calls of a script, each case on a fresh host.
///
/// # Errors
/// The script is none, or the world makes no calls.
pub fn make(world: &mut dyn World, calls: &Calls) -> Result<Vec<Made>, String> {
    let script = parse_trial(&calls.script).map_err(|error| error.to_string())?;
    let mut made = Vec::new();
    for case in script.cases() {
        let verdicts = world.calls(&case)?;
        made.extend(case.lines.into_iter().zip(verdicts).map(|(line, verdict)| of(calls, line, verdict)));
    }
    Ok(made)
}

fn of(calls: &Calls, line: Line, verdict: syscalls::Verdict) -> Made {
    let source_line = calls.source_line + u32::try_from(line.number - 1).unwrap_or(0);
    Made { line, verdict, source_line }
}

/// Makes the calls of a script in a lab; each comes with the number of events that the lab had after it.
///
/// # Errors
/// The script is none.
pub fn play(lab: &mut Lab, calls: &Calls) -> Result<Vec<(Made, usize)>, String> {
    let script = parse_trial(&calls.script).map_err(|error| error.to_string())?;
    let mut played = Vec::new();
    for case in script.cases() {
        let mut bench = Followed { bench: OnLab::fresh(lab), ends: Vec::new() };
        let verdicts = run_case(&mut bench, &case);
        let mut ends = bench.ends.into_iter();
        let mut end = lab.events().len();
        for (line, verdict) in case.lines.into_iter().zip(verdicts) {
            if verdict.answer().is_some() {
                end = ends.next().unwrap_or(end);
            }
            played.push((of(calls, line, verdict), end));
        }
    }
    Ok(played)
}

/// A bench that notes how many events its lab has after each call.
struct Followed<'a> {
    bench: OnLab<'a>,
    ends: Vec<usize>,
}

impl Kernel for Followed<'_> {
    fn answer(&mut self, call: &Call, new: &str) -> Answer {
        let answer = self.bench.answer(call, new);
        self.ends.push(self.bench.events());
        answer
    }
}

/// Whether the last line with the stated call got the stated answer.
#[must_use]
pub fn came(made: &[Made], stated: &Calls) -> bool {
    let Some(stated) = one(stated) else { return false };
    let last = made.iter().rev().find(|made| made.line.call == stated.call);
    last.and_then(|made| made.verdict.answer()).is_some_and(|answer| agrees(&stated.stated, answer))
}

/// The one line of a text.
fn one(calls: &Calls) -> Option<Line> {
    let cases = parse_draft(&calls.script).ok()?.cases();
    cases.into_iter().next()?.lines.into_iter().next()
}

/// A call as a claim: the command is the call, the output its answer.
#[must_use]
pub fn graded(place: &str, made: &Made) -> Graded {
    let seen = match &made.verdict {
        syscalls::Verdict::NoHandle(name) => format!("no socket is named {name}"),
        syscalls::Verdict::NotCompared => "not compared: a line above was left to chance".to_owned(),
        other => other.answer().map(ToString::to_string).unwrap_or_default(),
    };
    Graded {
        place: place.to_owned(),
        command: command(&made.line.call.to_string(), claimed(&made.line.stated), made.source_line),
        verdict: if made.verdict.differs() { Verdict::Different } else { Verdict::Same },
        tries: vec![Seen { output: seen, exit: 0 }],
        reason: String::new(),
    }
}

/// A script that was not run, with the reason.
#[must_use]
pub fn not_made(place: &str, calls: &Calls, reason: String) -> Graded {
    let first = calls.script.lines().next().unwrap_or("");
    Graded {
        place: place.to_owned(),
        command: command(first, Vec::new(), calls.source_line),
        verdict: Verdict::Inconclusive,
        tries: Vec::new(),
        reason,
    }
}

fn command(line: &str, output: Vec<String>, source_line: u32) -> Command {
    let claim = Claim { output, exit: 0, eventually_secs: 0, stays_secs: 0, reads: false };
    Command { place: Place::Workstation, line: line.to_owned(), claim, source_line }
}

/// A stated answer as an output to be seen.
fn claimed(stated: &Answer) -> Vec<String> {
    vec![match stated {
        Answer::Any => "...".to_owned(),
        Answer::Address { port: None, .. } => stated.to_string().replace('?', "[..]"),
        other => other.to_string(),
    }]
}

/// Tries a program from both sides: as it is found some goal is open, and repaired none.
pub(crate) fn exercise(world: &mut dyn World, exercise: &Exercise, program: &Program) -> (Tried, Vec<Graded>) {
    let mut claims = Vec::new();
    let mut reaches = |world: &mut dyn World, what: &str, calls: &Calls| {
        let place = format!("exercise {}, {what}", exercise.id);
        match make(world, calls) {
            Ok(made) => {
                claims.extend(made.iter().map(|one| graded(&place, one)));
                exercise.goals.iter().all(|goal| goal.call.as_ref().is_some_and(|call| came(&made, call)))
            }
            Err(reason) => {
                claims.push(not_made(&place, calls, reason));
                false
            }
        }
    };
    let start_satisfies = reaches(world, "start", &program.start);
    let solution_reaches = reaches(world, "solution", &program.solution);
    let line = program.start.source_line;
    (Tried { id: exercise.id.clone(), line, start_satisfies, solution_reaches }, claims)
}

/// The lines of a solution that are not in the start and without which every goal is reached all the same, each with
/// its line of `lesson.md`.
pub(crate) fn idle(world: &mut dyn World, exercise: &Exercise, program: &Program) -> Vec<(u32, String)> {
    let before: Vec<&str> = program.start.script.lines().map(str::trim).collect();
    let lines: Vec<&str> = program.solution.script.lines().collect();
    let mut idle = Vec::new();
    for (skipped, line) in lines.iter().enumerate() {
        if before.contains(&line.trim()) || line.trim().is_empty() || line.trim().starts_with('#') {
            continue;
        }
        // A blank line keeps the numbers of the others.
        let kept = lines.iter().enumerate().map(|(n, line)| if n == skipped { "" } else { *line });
        let without = Calls { script: kept.collect::<Vec<_>>().join("\n"), ..program.solution.clone() };
        let Ok(made) = make(world, &without) else { continue };
        if exercise.goals.iter().all(|goal| goal.call.as_ref().is_some_and(|call| came(&made, call))) {
            let offset = u32::try_from(skipped).unwrap_or(0);
            idle.push((program.solution.source_line + offset, (*line).to_owned()));
        }
    }
    idle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cluster, Goal};
    use crate::world::{Engine, new_lab};

    fn calls(script: &str) -> Calls {
        Calls { script: script.to_owned(), source_line: 10 }
    }

    const TWO: &str = "socket(tcp4) = a\nbind(a, 0.0.0.0:80) = 0\nlisten(a) = 0\nsocket(tcp4) = b\n\
                       bind(b, 127.0.0.1:80)\n---\nsocket(tcp4) = b\nbind(b, 127.0.0.1:80) = 0\n";

    #[test]
    fn a_call_came_as_its_last_line_went() {
        let made = make(&mut Engine::new(None), &calls(TWO)).unwrap();
        assert_eq!(made.iter().map(|made| made.source_line).collect::<Vec<_>>(), [10, 11, 12, 13, 14, 16, 17]);
        assert!(came(&made, &calls("bind(b, 127.0.0.1:80) = 0")));
        assert!(!came(&made, &calls("bind(b, 127.0.0.1:80) = -1 EADDRINUSE")));
        let first = &made[..5];
        assert!(came(first, &calls("bind(b, 127.0.0.1:80) = -1 EADDRINUSE")));
        assert!(!came(first, &calls("bind(b, 127.0.0.1:81) = 0")));
        let error = make(&mut Engine::new(None), &calls("bind(a, 0.0.0.0:80)")).unwrap_err();
        assert_eq!(error, "line 1, column 6: found `a`, expected a handle that is open: no line above gave this one");
    }

    #[test]
    fn played_calls_end_at_their_own_event() {
        let mut lab = new_lab(&Cluster::default(), &[], None);
        let played = play(&mut lab, &calls(TWO)).unwrap();
        for (made, end) in &played {
            let event = lab.events()[end - 1].to_string();
            let name = made.line.call.to_string();
            let name = &name[..name.find('(').unwrap()];
            assert!(event.contains(&format!(" {name}(")), "{event} is not {name}");
        }
    }

    #[test]
    fn a_line_that_is_not_needed_is_found() {
        let goal = Goal {
            text: Vec::new(),
            check: Vec::new(),
            call: Some(calls("bind(b, 127.0.0.1:80) = 0")),
            hints: Vec::new(),
        };
        let start = "socket(tcp4) = a\nbind(a, 127.0.0.1:80)\nsocket(tcp4) = b\nbind(b, 127.0.0.1:80)\n";
        let solution = start.replace("socket(tcp4) = b", "listen(a)\nclose(a)\nsocket(tcp4) = b");
        let program = Program { start: calls(start), solution: calls(&solution) };
        let repair = Exercise {
            id: "e".into(),
            task: Vec::new(),
            start: Vec::new(),
            goals: vec![goal],
            solution: Vec::new(),
            program: None,
        };
        let mut engine = Engine::new(None);
        let (tried, _) = exercise(&mut engine, &repair, &program);
        assert_eq!((tried.start_satisfies, tried.solution_reaches), (false, true));
        assert_eq!(idle(&mut engine, &repair, &program), [(12, "listen(a)".to_owned())]);
    }
}
