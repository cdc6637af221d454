//! The badge: on what a lesson's claims were confirmed. Its text comes from recorded runs, never from here.

use portlab_scenarios::model::Lesson;
use portlab_scenarios::record;
use yew::prelude::*;

use super::icon::icon;

/// The systems and the date, as a lesson's page shows them.
pub fn confirmation(lesson: &Lesson) -> Html {
    let records = record::committed();
    match record::confirming(&records, lesson) {
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
pub fn short(lesson: &Lesson) -> Html {
    let records = record::committed();
    match record::confirming(&records, lesson) {
        Some(run) => {
            html! { <span class="ok">{ icon("tick") }{ run.system().replace("Kubernetes ", "") }</span> }
        }
        None => html! { <span class="no-ok">{ "not yet confirmed" }</span> },
    }
}
