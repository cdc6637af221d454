//! Requests a second over the two minutes of a run: opened, refused, carried; and the slider of time.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent};
use yew::prelude::*;

use super::live::Act;
use super::record::{Event, RUN_MS, Second, What};
use super::settings::Settings;
use super::words;

const HEIGHT: f64 = 164.0;
/// Top and foot of the plot.
const TOP: f64 = 16.0;
const FOOT: f64 = 132.0;
/// Narrower than this there are no words beside the plot.
const WIDE: f64 = 560.0;

/// How seconds and rates become places.
#[derive(Clone, Copy, PartialEq)]
struct Scale {
    left: f64,
    right: f64,
    most: f64,
}

impl Scale {
    fn new(settings: &Settings, width: f64) -> Self {
        let (rate, ceiling) = (f64::from(settings.rate), words::ceiling(settings).0);
        let (left, right) = if width < WIDE { (34.0, width - 12.0) } else { (44.0, width - 132.0) };
        Self { left, right, most: rate.max(ceiling.min(rate * 1.6)) * 1.12 }
    }

    fn x(&self, ms: u32) -> f64 {
        self.left + f64::from(ms) / f64::from(RUN_MS) * (self.right - self.left)
    }

    fn y(&self, rate: f64) -> f64 {
        FOOT - rate / self.most * (FOOT - TOP)
    }

    fn ms(&self, x: f64) -> u32 {
        let part = (x - self.left) / (self.right - self.left).max(1.0);
        (part.clamp(0.0, 1.0) * f64::from(RUN_MS)).round() as u32
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub settings: Settings,
    /// Those that are known.
    pub seconds: Rc<[Second]>,
    pub events: Rc<[Event]>,
    /// The moment that is shown, and the latest that was.
    pub at: u32,
    pub seen: u32,
    /// Width of the page's room for it, in pixels.
    pub width: u32,
    pub act: Callback<Act>,
}

#[component]
pub fn Chart(props: &Props) -> Html {
    let width = f64::from(props.width).max(240.0);
    let scale = Scale::new(&props.settings, width);
    let place = use_node_ref();
    let seek = {
        let (act, place) = (props.act.clone(), place.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(element) = place.cast::<Element>() else { return };
            let bounds = element.get_bounding_client_rect();
            let x = (f64::from(event.client_x()) - bounds.left()) * width / bounds.width().max(1.0);
            act.emit(Act::Seek(scale.ms(x)));
        })
    };
    let onpointerdown = {
        let seek = seek.clone();
        Callback::from(move |event: PointerEvent| {
            if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
                let _ = element.set_pointer_capture(event.pointer_id());
            }
            seek.emit(event);
        })
    };
    let onpointermove = Callback::from(move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            seek.emit(event);
        }
    });
    let at = props.at;
    let last =
        props.events.iter().rev().find(|event| event.at <= at).map(|event| words::event(&props.settings, *event));
    html! {
        <div ref={place} class="sp-chart" role="slider" tabindex="0" aria-label="Time" aria-valuemin="0" aria-valuemax="120"
            aria-valuenow={(at / 1000).to_string()} aria-valuetext={format!("{}, {}", words::secs(at), last.unwrap_or_default())}
            {onpointerdown} {onpointermove} onkeydown={keys(at, &props.act)}>
            <svg viewBox={format!("0 0 {width} {HEIGHT}")} aria-hidden="true">
                <defs>
                    <clipPath id="sp-seen"><rect x="0" y="0" height={HEIGHT.to_string()} width={format!("{:.1}", scale.x(props.seen) + 1.0)} /></clipPath>
                    <pattern id="sp-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0v6" /></pattern>
                </defs>
                <Frame {scale} settings={props.settings} wide={width >= WIDE} />
                <g clip-path="url(#sp-seen)"><Lines {scale} seconds={props.seconds.clone()} /></g>
                <g>{ for marks(props, scale, width >= WIDE) }</g>
                { not_yet(props, scale) }
                <path class="head" d={format!("M{:.1} 2V{}", scale.x(at), FOOT + 4.0)} />
                <circle class="head-k" cx={format!("{:.1}", scale.x(at))} cy="5" r="5" />
            </svg>
        </div>
    }
}

