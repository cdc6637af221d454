//! The stage: Services, pending pods, the filter table while a pod is being placed, and the nodes with pods and rails.

use yew::prelude::*;

use super::icon::{icon, mark};
use super::sieve;
use crate::scene::claim::{Claim, clash};
use crate::scene::sieve::{Cell, Row, Sieve, sieve as sieve_of};
use crate::scene::stage::{self, Held, Lane, Life, Pod, Service};
use crate::session::Session;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub session: Session,
    pub hidden: bool,
}

/// What is drawn, computed when the moment changes.
#[derive(PartialEq)]
struct Scene {
    stage: stage::Stage,
    sieve: Option<Sieve>,
    cluster: String,
}

#[component]
pub fn Stage(props: &Props) -> Html {
    let session = &props.session;
    let picked = use_state(|| None::<usize>);
    let scene = {
        let session = session.clone();
        use_memo((session.revision, session.cursor, session.progress.step), move |_| {
            let state = session.state();
            let cluster = session.cluster();
            let sieve = sieve_of(&session.events(), session.frame(), &state);
            let nodes = sieve.as_ref().map(|sieve| sieve.nodes.clone()).unwrap_or_default();
            Scene { stage: stage::stage(&state.store, &cluster, &nodes), sieve, cluster }
        })
    };
    let lanes = scene.stage.lanes.len();
    let on = picked.unwrap_or_else(|| telling(&scene)).min(lanes.saturating_sub(1));
    let hosts = scene.stage.hidden_lanes;
    html! {
        <div class="stage" role="region" aria-label="Stage" tabindex="0" data-sieve={scene.sieve.is_some().to_string()}
            style={format!("--lanes:{lanes}")} hidden={props.hidden}>
            <div class="services">{ for scene.stage.services.iter().map(service) }{ more(scene.stage.hidden_services, "more Services") }</div>
            <div class="pick-w">{ lane_pick(&scene.stage.lanes, on, &picked) }</div>
            <div class="sky-w">{ sky(&scene) }</div>
            <div class="table-w">{ scene.sieve.as_ref().map_or_else(|| html! { <span hidden=true /> }, |s| sieve::table(s, &scene.stage.lanes, on, &scene.cluster)) }</div>
            <div class="feet">{ feet(&scene, on) }</div>
            <div class="hosts">{ more(hosts, "more nodes are not drawn") }</div>
        </div>
    }
}

/// The lane that a narrow window shows until another is picked: where a claim is in the way, else where pods are.
fn telling(scene: &Scene) -> usize {
    let ports = |row: &Row| row.cells.iter().position(|c| matches!(c, Cell::Stop(stop) if stop.compared.is_some()));
    let clash = scene.sieve.as_ref().and_then(|sieve| sieve.rows.iter().find_map(ports));
    let peopled = || scene.stage.lanes.iter().position(|lane| !lane.pods.is_empty());
    clash.or_else(peopled).unwrap_or(1)
}

fn more(count: usize, what: &str) -> Html {
    html! { <p class="more" hidden={count == 0}>{ format!("{count} {what}") }</p> }
}

fn lane_pick(lanes: &[Lane], on: usize, picked: &UseStateHandle<Option<usize>>) -> Html {
    let button = |(at, lane): (usize, &Lane)| {
        let picked = picked.setter();
        let onclick = Callback::from(move |_: MouseEvent| picked.set(Some(at)));
        html! { <button type="button" key={lane.node.clone()} aria-pressed={(at == on).to_string()} {onclick}>{ &lane.short }</button> }
    };
    html! { <div class="lane-pick"><span class="seg" role="group" aria-label="Node">{ for lanes.iter().enumerate().map(button) }</span></div> }
}

