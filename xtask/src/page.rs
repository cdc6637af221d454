//! Builds the page: the crates that index.html links to become WebAssembly with bindings, and every file of the site
//! is kept in memory, for `serve` to answer with and `dist` to write.
//!
//! Files carry a hash of their content in their name, so that no cache ever mixes two builds.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use base64::Engine as _;

use crate::bindings::{self, Bound, Form};
use crate::index_html::{self, Asset};
use crate::toolchain::Toolchain;

/// The files of the site by the path that a browser asks for, without the leading slash.
pub type Site = BTreeMap<String, File>;

/// One file of the site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    pub content: Vec<u8>,
    pub when: When,
}

/// When a browser downloads a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// On its first visit, which is one to home.
    FirstVisit,
    /// Once a lesson is opened.
    FirstLesson,
    /// Once something asks for it.
    Asked,
}

/// How the crates are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// Quick to rebuild.
    Dev,
    /// Small and fast, what people visit.
    Release,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Dev => "wasm-dev",
            Profile::Release => "wasm-release",
        }
    }
}

/// Builds pages, and remembers the bindings of modules that have not changed since.
pub struct Builder {
    root: PathBuf,
    toolchain: Toolchain,
    profile: Profile,
    bound: BTreeMap<(String, Form), (u64, Bound)>,
}

impl Builder {
    pub fn new(root: &Path, toolchain: Toolchain, profile: Profile) -> Builder {
        Builder { root: root.to_owned(), toolchain, profile, bound: BTreeMap::new() }
    }

    /// The site as several files, for a server.
    pub fn site(&mut self) -> anyhow::Result<Site> {
        let html = self.index()?;
        let mut site = Site::new();
        let mut styles = self.styles(&html)?;
        let html = index_html::rewrite(&html, |asset| self.linked(asset, &mut styles, &mut site))?;
        site.insert("index.html".into(), File { content: html.into_bytes(), when: When::FirstVisit });
        Ok(site)
    }

    /// The whole site in one HTML file that works from disk.
    pub fn single_file(&mut self) -> anyhow::Result<Vec<u8>> {
        let html = self.index()?;
        let mut styles = self.styles(&html)?;
        Ok(index_html::rewrite(&html, |asset| self.inlined(asset, &mut styles))?.into_bytes())
    }

    /// All style sheets as one, in their order, so that the first paint waits for one request. It stands where the
    /// first was linked, which takes it; `None` afterwards.
    fn styles(&self, html: &str) -> anyhow::Result<Option<String>> {
        let mut all = String::new();
        index_html::rewrite(html, |asset| {
            if let Asset::Css { href } = asset {
                all += &String::from_utf8(self.read(&href)?).with_context(|| format!("{href} is no text"))?;
            }
            Ok(String::new())
        })?;
        Ok(Some(all))
    }

    fn index(&self) -> anyhow::Result<String> {
        std::fs::read_to_string(self.root.join("index.html")).context("index.html")
    }

    /// What stands for a link in a site of several files; the files go to `site`.
    fn linked(&mut self, asset: Asset, styles: &mut Option<String>, site: &mut Site) -> anyhow::Result<String> {
        Ok(match asset {
            Asset::Module { manifest, bin, when } => {
                let package = self.package(&manifest, bin)?;
                let bound = self.bind(&package, Form::Module)?;
                let stem = &package.stem;
                let hash = hash(&(&bound.js, &bound.wasm));
                let (js, wasm) = (format!("{stem}-{hash:016x}.js"), format!("{stem}-{hash:016x}_bg.wasm"));
                let loader = fetching_loader(stem, &js, &wasm);
                site.insert(js, File { content: bound.js.into_bytes(), when });
                site.insert(wasm, File { content: bound.wasm, when });
                loader
            }
            Asset::Css { .. } => match styles.take() {
                Some(css) => {
                    let name = add(site, "styles.css", css.into_bytes());
                    format!("<link rel=\"stylesheet\" href=\"./{name}\">")
                }
                None => String::new(),
            },
            Asset::Icon { href } => {
                let name = add(site, &href, self.read(&href)?);
                format!("<link rel=\"icon\" href=\"./{name}\">")
            }
            Asset::Copy { href } => {
                for (name, content) in self.copies(&href)? {
                    site.insert(name, File { content, when: When::Asked });
                }
                String::new()
            }
        })
    }

