//! Instruments: single phenomena of ports with their controls, each on a page of its own and for lessons to show.
//!
//! * [`source_ports`]: the source ports of one destination, how they run out, and what repairs that.

pub mod source_ports;
