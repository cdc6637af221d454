//! The page on which the instrument stands alone: the keys of the whole page, the settings that the address names.

use gloo::events::{EventListener, EventListenerOptions};
use portlab_scenarios::model::Instrument;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use super::live::Act;
use super::record::RUN_MS;
use super::screen;
use super::settings::Settings;
use super::view::{Msg, SourcePorts};
use crate::browser;
use crate::path::{SOURCE_PORTS, home_of};
use crate::view::{self, Move, SettingsHandle, Topbar};

/// What stands at the instrument's address.
pub fn source_ports_page() -> Html {
    html! { <Page key="source-ports" /> }
}

/// The instrument alone, with the settings that the address names.
#[component]
fn Page() -> Html {
    let settings = use_context::<SettingsHandle>();
    use_effect_with((), |()| browser::set_title(&format!("{SOURCE_PORTS} · portlab")));
    view::use_page_keys(true, move |event| {
        view::letters_on(settings.as_ref()) && view::letter_of_page(&event.key().to_lowercase(), settings.as_ref())
    });
    let begins = use_memo((), |()| Settings::decode(&screen::query_of_address()));
    html! {
        <div data-page="source-ports">
            <Topbar lesson={Some((AttrValue::from(home_of(Instrument::SourcePorts)), AttrValue::from("Source ports")))} />
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

/// What a key of the whole page does.
fn key(event: &KeyboardEvent) -> Option<Act> {
    let to = view::is_for_page(event).then(|| view::move_of(event, false, RUN_MS as usize)).flatten()?;
    Some(match to {
        Move::Seek(at) => Act::Seek(u32::try_from(at).unwrap_or(RUN_MS)),
        Move::Step(by) if by < 0 => Act::Back,
        Move::Step(_) => Act::Step,
        Move::Auto(_) => Act::TogglePlay,
    })
}
