//! Who may take a TCP port: `bind`, and `listen`, which asks once more.
//!
//! Source: `inet_bind_conflict`, `inet_csk_get_port`, `inet_csk_find_open_port` in `net/ipv4/inet_connection_sock.c`,
//! `__inet_bind`, `__inet6_bind`; FACTS §1.1 to 1.3 and 3.3.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::address::{ANY4, Family, Local, Wildcards, as_v4, canonical, is_any, is_mapped, needs_device, overlap};
use super::bucket::Owner;
use super::route::AddressType;
use super::socket::{Protocol, SocketId, State};
use super::{Errno, Namespace};

/// Why a call was refused: the error, and who or what decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub errno: Errno,
    pub because: Because,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// This socket, or what remains of one, holds the port at an address that overlaps.
    Holder(Owner),
    /// No port of the range is left.
    NoPortLeft { low: u16, high: u16 },
    /// The port is below `ip_unprivileged_port_start` and the user may not take such a one.
    Privilege { start: u16 },
    /// The address is not one of this namespace.
    NotLocal(Ipv6Addr),
    /// The call does not fit the state that the socket is in, or its arguments.
    Misfit,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self { errno, because: Because::Misfit }
    }
}

/// An owner as the conflict rule sees it.
struct Holder {
    local: Local,
    device: Option<u32>,
    reuse: bool,
    reuseport: bool,
    uid: u32,
    state: State,
}

/// How strict the conflict rule is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// A port that was asked for.
    Asked,
    /// A port that is being looked for: no option shares it.
    Searched,
    /// The same with `ip_autobind_reuse`: `SO_REUSEADDR` on both shares it.
    SearchedReuse,
}

impl Namespace {
    fn holder(&self, owner: Owner) -> Holder {
        match owner {
            Owner::Socket(id) => {
                let socket = self.socket_of(id);
                Holder {
                    local: socket.bound(),
                    device: socket.options.device,
                    reuse: socket.options.reuse,
                    reuseport: socket.options.reuseport,
                    uid: socket.uid,
                    state: socket.state,
                }
            }
            Owner::TimeWait(id) => {
                let wait = &self.time_waits[id.0 as usize];
                Holder {
                    local: Local { family: wait.family, address: wait.local, v6only: wait.v6only },
                    device: wait.device,
                    reuse: wait.reuse,
                    reuseport: wait.reuseport,
                    uid: wait.uid,
                    state: State::TimeWait,
                }
            }
        }
    }

    /// Whether an owner keeps the socket from the port, addresses aside.
    fn excludes(&self, id: SocketId, owner: Owner, strictness: Strictness) -> bool {
        if owner == Owner::Socket(id) {
            return false;
        }
        let (socket, holder) = (self.socket_of(id), self.holder(owner));
        let (mine, theirs) = (socket.options.device, holder.device);
        if mine.is_some() && theirs.is_some() && mine != theirs {
            return false;
        }
        let same_user = holder.state == State::TimeWait || holder.uid == socket.uid;
        let share_port = socket.options.reuseport && holder.reuseport && same_user;
        let share_address = socket.options.reuse && holder.reuse && holder.state != State::Listen;
        match strictness {
            Strictness::Asked => !share_address && !share_port,
            Strictness::Searched => true,
            Strictness::SearchedReuse => !share_address || share_port,
        }
    }

    /// The owner that keeps the socket from the port. A wildcard is held against every list; a specific address against
    /// the lists of the wildcards and of this very address.
    fn conflict(&self, id: SocketId, port: u16, strictness: Strictness) -> Option<Owner> {
        let bucket = self.buckets.get(port)?;
        let mine = self.socket_of(id).bound();
        let found = |owner: &Owner| self.excludes(id, *owner, strictness);
        if is_any(mine.address) {
            let overlaps = |owner: &Owner| overlap(mine, self.holder(*owner).local, Wildcards::Both);
            return bucket.owners().filter(found).find(overlaps);
        }
        let of_v4 = mine.family == Family::V4 || is_mapped(mine.address);
        let lists = bucket.addresses.iter().filter(|at| {
            at.address == mine.address || at.address == Ipv6Addr::UNSPECIFIED || (is_any(at.address) && of_v4)
        });
        let apart = |owner: &Owner| of_v4 && self.holder(*owner).local.v6only;
        lists.flat_map(|at| at.owners.iter().copied()).filter(found).find(|owner| !apart(owner))
    }

