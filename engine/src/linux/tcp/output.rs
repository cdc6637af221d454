//! Sending: which bytes go now, and which ACKs wait.
//!
//! Source: `tcp_nagle_check`, `tcp_send_delayed_ack`, `__tcp_ack_snd_check`, `tcp_cleanup_rbuf`, `tcp_event_data_recv`; RFC 896,
//! RFC 9293 §3.8.6.3. A small segment waits while another small one is not acknowledged. ACKs go at once for the first
//! sixteen segments; once both sides have sent in turn they wait up to 40 ms for something to ride on. Left out: the window's end
//! and congestion, so nothing else ever waits.

use super::super::Namespace;
use super::super::address::{ANY4, is_mapped};
use super::super::counters::Counter;
use super::super::packet::{Body, Packet, Segment, before};
use super::super::socket::{Acks, SocketId, State};
use super::super::timer::Timer;

/// How long an ACK waits for something to ride on, in ms (`TCP_ATO_MIN`).
const DELAYED_ACK_MS: u64 = 40;

/// The longest that one waits (`TCP_DELACK_MAX`).
const DELAYED_ACK_MS_MAX: u64 = 200;

/// One tick of the kernel's clock, in ms: what a wait of no time takes.
const TICK_MS: u64 = 4;

/// How many ACKs go at once at first (`TCP_MAX_QUICKACKS`).
const QUICK_ACKS: u32 = 16;

/// What a receiver takes for a whole segment as long as it has seen no larger one (`TCP_MSS_DEFAULT`); options count.
const RECEIVED_MSS_BYTES: u32 = 536;
const OPTION_BYTES: u32 = 12;

/// Least time before something is sent again, in ms (`TCP_RTO_MIN`).
const RTO_MS_MIN: u64 = 200;

impl Acks {
    /// What the sender's whole segments are, as far as this one says (`tcp_measure_rcv_mss`).
    fn measure(&mut self, bytes: u32) {
        let last = std::mem::take(&mut self.last_segment);
        if bytes >= self.received_mss() {
            self.largest = bytes;
            self.pushed = true;
            return;
        }
        if bytes + OPTION_BYTES >= RECEIVED_MSS_BYTES {
            self.last_segment = bytes;
            if bytes == last {
                self.largest = bytes;
                return;
            }
        }
        self.pushed_again |= self.pushed;
        self.pushed = true;
    }

    fn received_mss(&self) -> u32 {
        if self.largest == 0 { RECEIVED_MSS_BYTES } else { self.largest }
    }

    /// How many ACKs go at once: one for every other segment of a window (`tcp_incr_quickack`).
    fn quick_most(&self, window: u32) -> u32 {
        match window / (2 * self.received_mss()) {
            0 => 2,
            some => some.min(QUICK_ACKS),
        }
    }
}

impl Namespace {
    /// Sends a segment of a connection.
    pub(super) fn send_segment(&mut self, id: SocketId, segment: Segment) {
        self.count(Counter::TcpOutSegs);
        if segment.rst {
            self.count(Counter::TcpOutRsts);
        }
        self.send_again(id, segment);
    }

    /// The same for one whose numbers have been sent before: `TcpOutSegs` does not count it. A segment that acknowledges
    /// takes an ACK along that waited.
    pub(super) fn send_again(&mut self, id: SocketId, mut segment: Segment) {
        let now = self.now;
        let socket = self.sock(id);
        segment.timestamps = socket.tcp.timestamps && !segment.rst;
        let mut rides = None;
        segment.window = socket.tcp.window.told();
        if segment.ack {
            segment.acked = socket.tcp.rcv_nxt;
            rides = socket.tcp.delayed_ack.take();
            if !segment.syn {
                let since = socket.tcp.since_acknowledged();
                let short = socket.tcp.window.tells(socket.tcp.acks.received_mss(), since);
                segment.window = socket.tcp.window.told();
                if short {
                    socket.tcp.acks.quick = 0;
                }
            }
            let acks = &mut socket.tcp.acks;
            if acks.quick > 0 && acks.scheduled {
                acks.quick -= 1;
                if acks.quick == 0 {
                    acks.wait_ms = DELAYED_ACK_MS;
                }
            }
            (acks.scheduled, acks.pushed, acks.pushed_again) = (false, false, false);
            acks.acknowledged = socket.tcp.rcv_nxt;
        }
        if !segment.data.is_empty() {
            let acks = &mut socket.tcp.acks;
            acks.interactive |= now - acks.received_at < acks.wait_ms;
            if segment.data.len() < socket.tcp.window.segment_bytes_max() {
                socket.tcp.snd_sml = segment.seq.wrapping_add(super::super::number(segment.data.len()));
            }
        }
        let (mut source, sport, mut destination, dport) = (socket.local, socket.sport, socket.peer, socket.dport);
        let device = socket.options.device;
        if let Some(v4) = socket.tcp.v4_peer.filter(|_| !is_mapped(destination)) {
            destination = v4;
            source = self.routing.output(ANY4, v4, None).map_or(ANY4, |path| path.source);
        }
        if let Some(key) = rides {
            self.timers.cancel(key);
        }
        self.transmit_by(device, Packet { source, sport, destination, dport, body: Body::Tcp(segment) });
    }

