//! Reads the folder of lessons: `NN-slug/lesson.md` and the manifests beside it.

use std::fs;
use std::path::Path;

use crate::model::{File, Lesson};
use crate::parse;

/// All lessons below `root`, in the order of chapter and position.
///
/// # Errors
/// The first file that cannot be read or is not a lesson, with line and column.
pub fn lessons(root: &Path) -> Result<Vec<Lesson>, String> {
    let mut folders: Vec<_> = fs::read_dir(root)
        .map_err(|error| format!("{}: {error}", root.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut lessons = folders.iter().map(|folder| lesson(folder)).collect::<Result<Vec<_>, _>>()?;
    lessons.sort_by_key(|lesson| (lesson.chapter, lesson.position));
    Ok(lessons)
}

/// The lesson in one folder.
///
/// # Errors
/// As [`lessons`].
pub fn lesson(folder: &Path) -> Result<Lesson, String> {
    let path = folder.join("lesson.md");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let file = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name != "lesson.md" {
            let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            files.push(File { name, text });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let id = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    parse::lesson(&id, &path.display().to_string(), &text, files).map_err(|error| error.to_string())
}
