//! The controls beside the maps: the load, the three repairs in the order of their worth, the counters, the command.

use portlab_engine::linux::Errno;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, InputEvent};
use yew::prelude::*;

use super::live::Act;
use super::record::Record;
use super::run::REQUEST_MS;
use super::settings::{DEFAULT_RANGE, DESTINATIONS_MAX, Place, RATE_MAX, Settings, range_of};
use super::words;
use crate::browser;
use crate::view::icon;

/// What the switch of the third repair widens to.
const WIDE_RANGE: (u16, u16) = (1024, 65_535);

/// The counters that one would look at, with what each counts instead.
const COUNTERS: [(&str, &str); 5] = [
    ("TcpActiveOpens", "SYNs sent"),
    ("TcpAttemptFails", "handshakes that failed"),
    ("TcpExtTW", "connections that went into TIME_WAIT"),
    ("TcpExtTWRecycled", "TIME_WAITs used again"),
    ("TcpExtTCPTimeWaitOverflow", "closed without one"),
];

/// Controls are drawn anew only when a setting has changed, not in every frame.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    pub settings: Settings,
    pub act: Callback<Act>,
}

/// The load.
#[component]
pub fn Load(props: &Props) -> Html {
    let (settings, act) = (props.settings, &props.act);
    let rate = slider(settings.rate, act, move |rate| Settings { rate, ..settings });
    html! {
        <section class="sp-ctl" aria-labelledby="sp-load">
            <h2 id="sp-load">{ "Load" }</h2>
            <label class="sp-knob">
                <span>{ "Requests per second" }</span><output>{ settings.rate }</output>
                <input type="range" min="1" max={RATE_MAX.to_string()} value={settings.rate.to_string()} data-set="rate" oninput={rate} />
            </label>
            <div class="sp-knob">
                <span id="sp-to">{ "Server on" }</span>
                { choice("sp-to", act, settings, &[(Place::Elsewhere, "another host"), (Place::Here, "loopback")], settings.place,
                    |settings, place| Settings { place, ..settings }) }
            </div>
        </section>
    }
}

/// The repairs. They are numbered, because the first is worth most.
#[component]
pub fn Repairs(props: &Props) -> Html {
    let (settings, act) = (props.settings, &props.act);
    let set = |settings: Settings| {
        let act = act.clone();
        Callback::from(move |_: Event| act.emit(Act::Set(settings)))
    };
    // So many carry the whole load.
    let enough = u16::try_from((settings.rate * REQUEST_MS).div_ceil(1000)).unwrap_or(u16::MAX);
    let pool = slider(u32::from(settings.pool), act, move |pool| Settings {
        pool: u16::try_from(pool).unwrap_or(0),
        ..settings
    });
    let pooled = set(Settings { pool: if settings.pool == 0 { enough } else { 0 }, ..settings });
    let wide = settings.ports() > Settings::default().ports();
    let widened = set(Settings { range: if wide { DEFAULT_RANGE } else { WIDE_RANGE }, ..settings });
    let numbers: Vec<(u8, String)> = (1..=DESTINATIONS_MAX).map(|number| (number, number.to_string())).collect();
    let numbers: Vec<(u8, &str)> = numbers.iter().map(|(number, text)| (*number, text.as_str())).collect();
    html! {
        <section class="sp-ctl" aria-labelledby="sp-repairs">
            <h2 id="sp-repairs">{ "Repairs, the best one first" }</h2>
            <ol class="sp-fixes">
                <li>
                    <label class="switch"><input type="checkbox" checked={settings.pool > 0} data-fix="pool" onchange={pooled} /><i /><b>{ "Keep connections open" }</b></label>
                    <label class="sp-knob">
                        <span>{ "pool" }</span><output>{ settings.pool }</output>
                        <input type="range" min="0" max="64" value={settings.pool.to_string()} data-set="pool" oninput={pool} />
                    </label>
                </li>
                <li>
                    <b>{ "More destinations, or reuse" }</b>
                    <div class="sp-knob"><span id="sp-many">{ "destinations" }</span>
                        { choice("sp-many", act, settings, &numbers, settings.destinations, |settings, destinations| Settings { destinations, ..settings }) }</div>
                    <div class="sp-knob"><span id="sp-reuse" class="mono">{ "tcp_tw_reuse" }</span>
                        { choice("sp-reuse", act, settings, &[(0, "0"), (1, "1"), (2, "2")], settings.tw_reuse, |settings, tw_reuse| Settings { tw_reuse, ..settings }) }</div>
                    <div class="sp-knob"><span id="sp-stamps" class="mono">{ "tcp_timestamps" }</span>
                        { choice("sp-stamps", act, settings, &[(false, "0"), (true, "1")], settings.timestamps, |settings, timestamps| Settings { timestamps, ..settings }) }</div>
                    <small>{ reuse_note(&settings) }</small>
                </li>
                <li>
                    <label class="switch"><input type="checkbox" checked={wide} data-fix="range" onchange={widened} /><i /><b>{ "Widen the port range" }</b></label>
                    <Range {settings} act={act.clone()} />
                </li>
            </ol>
        </section>
    }
}

