//! The instrument as a component: its state, when it is painted, and what stands around the maps.

use std::rc::Rc;

use gloo::events::EventListener;
use web_sys::{Element, HtmlCanvasElement};
use yew::prelude::*;

use super::chart::Chart;
use super::controls::{self, Load, Repairs};
use super::geometry::{Geometry, Room};
use super::live::{Act, Live, SPEEDS};
use super::page;
use super::paint::Picture;
use super::record::{Counts, Event as RunEvent, How, Second};
use super::screen::{self, Colours, NextFrame, Resizes, SAMPLES, SAMPLES_CLASS};
use super::settings::Settings;
use super::words;
use crate::path::SOURCE_PORTS;
use crate::view::{SettingsHandle, icon, mark};

mod maps;

/// The address of the page, after the `#`.
pub const PATH: &str = "/source-ports";

/// Height of a map at most, in pixels of the page; on a phone both fit on one screen.
const MAP_HEIGHT: f64 = 444.0;
const MAP_HEIGHT_PHONE: f64 = 300.0;

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
            _kept: page::listeners(ctx),
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
        let wide = f64::from(width(&self.nodes.boxes[0]));
        let height = if wide < 400.0 { MAP_HEIGHT_PHONE } else { MAP_HEIGHT };
        let room = Room { width: wide, height, ratio: self.ratio };
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

/// Of several destinations the maps show the first.
fn of_many(settings: &Settings) -> String {
    if settings.destinations > 1 { format!(", the first of {},", settings.destinations) } else { String::new() }
}
