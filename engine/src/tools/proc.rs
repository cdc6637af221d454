//! `/proc`: the kernel's settings as files, for `cat` and redirections.
//!
//! Source: `fs/proc/proc_sysctl.c`. Modelled: `/proc/sys` as far as `sysctl` has it. Left out, with a message: everything
//! else below `/proc`, which the tools of sockets show.

use std::rc::Rc;

use crate::host::{Answer, Call};
use crate::lab::Place;
use crate::linux::Errno;
use crate::tools::net::sysctl;
use crate::world::World;

const LEFT_OUT: &str = "portlab has /proc/sys alone: ss, lsof and nstat show the rest";
const NO_SETTING: &str = "portlab does not model this setting; `sysctl -a` lists what it models";

/// Whether a path is the kernel's, not a file's.
#[must_use]
pub fn is_kernels(path: &str) -> bool {
    ["/proc", "/sys"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| matches!(rest.chars().next(), None | Some('/'))))
}

/// The text of a file of the kernel, or why there is none; None for a path of another kind.
pub fn read(world: &mut World, host: &str, path: &str) -> Option<Result<Rc<str>, &'static str>> {
    if !is_kernels(path) {
        return None;
    }
    Some(setting(world, host, path).map(|(_, value)| format!("{value}\n").into()))
}

/// The name and value of the setting that a path stands for.
fn setting(world: &mut World, host: &str, path: &str) -> Result<(String, String), &'static str> {
    let Some(name) = path.strip_prefix("/proc/sys/") else { return Err(LEFT_OUT) };
    let name = name.trim_end_matches('/').replace('/', ".");
    world.start_host(host);
    match sysctl::shown(world, host, &name) {
        Some(value) => Ok((name, value)),
        None if sysctl::has_settings_in(&name) => Err("Is a directory"),
        None if sysctl::left_out(&name) => Err(NO_SETTING),
        None => Err("No such file or directory"),
    }
}

/// Whether a file of the kernel can be opened for writing.
///
/// # Errors
/// What the C library says: no such setting, or a container, where all of `/proc/sys` is mounted read-only.
pub fn open_to_write(world: &mut World, place: &Place, host: &str, path: &str) -> Result<(), &'static str> {
    setting(world, host, path)?;
    if matches!(place, Place::Pod { .. }) { Err("Read-only file system") } else { Ok(()) }
}

/// Writes a setting as a process that opened its file does.
///
/// # Errors
/// What the kernel refuses.
pub fn write(world: &mut World, host: &str, path: &str, text: &str) -> Result<(), Errno> {
    let Ok((name, _)) = setting(world, host, path) else { return Err(Errno::Einval) };
    let pid = world.call(host, 0, Call::spawn("bash")).number().unwrap_or(0);
    let answer = world.call(host, pid, Call::Sysctl { name: name.into(), value: text.trim().into() });
    world.call(host, pid, Call::Exit);
    match answer {
        Answer::Refused { refusal, .. } => Err(refusal.errno),
        _ => Ok(()),
    }
}
