//! What happened in a run, so that any moment of it can be shown without running it again.
//!
//! Every connection towards the first destination is a [`Use`] of its port: opened, closed, and gone when its `TIME_WAIT`
//! is over. A [`Cursor`] knows the newest use of each port at one moment and walks to another by the uses that lie
//! between. Times are virtual ms since the run began. Left out: which port a connection to a further destination has.

use portlab_engine::linux::Errno;

use super::counted::Counted;
use super::settings::Settings;

/// How long a run lasts, in ms: two minutes, so that ports come back and run out again.
pub const RUN_MS: u32 = 120_000;

/// Not yet.
pub const NEVER: u32 = u32::MAX;

/// Events kept at most; a range of few ports could make thousands.
const EVENTS_MAX: usize = 48;

/// One connection towards the first destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub port: u16,
    /// How `connect` came by the port.
    pub how: How,
    pub opened: u32,
    /// When the client closed it.
    pub closed: u32,
    /// The first moment at which its `TIME_WAIT` is over; [`NEVER`] while it is open.
    pub gone: u32,
    /// The use of the same port before this one.
    before: Option<u32>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `connect` took a free port of the parity that is scanned first.
    First,
    /// None of those was free: it took one of the other parity.
    Other,
    /// It took a port whose `TIME_WAIT` may be used again.
    Reused,
    /// A connection that was open carried it; `connect` was not called.
    Carried,
    /// `connect` gave an error.
    Refused,
}

/// A request, and how many there were of each kind up to it, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub at: u32,
    /// 0 when there is none.
    pub port: u16,
    pub to: u8,
    pub how: How,
    pub opened: u32,
    pub refused: u32,
}

/// Something to step to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Began,
    /// For the first time no port of the parity that is scanned first was free.
    FirstParityGone,
    /// `connect` gave an error, and the one before had given none.
    NoPortLeft,
    /// `connect` found a port again.
    PortsReturn,
    /// The first `TIME_WAIT` of all is over, while ports were still left.
    FirstExpired,
    /// For the first time a port in `TIME_WAIT` was taken.
    FirstReuse,
    /// As many connections stand open as are to be kept.
    PoolFull,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: u32,
    pub what: What,
}

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    pub opened: u32,
    pub refused: u32,
    pub carried: u32,
}

/// A run as far as it is known.
#[derive(Clone, Debug)]
pub struct Record {
    pub settings: Settings,
    /// Everything before this moment is known.
    pub until: u32,
    pub uses: Vec<Use>,
    pub attempts: Vec<Attempt>,
    pub events: Vec<Event>,
    pub seconds: Vec<Second>,
    /// The client's counters.
    pub counters: Counted,
    /// What the last refused `connect` was told.
    pub errno: Option<Errno>,
    /// Ports of the range that no `connect` gets whatever is free, because a listener holds them.
    pub barred: Vec<u16>,
    newest: Vec<Option<u32>>,
    dry: bool,
}

impl Record {
    pub(super) fn new(settings: Settings, barred: Vec<u16>) -> Self {
        Self {
            settings,
            until: 0,
            uses: Vec::new(),
            attempts: Vec::new(),
            events: vec![Event { at: 0, what: What::Began }],
            seconds: vec![Second::default(); (RUN_MS / 1000) as usize],
            counters: Counted::default(),
            errno: None,
            barred,
            newest: vec![None; settings.ports() as usize],
            dry: false,
        }
    }

    /// Whether all of it is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.until >= RUN_MS
    }

    fn place(&self, port: u16) -> usize {
        usize::from(port - self.settings.range.0)
    }

    /// A connection towards the first destination was opened; its number.
    pub(super) fn note_use(&mut self, at: u32, port: u16, how: How) -> usize {
        let (place, number) = (self.place(port), self.uses.len());
        let before = self.newest[place].replace(u32::try_from(number).unwrap_or(NEVER));
        self.uses.push(Use { port, how, opened: at, closed: NEVER, gone: NEVER, before });
        number
    }

    /// A request was made.
    pub(super) fn note_attempt(&mut self, at: u32, to: u8, port: u16, how: How) {
        let (mut opened, mut refused) = self.attempts.last().map_or((0, 0), |last| (last.opened, last.refused));
        let second = &mut self.seconds[(at / 1000) as usize];
        match how {
            How::Carried => second.carried += 1,
            How::Refused => (refused, second.refused) = (refused + 1, second.refused + 1),
            How::First | How::Other | How::Reused => (opened, second.opened) = (opened + 1, second.opened + 1),
        }
        self.attempts.push(Attempt { at, port, to, how, opened, refused });
        self.note_turns(at, port, how);
    }

    /// What this request was the first to show.
    fn note_turns(&mut self, at: u32, port: u16, how: How) {
        if how == How::Refused && !self.dry {
            self.dry = true;
            self.note_event(at, What::NoPortLeft);
        }
        if matches!(how, How::Carried | How::Refused) {
            return;
        }
        if self.dry {
            self.dry = false;
            self.note_event(at, What::PortsReturn);
        }
        if how == How::Reused {
            self.note_first(at, What::FirstReuse);
        }
        if self.place(port) % 2 == 1 {
            self.note_first(at, What::FirstParityGone);
        }
        if self.uses.first().is_some_and(|first| first.gone <= at) && !self.has(What::NoPortLeft) {
            self.note_first(self.uses[0].gone, What::FirstExpired);
        }
    }

    fn has(&self, what: What) -> bool {
        self.events.iter().any(|event| event.what == what)
    }

    pub(super) fn note_first(&mut self, at: u32, what: What) {
        if !self.has(what) {
            self.note_event(at, what);
        }
    }

    fn note_event(&mut self, at: u32, what: What) {
        if self.events.len() < EVENTS_MAX {
            let place = self.events.partition_point(|event| event.at <= at);
            self.events.insert(place, Event { at, what });
        }
    }

    /// The run is over.
    pub(super) fn finish(&mut self) {
        self.until = RUN_MS;
        self.events.push(Event { at: RUN_MS, what: What::Ended });
    }

    /// The last request up to this moment.
    #[must_use]
    pub fn attempt_at(&self, at: u32) -> Option<&Attempt> {
        let after = self.attempts.partition_point(|attempt| attempt.at <= at);
        self.attempts.get(after.checked_sub(1)?)
    }

    /// How many were refused in the second up to this moment.
    #[must_use]
    pub fn refused_lately(&self, at: u32) -> u32 {
        let up_to = |at: Option<u32>| at.and_then(|at| self.attempt_at(at)).map_or(0, |attempt| attempt.refused);
        up_to(Some(at)) - up_to(at.checked_sub(1000))
    }

    /// How long the port of this request, which goes to the first destination, had been in `TIME_WAIT`, in ms.
    #[must_use]
    pub fn waited_before(&self, attempt: &Attempt) -> Option<u32> {
        let number = self.uses.partition_point(|one| one.opened <= attempt.at).checked_sub(1)?;
        // Several may have begun in the same millisecond.
        let own = self.uses[..=number].iter().rev().find(|one| one.port == attempt.port && attempt.to == 0)?;
        let before = &self.uses[own.before? as usize];
        attempt.at.checked_sub(before.closed)
    }

    /// The event that was last at this moment.
    #[must_use]
    pub fn event_at(&self, at: u32) -> Event {
        self.events.iter().rev().find(|event| event.at <= at).copied().unwrap_or(self.events[0])
    }
}

