//! The bench of calls as a component, and the page on which it stands alone.

use std::rc::Rc;

use portlab_scenarios::model::Instrument;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::bench::{Action, Bench, Side};
use super::export::script;
use super::form::Form;
use super::ledger::ledger;
use super::presets::{PRESETS, Preset};
use crate::browser;
use crate::path::{CALLS, home_of};
use crate::scene::host;
use crate::view::{self, HostScene, Move, SettingsHandle, Standing, Topbar, icon, sockets, strip_of};

/// Where the calls are kept.
const KEY: &str = "portlab.calls";

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Within a lesson: nothing is kept, and the lesson has the keys.
    #[prop_or_default]
    pub compact: bool,
}

/// What stands at its address.
pub fn calls_page() -> Html {
    html! { <CallsPage key="calls" /> }
}

#[component]
fn CallsPage() -> Html {
    use_effect_with((), |()| browser::set_title(&format!("{CALLS} · portlab")));
    html! {
        <div class="lesson" data-page="calls">
            <Topbar lesson={(AttrValue::from(home_of(Instrument::Calls)), AttrValue::from(CALLS))} />
            <main class="calls-main"><h1 class="sr">{ CALLS }</h1><Calls /></main>
        </div>
    }
}

/// What a preset has put ready: which, and how often something was put ready before it.
#[derive(Clone, Default, PartialEq)]
struct Ready {
    preset: Option<&'static str>,
    count: u64,
}

impl Ready {
    fn preset(&self) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| Some(preset.id) == self.preset)
    }

    fn line(&self, side: Side) -> Option<(u64, AttrValue)> {
        let (of, line) = self.preset()?.next;
        (of == side).then(|| (self.count, AttrValue::from(line)))
    }
}

/// The bench.
#[component]
pub fn Calls(props: &Props) -> Html {
    let compact = props.compact;
    let bench = use_reducer(move || {
        let kept = if compact { None } else { browser::kept(KEY) };
        Bench::open(kept.as_deref())
    });
    let ready = use_state(Ready::default);
    let presets = use_node_ref();
    use_effect_with((presets.clone(), ready.preset), |(presets, preset)| {
        // The list says what was begun with; the browser would show the option that it was given first.
        if let Some(presets) = presets.cast::<HtmlSelectElement>() {
            presets.set_value(preset.unwrap_or_default());
        }
    });
    let act = {
        let dispatch = bench.dispatcher();
        Callback::from(move |action: Action| dispatch.dispatch(action))
    };
    use_effect_with((bench.revision, compact), {
        let bench = bench.clone();
        move |_| {
            if !compact {
                browser::keep(KEY, &bench.encode());
            }
        }
    });
    let standing = Standing { frames: bench.frames.clone(), at: bench.cursor, auto: bench.auto };
    let moves = act.reform(Action::from);
    view::use_autoplay(&standing, bench.revision, &moves);
    use_keys(&standing, &moves, compact);
    let reached = bench.reached();
    use_effect_with((bench.revision, reached), |_| browser::bring_into_sight("#ledger [data-state=now]"));
    let scene = {
        let bench = bench.clone();
        use_memo((bench.revision, bench.cursor), move |_| {
            let (state, lab) = (bench.state(), bench.lab());
            let shown = bench.frame().and_then(|frame| frame.shown(lab.events()));
            (host::scene(&state, shown, true), host::table(&state, shown, true))
        })
    };
    let (drawn, table) = (Rc::new(scene.0.clone()), scene.1.clone());
    html! {
        <div class={classes!("calls", compact.then_some("compact"))} data-calls={bench.calls.len().to_string()} data-frame={bench.cursor.to_string()} data-frames={bench.frames.len().to_string()}
            data-revision={bench.revision.to_string()} data-jump={bench.jumped.then_some("")} id="calls">
            <section class="calls-l" aria-label="Calls">
                { head(&bench, &act, &ready, &presets) }
                { ledger(&bench, &act) }
                <div class="procs">{ for Side::BOTH.into_iter().map(|side| form(&bench, &act, &ready, side)) }</div>
            </section>
            <section class="calls-r" aria-label="Host">
                <HostScene scene={drawn} />
                { strip_of(bench.frame(), "No call has been made. What decides each appears here.") }
                { transport(&standing, &moves) }
                <div class="calls-t">{ sockets(&table.0, table.1) }</div>
            </section>
        </div>
    }
}

