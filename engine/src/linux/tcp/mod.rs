//! TCP: the states of a connection, from both ends.
//!
//! Source: RFC 9293; `net/ipv4/tcp.c`, `tcp_input.c`, `tcp_minisocks.c`; FACTS §1.2 and §2. [`connect`] opens, [`output`]
//! sends, [`receive`] is what a segment does, [`window`] what a receiver can take, [`close`] ends, [`time_wait`] is what
//! remains, [`timers`] what happens by itself.

pub mod close;
pub mod connect;
pub mod listen;
pub mod output;
pub mod receive;
pub mod time_wait;
pub mod timers;
pub mod window;

use super::Namespace;
use super::address::ANY4;
use super::counters::Counter;
use super::demux::{Holder, Tuple};
use super::packet::{Body, Packet, Segment};
use super::socket::{Socket, SocketId, State};

/// The connection as this end sees it.
pub(super) fn tuple_of(socket: &Socket) -> Tuple {
    Tuple { local: socket.local, port: socket.num, peer: socket.peer, dport: socket.dport }
}

impl Namespace {
    /// Changes the state. Leaving for `Close`, the socket can be found no more, and gives back a port that nobody asked for.
    pub(super) fn set_state(&mut self, id: SocketId, state: State) {
        let old = self.socket_of(id).state;
        self.note_state(id, old, state);
        let established = |state| matches!(state, State::Established | State::CloseWait);
        match (established(old), established(state)) {
            (false, true) => self.counters.established += 1,
            (true, false) => self.counters.established -= 1,
            _ => {}
        }
        if state == State::Close {
            if matches!(old, State::Established | State::CloseWait) {
                self.count(Counter::TcpEstabResets);
            }
            self.unhash(id);
            if !self.socket_of(id).port_locked {
                self.put_port(id);
            }
        }
        self.sock(id).state = state;
    }

    /// Takes the socket out of where packets look for it.
    pub(super) fn unhash(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        if !socket.hashed {
            return;
        }
        if socket.state == State::Listen {
            self.leave_listener(id);
            return;
        }
        let tuple = tuple_of(socket);
        self.established.remove(&tuple, Holder::Socket(id));
        self.flows.release(&tuple);
        self.sock(id).hashed = false;
    }

    /// The end of the protocol for this socket (`tcp_done`). An orphan is gone with it.
    pub(super) fn done(&mut self, id: SocketId) {
        if matches!(self.socket_of(id).state, State::SynSent | State::SynRecv) {
            self.count(Counter::TcpAttemptFails);
        }
        self.set_state(id, State::Close);
        self.cancel_timers(id);
        let socket = self.sock(id);
        (socket.shut_read, socket.shut_write) = (true, true);
        if socket.orphan {
            self.destroy(id);
        }
    }

    /// Forgets a socket that is closed and has no descriptor.
    pub(super) fn destroy(&mut self, id: SocketId) {
        self.cancel_timers(id);
        if self.socket_of(id).in_bucket {
            self.put_port(id);
        }
        self.sockets.remove(id.0 as usize);
    }

    fn cancel_timers(&mut self, id: SocketId) {
        let tcp = &mut self.sock(id).tcp;
        let keys = [tcp.delayed_ack.take(), tcp.retransmit.take(), tcp.orphan_timer.take()];
        keys.into_iter().flatten().for_each(|key| self.timers.cancel(key));
    }

    /// RST to somebody whose segment fits no connection; nobody answers a RST, or for an address that is not an own one.
    pub(super) fn refuse(&mut self, to: &Packet, segment: &Segment) {
        if segment.rst || self.is_nobodys(to.destination) {
            return;
        }
        let mut reset = Segment { rst: true, ..Segment::default() };
        if segment.ack {
            reset.seq = segment.acked;
        } else {
            (reset.ack, reset.acked) = (true, segment.end());
        }
        self.count(Counter::TcpOutSegs);
        self.count(Counter::TcpOutRsts);
        let mut answer = to.answer(Body::Tcp(reset));
        if answer.destination == ANY4 {
            // The way to nobody leads to the own address, and there the answer goes (`ip_send_unicast_reply`).
            answer.destination = answer.source;
        }
        self.transmit(answer);
    }

    /// A first sequence number: later ones of one tuple are higher.
    pub(super) fn first_sequence_number(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(64_000).wrapping_add(self.random.below(1000));
        // 64 ns a number, as the kernel's clock for it.
        let clock = (self.now * 15_625) & u64::from(u32::MAX);
        self.sequence.wrapping_add(u32::try_from(clock).unwrap_or(0))
    }
}
