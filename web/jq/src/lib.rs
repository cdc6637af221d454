//! jq as a WebAssembly module of its own, which the page loads when a command first needs it: jq alone is as large as
//! half of the page.

use js_sys::Array;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

/// Runs jq; the answer is standard output, standard error and the exit status.
#[wasm_bindgen]
#[must_use]
pub fn jq(args: Vec<String>, stdin: &str) -> Array {
    let done = portlab_jq::run(&args, stdin);
    let answer: [JsValue; 3] = [done.stdout.into(), done.stderr.into(), done.exit.into()];
    answer.into_iter().collect()
}
