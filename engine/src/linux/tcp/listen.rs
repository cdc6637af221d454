//! Listening, the queue of connections, and taking one out.
//!
//! Source: `__inet_listen_sk`, `inet_csk_listen_start`, `inet_csk_listen_stop`, `inet_csk_accept`; FACTS §2.

use super::super::bind::Refusal;
use super::super::socket::{Listening, Phase, Protocol, SocketId, State};
use super::super::{Errno, Namespace};

impl Namespace {
    /// `listen`: takes the port if the socket has none, and asks the conflict rule once more, now as a listener.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for UDP, `EINVAL` for a socket that is connected or connecting, `EADDRINUSE`.
    pub fn listen(&mut self, id: SocketId, backlog: i32) -> Result<(), Refusal> {
        let socket = self.socket_of(id);
        if socket.protocol == Protocol::Udp {
            return Err(Errno::Eopnotsupp.into());
        }
        let fits = matches!(socket.state, State::Close | State::Listen);
        if socket.phase != Phase::Unconnected || !fits {
            return Err(Errno::Einval.into());
        }
        let most = self.sysctls.somaxconn;
        let backlog = u32::try_from(backlog).unwrap_or(most).min(most);
        let (state, num) = (socket.state, socket.num);
        if state == State::Listen {
            self.sock(id).listening.backlog = backlog;
            return Ok(());
        }
        let socket = self.sock(id);
        socket.listening = Listening { backlog, ..Listening::default() };
        socket.state = State::Listen;
        if let Err(refusal) = self.get_port(id, num) {
            self.sock(id).state = State::Close;
            return Err(refusal);
        }
        let socket = self.sock(id);
        socket.sport = socket.num;
        self.enter_listener(id);
        self.note_state(id, State::Close, State::Listen);
        Ok(())
    }

    /// `accept`: the first connection in the queue; never waits.
    ///
    /// # Errors
    /// `EINVAL` on a socket that does not listen, `EAGAIN` when the queue is empty, `EOPNOTSUPP` for UDP.
    pub fn accept(&mut self, id: SocketId) -> Result<SocketId, Refusal> {
        let socket = self.socket_of(id);
        if socket.protocol == Protocol::Udp {
            return Err(Errno::Eopnotsupp.into());
        }
        if socket.state != State::Listen {
            return Err(Errno::Einval.into());
        }
        let child = self.sock(id).listening.queue.pop_front().ok_or(Errno::Eagain)?;
        let uid = self.euid;
        let socket = self.sock(child);
        (socket.phase, socket.queued_at, socket.uid) = (Phase::Connected, None, uid);
        Ok(child)
    }

    /// Whether no further connection fits: the queue holds one more than the backlog.
    pub(super) fn queue_is_full(&self, id: SocketId) -> bool {
        let listening = &self.socket_of(id).listening;
        listening.queue.len() > listening.backlog as usize
    }

    /// The end of listening: whoever waits in the queue is reset.
    pub(super) fn stop_listening(&mut self, id: SocketId) {
        let queue = std::mem::take(&mut self.sock(id).listening.queue);
        for child in queue {
            self.disconnect(child);
            let socket = self.sock(child);
            (socket.orphan, socket.queued_at) = (true, None);
            self.destroy(child);
        }
        let half_open: Vec<_> =
            self.requests().filter(|(_, request)| request.listener == id).map(|row| row.0).collect();
        for request in half_open {
            self.forget_request(request);
        }
    }
}
