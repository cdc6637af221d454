//! The few calls into the browser that Yew does not wrap. Each does nothing where the browser refuses.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Storage};

/// Where the page notes the command that is running, for the report after a panic.
pub const RUNNING_KEY: &str = "portlab.running";
/// Where the page notes that it brings a kept world about again, so that one that kills it is not tried twice.
pub const OPENING_KEY: &str = "portlab.opening";

#[must_use]
pub fn element(id: &str) -> Option<Element> {
    web_sys::window()?.document()?.get_element_by_id(id)
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

/// What is kept under this name.
#[must_use]
pub fn kept(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Keeps a text; whether the browser took it (storage may be full or switched off).
pub fn keep(name: &str, text: &str) -> bool {
    storage().is_some_and(|storage| storage.set_item(name, text).is_ok())
}

/// Forgets what is kept under this name.
pub fn forget(name: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(name);
    }
}

/// Sets or removes an attribute of the page's root element.
pub fn set_root_attribute(name: &str, value: Option<&str>) {
    let Some(root) = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element()) else { return };
    let _ = match value {
        Some(value) => root.set_attribute(name, value),
        None => root.remove_attribute(name),
    };
}

/// Sets a custom property of the page's root element, for the style sheets.
pub fn set_root_property(name: &str, value: &str) {
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
    if let Some(root) = root.and_then(|root| root.dyn_into::<HtmlElement>().ok()) {
        let _ = root.style().set_property(name, value);
    }
}

/// The window's title.
pub fn set_title(title: &str) {
    if let Some(document) = web_sys::window().and_then(|w| w.document()) {
        document.set_title(title);
    }
}

/// Loads the page anew.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Puts a text on the clipboard; pages without a secure origin have none.
pub fn copy(text: &str) {
    let Some(navigator) = web_sys::window().map(|window| window.navigator()) else { return };
    let there = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object());
    if there {
        let _ = navigator.clipboard().write_text(text);
    }
}

/// Whether story and bench stand side by side.
#[must_use]
pub fn is_wide() -> bool {
    let width = web_sys::window().and_then(|window| window.inner_width().ok()).and_then(|width| width.as_f64());
    width.is_some_and(|width| width >= 1240.0)
}

/// Moves the focus to the element of this id.
pub fn focus(id: &str) {
    if let Some(element) = element(id).and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

fn first(css: &str) -> Option<Element> {
    web_sys::window()?.document()?.query_selector(css).ok().flatten()
}

/// Scrolls as little as needed to show the first element of a selector.
pub fn bring_into_sight(css: &str) {
    if let Some(element) = first(css) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Scrolls the first element of a selector to its beginning.
pub fn scroll_to_top(css: &str) {
    if let Some(element) = first(css) {
        element.set_scroll_top(0);
    }
}

/// Whether the system shows dark colours.
#[must_use]
pub fn system_is_dark() -> bool {
    web_sys::window()
        .and_then(|window| window.match_media("(prefers-color-scheme: dark)").ok().flatten())
        .is_some_and(|query| query.matches())
}

/// Whether keys pressed now go into a text, so that single letters must not act.
#[must_use]
pub fn typing() -> bool {
    let active = web_sys::window().and_then(|w| w.document()).and_then(|d| d.active_element());
    active.is_some_and(|active| matches!(active.tag_name().as_str(), "TEXTAREA" | "SELECT") || is_text_input(&active))
}

fn is_text_input(element: &Element) -> bool {
    element
        .dyn_ref::<web_sys::HtmlInputElement>()
        .is_some_and(|input| !matches!(input.type_().as_str(), "radio" | "checkbox" | "range" | "button"))
}

/// The time of day as a wall clock shows it, `15:07`: for the note when a prediction was locked.
#[must_use]
pub fn clock() -> String {
    let now = js_sys::Date::new_0();
    format!("{:02}:{:02}", now.get_hours(), now.get_minutes())
}

/// After a panic nothing of the page runs any more, so plain HTML of index.html tells the reader;
/// the panic is also logged as an error, on which browser tests fail.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let report = info.to_string();
        web_sys::console::error_1(&report.clone().into());
        let Some(strip) = element("stopped").and_then(|strip| strip.dyn_into::<HtmlElement>().ok()) else { return };
        let at = element("bench").and_then(|bench| bench.get_attribute("data-frame"));
        if let (Some(at), Some(title)) = (at, element("stopped-title")) {
            title.set_text_content(Some(&format!("The simulation stopped at event {at}.")));
        }
        let running = kept(RUNNING_KEY).unwrap_or_default();
        let _ = strip
            .dataset()
            .set("report", &format!("portlab {}\n{report}\nwhile: {running}", env!("CARGO_PKG_VERSION")));
        let _ = strip.remove_attribute("hidden");
    }));
}