fn reuse_note(settings: &Settings) -> String {
    let hold = settings.hold_secs();
    let why = match (settings.tw_reuse, settings.place) {
        (_, _) if hold == 1 => "timestamps tell old from new",
        (0, _) => "reuse is off",
        (2, Place::Elsewhere) => "2 means loopback only",
        _ => "reuse needs timestamps",
    };
    format!("A closed port is usable again after {hold} s: {why}.")
}

/// The two ends of the range; what the kernel refuses is said and has no effect.
#[component]
fn Range(props: &Props) -> Html {
    let settings = props.settings;
    let refused = use_state(|| None::<(String, Errno)>);
    let ends = (use_node_ref(), use_node_ref());
    let onchange = {
        let (act, refused, ends) = (props.act.clone(), refused.setter(), ends.clone());
        Callback::from(move |_: Event| {
            let value = |of: &NodeRef| of.cast::<HtmlInputElement>().map_or(String::new(), |input| input.value());
            let (low, high) = (value(&ends.0), value(&ends.1));
            match range_of(&low, &high) {
                Ok(range) => {
                    refused.set(None);
                    act.emit(Act::Set(Settings { range, ..settings }));
                }
                Err(errno) => refused.set(Some((format!("{low} {high}"), errno))),
            }
        })
    };
    // A range that came from elsewhere makes what was refused here old.
    {
        let refused = refused.setter();
        use_effect_with(settings.range, move |_| refused.set(None));
    }
    let says = match &*refused {
        Some((value, errno)) => {
            format!("“{value}” is refused: {}, {}. The run keeps its range.", errno.name(), errno.words())
        }
        None if settings.overlaps_node_ports() => {
            "Overlaps the NodePorts 30000–32767: reserve those in ip_local_reserved_ports.".into()
        }
        None if settings.ports() > 1 && settings.ports() % 2 == 1 => {
            "An odd number of ports: every search leaves one out.".into()
        }
        None => format!("{} ports", words::number(settings.ports())),
    };
    let end = |name: &'static str, id: &'static str, of: NodeRef, value: u16| {
        html! { <input ref={of} {id} type="text" inputmode="numeric" maxlength="5" aria-label={name} aria-describedby="sp-range-says"
        aria-invalid={refused.is_some().to_string()} value={value.to_string()} onchange={onchange.clone()} /> }
    };
    html! {
        <div class="sp-range">
            <span class="sp-ends">
                { end("Lowest port", "sp-low", ends.0.clone(), settings.range.0) }<span aria-hidden="true">{ "–" }</span>
                { end("Highest port", "sp-high", ends.1.clone(), settings.range.1) }
            </span>
            <small id="sp-range-says" role="status" class={if refused.is_some() { "bad" } else { "" }}>{ says }</small>
        </div>
    }
}

