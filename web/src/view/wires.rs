//! Connections: the end that opened, the wire, the other end, and the packet between them.

use yew::prelude::*;

use super::icon::{mark, shape};
use crate::scene::host::plug::left;
use crate::scene::host::wire::{End, Pill, Wire, Wires};

/// The wires; `hosts` says of each end which host it is on.
pub fn wires(wires: &Wires, hosts: bool) -> Html {
    html! {
        <div class="wires" role="group" aria-label="Connections" data-wires={wires.wires.len().to_string()}>
            { for wires.wires.iter().map(|one| wire(one, hosts)) }
            <p key="none" class="none" hidden={!wires.wires.is_empty()}>{ "no connection" }</p>
            <p key="more" class="more" hidden={wires.hidden == 0}>{ format!("{} more connections are not drawn", wires.hidden) }</p>
        </div>
    }
}

fn wire(wire: &Wire, hosts: bool) -> Html {
    let class = match &wire.pill {
        Some(pill) if pill.dropped.is_some() => "dropping",
        Some(pill) if pill.to_other => "to-other",
        Some(_) => "to-opener",
        None => "",
    };
    let open = wire.opener.plug.is_some() && wire.other.plug.is_some();
    html! {
        <div key={wire.key.clone()} class={classes!("wire", class, (!open).then_some("half"))} data-wire={wire.key.clone()}>
            { end(&wire.opener, hosts, "opener") }
            <div class="thread-w"><i class="thread" aria-hidden="true" />{ pill(wire.pill.as_ref()) }</div>
            { end(&wire.other, hosts, "other") }
        </div>
    }
}

fn end(end: &End, hosts: bool, side: &'static str) -> Html {
    let host = end.host.as_ref().filter(|_| hosts).map(|host| html! { <b class="on">{ &**host }</b> });
    let (address, port) = end.at.rsplit_once(':').unwrap_or(("", &end.at));
    let Some(plug) = &end.plug else {
        return html! {
            <div class={classes!("end", "nobody", side)} data-state="none">
                <i class="g-w">{ mark("virtual", "c-mute") }</i><b class="p">{ port }</b><span class="ad mono">{ address }</span><span class="st">{ "no socket" }</span><span class="who">{ host.unwrap_or_default() }</span>
            </div>
        };
    };
    let time = plug
        .timer
        .filter(|(what, _)| *what == "left")
        .map(|(_, ms)| html! { <span class="t">{ format!("{} left", left(ms)) }</span> });
    html! {
        <div class={classes!("end", side)} data-state={plug.says()}>
            <i class="g-w">{ shape(plug.shape) }</i>
            <b class="p">{ port }</b>
            <span class="ad mono">{ address }</span>
            <span class="st">{ plug.says() }</span>
            <span class="who">{ host.unwrap_or_default() }{ plug.who.says() }{ time.unwrap_or_default() }</span>
        </div>
    }
}

fn pill(pill: Option<&Pill>) -> Html {
    let Some(pill) = pill else { return html! { <span hidden=true /> } };
    let carries = if pill.load.is_empty() { String::new() } else { format!(" {}", pill.load) };
    html! {
        <div key={format!("{}{}", pill.flag, pill.path)} class={classes!("pill", pill.to_other.then_some("right"), pill.dropped.is_some().then_some("dropped"))} data-packet={pill.flag.clone()}>
            <b>{ &pill.flag }</b><span class="mono">{ &pill.path }{ carries }</span>
            <span class="why" hidden={pill.dropped.is_none()}>{ mark("drop", "c-drop") }{ pill.dropped.clone().unwrap_or_default() }</span>
        </div>
    }
}
