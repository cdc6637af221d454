//! The module of a first visit: home alone, in the element `#app` of index.html. A lesson's address loads the full
//! module, which takes the page over.

use portlab_web::view::{App, AppProps, opening};
use portlab_web::{browser, module};
use yew::Callback;

fn main() {
    browser::report_panics();
    if let Some(root) = browser::element("app") {
        let lesson = Callback::from(opening);
        let page = yew::Renderer::<App>::with_root_and_props(root, AppProps { lesson }).render();
        module::on_take_over(|| page.destroy());
    }
}
