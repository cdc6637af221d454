//! Runs an awk program over lines.

use std::collections::BTreeMap;

use super::parse::{Expr, Pattern, Stmt};
use crate::tools::{options, regex, text::echo};

/// Most turns of all loops and lines of a run.
const TURNS_MAX: u32 = 1_000_000;
const OUTPUT_MAX: usize = 8 * 1024 * 1024;

/// A value; text that came from input compares as a number when it looks like one.
#[derive(Clone, Debug)]
enum Value {
    Num(f64),
    Str(String),
    Input(String),
}

impl Value {
    fn number(&self) -> f64 {
        match self {
            Value::Num(number) => *number,
            Value::Str(text) | Value::Input(text) => leading_number(text),
        }
    }

    fn text(&self) -> String {
        match self {
            Value::Num(number) => number_text(*number),
            Value::Str(text) | Value::Input(text) => text.clone(),
        }
    }

    fn is_true(&self) -> bool {
        match self {
            Value::Num(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Input(text) => self.as_number().map_or(!text.is_empty(), |number| number != 0.0),
        }
    }

    /// The number that this compares as; none for text.
    fn as_number(&self) -> Option<f64> {
        match self {
            Value::Num(number) => Some(*number),
            Value::Str(_) => None,
            Value::Input(text) => text.trim().parse().ok().filter(|_| text.bytes().any(|b| b.is_ascii_digit())),
        }
    }
}

/// The number at the head of a text, 0 without one.
fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let ends = (0..=text.len()).rev().filter(|end| text.is_char_boundary(*end) && *end <= 40);
    ends.map(|end| &text[..end])
        .find_map(|head| head.parse().ok().filter(|_| head.ends_with(|c: char| c.is_ascii_digit() || c == '.')))
        .unwrap_or(0.0)
}

/// `%d` for whole numbers, else `%.6g`.
fn number_text(number: f64) -> String {
    if number == number.trunc() && number.abs() < 1e16 {
        return format!("{}", number as i64);
    }
    echo::format_all("%.6g", &[format!("{number}")], &mut Vec::new())
}

/// Why the course of statements ends early.
enum Flow {
    Next,
    Exit(i32),
    Fail(String),
}

struct Run {
    vars: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<String, Value>>,
    /// `$0`, then the fields.
    fields: Vec<String>,
    out: String,
    turns: u32,
}

/// Runs a program; the output and the exit status, or the output so far and what went wrong.
pub fn run(
    program: &[(Pattern, Vec<Stmt>)],
    separator: &str,
    variables: &[(String, String)],
    input: &str,
) -> Result<(String, i32), (String, String)> {
    let mut run = Run {
        vars: BTreeMap::new(),
        arrays: BTreeMap::new(),
        fields: vec![String::new()],
        out: String::new(),
        turns: 0,
    };
    for (name, value) in [("FS", separator), ("OFS", " "), ("ORS", "\n")] {
        run.vars.insert(
            name.to_owned(),
            Value::Str(if separator == "\\t" && name == "FS" { "\t".to_owned() } else { value.to_owned() }),
        );
    }
    for (name, value) in variables {
        run.vars.insert(name.clone(), Value::Input(value.clone()));
    }
    let exit = match run.all(program, input) {
        Ok(()) | Err(Flow::Next) => 0,
        Err(Flow::Exit(status)) => status,
        Err(Flow::Fail(why)) => return Err((run.out, why)),
    };
    Ok((run.out, exit))
}

impl Run {
    fn all(&mut self, program: &[(Pattern, Vec<Stmt>)], input: &str) -> Result<(), Flow> {
        let mut ended = self.actions(program, &Pattern::Begin);
        let reads = program.iter().any(|(pattern, _)| *pattern != Pattern::Begin);
        if ended.is_ok() && reads {
            for (number, line) in options::lines(input).enumerate() {
                self.turn()?;
                self.set_line(options::bare(line))?;
                self.vars.insert("NR".to_owned(), Value::Num((number + 1) as f64));
                self.vars.insert("FNR".to_owned(), Value::Num((number + 1) as f64));
                match self.line(program) {
                    Ok(()) | Err(Flow::Next) => {}
                    Err(flow) => {
                        ended = Err(flow);
                        break;
                    }
                }
            }
        }
        // `exit` still runs END, as in the real one.
        match ended {
            Err(Flow::Fail(why)) => Err(Flow::Fail(why)),
            Err(Flow::Exit(status)) => self.actions(program, &Pattern::End).and(Err(Flow::Exit(status))),
            _ => self.actions(program, &Pattern::End),
        }
    }

