//! Sessions with a small lesson: gating, scrubbing, going on from the past, undo, and what is kept.

use std::rc::Rc;

use portlab_scenarios::model::{
    Block, Choice, Claim, Cluster, Command, Exercise, Goal, Instrument, Lesson, Paragraph, Place, Question, Span, Step,
};
use yew::Reducible;

use super::gate::{Gate, Phase, Reach};
use super::progress::{Progress, Sure};
use super::{Action, Session};

fn text(text: &str) -> Vec<Span> {
    vec![Span::Text(text.to_owned())]
}

/// A command whose output may be anything.
fn command(line: &str) -> Command {
    let claim = Claim { output: vec!["...".to_owned()], exit: 0, eventually_secs: 0, stays_secs: 0, reads: true };
    Command { place: Place::Workstation, line: line.to_owned(), claim, source_line: 1 }
}

/// A question whose first choice holds and whose second does not.
fn question(id: &str) -> Question {
    let choice = |wording: &str, output: &str| {
        let mut check = command("echo yes");
        check.claim.output = vec![output.to_owned()];
        Choice { text: text(wording), note: Vec::new(), check: vec![check], call: None, why: text("because") }
    };
    Question { id: id.to_owned(), text: text("?"), choices: vec![choice("yes", "..."), choice("no", "never this")] }
}

fn prose() -> Block {
    Block::Prose(vec![Paragraph::Text(text("prose"))])
}

fn lesson() -> Rc<Lesson> {
    let step = |title: &str, blocks| Step { title: title.to_owned(), blocks };
    Rc::new(Lesson {
        id: "small".into(),
        chapter: 1,
        position: 1,
        title: "Small".into(),
        summary: String::new(),
        minutes: 1,
        concepts: Vec::new(),
        cluster: Cluster { nodes: 3, ..Cluster::default() },
        steps: vec![
            step(
                "one",
                vec![
                    prose(),
                    Block::Predict(question("p")),
                    Block::Console(vec![command("kubectl get pods"), command("kubectl get nodes")]),
                    Block::Recall(question("r")),
                    prose(),
                ],
            ),
            step("two", vec![Block::Console(vec![command("kubectl cordon portlab-worker")]), prose()]),
        ],
        files: Vec::new(),
        hash: "h".into(),
        not_in: Vec::new(),
    })
}

fn start() -> Rc<Session> {
    Rc::new(Session::open(lesson(), None, None))
}

fn answer(question: &str, choice: Option<usize>) -> Action {
    Action::Answer { question: question.into(), choice, sure: Sure::Certain, at: "15:07".into() }
}

fn done(actions: &[Action]) -> Rc<Session> {
    actions.iter().fold(start(), |session, action| session.reduce(action.clone()))
}

#[test]
fn a_step_opens_block_by_block() {
    let mut session = start();
    let rows = [
        (None, 2, Some(Gate::Predict(1))),
        (Some(Action::RunStep), 2, Some(Gate::Predict(1))),
        (Some(answer("p", Some(1))), 3, Some(Gate::Run(2))),
        (Some(Action::RunStep), 4, Some(Gate::Recall(3))),
        (Some(answer("r", None)), 5, None),
    ];
    for (action, blocks, gate) in rows {
        if let Some(action) = action {
            session = session.reduce(action);
        }
        let open = session.open_blocks();
        assert_eq!((open.blocks, open.gate), (blocks, gate));
    }
}

#[test]
fn phases_follow_the_gate() {
    use Phase::{Case, Explain, Predict, Recall, Run};
    use Reach::{Ahead, Done, Now, Shut};
    let phases = |session: &Session| session.open_blocks().phases;
    assert_eq!(phases(&start()), [(Case, Done), (Predict, Now), (Run, Shut), (Recall, Ahead), (Explain, Shut)]);
    let ran = done(&[answer("p", Some(0)), Action::RunStep]);
    assert_eq!(phases(&ran), [(Case, Done), (Predict, Done), (Run, Done), (Recall, Now), (Explain, Shut)]);
}

#[test]
fn a_prediction_is_settled_by_the_run_and_not_before() {
    let locked = done(&[answer("p", Some(1))]);
    assert_eq!(locked.progress.answers["p"].held, None);
    let ran = locked.reduce(Action::RunStep);
    assert_eq!(ran.progress.answers["p"].held.as_deref(), Some(&[0][..]));
}

#[test]
fn scrubbing_shows_what_was_seen_then() {
    let session = done(&[answer("p", Some(0)), Action::RunStep]);
    assert_eq!(session.cursor, session.frames.len());
    assert!(session.frames.len() >= 2);
    let back = session.clone().reduce(Action::Seek(1));
    assert!(!back.is_latest());
    assert_eq!(*back.state(), session.lab().at(back.seen()));
    let ahead = back.clone().reduce(Action::Step(1));
    assert_eq!(ahead.cursor, 2);
    assert_eq!(back.reduce(Action::Step(-1)).reduce(Action::Step(-1)).cursor, 0);
}

#[test]
fn typing_in_the_past_drops_what_came_later_and_undo_brings_it_back() {
    let session = done(&[answer("p", Some(0)), Action::RunStep, Action::Type("kubectl get rs".into())]);
    let events = session.events().to_vec();
    let lines = |session: &Session| session.entries.iter().map(|entry| entry.line.to_string()).collect::<Vec<_>>();
    let branched = session.clone().reduce(Action::Seek(1)).reduce(Action::Type("kubectl get ds".into()));
    assert!(branched.dropped.is_some());
    assert!(branched.is_latest());
    assert_eq!(lines(&branched).last().map(String::as_str), Some("kubectl get ds"));
    assert!(!lines(&branched).contains(&"kubectl get rs".to_owned()));
    let undone = branched.reduce(Action::Undo);
    assert_eq!(*undone.events(), *events);
    assert_eq!(lines(&undone), lines(&session));
    assert!(undone.dropped.is_none());
    assert_eq!(undone.fork().events(), &*events, "a fork has the same history");
}

