//! Icons and glyphs; their outlines stand in index.html.

use yew::prelude::*;

use crate::scene::frame::Glyph;

/// A line icon of the controls.
pub fn icon(name: &str) -> Html {
    html! { <svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href={format!("#i-{name}")} /></svg> }
}

/// A state's mark, in the colour of `class`.
pub fn mark(name: &str, class: &'static str) -> Html {
    html! { <svg class={classes!("g", class)} aria-hidden="true"><use href={format!("#g-{name}")} /></svg> }
}

/// A frame's mark.
pub fn glyph(glyph: Glyph) -> Html {
    match glyph {
        Glyph::Hop => mark("hop", "c-ink"),
        Glyph::Rule => mark("rule", "c-ink"),
        Glyph::Refused => mark("ref", "c-ref"),
        Glyph::Added => mark("plus", "c-ink"),
        Glyph::Changed => mark("change", "c-ink"),
        Glyph::Gone => mark("minus", "c-ink"),
        Glyph::Landed => mark("land", "c-ink"),
        Glyph::Up => mark("up", "c-ink"),
        Glyph::Ending => mark("end", "c-ink"),
    }
}
