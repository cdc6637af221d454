//! The narrating column: phases, the open blocks of the step, and the way to the next.

use portlab_scenarios::index::waits;
use portlab_scenarios::model::{Block, Command, Instrument};
use yew::prelude::*;
use yew_router::prelude::*;

use super::app::Route;
use super::card::{QuestionCard, Resolved};
use super::exercise::exercise;
use super::icon::icon;
use super::lesson::{Cx, Tab};
use super::prose::paragraphs;
use super::script::script;
use crate::browser;
use crate::path::{chapter_of, title_of};
use crate::session::Action;
use crate::session::gate::{self, Gate, Open, Phase, Reach};

/// The whole column.
pub fn story(cx: &Cx) -> Html {
    let session = cx.session;
    let open = session.open_blocks();
    let number = session.progress.step;
    let blocks = session.step().blocks.iter().take(open.blocks).enumerate().map(|(at, one)| {
        html! { <div key={format!("{number}-{at}")} class="block" data-now={(open.gate.map(Gate::block) == Some(at)).to_string()}>{ block(cx, at, one, &open) }</div> }
    });
    html! {
        <aside class="story" aria-label="Lesson" data-step={number.to_string()} data-gate={gate_name(open.gate)}>
            { dots(&open) }
            <div class="head">
                <p class="h-title" aria-hidden="true">{ &session.lesson.title }</p>
                <p class="eyebrow">{ format!("Step {} of {}", number + 1, session.lesson.steps.len()) }</p>
                <h2 class="step-h">{ &session.step().title }</h2>
            </div>
            <div class="story-body">{ for blocks }</div>
            <div class="shut-w">{ shut(&open) }</div>
            { way(cx, &open) }
        </aside>
    }
}

/// For styles and tests: what waits.
fn gate_name(gate: Option<Gate>) -> &'static str {
    match gate {
        None => "none",
        Some(Gate::Predict(_)) => "predict",
        Some(Gate::Run(_)) => "run",
        Some(Gate::Recall(_)) => "recall",
        Some(Gate::Exercise(_)) => "exercise",
    }
}

fn dots(open: &Open) -> Html {
    let dot = |(phase, reach): &(Phase, Reach)| {
        let (class, current) = match reach {
            Reach::Done => ("done", None),
            Reach::Now => ("cur", Some("step")),
            Reach::Ahead => ("", None),
            Reach::Shut => ("shut", None),
        };
        let name = match phase {
            Phase::Case => "Case",
            Phase::Predict => "Predict",
            Phase::Run => "Run",
            Phase::Recall => "Recall",
            Phase::Explain => "Explain",
        };
        html! { <li key={name} class={class} aria-current={current}><i />{ name }</li> }
    };
    html! { <ol class="dots" aria-label="Phases of this step">{ for open.phases.iter().map(dot) }</ol> }
}

fn block(cx: &Cx, at: usize, block: &Block, open: &Open) -> Html {
    let answers = &cx.session.progress.answers;
    match block {
        Block::Prose(text) => html! { <div class="prose">{ paragraphs(text) }</div> },
        Block::Yaml { file } => yaml_link(cx, file),
        Block::Console(commands) => console(cx, at, commands, open),
        Block::Syscalls(calls) => script(cx, at, calls, open),
        Block::Instrument(which) => instrument(*which),
        Block::Predict(question) | Block::Recall(question) => {
            let recall = matches!(block, Block::Recall(_));
            match answers.get(&question.id) {
                None => html! { <QuestionCard key="ask" question={question.clone()} {recall} act={cx.act.clone()} /> },
                Some(answer) => {
                    let due = open.gate.is_none_or(|gate| gate.block() > at && !matches!(gate, Gate::Run(_)))
                        || cx
                            .session
                            .progress
                            .runs
                            .iter()
                            .any(|(step, run)| *step == cx.session.progress.step && *run > at);
                    html! { <Resolved key="said" question={question.clone()} {recall} answer={answer.clone()} {due} /> }
                }
            }
        }
        Block::Exercise(one) => exercise(cx, at, one, open),
    }
}

/// Says what stands in the place of the stage.
fn instrument(which: Instrument) -> Html {
    let says = match which {
        Instrument::Calls => {
            "two processes on one host, in the place of the stage. Choose their system calls, and see which socket decides."
        }
        Instrument::SourcePorts => {
            "every source port towards one destination, in the place of the stage. Set a rate, and change one thing at a time."
        }
    };
    html! {
        <div class="cmds" data-instrument={which.name()}>
            <div class="card-p"><b>{ title_of(which) }</b>{ ": " }{ says }{ " " }<a href={format!("#/{}", which.name())}>{ "Open it alone" }</a></div>
        </div>
    }
}

fn yaml_link(cx: &Cx, file: &str) -> Html {
    let (show, pick) = (cx.show.clone(), cx.pick_file.clone());
    let name = AttrValue::from(file.to_owned());
    let open = Callback::from(move |_: MouseEvent| {
        pick.emit(name.clone());
        show.emit(Tab::Yaml);
    });
    html! {
        <div class="cmds">
            <pre class="yaml-peek" tabindex="0" aria-label={format!("{file}, as it will be applied")}>{ cx.session.manifest(file) }</pre>
            <div class="card-f"><button type="button" class="btn" onclick={open}>{ "Edit " }<span class="mono">{ file }</span></button></div>
        </div>
    }
}

