//! The instrument as a component, and the page on which it stands alone.

use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement, KeyboardEvent, PointerEvent};
use yew::prelude::*;

use super::chart::Chart;
use super::controls::{self, Load, Repairs};
use super::geometry::{Geometry, Room};
use super::live::{Act, Live, SPEEDS};
use super::paint::Picture;
use super::record::{Counts, Event as RunEvent, How, Second};
use super::screen::{self, Colours, NextFrame, Resizes, SAMPLES, SAMPLES_CLASS};
use super::settings::Settings;
use super::words;
use crate::browser;
use crate::path::SOURCE_PORTS;
use crate::view::{self, SettingsHandle, Topbar, icon, mark};

/// The address of the page, after the `#`.
pub const PATH: &str = "/source-ports";

/// Height of a map at most, in pixels of the page.
const MAP_HEIGHT: f64 = 444.0;

#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Within a lesson: no keys of the whole page, and the address stays the lesson's.
    #[prop_or_default]
    pub compact: bool,
    /// What it begins with.
    #[prop_or_default]
    pub settings: Option<Settings>,
}

pub enum Msg {
    Act(Act),
    Frame(f64),
    /// The room has changed, or the theme.
    Room,
    /// The reader points at a port.
    Look(Option<u16>),
}

/// Maps, counts, chart, transport and controls.
pub struct SourcePorts {
    live: Live,
    act: Callback<Act>,
    pictures: [Picture; 2],
    counts: Counts,
    colours: Colours,
    /// What was painted last, so that it is not painted again.
    painted: Option<(u32, u32, Settings)>,
    look: Option<u16>,
    seconds: Rc<[Second]>,
    events: Rc<[RunEvent]>,
    chart_width: u32,
    ratio: f64,
    nodes: Nodes,
    next: Option<NextFrame>,
    /// When the work began that ends with the next rendering, and whether a frame's or an act's.
    began: Option<(f64, &'static str)>,
    _theme: Option<ContextHandle<SettingsHandle>>,
    _kept: Vec<EventListener>,
    resizes: Option<Resizes>,
}

#[derive(Default)]
struct Nodes {
    root: NodeRef,
    boxes: [NodeRef; 2],
    canvases: [NodeRef; 2],
    chart: NodeRef,
}

impl Component for SourcePorts {
    type Message = Msg;
    type Properties = Props;

