//! Who holds a TCP port of this machine: the process behind a listening socket.
//!
//! On Linux from `/proc/net/tcp` and `/proc/net/tcp6` (the columns are in proc_net_tcp.rst of the kernel's
//! documentation) and the links in `/proc/PID/fd`; elsewhere by asking `lsof`. Processes in other network namespaces
//! do not count: their ports are other ports.

use std::path::Path;
use std::process::Command;

/// What is said of the holder, as in "pid 4711 (python3 -m http.server 8080)"; `None` when nothing is found.
pub fn of_port(port: u16) -> Option<String> {
    if Path::new("/proc/net/tcp").exists() { from_proc(Path::new("/proc"), port) } else { from_lsof(port) }
}

/// A socket that listens, as a line of /proc/net/tcp gives it.
#[derive(Debug, PartialEq, Eq)]
struct Listener {
    uid: u32,
    inode: u64,
}

fn from_proc(proc: &Path, port: u16) -> Option<String> {
    let tables = ["net/tcp", "net/tcp6"].map(|table| std::fs::read_to_string(proc.join(table)).unwrap_or_default());
    let listener = tables.iter().flat_map(|table| table.lines()).find_map(|line| listener(line, port))?;
    Some(match process_with(proc, listener.inode) {
        Some(process) => process,
        None => format!("a process of the user with id {}, which only that user or root may see", listener.uid),
    })
}

/// The socket of one line when it listens on the port: state 0A is TCP_LISTEN.
fn listener(line: &str, port: u16) -> Option<Listener> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (_, local_port) = columns.get(1)?.rsplit_once(':')?;
    if u16::from_str_radix(local_port, 16).ok()? != port || *columns.get(3)? != "0A" {
        return None;
    }
    Some(Listener { uid: columns.get(7)?.parse().ok()?, inode: columns.get(9)?.parse().ok()? })
}

/// The process that has the socket open.
fn process_with(proc: &Path, inode: u64) -> Option<String> {
    let socket = format!("socket:[{inode}]");
    let mut pids: Vec<u32> =
        std::fs::read_dir(proc).ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    let pid = pids.into_iter().find(|pid| {
        let descriptors = std::fs::read_dir(proc.join(format!("{pid}/fd"))).into_iter().flatten().flatten();
        descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|link| link.as_os_str() == &*socket)
    })?;
    let words = std::fs::read(proc.join(format!("{pid}/cmdline"))).unwrap_or_default();
    let command = String::from_utf8_lossy(&words).trim_end_matches('\0').replace('\0', " ");
    Some(format!("pid {pid} ({command})"))
}

fn from_lsof(port: u16) -> Option<String> {
    let output = Command::new("lsof").args(["-nP", &format!("-iTCP:{port}"), "-sTCP:LISTEN", "-Fpc"]).output().ok()?;
    lsof_answer(&String::from_utf8_lossy(&output.stdout))
}

/// `lsof -F` prints one field a line, its letter first.
fn lsof_answer(printed: &str) -> Option<String> {
    let field = |letter: char| printed.lines().find_map(|line| line.strip_prefix(letter));
    Some(format!("pid {} ({})", field('p')?, field('c')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTENING: &str = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 \
                             81234 1 0000000000000000 100 0 0 10 0";

    #[test]
    fn a_listening_socket_is_read_from_its_line() {
        assert_eq!(listener(LISTENING, 8080), Some(Listener { uid: 1000, inode: 81234 }));
        assert_eq!(listener(LISTENING, 8081), None);
        assert_eq!(listener(&LISTENING.replace(" 0A ", " 01 "), 8080), None, "a connection holds nothing");
        assert_eq!(listener("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when", 8080), None);
        let tcp6 = LISTENING.replace("0100007F:", "00000000000000000000000000000000:");
        assert_eq!(listener(&tcp6, 8080), Some(Listener { uid: 1000, inode: 81234 }));
    }

    #[test]
    fn lsof_is_read_by_its_letters() {
        assert_eq!(lsof_answer("p812\ncpython3.1\nf3\n").as_deref(), Some("pid 812 (python3.1)"));
        assert_eq!(lsof_answer(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_a_port_it_holds() {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let holder = of_port(port).unwrap();
        assert!(holder.starts_with(&format!("pid {} (", std::process::id())), "{holder}");
        drop(socket);
        assert_eq!(of_port(port), None);
    }
}
