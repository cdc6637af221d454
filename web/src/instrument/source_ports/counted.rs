//! The counters of a host at every moment of a run: for each the moments at which it moved, and to what.
//!
//! Leaves out what happened by itself between two requests: it is told at the next of them. None of the counters that
//! are shown moves so.

use portlab_engine::linux::counters::Counters;

/// A counter's way: moments in ms, rising, and the value from then on.
type Way = Vec<(u32, u32)>;

/// All counters of one host.
#[derive(Clone, Debug)]
pub struct Counted {
    ways: Vec<(&'static str, Way)>,
}

impl Default for Counted {
    /// Nothing has been counted yet.
    fn default() -> Self {
        Self { ways: Counters::default().all().map(|(name, _)| (name, Way::new())).collect() }
    }
}

impl Counted {
    /// The counters stand so, from this moment on.
    pub(super) fn note(&mut self, at: u32, counters: &Counters) {
        for ((_, way), (_, value)) in self.ways.iter_mut().zip(counters.all()) {
            let value = u32::try_from(value).unwrap_or(u32::MAX);
            match way.last_mut() {
                Some((_, last)) if *last == value => {}
                Some((when, last)) if *when == at => *last = value,
                None if value == 0 => {}
                _ => way.push((at, value)),
            }
        }
    }

    /// Names and values at this moment, what happened in it included, in the order of `nstat`.
    pub fn at(&self, at: u32) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        self.ways.iter().map(move |(name, way)| (*name, value(way, at)))
    }

    /// The value of a counter at this moment, and by how much it moved in the second up to it.
    #[must_use]
    pub fn named(&self, name: &str, at: u32) -> Option<(u32, u32)> {
        let way = &self.ways.iter().find(|way| way.0 == name)?.1;
        Some((value(way, at), lately(way, at)))
    }

    /// How many counters moved in the second up to this moment.
    #[must_use]
    pub fn moved(&self, at: u32) -> usize {
        self.ways.iter().filter(|(_, way)| lately(way, at) > 0).count()
    }

    /// How many counters there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ways.len()
    }
}

fn value(way: &[(u32, u32)], at: u32) -> u32 {
    let after = way.partition_point(|(when, _)| *when <= at);
    after.checked_sub(1).map_or(0, |last| way[last].1)
}

fn lately(way: &[(u32, u32)], at: u32) -> u32 {
    value(way, at) - at.checked_sub(1000).map_or(0, |before| value(way, before))
}

#[cfg(test)]
mod tests {
    use portlab_engine::linux::counters::Counter;

    use super::*;

    #[test]
    fn a_counter_stands_as_it_does_at_that_very_moment() {
        let (mut counted, mut counters) = (Counted::default(), Counters::default());
        for (at, more) in [(0, 1), (0, 1), (20, 0), (700, 3), (1700, 2)] {
            (0..more).for_each(|_| counters.add(Counter::TcpActiveOpens));
            counted.note(at, &counters);
        }
        // The moment, the value, what came in the second up to it.
        let rows = [(0, 2, 2), (699, 2, 2), (700, 5, 5), (1000, 5, 3), (1699, 5, 3), (1700, 7, 2), (2700, 7, 0)];
        for (at, value, more) in rows {
            assert_eq!(counted.named("TcpActiveOpens", at), Some((value, more)), "at {at}");
            assert_eq!(counted.moved(at), usize::from(more > 0), "at {at}");
        }
        assert_eq!(counted.named("TcpExtTW", 5000), Some((0, 0)));
        assert_eq!(counted.named("TcpExtNothing", 5000), None);
    }
}
