//! The first lesson as people take it: by mouse, by keyboard alone, and on a phone.

use fantoccini::key::Key;
use portlab_e2e::{Gate, Page};

/// More gates than the lesson has.
const GATES_MAX: usize = 60;

/// Opens the lesson from home.
async fn enter(page: &Page) {
    page.click(".cont .btn").await;
    page.seen("[data-page=lesson] #bench").await;
}

/// Passes one gate by mouse or finger; false when the lesson is through.
async fn pass_by_pointer(page: &Page) -> bool {
    match page.gate().await {
        Gate::Predict | Gate::Recall => {
            let question = page.attribute("[data-question]", "data-question").await;
            page.click("[data-question] label.opt:nth-of-type(2)").await;
            page.click("#commit-button:enabled").await;
            page.seen(&format!("[data-answered='{question}']")).await;
        }
        Gate::Run => {
            page.click("#main-button:enabled").await;
            page.seen("#bench:not([data-frames='0'])").await;
            if page.gate().await == Gate::Run {
                page.click("#last:enabled").await;
            }
            page.seen(".story:not([data-gate=run])").await;
        }
        Gate::Exercise => {
            let exercise = page.attribute("[data-exercise]:has(.btn.quiet:not([hidden]))", "data-exercise").await;
            page.click(&format!("[data-exercise='{exercise}'] .btn.quiet")).await;
            page.seen(&format!("[data-exercise='{exercise}'][data-state='solution shown']")).await;
        }
        Gate::None => {
            let step = page.attribute(".story", "data-step").await;
            if page.script("return document.querySelector('#next-step') === null").await == true {
                return false;
            }
            page.click("#next-step:enabled").await;
            page.seen(&format!(".story:not([data-step='{step}'])")).await;
        }
    }
    true
}

async fn through_by_pointer(page: &Page) {
    for _ in 0..GATES_MAX {
        if !pass_by_pointer(page).await {
            return;
        }
    }
    panic!("the lesson does not end");
}

#[tokio::test]
async fn by_mouse() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.hold_to_axe("home").await;
    enter(&page).await;
    page.hold_to_axe("a prediction is open").await;
    for _ in 0..2 {
        pass_by_pointer(&page).await;
    }
    page.hold_to_axe("the first run is over").await;
    for tab in ["yaml", "describe", "ports", "events", "terminal"] {
        page.click(&format!("#tab-{tab}")).await;
        page.seen(&format!("[data-pane={tab}]")).await;
        page.hold_to_axe(tab).await;
    }
    through_by_pointer(&page).await;
    page.close().await;
}

#[tokio::test]
async fn by_keyboard_alone() {
    let Some(page) = Page::open(1440, 900).await else { return };
    let enter_key = char::from(Key::Enter).to_string();
    page.script("document.querySelector('.cont .btn').focus()").await;
    page.press(&enter_key).await;
    page.seen("[data-page=lesson] #bench").await;
    page.script("document.activeElement.blur()").await;
    for _ in 0..GATES_MAX {
        let gate = page.gate().await;
        match gate {
            Gate::Predict | Gate::Recall => {
                let question = page.attribute("[data-question]", "data-question").await;
                page.press("b").await;
                page.seen("#commit-button:enabled").await;
                page.press(&enter_key).await;
                page.seen(&format!("[data-answered='{question}']")).await;
            }
            Gate::Run => {
                page.script("document.activeElement.blur()").await;
                page.press(&enter_key).await;
                page.seen("#bench:not([data-frames='0'])").await;
                page.script("document.activeElement.blur()").await;
                page.press(&char::from(Key::End).to_string()).await;
                page.seen(".story:not([data-gate=run])").await;
            }
            Gate::Exercise => break,
            Gate::None => {
                let step = page.attribute(".story", "data-step").await;
                page.press(&enter_key).await;
                page.seen(&format!(".story:not([data-step='{step}'])")).await;
            }
        }
        page.script("document.activeElement.blur()").await;
    }
    assert_eq!(page.gate().await, Gate::Exercise, "the keyboard leads to the exercises");
    page.press("2").await;
    page.seen("[data-pane=yaml]").await;
    page.close().await;
}

#[tokio::test]
async fn on_a_phone() {
    let Some(page) = Page::open(390, 844).await else { return };
    page.hold_to_axe("home on a phone").await;
    enter(&page).await;
    page.hold_to_axe("lesson on a phone").await;
    let wide = page.script("return document.documentElement.scrollWidth").await;
    assert_eq!(wide, 390, "nothing sticks out");
    through_by_pointer(&page).await;
    page.close().await;
}
