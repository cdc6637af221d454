//! Driving the page in a real browser, for the tests beside this file.
//!
//! `cargo xtask test` starts a server and chromedriver and says where they are (`PORTLAB_URL`, `WEBDRIVER_URL`), and
//! where axe-core is (`AXE_JS`). Nothing here sleeps: everything waits for a `data-` attribute or an element that
//! states what was reached. A page that logs an error, panics or breaks a rule of axe-core fails its test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

pub mod walk;

/// How long anything may take before it counts as not happening; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// More elements than Tab stops at on the way to anything.
const TABS_MAX: usize = 80;

/// What a step of the lesson waits for, as the story says in `data-gate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    None,
    Predict,
    Run,
    Recall,
    Exercise,
}

/// A browser window on the page.
pub struct Page {
    client: Client,
    profile: PathBuf,
    url: String,
}

/// Chromium's own log, which has every error that the page logged.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

impl Page {
    /// Opens the page in a window of this size; `None` where no browser is offered.
    ///
    /// # Panics
    /// When chromedriver or the page does not answer.
    pub async fn open(width: u32, height: u32) -> Option<Page> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (Ok(url), Ok(driver)) = (std::env::var("PORTLAB_URL"), std::env::var("WEBDRIVER_URL")) else {
            println!("not run: PORTLAB_URL and WEBDRIVER_URL are not set; `cargo xtask test` sets them");
            return None;
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("portlab-e2e-{}-{number}", std::process::id()));
        let args = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--force-prefers-reduced-motion".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        let mut wanted = serde_json::Map::new();
        let metrics =
            json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0, "touch": width < 500}});
        let mut options = json!({"args": args});
        if width < 500 {
            options["mobileEmulation"] = metrics;
        }
        wanted.insert("goog:chromeOptions".into(), options);
        wanted.insert("goog:loggingPrefs".into(), json!({"browser": "ALL"}));
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(wanted).connect(&driver).await;
        let client = client.expect("chromedriver answers");
        let page = Page { client, profile, url };
        page.client.goto(&page.url).await.expect("the page answers");
        page.seen("[data-page=home]").await;
        Some(page)
    }

    /// Waits for an element of this selector.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn seen(&self, css: &str) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css} did not come: {error}; the page: {}", self.summary().await),
        }
    }

    /// Where the page stands, for messages.
    async fn summary(&self) -> String {
        let script =
            "const of = (s) => { const e = document.querySelector(s); return e ? e.outerHTML.slice(0, 300) : null; };
            return JSON.stringify([location.hash, of('.story'), of('#bench'), of('#stopped'), of('#decided')]);";
        self.script(script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks what the selector names.
    ///
    /// # Panics
    /// When it is not there or is covered by something else.
    pub async fn click(&self, css: &str) {
        let element = self.seen(css).await;
        self.client
            .execute("arguments[0].scrollIntoView({block: 'center'})", vec![json!(element)])
            .await
            .expect("scrolls");
        if let Err(error) = element.click().await {
            panic!("{css} cannot be clicked: {error}; the page: {}", self.summary().await);
        }
    }

    /// Presses keys where the focus is.
    ///
    /// # Panics
    /// When nothing has the focus.
    pub async fn press(&self, keys: &str) {
        let active = self.client.active_element().await.expect("something has the focus");
        active.send_keys(keys).await.expect("keys arrive");
    }

    /// Presses Tab until what the selector names has the focus.
    ///
    /// # Panics
    /// When Tab does not lead there.
    pub async fn tab_to(&self, css: &str) {
        self.seen(css).await;
        let there = format!("return document.activeElement.matches(`{css}`)");
        for _ in 0..TABS_MAX {
            self.press(&char::from(Key::Tab).to_string()).await;
            if self.script(&there).await == true {
                return;
            }
        }
        panic!("Tab does not lead to {css}; the page: {}", self.summary().await);
    }

    /// Runs a script and returns its answer.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// Runs a script that answers by calling its last argument.
    ///
    /// # Panics
    /// When the script fails.
    pub async fn script_async(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.expect("the script runs")
    }

    /// An attribute of the first element of a selector.
    pub async fn attribute(&self, css: &str, name: &str) -> String {
        self.seen(css).await.attr(name).await.ok().flatten().unwrap_or_default()
    }

    /// The text of the first element of a selector.
    ///
    /// # Panics
    /// When the element goes away meanwhile.
    pub async fn text(&self, css: &str) -> String {
        self.seen(css).await.text().await.expect("it has a text")
    }

    /// What the step that is shown waits for.
    pub async fn gate(&self) -> Gate {
        match self.attribute(".story", "data-gate").await.as_str() {
            "predict" => Gate::Predict,
            "run" => Gate::Run,
            "recall" => Gate::Recall,
            "exercise" => Gate::Exercise,
            _ => Gate::None,
        }
    }

    /// Types a command into the terminal and waits until it has run.
    pub async fn command(&self, line: &str) {
        let before: u32 = self.attribute("#bench", "data-revision").await.parse().unwrap_or(0);
        self.seen("#command").await.send_keys(line).await.expect("keys arrive");
        self.press(&char::from(Key::Enter).to_string()).await;
        self.seen(&format!("#bench:not([data-revision='{before}'])[data-latest=true]")).await;
    }

    /// Loads the page again.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page answers");
    }

    /// Fails on what axe-core finds in what is shown, in light and in dark.
    ///
    /// # Panics
    /// On the first violation.
    pub async fn hold_to_axe(&self, when: &str) {
        let Ok(path) = std::env::var("AXE_JS") else { return };
        let axe = std::fs::read_to_string(&path).expect("axe-core is readable");
        self.client.execute(&format!("if (!window.axe) {{ {axe} }}"), Vec::new()).await.expect("axe-core loads");
        for theme in ["light", "dark"] {
            let script = "const [theme, done] = arguments; const root = document.documentElement; const was = root.dataset.theme;
                root.dataset.theme = theme;
                axe.run(document, { resultTypes: ['violations'] }).then((found) => {
                    if (was === undefined) delete root.dataset.theme; else root.dataset.theme = was;
                    done(found.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + ' ' + n.any.concat(n.all).map((c) => c.message).join('; ')).join(' | ')));
                }, (error) => done(['axe: ' + error]));";
            let found = self.client.execute_async(script, vec![json!(theme)]).await.expect("axe-core answers");
            assert_eq!(found, json!([]), "{when}, {theme}");
        }
    }

    /// Fails when the page logged an error or the engine stopped, then closes the window.
    ///
    /// # Panics
    /// On the first error.
    pub async fn close(self) {
        let log: Result<Value, CmdError> = self.client.issue_cmd(BrowserLog).await;
        let log = log.expect("the browser gives its log");
        let errors: Vec<&Value> =
            log.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE").collect();
        assert!(errors.is_empty(), "the page logged {errors:?}");
        let stopped = self.script("return !document.getElementById('stopped').hidden").await;
        assert_eq!(stopped, json!(false), "the engine stopped");
        self.client.close().await.expect("the window closes");
        let _gone = std::fs::remove_dir_all(&self.profile);
    }
}
