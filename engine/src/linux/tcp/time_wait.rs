//! What remains of a connection on the side that closed first.
//!
//! Source: `tcp_time_wait`, `tcp_timewait_state_process` in `net/ipv4/tcp_minisocks.c`; FACTS §1.2, §3.5. An entry inherits
//! `SO_REUSEADDR`, `SO_REUSEPORT`, addresses and device of its socket and stands in the port's list as the socket did.

use super::super::Namespace;
use super::super::bind::chosen;
use super::super::bucket::Owner;
use super::super::counters::Counter;
use super::super::demux::{Holder, Tuple};
use super::super::packet::{Body, Packet, Segment, before};
use super::super::socket::{SocketId, State, TimeWait, TimeWaitId};
use super::super::timer::Timer;
use super::tuple_of;

/// How long `TIME_WAIT` lasts, in ms; no setting changes it (`TCP_TIMEWAIT_LEN`).
pub const TIME_WAIT_MS: u64 = 60_000;

/// The least that an orphan in `FIN_WAIT2` is waited for, in ms: 3.5 times the least retransmission time.
const FIN_WAIT2_MS_MIN: u64 = 700;

/// How many numbers past the expected one still fit.
const WINDOW: u32 = 65_536;

impl Namespace {
    /// Puts an entry in the place of the socket, which closes. Above `tcp_max_tw_buckets` there is no entry.
    pub(super) fn enter_time_wait(&mut self, id: SocketId, substate: State) {
        let count = super::super::number(self.time_waits.len());
        if count >= self.sysctls.max_tw_buckets {
            self.count(Counter::TcpExtTCPTimeWaitOverflow);
            self.done(id);
            return;
        }
        let wait_ms = match substate {
            State::FinWait2 => (self.sysctls.fin_timeout_secs * 1000).max(FIN_WAIT2_MS_MIN),
            _ => TIME_WAIT_MS,
        };
        let entry = TimeWaitId(super::super::number(self.time_waits.vacant_key()));
        let timer = self.set_timer(self.now + wait_ms, Timer::TimeWait(entry));
        let socket = self.socket_of(id);
        let wait = TimeWait {
            family: socket.family,
            uid: socket.uid,
            substate,
            reuse: socket.options.reuse,
            reuseport: socket.options.reuseport,
            v6only: socket.options.v6only,
            device: socket.options.device,
            local: socket.local,
            num: socket.num,
            peer: socket.peer,
            dport: socket.dport,
            connect_bound: socket.connect_bound,
            snd_nxt: socket.tcp.snd_nxt,
            rcv_nxt: socket.tcp.rcv_nxt,
            timestamps: socket.tcp.timestamps,
            entered: self.now,
            timer,
        };
        let old = socket.state;
        let tuple = tuple_of(socket);
        self.buckets.enter(wait.num, wait.local, Owner::TimeWait(entry), true);
        self.note_time_wait(&wait, old, substate);
        self.time_waits.insert(wait);
        self.established.replace(&tuple, Holder::Socket(id), Holder::TimeWait(entry));
        self.sock(id).hashed = false;
        // The kernel counts those that go early apart.
        self.count(if wait_ms <= 4000 { Counter::TcpExtTWKilled } else { Counter::TcpExtTW });
        self.flows.release(&tuple);
        self.quietly(|namespace| namespace.done(id));
    }

    /// The end of an entry.
    pub(super) fn forget_time_wait(&mut self, id: TimeWaitId) {
        let wait = &self.time_waits[id.0 as usize];
        let tuple = Tuple { local: wait.local, port: wait.num, peer: wait.peer, dport: wait.dport };
        self.timers.cancel(wait.timer);
        let Self { buckets, sockets, time_waits, .. } = self;
        buckets.leave(tuple.port, tuple.local, Owner::TimeWait(id), |owner| chosen(sockets, time_waits, owner));
        let wait = self.time_waits.remove(id.0 as usize);
        self.note_time_wait(&wait, wait.substate, State::Close);
        self.established.remove(&tuple, Holder::TimeWait(id));
        self.flows.release(&tuple);
    }

    /// A segment for an entry.
    pub(super) fn reach_time_wait(&mut self, id: TimeWaitId, packet: &Packet, segment: &Segment) {
        let wait = &self.time_waits[id.0 as usize];
        let rcv_nxt = wait.rcv_nxt;
        if wait.substate == State::FinWait2 {
            self.reach_fin_wait2(id, packet, segment);
            return;
        }
        let bare = segment.seq == segment.end();
        if segment.seq == rcv_nxt && (bare || segment.rst) {
            if !segment.rst {
                self.restart(id);
            } else if !self.sysctls.rfc1337 {
                self.forget_time_wait(id);
            }
            return;
        }
        let newer = before(rcv_nxt, segment.seq) || (wait.timestamps && segment.timestamps);
        if segment.syn && !segment.rst && !segment.ack && newer {
            let tuple = Tuple::of_receiver(packet);
            if let Some(listener) = self.lookup_listener(&tuple) {
                self.forget_time_wait(id);
                self.begin_request(listener, &tuple, segment);
                return;
            }
        }
        if !segment.rst {
            if segment.ack {
                self.restart(id);
            }
            self.acknowledge_again(id, packet);
        }
    }

    /// A segment for an orphan that waits for the peer's FIN.
    fn reach_fin_wait2(&mut self, id: TimeWaitId, packet: &Packet, segment: &Segment) {
        let rcv_nxt = self.time_waits[id.0 as usize].rcv_nxt;
        let offset = segment.seq.wrapping_sub(rcv_nxt);
        let in_window = segment.seq == rcv_nxt || (offset < WINDOW && before(rcv_nxt, segment.end()));
        if !in_window {
            self.acknowledge_again(id, packet);
            return;
        }
        if segment.rst {
            self.forget_time_wait(id);
            return;
        }
        let reset = segment.syn && !before(segment.seq, rcv_nxt);
        if !reset && (!segment.ack || segment.end() == segment.seq || !before(rcv_nxt, segment.end())) {
            return;
        }
        if reset || !segment.fin || segment.end() != rcv_nxt.wrapping_add(1) {
            self.refuse(packet, segment);
            self.forget_time_wait(id);
            return;
        }
        let now = self.now;
        let wait = &mut self.time_waits[id.0 as usize];
        (wait.substate, wait.rcv_nxt, wait.entered) = (State::TimeWait, segment.end(), now);
        let wait = wait.clone();
        self.note_time_wait(&wait, State::FinWait2, State::TimeWait);
        self.restart(id);
        self.acknowledge_again(id, packet);
    }

    fn restart(&mut self, id: TimeWaitId) {
        let old = self.time_waits[id.0 as usize].timer;
        self.timers.cancel(old);
        let key = self.set_timer(self.now + TIME_WAIT_MS, Timer::TimeWait(id));
        self.time_waits[id.0 as usize].timer = key;
    }

    fn acknowledge_again(&mut self, id: TimeWaitId, packet: &Packet) {
        let wait = &self.time_waits[id.0 as usize];
        let segment = Segment {
            ack: true,
            seq: wait.snd_nxt,
            acked: wait.rcv_nxt,
            timestamps: wait.timestamps,
            ..Segment::default()
        };
        self.count(Counter::TcpOutSegs);
        self.transmit(packet.answer(Body::Tcp(segment)));
    }
}
