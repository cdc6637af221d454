//! `[ … ]`, `test` and `[[ … ]]`.

use super::ast::{Part, Word};
use super::exec::{Shell, Stop};
use super::{arithmetic, pattern};
use crate::tools::{files, regex};

const UNARY: [&str; 18] =
    ["-n", "-z", "-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h", "-p", "-S", "-b", "-c", "-t", "-v", "-o"];
const BINARY: [&str; 14] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "<", ">", "-nt", "-ot", "-ef"];

/// `[` and `test`.
pub(super) fn bracket(shell: &mut Shell, args: &[String]) -> Result<i32, Stop> {
    let name = args[0].as_str();
    let mut args = &args[1..];
    if name == "[" {
        match args.split_last() {
            Some((last, rest)) if last == "]" => args = rest,
            _ => {
                shell.complain("[: missing `]'");
                return Ok(2);
            }
        }
    }
    let mut reader = Reader { shell, args, at: 0, depth: 0 };
    let value = reader.whole();
    let left = reader.args.len().saturating_sub(reader.at);
    match value {
        Ok(_) if left > 0 => {
            shell.complain(&format!("{name}: too many arguments"));
            Ok(2)
        }
        Ok(value) => Ok(i32::from(!value)),
        Err(why) => {
            shell.complain(&format!("{name}: {why}"));
            Ok(2)
        }
    }
}

struct Reader<'a, 's, 'w> {
    shell: &'a Shell<'w>,
    args: &'s [String],
    at: usize,
    depth: usize,
}

impl Reader<'_, '_, '_> {
    /// POSIX decides by the number of arguments first.
    fn whole(&mut self) -> Result<bool, String> {
        match self.args {
            [] => Ok(false),
            [only] => {
                self.at = 1;
                Ok(!only.is_empty())
            }
            [first, second] if first == "!" => {
                self.at = 2;
                Ok(second.is_empty())
            }
            [operator, operand] => {
                if !UNARY.contains(&operator.as_str()) {
                    return Err(format!("{operator}: unary operator expected"));
                }
                self.at = 2;
                unary(self.shell, operator, operand)
            }
            [left, operator, right] if BINARY.contains(&operator.as_str()) => {
                self.at = 3;
                binary(left, operator, right)
            }
            [_, operator, _]
                if !["-a", "-o"].contains(&operator.as_str()) && self.args[0] != "!" && self.args[0] != "(" =>
            {
                Err(format!("{operator}: binary operator expected"))
            }
            _ => self.or(),
        }
    }

    fn peek(&self, offset: usize) -> Option<&str> {
        self.args.get(self.at + offset).map(String::as_str)
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.peek(0) == Some("-o") {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.primary()?;
        while self.peek(0) == Some("-a") {
            self.at += 1;
            value &= self.primary()?;
        }
        Ok(value)
    }

    fn primary(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("too many arguments".into());
        }
        let Some(first) = self.peek(0).map(str::to_owned) else { return Err("argument expected".into()) };
        if let (Some(operator), Some(right)) = (self.peek(1), self.peek(2))
            && BINARY.contains(&operator)
        {
            let value = binary(&first, operator, right);
            self.at += 3;
            return value;
        }
        self.at += 1;
        match first.as_str() {
            "!" => Ok(!self.primary()?),
            "(" => {
                let value = self.or()?;
                if self.peek(0) != Some(")") {
                    return Err("`)' expected".into());
                }
                self.at += 1;
                Ok(value)
            }
            operator if UNARY.contains(&operator) && self.peek(0).is_some() => {
                let operand = self.peek(0).unwrap_or("").to_owned();
                self.at += 1;
                unary(self.shell, operator, &operand)
            }
            text => Ok(!text.is_empty()),
        }
    }
}

fn unary(shell: &Shell, operator: &str, operand: &str) -> Result<bool, String> {
    let text = || files::read(shell.world, shell.env, operand);
    Ok(match operator {
        "-n" => !operand.is_empty(),
        "-z" => operand.is_empty(),
        "-f" => text().is_some(),
        "-d" => files::is_directory(shell.world, operand) && !operand.is_empty(),
        "-e" | "-r" | "-w" => text().is_some() || files::is_directory(shell.world, operand) && !operand.is_empty(),
        "-s" => text().is_some_and(|text| !text.is_empty()),
        "-v" => shell.env.vars.contains_key(operand),
        "-x" => text().is_some_and(|text| text.starts_with("#!")),
        "-t" => false,
        "-L" | "-h" | "-p" | "-S" | "-b" | "-c" => false,
        operator => return Err(format!("portlab does not model {operator}")),
    })
}

