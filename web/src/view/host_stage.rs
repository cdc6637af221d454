//! The stage of hosts: each a network namespace with its connections as wires and its ports as a rail at the foot.

use std::rc::Rc;

use portlab_engine::linux::socket::Protocol;
use yew::prelude::*;

use super::icon::{mark, shape};
use super::wires::wires;
use crate::scene::host::plug::{Plug, left};
use crate::scene::host::rail::{Attempt, Hidden, Kind, Port, Rail, Zone};
use crate::scene::host::translation::Translation;
use crate::scene::host::{self, Scene};
use crate::session::Session;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub session: Session,
    pub hidden: bool,
    /// A prediction is open and nothing has run: the ranges of ports, which may be its answer, are not told.
    pub unsaid: bool,
}

/// The stage of a lesson without a cluster.
#[component]
pub fn HostStage(props: &Props) -> Html {
    let session = &props.session;
    let scene = {
        let session = session.clone();
        use_memo((session.revision, session.cursor, session.progress.step), move |_| {
            let events = session.events();
            let bench = host::on_bench(&events[..session.seen().min(events.len())]);
            host::scene(&session.state(), session.frame().and_then(|frame| frame.shown(&events)), bench)
        })
    };
    html! { <HostScene {scene} hidden={props.hidden} unsaid={props.unsaid} /> }
}

#[derive(Clone, PartialEq, Properties)]
pub struct SceneProps {
    pub scene: Rc<Scene>,
    #[prop_or_default]
    pub hidden: bool,
    #[prop_or_default]
    pub unsaid: bool,
}

/// A scene of hosts.
#[component]
pub fn HostScene(props: &SceneProps) -> Html {
    let scene = &props.scene;
    let one = scene.rails.len() == 1;
    let attempts = scene.rails.iter().flat_map(|rail| &rail.zones);
    let refused = attempts.clone().flat_map(|zone| &zone.ports).find_map(|port| port.attempt.as_ref());
    let refused = refused.or_else(|| attempts.clone().find_map(|zone| zone.attempt.as_ref()));
    html! {
        <div class="stage hosts-stage" role="region" aria-label="Stage" tabindex="0" hidden={props.hidden}
            data-hosts={scene.rails.len().to_string()} data-refused={refused.map(|attempt| attempt.errno)}>
            <div class="between" hidden={one}>{ if one { html! {} } else { wires(&scene.wires, true) } }</div>
            <div class="hs">{ for scene.rails.iter().map(|rail| host_box(rail, scene, one, props.unsaid)) }</div>
            <p class="more" hidden={scene.hidden_hosts == 0}>{ format!("{} more hosts are not drawn", scene.hidden_hosts) }</p>
            <p class="empty" hidden={!scene.rails.is_empty()}>{ "No host has started. One appears here with its sockets when a program opens the first." }</p>
        </div>
    }
}

fn host_box(rail: &Rail, scene: &Scene, one: bool, unsaid: bool) -> Html {
    let counted = match rail.sockets {
        0 => "no open sockets".to_owned(),
        1 => "1 socket".to_owned(),
        n => format!("{n} sockets"),
    };
    let ports = rail.zones.iter().flat_map(|zone| &zone.ports);
    let users = ports.flat_map(|port| &port.plugs).chain(&rail.loose).any(|plug| plug.uid != 0);
    html! {
        <section key={rail.host.to_string()} class="host" aria-label={format!("Host {}", rail.host)} data-host={rail.host.to_string()}>
            <header class="host-h">
                <b>{ &*rail.host }</b>
                <span class="addr">{ for rail.addresses.iter().map(|address| html! { <span key={address.clone()} class="mono">{ address }</span> }) }</span>
                { for rail.settings.iter().map(|setting| html! { <span key={setting.clone()} class="badge mono">{ setting }</span> }) }
                <span class="grow" /><span class="count">{ counted }</span>
            </header>
            <div class="host-b">
                <div class="inside">{ if one { wires(&scene.wires, false) } else { html! {} } }</div>
                { translated(rail) }
                { loose(rail, users) }
            </div>
            <div class={classes!("prail", unsaid.then_some("unsaid"))} role="group" aria-label="Ports">{ for rail.zones.iter().map(|one| zone(one, unsaid, users)) }</div>
        </section>
    }
}

/// What the host translates: the source that was, struck out, and the one in its place.
fn translated(rail: &Rail) -> Html {
    let one = |one: &Translation| {
        html! {
            <li key={format!("{} {} {}", one.protocol, one.from, one.towards)} class="translation">
                <span class="sr">{ format!("{}: {} becomes {} towards {}", one.protocol, one.from, one.to, one.towards) }</span>
                <span class="see" aria-hidden="true">
                    { mark("rew", "c-rew") }
                    <s class="mono">{ &one.from }</s>
                    <b class="mono">{ &one.to }</b>
                    <small>{ one.protocol }{ " towards " }<span class="mono">{ &one.towards }</span></small>
                </span>
            </li>
        }
    };
    html! {
        <ul class="translations" hidden={rail.translations.is_empty()} aria-label="Translated connections" data-translations={rail.translations.len().to_string()}>
            { for rail.translations.iter().map(one) }
            <li key="more" class="more" hidden={rail.hidden_translations == 0}>{ format!("{} more are translated", thousands(rail.hidden_translations)) }</li>
        </ul>
    }
}

/// Sockets that have no port: hollow, for nobody can reach them.
fn loose(rail: &Rail, users: bool) -> Html {
    html! {
        <ul class="loose" hidden={rail.loose.is_empty()} aria-label="Sockets without a port">
            { for rail.loose.iter().map(|one| plug(one, users)) }
            <li key="more" class="more" hidden={rail.hidden_loose == 0}>{ format!("{} more without a port", rail.hidden_loose) }</li>
        </ul>
    }
}

