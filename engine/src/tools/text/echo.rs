//! `echo`, `printf`, `seq`.

use super::Cx;
use crate::tools::options::{self, flag, value};
use crate::tools::shell::{echo_text, with_escapes};

const OUTPUT_MAX: usize = 1 << 20;
const WIDTH_MAX: usize = 10_000;

/// `echo [-neE] TEXT…`
pub fn echo(cx: &mut Cx) -> i32 {
    let text = echo_text(&cx.args[1..]);
    cx.print(&text);
    0
}

/// `printf [-v NAME] FORMAT ARGUMENT…`: the format is used again while arguments are left.
pub fn printf(cx: &mut Cx) -> i32 {
    let mut args = cx.args[1..].to_vec();
    let mut variable = None;
    if args.first().is_some_and(|arg| arg == "-v") && args.len() > 1 {
        variable = Some(args[1].clone());
        args.drain(..2);
    }
    if args.first().is_some_and(|arg| arg == "--") {
        args.remove(0);
    }
    let Some((format, operands)) = args.split_first() else {
        cx.eprint("bash: printf: usage: printf [-v var] format [arguments]\n");
        return 2;
    };
    let mut problems = Vec::new();
    let formatted = format_all(format, operands, &mut problems);
    let status = i32::from(!problems.is_empty());
    for problem in problems {
        cx.eprint(&format!("bash: printf: {problem}\n"));
    }
    match variable {
        Some(name) => drop(cx.env.vars.insert(name, formatted)),
        None => cx.print(&formatted),
    }
    status
}

/// What `printf` writes; also used by awk. Problems are bash's words.
pub fn format_all(format: &str, operands: &[String], problems: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = operands;
    loop {
        let (stop, used) = format_once(format, rest, &mut out, problems);
        rest = &rest[used.min(rest.len())..];
        if stop || used == 0 || rest.is_empty() || out.len() > OUTPUT_MAX {
            return out;
        }
    }
}

/// One pass over the format: whether `\c` ended it, and how many operands it took.
fn format_once(format: &str, operands: &[String], out: &mut String, problems: &mut Vec<String>) -> (bool, usize) {
    let mut used = 0;
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        out.push_str(&rest[..at]);
        let special = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        if special == b'\\' {
            if rest.starts_with('c') {
                return (true, used);
            }
            let (text, length) = crate::tools::shell::escape::ansi_c(rest);
            out.push_str(&text);
            rest = &rest[length..];
            continue;
        }
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut next = || {
            let operand = operands.get(used).cloned();
            used += 1;
            operand
        };
        let (spec, after) = read_spec(rest, &mut next);
        rest = after;
        match spec.conversion {
            Some(conversion) => {
                let operand = next();
                if convert(&spec, conversion, operand, out, problems) {
                    return (true, used);
                }
            }
            None => {
                problems.push(format!(
                    "`{}': invalid format character",
                    rest.chars().next().map_or("missing".into(), String::from)
                ));
                return (true, used);
            }
        }
    }
    out.push_str(rest);
    (false, used)
}

struct Spec {
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    conversion: Option<char>,
}

fn read_spec<'f>(text: &'f str, next: &mut impl FnMut() -> Option<String>) -> (Spec, &'f str) {
    let mut spec = Spec {
        left: false,
        zero: false,
        plus: false,
        space: false,
        alternate: false,
        width: 0,
        precision: None,
        conversion: None,
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '-' => spec.left = true,
            '0' => spec.zero = true,
            '+' => spec.plus = true,
            ' ' => spec.space = true,
            '#' => spec.alternate = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let mut number = |rest: &mut &'f str| {
        if let Some(after) = rest.strip_prefix('*') {
            *rest = after;
            return next().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        }
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let value = rest[..length].parse().unwrap_or(0);
        *rest = &rest[length..];
        value
    };
    let width = number(&mut rest);
    spec.left |= width < 0;
    spec.width = (width.unsigned_abs() as usize).min(WIDTH_MAX);
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        spec.precision = Some((number(&mut rest).max(0) as usize).min(WIDTH_MAX));
    }
    let rest = rest.trim_start_matches(['l', 'h', 'q', 'j', 'z']);
    spec.conversion = rest.chars().next().filter(|c| "sbcqdiuoxXfFeEgG".contains(*c));
    (spec, spec_end(rest))
}

