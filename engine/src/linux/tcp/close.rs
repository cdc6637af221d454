//! Ending: `close`, `shutdown`, and what both may do to the peer.
//!
//! Source: `__tcp_close`, `tcp_shutdown`, `tcp_disconnect`, `inet_shutdown`; FACTS §1.2, §2.

use std::fmt;

use super::super::bind::Refusal;
use super::super::counters::Counter;
use super::super::socket::{Phase, Protocol, SocketId, State};
use super::super::wait::{Then, Wait};
use super::super::{Errno, Namespace};

/// Which directions `shutdown` ends. `Display` is strace's notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    Read,
    Write,
    Both,
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "SHUT_RD",
            Self::Write => "SHUT_WR",
            Self::Both => "SHUT_RDWR",
        })
    }
}

impl Namespace {
    /// `close` of a TCP socket begins: where it lingers, what it waits for.
    pub(in crate::linux) fn begin_tcp_close(&mut self, id: SocketId) -> Option<Wait> {
        let socket = self.sock(id);
        (socket.shut_read, socket.shut_write) = (true, true);
        let unread = !socket.tcp.received.is_empty();
        socket.tcp.received.clear();
        let (state, linger) = (socket.state, socket.options.linger);
        match state {
            State::Listen => {
                self.set_state(id, State::Close);
                self.stop_listening(id);
            }
            State::Close => {}
            _ if unread => {
                self.count(Counter::TcpExtTCPAbortOnClose);
                // The number that the reset carries is the connection's, so it is sent before the port is given back.
                self.reset_and_close(id);
            }
            _ if linger == Some(0) => {
                self.disconnect(id);
                self.count(Counter::TcpExtTCPAbortOnData);
            }
            _ => self.shut_write(id),
        }
        self.deliver();
        let secs = linger.filter(|secs| *secs > 0)?;
        Some(Wait { socket: id, until: self.now + u64::from(secs) * 1000, then: Then::Closed })
    }

    /// `close` of a TCP socket ends: its number is not to be used again.
    pub(in crate::linux) fn finish_tcp_close(&mut self, id: SocketId) {
        self.sock(id).orphan = true;
        match self.socket_of(id).state {
            State::FinWait2 if self.sysctls.fin_timeout_secs > 60 => {
                let wait = (self.sysctls.fin_timeout_secs - 60) * 1000;
                let key = self.set_timer(self.now + wait, super::super::timer::Timer::OrphanFinWait2(id));
                self.sock(id).tcp.orphan_timer = Some(key);
            }
            State::FinWait2 => self.enter_time_wait(id, State::FinWait2),
            State::Close => self.destroy(id),
            _ => {}
        }
        self.deliver();
    }

    fn reset_and_close(&mut self, id: SocketId) {
        self.send_active_reset(id);
        self.set_state(id, State::Close);
        self.cancel_timers(id);
    }

    /// Sends FIN where the state has one to send (`tcp_close_state`).
    pub(super) fn shut_write(&mut self, id: SocketId) {
        let next = match self.socket_of(id).state {
            State::Established | State::SynRecv => State::FinWait1,
            State::CloseWait => State::LastAck,
            State::SynSent => {
                self.set_state(id, State::Close);
                self.cancel_timers(id);
                return;
            }
            _ => return,
        };
        self.set_state(id, next);
        self.send_fin(id);
    }

    /// Back to a socket that is not connected; the peer is reset (`tcp_disconnect`).
    pub(super) fn disconnect(&mut self, id: SocketId) {
        let old = self.socket_of(id).state;
        let resets = [State::Established, State::CloseWait, State::FinWait1, State::FinWait2, State::SynRecv];
        if resets.contains(&old) {
            self.send_active_reset(id);
        }
        if old != State::Close {
            self.set_state(id, State::Close);
        }
        if old == State::Listen {
            self.stop_listening(id);
        } else if resets.contains(&old) || old == State::SynSent {
            self.sock(id).error = Some(Errno::Econnreset);
        }
        self.cancel_timers(id);
        self.reset_address(id);
        let socket = self.sock(id);
        socket.dport = 0;
        (socket.shut_read, socket.shut_write) = (false, false);
        let next = socket.tcp.snd_nxt.wrapping_add(65_537).max(1);
        let v4_peer = socket.tcp.v4_peer;
        socket.tcp = super::super::socket::Tcp { next_iss: next, v4_peer, ..Default::default() };
    }

    /// `shutdown` of either protocol.
    ///
    /// # Errors
    /// `ENOTCONN` on a socket that is not connected; the direction is noted all the same.
    pub fn shutdown(&mut self, id: SocketId, how: Shutdown) -> Result<(), Refusal> {
        let (read, write) = (how != Shutdown::Write, how != Shutdown::Read);
        let socket = self.sock(id);
        if socket.phase == Phase::Connecting {
            let open = [State::SynSent, State::SynRecv, State::Close];
            let unfinished = open.contains(&socket.state);
            socket.phase = if unfinished { Phase::Disconnecting } else { Phase::Connected };
        }
        let state = socket.state;
        match state {
            State::Listen if !read => {}
            State::Listen | State::SynSent => {
                self.disconnect(id);
                self.sock(id).phase = Phase::Unconnected;
            }
            _ => {
                socket.shut_read |= read;
                socket.shut_write |= write;
                let sends = [State::Established, State::CloseWait].contains(&state);
                if socket.protocol == Protocol::Tcp && write && sends {
                    self.shut_write(id);
                }
                self.deliver_within(id);
                if state == State::Close {
                    return Err(Errno::Enotconn.into());
                }
            }
        }
        self.deliver();
        Ok(())
    }
}
