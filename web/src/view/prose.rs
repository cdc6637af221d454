//! Running text of the lessons.

use portlab_scenarios::model::{Paragraph, Span};
use yew::prelude::*;

/// Paragraphs, one element each.
pub fn paragraphs(paragraphs: &[Paragraph]) -> Html {
    paragraphs.iter().enumerate().map(|(at, paragraph)| keyed(at, paragraph)).collect()
}

fn keyed(at: usize, paragraph: &Paragraph) -> Html {
    match paragraph {
        Paragraph::Text(text) => html! { <p key={at}>{ spans(text) }</p> },
        Paragraph::Opinion(text) => {
            html! { <p key={at} class="opinion"><small>{ "Opinion" }</small>{ spans(text) }</p> }
        }
        Paragraph::List { ordered: true, items } => html! { <ol key={at}>{ list(items) }</ol> },
        Paragraph::List { ordered: false, items } => html! { <ul key={at}>{ list(items) }</ul> },
    }
}

fn list(items: &[Vec<Span>]) -> Html {
    items.iter().enumerate().map(|(at, item)| html! { <li key={at}>{ spans(item) }</li> }).collect()
}

/// Text within a line.
pub fn spans(spans: &[Span]) -> Html {
    spans.iter().enumerate().map(|(at, one)| html! { <span key={at}>{ span(one) }</span> }).collect()
}

fn span(one: &Span) -> Html {
    match one {
        Span::Text(text) => html! { { text } },
        Span::Code(text) => html! { <code>{ text }</code> },
        Span::Strong(inner) => html! { <strong>{ spans(inner) }</strong> },
        Span::Emphasis(inner) => html! { <em>{ spans(inner) }</em> },
        Span::Link { to, spans: inner } => html! { <a href={to.clone()} rel="noopener">{ spans(inner) }</a> },
    }
}
