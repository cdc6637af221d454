//! Connections that pass: by which tuples they are known, their state, how long they are kept.
//!
//! Source: `nf_conntrack_proto_tcp.c` (the table of states), `nf_conntrack_core.c`; FACTS §4. Time-outs are the kernel's
//! defaults, and so is the limit on entries (`nf_conntrack_max`): when it is reached a new connection takes the place of
//! the oldest that is not assured (`early_drop`, which looks at a few at random), or is dropped. Left out: windows of
//! sequence numbers, the shorter time-out of unacknowledged data, `nf_conntrack_max` as a setting.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use crate::linux::packet::{Body, Packet, Segment};
use crate::linux::socket::Protocol;
use crate::linux::trace::Why;

/// The most connections that are kept.
pub const CONNECTIONS_MAX: usize = 262_144;

/// A connection as packets of one direction show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tuple {
    pub protocol: Protocol,
    pub source: Ipv6Addr,
    pub sport: u16,
    pub destination: Ipv6Addr,
    pub dport: u16,
}

impl Tuple {
    /// Of a packet; none where it is neither TCP nor UDP.
    #[must_use]
    pub fn of(packet: &Packet) -> Option<Tuple> {
        let protocol = match packet.body {
            Body::Tcp(_) => Protocol::Tcp,
            Body::Udp(_) => Protocol::Udp,
            _ => return None,
        };
        let (source, sport) = (packet.source, packet.sport);
        Some(Tuple { protocol, source, sport, destination: packet.destination, dport: packet.dport })
    }

    /// As answers show it.
    #[must_use]
    pub fn inverted(self) -> Tuple {
        let (source, sport) = (self.destination, self.dport);
        Tuple { source, sport, destination: self.source, dport: self.sport, ..self }
    }
}

/// The state of a connection, as `conntrack -L` prints it; of UDP there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    None,
    SynSent,
    SynRecv,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    /// A SYN in both directions.
    SynSent2,
}

impl State {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::None => "NONE",
            State::SynSent => "SYN_SENT",
            State::SynRecv => "SYN_RECV",
            State::Established => "ESTABLISHED",
            State::FinWait => "FIN_WAIT",
            State::CloseWait => "CLOSE_WAIT",
            State::LastAck => "LAST_ACK",
            State::TimeWait => "TIME_WAIT",
            State::Close => "CLOSE",
            State::SynSent2 => "SYN_SENT2",
        }
    }

    /// How long a connection is kept in it, in s.
    fn timeout_secs(self) -> u64 {
        match self {
            State::None | State::SynSent | State::SynSent2 | State::FinWait | State::TimeWait => 120,
            State::SynRecv | State::CloseWait => 60,
            State::Established => 432_000,
            State::LastAck => 30,
            State::Close => 10,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Original,
    Reply,
}

/// A connection that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub original: Tuple,
    /// What answers look like when they come; translated, it is not the original turned around.
    pub reply: Tuple,
    pub state: State,
    /// Virtual time in ms at which it is forgotten.
    pub expires: u64,
    pub seen_reply: bool,
    pub assured: bool,
    /// The end of what the opener has sent: its sequence number.
    pub sent_end: u32,
}

impl Connection {
    /// A new one, by its first packet.
    #[must_use]
    pub fn of(packet: &Packet) -> Connection {
        let tuple = Tuple::of(packet).unwrap_or(Tuple {
            protocol: Protocol::Udp,
            source: packet.source,
            sport: packet.sport,
            destination: packet.destination,
            dport: packet.dport,
        });
        let (state, sent_end) = match &packet.body {
            Body::Tcp(segment) => (after(State::None, segment, Direction::Original), segment.end()),
            _ => (Some(State::None), 0),
        };
        Connection {
            original: tuple,
            reply: tuple.inverted(),
            state: state.unwrap_or(State::None),
            expires: 0,
            seen_reply: false,
            assured: false,
            sent_end,
        }
    }
}

/// The number of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// Fewer entries than this are not looked through for expired ones.
const SWEEP_MIN: usize = 1024;

/// What is known of a packet's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Known(ConnectionId, Direction),
    New,
    /// It belongs to none and begins none.
    Untracked,
}

/// The table, and what `conntrack -S` counts.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    connections: BTreeMap<ConnectionId, Connection>,
    by_tuple: BTreeMap<Tuple, (ConnectionId, Direction)>,
    next: u64,
    /// With so many entries those that have expired are taken out.
    sweep_at: usize,
    pub insert_failed: u64,
    pub drop: u64,
    pub early_drop: u64,
}

impl Conntrack {
    /// The connection of that number.
    ///
    /// # Panics
    /// When it is gone: numbers are used at once.
    #[must_use]
    pub fn get(&self, id: ConnectionId) -> &Connection {
        &self.connections[&id]
    }

