//! Opening a connection: route, source, port, SYN.
//!
//! Source: `__inet_stream_connect`, `tcp_v4_connect`, `tcp_v6_connect`; FACTS §2, §3.2, §3.4.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::super::address::{ANY6, Family, LOOPBACK4, LOOPBACK6, canonical, is_any, is_mapped};
use super::super::bind::{Because, Refusal};
use super::super::bucket::Owner;
use super::super::counters::Counter;
use super::super::demux::{Holder, Unique};
use super::super::packet::Segment;
use super::super::route::Out;
use super::super::socket::{Phase, SocketId, State};
use super::super::timer::Timer;
use super::super::wait::{Then, Wait};
use super::super::{Errno, Namespace};
use super::tuple_of;
use super::window::{Window, packet_text};

/// How long a SYN waits for its answer the first time, in ms (`TCP_TIMEOUT_INIT`).
pub(super) const SYN_TIMEOUT_MS: u64 = 1000;

/// How long a call waits, in ms: the limit that the sockets of a script have.
pub const CALL_TIMEOUT_MS: u64 = 1000;

impl Namespace {
    /// `connect` of a TCP socket; waits up to [`CALL_TIMEOUT_MS`].
    ///
    /// # Errors
    /// Those of FACTS §2 and §3.4; `EINPROGRESS` when nobody has answered in time.
    pub fn tcp_connect(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Refusal> {
        let wait = self.begin_connect(id, to)?;
        self.wait(&wait);
        self.finish(wait).map(|_| ())
    }

    /// What `connect` says once it waits no longer.
    pub(in crate::linux) fn finish_connect(&mut self, wait: &Wait, told: Errno) -> Result<(), Refusal> {
        let id = wait.socket;
        // What comes in the last moment comes too late for this call.
        if self.waits(wait) || self.now == wait.until {
            return Err(told.into());
        }
        if self.socket_of(id).state == State::Close {
            let errno = self.sock(id).error.take().unwrap_or(Errno::Econnaborted);
            self.sock(id).phase = Phase::Unconnected;
            self.disconnect(id);
            return Err(errno.into());
        }
        self.sock(id).phase = Phase::Connected;
        Ok(())
    }

    /// `connect` of a socket with `O_NONBLOCK`: does not wait for a host elsewhere. The connection stands once the state
    /// says so.
    ///
    /// # Errors
    /// As [`Self::tcp_connect`]; `EINPROGRESS` while the answer is not there.
    pub fn connect_nonblocking(&mut self, id: SocketId, to: SocketAddr) -> Result<(), Refusal> {
        let wait = self.begin_connect(id, to)?;
        self.finish(wait).map(|_| ())
    }

    /// Sends the SYN, unless that was done; what the call then waits for.
    ///
    /// # Errors
    /// As [`Self::tcp_connect`], where there is nothing to wait for.
    pub fn begin_connect(&mut self, id: SocketId, to: SocketAddr) -> Result<Wait, Refusal> {
        let (phase, state) = (self.socket_of(id).phase, self.socket_of(id).state);
        let told = match phase {
            Phase::Connected => return Err(Errno::Eisconn.into()),
            Phase::Disconnecting => return Err(Errno::Einval.into()),
            Phase::Connecting => Errno::Ealready,
            Phase::Unconnected if state != State::Close => return Err(Errno::Eisconn.into()),
            Phase::Unconnected => {
                let peer = self.destination(id, to)?;
                let opened = self.open(id, peer, to.port());
                if self.socket_of(id).family == Family::V6 && is_mapped(peer) {
                    let peer = self.socket_of(id).peer;
                    self.sock(id).tcp.v4_peer = opened.is_ok().then_some(peer);
                }
                opened?;
                self.sock(id).phase = Phase::Connecting;
                self.deliver();
                Errno::Einprogress
            }
        };
        Ok(Wait { socket: id, until: self.now + CALL_TIMEOUT_MS, then: Then::Connected(told) })
    }

    /// Chooses addresses and port and sends the SYN.
    fn open(&mut self, id: SocketId, peer: Ipv6Addr, port: u16) -> Result<(), Refusal> {
        let socket = self.socket_of(id);
        let (source, device) = (socket.source, socket.options.device);
        let path = self.routing.output(source, peer, device).inspect_err(|errno| {
            if *errno == Errno::Enetunreach {
                let v4 = is_mapped(peer);
                self.counters.add(if v4 { Counter::IpOutNoRoutes } else { Counter::Ip6OutNoRoutes });
            }
        })?;
        let to_group = path.destination.to_ipv4_mapped().is_some_and(|v4| v4.is_multicast());
        if path.out == Out::Broadcast || to_group {
            return Err(Errno::Enetunreach.into());
        }
        if is_any(source) {
            self.move_to(id, path.source);
        } else {
            self.sock(id).local = source;
        }
        let socket = self.sock(id);
        (socket.peer, socket.dport) = (path.destination, port);
        self.sock(id).state = State::SynSent;
        if let Err(refusal) = self.enter_connection(id) {
            self.quietly(|namespace| namespace.set_state(id, State::Close));
            self.reset_address(id);
            self.sock(id).dport = 0;
            return Err(refusal);
        }
        self.note_state(id, State::Close, State::SynSent);
        self.send_syn(id);
        Ok(())
    }

    /// The address that is meant: the wildcard stands for this host.
    fn destination(&self, id: SocketId, to: SocketAddr) -> Result<Ipv6Addr, Refusal> {
        let socket = self.socket_of(id);
        match (socket.family, to.ip()) {
            (Family::V4, IpAddr::V6(_)) => Err(Errno::Eafnosupport.into()),
            (Family::V6, IpAddr::V4(_)) => Err(Errno::Einval.into()),
            (Family::V4, v4) => Ok(canonical(v4)),
            (Family::V6, IpAddr::V6(v6)) => {
                let v6 = match v6 {
                    ANY6 if is_mapped(socket.local) => LOOPBACK4,
                    ANY6 => LOOPBACK6,
                    v6 => v6,
                };
                if v6.is_multicast() || (is_mapped(v6) && socket.options.v6only) {
                    return Err(Errno::Enetunreach.into());
                }
                if v6.is_unicast_link_local() && socket.options.device.is_none() {
                    return Err(Errno::Einval.into());
                }
                Ok(v6)
            }
        }
    }

    /// Gives the connection its tuple: with the port that the socket has, or one that is chosen.
    fn enter_connection(&mut self, id: SocketId) -> Result<(), Refusal> {
        let asked = self.socket_of(id).num;
        let port = if asked == 0 { self.choose_port(id)? } else { asked };
        let mut tuple = tuple_of(self.socket_of(id));
        tuple.port = port;
        let reused = match self.unique(id, &tuple, asked == 0) {
            Unique::Yes(reused) => reused,
            Unique::Later(_) | Unique::No => {
                let holder = self.lookup_established(&tuple);
                let because = match holder {
                    Some(Holder::Socket(other)) => Because::Holder(Owner::Socket(other)),
                    Some(Holder::TimeWait(wait)) => Because::Holder(Owner::TimeWait(wait)),
                    _ => Because::Misfit,
                };
                return Err(Refusal { errno: Errno::Eaddrnotavail, because });
            }
        };
        if let Some(wait) = reused {
            self.sock(id).tcp.next_iss = self.time_waits[wait.0 as usize].snd_nxt.wrapping_add(65_537);
            self.count(Counter::TcpExtTWRecycled);
            self.forget_time_wait(wait);
        }
        if asked == 0 {
            let address = self.socket_of(id).local;
            self.buckets.enter(port, address, Owner::Socket(id), false);
            let socket = self.sock(id);
            (socket.num, socket.in_bucket, socket.connect_bound) = (port, true, true);
        }
        self.established.insert(tuple, Holder::Socket(id));
        if self.socket_of(id).options.device.is_none() {
            self.flows.take(&tuple);
        }
        let socket = self.sock(id);
        (socket.sport, socket.hashed) = (port, true);
        Ok(())
    }

    fn send_syn(&mut self, id: SocketId) {
        let iss = match self.socket_of(id).tcp.next_iss {
            0 => self.first_sequence_number(),
            next => next,
        };
        self.count(Counter::TcpActiveOpens);
        let timestamps = self.sysctls.timestamps;
        let key = self.set_timer(self.now + SYN_TIMEOUT_MS, Timer::Retransmit(id));
        let socket = self.sock(id);
        socket.error = None;
        let tcp = &mut socket.tcp;
        tcp.done = false;
        (tcp.snd_una, tcp.snd_sml, tcp.snd_nxt, tcp.timestamps) = (iss, iss, iss.wrapping_add(1), timestamps);
        (tcp.retransmit, tcp.retransmits) = (Some(key), 0);
        let first = packet_text(self.socket_of(id).local, false);
        let packet = packet_text(self.socket_of(id).local, timestamps);
        self.sock(id).tcp.window = Window::new(first, packet);
        self.send_segment(id, Segment { syn: true, seq: iss, ..Segment::default() });
    }
}
