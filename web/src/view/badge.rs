//! The badge: on what a lesson's claims were confirmed. Its text comes from recorded runs, never from here.

use portlab_scenarios::index::Entry;
use portlab_scenarios::model::Lesson;
use portlab_scenarios::record::{self, Confirmation};
use yew::prelude::*;

use super::icon::icon;

thread_local! {
    static CONFIRMATIONS: Vec<Confirmation> = portlab_scenarios::confirmations();
}

/// What confirms the lesson as it stands; all that confirms lessons is read once.
fn confirming(lesson: &str, hash: &str) -> Option<Confirmation> {
    CONFIRMATIONS.with(|all| record::confirming(all, lesson, hash).cloned())
}

/// The systems and the date, as a lesson's page shows them.
pub fn confirmation(lesson: &Lesson) -> Html {
    match confirming(&lesson.id, &lesson.hash) {
        Some(run) => html! {
            <div class="confirm">
                <span>{ icon("tick") }{ run.system() }</span>
                <span><time datetime={run.date.clone()}>{ &run.date }</time></span>
            </div>
        },
        None => html! { <div class="confirm none"><span>{ "not yet confirmed" }</span></div> },
    }
}

/// The same in a line of the path.
pub fn short(lesson: &Entry) -> Html {
    match confirming(&lesson.id, &lesson.hash) {
        Some(run) => {
            html! { <span class="ok">{ icon("tick") }{ run.system().replace("Kubernetes ", "") }</span> }
        }
        None => html! { <span class="no-ok">{ "not yet confirmed" }</span> },
    }
}
