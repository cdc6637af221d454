//! The lesson's page: opens the session, keeps it, and puts story and bench side by side.

use std::rc::Rc;

use portlab_scenarios::model::{Block, Lesson, Question};
use yew::platform::spawn_local;
use yew::prelude::*;

use super::badge;
use super::bench::bench;
use super::keys::use_keys;
use super::opening::Waiting;
use super::story::story;
use super::topbar::Topbar;
use super::transport::{standing, use_autoplay};
use crate::path::{chapter_of, lesson};
use crate::session::gate::Gate;
use crate::session::progress::{Progress, key};
use crate::session::{Action, Session};
use crate::{browser, jq};

#[derive(Clone, PartialEq, Properties)]
pub struct PageProps {
    pub id: AttrValue,
}

/// What the bench shows below the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Terminal,
    Yaml,
    Describe,
    Ports,
    Events,
    Story,
}

impl Tab {
    /// The tabs of a lesson: without a cluster there is nothing to describe, without manifests nothing to edit.
    #[must_use]
    pub fn of(lesson: &Lesson) -> &'static [Tab] {
        match (lesson.cluster.nodes > 0, lesson.files.is_empty()) {
            (true, _) => &[Tab::Story, Tab::Terminal, Tab::Yaml, Tab::Describe, Tab::Ports, Tab::Events],
            (false, false) => &[Tab::Story, Tab::Terminal, Tab::Yaml, Tab::Ports, Tab::Events],
            (false, true) => &[Tab::Story, Tab::Terminal, Tab::Ports, Tab::Events],
        }
    }

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Tab::Terminal => "terminal",
            Tab::Yaml => "yaml",
            Tab::Describe => "describe",
            Tab::Ports => "ports",
            Tab::Events => "events",
            Tab::Story => "story",
        }
    }
}

/// What fragments need to draw a lesson and to act on it.
pub struct Cx<'a> {
    pub session: &'a Session,
    pub act: Callback<Action>,
    pub tab: Tab,
    pub show: Callback<Tab>,
    pub file: AttrValue,
    pub pick_file: Callback<AttrValue>,
}

/// What stands at a lesson's address.
pub fn lesson_page(id: AttrValue) -> Html {
    html! { <LessonPage key={id.to_string()} id={id.clone()} /> }
}

/// Waits for jq where a kept world needs it, then opens the lesson.
#[component]
pub fn LessonPage(props: &PageProps) -> Html {
    let lesson = lesson(&props.id);
    let kept = lesson.as_ref().map(|lesson| {
        let text = browser::kept(&key(&lesson.id));
        Progress::decode(text.as_deref(), &lesson.hash, lesson.steps.len()).needs_jq()
    });
    let ready = use_state(|| kept != Some(true));
    {
        let ready = ready.setter();
        let wait = kept == Some(true);
        use_effect_with((), move |()| {
            if wait {
                spawn_local(async move {
                    jq::load().await;
                    ready.set(true);
                });
            }
        });
    }
    html! {
        <div class="lesson-w">
            {
                match lesson {
                    Some(lesson) if *ready => html! { <LessonView key={lesson.id.clone()} lesson={lesson.clone()} /> },
                    Some(lesson) => html! { <Waiting key="wait" title={lesson.title.clone()} /> },
                    None => html! { <NoLesson key="none" /> },
                }
            }
        </div>
    }
}

#[component]
fn NoLesson() -> Html {
    html! { <div><Topbar /><main class="fallback"><h1 class="h-title">{ "This lesson is not yet available" }</h1></main></div> }
}

#[derive(Clone, Properties)]
struct LessonProps {
    lesson: Rc<Lesson>,
}

impl PartialEq for LessonProps {
    fn eq(&self, other: &LessonProps) -> bool {
        Rc::ptr_eq(&self.lesson, &other.lesson)
    }
}

/// Opens what was kept. A kept world that has killed the page once is left out.
fn open(lesson: &Rc<Lesson>) -> Session {
    let mut kept = browser::kept(&key(&lesson.id));
    if browser::kept(browser::OPENING_KEY).as_deref() == Some(lesson.id.as_str()) {
        let progress = Progress::decode(kept.as_deref(), &lesson.hash, lesson.steps.len());
        kept = Some(progress.without_log().encode());
    }
    browser::keep(browser::OPENING_KEY, &lesson.id);
    let session = Session::open(lesson.clone(), kept.as_deref(), Some(jq::run));
    browser::forget(browser::OPENING_KEY);
    session
}