fn spec_end(rest: &str) -> &str {
    match rest.chars().next() {
        Some(c) if "sbcqdiuoxXfFeEgG".contains(c) => &rest[1..],
        _ => rest,
    }
}

/// Writes one operand; true when it ended the output.
fn convert(
    spec: &Spec,
    conversion: char,
    operand: Option<String>,
    out: &mut String,
    problems: &mut Vec<String>,
) -> bool {
    let text = operand.clone().unwrap_or_default();
    let cut = |text: &str| text.chars().take(spec.precision.unwrap_or(usize::MAX)).collect::<String>();
    let mut stop = false;
    let body = match conversion {
        's' => cut(&text),
        'b' => {
            let (text, stopped) = with_escapes(&text);
            stop = stopped;
            cut(&text)
        }
        'c' => text.chars().take(1).collect(),
        'q' => shell_quoted(&text),
        'd' | 'i' => signed(spec, integer(&text, problems)),
        'u' => digits(spec, (integer(&text, problems) as u64).to_string()),
        'o' => digits(spec, format!("{:o}", integer(&text, problems))),
        'x' => prefixed(spec, "0x", format!("{:x}", integer(&text, problems))),
        'X' => prefixed(spec, "0X", format!("{:X}", integer(&text, problems))),
        _ => real(spec, conversion, number(&text, problems)),
    };
    pad(spec, &body, !matches!(conversion, 's' | 'b' | 'c' | 'q'), out);
    stop
}

fn shell_quoted(text: &str) -> String {
    if text.is_empty() {
        return "''".into();
    }
    let plain = |c: char| c.is_alphanumeric() || "_./:=@%+,-".contains(c);
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") }).collect()
}

fn pad(spec: &Spec, body: &str, numeric: bool, out: &mut String) {
    let missing = spec.width.saturating_sub(body.chars().count());
    if spec.left {
        out.push_str(body);
        out.push_str(&" ".repeat(missing));
    } else if spec.zero && numeric && body.ends_with(|c: char| c.is_ascii_hexdigit()) {
        let sign = body.len() - body.trim_start_matches(['-', '+', ' ']).len();
        out.push_str(&body[..sign]);
        out.push_str(&"0".repeat(missing));
        out.push_str(&body[sign..]);
    } else {
        out.push_str(&" ".repeat(missing));
        out.push_str(body);
    }
}

fn digits(spec: &Spec, text: String) -> String {
    format!("{}{text}", "0".repeat(spec.precision.unwrap_or(0).saturating_sub(text.len())))
}

fn prefixed(spec: &Spec, prefix: &str, text: String) -> String {
    let text = digits(spec, text);
    if spec.alternate && text.bytes().any(|b| b != b'0') { format!("{prefix}{text}") } else { text }
}

