//! The filter table.

use yew::prelude::*;

use super::icon::mark;
use super::stage::tick;
use crate::scene::sieve::{Cell, Row, Sieve, StopBox};
use crate::scene::stage::Lane;

/// The table of an attempt, with the lanes' heads.
pub fn table(sieve: &Sieve, lanes: &[Lane], on: usize, _cluster: &str) -> Html {
    let shown = |at: usize| if at == on { "on" } else { "" };
    let heads = lanes.iter().enumerate().map(|(at, lane)| {
        html! {
            <th key={lane.node.clone()} scope="col" class={classes!("lane", shown(at))}>
                <span class="lane-h"><b>{ &lane.short }</b>{ for lane.marks.iter().map(|mark| html! { <span key={mark.clone()} class="badge">{ mark }</span> }) }<span class="grow" /><span class="mono">{ &lane.ip }</span></span>
            </th>
        }
    });
    let columns = lanes.iter().map(|lane| html! { <col key={lane.node.clone()} /> });
    html! {
        <table class="ft" data-attempt={sieve.attempt.to_string()} data-of={sieve.pod.name.clone()} data-ended={sieve.end.is_some().to_string()}>
            <caption class="sr">{ format!("What each filter said of each node, for {}", sieve.pod.name) }</caption>
            <colgroup><col class="pl" />{ for columns }</colgroup>
            <thead><tr><td class="corner">{ format!("Attempt {}", sieve.attempt) }</td>{ for heads }</tr></thead>
            <tbody>
                { for sieve.rows.iter().filter(|row| !after_filters(row)).map(|row| line(row, on)) }
                { not_run(sieve, on) }
                { for sieve.rows.iter().filter(|row| after_filters(row)).map(|row| line(row, on)) }
            </tbody>
        </table>
    }
}

/// Rows that follow the filters, also those that did not run.
fn after_filters(row: &Row) -> bool {
    matches!(row.name.as_str(), "DefaultPreemption" | "Score" | "Bind")
}

fn line(row: &Row, on: usize) -> Html {
    let hot = row.cells.iter().any(|cell| matches!(cell, Cell::Stop(_)));
    let cells = row.cells.iter().enumerate().map(|(at, one)| cell(at, one, at == on));
    html! {
        <tr key={row.name.clone()} class={if hot { "hot" } else { "" }} data-plugin={row.name.clone()}>
            <th scope="row">{ &row.name }<small hidden={!hot}>{ row.why }</small></th>
            { for cells }
        </tr>
    }
}

fn cell(at: usize, cell: &Cell, on: bool) -> Html {
    let lane = classes!("lane", on.then_some("on"));
    match cell {
        Cell::Pass => html! { <td key={at} class={classes!(lane, "pass")}>{ tick() }</td> },
        Cell::NoneSet => {
            html! { <td key={at} class={classes!(lane, "pass")}><span class="c">{ "none set" }</span></td> }
        }
        Cell::NotRun => html! { <td key={at} class={classes!(lane, "skip")}><span class="c">{ "not run" }</span></td> },
        Cell::Said(text) => html! { <td key={at} class={classes!(lane, "told")}><span class="c">{ text }</span></td> },
        Cell::Score(total) => {
            html! { <td key={at} class={classes!(lane, "pass")}><span class="c mono">{ total }</span></td> }
        }
        Cell::Lands => {
            html! { <td key={at} class={classes!(lane, "lands")}><span class="landed">{ mark("land", "c-ink") }{ "lands here" }</span></td> }
        }
        Cell::Stop(stop) => html! { <td key={at} class={classes!(lane, "stop")}>{ stop_box(stop) }</td> },
    }
}

fn stop_box(stop: &StopBox) -> Html {
    let compared = stop.compared.iter().flatten().map(|part| {
        html! { <div key={part.what} class="vs-row"><dt>{ part.what }</dt><dd><b>{ &part.held }</b><small>{ &part.says }</small></dd></div> }
    });
    html! {
        <div class="stopbox">
            <span class="c">{ mark("ref", "c-ref") }<span title={stop.text.clone()}>{ &stop.title }</span></span>
            <p class="mono" hidden={stop.compared.is_some()}>{ &stop.text }</p>
            <dl class="vs" hidden={stop.compared.is_none()}>{ for compared }</dl>
        </div>
    }
}

/// The filters that no node reached, in one line.
fn not_run(sieve: &Sieve, on: usize) -> Html {
    let Some((first, rest)) = sieve.not_run.split_first() else { return html! { <tr hidden=true /> } };
    let more = if rest.is_empty() { String::new() } else { format!(" +{}", rest.len()) };
    let cells = sieve.nodes.iter().enumerate().map(|(at, _)| html! { <td key={at} class={classes!("lane", "skip", (at == on).then_some("on"))}><span class="c">{ "not run" }</span></td> });
    html! {
        <tr>
            <th scope="row">{ first.to_string() }<span class="plus" aria-hidden="true">{ more }</span><span class="sr">{ format!(" and {} more", rest.len()) }</span></th>
            { for cells }
        </tr>
    }
}
