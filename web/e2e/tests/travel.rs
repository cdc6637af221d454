//! Going through what happened: stepping, jumping, scrubbing, undoing all show the same at the same event.

use fantoccini::key::Key;
use portlab_e2e::Page;
use serde_json::Value;

/// What stage, decision strip and terminal show.
const SHOWN: &str =
    "return ['.stage', '#decided', '.done'].map(css => document.querySelector(css).innerText).join('\\n--\\n')";

async fn shown(page: &Page) -> String {
    page.script(SHOWN).await.as_str().unwrap_or_default().to_owned()
}

async fn frames(page: &Page) -> usize {
    page.attribute("#bench", "data-frames").await.parse().expect("a number")
}

async fn at(page: &Page, frame: usize) {
    page.seen(&format!("#bench[data-frame='{frame}']")).await;
}

#[tokio::test]
async fn every_way_to_an_event_shows_the_same() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.enter_lesson().await;
    page.command("kubectl apply -f web.yaml").await;
    page.command("kubectl scale deployment/web --replicas=3").await;
    page.command("sleep 3").await;
    let last = frames(&page).await;
    assert!(last > 12, "{last} frames");

    page.click("#first:enabled").await;
    at(&page, 0).await;
    let mut seen = vec![shown(&page).await];
    for frame in 1..=last {
        page.click("#main-button:enabled").await;
        at(&page, frame).await;
        seen.push(shown(&page).await);
    }
    // Back by key, from the slider's place.
    page.script("document.querySelector('.scrub').focus()").await;
    for frame in (last - 3..last).rev() {
        page.press(&char::from(Key::Left).to_string()).await;
        at(&page, frame).await;
        assert_eq!(shown(&page).await, seen[frame], "back to event {frame}");
    }
    page.press(&char::from(Key::Home).to_string()).await;
    at(&page, 0).await;
    // Scrubbing: the pointer goes down on the slider and moves over it.
    for frame in [last / 4, last * 4 / 5, last / 2] {
        page.script(&format!(
            "const slider = document.querySelector('.scrub'), box = slider.getBoundingClientRect();
             const at = (kind, frame) => slider.dispatchEvent(new PointerEvent(kind, {{bubbles: true, pointerId: 1, buttons: kind === 'pointerup' ? 0 : 1, clientX: box.left + box.width * frame / {last} + 0.5, clientY: box.top + 20}}));
             at('pointermove', 1); at('pointermove', {last} - 1); at('pointermove', {frame}); at('pointerup', {frame});"
        ))
        .await;
        at(&page, frame).await;
        assert_eq!(shown(&page).await, seen[frame], "scrubbed to event {frame}");
    }
    // Jumping: a line of the list of events.
    page.click("#last:enabled").await;
    at(&page, last).await;
    page.click("#tab-events").await;
    let frame = last / 3;
    page.click(&format!(".evl li:nth-child({frame}) button")).await;
    at(&page, frame).await;
    page.click("#tab-terminal").await;
    assert_eq!(shown(&page).await, seen[frame], "jumped to event {frame}");

    // A command from there drops the rest; undo brings all of it back, a reload keeps it.
    page.command("kubectl get pods").await;
    page.seen("[data-notice=dropped]").await;
    assert_ne!(frames(&page).await, last);
    page.click("#undo").await;
    page.seen(&format!("#bench[data-frame='{frame}'][data-frames='{last}']")).await;
    assert_eq!(shown(&page).await, seen[frame], "undone");
    page.click("#last:enabled").await;
    at(&page, last).await;
    assert_eq!(shown(&page).await, seen[last], "the last event after the undoing");
    page.reload().await;
    at(&page, last).await;
    assert_eq!(shown(&page).await, seen[last], "after a reload");
    page.close().await;
}

#[tokio::test]
async fn jq_is_fetched_when_a_command_first_names_it() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.enter_lesson().await;
    let fetched =
        "return performance.getEntriesByType('resource').filter(e => e.name.includes('/portlab_web_jq')).length";
    page.command("kubectl get nodes -o name").await;
    assert_eq!(page.script(fetched).await, Value::from(0), "no command has named jq");
    page.command("kubectl get nodes -o json | jq -r '[.items[].metadata.name] | join(\" + \")'").await;
    let term = page.text(".term").await;
    assert!(term.contains("\nportlab-control-plane + portlab-worker + portlab-worker2"), "{term}");
    assert_eq!(page.script(fetched).await, Value::from(2), "a module is two files, each fetched once");
    page.command("echo '{\"port\": 8080}' | jq .port").await;
    assert_eq!(page.script(fetched).await, Value::from(2));
    page.reload().await;
    page.seen("[data-page=lesson] #bench").await;
    assert!(page.text(".term").await.contains("portlab-control-plane + portlab-worker"), "what jq printed is kept");
    page.close().await;
}
