//! Keeping a filter from running for ever: every definition counts a step when it is entered, and looks at how much
//! of the stack is in use.
//!
//! jaq has no such limit of its own. A loop in jq is recursion of a definition, so it is enough to put a call of
//! [`tick`] at the head of each, the standard library's included. The one native filter that can produce without end,
//! `range`, is defined here by such a recursion.

use std::cell::Cell;

use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::{self, lex::StrPart};
use jaq_core::native::{Fun, run, v};
use jaq_core::path::{Part, Path};
use jaq_core::{Exn, box_iter::box_once};
use jaq_json::Val;

use super::Kind;

/// Most definitions that a run may enter.
const STEPS_MAX: u64 = 500_000;
/// Most of the stack that a run may use, in bytes; the smallest stack that it runs on has a megabyte in WebAssembly
/// and two in a native thread.
const STACK_MAX: usize = if cfg!(target_arch = "wasm32") { 400_000 } else { 1_200_000 };

/// The exit statuses by which [`tick`] ends a run; a filter's own `halt` cannot give them.
const TOO_MANY: i32 = 1_000_001;
const TOO_DEEP: i32 = 1_000_002;

const TICK: &str = "portlab_tick";
const MAIN: &str = "portlab_main";
/// The program that runs: a call of the definition that holds the learner's filter.
pub const MAIN_CALL: &str = "portlab_main";

thread_local! {
    static STEPS_LEFT: Cell<u64> = const { Cell::new(0) };
    static STACK_BASE: Cell<usize> = const { Cell::new(0) };
}

/// Starts the count of a run.
pub fn begin() {
    STEPS_LEFT.set(STEPS_MAX);
    STACK_BASE.set(stack_address());
}

/// An address in the current frame; the difference of two says how much stack lies between them.
#[inline(never)]
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

/// The native filter that counts a step and gives null.
pub fn tick() -> Fun<Kind> {
    run((TICK, v(0), |_| {
        let left = STEPS_LEFT.get();
        if left == 0 {
            return box_once(Err(Exn::halt(TOO_MANY)));
        }
        STEPS_LEFT.set(left - 1);
        if STACK_BASE.get().abs_diff(stack_address()) > STACK_MAX {
            return box_once(Err(Exn::halt(TOO_DEEP)));
        }
        box_once(Ok(Val::Null))
    }))
}

/// The failure that a halt stands for, when it is one of [`tick`]'s.
pub fn halted(code: i32) -> Option<(i32, String)> {
    let what = match code {
        TOO_MANY => format!("more than {STEPS_MAX} steps"),
        TOO_DEEP => "recursion too deep".to_owned(),
        _ => return None,
    };
    Some((5, format!("jq: error: {what}; the lab stops the filter here\n")))
}

/// Definitions with their steps counted.
pub fn defs<'a>(defs: impl Iterator<Item = Def<&'static str>>) -> impl Iterator<Item = Def<&'a str>> {
    // `range` of three arguments would go round in circles with the one below.
    defs.filter(|def| def.name != "range").map(|def| counted(def))
}

/// What replaces native filters that can produce without end.
pub fn own_defs<'a>() -> impl Iterator<Item = Def<&'a str>> {
    const RANGE: &str = "def range($from; $upto; $by):
        def up: if . < $upto then ., (. + $by | up) else {}[] end;
        def down: if . > $upto then ., (. + $by | down) else {}[] end;
        if $by > 0 then $from | up elif $by < 0 then $from | down else {}[] end;
      def range($from; $upto): range($from; $upto; 1);
      def range($upto): range(0; $upto; 1);";
    load::parse(RANGE, |p| p.defs()).unwrap_or_default().into_iter().map(|def| counted(def))
}

