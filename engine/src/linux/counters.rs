//! The counters of a namespace, by the names that `nstat` prints.
//!
//! Source: RFC 4022, RFC 4113, `include/uapi/linux/snmp.h`, `net/ipv4/proc.c`. No counter counts that the source ports ran
//! out (FACTS §3.5). Those of segments depend on when ACKs are sent, and portlab sends them as a quiet loopback does. Left
//! out: counters of bytes, of the fast path (`TcpExtTCPHPHits`, `TcpExtTCPPureAcks`) and of what is not modelled.

use super::address::is_mapped;
use super::packet::{Body, Packet};

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
    UdpInErrors,
    UdpRcvbufErrors,
    UdpOutDatagrams,
    Udp6InDatagrams,
    Udp6NoPorts,
    Udp6InErrors,
    Udp6RcvbufErrors,
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
    IpInReceives,
    IpInDelivers,
    IpOutRequests,
    IpOutTransmits,
    IpExtInNoECTPkts,
    Ip6InReceives,
    Ip6InDelivers,
    Ip6OutRequests,
    Ip6OutTransmits,
    Ip6InNoECTPkts,
    IcmpInMsgs,
    IcmpInDestUnreachs,
    IcmpOutMsgs,
    IcmpOutDestUnreachs,
    Icmp6InMsgs,
    Icmp6InDestUnreachs,
    Icmp6OutMsgs,
    Icmp6OutDestUnreachs,
    TcpExtTCPAbortOnTimeout,
    TcpExtTCPOrigDataSent,
    TcpExtTCPLossProbes,
    TcpExtLockDroppedIcmps,
    TcpExtTcpTimeoutRehash,
}

/// Counter and name, in the order of `nstat`.
const NAMES: &[(Counter, &str)] = &[
    (Counter::IpInReceives, "IpInReceives"),
    (Counter::IpInDelivers, "IpInDelivers"),
    (Counter::IpOutRequests, "IpOutRequests"),
    (Counter::IpOutNoRoutes, "IpOutNoRoutes"),
    (Counter::IpOutTransmits, "IpOutTransmits"),
    (Counter::IcmpInMsgs, "IcmpInMsgs"),
    (Counter::IcmpInDestUnreachs, "IcmpInDestUnreachs"),
    (Counter::IcmpOutMsgs, "IcmpOutMsgs"),
    (Counter::IcmpOutDestUnreachs, "IcmpOutDestUnreachs"),
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
    (Counter::UdpInErrors, "UdpInErrors"),
    (Counter::UdpOutDatagrams, "UdpOutDatagrams"),
    (Counter::UdpRcvbufErrors, "UdpRcvbufErrors"),
    (Counter::Ip6InReceives, "Ip6InReceives"),
    (Counter::Ip6InDelivers, "Ip6InDelivers"),
    (Counter::Ip6OutRequests, "Ip6OutRequests"),
    (Counter::Ip6OutNoRoutes, "Ip6OutNoRoutes"),
    (Counter::Ip6InNoECTPkts, "Ip6InNoECTPkts"),
    (Counter::Ip6OutTransmits, "Ip6OutTransmits"),
    (Counter::Icmp6InMsgs, "Icmp6InMsgs"),
    (Counter::Icmp6OutMsgs, "Icmp6OutMsgs"),
    (Counter::Icmp6InDestUnreachs, "Icmp6InDestUnreachs"),
    (Counter::Icmp6OutDestUnreachs, "Icmp6OutDestUnreachs"),
    (Counter::Udp6InDatagrams, "Udp6InDatagrams"),
    (Counter::Udp6NoPorts, "Udp6NoPorts"),
    (Counter::Udp6InErrors, "Udp6InErrors"),
    (Counter::Udp6OutDatagrams, "Udp6OutDatagrams"),
    (Counter::Udp6RcvbufErrors, "Udp6RcvbufErrors"),
    (Counter::TcpExtEmbryonicRsts, "TcpExtEmbryonicRsts"),
    (Counter::TcpExtLockDroppedIcmps, "TcpExtLockDroppedIcmps"),
    (Counter::TcpExtTW, "TcpExtTW"),
    (Counter::TcpExtTWRecycled, "TcpExtTWRecycled"),
    (Counter::TcpExtTWKilled, "TcpExtTWKilled"),
    (Counter::TcpExtDelayedACKs, "TcpExtDelayedACKs"),
    (Counter::TcpExtListenOverflows, "TcpExtListenOverflows"),
    (Counter::TcpExtListenDrops, "TcpExtListenDrops"),
    (Counter::TcpExtTCPTimeouts, "TcpExtTCPTimeouts"),
    (Counter::TcpExtTCPLossProbes, "TcpExtTCPLossProbes"),
    (Counter::TcpExtTCPAbortOnData, "TcpExtTCPAbortOnData"),
    (Counter::TcpExtTCPAbortOnClose, "TcpExtTCPAbortOnClose"),
    (Counter::TcpExtTCPAbortOnTimeout, "TcpExtTCPAbortOnTimeout"),
    (Counter::TcpExtTCPTimeWaitOverflow, "TcpExtTCPTimeWaitOverflow"),
    (Counter::TcpExtTCPChallengeACK, "TcpExtTCPChallengeACK"),
    (Counter::TcpExtTCPSYNChallenge, "TcpExtTCPSYNChallenge"),
    (Counter::TcpExtTCPSynRetrans, "TcpExtTCPSynRetrans"),
    (Counter::TcpExtTCPOrigDataSent, "TcpExtTCPOrigDataSent"),
    (Counter::TcpExtTcpTimeoutRehash, "TcpExtTcpTimeoutRehash"),
    (Counter::IpExtInNoECTPkts, "IpExtInNoECTPkts"),
];

