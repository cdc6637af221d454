//! The calls of a script and their answers. `Display` prints what `parse` reads.
//!
//! Source: the notation of strace, with a handle in place of a file descriptor and `family(tcp4)` in one word.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use portlab_engine::linux::Errno;
pub use portlab_engine::linux::options::SocketOption;
pub use portlab_engine::linux::tcp::close::Shutdown;

/// What `socket` is asked for: `SOCK_STREAM` or `SOCK_DGRAM` of `AF_INET` or `AF_INET6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
}

impl Family {
    pub const ALL: [Self; 4] = [Self::Tcp4, Self::Tcp6, Self::Udp4, Self::Udp6];

    /// The word in the script: `tcp4`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Udp4 => "udp4",
            Self::Udp6 => "udp6",
        }
    }

    #[must_use]
    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp4 | Self::Tcp6)
    }

    #[must_use]
    pub fn is_v6(self) -> bool {
        matches!(self, Self::Tcp6 | Self::Udp6)
    }
}

/// A call with its arguments. A `String` that comes first is a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Socket(Family),
    Setsockopt(String, SocketOption),
    Bind(String, SocketAddr),
    /// The backlog; 4096 where the script states none.
    Listen(String, Option<i32>),
    Connect(String, SocketAddr),
    Accept(String),
    Close(String),
    Shutdown(String, Shutdown),
    Send(String, Vec<u8>),
    Recv(String),
    Getsockname(String),
    Getpeername(String),
    /// Sets the sysctl where a value is given, else reads it.
    Sysctl {
        name: String,
        value: Option<String>,
    },
    Seteuid(u32),
    /// Adds an address, with the length of its prefix, to a device.
    Addr {
        device: String,
        ip: IpAddr,
        prefix: u8,
    },
    Sleep {
        millis: u64,
    },
    /// Reads an SNMP counter by the name that `nstat` prints.
    Counter(String),
}

/// The backlog that `listen(handle)` without one asks for.
pub const BACKLOG: i32 = 4096;

impl Call {
    /// The handle that the call works on.
    #[must_use]
    pub fn handle(&self) -> Option<&str> {
        match self {
            Self::Setsockopt(handle, _)
            | Self::Bind(handle, _)
            | Self::Listen(handle, _)
            | Self::Connect(handle, _)
            | Self::Accept(handle)
            | Self::Close(handle)
            | Self::Shutdown(handle, _)
            | Self::Send(handle, _)
            | Self::Recv(handle)
            | Self::Getsockname(handle)
            | Self::Getpeername(handle) => Some(handle),
            Self::Socket(_)
            | Self::Sysctl { .. }
            | Self::Seteuid(_)
            | Self::Addr { .. }
            | Self::Sleep { .. }
            | Self::Counter(_) => None,
        }
    }

    /// Whether the call, when it succeeds, gives a new handle.
    #[must_use]
    pub fn makes_handle(&self) -> bool {
        matches!(self, Self::Socket(_) | Self::Accept(_))
    }
}

/// What a call gave, or what a script states that it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Zero,
    /// A new socket, by the name that the script gives it.
    Handle(String),
    /// Bytes that were sent.
    Count(u64),
    /// Bytes that were received; none at the end of a stream.
    Text(Vec<u8>),
    /// An address; no port where a script says `?`.
    Address { ip: IpAddr, port: Option<u16> },
    /// What a sysctl or a counter holds, its blanks as one.
    Value(String),
    /// -1 and an error.
    Errno(Errno),
    /// -1 and an error that portlab has no name for: a kernel's answer, never a stated one.
    UnknownErrno(i32),
    /// `?` in a script: whatever the call gives.
    Any,
}

impl Answer {
    /// The address, port included.
    #[must_use]
    pub fn address(address: SocketAddr) -> Self {
        Self::Address { ip: address.ip(), port: Some(address.port()) }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(family) => write!(f, "socket({})", family.name()),
            Self::Setsockopt(handle, option) => write!(f, "setsockopt({handle}, {option})"),
            Self::Bind(handle, address) => write!(f, "bind({handle}, {address})"),
            Self::Listen(handle, None) => write!(f, "listen({handle})"),
            Self::Listen(handle, Some(backlog)) => write!(f, "listen({handle}, {backlog})"),
            Self::Connect(handle, address) => write!(f, "connect({handle}, {address})"),
            Self::Accept(handle) => write!(f, "accept({handle})"),
            Self::Close(handle) => write!(f, "close({handle})"),
            Self::Shutdown(handle, how) => write!(f, "shutdown({handle}, {how})"),
            Self::Send(handle, bytes) => write!(f, "send({handle}, {})", Quoted(bytes)),
            Self::Recv(handle) => write!(f, "recv({handle})"),
            Self::Getsockname(handle) => write!(f, "getsockname({handle})"),
            Self::Getpeername(handle) => write!(f, "getpeername({handle})"),
            Self::Sysctl { name, value: None } => write!(f, "sysctl({name})"),
            Self::Sysctl { name, value: Some(value) } => write!(f, "sysctl({name}, {})", Word(value)),
            Self::Seteuid(uid) => write!(f, "seteuid({uid})"),
            Self::Addr { device, ip, prefix } => write!(f, "addr({device}, {ip}/{prefix})"),
            Self::Sleep { millis } => write!(f, "sleep({})", Duration::from_millis(*millis).as_secs_f64()),
            Self::Counter(name) => write!(f, "counter({name})"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("0"),
            Self::Handle(name) => f.write_str(name),
            Self::Count(count) => write!(f, "{count}"),
            Self::Text(bytes) => write!(f, "{}", Quoted(bytes)),
            Self::Address { ip, port: Some(port) } => write!(f, "{}", SocketAddr::new(*ip, *port)),
            Self::Address { ip: IpAddr::V4(ip), port: None } => write!(f, "{ip}:?"),
            Self::Address { ip: IpAddr::V6(ip), port: None } => write!(f, "[{ip}]:?"),
            Self::Value(value) if value.is_empty() => f.write_str("\"\""),
            Self::Value(value) => f.write_str(value),
            Self::Errno(errno) => write!(f, "-1 {}", errno.name()),
            Self::UnknownErrno(number) => write!(f, "-1 ({number})"),
            Self::Any => f.write_str("?"),
        }
    }
}

/// A string with C's escapes, between quotes.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for byte in self.0 {
            match byte {
                b'"' => f.write_str("\\\"")?,
                b'\\' => f.write_str("\\\\")?,
                b'\n' => f.write_str("\\n")?,
                b'\r' => f.write_str("\\r")?,
                b'\t' => f.write_str("\\t")?,
                0x20..=0x7e => write!(f, "{}", char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A sysctl's value: bare where it is one plain word, else between quotes.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{}", Quoted(self.0.as_bytes()))
        }
    }
}
