//! Text filters: one file per program or family, in the formats and words of GNU coreutils 9, grep 3, sed 4 and util-linux.
//!
//! An option that is not modelled is refused, never ignored.

pub mod awk;
pub mod column;
pub mod count;
pub mod cut;
pub mod diff;
pub mod echo;
pub mod grep;
pub mod lines;
pub mod sed;
pub mod sort;
pub mod tr;

use super::Cx;

/// The text of the operands one after another, or of standard input; complains about what cannot be read. Also the status.
pub fn input(cx: &mut Cx, operands: &[String]) -> (String, i32) {
    if operands.is_empty() {
        return (cx.take_stdin(), 0);
    }
    let (mut text, mut status) = (String::new(), 0);
    for path in operands {
        match cx.open(path) {
            Ok(found) => text.push_str(&found),
            Err(why) => status = cx.fail(&format!("{path}: {why}"), 1),
        }
    }
    (text, status)
}
