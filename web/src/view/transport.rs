//! The transport: first, back, step, last; the slider with a tick for each frame; autoplay and speed.

use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent};
use yew::prelude::*;

use super::app::SettingsHandle;
use super::icon::{glyph, icon};
use super::keys::MAIN_BUTTON;
use super::lesson::Cx;
use crate::scene::frame::Frame;
use crate::session::Action;
use crate::session::gate::Gate;
use crate::settings::{SettingsAction, Speed};

/// Ticks with glyphs; beyond that they are small, and beyond [`DRAWN_MAX`] only every so many is drawn.
const FULL_MAX: usize = 24;
/// Ticks drawn at most.
const DRAWN_MAX: usize = 72;

/// The bar.
pub fn transport(cx: &Cx, gate: Option<Gate>) -> Html {
    let session = cx.session;
    let (at, last) = (session.cursor, session.frames.len());
    let act = |action: Action| {
        let act = cx.act.clone();
        Callback::from(move |_: MouseEvent| act.emit(action.clone()))
    };
    let key = |name: &'static str,
               label: &'static str,
               id: &'static str,
               class: &'static str,
               off: bool,
               action: Action| {
        html! { <button type="button" {id} class={classes!("btn", "icon", class)} aria-label={label} disabled={off} onclick={act(action)}>{ icon(name) }</button> }
    };
    let title = session.frame().map_or("Not started", |frame| frame.title.as_str());
    html! {
        <div class="transport" role="group" aria-label="Playback">
            <div class="t-keys">
                { key("first", "First event", "first", "quiet", at == 0, Action::Seek(0)) }
                { key("back", "Back", "back", "", at == 0, Action::Step(-1)) }
                { main_button(cx, gate) }
                { key("last", "Last event", "last", "quiet", at == last, Action::Seek(last)) }
            </div>
            <Scrub frames={session.frames.clone()} {at} seek={cx.act.reform(Action::Seek)} step={cx.act.reform(Action::Step)} />
            <div class="t-side">
                <span class="t-now"><small>{ format!("{at}/{last}") }</small><span>{ title }</span></span>
                <Rate auto={session.auto} off={at == last} set={cx.act.reform(Action::Auto)} />
            </div>
        </div>
    }
}

/// What comes next: run the step, step on, or go where the story waits.
fn main_button(cx: &Cx, gate: Option<Gate>) -> Html {
    let session = cx.session;
    let (at, last) = (session.cursor, session.frames.len());
    let more = at < last;
    let (label, action) = match gate {
        _ if more => ("Step", Some(Action::Step(1))),
        Some(Gate::Run(_)) => ("Run", Some(Action::RunStep)),
        Some(Gate::Predict(_)) => ("Run", None),
        Some(Gate::Recall(_)) => ("Recall check", None),
        Some(Gate::Exercise(_)) => ("Step", None),
        None if session.progress.step + 1 < session.lesson.steps.len() => {
            ("Next step", Some(Action::GoTo(session.progress.step + 1)))
        }
        None => ("Step", None),
    };
    let off = action.is_none();
    let act = cx.act.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        if let Some(action) = action.clone() {
            act.emit(action);
        }
    });
    html! {
        <button type="button" id={MAIN_BUTTON} class="btn solid step" disabled={off} {onclick}>
            { label }{ icon("fwd") }<span class="t-phone">{ format!("{at} of {last}") }</span>
        </button>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct ScrubProps {
    pub frames: std::rc::Rc<Vec<Frame>>,
    /// How many of them have been reached.
    pub at: usize,
    /// A jump to where so many have been.
    pub seek: Callback<usize>,
    /// One on or back.
    pub step: Callback<i8>,
}

/// The slider.
#[component]
pub fn Scrub(props: &ScrubProps) -> Html {
    let (at, last) = (props.at, props.frames.len());
    let track = use_node_ref();
    let seek = {
        let (seek, track) = (props.seek.clone(), track.clone());
        move |event: &PointerEvent| {
            let Some(element) = track.cast::<Element>() else { return };
            let bounds = element.get_bounding_client_rect();
            let part = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
            seek.emit((part.clamp(0.0, 1.0) * last as f64).round() as usize);
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
        let (seek, step) = (props.seek.clone(), props.step.clone());
        let page = (last / 10).max(1);
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowRight" | "ArrowUp" => step.emit(1),
                "ArrowLeft" | "ArrowDown" => step.emit(-1),
                "PageUp" => seek.emit(at + page),
                "PageDown" => seek.emit(at.saturating_sub(page)),
                "Home" => seek.emit(0),
                "End" => seek.emit(last),
                _ => return,
            }
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
pub struct RateProps {
    pub auto: bool,
    pub off: bool,
    pub set: Callback<bool>,
}

/// Autoplay and speed.
#[component]
pub fn Rate(props: &RateProps) -> Html {
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
