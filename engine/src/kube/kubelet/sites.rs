//! What the containers' programs answer over HTTP, and what their processes are called.
//!
//! Sources: as in [`super::images`]. A program of which portlab knows only that it serves says so ([`Software::Unknown`]).

use std::collections::BTreeMap;

use serde_json::Value;

use super::images::{SERVERS, flag, parse, short};
use super::program::Serves;
use crate::http::{Site, Software};
use crate::object::{items, str_at};
use crate::time::Time;

/// What nginx shows where nobody has given it a page.
const NGINX_PAGE: &str = include_str!("welcome.html");

/// The name of a container's process that listens nowhere.
pub fn process(container: &Value) -> String {
    let words = items(container, "command").iter().chain(items(container, "args"));
    let first = items(container, "command").first().and_then(Value::as_str).map(|word| short(word).to_owned());
    let script: Option<&str> = words.filter_map(Value::as_str).nth(2);
    match first {
        // A shell with one command becomes that command.
        Some(shell) if ["sh", "bash", "ash"].contains(&shell.as_str()) => match script {
            Some(script) if !script.contains([';', '&', '|', '\n']) => {
                script.split(' ').next().map_or(shell, |word| short(word).to_owned())
            }
            _ => shell,
        },
        Some(first) => first,
        None => short(&parse(str_at(container, "image")).0).to_owned(),
    }
}

/// What a container's program answers over HTTP.
pub fn of(container: &Value, hostname: &str, since: Time) -> Site {
    let texts = |name: &str| -> Vec<&str> { items(container, name).iter().filter_map(Value::as_str).collect() };
    let (command, args) = (texts("command"), texts("args"));
    let (repository, tag) = parse(str_at(container, "image"));
    let words: Vec<&str> = command.iter().chain(&args).copied().collect();
    let sub = words.iter().copied().find(|word| !word.ends_with("agnhost")).unwrap_or("");
    let mut files = BTreeMap::new();
    let software = match short(&repository) {
        "agnhost" if sub == "netexec" => Software::Netexec { udp: flag(&words, "udp-port") != Some("-1") },
        "agnhost" if sub == "serve-hostname" => Software::Text(hostname.into()),
        "agnhost" if sub == "connect" || sub == "pause" => Software::Silent,
        "agnhost" => Software::Unknown(format!("agnhost {sub}").into()),
        "nginx" | "nginx-unprivileged" => {
            files.insert("index.html".to_owned(), NGINX_PAGE.into());
            Software::Nginx(if tag.starts_with("1.29") || tag == "latest" { "1.29.0" } else { "1.22.1" })
        }
        "http-echo" => Software::Text(format!("{}\n", flag(&words, "text").unwrap_or("")).into()),
        "busybox" | "alpine" if words.iter().any(|word| word.contains("httpd")) => Software::Busybox,
        "busybox" | "alpine" | "debian" | "ubuntu" => Software::Silent,
        name => match SERVERS.iter().find(|server| server.0 == name) {
            Some((_, _, _, Serves::Bytes)) => Software::Silent,
            Some((_, process, ..)) => Software::Unknown((*process).into()),
            None => Software::Unknown(name.into()),
        },
    };
    Site { software, files, hostname: hostname.into(), since }
}

/// What a program answers of which portlab knows only that it serves.
pub fn unknown(process: &str) -> Site {
    let software = Software::Unknown(process.into());
    Site { software, files: BTreeMap::new(), hostname: "".into(), since: Time::default() }
}
