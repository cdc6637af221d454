//! The scheduling queue (owner: sched).

use crate::event::Event;
use crate::world::World;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Next,
}

#[derive(Debug, Default)]
pub struct Memory {}

pub fn informed(_world: &mut World, _event: &Event) {}

pub fn run(_world: &mut World, work: Work) {
    match work {
        Work::Next => {}
    }
}
