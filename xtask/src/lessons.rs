//! `cargo xtask lessons check|new`: holds the lessons to the gate, or starts a new one.
//!
//! The lessons are read from `scenarios/lessons` as they are now, not as they were compiled in, and run in the engine.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use portlab_scenarios::gate;
use portlab_scenarios::read;
use portlab_scenarios::world::Engine;

mod flags {
    xflags::xflags! {
        /// Checks the lessons, or starts a new one.
        cmd lessons {
            /// Runs every lesson from both sides and prints what it does not pass.
            cmd check {
                /// This lesson only, by the name of its folder or the end of it.
                optional lesson: String
            }
            /// Makes the folder of a new lesson with a lesson.md that passes the check.
            cmd new {
                /// The folder's name: chapter, position and words, as in 42-my-lesson.
                required folder: String
            }
        }
    }
}

/// What a new lesson holds: a step with a question, a command and its output.
const NEW: &str = "\
---
title: TITLE
summary: What the reader can do afterwards, in one sentence.
minutes: 5
chapter: CHAPTER
position: POSITION
concepts: taint
nodes: 3
proxy: iptables
---

## The first step

What the reader has to know before the question.

```predict id=how-many
How many nodes keep ordinary pods off?
- one
  | the control plane
  $ kubectl get nodes -o jsonpath='{.items[*].spec.taints[*].key}'
  node-role.kubernetes.io/control-plane
  ~ Only the control plane has a taint.
- none
  | a node is a node
  $ kubectl get nodes -o jsonpath='{.items[*].spec.taints[*].key}'
  ~ A cluster that kind makes of several nodes taints its control plane.
```

```console
$ kubectl get nodes -o name
node/portlab-control-plane
node/portlab-worker
node/portlab-worker2
```
";

pub fn run(args: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let root = crate::root().join("scenarios/lessons");
    match flags::Lessons::from_vec(args).unwrap_or_else(|error| error.exit()).subcommand {
        flags::LessonsCmd::Check(flags) => check(&root, flags.lesson.as_deref()),
        flags::LessonsCmd::New(flags) => {
            new(&root, &flags.folder)?;
            println!("made scenarios/lessons/{}/lesson.md", flags.folder);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Prints a line for each lesson, and before it what the lesson does not pass.
fn check(root: &Path, only: Option<&str>) -> anyhow::Result<ExitCode> {
    let lessons = read::lessons(root).map_err(|error| anyhow!(error))?;
    let chosen: Vec<_> = lessons.iter().filter(|lesson| only.is_none_or(|name| name.ends_with(&lesson.id))).collect();
    ensure!(!chosen.is_empty(), "no lesson is named `{}`", only.unwrap_or_default());
    let mut refused = 0;
    for lesson in &chosen {
        let mut engine = Engine::new(Some(portlab_jq::run));
        let (complaints, graduation) = gate::check(&mut engine, lesson).map_err(|error| anyhow!(error))?;
        for complaint in &complaints {
            println!("{complaint}\n");
        }
        refused += usize::from(!complaints.is_empty());
        println!(
            "{}: {} claims, {} questions, {} exercises, {} complaints",
            lesson.id,
            graduation.claims.len(),
            graduation.questions.len(),
            graduation.exercises.len(),
            complaints.len()
        );
    }
    println!("{} lessons pass, {refused} do not", chosen.len() - refused);
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes a lesson from the template; never touches one that is there.
fn new(root: &Path, folder: &str) -> anyhow::Result<()> {
    let (chapter, position, title) = name_parts(folder).with_context(|| {
        format!("`{folder}` is no name for a lesson: chapter (1 to 4), position, and words, as in 42-my-lesson")
    })?;
    let path = root.join(folder);
    if path.exists() {
        bail!("scenarios/lessons/{folder} is there already");
    }
    let text = NEW
        .replace("TITLE", &title)
        .replace("CHAPTER", &chapter.to_string())
        .replace("POSITION", &position.to_string());
    std::fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
    std::fs::write(path.join("lesson.md"), text).with_context(|| path.display().to_string())
}

/// (4, 2, "My lesson") of "42-my-lesson".
fn name_parts(folder: &str) -> Option<(u32, u32, String)> {
    let (number, slug) = folder.split_once('-')?;
    let digits: Vec<u32> = number.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    let [chapter @ 1..=4, position @ 1..=9] = digits[..] else { return None };
    let plain = slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let first = slug.chars().next().filter(|first| plain && *first != '-')?;
    Some((chapter, position, format!("{}{}", first.to_ascii_uppercase(), slug[1..].replace('-', " "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_chapter_position_and_title() {
        assert_eq!(name_parts("42-my-lesson"), Some((4, 2, "My lesson".to_owned())));
        for wrong in ["my-lesson", "92-x", "40-x", "4-x", "42-", "42--x", "42-../x", "42-X", "421-x", ""] {
            assert_eq!(name_parts(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_new_lesson_passes_the_check_and_is_not_made_twice() {
        let root = std::env::temp_dir().join(format!("portlab-lessons-{}", std::process::id()));
        new(&root, "42-my-lesson").unwrap();
        let outcome = check(&root, Some("42-my-lesson")).unwrap();
        let again = new(&root, "42-my-lesson").unwrap_err().to_string();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(format!("{outcome:?}"), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(again, "scenarios/lessons/42-my-lesson is there already");
    }
}
