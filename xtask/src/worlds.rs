//! Cases in the engine, on the kernel, or in both, and the first line on which the two differ.
//!
//! What the kernel leaves to chance (a chosen port, which of equal listeners gets a connection) the engine draws from
//! its seed. The two worlds agree on a case if the engine gives the kernel's answers with some seed. A port is compared
//! where few can be chosen: then the kernel's must be one that the engine gives with some seed.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use portlab_scenarios::syscalls::engine::Engine;
use portlab_scenarios::syscalls::{Answer, Call, Case, Kernel, Verdict, run_case};

use crate::kernel::{self, Place, TRIES, Tried};

/// Seeds that are tried before the worlds count as different: of four ports each of five sockets takes one, and the kernel's
/// choice is one of a thousand.
const SEEDS: u64 = 2_048;
/// Seeds after which a case whose answers were always the same has no chance in it.
const SEEDS_ALIKE: u64 = 20;
/// Ports that the engine may choose among for the choice to be compared, and the runs that show all of them.
const PORTS_MAX: usize = 3;
const PORTS_RUNS: usize = 40;
/// Runs that agree but for ports, after which no more are made.
const PORTS_RUNS_MAX: usize = 64;

/// Where scripts run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Engine,
    Kernel,
    Both,
}

/// What a case came to in the worlds in which it ran.
pub struct Outcome {
    pub kernel: Option<Tried>,
    pub engine: Option<Vec<Verdict>>,
    /// The first line on which the two worlds answer differently.
    pub apart: Option<usize>,
}

/// Runs the cases where they are to run.
///
/// # Errors
/// The kernel cannot be asked.
pub fn run(on: On, cases: &[Case]) -> anyhow::Result<Vec<Outcome>> {
    if on == On::Engine {
        let outcome = |case| Outcome { kernel: None, engine: Some(as_stated(case)), apart: None };
        return Ok(cases.iter().map(outcome).collect());
    }
    let outcomes =
        kernel::each(cases, |place, case| if on == On::Both { both(place, case) } else { alone(place, case) });
    outcomes.into_iter().collect()
}

fn alone(place: &Place, case: &Case) -> anyhow::Result<Outcome> {
    Ok(Outcome { kernel: Some(place.run(case)?), engine: None, apart: None })
}

fn both(place: &Place, case: &Case) -> anyhow::Result<Outcome> {
    let engine = as_stated(case);
    let mut tried = place.run(case)?;
    loop {
        let apart = apart(&answered(case, &tried.verdicts)).map(|apart| apart.index);
        if apart.is_none() || tried.before.len() + 1 >= TRIES {
            return Ok(Outcome { kernel: Some(tried), engine: Some(engine), apart });
        }
        let again = place.run(case)?;
        tried.before.push(tried.verdicts);
        tried.before.extend(again.before);
        tried.verdicts = again.verdicts;
    }
}

/// The case with the answers that came in place of those stated, up to the first call that was not made.
fn answered(case: &Case, verdicts: &[Verdict]) -> Case {
    let lines = case.lines.iter().zip(verdicts).map_while(|(line, verdict)| {
        let mut line = line.clone();
        line.stated = verdict.answer()?.clone();
        Some(line)
    });
    Case { lines: lines.collect() }
}

/// The engine's verdicts with the first seed that gives what is stated; else those of the first seed.
fn as_stated(case: &Case) -> Vec<Verdict> {
    let first = engine(case, 0);
    if !first.iter().any(Verdict::differs) {
        return first;
    }
    let mut alike = true;
    for seed in 1..SEEDS {
        let other = engine(case, seed);
        if !other.iter().any(Verdict::differs) {
            return other;
        }
        alike &= other == first;
        if alike && seed + 1 == SEEDS_ALIKE {
            break;
        }
    }
    first
}

fn engine(case: &Case, seed: u64) -> Vec<Verdict> {
    run_case(&mut Caught(Engine::new(seed)), case)
}

/// The engine; a panic in it is an answer that no kernel gives.
struct Caught(Engine);

impl Kernel for Caught {
    fn answer(&mut self, call: &Call, new: &str) -> Answer {
        catch_unwind(AssertUnwindSafe(|| self.0.answer(call, new)))
            .unwrap_or_else(|_| Answer::Value("a panic of the engine".to_owned()))
    }
}

/// Where and how the engine differs from the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    pub index: usize,
    /// The engine's answer, in words where there is none.
    pub engine: String,
}

