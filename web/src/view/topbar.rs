//! The bar on top: where you are, the badge, size, theme, help.

use yew::prelude::*;
use yew_router::prelude::*;

use super::app::{Route, SettingsHandle};
use super::help::Help;
use super::icon::icon;
use crate::browser;
use crate::settings::{SettingsAction, Theme};

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Chapter and title, on a lesson's page.
    #[prop_or_default]
    pub lesson: Option<(AttrValue, AttrValue)>,
    /// The badge.
    #[prop_or_default]
    pub children: Html,
}

#[component]
pub fn Topbar(props: &Props) -> Html {
    let settings = use_context::<SettingsHandle>();
    let present = settings.as_ref().is_some_and(|settings| settings.present);
    let change = settings.as_ref().map(UseReducerHandle::dispatcher);
    let toggle_present = {
        let change = change.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(change) = &change {
                change.dispatch(SettingsAction::TogglePresent);
            }
        })
    };
    let toggle_theme = Callback::from(move |_: MouseEvent| {
        if let Some(settings) = &settings {
            switch_theme(settings);
        }
    });
    html! {
        <header class={classes!("topbar", if props.lesson.is_some() { "lesson-bar" } else { "home-bar" })}>
            <Link<Route> to={Route::Home} classes="mark">
                <svg viewBox="0 0 9 20" aria-hidden="true">
                    <circle class="ring" cx="4.5" cy="5" r="3.3" /><circle class="disc" cx="4.5" cy="15" r="4.1" />
                </svg>
                <span class="mark-t">{ "portlab" }</span>
            </Link<Route>>
            <div class="crumb-w">{ crumb(props.lesson.as_ref()) }</div>
            <span class="grow" />
            { props.children.clone() }
            <button type="button" class="btn quiet wide-only btn-present" aria-pressed={present.to_string()} onclick={toggle_present}>
                { icon("present") }{ "Present" }
            </button>
            <button type="button" class="btn quiet icon" aria-label="Switch theme" onclick={toggle_theme}>{ icon("theme") }</button>
            <Help />
        </header>
    }
}

fn crumb(lesson: Option<&(AttrValue, AttrValue)>) -> Html {
    let Some((chapter, title)) = lesson else { return html! { <span /> } };
    html! {
        <nav class="crumb" aria-label="Where you are">
            <span class="sl" aria-hidden="true">{ "/" }</span>
            <Link<Route> to={Route::Home} classes="up">{ chapter }</Link<Route>>
            <span class="sl" aria-hidden="true">{ "/" }</span>
            <b aria-current="page">{ title }</b>
        </nav>
    }
}

/// From what is shown now to the other one.
pub fn switch_theme(settings: &SettingsHandle) {
    let dark = match settings.theme {
        Theme::System => browser::system_is_dark(),
        Theme::Light => false,
        Theme::Dark => true,
    };
    settings.dispatch(SettingsAction::Theme(if dark { Theme::Light } else { Theme::Dark }));
}
