//! A process's next call: chosen from menus, or typed as a line in strace's notation.

use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::bench::{LINE_CHARS_MAX, Side, Wrong};
use super::draft::{ADDRESSES, Draft, Kind, likely_option, next_kind};
use crate::view::mark;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub side: Side,
    pub pid: u32,
    pub user: u32,
    /// The sockets that the process has open.
    pub open: Vec<String>,
    /// What its next socket is called.
    pub new_name: String,
    /// How many calls have been made: a new one makes room for the next.
    pub made: usize,
    /// The line of its last call.
    pub last: Option<AttrValue>,
    pub wrong: Option<Wrong>,
    /// A line that stands ready, with a number that changes when another does.
    pub ready: Option<(u64, AttrValue)>,
    pub make: Callback<String>,
}

/// The form of one process.
#[component]
pub fn Form(props: &Props) -> Html {
    let draft = use_state(|| next(props));
    {
        // A line that is put ready takes the place of what stood there.
        let draft = draft.setter();
        use_effect_with(props.ready.clone(), move |ready| {
            if let Some((_, line)) = ready {
                draft.set(Draft::of_line(line));
            }
        });
    }
    {
        // After a call that was taken, the next likely one.
        let (draft, props) = (draft.clone(), props.clone());
        use_effect_with((props.made, props.new_name.clone()), move |_| {
            let line = props.ready.as_ref().filter(|(_, line)| props.last.as_ref() != Some(line));
            let waits = line.is_some_and(|(_, line)| draft.line == **line);
            if props.wrong.is_none() && !waits {
                draft.set(next(&props));
            }
        });
    }
    let lane = if props.side == Side::A { "a" } else { "b" };
    let change = {
        let (draft, new_name) = (draft.clone(), props.new_name.clone());
        Callback::from(move |mut next: Draft| {
            next.line = next.compose(&new_name);
            draft.set(next);
        })
    };
    let oninput = {
        let draft = draft.clone();
        Callback::from(move |event: InputEvent| {
            let line = event.target_unchecked_into::<HtmlInputElement>().value();
            draft.set(Draft { line, ..(*draft).clone() });
        })
    };
    let onsubmit = {
        let (draft, make) = (draft.clone(), props.make.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            make.emit(draft.line.clone());
        })
    };
    let user = {
        let (make, to) = (props.make.clone(), if props.user == 0 { 1000 } else { 0 });
        Callback::from(move |_: MouseEvent| make.emit(format!("seteuid({to})")))
    };
    let users = [0_u32, 1000].map(|uid| {
        let on = props.user == uid;
        let onclick = if on { Callback::noop() } else { user.clone() };
        html! { <button type="button" key={uid} aria-pressed={on.to_string()} {onclick}>{ format!("uid {uid}") }</button> }
    });
    html! {
        <form class={classes!("proc", lane)} aria-label={format!("Process {}", props.side.name())} data-side={lane} data-user={props.user.to_string()} {onsubmit}>
            <div class="proc-h"><b>{ format!("Process {}", props.side.name()) }</b><span class="mono">{ props.pid }</span><span class="grow" /><span class="seg" role="group" aria-label="User">{ for users }</span></div>
            <div class="fields">{ menu(props, &draft, &change) }{ fields(props, &draft, &change) }</div>
            <div class="go">
                <label class="sr" for={format!("line-{lane}")}>{ format!("The call of process {}, in strace’s notation", props.side.name()) }</label>
                <input id={format!("line-{lane}")} class="mono" type="text" maxlength={LINE_CHARS_MAX.to_string()} autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go"
                    value={draft.line.clone()} {oninput} aria-invalid={props.wrong.is_some().to_string()} aria-describedby={format!("wrong-{lane}")} />
                <button type="submit" class="btn solid" id={format!("make-{lane}")}>{ "Call" }</button>
            </div>
            <div class="wrong" id={format!("wrong-{lane}")} role="alert">{ wrong(props.wrong.as_ref()) }</div>
        </form>
    }
}

/// What is likely to be called next, after the process's last call.
fn next(props: &Props) -> Draft {
    let done = props.last.as_deref().map(Draft::of_line);
    let newest = props.open.last().map_or("", String::as_str);
    let Some(done) = done.filter(|_| !props.open.is_empty()) else {
        return Draft::new(Kind::Socket, newest, &props.new_name);
    };
    let there = props.open.contains(&done.socket);
    let kind = if done.kind.on_socket() && !there { Kind::Socket } else { next_kind(props.side, Some(done.kind)) };
    // A socket that was just made or accepted is worked on next, else the one that was.
    let made = matches!(done.kind, Kind::Socket | Kind::Accept);
    Draft::new(kind, if there && !made { &done.socket } else { newest }, &props.new_name)
}

