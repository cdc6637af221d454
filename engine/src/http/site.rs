//! What a web server answers.
//!
//! Sources: Python 3.11 `http/server.py`; nginx 1.22.1 and its error pages; Go's `net/http`; `test/images/agnhost/netexec` of
//! Kubernetes 1.34; busybox 1.35 `networking/httpd.c`; each compared with what it printed. Left out: methods other than GET
//! and HEAD, a server's log, and what a program answers that portlab does not know, which says so with status 501.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use crate::time::{EPOCH_SECS, Time};

/// Which program serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Software {
    Python,
    /// By its version.
    Nginx(&'static str),
    /// The web server among busybox's applets.
    Busybox,
    /// `agnhost netexec`; whether it has a UDP server, without which it says that it is not healthy.
    Netexec {
        udp: bool,
    },
    /// Answers every path with this text, as `agnhost serve-hostname` and `http-echo` do.
    Text(Rc<str>),
    /// Takes connections and says nothing: it speaks another protocol.
    Silent,
    /// A web server whose answers portlab does not know.
    Unknown(Rc<str>),
}

/// What a server has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub software: Software,
    /// The files as they were when it was started.
    pub files: BTreeMap<String, Rc<str>>,
    /// The host's name, for programs that tell it.
    pub hostname: Rc<str>,
    pub since: Time,
}

/// An answer on its way.
struct Answer {
    status: &'static str,
    body: String,
    /// Of the file that it is.
    found: bool,
}

impl Answer {
    fn ok(body: impl Into<String>) -> Answer {
        Answer { status: "200 OK", body: body.into(), found: false }
    }

    fn not_known(what: &str) -> Answer {
        let body = format!("portlab does not model what {what} answers\n");
        Answer { status: "501 Not Implemented", body, found: false }
    }
}

impl Site {
    /// Whether the program refuses the request before it has read all of it: its first line is none of HTTP.
    pub(super) fn refuses(&self, received: &[u8]) -> bool {
        let Some(end) = received.iter().position(|byte| *byte == b'\n') else { return false };
        let strict = !matches!(self.software, Software::Silent | Software::Python | Software::Busybox);
        strict && !is_request(&String::from_utf8_lossy(&received[..end]))
    }

    /// What is said of a request that cannot be served; none where it can be.
    fn complaint(&self, request: &str) -> Option<Answer> {
        let line = request.lines().next().unwrap_or("");
        let named = request.lines().any(|line| line.to_ascii_lowercase().starts_with("host:"));
        let go = "400 Bad Request";
        let without_host = "400 Bad Request: missing required Host header";
        let status = match (is_request(line), line.ends_with("HTTP/1.1") && !named) {
            (false, _) => go,
            (true, true) => without_host,
            (true, false) => return None,
        };
        match &self.software {
            Software::Python | Software::Busybox | Software::Silent => None,
            Software::Nginx(version) => Some(Answer { status: go, body: page(go, version), found: false }),
            _ => Some(Answer { status, body: status.to_owned(), found: false }),
        }
    }

    /// The whole answer, and whether the connection stays open; none from a program that says nothing.
    pub(super) fn answer(&self, request: &str, peer: SocketAddr, now: Time) -> Option<(Vec<u8>, bool)> {
        let line = request.lines().next().unwrap_or("");
        let (method, path) = line.split_once(' ').unwrap_or((line, "/"));
        let path = path.split(' ').next().unwrap_or("/");
        let asks = |word: &str| request.to_ascii_lowercase().contains(&format!("connection: {word}"));
        let wants = asks("keep-alive") || (line.ends_with("HTTP/1.1") && !asks("close"));
        let complaint = self.complaint(request);
        let refused = complaint.is_some();
        let keep = wants && !refused && !matches!(self.software, Software::Python | Software::Busybox);
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let answer = match &self.software {
            Software::Silent => return None,
            _ if refused => complaint?,
            Software::Netexec { udp } => self.netexec((bare, query), request, *udp, peer, now),
            Software::Text(text) => Answer::ok(&**text),
            Software::Unknown(name) => Answer::not_known(name),
            Software::Python | Software::Nginx(_) | Software::Busybox => self.file(bare),
        };
        let head = match &self.software {
            // Go's shortest answer.
            software if refused && !matches!(software, Software::Nginx(_)) => format!(
                "HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n",
                answer.status
            ),
            _ => self.head(&answer, line.ends_with("HTTP/1.0"), keep, now),
        };
        let mut bytes = head.into_bytes();
        if method != "HEAD" {
            bytes.extend_from_slice(answer.body.as_bytes());
        }
        Some((bytes, keep))
    }

    fn file(&self, path: &str) -> Answer {
        let name = if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
        if let Some(text) = self.files.get(name.trim_start_matches('/')) {
            return Answer { found: true, ..Answer::ok(&**text) };
        }
        let (status, body) = match self.software {
            Software::Nginx(version) => {
                let status = if path.ends_with('/') { "403 Forbidden" } else { "404 Not Found" };
                (status, page(status, version))
            }
            Software::Python if path == "/" => return Answer { found: true, ..Answer::ok(self.listing()) },
            Software::Python => ("404 File not found", "File not found.\n".to_owned()),
            _ => {
                let text = "<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\n\
                            The requested URL was not found\n</BODY></HTML>\n";
                ("404 Not Found", text.to_owned())
            }
        };
        Answer { status, body, found: false }
    }

