//! The system calls that are the same for both protocols.
//!
//! Source: `net/ipv4/af_inet.c`, `tcp_sendmsg_locked`, `tcp_recvmsg_locked`, `inet_getname`; FACTS §2.

use std::net::SocketAddr;

use super::address::{ANY6, Family, is_any, is_mapped};
use super::bind::Refusal;
use super::route::parse_prefix;
use super::socket::{Protocol, Socket, SocketId, State};
use super::tcp::connect::CALL_TIMEOUT_MS;
use super::wait::{Then, Wait};
use super::{Errno, Namespace};

impl Namespace {
    /// `socket`: a fresh one of the calling user.
    pub fn socket(&mut self, protocol: Protocol, family: Family) -> SocketId {
        let inode = self.inode();
        let mut socket = Socket::new(protocol, family, self.euid, inode);
        socket.options.v6only = family == Family::V6 && self.sysctls.bindv6only;
        SocketId(super::number(self.sockets.insert(socket)))
    }

    /// `connect`.
    ///
    /// # Errors
    /// Those of the protocol.
    pub fn connect(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Refusal> {
        match self.socket_of(id).protocol {
            Protocol::Tcp => self.tcp_connect(id, to),
            Protocol::Udp => self.udp_connect(id, to),
        }
    }

    /// `close`: the number is not to be used again.
    pub fn close(&mut self, id: SocketId) {
        match self.socket_of(id).protocol {
            Protocol::Tcp => {
                if let Some(wait) = self.begin_close(id) {
                    self.wait(&wait);
                    let _ = self.finish(wait);
                }
            }
            Protocol::Udp => self.udp_close(id),
        }
    }

    /// `close` by the end of the process, which waits for nothing.
    pub fn abandon(&mut self, id: SocketId) {
        if self.begin_close(id).is_some() {
            self.finish_tcp_close(id);
        }
    }

    /// `close` up to where it waits, if it does; where it does not, it is done.
    pub fn begin_close(&mut self, id: SocketId) -> Option<Wait> {
        if self.socket_of(id).protocol == Protocol::Udp {
            self.udp_close(id);
            return None;
        }
        let wait = self.begin_tcp_close(id);
        if wait.is_none() {
            self.finish_tcp_close(id);
        }
        wait
    }

    /// `send`, to the peer; how many bytes were taken.
    ///
    /// # Errors
    /// `EPIPE` where nothing can be sent any more or yet, what the peer's RST or ICMP left, `EAGAIN` when the connection
    /// is not there in time.
    pub fn send(&mut self, id: SocketId, data: &[u8]) -> Result<usize, Refusal> {
        if self.socket_of(id).protocol == Protocol::Udp {
            return self.udp_send(id, data);
        }
        if let Some(wait) = self.begin_send(id, data)? {
            self.wait(&wait);
            return self.finish(wait);
        }
        self.send_connected(id, data)
    }

    /// What a `send` before the connection stands waits for.
    ///
    /// # Errors
    /// What the peer's RST left, `EPIPE` where no connection is under way.
    pub fn begin_send(&mut self, id: SocketId, data: &[u8]) -> Result<Option<Wait>, Refusal> {
        let socket = self.sock(id);
        let sends = matches!(socket.state, State::Established | State::CloseWait);
        if sends || socket.protocol == Protocol::Udp {
            return Ok(None);
        }
        if let Some(errno) = socket.error.take() {
            return Err(errno.into());
        }
        if !matches!(socket.state, State::SynSent | State::SynRecv) {
            return Err(Errno::Epipe.into());
        }
        socket.tcp.write_pending = true;
        Ok(Some(Wait { socket: id, until: self.now + CALL_TIMEOUT_MS, then: Then::Send(data.into()) }))
    }

    /// What `send` does once it waits no longer.
    pub(super) fn finish_send(&mut self, wait: &Wait, data: &[u8]) -> Result<usize, Refusal> {
        self.sock(wait.socket).tcp.write_pending = false;
        if self.waits(wait) {
            return Err(Errno::Eagain.into());
        }
        let id = wait.socket;
        if !matches!(self.socket_of(id).state, State::Established | State::CloseWait) {
            return Err(self.sock(id).error.take().unwrap_or(Errno::Epipe).into());
        }
        self.send_connected(id, data)
    }

    fn send_connected(&mut self, id: SocketId, data: &[u8]) -> Result<usize, Refusal> {
        let socket = self.sock(id);
        if socket.error.is_some() || socket.shut_write {
            return Err(socket.error.take().unwrap_or(Errno::Epipe).into());
        }
        if data.is_empty() {
            return Ok(0);
        }
        socket.tcp.unsent.extend_from_slice(data);
        self.push(id);
        self.deliver_within(id);
        Ok(data.len())
    }

    /// `recv`: all that is there; empty at the end of the stream. Never waits.
    ///
    /// # Errors
    /// `EAGAIN` when nothing is there, `ENOTCONN`, what the peer's RST or ICMP left.
    pub fn recv(&mut self, id: SocketId) -> Result<Vec<u8>, Refusal> {
        self.recv_at_most(id, usize::MAX)
    }

    /// `recv` into a buffer of that many bytes; of a datagram the rest is lost.
    ///
    /// # Errors
    /// As [`Self::recv`].
    pub fn recv_at_most(&mut self, id: SocketId, most: usize) -> Result<Vec<u8>, Refusal> {
        if self.socket_of(id).protocol == Protocol::Udp {
            let mut data = self.udp_recv(id)?;
            data.truncate(most);
            return Ok(data);
        }
        let socket = self.sock(id);
        if socket.state == State::Listen {
            return Err(Errno::Enotconn.into());
        }
        if !socket.tcp.received.is_empty() {
            let rest = socket.tcp.received.split_off(most.min(socket.tcp.received.len()));
            let data = std::mem::replace(&mut socket.tcp.received, rest);
            socket.tcp.window.reads(data.len());
            self.acknowledge_read(id);
            return Ok(data);
        }
        if socket.tcp.done {
            socket.tcp.end_read = true;
            return Ok(Vec::new());
        }
        if let Some(errno) = socket.error.take() {
            return Err(errno.into());
        }
        if socket.shut_read {
            return Ok(Vec::new());
        }
        Err(if socket.state == State::Close { Errno::Enotconn } else { Errno::Eagain }.into())
    }

    /// `getsockname`.
    #[must_use]
    pub fn getsockname(&self, id: SocketId) -> SocketAddr {
        let socket = self.socket_of(id);
        let any = match socket.family {
            Family::V4 => is_any(socket.local),
            Family::V6 => socket.local == ANY6,
        };
        socket.family.show(if any { socket.source } else { socket.local }, socket.sport)
    }

    /// `getpeername`.
    ///
    /// # Errors
    /// `ENOTCONN` without a peer, or before and after the connection.
    pub fn getpeername(&self, id: SocketId) -> Result<SocketAddr, Refusal> {
        let socket = self.socket_of(id);
        if socket.dport == 0 || matches!(socket.state, State::Close | State::SynSent) {
            return Err(Errno::Enotconn.into());
        }
        Ok(socket.family.show(socket.peer, socket.dport))
    }

    /// Reads a setting; `ENOENT` for one that there is not.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn sysctl(&self, name: &str) -> Result<&str, Refusal> {
        Ok(self.sysctls.get(name).ok_or(Errno::Enoent)?)
    }

