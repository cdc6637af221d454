//! A network namespace in which a script's calls are made, each as the system call it names.
//!
//! The calling thread enters the namespace and changes its own effective user; other threads keep theirs.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use portlab_engine::linux::Errno;
use portlab_scenarios::syscalls::call::BACKLOG;
use portlab_scenarios::syscalls::{Answer, Call, Family, Kernel, Shutdown, SocketOption};
use rustix::net::sockopt as option;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType};
use rustix::process::Uid;

use super::pool::Slot;
use super::{netlink, proc};

/// How long a socket's call may wait.
const WAIT: Duration = Duration::from_secs(1);
/// Calls that do not wait took longer than this: the delayed ACK (40 ms) may have come between them.
const AT_ONCE: Duration = Duration::from_millis(20);
/// What one `recv` takes at most.
const RECV_BYTES_MAX: usize = 65_536;

/// Whether the host is a router.
const FORWARDS: &str = "net.ipv4.ip_forward";

/// Of Linux 6.3: the lowest port in the lower half of the value, the highest in the upper one. nix has no name for it.
#[derive(Clone, Copy)]
struct LocalPortRange;
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;
nix::setsockopt_impl!(LocalPortRange, libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, u32, sockopt::SetStruct<u32>);

/// A fresh namespace, with the thread that made it inside.
pub struct Namespace {
    sockets: BTreeMap<String, OwnedFd>,
    /// Who is told when a call waits.
    slot: Option<Arc<Slot>>,
    started: Instant,
    waited: Duration,
}

impl Namespace {
    /// Moves this thread into a new namespace and sets `lo` up.
    ///
    /// # Errors
    /// The thread may not, which needs root.
    pub fn new(slot: Option<Arc<Slot>>) -> anyhow::Result<Self> {
        seteuid(0).context("cannot be root")?;
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).context("no new network namespace")?;
        netlink::set_up("lo").context("cannot set lo up")?;
        // The one setting of those here that a namespace takes over from the machine; Docker switches it on.
        if proc::sysctl(FORWARDS)? != "0" {
            proc::set_sysctl(FORWARDS, "0").context("cannot be no router")?;
        }
        Ok(Self { sockets: BTreeMap::new(), slot, started: Instant::now(), waited: Duration::ZERO })
    }

    /// Whether the calls followed each other at once, but for those that waited.
    pub fn undisturbed(&self) -> bool {
        self.started.elapsed().saturating_sub(self.waited) < AT_ONCE
    }

    fn call(&mut self, call: &Call, new: &str) -> io::Result<Answer> {
        match call {
            Call::Socket(family) => {
                let (domain, kind) = match family {
                    Family::Tcp4 => (AddressFamily::INET, SocketType::STREAM),
                    Family::Tcp6 => (AddressFamily::INET6, SocketType::STREAM),
                    Family::Udp4 => (AddressFamily::INET, SocketType::DGRAM),
                    Family::Udp6 => (AddressFamily::INET6, SocketType::DGRAM),
                };
                let socket = rustix::net::socket_with(domain, kind, SocketFlags::CLOEXEC, None)?;
                return self.keep(socket, new);
            }
            Call::Setsockopt(name, value) => set_option(self.socket(name)?, value)?,
            Call::Bind(name, address) => rustix::net::bind(self.socket(name)?, address)?,
            Call::Listen(name, backlog) => rustix::net::listen(self.socket(name)?, backlog.unwrap_or(BACKLOG))?,
            Call::Connect(name, address) => {
                let socket = self.take(name)?;
                let result = self.may_wait(|| rustix::net::connect(&socket, address));
                self.sockets.insert(name.clone(), socket);
                result?;
            }
            Call::Accept(name) => {
                // accept has no flag like MSG_DONTWAIT.
                let listener = self.socket(name)?;
                rustix::io::ioctl_fionbio(listener, true)?;
                let accepted = rustix::net::accept_with(listener, SocketFlags::CLOEXEC);
                rustix::io::ioctl_fionbio(listener, false)?;
                return self.keep(accepted?, new);
            }
            Call::Close(name) => {
                let socket = self.take(name)?;
                // With SO_LINGER it waits.
                self.may_wait(|| drop(socket));
            }
            Call::Shutdown(name, how) => {
                let how = match how {
                    Shutdown::Read => rustix::net::Shutdown::Read,
                    Shutdown::Write => rustix::net::Shutdown::Write,
                    Shutdown::Both => rustix::net::Shutdown::Both,
                };
                rustix::net::shutdown(self.socket(name)?, how)?;
            }
            Call::Send(name, bytes) => {
                let socket = self.take(name)?;
                let result = self.may_wait(|| rustix::net::send(&socket, bytes, SendFlags::NOSIGNAL));
                self.sockets.insert(name.clone(), socket);
                return Ok(Answer::Count(u64::try_from(result?).unwrap_or(u64::MAX)));
            }
            Call::Recv(name) => {
                let mut bytes = vec![0; RECV_BYTES_MAX];
                let (count, _) = rustix::net::recv(self.socket(name)?, &mut bytes, RecvFlags::DONTWAIT)?;
                bytes.truncate(count);
                return Ok(Answer::Text(bytes));
            }
            Call::Getsockname(name) => return address(rustix::net::getsockname(self.socket(name)?)?),
            Call::Getpeername(name) => {
                let peer = rustix::net::getpeername(self.socket(name)?)?;
                return address(peer.ok_or_else(|| io::Error::other("a peer without an address"))?);
            }
            Call::Sysctl { name, value: Some(value) } => proc::set_sysctl(name, value)?,
            Call::Sysctl { name, value: None } => return Ok(Answer::Value(proc::sysctl(name)?)),
            Call::Counter(name) => return Ok(Answer::Value(proc::counter(name)?)),
            Call::Seteuid(uid) => seteuid(*uid)?,
            Call::Addr { device, ip, prefix } => netlink::add_address(device, *ip, *prefix)?,
            Call::Sleep { millis } => {
                if let Some(slot) = &self.slot {
                    slot.waits();
                }
                self.may_wait(|| std::thread::sleep(Duration::from_millis(*millis)));
            }
        }
        Ok(Answer::Zero)
    }

    fn socket(&self, name: &str) -> io::Result<&OwnedFd> {
        self.sockets.get(name).ok_or_else(|| no_handle(name))
    }

    fn take(&mut self, name: &str) -> io::Result<OwnedFd> {
        self.sockets.remove(name).ok_or_else(|| no_handle(name))
    }

    fn keep(&mut self, socket: OwnedFd, name: &str) -> io::Result<Answer> {
        option::set_socket_timeout(&socket, option::Timeout::Send, Some(WAIT))?;
        option::set_socket_timeout(&socket, option::Timeout::Recv, Some(WAIT))?;
        self.sockets.insert(name.to_owned(), socket);
        Ok(Answer::Handle(name.to_owned()))
    }

    /// Makes a call that may wait: its time does not count, and others may run meanwhile.
    fn may_wait<R>(&mut self, call: impl FnOnce() -> R) -> R {
        /// Shorter calls did not wait.
        const NO_WAIT: Duration = Duration::from_millis(5);
        let started = Instant::now();
        if let Some(slot) = &self.slot {
            slot.begins();
        }
        let result = call();
        if let Some(slot) = &self.slot {
            slot.ends();
        }
        let took = started.elapsed();
        self.waited += if took > NO_WAIT { took } else { Duration::ZERO };
        result
    }
}

