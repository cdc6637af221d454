//! `{a,b}` and `{1..5}`: bash's braces, before anything else is expanded.
//! Left out: braces whose alternatives hold quotes or `$`; they stay as they are.

use super::ast::{Part, Word};
use super::exec::Stop;

const WORDS_MAX: usize = 10_000;

/// The words that a word becomes.
pub(super) fn expand(word: &Word) -> Result<Vec<Word>, Stop> {
    let found = word.0.iter().enumerate().find_map(|(number, part)| match part {
        Part::Literal(text) => alternatives(text).map(|(before, texts, after)| (number, before, texts, after)),
        _ => None,
    });
    let Some((number, before, texts, after)) = found else { return Ok(vec![word.clone()]) };
    let mut words = Vec::new();
    for text in texts {
        let mut parts = word.0[..number].to_vec();
        parts.push(Part::Literal(format!("{before}{text}{after}")));
        parts.extend_from_slice(&word.0[number + 1..]);
        words.extend(expand(&Word(parts))?);
        if words.len() > WORDS_MAX {
            return Err(Stop::Bound(format!("portlab expands braces to at most {WORDS_MAX} words")));
        }
    }
    Ok(words)
}

/// The first brace expression of a text: what stands before, its alternatives, what stands after.
fn alternatives(text: &str) -> Option<(&str, Vec<String>, &str)> {
    for (begin, _) in text.match_indices('{') {
        let mut depth = 0;
        let mut commas = vec![begin];
        for (at, c) in text[begin..].char_indices().map(|(at, c)| (at + begin, c)) {
            match c {
                '{' => depth += 1,
                ',' if depth == 1 => commas.push(at),
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inside = &text[begin + 1..at];
                commas.push(at);
                let texts = if commas.len() > 2 {
                    commas.windows(2).map(|pair| text[pair[0] + 1..pair[1]].to_owned()).collect()
                } else if let Some(texts) = sequence(inside) {
                    texts
                } else {
                    break;
                };
                return Some((&text[..begin], texts, &text[at + 1..]));
            }
        }
    }
    None
}

/// `1..5`, `05..10`, `1..9..2`, `a..e`
fn sequence(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.split("..").collect();
    let (first, last, step) = match parts[..] {
        [first, last] => (first, last, 1),
        [first, last, step] => (first, last, step.parse::<i64>().ok()?.abs().max(1)),
        _ => return None,
    };
    let single = |text: &str| {
        text.chars().next().filter(|c| c.is_ascii_alphabetic() && text.len() == 1).map(|c| i64::from(u32::from(c)))
    };
    let (from, to, letters) = match (first.parse::<i64>(), last.parse::<i64>()) {
        (Ok(from), Ok(to)) => (from, to, false),
        _ => (single(first)?, single(last)?, true),
    };
    let padded = |text: &str| text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0');
    let width = if padded(first) || padded(last) { first.len().max(last.len()) } else { 0 };
    let count = (from.abs_diff(to) / step.unsigned_abs()).min(WORDS_MAX as u64) as i64;
    let step = if to < from { -step } else { step };
    let values = (0..=count).map(|number| from + number * step);
    Some(if letters {
        values.filter_map(|value| char::from_u32(value as u32)).map(String::from).collect()
    } else {
        values.map(|value| format!("{value:0width$}")).collect()
    })
}
