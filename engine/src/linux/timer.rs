//! What a namespace has to do later, in the order of time.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use slab::Slab;

use super::socket::{RequestId, SocketId, TimeWaitId};

/// A timer that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerKey {
    due: u64,
    /// Which of those at the same time: chance decides, as it does between the kernel's processors.
    tie: u64,
    slot: u32,
}

impl TimerKey {
    /// When it goes off, in ms.
    #[must_use]
    pub fn due(self) -> u64 {
        self.due
    }
}

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
    queue: BTreeMap<u64, Due>,
    /// What is to be done, with what tells it from an earlier one in the same slot.
    set: Slab<(u64, Timer)>,
    counter: u64,
}

/// Those of one moment, never none. Tens of thousands may end in the same one: they are put in order when it comes.
#[derive(Clone, Debug, Default)]
struct Due {
    /// Ties and slots, those that were cancelled too; the next is the last once they are in order.
    ties: Vec<(u64, u32)>,
    ordered: bool,
    /// Those that are still set.
    live: usize,
}

impl Timers {
    /// Sets one; the key cancels it. `chance` is a random number.
    pub fn set(&mut self, due: u64, timer: Timer, chance: u64) -> TimerKey {
        self.counter += 1;
        let tie = chance & !COUNTED | self.counter & COUNTED;
        let slot = u32::try_from(self.set.insert((tie, timer))).unwrap_or(u32::MAX);
        let moment = self.queue.entry(due).or_default();
        moment.ties.push((tie, slot));
        moment.ordered = false;
        moment.live += 1;
        TimerKey { due, tie, slot }
    }

    /// Nothing happens when it has gone off already.
    pub fn cancel(&mut self, key: TimerKey) {
        if self.set.get(key.slot as usize).is_some_and(|(tie, _)| *tie == key.tie) {
            self.set.remove(key.slot as usize);
            self.done(key.due);
        }
    }

    /// Takes the first one that is due.
    pub fn pop(&mut self, now: u64) -> Option<(u64, Timer)> {
        let mut first = self.queue.first_entry().filter(|moment| *moment.key() <= now)?;
        let due = *first.key();
        let moment = first.get_mut();
        if !moment.ordered {
            moment.ties.sort_unstable_by(|one, other| other.cmp(one));
            moment.ordered = true;
        }
        let timer = loop {
            let (tie, slot) = moment.ties.pop()?;
            if self.set.get(slot as usize).is_some_and(|(other, _)| *other == tie) {
                break self.set.remove(slot as usize).1;
            }
        };
        self.done(due);
        Some((due, timer))
    }

    /// When the next one is due.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(due, _)| *due)
    }

    /// One less of this moment is set; with the last it goes.
    fn done(&mut self, due: u64) {
        if let Some(moment) = self.queue.get_mut(&due) {
            moment.live -= 1;
            if moment.live == 0 {
                self.queue.remove(&due);
            }
        }
    }
}