fn service(service: &Service) -> Html {
    let to = match service.endpoints.as_slice() {
        [] => "no endpoints".to_owned(),
        some => {
            let rest = if service.hidden_endpoints > 0 {
                format!(" and {} more", service.hidden_endpoints)
            } else {
                String::new()
            };
            format!("{}{rest}", some.join(", "))
        }
    };
    html! {
        <div key={service.name.clone()} class="svc">
            { mark("virtual", "c-ink") }<span>{ "Service " }<b>{ &service.name }</b></span><span class="mono">{ &service.address }</span>
            <span class="say">{ format!("to {to}. Virtual: no interface holds it, no socket listens on it") }</span>
        </div>
    }
}

/// Pods that no node has.
fn sky(scene: &Scene) -> Html {
    let stage = &scene.stage;
    if stage.pending.is_empty() {
        return html! { <span hidden=true /> };
    }
    let tried = scene.sieve.as_ref().map(|sieve| &sieve.pod);
    let (first, others): (Vec<&Pod>, Vec<&Pod>) = stage.pending.iter().partition(|pod| tried == Some(&pod.key));
    let count = stage.pending.len() + stage.hidden_pending;
    let asks = match stage.pending.first().map_or(0, |pod| pod.claims.len()) {
        0 => "asks for no host port".to_owned(),
        1 if count == 1 => "asks for one host port".to_owned(),
        _ if count == 1 => "asks for several host ports".to_owned(),
        _ => format!("{count} wait for a node"),
    };
    html! {
        <>
            <div class="sky">
                <p class="row-l"><b>{ if count == 1 { "Pending pod" } else { "Pending pods" } }</b>{ asks }</p>
                <div class="ghosts">
                    { for first.into_iter().map(|pod| ghost(pod, true)) }
                    { for others.into_iter().map(|pod| ghost(pod, false)) }
                    { more(stage.hidden_pending, "more wait") }
                </div>
            </div>
            <div class="drops" aria-hidden="true" hidden={scene.sieve.is_none()}>{ for stage.lanes.iter().map(|lane| html! { <i key={lane.node.clone()} /> }) }</div>
        </>
    }
}

fn ghost(pod: &Pod, whole: bool) -> Html {
    let wants = pod.claims.iter().take(3).map(|claim| {
        let why = if claim.ip_given { "" } else { "hostIP unset means every address" };
        html! { <div key={claim.to_string()} class="w">{ mark("virtual", "c-ink") }<span>{ claim.to_string() }</span><small hidden={!whole}>{ why }</small></div> }
    });
    html! {
        <div key={pod.name.clone()} class={classes!("ghost", (!whole).then_some("other"))} data-pending={pod.name.clone()}>
            <div class="n"><span>{ if whole { &pod.name } else { &pod.short } }</span><small>{ &pod.status }</small></div>
            { for wants }
        </div>
    }
}

/// The nodes: with a filter table above them only what they hold, else whole.
fn feet(scene: &Scene, on: usize) -> Html {
    let lanes = &scene.stage.lanes;
    let shown = |at: usize| if at == on { "on" } else { "" };
    let row = |class: &'static str, label: Html, cell: &dyn Fn(&Lane) -> Html| {
        let cells = lanes.iter().enumerate().map(|(at, lane)| html! { <div key={lane.node.clone()} class={classes!("lane", class, shown(at))}>{ cell(lane) }</div> });
        html! { <div class={classes!("lanes", "foot-row", format!("{class}-row"))}><div class="row-l">{ label }</div>{ for cells }</div> }
    };
    if lanes.is_empty() {
        return html! { <p class="empty">{ "This cluster has no nodes. They appear here when they are applied." }</p> };
    }
    let wants: Vec<Claim> = scene.sieve.as_ref().map(|sieve| sieve.wants.clone()).unwrap_or_default();
    if scene.sieve.is_some() {
        return row("base", html! { <>{ "Host ports already claimed" }</> }, &|lane| rail(lane, &wants, true));
    }
    html! {
        <div class="whole">
            { row("lane-top", html! { <><b>{ "Nodes" }</b>{ "and the pods on them" }</> }, &head) }
            { row("lane-pods", html! { <span /> }, &pods) }
            { row("lane-rail", html! { <>{ "Host ports claimed" }</> }, &|lane| rail(lane, &wants, false)) }
        </div>
    }
}

