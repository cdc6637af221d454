//! `nstat`: the counters of the host's kernel.
//!
//! Source: `misc/nstat.c` of iproute2 6.1. Modelled: `-a -s -z -r -n` and patterns. Left out, with a message when asked for
//! by name: counters that portlab does not count.

use crate::tools::Cx;
use crate::tools::options::{self, flag};
use crate::tools::shell::pattern;

/// Runs nstat.
pub fn run(cx: &mut Cx) -> i32 {
    let specs = [
        flag('a', "ignore"),
        flag('s', "noupdate"),
        flag('z', "zeros"),
        flag('r', "reset"),
        flag('n', "nooutput"),
        flag('V', "version"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.has('V') {
        cx.print("nstat utility, iproute2-6.1.0\n");
        return 0;
    }
    cx.world.start_host(&cx.host);
    let counters: Vec<(&str, u64)> =
        cx.world.host(&cx.host).map(|host| host.namespace().counters.all().collect()).unwrap_or_default();
    let history = cx.world.jobs.of(&cx.host).nstat.clone().unwrap_or_else(|| vec![0; counters.len()]);
    let before = if given.has('a') || given.has('r') { vec![0; counters.len()] } else { history };
    let fits = |words: &String, name: &str| pattern::matches(words, name);
    let named = |name: &str| given.operands.is_empty() || given.operands.iter().any(|words| fits(words, name));
    if !given.has('n') {
        let mut text = String::from("#kernel\n");
        for ((name, value), before) in counters.iter().zip(&before).filter(|((name, _), _)| named(name)) {
            let change = value.saturating_sub(*before);
            if change != 0 || given.has('z') {
                text += &format!("{name:<32}{change:<16}{:>6.1}\n", 0.0);
            }
        }
        cx.print(&text);
        for words in &given.operands {
            if !counters.iter().any(|(name, _)| fits(words, name)) {
                cx.eprint(&format!("portlab counts nothing named {words}; `nstat -az` lists what it counts\n"));
            }
        }
    }
    if !given.has('s') {
        cx.world.jobs.of(&cx.host).nstat = Some(counters.iter().map(|(_, value)| *value).collect());
    }
    0
}
