//! `cat`, `tee`, `head`, `tail`, `tac`, `rev`, `nl`, `paste`, `base64`.

use super::{Cx, input};
use crate::base64 as base64_text;
use crate::linux::Errno;
use crate::tools::options::{self, bare, flag, lines, value};
use crate::tools::{files, proc};

/// `cat [-nbETAs] [FILE…]`
pub fn cat(cx: &mut Cx) -> i32 {
    let specs = [
        flag('n', "number"),
        flag('b', "number-nonblank"),
        flag('E', "show-ends"),
        flag('s', "squeeze-blank"),
        flag('T', "show-tabs"),
        flag('A', "show-all"),
        flag('u', ""),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let (text, status) = input(cx, &given.operands);
    if !['n', 'b', 'E', 's', 'T', 'A'].iter().any(|option| given.has(*option)) {
        cx.print(&text);
        return status;
    }
    let (mut number, mut blank_before, mut out) = (0, false, String::new());
    for line in lines(&text) {
        let blank = line == "\n";
        if given.has('s') && blank && blank_before {
            continue;
        }
        blank_before = blank;
        if given.has('b') && !blank || given.has('n') && !given.has('b') {
            number += 1;
            out.push_str(&format!("{number:>6}\t"));
        }
        let tabs = given.has('T') || given.has('A');
        out.push_str(&if tabs { bare(line).replace('\t', "^I") } else { bare(line).to_owned() });
        if line.ends_with('\n') {
            out.push_str(if given.has('E') || given.has('A') { "$\n" } else { "\n" });
        }
    }
    cx.print(&out);
    status
}

/// `tee [-a] [FILE…]`
pub fn tee(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[flag('a', "append"), flag('i', "")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let text = cx.take_stdin();
    cx.print(&text);
    let mut status = 0;
    for path in &given.operands {
        if path == "/dev/null" {
            continue;
        }
        if proc::is_kernels(path) {
            let opened = proc::open_to_write(cx.world, cx.place, &cx.host, path);
            let done = opened.and_then(|()| proc::write(cx.world, &cx.host, path, &text).map_err(Errno::words));
            if let Err(why) = done {
                status = cx.fail(&format!("{path}: {why}"), 1);
            }
            continue;
        }
        if files::is_directory(cx.world, path) {
            status = cx.fail(&format!("{path}: Is a directory"), 1);
            continue;
        }
        let old = if given.has('a') { files::read(cx.world, cx.env, path) } else { None };
        let whole = format!("{}{text}", old.as_deref().unwrap_or(""));
        files::write(cx.world, path, &whole);
    }
    status
}

/// A count of `head` and `tail`: the number and its sign.
fn count(cx: &mut Cx, given: &options::Given) -> Result<(char, usize, bool), i32> {
    let bytes = given.has('c');
    let text = given.value(if bytes { 'c' } else { 'n' }).unwrap_or("10");
    let (sign, digits) = match text.chars().next() {
        Some(sign @ ('+' | '-')) => (sign, &text[1..]),
        _ => (' ', text),
    };
    match digits.parse() {
        Ok(number) => Ok((sign, number, bytes)),
        Err(_) => {
            let unit = if bytes { "bytes" } else { "lines" };
            Err(cx.fail(&format!("invalid number of {unit}: ‘{text}’"), 1))
        }
    }
}

/// `-20` for `-n 20`, as `head` and `tail` allow.
fn old_style(cx: &mut Cx) -> bool {
    if let Some(digits) = cx
        .args
        .get(1)
        .and_then(|arg| arg.strip_prefix('-'))
        .filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    {
        cx.args[1] = format!("-n{digits}");
        true
    } else if cx.args[0] == "tail"
        && let Some(digits) = cx
            .args
            .get(1)
            .and_then(|arg| arg.strip_prefix('+'))
            .filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    {
        cx.args[1] = format!("-n+{digits}");
        true
    } else {
        false
    }
}

/// The files of `head` and `tail`, each with its header where there are several.
fn parts(cx: &mut Cx, given: &options::Given, cut: impl Fn(&str) -> String) -> i32 {
    if given.operands.is_empty() {
        let text = cx.take_stdin();
        cx.print(&cut(&text));
        return 0;
    }
    let headers = given.has('v') || given.operands.len() > 1 && !given.has('q');
    let (mut status, mut first) = (0, true);
    for path in &given.operands {
        match cx.open(path) {
            Ok(text) => {
                if headers {
                    let name = if path == "-" { "standard input" } else { path };
                    cx.print(&format!("{}==> {name} <==\n", if first { "" } else { "\n" }));
                }
                first = false;
                cx.print(&cut(&text));
            }
            Err("Is a directory") => status = cx.fail(&format!("error reading '{path}': Is a directory"), 1),
            Err(why) => status = cx.fail(&format!("cannot open '{path}' for reading: {why}"), 1),
        }
    }
    status
}

fn text_before(text: &str, count: usize, bytes: bool) -> String {
    if bytes {
        return String::from_utf8_lossy(&text.as_bytes()[..count.min(text.len())]).into_owned();
    }
    lines(text).take(count).collect()
}

fn text_after(text: &str, skip: usize, bytes: bool) -> String {
    if bytes {
        return String::from_utf8_lossy(&text.as_bytes()[skip.min(text.len())..]).into_owned();
    }
    lines(text).skip(skip).collect()
}

fn size(text: &str, bytes: bool) -> usize {
    if bytes { text.len() } else { lines(text).count() }
}

/// `head [-n N | -N | -n -N | -c N] [-q] [-v] [FILE…]`
pub fn head(cx: &mut Cx) -> i32 {
    old_style(cx);
    let specs = [value('n', "lines"), value('c', "bytes"), flag('q', "quiet"), flag('v', "verbose")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    match count(cx, &given) {
        Ok((sign, number, bytes)) => parts(cx, &given, |text| match sign {
            '-' => text_before(text, size(text, bytes).saturating_sub(number), bytes),
            _ => text_before(text, number, bytes),
        }),
        Err(status) => status,
    }
}

/// `tail [-n N | -N | -n +N | -c N] [-q] [-v] [FILE…]`
pub fn tail(cx: &mut Cx) -> i32 {
    let old_style = old_style(cx);
    let specs = [value('n', "lines"), value('c', "bytes"), flag('q', "quiet"), flag('v', "verbose")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if old_style && given.operands.len() > 1 {
        return cx.fail(&format!("option used in invalid context -- {}", given.value('n').unwrap_or("")), 1);
    }
    match count(cx, &given) {
        Ok((sign, number, bytes)) => parts(cx, &given, |text| match sign {
            '+' => text_after(text, number.saturating_sub(1), bytes),
            _ => text_after(text, size(text, bytes).saturating_sub(number), bytes),
        }),
        Err(status) => status,
    }
}

/// `tac [FILE…]`
pub fn tac(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let (text, status) = input(cx, &given.operands);
    let turned: String = lines(&text).rev().collect();
    cx.print(&turned);
    status
}

/// `rev [FILE…]`
pub fn rev(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let (text, status) = input(cx, &given.operands);
    let turned: String = lines(&text)
        .map(|line| {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            bare(line).chars().rev().collect::<String>() + end
        })
        .collect();
    cx.print(&turned);
    status
}

/// `nl [-ba] [-w N] [-s TEXT] [-v N] [FILE…]`
pub fn nl(cx: &mut Cx) -> i32 {
    let specs = [
        value('b', "body-numbering"),
        value('w', "number-width"),
        value('s', "number-separator"),
        value('v', "starting-line-number"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let style = given.value('b').unwrap_or("t");
    if !["a", "t", "n"].contains(&style) {
        return cx.fail(&format!("portlab does not model -b {style} of nl"), 2);
    }
    let width: usize = given.value('w').and_then(|text| text.parse().ok()).unwrap_or(6).min(100);
    let separator = given.value('s').unwrap_or("\t").to_owned();
    let mut number: i64 = given.value('v').and_then(|text| text.parse().ok()).unwrap_or(1);
    let (text, status) = input(cx, &given.operands);
    let mut out = String::new();
    for line in lines(&text) {
        if style == "a" || style == "t" && !bare(line).is_empty() {
            out.push_str(&format!("{number:>width$}{separator}{}\n", bare(line)));
            number += 1;
        } else {
            out.push_str(&format!("{}{}\n", " ".repeat(width + separator.chars().count()), bare(line)));
        }
    }
    cx.print(&out);
    status
}

/// `paste [-s] [-d LIST] [FILE…]`
pub fn paste(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[flag('s', "serial"), value('d', "delimiters")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let delimiters: Vec<char> =
        given.value('d').unwrap_or("\t").replace("\\t", "\t").replace("\\n", "\n").chars().collect();
    let delimiter = |number: usize| {
        if delimiters.is_empty() { String::new() } else { delimiters[number % delimiters.len()].to_string() }
    };
    let operands = if given.operands.is_empty() { vec!["-".to_owned()] } else { given.operands.clone() };
    let dashes = operands.iter().filter(|path| *path == "-").count();
    let standard: Vec<String> =
        if dashes > 0 { cx.take_stdin().lines().map(str::to_owned).collect() } else { Vec::new() };
    let mut columns: Vec<Vec<String>> = Vec::new();
    let mut dash = 0;
    for path in &operands {
        if path == "-" {
            // Several `-` take the lines of standard input in turn.
            columns.push(if given.has('s') {
                standard.clone()
            } else {
                standard.iter().skip(dash).step_by(dashes).cloned().collect()
            });
            dash += 1;
            continue;
        }
        match cx.open(path) {
            Ok(text) => columns.push(text.lines().map(str::to_owned).collect()),
            Err(why) => return cx.fail(&format!("{path}: {why}"), 1),
        }
    }
    let join = |texts: &[String]| {
        let mut out = String::new();
        for (number, text) in texts.iter().enumerate() {
            out.push_str(text);
            out.push_str(&if number + 1 < texts.len() { delimiter(number) } else { "\n".to_owned() });
        }
        out
    };
    if given.has('s') {
        columns.iter().for_each(|column| cx.print(&if column.is_empty() { "\n".to_owned() } else { join(column) }));
        return 0;
    }
    for row in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let texts: Vec<String> = columns.iter().map(|column| column.get(row).cloned().unwrap_or_default()).collect();
        cx.print(&join(&texts));
    }
    0
}

/// `base64 [-d] [-w N] [FILE]`
pub fn base64(cx: &mut Cx) -> i32 {
    let given = match options::read(cx, &[flag('d', "decode"), value('w', "wrap"), flag('i', "ignore-garbage")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let (text, status) = input(cx, &given.operands);
    if given.has('d') {
        return match base64_text::decode(&text) {
            Some(bytes) => {
                cx.print(&String::from_utf8_lossy(&bytes));
                status
            }
            None => cx.fail("invalid input", 1),
        };
    }
    let width = match given.value('w').map(str::parse::<usize>) {
        None => 76,
        Some(Ok(width)) => width,
        Some(Err(_)) => return cx.fail(&format!("invalid wrap size: ‘{}’", given.value('w').unwrap_or("")), 1),
    };
    let encoded = base64_text::encode(text.as_bytes());
    if width == 0 {
        cx.print(&encoded);
        return status;
    }
    let bytes = encoded.as_bytes();
    let wrapped: String = bytes.chunks(width).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    cx.print(&wrapped);
    status
}
