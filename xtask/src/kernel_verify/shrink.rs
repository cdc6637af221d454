//! The smallest script on which the two worlds still differ.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use portlab_scenarios::syscalls::script::Line;
use portlab_scenarios::syscalls::{Call, Case};

use crate::kernel::Place;

use super::compare::{Differing, compare};

/// Cases that are tried at most, and for how long: one that waits takes seconds.
const TRIALS_MAX: usize = 400;
const TIME_MAX: Duration = Duration::from_secs(20);

/// Takes lines out and makes arguments plainer as long as the worlds differ.
///
/// # Errors
/// The kernel cannot be asked.
pub fn shrink(place: &Place, found: Differing) -> anyhow::Result<Differing> {
    let mut best = found;
    best.case.lines.truncate(best.index + 1);
    let (mut trials, started) = (0, Instant::now());
    let mut smaller = |best: &mut Differing, case: Case| -> anyhow::Result<bool> {
        trials += 1;
        if trials > TRIALS_MAX || started.elapsed() > TIME_MAX {
            return Ok(false);
        }
        let Some(mut differing) = compare(place, &case)? else { return Ok(false) };
        differing.case.lines.truncate(differing.index + 1);
        let fewer = differing.case.lines.len() <= best.case.lines.len();
        if fewer {
            *best = differing;
        }
        Ok(fewer)
    };
    let mut size = best.case.lines.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < best.case.lines.len().saturating_sub(1) {
            let mut case = best.case.clone();
            let end = (start + size).min(case.lines.len() - 1);
            case.lines.drain(start..end);
            if !smaller(&mut best, case)? {
                start += size;
            }
        }
        size /= 2;
    }
    for index in 0..best.case.lines.len() {
        let Some(line) = best.case.lines.get(index).cloned() else { break };
        for call in plainer(&line.call) {
            let mut case = best.case.clone();
            if index < case.lines.len() {
                case.lines[index] = Line { call, ..line.clone() };
                smaller(&mut best, case)?;
            }
        }
    }
    Ok(best)
}

/// The call with plainer arguments.
fn plainer(call: &Call) -> Vec<Call> {
    let plain = |ip: IpAddr| -> Vec<IpAddr> {
        match ip {
            IpAddr::V4(ip) if ip != Ipv4Addr::LOCALHOST => vec![Ipv4Addr::LOCALHOST.into()],
            IpAddr::V6(ip) if ip != Ipv6Addr::LOCALHOST => vec![Ipv6Addr::LOCALHOST.into()],
            _ => Vec::new(),
        }
    };
    match call {
        Call::Bind(name, address) => {
            plain(address.ip()).into_iter().map(|ip| Call::Bind(name.clone(), (ip, address.port()).into())).collect()
        }
        Call::Connect(name, address) => {
            plain(address.ip()).into_iter().map(|ip| Call::Connect(name.clone(), (ip, address.port()).into())).collect()
        }
        Call::Listen(name, Some(_)) => vec![Call::Listen(name.clone(), None)],
        Call::Send(name, bytes) if bytes.len() > 1 => vec![Call::Send(name.clone(), b"a".to_vec())],
        _ => Vec::new(),
    }
}
