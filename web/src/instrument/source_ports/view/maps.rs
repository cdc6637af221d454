//! The two maps, the axis between them and the legend: fragments of the component.

use web_sys::{KeyboardEvent, PointerEvent};
use yew::prelude::*;

use super::super::geometry::Geometry;
use super::super::words;
use super::{Msg, SourcePorts};

impl SourcePorts {
    pub(super) fn maps(&self, ctx: &Context<Self>) -> Html {
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
                        aria-valuemax={settings.range.1.to_string()} aria-valuenow={looked.unwrap_or(first).min(settings.range.1).to_string()} aria-valuetext={says}
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

    /// What the port is at the moment that is shown. A range of one port has none of the second parity.
    fn says(&self, port: u16) -> String {
        let record = self.live.record();
        if port > record.settings.range.1 {
            return "no port".to_owned();
        }
        let place = usize::from(port - record.settings.range.0);
        let state = self.live.cursor().state(record, place);
        words::port(port, state, self.live.cursor().rest(record, place))
    }

    pub(super) fn legend(&self) -> Html {
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
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
