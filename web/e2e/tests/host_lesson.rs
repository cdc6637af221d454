//! A lesson without a cluster: its system calls, the rail of sockets, the table of five-tuples.

use fantoccini::key::Key;
use portlab_e2e::{Gate, Page};

/// Where home leads to the first lesson of all.
const LESSON: &str = ".path a[href$='why-is-8080-already-in-use']";

async fn enter(page: &Page) {
    page.click(LESSON).await;
    page.seen("[data-page=lesson] #bench").await;
    page.seen(".hosts-stage[data-hosts='1']").await;
}

async fn key(page: &Page, key: Key) {
    page.press(&char::from(key).to_string()).await;
}

/// Nothing but keys, call by call; no answer can be read before its call has been made.
#[tokio::test]
async fn calls_are_stepped_through_by_keyboard() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.tab_to(LESSON).await;
    key(&page, Key::Enter).await;
    page.seen("[data-page=lesson] .story[data-gate=predict]").await;
    page.press("b").await;
    page.seen("#commit-button:enabled").await;
    key(&page, Key::Enter).await;
    page.seen(".story[data-gate=run]").await;
    assert!(!page.text(".calls-b").await.contains("EADDRINUSE"), "the answer stands there before the call");
    key(&page, Key::Enter).await;
    page.seen("#bench:not([data-frames='0'])").await;
    let frames: usize = page.attribute("#bench", "data-frames").await.parse().expect("a number");
    for _ in 0..frames {
        if page.script("return document.querySelector('.attempt') !== null").await == true {
            break;
        }
        key(&page, Key::Right).await;
    }
    page.seen("[data-port='8080'] [data-decided=true][data-who=old]").await;
    page.seen(".calls-b li[aria-current=step] .c-ref").await;
    let decided = page.text("#decided .what").await;
    assert!(decided.starts_with("old at 0.0.0.0:8080, LISTEN"), "{decided}");
    page.hold_to_axe("a call is refused").await;
    key(&page, Key::End).await;
    page.seen(".story:not([data-gate=run])").await;
    page.close().await;
}

#[tokio::test]
async fn the_whole_lesson_by_mouse() {
    let Some(page) = Page::open(1440, 900).await else { return };
    enter(&page).await;
    page.go_to(Gate::Recall).await;
    page.pass_by_pointer().await;
    page.command("nc -lk 9090 &").await;
    page.command("curl -s --max-time 1 localhost:9090").await;
    page.click("#tab-ports").await;
    page.seen(".tuples tr[data-port='9090']").await;
    page.hold_to_axe("the table of five-tuples").await;
    page.go_to(Gate::None).await;
    page.close().await;
}

#[tokio::test]
async fn a_host_fits_a_phone() {
    let Some(page) = Page::open(390, 844).await else { return };
    enter(&page).await;
    page.go_to(Gate::Recall).await;
    page.pass_by_pointer().await;
    let wide = page.script("return document.documentElement.scrollWidth").await;
    assert_eq!(wide, 390, "nothing sticks out");
    page.hold_to_axe("a host on a phone").await;
    page.close().await;
}