    fn create(ctx: &Context<Self>) -> Self {
        let settings = ctx.props().settings.unwrap_or_default().clamped();
        let live =
            Live::new(settings).or_else(|_| Live::new(Settings::default())).expect("the kernel takes its defaults");
        Self {
            live: if screen::wants_less_motion() { live.in_cuts() } else { live },
            act: ctx.link().callback(Msg::Act),
            pictures: Default::default(),
            counts: Counts::default(),
            colours: Colours::default(),
            painted: None,
            look: None,
            seconds: Rc::new([]),
            events: Rc::new([]),
            chart_width: 860,
            ratio: 1.0,
            nodes: Nodes::default(),
            next: None,
            began: None,
            _theme: ctx.link().context(ctx.link().callback(|_: SettingsHandle| Msg::Room)).map(|context| context.1),
            _kept: listeners(ctx),
            resizes: None,
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            let link = ctx.link().clone();
            self.resizes = self
                .nodes
                .root
                .cast::<Element>()
                .and_then(|root| Resizes::of(&root, move || link.send_message(Msg::Room)));
        }
        if first || self.live.moves() {
            self.ask_for_frame(ctx);
        }
        if let (Some((began, name)), Some(root)) = (self.began.take(), self.nodes.root.cast::<Element>()) {
            let _ = root.set_attribute(name, &format!("{:.2}", screen::now() - began));
        }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Act(act) => {
                self.began = Some((screen::now(), "data-act-ms"));
                self.live.act(act);
                if let Act::Set(_) = act {
                    self.look = None;
                    if !ctx.props().compact {
                        screen::keep_in_address(PATH, &self.live.record().settings.encode());
                    }
                }
                self.draw(false);
            }
            Msg::Frame(now) => {
                self.next = None;
                self.began = Some((screen::now(), "data-frame-ms"));
                self.live.frame(now, screen::now);
                self.draw(false);
            }
            Msg::Room => {
                self.ask_for_frame(ctx);
                self.draw(true);
            }
            Msg::Look(port) => {
                self.look = port.filter(|port| (self.range().0..=self.range().1).contains(port));
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let act = &self.act;
        let record = self.live.record();
        let (settings, at) = (record.settings, self.live.shown());
        let total = |of: [u32; 2]| of[0] + of[1];
        html! {
            <section ref={self.nodes.root.clone()} class={classes!("sports", ctx.props().compact.then_some("compact"))} aria-labelledby="sp-h"
                data-at={at.to_string()} data-until={record.until.to_string()} data-complete={record.is_complete().to_string()}
                data-playing={self.live.playing.to_string()} data-time-wait={total(self.counts.time_wait).to_string()}
                data-established={total(self.counts.established).to_string()} data-free={total(self.counts.free).to_string()}
                data-refused={record.refused_lately(at).to_string()} data-range={format!("{}-{}", settings.range.0, settings.range.1)}>
                <span class={SAMPLES_CLASS} hidden={true}>{ for SAMPLES.iter().map(|name| html! { <i key={*name} style={format!("color:var({name})")} /> }) }</span>
                <div class="sp-grid">
                    <div class="sp-main">
                        { self.head(ctx.props().compact) }
                        { self.tiles() }
                        { self.maps(ctx) }
                        { self.legend() }
                        { self.decided() }
                        <div class="sp-time">
                            { self.transport(act) }
                            <div ref={self.nodes.chart.clone()} class="sp-chart-w">
                                <Chart {settings} seconds={self.seconds.clone()} events={self.events.clone()} {at} seen={self.live.seen()} width={self.chart_width} act={act.clone()} />
                            </div>
                        </div>
                    </div>
                    <aside class="sp-side" aria-label="Controls">
                        <Load {settings} act={act.clone()} />
                        <Repairs {settings} act={act.clone()} />
                        { controls::counters(record, at) }
                        { controls::commands(&settings, total(self.counts.time_wait)) }
                    </aside>
                </div>
            </section>
        }
    }
}

/// The keys of the whole page, and changes of the system's theme.
fn listeners(ctx: &Context<SourcePorts>) -> Vec<EventListener> {
    let mut kept = Vec::new();
    let Some(window) = web_sys::window() else { return kept };
    if let Ok(Some(dark)) = window.match_media("(prefers-color-scheme: dark)") {
        let link = ctx.link().clone();
        kept.push(EventListener::new(&dark, "change", move |_| link.send_message(Msg::Room)));
    }
    if !ctx.props().compact {
        let link = ctx.link().clone();
        let options = EventListenerOptions::enable_prevent_default();
        kept.push(EventListener::new_with_options(&window, "keydown", options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if let Some(act) = key(event) {
                event.prevent_default();
                link.send_message(Msg::Act(act));
            }
        }));
    }
    kept
}

/// What a key of the whole page does; space is the button's of id `sp-play`.
fn key(event: &KeyboardEvent) -> Option<Act> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || browser::typing() || view::dialog_open() {
        return None;
    }
    let on = view::focused();
    if matches!(on.as_str(), "tab" | "slider" | "INPUT") {
        return None;
    }
    match event.key().as_str() {
        "ArrowRight" => Some(Act::Step),
        "ArrowLeft" => Some(Act::Back),
        "Home" => Some(Act::Seek(0)),
        "End" => Some(Act::Seek(super::record::RUN_MS)),
        " " if !matches!(on.as_str(), "BUTTON" | "A" | "SUMMARY") => Some(Act::TogglePlay),
        _ => None,
    }
}

impl SourcePorts {
    fn range(&self) -> (u16, u16) {
        self.live.record().settings.range
    }

