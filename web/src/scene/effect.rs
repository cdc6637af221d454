//! Fields that somebody set and that have no effect in the lab, for the page to tell.

use portlab_engine::event::{Event, What};

/// What the latest request among the events set without effect: the object's name and the fields.
#[must_use]
pub fn without_effect(events: &[Event]) -> Option<(String, Vec<String>)> {
    events.iter().rev().find_map(|event| match &event.what {
        What::WithoutEffect { key, fields } => Some((key.to_string(), fields.clone())),
        _ => None,
    })
}
