//! `cargo xtask dist`: the static site in `dist/`, or the whole of it in one HTML file, and what it weighs.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::page::{Builder, Profile, Site, When};
use crate::toolchain;

mod flags {
    xflags::xflags! {
        /// Writes the site to dist/, for any server of static files.
        cmd dist {
            /// One HTML file instead, dist/portlab.html, that works from disk without a network.
            optional --single-file
        }
    }
}

/// What a first visit may download at most, in bytes after gzip.
pub const FIRST_VISIT_GZIP_MAX: usize = 350_000;

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let flags = flags::Dist::from_vec(args).unwrap_or_else(|error| error.exit());
    let root = crate::root();
    let mut builder = Builder::new(root, toolchain::find(root)?, Profile::Release);
    let dist = root.join("dist");
    if flags.single_file {
        let html = builder.single_file()?;
        write_all(&dist, [("portlab.html", html.as_slice())])?;
        println!("{:>9} bytes, {:>9} after gzip  dist/portlab.html", html.len(), gzip_bytes(&html));
        return Ok(ExitCode::SUCCESS);
    }
    let site = builder.site()?;
    write_all(&dist, site.iter().map(|(name, file)| (name.as_str(), file.content.as_slice())))?;
    print!("{}", sizes(&site));
    check(first_visit_gzip_bytes(&site))?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each file, what a first visit weighs, and what the first lesson adds to it.
pub fn sizes(site: &Site) -> String {
    let mut text = String::new();
    for (name, file) in site {
        let when = match file.when {
            When::FirstVisit => "",
            When::FirstLesson => "  (when a lesson is opened)",
            When::Asked => "  (when first needed)",
        };
        let gzip = gzip_bytes(&file.content);
        text += &format!("{:>9} bytes, {gzip:>9} after gzip  dist/{name}{when}\n", file.content.len());
    }
    let sum = first_visit_gzip_bytes(site);
    let lesson = first_lesson_gzip_bytes(site);
    text + &format!(
        "first visit (home): {sum} bytes after gzip, of {FIRST_VISIT_GZIP_MAX} at most\n\
         opening the first lesson adds {lesson} bytes after gzip\n"
    )
}

/// What a browser downloads on its first visit, to home.
pub fn first_visit_gzip_bytes(site: &Site) -> usize {
    gzip_bytes_at(site, When::FirstVisit)
}

/// What opening the first lesson adds to that.
pub fn first_lesson_gzip_bytes(site: &Site) -> usize {
    gzip_bytes_at(site, When::FirstLesson)
}

fn gzip_bytes_at(site: &Site, when: When) -> usize {
    site.values().filter(|file| file.when == when).map(|file| gzip_bytes(&file.content)).sum()
}

/// An error when a first visit weighs more than it may.
pub fn check(first_visit_gzip_bytes: usize) -> anyhow::Result<()> {
    if first_visit_gzip_bytes > FIRST_VISIT_GZIP_MAX {
        let over = first_visit_gzip_bytes - FIRST_VISIT_GZIP_MAX;
        bail!("a first visit downloads {over} bytes more than the {FIRST_VISIT_GZIP_MAX} (after gzip) that it may");
    }
    Ok(())
}

/// The size after gzip at its usual level.
fn gzip_bytes(content: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("a vector takes every write").len()
}

/// Writes the files to a folder that holds nothing else afterwards.
fn write_all<'a>(folder: &Path, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, content) in files {
        let path = folder.join(name);
        let parent = path.parent().expect("it lies in the folder");
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::File;

    #[test]
    fn files_lie_in_their_folders_and_nothing_else_does() {
        let folder = std::env::temp_dir().join(format!("portlab-dist-{}", std::process::id()));
        write_all(&folder, [("old.js", b"".as_slice())]).unwrap();
        write_all(&folder, [("index.html", b"home".as_slice()), ("lessons/41-x/lesson.md", b"---".as_slice())])
            .unwrap();
        assert_eq!(std::fs::read(folder.join("lessons/41-x/lesson.md")).unwrap(), b"---");
        assert!(!folder.join("old.js").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn only_the_first_visit_counts_and_only_up_to_the_budget() {
        let file = |when| File { content: b"port ".repeat(1000), when };
        let one = Site::from([("a".to_owned(), file(When::FirstVisit))]);
        let with_later = Site::from([
            ("a".to_owned(), file(When::FirstVisit)),
            ("b".to_owned(), file(When::FirstLesson)),
            ("c".to_owned(), file(When::Asked)),
        ]);
        assert!(first_visit_gzip_bytes(&one) < 100, "5000 bytes of repetition compress well");
        assert_eq!(first_visit_gzip_bytes(&with_later), first_visit_gzip_bytes(&one));
        assert_eq!(first_lesson_gzip_bytes(&with_later), first_visit_gzip_bytes(&one));

        assert!(check(FIRST_VISIT_GZIP_MAX).is_ok());
        let error = check(FIRST_VISIT_GZIP_MAX + 7).unwrap_err().to_string();
        assert_eq!(error, "a first visit downloads 7 bytes more than the 350000 (after gzip) that it may");
    }
}