/// A stretch of the rail. `unsaid` leaves its ends and its rule out; `users` tells of each socket whose it is.
fn zone(zone: &Zone, unsaid: bool, users: bool) -> Html {
    let (class, says) = match zone.kind {
        Kind::Privileged => ("privileged", "privileged"),
        Kind::Plain => ("plain", ""),
        Kind::Local => ("local", "connect picks here"),
    };
    let (ends, says) = match (unsaid, zone.low) {
        (false, low) => (format!("{low}–{}", zone.high), says),
        (true, 0) => ("ports 0–65535".to_owned(), ""),
        (true, _) => (String::new(), ""),
    };
    let empty = zone.ports.is_empty() && zone.hidden.ports == 0 && zone.attempt.is_none();
    let weight = 2 + zone.ports.len().clamp(1, 3);
    html! {
        <div key={zone.low.to_string()} class={classes!("zone", class, empty.then_some("void"))} style={format!("--w:{weight}")} data-zone={format!("{}-{}", zone.low, zone.high)}>
            <p class="zone-h"><span class="mono">{ ends }</span><small>{ says }</small></p>
            <div class="ports">
                { for zone.ports.iter().map(|one| port(one, users)) }
                <div key="attempt" class="whole-range" hidden={zone.attempt.is_none()}>{ attempt(zone.attempt.as_ref()) }</div>
                <p key="more" class="more" hidden={zone.hidden.ports == 0}>{ hidden(&zone.hidden) }</p>
            </div>
        </div>
    }
}

/// `28,214 more ports: 28,000 TIME_WAIT, 214 ESTABLISHED`
fn hidden(hidden: &Hidden) -> String {
    let states: Vec<String> =
        hidden.states.iter().map(|(state, count)| format!("{} {}", thousands(*count), state.name())).collect();
    let ports =
        if hidden.ports == 1 { "1 more port".to_owned() } else { format!("{} more ports", thousands(hidden.ports)) };
    format!("{ports}: {}", states.join(", "))
}

/// A count with its thousands apart.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn port(port: &Port, users: bool) -> Html {
    let protocol = if port.protocol == Protocol::Tcp { "TCP" } else { "UDP" };
    let tried = port.attempt.is_some();
    html! {
        <div key={format!("{}{protocol}", port.port)} class={classes!("port", tried.then_some("tried"))} data-port={port.port.to_string()} data-protocol={protocol}>
            <p class="port-h"><b>{ port.port }</b><small>{ protocol }</small></p>
            <ul>
                { for port.plugs.iter().map(|one| plug(one, users)) }
                <li key="none" class="none" hidden={!port.plugs.is_empty()}>{ "nobody holds it" }</li>
                <li key="more" class="more" hidden={port.hidden == 0}>{ format!("{} more sockets", thousands(port.hidden)) }</li>
                <li key="tried" class="tried-w" hidden={!tried}>{ attempt(port.attempt.as_ref()) }</li>
            </ul>
        </div>
    }
}

/// The call that was refused: it stands beside the one that was in its way.
fn attempt(attempt: Option<&Attempt>) -> Html {
    let Some(attempt) = attempt else { return html! { <span hidden=true /> } };
    html! {
        <div class="attempt" data-errno={attempt.errno}>
            { mark("ref", "c-ref") }
            <span class="mono call">{ &attempt.call }</span>
            <b class="c-ref mono">{ attempt.errno }</b>
        </div>
    }
}

/// A socket; with its user where sockets of several may be compared.
fn plug(plug: &Plug, users: bool) -> Html {
    let state = format!("{:?}", plug.shape).to_lowercase();
    let queue = plug.queue.map(|(waiting, backlog)| {
        let full = waiting > backlog as usize;
        let text = format!("queue {waiting}/{backlog}");
        html! { <span class={classes!("q", "mono", full.then_some("full"))} title={format!("{waiting} wait for accept, backlog {backlog}")}>{ text }</span> }
    });
    let peer = plug.peer.as_ref().map(|peer| html! { <span class="peer mono">{ format!("→ {peer}") }</span> });
    let timer = plug.timer.map(|(what, ms)| {
        let text = if what == "left" { format!("{} left", left(ms)) } else { format!("{what} {}", left(ms)) };
        html! { <span class="t">{ text }</span> }
    });
    let user = users.then(|| html! { <span class="chip">{ format!("uid {}", plug.uid) }</span> });
    let unread = (plug.unread > 0).then(|| html! { <span class="t">{ format!("{} unread", plug.unread) }</span> });
    html! {
        <li key={plug.key.clone()} class={classes!("plug", plug.decided.then_some("decided-it"), plug.acts.then_some("acts"))}
            data-shape={state} data-state={plug.says()} data-decided={plug.decided.to_string()} data-who={plug.who.says()}>
            <span class="sr">{ plug.label() }</span>
            <span class="see" aria-hidden="true">
                <i class="g-w">{ shape(plug.shape) }</i>
                <span class="ad mono">{ &plug.address }</span>
                { peer.unwrap_or_default() }
                <span class="who">{ plug.who.says() }</span>
                <span class="st">{ plug.says() }</span>
                { queue.unwrap_or_default() }
                { timer.unwrap_or_default() }
                { unread.unwrap_or_default() }
                { for plug.options.iter().map(|option| html! { <span key={option.clone()} class="chip">{ option }</span> }) }
                { user.unwrap_or_default() }
            </span>
        </li>
    }
}
