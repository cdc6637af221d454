//! `setsockopt`.
//!
//! Source: `net/core/sock.c`, `net/ipv4/ip_sockglue.c`, `net/ipv6/ipv6_sockglue.c`; FACTS §1.3, §3.3.

use std::fmt;

use super::address::Family;
use super::bind::Refusal;
use super::socket::SocketId;
use super::{Errno, Namespace};

/// An option and its value. `Display` is strace's notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// `SO_REUSEADDR`
    ReuseAddr(bool),
    /// `SO_REUSEPORT`
    ReusePort(bool),
    /// `IPV6_V6ONLY`
    V6Only(bool),
    /// `IP_BIND_ADDRESS_NO_PORT`
    BindAddressNoPort(bool),
    /// `SO_LINGER`: whether, and for how many seconds.
    Linger { on: bool, seconds: u16 },
    /// `IP_LOCAL_PORT_RANGE`: low and high, 0 for an end that is not set.
    LocalPortRange { low: u16, high: u16 },
    /// `SO_BINDTODEVICE`: the device's name, empty for none.
    BindToDevice(String),
}

impl fmt::Display for SocketOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReuseAddr(on) => write!(f, "SO_REUSEADDR, {}", u8::from(*on)),
            Self::ReusePort(on) => write!(f, "SO_REUSEPORT, {}", u8::from(*on)),
            Self::V6Only(on) => write!(f, "IPV6_V6ONLY, {}", u8::from(*on)),
            Self::BindAddressNoPort(on) => write!(f, "IP_BIND_ADDRESS_NO_PORT, {}", u8::from(*on)),
            Self::Linger { on, seconds } => write!(f, "SO_LINGER, {{{}, {seconds}}}", u8::from(*on)),
            Self::LocalPortRange { low, high } => write!(f, "IP_LOCAL_PORT_RANGE, {low} {high}"),
            Self::BindToDevice(name) => write!(f, "SO_BINDTODEVICE, \"{}\"", name.escape_default()),
        }
    }
}

impl Namespace {
    /// Sets an option of a socket.
    ///
    /// # Errors
    /// `EINVAL` and `ENOPROTOOPT` where option and socket do not fit, `ENODEV`, and `EPERM` for a user who changes the
    /// device of a socket that has one.
    pub fn setsockopt(&mut self, id: SocketId, option: &SocketOption) -> Result<(), Refusal> {
        let socket = self.socket_of(id);
        match option {
            SocketOption::ReuseAddr(on) => self.sock(id).options.reuse = *on,
            SocketOption::ReusePort(on) => self.sock(id).options.reuseport = *on,
            SocketOption::V6Only(_) if socket.family == Family::V4 => return Err(Errno::Enoprotoopt.into()),
            SocketOption::V6Only(_) if socket.num != 0 => return Err(Errno::Einval.into()),
            SocketOption::V6Only(on) => self.sock(id).options.v6only = *on,
            SocketOption::BindAddressNoPort(on) => self.sock(id).options.bind_address_no_port = *on,
            SocketOption::Linger { on, seconds } => self.sock(id).options.linger = on.then_some(*seconds),
            SocketOption::LocalPortRange { low, high } => {
                if *low != 0 && *high != 0 && low > high {
                    return Err(Errno::Einval.into());
                }
                self.sock(id).options.local_port_range = (*low, *high);
            }
            SocketOption::BindToDevice(name) => {
                let device = match name.as_str() {
                    "" => None,
                    name => Some(self.routing.device(name).ok_or(Errno::Enodev)?.index),
                };
                if socket.options.device.is_some() && self.euid != 0 {
                    return Err(Errno::Eperm.into());
                }
                self.sock(id).options.device = device;
                // On a device its connection is in fewer others' way.
                let tuple = super::tcp::tuple_of(self.socket_of(id));
                self.flows.release(&tuple);
            }
        }
        Ok(())
    }
}
