//! What a segment does to the socket that it reaches.
//!
//! Source: `tcp_v4_rcv`, `tcp_rcv_state_process`, `tcp_rcv_synsent_state_process`, `tcp_validate_incoming`,
//! `tcp_conn_request`, `tcp_check_req`; RFC 9293 §3.10.7. Segments come in order and whole, so nothing is ever queued out of
//! order. Left out: the window's end, rate limits of ACKs.

use super::super::Namespace;
use super::super::address::LOOPBACK4_IPV6;
use super::super::bucket::Owner;
use super::super::counters::Counter;
use super::super::demux::{Holder, Tuple};
use super::super::errno::Errno;
use super::super::packet::{Body, Packet, Segment, before};
use super::super::socket::{Request, RequestId, Socket, SocketId, State};
use super::super::timer::Timer;
use super::super::trace::Why;
use super::connect::SYN_TIMEOUT_MS;
use super::window::{Window, packet_text};

/// How soon a SYN is sent again after an answer that did not fit, in ms: two ticks.
const SYN_AGAIN_MS: u64 = 8;

/// What becomes of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    /// Its sender is answered with RST.
    Refused,
}

impl Namespace {
    /// A segment came in.
    pub(in crate::linux) fn receive_tcp(&mut self, packet: &Packet, segment: &Segment) {
        self.count(Counter::TcpInSegs);
        let tuple = Tuple { local: packet.destination, port: packet.dport, peer: packet.source, dport: packet.sport };
        let fate = match self.lookup_established(&tuple) {
            Some(Holder::Socket(id)) => self.reach(id, segment),
            Some(Holder::TimeWait(id)) => {
                self.reach_time_wait(id, packet, segment);
                Fate::Taken
            }
            Some(Holder::Request(id)) => self.reach_request(id, segment),
            None => match self.lookup_listener(&tuple) {
                Some(id) => self.reach_listener(id, &tuple, segment),
                None => Fate::Refused,
            },
        };
        if fate == Fate::Refused {
            self.refuse(packet, segment);
        }
    }

    /// A segment for a listener: a SYN begins a connection.
    fn reach_listener(&mut self, id: SocketId, tuple: &Tuple, segment: &Segment) -> Fate {
        if segment.ack {
            return Fate::Refused;
        }
        if segment.syn && !segment.rst && !segment.fin {
            self.begin_request(id, tuple, segment);
        }
        Fate::Taken
    }

    /// Answers a SYN, unless the queue is full: then nobody hears of it.
    pub(super) fn begin_request(&mut self, listener: SocketId, tuple: &Tuple, segment: &Segment) {
        if self.queue_is_full(listener) {
            self.count(Counter::TcpExtListenOverflows);
            self.count(Counter::TcpExtListenDrops);
            self.note_dropped(|| packet_of(tuple, segment), Why::QueueFull);
            return;
        }
        if self.is_nobodys(tuple.local) {
            // It came over lo to an address of nobody: no answer has a source.
            self.count(Counter::IpOutNoRoutes);
            self.count(Counter::TcpExtListenDrops);
            self.note_dropped(|| packet_of(tuple, segment), Why::NobodyThere);
            return;
        }
        let iss = self.first_sequence_number();
        let entry = self.requests.vacant_key();
        let id = RequestId(super::super::number(entry));
        let timer = self.set_timer(self.now + SYN_TIMEOUT_MS, Timer::RetransmitRequest(id));
        let request = Request {
            listener,
            local: tuple.local,
            num: tuple.port,
            peer: tuple.peer,
            dport: tuple.dport,
            iss,
            rcv_nxt: segment.seq.wrapping_add(1),
            timestamps: segment.timestamps && self.sysctls.timestamps,
            retransmits: 0,
            timer,
        };
        self.note_request(&request, State::Close, State::SynRecv);
        self.requests.insert(request);
        self.established.insert(*tuple, Holder::Request(id));
        self.send_syn_ack(id);
    }

    pub(super) fn send_syn_ack(&mut self, id: RequestId) {
        let request = &self.requests[id.0 as usize];
        let segment = Segment {
            syn: true,
            ack: true,
            seq: request.iss,
            acked: request.rcv_nxt,
            timestamps: request.timestamps,
            window: packet_text(request.local, request.timestamps),
            ..Segment::default()
        };
        let packet = Packet {
            source: request.local,
            sport: request.num,
            destination: request.peer,
            dport: request.dport,
            body: Body::Tcp(segment),
        };
        self.count(Counter::TcpOutSegs);
        self.transmit(packet);
    }

