//! Backslash escapes of `$'…'`, `echo -e` and `printf`.

/// The text that an escape stands for, given what follows its backslash, and how many characters it took.
pub(crate) fn ansi_c(rest: &str) -> (String, usize) {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return ("\\".into(), 0) };
    let simple = match first {
        'a' => '\x07',
        'b' => '\x08',
        'e' | 'E' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' | '\'' | '"' | '?' => first,
        'x' => return number(rest, 1, 16, 2),
        'u' => return number(rest, 1, 16, 4),
        'U' => return number(rest, 1, 16, 8),
        '0'..='7' => return number(rest, 0, 8, 3),
        _ => return (format!("\\{first}"), 1),
    };
    (simple.to_string(), 1)
}

/// `echo -e` and `%b` write octal numbers with a zero in front: `\0101`.
pub(crate) fn echo(rest: &str) -> (String, usize) {
    match rest.chars().next() {
        Some('0') => number(rest, 1, 8, 3),
        Some('\'' | '"' | '?' | '1'..='7') => (format!("\\{}", &rest[..1]), 1),
        _ => ansi_c(rest),
    }
}

fn number(rest: &str, skip: usize, radix: u32, digits_max: usize) -> (String, usize) {
    let digits: String = rest.chars().skip(skip).take(digits_max).take_while(|c| c.is_digit(radix)).collect();
    if digits.is_empty() && skip > 0 {
        return (if rest.starts_with('0') { "\0".into() } else { format!("\\{}", &rest[..skip]) }, skip);
    }
    let code = u32::from_str_radix(&digits, radix).unwrap_or(0);
    (char::from_u32(code).unwrap_or('\u{fffd}').to_string(), skip + digits.len())
}
