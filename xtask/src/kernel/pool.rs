//! Jobs on as many threads as there are cores, and on more as soon as some of them wait.
//!
//! A call on a socket may wait a second and a sleep a minute; hundreds of such jobs go on at once. Jobs that never
//! wait follow each other on few threads, so that the machine is not crowded and their calls follow at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Place;

/// Jobs under way at most, waiting ones included.
const THREADS_MAX: usize = 600;
/// How often it is looked whether a place has become free.
const TICK: Duration = Duration::from_millis(2);
/// A call that has taken this long waits.
const WAITS: Duration = Duration::from_millis(4);

/// What a thread is doing: 0 computes, 1 waits, else since when (in microseconds) a call that may wait is under way.
pub struct Slot {
    doing: AtomicU64,
    epoch: Instant,
}

const COMPUTES: u64 = 0;
const SLEEPS: u64 = 1;

impl Slot {
    /// A call begins that will wait: the place is free at once.
    pub fn waits(&self) {
        self.doing.store(SLEEPS, Ordering::Relaxed);
    }

    /// A call begins that may wait.
    pub fn begins(&self) {
        if self.doing.load(Ordering::Relaxed) != SLEEPS {
            self.doing.store(self.now(), Ordering::Relaxed);
        }
    }

    /// The call is over.
    pub fn ends(&self) {
        self.doing.store(COMPUTES, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX).max(SLEEPS + 1)
    }

    fn computes(&self) -> bool {
        match self.doing.load(Ordering::Relaxed) {
            COMPUTES => true,
            SLEEPS => false,
            since => self.now().saturating_sub(since) < u64::try_from(WAITS.as_micros()).unwrap_or_default(),
        }
    }
}

/// Results in the order of the jobs.
pub fn each<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&Place, &T) -> R + Sync) -> Vec<R> {
    let limit = std::thread::available_parallelism().map_or(2, usize::from);
    let epoch = Instant::now();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(jobs.iter().map(|_| None).collect());
    let slots: Mutex<Vec<Arc<Slot>>> = Mutex::new(Vec::new());
    let computing = || slots.lock().expect("no thread panics with it").iter().filter(|slot| slot.computes()).count();
    let worker = |slot: Arc<Slot>| {
        let place = Place { slot: Arc::clone(&slot) };
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            let result = work(&place, job);
            results.lock().expect("no thread panics with it")[index] = Some(result);
            if computing() > limit {
                break;
            }
        }
        slots.lock().expect("no thread panics with it").retain(|other| !Arc::ptr_eq(other, &slot));
    };
    std::thread::scope(|scope| {
        while next.load(Ordering::Relaxed) < jobs.len() {
            let threads = slots.lock().expect("no thread panics with it").len();
            if threads < THREADS_MAX && computing() < limit {
                let slot = Arc::new(Slot { doing: AtomicU64::new(COMPUTES), epoch });
                slots.lock().expect("no thread panics with it").push(Arc::clone(&slot));
                scope.spawn(|| worker(slot));
            } else {
                std::thread::sleep(TICK);
            }
        }
    });
    let results = results.into_inner().expect("no thread panics with it");
    results.into_iter().map(|result| result.expect("every job was done")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_jobs_that_wait_overlap() {
        let jobs: Vec<u64> = (0..100).collect();
        let started = Instant::now();
        let results = each(&jobs, |place, job| {
            place.slot.waits();
            std::thread::sleep(Duration::from_millis(50));
            place.slot.ends();
            job * 2
        });
        assert_eq!(results, jobs.iter().map(|job| job * 2).collect::<Vec<_>>());
        assert!(started.elapsed() < Duration::from_secs(3), "one after the other takes five seconds");
    }
}