/// The menu of calls, and the socket that the call works on.
fn menu(props: &Props, draft: &Draft, change: &Callback<Draft>) -> Html {
    let on_kind = {
        let (props, draft, change) = (props.clone(), draft.clone(), change.clone());
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            let Some(kind) = Kind::of_name(&value) else { return };
            let socket = if props.open.contains(&draft.socket) { &draft.socket } else { "" };
            let socket = if socket.is_empty() { props.open.last().map_or("", String::as_str) } else { socket };
            change.emit(Draft::new(kind, socket, &props.new_name));
        })
    };
    let kinds = Kind::ALL.into_iter().map(|kind| {
        let off = kind.on_socket() && props.open.is_empty();
        html! { <option key={kind.name()} value={kind.name()} selected={kind == draft.kind} disabled={off && kind != draft.kind}>{ kind.name() }</option> }
    });
    let on_socket = {
        let (draft, change) = (draft.clone(), change.clone());
        Callback::from(move |event: Event| {
            let socket = event.target_unchecked_into::<HtmlSelectElement>().value();
            change.emit(Draft { socket, ..draft.clone() });
        })
    };
    let sockets = props.open.iter().map(|name| {
        html! { <option key={name.clone()} value={name.clone()} selected={*name == draft.socket}>{ name }</option> }
    });
    html! {
        <>
            <label key="call"><span>{ "call" }</span><select class="kind" onchange={on_kind}>{ for kinds }</select></label>
            <label key="socket" class="narrow" hidden={!draft.kind.on_socket()}><span>{ "socket" }</span><select class="sock" onchange={on_socket}>{ for sockets }</select></label>
        </>
    }
}

/// The fields of the call.
fn fields(props: &Props, draft: &Draft, change: &Callback<Draft>) -> Html {
    let lane = props.side.name();
    let field = |(at, (name, offers)): (usize, &(&'static str, &'static [&'static str]))| {
        let value = draft.values.get(at).cloned().unwrap_or_default();
        let set = {
            let (draft, change) = (draft.clone(), change.clone());
            move |value: String| {
                let mut next = draft.clone();
                if draft.kind == Kind::Setsockopt && at == 0 {
                    next.values = vec![value.clone(), likely_option(&value).to_owned()];
                } else if let Some(place) = next.values.get_mut(at) {
                    *place = value;
                }
                change.emit(next);
            }
        };
        let body = if offers.is_empty() {
            let oninput = Callback::from(move |event: InputEvent| {
                if let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) {
                    set(input.value());
                }
            });
            let list = (*name == "address").then(|| format!("addresses-{lane}"));

            html! { <input type="text" class="mono" autocomplete="off" spellcheck="false" maxlength="200" {list} {value} {oninput} /> }
        } else {
            let onchange =
                Callback::from(move |event: Event| set(event.target_unchecked_into::<HtmlSelectElement>().value()));
            let options = offers.iter().map(|offer| html! { <option key={*offer} value={*offer} selected={*offer == value}>{ short(offer) }</option> });
            html! { <select {onchange}>{ for options }</select> }
        };
        html! { <label key={format!("{}-{name}", draft.kind.name())} class={classes!(matches!(*name, "port" | "backlog" | "seconds" | "value").then_some("narrow"))}><span>{ *name }</span>{ body }</label> }
    };
    html! {
        <>
            { for draft.kind.fields().iter().enumerate().map(field) }
            <datalist key="addresses" id={format!("addresses-{lane}")}>{ for ADDRESSES.iter().map(|address| html! { <option key={*address} value={*address} /> }) }</datalist>
        </>
    }
}

/// A setting without the part that all have.
fn short(offer: &str) -> &str {
    offer.strip_prefix("net.").unwrap_or(offer)
}

fn wrong(wrong: Option<&Wrong>) -> Html {
    let Some(wrong) = wrong else { return html! { <span /> } };
    let blanks = "\u{a0}".repeat(wrong.column.saturating_sub(1).min(60));
    html! {
        <>
            <span class="caret mono" aria-hidden="true">{ blanks }{ "^" }</span>
            <span class="says" data-column={wrong.column.to_string()}>{ mark("ref", "c-ref") }<span>{ &wrong.says }</span></span>
        </>
    }
}
