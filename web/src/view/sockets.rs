//! The table of five-tuples: protocol, both addresses, state, owner, timer.

use portlab_engine::linux::socket::Protocol;
use yew::prelude::*;

use super::icon::shape;
use crate::scene::host::Row;
use crate::scene::host::plug::left;

/// The table, with how many sockets are left out.
pub fn sockets(rows: &[Row], hidden: usize) -> Html {
    if rows.is_empty() {
        return html! { <p class="empty">{ "No socket has a port. Five-tuples appear here as programs bind and connect." }</p> };
    }
    let several = rows.iter().any(|(host, _)| *host != rows[0].0);
    let lines = rows.iter().map(|(host, plug)| {
        let (protocol, _, port, ..) = plug.tuple;
        let protocol = if protocol == Protocol::Tcp { "tcp" } else { "udp" };
        let timer = plug.timer.map_or_else(String::new, |(what, ms)| match what {
            "left" => format!("{} left", left(ms)),
            what => format!("{what} {}", left(ms)),
        });
        html! {
            <tr key={format!("{host}-{}", plug.key)} class={classes!(plug.decided.then_some("decided-it"))} data-port={port.to_string()}>
                <td>{ protocol }</td>
                <td>{ format!("{}:{port}", plug.address) }</td>
                <td>{ plug.peer.clone().unwrap_or_else(|| "*".to_owned()) }</td>
                <td><span class="st">{ shape(plug.shape) }{ plug.says() }</span></td>
                <td>{ plug.who.says() }</td>
                <td>{ timer }</td>
                <td hidden={!several}>{ &**host }</td>
            </tr>
        }
    });
    html! {
        <div class="grid-w">
            <table class="grid-t tuples" data-rows={rows.len().to_string()}>
                <thead><tr><th scope="col">{ "Proto" }</th><th scope="col">{ "Local" }</th><th scope="col">{ "Peer" }</th><th scope="col">{ "State" }</th><th scope="col">{ "Owner" }</th><th scope="col">{ "Timer" }</th><th scope="col" hidden={!several}>{ "Host" }</th></tr></thead>
                <tbody>{ for lines }</tbody>
            </table>
            <p class="more" hidden={hidden == 0}>{ format!("{hidden} more sockets are not drawn") }</p>
        </div>
    }
}
