//! The page's frame: routes, settings, and what stands at each address.

use portlab_scenarios::model::Instrument;
use yew::prelude::*;
use yew_router::prelude::*;

use super::home::Home;
use super::topbar::Topbar;
use crate::browser;
use crate::settings::{SETTINGS_KEY, Settings, Theme};

/// The addresses, after the `#`.
#[derive(Clone, Debug, PartialEq, Routable)]
pub enum Route {
    #[at("/")]
    Home,
    #[at("/lesson/:id")]
    Lesson { id: String },
    #[at("/source-ports")]
    SourcePorts,
    #[at("/calls")]
    Calls,
    #[not_found]
    #[at("/not-found")]
    Lost,
}

impl From<Instrument> for Route {
    fn from(which: Instrument) -> Route {
        match which {
            Instrument::Calls => Route::Calls,
            Instrument::SourcePorts => Route::SourcePorts,
        }
    }
}

/// The settings and how to change them.
pub type SettingsHandle = UseReducerHandle<Settings>;

#[derive(Clone, PartialEq, Properties)]
pub struct AppProps {
    /// What stands at the address of the lesson with this id: the lesson, or in the home module what loads it.
    pub lesson: Callback<AttrValue, Html>,
    /// The same of an instrument.
    pub instrument: Callback<Instrument, Html>,
}

#[component]
pub fn App(props: &AppProps) -> Html {
    let settings = use_reducer(|| Settings::decode(browser::kept(SETTINGS_KEY).as_deref()));
    use_effect_with((*settings).clone(), |settings| {
        let theme = match settings.theme {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        };
        browser::set_root_attribute("data-theme", theme);
        browser::set_root_attribute("data-present", settings.present.then_some(""));
        browser::set_root_property("--speed", &settings.speed.factor().to_string());
        if *settings != Settings::decode(browser::kept(SETTINGS_KEY).as_deref()) {
            browser::keep(SETTINGS_KEY, &settings.encode());
        }
    });
    let render = {
        let props = props.clone();
        Callback::from(move |route| page(route, &props))
    };
    html! {
        <ContextProvider<SettingsHandle> context={settings.clone()}>
            <div class={classes!("root", settings.present.then_some("present-on"))}>
                <HashRouter>
                    <Switch<Route> {render} />
                </HashRouter>
            </div>
        </ContextProvider<SettingsHandle>>
    }
}

fn page(route: Route, full: &AppProps) -> Html {
    match route {
        Route::Home => html! { <Home key="home" /> },
        Route::Lesson { id } => full.lesson.emit(id.into()),
        Route::SourcePorts => full.instrument.emit(Instrument::SourcePorts),
        Route::Calls => full.instrument.emit(Instrument::Calls),
        Route::Lost => html! { <Lost key="lost" /> },
    }
}

#[component]
fn Lost() -> Html {
    html! {
        <div>
            <Topbar />
            <main class="fallback">
                <h1 class="h-title">{ "Nothing stands at this address" }</h1>
                <p><Link<Route> to={Route::Home}>{ "To the learning path" }</Link<Route>></p>
            </main>
        </div>
    }
}
