//! System calls in the story: the lines of a block, and the program of an exercise.
//!
//! What a call gave is shown when the transport has reached it, and never what the lesson states: nobody reads an answer
//! before it has come.

use portlab_scenarios::model::{Calls, Exercise};
use portlab_scenarios::script::Made;
use yew::prelude::*;

use super::icon::icon;
use super::lesson::Cx;
use crate::browser;
use crate::scene::calling::says_wait;
use crate::session::gate::{Gate, Open};
use crate::session::{Action, Played, Session, program_key};

/// The calls of a step: what will be made, or what each has given.
pub fn script(cx: &Cx, at: usize, calls: &Calls, open: &Open) -> Html {
    let waits = open.gate == Some(Gate::Run(at));
    let playing = cx.session.progress.playing.is_some();
    let ran = cx.session.progress.runs.contains(&(cx.session.progress.step, at)) || playing;
    let played = cx.session.played(&calls.script).filter(|_| ran);
    let text = if ran && !waits { calls.script.clone() } else { without_answers(&calls.script) };
    let copy = Callback::from(move |_: MouseEvent| browser::copy(&text));
    let act = cx.act.clone();
    let run = Callback::from(move |_: MouseEvent| act.emit(Action::RunStep));
    let note = if playing && waits {
        "They have been made: step through them, below the stage."
    } else {
        "cargo xtask syscalls runs this very script on a real kernel."
    };
    html! {
        <section class="cmds calls-b" aria-label="System calls of this step" data-script={if ran { "made" } else { "waits" }}>
            <div class="calls-bh"><span>{ "System calls, in strace’s notation" }</span><button type="button" class="copyb" aria-label="Copy this script" onclick={copy}>{ icon("copy") }</button></div>
            <ol>{ lines(&calls.script, played, cx.session) }</ol>
            <div class="card-f">
                <button type="button" class="btn solid" hidden={!waits || playing} onclick={run}>{ "Make these calls" }</button>
                <span class="note">{ note }</span>
            </div>
        </section>
    }
}

/// The script with `?` for every answer that would give away what is to be predicted.
fn without_answers(script: &str) -> String {
    let line = |text: &str| match text.rsplit_once(" = ") {
        Some((call, _)) if !names_socket(text) && !text.trim_start().starts_with('#') => format!("{call} = ?\n"),
        _ => format!("{text}\n"),
    };
    script.lines().map(line).collect()
}

/// Whether what stands behind the call is the name of a socket that it makes.
fn names_socket(text: &str) -> bool {
    let makes = ["socket(", "accept("].iter().any(|call| text.trim_start().starts_with(call));
    makes && !text.contains("= -1")
}

/// The lines of a script, each with the answer that has come.
fn lines(script: &str, played: Option<&Played>, session: &Session) -> Html {
    let (seen, told) = (session.seen(), session.told());
    let answers: Vec<&(Made, usize)> =
        played.iter().flat_map(|played| played.calls.iter()).flat_map(|c| c.iter()).collect();
    let started = played.is_some_and(|played| played.start < seen);
    let now = answers.iter().find(|(_, end)| *end >= seen).filter(|_| started).map(|(made, _)| made.line.number);
    let line = |(n, text): (usize, &str)| {
        let text = text.trim();
        if text.is_empty() {
            return html! { <li key={n} class="gap" /> };
        }
        if text.starts_with('#') || text.starts_with("---") {
            return html! { <li key={n} class="note">{ text }</li> };
        }
        // The name of a new socket gives nothing away; without it the lines below could not be read.
        let named = text.starts_with("socket(");
        let call = if named { text } else { text.rsplit_once(" = ").map_or(text, |(call, _)| call) };
        let came = answers.iter().find(|(made, _)| made.line.number == n + 1).filter(|(_, end)| *end <= told);
        let answer = came.and_then(|(made, _)| made.verdict.answer());
        let given = answer.map(ToString::to_string);
        let refused =
            given.as_deref().and_then(|given| given.strip_prefix("-1 ")).is_some_and(|errno| !says_wait(errno));
        let differs = came
            .filter(|(made, _)| made.verdict.differs())
            .map(|(made, _)| format!("the script states {}", made.line.stated));
        let shown = answer.filter(|_| !named || refused).map_or_else(String::new, |answer| format!("= {answer}"));
        html! {
            <li key={n} data-came={answer.is_some().to_string()} aria-current={(now == Some(n + 1)).then_some("step")}>
                <span class="tx">{ call }</span>
                <span class={classes!("came", refused.then_some("c-ref"))}>{ shown }</span>
                <span class="differs" hidden={differs.is_none()}>{ differs.unwrap_or_default() }</span>
            </li>
        }
    };
    script.lines().enumerate().map(line).collect()
}

/// The program of an exercise, to be changed and run.
pub fn program(cx: &Cx, exercise: &Exercise) -> Html {
    let Some(text) = cx.session.program(exercise) else { return html! { <span hidden=true /> } };
    let working = cx.session.progress.exercise.as_deref() == Some(exercise.id.as_str());
    let played = cx.session.played(&text).filter(|_| working);
    let wrong = played.and_then(|played| played.calls.as_ref().err().cloned());
    let emit = |action: Action| {
        let act = cx.act.clone();
        Callback::from(move |_: MouseEvent| act.emit(action.clone()))
    };
    let (act, file) = (cx.act.clone(), program_key(&exercise.id));
    let oninput = Callback::from(move |event: InputEvent| {
        let text = event.target_unchecked_into::<web_sys::HtmlTextAreaElement>().value();
        act.emit(Action::Draft { file: file.clone(), text });
    });
    let rows = text.lines().count().clamp(6, 30).to_string();
    html! {
        <div class="program">
            <textarea class="mono" aria-label="The program, a call on each line" spellcheck="false" {rows} value={text.clone()} {oninput} />
            <p class="wrong c-ref" role="alert">{ wrong.map(|wrong| wrong.to_string()).unwrap_or_default() }</p>
            <ol class="cmds calls-b">{ if played.is_some() { lines(&text, played, cx.session) } else { html! {} } }</ol>
            <div class="card-f">
                <button type="button" class="btn solid run-program" onclick={emit(Action::RunProgram(exercise.id.clone()))}>{ icon("fwd") }{ "Run the program" }</button>
                <button type="button" class="btn quiet" onclick={emit(Action::Revert(program_key(&exercise.id)))}>{ "As it was" }</button>
            </div>
        </div>
    }
}

/// How the program looks when it is repaired.
pub fn solution(calls: &Calls) -> Html {
    html! { <pre class="mono program-solution" tabindex="0">{ &calls.script }</pre> }
}
