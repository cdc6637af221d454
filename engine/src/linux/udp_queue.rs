//! The datagrams that a UDP socket has received and not read, and how many fit.
//!
//! Source: `__udp_enqueue_schedule_skb`, `udp_rmem_release`, `__skb_recv_udp` in `net/ipv4/udp.c`; `__alloc_skb`,
//! `__ip_append_data`. A datagram takes as much of the receive buffer as the memory that it lies in, so 256 of one byte fill
//! it. Left out: `SO_RCVBUF`, the limits of all sockets together, and datagrams that came in fragments.

use std::collections::VecDeque;

use super::address::Family;

/// What a socket may hold, in bytes: `net.core.rmem_default`.
const RCVBUF_BYTES: usize = 212_992;

/// What reading gives back at once, in bytes (`forward_threshold`).
const GIVEN_BACK_BYTES: usize = RCVBUF_BYTES / 4;

/// A datagram's description in the kernel, in bytes (`struct sk_buff`, and `struct skb_shared_info` behind the data).
const BUFFER_BYTES: usize = 256;
const SHARED_BYTES: usize = 320;

/// Pieces of memory that hold a datagram with `SHARED_BYTES`: the small head, then powers of two.
const PIECES_BYTES: [usize; 6] = [576, 1024, 2048, 4096, 8192, 16_384];

/// A datagram that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub data: Vec<u8>,
    /// It came by IPv4, and is counted there, whatever the socket's family.
    pub over: Family,
}

impl Datagram {
    /// The memory that it lies in, in bytes (`truesize`).
    fn truesize(&self) -> usize {
        // Headers of UDP and IP, and room for that of the device; of IPv6 also for one of fragments.
        let headers = match self.over {
            Family::V4 => 8 + 20 + 31,
            Family::V6 => 8 + 40 + 24,
        };
        let largest = PIECES_BYTES[PIECES_BYTES.len() - 1];
        let bytes = headers + self.data.len();
        if bytes >= largest - SHARED_BYTES {
            // The data lie in pages, and count for what they are.
            return BUFFER_BYTES + PIECES_BYTES[0] + self.data.len();
        }
        let needed = bytes.next_multiple_of(64) + SHARED_BYTES;
        BUFFER_BYTES + PIECES_BYTES.into_iter().find(|piece| *piece >= needed).unwrap_or(largest)
    }
}

/// What a socket has received. Readers take from a queue of their own, which is filled when it is empty.
#[derive(Clone, Debug, Default)]
pub struct Datagrams {
    arrived: VecDeque<Datagram>,
    being_read: VecDeque<Datagram>,
    /// Bytes of the receive buffer that are taken.
    taken: usize,
    /// Bytes of those that were read and not given back.
    read: usize,
}

impl Datagrams {
    /// Puts a datagram in; whether it fitted.
    pub(super) fn put(&mut self, datagram: Datagram) -> bool {
        let size = datagram.truesize();
        if self.taken > 0 && self.taken + size > RCVBUF_BYTES {
            return false;
        }
        self.taken += size;
        self.arrived.push_back(datagram);
        true
    }

    /// Takes the oldest. Its memory is given back with that of others, or when the readers' queue is empty.
    pub(super) fn take(&mut self) -> Option<Datagram> {
        if self.being_read.is_empty() {
            std::mem::swap(&mut self.arrived, &mut self.being_read);
        }
        let datagram = self.being_read.pop_front()?;
        self.read += datagram.truesize();
        if self.read >= GIVEN_BACK_BYTES || self.being_read.is_empty() {
            self.taken -= std::mem::take(&mut self.read);
        }
        Some(datagram)
    }

    /// Those that are there, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Datagram> {
        self.being_read.iter().chain(&self.arrived)
    }

    /// Whether none is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.being_read.is_empty() && self.arrived.is_empty()
    }

    /// The memory that unread ones lie in, in bytes: what `ss` calls `Recv-Q`.
    #[must_use]
    pub fn unread_bytes(&self) -> usize {
        self.taken - self.read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory of a datagram of each size, as `SO_MEMINFO` shows it on Linux 6.18 at the ends of each step.
    #[test]
    fn a_datagram_takes_the_memory_that_it_lies_in() {
        let measured = [
            (Family::V4, [(0, 832), (197, 832), (198, 1280), (645, 1280), (646, 2304), (1669, 2304), (1670, 4352)]),
            (Family::V6, [(0, 832), (184, 832), (185, 1280), (632, 1280), (633, 2304), (1656, 2304), (1657, 4352)]),
            (
                Family::V4,
                [
                    (3717, 4352),
                    (3718, 8448),
                    (7813, 8448),
                    (7814, 16_640),
                    (16_004, 16_640),
                    (16_005, 16_837),
                    (64_865, 65_697),
                ],
            ),
            (
                Family::V6,
                [
                    (3704, 4352),
                    (3705, 8448),
                    (7800, 8448),
                    (7801, 16_640),
                    (15_991, 16_640),
                    (15_992, 16_824),
                    (64_865, 65_697),
                ],
            ),
        ];
        for (over, steps) in measured {
            for (bytes, truesize) in steps {
                let datagram = Datagram { data: vec![0; bytes], over };
                assert_eq!(datagram.truesize(), truesize, "{bytes} bytes over {over:?}");
            }
        }
    }
}
