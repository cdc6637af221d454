//! The terminal: what has run and what it printed, and a line to type in.
//!
//! Long outputs are drawn in part and the rest is counted; the copy button has all of it.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use portlab_engine::lab::Stream;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlTextAreaElement, KeyboardEvent};
use yew::prelude::*;

use super::icon::icon;
use super::keys::PROMPT;
use crate::browser;
use crate::session::{Action, Entry, Session};
use crate::terminal::complete::{OFFERS_MAX, complete};
use crate::terminal::paste::{COMMANDS_MAX, PASTE_BYTES_MAX, cut, is_complete};

/// Commands drawn at most, the latest.
const ENTRIES_MAX: usize = 60;
/// Lines of one output drawn at most: so many from its beginning and from its end.
const HEAD_LINES: usize = 200;
const TAIL_LINES: usize = 60;
/// Characters of one line drawn at most.
const LINE_CHARS: usize = 4_000;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub session: Session,
    pub act: Callback<Action>,
}

/// The line that is being typed.
#[derive(Clone, Default, PartialEq)]
struct Typing {
    text: String,
    /// How far back in the history.
    back: usize,
    offers: Rc<Vec<String>>,
    /// Commands of a paste that wait.
    waiting: Rc<Vec<String>>,
    /// What was not taken, and why.
    refused: Option<String>,
    /// Lines that Ctrl-C ended.
    ended: Rc<Vec<String>>,
    /// Entries before this one were cleared from the screen.
    cleared: usize,
    /// Whether Tab leaves the terminal instead of completing.
    leave: bool,
}

#[component]
pub fn Terminal(props: &Props) -> Html {
    let session = &props.session;
    let typing = use_state(Typing::default);
    let area = use_node_ref();
    use_waiting(typing.clone(), props.act.clone());
    use_in_sight((session.seen(), session.progress.answers.len()));
    let oninput = {
        let typing = typing.clone();
        Callback::from(move |event: InputEvent| {
            let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            typing.set(take_text(&typing, area.value()));
        })
    };
    let onkeydown = {
        let (typing, session, act) = (typing.clone(), session.clone(), props.act.clone());
        Callback::from(move |event: KeyboardEvent| {
            if let Some(next) = key(&event, &typing, &session, &act) {
                event.prevent_default();
                typing.set(next);
            }
        })
    };
    let onpaste = {
        let typing = typing.clone();
        Callback::from(move |event: Event| {
            let size = pasted(&event).len();
            if size > PASTE_BYTES_MAX {
                // Before the browser lays out what would be refused anyway.
                event.prevent_default();
                typing.set(Typing { refused: Some(too_long(size)), ..(*typing).clone() });
            }
        })
    };
    let focus = Callback::from(move |_: MouseEvent| {
        let selecting =
            web_sys::window().and_then(|w| w.get_selection().ok().flatten()).is_some_and(|s| !s.is_collapsed());
        if !selecting {
            browser::focus(PROMPT);
        }
    });
    let seen = session.seen();
    let visible: Vec<&Entry> = session.entries.iter().filter(|entry| entry.start < seen).collect();
    let first = visible.len().saturating_sub(ENTRIES_MAX).max(typing.cleared.min(visible.len()));
    let rows = typing.text.split('\n').count();
    html! {
        <div class="term" onclick={focus} data-entries={visible.len().to_string()} data-waiting={typing.waiting.len().to_string()}>
            <p class="cm" hidden={first == 0 || typing.cleared >= first}>{ format!("# {first} earlier commands are not drawn") }</p>
            <div class="done" aria-live="off">{ for visible.iter().enumerate().skip(first).map(|(at, entry)| entry_view(at, entry, seen)) }</div>
            <div class="ended">{ for typing.ended.iter().enumerate().map(|(at, line)| html! { <div key={at} class="in"><span class="ps">{ "$ " }</span>{ line }{ "^C" }</div> }) }</div>
            <div class="line live">
                <span class="ps" aria-hidden="true">{ if rows > 1 { ">" } else { "$" } }</span>
                <textarea ref={area} id={PROMPT} aria-label="Command" rows={rows.to_string()} spellcheck="false" autocomplete="off" autocapitalize="off" autocorrect="off" enterkeyhint="send"
                    value={typing.text.clone()} {oninput} {onkeydown} {onpaste} placeholder={if visible.is_empty() { session.example() } else { "" }} />
            </div>
            <div class="sugg" role="status" aria-label="Completions">{ for typing.offers.iter().take(OFFERS_MAX).map(|offer| html! { <span key={offer.clone()}>{ last_part(offer) }</span> }) }
                <span hidden={typing.offers.len() <= OFFERS_MAX}>{ format!("and {} more", typing.offers.len().saturating_sub(OFFERS_MAX)) }</span></div>
            <p class="cm refused" role="status" hidden={typing.refused.is_none()}>{ typing.refused.clone().unwrap_or_default() }</p>
        </div>
    }
}

