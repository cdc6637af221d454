//! `cargo xtask serve`: builds the page and serves it on this machine, and builds it again when a source changes.
//!
//! Only 127.0.0.1 is listened on. The files are answered from memory, so no path that a browser sends ever reaches the
//! disk. The port is taken before the build starts: whether it is free is known at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::Sender;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::page::{Builder, File, Profile, Site};
use crate::{holder, toolchain};

mod flags {
    xflags::xflags! {
        /// Builds the page and serves it on 127.0.0.1, and builds it again when a source changes.
        cmd serve {
            /// The port to listen on; 0 takes a free one. The default is 8080.
            optional --port port: u16
            /// Build as for `dist`: small and fast, and slower to build.
            optional --release
            /// Build once only.
            optional --no-watch
        }
    }
}

/// What the page is made of: a change below these is a reason to build again.
const SOURCES: [&str; 6] = ["index.html", "Cargo.toml", "Cargo.lock", "engine", "scenarios", "web"];

/// How often the sources are looked at.
const POLL: Duration = Duration::from_millis(300);

/// Requests are answered by this many threads: a browser opens up to six connections.
const THREADS: usize = 4;

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Serve::from_vec(args).unwrap_or_else(|error| error.exit());
    let listener = listen(flags.port.unwrap_or(8080))?;
    let port = listener.local_addr()?.port();
    let root = crate::root();
    let profile = if flags.release { Profile::Release } else { Profile::Dev };

    let started = Instant::now();
    let mut seen = times(root);
    println!("building the page …");
    let mut builder = Builder::new(root, toolchain::find(root)?, profile);
    let site = Arc::new(RwLock::new(builder.site()?));
    answer(listener, &site)?;
    println!("built in {:.1} s; serving on http://127.0.0.1:{port}/ (Ctrl-C ends it)", started.elapsed().as_secs_f64());

    loop {
        std::thread::sleep(POLL);
        if flags.no_watch {
            continue;
        }
        let now = times(root);
        if now == seen {
            continue;
        }
        seen = now;
        let started = Instant::now();
        println!("a source changed: building the page …");
        match builder.site() {
            Ok(built) => {
                *site.write().expect("no thread panics with the site in hand") = built;
                println!("built in {:.1} s: reload the page", started.elapsed().as_secs_f64());
            }
            Err(error) => eprintln!("{error:#}\nthe page stays as it was until the next change"),
        }
    }
}

/// Listens on 127.0.0.1, or says who does already.
pub fn listen(port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let holder = holder::of_port(port).unwrap_or_else(|| "a process that could not be found".to_owned());
            bail!(
                "port {port} is taken by {holder}.\nServe on another one: cargo xtask serve --port {}",
                free_port(port)?
            )
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("port {port} is for root only.\nServe on another one: cargo xtask serve --port {}", free_port(8080)?)
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on 127.0.0.1:{port}")),
    }
}

/// A port that is free now: one of the next hundred, else whichever the kernel gives.
fn free_port(after: u16) -> anyhow::Result<u16> {
    let near = after.saturating_add(1)..=after.saturating_add(100);
    let free =
        near.chain([0]).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).context("no port is free")?;
    Ok(free.local_addr()?.port())
}

/// Answers requests from now on, in threads of their own, with what `site` holds at the time.
pub fn answer(listener: TcpListener, site: &Arc<RwLock<Site>>) -> anyhow::Result<()> {
    answer_and_tell(listener, site, None)
}

/// As [`answer`], and sends the URLs that name no file to `unknown`.
pub fn answer_and_tell(
    listener: TcpListener,
    site: &Arc<RwLock<Site>>,
    unknown: Option<Sender<String>>,
) -> anyhow::Result<()> {
    let server = Server::from_listener(listener, None).map_err(|error| anyhow::anyhow!("cannot serve: {error}"))?;
    let server = Arc::new(server);
    for _ in 0..THREADS {
        let (server, site, unknown) = (Arc::clone(&server), Arc::clone(site), unknown.clone());
        std::thread::spawn(move || {
            for request in server.incoming_requests() {
                let response = response(&request, &site.read().expect("no thread panics with the site in hand"));
                if let Some(unknown) = unknown.as_ref().filter(|_| response.status_code() == 404) {
                    let _nobody_listens = unknown.send(request.url().to_owned());
                }
                // A browser that went away in the middle is no concern of the server.
                let _gone = request.respond(response);
            }
        });
    }
    Ok(())
}

fn response(request: &Request, site: &Site) -> Response<std::io::Cursor<Vec<u8>>> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Response::from_string("only GET and HEAD\n").with_status_code(405);
    }
    let Some((name, file)) = file(request.url(), site) else {
        return Response::from_string("no such file\n").with_status_code(404);
    };
    let header = |name: &str, value: &str| Header::from_bytes(name, value).expect("our own headers are ASCII");
    Response::from_data(file.content.clone())
        .with_header(header("Content-Type", mime(name)))
        .with_header(header("Cache-Control", "no-cache"))
}

/// The file that a request's URL names. What is not a name in the site is nothing, however it is written.
fn file<'a>(url: &str, site: &'a Site) -> Option<(&'a String, &'a File)> {
    let path = url.split(['?', '#']).next().unwrap_or_default().strip_prefix('/')?;
    site.get_key_value(if path.is_empty() { "index.html" } else { path })
}

/// The media type by the name's ending, with the character set where there are characters.
pub fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" | "md" | "yaml" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// When each source was last changed.
fn times(root: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    let mut todo: Vec<PathBuf> = SOURCES.iter().map(|name| root.join(name)).collect();
    while let Some(path) = todo.pop() {
        let Ok(about) = path.metadata() else { continue };
        if about.is_dir() {
            todo.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else if let Ok(time) = about.modified() {
            found.insert(path, time);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::When;

    #[test]
    fn only_names_of_the_site_are_answered() {
        let empty = || File { content: Vec::new(), when: When::FirstVisit };
        let site = Site::from([("index.html".to_owned(), empty()), ("a.css".to_owned(), empty())]);
        let name = |url| file(url, &site).map(|(name, _)| name.as_str());
        assert_eq!(name("/"), Some("index.html"));
        assert_eq!(name("/?theme=dark"), Some("index.html"));
        assert_eq!(name("/a.css?v=1"), Some("a.css"));
        for other in ["/Cargo.toml", "/../Cargo.toml", "//etc/passwd", "/%2e%2e/Cargo.toml", "/./a.css", "a.css", ""] {
            assert_eq!(name(other), None, "{other}");
        }
    }

    #[test]
    fn a_taken_port_is_named_with_its_holder_and_a_free_one() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = listen(port).unwrap_err().to_string();
        assert!(error.starts_with(&format!("port {port} is taken by pid {} (", std::process::id())), "{error}");
        let offered: u16 = error.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(TcpListener::bind(("127.0.0.1", offered)).is_ok(), "{error}");
    }

    #[test]
    fn wasm_is_served_as_what_a_browser_compiles_while_it_loads() {
        assert_eq!(mime("portlab-web_bg.wasm"), "application/wasm");
        assert_eq!(mime("a.b.css"), "text/css; charset=utf-8");
        assert_eq!(mime("LICENSE"), "application/octet-stream");
    }
}