fn keys(at: u32, act: &Callback<Act>) -> Callback<KeyboardEvent> {
    let act = act.clone();
    Callback::from(move |event: KeyboardEvent| {
        let to = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => at + 1000,
            "ArrowLeft" | "ArrowDown" => at.saturating_sub(1000),
            "PageUp" => at + 10_000,
            "PageDown" => at.saturating_sub(10_000),
            "Home" => 0,
            "End" => RUN_MS,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        act.emit(Act::Seek(to));
    })
}

#[derive(Clone, PartialEq, Properties)]
struct LinesProps {
    scale: Scale,
    seconds: Rc<[Second]>,
}

/// What each second held, as steps. Drawn anew only when more seconds are known.
#[component]
fn Lines(props: &LinesProps) -> Html {
    let scale = props.scale;
    let steps = |of: fn(&Second) -> u32| {
        let mut path = String::new();
        for (number, second) in (0..).zip(&*props.seconds) {
            let (from, to) = (scale.x(number * 1000), scale.x((number + 1) * 1000));
            let y = scale.y(f64::from(of(second)));
            path += &format!("{}{from:.1} {y:.1}H{to:.1}", if number == 0 { "M" } else { "L" });
        }
        path
    };
    let refused: String = props
        .seconds
        .iter()
        .enumerate()
        .collect::<Vec<_>>()
        .chunk_by(|one, next| (one.1.refused > 0) == (next.1.refused > 0))
        .filter(|run| run[0].1.refused > 0)
        .map(|run| area(scale, run))
        .collect();
    let carried = if props.seconds.iter().any(|second| second.carried > 0) {
        steps(|second| second.carried)
    } else {
        String::new()
    };
    html! {
        <>
            <path class="bad" d={refused} />
            <path class="kept" d={carried} />
            <path class="ok" d={steps(|second| second.opened)} />
        </>
    }
}

/// The area of refused requests over seconds that follow each other.
fn area(scale: Scale, run: &[(usize, &Second)]) -> String {
    let x = |number: usize| scale.x(u32::try_from(number * 1000).unwrap_or(RUN_MS));
    let foot = |second: &Second| scale.y(f64::from(second.opened + second.carried));
    let top = |second: &Second| scale.y(f64::from(second.opened + second.carried + second.refused));
    let mut path = format!("M{:.1} {:.1}", x(run[0].0), foot(run[0].1));
    for (number, second) in run {
        path += &format!("L{:.1} {:.1}H{:.1}", x(*number), top(second), x(number + 1));
    }
    for (number, second) in run.iter().rev() {
        path += &format!("L{:.1} {:.1}H{:.1}", x(number + 1), foot(second), x(*number));
    }
    path + "z"
}

#[derive(Clone, PartialEq, Properties)]
struct FrameProps {
    scale: Scale,
    settings: Settings,
    wide: bool,
}

