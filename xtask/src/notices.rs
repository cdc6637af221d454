//! `cargo xtask notices`: writes THIRD-PARTY-NOTICES.txt, which says whose work is in the page and on what terms.
//!
//! The crates are those that cargo links into the two modules for the browser, found by `cargo tree`; their licences
//! come from the packages themselves. Programs that only build or test the page (axe-core among them) are not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

mod flags {
    xflags::xflags! {
        /// Writes THIRD-PARTY-NOTICES.txt from the crates that end up in the page.
        cmd notices {
            /// Write nothing, and fail when the file is not what would be written.
            optional --check
        }
    }
}

const FILE: &str = "THIRD-PARTY-NOTICES.txt";

/// The crates whose dependencies are looked at.
const IN_THE_PAGE: [&str; 2] = ["portlab-web", "portlab-web-jq"];

/// What is no crate, and in the page all the same.
const PREFACE: &str = "\
portlab is under the MIT licence or the Apache License, version 2.0 (LICENSE-MIT, LICENSE-APACHE), at your choice.
The page contains work of others, listed here with its terms.

Rust's standard library: Copyright The Rust Project contributors, MIT OR Apache-2.0.

Kubernetes: what the simulated kubectl and API server print (messages, column names, documentation of fields) is in the
words of Kubernetes, Copyright The Kubernetes Authors, Apache-2.0, so that it can be compared with a real cluster's.
";

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Notices::from_vec(args).unwrap_or_else(|error| error.exit());
    let root = crate::root();
    if flags.check {
        check(root)?;
    } else {
        std::fs::write(root.join(FILE), text(root)?).context(FILE)?;
        println!("wrote {FILE}");
    }
    Ok(ExitCode::SUCCESS)
}

/// An error when the file in the checkout does not say what is in the page now.
pub fn check(root: &Path) -> anyhow::Result<()> {
    let written = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    ensure!(written == text(root)?, "{FILE} is not current: run `cargo xtask notices` and commit it");
    Ok(())
}

/// A crate in the page.
#[derive(Debug)]
struct Crate {
    title: String,
    licence: String,
    /// The texts of its licence files that apply, by file name.
    texts: Vec<String>,
}

fn text(root: &Path) -> anyhow::Result<String> {
    let linked = linked(root)?;
    let metadata = cargo(root, &["metadata", "--format-version=1", "--filter-platform", crate::toolchain::TARGET])?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let mut crates = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata names no packages")? {
        let word = |name: &str| package[name].as_str().unwrap_or_default();
        // A package without a source is one of ours.
        if linked.contains(&(word("name").to_owned(), word("version").to_owned())) && !package["source"].is_null() {
            let folder = Path::new(word("manifest_path")).parent().context("a manifest lies in a folder")?;
            let title = format!("{} {} ({})", word("name"), word("version"), word("repository"));
            let licence = word("license").to_owned();
            let texts = licence_texts(folder, &licence)?;
            crates.push(Crate { title, licence, texts });
        }
    }
    Ok(render(&crates))
}

/// Name and version of each crate whose code is linked into the page.
fn linked(root: &Path) -> anyhow::Result<BTreeSet<(String, String)>> {
    let mut args = vec!["tree", "--edges=normal,no-proc-macro", "--prefix=none", "--format={p}"];
    args.extend(["--target", crate::toolchain::TARGET]);
    args.extend(IN_THE_PAGE.iter().flat_map(|package| ["--package", package]));
    let printed = cargo(root, &args)?;
    Ok(printed.lines().filter_map(name_and_version).collect())
}

/// ("yew", "0.23.0") of "yew v0.23.0 (*)".
fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
}

fn cargo(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command.args(args).current_dir(root).output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo {} failed: {}", args[0], String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("what cargo prints")
}

/// The licence files of a crate. Of a choice between MIT and Apache-2.0 MIT is taken, which names the authors.
/// A NOTICE file is always kept, as Apache-2.0 (section 4d) asks.
fn licence_texts(folder: &Path, licence: &str) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let is = |name: &str, starts: &[&str]| starts.iter().any(|start| name.to_uppercase().starts_with(start));
    let licences: Vec<&String> = names.iter().filter(|name| is(name, &["LICENSE", "LICENCE", "COPYING"])).collect();
    let has = |name: &str, word: &str| name.to_uppercase().contains(word);
    let mit = licence.contains("MIT") && licences.iter().any(|name| has(name, "MIT"));
    let chosen = licences.into_iter().filter(|name| !(mit && has(name, "APACHE")));
    let notices = names.iter().filter(|name| is(name, &["NOTICE"]));
    let files = chosen.chain(notices).map(|name| folder.join(name)).filter(|file| file.is_file());
    files.map(|file| std::fs::read_to_string(&file).with_context(|| file.display().to_string())).collect()
}

/// Each text once, under the crates that it is for.
fn render(crates: &[Crate]) -> String {
    let mut by_texts: BTreeMap<Vec<String>, Vec<&Crate>> = BTreeMap::new();
    for found in crates {
        let normal = |text: &String| text.replace("\r\n", "\n").trim().to_owned();
        by_texts.entry(found.texts.iter().map(normal).collect()).or_default().push(found);
    }
    let mut groups: Vec<(Vec<String>, Vec<&Crate>)> = by_texts.into_iter().collect();
    groups.iter_mut().for_each(|(_, crates)| crates.sort_by(|a, b| a.title.cmp(&b.title)));
    groups.sort_by(|(_, a), (_, b)| a[0].title.cmp(&b[0].title));

    let mut out = PREFACE.to_owned();
    for (texts, crates) in groups {
        out += &format!("\n{}\n\n", "-".repeat(78));
        for found in crates {
            out += &format!("{}, {}\n", found.title, found.licence);
        }
        if texts.is_empty() {
            out += "\nThe package carries no licence text of its own.\n";
        }
        for text in texts {
            out += &format!("\n{text}\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(title: &str, texts: &[&str]) -> Crate {
        Crate {
            title: title.into(),
            licence: "MIT".into(),
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    #[test]
    fn a_text_that_crates_share_is_printed_once() {
        let text = render(&[found("b 1", &["terms\r\n"]), found("c 1", &[]), found("a 1", &["terms\n"])]);
        let rule = "-".repeat(78);
        let expected = format!(
            "{PREFACE}\n{rule}\n\na 1, MIT\nb 1, MIT\n\nterms\n\n{rule}\n\nc 1, MIT\n\n\
             The package carries no licence text of its own.\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn cargo_tree_names_a_crate_with_its_version() {
        assert_eq!(name_and_version("yew v0.23.0 (*)"), Some(("yew".into(), "0.23.0".into())));
        assert_eq!(name_and_version(""), None);
    }
}
