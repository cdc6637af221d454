//! The tabs below the transport and what each shows.

use portlab_engine::store::Kind;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use super::describe::Describe;
use super::editor::Editor;
use super::icon::{glyph, icon};
use super::keys::COPY_BUTTON;
use super::lesson::{Cx, Tab};
use super::sockets::sockets;
use super::terminal::Terminal;
use crate::browser;
use crate::scene::claim::claims;
use crate::scene::host::{self, Row};
use crate::scene::stage::short_node;
use crate::session::Action;

/// Rows of a table that are drawn at most.
const ROWS_MAX: usize = 300;

/// Tabs and the open pane.
pub fn panel(cx: &Cx) -> Html {
    let session = cx.session;
    // In wide windows the story stands beside, and the terminal is open in its place.
    let shown = if cx.tab == Tab::Story { Tab::Terminal } else { cx.tab };
    let body = match shown {
        Tab::Terminal | Tab::Story => {
            html! { <Terminal key="terminal" session={session.clone()} act={cx.act.clone()} /> }
        }
        Tab::Yaml => {
            html! { <Editor key="yaml" session={session.clone()} act={cx.act.clone()} file={cx.file.clone()} pick={cx.pick_file.clone()} /> }
        }
        Tab::Describe => html! { <Describe key="describe" session={session.clone()} /> },
        Tab::Ports if !session.has_cluster() => {
            let (rows, hidden) = tuples(cx);
            html! { <div key="tuples">{ sockets(&rows, hidden) }</div> }
        }
        Tab::Ports => html! { <div key="ports" class="grid-w">{ ports(cx) }</div> },
        Tab::Events => html! { <div key="events" class="evl">{ events(cx) }</div> },
    };
    html! {
        <div class="panel">
            <div class="tabs">
                <div class="tablist" role="tablist" aria-label="Views">{ for Tab::of(&session.lesson).iter().map(|tab| tab_button(cx, *tab)) }</div>
                { copy_button(cx) }
            </div>
            <div class="pane" id="pane" role="tabpanel" tabindex="0" aria-labelledby={format!("tab-{}", shown.id())} data-pane={shown.id()}>{ body }</div>
        </div>
    }
}

fn tab_button(cx: &Cx, tab: Tab) -> Html {
    let (label, count) = match tab {
        Tab::Story => ("Story", None),
        Tab::Terminal => ("Terminal", None),
        Tab::Yaml => ("YAML", None),
        Tab::Describe => ("Describe", None),
        Tab::Ports if !cx.session.has_cluster() => {
            let (rows, hidden) = tuples(cx);
            ("Sockets", Some(rows.len() + hidden))
        }
        Tab::Ports => ("Host ports", Some(held_count(cx))),
        Tab::Events => ("Events", Some(cx.session.cursor)),
    };
    let selected = cx.tab == tab;
    let standing_in = cx.tab == Tab::Story && tab == Tab::Terminal;
    let show = cx.show.clone();
    let onclick = Callback::from(move |_: MouseEvent| show.emit(tab));
    html! {
        <button type="button" key={tab.id()} role="tab" id={format!("tab-{}", tab.id())} aria-controls="pane"
            class={classes!((tab == Tab::Story).then_some("tab-story"), standing_in.then_some("stands-in"))}
            aria-selected={selected.to_string()} tabindex={if selected { "0" } else { "-1" }} {onclick} onkeydown={arrows(cx, tab)}>
            { label }<span class="n" hidden={count.is_none()}>{ count.unwrap_or_default() }</span>
        </button>
    }
}

/// Arrow keys go from tab to tab.
fn arrows(cx: &Cx, tab: Tab) -> Callback<KeyboardEvent> {
    let show = cx.show.clone();
    let all = Tab::of(&cx.session.lesson);
    Callback::from(move |event: KeyboardEvent| {
        let at = all.iter().position(|one| *one == tab).unwrap_or(0);
        let to = match event.key().as_str() {
            "ArrowRight" => (at + 1) % all.len(),
            "ArrowLeft" => (at + all.len() - 1) % all.len(),
            "Home" => 0,
            "End" => all.len() - 1,
            _ => return,
        };
        event.prevent_default();
        show.emit(all[to]);
        browser::focus(&format!("tab-{}", all[to].id()));
    })
}

