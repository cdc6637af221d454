//! `ls`, `rm`, `cp`, `mv`: the files of the lab. Directories are those that hold a file.

use super::options::{self, flag};
use super::{Cx, files};

/// `ls [-1aAp] [PATH…]`, one name a line as when its output is not a terminal.
pub fn ls(cx: &mut Cx) -> i32 {
    let specs = [
        flag('1', ""),
        flag('a', "all"),
        flag('A', "almost-all"),
        flag('p', ""),
        flag('F', "classify"),
        flag('d', "directory"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let paths = if given.operands.is_empty() { vec![".".to_owned()] } else { given.operands.clone() };
    let (mut status, mut named, mut directories) = (0, Vec::new(), Vec::new());
    for path in &paths {
        let here = files::tidy(path).is_empty();
        if files::read(cx.world, cx.env, path).is_some() || given.has('d') && files::is_directory(cx.world, path) {
            named.push(path.clone());
        } else if here || files::is_directory(cx.world, path) {
            directories.push(path.clone());
        } else {
            status = cx.fail(&format!("cannot access '{path}': No such file or directory"), 2);
        }
    }
    named.sort();
    directories.sort();
    let several = paths.len() > 1;
    for (number, path) in named.iter().enumerate() {
        cx.print(&format!("{path}\n"));
        if number + 1 == named.len() && !directories.is_empty() {
            cx.print("\n");
        }
    }
    for (number, path) in directories.iter().enumerate() {
        if several {
            cx.print(&format!("{}{path}:\n", if number > 0 { "\n" } else { "" }));
        }
        if given.has('a') {
            cx.print(".\n..\n");
        }
        for name in files::list(cx.world, path) {
            let bare = name.trim_end_matches('/');
            if bare.starts_with('.') && !given.has('a') && !given.has('A') {
                continue;
            }
            let slash = if name.ends_with('/') && (given.has('p') || given.has('F')) { "/" } else { "" };
            cx.print(&format!("{bare}{slash}\n"));
        }
    }
    status
}

/// `rm [-f] [-r] FILE…`
pub fn rm(cx: &mut Cx) -> i32 {
    let specs = [flag('f', "force"), flag('r', "recursive"), flag('R', ""), flag('v', "verbose")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let recursive = given.has('r') || given.has('R');
    let mut status = 0;
    if given.operands.is_empty() && !given.has('f') {
        return cx.fail("missing operand\nTry 'rm --help' for more information.", 1);
    }
    for path in &given.operands {
        let tidy = files::tidy(path);
        let inside: Vec<String> =
            cx.world.state.files.keys().filter(|key| key.starts_with(&format!("{tidy}/"))).cloned().collect();
        if files::remove(cx.world, path) {
            if given.has('v') {
                cx.print(&format!("removed '{path}'\n"));
            }
        } else if !inside.is_empty() && recursive {
            for key in inside {
                files::remove(cx.world, &key);
            }
        } else if !inside.is_empty() {
            status = cx.fail(&format!("cannot remove '{path}': Is a directory"), 1);
        } else if files::read(cx.world, cx.env, path).is_some() {
            status = cx.fail(&format!("cannot remove '{path}': portlab does not change files outside the lab"), 1);
        } else if !given.has('f') {
            status = cx.fail(&format!("cannot remove '{path}': No such file or directory"), 1);
        }
    }
    status
}

/// `cp FILE… TARGET` and `mv FILE… TARGET`.
pub fn cp(cx: &mut Cx) -> i32 {
    let moves = cx.args[0] == "mv";
    let given = match options::read(cx, &[flag('f', "force"), flag('v', "verbose")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let Some((target, sources)) = given.operands.split_last().filter(|(_, sources)| !sources.is_empty()) else {
        let text = match given.operands.first() {
            Some(only) => format!("missing destination file operand after '{only}'"),
            None => "missing file operand".to_owned(),
        };
        let program = cx.args[0].clone();
        return cx.fail(&format!("{text}\nTry '{program} --help' for more information."), 1);
    };
    let into = files::is_directory(cx.world, target) || target.ends_with('/');
    if sources.len() > 1 && !into {
        return cx.fail(&format!("target '{target}': No such file or directory"), 1);
    }
    let mut status = 0;
    for source in sources {
        let text = match files::open(cx.world, cx.env, source) {
            Ok(text) => text,
            Err("Is a directory") => {
                status = cx.fail("portlab copies and moves single files only", 2);
                continue;
            }
            Err(why) => {
                status = cx.fail(&format!("cannot stat '{source}': {why}"), 1);
                continue;
            }
        };
        let name = source.rsplit('/').next().unwrap_or(source);
        let to = if into { format!("{}/{name}", target.trim_end_matches('/')) } else { target.clone() };
        if files::tidy(&to) == files::tidy(source) {
            status = cx.fail(&format!("'{source}' and '{to}' are the same file"), 1);
            continue;
        }
        files::write(cx.world, &to, &text);
        if moves && !files::remove(cx.world, source) {
            status = cx.fail(&format!("cannot remove '{source}': portlab does not change files outside the lab"), 1);
        }
        if given.has('v') {
            let verb = if moves { "renamed " } else { "" };
            cx.print(&format!("{verb}'{source}' -> '{to}'\n"));
        }
    }
    status
}
