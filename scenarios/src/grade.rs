//! Runs a lesson in a world and says of each claim, prediction and exercise how it went.
//!
//! Only commands that read are repeated while a claim waits; a command that changes something runs once. All tries
//! are kept, so that a report can show them and the mutation check can use them again.

use std::time::Duration;

use crate::claim;
pub use crate::model::Verdict;
use crate::model::{Block, Calls, Choice, Command, Exercise, Goal, Lesson, Question};
use crate::script::{self, Made};
use crate::world::{Seen, World};

/// How long a look waits before the next.
pub const POLL: Duration = Duration::from_millis(500);

/// A claim with everything that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Graded {
    /// Where it stands: `step 2`, `predict how-many, choice 1`, `exercise service, goal 1`.
    pub place: String,
    pub command: Command,
    pub verdict: Verdict,
    pub tries: Vec<Seen>,
    /// Why the world could not answer.
    pub reason: String,
}

/// A question with the choices that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub id: String,
    pub line: u32,
    /// Numbers of the choices whose checks all held, from 0.
    pub held: Vec<usize>,
}

/// An exercise, tried from both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub id: String,
    pub line: u32,
    /// Whether every goal held before anything was done.
    pub start_satisfies: bool,
    pub solution_reaches: bool,
}

/// All that a run of a lesson showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graduation {
    pub claims: Vec<Graded>,
    pub questions: Vec<Answered>,
    pub exercises: Vec<Tried>,
}

/// Runs a command until its claim is seen, and then as long as it must stay.
pub fn command(world: &mut dyn World, place: &str, command: &Command) -> Graded {
    let mut graded = Graded {
        place: place.to_owned(),
        command: command.clone(),
        verdict: Verdict::Different,
        tries: Vec::new(),
        reason: String::new(),
    };
    let mut waited = Duration::ZERO;
    let limit = Duration::from_secs(u64::from(command.claim.eventually_secs));
    while !look(world, &mut graded) {
        if graded.verdict == Verdict::Inconclusive || !command.claim.reads || waited >= limit {
            return graded;
        }
        world.wait(POLL);
        waited += POLL;
    }
    let stays = Duration::from_secs(u64::from(command.claim.stays_secs));
    let mut stayed = Duration::ZERO;
    while stayed < stays && command.claim.reads {
        world.wait(POLL);
        stayed += POLL;
        if !look(world, &mut graded) {
            return graded;
        }
    }
    graded
}

/// Runs the command once; whether the claim was seen.
fn look(world: &mut dyn World, graded: &mut Graded) -> bool {
    let line = world.wording(&graded.command.line);
    let seen = match world.run(&graded.command.place, &line) {
        Ok(seen) => seen,
        Err(reason) => {
            graded.verdict = Verdict::Inconclusive;
            graded.reason = reason;
            return false;
        }
    };
    let mut wanted = graded.command.claim.clone();
    for line in &mut wanted.output {
        *line = world.wording(line);
    }
    let same = claim::holds(&wanted, &seen.output, seen.exit);
    graded.verdict = if same { Verdict::Same } else { Verdict::Different };
    graded.tries.push(seen);
    same
}

/// Whether a check holds now or soon: as a claim, but one that does not hold is no difference.
fn check_holds(world: &mut dyn World, commands: &[Command], patient: bool) -> bool {
    commands.iter().all(|c| {
        let mut once = c.clone();
        if !patient {
            once.claim.eventually_secs = 0;
        }
        command(world, "", &once).verdict == Verdict::Same
    })
}

/// The choices of a question that hold now; `made` are the calls that it may be about.
pub fn held(world: &mut dyn World, question: &Question, made: &[Made]) -> Vec<usize> {
    let holds = |(i, choice): (usize, &Choice)| {
        let holds = match &choice.call {
            Some(call) => script::came(made, call),
            None => check_holds(world, &choice.check, false),
        };
        holds.then_some(i)
    };
    question.choices.iter().enumerate().filter_map(holds).collect()
}

/// The first goal that does not hold now; `made` are the calls of the program, where it is one.
pub fn first_open<'a>(world: &mut dyn World, exercise: &'a Exercise, made: &[Made]) -> Option<&'a Goal> {
    exercise.goals.iter().find(|goal| !holds_now(world, goal, made))
}

/// Of each goal whether it holds now; `made` are the calls of the program, where it is one.
pub fn holding(world: &mut dyn World, exercise: &Exercise, made: &[Made]) -> Vec<bool> {
    exercise.goals.iter().map(|goal| holds_now(world, goal, made)).collect()
}