    /// Forgets a half-open connection.
    pub(super) fn forget_request(&mut self, id: RequestId) {
        let request = self.requests.remove(id.0 as usize);
        self.timers.cancel(request.timer);
        self.note_request(&request, State::SynRecv, State::Close);
        self.established.remove(&tuple_of_request(&request), Holder::Request(id));
    }

    /// A segment for a half-open connection: the ACK makes it a socket.
    fn reach_request(&mut self, id: RequestId, segment: &Segment) -> Fate {
        let request = self.requests[id.0 as usize].clone();
        let first = request.rcv_nxt.wrapping_sub(1);
        if segment.syn && !segment.ack && !segment.rst && segment.seq == first {
            self.send_syn_ack(id);
            return Fate::Taken;
        }
        if segment.ack && !segment.rst && segment.acked != request.iss.wrapping_add(1) {
            return Fate::Refused;
        }
        if segment.rst || (segment.syn && segment.seq != first) {
            if segment.rst && segment.seq != request.rcv_nxt {
                return Fate::Taken;
            }
            self.count(Counter::TcpAttemptFails);
            self.count(Counter::TcpExtEmbryonicRsts);
            self.forget_request(id);
            return Fate::Taken;
        }
        if !segment.ack {
            return Fate::Taken;
        }
        if self.queue_is_full(request.listener) {
            self.count(Counter::TcpExtListenOverflows);
            self.count(Counter::TcpExtListenDrops);
            if self.sysctls.abort_on_overflow {
                self.forget_request(id);
                return Fate::Refused;
            }
            self.note_dropped(|| packet_of(&tuple_of_request(&request), segment), Why::QueueFull);
            return Fate::Taken;
        }
        let child = self.make_child(id, &request);
        self.reach(child, segment)
    }

    /// The socket of a connection that a listener has taken; it waits in the queue.
    fn make_child(&mut self, id: RequestId, request: &Request) -> SocketId {
        let inode = self.inode();
        let listener = self.socket_of(request.listener);
        let mut child = Socket::new(listener.protocol, listener.family, listener.uid, inode);
        child.options = listener.options;
        child.address_locked = listener.address_locked;
        // What shutdown noted on the listener before it listened holds for its connections.
        (child.shut_read, child.shut_write) = (listener.shut_read, listener.shut_write);
        (child.state, child.queued_at) = (State::SynRecv, Some(request.listener));
        (child.local, child.source) = (request.local, request.local);
        (child.num, child.sport) = (request.num, request.num);
        (child.peer, child.dport) = (request.peer, request.dport);
        (child.in_bucket, child.hashed) = (true, true);
        // A listener that once sent by IPv4 hands that down, and what its connections over IPv6 send is lost.
        child.tcp.v4_peer = listener.tcp.v4_peer.map(|_| LOOPBACK4_IPV6.to_ipv6_mapped());
        child.tcp.snd_una = request.iss;
        child.tcp.snd_nxt = request.iss.wrapping_add(1);
        (child.tcp.rcv_nxt, child.tcp.timestamps) = (request.rcv_nxt, request.timestamps);
        child.tcp.snd_sml = child.tcp.snd_una;
        let packet = packet_text(request.local, request.timestamps);
        child.tcp.window = Window::new(packet, packet);
        (child.tcp.acks.received_at, child.tcp.acks.acknowledged) = (self.now, request.rcv_nxt);
        let child = SocketId(super::super::number(self.sockets.insert(child)));
        self.buckets.enter(request.num, request.local, Owner::Socket(child), true);
        self.established.replace(&tuple_of_request(request), Holder::Request(id), Holder::Socket(child));
        self.timers.cancel(request.timer);
        self.requests.remove(id.0 as usize);
        self.sock(request.listener).listening.queue.push_back(child);
        self.count(Counter::TcpPassiveOpens);
        child
    }

