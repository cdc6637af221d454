//! What a namespace has to do later, in the order of time.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use super::socket::{RequestId, SocketId, TimeWaitId};

/// When, and which of those at the same time: chance decides, as it does between the kernel's processors.
pub type TimerKey = (u64, u64);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The ACK that found nothing to ride on.
    DelayedAck(SocketId),
    /// A SYN that nobody answered, or the SYN-ACK of crossed SYNs.
    Retransmit(SocketId),
    /// A SYN-ACK that nobody acknowledged.
    RetransmitRequest(RequestId),
    /// An orphan has waited `tcp_fin_timeout` for the peer's FIN.
    OrphanFinWait2(SocketId),
    /// 60 s in `TIME_WAIT` are over.
    TimeWait(TimeWaitId),
    /// Nobody on the link has said that this address is theirs.
    Neighbour { device: u32, hop: Ipv6Addr },
}

/// The part of a key that tells two timers apart when chance does not.
const COUNTED: u64 = 0xffff_ffff;

/// The timers that are set. Times are in ms.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    set: BTreeMap<TimerKey, Timer>,
    counter: u64,
}

impl Timers {
    /// Sets one; the key cancels it. `chance` is a random number.
    pub fn set(&mut self, due: u64, timer: Timer, chance: u64) -> TimerKey {
        self.counter += 1;
        let key = (due, chance & !COUNTED | self.counter & COUNTED);
        self.set.insert(key, timer);
        key
    }

    /// Nothing happens when it has gone off already.
    pub fn cancel(&mut self, key: TimerKey) {
        self.set.remove(&key);
    }

    /// Takes the first one that is due.
    pub fn pop(&mut self, now: u64) -> Option<(u64, Timer)> {
        let (&key, &timer) = self.set.first_key_value()?;
        if key.0 > now {
            return None;
        }
        self.set.remove(&key);
        Some((key.0, timer))
    }

    /// When the next one is due.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.set.first_key_value().map(|(key, _)| key.0)
    }
}
