//! Exercises: a start state, goals that are looked at after every command, hints for the first that does not hold.

use portlab_scenarios::model::{Exercise, Goal};
use yew::prelude::*;

use super::icon::{icon, mark};
use super::lesson::Cx;
use super::prose::{paragraphs, spans};
use super::script;
use super::story::prompt;
use crate::browser;
use crate::session::Action;
use crate::session::gate::{Gate, Open};
use crate::session::progress::Ended;

/// One exercise, at its block of the step.
pub fn exercise(cx: &Cx, at: usize, exercise: &Exercise, open: &Open) -> Html {
    let progress = &cx.session.progress;
    let working = progress.exercise.as_deref() == Some(exercise.id.as_str());
    let ended = progress.exercises.get(&exercise.id).copied();
    let waits = open.gate == Some(Gate::Exercise(at));
    let act = |action: Action| {
        let act = cx.act.clone();
        Callback::from(move |_: MouseEvent| act.emit(action.clone()))
    };
    let holds = |n: usize| match (working, ended) {
        (_, Some(Ended::Solved)) => true,
        (true, _) => progress.holds.get(n).copied().unwrap_or_default(),
        _ => false,
    };
    let goals =
        exercise.goals.iter().enumerate().map(|(n, goal)| goal_line(n, goal, working || ended.is_some(), holds(n)));
    let open = progress.first_open().filter(|_| working && ended.is_none());
    let failing = open.and_then(|n| exercise.goals.get(n));
    let hints = failing.map_or(&[][..], |goal| &goal.hints);
    let shown = hints
        .iter()
        .take(progress.hints)
        .enumerate()
        .map(|(n, hint)| html! { <p key={n} class="hint">{ spans(hint) }</p> });
    let more = progress.hints < hints.len();
    let says = match ended {
        Some(Ended::Solved) => "solved",
        Some(Ended::Skipped) => "solution shown",
        None if working => "at work",
        None => "not begun",
    };
    html! {
        <section class="card" aria-label="Exercise" data-exercise={exercise.id.clone()} data-state={says}>
            <div class="card-h"><b>{ "Exercise" }</b><span role="status">{ says }</span></div>
            <div class="card-p prose-s">{ paragraphs(&exercise.task) }</div>
            { script::program(cx, exercise) }
            <ol class="goal">{ for goals }</ol>
            <div class="hints">{ for shown }</div>
            <div class="solution">{ solution(exercise, ended == Some(Ended::Skipped)) }</div>
            <div class="card-f">
                <button type="button" hidden={exercise.program.is_some()} class={classes!("btn", "start", (!working).then_some("solid"))} onclick={act(Action::StartExercise(exercise.id.clone()))}>
                    { if working || ended.is_some() { "Start over" } else { "Start from a fresh lab" } }
                </button>
                <button type="button" class="btn" hidden={!more} onclick={act(Action::Hint)}>{ "Hint" }</button>
                <button type="button" class="btn quiet skip" hidden={!waits} onclick={act(Action::SkipExercise(exercise.id.clone()))}>{ "Show a solution" }</button>
            </div>
        </section>
    }
}

fn goal_line(n: usize, goal: &Goal, looked: bool, holds: bool) -> Html {
    let sign = if holds { icon("tick") } else { mark("virtual", "c-mute") };
    let says = if holds {
        "holds"
    } else if looked {
        "does not hold yet"
    } else {
        ""
    };
    html! { <li key={n} data-holds={holds.to_string()}><span>{ sign }</span><span>{ spans(&goal.text) }<span class="sr">{ format!(" {says}") }</span></span></li> }
}

fn solution(exercise: &Exercise, shown: bool) -> Html {
    if !shown {
        return html! { <span /> };
    }
    if let Some(program) = &exercise.program {
        return script::solution(&program.solution);
    }
    let lines = exercise.solution.iter().enumerate().map(|(n, command)| {
        let line = command.line.clone();
        let copy = Callback::from(move |_: MouseEvent| browser::copy(&line));
        html! {
            <li key={n}>
                <span class="tx"><span class="ps">{ prompt(command) }</span>{ &command.line }</span>
                <button type="button" class="copyb" aria-label="Copy this command" onclick={copy}>{ icon("copy") }</button>
            </li>
        }
    });
    html! { <div class="cmds flat"><ol>{ for lines }</ol></div> }
}
