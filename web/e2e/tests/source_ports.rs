//! The instrument of source ports: what it counts, that any moment of it can be shown again, what it lets one change.

use fantoccini::key::Key;
use portlab_e2e::Page;

/// 28,232 ports at 600 requests a second: when the first is refused, in ms.
const FIRST_REFUSAL: u32 = 28_232 * 1000 / 600;

/// What the numbers, the decision strip and the maps show.
const SHOWN: &str = "return ['.sp-counts', '#sp-decided', '.sp-maps', '.sp-now'].map(css => document.querySelector(css).innerText).join('\\n--\\n')
    + [...document.querySelectorAll('.sp-maps canvas')].map(map => map.toDataURL()).join('\\n')";

async fn open(width: u32, height: u32) -> Option<Page> {
    let page = Page::open(width, height).await?;
    page.script("document.querySelector('a[href=\"#/source-ports\"]').click()").await;
    page.seen("[data-page=source-ports] .sports[data-complete=true]").await;
    Some(page)
}

async fn at(page: &Page, ms: u32) {
    page.seen(&format!(".sports[data-at='{ms}']")).await;
}

async fn number(page: &Page, name: &str) -> u32 {
    page.attribute(".sports", name).await.parse().expect("a number")
}

async fn shown(page: &Page) -> String {
    page.script(SHOWN).await.as_str().unwrap_or_default().to_owned()
}

/// Puts texts into the two ends of the range, as a person who leaves the second field.
async fn set_range(page: &Page, low: &str, high: &str) {
    page.script(&format!(
        "const low = document.getElementById('sp-low'), high = document.getElementById('sp-high');
         low.value = '{low}'; high.value = '{high}'; high.dispatchEvent(new Event('change', {{ bubbles: true }}));"
    ))
    .await;
}

#[tokio::test]
async fn ports_run_out_when_the_engine_says() {
    let Some(page) = open(1440, 900).await else { return };
    page.hold_to_axe("source ports before the first request").await;
    page.click("#sp-step:enabled").await;
    at(&page, 14_116 * 1000 / 600).await;
    assert!(page.text("#sp-decided").await.contains("none of 14,116 even ports free"));
    let even_gone = shown(&page).await;
    page.press(&char::from(Key::Right).to_string()).await;
    at(&page, FIRST_REFUSAL).await;
    assert!(page.text("#sp-decided").await.contains("EADDRNOTAVAIL"), "{}", page.text("#sp-decided").await);
    assert_eq!(number(&page, "data-established").await + number(&page, "data-time-wait").await, 28_232);
    assert_eq!(number(&page, "data-free").await, 0);

    // Five seconds on, by the slider: all of them wait, everything is refused, and no counter has moved.
    page.script("document.querySelector('.sp-chart').focus()").await;
    for second in 1..=5 {
        page.press(&char::from(Key::Right).to_string()).await;
        at(&page, FIRST_REFUSAL + second * 1000).await;
    }
    assert_eq!(page.text("[data-count=time-wait]").await, "28,232");
    assert_eq!(page.text("[data-count=refused]").await, "600");
    page.seen(".sp-counters [data-moved='0']").await;
    page.hold_to_axe("no source port left").await;

    // Back, by scrubbing and by steps: the same moment looks the same.
    page.script(
        "const chart = document.querySelector('.sp-chart'), box = chart.getBoundingClientRect();
         for (const part of [0.9, 0.3, 0.1]) for (const kind of ['pointerdown', 'pointermove', 'pointerup'])
             chart.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerId: 1, buttons: kind === 'pointerup' ? 0 : 1, clientX: box.left + box.width * part, clientY: box.top + 60 }));"
    )
    .await;
    page.seen(".sports[data-refused='0']:not([data-free='0'])").await;
    assert!(number(&page, "data-at").await < 14_000);
    page.click("#sp-step:enabled").await;
    at(&page, 14_116 * 1000 / 600).await;
    assert_eq!(shown(&page).await, even_gone);
    page.close().await;
}

