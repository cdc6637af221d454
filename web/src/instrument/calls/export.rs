//! The bench's calls as a script that `cargo xtask syscalls` makes on a real kernel.
//!
//! A script has one process. What tells two processes apart for the kernel is their user, so a `seteuid` line stands where
//! the calls go over to a process of another user. A port that the kernel chose is `?`: no script can know it.

use std::fmt::Write;

use portlab_scenarios::syscalls::{Answer, Call};

use super::bench::{Made, Side};

/// The script, with what each call gave.
#[must_use]
pub fn script(calls: &[Made]) -> String {
    let mut text = "# From portlab's bench of calls: cargo xtask syscalls FILE\n".to_owned();
    let mut users = [0_u32; 2];
    let (mut now, mut last) = (0, Side::A);
    for made in calls {
        let at = usize::from(made.side == Side::B);
        if made.side != last {
            let _ = writeln!(text, "# process {}", made.side.name());
            last = made.side;
        }
        if users[at] != now {
            if now != 0 && users[at] != 0 {
                text.push_str("seteuid(0) = 0\n");
            }
            let _ = writeln!(text, "seteuid({}) = 0", users[at]);
            now = users[at];
        }
        if let (Call::Seteuid(uid), Answer::Zero) = (&made.call, &made.answer) {
            (users[at], now) = (*uid, *uid);
        }
        let _ = writeln!(text, "{} = {}", made.call, stated(calls, &made.answer));
    }
    text
}

/// An answer as a script states it.
fn stated(calls: &[Made], answer: &Answer) -> String {
    let Answer::Address { ip, port: Some(port) } = answer else { return answer.to_string() };
    let asked = calls.iter().any(|made| match &made.call {
        Call::Bind(_, to) | Call::Connect(_, to) => to.port() == *port,
        _ => false,
    });
    Answer::Address { ip: *ip, port: (asked || *port == 0).then_some(*port) }.to_string()
}