/// Counters that nothing here can move: no segment is damaged or comes out of order, nobody asks for Fast Open, keepalive or
/// signatures, no half-open connection lasts, and nothing is forwarded over IPv6.
const NEVER: &str = "IpForwDatagrams IpInAddrErrors IpInDiscards IpInHdrErrors IpInUnknownProtos IpReasmFails IpReasmOKs \
    IpReasmReqds IpReasmTimeout IpFragCreates IpFragFails IpFragOKs IpOutDiscards IcmpInCsumErrors IcmpInErrors IcmpOutErrors \
    Ip6InAddrErrors Ip6InDiscards Ip6InHdrErrors Ip6InNoRoutes Ip6InTooBigErrors Ip6InTruncatedPkts Ip6InUnknownProtos \
    Ip6OutDiscards Ip6OutForwDatagrams Ip6ReasmFails Ip6ReasmOKs Ip6ReasmReqds Ip6ReasmTimeout Ip6FragCreates \
    Ip6FragFails Ip6FragOKs Icmp6InCsumErrors Icmp6InErrors Icmp6OutErrors \
    TcpInCsumErrors TcpInErrs UdpInCsumErrors UdpMemErrors UdpSndbufErrors \
    Udp6InCsumErrors Udp6MemErrors Udp6SndbufErrors \
    TcpExtOfoPruned TcpExtOutOfWindowIcmps TcpExtPruneCalled TcpExtRcvPruned TcpExtSyncookiesFailed \
    TcpExtSyncookiesRecv TcpExtSyncookiesSent TcpExtTCPAbortFailed TcpExtTCPAbortOnLinger TcpExtTCPAbortOnMemory \
    TcpExtTCPBacklogDrop TcpExtTCPDeferAcceptDrop TcpExtTCPFastOpenActive TcpExtTCPFastOpenActiveFail \
    TcpExtTCPFastOpenListenOverflow TcpExtTCPFastOpenPassive TcpExtTCPFastOpenPassiveFail TcpExtTCPFastRetrans \
    TcpExtTCPKeepAlive TcpExtTCPMD5Failure TcpExtTCPMD5NotFound TcpExtTCPMD5Unexpected TcpExtTCPMemoryPressures \
    TcpExtTCPMigrateReqFailure TcpExtTCPMigrateReqSuccess TcpExtTCPOFODrop TcpExtTCPOFOQueue TcpExtTCPRcvQDrop \
    TcpExtTCPReqQFullDoCookies TcpExtTCPReqQFullDrop TcpExtTCPSackRecovery TcpExtTCPSlowStartRetrans \
    TcpExtTCPZeroWindowDrop";

/// What IP counts of a packet, of either family.
struct OfFamily {
    received: [Counter; 3],
    sent: [Counter; 2],
    unreachable_in: [Counter; 2],
    unreachable_out: [Counter; 2],
}

const V4: OfFamily = OfFamily {
    received: [Counter::IpInReceives, Counter::IpExtInNoECTPkts, Counter::IpInDelivers],
    sent: [Counter::IpOutRequests, Counter::IpOutTransmits],
    unreachable_in: [Counter::IcmpInMsgs, Counter::IcmpInDestUnreachs],
    unreachable_out: [Counter::IcmpOutMsgs, Counter::IcmpOutDestUnreachs],
};

const V6: OfFamily = OfFamily {
    received: [Counter::Ip6InReceives, Counter::Ip6InNoECTPkts, Counter::Ip6InDelivers],
    sent: [Counter::Ip6OutRequests, Counter::Ip6OutTransmits],
    unreachable_in: [Counter::Icmp6InMsgs, Counter::Icmp6InDestUnreachs],
    unreachable_out: [Counter::Icmp6OutMsgs, Counter::Icmp6OutDestUnreachs],
};

fn of_family(packet: &Packet) -> &'static OfFamily {
    if is_mapped(packet.destination) { &V4 } else { &V6 }
}

fn is_icmp(packet: &Packet) -> bool {
    matches!(packet.body, Body::PortUnreachable | Body::Unreachable { .. })
}

/// The counters of one namespace.
#[derive(Clone, Debug)]
pub struct Counters {
    values: [u64; NAMES.len()],
    /// `TcpCurrEstab`, which counts down too; `nstat` leaves it out.
    pub established: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self { values: [0; NAMES.len()], established: 0 }
    }
}

impl Counters {
    /// One more.
    pub fn add(&mut self, counter: Counter) {
        self.values[counter as usize] += 1;
    }

    /// A packet goes out.
    pub fn sent(&mut self, packet: &Packet) {
        let of = of_family(packet);
        of.sent.iter().for_each(|counter| self.add(*counter));
        if is_icmp(packet) {
            of.unreachable_out.iter().for_each(|counter| self.add(*counter));
        }
    }

    /// A packet has come in; whether it is for this host.
    pub fn received(&mut self, packet: &Packet, here: bool) {
        let of = of_family(packet);
        let met = if here { &of.received[..] } else { &of.received[..2] };
        met.iter().for_each(|counter| self.add(*counter));
        if here && is_icmp(packet) {
            of.unreachable_in.iter().for_each(|counter| self.add(*counter));
        }
    }

    /// How often it happened.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.values[counter as usize]
    }

    /// By the name that `nstat` prints; `None` for one that portlab does not count.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<u64> {
        if name == "TcpCurrEstab" {
            return Some(self.established);
        }
        let counted = NAMES.iter().find(|row| row.1 == name).map(|row| self.get(row.0));
        counted.or_else(|| NEVER.split_whitespace().any(|never| never == name).then_some(0))
    }

    /// All names and values, in the order of `nstat`.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NAMES.iter().map(|row| (row.1, self.get(row.0)))
    }
}