#[test]
fn going_on_after_time_has_passed_keeps_the_clock() {
    let hosts = Lesson { cluster: Cluster::default(), ..Lesson::clone(&lesson()) };
    let session = Rc::new(Session::open(Rc::new(hosts), None, None));
    let ran = session.reduce(Action::Type("sleep 5; nc -z 127.0.0.1 80".into()));
    let passed = ran.frames.iter().position(|frame| frame.clock.is_some()).expect("time passes before nc");
    let before = ran.clone().reduce(Action::Seek(passed));
    let after = before.clone().reduce(Action::Step(1));
    assert_eq!(after.seen(), before.seen());
    assert_eq!(after.state().now.since(before.state().now).as_millis(), 5000);
    let clock = after.state().now;
    let on = after.reduce(Action::Type("ss -tan".into()));
    assert_eq!(on.events().iter().rev().nth(1).map(|event| event.at), Some(clock), "the command begins at that moment");
}

#[test]
fn an_earlier_step_shows_its_own_part_of_the_history() {
    let first = done(&[answer("p", Some(0)), Action::RunStep, answer("r", Some(0))]);
    let second = first.clone().reduce(Action::GoTo(1));
    assert_eq!((second.cursor, second.frames.len()), (0, 0));
    let ran = second.reduce(Action::RunStep).reduce(Action::Seek(usize::MAX));
    let again = ran.reduce(Action::GoTo(0));
    assert_eq!(again.frames.len(), first.frames.len());
    assert_eq!(again.seen(), first.seen());
}

#[test]
fn what_is_kept_brings_the_same_lesson_back() {
    let session = done(&[answer("p", Some(0)), Action::RunStep, Action::Type("kubectl get rs".into())]);
    let kept = session.progress.encode();
    let again = Session::open(lesson(), Some(&kept), None);
    assert_eq!(again.progress, session.progress);
    assert_eq!(*again.events(), *session.events());
    assert_eq!(again.entries, session.entries);
    let branched = session.reduce(Action::Seek(1)).reduce(Action::Type("kubectl get ds".into()));
    let again = Session::open(lesson(), Some(&branched.progress.encode()), None);
    assert_eq!(*again.events(), *branched.events());
}

#[test]
fn damaged_old_and_oversized_storage_counts_as_none() {
    let fresh = Progress::new("h");
    let other_version = serde_json::to_string(&Progress { version: 99, ..fresh.clone() }).unwrap();
    let other_text = serde_json::to_string(&Progress { hash: "g".into(), ..fresh.clone() }).unwrap();
    let other_step = serde_json::to_string(&Progress { step: 7, ..fresh.clone() }).unwrap();
    let long = format!("{}{}", fresh.encode(), " ".repeat(2_000_000));
    for kept in ["", "{", "null", "[1]", "{\"version\":1}", &other_version, &other_text, &other_step, &long] {
        let read = Progress::decode(Some(kept), "h", 2);
        assert_eq!(read, fresh, "{}", &kept[..kept.len().min(60)]);
    }
}

#[test]
fn a_reset_forgets_everything() {
    let session = done(&[answer("p", Some(0)), Action::RunStep]);
    let reset = session.reduce(Action::Reset);
    assert_eq!(reset.progress, start().progress);
    assert!(reset.entries.is_empty());
}

#[test]
fn a_draft_that_is_too_long_to_keep_is_left_out_of_storage() {
    let session = start().reduce(Action::Draft { file: "a.yaml".into(), text: "#".repeat(2_000_000) });
    assert!(session.progress.encode().len() < 10_000);
}

#[test]
fn an_exercise_takes_the_bench_back_and_each_goal_is_looked_at_by_itself() {
    let goal = |line: &str, output: &str| {
        let mut check = command(line);
        check.claim.output = vec![output.to_owned()];
        Goal { text: text(line), check: vec![check], call: None, hints: vec![text("hint")] }
    };
    let exercise = Exercise {
        id: "free".into(),
        task: Vec::new(),
        start: vec![command("nc -lk 8080 &"), command("nc -lk 9000 &"), command("ss -Htln")],
        program: None,
        goals: vec![goal("ss -Htln 'sport = :8080' | wc -l", "0"), goal("ss -Htln 'sport = :9000' | wc -l", "1")],
        solution: Vec::new(),
    };
    let mut alone = Lesson::clone(&lesson());
    alone.cluster.nodes = 0;
    alone.steps = vec![Step {
        title: "one".into(),
        blocks: vec![Block::Instrument(Instrument::SourcePorts), Block::Exercise(exercise)],
    }];
    let mut session = Rc::new(Session::open(Rc::new(alone), None, None));
    assert_eq!(session.instrument(), Some(Instrument::SourcePorts));
    let mut act = |action: Action| {
        session = session.clone().reduce(action);
        (session.instrument(), session.progress.holds.clone(), session.progress.exercises.len())
    };
    assert_eq!(act(Action::StartExercise("free".into())), (None, vec![false, true], 0));
    assert_eq!(act(Action::Type("kill %2".into())), (None, vec![false, false], 0));
    assert_eq!(act(Action::StartExercise("free".into())), (None, vec![false, true], 0));
    assert_eq!(act(Action::Type("kill %1".into())), (None, vec![true, true], 1));
}
