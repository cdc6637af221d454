//! Home: the promise, the lesson at hand, and the path of four chapters.

use portlab_scenarios::index::Entry;
use portlab_scenarios::model::Instrument;
use yew::prelude::*;
use yew_router::prelude::*;

use super::app::Route;
use super::badge;
use super::icon::{icon, mark};
use super::topbar::Topbar;
use crate::browser;
use crate::path::{CHAPTERS, Chapter, index, title_of, use_of};
use crate::session::gate;
use crate::session::progress::{Progress, key};

/// How far a learner is in a lesson.
#[derive(Clone, Copy, PartialEq)]
enum Far {
    NotBegun,
    At(usize),
    Done,
}

/// A lesson of the index, with what the learner has done in it.
struct Known {
    lesson: Entry,
    progress: Progress,
    far: Far,
}

impl Known {
    fn of(lesson: &Entry) -> Known {
        let progress = Progress::decode(browser::kept(&key(&lesson.id)).as_deref(), &lesson.hash, lesson.steps.len());
        let done = (0..lesson.steps.len()).all(|step| gate::is_done(&lesson.steps[step], step, &progress));
        let begun = progress.step > 0 || !progress.answers.is_empty() || !progress.log.is_empty();
        let far = match done {
            _ if !begun => Far::NotBegun,
            true => Far::Done,
            false => Far::At(progress.step),
        };
        Known { lesson: lesson.clone(), progress, far }
    }
}

#[component]
pub fn Home() -> Html {
    use_effect_with((), |()| browser::set_title("Learn ports by prediction · portlab"));
    let lessons: Vec<Known> = index().iter().map(Known::of).collect();
    let at_hand = lessons.iter().find(|known| known.far != Far::Done).or(lessons.first());
    html! {
        <div class="home" data-page="home">
            <Topbar />
            <main class="page">
                <section class="hero">
                    <div>
                        <h1>{ "Predict what a port will do, then watch every rule that decides it." }</h1>
                        <p class="sub">
                            { "Short lessons on TCP ports, sockets and Kubernetes Services. The lab runs in this browser; every command it shows runs on a real host or cluster." }
                        </p>
                    </div>
                    <div>{ at_hand.map(at_hand_card).unwrap_or_default() }</div>
                </section>
                <section aria-labelledby="path-h">
                    <div class="path-h">
                        <h2 id="path-h">{ "Learning path" }</h2>
                        <span class="note">{ summary(&lessons) }</span>
                        <span class="note">{ "A tick names the systems on which a lesson’s claims were confirmed" }</span>
                    </div>
                    <div class="path">{ for CHAPTERS.iter().map(|chapter| chapter_column(chapter, &lessons)) }</div>
                </section>
                { how() }
                <footer class="foot">
                    <span>{ "Nothing leaves this browser." }</span>
                    <a href="THIRD-PARTY-NOTICES.txt">{ "Third-party notices" }</a>
                </footer>
            </main>
        </div>
    }
}

fn summary(lessons: &[Known]) -> String {
    let total: usize = CHAPTERS.iter().map(|chapter| chapter.lessons.len()).sum();
    let done = lessons.iter().filter(|known| known.far == Far::Done).count();
    let available = lessons.len();
    let are = if available == 1 { "1 is available".to_owned() } else { format!("{available} are available") };
    if done == 0 { format!("{are} of {total} lessons") } else { format!("{done} done; {are} of {total} lessons") }
}

fn at_hand_card(Known { lesson, progress, far }: &Known) -> Html {
    let steps = lesson.steps.len();
    let (button, note) = match far {
        Far::NotBegun => ("Start", format!("{steps} steps")),
        Far::At(step) => ("Continue", format!("at step {} of {steps}", step + 1)),
        Far::Done => ("Look again", "all steps done".to_owned()),
    };
    let dots = lesson.steps.iter().enumerate().map(|(n, waits)| {
        let now = *far != Far::NotBegun && n == progress.step;
        let done = *far != Far::NotBegun && gate::is_done(waits, n, progress);
        html! { <li key={n} class={if now { "now" } else if done { "done" } else { "" }}><i /></li> }
    });
    html! {
        <article class="cont" aria-labelledby="cont-h">
            <div class="cont-h">
                <span class="mono">{ format!("{}.{}", lesson.chapter, lesson.position) }</span>
                <h2 id="cont-h">{ &lesson.title }</h2>
                <span>{ format!("about {} min", lesson.minutes) }</span>
            </div>
            <div class="frame">
                <p class="still-p">{ &lesson.summary }</p>
                { if lesson.has_cluster { claims_still() } else { sockets_still() } }
            </div>
            <div class="cont-f">
                <Link<Route> to={Route::Lesson { id: lesson.id.clone() }} classes="btn solid">{ button }{ icon("fwd") }</Link<Route>>
                <ol class="mini" aria-hidden="true">{ for dots }</ol>
                <span class="note">{ note }</span>
            </div>
        </article>
    }
}

