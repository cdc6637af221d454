//! The calls that processes make, and the kernel's answers, with their words in strace's notation.

use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::host_spec::{DeviceSpec, ProcessSpec, RouteSpec};
use crate::http::{Load, Site, Tally};
use crate::linux::Errno;
use crate::linux::address::Family;
use crate::linux::bind::{Because, Refusal};
use crate::linux::options::SocketOption;
use crate::linux::socket::Protocol;
use crate::linux::tcp::close::Shutdown;
use crate::netfilter::Change;

/// What a process asks of the kernel. Sockets go by the process's descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A new process, which has opened its sockets; the answer is its number.
    Spawn {
        process: Rc<ProcessSpec>,
    },
    /// The process ends: its sockets are closed in the order of their descriptors.
    Exit,
    Socket {
        protocol: Protocol,
        family: Family,
        /// What the program calls the descriptor, where it is known.
        name: Option<Rc<str>>,
    },
    SetOption {
        fd: u32,
        option: SocketOption,
    },
    Bind {
        fd: u32,
        to: SocketAddr,
    },
    Listen {
        fd: u32,
        backlog: i32,
    },
    Connect {
        fd: u32,
        to: SocketAddr,
    },
    Accept {
        fd: u32,
        /// What the program calls the new descriptor, where it is known.
        name: Option<Rc<str>>,
    },
    Send {
        fd: u32,
        data: Rc<[u8]>,
    },
    Recv {
        fd: u32,
    },
    Shutdown {
        fd: u32,
        how: Shutdown,
    },
    Close {
        fd: u32,
    },
    Getsockname {
        fd: u32,
    },
    Getpeername {
        fd: u32,
    },
    Seteuid {
        uid: u32,
    },
    /// The process does nothing for so long.
    Sleep {
        millis: u64,
    },
    /// The process serves this site from now on, on the sockets that it listens on.
    Serve {
        site: Rc<Site>,
    },
    /// A round of requests: as many as go at a time are made and answered.
    Load {
        load: Load,
    },
    /// Writes a setting.
    Sysctl {
        name: Rc<str>,
        value: Rc<str>,
    },
    /// Gives a device an address: `10.9.0.1/32`.
    AddAddress {
        device: Rc<str>,
        prefix: Rc<str>,
    },
    /// Changes the rules of packet filtering, or what it remembers.
    Netfilter(Change),
    /// A device is there from now on, with routes that lead by it.
    Plug {
        device: Rc<DeviceSpec>,
        routes: Rc<[RouteSpec]>,
    },
    /// A device is gone, with its routes.
    Unplug {
        device: Rc<str>,
    },
}

impl Call {
    /// A process of the host's own that has opened nothing yet.
    #[must_use]
    pub fn spawn(line: &str) -> Call {
        Call::Spawn { process: Rc::new(ProcessSpec { line: line.into(), ..ProcessSpec::default() }) }
    }
}

/// What the kernel answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 0, a descriptor, a count of bytes or the number of a process.
    Number(u32),
    Data(Rc<[u8]>),
    Address(SocketAddr),
    Loaded(Rc<Tally>),
    Accepted {
        fd: u32,
        peer: SocketAddr,
    },
    Refused {
        refusal: Refusal,
        /// Who holds the port, in words, where somebody does.
        holder: Option<Rc<str>>,
    },
}

impl Answer {
    /// The number, or the error.
    ///
    /// # Errors
    /// What the kernel refused with.
    pub fn number(&self) -> Result<u32, Errno> {
        match self {
            Answer::Number(number) | Answer::Accepted { fd: number, .. } => Ok(*number),
            Answer::Data(data) => Ok(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Answer::Address(_) => Ok(0),
            Answer::Loaded(tally) => Ok(tally.complete),
            Answer::Refused { refusal, .. } => Err(refusal.errno),
        }
    }
}

impl fmt::Display for Call {
    /// In strace's notation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Spawn { process } => write!(f, "execve({})", process.line),
            Call::Exit => f.write_str("exit()"),
            Call::Socket { protocol, family, .. } => {
                let protocol = if *protocol == Protocol::Tcp { "tcp" } else { "udp" };
                write!(f, "socket({protocol}{})", if *family == Family::V4 { 4 } else { 6 })
            }
            Call::SetOption { fd, option } => write!(f, "setsockopt({fd}, {option})"),
            Call::Bind { fd, to } => write!(f, "bind({fd}, {to})"),
            Call::Listen { fd, backlog } => write!(f, "listen({fd}, {backlog})"),
            Call::Connect { fd, to } => write!(f, "connect({fd}, {to})"),
            Call::Accept { fd, .. } => write!(f, "accept({fd})"),
            Call::Send { fd, data } => write!(f, "send({fd}, {} bytes)", data.len()),
            Call::Recv { fd } => write!(f, "recv({fd})"),
            Call::Shutdown { fd, how } => write!(f, "shutdown({fd}, {how})"),
            Call::Close { fd } => write!(f, "close({fd})"),
            Call::Getsockname { fd } => write!(f, "getsockname({fd})"),
            Call::Getpeername { fd } => write!(f, "getpeername({fd})"),
            Call::Seteuid { uid } => write!(f, "seteuid({uid})"),
            Call::Sleep { millis } => write!(f, "sleep({})", Duration::from_millis(*millis).as_secs_f64()),
            Call::Serve { .. } => f.write_str("serves HTTP"),
            Call::Load { load } => {
                let count = load.concurrency.min(load.requests);
                write!(f, "asks {} for {} ({count} at a time)", load.to, load.path)
            }
            Call::Sysctl { name, value } => write!(f, "sysctl({name}, \"{value}\")"),
            Call::AddAddress { device, prefix } => write!(f, "addr({device}, {prefix})"),
            Call::Netfilter(change) => write!(f, "{change}"),
            Call::Plug { device, .. } => write!(f, "device {} is plugged in", device.name),
            Call::Unplug { device } => write!(f, "device {device} is gone"),
        }
    }
}

impl fmt::Display for Answer {
    /// As strace shows a result, then what decided a refusal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Number(number) => write!(f, "{number}"),
            Answer::Data(data) => write!(f, "{} bytes", data.len()),
            Answer::Loaded(tally) => write!(f, "{} answers", tally.complete),
            Answer::Address(address) => write!(f, "{address}"),
            Answer::Accepted { fd, peer } => write!(f, "{fd} from {peer}"),
            Answer::Refused { refusal, holder } => {
                write!(f, "-1 {} ({})", refusal.errno.name(), refusal.errno.words())?;
                match (holder, refusal.because) {
                    (Some(holder), _) => write!(f, ": held by {holder}"),
                    (None, Because::NoPortLeft { low, high }) => write!(f, ": no port left of {low}-{high}"),
                    (None, Because::Privilege { start }) => write!(f, ": below ip_unprivileged_port_start {start}"),
                    (None, Because::NotLocal(address)) => {
                        let shown = address.to_ipv4_mapped().map_or_else(|| address.to_string(), |v4| v4.to_string());
                        write!(f, ": {shown} is not an address of this host")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}
