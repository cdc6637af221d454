//! The page on which the instrument stands alone: the keys of the whole page, the settings that the address names.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use super::live::Act;
use super::record::RUN_MS;
use super::screen;
use super::settings::Settings;
use super::view::{Msg, SourcePorts};
use crate::browser;
use crate::path::SOURCE_PORTS;
use crate::view::{self, SettingsHandle, Topbar};

/// What stands at the instrument's address.
pub fn source_ports_page() -> Html {
    html! { <Page key="source-ports" /> }
}

/// The instrument alone, with the settings that the address names.
#[component]
fn Page() -> Html {
    let settings = use_context::<SettingsHandle>();
    use_effect_with((), |()| browser::set_title(&format!("{SOURCE_PORTS} · portlab")));
    use_effect(move || {
        let listener = move |event: &Event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let meant =
                !(event.ctrl_key() || event.meta_key() || event.alt_key() || browser::typing() || view::dialog_open());
            let letters = settings.as_ref().is_none_or(|settings| settings.letter_keys);
            if meant && letters && view::letter_of_page(&event.key().to_lowercase(), settings.as_ref()) {
                event.prevent_default();
            }
        };
        let options = EventListenerOptions::enable_prevent_default();
        let listener =
            web_sys::window().map(|window| EventListener::new_with_options(&window, "keydown", options, listener));
        move || drop(listener)
    });
    let begins = use_memo((), |()| Settings::decode(&screen::query_of_address()));
    html! {
        <div data-page="source-ports">
            <Topbar lesson={Some((AttrValue::from("Five-tuples"), AttrValue::from("Source ports")))} />
            <main class="sp-page"><SourcePorts settings={Some(*begins)} /></main>
        </div>
    }
}

/// The keys of the whole page, and changes of the system's theme.
pub(super) fn listeners(ctx: &Context<SourcePorts>) -> Vec<EventListener> {
    let mut kept = Vec::new();
    let Some(window) = web_sys::window() else { return kept };
    if let Ok(Some(dark)) = window.match_media("(prefers-color-scheme: dark)") {
        let link = ctx.link().clone();
        kept.push(EventListener::new(&dark, "change", move |_| link.send_message(Msg::Room)));
    }
    if !ctx.props().compact {
        let link = ctx.link().clone();
        let options = EventListenerOptions::enable_prevent_default();
        kept.push(EventListener::new_with_options(&window, "keydown", options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if let Some(act) = key(event) {
                event.prevent_default();
                link.send_message(Msg::Act(act));
            }
        }));
    }
    kept
}

/// What a key of the whole page does; space is the button's of id `sp-play`.
fn key(event: &KeyboardEvent) -> Option<Act> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || browser::typing() || view::dialog_open() {
        return None;
    }
    let on = view::focused();
    if matches!(on.as_str(), "tab" | "slider" | "INPUT") {
        return None;
    }
    match event.key().as_str() {
        "ArrowRight" => Some(Act::Step),
        "ArrowLeft" => Some(Act::Back),
        "Home" => Some(Act::Seek(0)),
        "End" => Some(Act::Seek(RUN_MS)),
        " " if !matches!(on.as_str(), "BUTTON" | "A" | "SUMMARY") => Some(Act::TogglePlay),
        _ => None,
    }
}
