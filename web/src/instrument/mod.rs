//! Instruments: single phenomena of ports with their controls, each on a page of its own and for lessons to show.
//!
//! * [`calls`]: system calls of two processes, chosen one by one.
//! * [`source_ports`]: the source ports of one destination, how they run out, and what repairs that.

pub mod calls;
pub mod source_ports;

use portlab_scenarios::model::Instrument;
use yew::prelude::*;

/// What stands at an instrument's address.
pub fn page(which: Instrument) -> Html {
    match which {
        Instrument::Calls => calls::calls_page(),
        Instrument::SourcePorts => source_ports::source_ports_page(),
    }
}