/// What a port is at one moment, towards the first destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Free,
    /// For this long, in ms.
    Established(u32),
    /// Closed this long ago, in ms.
    TimeWait(u32),
    /// A listener holds it: no `connect` gets it.
    Barred,
}

/// Ports by state, for the parity that is scanned first and for the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub free: [u32; 2],
    pub established: [u32; 2],
    pub time_wait: [u32; 2],
    pub barred: [u32; 2],
}

/// One moment of a record.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    at: u32,
    /// How many uses have begun.
    begun: usize,
    /// For each port the newest use that has begun.
    newest: Vec<Option<u32>>,
}

impl Cursor {
    /// The beginning of a record.
    #[must_use]
    pub fn new(record: &Record) -> Self {
        Self { at: 0, begun: 0, newest: vec![None; record.newest.len()] }
    }

    /// Goes to another moment; the cost is that of the uses that lie between.
    pub fn seek(&mut self, record: &Record, at: u32) {
        while let Some(next) = record.uses.get(self.begun).filter(|next| next.opened <= at) {
            self.newest[record.place(next.port)] = u32::try_from(self.begun).ok();
            self.begun += 1;
        }
        while let Some(last) = self.begun.checked_sub(1).map(|last| &record.uses[last]).filter(|last| last.opened > at)
        {
            self.newest[record.place(last.port)] = last.before;
            self.begun -= 1;
        }
        self.at = at;
    }

    /// The connection towards the first destination that was opened last.
    #[must_use]
    pub fn last_use<'a>(&self, record: &'a Record) -> Option<&'a Use> {
        record.uses.get(self.begun.checked_sub(1)?)
    }

    /// What the port is that stands at this place of the range.
    #[must_use]
    pub fn state(&self, record: &Record, place: usize) -> State {
        match self.newest[place].map(|number| &record.uses[number as usize]) {
            Some(newest) if self.at < newest.closed => State::Established(self.at - newest.opened),
            Some(newest) if self.at < newest.gone => State::TimeWait(self.at - newest.closed),
            _ if self.is_barred(record, place) => State::Barred,
            _ => State::Free,
        }
    }

    /// For how long the `TIME_WAIT` on this port will still stand, in ms.
    #[must_use]
    pub fn rest(&self, record: &Record, place: usize) -> Option<u32> {
        let newest = &record.uses[self.newest[place]? as usize];
        newest.gone.checked_sub(self.at).filter(|_| newest.closed <= self.at && newest.gone != NEVER)
    }

    fn is_barred(&self, record: &Record, place: usize) -> bool {
        !record.barred.is_empty() && record.barred.iter().any(|port| record.place(*port) == place)
    }

    /// All ports by state.
    #[must_use]
    pub fn counts(&self, record: &Record) -> Counts {
        let mut counts = Counts::default();
        for place in 0..self.newest.len() {
            counts.add(place, self.state(record, place));
        }
        counts
    }
}

impl Counts {
    /// One more port, at this place of the range.
    pub fn add(&mut self, place: usize, state: State) {
        let of = match state {
            State::Free => &mut self.free,
            State::Established(_) => &mut self.established,
            State::TimeWait(_) => &mut self.time_wait,
            State::Barred => &mut self.barred,
        };
        of[place % 2] += 1;
    }

    /// Ports of this parity that are taken.
    #[must_use]
    pub fn taken(&self, parity: usize) -> u32 {
        self.established[parity] + self.time_wait[parity] + self.barred[parity]
    }

    /// Ports of this parity.
    #[must_use]
    pub fn all(&self, parity: usize) -> u32 {
        self.taken(parity) + self.free[parity]
    }
}
