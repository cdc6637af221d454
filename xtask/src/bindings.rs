//! The JavaScript that stands between the browser and a WebAssembly module, by the wasm-bindgen library.

use std::path::Path;

use anyhow::{Context, ensure};
use wasm_bindgen_cli_support::Bindgen;

/// How the page takes a module in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Form {
    /// An ECMAScript module that fetches NAME_bg.wasm beside it.
    Module,
    /// A classic script that defines a global of the given name. Works in a page opened from disk, where a browser
    /// loads no ECMAScript module.
    Script { global: &'static str },
}

/// A module as the browser gets it.
#[derive(Clone)]
pub struct Bound {
    pub js: String,
    pub wasm: Vec<u8>,
}

/// Writes the bindings for the module that cargo left at `file`. `keep_names` keeps the functions' names, which a
/// stack trace shows and which weigh a quarter of the module.
pub fn bind(file: &Path, name: &str, form: Form, keep_names: bool) -> anyhow::Result<Bound> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(file)
        .out_name(name)
        .typescript(false)
        .remove_producers_section(true)
        .remove_name_section(!keep_names);
    match form {
        Form::Module => bindgen.web(true)?,
        Form::Script { global } => bindgen.no_modules(true)?.no_modules_global(global)?,
    };
    let mut output = bindgen.generate_output().with_context(|| format!("cannot bind {}", file.display()))?;
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "{name} brings JavaScript files of its own (inline_js or module = …), which the single-file page cannot hold"
    );
    Ok(Bound { js: output.js().to_owned(), wasm: output.wasm_mut().emit_wasm() })
}
