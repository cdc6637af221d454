//! The manifests: a plain text area over lines that can be tinted, and beside it what would be said of the text.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::icon::mark;
use super::terminal::pasted;
use crate::manifest::{Findings, Problem, findings};
use crate::session::{Action, Session};

/// Lines that get a number and a tint.
const LINES_MAX: usize = 2_000;
/// Bytes of a draft that are taken: with more, a browser takes seconds to lay the text out.
const DRAFT_BYTES_MAX: usize = 512 * 1024;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub session: Session,
    pub act: Callback<Action>,
    pub file: AttrValue,
    pub pick: Callback<AttrValue>,
}

#[component]
pub fn Editor(props: &Props) -> Html {
    let session = &props.session;
    let text = session.manifest(&props.file);
    let refused = use_state(|| 0usize);
    let found = use_memo(text.clone(), |text| findings(text));
    let oninput = {
        let (act, file, refused, before) = (props.act.clone(), props.file.to_string(), refused.clone(), text.clone());
        Callback::from(move |event: InputEvent| {
            let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            let text = area.value();
            if text.len() > DRAFT_BYTES_MAX {
                refused.set(text.len());
                area.set_value(&before);
                return;
            }
            refused.set(0);
            act.emit(Action::Draft { file: file.clone(), text });
        })
    };
    let onpaste = {
        let refused = refused.clone();
        Callback::from(move |event: Event| {
            let size = pasted(&event).len();
            if size > DRAFT_BYTES_MAX {
                event.prevent_default();
                refused.set(size);
            }
        })
    };
    let act = |action: Action| {
        let act = props.act.clone();
        Callback::from(move |_: MouseEvent| act.emit(action.clone()))
    };
    let changed = session.progress.drafts.contains_key(&*props.file);
    let lines = text.split('\n').count();
    let height = format!("height:{}rem", lines as f64 * 1.25 + 1.0);
    let columns = text.lines().take(LINES_MAX).map(str::len).max().unwrap_or(0).min(400);
    html! {
        <div class="yaml" data-problems={found.problems.len().to_string()}>
            <div class="yaml-h">
                { for session.lesson.files.iter().map(|f| file_button(props, &f.name, f.name == *props.file && !found.problems.is_empty())) }
                <span class="end">
                    <button type="button" class="btn small quiet" disabled={!changed} onclick={act(Action::Revert(props.file.to_string()))}>{ "Revert" }</button>
                    <button type="button" class="btn small solid" id="apply" onclick={act(Action::Apply(props.file.to_string()))}>{ "Apply" }</button>
                </span>
            </div>
            <div class="yaml-b">
                <div class="edit">
                    <div class="gut" aria-hidden="true">{ for gutter(lines, &found) }</div>
                    <div class="txt" style={format!("min-width:{columns}ch")}>
                        <div class="under" aria-hidden="true">{ for under(&text, &found) }</div>
                        <textarea id="manifest" aria-label={format!("Manifest {}", props.file)} spellcheck="false" autocomplete="off" autocapitalize="off" wrap="off"
                            style={height} value={text} {oninput} {onpaste} aria-describedby="manifest-says" />
                    </div>
                </div>
                <div class="says" id="manifest-says" aria-live="polite">{ says(&found, *refused) }</div>
            </div>
        </div>
    }
}

fn file_button(props: &Props, file: &str, bad: bool) -> Html {
    let pick = props.pick.clone();
    let name = AttrValue::from(file.to_owned());
    let onclick = Callback::from(move |_: MouseEvent| pick.emit(name.clone()));
    let changed = if props.session.progress.drafts.contains_key(file) { " *" } else { "" };
    html! {
        <button type="button" key={file.to_owned()} class="file" aria-pressed={(*props.file == *file).to_string()} {onclick}>
            { file }{ changed }<span hidden={!bad}>{ mark("ref", "c-ref") }</span>
        </button>
    }
}

fn gutter(lines: usize, found: &Findings) -> impl Iterator<Item = Html> + '_ {
    (1..=lines.min(LINES_MAX)).map(|line| {
        let bad = found.problems.iter().any(|problem| problem.place.line == line);
        html! { <span key={line} class={if bad { "bad" } else { "" }}>{ line }</span> }
    })
}

/// The same lines without colour of their own, for tints and squiggles.
fn under<'a>(text: &'a str, found: &'a Findings) -> impl Iterator<Item = Html> + 'a {
    text.split('\n').take(LINES_MAX).enumerate().map(|(at, line)| {
        let number = at + 1;
        match found.problems.iter().find(|problem| problem.place.line == number) {
            Some(problem) => html! { <span key={number} class="bad">{ squiggle(line, problem) }</span> },
            None if found.dull.iter().any(|dull| dull.line == number) => {
                html! { <span key={number} class="dull">{ line }</span> }
            }
            None => html! { <span key={number}>{ line }</span> },
        }
    })
}

/// The line with a squiggle under the place of the problem.
fn squiggle(line: &str, problem: &Problem) -> Html {
    let chars: Vec<char> = line.chars().collect();
    let from = problem.place.column.saturating_sub(1).min(chars.len());
    let to = if problem.place.end_line == problem.place.line {
        problem.place.end_column.saturating_sub(1)
    } else {
        chars.len()
    };
    let to = to.clamp(from, chars.len());
    let part = |range: std::ops::Range<usize>| chars[range].iter().collect::<String>();
    let under = if from == to { "\u{a0}".to_owned() } else { part(from..to) };
    html! { <><span class="in">{ part(0..from) }</span><u>{ under }</u><span class="in">{ part(to..chars.len()) }</span></> }
}

fn says(found: &Findings, refused: usize) -> Html {
    let problems = found.problems.iter().enumerate().map(|(at, problem)| {
        html! {
            <div key={at} class="msg" data-line={problem.place.line.to_string()}>
                { mark("ref", "c-ref") }
                <div><b>{ format!("Line {}: ", problem.place.line) }</b>{ &problem.plain }<code>{ &problem.said }</code></div>
            </div>
        }
    });
    let dull = found.dull.iter().map(
        |one| html! { <li key={one.path.clone()}>{ format!("line {}: ", one.line) }<code>{ &one.path }</code></li> },
    );
    let fine = found.problems.is_empty() && !found.too_long;
    html! {
        <>
            <div class="refused" hidden={refused == 0}><b>{ format!("{:.1} MB were not taken. ", refused as f64 / 1e6) }</b>{ format!("A manifest may have {} KiB here.", DRAFT_BYTES_MAX / 1024) }</div>
            <div class="long" hidden={!found.too_long}>{ "This text is too long to be checked while you type. It is checked when it is applied." }</div>
            <div class="problems">{ for problems }</div>
            <p class="fine" hidden={!fine}>{ if found.objects.is_empty() { "No object yet.".to_owned() } else { format!("Reads well: {}.", found.objects.join(", ")) } }</p>
            <div class="dulls" hidden={found.dull.is_empty()}>
                <p><b>{ "Stored without effect" }</b></p>
                <p>{ "The API server takes these fields. The lab keeps them and does nothing with them:" }</p>
                <ul>{ for dull }</ul>
            </div>
        </>
    }
}