fn last_part(offer: &str) -> &str {
    offer.rsplit('/').next().unwrap_or(offer)
}

/// Why a text was not taken.
fn too_long(bytes: usize) -> String {
    let (size, most) = (bytes as f64 / 1e6, PASTE_BYTES_MAX / 1024);
    format!("# {size:.1} MB were not taken: a paste may have {most} KiB. Put long manifests into the YAML tab.")
}

/// The text of a paste.
pub fn pasted(event: &Event) -> String {
    let data = event.dyn_ref::<ClipboardEvent>().and_then(ClipboardEvent::clipboard_data);
    data.and_then(|data| data.get_data("text/plain").ok()).unwrap_or_default()
}

/// Text that came in: typed, or pasted with line ends, whose complete commands wait to be run.
fn take_text(typing: &Typing, text: String) -> Typing {
    let mut next = Typing { offers: Rc::default(), refused: None, back: 0, leave: false, ..typing.clone() };
    if text.len() > PASTE_BYTES_MAX {
        next.refused = Some(too_long(text.len()));
        return next;
    }
    let added = text.matches('\n').count() > typing.text.matches('\n').count();
    if !added {
        next.text = text;
        return next;
    }
    let cut = cut(&text);
    // A last line without its line end waits for Enter, as in a shell.
    let (mut commands, mut rest) = (cut.commands, cut.rest);
    if !text.ends_with('\n') && rest.is_empty() {
        rest = commands.pop().unwrap_or_default();
    }
    // Inside a here-document or an open quote the line end belongs to the text.
    if text.ends_with('\n') && !rest.is_empty() {
        rest.push('\n');
    }
    if commands.len() > COMMANDS_MAX {
        next.refused = Some(format!("# {} commands at once: the first {COMMANDS_MAX} were taken", commands.len()));
        commands.truncate(COMMANDS_MAX);
    }
    next.waiting = Rc::new(commands);
    next.text = rest;
    next
}

/// What a key does; `None` for those that only type.
fn key(event: &KeyboardEvent, typing: &Typing, session: &Session, act: &Callback<Action>) -> Option<Typing> {
    let plain = Typing { offers: Rc::default(), refused: None, leave: false, ..typing.clone() };
    let name = event.key();
    if event.ctrl_key() && !event.shift_key() {
        return match name.as_str() {
            "c" if !selected(event) => {
                let mut ended = (*typing.ended).clone();
                ended.push(typing.text.clone());
                ended.drain(..ended.len().saturating_sub(5));
                Some(Typing { text: String::new(), back: 0, waiting: Rc::default(), ended: Rc::new(ended), ..plain })
            }
            "l" => Some(Typing { cleared: session.entries.len(), ended: Rc::default(), ..plain }),
            "u" => Some(Typing { text: String::new(), ..plain }),
            _ => None,
        };
    }
    match name.as_str() {
        "Enter" if event.shift_key() || event.is_composing() => None,
        "Enter" if !is_complete(&typing.text) => None,
        "Enter" => {
            let line = typing.text.trim().to_owned();
            if !line.is_empty() {
                act.emit(Action::Type(line));
            }
            Some(Typing { text: String::new(), back: 0, ended: Rc::default(), ..plain })
        }
        "Escape" => {
            browser::focus("pane");
            Some(Typing { leave: true, ..plain })
        }
        "Tab" if event.shift_key() || typing.leave || typing.text.is_empty() => None,
        "Tab" => {
            let state = session.state();
            let done = complete(&typing.text, &state.store, &state.files);
            Some(done.map_or(plain.clone(), |done| Typing { text: done.line, offers: Rc::new(done.offers), ..plain }))
        }
        "ArrowUp" if !typing.text.contains('\n') || typing.back > 0 => Some(recall(plain, session, 1)),
        "ArrowDown" if typing.back > 0 => Some(recall(plain, session, -1)),
        _ => None,
    }
}

/// Whether text is selected in the field, so that Ctrl-C copies.
fn selected(event: &KeyboardEvent) -> bool {
    let area = event.target_dyn_into::<HtmlTextAreaElement>();
    area.is_some_and(|area| area.selection_start().ok().flatten() != area.selection_end().ok().flatten())
}

