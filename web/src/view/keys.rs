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
use super::transport::{Move, move_transport, standing};
use crate::browser;
use crate::session::Session;
use crate::session::gate::Gate;
use crate::settings::SettingsAction;

/// The id of the button that commits an open question, runs the step or steps on.
pub const MAIN_BUTTON: &str = "main-button";
/// The id of the button that commits the open question.
pub const COMMIT_BUTTON: &str = "commit-button";
/// The id of the terminal's line.
pub const PROMPT: &str = "command";
/// The id of the button that copies the command at hand.
pub const COPY_BUTTON: &str = "copy-command";

/// Listens for a lesson's keys.
#[hook]
pub fn use_keys(session: &UseReducerHandle<Session>, moves: &Callback<Move>, tab: &UseStateHandle<Tab>) {
    let settings = use_context::<SettingsHandle>();
    let (standing, moves, tab) = (standing(session), moves.clone(), tab.setter());
    let gate = session.open_blocks().gate;
    let tabs = Tab::of(&session.lesson);
    use_page_keys(true, move |event| {
        move_transport(event, &standing, &moves)
            || enter(event, gate)
            || (letters_on(settings.as_ref()) && letter(event, gate, settings.as_ref(), (&tab, tabs)))
    });
}

/// Listens, where that is `on`, for the keys that are meant for the page; those that are taken do nothing else.
#[hook]
pub fn use_page_keys(on: bool, take: impl Fn(&KeyboardEvent) -> bool + 'static) {
    use_effect(move || {
        let listener = move |event: &Event| {
            if event.dyn_ref::<KeyboardEvent>().is_some_and(|event| is_for_page(event) && take(event)) {
                event.prevent_default();
            }
        };
        let options = EventListenerOptions::enable_prevent_default();
        let window = web_sys::window().filter(|_| on);
        let listener = window.map(|w| EventListener::new_with_options(&w, "keydown", options, listener));
        move || drop(listener)
    });
}

/// Whether a key is meant for the page, not for a text, a menu, a dialog or the browser.
#[must_use]
pub fn is_for_page(event: &KeyboardEvent) -> bool {
    !(event.ctrl_key() || event.meta_key() || event.alt_key() || browser::typing() || dialog_open())
}

/// Whether single letters do something.
#[must_use]
pub fn letters_on(settings: Option<&SettingsHandle>) -> bool {
    settings.is_none_or(|settings| settings.letter_keys)
}

/// Whether a dialog takes the keys.
fn dialog_open() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.and_then(|document| document.query_selector("dialog[open]").ok().flatten()).is_some()
}

/// The role or tag of what has the focus, where keys have a meaning of their own.
#[must_use]
pub fn focused() -> String {
    let active = web_sys::window().and_then(|w| w.document()).and_then(|d| d.active_element());
    active.map_or(String::new(), |active| active.get_attribute("role").unwrap_or_else(|| active.tag_name()))
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
