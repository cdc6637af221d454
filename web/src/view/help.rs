//! The dialog of the keyboard map, with the switch for single-letter keys and the notices.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::app::SettingsHandle;
use super::icon::icon;
use crate::settings::SettingsAction;

const KEYS: [(&[&str], &str); 11] = [
    (&["→"], "step on"),
    (&["←"], "step back"),
    (&["Home", "End"], "first and last event"),
    (&["Space"], "autoplay on or off"),
    (&["1", "…", "6"], "Terminal and its prompt, YAML, Describe, Host ports, Events, Story"),
    (&["A", "…", "D"], "choose in an open question"),
    (&["Enter"], "commit the choice; run the step"),
    (&["C"], "copy the command at hand"),
    (&["P"], "present: larger type"),
    (&["T"], "light or dark"),
    (&["?"], "this help"),
];

/// In the terminal.
const TERMINAL: [(&[&str], &str); 5] = [
    (&["Tab"], "complete"),
    (&["Esc"], "leave the prompt: single letters act again, Tab goes on"),
    (&["↑", "↓"], "earlier and later commands"),
    (&["Ctrl", "C"], "drop the line, and what waits of a paste"),
    (&["Ctrl", "L"], "clear the screen"),
];

/// The id by which the `?` key finds the button.
pub const HELP_BUTTON: &str = "help-button";

#[component]
pub fn Help() -> Html {
    let dialog = use_node_ref();
    let settings = use_context::<SettingsHandle>();
    let letters = settings.as_ref().is_none_or(|settings| settings.letter_keys);
    let open = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>().filter(|dialog| !dialog.open()) {
                let _ = dialog.show_modal();
            }
        })
    };
    let close = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        })
    };
    let toggle = Callback::from(move |_: Event| {
        if let Some(settings) = &settings {
            settings.dispatch(SettingsAction::LetterKeys(!settings.letter_keys));
        }
    });
    html! {
        <div class="help-w">
            <button type="button" id={HELP_BUTTON} class="btn quiet icon wide-only" aria-label="Help and keyboard" onclick={open}><kbd>{ "?" }</kbd></button>
            <dialog ref={dialog} aria-labelledby="help-title">
                <div class="dlg-h">
                    <h2 id="help-title">{ "Keyboard" }</h2>
                    <button type="button" class="btn quiet icon" aria-label="Close" onclick={close}>{ icon("x") }</button>
                </div>
                <div class="dlg-b">
                    <dl class="keys">{ rows(&KEYS) }</dl>
                    <label class="switch">
                        <input type="checkbox" checked={letters} onchange={toggle} /><i />{ "Single letters act outside text fields" }
                    </label>
                    <h3>{ "In the terminal" }</h3>
                    <dl class="keys">{ rows(&TERMINAL) }</dl>
                    <p class="note">
                        { "The lab runs in this browser; nothing leaves it. " }
                        <a href="THIRD-PARTY-NOTICES.txt">{ "Licences of what it is built from" }</a>
                    </p>
                </div>
            </dialog>
        </div>
    }
}

fn rows(rows: &[(&[&str], &str)]) -> Html {
    let row = |(keys, what): &(&[&str], &str)| {
        html! {
            <div key={*what} class="key">
                <dt>{ for keys.iter().map(|key| if *key == "…" { html! { <span key="dots">{ "…" }</span> } } else { html! { <kbd key={*key}>{ *key }</kbd> } }) }</dt>
                <dd>{ *what }</dd>
            </div>
        }
    };
    rows.iter().map(row).collect()
}
