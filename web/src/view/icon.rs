//! Icons and glyphs; their outlines stand in index.html.

use yew::prelude::*;

use crate::scene::frame::Glyph;
use crate::scene::host::plug::Shape;

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
        Glyph::Socket(state) => shape(state),
        Glyph::Dropped => mark("drop", "c-drop"),
        Glyph::Waits => mark("waits", "c-ink"),
    }
}

/// A socket's mark: an outline of its own for every state, in the state's colour.
pub fn shape(shape: Shape) -> Html {
    match shape {
        Shape::Fresh => mark("virtual", "c-ink"),
        Shape::Bound => mark("bound", "c-ink"),
        Shape::Listening => mark("listen", "c-listen"),
        Shape::Datagrams => mark("dgram", "c-listen"),
        Shape::Opening => mark("syn", "c-est"),
        Shape::Answering => mark("synrecv", "c-est"),
        Shape::Established => mark("est", "c-est"),
        Shape::Closing => mark("fin", "c-est"),
        Shape::LeftOpen => mark("left", "c-est"),
        Shape::TimeWait => mark("tw", "c-tw"),
    }
}