    /// A segment for a connection.
    fn reach(&mut self, id: SocketId, segment: &Segment) -> Fate {
        match self.socket_of(id).state {
            State::Close | State::Listen | State::TimeWait => return Fate::Taken,
            State::SynSent => return self.reach_syn_sent(id, segment),
            _ => {}
        }
        if !segment.ack && !segment.rst && !segment.syn {
            return Fate::Taken;
        }
        if !self.acceptable(id, segment) {
            return Fate::Taken;
        }
        let tcp = &mut self.sock(id).tcp;
        if before(tcp.snd_nxt, segment.acked) {
            let refused = self.socket_of(id).state == State::SynRecv;
            return if refused { Fate::Refused } else { self.challenge(id) };
        }
        if before(tcp.snd_una, segment.acked) {
            self.note_acked(id, segment.acked);
        }
        self.sock(id).tcp.window.hears(segment.window);
        match self.acknowledged(id, segment) {
            Some(fate) => fate,
            None => self.take_text(id, segment),
        }
    }

    /// An answer to a SYN.
    fn reach_syn_sent(&mut self, id: SocketId, segment: &Segment) -> Fate {
        let tcp = &self.socket_of(id).tcp;
        if segment.ack {
            let fits = before(tcp.snd_una, segment.acked) && !before(tcp.snd_nxt, segment.acked);
            if !fits {
                if tcp.retransmits == 0 {
                    self.retransmit_at(id, self.now + SYN_AGAIN_MS);
                }
                return Fate::Refused;
            }
            if segment.rst {
                self.reset(id);
                return Fate::Taken;
            }
            if !segment.syn {
                return Fate::Taken;
            }
        } else if segment.rst || !segment.syn {
            return Fate::Taken;
        }
        let tcp = &mut self.sock(id).tcp;
        tcp.rcv_nxt = segment.seq.wrapping_add(1);
        tcp.timestamps &= segment.timestamps;
        tcp.window.hears(segment.window);
        if segment.ack {
            self.note_acked(id, segment.acked);
            self.set_state(id, State::Established);
            self.sock(id).tcp.acks.received_at = self.now;
            if self.socket_of(id).tcp.write_pending {
                self.acknowledge_with_data(id);
            } else {
                self.send_ack(id);
            }
        } else {
            // Both have sent a SYN: each answers the other's. A socket that connects to itself comes here.
            let seq = tcp.snd_una;
            self.set_state(id, State::SynRecv);
            self.send_again(id, Segment { syn: true, ack: true, seq, ..Segment::default() });
        }
        Fate::Taken
    }

    /// Whether the segment's numbers and flags let it in; answers those that do not.
    fn acceptable(&mut self, id: SocketId, segment: &Segment) -> bool {
        let socket = self.socket_of(id);
        let (state, tcp) = (socket.state, &socket.tcp);
        let closing = matches!(state, State::CloseWait | State::LastAck | State::Closing);
        let after_fin = closing && segment.seq == tcp.rcv_nxt.wrapping_sub(1);
        let old = before(segment.end(), tcp.rcv_nxt);
        if segment.rst {
            if segment.seq == tcp.rcv_nxt || after_fin {
                self.reset(id);
            } else if !old {
                self.challenge(id);
            }
            return false;
        }
        if segment.syn {
            // The answer to the SYN of a socket that connects to itself.
            let crossed = state == State::SynRecv
                && !socket.orphan
                && socket.queued_at.is_none()
                && segment.ack
                && segment.end() == tcp.rcv_nxt
                && segment.acked == tcp.snd_nxt;
            if !crossed {
                self.count(Counter::TcpExtTCPSYNChallenge);
                self.challenge(id);
            }
            return crossed;
        }
        if old {
            self.send_ack(id);
        }
        !old
    }

    fn challenge(&mut self, id: SocketId) -> Fate {
        self.count(Counter::TcpExtTCPChallengeACK);
        self.send_ack(id);
        Fate::Taken
    }

    /// What an ACK changes; `Some` when the segment has nothing more to say.
    fn acknowledged(&mut self, id: SocketId, segment: &Segment) -> Option<Fate> {
        let socket = self.socket_of(id);
        let all = socket.tcp.snd_una == socket.tcp.snd_nxt && socket.tcp.unsent.is_empty();
        match socket.state {
            State::SynRecv if all => {
                self.set_state(id, State::Established);
                if self.socket_of(id).shut_write {
                    self.shut_write(id);
                }
                None
            }
            State::SynRecv => Some(Fate::Refused),
            State::FinWait1 if all => self.fin_acknowledged(id, segment),
            State::Closing if all => {
                self.enter_time_wait(id, State::TimeWait);
                Some(Fate::Taken)
            }
            State::LastAck if all => {
                self.done(id);
                Some(Fate::Taken)
            }
            _ => None,
        }
    }