    /// What stands for a link in the single file.
    fn inlined(&mut self, asset: Asset, styles: &mut Option<String>) -> anyhow::Result<String> {
        Ok(match asset {
            Asset::Module { manifest, bin, .. } => {
                let package = self.package(&manifest, bin)?;
                let bound = self.bind(&package, Form::Script { global: "portlab_module" })?;
                let wasm = bytes(&bound.wasm);
                let js = in_script(&bound.js);
                let body = format!("{js}\nawait portlab_module({{ module_or_path: {wasm} }}); return portlab_module;");
                loader(&package.stem, &body)
            }
            Asset::Css { .. } => match styles.take() {
                Some(css) => format!("<style>\n{}\n</style>", css.replace("</style", "<\\/style")),
                None => String::new(),
            },
            Asset::Icon { href } => {
                let mime = crate::serve::mime(&href);
                format!("<link rel=\"icon\" href=\"data:{mime};base64,{}\">", base64(&self.read(&href)?))
            }
            Asset::Copy { href } => {
                let mut out = String::new();
                for (name, content) in self.copies(&href)? {
                    let text = String::from_utf8(content).with_context(|| format!("{name} is no text"))?;
                    out += &copied(&name, &text);
                }
                out
            }
        })
    }

    /// Compiles a crate and writes its bindings.
    fn bind(&mut self, package: &Package, form: Form) -> anyhow::Result<Bound> {
        let started = Instant::now();
        let mut cargo = self.toolchain.build(&self.root);
        cargo.args(["--package", &package.name, "--profile", self.profile.name()]);
        if package.is_program {
            cargo.args(["--bin", &package.stem]);
        }
        let status = cargo.status().context("cargo does not start")?;
        ensure!(status.success(), "{} does not compile", package.stem);

        let file = self.toolchain.artifacts(self.profile.name()).join(format!("{}.wasm", package.stem));
        let module = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let hash = hash(&module);
        let key = (package.stem.clone(), form);
        if let Some((known, bound)) = self.bound.get(&key)
            && *known == hash
        {
            return Ok(bound.clone());
        }
        let bound = bindings::bind(&file, &package.stem, form, self.profile == Profile::Dev)?;
        println!("built {} in {:.1} s", package.stem, started.elapsed().as_secs_f64());
        self.bound.insert(key, (hash, bound.clone()));
        Ok(bound)
    }

    fn package(&self, manifest: &str, bin: Option<String>) -> anyhow::Result<Package> {
        let text = std::fs::read_to_string(self.root.join(manifest)).with_context(|| manifest.to_owned())?;
        package(&text, bin).with_context(|| format!("{manifest} says no package name"))
    }

    fn read(&self, href: &str) -> anyhow::Result<Vec<u8>> {
        std::fs::read(self.root.join(href)).with_context(|| href.to_owned())
    }

    /// A file by its own name, or the files of a folder by the paths that start with the folder's.
    fn copies(&self, href: &str) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let name = Path::new(href).file_name().context("a file to copy has a name")?.to_string_lossy().into_owned();
        if !self.root.join(href).is_dir() {
            return Ok(vec![(name, self.read(href)?)]);
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(self.root.join(href)).with_context(|| href.to_owned())? {
            entries.push(entry?.file_name().to_string_lossy().into_owned());
        }
        entries.sort();
        let mut found = Vec::new();
        for entry in entries {
            let below = self.copies(&format!("{href}/{entry}"))?;
            found.extend(below.into_iter().map(|(path, content)| (format!("{name}/{path}"), content)));
        }
        Ok(found)
    }
}

