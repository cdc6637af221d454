//! Every source port, one destination: how short connections use up the ports of a range.
//!
//! Two maps show each port of `ip_local_port_range` as `connect` has left it, towards one destination: those of the low
//! end's parity, which are tried first, and the others. A load runs on the engine's own namespaces in virtual time; no
//! formula stands for the kernel. Read in this order:
//!
//! * [`settings`]: the load and the repairs. [`run`]: the load by system calls. [`record`] and [`counted`]: what happened, for
//!   any moment.
//! * [`live`]: time, steps, working ahead in slices.
//! * [`geometry`] and [`paint`]: ports to pixels. [`words`]: what is said.
//! * [`screen`]: the canvas and the style sheet's colours. [`view`], [`controls`], [`chart`]: components. [`page`]: where
//!   they stand alone.
//!
//! All but the last five run natively and are tested there. Left out: NAT's own range, other users of the ports, a change
//! of settings in the middle of a run.

pub mod chart;
pub mod controls;
pub mod counted;
pub mod geometry;
pub mod live;
pub mod page;
pub mod paint;
pub mod record;
pub mod run;
pub mod screen;
pub mod settings;
pub mod view;
pub mod words;

pub use page::source_ports_page;
pub use view::SourcePorts;
