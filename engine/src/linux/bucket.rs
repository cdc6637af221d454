//! Who holds which TCP port: a bucket for each port, in it a list for each local address.
//!
//! A bucket knows two things beside its owners. Whether it is *bound*: some owner took the port by `bind` or `listen`, or
//! was accepted on it; then no `connect` picks the port (FACTS §3.2.3). And its *memory*: the last `SO_REUSEPORT` socket
//! that the memory before it did not cover; a socket that the memory covers is not tested against the owners (§1.1).
//! Source: `struct inet_bind_bucket`, `struct inet_bind2_bucket`, `inet_csk_update_fastreuse`, `sk_reuseport_match`.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use super::address::{Local, Wildcards, overlap};
use super::socket::{SocketId, TimeWaitId};
use super::sysctl::Ports;

/// Who stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Socket(SocketId),
    TimeWait(TimeWaitId),
}

/// The owners of a port at one address.
#[derive(Clone, Debug)]
pub struct AtAddress {
    pub address: Ipv6Addr,
    pub bound: bool,
    pub owners: Owners,
}

/// A list that is never empty. Nearly every one has one owner, and two while a `TIME_WAIT` takes a socket's place; some have
/// tens of thousands.
#[derive(Clone, Debug)]
pub enum Owners {
    One(Owner),
    Two([Owner; 2]),
    Many(BTreeSet<Owner>),
}

impl Owners {
    pub fn iter(&self) -> impl Iterator<Item = &Owner> {
        let (few, many) = match self {
            Owners::One(owner) => (std::slice::from_ref(owner), None),
            Owners::Two(owners) => (owners.as_slice(), None),
            Owners::Many(owners) => ([].as_slice(), Some(owners)),
        };
        few.iter().chain(many.into_iter().flatten())
    }

    #[must_use]
    pub fn contains(&self, owner: &Owner) -> bool {
        match self {
            Owners::Many(owners) => owners.contains(owner),
            _ => self.iter().any(|other| other == owner),
        }
    }

    fn insert(&mut self, owner: Owner) {
        match self {
            Owners::Many(owners) => {
                owners.insert(owner);
            }
            _ if self.contains(&owner) => {}
            Owners::One(one) => *self = Owners::Two([*one, owner]),
            Owners::Two([one, two]) => *self = Owners::Many([*one, *two, owner].into()),
        }
    }

    /// Takes an owner out; whether it was the last, which stays for the list to go.
    fn remove(&mut self, owner: &Owner) -> bool {
        match self {
            Owners::One(one) => return one == owner,
            Owners::Two([one, two]) if one == owner => *self = Owners::One(*two),
            Owners::Two([one, two]) if two == owner => *self = Owners::One(*one),
            Owners::Two(_) => {}
            Owners::Many(owners) if owners.len() == 1 => return owners.contains(owner),
            Owners::Many(owners) => {
                owners.remove(owner);
            }
        }
        false
    }
}

/// What a port remembers of a `SO_REUSEPORT` socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub uid: u32,
    pub local: Local,
}

impl Memory {
    /// Whether a new `SO_REUSEPORT` socket is taken in without a look at the owners.
    #[must_use]
    pub fn covers(&self, uid: u32, local: Local) -> bool {
        self.uid == uid && overlap(self.local, local, Wildcards::First)
    }
}

/// A port that somebody holds.
#[derive(Clone, Debug, Default)]
pub struct Bucket {
    pub bound: bool,
    pub memory: Option<Memory>,
    pub addresses: Vec<AtAddress>,
}

impl Bucket {
    /// The owners at exactly this address.
    #[must_use]
    pub fn at(&self, address: Ipv6Addr) -> Option<&AtAddress> {
        self.addresses.iter().find(|at| at.address == address)
    }

    /// Takes an owner out of the list of its address. `chosen` says of an owner whether `connect` chose its port: a list
    /// of such owners alone is not bound any more.
    fn leave_list(&mut self, address: Ipv6Addr, owner: Owner, chosen: impl Fn(Owner) -> bool) {
        let Some(place) = self.addresses.iter().position(|at| at.address == address) else { return };
        let at = &mut self.addresses[place];
        if at.owners.remove(&owner) {
            self.addresses.swap_remove(place);
        } else if at.bound && at.owners.iter().all(|owner| chosen(*owner)) {
            at.bound = false;
        }
    }

    /// All owners.
    pub fn owners(&self) -> impl Iterator<Item = Owner> + '_ {
        self.addresses.iter().flat_map(|at| at.owners.iter().copied())
    }
}