/// The client's counters at the moment that is shown, and what moved in the second up to it.
pub fn counters(record: &Record, at: u32) -> Html {
    let refused = record.attempt_at(at).map_or(0, |last| last.refused);
    let moved = record.counters.moved(at);
    let rows = COUNTERS.iter().map(|(name, counts)| {
        let (value, more) = record.counters.named(name, at).unwrap_or_default();
        html! {
            <tr key={*name} title={*counts}><th scope="row">{ *name }</th><td>{ words::number(value) }</td>
                <td class={if more == 0 { "zero" } else { "" }}>{ format!("+{}", words::number(more)) }</td></tr>
        }
    });
    let says = match (refused, moved) {
        (0, _) => "Nothing was refused so far.".to_owned(),
        (_, 0) => format!(
            "EADDRNOTAVAIL {} times. In the last second none of {} counters moved: no counter counts it.",
            words::number(refused),
            record.counters.count()
        ),
        _ => format!("EADDRNOTAVAIL {} times: no counter counts it.", words::number(refused)),
    };
    html! {
        <section class="sp-ctl sp-counters" aria-labelledby="sp-nstat">
            <h2 id="sp-nstat">{ "Counters of the client’s host, " }<span class="mono">{ "nstat -az" }</span></h2>
            <table><thead class="sr"><tr><th scope="col">{ "counter" }</th><th scope="col">{ "value" }</th><th scope="col">{ "in the last second" }</th></tr></thead>
                <tbody>{ for rows }</tbody></table>
            <small data-moved={moved.to_string()}>{ says }</small>
        </section>
    }
}

/// Commands that show or do the same on a real host.
pub fn commands(settings: &Settings, time_wait: u32) -> Html {
    let to = settings.destination(0);
    let usual = Settings::default();
    let mut lines = vec![(format!("ss -Htan state time-wait dst {to} | wc -l"), Some(time_wait.to_string()))];
    if settings.tw_reuse != usual.tw_reuse {
        lines.push((format!("sudo sysctl -w net.ipv4.tcp_tw_reuse={}", settings.tw_reuse), None));
    }
    if settings.range != usual.range {
        let (low, high) = settings.range;
        lines.push((format!("sudo sysctl -w net.ipv4.ip_local_port_range=\"{low} {high}\""), None));
    }
    let line = |(number, (line, answer)): (usize, (String, Option<String>))| {
        let copy = {
            let line = line.clone();
            Callback::from(move |_: MouseEvent| browser::copy(&line))
        };
        let id = (number == 0).then_some(crate::view::COPY_BUTTON);
        html! {
            <div key={number} class="sp-line">
                <code><span class="ps">{ "$ " }</span>{ line }<output>{ answer.map_or(String::new(), |answer| format!("\n{answer}")) }</output></code>
                <button type="button" {id} class="copyb" aria-label="Copy this command" onclick={copy}>{ icon("copy") }</button>
            </div>
        }
    };
    html! { <div class="sp-cmd">{ for lines.into_iter().enumerate().map(line) }</div> }
}

/// What an input of numbers changes.
fn slider(now: u32, act: &Callback<Act>, change: impl Fn(u32) -> Settings + 'static) -> Callback<InputEvent> {
    let act = act.clone();
    Callback::from(move |event: InputEvent| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        let value = input.and_then(|input| input.value().parse().ok()).unwrap_or(now);
        act.emit(Act::Set(change(value)));
    })
}

/// One of a few.
fn choice<T: Copy + PartialEq + 'static>(
    label: &'static str,
    act: &Callback<Act>,
    settings: Settings,
    options: &[(T, &str)],
    chosen: T,
    change: fn(Settings, T) -> Settings,
) -> Html {
    let button = |(value, text): &(T, &str)| {
        let (act, value) = (act.clone(), *value);
        let onclick = Callback::from(move |_: MouseEvent| act.emit(Act::Set(change(settings, value))));
        let set = format!("{}-{text}", label.trim_start_matches("sp-"));
        html! { <button type="button" key={set.clone()} data-set={set} aria-pressed={(value == chosen).to_string()} {onclick}>{ *text }</button> }
    };
    html! { <span class="seg" role="group" aria-labelledby={label}>{ for options.iter().map(button) }</span> }
}