fn sign(spec: &Spec, negative: bool) -> &'static str {
    match (negative, spec.plus, spec.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn signed(spec: &Spec, value: i64) -> String {
    format!("{}{}", sign(spec, value < 0), digits(spec, value.unsigned_abs().to_string()))
}

fn integer(text: &str, problems: &mut Vec<String>) -> i64 {
    let trimmed = text.trim_start();
    if let Some(quoted) = trimmed.strip_prefix(['\'', '"']) {
        return quoted.chars().next().map_or(0, |c| i64::from(u32::from(c)));
    }
    if trimmed.is_empty() {
        return 0;
    }
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(hex) => (16, hex),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    if length < digits.len() || digits.is_empty() {
        problems.push(format!("{text}: invalid number"));
    }
    let value = i128::from_str_radix(&digits[..length], radix).unwrap_or(0);
    let value = if negative { -value } else { value };
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn number(text: &str, problems: &mut Vec<String>) -> f64 {
    match text.trim().parse() {
        Ok(value) => value,
        Err(_) if text.is_empty() => 0.0,
        Err(_) => {
            problems.push(format!("{text}: invalid number"));
            leading_number(text)
        }
    }
}

/// The number that a text begins with, as C's `strtod`.
pub fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let mut end = 0;
    for (at, _) in text.char_indices().map(|(at, c)| (at + c.len_utf8(), c)).take(60) {
        if text[..at].parse::<f64>().is_ok_and(f64::is_finite)
            && text[..at].ends_with(|c: char| c.is_ascii_digit() || c == '.')
        {
            end = at;
        }
    }
    text[..end].parse().unwrap_or(0.0)
}

fn real(spec: &Spec, conversion: char, value: f64) -> String {
    let precision = spec.precision.unwrap_or(6);
    let body = match conversion.to_ascii_lowercase() {
        _ if !value.is_finite() => {
            if value.is_nan() {
                "nan".into()
            } else {
                "inf".to_owned()
            }
        }
        'f' => format!("{:.precision$}", value.abs()),
        'e' => exponent(value.abs(), precision),
        _ => general(value.abs(), precision, spec.alternate),
    };
    let body = if conversion.is_ascii_uppercase() { body.to_uppercase() } else { body };
    format!("{}{body}", sign(spec, value.is_sign_negative()))
}

fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// C's `%g`.
pub fn general(value: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.*e}", precision - 1);
    let power: i32 = text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let body = if power < -4 || power >= precision as i32 {
        exponent(value, precision - 1)
    } else {
        format!("{value:.*}", (precision as i32 - 1 - power) as usize)
    };
    if keep_zeros || !body.contains('.') {
        return body;
    }
    let (mantissa, tail) = body.find('e').map_or((body.as_str(), ""), |at| body.split_at(at));
    format!("{}{tail}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

/// `seq [-s TEXT] [-w] [-f FORMAT] [FIRST [STEP]] LAST`
pub fn seq(cx: &mut Cx) -> i32 {
    // Negative numbers are operands.
    let args: Vec<String> = cx.args.clone();
    let first_number = args[1..].iter().position(|arg| arg.parse::<f64>().is_ok()).map_or(args.len(), |at| at + 1);
    cx.args.truncate(first_number);
    let given = match options::read(cx, &[value('s', "separator"), flag('w', "equal-width"), value('f', "format")]) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let texts: Vec<&String> = given.operands.iter().chain(&args[first_number..]).collect();
    let numbers: Vec<Option<f64>> = texts.iter().map(|text| text.parse().ok()).collect();
    if let Some(at) = numbers.iter().position(Option::is_none) {
        let text = format!("invalid floating point argument: ‘{}’\nTry 'seq --help' for more information.", texts[at]);
        return cx.fail(&text, 1);
    }
    let (first, step, last) = match numbers[..] {
        [Some(last)] => (1.0, 1.0, last),
        [Some(first), Some(last)] => (first, 1.0, last),
        [Some(first), Some(step), Some(last)] => (first, step, last),
        [] => return cx.fail("missing operand\nTry 'seq --help' for more information.", 1),
        _ => {
            let text = format!("extra operand ‘{}’\nTry 'seq --help' for more information.", texts[3]);
            return cx.fail(&text, 1);
        }
    };
    if step == 0.0 {
        return cx.fail("invalid Zero increment value: ‘0’\nTry 'seq --help' for more information.", 1);
    }
    let decimals = texts
        .iter()
        .take(texts.len().clamp(1, 2))
        .map(|text| text.split_once('.').map_or(0, |(_, f)| f.len()))
        .max()
        .unwrap_or(0);
    let count = ((last - first) / step + 1e-9).floor();
    if count >= 200_000.0 {
        return cx.fail("portlab counts at most 200000 numbers", 2);
    }
    let values = (0..=count as i64).filter(|_| count >= 0.0).map(|number| first + number as f64 * step);
    let mut written: Vec<String> = match given.value('f') {
        Some(format) => values.map(|value| format_all(format, &[value.to_string()], &mut Vec::new())).collect(),
        None => values.map(|value| format!("{value:.decimals$}")).collect(),
    };
    if given.has('w') {
        let width = written.iter().map(String::len).max().unwrap_or(0);
        for text in &mut written {
            let digits = text.trim_start_matches('-');
            let minus = &text[..text.len() - digits.len()];
            *text = format!("{minus}{}{digits}", "0".repeat(width - text.len()));
        }
    }
    if !written.is_empty() {
        let text = format!("{}\n", written.join(given.value('s').unwrap_or("\n")));
        cx.print(&text);
    }
    0
}
