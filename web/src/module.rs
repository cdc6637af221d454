//! The page's other WebAssembly modules, which index.html offers as functions of `window.portlabModules`.
//!
//! Home is a module of its own ([`HOME`] links nothing of the lab). The full module draws every page, home included:
//! when it starts it asks the home that is there to leave ([`take_over`]), and serves all addresses from then on.

use gloo::events::EventListener;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The module that a visit to home loads.
pub const HOME: &str = "portlab-home";
/// The module with the lab in it.
pub const FULL: &str = "portlab-web";
/// jq.
pub const JQ: &str = "portlab_web_jq";

/// The event by which the full module asks home to leave.
const LEAVE: &str = "portlab-leave";

/// Loads a module unless it is there; what it exports.
///
/// # Errors
/// When the page does not offer it, or it cannot be fetched.
pub async fn load(name: &str) -> Result<JsValue, JsValue> {
    let modules = Reflect::get(&js_sys::global(), &"portlabModules".into())?;
    let load: Function = Reflect::get(&modules, &name.into())?.dyn_into()?;
    JsFuture::from(load.call0(&JsValue::NULL)?.dyn_into::<Promise>()?).await
}

/// Takes the page over from home, if that stands there.
pub fn take_over() {
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new(LEAVE)) {
        let _ = window.dispatch_event(&event);
    }
}

/// Does this, once, when the full module takes over.
pub fn on_take_over(leave: impl FnOnce() + 'static) {
    if let Some(window) = web_sys::window() {
        EventListener::once(&window, LEAVE, move |_| leave()).forget();
    }
}
