//! Exercises solved by what a learner types: into the YAML editor, and into the terminal.

use fantoccini::key::Key;
use portlab_e2e::{Gate, Page};

/// Selects the line of the manifest that holds this text, as a drag over it does, and presses Delete.
async fn delete_line(page: &Page, text: &str) {
    page.seen("#manifest").await;
    page.script(&format!(
        "const area = document.getElementById('manifest'); area.focus();
         const at = area.value.indexOf('{text}'), from = area.value.lastIndexOf('\\n', at) + 1;
         area.setSelectionRange(from, area.value.indexOf('\\n', at) + 1);"
    ))
    .await;
    page.press(&char::from(Key::Delete).to_string()).await;
}

async fn start(page: &Page, exercise: &str) {
    assert_eq!(page.exercise().await, exercise);
    page.click(&format!("[data-exercise='{exercise}'] .start")).await;
    page.seen(&format!("[data-exercise='{exercise}'][data-state='at work']")).await;
}

async fn solved(page: &Page, exercise: &str) {
    page.seen(&format!("[data-exercise='{exercise}'][data-state=solved]")).await;
}

#[tokio::test]
async fn repairs_typed_into_editor_and_terminal() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.enter_lesson().await;
    page.go_to(Gate::Exercise).await;

    start(&page, "service").await;
    page.click("#tab-yaml").await;
    delete_line(&page, "hostPort").await;
    let revision = page.attribute("#bench", "data-revision").await;
    page.click("#apply:enabled").await;
    page.seen(&format!("#bench:not([data-revision='{revision}'])")).await;
    page.seen("[data-exercise=service] [data-holds=true]").await;
    page.click("#tab-terminal").await;
    page.command("kubectl scale deployment/web --replicas=3").await;
    page.command("kubectl expose deployment web --port=80").await;
    solved(&page, "service").await;
    assert!(page.text(".stage .svc").await.contains("web"), "the Service stands on the stage");

    // The whole manifest as a here-document: lines end with Shift-Enter, as in a chat, and Enter runs it.
    start(&page, "daemonset").await;
    page.command("kubectl delete deployment web").await;
    let manifest = [
        "kubectl apply -f - <<'END'",
        "apiVersion: apps/v1",
        "kind: DaemonSet",
        "metadata: {name: web}",
        "spec:",
        "  selector: {matchLabels: {app: web}}",
        "  template:",
        "    metadata: {labels: {app: web}}",
        "    spec:",
        "      containers:",
        "      - name: nginx",
        "        image: nginx:1.29",
        "        ports: [{containerPort: 80, hostPort: 8080}]",
    ];
    for line in manifest {
        page.seen("#command").await.send_keys(&format!("{line}{}", char::from(Key::Enter))).await.expect("keys arrive");
    }
    page.command("END").await;
    solved(&page, "daemonset").await;

    start(&page, "recreate").await;
    page.command("kubectl get pods").await;
    assert_eq!(page.attribute("[data-exercise=recreate]", "data-state").await, "at work", "looking repairs nothing");
    page.command("kubectl patch deployment web -p '{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":0,\"maxUnavailable\":1}}}}'")
        .await;
    solved(&page, "recreate").await;
    assert!(page.is_last_step().await);
    page.reload().await;
    solved(&page, "recreate").await;
    page.close().await;
}