fn head(lane: &Lane) -> Html {
    html! {
        <div class="lane-h">
            <b>{ &lane.short }</b>
            { for lane.marks.iter().map(|mark| html! { <span key={mark.clone()} class="badge">{ mark }</span> }) }
            <span class="grow" /><span class="mono">{ &lane.ip }</span>
        </div>
    }
}

fn pods(lane: &Lane) -> Html {
    let system = match lane.system_pods {
        0 => String::new(),
        1 => "1 pod of the system".to_owned(),
        n => format!("{n} pods of the system"),
    };
    html! {
        <>
            { for lane.pods.iter().map(pod) }
            { more(lane.hidden_pods, "more pods") }
            <p class="none">{ if lane.pods.is_empty() && lane.system_pods == 0 { "no pods".to_owned() } else { system } }</p>
        </>
    }
}

fn pod(pod: &Pod) -> Html {
    let life = match pod.life {
        Life::Starting => "starting",
        Life::Up => "up",
        Life::Ending => "ending",
        Life::Over => "over",
    };
    let ports = pod.ports.iter().take(4).enumerate().map(|(at, port)| {
        let host = if port.port > 0 && !pod.host_network { format!(" ← {}", port.port) } else { String::new() };
        html! { <span key={at}><b>{ port.container_port }</b>{ format!(" {}{host}", port.protocol) }</span> }
    });
    let none = if pod.ports.is_empty() { "declares no port" } else { "" };
    html! {
        <div key={pod.name.clone()} class={classes!("pod", life, pod.host_network.then_some("host"))} data-pod={pod.name.clone()} data-life={life} title={pod.name.clone()}>
            <div class="n"><span>{ &pod.short }</span><small>{ &pod.status }</small></div>
            <div class="u" hidden={pod.unknown_images.is_empty()}>{ format!("image {} is not known here: it runs and serves nothing", pod.unknown_images.join(", ")) }</div>
            <div class="p">{ for ports }<span hidden={none.is_empty()}>{ none }</span><span class="ip">{ if pod.host_network { "hostNetwork" } else { &pod.ip } }</span></div>
        </div>
    }
}

/// The claims on a node; those in the way of a wanted one are marked.
fn rail(lane: &Lane, wants: &[Claim], brief: bool) -> Html {
    if lane.held.is_empty() {
        let none = match wants.first().filter(|_| brief) {
            Some(want) => format!("nothing claims {}", want.port),
            None => "no host port is claimed".to_owned(),
        };
        return html! { <p class="none">{ none }</p> };
    }
    let near = |one: &&Held| !brief || wants.is_empty() || wants.iter().any(|want| want.port == one.claim.port);
    let shown: Vec<&Held> = lane.held.iter().filter(near).collect();
    let others = lane.held.len() - shown.len() + lane.hidden_held;
    let none = match wants.first() {
        Some(want) if shown.is_empty() => format!("nothing claims {}", want.port),
        _ => String::new(),
    };
    html! {
        <>
            <p class="none" hidden={none.is_empty()}>{ none }</p>
            { for shown.into_iter().enumerate().map(|(at, one)| held(at, one, wants)) }
            { more(others, if others == 1 { "other claim" } else { "other claims" }) }
        </>
    }
}

fn held(at: usize, held: &Held, wants: &[Claim]) -> Html {
    let clashes = wants.iter().any(|want| clash(want, &held.claim));
    let near = wants.iter().any(|want| want.port == held.claim.port);
    let says = if near && !clashes { format!("{}: no clash", held.short) } else { held.short.clone() };
    html! {
        <div key={at} class={classes!("held", clashes.then_some("clash"))} title={held.pod.clone()}>
            <i class="claim" /><span>{ held.claim.to_string() }</span><small>{ says }</small>
        </div>
    }
}

/// A tick, for tables.
pub fn tick() -> Html {
    html! { <span class="c">{ icon("tick") }<span class="sr">{ "passes" }</span></span> }
}
