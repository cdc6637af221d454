//! The full module: starts the page with the lab in the element `#app` of index.html.

use portlab_web::instrument;
use portlab_web::view::{App, AppProps, lesson_page};
use portlab_web::{browser, module};
use yew::Callback;

fn main() {
    browser::report_panics();
    module::take_over();
    if let Some(root) = browser::element("app") {
        let lesson = Callback::from(lesson_page);
        let instrument = Callback::from(instrument::page);
        yew::Renderer::<App>::with_root_and_props(root, AppProps { lesson, instrument }).render();
    }
}