impl Kernel for Namespace {
    fn answer(&mut self, call: &Call, new: &str) -> Answer {
        match self.call(call, new) {
            Ok(answer) => answer,
            Err(error) => {
                let number = error.raw_os_error().unwrap_or_else(|| panic!("{call}: {error}"));
                Errno::of_number(number).map_or(Answer::UnknownErrno(number), Answer::Errno)
            }
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The thread may be used again: the next namespace is made by root.
        let _ = seteuid(0);
    }
}

/// The world is never asked about a handle that is not open.
fn no_handle(name: &str) -> io::Error {
    io::Error::other(format!("no socket is named {name}"))
}

/// Changes the effective user of this thread alone; the real and the saved one stay 0, so that 0 is allowed again.
fn seteuid(uid: u32) -> io::Result<()> {
    rustix::thread::set_thread_res_uid(None, Uid::from_raw(uid), None)?;
    Ok(())
}

fn set_option(socket: &OwnedFd, value: &SocketOption) -> io::Result<()> {
    match value {
        SocketOption::ReuseAddr(on) => option::set_socket_reuseaddr(socket, *on)?,
        SocketOption::ReusePort(on) => option::set_socket_reuseport(socket, *on)?,
        SocketOption::V6Only(on) => option::set_ipv6_v6only(socket, *on)?,
        SocketOption::BindAddressNoPort(on) => setsockopt(socket, sockopt::IpBindAddressNoPort, on)?,
        SocketOption::Linger { on, seconds } => {
            let linger = libc::linger { l_onoff: (*on).into(), l_linger: (*seconds).into() };
            setsockopt(socket, sockopt::Linger, &linger)?;
        }
        SocketOption::LocalPortRange { low, high } => {
            setsockopt(socket, LocalPortRange, &(u32::from(*high) << 16 | u32::from(*low)))?;
        }
        SocketOption::BindToDevice(name) => setsockopt(socket, sockopt::BindToDevice, &name.into())?,
    }
    Ok(())
}

fn address(address: SocketAddrAny) -> io::Result<Answer> {
    let address = SocketAddr::try_from(address).map_err(io::Error::from)?;
    Ok(Answer::address(address))
}
