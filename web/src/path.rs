//! The learning path: sixteen lessons in four chapters.
//!
//! A lesson that this build has is found by its title in the index of [`portlab_scenarios`]; the others are shown
//! as not yet available, with nothing invented about them. The lessons themselves are read where one is opened, so that
//! the module of home does not carry them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use portlab_scenarios::index::Entry;
use portlab_scenarios::model::{Instrument, Lesson};

thread_local! {
    static INDEX: Rc<[Entry]> = portlab_scenarios::index().into();
    static LESSONS: RefCell<BTreeMap<String, Rc<Lesson>>> = RefCell::default();
}

/// The index of the lessons of this build, read once.
#[must_use]
pub fn index() -> Rc<[Entry]> {
    INDEX.with(Rc::clone)
}

/// A lesson of this build, read when it is first asked for.
#[must_use]
pub fn lesson(id: &str) -> Option<Rc<Lesson>> {
    let known = LESSONS.with_borrow(|known| known.get(id).cloned());
    known.or_else(|| {
        let read = Rc::new(portlab_scenarios::lesson(id)?);
        LESSONS.with_borrow_mut(|known| known.insert(id.to_owned(), read.clone()));
        Some(read)
    })
}

/// The title of the instrument of source ports.
pub const SOURCE_PORTS: &str = "Every source port, one destination";
/// The title of the bench of calls.
pub const CALLS: &str = "Bench of calls";

/// An instrument's title.
#[must_use]
pub fn title_of(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Calls => CALLS,
        Instrument::SourcePorts => SOURCE_PORTS,
    }
}

/// What one does on an instrument.
#[must_use]
pub fn use_of(instrument: Instrument) -> &'static str {
    match instrument {
        Instrument::Calls => "calls of two processes",
        Instrument::SourcePorts => "a load, and what repairs it",
    }
}

/// A chapter of the path.
#[derive(Debug, PartialEq, Eq)]
pub struct Chapter {
    pub number: u8,
    pub title: &'static str,
    /// Titles, in order.
    pub lessons: &'static [&'static str],
    /// What there is to try things on.
    pub instrument: Option<Instrument>,
}

/// All chapters.
pub const CHAPTERS: [Chapter; 4] = [
    Chapter {
        number: 1,
        title: "Ports and bind",
        lessons: &[
            "Why is 8080 already in use?",
            "Who may bind what",
            "Restart against TIME_WAIT",
            "Listening and connected sockets",
        ],
        instrument: Some(Instrument::Calls),
    },
    Chapter {
        number: 2,
        title: "Five-tuples",
        lessons: &["A million connections on one port", "Running out of source ports", "NAT has ports too"],
        instrument: Some(Instrument::SourcePorts),
    },
    Chapter {
        number: 3,
        title: "Services are DNAT",
        lessons: &[
            "ClusterIP: an address nobody owns",
            "Four ports, one request",
            "NodePort and the vanished client IP",
            "Load balancer: find the broken layer",
            "The probe that lies",
        ],
        instrument: None,
    },
    Chapter {
        number: 4,
        title: "hostPort and hostNetwork",
        lessons: &[
            "Pending: no free host port",
            "CrashLoop: the host got there first",
            "The port nobody listens on",
            "hostPort hijacks your Service",
        ],
        instrument: None,
    },
];

/// The title of the chapter that has this instrument.
#[must_use]
pub fn home_of(instrument: Instrument) -> &'static str {
    CHAPTERS.iter().find(|chapter| chapter.instrument == Some(instrument)).map_or("", |chapter| chapter.title)
}

/// The chapter that has a lesson of this title.
#[must_use]
pub fn chapter_of(title: &str) -> Option<&'static Chapter> {
    CHAPTERS.iter().find(|chapter| chapter.lessons.contains(&title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instrument_belongs_to_a_chapter() {
        assert!(Instrument::ALL.into_iter().all(|instrument| !home_of(instrument).is_empty()));
    }

    #[test]
    fn there_are_sixteen_lessons() {
        assert_eq!(CHAPTERS.iter().map(|chapter| chapter.lessons.len()).sum::<usize>(), 16);
    }
}
