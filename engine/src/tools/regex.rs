//! POSIX regular expressions, basic and extended, in GNU's form, on the regex-lite crate.
//!
//! Left out: back-references (refused); of several alternatives the first that fits is taken, not the longest.

use regex_lite::{Regex, RegexBuilder};

use super::shell::pattern::class;

const LENGTH_MAX: usize = 10_000;

/// An extended expression (`grep -E`, `sed -E`, `awk`, `[[ =~ ]]`).
pub fn extended(text: &str, ignore_case: bool) -> Result<Regex, String> {
    compile(&translate(text, true)?, ignore_case)
}

/// A basic expression (`grep`, `sed`).
pub fn basic(text: &str, ignore_case: bool) -> Result<Regex, String> {
    compile(&translate(text, false)?, ignore_case)
}

/// An expression that matches just this text.
pub fn literal(text: &str) -> String {
    text.chars().map(escaped).collect()
}

/// An expression in the crate's own syntax, from [`literal`] or [`translate`].
pub fn compile(expression: &str, ignore_case: bool) -> Result<Regex, String> {
    if expression.len() > LENGTH_MAX {
        return Err(format!("portlab reads regular expressions of at most {LENGTH_MAX} bytes"));
    }
    let built = RegexBuilder::new(expression).case_insensitive(ignore_case).dot_matches_new_line(true).build();
    built.map_err(|error| match error.to_string() {
        text if text.contains("unclosed group") => "Unmatched ( or \\(".into(),
        text if text.contains("unopened group") => "Unmatched ) or \\)".into(),
        text if text.contains("bracket") || text.contains("class") => "Unmatched [, [^, [:, [., or [=".into(),
        text if text.contains("range") => "Invalid range end".into(),
        text if text.contains("repetition") => "Invalid preceding regular expression".into(),
        _ => "Invalid regular expression".into(),
    })
}

/// A character that stands for itself. The crate takes `\<` and `\>` for the ends of a word, in a class for an error.
fn escaped(c: char) -> String {
    if c.is_ascii_punctuation() && c != '<' && c != '>' { format!("\\{c}") } else { c.to_string() }
}

/// Rewrites an expression in the crate's syntax.
pub fn translate(text: &str, extended: bool) -> Result<String, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    // Whether a repetition has nothing to repeat here, where GNU takes it as itself.
    let mut at_start = true;
    let mut open = 0;
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied();
        let mut starts = false;
        match c {
            '\\' => {
                at += 1;
                match next {
                    None => return Err("Trailing backslash".into()),
                    Some('1'..='9') => return Err("portlab does not model back-references".into()),
                    Some('{') if !extended => at = count(&chars, at, "\\}", &mut out)?,
                    Some(special @ ('(' | ')' | '|' | '+' | '?')) if !extended => {
                        open += i32::from(special == '(') - i32::from(special == ')');
                        starts = matches!(special, '(' | '|');
                        out.push(special);
                    }
                    Some('<') => out.push_str(r"\b{start}"),
                    Some('>') => out.push_str(r"\b{end}"),
                    Some(word @ ('w' | 'W' | 's' | 'S' | 'b' | 'B')) => out.extend(['\\', word]),
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('`') => out.push_str(r"\A"),
                    Some('\'') => out.push_str(r"\z"),
                    Some(other) => out.push_str(&escaped(other)),
                }
            }
            '[' => {
                let (class, end) = bracket(&chars, at)?;
                out.push_str(&class);
                at = end;
            }
            '*' if at_start => out.push_str("\\*"),
            '+' | '?' if extended && at_start => out.push_str(&escaped(c)),
            '*' | '.' => out.push(c),
            '^' if extended || at_start => {
                out.push('^');
                starts = true;
            }
            '$' if extended || next.is_none() || next == Some('\\') && matches!(chars.get(at + 2), Some(')' | '|')) => {
                out.push('$')
            }
            '{' if extended && next.is_some_and(|c| c.is_ascii_digit() || c == ',') => {
                at = count(&chars, at, "}", &mut out)?
            }
            '{' => out.push_str("\\{"),
            '(' | '|' if extended => {
                open += i32::from(c == '(');
                out.push(c);
                starts = true;
            }
            ')' if extended && open == 0 => out.push_str("\\)"),
            ')' | '+' | '?' if extended => {
                open -= i32::from(c == ')');
                out.push(c);
            }
            other => out.push_str(&escaped(other)),
        }
        at_start = starts;
        at += 1;
    }
    match open {
        0 => Ok(out),
        1.. => Err("Unmatched ( or \\(".into()),
        _ => Err("Unmatched ) or \\)".into()),
    }
}

/// Writes a repetition count whose brace stands at `begins`; returns the place of its last character.
fn count(chars: &[char], begins: usize, close: &str, out: &mut String) -> Result<usize, String> {
    let rest: String = chars[begins + 1..].iter().collect();
    let (inside, _) = rest.split_once(close).ok_or("Unmatched { or \\{")?;
    if !inside.chars().all(|c| c.is_ascii_digit() || c == ',') || inside.is_empty() {
        return Err("Invalid content of \\{\\}".into());
    }
    let from = if inside.starts_with(',') { "0" } else { "" };
    out.push_str(&format!("{{{from}{inside}}}"));
    Ok(begins + inside.chars().count() + close.chars().count())
}

/// A bracket expression as a class of the crate, and the place of its closing bracket.
fn bracket(chars: &[char], begins: usize) -> Result<(String, usize), String> {
    let unmatched = || "Unmatched [, [^, [:, [., or [=".to_owned();
    let mut at = begins + 1;
    let mut out = String::from("[");
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let c = *chars.get(at).ok_or_else(unmatched)?;
        if c == ']' && at > first {
            out.push(']');
            return Ok((out, at));
        }
        if c == '[' && chars.get(at + 1) == Some(&':') {
            let rest: String = chars[at + 2..].iter().collect();
            let (name, _) = rest.split_once(":]").ok_or_else(unmatched)?;
            let members: String = (0u8..128).map(char::from).filter(|&c| class(name, c)).map(escaped).collect();
            if members.is_empty() {
                return Err("Invalid character class name".into());
            }
            out.push_str(&members);
            at += name.chars().count() + 4;
            continue;
        }
        at += 1;
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|&c| c != ']') {
            let high = chars[at + 1];
            if high < c {
                return Err("Invalid range end".into());
            }
            out.push_str(&format!("{}-{}", escaped(c), escaped(high)));
            at += 2;
        } else {
            out.push_str(&escaped(c));
        }
    }
}