    /// Takes a port for a socket whose local address is set: the port asked for, or any when it is 0. Asked again by
    /// `listen`, when the socket stands in the list already.
    pub(super) fn get_port(&mut self, id: SocketId, asked: u16) -> Result<(), Refusal> {
        let port = if asked == 0 {
            self.find_open_port(id)?
        } else {
            let socket = self.socket_of(id);
            let (uid, local, reuseport) = (socket.uid, socket.bound(), socket.options.reuseport);
            let memory = self.buckets.get(asked).and_then(|bucket| bucket.memory);
            let covered = reuseport && memory.is_some_and(|memory| memory.covers(uid, local));
            if let Some(owner) = self.conflict(id, asked, Strictness::Asked).filter(|_| !covered) {
                return Err(Refusal { errno: Errno::Eaddrinuse, because: Because::Holder(owner) });
            }
            asked
        };
        let socket = self.socket_of(id);
        let (local, uid, reuseport) = (socket.bound(), socket.uid, socket.options.reuseport);
        if !socket.in_bucket {
            self.buckets.enter(port, local.address, Owner::Socket(id), true);
            let socket = self.sock(id);
            (socket.num, socket.in_bucket) = (port, true);
        }
        self.buckets.note_bind(port, local, uid, reuseport);
        Ok(())
    }

    /// The range that the socket takes its ports from, and whether its own option says so.
    pub(super) fn port_range(&self, id: SocketId) -> (u16, u16, bool) {
        let (mut low, mut high) = self.sysctls.range;
        let (own_low, own_high) = self.socket_of(id).options.local_port_range;
        let all = low..=high;
        if all.contains(&own_low) {
            low = own_low;
        }
        if all.contains(&own_high) {
            high = own_high;
        }
        (low, high, (own_low, own_high) != (0, 0))
    }

    /// Looks for a port that nobody holds at an overlapping address: the parity that `connect` does not like first, with
    /// `SO_REUSEADDR` in the lower half first.
    fn find_open_port(&mut self, id: SocketId) -> Result<u16, Refusal> {
        let (low, high, _) = self.port_range(id);
        let halves: &[u8] = match self.socket_of(id).options.reuse && high - low >= 3 {
            true => &[1, 2],
            false => &[0],
        };
        let passes = [Some(Strictness::Searched), self.sysctls.autobind_reuse.then_some(Strictness::SearchedReuse)];
        for strictness in passes.into_iter().flatten() {
            for half in halves {
                if let Some(port) = self.search_half(id, (low, high), *half, strictness) {
                    return Ok(port);
                }
            }
        }
        Err(Refusal { errno: Errno::Eaddrinuse, because: Because::NoPortLeft { low, high } })
    }

    fn search_half(&mut self, id: SocketId, range: (u16, u16), half: u8, strictness: Strictness) -> Option<u16> {
        let (mut low, mut end) = (u32::from(range.0), u32::from(range.1) + 1);
        let middle = low + (((end - low) >> 2) << 1);
        match half {
            1 => end = middle,
            2 => low = middle,
            _ => {}
        }
        let mut slots = end - low;
        if slots > 1 {
            slots &= !1;
        }
        let start = self.random.below(slots) | 1;
        for offset in [start, start - 1] {
            let mut port = low + offset;
            for _ in (0..slots).step_by(2) {
                if port >= end {
                    port -= slots;
                }
                let candidate = u16::try_from(port).unwrap_or(u16::MAX);
                let free =
                    !self.sysctls.reserved.contains(candidate) && self.conflict(id, candidate, strictness).is_none();
                if free {
                    return Some(candidate);
                }
                port += 2;
            }
        }
        None
    }

    /// Gives the port back.
    pub(super) fn put_port(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        if socket.in_bucket {
            let (port, address) = (socket.num, socket.local);
            let Self { buckets, sockets, time_waits, .. } = self;
            buckets.leave(port, address, Owner::Socket(id), |owner| chosen(sockets, time_waits, owner));
        }
        let socket = self.sock(id);
        (socket.num, socket.in_bucket, socket.connect_bound) = (0, false, false);
    }

    /// Moves a socket that holds a port to another local address (`inet_bhash2_update_saddr`).
    pub(super) fn move_to(&mut self, id: SocketId, address: Ipv6Addr) {
        let socket = self.socket_of(id);
        let (port, old, by_connect) = (socket.num, socket.local, socket.connect_bound);
        let in_bucket = socket.in_bucket;
        if in_bucket {
            let Self { buckets, sockets, time_waits, .. } = self;
            buckets.leave_list(port, old, Owner::Socket(id), |owner| chosen(sockets, time_waits, owner));
        }
        let socket = self.sock(id);
        (socket.local, socket.source) = (address, address);
        if in_bucket {
            self.buckets.enter(port, address, Owner::Socket(id), !by_connect);
        }
    }

    /// Back to the wildcard, unless an address was asked for in `bind`.
    pub(super) fn reset_address(&mut self, id: SocketId) {
        let socket = self.socket_of(id);
        if !socket.address_locked {
            let any = socket.family.any();
            self.move_to(id, any);
        }
    }