    /// The FIN of `FIN_WAIT_1` was acknowledged. An orphan goes on as what remains of a connection.
    fn fin_acknowledged(&mut self, id: SocketId, segment: &Segment) -> Option<Fate> {
        self.set_state(id, State::FinWait2);
        let socket = self.sock(id);
        socket.shut_write = true;
        if !socket.orphan {
            return None;
        }
        if has_new_text(segment, socket.tcp.rcv_nxt) {
            self.done(id);
            self.count(Counter::TcpExtTCPAbortOnData);
            return Some(Fate::Refused);
        }
        let secs = self.sysctls.fin_timeout_secs;
        if secs > 60 || segment.fin {
            let wait = if secs > 60 { secs - 60 } else { secs };
            let key = self.set_timer(self.now + wait * 1000, Timer::OrphanFinWait2(id));
            self.sock(id).tcp.orphan_timer = Some(key);
            return None;
        }
        self.enter_time_wait(id, State::FinWait2);
        Some(Fate::Taken)
    }

    /// The text of a segment and its FIN.
    fn take_text(&mut self, id: SocketId, segment: &Segment) -> Fate {
        let socket = self.socket_of(id);
        let rcv_nxt = socket.tcp.rcv_nxt;
        match socket.state {
            State::CloseWait | State::Closing | State::LastAck if !before(segment.seq, rcv_nxt) => return Fate::Taken,
            State::FinWait1 | State::FinWait2 if socket.shut_read && has_new_text(segment, rcv_nxt) => {
                self.count(Counter::TcpExtTCPAbortOnData);
                self.reset(id);
                return Fate::Refused;
            }
            _ => {}
        }
        if segment.length() == 0 {
            self.push(id);
            return Fate::Taken;
        }
        if segment.seq != rcv_nxt {
            self.send_ack_soon(id);
            return Fate::Taken;
        }
        let tcp = &mut self.sock(id).tcp;
        tcp.received.extend_from_slice(&segment.data);
        tcp.rcv_nxt = segment.end();
        if !segment.data.is_empty() {
            self.note_data(id, super::super::number(segment.data.len()), segment.end());
        }
        if segment.fin && self.take_fin(id) {
            return Fate::Taken;
        }
        self.push(id);
        self.acknowledge(id);
        Fate::Taken
    }

    /// The peer sends no more; whether that is the end of the socket.
    fn take_fin(&mut self, id: SocketId) -> bool {
        let socket = self.sock(id);
        (socket.shut_read, socket.tcp.done) = (true, true);
        socket.tcp.acks.scheduled = true;
        match socket.state {
            State::SynRecv | State::Established => {
                socket.tcp.acks.interactive = true;
                self.set_state(id, State::CloseWait);
            }
            State::FinWait1 => {
                self.send_ack(id);
                self.set_state(id, State::Closing);
            }
            State::FinWait2 => {
                self.send_ack(id);
                self.enter_time_wait(id, State::TimeWait);
                return true;
            }
            _ => {}
        }
        false
    }

    /// The peer has reset the connection.
    pub(super) fn reset(&mut self, id: SocketId) {
        let socket = self.sock(id);
        socket.error = Some(match socket.state {
            State::SynSent => Errno::Econnrefused,
            State::CloseWait => Errno::Epipe,
            State::Close => return,
            _ => Errno::Econnreset,
        });
        self.done(id);
    }
}

/// Whether there is data beyond what was received before.
fn has_new_text(segment: &Segment, rcv_nxt: u32) -> bool {
    let end = segment.end().wrapping_sub(u32::from(segment.fin));
    !segment.data.is_empty() && before(rcv_nxt, end)
}

/// The segment as it came to the receiver of this tuple.
fn packet_of(tuple: &Tuple, segment: &Segment) -> Packet {
    Packet {
        source: tuple.peer,
        sport: tuple.dport,
        destination: tuple.local,
        dport: tuple.port,
        body: Body::Tcp(segment.clone()),
    }
}

fn tuple_of_request(request: &Request) -> Tuple {
    Tuple { local: request.local, port: request.num, peer: request.peer, dport: request.dport }
}
