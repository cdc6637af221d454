//! Home is a small module; the lab comes with the first lesson and draws home, too, from then on.

use portlab_e2e::Page;

/// Whether the full module has been fetched.
const FETCHED: &str = "return performance.getEntriesByType('resource').some((e) => e.name.includes('/portlab-web-'))";

#[tokio::test]
async fn the_lab_comes_with_the_first_lesson() {
    let Some(page) = Page::open(1440, 900).await else { return };
    assert_eq!(page.script(FETCHED).await, false, "home does without the lab");
    page.script("document.querySelector('[aria-label=\"Switch theme\"]').click()").await;
    page.seen("html[data-theme=dark]").await;
    page.click(".cont .btn").await;
    page.seen("[data-page=lesson] #bench").await;
    assert_eq!(page.script(FETCHED).await, true);
    page.seen("html[data-theme=dark]").await;
    page.click("a.mark").await;
    page.seen("[data-page=home]").await;
    assert_eq!(page.script("return document.querySelectorAll('.root').length").await, 1, "one page stands there");
    page.script("document.querySelector('[aria-label=\"Switch theme\"]').click()").await;
    page.seen("html[data-theme=light]").await;
    page.script("history.back()").await;
    page.seen("[data-page=lesson] #bench").await;
    page.reload().await;
    page.seen("[data-page=lesson] #bench").await;
    page.close().await;
}

#[tokio::test]
async fn pointing_at_a_lesson_fetches_the_lab_ahead() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.script("document.querySelector('.cont .btn').focus()").await;
    let fetched = "const [done] = arguments; const look = () => performance.getEntriesByType('resource').some((e) => e.name.includes('/portlab-web-')) ? done(true) : setTimeout(look, 20); look();";
    assert_eq!(page.script_async(fetched).await, true);
    page.seen("[data-page=home]").await;
    page.close().await;
}
