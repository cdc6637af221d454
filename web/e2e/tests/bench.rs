//! The bench: terminal, time travel, manifests, storage.

use fantoccini::key::Key;
use portlab_e2e::Page;

async fn lesson() -> Option<Page> {
    let page = Page::open(1440, 900).await?;
    page.enter_lesson().await;
    Some(page)
}

#[tokio::test]
async fn typing_in_the_past_can_be_undone() {
    let Some(page) = lesson().await else { return };
    page.command("kubectl cordon portlab-worker").await;
    page.command("kubectl cordon portlab-worker2").await;
    let frames = page.attribute("#bench", "data-frames").await;
    page.click("#first").await;
    page.seen("#bench[data-frame='0']").await;
    page.command("kubectl get nodes").await;
    page.seen("[data-notice=dropped]").await;
    assert!(!page.text(".term").await.contains("cordon"), "what was dropped is gone from the terminal");
    page.click("#undo").await;
    page.seen(&format!("#bench[data-frame='0'][data-frames='{frames}']")).await;
    page.click("#last:enabled").await;
    page.seen("#bench[data-latest=true]").await;
    assert!(page.text(".term").await.contains("cordon portlab-worker2"));
    page.close().await;
}

#[tokio::test]
async fn a_reload_keeps_what_was_done() {
    let Some(page) = lesson().await else { return };
    page.click("[data-question] label.opt").await;
    page.click("#commit-button:enabled").await;
    page.seen("[data-answered]").await;
    page.command("kubectl cordon portlab-worker").await;
    page.reload().await;
    page.seen("[data-page=lesson] [data-answered]").await;
    assert!(page.text(".term").await.contains("cordon portlab-worker"));
    assert!(page.text(".stage").await.contains("cordoned"));
    page.script("for (const key of Object.keys(localStorage)) if (key.startsWith('portlab.lesson')) localStorage.setItem(key, '{\"version\":1,\"step\":\"x\"');").await;
    page.reload().await;
    page.seen("[data-question]").await;
    page.close().await;
}

#[tokio::test]
async fn the_terminal_has_history_completion_and_interrupt() {
    let Some(page) = lesson().await else { return };
    page.command("kubectl get nodes").await;
    page.seen("#command").await.send_keys("kubectl des").await.expect("keys arrive");
    page.press(&char::from(Key::Tab).to_string()).await;
    let value = "return document.getElementById('command').value";
    assert_eq!(page.script(value).await, "kubectl describe ");
    page.press(&format!("{}c", char::from(Key::Control))).await;
    assert_eq!(page.script(value).await, "");
    page.press(&char::from(Key::Up).to_string()).await;
    assert_eq!(page.script(value).await, "kubectl get nodes");
    page.close().await;
}

#[tokio::test]
async fn a_bad_manifest_is_shown_at_its_line() {
    let Some(page) = lesson().await else { return };
    page.click("#tab-yaml").await;
    page.seen("#manifest").await;
    let type_in = |text: &str| {
        format!(
            "const area = document.getElementById('manifest'); area.value = {text}; area.dispatchEvent(new InputEvent('input', {{bubbles: true}}));"
        )
    };
    page.script(&type_in("area.value.replace('hostPort: 8080', 'hostPort: 80808')")).await;
    page.seen(".yaml[data-problems='1'] .msg[data-line]").await;
    page.hold_to_axe("a bad manifest").await;
    page.script(&type_in("area.value.replace('hostPort: 80808', 'hostPort: 8080').replace('        image', '        tty: true\\n        image')")).await;
    page.seen(".yaml[data-problems='0'] .dulls:not([hidden])").await;
    assert!(page.text(".dulls").await.contains("tty"), "a field without effect is told where one types");
    page.click("#apply:enabled").await;
    page.seen("[data-notice=dull]").await;
    assert!(page.text("[data-notice=dull]").await.contains("containers[0].tty"));
    page.hold_to_axe("a field without effect").await;
    page.click("#tab-terminal").await;
    assert!(!page.text(".term").await.contains("tty"), "kubectl does not speak of it");
    page.close().await;
}
