//! The files that programs see: the lab's own, those of the host where the lab was given access, and `<( )`.
//!
//! On a node and in a container these are others, and few ([`World::container_files`]). Directories are those that hold a file. The working directory is the lab's root; `./` and `../` are resolved.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Env;
use super::shell::pattern::matches;
use crate::event::{Actor, What};
use crate::world::World;

/// At the end of a path this asks the host's reader for the names in a directory, one a line, directories with `/`.
pub const HOST_DIRECTORY: char = '\0';

/// A path without `./`, `//` and `dir/..`.
pub fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

/// The text of a file.
pub fn read(world: &World, env: &Env, path: &str) -> Option<Rc<str>> {
    match path {
        "/dev/null" => return Some("".into()),
        _ if path.ends_with('/') => return None,
        // What is there is the lab's kernel's, not that of the machine that the lab runs on: `proc.rs`.
        _ if super::proc::is_kernels(path) => return None,
        _ => {}
    }
    env.pipes.get(path).map(|text| text.as_str().into()).or_else(|| world.read_file(&tidy(path)))
}

/// The text of a file, or what the C library says when there is none.
pub fn open(world: &World, env: &Env, path: &str) -> Result<Rc<str>, &'static str> {
    match read(world, env, path) {
        Some(text) => Ok(text),
        None if is_directory(world, path) => Err("Is a directory"),
        None => Err("No such file or directory"),
    }
}

/// Writes a file of the lab.
pub fn write(world: &mut World, path: &str, text: &str) {
    let path = tidy(path);
    if let Some(files) = &mut world.container_files {
        files.insert(path.trim_start_matches('/').to_owned(), text.into());
        return;
    }
    if world.state.files.get(&path).is_none_or(|old| &**old != text) {
        world.commit(Actor::Learner, What::FileWritten { path, text: Some(text.into()) });
    }
}

/// Removes a file of the lab; whether there was one.
pub fn remove(world: &mut World, path: &str) -> bool {
    let path = tidy(path);
    if let Some(files) = &mut world.container_files {
        return files.remove(path.trim_start_matches('/')).is_some();
    }
    let found = world.state.files.contains_key(&path);
    if found {
        world.commit(Actor::Learner, What::FileWritten { path, text: None });
    }
    found
}

pub fn is_directory(world: &World, path: &str) -> bool {
    let tidy = tidy(path);
    tidy.is_empty() || tidy == "/" || !list(world, &tidy).is_empty()
}

/// The names in a directory, sorted; those of directories end in `/`.
pub fn list(world: &World, directory: &str) -> Vec<String> {
    let mut directory = tidy(directory);
    let files = world.container_files.as_ref().unwrap_or(&world.state.files);
    if world.container_files.is_some() {
        directory = directory.trim_start_matches('/').to_owned();
    }
    let prefix = match directory.as_str() {
        "" => String::new(),
        "/" => "/".into(),
        directory => format!("{directory}/"),
    };
    let mut names = BTreeSet::new();
    for path in files.keys() {
        let Some(rest) = path
            .strip_prefix(&prefix)
            .filter(|rest| !rest.is_empty() && (!prefix.is_empty() || !rest.starts_with('/')))
        else {
            continue;
        };
        names.insert(rest.split_once('/').map_or_else(|| rest.to_owned(), |(name, _)| format!("{name}/")));
    }
    if world.container_files.is_some() {
        return names.into_iter().collect();
    }
    if super::proc::is_kernels(&directory) {
        return Vec::new();
    }
    let asked = format!("{}{HOST_DIRECTORY}", if directory.is_empty() { "." } else { &directory });
    if let Some(found) = world.options().host_files.and_then(|read| read(&asked)) {
        names.extend(found.lines().map(str::to_owned));
    }
    names.into_iter().collect()
}

/// The paths that fit a pattern, sorted; `*` does not reach over `/`, nor to a name that begins with a dot.
pub fn glob(world: &World, _env: &Env, pattern: &str) -> Vec<String> {
    let absolute = pattern.starts_with('/');
    let mut found = vec![if absolute { "/".to_owned() } else { String::new() }];
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    for (depth, part) in parts.iter().enumerate() {
        let mut next = Vec::new();
        for base in &found {
            for name in list(world, base) {
                let bare = name.trim_end_matches('/');
                let is_directory = name.ends_with('/');
                let hidden = bare.starts_with('.') && !part.starts_with('.');
                if !hidden && (is_directory || depth + 1 == parts.len()) && matches(part, bare) {
                    let slash =
                        if is_directory && (depth + 1 < parts.len() || pattern.ends_with('/')) { "/" } else { "" };
                    next.push(format!("{base}{bare}{slash}"));
                }
            }
        }
        found = next;
    }
    if parts.is_empty() { Vec::new() } else { found }
}
