//! `awk`: patterns and actions over lines and fields.
//!
//! Models what one-liners use: `-F`, `-v`, BEGIN, END, patterns (expressions, `/regex/`), fields, variables, associative
//! arrays, print, printf, if, for, while, next, exit, arithmetic, comparison, `~`, and the functions length, substr, index,
//! split, sub, gsub, tolower, toupper, int, sprintf. Leaves out, and refuses: user's functions, getline, redirection of
//! print, range patterns, `delete`, `do`, `-f`. Bounded: turns of all loops together, and output.

mod parse;
mod run;

use super::Cx;
use crate::tools::options::{self, value};

const OPTIONS: [options::Spec; 2] = [value('F', "field-separator"), value('v', "assign")];

/// `awk [-F SEPARATOR] [-v NAME=VALUE]… PROGRAM [FILE…]`
pub fn awk(cx: &mut Cx) -> i32 {
    let given = match options::read_until_operand(cx, &OPTIONS) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let Some((text, files)) = given.operands.split_first() else {
        cx.eprint("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]\n");
        return 2;
    };
    let program = match parse::program(text) {
        Ok(program) => program,
        Err(why) => return cx.fail(&why, 2),
    };
    let variables: Vec<(String, String)> = given
        .values('v')
        .map(|assigned| assigned.split_once('=').unwrap_or((assigned, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let separator = given.value('F').unwrap_or(" ").to_owned();
    let (input, status) = super::input(cx, files);
    match run::run(&program, &separator, &variables, &input) {
        Ok((output, exit)) => {
            cx.print(&output);
            if exit == 0 { if status == 0 { 0 } else { 2 } } else { exit }
        }
        Err((output, why)) => {
            cx.print(&output);
            cx.fail(&why, 2)
        }
    }
}

#[cfg(test)]
mod tests;