/// Buckets by port, in pages of 64: `connect` goes from port to port, and what it asks for next lies beside.
#[derive(Clone, Debug, Default)]
struct Pages(Vec<Option<Box<Page>>>);

type Page = [Option<Bucket>; 64];

impl Pages {
    fn get(&self, port: u16) -> Option<&Bucket> {
        self.0.get(usize::from(port >> 6))?.as_ref()?[usize::from(port & 63)].as_ref()
    }

    fn get_mut(&mut self, port: u16) -> Option<&mut Bucket> {
        self.place(port)?.as_mut()
    }

    /// Where the bucket of the port stands, once its page has been made.
    fn place(&mut self, port: u16) -> Option<&mut Option<Bucket>> {
        Some(&mut self.0.get_mut(usize::from(port >> 6))?.as_mut()?[usize::from(port & 63)])
    }

    /// The bucket of the port, a new one where there was none.
    fn enter(&mut self, port: u16) -> &mut Bucket {
        let page = usize::from(port >> 6);
        if page >= self.0.len() {
            self.0.resize(page + 1, None);
        }
        let page = self.0[page].get_or_insert_with(|| Box::new([const { None }; 64]));
        page[usize::from(port & 63)].get_or_insert_default()
    }
}

/// All TCP ports that are held.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    by_port: Pages,
    /// Ports whose bucket is bound, for the search of `connect`.
    bound: Ports,
    /// How often a port has ceased to be bound.
    unbound: u64,
}

impl Buckets {
    /// The bucket of the port.
    #[must_use]
    pub fn get(&self, port: u16) -> Option<&Bucket> {
        self.by_port.get(port)
    }

    /// The buckets, in the order of their ports.
    pub fn all(&self) -> impl Iterator<Item = &Bucket> {
        self.by_port.0.iter().flatten().flat_map(|page| page.iter().flatten())
    }

    /// Ports whose bucket is bound.
    #[must_use]
    pub fn bound(&self) -> &Ports {
        &self.bound
    }

    /// How often a port has ceased to be bound: a search that found one so need not look again before that changes.
    #[must_use]
    pub fn unbound(&self) -> u64 {
        self.unbound
    }

    fn unbind(&mut self, port: u16) {
        if self.bound.contains(port) {
            self.bound.remove(port);
            self.unbound += 1;
        }
    }

    /// Enters an owner. `bound` is what a list is that was not there before; one that was there stays as it is.
    pub fn enter(&mut self, port: u16, address: Ipv6Addr, owner: Owner, bound: bool) {
        let bucket = self.by_port.enter(port);
        if bucket.addresses.is_empty() && bound {
            bucket.bound = true;
            self.bound.insert(port);
        }
        match bucket.addresses.iter_mut().find(|at| at.address == address) {
            Some(at) => at.owners.insert(owner),
            None => {
                // Nearly always the only one.
                bucket.addresses.reserve_exact(1);
                bucket.addresses.push(AtAddress { address, bound, owners: Owners::One(owner) });
            }
        }
    }

    /// Notes a successful `bind` or `listen` of a socket that stands in the list of `local.address`.
    pub fn note_bind(&mut self, port: u16, local: Local, uid: u32, reuseport: bool) {
        let Some(bucket) = self.by_port.get_mut(port) else { return };
        bucket.bound = true;
        self.bound.insert(port);
        if let Some(at) = bucket.addresses.iter_mut().find(|at| at.address == local.address) {
            at.bound = true;
        }
        bucket.memory = match bucket.memory {
            _ if !reuseport => None,
            Some(memory) if memory.covers(uid, local) => Some(memory),
            _ => Some(Memory { uid, local }),
        };
    }

    /// Takes an owner out of the list of its address; see [`Bucket::leave_list`].
    pub fn leave_list(&mut self, port: u16, address: Ipv6Addr, owner: Owner, chosen: impl Fn(Owner) -> bool) {
        if let Some(bucket) = self.by_port.get_mut(port) {
            bucket.leave_list(address, owner, chosen);
        }
    }

    /// Takes an owner out, and gives the port back with the last one.
    pub fn leave(&mut self, port: u16, address: Ipv6Addr, owner: Owner, chosen: impl Fn(Owner) -> bool) {
        let Some(place) = self.by_port.place(port) else { return };
        let Some(bucket) = place else { return };
        bucket.leave_list(address, owner, chosen);
        if bucket.addresses.is_empty() {
            *place = None;
            self.unbind(port);
        } else if bucket.bound && bucket.addresses.iter().all(|at| !at.bound) {
            bucket.bound = false;
            bucket.memory = None;
            self.unbind(port);
        }
    }
}