    fn ask_for_frame(&mut self, ctx: &Context<Self>) {
        if self.next.is_none() {
            let link = ctx.link().clone();
            self.next = NextFrame::ask(move |now| link.send_message(Msg::Frame(now)));
        }
    }

    /// Paints the maps where something has changed, and takes along what the chart shows.
    fn draw(&mut self, room: bool) {
        let Some(root) = self.nodes.root.cast::<Element>() else { return };
        let record = self.live.record();
        let known = (record.until / 1000) as usize;
        if self.seconds.len() != known || self.painted.is_none_or(|(_, _, settings)| settings != record.settings) {
            self.seconds = record.seconds[..known.min(record.seconds.len())].into();
            self.events = record.events.as_slice().into();
        } else if self.events.len() != record.events.len() {
            self.events = record.events.as_slice().into();
        }
        let sized = (room || self.painted.is_none_or(|painted| painted.2 != record.settings)) && self.measure();
        let record = self.live.record();
        let state = (self.live.shown(), record.until.min(self.live.shown() + 1), record.settings);
        let (palette, themed) = self.colours.look(&root);
        let Some(palette) = palette.filter(|_| themed || sized || self.painted != Some(state)) else { return };
        self.counts = Counts::default();
        for parity in 0..2 {
            self.pictures[parity].paint(palette, record, self.live.cursor(), parity, &mut self.counts);
            if let Some(canvas) = self.nodes.canvases[parity].cast::<HtmlCanvasElement>() {
                screen::show(&canvas, &self.pictures[parity]);
            }
        }
        self.painted = Some(state);
    }

    /// Lays the maps out anew; whether that changed anything.
    fn measure(&mut self) -> bool {
        let width = |node: &NodeRef| node.cast::<Element>().map_or(0, |element| element.client_width());
        self.chart_width = u32::try_from(width(&self.nodes.chart)).unwrap_or(0);
        self.ratio = screen::ratio();
        let room = Room { width: f64::from(width(&self.nodes.boxes[0])), height: MAP_HEIGHT, ratio: self.ratio };
        let ports = self.live.record().settings.ports();
        let geometry = Geometry::new(ports.div_ceil(2), room);
        let changed = geometry != self.pictures[0].geometry;
        if changed {
            self.pictures = [Picture::new(geometry), Picture::new(geometry)];
        }
        changed
    }

    fn head(&self, compact: bool) -> Html {
        let settings = &self.live.record().settings;
        let (low, high) = settings.range;
        let title = SOURCE_PORTS;
        html! {
            <div class="sp-head">
                { if compact { html! { <h2 key="h" id="sp-h">{ title }</h2> } } else { html! { <h1 key="h" id="sp-h">{ title }</h1> } } }
                <p class="sp-tuple">
                    { settings.source().to_string() }{ ":" }<b>{ format!("[{low}–{high}]") }</b>{ format!(" → {}{} gives ", settings.destination(0), of_many(settings)) }
                    <b>{ words::number(settings.ports()) }</b>{ " five-tuples" }
                </p>
            </div>
        }
    }

    /// The four counts.
    fn tiles(&self) -> Html {
        let record = self.live.record();
        let refused = record.refused_lately(self.live.shown());
        let total = |of: [u32; 2]| words::number(of[0] + of[1]);
        let errno = record.errno.map_or("EADDRNOTAVAIL", |errno| errno.name());
        let tile = |key: &'static str, glyph: Html, label: &str, value: String, unit: &'static str, bad: bool| {
            html! {
                <div {key} class={classes!("sp-count", bad.then_some("bad"))}>
                    <dt>{ glyph }{ label.to_owned() }</dt><dd><b data-count={key}>{ value }</b><span>{ unit }</span></dd>
                </div>
            }
        };
        html! {
            <dl class="sp-counts">
                { tile("established", mark("est", "c-est"), "established", total(self.counts.established), "", false) }
                { tile("time-wait", mark("tw", "c-tw"), "TIME_WAIT", total(self.counts.time_wait), "60 s each", false) }
                { tile("free", mark("free", "c-mute"), "free", total(self.counts.free), "", false) }
                { tile("refused", mark("ref", "c-ref"), errno, words::number(refused), "per second", refused > 0) }
            </dl>
        }
    }

