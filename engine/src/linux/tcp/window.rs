//! What a receiver of TCP says that it can take, and what follows from it: how large segments are, and how many ACKs go at once.
//!
//! Source: `tcp_grow_window`, `tcp_measure_rcv_mss`, `tcp_try_coalesce` in `net/ipv4/tcp_input.c`; `__tcp_select_window`,
//! `tcp_select_window`, `tcp_bound_to_half_wnd` in `tcp_output.c`; `tcp_set_window_clamp`. Measured on loopback. A window is a
//! share of the receive buffer: what part of their memory the segments fill says how large a share. Left out: that a sender
//! stops at the end of the window, a receive buffer that grows while it is read, devices with shorter packets than `lo`.

use std::collections::VecDeque;
use std::net::Ipv6Addr;

use super::super::address::is_mapped;

/// The receive buffer, in bytes (`tcp_rmem`).
const RCVBUF_BYTES: u32 = 131_072;

/// The least window clamp, in bytes (`SOCK_MIN_RCVBUF / 2`).
const CLAMP_BYTES_MIN: u32 = 1_152;

/// What describes a segment in memory, in bytes; its text comes on top.
const HEAD_BYTES: u32 = 832;

/// How many pieces of memory one description holds, and how large one may be, in bytes.
const PIECES_MAX: u32 = 17;
const PIECE_BYTES: u32 = 32_768;

/// Windows are told in multiples of this, in bytes: the scale that goes with the largest receive buffer (`tcp_rmem`).
const SCALE_BYTES: u32 = 1_024;

/// Text of at least this many bytes may widen the window.
const GROWS_BYTES_MIN: u32 = 128;

/// What the timestamps option takes of a packet, in bytes.
const OPTION_BYTES: u32 = 12;

/// The most text in a packet over `lo`, in bytes (`advmss`); the first window is one of these.
#[must_use]
pub fn packet_text(local: Ipv6Addr, timestamps: bool) -> u32 {
    let text = if is_mapped(local) { 65_535 - 40 } else { 65_536 - 60 };
    text - if timestamps { OPTION_BYTES } else { 0 }
}

/// Segments in the receive queue that share a description.
#[derive(Clone, Copy, Debug)]
struct Unread {
    text: u32,
    memory: u32,
    pieces: u32,
    /// The number after the last byte.
    end: u32,
}

/// The window of one end, and what it knows of the other's.
#[derive(Clone, Debug)]
pub struct Window {
    /// The share of memory that text fills, of 256 (`scaling_ratio`).
    share: u32,
    /// The most that is ever told, in bytes (`window_clamp`).
    clamp: u32,
    /// The most that is told so far (`rcv_ssthresh`).
    threshold: u32,
    /// What the last ACK told (`rcv_wnd`).
    told: u32,
    unread: VecDeque<Unread>,
    /// Memory of what is unread, in bytes (`sk_rmem_alloc`).
    memory: u32,
    /// Memory of what came while a call of its own held the socket, in bytes: it counts twice until that is over
    /// (`sk_backlog.len`).
    held: u32,
    /// The most text in a packet to the peer, in bytes.
    packet: u32,
    /// The largest window that the peer has told (`max_window`).
    heard: u32,
}

impl Default for Window {
    fn default() -> Self {
        let packet = 65_495;
        Self {
            share: 128,
            clamp: RCVBUF_BYTES / 2,
            threshold: packet,
            told: packet,
            unread: VecDeque::new(),
            memory: 0,
            held: 0,
            packet,
            heard: packet,
        }
    }
}

impl Window {
    /// The window of a connection that begins: `first` is the first that is told, `packet` the most text in a packet.
    pub(super) fn new(first: u32, packet: u32) -> Self {
        Self { threshold: first, told: first, packet, heard: packet, ..Self::default() }
    }

    /// The last that was told.
    pub(super) fn told(&self) -> u32 {
        self.told
    }

    /// The peer has told its window.
    pub(super) fn hears(&mut self, window: u32) {
        self.heard = self.heard.max(window);
    }

    /// The most text in a segment to the peer, in bytes: never more than half of its largest window.
    pub(super) fn segment_bytes_max(&self) -> usize {
        (self.heard / 2).min(self.packet) as usize
    }

    /// Whether nothing is unread.
    pub(super) fn is_drained(&self) -> bool {
        self.memory == 0
    }