fn binary(left: &str, operator: &str, right: &str) -> Result<bool, String> {
    let integer = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("{text}: integer expression expected"));
    Ok(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-eq" => integer(left)? == integer(right)?,
        "-ne" => integer(left)? != integer(right)?,
        "-lt" => integer(left)? < integer(right)?,
        "-le" => integer(left)? <= integer(right)?,
        "-gt" => integer(left)? > integer(right)?,
        "-ge" => integer(left)? >= integer(right)?,
        operator => return Err(format!("portlab does not model {operator}")),
    })
}

/// `[[ … ]]`: words are not split, `==` takes a pattern, `=~` an extended regular expression.
pub(super) fn double_bracket(shell: &mut Shell, words: &[Word]) -> Result<i32, Stop> {
    let mut at = 0;
    let value = or(shell, words, &mut at, true, 0)?;
    match words.get(at) {
        None => Ok(i32::from(!value)),
        Some(_) => Err(Stop::Bound("syntax error in conditional expression".into())),
    }
}

fn is(words: &[Word], at: usize, text: &str) -> bool {
    words.get(at).and_then(Word::as_literal) == Some(text)
}

fn or(shell: &mut Shell, words: &[Word], at: &mut usize, live: bool, depth: usize) -> Result<bool, Stop> {
    let mut value = and(shell, words, at, live, depth)?;
    while is(words, *at, "||") {
        *at += 1;
        let right = and(shell, words, at, live && !value, depth)?;
        value |= right;
    }
    Ok(value)
}

fn and(shell: &mut Shell, words: &[Word], at: &mut usize, live: bool, depth: usize) -> Result<bool, Stop> {
    let mut value = term(shell, words, at, live, depth)?;
    while is(words, *at, "&&") {
        *at += 1;
        let right = term(shell, words, at, live && value, depth)?;
        value &= right;
    }
    Ok(value)
}

fn term(shell: &mut Shell, words: &[Word], at: &mut usize, live: bool, depth: usize) -> Result<bool, Stop> {
    if depth > 40 {
        return Err(Stop::Bound("portlab reads at most 40 nested conditions".into()));
    }
    if is(words, *at, "!") {
        *at += 1;
        return Ok(!term(shell, words, at, live, depth + 1)?);
    }
    if is(words, *at, "(") {
        *at += 1;
        let value = or(shell, words, at, live, depth + 1)?;
        if !is(words, *at, ")") {
            return Err(Stop::Bound("syntax error in conditional expression".into()));
        }
        *at += 1;
        return Ok(value);
    }
    let Some(first) = words.get(*at) else {
        return Err(Stop::Bound("syntax error in conditional expression".into()));
    };
    let operator = words.get(*at + 1).and_then(Word::as_literal);
    if let (Some(operator), Some(right)) = (operator.filter(|o| BINARY.contains(o) || *o == "=~"), words.get(*at + 2)) {
        *at += 3;
        return if live { compare(shell, first, operator, right) } else { Ok(false) };
    }
    if let (Some(operator), Some(operand)) = (first.as_literal().filter(|o| UNARY.contains(o)), words.get(*at + 1)) {
        *at += 2;
        let operand = shell.text(operand)?;
        return unary(shell, operator, &operand).map_err(Stop::Bound);
    }
    *at += 1;
    Ok(!shell.text(first)?.is_empty())
}

fn compare(shell: &mut Shell, left: &Word, operator: &str, right: &Word) -> Result<bool, Stop> {
    let text = shell.text(left)?;
    match operator {
        "=" | "==" => Ok(pattern::matches(&shell.pattern(right)?, &text)),
        "!=" => Ok(!pattern::matches(&shell.pattern(right)?, &text)),
        "=~" => {
            let mut expression = String::new();
            for part in &right.0 {
                let text = shell.text(&Word(vec![part.clone()]))?;
                expression.push_str(&if matches!(part, Part::Quoted(_)) { regex::literal(&text) } else { text });
            }
            let found = regex::extended(&expression, false).map_err(|why| Stop::Bound(format!("[[: {why}")))?;
            Ok(found.is_match(&text))
        }
        "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" => {
            let right = shell.text(right)?;
            let left = arithmetic::evaluate(&text, shell.env).map_err(|why| Stop::Failed(format!("[[: {why}")))?;
            let right = arithmetic::evaluate(&right, shell.env).map_err(|why| Stop::Failed(format!("[[: {why}")))?;
            binary(&left.to_string(), operator, &right.to_string()).map_err(Stop::Bound)
        }
        operator => {
            let right = shell.text(right)?;
            binary(&text, operator, &right).map_err(Stop::Bound)
        }
    }
}