    fn maps(&self, ctx: &Context<Self>) -> Html {
        let refused = self.live.record().refused_lately(self.live.shown()) > 0;
        html! {
            <div class={classes!("sp-maps", refused.then_some("full"))}>
                { self.map(ctx, 0) }
                { self.axis() }
                { self.map(ctx, 1) }
            </div>
        }
    }

    fn map(&self, ctx: &Context<Self>, parity: usize) -> Html {
        let settings = self.live.record().settings;
        let name = words::parity(&settings, parity);
        let (title, short) = match (parity, settings.searched()) {
            (0, _) => (format!("{} ports, tried first", capital(name)), capital(name)),
            (_, 1) => (format!("{} ports: none", capital(name)), capital(name)),
            _ => (
                format!("{} ports, tried when no {} one is free", capital(name), words::parity(&settings, 0)),
                capital(name),
            ),
        };
        let geometry = self.pictures[parity].geometry;
        let pixels = |length: u32| f64::from(length) / self.ratio;
        let size = format!("width:{:.3}px;height:{:.3}px", pixels(geometry.width()), pixels(geometry.height()));
        let first = settings.range.0.saturating_add(parity as u16);
        let looked = self.look.filter(|port| usize::from(port - settings.range.0) % 2 == parity);
        let says = self.says(looked.unwrap_or(first));
        let (taken, all) = (self.counts.taken(parity), self.counts.all(parity));
        html! {
            <figure key={parity} class="sp-map-w">
                <figcaption><b>{ title }</b><span>{ format!("{} of {} taken", words::number(taken), words::number(all)) }</span></figcaption>
                <div ref={self.nodes.boxes[parity].clone()} class="sp-map">
                    <div class="sp-plot" style={size} role="slider" tabindex="0" aria-label={format!("{short} ports, one by one")} aria-valuemin={settings.range.0.to_string()}
                        aria-valuemax={settings.range.1.to_string()} aria-valuenow={looked.unwrap_or(first).to_string()} aria-valuetext={says}
                        onpointermove={self.point(ctx, parity)} onpointerleave={ctx.link().callback(|_: PointerEvent| Msg::Look(None))}
                        onfocus={ctx.link().callback(move |_: FocusEvent| Msg::Look(Some(looked.unwrap_or(first))))}
                        onblur={ctx.link().callback(|_: FocusEvent| Msg::Look(None))} onkeydown={self.walk(ctx, looked.unwrap_or(first))}>
                        <canvas ref={self.nodes.canvases[parity].clone()} data-map={parity.to_string()} />
                        { self.ring("last", self.live.cursor().last_use(self.live.record()).map(|last| last.port), parity) }
                        { self.ring("look", looked, parity) }
                    </div>
                </div>
            </figure>
        }
    }

    /// A ring around a cell; it is always there, and hidden while it has nothing to show.
    fn ring(&self, class: &'static str, port: Option<u16>, parity: usize) -> Html {
        let Geometry { cell, gap, .. } = self.pictures[parity].geometry;
        let place = port.map(|port| u32::from(port - self.range().0)).filter(|place| *place as usize % 2 == parity);
        let (x, y) = place.map_or((0, 0), |place| self.pictures[parity].geometry.corner(place / 2));
        let pixels = |length: u32| f64::from(length) / self.ratio;
        let style = format!(
            "transform:translate({:.2}px,{:.2}px);width:{:.2}px;height:{:.2}px",
            pixels(x),
            pixels(y),
            pixels(cell.0 - gap.0),
            pixels(cell.1 - gap.1)
        );
        html! { <i key={class} class={classes!("sp-ring", class)} {style} hidden={place.is_none()} /> }
    }

