//! Waiting for objects to change: a watch on one object, in virtual time.
//!
//! Models `watchtools.UntilWithSync`: the object as it is now, then each change in turn. Left out: the end of time; a command
//! that would wait without limit stops after an hour of the lab's time and says so.

use std::time::Duration;

use super::Call;
use super::failure::{Failure, Outcome};
use crate::event::What;
use crate::store::{Key, Object};
use crate::world::World;

/// Longest wait of a command that was given no limit.
pub const WAIT_MAX: Duration = Duration::from_secs(3600);

/// What a watch reports.
#[derive(Clone, Debug)]
pub enum Change {
    Present(Object),
    Gone(Object),
}

/// How a watch ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended<T> {
    Done(T),
    TimedOut,
}

/// A limit given in nanoseconds; none for 0, a week for less.
pub fn limit_of(nanos: i64) -> Option<Duration> {
    match nanos {
        0 => None,
        n if n < 0 => Some(Duration::from_secs(7 * 24 * 3600)),
        n => Some(Duration::from_nanos(n.unsigned_abs())),
    }
}

/// Reports the object as it is and then each change, until `each` answers or the limit is over.
pub fn follow<T>(
    call: &mut Call,
    key: &Key,
    limit: Option<Duration>,
    mut each: impl FnMut(&mut Call, Change) -> Outcome<Option<T>>,
) -> Outcome<Ended<T>> {
    let mut seen = call.cx.world.events().len();
    if let Some(object) = call.cx.world.store().get(key).cloned()
        && let Some(answer) = each(call, Change::Present(object))?
    {
        return Ok(Ended::Done(answer));
    }
    let end = call.cx.world.now().plus(bounded(limit));
    loop {
        let left = end.since(call.cx.world.now());
        let moved = call.cx.world.advance_until(left, |world| changes(world, key, seen).next().is_some());
        let happened: Vec<Change> = changes(call.cx.world, key, seen).collect();
        seen = call.cx.world.events().len();
        for change in happened {
            if let Some(answer) = each(call, change)? {
                return Ok(Ended::Done(answer));
            }
        }
        if !moved || call.cx.world.halted() {
            return timed_out(limit).map(|()| Ended::TimedOut);
        }
    }
}

/// Waits until `done`; whether it came in time.
pub fn wait_until(call: &mut Call, limit: Option<Duration>, done: impl FnMut(&World) -> bool) -> Outcome<bool> {
    let came = call.cx.world.advance_until(bounded(limit), done);
    if !came {
        timed_out(limit)?;
    }
    Ok(came)
}

fn bounded(limit: Option<Duration>) -> Duration {
    limit.map_or(WAIT_MAX, |limit| limit.min(WAIT_MAX))
}

/// A limit that was reached is the command's to report; the lab's own limit is reported here.
fn timed_out(limit: Option<Duration>) -> Outcome {
    if limit.is_some_and(|limit| limit <= WAIT_MAX) {
        return Ok(());
    }
    let hours = WAIT_MAX.as_secs() / 3600;
    let text = format!("portlab: nothing came of it in {hours} h of the lab's time; stopped as by Ctrl-C");
    Err(Failure::Exactly { text, exit: 130 })
}

fn changes<'w>(world: &'w World, key: &'w Key, seen: usize) -> impl Iterator<Item = Change> + 'w {
    let events = world.events();
    events[seen.min(events.len())..].iter().filter_map(move |event| match &event.what {
        What::Stored { key: of, new, .. } if of == key => Some(Change::Present(new.clone())),
        What::Deleted { key: of, old } if of == key => Some(Change::Gone(old.clone())),
        _ => None,
    })
}