#[component]
fn LessonView(props: &LessonProps) -> Html {
    let session = {
        let lesson = props.lesson.clone();
        use_reducer(move || open(&lesson))
    };
    let tab = use_state(|| if browser::is_wide() { Tab::Terminal } else { Tab::Story });
    let file = use_state(|| AttrValue::from(first_file(&props.lesson)));
    let act = use_act(&session);
    use_kept(&session);
    let (standing, moves) = (standing(&session), act.reform(Action::from));
    use_autoplay(&standing, session.revision, &moves);
    use_keys(&session, &moves, &tab);
    use_block_in_sight(&session);
    use_pane_from_top(*tab);
    // While one recalls, the story has the only thing to do, also where it is a tab.
    let recalls = matches!(session.open_blocks().gate, Some(Gate::Recall(_)));
    let shown = if recalls && !browser::is_wide() { Tab::Story } else { *tab };
    let cx = Cx {
        session: &session,
        act,
        tab: shown,
        show: {
            let tab = tab.setter();
            Callback::from(move |to| tab.set(to))
        },
        file: (*file).clone(),
        pick_file: {
            let file = file.setter();
            Callback::from(move |to| file.set(to))
        },
    };
    let lesson = &props.lesson;
    let chapter = chapter_of(&lesson.title).map_or("", |chapter| chapter.title);
    html! {
        <div class="lesson" data-page="lesson">
            <Topbar lesson={(AttrValue::from(chapter), AttrValue::from(lesson.title.clone()))}>{ badge::confirmation(lesson) }</Topbar>
            <main class="shell" data-tab={shown.id()}>
                <h1 class="sr">{ &lesson.title }</h1>
                { story(&cx) }
                { bench(&cx) }
            </main>
        </div>
    }
}

/// Dispatches; what needs jq waits until jq is there.
#[hook]
fn use_act(session: &UseReducerHandle<Session>) -> Callback<Action> {
    let dispatch = session.dispatcher();
    let needs = needs_jq(session);
    Callback::from(move |action: Action| {
        let dispatch = dispatch.clone();
        let wait = match &action {
            Action::RunStep => needs,
            Action::Type(line) => jq::is_needed(line),
            _ => false,
        };
        let run = move || {
            browser::keep(browser::RUNNING_KEY, &format!("{action:?}"));
            dispatch.dispatch(action);
            browser::forget(browser::RUNNING_KEY);
        };
        if wait {
            spawn_local(async move {
                jq::load().await;
                run();
            });
        } else {
            run();
        }
    })
}

/// Whether running the step may need jq: in its commands or in the checks of its questions.
fn needs_jq(session: &Session) -> bool {
    let asks = |question: &Question| question.choices.iter().flat_map(|c| &c.check).any(|c| jq::is_needed(&c.line));
    matches!(session.open_blocks().gate, Some(Gate::Run(_)))
        && session.step().blocks.iter().any(|block| match block {
            Block::Console(commands) => commands.iter().any(|command| jq::is_needed(&command.line)),
            Block::Predict(question) | Block::Recall(question) => asks(question),
            _ => false,
        })
}

/// Keeps the progress when it changes.
#[hook]
fn use_kept(session: &UseReducerHandle<Session>) {
    let id = session.lesson.id.clone();
    let title = session.lesson.title.clone();
    use_effect_with((), move |()| browser::set_title(&format!("{title} · portlab")));
    use_effect_with(session.progress.clone(), move |progress| {
        browser::keep(&key(&id), &progress.encode());
    });
}

/// Brings what now waits into sight; a new step begins at its top.
#[hook]
fn use_block_in_sight(session: &UseReducerHandle<Session>) {
    let step = session.progress.step;
    let gate = session.open_blocks().gate.map(Gate::block);
    let before = use_mut_ref(|| (step, gate));
    use_effect_with((step, gate), move |now| {
        let (was_step, was_gate) = before.replace(*now);
        if was_step != now.0 {
            browser::scroll_to_top(".story");
        } else if was_gate != now.1 {
            browser::bring_into_sight(".block[data-now=true]");
        }
    });
}

/// The manifest that the lesson shows first.
fn first_file(lesson: &Lesson) -> String {
    let shown = lesson.steps.iter().flat_map(|step| &step.blocks).find_map(|block| match block {
        Block::Yaml { file } => Some(file.clone()),
        _ => None,
    });
    shown.or_else(|| lesson.files.first().map(|file| file.name.clone())).unwrap_or_default()
}

/// Another tab begins at its top; the terminal shows its last line by itself.
#[hook]
fn use_pane_from_top(tab: Tab) {
    use_effect_with(tab, |tab| {
        if !matches!(tab, Tab::Terminal | Tab::Story) {
            browser::scroll_to_top("#pane");
        }
    });
}