fn form(bench: &UseReducerHandle<Bench>, act: &Callback<Action>, ready: &Ready, side: Side) -> Html {
    let make = {
        let act = act.clone();
        Callback::from(move |line: String| act.emit(Action::Make(side, line)))
    };
    let wrong = bench.wrong.as_ref().filter(|(of, _)| *of == side).map(|(_, wrong)| wrong.clone());
    html! {
        <Form key={side.name()} {side} pid={bench.pid(side)} user={bench.user(side)} open={bench.handles(side)} new_name={bench.next_name(side)}
            made={bench.calls.len()} last={last(bench, side)} {wrong} ready={ready.line(side)} {make} />
    }
}

/// The line of a process's last call.
fn last(bench: &Bench, side: Side) -> Option<AttrValue> {
    bench.calls.iter().rev().find(|made| made.side == side).map(|made| AttrValue::from(made.line()))
}

/// Beginnings, taking back, starting anew, and the script.
fn head(
    bench: &UseReducerHandle<Bench>,
    act: &Callback<Action>,
    ready: &UseStateHandle<Ready>,
    presets: &NodeRef,
) -> Html {
    let emit = |action: Action| {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| act.emit(action.clone()))
    };
    let begin = {
        let (act, ready) = (act.clone(), ready.clone());
        Callback::from(move |event: Event| {
            let select = event.target_unchecked_into::<HtmlSelectElement>();
            if let Some(preset) = PRESETS.iter().find(|preset| preset.id == select.value()) {
                act.emit(Action::Load(preset.calls.iter().map(|(side, line)| (*side, (*line).to_owned())).collect()));
                ready.set(Ready { preset: Some(preset.id), count: ready.count + 1 });
            }
        })
    };
    let anew = {
        let (act, ready) = (act.clone(), ready.clone());
        Callback::from(move |_: MouseEvent| {
            act.emit(Action::Load(Vec::new()));
            ready.set(Ready { preset: None, count: ready.count + 1 });
        })
    };
    let copy = {
        let bench = bench.clone();
        Callback::from(move |_: MouseEvent| browser::copy(&script(&bench.calls)))
    };
    let options =
        PRESETS.iter().map(|preset| html! { <option key={preset.id} value={preset.id}>{ preset.title }</option> });
    let asks = ready.preset().map_or("", |preset| preset.asks);
    let none = bench.calls.is_empty();
    html! {
        <div class="calls-h">
            <div class="row">
                <label><span class="sr">{ "Begin with" }</span><select id="preset" ref={presets} onchange={begin}><option key="none" value="">{ "Begin with …" }</option>{ for options }</select></label>
                <span class="grow" />
                <button type="button" class="btn small" id="take-back" disabled={none} onclick={emit(Action::TakeBack)}>{ "Undo" }</button>
                <button type="button" class="btn small" id="again" hidden={!bench.can_again()} onclick={emit(Action::Again)}>{ "Redo" }</button>
                <button type="button" class="btn small" id="anew" disabled={none} onclick={anew}>{ icon("reset") }{ "Reset" }</button>
                <button type="button" class="btn small" id="copy-script" disabled={none} onclick={copy} title="cargo xtask syscalls makes these calls on a real kernel">{ icon("copy") }{ "Copy script" }</button>
            </div>
            <p class="asks" hidden={asks.is_empty()}>{ asks }</p>
            <pre id="script" hidden=true>{ script(&bench.calls) }</pre>
        </div>
    }
}

impl From<Move> for Action {
    fn from(to: Move) -> Action {
        match to {
            Move::Seek(at) => Action::Seek(at),
            Move::Step(by) => Action::Step(by),
            Move::Auto(on) => Action::Auto(on),
        }
    }
}

fn transport(standing: &Standing, moves: &Callback<Move>) -> Html {
    let more = standing.at < standing.frames.len();
    let step = more.then(|| moves.reform(|_: MouseEvent| Move::Step(1)));
    view::bar(standing, moves, view::main_button(standing, "Step", step))
}

/// The keys of the transport and of every page.
#[hook]
fn use_keys(standing: &Standing, moves: &Callback<Move>, compact: bool) {
    let settings = use_context::<SettingsHandle>();
    let (standing, moves) = (standing.clone(), moves.clone());
    view::use_page_keys(!compact, move |event| {
        view::move_transport(event, &standing, &moves)
            || (view::letters_on(settings.as_ref())
                && view::letter_of_page(&event.key().to_lowercase(), settings.as_ref()))
    });
}
