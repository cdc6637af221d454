//! What happens to TCP when nothing comes: ACKs that waited, SYNs sent again, waits that end.
//!
//! Source: `net/ipv4/tcp_timer.c`, `ip-sysctl.rst`; FACTS §2. A SYN is sent again each second `tcp_syn_linear_timeouts`
//! times, then each time after twice as long. Data and FIN are probed for after 200 ms, then sent again 200 ms later, then
//! each time after twice as long. Left out: losses in between, so all that is not acknowledged is sent again in one segment.

use super::super::Namespace;
use super::super::counters::Counter;
use super::super::errno::Errno;
use super::super::packet::Segment;
use super::super::socket::{RequestId, SocketId, State};
use super::super::timer::Timer;
use super::connect::SYN_TIMEOUT_MS;

/// The shortest time before data is sent again, in ms (`TCP_RTO_MIN`): round trips take no time here.
const RTO_MS_MIN: u64 = 200;

/// Most tries of a connection that nobody has open any more, where `tcp_orphan_retries` is 0.
const ORPHAN_RETRIES: u32 = 8;

/// The longest time between two tries, in ms (`TCP_RTO_MAX`).
const RTO_MS_MAX: u64 = 120_000;

impl Namespace {
    /// A timer went off.
    pub(in crate::linux) fn goes_off(&mut self, timer: Timer) {
        match timer {
            Timer::DelayedAck(id) => self.delayed_ack_is_due(id),
            Timer::Retransmit(id) => self.retransmit(id),
            Timer::RetransmitRequest(id) => self.retransmit_request(id),
            Timer::OrphanFinWait2(id) => {
                self.sock(id).tcp.orphan_timer = None;
                if self.sysctls.fin_timeout_secs > 60 {
                    self.enter_time_wait(id, State::FinWait2);
                } else {
                    self.send_active_reset(id);
                    self.done(id);
                }
            }
            Timer::TimeWait(id) => self.forget_time_wait(id),
            Timer::Neighbour { device, hop } => self.neighbour_is_missing(device, hop),
        }
    }

    /// Something was sent that is to be acknowledged. It needs no chance to order it among others: it seldom goes off.
    pub(super) fn expect_ack(&mut self, id: SocketId) {
        if self.socket_of(id).tcp.retransmit.is_none() {
            let key = self.timers.set(self.now + RTO_MS_MIN, Timer::Retransmit(id), 0);
            let tcp = &mut self.sock(id).tcp;
            (tcp.retransmit, tcp.retransmits) = (Some(key), 0);
        }
    }

    /// The peer has all before this number.
    pub(super) fn note_acked(&mut self, id: SocketId, acked: u32) {
        self.stop_retransmitting(id);
        let tcp = &mut self.sock(id).tcp;
        let bytes = acked.wrapping_sub(tcp.snd_una) as usize;
        tcp.in_flight.drain(..bytes.min(tcp.in_flight.len()));
        (tcp.snd_una, tcp.retransmits) = (acked, 0);
        if tcp.snd_una != tcp.snd_nxt {
            self.expect_ack(id);
        }
    }

    /// Sets the time of the next try.
    pub(super) fn retransmit_at(&mut self, id: SocketId, due: u64) {
        self.stop_retransmitting(id);
        let key = self.set_timer(due, Timer::Retransmit(id));
        self.sock(id).tcp.retransmit = Some(key);
    }

    /// The answer has come.
    pub(super) fn stop_retransmitting(&mut self, id: SocketId) {
        let timer = self.sock(id).tcp.retransmit.take();
        timer.into_iter().for_each(|key| self.timers.cancel(key));
    }

    /// Sends again what was not acknowledged, or gives up.
    fn retransmit(&mut self, id: SocketId) {
        match self.socket_of(id).state {
            State::SynSent | State::SynRecv => self.retransmit_syn(id),
            _ => self.retransmit_text(id),
        }
    }

