//! Questions: open with choices and how sure one is, then locked, then resolved.

use portlab_scenarios::model::{Choice, Question};
use yew::prelude::*;

use super::icon::icon;
use super::keys::COMMIT_BUTTON;
use super::prose::spans;
use crate::browser;
use crate::session::Action;
use crate::session::progress::{Answer, Sure};

/// The letter of a choice.
fn letter(at: usize) -> String {
    char::from(b'A'.saturating_add(u8::try_from(at).unwrap_or(25))).to_string()
}

#[derive(Clone, PartialEq, Properties)]
pub struct AskProps {
    pub question: Question,
    pub recall: bool,
    pub act: Callback<Action>,
}

/// A question that waits for an answer.
#[component]
pub fn QuestionCard(props: &AskProps) -> Html {
    let chosen = use_state(|| None::<usize>);
    let sure = use_state(Sure::default);
    let question = &props.question;
    let options = question.choices.iter().enumerate().map(|(at, choice)| {
        let chosen_set = chosen.setter();
        let onchange = Callback::from(move |_: Event| chosen_set.set(Some(at)));
        html! {
            <label key={at} class="opt">
                <input type="radio" id={format!("choice-{}", letter(at).to_lowercase())} name={question.id.clone()} checked={*chosen == Some(at)} {onchange} />
                <span class="k" aria-hidden="true">{ letter(at) }</span>{ wording(choice) }
            </label>
        }
    });
    let answer = {
        let (act, id) = (props.act.clone(), question.id.clone());
        move |choice: Option<usize>, sure: Sure| {
            act.emit(Action::Answer { question: id.clone(), choice, sure, at: browser::clock() })
        }
    };
    let commit = {
        let (answer, chosen, sure) = (answer.clone(), *chosen, *sure);
        Callback::from(move |_: MouseEvent| {
            if chosen.is_some() {
                answer(chosen, sure)
            }
        })
    };
    let skip = Callback::from(move |_: MouseEvent| answer(None, Sure::Guess));
    let sures = Sure::ALL.into_iter().map(|one| {
        let set = sure.setter();
        let onclick = Callback::from(move |_: MouseEvent| set.set(one));
        html! { <button type="button" key={one.label()} aria-pressed={(*sure == one).to_string()} {onclick}>{ one.label() }</button> }
    });
    let (head, aside, button) = if props.recall {
        ("Recall check", "the stage is covered", "Check")
    } else {
        ("Predict first", "unlocks Run", "Commit prediction")
    };
    html! {
        <section class="card" aria-label={head} data-question={question.id.clone()}>
            <div class="card-h"><b>{ head }</b><span>{ aside }</span></div>
            <p class="card-q" id="question">{ spans(&question.text) }</p>
            <div class="opts" role="radiogroup" aria-labelledby="question">{ for options }</div>
            <div class="sure" hidden={props.recall}><span>{ "How sure?" }</span><span class="seg" role="group" aria-label="How sure">{ for sures }</span></div>
            <div class="card-f">
                <button type="button" id={COMMIT_BUTTON} class="btn solid" disabled={chosen.is_none()} onclick={commit}>{ button }<kbd>{ "Enter" }</kbd></button>
                <button type="button" class="btn quiet skip" hidden={!props.recall} onclick={skip}>{ "Skip" }</button>
            </div>
        </section>
    }
}

fn wording(choice: &Choice) -> Html {
    html! {
        <span>
            <span class="a">{ spans(&choice.text) }</span>
            <span class="w" hidden={choice.note.is_empty()}>{ spans(&choice.note) }</span>
        </span>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct SaidProps {
    pub question: Question,
    pub recall: bool,
    pub answer: Answer,
    /// Whether the outcome may be shown: what decides it has been seen.
    pub due: bool,
}

/// A question that was answered.
#[component]
pub fn Resolved(props: &SaidProps) -> Html {
    let (question, answer) = (&props.question, &props.answer);
    let options = question.choices.iter().enumerate().map(|(at, choice)| {
        let mine = answer.choice == Some(at);
        html! {
            <div key={at} class={classes!("opt", "set", if mine { "mine" } else { "faded" })}>
                <span class="k">{ letter(at) }</span>{ wording(choice) }
                <span class="tag" hidden={!mine}>{ icon("lock") }{ "yours" }</span>
            </div>
        }
    });
    let said = match (answer.choice, props.recall) {
        (None, _) => "skipped".to_owned(),
        (_, true) => format!("at {}", answer.at),
        (_, false) => format!("locked {}, {}", answer.at, answer.sure.said()),
    };
    let head = if props.recall { "Your recall" } else { "Your prediction" };
    html! {
        <section class="card" aria-label={head} data-answered={question.id.clone()} data-held={held_mark(answer, props.due)}>
            <div class="card-h"><b>{ head }</b><span>{ said }</span></div>
            <p class="card-q">{ spans(&question.text) }</p>
            <div class="opts">{ for options }</div>
            <div class="verdict-w">{ verdict(question, answer, props.due) }</div>
        </section>
    }
}

fn held_mark(answer: &Answer, due: bool) -> &'static str {
    match (&answer.held, answer.choice) {
        (Some(held), Some(choice)) if due => {
            if held.contains(&choice) {
                "held"
            } else {
                "differed"
            }
        }
        (Some(_), None) if due => "skipped",
        _ => "open",
    }
}

fn verdict(question: &Question, answer: &Answer, due: bool) -> Html {
    let Some(held) = answer.held.as_ref().filter(|_| due) else { return html! { <span /> } };
    let Some(truth) = held.first().and_then(|at| question.choices.get(*at)) else {
        return html! { <div class="verdict" role="status">{ icon("differ") }<p><b>{ "Undecided. " }</b>{ "None of these is what the lab shows now." }</p></div> };
    };
    let mine = answer.choice.and_then(|at| question.choices.get(at));
    let right = answer.choice.is_some_and(|at| held.contains(&at));
    html! {
        <div class="verdict" role="status">
            { icon(if right { "tick" } else { "differ" }) }
            <div>
                <p><b>{ if right { "Held. " } else if mine.is_some() { "Differed: " } else { "It was: " } }{ if right { html! { <span /> } } else { html! { <span>{ spans(&truth.text) }{ ". " }</span> } } }</b>{ spans(&truth.why) }</p>
                <p class="mine-why" hidden={right || mine.is_none()}>{ mine.map(|choice| spans(&choice.why)).unwrap_or_default() }</p>
            </div>
        </div>
    }
}
