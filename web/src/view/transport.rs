//! The transport: first, back, step, last; the slider with a tick for each frame; autoplay, speed and keys.
//!
//! Whatever has frames is moved by it, a lesson and the bench of calls alike: it says a [`Move`] and knows nothing else.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent};
use yew::prelude::*;

use super::app::SettingsHandle;
use super::icon::{glyph, icon};
use super::keys::{MAIN_BUTTON, focused};
use super::lesson::Cx;
use crate::scene::frame::Frame;
use crate::session::gate::Gate;
use crate::session::{Action, Session};
use crate::settings::{SettingsAction, Speed};

/// Ticks with glyphs; beyond that they are small, and beyond [`DRAWN_MAX`] only every so many is drawn.
const FULL_MAX: usize = 24;
/// Ticks drawn at most.
const DRAWN_MAX: usize = 72;
/// Milliseconds that autoplay shows a frame at speed 1.
const FRAME_MS: f64 = 900.0;

/// What the transport does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A jump to where so many frames have been reached.
    Seek(usize),
    /// One frame on or back.
    Step(i8),
    Auto(bool),
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

/// Where it stands.
#[derive(Clone)]
pub struct Standing {
    pub frames: Rc<Vec<Frame>>,
    /// How many of them have been reached.
    pub at: usize,
    pub auto: bool,
}

/// The bar, with the button of what comes next.
pub fn bar(standing: &Standing, moves: &Callback<Move>, main: Html) -> Html {
    let Standing { frames, at, auto } = standing;
    let (at, last) = (*at, frames.len());
    let key = |name: &'static str, label: &'static str, class: &'static str, off: bool, to: Move| {
        html! { <button type="button" id={name} class={classes!("btn", "icon", class)} aria-label={label} disabled={off} onclick={moves.reform(move |_: MouseEvent| to)}>{ icon(name) }</button> }
    };
    let title = at.checked_sub(1).and_then(|reached| frames.get(reached)).map_or("Not started", |frame| &frame.title);
    html! {
        <div class="transport" role="group" aria-label="Playback">
            <div class="t-keys">
                { key("first", "First event", "quiet", at == 0, Move::Seek(0)) }
                { key("back", "Back", "", at == 0, Move::Step(-1)) }
                { main }
                { key("last", "Last event", "quiet", at == last, Move::Seek(last)) }
            </div>
            <Scrub frames={frames.clone()} {at} moves={moves.clone()} />
            <div class="t-side">
                <span class="t-now"><small>{ format!("{at}/{last}") }</small><span>{ title }</span></span>
                <Rate auto={*auto} off={at == last} set={moves.reform(Move::Auto)} />
            </div>
        </div>
    }
}

/// The button of what comes next; without anything to do it is off.
pub fn main_button(standing: &Standing, label: &'static str, onclick: Option<Callback<MouseEvent>>) -> Html {
    let counts = format!("{} of {}", standing.at, standing.frames.len());
    html! {
        <button type="button" id={MAIN_BUTTON} class="btn solid step" disabled={onclick.is_none()} {onclick}>
            { label }{ icon("fwd") }<span class="t-phone">{ counts }</span>
        </button>
    }
}

/// The transport of a lesson: what comes next is to run the step, to step on, or to go where the story waits.
pub fn transport(cx: &Cx, gate: Option<Gate>) -> Html {
    let session = cx.session;
    let standing = standing(session);
    let next = session.progress.step + 1;
    let (label, action) = match gate {
        _ if standing.at < standing.frames.len() => ("Step", Some(Action::Step(1))),
        Some(Gate::Run(_)) => ("Run", Some(Action::RunStep)),
        Some(Gate::Predict(_)) => ("Run", None),
        Some(Gate::Recall(_)) => ("Recall check", None),
        Some(Gate::Exercise(_)) => ("Step", None),
        None if next < session.lesson.steps.len() => ("Next step", Some(Action::GoTo(next))),
        None => ("Step", None),
    };
    let go = action.map(|action| cx.act.reform(move |_: MouseEvent| action.clone()));
    bar(&standing, &cx.act.reform(Action::from), main_button(&standing, label, go))
}

/// Where a lesson's transport stands.
pub fn standing(session: &Session) -> Standing {
    Standing { frames: session.frames.clone(), at: session.cursor, auto: session.auto }
}

/// Autoplay: one frame after another until the last. `revision` counts what else changes the frames.
#[hook]
pub fn use_autoplay(standing: &Standing, revision: u64, moves: &Callback<Move>) {
    let speed = use_context::<SettingsHandle>().map_or(1.0, |settings| settings.speed.factor());
    let moves = moves.clone();
    use_effect_with((standing.auto, standing.at, revision), move |(auto, ..)| {
        let timer = auto.then(|| Timeout::new((FRAME_MS / speed) as u32, move || moves.emit(Move::Step(1))));
        move || drop(timer)
    });
}

