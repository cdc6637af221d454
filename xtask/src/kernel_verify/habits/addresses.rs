//! The addresses of the habits, and the habit that the others are variations of.

use std::net::{Ipv4Addr, Ipv6Addr};

use portlab_scenarios::syscalls::Family::{Tcp4, Tcp6};

use super::{Habit, Set};

pub(super) const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
pub(super) const LO: Ipv4Addr = Ipv4Addr::LOCALHOST;
pub(super) const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(super) const FAR: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
pub(super) const FAR2: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
pub(super) const NET: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 1);
pub(super) const MANY: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
pub(super) const LAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);
pub(super) const ANY6: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
pub(super) const LO6: Ipv6Addr = Ipv6Addr::LOCALHOST;
pub(super) const FAR6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
pub(super) const LO_MAPPED: Ipv6Addr = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
pub(super) const TWO_MAPPED: Ipv6Addr = TWO.to_ipv6_mapped();
pub(super) const ANY_MAPPED: Ipv6Addr = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped();
pub(super) const FAR_MAPPED: Ipv6Addr = FAR.to_ipv6_mapped();

pub(super) const BACKLOGS: &[Option<i32>] = &[None, None, Some(16), Some(1)];

/// What the others are variations of.
pub(super) const PLAIN: Habit = Habit {
    name: "",
    steps: (4, 14),
    ops: &[],
    families: &[Tcp4, Tcp4, Tcp6],
    v4: &[ANY, LO, LO, TWO],
    v6: &[ANY6, LO6, LO_MAPPED, ANY_MAPPED],
    ports: &[8080],
    options: &[Set::ReuseAddr, Set::ReusePort],
    options_percent: 40,
    wrong_family_percent: 0,
    client_binds_percent: 0,
    backlogs: BACKLOGS,
    sysctls: &[],
    sleeps: &[1],
    long_sends: &[],
    counters: &[],
};

/// Addresses that are seldom meant: networks, broadcasts, groups, the unassigned, those of other hosts.
pub(super) const ODD: &[Ipv4Addr] = &[
    ANY,
    LO,
    LAST,
    MANY,
    Ipv4Addr::new(127, 0, 0, 0),
    Ipv4Addr::new(0, 0, 0, 1),
    Ipv4Addr::new(240, 0, 0, 1),
    Ipv4Addr::BROADCAST,
    Ipv4Addr::new(10, 8, 0, 0),
    Ipv4Addr::new(10, 8, 0, 255),
    Ipv4Addr::new(10, 8, 0, 7),
    Ipv4Addr::new(198, 51, 100, 7),
];
pub(super) const ODD6: &[Ipv6Addr] = &[
    ANY6,
    LO6,
    LO_MAPPED,
    Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0x7f00, 1),
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
    Ipv4Addr::new(224, 0, 0, 1).to_ipv6_mapped(),
    Ipv4Addr::new(10, 8, 0, 7).to_ipv6_mapped(),
    Ipv4Addr::new(198, 51, 100, 7).to_ipv6_mapped(),
    Ipv4Addr::BROADCAST.to_ipv6_mapped(),
];
