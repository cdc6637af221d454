//! Starts the page in the element `#app` of index.html.

fn main() {
    portlab_web::browser::report_panics();
    if let Some(root) = portlab_web::browser::element("app") {
        yew::Renderer::<portlab_web::view::App>::with_root(root).render();
    }
}