    /// Those that are kept at this time, oldest first.
    pub fn all(&self, now: u64) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(move |connection| connection.expires > now)
    }

    /// How many entries there are, those that have expired and were not taken out yet included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.connections.len()
    }

    /// Finds a packet's connection and follows it.
    pub fn meet(&mut self, now: u64, packet: &Packet) -> Found {
        let found = self.find(now, packet);
        if let Found::Known(id, direction) = found {
            self.follow(now, id, direction, packet);
            if !self.connections.contains_key(&id) {
                return Found::Untracked;
            }
        }
        found
    }

    fn find(&mut self, now: u64, packet: &Packet) -> Found {
        let Some(tuple) = Tuple::of(packet) else { return Found::Untracked };
        if let Some(&(id, direction)) = self.by_tuple.get(&tuple) {
            if self.connections[&id].expires > now {
                return Found::Known(id, direction);
            }
            self.forget(id);
        }
        match &packet.body {
            Body::Tcp(segment) if after(State::None, segment, Direction::Original).is_none() => Found::Untracked,
            _ => Found::New,
        }
    }

    fn follow(&mut self, now: u64, id: ConnectionId, direction: Direction, packet: &Packet) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let Body::Tcp(segment) = &packet.body else {
            connection.assured |= direction == Direction::Reply && connection.seen_reply;
            connection.seen_reply |= direction == Direction::Reply;
            let secs = if connection.assured { 120 } else { 30 };
            connection.expires = now + secs * 1000;
            return;
        };
        if segment.rst && direction == Direction::Reply && !connection.seen_reply {
            self.forget(id);
            return;
        }
        if let Some(state) = after(connection.state, segment, direction) {
            connection.assured |= state == State::Established
                && matches!(connection.state, State::SynRecv | State::Established)
                && (connection.seen_reply || direction == Direction::Reply);
            connection.state = state;
            connection.expires = now + state.timeout_secs() * 1000;
        }
        if direction == Direction::Original {
            connection.sent_end = segment.end();
        }
        connection.seen_reply |= direction == Direction::Reply;
    }

    /// Whether a connection with these answers is there.
    pub fn is_taken(&mut self, now: u64, reply: &Tuple) -> bool {
        self.holder(now, reply).is_some()
    }

    /// Whose answers these would be.
    pub fn holder(&mut self, now: u64, reply: &Tuple) -> Option<(ConnectionId, &Connection)> {
        let &(id, _) = self.by_tuple.get(reply)?;
        if self.connections[&id].expires <= now {
            self.forget(id);
            return None;
        }
        Some((id, &self.connections[&id]))
    }

    /// Enters a new connection.
    ///
    /// # Errors
    /// One of its tuples is another's, or the table is full.
    pub fn confirm(&mut self, now: u64, mut connection: Connection) -> Result<(), Why> {
        if self.is_taken(now, &connection.original) || self.is_taken(now, &connection.reply) {
            self.insert_failed += 1;
            self.drop += 1;
            return Err(Why::NoTupleLeft);
        }
        self.make_room(now)?;
        let udp = connection.original.protocol == Protocol::Udp;
        let secs = if udp { 30 } else { connection.state.timeout_secs() };
        connection.expires = now + secs * 1000;
        let id = ConnectionId(self.next);
        self.next += 1;
        self.by_tuple.insert(connection.original, (id, Direction::Original));
        self.by_tuple.insert(connection.reply, (id, Direction::Reply));
        self.connections.insert(id, connection);
        Ok(())
    }

    /// Takes out what has expired, each time that the table has grown to twice what it was then.
    fn make_room(&mut self, now: u64) -> Result<(), Why> {
        if self.connections.len() < self.sweep_at.max(SWEEP_MIN) {
            return Ok(());
        }
        let expired = self.connections.iter().filter(|(_, connection)| connection.expires <= now);
        let expired: Vec<ConnectionId> = expired.map(|(id, _)| *id).collect();
        expired.into_iter().for_each(|id| self.forget(id));
        self.sweep_at = (2 * self.connections.len()).min(CONNECTIONS_MAX);
        if self.connections.len() < CONNECTIONS_MAX {
            return Ok(());
        }
        let unassured = self.connections.iter().find(|(_, connection)| !connection.assured).map(|(id, _)| *id);
        let Some(id) = unassured else {
            self.drop += 1;
            return Err(Why::TableFull);
        };
        self.forget(id);
        self.early_drop += 1;
        Ok(())
    }

    /// Takes a connection out.
    pub fn forget(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.remove(&id) {
            self.by_tuple.remove(&connection.original);
            self.by_tuple.remove(&connection.reply);
        }
    }

    /// Takes all out, as `conntrack -F` does.
    pub fn flush(&mut self) {
        self.connections.clear();
        self.by_tuple.clear();
    }
}

/// The state after a segment; none where the segment does not fit.
fn after(state: State, segment: &Segment, direction: Direction) -> Option<State> {
    use State::{
        Close, CloseWait, Established, FinWait, LastAck, None as Nothing, SynRecv, SynSent, SynSent2, TimeWait,
    };
    let original = direction == Direction::Original;
    if segment.rst {
        return (state != Nothing).then_some(Close);
    }
    if segment.syn && segment.ack {
        return match (original, state) {
            (true, SynRecv | SynSent2) | (false, SynSent | SynSent2) => Some(SynRecv),
            (false, Nothing) | (true, _) => None,
            (false, same) => Some(same),
        };
    }
    if segment.syn {
        return match (original, state) {
            (true, Nothing | SynSent | TimeWait | Close) | (false, TimeWait) => Some(SynSent),
            (true, SynSent2) | (false, SynSent | SynSent2) => Some(SynSent2),
            (true, same) => Some(same),
            (false, _) => None,
        };
    }
    if segment.fin {
        return match state {
            SynRecv | Established => Some(FinWait),
            FinWait | CloseWait | LastAck => Some(LastAck),
            TimeWait | Close => Some(state),
            Nothing | SynSent | SynSent2 => None,
        };
    }
    if !segment.ack {
        return None;
    }
    match (original, state) {
        (true, Nothing | SynRecv | Established) | (false, Established) => Some(Established),
        (true, SynSent | SynSent2) | (false, Nothing) => None,
        (false, SynSent | SynRecv | SynSent2) => Some(state),
        (_, FinWait | CloseWait) => Some(CloseWait),
        (_, LastAck | TimeWait) => Some(TimeWait),
        (_, Close) => Some(Close),
    }
}
