//! The module of a first visit: home alone, in the element `#app` of index.html. The address of a lesson or an instrument
//! loads the full module, which takes the page over.

use portlab_web::view::{App, AppProps, opening, opening_instrument};
use portlab_web::{browser, module};
use yew::Callback;

fn main() {
    browser::report_panics();
    if let Some(root) = browser::element("app") {
        let lesson = Callback::from(opening);
        let instrument = Callback::from(opening_instrument);
        let page = yew::Renderer::<App>::with_root_and_props(root, AppProps { lesson, instrument }).render();
        module::on_take_over(|| page.destroy());
    }
}