    fn actions(&mut self, program: &[(Pattern, Vec<Stmt>)], which: &Pattern) -> Result<(), Flow> {
        program.iter().filter(|(pattern, _)| pattern == which).try_for_each(|(_, action)| self.block(action))
    }

    fn line(&mut self, program: &[(Pattern, Vec<Stmt>)]) -> Result<(), Flow> {
        for (pattern, action) in program {
            let runs = match pattern {
                Pattern::Always => true,
                Pattern::When(condition) => self.eval(condition)?.is_true(),
                Pattern::Begin | Pattern::End => false,
            };
            if runs {
                self.block(action)?;
            }
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Flow> {
        self.turns += 1;
        if self.turns > TURNS_MAX || self.out.len() > OUTPUT_MAX {
            return Err(Flow::Fail(format!("stopped after {TURNS_MAX} turns or {OUTPUT_MAX} bytes of output")));
        }
        Ok(())
    }

    fn var(&self, name: &str) -> String {
        self.vars.get(name).map(Value::text).unwrap_or_default()
    }

    fn set_line(&mut self, line: &str) -> Result<(), Flow> {
        let parts = self.split(line, &self.var("FS"))?;
        self.fields = std::iter::once(line.to_owned()).chain(parts).collect();
        Ok(())
    }

    fn split(&self, text: &str, separator: &str) -> Result<Vec<String>, Flow> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        Ok(match separator {
            " " => text.split_whitespace().map(str::to_owned).collect(),
            one if one.chars().count() == 1 && one != "\\" => text.split(one).map(str::to_owned).collect(),
            pattern => regex::extended(pattern, false).map_err(Flow::Fail)?.split(text).map(str::to_owned).collect(),
        })
    }

    fn block(&mut self, statements: &[Stmt]) -> Result<(), Flow> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt) -> Result<(), Flow> {
        match statement {
            Stmt::Print(items) => {
                let texts = items.iter().map(|item| Ok(self.eval(item)?.text())).collect::<Result<Vec<_>, _>>()?;
                let text = if texts.is_empty() { self.fields[0].clone() } else { texts.join(&self.var("OFS")) };
                self.out.push_str(&(text + &self.var("ORS")));
                self.turn()
            }
            Stmt::Printf(items) => {
                let text = self.formatted(items)?;
                self.out.push_str(&text);
                self.turn()
            }
            Stmt::Expr(expr) => self.eval(expr).map(drop),
            Stmt::If(condition, then, otherwise) => {
                if self.eval(condition)?.is_true() {
                    self.statement(then)
                } else {
                    otherwise.as_ref().map_or(Ok(()), |otherwise| self.statement(otherwise))
                }
            }
            Stmt::While(condition, body) => {
                while self.eval(condition)?.is_true() {
                    self.turn()?;
                    self.statement(body)?;
                }
                Ok(())
            }
            Stmt::For(start, condition, step, body) => {
                self.statement(start)?;
                loop {
                    if let Some(condition) = condition
                        && !self.eval(condition)?.is_true()
                    {
                        return Ok(());
                    }
                    self.turn()?;
                    self.statement(body)?;
                    self.statement(step)?;
                }
            }
            Stmt::ForIn(name, array, body) => {
                let keys: Vec<String> =
                    self.arrays.get(array).into_iter().flat_map(|array| array.keys().cloned()).collect();
                for key in keys {
                    self.turn()?;
                    self.vars.insert(name.clone(), Value::Input(key));
                    self.statement(body)?;
                }
                Ok(())
            }
            Stmt::Block(statements) => self.block(statements),
            Stmt::Next => Err(Flow::Next),
            Stmt::Exit(status) => {
                let status = status.as_ref().map_or(Ok(0.0), |status| self.eval(status).map(|value| value.number()))?;
                Err(Flow::Exit(status as i32 & 0xff))
            }
        }
    }

    fn formatted(&mut self, items: &[Expr]) -> Result<String, Flow> {
        let texts = items.iter().map(|item| Ok(self.eval(item)?.text())).collect::<Result<Vec<_>, _>>()?;
        let Some((format, rest)) = texts.split_first() else { return Err(Flow::Fail("printf: no format".to_owned())) };
        Ok(echo::format_all(format, rest, &mut Vec::new()))
    }

    fn key(&mut self, keys: &[Expr]) -> Result<String, Flow> {
        let parts = keys.iter().map(|key| Ok(self.eval(key)?.text())).collect::<Result<Vec<_>, _>>()?;
        Ok(parts.join("\u{1c}"))
    }

