//! Reads the `data-trunk` links of index.html and puts something else in their place.
//!
//! They are Trunk's own (<https://trunkrs.dev/assets/>), so that `trunk serve` builds the same page. Understood here:
//! `rust` (with `data-type="worker"` for a module that the page loads later, and with our own `data-when="lesson"` for
//! the one that a lesson needs), `css`, `icon`, `copy-file` and `copy-dir`. Anything else is an error with its line,
//! never a link that is silently left out.

use anyhow::{Context, bail};

use crate::page::When;

/// What one link asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asset {
    /// A crate that becomes a module of the page: its library, or the program `bin`.
    Module {
        manifest: String,
        bin: Option<String>,
        when: When,
    },
    Css {
        href: String,
    },
    Icon {
        href: String,
    },
    /// A file, or a folder with all that is in it, that is there for who asks for it.
    Copy {
        href: String,
    },
}

/// The page with each link replaced by what `replace` makes of it.
pub fn rewrite(html: &str, mut replace: impl FnMut(Asset) -> anyhow::Result<String>) -> anyhow::Result<String> {
    let mut out = String::with_capacity(html.len());
    let mut at = 0;
    while let Some((start, end)) = next_tag(html, at)? {
        let line = line_of(html, start);
        let asset = asset(&html[start..end]).with_context(|| format!("index.html:{line}"))?;
        out += &html[at..start];
        out += &replace(asset).with_context(|| format!("index.html:{line}"))?;
        at = end;
    }
    out += &html[at..];
    Ok(out)
}

fn line_of(html: &str, at: usize) -> usize {
    html[..at].matches('\n').count() + 1
}

/// The bounds of the next `<link … data-trunk …>` at or after `from`. Comments are passed over.
fn next_tag(html: &str, from: usize) -> anyhow::Result<Option<(usize, usize)>> {
    let mut at = from;
    while let Some(found) = html[at..].find("<").map(|offset| at + offset) {
        let rest = &html[found..];
        let line = || line_of(html, found);
        if rest.starts_with("<!--") {
            let length = rest.find("-->").with_context(|| format!("index.html:{}: a comment is not closed", line()))?;
            at = found + length + "-->".len();
        } else if rest.starts_with("<link") {
            let length = rest.find('>').with_context(|| format!("index.html:{}: a link is not closed", line()))?;
            at = found + length + 1;
            if rest[..length].contains("data-trunk") {
                return Ok(Some((found, at)));
            }
        } else {
            at = found + 1;
        }
    }
    Ok(None)
}

fn asset(tag: &str) -> anyhow::Result<Asset> {
    let rel = attribute(tag, "rel").context("a data-trunk link says no rel")?;
    let href = attribute(tag, "href").context("a data-trunk link says no href")?.to_owned();
    Ok(match (rel, attribute(tag, "data-type")) {
        ("rust", kind) => {
            let when = match (kind, attribute(tag, "data-when")) {
                (None | Some("main"), None) => When::FirstVisit,
                (Some("worker"), None) => When::Asked,
                (Some("worker"), Some("lesson")) => When::FirstLesson,
                (kind, when) => bail!("xtask does not build a module of data-type {kind:?} and data-when {when:?}"),
            };
            Asset::Module { manifest: href, bin: attribute(tag, "data-bin").map(str::to_owned), when }
        }
        ("css", _) => Asset::Css { href },
        ("icon", _) => Asset::Icon { href },
        ("copy-file" | "copy-dir", _) => Asset::Copy { href },
        (rel, _) => bail!("xtask does not build a data-trunk link of rel=\"{rel}\""),
    })
}

/// The value of `name="…"` in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut words = tag;
    loop {
        let (before, after) = words.split_once("=\"")?;
        let (value, rest) = after.split_once('"')?;
        if before.trim_end().rsplit(char::is_whitespace).next() == Some(name) {
            return Some(value);
        }
        words = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets(html: &str) -> anyhow::Result<(String, Vec<Asset>)> {
        let mut found = Vec::new();
        let page = rewrite(html, |asset| {
            found.push(asset);
            Ok("[]".to_owned())
        })?;
        Ok((page, found))
    }

    #[test]
    fn each_link_is_replaced_where_it_stands() {
        let html = "<head>\n<link rel=\"canonical\" href=\"x\">\n<link data-trunk rel=\"css\" href=\"a.css\" />\n\
                    <link data-trunk rel=\"rust\" href=\"web/Cargo.toml\" data-bin=\"home\">\n\
                    <!-- <link data-trunk rel=\"css\" href=\"no.css\"> --></head>\n\
                    <link data-trunk data-type=\"worker\" rel=\"rust\" href=\"web/jq/Cargo.toml\">";
        let (page, found) = assets(html).unwrap();
        assert_eq!(
            page,
            "<head>\n<link rel=\"canonical\" href=\"x\">\n[]\n[]\n\
             <!-- <link data-trunk rel=\"css\" href=\"no.css\"> --></head>\n[]"
        );
        assert_eq!(
            found,
            [
                Asset::Css { href: "a.css".into() },
                Asset::Module { manifest: "web/Cargo.toml".into(), bin: Some("home".into()), when: When::FirstVisit },
                Asset::Module { manifest: "web/jq/Cargo.toml".into(), bin: None, when: When::Asked },
            ]
        );
    }

    #[test]
    fn what_is_not_built_is_an_error_with_its_line() {
        let error = |html| format!("{:#}", assets(html).unwrap_err());
        assert_eq!(
            error("<head>\n  <link data-trunk rel=\"sass\" href=\"a\">"),
            "index.html:2: xtask does not build a data-trunk link of rel=\"sass\""
        );
        assert_eq!(
            error("<link data-trunk rel=\"rust\" href=\"a\" data-when=\"lesson\">"),
            "index.html:1: xtask does not build a module of data-type None and data-when Some(\"lesson\")"
        );
        assert_eq!(error("<link data-trunk rel=\"css\">"), "index.html:1: a data-trunk link says no href");
        assert_eq!(error("\n\n<link data-trunk rel=\"css\""), "index.html:3: a link is not closed");
    }

    #[test]
    fn a_name_that_ends_alike_is_another_attribute() {
        assert_eq!(attribute("<link data-href=\"no\" href=\"yes\">", "href"), Some("yes"));
        assert_eq!(attribute("<link data-href=\"no\">", "href"), None);
    }
}