    /// The first time probes for an ACK that was lost (`tcp_send_loss_probe`).
    fn retransmit_text(&mut self, id: SocketId) {
        let socket = self.sock(id);
        let (tries, orphan) = (socket.tcp.retransmits, socket.orphan);
        socket.tcp.retransmit = None;
        socket.tcp.retransmits += 1;
        let most = match (orphan, self.sysctls.orphan_retries) {
            (false, _) => self.sysctls.retries2,
            (true, 0) => ORPHAN_RETRIES,
            (true, most) => most,
        };
        if tries == 0 {
            self.count(Counter::TcpExtTCPLossProbes);
        } else {
            self.count(Counter::TcpExtTCPTimeouts);
            if tries == 1 {
                self.sock(id).tcp.resent_at = self.now;
            } else if self.now - self.socket_of(id).tcp.resent_at >= backed_off(most) {
                return self.time_out(id);
            }
            self.count(Counter::TcpExtTcpTimeoutRehash);
        }
        self.retransmit_at(id, self.now + (RTO_MS_MIN << tries.min(20)).min(RTO_MS_MAX));
        if tries == 0 && !self.socket_of(id).tcp.unsent.is_empty() {
            // The probe takes along what had to wait.
            return self.send_text(id, false);
        }
        self.count(Counter::TcpRetransSegs);
        let socket = self.socket_of(id);
        let fin = matches!(socket.state, State::FinWait1 | State::Closing | State::LastAck);
        let (seq, data) = (socket.tcp.snd_una, socket.tcp.in_flight.clone());
        self.send_again(id, Segment { fin, ack: true, seq, data, ..Segment::default() });
    }

    fn time_out(&mut self, id: SocketId) {
        self.count(Counter::TcpExtTCPAbortOnTimeout);
        self.sock(id).error = Some(Errno::Etimedout);
        self.done(id);
    }

    fn retransmit_syn(&mut self, id: SocketId) {
        let linear = self.sysctls.syn_linear_timeouts;
        let most = self.sysctls.syn_retries + linear;
        let socket = self.sock(id);
        socket.tcp.retransmit = None;
        socket.tcp.retransmits += 1;
        let tries = socket.tcp.retransmits;
        let (state, seq) = (socket.state, socket.tcp.snd_una);
        self.count(Counter::TcpExtTCPTimeouts);
        if tries > most {
            return self.time_out(id);
        }
        self.count(Counter::TcpExtTcpTimeoutRehash);
        let doubled = tries.saturating_sub(linear).min(20);
        self.retransmit_at(id, self.now + (SYN_TIMEOUT_MS << doubled).min(RTO_MS_MAX));
        self.count(Counter::TcpRetransSegs);
        self.count(Counter::TcpExtTCPSynRetrans);
        let ack = state == State::SynRecv;
        self.send_again(id, Segment { syn: true, ack, seq, ..Segment::default() });
    }

    /// Sends SYN and ACK again, or forgets the half-open connection.
    fn retransmit_request(&mut self, id: RequestId) {
        let most = self.sysctls.synack_retries;
        let request = &mut self.requests[id.0 as usize];
        request.retransmits += 1;
        let tries = request.retransmits;
        self.count(Counter::TcpExtTCPTimeouts);
        if tries > most {
            self.forget_request(id);
            return;
        }
        let due = self.now + (SYN_TIMEOUT_MS << tries.min(20)).min(RTO_MS_MAX);
        self.requests[id.0 as usize].timer = self.set_timer(due, Timer::RetransmitRequest(id));
        self.count(Counter::TcpRetransSegs);
        self.count(Counter::TcpExtTCPSynRetrans);
        self.send_syn_ack(id);
    }
}

/// How long so many tries take, each twice as long as the one before up to the longest, in ms (`tcp_model_timeout`).
fn backed_off(tries: u32) -> u64 {
    let doublings = (RTO_MS_MAX / RTO_MS_MIN).ilog2();
    let doubled = ((2_u64 << tries.min(doublings)) - 1) * RTO_MS_MIN;
    doubled + u64::from(tries.saturating_sub(doublings)) * RTO_MS_MAX
}