    fn netexec(&self, (path, query): (&str, &str), request: &str, udp: bool, peer: SocketAddr, now: Time) -> Answer {
        let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        match path.to_ascii_lowercase().as_str() {
            "/clientip" => Answer::ok(SocketAddr::new(peer.ip().to_canonical(), peer.port()).to_string()),
            "/hostname" => Answer::ok(&*self.hostname),
            "/healthz" if udp => Answer::ok(""),
            "/healthz" => Answer { status: "412 Precondition Failed", ..Answer::ok("") },
            "/echo" => match asked("code").map_or(Some("200 OK"), status_of) {
                Some(status) => Answer { status, ..Answer::ok(asked("msg").unwrap_or("")) },
                None => Answer::not_known("netexec's /echo with this code"),
            },
            "/header" => {
                let header =
                    |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
                let sent =
                    request.lines().skip(1).filter_map(header).filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
                let all: BTreeMap<String, [String; 1]> = sent.map(|(name, value)| (name, [value])).collect();
                Answer::ok(serde_json::to_string(&all).unwrap_or_default())
            }
            "/dial" | "/exit" | "/redirect" | "/shell" | "/shutdown" | "/upload" => {
                Answer::not_known(&format!("netexec's {path}"))
            }
            _ => {
                let up = now.since(self.since);
                let stamp = now.rfc3339().replace('T', " ").replace('Z', "");
                let ms = now.0.rem_euclid(1000);
                let (secs, nanos) = (up.as_secs(), up.subsec_nanos());
                Answer::ok(format!("NOW: {stamp}.{ms:03} +0000 UTC m=+{secs}.{nanos:09}"))
            }
        }
    }

    fn head(&self, answer: &Answer, old: bool, keep: bool, now: Time) -> String {
        let date = |time: Time| time.rfc1123z().replace("+0000", "GMT");
        let (status, length) = (answer.status, answer.body.len());
        let (now, since) = (date(now), date(self.since));
        match &self.software {
            Software::Python => {
                let modified = if answer.found { format!("Last-Modified: {since}\r\n") } else { String::new() };
                format!(
                    "HTTP/1.0 {status}\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\nDate: {now}\r\n\
                     Content-type: text/html\r\nContent-Length: {length}\r\n{modified}\r\n"
                )
            }
            Software::Nginx(version) => {
                let connection = if keep { "keep-alive" } else { "close" };
                let seconds = EPOCH_SECS + self.since.0 / 1000;
                let (modified, tag) = if answer.found {
                    let tag = format!("ETag: \"{seconds:x}-{length:x}\"\r\nAccept-Ranges: bytes\r\n");
                    (format!("Last-Modified: {since}\r\n"), tag)
                } else {
                    (String::new(), String::new())
                };
                format!(
                    "HTTP/1.1 {status}\r\nServer: nginx/{version}\r\nDate: {now}\r\nContent-Type: text/html\r\n\
                     Content-Length: {length}\r\n{modified}Connection: {connection}\r\n{tag}\r\n"
                )
            }
            Software::Busybox => {
                let size = if answer.found {
                    format!("Content-length: {length}\r\nLast-Modified: {since}\r\n")
                } else {
                    String::new()
                };
                format!(
                    "HTTP/1.1 {status}\r\nDate: {now}\r\nConnection: close\r\nContent-type: text/html\r\n{size}\r\n"
                )
            }
            Software::Netexec { .. } | Software::Text(_) | Software::Silent | Software::Unknown(_) => {
                let version = if old { "HTTP/1.0" } else { "HTTP/1.1" };
                let kind = if length > 0 { "Content-Type: text/plain; charset=utf-8\r\n" } else { "" };
                let connection = match (old, keep) {
                    (true, true) => "Connection: keep-alive\r\n",
                    (false, false) => "Connection: close\r\n",
                    _ => "",
                };
                format!("{version} {status}\r\nDate: {now}\r\nContent-Length: {length}\r\n{kind}{connection}\r\n")
            }
        }
    }

    /// What Python shows of a directory without `index.html`.
    fn listing(&self) -> String {
        let items: String = self.files.keys().map(|name| format!("<li><a href=\"{name}\">{name}</a></li>\n")).collect();
        format!("<!DOCTYPE HTML>\n<ul>\n{items}</ul>\n")
    }
}

/// Whether a line asks for something in HTTP.
fn is_request(line: &str) -> bool {
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    matches!(words[..], [method, path, "HTTP/1.0" | "HTTP/1.1"] if !method.is_empty() && !path.is_empty())
}

/// nginx's page for a status.
fn page(status: &str, version: &str) -> String {
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <hr><center>nginx/{version}</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// A status line's end for a code.
fn status_of(code: &str) -> Option<&'static str> {
    let all = [
        "200 OK",
        "201 Created",
        "202 Accepted",
        "204 No Content",
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ];
    all.into_iter().find(|status| status.split(' ').next() == Some(code))
}
