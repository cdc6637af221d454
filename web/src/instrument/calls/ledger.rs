//! The calls that were made, in their order: each in the lane of its process, with its answer and what decided it.

use portlab_scenarios::syscalls::Answer;
use yew::prelude::*;

use super::bench::{Action, Bench, Made, Side};
use crate::view::mark;

/// Calls drawn at most, the latest.
const ROWS_MAX: usize = 120;

/// The ledger.
pub fn ledger(bench: &Bench, act: &Callback<Action>) -> Html {
    let reached = bench.reached();
    let first = bench.calls.len().saturating_sub(ROWS_MAX);
    let rows = bench.calls.iter().enumerate().skip(first).map(|(at, made)| {
        let state = match at + 1 {
            n if n == reached => "now",
            n if n > reached => "later",
            _ => "made",
        };
        row(bench, at, made, state, act)
    });
    html! {
        <div class="ledger" id="ledger" role="region" aria-label="Calls that were made" tabindex="0">
            <p class="more" hidden={first == 0}>{ format!("{first} earlier calls are not drawn") }</p>
            <p class="empty" hidden={!bench.calls.is_empty()}>{ "No call has been made. Each appears here with its answer, in the lane of its process." }</p>
            <ol>{ for rows }</ol>
        </div>
    }
}

fn row(bench: &Bench, at: usize, made: &Made, state: &'static str, act: &Callback<Action>) -> Html {
    let lane = if made.side == Side::A { "a" } else { "b" };
    let to = bench.frame_of(made);
    let act = act.clone();
    let onclick = Callback::from(move |_: MouseEvent| act.emit(Action::Seek(to)));
    let (errno, words) = match &made.answer {
        Answer::Errno(errno) => (Some(errno.name()), errno.words()),
        _ => (None, ""),
    };
    let waits = matches!(errno, Some("EAGAIN" | "EINPROGRESS" | "EALREADY"));
    let answer = match &made.answer {
        Answer::Errno(errno) => format!("-1 {}", errno.name()),
        other => other.to_string(),
    };
    let sign = match errno {
        Some(_) if waits => mark("waits", "c-ink"),
        Some(_) => mark("ref", "c-ref"),
        None => html! { <span class="g" /> },
    };
    let why = match &made.because {
        Some(because) => format!("{words}: {because}"),
        None => words.to_owned(),
    };
    html! {
        <li key={at} class={classes!(lane, state)} data-side={lane} data-errno={errno} data-state={state}>
            <button type="button" {onclick} aria-current={(state == "now").then_some("step")}>
                <span class="sr">{ format!("Process {}:", made.side.name()) }</span>
                { sign }
                <span class="mono call">{ made.call.to_string() }</span>
                <span class={classes!("mono", "answer", (errno.is_some() && !waits).then_some("c-ref"))}>{ format!("= {answer}") }</span>
                <span class="why" hidden={why.is_empty()}>{ why }</span>
            </button>
        </li>
    }
}
