//! Where connections are found: a table of chains by a hash of the tuple, as the kernel's `ehash`.
//!
//! Source: `struct inet_hashinfo`, `inet_ehash_insert`, `inet_ehashfn`. A chain begins with the newest, so that of two equal
//! tuples, which there are when one of the sockets is bound to a device, the newest is found first. Unlike the kernel's the
//! table grows, and its hash has no secret key: nothing here depends on the order of different tuples in a chain.

use slab::Slab;

use super::demux::{Holder, Tuple};

/// How many chains there are at first.
const CHAINS_MIN: usize = 64;

/// The end of a chain.
const END: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Entry {
    tuple: Tuple,
    holder: Holder,
    /// The entry behind it in its chain.
    next: u32,
}

/// Connections by tuple.
#[derive(Clone, Debug, Default)]
pub struct Established {
    /// The first entry of each chain; the number of chains is a power of two, or 0 before the first connection.
    chains: Vec<u32>,
    entries: Slab<Entry>,
}

impl Established {
    /// Who has this tuple, the newest first.
    pub fn holders(&self, tuple: &Tuple) -> impl Iterator<Item = Holder> + '_ {
        let (first, tuple) = (self.chains.get(self.chain(tuple)), *tuple);
        let mut next = first.copied().unwrap_or(END);
        std::iter::from_fn(move || {
            let entry = self.entries.get(next as usize)?;
            next = entry.next;
            Some(entry)
        })
        .filter_map(move |entry| (entry.tuple == tuple).then_some(entry.holder))
    }

    /// Enters a holder before all that are there.
    pub fn insert(&mut self, tuple: Tuple, holder: Holder) {
        if self.entries.len() >= self.chains.len() {
            self.grow();
        }
        let chain = self.chain(&tuple);
        let entry = Entry { tuple, holder, next: self.chains[chain] };
        self.chains[chain] = super::number(self.entries.insert(entry));
    }

    /// Takes this very holder out.
    pub fn remove(&mut self, tuple: &Tuple, holder: Holder) {
        let chain = self.chain(tuple);
        let Some(found) = self.find(tuple, holder) else { return };
        let next = self.entries.remove(found as usize).next;
        if self.chains[chain] == found {
            self.chains[chain] = next;
            return;
        }
        let mut before = self.chains[chain];
        while self.entries[before as usize].next != found {
            before = self.entries[before as usize].next;
        }
        self.entries[before as usize].next = next;
    }

    /// Puts one in the place of another.
    pub fn replace(&mut self, tuple: &Tuple, old: Holder, new: Holder) {
        if let Some(found) = self.find(tuple, old) {
            self.entries[found as usize].holder = new;
        }
    }

    /// The entry of this very holder.
    pub(super) fn find(&self, tuple: &Tuple, holder: Holder) -> Option<u32> {
        let mut at = *self.chains.get(self.chain(tuple))?;
        while let Some(entry) = self.entries.get(at as usize) {
            if entry.holder == holder && entry.tuple == *tuple {
                return Some(at);
            }
            at = entry.next;
        }
        None
    }

    /// The chain of a tuple. Neighbouring ports have neighbouring chains, at either end: `connect` goes from port to port.
    fn chain(&self, tuple: &Tuple) -> usize {
        let addresses = tuple.local.to_bits().rotate_left(64) ^ tuple.peer.to_bits();
        let halves = [addresses >> 64, addresses & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0));
        let mixed = halves.into_iter().fold(0u64, |hash, half| (hash ^ half).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let place = (mixed >> 32) + u64::from(tuple.port) + 3 * u64::from(tuple.dport);
        // The number of chains is a power of two.
        usize::try_from(place).unwrap_or(0) & self.chains.len().wrapping_sub(1)
    }

    /// Twice as many chains. Whoever was entered later comes earlier in the new chains too.
    fn grow(&mut self) {
        let count = (self.chains.len() * 2).max(CHAINS_MIN);
        let old = std::mem::replace(&mut self.chains, vec![END; count]);
        for mut at in old {
            let mut chain = Vec::new();
            while at != END {
                chain.push(at);
                at = self.entries[at as usize].next;
            }
            for at in chain.into_iter().rev() {
                let place = self.chain(&self.entries[at as usize].tuple);
                self.entries[at as usize].next = std::mem::replace(&mut self.chains[place], at);
            }
        }
    }
}
