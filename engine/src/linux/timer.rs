//! What a namespace has to do later, in the order of time.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;

use slab::Slab;

use super::socket::{RequestId, SocketId, TimeWaitId};

/// A timer that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerKey {
    due: u64,
    slot: u32,
    /// What tells it from an earlier one in the same slot.
    count: NonZeroU32,
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
    /// What nobody has acknowledged is sent again: a SYN, the SYN-ACK of crossed SYNs, data, FIN.
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

/// The timers that are set. Times are in ms.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    queue: BTreeMap<u64, Due>,
    /// What is to be done, by slot, with the count of the key.
    set: Slab<(NonZeroU32, Timer)>,
    /// How many were set; the count of the last one.
    counter: u32,
}

/// Those of one moment, never none. Tens of thousands may end in the same one: they are put in order when it comes.
#[derive(Clone, Debug, Default)]
struct Due {
    /// Those that were cancelled too; the next is the last once they are in order.
    timers: Vec<Place>,
    ordered: bool,
    /// The chance that all ends of `TIME_WAIT` share: they go off one after the other, in the order in which they were set.
    time_waits: Option<u32>,
    /// Those that are still set.
    live: usize,
}

/// When a timer goes off among those of its moment: chance decides, as it does between the kernel's processors, and the
/// count where chance does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    chance: u32,
    count: NonZeroU32,
    slot: u32,
}

impl Timers {
    /// Sets one; the key cancels it. `chance` is a random number.
    pub fn set(&mut self, due: u64, timer: Timer, chance: u32) -> TimerKey {
        self.counter = self.counter.wrapping_add(1);
        let count = NonZeroU32::new(self.counter).unwrap_or(NonZeroU32::MAX);
        let slot = super::number(self.set.insert((count, timer)));
        let moment = self.queue.entry(due).or_default();
        let chance = match timer {
            Timer::TimeWait(_) => *moment.time_waits.get_or_insert(chance),
            _ => chance,
        };
        moment.timers.push(Place { chance, count, slot });
        moment.ordered = false;
        moment.live += 1;
        TimerKey { due, slot, count }
    }

    /// Nothing happens when it has gone off already.
    pub fn cancel(&mut self, key: TimerKey) {
        if !is_set(&self.set, key.slot, key.count) {
            return;
        }
        self.set.remove(key.slot as usize);
        if let Some(moment) = self.queue.get_mut(&key.due) {
            moment.live -= 1;
            if moment.live == 0 {
                self.queue.remove(&key.due);
            }
        }
    }

    /// Takes the first one that is due.
    pub fn pop(&mut self, now: u64) -> Option<(u64, Timer)> {
        let mut first = self.queue.first_entry().filter(|moment| *moment.key() <= now)?;
        let due = *first.key();
        let moment = first.get_mut();
        if !moment.ordered {
            moment.timers.retain(|place| is_set(&self.set, place.slot, place.count));
            moment.timers.sort_unstable_by(|one, other| other.cmp(one));
            moment.ordered = true;
        }
        let timer = loop {
            let place = moment.timers.pop()?;
            if is_set(&self.set, place.slot, place.count) {
                break self.set.remove(place.slot as usize).1;
            }
        };
        moment.live -= 1;
        if moment.live == 0 {
            first.remove();
        }
        Some((due, timer))
    }

    /// When the next one is due.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(due, _)| *due)
    }
}

fn is_set(set: &Slab<(NonZeroU32, Timer)>, slot: u32, count: NonZeroU32) -> bool {
    set.get(slot as usize).is_some_and(|(other, _)| *other == count)
}