#[tokio::test]
async fn time_runs_to_the_end_by_itself() {
    let Some(page) = open(1440, 900).await else { return };
    page.click("[data-speed='60']").await;
    page.script("document.getElementById('sp-play').click()").await;
    page.seen(".sports[data-playing=true]").await;
    page.seen(".sports[data-playing=false][data-at='120000']").await;
    assert!(page.text(".sp-chart").await.contains("ports return"));
    page.close().await;
}

#[tokio::test]
async fn repairs_and_ranges_change_the_run_and_the_address() {
    let Some(page) = open(1440, 900).await else { return };
    page.script("document.querySelector('.sp-chart').focus()").await;
    page.press(&char::from(Key::End).to_string()).await;
    at(&page, 120_000).await;
    assert_ne!(number(&page, "data-refused").await, 0);
    page.script("document.querySelector('[data-fix=pool]').click()").await;
    page.seen(".sports[data-complete=true][data-at='120000'][data-established='12'][data-refused='0']").await;
    page.script("document.querySelector('[data-fix=pool]').click()").await;
    page.click("[data-set=reuse-1]").await;
    page.seen(".sports[data-complete=true][data-at='120000'][data-refused='0']").await;
    assert!(page.text("#sp-decided").await.contains("tcp_tw_reuse=1"));

    set_range(&page, "40000", "40003").await;
    page.seen(".sports[data-complete=true][data-at='120000'][data-range='40000-40003']").await;
    set_range(&page, "40000", "40000").await;
    page.seen(".sports[data-complete=true][data-range='40000-40000']").await;
    set_range(&page, "40000", "40003").await;
    page.seen(".sports[data-complete=true][data-range='40000-40003']").await;
    assert_eq!(
        number(&page, "data-free").await
            + number(&page, "data-time-wait").await
            + number(&page, "data-established").await,
        4
    );
    page.hold_to_axe("four ports").await;
    for (low, high) in [("60999", "32768"), ("1023", "65535"), ("32768", "65536")] {
        set_range(&page, low, high).await;
        page.seen("#sp-range-says.bad").await;
        let says = page.text("#sp-range-says").await;
        assert!(says.contains(&format!("“{low} {high}”")) && says.contains("EINVAL, Invalid argument"), "{says}");
        assert_eq!(page.attribute(".sports", "data-range").await, "40000-40003");
    }
    set_range(&page, "1024", "65535").await;
    page.seen(".sports[data-complete=true][data-range='1024-65535']").await;
    assert!(page.text("#sp-range-says").await.contains("30000–32767"));

    let address = page.script("return location.hash").await;
    assert_eq!(address, "#/source-ports?tw_reuse=1&range=1024-65535");
    page.reload().await;
    page.seen("[data-page=source-ports] .sports[data-complete=true][data-range='1024-65535']").await;
    page.seen("[data-set=reuse-1][aria-pressed=true]").await;
    page.close().await;
}

#[tokio::test]
async fn a_phone_has_one_map_above_the_other_and_keys_tell_of_ports() {
    let Some(page) = open(390, 844).await else { return };
    let stacked =
        "const [even, odd] = [...document.querySelectorAll('.sp-plot')].map(map => map.getBoundingClientRect());
        return even.bottom < odd.top && even.left === odd.left && document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(page.script(stacked).await, true);
    page.hold_to_axe("source ports on a phone").await;
    page.script("document.querySelector('.sp-plot').focus()").await;
    page.seen(".sp-look.on").await;
    assert_eq!(page.text(".sp-look").await, "32768: free");
    page.press(&char::from(Key::Right).to_string()).await;
    page.seen(".sp-plot[aria-valuenow='32770']").await;
    page.press(&char::from(Key::End).to_string()).await;
    page.seen(".sp-plot[aria-valuenow='60998']").await;
    page.script("const chart = document.querySelector('.sp-chart'); chart.focus(); ").await;
    page.press(&char::from(Key::End).to_string()).await;
    at(&page, 120_000).await;
    page.script("document.querySelectorAll('.sp-plot')[1].focus()").await;
    page.seen(".sp-look.on").await;
    assert!(page.text(".sp-look").await.starts_with("32769: TIME_WAIT for "), "{}", page.text(".sp-look").await);
    page.close().await;
}