    fn eval(&mut self, expr: &Expr) -> Result<Value, Flow> {
        Ok(match expr {
            Expr::Num(number) => Value::Num(*number),
            Expr::Str(text) => Value::Str(text.clone()),
            Expr::Regex(pattern) => {
                let matched = regex::extended(pattern, false).map_err(Flow::Fail)?.is_match(&self.fields[0]);
                truth(matched)
            }
            Expr::Var(name) if name == "NF" => Value::Num((self.fields.len() - 1) as f64),
            Expr::Var(name) => self.vars.get(name).cloned().unwrap_or(Value::Input(String::new())),
            Expr::Field(number) => {
                let at = self.eval(number)?.number();
                if at < 0.0 {
                    return Err(Flow::Fail(format!("attempt to access field {}", number_text(at))));
                }
                Value::Input(self.fields.get(at as usize).cloned().unwrap_or_default())
            }
            Expr::Index(name, keys) => {
                let key = self.key(keys)?;
                let array = self.arrays.entry(name.clone()).or_default();
                array.entry(key).or_insert(Value::Input(String::new())).clone()
            }
            Expr::In(key, array) => {
                let key = self.eval(key)?.text();
                truth(self.arrays.get(array).is_some_and(|array| array.contains_key(&key)))
            }
            Expr::Assign(op, target, value) => {
                let mut value = self.eval(value)?;
                if !op.is_empty() {
                    value = Value::Num(calculate(op, self.eval(target)?.number(), value.number())?);
                }
                self.assign(target, value.clone())?;
                value
            }
            Expr::Step(by, before, target) => {
                let old = self.eval(target)?.number();
                self.assign(target, Value::Num(old + by))?;
                Value::Num(if *before { old } else { old + by })
            }
            Expr::Unary(op, inner) => {
                let value = self.eval(inner)?;
                match *op {
                    "!" => truth(!value.is_true()),
                    "-" => Value::Num(-value.number()),
                    _ => Value::Num(value.number()),
                }
            }
            Expr::Binary(op, left, right) => self.binary(op, left, right)?,
            Expr::Ternary(condition, then, otherwise) => {
                if self.eval(condition)?.is_true() {
                    self.eval(then)?
                } else {
                    self.eval(otherwise)?
                }
            }
            Expr::Call(name, args) => self.call(name, args)?,
        })
    }

