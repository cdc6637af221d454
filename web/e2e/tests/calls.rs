//! The bench of calls: two processes, the socket that decided, going back, and nothing that a paste can do to the page.

use fantoccini::key::Key;
use portlab_e2e::Page;

async fn bench(width: u32, height: u32) -> Option<Page> {
    let page = Page::open(width, height).await?;
    page.script("location.hash = '#/calls'").await;
    page.seen("#calls[data-calls='0']").await;
    Some(page)
}

/// Types a line into a process's field in place of what stands there, and makes the call.
async fn call(page: &Page, side: &str, line: &str) {
    let field = format!("#line-{side}");
    page.click(&field).await;
    page.press(&format!("{}a{}", char::from(Key::Control), char::from(Key::Null))).await;
    page.seen(&field).await.send_keys(line).await.expect("keys arrive");
    page.press(&char::from(Key::Enter).to_string()).await;
}

/// Makes a call and waits until it has been made and looked at to the end.
async fn made(page: &Page, side: &str, line: &str) {
    let before: usize = page.attribute("#calls", "data-calls").await.parse().expect("a number");
    call(page, side, line).await;
    page.seen(&format!("#calls[data-calls='{}']", before + 1)).await;
    if page.script("return document.querySelector('#last').disabled").await == false {
        page.click("#last").await;
    }
    page.seen("#last[disabled]").await;
}

#[tokio::test]
async fn the_socket_that_holds_the_port_is_named() {
    let Some(page) = bench(1440, 900).await else { return };
    for (side, line) in [
        ("a", "socket(tcp4)"),
        ("a", "bind(a1, 0.0.0.0:8080)"),
        ("a", "listen(a1, 16)"),
        ("b", "socket(tcp4)"),
        ("b", "bind(b1, 127.0.0.1:8080)"),
    ] {
        made(&page, side, line).await;
    }
    let why = page.text("#ledger [data-errno=EADDRINUSE] .why").await;
    assert_eq!(why, "Address already in use: held by a1 at 0.0.0.0:8080, LISTEN");
    page.seen("[data-port='8080'] [data-decided=true][data-who=a1][data-state=LISTEN]").await;
    page.seen("[data-port='8080'] .attempt[data-errno=EADDRINUSE]").await;
    let decided = page.text("#decided .what").await;
    assert!(decided.contains("a1 at 0.0.0.0:8080, LISTEN"), "{decided}");
    page.hold_to_axe("the bench of calls").await;
    page.close().await;
}

#[tokio::test]
async fn a_handshake_is_gone_through_packet_by_packet_with_the_keyboard() {
    let Some(page) = bench(1440, 900).await else { return };
    for line in ["socket(tcp4)", "bind(a1, 127.0.0.1:8080)", "listen(a1, 16)"] {
        made(&page, "a", line).await;
    }
    made(&page, "b", "socket(tcp4)").await;
    call(&page, "b", "connect(b1, 127.0.0.1:8080)").await;
    page.seen("[data-packet=SYN]").await;
    page.seen("[data-state=SYN_SENT]").await;
    page.script("document.activeElement.blur()").await;
    page.tab_to("#main-button").await;
    for packet in ["SYN-ACK", "ACK"] {
        page.press(&char::from(Key::Right).to_string()).await;
        page.seen(&format!("[data-packet={packet}]")).await;
    }
    page.press(&char::from(Key::Right).to_string()).await;
    page.seen("#last[disabled]").await;
    page.seen(".wire .opener[data-state=ESTABLISHED]").await;
    page.press(&char::from(Key::Home).to_string()).await;
    page.seen("#calls[data-frame='0']").await;
    page.close().await;
}

#[tokio::test]
async fn a_preset_can_be_begun_undone_exported_and_comes_back() {
    let Some(page) = bench(1440, 900).await else { return };
    page.script(
        "const s = document.querySelector('#preset'); s.value = 'time-wait'; s.dispatchEvent(new Event('change', { bubbles: true }))",
    )
    .await;
    page.seen("#calls[data-calls='12']").await;
    page.seen("[data-port='8080'] [data-state=TIME_WAIT]").await;
    page.click("#make-a").await;
    page.seen("#ledger [data-errno=EADDRINUSE]").await;
    assert!(page.text("#ledger [data-errno] .why").await.contains("TIME_WAIT at 127.0.0.1:8080"));
    let script = page.script("return document.querySelector('#script').textContent").await;
    assert!(
        script.as_str().is_some_and(|text| text.contains("\nbind(a3, 0.0.0.0:8080) = -1 EADDRINUSE\n")),
        "{script}"
    );
    page.click("#take-back").await;
    page.seen("#calls[data-calls='12']").await;
    page.click("#again").await;
    page.seen("#calls[data-calls='13']").await;
    page.reload().await;
    page.seen("#calls[data-calls='13']").await;
    page.click("#anew").await;
    page.seen("#calls[data-calls='0']").await;
    page.close().await;
}

#[tokio::test]
async fn the_keyboard_leads_from_home_to_every_beginning() {
    let Some(page) = Page::open(1440, 900).await else { return };
    page.tab_to(".tool a[href$='#/calls']").await;
    page.press(&char::from(Key::Enter).to_string()).await;
    page.seen("#calls[data-calls='0']").await;
    let begun_with = "return document.querySelector('#preset').selectedOptions[0].text";
    assert_eq!(page.script(begun_with).await, "Begin with …");
    page.tab_to("#preset").await;
    for title in ["Two servers, one port", "Dual stack", "TIME_WAIT"] {
        page.press(&char::from(Key::Down).to_string()).await;
        page.seen("#calls:not([data-calls='0']) .asks:not([hidden])").await;
        assert_eq!(page.script(begun_with).await, title);
    }
    page.seen("#calls[data-calls='12']").await;
    page.tab_to("#anew").await;
    page.press(" ").await;
    page.seen("#calls[data-calls='0']").await;
    assert_eq!(page.script(begun_with).await, "Begin with …");
    page.close().await;
}

#[tokio::test]
async fn what_is_no_call_is_refused_with_its_column() {
    let Some(page) = bench(1440, 900).await else { return };
    call(&page, "a", "<img src=x onerror=alert(1)>").await;
    page.seen("#wrong-a [data-column='1']").await;
    assert_eq!(page.script("return document.querySelectorAll('img').length").await, 0);
    made(&page, "a", "socket(tcp4)").await;
    call(&page, "b", "close(a1)").await;
    let says = page.text("#wrong-b [data-column='7']").await;
    assert!(says.contains("a1 is open in process A"), "{says}");
    page.seen("#calls[data-calls='1']").await;
    page.close().await;
}

#[tokio::test]
async fn it_fits_a_phone() {
    let Some(page) = bench(390, 844).await else { return };
    made(&page, "a", "socket(tcp6)").await;
    made(&page, "a", "bind(a1, [::]:8080)").await;
    page.seen("[data-port='8080']").await;
    let wide = page.script("return document.documentElement.scrollWidth > innerWidth").await;
    assert_eq!(wide, false, "it scrolls sideways");
    page.hold_to_axe("the bench of calls on a phone").await;
    page.close().await;
}