/// What a key of the page moves, except where what has the focus has a use for that key.
#[must_use]
pub fn move_of(event: &KeyboardEvent, auto: bool, last: usize) -> Option<Move> {
    let on = focused();
    if matches!(on.as_str(), "tab" | "slider" | "INPUT" | "SELECT") {
        return None;
    }
    match event.key().as_str() {
        "ArrowRight" => Some(Move::Step(1)),
        "ArrowLeft" => Some(Move::Step(-1)),
        "Home" => Some(Move::Seek(0)),
        "End" => Some(Move::Seek(last)),
        " " if !matches!(on.as_str(), "BUTTON" | "A" | "SUMMARY") => Some(Move::Auto(!auto)),
        _ => None,
    }
}

/// Makes that move; whether there was one.
pub fn move_transport(event: &KeyboardEvent, standing: &Standing, moves: &Callback<Move>) -> bool {
    let to = move_of(event, standing.auto, standing.frames.len());
    to.map(|to| moves.emit(to)).is_some()
}

#[derive(Clone, PartialEq, Properties)]
struct ScrubProps {
    pub frames: Rc<Vec<Frame>>,
    /// How many of them have been reached.
    pub at: usize,
    pub moves: Callback<Move>,
}

/// The slider.
#[component]
fn Scrub(props: &ScrubProps) -> Html {
    let (at, last) = (props.at, props.frames.len());
    let track = use_node_ref();
    let seek = {
        let (moves, track) = (props.moves.clone(), track.clone());
        move |event: &PointerEvent| {
            let Some(element) = track.cast::<Element>() else { return };
            let bounds = element.get_bounding_client_rect();
            let part = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
            moves.emit(Move::Seek((part.clamp(0.0, 1.0) * last as f64).round() as usize));
        }
    };
    let onpointerdown = {
        let seek = seek.clone();
        Callback::from(move |event: PointerEvent| {
            if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
                let _ = element.set_pointer_capture(event.pointer_id());
            }
            seek(&event);
        })
    };
    let onpointermove = Callback::from(move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            seek(&event)
        }
    });
    let onkeydown = {
        let moves = props.moves.clone();
        let page = (last / 10).max(1);
        Callback::from(move |event: KeyboardEvent| {
            moves.emit(match event.key().as_str() {
                "ArrowRight" | "ArrowUp" => Move::Step(1),
                "ArrowLeft" | "ArrowDown" => Move::Step(-1),
                "PageUp" => Move::Seek(at + page),
                "PageDown" => Move::Seek(at.saturating_sub(page)),
                "Home" => Move::Seek(0),
                "End" => Move::Seek(last),
                _ => return,
            });
            event.prevent_default();
        })
    };
    let says = match at.checked_sub(1).and_then(|reached| props.frames.get(reached)) {
        Some(frame) => format!("{at} of {last}, {}", frame.title),
        None => format!("0 of {last}"),
    };
    html! {
        <div ref={track} class={classes!("scrub", (last > FULL_MAX).then_some("dense"))} role="slider" tabindex="0" aria-label="Event"
            aria-valuemin="0" aria-valuemax={last.to_string()} aria-valuenow={at.to_string()} aria-valuetext={says}
            aria-disabled={(last == 0).to_string()} {onpointerdown} {onpointermove} {onkeydown}>
            <div class="track" />
            <div class="fill" style={format!("width:{:.3}%", percent(at, last))} />
            <div class="ticks">{ for ticks(&props.frames, at) }</div>
        </div>
    }
}

fn percent(at: usize, last: usize) -> f64 {
    if last == 0 { 0.0 } else { at as f64 * 100.0 / last as f64 }
}

/// A tick per frame; of very many only some, always the one that is shown.
fn ticks(frames: &[Frame], at: usize) -> impl Iterator<Item = Html> {
    let last = frames.len();
    let stride = last.div_ceil(DRAWN_MAX).max(1);
    frames.iter().enumerate().filter(move |(n, _)| (n + 1) % stride == 0 || n + 1 == at).map(move |(n, frame)| {
        let place = n + 1;
        let reached = place <= at;
        let style = format!("left:{:.3}%", percent(place, last));
        let class = classes!("tick", (place == at).then_some("now"), (!reached).then_some("future"));
        let inner = if reached {
            glyph(frame.glyph)
        } else {
            html! { <i /> }
        };
        html! { <span key={place} {class} {style}>{ inner }</span> }
    })
}

#[derive(Clone, PartialEq, Properties)]
struct RateProps {
    pub auto: bool,
    pub off: bool,
    pub set: Callback<bool>,
}

/// Autoplay and speed.
#[component]
fn Rate(props: &RateProps) -> Html {
    let settings = use_context::<SettingsHandle>();
    let now = settings.as_ref().map_or(Speed::Normal, |settings| settings.speed);
    let speeds = Speed::ALL.into_iter().map(|speed| {
        let settings = settings.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            if let Some(settings) = &settings {
                settings.dispatch(SettingsAction::Speed(speed));
            }
        });
        html! { <button type="button" key={speed.label()} aria-pressed={(speed == now).to_string()} {onclick}>{ speed.label() }</button> }
    });
    let (set, auto) = (props.set.clone(), props.auto);
    let toggle = Callback::from(move |_: Event| set.emit(!auto));
    html! {
        <>
            <label class="switch"><input type="checkbox" checked={auto} disabled={props.off} onchange={toggle} /><i />{ "Autoplay" }</label>
            <span class="seg" role="group" aria-label="Speed">{ for speeds }</span>
        </>
    }
}
