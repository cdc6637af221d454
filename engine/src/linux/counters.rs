//! The counters of a namespace, by the names that `nstat` prints.
//!
//! Source: RFC 4022, RFC 4113, `include/uapi/linux/snmp.h`. No counter counts that the source ports ran out (FACTS §3.5).
//! Left out: counters of things that portlab does not do, which read 0 in the kernel too as long as they do not happen;
//! those of segments depend on when ACKs are sent, and portlab sends them as a quiet loopback does.

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    TcpActiveOpens,
    TcpPassiveOpens,
    TcpAttemptFails,
    TcpEstabResets,
    TcpInSegs,
    TcpOutSegs,
    TcpRetransSegs,
    TcpOutRsts,
    UdpInDatagrams,
    UdpNoPorts,
    UdpOutDatagrams,
    Udp6InDatagrams,
    Udp6NoPorts,
    Udp6OutDatagrams,
    IpOutNoRoutes,
    Ip6OutNoRoutes,
    TcpExtEmbryonicRsts,
    TcpExtTW,
    TcpExtTWRecycled,
    TcpExtTWKilled,
    TcpExtDelayedACKs,
    TcpExtListenOverflows,
    TcpExtListenDrops,
    TcpExtTCPTimeouts,
    TcpExtTCPAbortOnData,
    TcpExtTCPAbortOnClose,
    TcpExtTCPTimeWaitOverflow,
    TcpExtTCPSynRetrans,
    TcpExtTCPChallengeACK,
    TcpExtTCPSYNChallenge,
}

/// Counter and name, in the order of `nstat`.
const NAMES: &[(Counter, &str)] = &[
    (Counter::TcpActiveOpens, "TcpActiveOpens"),
    (Counter::TcpPassiveOpens, "TcpPassiveOpens"),
    (Counter::TcpAttemptFails, "TcpAttemptFails"),
    (Counter::TcpEstabResets, "TcpEstabResets"),
    (Counter::TcpInSegs, "TcpInSegs"),
    (Counter::TcpOutSegs, "TcpOutSegs"),
    (Counter::TcpRetransSegs, "TcpRetransSegs"),
    (Counter::TcpOutRsts, "TcpOutRsts"),
    (Counter::UdpInDatagrams, "UdpInDatagrams"),
    (Counter::UdpNoPorts, "UdpNoPorts"),
    (Counter::UdpOutDatagrams, "UdpOutDatagrams"),
    (Counter::Udp6InDatagrams, "Udp6InDatagrams"),
    (Counter::Udp6NoPorts, "Udp6NoPorts"),
    (Counter::Udp6OutDatagrams, "Udp6OutDatagrams"),
    (Counter::IpOutNoRoutes, "IpOutNoRoutes"),
    (Counter::Ip6OutNoRoutes, "Ip6OutNoRoutes"),
    (Counter::TcpExtEmbryonicRsts, "TcpExtEmbryonicRsts"),
    (Counter::TcpExtTW, "TcpExtTW"),
    (Counter::TcpExtTWRecycled, "TcpExtTWRecycled"),
    (Counter::TcpExtTWKilled, "TcpExtTWKilled"),
    (Counter::TcpExtDelayedACKs, "TcpExtDelayedACKs"),
    (Counter::TcpExtListenOverflows, "TcpExtListenOverflows"),
    (Counter::TcpExtListenDrops, "TcpExtListenDrops"),
    (Counter::TcpExtTCPTimeouts, "TcpExtTCPTimeouts"),
    (Counter::TcpExtTCPAbortOnData, "TcpExtTCPAbortOnData"),
    (Counter::TcpExtTCPAbortOnClose, "TcpExtTCPAbortOnClose"),
    (Counter::TcpExtTCPTimeWaitOverflow, "TcpExtTCPTimeWaitOverflow"),
    (Counter::TcpExtTCPSynRetrans, "TcpExtTCPSynRetrans"),
    (Counter::TcpExtTCPChallengeACK, "TcpExtTCPChallengeACK"),
    (Counter::TcpExtTCPSYNChallenge, "TcpExtTCPSYNChallenge"),
];

/// The counters of one namespace.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    values: [u64; NAMES.len()],
}

impl Counters {
    /// One more.
    pub fn add(&mut self, counter: Counter) {
        self.values[counter as usize] += 1;
    }

    /// How often it happened.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.values[counter as usize]
    }

    /// By the name that `nstat` prints; `None` for one that portlab does not count.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<u64> {
        NAMES.iter().find(|row| row.1 == name).map(|row| self.get(row.0))
    }

    /// All names and values, in the order of `nstat`.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NAMES.iter().map(|row| (row.1, self.get(row.0)))
    }
}