/// Axes, the ceiling and what the lines mean.
#[component]
fn Frame(props: &FrameProps) -> Html {
    let Scale { left, right, most } = props.scale;
    let rate = props.scale.y(f64::from(props.settings.rate));
    let (ceiling, sum) = words::ceiling(&props.settings);
    let over = ceiling > most;
    let y = if over { TOP } else { props.scale.y(ceiling) };
    let says =
        if ceiling < 2000.0 { format!("{ceiling:.1}/s") } else { format!("{}/s", words::number(ceiling as u32)) };
    let ticks = (0..=6).filter(|tick| props.wide || tick % 2 == 0).map(|tick| {
        let (x, secs) = (props.scale.x(tick * 20_000), tick * 20);
        let unit = if secs == 120 { " s" } else { "" };
        html! { <g key={tick}><path class="ax" d={format!("M{x:.1} {FOOT}v4")} /><text x={format!("{x:.1}")} y={(FOOT + 18.0).to_string()} text-anchor="middle">{ format!("{secs}{unit}") }</text></g> }
    });
    let text = |x: f64, y: f64, class: &'static str, says: String| html! { <text class={class} x={format!("{x:.1}")} y={format!("{y:.1}")}>{ says }</text> };
    let beside = if props.wide {
        let x = right + 12.0;
        // The words of the ceiling keep clear of the two below.
        let kept = props.settings.pool > 0;
        let y = y.min(FOOT - if kept { 86.0 } else { 68.0 });
        html! {
            <g>
                { text(x, y + 4.0, "strong", if over { format!("{says} ↑") } else { says }) }
                { text(x, y + 21.0, "ui", sum) }
                <path class="kept" d={if kept { format!("M{x:.1} {}h14", FOOT - 48.0) } else { String::new() }} />{ text(x + 22.0, FOOT - 44.0, "ui", if kept { "over kept ones".into() } else { String::new() }) }
                <path class="ok" d={format!("M{x:.1} {}h14", FOOT - 30.0)} />{ text(x + 22.0, FOOT - 26.0, "ui", "opened".into()) }
                <rect class="bad" x={format!("{:.1}", x + 0.5)} y={(FOOT - 16.5).to_string()} width="13" height="11" />{ text(x + 22.0, FOOT - 7.0, "ui", "refused".into()) }
            </g>
        }
    } else {
        html! { <g>{ text(left + 6.0, if over { y + 10.0 } else { y + 16.0 }, "strong", format!("{says} at most{}", if over { " ↑" } else { "" })) }</g> }
    };
    html! {
        <>
            <path class="gr" d={format!("M{left} {rate:.1}H{right:.1}")} />
            <text x={format!("{:.1}", left - 8.0)} y={format!("{:.1}", rate + 4.0)} text-anchor="end">{ props.settings.rate }</text>
            <text x={format!("{:.1}", left - 8.0)} y={(FOOT + 4.0).to_string()} text-anchor="end">{ "0" }</text>
            <path class="ceil" d={if over { String::new() } else { format!("M{left} {y:.1}H{right:.1}") }} />
            <path class="ax" d={format!("M{left} {FOOT}H{right:.1}")} />
            <g>{ for ticks }</g>
            { beside }
        </>
    }
}

/// Events that were reached; the first few have their names, where they do not lie on each other.
fn marks(props: &Props, scale: Scale, wide: bool) -> impl Iterator<Item = Html> {
    let mut free_from = 0.0;
    let reached =
        props.events.iter().filter(|event| event.at > 0 && event.at <= props.seen && event.what != What::Ended);
    let marks: Vec<Html> = reached
        .enumerate()
        .map(|(number, event)| {
            let x = scale.x(event.at);
            let says = words::event(&props.settings, *event);
            // About as wide as the words are.
            let width = says.len() as f64 * 6.2;
            let (anchor, from) = match event.what {
                What::NoPortLeft => ("end", x - 10.0 - width),
                What::PortsReturn => ("start", x + 10.0),
                _ => ("middle", x - width / 2.0),
            };
            let fits = wide && number < 3 && from > free_from && from + width < scale.right;
            free_from = if fits { from + width } else { free_from };
            let start = match anchor {
                "end" => x - 10.0,
                "start" => x + 10.0,
                _ => x,
            };
            html! {
                <g key={number}>
                    <path class="mark" d={format!("M{x:.1} {}l5 5-5 5-5-5z", FOOT - 5.0)} />
                    <text class="ui" x={format!("{start:.1}")} y={(FOOT - 12.0).to_string()} text-anchor={anchor}>{ if fits { says } else { String::new() } }</text>
                </g>
            }
        })
        .collect();
    marks.into_iter()
}

fn not_yet(props: &Props, scale: Scale) -> Html {
    let says = if props.seen < 96_000 { "not run yet" } else { "" };
    let x = (scale.x(props.seen) + scale.right) / 2.0;
    let y = (scale.y(f64::from(props.settings.rate)) + FOOT) / 2.0 + 14.0;
    html! { <text class="ui" x={format!("{x:.1}")} y={format!("{y:.1}")} text-anchor="middle">{ says }</text> }
}
