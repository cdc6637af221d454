//! A lesson with a cluster as people take it: by mouse, by keyboard alone, and on a phone.

use fantoccini::key::Key;
use portlab_e2e::walk::{GATES_MAX, LESSON};
use portlab_e2e::{Gate, Page};

/// What repairs each exercise, as one types it.
const REPAIRS: [(&str, &[&str]); 3] = [
    (
        "service",
        &[
            "kubectl patch deployment web --type json -p '[{\"op\":\"remove\",\"path\":\"/spec/template/spec/containers/0/ports/0/hostPort\"}]'",
            "kubectl expose deployment web --port=80",
        ],
    ),
    (
        "daemonset",
        &[
            "kubectl get deployment web -o yaml | sed -e 's/kind: Deployment/kind: DaemonSet/' -e '/replicas:/d' -e '/strategy:/,/type: RollingUpdate/d' -e '/progressDeadlineSeconds/d' -e '/^status:/,$d' -e '/uid:/d' -e '/resourceVersion:/d' > agent.yaml",
            "kubectl delete deployment web",
            "kubectl apply -f agent.yaml",
        ],
    ),
    (
        "recreate",
        &["kubectl patch deployment web -p '{\"spec\":{\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":null}}}'"],
    ),
];

#[tokio::test]
async fn by_mouse() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.hold_to_axe("home").await;
    page.enter_lesson().await;
    page.hold_to_axe("a prediction is open").await;
    for _ in 0..2 {
        page.pass_by_pointer().await;
    }
    page.hold_to_axe("the first run is over").await;
    for tab in ["yaml", "describe", "ports", "events", "terminal"] {
        page.click(&format!("#tab-{tab}")).await;
        page.seen(&format!("[data-pane={tab}]")).await;
        page.hold_to_axe(tab).await;
    }
    page.go_to(Gate::Recall).await;
    page.hold_to_axe("the bench is covered").await;
    page.go_to(Gate::Exercise).await;
    page.hold_to_axe("an exercise").await;
    page.go_to(Gate::None).await;
    page.close().await;
}

/// Nothing but keys: what is not reached by one is reached by Tab.
#[tokio::test]
async fn by_keyboard_alone() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.tab_to(LESSON).await;
    page.press(&ENTER.to_string()).await;
    page.seen("[data-page=lesson] #bench").await;
    let mut solved = 0;
    for _ in 0..GATES_MAX {
        match page.gate().await {
            Gate::Predict | Gate::Recall => {
                let question = page.attribute("[data-question]", "data-question").await;
                page.press("b").await;
                page.seen("#commit-button:enabled").await;
                page.press(&ENTER.to_string()).await;
                page.seen(&format!("[data-answered='{question}']")).await;
            }
            Gate::Run => {
                page.press(&ENTER.to_string()).await;
                page.seen("#bench:not([data-frames='0'])").await;
                page.press(&char::from(Key::End).to_string()).await;
                page.seen(".story:not([data-gate=run])").await;
            }
            Gate::Exercise => {
                solve_by_keyboard(&page).await;
                solved += 1;
            }
            Gate::None if page.is_last_step().await => break,
            Gate::None => {
                let step = page.attribute(".story", "data-step").await;
                page.press(&ENTER.to_string()).await;
                page.seen(&format!(".story:not([data-step='{step}'])")).await;
            }
        }
    }
    assert_eq!(solved, REPAIRS.len(), "every exercise was solved by typing");
    page.press("2").await;
    page.seen("[data-pane=yaml]").await;
    page.close().await;
}

const ENTER: char = '\u{e007}';

/// Starts the exercise that waits, types its repair into the terminal, and leaves that again.
async fn solve_by_keyboard(page: &Page) {
    let exercise = page.exercise().await;
    let (_, repair) = REPAIRS.iter().find(|(id, _)| *id == exercise).expect("the exercise has a repair");
    page.tab_to(&format!("[data-exercise='{exercise}'] .start")).await;
    page.press(&ENTER.to_string()).await;
    page.seen(&format!("[data-exercise='{exercise}'][data-state='at work']")).await;
    page.press("1").await;
    page.seen("#command:focus").await;
    for line in *repair {
        page.command(line).await;
    }
    page.seen(&format!("[data-exercise='{exercise}'][data-state='solved']")).await;
    page.press(&char::from(Key::Escape).to_string()).await;
    page.seen("#pane:focus").await;
}

#[tokio::test]
async fn on_a_phone() {
    let Some(page) = Page::open(390, 844).await else { return };
    page.hold_to_axe("home on a phone").await;
    page.enter_lesson().await;
    page.hold_to_axe("lesson on a phone").await;
    let wide = page.script("return document.documentElement.scrollWidth").await;
    assert_eq!(wide, 390, "nothing sticks out");
    page.go_to(Gate::None).await;
    page.close().await;
}