/// Two sockets that want one port of one machine.
fn sockets_still() -> Html {
    html! {
        <div class="still" role="img" aria-label="A socket asks for TCP port 8080 of a machine on which another socket listens there">
            <div class="want">{ mark("virtual", "c-ink") }{ "0.0.0.0 TCP 8080" }</div>
            <div class="node lone"><b>{ "workstation" }</b><div class="rail">{ mark("listen", "c-listen") }{ "8080, listening" }</div></div>
        </div>
    }
}

/// A pod that asks for a host port, and nodes that have not been asked.
fn claims_still() -> Html {
    let node = |name: &'static str| {
        html! { <div key={name} class="node"><b>{ name }</b><div class="rail">{ "no claims" }</div></div> }
    };
    html! {
        <div class="still" role="img" aria-label="A pod asks for host port 8080 of one of three nodes; none of them has been asked yet">
            <div class="want">{ mark("virtual", "c-ink") }{ "0.0.0.0 TCP 8080" }</div>
            <div class="fan"><i key="1" /><i key="2" /><i key="3" /></div>
            <div class="nodes">{ for ["control-plane", "worker", "worker2"].into_iter().map(node) }</div>
        </div>
    }
}

fn chapter_column(chapter: &'static Chapter, lessons: &[Known]) -> Html {
    let own: Vec<&Known> =
        lessons.iter().filter(|known| chapter.lessons.contains(&known.lesson.title.as_str())).collect();
    let done = own.iter().filter(|known| known.far == Far::Done).count();
    let count = match own.len() {
        0 => "to come".to_owned(),
        _ => format!("{done} of {}", chapter.lessons.len()),
    };
    html! {
        <section key={chapter.number} class="chap">
            <h3><span class="no">{ chapter.number }</span>{ chapter.title }<span class="cnt">{ count }</span></h3>
            <ol>{ for chapter.lessons.iter().map(|title| line(title, own.iter().find(|known| known.lesson.title == *title).copied())) }</ol>
            <p class="tool" hidden={chapter.instrument.is_none()}>{ chapter.instrument.map(to_try).unwrap_or_default() }</p>
        </section>
    }
}

/// What a chapter has to try things on, as the last of its lines.
fn to_try(which: Instrument) -> Html {
    html! {
        <Link<Route> to={Route::from(which)}>
            <i class="sock" />
            <span><span class="tt">{ title_of(which) }</span><span class="meta">{ format!("instrument: {}", use_of(which)) }</span></span>
        </Link<Route>>
    }
}

fn line(title: &'static str, known: Option<&Known>) -> Html {
    let Some(Known { lesson, far, .. }) = known else {
        return html! {
            <li key={title} class="les later">
                <div class="to-come"><i class="sock" /><span><span class="tt">{ title }</span><span class="meta">{ "not yet available" }</span></span></div>
            </li>
        };
    };
    let class = match far {
        Far::NotBegun => "les open",
        Far::At(_) => "les cur",
        Far::Done => "les done",
    };
    html! {
        <li key={title} class={class}>
            <Link<Route> to={Route::Lesson { id: lesson.id.clone() }}>
                <i class="sock" />
                <span>
                    <span class="tt">{ title }</span>
                    <span class="meta">
                        <span>{ format!("{} min", lesson.minutes) }</span>
                        { badge::short(lesson) }
                        <span class="sr">{ match far { Far::Done => "done", Far::At(_) => "begun", Far::NotBegun => "not begun" } }</span>
                    </span>
                </span>
            </Link<Route>>
        </li>
    }
}

fn how() -> Html {
    html! {
        <section class="how" aria-label="How a lesson goes">
            <div><h3>{ "You say first what will happen" }</h3><p>{ "Each case asks for a prediction before anything runs. What then happens is computed by the lab, not typed in: it held, or it differed." }</p></div>
            <div><h3>{ "Then you see what decided it" }</h3><p>{ "Step through every event: which plugin, which pod, which address, protocol and port. The terminal takes any command, and going back in time costs nothing." }</p></div>
            <div><h3>{ "And check it on a real cluster" }</h3><p><code>{ "cargo xtask kind-verify" }</code>{ " runs the same commands against a real three-node cluster and compares each line." }</p></div>
        </section>
    }
}