    /// Sends what was taken for sending; what fills no segment waits while such a one is not acknowledged.
    pub(in crate::linux) fn push(&mut self, id: SocketId) {
        loop {
            let tcp = &self.socket_of(id).tcp;
            let small_under_way = before(tcp.snd_una, tcp.snd_sml) && !before(tcp.snd_nxt, tcp.snd_sml);
            if tcp.unsent.is_empty() || (small_under_way && tcp.unsent.len() < tcp.window.segment_bytes_max()) {
                return;
            }
            self.send_text(id, false);
        }
    }

    /// FIN, with the last of what still waits.
    pub(super) fn send_fin(&mut self, id: SocketId) {
        while self.socket_of(id).tcp.unsent.len() > self.socket_of(id).tcp.window.segment_bytes_max() {
            self.send_text(id, false);
        }
        self.send_text(id, true);
    }

    /// Sends one segment of what was taken for sending.
    pub(super) fn send_text(&mut self, id: SocketId, fin: bool) {
        let tcp = &mut self.sock(id).tcp;
        let rest = tcp.unsent.split_off(tcp.window.segment_bytes_max().min(tcp.unsent.len()));
        let data = std::mem::replace(&mut tcp.unsent, rest);
        tcp.in_flight.extend_from_slice(&data);
        let segment = Segment { fin, ack: true, seq: tcp.snd_nxt, data, ..Segment::default() };
        tcp.snd_nxt = segment.end();
        self.count(Counter::TcpExtTCPOrigDataSent);
        self.expect_ack(id);
        self.send_segment(id, segment);
    }

    /// A bare ACK.
    pub(super) fn send_ack(&mut self, id: SocketId) {
        let seq = self.socket_of(id).tcp.snd_nxt;
        self.send_segment(id, Segment { ack: true, seq, ..Segment::default() });
    }

    /// A bare ACK at once; that of a socket which talks to itself once it has taken in all that is under way, unless something
    /// took it along (`tcp_backlog_ack_defer`).
    pub(super) fn send_ack_soon(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        if (socket.local, socket.num) == (socket.peer, socket.dport) {
            self.sock(id).tcp.acks.scheduled = true;
            self.owed_ack = Some(id);
        } else {
            self.send_ack(id);
        }
    }

    /// The ACK that a socket owes itself; whether one was sent.
    pub(in crate::linux) fn send_owed_ack(&mut self) -> bool {
        let owed = self.owed_ack.take().filter(|id| {
            let socket = self.sockets.get(id.0 as usize);
            socket.is_some_and(|socket| socket.state != State::Close && socket.tcp.acks.scheduled)
        });
        owed.into_iter().for_each(|id| self.send_ack(id));
        owed.is_some()
    }

    /// RST of a connection that this end gives up.
    pub(super) fn send_active_reset(&mut self, id: SocketId) {
        let seq = self.socket_of(id).tcp.snd_nxt;
        self.send_segment(id, Segment { rst: true, ack: true, seq, ..Segment::default() });
    }

