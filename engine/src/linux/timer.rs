//! What a namespace has to do later, in the order of time.

use std::collections::BTreeMap;

use super::socket::{RequestId, SocketId, TimeWaitId};

/// When, and which of those at the same time: the one that was set last goes off first, as in the kernel's timer wheel.
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
}

/// The timers that are set. Times are in ms.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    set: BTreeMap<TimerKey, Timer>,
    counter: u64,
}

impl Timers {
    /// Sets one; the key cancels it.
    pub fn set(&mut self, due: u64, timer: Timer) -> TimerKey {
        self.counter += 1;
        let key = (due, u64::MAX - self.counter);
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
