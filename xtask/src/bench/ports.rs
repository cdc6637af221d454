//! The source ports of one destination used up, on this machine's kernel: what the engine's figures stand beside.
//!
//! The same calls as in the crate `portlab-scenarios`, example `figures`: 28,232 connections, then as many that are
//! refused. Nobody accepts, so the servers' ends need no file, and the clients' are spread over two threads with files of
//! their own, since many machines let a process have 20,000 at most. The kernel's `TIME_WAIT`s are not waited for.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use portlab_scenarios::syscalls::{Answer, Call, Family, Kernel};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::kernel;

/// How many source ports the default range has.
const PORTS: usize = 28_232;

/// Files that a thread must be allowed to have open: half of the clients, and some.
const FILES: u64 = 16_000;

/// Names of figures and ms.
///
/// # Errors
/// The kernel cannot be asked, or does not do what it did when this was written.
pub fn of_kernel() -> anyhow::Result<Vec<(&'static str, f64)>> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: Some(FILES), maximum };
    setrlimit(Resource::Nofile, limit).with_context(|| format!("{FILES} files may not be open at once"))?;
    let mut figures = kernel::each(&[()], |place, ()| place.fresh(run));
    let (figures, _) = figures.pop().context("no namespace")??;
    figures
}

fn run(kernel: &mut dyn Kernel) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let to: SocketAddr = "127.0.0.1:80".parse().context("an address")?;
    let listener = "listener".to_owned();
    let mut done = |call: Call, new: &str| kernel.answer(&call, new);
    done(Call::Socket(Family::Tcp4), &listener);
    ensure!(done(Call::Bind(listener.clone(), to), "") == Answer::Zero, "port 80 is not free");
    let (name, value) = ("net.core.somaxconn".to_owned(), Some("65535".to_owned()));
    ensure!(done(Call::Sysctl { name, value }, "") == Answer::Zero, "somaxconn is not to be changed");
    ensure!(done(Call::Listen(listener.clone(), Some(65_535)), "") == Answer::Zero, "port 80 is not free");
    let (first, second, refused) = std::thread::scope(|scope| {
        let (ready, is_ready) = channel();
        let (go, may_go) = channel();
        // Made before there is anything in the table that it copies.
        let second = scope.spawn(move || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).context("no table of files of its own")?;
            ready.send(())?;
            may_go.recv()?;
            let (time, _held) = clients(to)?;
            let started = Instant::now();
            for _ in 0..PORTS {
                refused(to)?;
            }
            anyhow::Ok((time, started.elapsed()))
        });
        // An error of the second thread comes out when it is joined.
        let _ = is_ready.recv();
        let first = clients(to);
        let _ = go.send(());
        let second = second.join().map_err(|_| anyhow!("the second thread panicked"))?;
        let ((first, _held), (second, refused)) = (first?, second?);
        anyhow::Ok((first, second, refused))
    })?;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(vec![("ports_connect_28232", ms(first + second)), ("ports_refused_28232", ms(refused))])
}

/// Half of the connections.
fn clients(to: SocketAddr) -> anyhow::Result<(Duration, Vec<OwnedFd>)> {
    let started = Instant::now();
    let mut held = Vec::with_capacity(PORTS / 2);
    for n in 0..PORTS / 2 {
        let client = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        connect(&client, &to).with_context(|| format!("connection {n}"))?;
        held.push(client);
    }
    Ok((started.elapsed(), held))
}

fn refused(to: SocketAddr) -> anyhow::Result<()> {
    let client = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    ensure!(connect(&client, &to) == Err(Errno::ADDRNOTAVAIL), "a source port was left");
    Ok(())
}