/// Adds a file of the first visit under a name that says its content, and returns the name.
fn add(site: &mut Site, href: &str, content: Vec<u8>) -> String {
    let path = Path::new(href);
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{}-{:016x}.{}", part(path.file_stem()), hash(&content), part(path.extension()));
    site.insert(name.clone(), File { content, when: When::FirstVisit });
    name
}

/// A crate by name, and the stem of the files that cargo and Trunk make of it.
struct Package {
    name: String,
    stem: String,
    is_program: bool,
}

/// Cargo names a library's file with underscores and a program's as it is.
fn package(manifest: &str, bin: Option<String>) -> Option<Package> {
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))?.to_owned();
    let is_program = !manifest.contains("cdylib");
    let stem = bin.unwrap_or_else(|| if is_program { name.clone() } else { name.replace('-', "_") });
    Some(Package { name, stem, is_program })
}

/// A script that puts `window.portlabModules.NAME` there: a function that loads the module once it is needed, and
/// promises what the module exports.
fn loader(name: &str, body: &str) -> String {
    format!(
        "<script>{{\nlet module;\n(window.portlabModules ??= {{}})[\"{name}\"] = () => module ??= (async () => {{ {body} }})();\n}}</script>"
    )
}

/// The same for a module in two files, with `.ahead()`, which fetches them and does not start the module. What could
/// not be fetched is tried again the next time.
fn fetching_loader(name: &str, js: &str, wasm: &str) -> String {
    format!(
        "<script>{{\n\
         let fetched, module;\n\
         const ahead = () => fetched ??= [import(\"./{js}\"), fetch(\"./{wasm}\")];\n\
         const load = async () => {{\n  \
           const [js, wasm] = ahead();\n  \
           const exports = await js;\n  \
           await exports.default({{ module_or_path: wasm }});\n  \
           return exports;\n\
         }};\n\
         const again = error => {{ fetched = module = undefined; throw error; }};\n\
         const modules = window.portlabModules ??= {{}};\n\
         modules[\"{name}\"] = Object.assign(() => module ??= load().catch(again), {{ ahead }});\n\
         }}</script>"
    )
}

/// A file that a link of the page leads to: in the single file the link opens this text instead.
fn copied(name: &str, text: &str) -> String {
    format!(
        "<script type=\"text/plain\" data-file=\"{name}\">{}</script>\n<script>\n\
         document.addEventListener(\"click\", event => {{\n  \
           if (!event.target.closest?.('a[href$=\"{name}\"]')) return;\n  \
           event.preventDefault();\n  \
           const text = document.querySelector('script[data-file=\"{name}\"]').textContent;\n  \
           open(URL.createObjectURL(new Blob([text], {{ type: \"text/plain;charset=utf-8\" }})));\n\
         }});\n</script>",
        in_script(text)
    )
}

/// Text that cannot end the script element around it.
fn in_script(text: &str) -> String {
    text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
}

/// A JavaScript expression for these bytes.
fn bytes(content: &[u8]) -> String {
    format!("Uint8Array.from(atob(\"{}\"), byte => byte.charCodeAt(0))", base64(content))
}

fn base64(content: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(content)
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_named_with_underscores() {
        let stem = |manifest| package(manifest, None).map(|package| package.stem);
        assert_eq!(stem("[package]\nname = \"portlab-web\"\n").as_deref(), Some("portlab-web"));
        let library = "[package]\nname = \"portlab-web-jq\"\n[lib]\ncrate-type = [\"cdylib\"]\n";
        assert_eq!(stem(library).as_deref(), Some("portlab_web_jq"));
        assert!(package("[workspace]\n", None).is_none());
        let program = package("[package]\nname = \"portlab-web\"\n", Some("portlab-home".to_owned())).unwrap();
        assert_eq!((program.name.as_str(), program.stem.as_str()), ("portlab-web", "portlab-home"));
    }

    #[test]
    fn a_script_is_not_ended_from_inside() {
        assert_eq!(in_script("a('</script>')"), "a('<\\/script>')");
    }
}