/// Longest word that is kept on one line: a flag with its value, not a patch.
const WORD_WHOLE_MAX: usize = 34;

/// The words of a command line; a line never breaks inside a flag.
fn words(line: &str) -> Html {
    let word = |(n, piece): (usize, &str)| {
        let word = piece.trim_end_matches([' ', '\n']);
        let whole = (word.len() <= WORD_WHOLE_MAX).then_some("whole");
        // The blank stands outside, where the line may break.
        html! { <span key={n}><span class={whole}>{ word }</span>{ &piece[word.len()..] }</span> }
    };
    line.split_inclusive([' ', '\n']).enumerate().map(word).collect()
}

/// The commands of a step: what will run, or what has run.
fn console(cx: &Cx, at: usize, commands: &[Command], open: &Open) -> Html {
    let waits = open.gate == Some(Gate::Run(at));
    let playing = cx.session.progress.playing.is_some();
    let rows = commands.iter().enumerate().map(|(n, command)| {
        let line = command.line.clone();
        let copy = Callback::from(move |_: MouseEvent| browser::copy(&line));
        html! {
            <li key={n}>
                <span class="tx"><span class="ps">{ prompt(command) }</span>{ words(&command.line) }</span>
                <button type="button" class="copyb" aria-label="Copy this command" onclick={copy}>{ icon("copy") }</button>
            </li>
        }
    });
    let act = cx.act.clone();
    let run = Callback::from(move |_: MouseEvent| act.emit(Action::RunStep));
    let note = if playing {
        "They have run: step through what happened, below the stage."
    } else {
        "They run in the lab’s terminal."
    };
    html! {
        <section class="cmds" aria-label="Commands of this step">
            <ol>{ for rows }</ol>
            <div class="card-f" hidden={!waits}>
                <button type="button" class="btn solid" hidden={playing} onclick={run}>{ if commands.len() == 1 { "Run it" } else { "Run them" } }</button>
                <span class="note">{ note }</span>
            </div>
        </section>
    }
}

/// What stands before a command: where it runs.
pub(super) fn prompt(command: &Command) -> String {
    use portlab_scenarios::model::Place;
    match &command.place {
        Place::Workstation => "$ ".to_owned(),
        Place::Node(node) => format!("{node}# "),
        Place::Pod(pod) => format!("pod/{pod}$ "),
    }
}

fn shut(open: &Open) -> Html {
    let says = match open.gate {
        Some(Gate::Predict(_)) => "Run opens once a prediction is committed",
        Some(Gate::Recall(_)) => "The explanation opens after the recall check",
        Some(Gate::Run(_))
            if open.phases.iter().any(|(phase, reach)| *phase == Phase::Explain && *reach == Reach::Shut) =>
        {
            "The explanation opens after the run"
        }
        _ => return html! { <span hidden=true /> },
    };
    html! { <div class="shut-row">{ icon("lock") }<span>{ says }</span></div> }
}

/// Back and on between steps.
fn way(cx: &Cx, open: &Open) -> Html {
    let (step, steps) = (cx.session.progress.step, cx.session.lesson.steps.len());
    let go = |to: usize| {
        let act = cx.act.clone();
        Callback::from(move |_: MouseEvent| act.emit(Action::GoTo(to)))
    };
    let ahead = cx
        .session
        .lesson
        .steps
        .iter()
        .enumerate()
        .skip(step + 1)
        .any(|(n, s)| gate::is_done(&waits(s), n, &cx.session.progress));
    let may = open.gate.is_none() || ahead;
    let next = if step + 1 < steps {
        html! { <button type="button" id="next-step" class="btn solid grow" disabled={!may} onclick={go(step + 1)}>{ "Next step" }{ icon("fwd") }</button> }
    } else {
        html! { <span class="note" hidden={!may}>{ "The lesson ends here." }{ to_try(&cx.session.lesson.title) }</span> }
    };
    html! {
        <div class="story-end">
            <button type="button" class="btn icon" aria-label="Previous step" disabled={step == 0} onclick={go(step.saturating_sub(1))}>{ icon("back") }</button>
            { next }
            <ResetButton act={cx.act.clone()} />
        </div>
    }
}

/// The way from a lesson's end to what its chapter has to try things on.
fn to_try(title: &str) -> Html {
    let Some(which) = chapter_of(title).and_then(|chapter| chapter.instrument) else { return html! {} };
    html! { <span class="try-more">{ "Try more: " }<Link<Route> to={Route::from(which)}>{ title_of(which) }</Link<Route>></span> }
}

#[derive(Clone, PartialEq, Properties)]
struct ResetProps {
    act: Callback<Action>,
}

/// Starts the lesson anew; asks once more, because what was done is lost.
#[component]
fn ResetButton(props: &ResetProps) -> Html {
    let asked = use_state(|| false);
    let act = props.act.clone();
    let onclick = {
        let asked = asked.clone();
        Callback::from(move |_: MouseEvent| {
            if *asked {
                act.emit(Action::Reset);
            }
            asked.set(!*asked);
        })
    };
    let onblur = {
        let asked = asked.setter();
        Callback::from(move |_: FocusEvent| asked.set(false))
    };
    html! {
        <button type="button" id="reset" class={classes!("btn", "quiet", (!*asked).then_some("icon"))} aria-label={if *asked { "Really start the lesson anew" } else { "Start the lesson anew" }} {onclick} {onblur}>
            { icon("reset") }<span hidden={!*asked}>{ "Start anew?" }</span>
        </button>
    }
}
