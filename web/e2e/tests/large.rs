//! What is too much: ten thousand replicas, and pastes of five megabytes. A clear message or smooth work, never a hang.

use portlab_e2e::Page;

/// Elements below the bench that the page may draw, however large the cluster is.
const DRAWN_MAX: u64 = 3_000;

async fn lesson() -> Option<Page> {
    let page = Page::open(1440, 900).await?;
    page.enter_lesson().await;
    Some(page)
}

#[tokio::test]
async fn ten_thousand_replicas() {
    let Some(page) = lesson().await else { return };
    page.command("kubectl create deployment web --image=nginx:1.29").await;
    page.command("kubectl scale deployment/web --replicas=10000").await;
    page.command("sleep 30").await;
    page.command("kubectl get deployment web -o jsonpath='{.spec.replicas} asked, {.status.replicas} there'").await;
    let term = page.text(".term").await;
    assert!(term.contains("10000 asked, 10000 there"), "{term}");
    let stage = page.text(".stage").await;
    assert!(stage.contains("more pods") && stage.contains("more wait"), "what is not drawn is counted: {stage}");
    page.command("kubectl get pods").await;
    assert!(page.text(".term").await.contains("lines are not drawn"));
    for tab in ["describe", "ports", "events", "terminal"] {
        page.click(&format!("#tab-{tab}")).await;
        page.seen(&format!("[data-pane={tab}]")).await;
        let drawn = page.script("return document.querySelectorAll('#bench *').length").await;
        assert!(drawn.as_u64().is_some_and(|drawn| drawn < DRAWN_MAX), "{tab}: {drawn} elements");
    }
    page.click("#first:enabled").await;
    page.seen("#bench[data-frame='0']").await;
    page.click("#last:enabled").await;
    page.seen("#bench[data-latest=true]").await;
    page.command("kubectl delete deployment web").await;
    page.command("echo still here").await;
    assert!(page.text(".term").await.ends_with("still here") || page.text(".term").await.contains("still here\n"));
    page.close().await;
}

/// Pastes a text into a field: offers it as the browser does, and puts it there where the page does not refuse.
fn paste(css: &str, text: &str) -> String {
    format!(
        "const field = document.querySelector('{css}'); field.focus();
         const data = new DataTransfer(); data.setData('text/plain', {text});
         const taken = !field.dispatchEvent(new ClipboardEvent('paste', {{clipboardData: data, bubbles: true, cancelable: true}}));
         if (!taken) {{ field.setRangeText(data.getData('text/plain'), field.selectionStart, field.selectionEnd, 'end'); field.dispatchEvent(new InputEvent('input', {{bubbles: true}})); }}"
    )
}

#[tokio::test]
async fn five_megabytes_into_the_terminal() {
    let Some(page) = lesson().await else { return };
    page.seen("#command").await.send_keys("echo kept").await.expect("keys arrive");
    page.script(&paste("#command", "'x'.repeat(5_000_000)")).await;
    page.seen(".refused:not([hidden])").await;
    assert!(page.text(".refused:not([hidden])").await.contains("5.0 MB were not taken"));
    assert_eq!(page.script("return document.getElementById('command').value").await, "echo kept");
    page.command("").await;
    assert!(page.text(".term").await.contains("\nkept"));

    // As many lines.
    page.script(&paste("#command", "'kubectl get pods\\n'.repeat(300_000)")).await;
    page.seen(".refused:not([hidden])").await;
    page.command("echo on").await;
    assert!(page.text(".term").await.contains("\non"));
    page.close().await;
}

#[tokio::test]
async fn five_megabytes_into_the_editor() {
    let Some(page) = lesson().await else { return };
    page.click("#tab-yaml").await;
    page.seen("#manifest").await;
    let before = page.script("return document.getElementById('manifest').value").await;
    page.script(&paste("#manifest", "'# five megabytes\\n'.repeat(300_000)")).await;
    page.seen(".says .refused:not([hidden])").await;
    assert!(page.text(".says .refused").await.contains("5.1 MB were not taken"));
    assert_eq!(page.script("return document.getElementById('manifest').value").await, before, "nothing is lost");

    // What may be taken is taken: half a megabyte is kept whole, checked when it is applied, and drawn in part.
    page.script("const area = document.getElementById('manifest'); area.setSelectionRange(area.value.length, area.value.length)").await;
    page.script(&paste("#manifest", "'# a long comment, line by line\\n'.repeat(15_000)")).await;
    page.seen(".says .long:not([hidden])").await;
    page.seen(".says .refused[hidden]").await;
    page.click("#apply:enabled").await;
    page.click("#tab-terminal").await;
    page.command("kubectl get deployment web -o name").await;
    assert!(page.text(".term").await.contains("deployment.apps/web"), "it was applied");
    page.close().await;
}
