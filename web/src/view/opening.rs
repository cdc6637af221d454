//! What stands at the address of a lesson or an instrument until the lab is there; in the home module it is what loads
//! the lab.

use portlab_scenarios::model::Instrument;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::topbar::Topbar;
use crate::path::{index, title_of};
use crate::{browser, module};

#[derive(Clone, PartialEq, Properties)]
pub struct TitleProps {
    pub title: AttrValue,
}

/// Says that the lab is on its way.
#[component]
pub fn Waiting(props: &TitleProps) -> Html {
    html! {
        <div data-page="opening">
            <Topbar />
            <main class="fallback"><h1 class="h-title">{ &props.title }</h1><p role="status">{ "Loading engine…" }</p></main>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct OpeningProps {
    pub title: AttrValue,
    /// Where the same can be read as text.
    pub text: Option<AttrValue>,
}

/// What the home module puts at a lesson's address.
pub fn opening(id: AttrValue) -> Html {
    let lesson = index().iter().find(|lesson| lesson.id == *id).cloned();
    let title = lesson.as_ref().map_or_else(String::new, |lesson| lesson.title.clone());
    let text = lesson.map(|lesson| format!("lessons/{}{}-{}/lesson.md", lesson.chapter, lesson.position, lesson.id));
    html! { <Opening key={id.to_string()} {title} text={text.map(AttrValue::from)} /> }
}

/// What it puts at an instrument's.
pub fn opening_instrument(which: Instrument) -> Html {
    html! { <Opening key={which.name()} title={title_of(which)} text={None::<AttrValue>} /> }
}

/// Loads the full module, which takes the page over.
#[component]
fn Opening(props: &OpeningProps) -> Html {
    let failed = use_state(|| false);
    {
        let failed = failed.setter();
        use_effect_with((), move |()| {
            spawn_local(async move {
                if module::load(module::FULL).await.is_err() {
                    failed.set(true);
                }
            });
        });
    }
    let title = props.title.clone();
    let text = props.text.clone().map(|href| html! { <p><a {href}>{ "The lesson as text" }</a></p> });
    let retry = Callback::from(|_: MouseEvent| browser::reload());
    html! {
        <div>
            {
                if *failed {
                    html! {
                        <div key="failed" data-page="not-loaded">
                            <Topbar />
                            <main class="fallback">
                                <h1 class="h-title">{ title }</h1>
                                <p role="alert">{ "The lab could not be loaded: the connection failed, or the server has a newer version of the page." }</p>
                                <p><button type="button" class="btn" onclick={retry}>{ "Load the page again" }</button></p>
                                { text.unwrap_or_default() }
                            </main>
                        </div>
                    }
                } else {
                    html! { <Waiting key="waiting" {title} /> }
                }
            }
        </div>
    }
}