    /// `bind` of either protocol.
    ///
    /// # Errors
    /// Those of FACTS §1.3, in the order of the kernel's tests.
    pub fn bind(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Refusal> {
        let (family, protocol) = (self.socket_of(id).family, self.socket_of(id).protocol);
        let address = canonical(to.ip());
        let source = match (family, to.ip()) {
            (Family::V4, IpAddr::V6(_)) => return Err(Errno::Eafnosupport.into()),
            (Family::V6, IpAddr::V4(_)) => return Err(Errno::Einval.into()),
            (Family::V4, IpAddr::V4(v4)) => {
                let kind = self.bindable4(v4)?;
                self.may_take(to.port())?;
                self.must_be_fresh(id)?;
                if matches!(kind, AddressType::Multicast | AddressType::Broadcast) { family.any() } else { address }
            }
            (Family::V6, IpAddr::V6(v6)) => {
                if v6.is_multicast() && protocol == Protocol::Tcp {
                    return Err(Errno::Einval.into());
                }
                self.may_take(to.port())?;
                self.must_be_fresh(id)?;
                self.bindable6(id, v6)?;
                if v6.is_multicast() { family.any() } else { address }
            }
        };
        let only_before = self.socket_of(id).options.v6only;
        let no_port = self.socket_of(id).options.bind_address_no_port;
        let socket = self.sock(id);
        (socket.local, socket.source) = (address, source);
        socket.source4 = as_v4(address).to_ipv6_mapped();
        if family == Family::V6 && !is_mapped(address) && !is_any(address) {
            socket.options.v6only = true;
        }
        if to.port() != 0 || !no_port {
            let taken = match protocol {
                Protocol::Tcp => self.get_port(id, to.port()),
                Protocol::Udp => self.udp_get_port(id, to.port()),
            };
            if let Err(refusal) = taken {
                let socket = self.sock(id);
                socket.options.v6only = only_before;
                (socket.local, socket.source, socket.source4) = (family.any(), family.any(), ANY4);
                return Err(refusal);
            }
        }
        let socket = self.sock(id);
        socket.address_locked |= if family == Family::V4 { !is_any(address) } else { address != Ipv6Addr::UNSPECIFIED };
        socket.port_locked |= to.port() != 0;
        (socket.sport, socket.dport) = (socket.num, 0);
        Ok(())
    }

    /// An address that is not here can be bound by `ip_nonlocal_bind` alone; groups and broadcast addresses always.
    fn bindable4(&self, address: std::net::Ipv4Addr) -> Result<AddressType, Refusal> {
        let kind = self.routing.address_type(address);
        if kind == AddressType::Unicast && !address.is_unspecified() && !self.sysctls.nonlocal_bind {
            let because = Because::NotLocal(address.to_ipv6_mapped());
            return Err(Refusal { errno: Errno::Eaddrnotavail, because });
        }
        // The wildcard is neither a group nor everybody.
        Ok(if address.is_unspecified() { AddressType::Local } else { kind })
    }

    fn bindable6(&self, id: SocketId, address: Ipv6Addr) -> Result<(), Refusal> {
        let options = self.socket_of(id).options;
        if let Some(v4) = address.to_ipv4_mapped() {
            if options.v6only {
                return Err(Errno::Einval.into());
            }
            return self.bindable4(v4).map(|_| ());
        }
        if address == Ipv6Addr::UNSPECIFIED {
            return Ok(());
        }
        if needs_device(address) && options.device.is_none() {
            return Err(Errno::Einval.into());
        }
        let here = address.is_multicast() || self.routing.is_local6(address) || self.sysctls.nonlocal_bind6;
        if here {
            return Ok(());
        }
        Err(Refusal { errno: Errno::Eaddrnotavail, because: Because::NotLocal(address) })
    }

    fn may_take(&self, port: u16) -> Result<(), Refusal> {
        let start = self.sysctls.unprivileged_port_start;
        if port != 0 && port < start && self.euid != 0 {
            return Err(Refusal { errno: Errno::Eacces, because: Because::Privilege { start } });
        }
        Ok(())
    }

    fn must_be_fresh(&self, id: SocketId) -> Result<(), Refusal> {
        let socket = self.socket_of(id);
        if socket.state != State::Close || socket.num != 0 {
            return Err(Errno::Einval.into());
        }
        Ok(())
    }
}

/// Whether `connect` chose the port of this owner.
pub(super) fn chosen(
    sockets: &slab::Slab<super::socket::Socket>,
    time_waits: &slab::Slab<super::socket::TimeWait>,
    owner: Owner,
) -> bool {
    match owner {
        Owner::Socket(id) => sockets[id.0 as usize].connect_bound,
        Owner::TimeWait(id) => time_waits[id.0 as usize].connect_bound,
    }
}