fn recall(typing: Typing, session: &Session, by: isize) -> Typing {
    let history = &session.progress.history;
    let back = typing.back.saturating_add_signed(by).min(history.len());
    let text = match back {
        0 => String::new(),
        n => history[history.len() - n].clone(),
    };
    Typing { text, back, ..typing }
}

/// Runs the commands of a paste one after another, so that the page stays awake and Ctrl-C can end them.
#[hook]
fn use_waiting(typing: UseStateHandle<Typing>, act: Callback<Action>) {
    use_effect_with(typing.waiting.clone(), move |waiting| {
        let timer = waiting.split_first().map(|(first, rest)| {
            let (first, rest) = (first.clone(), rest.to_vec());
            Timeout::new(0, move || {
                typing.set(Typing { waiting: Rc::new(rest), ..(*typing).clone() });
                act.emit(Action::Type(first));
            })
        });
        move || drop(timer)
    });
}

/// Keeps the last line in sight when something was added.
#[hook]
fn use_in_sight(moment: (usize, usize)) {
    use_effect_with(moment, |_| {
        if let Some(pane) = browser::element("pane") {
            pane.set_scroll_top(pane.scroll_height());
        }
    });
}

fn entry_view(at: usize, entry: &Entry, seen: usize) -> Html {
    html! {
        <div key={at} class="entry" data-exit={entry.exit.to_string()}>
            <div class="in"><span class="ps">{ entry.place.prompt() }</span>{ entry.line.to_string() }</div>
            { output(entry, seen) }
        </div>
    }
}

fn output(entry: &Entry, seen: usize) -> Html {
    if entry.end > seen {
        return html! { <div class="cm">{ "# runs; step on to see what it prints" }</div> };
    }
    let text: String = entry.chunks.iter().map(|(_, text)| text.as_str()).collect();
    if text.is_empty() {
        let says = if entry.exit == 0 { "# no output".to_owned() } else { format!("# no output, exit {}", entry.exit) };
        return html! { <div class="cm">{ says }</div> };
    }
    let lines: Vec<&str> = text.lines().collect();
    let hidden = lines.len().saturating_sub(HEAD_LINES + TAIL_LINES);
    let (head, tail) =
        if hidden > 0 { (&lines[..HEAD_LINES], &lines[lines.len() - TAIL_LINES..]) } else { (&lines[..], &[][..]) };
    let copied = text.clone();
    let copy = Callback::from(move |_: MouseEvent| browser::copy(&copied));
    let failed = entry.exit != 0 && entry.chunks.iter().any(|(stream, _)| *stream == Stream::Stderr);
    html! {
        <>
            <div class="out">{ joined(head) }</div>
            <div class="cm" hidden={hidden == 0}>{ format!("# {hidden} lines are not drawn ") }<button type="button" class="copyb" aria-label="Copy the whole output" onclick={copy}>{ icon("copy") }</button></div>
            <div class="out" hidden={tail.is_empty()}>{ joined(tail) }</div>
            <div class="cm" hidden={!failed && entry.exit == 0}>{ format!("# exit {}", entry.exit) }</div>
        </>
    }
}

fn joined(lines: &[&str]) -> String {
    let short = |line: &&str| match line.char_indices().nth(LINE_CHARS) {
        Some((end, _)) => format!("{} … {} more characters", &line[..end], line.len() - end),
        None => (*line).to_owned(),
    };
    lines.iter().map(short).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the line and what waits to run, after texts came in one after another.
    fn typed(texts: &[&str]) -> (String, Vec<String>) {
        let mut typing = Typing::default();
        for text in texts {
            let whole = format!("{}{text}", typing.text);
            typing = take_text(&typing, whole);
        }
        (typing.text.clone(), typing.waiting.to_vec())
    }

    #[test]
    fn a_here_document_is_typed_line_by_line() {
        let (text, waiting) = typed(&["cat <<END", "\n", "a: 1", "\n", "END"]);
        assert_eq!((text.as_str(), waiting.len()), ("cat <<END\na: 1\nEND", 0));
    }

    #[test]
    fn the_last_line_of_a_paste_waits_for_enter() {
        assert_eq!(typed(&["echo a\necho b"]), ("echo b".to_owned(), vec!["echo a".to_owned()]));
        assert_eq!(typed(&["echo a\necho b\n"]).0, "");
    }

    #[test]
    fn what_is_too_long_leaves_the_line_as_it_was() {
        let typing = Typing { text: "echo kept".into(), ..Typing::default() };
        let after = take_text(&typing, "x".repeat(PASTE_BYTES_MAX + 1));
        assert_eq!(after.text, "echo kept");
        assert!(after.refused.is_some_and(|said| said.contains("0.3 MB were not taken")));
    }
}
