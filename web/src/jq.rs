//! jq in the page: a WebAssembly module of its own, loaded when a command first needs it.
//!
//! Where the page does not offer it ([`module`]; a plain `trunk serve`), jq answers that it is not there.

use std::cell::RefCell;

use js_sys::{Array, Function, Reflect};
use portlab_engine::lab::JqOutput;
use wasm_bindgen::{JsCast, JsValue};

use crate::module;

thread_local! {
    static RUN: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// Whether a text may need jq when it is run.
#[must_use]
pub fn is_needed(text: &str) -> bool {
    text.contains("jq")
}

/// Loads the module unless it is there; whether jq can be used now.
pub async fn load() -> bool {
    if RUN.with_borrow(Option::is_some) {
        return true;
    }
    let Ok(run) = fetch().await else { return false };
    RUN.set(Some(run));
    true
}

async fn fetch() -> Result<Function, JsValue> {
    let module = module::load(module::JQ).await?;
    Reflect::get(&module, &"jq".into())?.dyn_into()
}

/// Runs jq as [`portlab_engine::lab::Jq`] asks.
#[must_use]
pub fn run(args: &[String], stdin: &str) -> JqOutput {
    let list: Array = args.iter().map(JsValue::from).collect();
    let answer =
        RUN.with_borrow(|run| run.as_ref().and_then(|run| run.call2(&JsValue::NULL, &list, &stdin.into()).ok()));
    match answer.and_then(|answer| answer.dyn_into::<Array>().ok()) {
        Some(answer) => JqOutput {
            stdout: answer.get(0).as_string().unwrap_or_default(),
            stderr: answer.get(1).as_string().unwrap_or_default(),
            exit: answer.get(2).as_f64().map_or(1, |exit| exit as i32),
        },
        None => JqOutput {
            stdout: String::new(),
            stderr: "jq: the module that runs jq could not be loaded\n".to_owned(),
            exit: 5,
        },
    }
}