/// The first line on which the engine does not answer what the kernel did; the case states the kernel's answers.
pub fn apart(case: &Case) -> Option<Apart> {
    let mut furthest: Option<Apart> = None;
    let mut first: Option<Vec<Verdict>> = None;
    let mut agreeing: Vec<Vec<Verdict>> = Vec::new();
    for seed in 0..SEEDS {
        let verdicts = engine(case, seed);
        match hard_difference(case, &verdicts) {
            None if !ports_differ(&verdicts) => return None,
            None => {
                agreeing.push(verdicts);
                if agreeing.len() == PORTS_RUNS_MAX {
                    break;
                }
            }
            Some(apart) => {
                let alike = first.get_or_insert_with(|| verdicts.clone()) == &verdicts;
                if furthest.as_ref().is_none_or(|furthest| furthest.index < apart.index) {
                    furthest = Some(apart);
                }
                if alike && agreeing.is_empty() && seed + 1 == SEEDS_ALIKE {
                    return furthest;
                }
            }
        }
    }
    if agreeing.is_empty() { furthest } else { port_difference(case, &agreeing) }
}

/// The first difference that is not one of ports.
fn hard_difference(case: &Case, verdicts: &[Verdict]) -> Option<Apart> {
    for (index, (line, verdict)) in case.lines.iter().zip(verdicts).enumerate() {
        let engine = match verdict {
            Verdict::Agrees(_) => continue,
            // What stands behind a line that was left to chance is not compared.
            Verdict::Chance(_) | Verdict::NotCompared => return None,
            Verdict::Differs(answer) if same_ip(&line.stated, answer) => continue,
            Verdict::Differs(answer) => answer.to_string(),
            Verdict::NoHandle(name) => format!("no socket is named {name}"),
        };
        return Some(Apart { index, engine });
    }
    None
}

fn same_ip(stated: &Answer, answer: &Answer) -> bool {
    matches!((stated, answer), (Answer::Address { ip: one, port: Some(1..) }, Answer::Address { ip: other, port: Some(1..) }) if one == other)
}

fn ports_differ(verdicts: &[Verdict]) -> bool {
    verdicts.iter().any(Verdict::differs)
}

/// The first line whose port the engine never gives, although it has given few in many runs.
fn port_difference(case: &Case, agreeing: &[Vec<Verdict>]) -> Option<Apart> {
    if agreeing.len() < PORTS_RUNS {
        return None;
    }
    for (index, line) in case.lines.iter().enumerate() {
        let Answer::Address { port: Some(kernel), .. } = line.stated else { continue };
        let given = agreeing.iter().filter_map(|verdicts| match verdicts[index].answer() {
            Some(Answer::Address { port, .. }) => *port,
            _ => None,
        });
        let given: BTreeSet<u16> = given.collect();
        if given.len() <= PORTS_MAX && !given.contains(&kernel) {
            let ports: Vec<String> = given.iter().map(u16::to_string).collect();
            return Some(Apart { index, engine: format!("port {}", ports.join(" or ")) });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use portlab_scenarios::syscalls::parse;

    use super::*;

    fn difference(text: &str) -> Option<usize> {
        apart(&parse(text).unwrap().cases()[0]).map(|apart| apart.index)
    }

    #[test]
    fn a_port_is_compared_where_few_can_be_chosen() {
        let connect = |range: &str, port: u16| {
            difference(&format!(
                "sysctl(net.ipv4.ip_local_port_range, \"{range}\") = 0\nsocket(udp4) = a\nconnect(a, 127.0.0.1:9) = 0\n\
                 getsockname(a) = 127.0.0.1:{port}\n"
            ))
        };
        assert_eq!(connect("40000 40001", 40_000), None);
        assert_eq!(connect("40000 40001", 40_001), None);
        assert_eq!(connect("40000 40001", 40_002), Some(3));
        assert_eq!(connect("40000 40000", 40_000), None);
        assert_eq!(connect("40000 49999", 40_002), None);
    }

    #[test]
    fn another_errno_and_another_address_are_differences() {
        assert_eq!(difference("socket(tcp4) = a\nconnect(a, 127.0.0.1:9) = -1 ECONNREFUSED\n"), None);
        assert_eq!(difference("socket(tcp4) = a\nconnect(a, 127.0.0.1:9) = -1 ETIMEDOUT\n"), Some(1));
        assert_eq!(difference("socket(tcp4) = a\ngetsockname(a) = 0.0.0.0:0\n"), None);
        assert_eq!(difference("socket(tcp4) = a\ngetsockname(a) = 0.0.0.0:1\n"), Some(1));
    }
}
