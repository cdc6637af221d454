//! The system calls that are the same for both protocols, and the wire.
//!
//! Source: `net/ipv4/af_inet.c`, `tcp_sendmsg_locked`, `tcp_recvmsg_locked`, `inet_getname`; FACTS §2.

use std::net::SocketAddr;

use super::address::{ANY6, Family, is_any};
use super::bind::Refusal;
use super::packet::{Body, Packet};
use super::route::{LO, Out, parse_prefix, wire_family};
use super::socket::{Protocol, Socket, SocketId, State};
use super::tcp::connect::CALL_TIMEOUT_MS;
use super::trace::{Way, Why};
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
            Protocol::Tcp => self.tcp_close(id),
            Protocol::Udp => self.udp_close(id),
        }
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
        let sends = |state| matches!(state, State::Established | State::CloseWait);
        if !sends(self.socket_of(id).state) {
            self.wait_connected(id)?;
        }
        let socket = self.sock(id);
        if socket.error.is_some() || socket.shut_write {
            return Err(socket.error.take().unwrap_or(Errno::Epipe).into());
        }
        if data.is_empty() {
            return Ok(0);
        }
        socket.tcp.unsent.extend_from_slice(data);
        self.push(id);
        self.deliver();
        Ok(data.len())
    }

    /// A send before the connection stands waits for it.
    fn wait_connected(&mut self, id: SocketId) -> Result<(), Refusal> {
        let opening = |state| matches!(state, State::SynSent | State::SynRecv);
        let socket = self.sock(id);
        if let Some(errno) = socket.error.take() {
            return Err(errno.into());
        }
        if !opening(socket.state) {
            return Err(Errno::Epipe.into());
        }
        let end = self.now + CALL_TIMEOUT_MS;
        if !self.advance_until(end, |namespace| !opening(namespace.socket_of(id).state)) {
            return Err(Errno::Eagain.into());
        }
        if matches!(self.socket_of(id).state, State::Established | State::CloseWait) {
            return Ok(());
        }
        Err(self.sock(id).error.take().unwrap_or(Errno::Epipe).into())
    }

    /// `recv`: all that is there; empty at the end of the stream. Never waits.
    ///
    /// # Errors
    /// `EAGAIN` when nothing is there, `ENOTCONN`, what the peer's RST or ICMP left.
    pub fn recv(&mut self, id: SocketId) -> Result<Vec<u8>, Refusal> {
        if self.socket_of(id).protocol == Protocol::Udp {
            return self.udp_recv(id);
        }
        let socket = self.sock(id);
        if socket.state == State::Listen {
            return Err(Errno::Enotconn.into());
        }
        if !socket.tcp.received.is_empty() {
            let data = std::mem::take(&mut socket.tcp.received);
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
        if device.addresses.contains(&(address, length)) {
            return Err(Errno::Eexist.into());
        }
        device.addresses.push((address, length));
        Ok(())
    }

    /// Puts a packet on the wire.
    pub(super) fn transmit(&mut self, packet: Packet) {
        let source = if is_any(packet.source) { wire_family(packet.destination).any() } else { packet.source };
        match self.routing.output(source, packet.destination, None).map(|path| path.out) {
            Ok(Out::Local) => self.backlog.push_back(packet),
            Ok(Out::Link { device, .. }) if device != LO => {
                self.note_packet(Way::Out(device), &packet);
                self.outbox.push((device, packet));
            }
            // Nobody hears of it.
            _ => self.note_dropped(|| packet, Why::NobodyThere),
        }
    }

    /// Delivers what is under way to own addresses.
    pub(super) fn deliver(&mut self) {
        while let Some(packet) = self.backlog.pop_front() {
            self.note_packet(Way::Lo, &packet);
            self.take_in(&packet);
        }
    }

    /// A packet came in by a device.
    pub fn receive(&mut self, device: u32, packet: &Packet) {
        self.note_packet(Way::In(device), packet);
        self.take_in(packet);
        self.deliver();
    }

    fn take_in(&mut self, packet: &Packet) {
        match &packet.body {
            Body::Tcp(segment) => self.receive_tcp(packet, segment),
            Body::Udp(data) => self.receive_udp(packet, data),
            Body::PortUnreachable => self.receive_unreachable(packet),
        }
    }
}
