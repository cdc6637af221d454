//! Scripts of system calls in strace's notation: what they say, how they are read, and how a world is held to them.
//!
//! ```text
//! socket(tcp4) = api
//! bind(api, 127.0.0.1:8080) = 0
//! listen(api, 16) = 0
//! ---
//! socket(tcp4) = lone
//! connect(lone, 127.0.0.1:8080) = -1 ECONNREFUSED
//! ```
//!
//! * [`call`]: the calls and their answers; printing either gives the script's notation.
//! * [`script`]: a script as cases and lines; printing one gives its text back.
//! * [`parse`]: text to script, with line and column of what is wrong.
//! * [`engine`]: the engine as a world; the real kernel is one in xtask. [`on_lab`]: a host of a lab as one, whose calls
//!   are the lab's events.
//! * [`run`]: a script in a world, the stated answers beside those that came.
//!
//! Left out: fork, dup, epoll, non-blocking sockets, ancillary data, and every family but IPv4 and IPv6.

pub mod call;
mod cursor;
pub mod engine;
pub mod on_lab;
pub mod parse;
pub mod run;
pub mod script;

pub use call::{Answer, Call, Family, Shutdown, SocketOption};
pub use engine::Engine;
pub use parse::{ScriptError, parse, parse_draft, parse_trial};
pub use run::{Kernel, Verdict, run_case};
pub use script::{Case, Item, Line, Script};

#[cfg(test)]
mod tests;