    fn point(&self, ctx: &Context<Self>, parity: usize) -> Callback<PointerEvent> {
        let (geometry, ratio, range) = (self.pictures[parity].geometry, self.ratio, self.range());
        ctx.link().callback(move |event: PointerEvent| {
            let cell = geometry.cell_at(f64::from(event.offset_x()) * ratio, f64::from(event.offset_y()) * ratio);
            Msg::Look(cell.and_then(|cell| u16::try_from(u32::from(range.0) + cell * 2 + parity as u32).ok()))
        })
    }

    /// Keys on a map go from port to port.
    fn walk(&self, ctx: &Context<Self>, port: u16) -> Callback<KeyboardEvent> {
        let (link, (low, high)) = (ctx.link().clone(), self.range());
        let row = i64::from(self.pictures[0].geometry.columns) * 2;
        Callback::from(move |event: KeyboardEvent| {
            let first = i64::from(low) + i64::from(port - low) % 2;
            let last = i64::from(high) - (i64::from(high) - first) % 2;
            let to = match event.key().as_str() {
                "ArrowRight" => i64::from(port) + 2,
                "ArrowLeft" => i64::from(port) - 2,
                "ArrowDown" | "PageDown" => i64::from(port) + row,
                "ArrowUp" | "PageUp" => i64::from(port) - row,
                "Home" => first,
                "End" => last,
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            let to = if (first..=last).contains(&to) { to } else { i64::from(port) };
            link.send_message(Msg::Look(u16::try_from(to).ok()));
        })
    }

    /// Port numbers of some rows.
    fn axis(&self) -> Html {
        let geometry = self.pictures[0].geometry;
        let (low, high) = self.range();
        let rows = if geometry.rows == 0 { Vec::new() } else { geometry.labelled_rows() };
        let label = |row: u32| {
            let y = f64::from(row * geometry.cell.1) / self.ratio + f64::from(geometry.cell.1) / self.ratio / 2.0;
            let port = (u32::from(low) + row * geometry.columns * 2).min(u32::from(high));
            html! { <span key={row} style={format!("top:{y:.1}px")}>{ port }</span> }
        };
        html! { <div key="axis" class="sp-axis" aria-hidden="true">{ for rows.into_iter().map(label) }</div> }
    }

    /// What the port is at the moment that is shown.
    fn says(&self, port: u16) -> String {
        let record = self.live.record();
        let place = usize::from(port - record.settings.range.0);
        let state = self.live.cursor().state(record, place);
        words::port(port, state, self.live.cursor().rest(record, place))
    }

    fn legend(&self) -> Html {
        let barred = !self.live.record().barred.is_empty();
        let says = self.look.map_or_else(|| "one cell = one port".to_owned(), |port| self.says(port));
        let live = if self.live.playing { "off" } else { "polite" };
        html! {
            <div class="sp-legend">
                <span>{ "TIME_WAIT, just closed" }<i class="ramp" />{ "60 s, about to be free" }</span>
                <span><i class="sw est" />{ "established" }</span>
                <span><i class="sw free" />{ "free" }</span>
                <span><i class="sw last" />{ "last port picked" }</span>
                <span hidden={!barred}><i class="sw barred" />{ "a listener’s" }</span>
                <output class={classes!("sp-look", self.look.map(|_| "on"))} aria-live={live}>{ says }</output>
            </div>
        }
    }

    fn decided(&self) -> Html {
        let decision = words::decision(self.live.record(), self.live.shown());
        let glyph = match decision.how {
            None => mark("virtual", "c-mute"),
            Some(How::Refused) => mark("ref", "c-ref"),
            Some(How::Reused) => mark("tw", "c-tw"),
            Some(_) => mark("est", "c-est"),
        };
        let live = if self.live.playing { "off" } else { "polite" };
        html! {
            <div class="decided" id="sp-decided" aria-live={live}>
                { glyph }<span class="lab">{ "Decided by" }</span>
                <span class="what">{ decision.text }{ " " }<b>{ decision.result }</b></span>
                <span class="where">{ decision.by }</span>
            </div>
        }
    }

    fn transport(&self, act: &Callback<Act>) -> Html {
        let (at, record) = (self.live.shown(), self.live.record());
        let on = |to: Act| {
            let act = act.clone();
            Callback::from(move |_: MouseEvent| act.emit(to))
        };
        let end = at >= super::record::RUN_MS;
        let toggle = {
            let act = act.clone();
            Callback::from(move |_: Event| act.emit(Act::TogglePlay))
        };
        let speeds = SPEEDS.iter().map(|speed| {
            html! { <button type="button" key={*speed} data-speed={speed.to_string()} aria-pressed={(*speed == self.live.speed).to_string()} onclick={on(Act::Speed(*speed))}>{ format!("{speed}×") }</button> }
        });
        html! {
            <div class="sp-keys" role="group" aria-label="Playback">
                <p class="sp-now"><small>{ words::secs(at) }</small><b>{ words::event(&record.settings, record.event_at(at)) }</b></p>
                <div class="sp-btns">
                    <button type="button" class="btn icon quiet" id="sp-first" aria-label="Start" disabled={at == 0} onclick={on(Act::Seek(0))}>{ icon("first") }</button>
                    <button type="button" class="btn icon" id="sp-back" aria-label="Event before" disabled={at == 0} onclick={on(Act::Back)}>{ icon("back") }</button>
                    <button type="button" class="btn solid step" id="sp-step" disabled={end} onclick={on(Act::Step)}>{ "Step" }{ icon("fwd") }</button>
                </div>
                <div class="sp-auto">
                    <label class="switch"><input type="checkbox" id="sp-play" checked={self.live.playing} onchange={toggle} /><i />{ "Autoplay" }</label>
                    <span class="seg" role="group" aria-label="Virtual seconds in one of yours">{ for speeds }</span>
                </div>
                <p class="sp-clocks">{ self.clocks() }</p>
            </div>
        }
    }

    /// Virtual time against the reader's.
    fn clocks(&self) -> String {
        let record = self.live.record();
        match self.live.pace.filter(|_| self.live.playing) {
            Some(pace) => format!("virtual clock at {pace:.1}× the wall clock"),
            None if !record.is_complete() => format!("working out the run: {} of 120 s", record.until / 1000),
            None => {
                let took = self.live.worked_ms.max(1.0);
                format!("120 virtual s worked out in {took:.0} ms: {}×", words::number((120_000.0 / took) as u32))
            }
        }
    }
}

/// What stands at the instrument's address.
pub fn source_ports_page() -> Html {
    html! { <Page key="source-ports" /> }
}

/// The instrument alone, with the settings that the address names.
#[component]
fn Page() -> Html {
    let settings = use_context::<SettingsHandle>();
    use_effect_with((), |()| browser::set_title(&format!("{SOURCE_PORTS} · portlab")));
    use_effect(move || {
        let listener = move |event: &Event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let meant =
                !(event.ctrl_key() || event.meta_key() || event.alt_key() || browser::typing() || view::dialog_open());
            let letters = settings.as_ref().is_none_or(|settings| settings.letter_keys);
            if meant && letters && view::letter_of_page(&event.key().to_lowercase(), settings.as_ref()) {
                event.prevent_default();
            }
        };
        let options = EventListenerOptions::enable_prevent_default();
        let listener =
            web_sys::window().map(|window| EventListener::new_with_options(&window, "keydown", options, listener));
        move || drop(listener)
    });
    let begins = use_memo((), |()| Settings::decode(&screen::query_of_address()));
    html! {
        <div data-page="source-ports">
            <Topbar lesson={Some((AttrValue::from("Five-tuples"), AttrValue::from("Source ports")))} />
            <main class="sp-page"><SourcePorts settings={Some(*begins)} /></main>
        </div>
    }
}

/// Of several destinations the maps show the first.
fn of_many(settings: &Settings) -> String {
    if settings.destinations > 1 { format!(", the first of {},", settings.destinations) } else { String::new() }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