fn holds_now(world: &mut dyn World, goal: &Goal, made: &[Made]) -> bool {
    match &goal.call {
        Some(call) => script::came(made, call),
        None => check_holds(world, &goal.check, false),
    }
}

/// Whether every goal of commands holds, now or soon.
pub fn reached(world: &mut dyn World, exercise: &Exercise) -> bool {
    exercise.goals.iter().all(|goal| check_holds(world, &goal.check, true))
}

/// Runs a whole lesson.
///
/// # Errors
/// The world could not give a fresh cluster.
pub fn lesson(world: &mut dyn World, lesson: &Lesson) -> Result<Graduation, String> {
    let mut out = Graduation::default();
    world.fresh(&lesson.cluster, &lesson.files)?;
    for (n, step) in lesson.steps.iter().enumerate() {
        let mut open: Vec<&Question> = Vec::new();
        let mut made: Vec<Made> = Vec::new();
        let place = format!("step {}", n + 1);
        for block in &step.blocks {
            match block {
                Block::Console(commands) => {
                    out.claims.extend(commands.iter().map(|c| command(world, &place, c)));
                    out.questions.extend(open.drain(..).map(|question| answer(world, question, &made)));
                }
                Block::Syscalls(calls) => {
                    made = self::calls(world, &place, calls, &mut out.claims);
                    out.questions.extend(open.drain(..).map(|question| answer(world, question, &made)));
                }
                Block::Predict(question) => open.push(question),
                Block::Recall(question) => out.questions.push(answer(world, question, &made)),
                Block::Prose(_) | Block::Exercise(_) | Block::Yaml { .. } | Block::Instrument(_) => {}
            }
        }
        // A prediction without commands after it is about what is there already.
        out.questions.extend(open.drain(..).map(|question| answer(world, question, &made)));
    }
    for exercise in exercises(lesson) {
        let (tried, claims) = self::exercise(world, lesson, exercise)?;
        out.exercises.push(tried);
        out.claims.extend(claims);
    }
    Ok(out)
}

/// The exercises of a lesson, in order.
pub fn exercises(lesson: &Lesson) -> impl Iterator<Item = &Exercise> {
    lesson.steps.iter().flat_map(|step| &step.blocks).filter_map(|block| match block {
        Block::Exercise(exercise) => Some(exercise),
        _ => None,
    })
}

fn answer(world: &mut dyn World, question: &Question, made: &[Made]) -> Answered {
    let first = question.choices.first();
    let line = first.and_then(|c| Some(c.call.as_ref()?.source_line).or(Some(c.check.first()?.source_line)));
    Answered { id: question.id.clone(), line: line.unwrap_or(0), held: held(world, question, made) }
}

/// Makes the calls of a script; a claim for each line.
fn calls(world: &mut dyn World, place: &str, calls: &Calls, claims: &mut Vec<Graded>) -> Vec<Made> {
    match script::make(world, calls) {
        Ok(made) => {
            claims.extend(made.iter().map(|one| script::graded(place, one)));
            made
        }
        Err(reason) => {
            claims.push(script::not_made(place, calls, reason));
            Vec::new()
        }
    }
}

/// Tries an exercise from both sides: its start must leave a goal open, its solution must reach all.
fn exercise(world: &mut dyn World, lesson: &Lesson, exercise: &Exercise) -> Result<(Tried, Vec<Graded>), String> {
    if let Some(program) = &exercise.program {
        return Ok(script::exercise(world, exercise, program));
    }
    world.fresh(&lesson.cluster, &lesson.files)?;
    let mut claims = Vec::new();
    let mut run = |world: &mut dyn World, what: &str, commands: &[Command]| {
        let place = format!("exercise {}, {what}", exercise.id);
        claims.extend(commands.iter().map(|c| command(world, &place, c)));
    };
    run(world, "start", &exercise.start);
    let start_satisfies = first_open(world, exercise, &[]).is_none();
    run(world, "solution", &exercise.solution);
    for (n, goal) in exercise.goals.iter().enumerate() {
        run(world, &format!("goal {}", n + 1), &goal.check);
    }
    let solution_reaches = claims.iter().filter(|c| c.place.contains("goal")).all(|c| c.verdict == Verdict::Same);
    let line = exercise.goals.first().and_then(|g| g.check.first()).map_or(0, |c| c.source_line);
    Ok((Tried { id: exercise.id.clone(), line, start_satisfies, solution_reaches }, claims))
}
