//! The browser tests (web/e2e) against the page as people visit it: a server and a chromedriver, each on a free port,
//! and axe-core, which looks for what keeps people with disabilities out.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, RwLock};

use anyhow::{Context, bail, ensure};

use super::{Outcome, Session, cargo};
use crate::page::Site;
use crate::{install, serve};

/// The crate of the browser tests.
pub const PACKAGE: &str = "portlab-e2e";

/// The exact axe-core that the page is held to. Only the tests use it: it is not shipped.
const AXE: &str = "axe-core@4.14.1";

pub(super) fn run(session: &mut Session, site: Site) -> anyhow::Result<Outcome> {
    let root = crate::root();
    let driver = Driver::start()?;
    let axe = axe(root)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    let url = format!("http://{}/", listener.local_addr()?);
    serve::answer(listener, &Arc::new(RwLock::new(site)))?;
    println!("the page is on {url}, chromedriver on {}", driver.url);
    session.check(
        cargo()
            .args(["test", "--package", PACKAGE])
            .env("PORTLAB_URL", &url)
            .env("WEBDRIVER_URL", &driver.url)
            .env("AXE_JS", axe),
    )
}

/// The browser, after installing it and its driver where they are missing.
pub fn chromium() -> anyhow::Result<PathBuf> {
    let browser = || ["chromium", "google-chrome", "chrome"].iter().find_map(|name| install::on_path(name));
    if install::on_path("chromedriver").is_none() || browser().is_none() {
        ensure!(
            install::is_debian_kin(),
            "the browser tests need chromedriver and a Chrome or Chromium of the same version on PATH"
        );
        install::debian_packages(&["chromium", "chromium-driver"], "that drive the browser tests")?;
    }
    browser().context("no Chromium is on PATH")
}

/// A chromedriver that ends with this value.
pub struct Driver {
    child: Child,
    pub url: String,
}

impl Driver {
    /// Starts one on a port of its own choosing, after installing it where it is missing.
    pub fn start() -> anyhow::Result<Driver> {
        chromium()?;
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("chromedriver does not start")?;
        let printed = BufReader::new(child.stdout.take().expect("it is piped"));
        let port = printed.lines().map_while(Result::ok).find_map(|line| port_in(&line));
        let Some(port) = port else {
            child.kill()?;
            bail!("chromedriver ended without saying its port ({})", child.wait()?)
        };
        Ok(Driver { child, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// 41295 of "ChromeDriver was started successfully on port 41295."
fn port_in(line: &str) -> Option<u16> {
    line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

/// axe.min.js, which npm brings into `target/`.
fn axe(root: &Path) -> anyhow::Result<PathBuf> {
    let folder = root.join("target").join(AXE.replace('@', "-"));
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if script.exists() {
        return Ok(script);
    }
    if install::on_path("npm").is_none() {
        ensure!(install::is_debian_kin(), "the browser tests need npm, which brings {AXE}");
        install::debian_packages(&["npm"], "that bring axe-core for the browser tests")?;
    }
    println!("installing {AXE} below target/, by npm");
    std::fs::create_dir_all(&folder)?;
    let output = Command::new("npm")
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(&folder)
        .arg(AXE)
        .stdin(Stdio::null())
        .output()
        .context("npm does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && script.exists(), "npm could not install {AXE}:\n{said}");
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chromedriver_says_its_port() {
        assert_eq!(port_in("ChromeDriver was started successfully on port 41295."), Some(41295));
        assert_eq!(port_in("Starting ChromeDriver 156.0.8078.79 on port 0"), None);
    }
}
