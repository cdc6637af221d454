//! `tr`.

use super::Cx;
use crate::tools::options::{self, flag};
use crate::tools::shell::{escape, pattern::class};

/// `tr [-d] [-s] [-c] SET1 [SET2]`
pub fn tr(cx: &mut Cx) -> i32 {
    let specs = [
        flag('d', "delete"),
        flag('s', "squeeze-repeats"),
        flag('c', "complement"),
        flag('C', ""),
        flag('t', "truncate-set1"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let complement = given.has('c') || given.has('C');
    let (delete, squeeze) = (given.has('d'), given.has('s'));
    let needed = if delete == squeeze { 2 } else { 1 };
    let hint = "\nTry 'tr --help' for more information.";
    if given.operands.len() < needed && !(squeeze && !delete && given.operands.len() == 1) {
        let text = match given.operands.last() {
            None => "missing operand".to_owned(),
            Some(last) => format!("missing operand after ‘{last}’\nTwo strings must be given when translating."),
        };
        return cx.fail(&format!("{text}{hint}"), 1);
    }
    let extra = if delete && !squeeze { 1 } else { 2 };
    if given.operands.len() > extra {
        let text = format!("extra operand ‘{}’{hint}", given.operands[extra]);
        return cx.fail(&text, 1);
    }
    let sets = set(&given.operands[0])
        .and_then(|first| Ok((first, given.operands.get(1).map_or(Ok(Vec::new()), |text| set(text))?)));
    let (mut first, second) = match sets {
        Ok(sets) => sets,
        Err(why) => return cx.fail(&why, 1),
    };
    let text = cx.take_stdin();
    let translate = !delete && given.operands.len() == 2;
    if translate && second.is_empty() {
        return cx.fail("when not truncating set1, string2 must be non-empty", 1);
    }
    if given.has('t') && translate {
        first.truncate(second.len());
    }
    let member = |c: char| first.contains(&c) != complement;
    let squeezed = |c: char| squeeze && if given.operands.len() == 2 { second.contains(&c) } else { member(c) };
    let mut out = String::new();
    let mut last = None;
    for c in text.chars() {
        if delete && member(c) {
            continue;
        }
        let c = match first.iter().rposition(|known| *known == c) {
            _ if !translate => c,
            Some(at) if !complement => second.get(at).or(second.last()).copied().unwrap_or(c),
            None if complement => second.last().copied().unwrap_or(c),
            _ => c,
        };
        if squeezed(c) && last == Some(c) {
            continue;
        }
        last = Some(c);
        out.push(c);
    }
    cx.print(&out);
    0
}

/// `a-z`, `[:upper:]`, `\n`, `[x*3]`
fn set(text: &str) -> Result<Vec<char>, String> {
    let mut chars = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("[:")
            && let Some((name, after)) = after.split_once(":]")
        {
            let members: Vec<char> = (0u8..128).map(char::from).filter(|&c| class(name, c)).collect();
            if members.is_empty() {
                return Err(format!("invalid character class ‘{name}’"));
            }
            chars.extend(members);
            rest = after;
            continue;
        }
        let (low, after) = one(rest, c);
        rest = after;
        match rest.strip_prefix('-').and_then(|after| after.chars().next().map(|c| one(after, c))) {
            Some((high, after)) => {
                if high < low {
                    return Err(format!("range-endpoints of '{low}-{high}' are in reverse collating sequence order"));
                }
                chars.extend(low..=high);
                rest = after;
            }
            None => chars.push(low),
        }
    }
    Ok(chars)
}

fn one(rest: &str, c: char) -> (char, &str) {
    let after = &rest[c.len_utf8()..];
    if c != '\\' || after.is_empty() {
        return (c, after);
    }
    let (text, used) = escape::ansi_c(after);
    match (text.chars().next(), used) {
        (Some('\\'), used) if used == 1 && !after.starts_with('\\') => {
            (after.chars().next().unwrap_or('\\'), &after[1..])
        }
        (Some(c), used) => (c, &after[used..]),
        (None, _) => ('\\', after),
    }
}
