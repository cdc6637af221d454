//! Components: they draw and dispatch, and decide nothing.
//!
//! Fragments without state of their own are plain functions. Every conditional part stands in an element that is
//! always there, and every list has keys, because Yew 0.23 loses its place otherwise.

mod app;
mod badge;
mod bench;
mod card;
mod describe;
mod editor;
mod exercise;
mod help;
mod home;
mod host_stage;
mod icon;
mod keys;
mod lesson;
mod opening;
mod panel;
mod prose;
mod script;
mod sieve;
mod sockets;
mod stage;
mod story;
mod terminal;
mod topbar;
mod transport;
mod wires;

pub use app::{App, AppProps, Route, SettingsHandle};
pub use bench::strip_of;
pub use host_stage::HostScene;
pub use icon::{icon, mark};
pub use keys::{COPY_BUTTON, is_for_page, letter_of_page, letters_on, use_page_keys};
pub use lesson::lesson_page;
pub use opening::{opening, opening_instrument};
pub use sockets::sockets;
pub use topbar::Topbar;
pub use transport::{Move, Standing, bar, main_button, move_of, move_transport, use_autoplay};
