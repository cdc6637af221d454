//! The bench: stage, decision strip, notices, transport, and the tabs below.

use portlab_engine::event::What;
use portlab_scenarios::model::{Block, Instrument};
use yew::prelude::*;

use super::host_stage::HostStage;
use super::icon::{glyph, icon, mark};
use super::lesson::Cx;
use super::panel::panel;
use super::stage::Stage;
use super::transport::transport;
use crate::browser;
use crate::instrument::calls::Calls;
use crate::instrument::source_ports::SourcePorts;
use crate::scene::effect::without_effect;
use crate::scene::frame::{Decision, Frame, Part};
use crate::session::gate::Gate;
use crate::session::progress::Sure;
use crate::session::{Action, Session};

/// Fields without effect that the notice names; the YAML tab names all.
const DULL_MAX: usize = 3;

/// Everything right of the story.
pub fn bench(cx: &Cx) -> Html {
    let session = cx.session;
    let gate = session.open_blocks().gate;
    let covered = matches!(gate, Some(Gate::Recall(_)));
    html! {
        <section class="bench" id="bench" aria-label="Lab bench"
            data-frame={session.cursor.to_string()} data-frames={session.frames.len().to_string()}
            data-revision={session.revision.to_string()} data-latest={session.is_latest().to_string()}
            data-jump={session.jumped.then_some("")}>
            <div class="cover-w">{ if covered { cover(cx) } else { html! { <span hidden=true /> } } }</div>
            <div class="bench-in" inert={covered} aria-hidden={covered.then_some("true")}>{ inside(cx, gate, covered) }</div>
        </section>
    }
}

/// An instrument where the step shows one, else stage, strip, transport and tabs.
fn inside(cx: &Cx, gate: Option<Gate>, covered: bool) -> Html {
    let session = cx.session;
    match session.instrument() {
        Some(Instrument::Calls) => html! { <div key="calls" class="calls-main in-lesson"><Calls compact=true /></div> },
        Some(Instrument::SourcePorts) => {
            html! { <div key="source-ports" class="sp-page"><SourcePorts compact=true /></div> }
        }
        None => html! {
            <div key="lab" class="lab-in">
                <div class="stage-w">{ stage(session, gate, covered) }</div>
                { strip(cx, gate) }
                <div class="notices">{ notices(cx) }</div>
                { transport(cx, gate) }
                { panel(cx) }
            </div>
        },
    }
}

/// Hosts where the lesson has no cluster, and where what is shown happened on one; else nodes.
fn stage(session: &Session, gate: Option<Gate>, hidden: bool) -> Html {
    let events = session.events();
    let shown = session.frame().and_then(|frame| events.get(frame.about));
    let called = shown.is_some_and(|event| matches!(event.what, What::Called { .. } | What::Passed { .. }));
    if called || !session.has_cluster() {
        let unsaid = matches!(gate, Some(Gate::Predict(_))) && session.frames.is_empty();
        html! { <HostStage key="hosts" session={session.clone()} {hidden} {unsaid} /> }
    } else {
        html! { <Stage key="nodes" session={session.clone()} {hidden} /> }
    }
}

/// The bench is covered while one recalls.
fn cover(cx: &Cx) -> Html {
    let question = cx.session.open_blocks().gate.and_then(|gate| match &cx.session.step().blocks[gate.block()] {
        Block::Recall(question) => Some(question.id.clone()),
        _ => None,
    });
    let act = cx.act.clone();
    let skip = Callback::from(move |_: MouseEvent| {
        if let Some(question) = question.clone() {
            act.emit(Action::Answer { question, choice: None, sure: Sure::Guess, at: browser::clock() });
        }
    });
    html! {
        <div class="cover">
            <div>
                <b>{ "Covered while you recall" }</b>
                <p>{ "Stage, terminal and tables return with the answer." }</p>
                <button type="button" class="btn" onclick={skip}>{ "Show anyway, skip the check" }</button>
            </div>
        </div>
    }
}

fn strip(cx: &Cx, gate: Option<Gate>) -> Html {
    let session = cx.session;
    let empty = match gate {
        Some(Gate::Predict(_)) => "Nothing has run in this step. Commit a prediction to enable Run.",
        Some(Gate::Run(_)) => "Nothing has run in this step. Run starts its commands.",
        _ => "Nothing has run in this step. Type a command, or go on in the story.",
    };
    strip_of(session.frame(), empty)
}

/// What decided a frame; before the first, what will be said here.
pub fn strip_of(frame: Option<&Frame>, empty: &'static str) -> Html {
    let (sign, decision) = match frame {
        Some(frame) => (glyph(frame.glyph), Some(&frame.decision)),
        None => (mark("virtual", "c-mute"), None),
    };
    html! {
        <div class="decided" id="decided" role="status" aria-live="polite">
            { sign }
            <div class="said">{ decision.map_or_else(|| html! { <span class="what">{ empty }</span> }, said) }</div>
        </div>
    }
}

fn said(decision: &Decision) -> Html {
    let parts = decision.parts.iter().enumerate().map(|(at, part)| match part {
        Part::Text(text) => html! { <span key={at}>{ text }</span> },
        Part::Strong(text) => html! { <b key={at}>{ text }</b> },
        Part::Refusal(text) => html! { <strong key={at} class="c-ref">{ text }</strong> },
    });
    html! {
        <>
            <span class="lab">{ decision.label }</span>
            <span class="what" title={decision.to_string()}>{ for parts }</span>
            <span class="where">{ &decision.place }</span>
        </>
    }
}

fn notices(cx: &Cx) -> Html {
    let session = cx.session;
    let act = |action: Action| {
        let act = cx.act.clone();
        Callback::from(move |_: MouseEvent| act.emit(action.clone()))
    };
    let dropped = session.dropped.as_ref().map(|dropped| {
        html! {
            <div class="notice" role="status" data-notice="dropped">
                { icon("reset") }
                <span><b>{ format!("{} later events were dropped. ", dropped.events) }</b>{ "The lab went on from the moment that was shown." }</span>
                <span class="grow" />
                <button type="button" class="btn small" id="undo" onclick={act(Action::Undo)}>{ "Undo" }</button>
                <button type="button" class="btn small quiet" onclick={act(Action::Keep)}>{ "Keep it so" }</button>
            </div>
        }
    });
    let past = (!session.is_latest() && session.dropped.is_none() && session.cursor == session.frames.len()).then(|| {
        html! {
            <div class="notice" data-notice="past">
                <span><b>{ "This is an earlier step. " }</b>{ "A command typed here goes on from this moment and drops what came later; Undo brings it back." }</span>
            </div>
        }
    });
    html! { <><div>{ dropped.unwrap_or_default() }</div><div>{ past.unwrap_or_default() }</div><div>{ dull(cx).unwrap_or_default() }</div></> }
}

/// Fields of the object that was applied last which portlab keeps without effect.
fn dull(cx: &Cx) -> Option<Html> {
    let session = cx.session;
    let (start, _) = session.window();
    let events = session.events();
    let seen = session.seen().min(events.len());
    let (key, fields) = without_effect(&events[start.min(seen)..seen])?;
    let named =
        fields.iter().take(DULL_MAX).map(|path| html! { <code key={path.clone()}>{ format!("{path} ") }</code> });
    let more = fields.len().saturating_sub(DULL_MAX);
    Some(html! {
        <div class="notice" data-notice="dull">
            <span><b>{ format!("{key}: stored without effect here: ") }</b>{ for named }{ if more > 0 { format!("and {more} more") } else { String::new() } }</span>
        </div>
    })
}
