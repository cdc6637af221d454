//! `cut`. As GNU's, `-c` counts bytes.

use super::{Cx, input};
use crate::tools::options::{self, bare, flag, lines, value};

/// `cut -f LIST [-d C] [-s] [--output-delimiter=TEXT] | -c LIST | -b LIST [--complement] [FILE…]`
pub fn cut(cx: &mut Cx) -> i32 {
    let specs = [
        value('f', "fields"),
        value('d', "delimiter"),
        value('c', "characters"),
        value('b', "bytes"),
        flag('s', "only-delimited"),
        flag('C', "complement"),
        value('O', "output-delimiter"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let hint = "\nTry 'cut --help' for more information.";
    let kinds: Vec<char> = ['f', 'c', 'b'].into_iter().filter(|kind| given.has(*kind)).collect();
    let [kind] = kinds[..] else {
        let text = if kinds.is_empty() {
            "you must specify a list of bytes, characters, or fields"
        } else {
            "only one list may be specified"
        };
        return cx.fail(&format!("{text}{hint}"), 1);
    };
    let ranges = match ranges(given.value(kind).unwrap_or(""), kind == 'f') {
        Ok(ranges) => ranges,
        Err(why) => return cx.fail(&format!("{why}{hint}"), 1),
    };
    let delimiter = given.value('d').unwrap_or("\t");
    let mut delimiter_chars = delimiter.chars();
    let (Some(delimiter), None) = (delimiter_chars.next(), delimiter_chars.next()) else {
        return cx.fail(&format!("the delimiter must be a single character{hint}"), 1);
    };
    if kind != 'f' && given.has('d') {
        return cx.fail(&format!("an input delimiter may be specified only when operating on fields{hint}"), 1);
    }
    let chosen = |number: usize| ranges.iter().any(|(from, to)| (*from..=*to).contains(&number)) != given.has('C');
    let (text, status) = input(cx, &given.operands);
    let between = given.value('O').map_or(delimiter.to_string(), str::to_owned);
    let mut out = String::new();
    for line in lines(&text).map(bare) {
        if kind == 'f' {
            if !line.contains(delimiter) {
                if !given.has('s') {
                    out.push_str(line);
                    out.push('\n');
                }
                continue;
            }
            let fields: Vec<&str> =
                line.split(delimiter).enumerate().filter(|(at, _)| chosen(at + 1)).map(|(_, field)| field).collect();
            out.push_str(&fields.join(&between));
        } else {
            let bytes: Vec<u8> = line.bytes().enumerate().filter(|(at, _)| chosen(at + 1)).map(|(_, b)| b).collect();
            out.push_str(&String::from_utf8_lossy(&bytes));
        }
        out.push('\n');
    }
    cx.print(&out);
    status
}

/// `1,3-5,7-`
fn ranges(text: &str, fields: bool) -> Result<Vec<(usize, usize)>, String> {
    let what = if fields { "field" } else { "byte/character" };
    let number = |text: &str| match text.parse::<usize>() {
        Ok(0) => Err(if fields {
            "fields are numbered from 1".to_owned()
        } else {
            "byte/character positions are numbered from 1".to_owned()
        }),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("invalid {what} value ‘{text}’")),
    };
    let mut ranges = Vec::new();
    for part in text.split([',', ' ']) {
        let range = match part.split_once('-') {
            None => {
                let number = number(part)?;
                (number, number)
            }
            Some(("", "")) => return Err("invalid range with no endpoint: -".into()),
            Some((from, "")) => (number(from)?, usize::MAX),
            Some(("", to)) => (1, number(to)?),
            Some((from, to)) => (number(from)?, number(to)?),
        };
        if range.0 > range.1 {
            return Err("invalid decreasing range".into());
        }
        ranges.push(range);
    }
    Ok(ranges)
}
