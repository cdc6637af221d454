//! `wc` and `uniq`.

use super::{Cx, input};
use crate::tools::options::{self, bare, flag, lines, value};

/// `wc [-lwcmL] [FILE…]`
pub fn wc(cx: &mut Cx) -> i32 {
    let specs =
        [flag('l', "lines"), flag('w', "words"), flag('c', "bytes"), flag('m', "chars"), flag('L', "max-line-length")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut columns: Vec<char> = "lwmcL".chars().filter(|c| given.has(*c)).collect();
    if columns.is_empty() {
        columns = vec!['l', 'w', 'c'];
    }
    let (mut rows, mut status, mut bytes) = (Vec::new(), 0, 0);
    let operands = if given.operands.is_empty() { vec![String::new()] } else { given.operands.clone() };
    for path in &operands {
        let text = if path.is_empty() { Ok(cx.take_stdin().into()) } else { cx.open(path) };
        match text {
            Ok(text) => {
                bytes += text.len();
                rows.push((columns.iter().map(|column| measure(&text, *column)).collect::<Vec<_>>(), path.clone()));
            }
            Err(why) => {
                status = cx.fail(&format!("{path}: {why}"), 1);
                if why == "Is a directory" {
                    rows.push((vec![0; columns.len()], path.clone()));
                }
            }
        }
    }
    if operands.len() > 1 {
        let mut totals = vec![0; columns.len()];
        for (row, _) in &rows {
            for (number, (total, value)) in totals.iter_mut().zip(row).enumerate() {
                *total = if columns[number] == 'L' { (*total).max(*value) } else { *total + value };
            }
        }
        rows.push((totals, "total".into()));
    }
    // One number from one source stands alone; sizes of files are known beforehand, those of a pipe are not.
    let from_pipe = operands.iter().any(|path| path.is_empty() || path == "-");
    let width = match (columns.len(), operands.len()) {
        (1, 1) => 1,
        _ if from_pipe => 7,
        _ => bytes.to_string().len(),
    };
    for (row, name) in rows {
        let numbers: Vec<String> = row.iter().map(|value| format!("{value:>width$}")).collect();
        let name = if name.is_empty() { String::new() } else { format!(" {name}") };
        cx.print(&format!("{}{name}\n", numbers.join(" ")));
    }
    status
}

fn measure(text: &str, what: char) -> usize {
    match what {
        'l' => text.matches('\n').count(),
        'w' => text.split_whitespace().count(),
        'm' => text.chars().count(),
        'L' => text.lines().map(|line| line.chars().count()).max().unwrap_or(0),
        _ => text.len(),
    }
}

/// `uniq [-c] [-d] [-u] [-i] [-f N] [-s N] [-w N] [FILE]`
pub fn uniq(cx: &mut Cx) -> i32 {
    let specs = [
        flag('c', "count"),
        flag('d', "repeated"),
        flag('u', "unique"),
        flag('i', "ignore-case"),
        value('f', "skip-fields"),
        value('s', "skip-chars"),
        value('w', "check-chars"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if given.operands.len() > 1 {
        return cx.fail("portlab does not model an output file of uniq", 2);
    }
    let number = |option: char, default: usize| given.value(option).map_or(Some(default), |text| text.parse().ok());
    let (Some(fields), Some(chars), Some(width)) = (number('f', 0), number('s', 0), number('w', usize::MAX)) else {
        return cx.fail("invalid number", 1);
    };
    let key = |line: &str| {
        let mut rest = line;
        for _ in 0..fields {
            rest = rest.trim_start_matches([' ', '\t']).trim_start_matches(|c| c != ' ' && c != '\t');
        }
        let key: String = rest.chars().skip(chars).take(width).collect();
        if given.has('i') { key.to_lowercase() } else { key }
    };
    let (text, status) = input(cx, &given.operands);
    let mut groups: Vec<(&str, String, usize)> = Vec::new();
    for line in lines(&text).map(bare) {
        let key = key(line);
        match groups.last_mut() {
            Some((_, last, count)) if *last == key => *count += 1,
            _ => groups.push((line, key, 1)),
        }
    }
    for (line, _, count) in groups {
        if given.has('d') && count == 1 || given.has('u') && count > 1 {
            continue;
        }
        cx.print(&if given.has('c') { format!("{count:>7} {line}\n") } else { format!("{line}\n") });
    }
    status
}
