//! The controllers (owner: ctl).

use crate::event::Event;
use crate::world::World;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Deployment { namespace: String, name: String },
}

pub fn start(_world: &mut World) {}

pub fn informed(_world: &mut World, _event: &Event) {}

pub fn run(_world: &mut World, work: Work) {
    match work {
        Work::Deployment { .. } => {}
    }
}