    /// Data came: what that says about ACKs.
    pub(super) fn note_data(&mut self, id: SocketId, bytes: u32, end: u32) {
        let now = self.now;
        let called = self.called == Some(id);
        let super::super::socket::Tcp { acks, window, .. } = &mut self.sock(id).tcp;
        window.holds(called.then_some(bytes));
        window.takes(bytes, end, acks.acknowledged);
        if bytes > acks.received_mss() {
            window.measures(bytes);
        }
        acks.scheduled = true;
        acks.measure(bytes);
        let quick_most = acks.quick_most(window.told());
        let since = now - acks.received_at;
        if acks.wait_ms == 0 {
            (acks.quick, acks.wait_ms) = (acks.quick.max(quick_most), DELAYED_ACK_MS);
        } else if since <= DELAYED_ACK_MS / 2 {
            acks.wait_ms = acks.wait_ms / 2 + DELAYED_ACK_MS / 2;
        } else if since < acks.wait_ms {
            acks.wait_ms = (acks.wait_ms / 2 + since).min(RTO_MS_MIN);
        } else if since > RTO_MS_MIN {
            acks.quick = acks.quick.max(quick_most);
        }
        acks.received_at = now;
        if window.grows(bytes) {
            acks.quick |= 1;
        }
    }

    /// Acknowledges what is to be acknowledged: at once, or later.
    pub(super) fn acknowledge(&mut self, id: SocketId) {
        let tcp = &self.socket_of(id).tcp;
        if !tcp.acks.scheduled {
            return;
        }
        let whole = tcp.acks.received_mss();
        // Of more than one whole segment the peer hears at once, as long as it may go on sending as before.
        let mut at_once = tcp.since_acknowledged() > whole;
        if at_once {
            let (offer, short) = tcp.window.offers(whole);
            at_once = offer >= tcp.window.told();
            if short {
                self.sock(id).tcp.acks.quick = 0;
            }
        }
        let tcp = &self.socket_of(id).tcp;
        if at_once || (tcp.acks.quick > 0 && !tcp.acks.interactive) {
            self.send_ack_soon(id);
        } else if tcp.delayed_ack.is_none() {
            let wait = tcp.acks.wait_ms.clamp(TICK_MS, DELAYED_ACK_MS);
            let key = self.set_timer(self.now + wait, Timer::DelayedAck(id));
            self.sock(id).tcp.delayed_ack = Some(key);
        }
    }

    /// The connection stands and a `send` waits for that: the ACK goes with its data, or later.
    pub(super) fn acknowledge_with_data(&mut self, id: SocketId) {
        let key = self.set_timer(self.now + DELAYED_ACK_MS_MAX, Timer::DelayedAck(id));
        let tcp = &mut self.sock(id).tcp;
        tcp.delayed_ack = Some(key);
        (tcp.acks.scheduled, tcp.acks.interactive) = (true, false);
        (tcp.acks.quick, tcp.acks.wait_ms) = (QUICK_ACKS, DELAYED_ACK_MS);
    }

    /// Bytes were read: an ACK that waits goes now, if more than one segment came, or if all was read and the sender may be
    /// waiting for it; and one goes where the window has opened (`tcp_cleanup_rbuf`).
    pub(in crate::linux) fn acknowledge_read(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        let (tcp, acks) = (&socket.tcp, socket.tcp.acks);
        let since = tcp.since_acknowledged();
        let whole = acks.received_mss();
        let pushed = tcp.window.is_drained() && (acks.pushed_again || (acks.pushed && !acks.interactive));
        let waits = acks.scheduled && (since > whole || pushed);
        if waits || (!socket.shut_read && tcp.window.has_opened(whole, since)) {
            self.send_ack(id);
            self.deliver_within(id);
        }
    }

    /// An ACK found nothing to ride on.
    pub(super) fn delayed_ack_is_due(&mut self, id: SocketId) {
        let tcp = &mut self.sock(id).tcp;
        tcp.delayed_ack = None;
        if !tcp.acks.scheduled {
            return;
        }
        if tcp.acks.interactive {
            (tcp.acks.interactive, tcp.acks.wait_ms) = (false, DELAYED_ACK_MS);
        } else {
            tcp.acks.wait_ms = (tcp.acks.wait_ms * 2).min(RTO_MS_MIN);
        }
        self.count(Counter::TcpExtDelayedACKs);
        self.send_ack(id);
    }
}