/// Rows of a table: jaq has them in a crate that also reads XML, TOML and more, which nobody here needs.
pub fn table_defs<'a>() -> impl Iterator<Item = Def<&'a str>> {
    const TABLES: &str = r#"
      def portlab_cell(quoted): if . == null then "" elif type == "string" then quoted
        elif type == "object" or type == "array" then error("\(type) (\(tojson)) is not valid in a csv row")
        else tostring end;
      def portlab_row(quoted; $between): if type != "array" then error("\(type) (\(tojson)) cannot be formatted as a row")
        else [.[] | portlab_cell(quoted)] | join($between) end;
      def @csv: portlab_row("\"" + (split("\"") | join("\"\"")) + "\""; ",");
      def @tsv: portlab_row(split("\\") | join("\\\\") | split("\t") | join("\\t") | split("\n") | join("\\n") | split("\r") | join("\\r"); "\t");
    "#;
    load::parse(TABLES, |p| p.defs()).unwrap_or_default().into_iter().map(|def| counted(def))
}

/// The learner's filter as a definition; `None` when it does not parse.
pub fn main(code: &str) -> Option<Def<&str>> {
    let tokens = load::Lexer::new(code).lex().ok()?;
    if code.trim().is_empty() || tokens.is_empty() {
        return Some(Def { name: MAIN, args: Vec::new(), body: Term::Id });
    }
    let body = load::parse::Parser::new(&tokens).parse(|p| p.term()).ok()?;
    Some(counted(Def { name: MAIN, args: Vec::new(), body }))
}

fn counted(def: Def<&str>) -> Def<&str> {
    let step = Box::new(Term::Call(TICK, Vec::new()));
    let body = Term::BinOp(step, BinaryOp::Pipe(Some(Pattern::Var("$portlab_step"))), Box::new(inside(def.body)));
    Def { name: def.name, args: def.args, body }
}

#[allow(clippy::boxed_local, reason = "the tree holds its branches in boxes")]
fn boxed(term: Box<Term<&str>>) -> Box<Term<&str>> {
    Box::new(inside(*term))
}

fn pattern(pattern: Pattern<&str>) -> Pattern<&str> {
    match pattern {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(parts) => Pattern::Arr(parts.into_iter().map(self::pattern).collect()),
        Pattern::Obj(parts) => {
            Pattern::Obj(parts.into_iter().map(|(key, value)| (inside(key), self::pattern(value))).collect())
        }
    }
}

/// The term with every definition inside it counted.
fn inside<'a>(term: Term<&'a str>) -> Term<&'a str> {
    let all = |terms: Vec<Term<&'a str>>| terms.into_iter().map(inside).collect();
    match term {
        Term::Str(format, parts) => {
            let part = |part| match part {
                StrPart::Term(term) => StrPart::Term(inside(term)),
                other => other,
            };
            Term::Str(format, parts.into_iter().map(part).collect())
        }
        Term::Arr(term) => Term::Arr(term.map(boxed)),
        Term::Obj(entries) => {
            Term::Obj(entries.into_iter().map(|(key, value)| (inside(key), value.map(inside))).collect())
        }
        Term::Neg(term) => Term::Neg(boxed(term)),
        Term::BinOp(left, op, right) => {
            let op = match op {
                BinaryOp::Pipe(bound) => BinaryOp::Pipe(bound.map(pattern)),
                other => other,
            };
            Term::BinOp(boxed(left), op, boxed(right))
        }
        Term::Label(name, term) => Term::Label(name, boxed(term)),
        Term::Fold(name, source, bound, terms) => Term::Fold(name, boxed(source), pattern(bound), all(terms)),
        Term::TryCatch(body, catch) => Term::TryCatch(boxed(body), catch.map(boxed)),
        Term::IfThenElse(branches, otherwise) => {
            let branches = branches.into_iter().map(|(condition, then)| (inside(condition), inside(then))).collect();
            Term::IfThenElse(branches, otherwise.map(boxed))
        }
        Term::Def(defs, term) => Term::Def(defs.into_iter().map(counted).collect(), boxed(term)),
        Term::Call(name, args) => Term::Call(name, all(args)),
        Term::Path(term, path) => {
            let part = |part| match part {
                Part::Index(term) => Part::Index(inside(term)),
                Part::Range(from, upto) => Part::Range(from.map(inside), upto.map(inside)),
            };
            Term::Path(boxed(term), Path(path.0.into_iter().map(|(p, opt)| (part(p), opt)).collect()))
        }
        Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_) => term,
    }
}