    /// How much text fits into this much memory.
    fn text_in(&self, memory: u32) -> u32 {
        u32::try_from(u64::from(memory) * u64::from(self.share) / 256).unwrap_or(u32::MAX)
    }

    fn free(&self) -> u32 {
        self.text_in(RCVBUF_BYTES.saturating_sub(self.memory + self.held))
    }

    /// Text goes into the receive queue: into the last description there, if its sender has forgotten that and it has room.
    pub(super) fn takes(&mut self, bytes: u32, end: u32, acknowledged: u32) {
        let pieces = bytes.div_ceil(PIECE_BYTES);
        let last = self
            .unread
            .back_mut()
            .filter(|last| !super::super::packet::before(acknowledged, last.end) && last.pieces + pieces <= PIECES_MAX);
        if let Some(last) = last {
            (last.text, last.memory) = (last.text + bytes, last.memory + bytes);
            (last.pieces, last.end) = (last.pieces + pieces, end);
            self.memory += bytes;
        } else {
            self.unread.push_back(Unread { text: bytes, memory: bytes + HEAD_BYTES, pieces, end });
            self.memory += bytes + HEAD_BYTES;
        }
    }

    /// A segment comes while a call holds the socket, or does not.
    pub(in crate::linux) fn holds(&mut self, bytes: Option<u32>) {
        self.held = bytes.map_or(0, |bytes| bytes + HEAD_BYTES);
    }

    /// Text was read; the memory of what is unread in part stays.
    pub(in crate::linux) fn reads(&mut self, bytes: usize) {
        let mut left = u32::try_from(bytes).unwrap_or(u32::MAX);
        while let Some(first) = self.unread.front_mut() {
            if first.text > left {
                first.text -= left;
                return;
            }
            left -= first.text;
            self.memory -= first.memory;
            self.unread.pop_front();
        }
    }

    /// A segment of another size says anew what share of its memory text fills.
    pub(super) fn measures(&mut self, bytes: u32) {
        let share = (u64::from(bytes) * 256 / u64::from(bytes + HEAD_BYTES)).max(1);
        let share = u32::try_from(share).unwrap_or(256);
        if share == self.share {
            return;
        }
        self.share = share;
        let clamp = self.text_in(RCVBUF_BYTES).max(CLAMP_BYTES_MIN);
        if clamp < self.clamp {
            self.threshold = self.threshold.min(clamp);
        } else {
            self.threshold = self.threshold.max(self.told.min(clamp));
        }
        self.clamp = clamp;
    }

    /// Lets the window grow by what came, if there is room for more; whether it did.
    pub(super) fn grows(&mut self, bytes: u32) -> bool {
        let room = self.clamp.min(self.free()).saturating_sub(self.threshold);
        if bytes < GROWS_BYTES_MIN || room == 0 {
            return false;
        }
        self.threshold += room.min((2 * self.packet).max(2 * bytes));
        true
    }

    /// What an ACK could tell, and whether less than half of the buffer is free. `whole` is what a whole segment holds.
    pub(super) fn offers(&self, whole: u32) -> (u32, bool) {
        let all = self.text_in(RCVBUF_BYTES);
        let full = self.clamp.min(all);
        let mut free = self.free();
        let short = free < full / 2;
        if short {
            free = free / SCALE_BYTES * SCALE_BYTES;
            if free < all / 16 || free < whole.min(full) {
                return (0, true);
            }
        }
        (free.min(self.threshold).next_multiple_of(SCALE_BYTES), short)
    }

    /// What is left of the window that was told last; `since` is how much has come since.
    pub(super) fn left(&self, since: u32) -> u32 {
        self.told.saturating_sub(since)
    }

    /// Tells a window, which never takes back what was told; whether less than half of the buffer is free.
    pub(super) fn tells(&mut self, whole: u32, since: u32) -> bool {
        let (offer, short) = self.offers(whole);
        let left = self.left(since);
        self.told = if offer < left { left.next_multiple_of(SCALE_BYTES) } else { offer };
        short
    }

    /// Whether reading has made so much room that the peer is to hear of it; `since` as above.
    pub(super) fn has_opened(&self, whole: u32, since: u32) -> bool {
        let left = self.left(since);
        let offer = self.offers(whole).0;
        2 * left <= self.clamp && offer > 0 && offer >= 2 * left
    }
}
