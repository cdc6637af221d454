//! `column -t`, of util-linux.
//! Left out: filling columns without `-t`, `-J` and the naming of columns, which are refused.

use super::{Cx, input};
use crate::tools::options::{self, flag, value};

/// `column -t [-s CHARS] [-o TEXT] [FILE…]`
pub fn column(cx: &mut Cx) -> i32 {
    let specs = [flag('t', "table"), value('s', "separator"), value('o', "output-separator")];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    if !given.has('t') {
        return cx.fail("portlab models column only with -t", 2);
    }
    let (text, status) = input(cx, &given.operands);
    let separators: Vec<char> = given.value('s').unwrap_or("").chars().collect();
    let between = given.value('o').unwrap_or("  ");
    // Blanks count as one separator however many; a separator that was named stands for itself.
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            if separators.is_empty() {
                line.split([' ', '\t']).filter(|cell| !cell.is_empty()).collect()
            } else {
                line.split(&separators[..]).collect()
            }
        })
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for row in &rows {
        for (at, cell) in row.iter().enumerate() {
            out.push_str(cell);
            if at + 1 < columns {
                // The last cell of a short row is padded too, as util-linux does.
                out.push_str(&" ".repeat(widths[at] - width(cell)));
                if at + 1 < row.len() || row.len() < columns {
                    out.push_str(between);
                }
            }
        }
        for (at, width) in widths.iter().enumerate().skip(row.len()) {
            if at + 1 < columns {
                out.push_str(&" ".repeat(*width));
                out.push_str(between);
            }
        }
        out.push('\n');
    }
    cx.print(&out);
    status
}

/// Cells of a terminal that a text takes: wide signs of East Asia and emoji take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1f64f}' | '\u{1f900}'..='\u{1f9ff}') { 2 } else { 1 }).sum()
}