/// The command at hand: the last that has run in what is shown.
fn copy_button(cx: &Cx) -> Html {
    let seen = cx.session.seen();
    let Some(entry) = cx.session.entries.iter().rev().find(|entry| entry.start < seen) else {
        return html! { <span hidden=true /> };
    };
    let line = entry.line.clone();
    let first = line.lines().next().unwrap_or_default().to_owned();
    let copy = Callback::from(move |_: MouseEvent| browser::copy(&line));
    html! {
        <button type="button" id={COPY_BUTTON} class="copy" title="Copy this command" onclick={copy}>
            <span class="ps">{ "$" }</span><span class="cut">{ first }</span>{ icon("copy") }
        </button>
    }
}

fn held_count(cx: &Cx) -> usize {
    let state = cx.session.state();
    let on_node =
        |pod: &&portlab_engine::store::Object| !portlab_engine::object::str_at(pod, "spec.nodeName").is_empty();
    state.store.list(Kind::Pod).filter(on_node).map(|pod| claims(pod).len()).sum()
}

/// The sockets of the hosts as they are shown.
fn tuples(cx: &Cx) -> (Vec<Row>, usize) {
    let events = cx.session.events();
    let bench = host::on_bench(&events[..cx.session.seen().min(events.len())]);
    host::table(&cx.session.state(), cx.session.frame().and_then(|frame| frame.shown(&events)), bench)
}

/// Every claim of a host port, those of waiting pods too.
fn ports(cx: &Cx) -> Html {
    use portlab_engine::object::{bool_at, name, namespace, str_at};
    let state = cx.session.state();
    let cluster = cx.session.cluster();
    let mut rows: Vec<(String, String, String, String, u16, &str)> = Vec::new();
    for pod in state.store.list(Kind::Pod) {
        let node = match str_at(pod, "spec.nodeName") {
            "" => "none: waits".to_owned(),
            node => short_node(node, &cluster),
        };
        let socket = match (str_at(pod, "spec.nodeName"), bool_at(pod, "spec.hostNetwork")) {
            ("", _) => "nothing yet",
            (_, true) => "the pod’s own: it shares the node’s network",
            (_, false) => "no socket: a rule forwards it",
        };
        let holder = format!("{}/{}", namespace(pod), name(pod));
        rows.extend(claims(pod).into_iter().map(|c| (node.clone(), c.ip, c.protocol, holder.clone(), c.port, socket)));
    }
    rows.sort();
    let surplus = rows.len().saturating_sub(ROWS_MAX);
    if rows.is_empty() {
        return html! { <p class="empty">{ "No pod claims a host port. Claims appear here as pods that declare one are created." }</p> };
    }
    let lines = rows.iter().take(ROWS_MAX).enumerate().map(|(at, (node, ip, protocol, holder, port, socket))| {
        html! { <tr key={at}><td>{ node }</td><td>{ ip }</td><td>{ protocol }</td><td>{ port }</td><td>{ holder }</td><td><small>{ *socket }</small></td></tr> }
    });
    html! {
        <>
            <table class="grid-t">
                <thead><tr><th scope="col">{ "Node" }</th><th scope="col">{ "hostIP" }</th><th scope="col">{ "Protocol" }</th><th scope="col">{ "hostPort" }</th><th scope="col">{ "Pod" }</th><th scope="col">{ "Socket on the node" }</th></tr></thead>
                <tbody>{ for lines }</tbody>
            </table>
            <p class="more" hidden={surplus == 0}>{ format!("{surplus} more claims are not drawn") }</p>
        </>
    }
}

/// What has been reached, frame by frame; a click goes back there.
fn events(cx: &Cx) -> Html {
    let session = cx.session;
    if session.cursor == 0 {
        return html! { <p class="empty">{ "Nothing has happened in this step yet. Events appear here as they are reached." }</p> };
    }
    let first = session.cursor.saturating_sub(ROWS_MAX);
    let rows = session.frames[first..session.cursor].iter().enumerate().map(|(n, frame)| {
        let place = first + n + 1;
        let act = cx.act.clone();
        let onclick = Callback::from(move |_: MouseEvent| act.emit(Action::Seek(place)));
        html! {
            <li key={place}>
                <button type="button" aria-current={(place == session.cursor).then_some("step")} {onclick}>
                    <span class="no">{ place }</span>{ glyph(frame.glyph) }<span class="tx">{ frame.decision.to_string() }</span><span class="by">{ &frame.decision.place }</span>
                </button>
            </li>
        }
    });
    html! { <><p class="more" hidden={first == 0}>{ format!("{first} earlier events are not drawn") }</p><ol>{ for rows }</ol></> }
}