    /// Changes a setting.
    ///
    /// # Errors
    /// `EACCES` for a user, `ENOENT`, `EINVAL`.
    pub fn set_sysctl(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        self.sysctls.get(name).ok_or(Errno::Enoent)?;
        if self.euid != 0 {
            return Err(Errno::Eacces.into());
        }
        self.sysctls.set(name, value)?;
        self.flows.forget();
        Ok(())
    }

    /// `seteuid`: the real user stays 0.
    ///
    /// # Errors
    /// `EPERM` from one user to another.
    pub fn seteuid(&mut self, uid: u32) -> Result<(), Refusal> {
        if self.euid != 0 && uid != 0 && uid != self.euid {
            return Err(Errno::Eperm.into());
        }
        self.euid = uid;
        Ok(())
    }

    /// Gives a device an address, as `ip addr add` does.
    ///
    /// # Errors
    /// `EPERM` for a user, `ENODEV`, `EEXIST`, `EINVAL` for a text that is no prefix.
    pub fn add_address(&mut self, device: &str, prefix: &str) -> Result<(), Refusal> {
        let (address, length) = parse_prefix(prefix).ok_or(Errno::Einval)?;
        if self.euid != 0 {
            return Err(Errno::Eperm.into());
        }
        let device = self.routing.devices.iter_mut().find(|other| other.name == device).ok_or(Errno::Enodev)?;
        if is_mapped(address) && is_any(address) {
            // `inet_insert_ifa` does nothing with it, and says nothing.
            return Ok(());
        }
        // Of IPv6 an address is had once, whatever the prefix; of IPv4 once for each prefix.
        let v6 = !is_mapped(address);
        if device.addresses.iter().any(|own| own.0 == address && (v6 || own.1 == length)) {
            return Err(Errno::Eexist.into());
        }
        device.addresses.push((address, length));
        Ok(())
    }
}
