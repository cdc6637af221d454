//! What `kubectl describe` says of an object at the moment that is shown.

use portlab_engine::object::{name, namespace, str_at};
use portlab_engine::store::Kind;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::session::Session;

/// Objects offered at most.
const OFFERED_MAX: usize = 200;
/// Lines shown at most.
const LINES_MAX: usize = 400;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub session: Session,
}

#[component]
pub fn Describe(props: &Props) -> Html {
    let session = &props.session;
    let picked = use_state(|| None::<String>);
    let moment = (session.revision, session.cursor, session.progress.step);
    let offered = {
        let session = session.clone();
        use_memo(moment, move |_| offered(&session))
    };
    let chosen = (*picked).clone().filter(|one| offered.contains(one)).or_else(|| offered.first().cloned());
    let text = {
        let session = session.clone();
        use_memo((moment, chosen.clone()), move |(_, chosen)| {
            chosen.as_ref().map(|what| session.peek(&format!("kubectl describe {what}"))).unwrap_or_default()
        })
    };
    let onchange = Callback::from(move |event: Event| {
        picked.set(event.target_dyn_into::<HtmlSelectElement>().map(|select| select.value()))
    });
    let Some(chosen) = chosen else {
        return html! { <div><p class="empty">{ "There is no object to describe yet." }</p></div> };
    };
    let surplus = text.lines().count().saturating_sub(LINES_MAX);
    let lines = text.lines().take(LINES_MAX).enumerate().map(|(at, line)| {
        let loud = line.contains("FailedScheduling") || line.contains("didn't have free ports");
        html! { <span key={at}>{ if loud { html! { <mark>{ line.to_owned() }</mark> } } else { html! { <span>{ line.to_owned() }</span> } } }{ "\n" }</span> }
    });
    html! {
        <div>
            <div class="pick-row">
                <label for="describe-what"><span class="mono">{ "$ kubectl describe " }</span></label>
                <select id="describe-what" {onchange}>
                    { for offered.iter().map(|one| html! { <option key={one.clone()} value={one.clone()} selected={*one == chosen}>{ one }</option> }) }
                </select>
                <span>{ "as it was at the event that is shown" }</span>
            </div>
            <div class="describe" data-describe={chosen.clone()}>{ for lines }</div>
            <p class="more" hidden={surplus == 0}>{ format!("{surplus} more lines are not drawn") }</p>
        </div>
    }
}

/// Objects by how likely one wants to read them: waiting pods, other pods, what owns them, nodes.
fn offered(session: &Session) -> Vec<String> {
    let state = session.state();
    let mut out: Vec<(u8, String)> = Vec::new();
    for kind in [Kind::Pod, Kind::Deployment, Kind::ReplicaSet, Kind::DaemonSet, Kind::Service, Kind::Node] {
        for object in state.store.list(kind).take(OFFERED_MAX) {
            let waits = kind == Kind::Pod && str_at(object, "spec.nodeName").is_empty();
            let system = namespace(object) == "kube-system";
            let rank = if waits {
                0
            } else if system {
                2
            } else {
                1
            };
            let within = match namespace(object) {
                "" | "default" => String::new(),
                other => format!(" -n {other}"),
            };
            out.push((rank, format!("{} {}{within}", kind.info().singular, name(object))));
        }
    }
    out.sort_by_key(|(rank, _)| *rank);
    out.into_iter().map(|(_, what)| what).take(OFFERED_MAX).collect()
}
