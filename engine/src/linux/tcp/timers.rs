//! What happens to TCP when nothing comes: ACKs that waited, SYNs sent again, waits that end.
//!
//! Source: `net/ipv4/tcp_timer.c`, `ip-sysctl.rst`; FACTS §2. A SYN is sent again each second `tcp_syn_linear_timeouts`
//! times, then each time after twice as long. Left out: retransmission of data, for nothing is lost here once a
//! connection stands.

use super::super::Namespace;
use super::super::counters::Counter;
use super::super::errno::Errno;
use super::super::packet::Segment;
use super::super::socket::{RequestId, SocketId, State};
use super::super::timer::Timer;
use super::connect::SYN_TIMEOUT_MS;

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

    /// Sends the SYN again, or gives up.
    fn retransmit(&mut self, id: SocketId) {
        let linear = self.sysctls.syn_linear_timeouts;
        let most = self.sysctls.syn_retries + linear;
        let socket = self.sock(id);
        socket.tcp.retransmit = None;
        socket.tcp.retransmits += 1;
        let tries = socket.tcp.retransmits;
        let (state, seq) = (socket.state, socket.tcp.snd_una);
        self.count(Counter::TcpExtTCPTimeouts);
        if tries > most {
            self.count(Counter::TcpExtTCPAbortOnTimeout);
            self.sock(id).error = Some(Errno::Etimedout);
            self.done(id);
            return;
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
        if tries > most {
            self.forget_request(id);
            return;
        }
        let due = self.now + (SYN_TIMEOUT_MS << tries.min(20)).min(RTO_MS_MAX);
        self.requests[id.0 as usize].timer = self.set_timer(due, Timer::RetransmitRequest(id));
        self.count(Counter::TcpRetransSegs);
        self.send_syn_ack(id);
    }
}
