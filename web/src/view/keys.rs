//! The keyboard outside text fields.

use gloo::events::{EventListener, EventListenerOptions};
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::app::SettingsHandle;
use super::help::HELP_BUTTON;
use super::lesson::Tab;
use super::topbar::switch_theme;
use crate::browser;
use crate::session::gate::Gate;
use crate::session::{Action, Session};
use crate::settings::SettingsAction;

/// The id of the button that commits an open question, runs the step or steps on.
pub const MAIN_BUTTON: &str = "main-button";
/// The id of the button that commits the open question.
pub const COMMIT_BUTTON: &str = "commit-button";
/// The id of the terminal's line.
pub const PROMPT: &str = "command";
/// The id of the button that copies the command at hand.
pub const COPY_BUTTON: &str = "copy-command";

/// Listens for the page's keys.
#[hook]
pub fn use_keys(session: &UseReducerHandle<Session>, act: &Callback<Action>, tab: &UseStateHandle<Tab>) {
    let settings = use_context::<SettingsHandle>();
    let (act, tab) = (act.clone(), tab.setter());
    let gate = session.open_blocks().gate;
    let auto = session.auto;
    let last = session.frames.len();
    let tabs = Tab::of(&session.lesson);
    use_effect(move || {
        let listener = move |event: &Event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if event.ctrl_key() || event.meta_key() || event.alt_key() || browser::typing() || dialog_open() {
                return;
            }
            let taken = move_transport(event, &act, auto, last)
                || enter(event, gate)
                || (settings.as_ref().is_none_or(|s| s.letter_keys)
                    && letter(event, gate, settings.as_ref(), (&tab, tabs)));
            if taken {
                event.prevent_default();
            }
        };
        let options = EventListenerOptions::enable_prevent_default();
        let listener = web_sys::window().map(|w| EventListener::new_with_options(&w, "keydown", options, listener));
        move || drop(listener)
    });
}

/// Whether a dialog takes the keys.
#[must_use]
pub fn dialog_open() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.and_then(|document| document.query_selector("dialog[open]").ok().flatten()).is_some()
}

/// The role or tag of what has the focus, where keys have a meaning of their own.
#[must_use]
pub fn focused() -> String {
    let active = web_sys::window().and_then(|w| w.document()).and_then(|d| d.active_element());
    active.map_or(String::new(), |active| active.get_attribute("role").unwrap_or_else(|| active.tag_name()))
}

fn move_transport(event: &KeyboardEvent, act: &Callback<Action>, auto: bool, last: usize) -> bool {
    let on = focused();
    if matches!(on.as_str(), "tab" | "slider" | "INPUT") {
        return false;
    }
    match event.key().as_str() {
        "ArrowRight" => act.emit(Action::Step(1)),
        "ArrowLeft" => act.emit(Action::Step(-1)),
        "Home" => act.emit(Action::Seek(0)),
        "End" => act.emit(Action::Seek(last)),
        " " if !matches!(on.as_str(), "BUTTON" | "A" | "SUMMARY") => act.emit(Action::Auto(!auto)),
        _ => return false,
    }
    true
}

/// Commits an open question, or runs the step.
fn enter(event: &KeyboardEvent, gate: Option<Gate>) -> bool {
    if event.key() != "Enter" || matches!(focused().as_str(), "BUTTON" | "A" | "SUMMARY" | "tab") {
        return false;
    }
    match gate {
        Some(Gate::Predict(_) | Gate::Recall(_)) => click(COMMIT_BUTTON),
        _ => click(MAIN_BUTTON),
    }
}

fn letter(
    event: &KeyboardEvent,
    gate: Option<Gate>,
    settings: Option<&SettingsHandle>,
    (tab, tabs): (&UseStateSetter<Tab>, &[Tab]),
) -> bool {
    let key = event.key().to_lowercase();
    let asking = matches!(gate, Some(Gate::Predict(_) | Gate::Recall(_)));
    match key.as_str() {
        "a" | "b" | "c" | "d" if asking => return click(&format!("choice-{key}")),
        "1" => {
            tab.set(Tab::Terminal);
            // The prompt is there once the tab is drawn.
            Timeout::new(0, || browser::focus(PROMPT)).forget();
        }
        "2" if tabs.contains(&Tab::Yaml) => tab.set(Tab::Yaml),
        "3" if tabs.contains(&Tab::Describe) => tab.set(Tab::Describe),
        "4" => tab.set(Tab::Ports),
        "5" => tab.set(Tab::Events),
        "6" => tab.set(Tab::Story),
        _ => return letter_of_page(&key, settings),
    }
    true
}

/// The letters that mean the same on every page: copy, present, theme, help.
pub fn letter_of_page(key: &str, settings: Option<&SettingsHandle>) -> bool {
    match (key, settings) {
        ("c", _) => click(COPY_BUTTON),
        ("?", _) => click(HELP_BUTTON),
        ("p", Some(settings)) => {
            settings.dispatch(SettingsAction::TogglePresent);
            true
        }
        ("t", Some(settings)) => {
            switch_theme(settings);
            true
        }
        _ => false,
    }
}

/// Clicks the element of this id, if it is there and takes clicks.
fn click(id: &str) -> bool {
    match browser::element(id).and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        Some(element) if !element.has_attribute("disabled") => {
            element.click();
            true
        }
        _ => false,
    }
}