    fn binary(&mut self, op: &str, left: &Expr, right: &Expr) -> Result<Value, Flow> {
        match op {
            "&&" => return Ok(truth(self.eval(left)?.is_true() && self.eval(right)?.is_true())),
            "||" => return Ok(truth(self.eval(left)?.is_true() || self.eval(right)?.is_true())),
            "~" | "!~" => {
                let text = self.eval(left)?.text();
                let matched = self.pattern(right)?.is_match(&text);
                return Ok(truth(matched == (op == "~")));
            }
            _ => {}
        }
        let (left, right) = (self.eval(left)?, self.eval(right)?);
        if op == " " {
            return Ok(Value::Str(left.text() + &right.text()));
        }
        if !matches!(op, "<" | "<=" | "==" | "!=" | ">" | ">=") {
            return Ok(Value::Num(calculate(op, left.number(), right.number())?));
        }
        let order = match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => Some(left.text().cmp(&right.text())),
        };
        use std::cmp::Ordering::{Equal, Greater, Less};
        Ok(truth(match op {
            "<" => order == Some(Less),
            "<=" => matches!(order, Some(Less | Equal)),
            "==" => order == Some(Equal),
            "!=" => order != Some(Equal),
            ">" => order == Some(Greater),
            _ => matches!(order, Some(Greater | Equal)),
        }))
    }

    fn pattern(&mut self, expr: &Expr) -> Result<regex_lite::Regex, Flow> {
        let text = match expr {
            Expr::Regex(text) => text.clone(),
            other => self.eval(other)?.text(),
        };
        regex::extended(&text, false).map_err(Flow::Fail)
    }

    fn assign(&mut self, target: &Expr, value: Value) -> Result<(), Flow> {
        match target {
            Expr::Var(name) => {
                self.vars.insert(name.clone(), value);
            }
            Expr::Index(name, keys) => {
                let key = self.key(keys)?;
                self.arrays.entry(name.clone()).or_default().insert(key, value);
            }
            Expr::Field(number) => {
                let at = self.eval(number)?.number();
                if !(0.0..=10_000.0).contains(&at) {
                    return Err(Flow::Fail(format!("attempt to set field {}", number_text(at))));
                }
                if at == 0.0 {
                    return self.set_line(&value.text());
                }
                let at = at as usize;
                self.fields.resize(self.fields.len().max(at + 1), String::new());
                self.fields[at] = value.text();
                self.fields[0] = self.fields[1..].join(&self.var("OFS"));
            }
            _ => return Err(Flow::Fail("this cannot be assigned to".to_owned())),
        }
        Ok(())
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Result<Value, Flow> {
        if matches!(name, "sub" | "gsub") {
            return self.substitute(name == "gsub", args);
        }
        if name == "split" {
            return self.split_into(args);
        }
        if name == "sprintf" {
            return Ok(Value::Str(self.formatted(args)?));
        }
        if let (true, Some(Expr::Var(array))) = (name == "length", args.first())
            && let Some(array) = self.arrays.get(array)
        {
            return Ok(Value::Num(array.len() as f64));
        }
        let values = args.iter().map(|arg| self.eval(arg)).collect::<Result<Vec<_>, _>>()?;
        let text = values.first().map_or_else(|| self.fields[0].clone(), Value::text);
        let second = values.get(1);
        Ok(match name {
            "length" => Value::Num(text.chars().count() as f64),
            "tolower" => Value::Str(text.to_lowercase()),
            "toupper" => Value::Str(text.to_uppercase()),
            "int" => Value::Num(values.first().map_or(0.0, Value::number).trunc()),
            "index" => {
                let at = text.find(&second.map(Value::text).unwrap_or_default());
                Value::Num(at.map_or(0.0, |at| (text[..at].chars().count() + 1) as f64))
            }
            "substr" => {
                let from = second.map_or(1.0, Value::number).round();
                let upto = values.get(2).map_or(f64::INFINITY, |length| from + length.number().round());
                let inside = |at: &usize| (*at as f64 + 1.0) >= from && (*at as f64 + 1.0) < upto;
                Value::Str(text.chars().enumerate().filter(|(at, _)| inside(at)).map(|(_, c)| c).collect())
            }
            _ => return Err(Flow::Fail("a list in brackets is for print only".to_owned())),
        })
    }

    fn split_into(&mut self, args: &[Expr]) -> Result<Value, Flow> {
        let [text, Expr::Var(array), rest @ ..] = args else {
            return Err(Flow::Fail("split needs a text and an array".to_owned()));
        };
        let text = self.eval(text)?.text();
        let separator = match rest.first() {
            None => self.var("FS"),
            Some(Expr::Regex(pattern)) => pattern.clone(),
            Some(other) => self.eval(other)?.text(),
        };
        let parts = self.split(&text, &separator)?;
        let count = parts.len();
        let parts = parts.into_iter().enumerate().map(|(at, part)| ((at + 1).to_string(), Value::Input(part)));
        self.arrays.insert(array.clone(), parts.collect());
        Ok(Value::Num(count as f64))
    }

    fn substitute(&mut self, all: bool, args: &[Expr]) -> Result<Value, Flow> {
        let [pattern, replacement, rest @ ..] = args else {
            return Err(Flow::Fail("sub and gsub need a pattern and a replacement".to_owned()));
        };
        let line = Expr::Field(Box::new(Expr::Num(0.0)));
        let target = rest.first().unwrap_or(&line);
        let (pattern, replacement) = (self.pattern(pattern)?, self.eval(replacement)?.text());
        let text = self.eval(target)?.text();
        let (mut out, mut from, mut count) = (String::new(), 0, 0);
        for found in pattern.find_iter(&text).take(if all { usize::MAX } else { 1 }) {
            out.push_str(&text[from..found.start()]);
            out.push_str(&replacement.replace("\\&", "\u{1}").replace('&', found.as_str()).replace('\u{1}', "&"));
            from = found.end();
            count += 1;
        }
        if count > 0 {
            out.push_str(&text[from..]);
            self.assign(target, Value::Input(out))?;
        }
        Ok(Value::Num(f64::from(count)))
    }
}

fn truth(holds: bool) -> Value {
    Value::Num(f64::from(u8::from(holds)))
}

fn calculate(op: &str, left: f64, right: f64) -> Result<f64, Flow> {
    Ok(match op {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "^" => left.powf(right),
        "/" | "%" if right == 0.0 => return Err(Flow::Fail("division by zero".to_owned())),
        "/" => left / right,
        _ => left % right,
    })
}
