//! The page: one person, one lab, one lesson at a time.
//!
//! * [`instrument`]: single phenomena with their controls, each on a page of its own and for lessons to show.
//! * [`jq`]: jq, loaded when it is first needed.
//! * [`manifest`]: what would be said of a manifest, and where.
//! * [`module`]: the WebAssembly modules of which the page is made.
//! * [`path`]: the sixteen lessons in their four chapters, those to come included.
//! * [`session`]: what a learner has done in a lesson; one reducer changes it, storage keeps it.
//! * [`scene`]: pure functions from the lab's events and states to what the screen shows.
//! * [`terminal`]: completing a command line and cutting a paste into commands.
//! * [`view`]: components; they draw and dispatch, and decide nothing.
//! * [`browser`]: the few calls into the browser that Yew does not wrap.

pub mod browser;
pub mod instrument;
pub mod jq;
pub mod manifest;
pub mod module;
pub mod path;
pub mod scene;
pub mod session;
pub mod settings;
pub mod terminal;
pub mod view;
