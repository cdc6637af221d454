//! `$(( … ))`: C's integer expressions over variables, 64 bits, as bash has them.

use crate::tools::Env;

const DEPTH_MAX: usize = 40;

/// Evaluates an expression; the error is what bash says after `bash: `.
pub(crate) fn evaluate(text: &str, env: &mut Env) -> Result<i64, String> {
    evaluate_at(text, env, 0)
}

fn evaluate_at(text: &str, env: &mut Env, depth: usize) -> Result<i64, String> {
    if text.trim().is_empty() {
        return Ok(0);
    }
    let mut reader = Reader { text, tokens: tokens(text)?, at: 0, env, depth, skip: 0 };
    let value = reader.comma()?;
    match reader.tokens.get(reader.at) {
        None => Ok(value),
        Some((_, at)) => Err(reader.problem("syntax error in expression", *at)),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(i64),
    Name(String),
    Operator(&'static str),
}

const OPERATORS: [&str; 35] = [
    "<<=", ">>=", "**", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "&=",
    "|=", "^=", "+", "-", "*", "/", "%", "<", ">", "!", "~", "&", "|", "^", "?", ":",
];

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next().unwrap_or(' ');
        let (token, length) = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if c.is_ascii_digit() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(rest.len());
            (
                Token::Number(
                    number(&rest[..length])
                        .map_err(|why| format!("{text}: {why} (error token is \"{}\")", &rest[..length]))?,
                ),
                length,
            )
        } else if c.is_ascii_alphabetic() || c == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Name(rest[..length].to_owned()), length)
        } else if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            (Token::Operator(operator), operator.len())
        } else if let Some(operator) = ["(", ")", "=", ","].into_iter().find(|operator| rest.starts_with(operator)) {
            (Token::Operator(operator), 1)
        } else {
            return Err(format!("{text}: syntax error: operand expected (error token is \"{rest}\")"));
        };
        tokens.push((token, at));
        at += length;
    }
    Ok(tokens)
}

fn number(text: &str) -> Result<i64, &'static str> {
    let (digits, radix) = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        (hex, 16)
    } else if let Some((radix, digits)) = text.split_once('#') {
        (digits, radix.parse().ok().filter(|radix| (2..=36).contains(radix)).ok_or("invalid arithmetic base")?)
    } else if text.len() > 1 && text.starts_with('0') {
        (&text[1..], 8)
    } else {
        (text, 10)
    };
    digits.chars().try_fold(0i64, |value, c| {
        let digit = c.to_digit(36).filter(|digit| *digit < radix).ok_or("value too great for base")?;
        Ok(value.wrapping_mul(i64::from(radix)).wrapping_add(i64::from(digit)))
    })
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize)>,
    at: usize,
    env: &'a mut Env,
    depth: usize,
    /// Above zero where a value is read without effect: the branch not taken.
    skip: usize,
}

type Value = Result<i64, String>;

impl Reader<'_> {
    fn problem(&self, words: &str, at: usize) -> String {
        format!("{}: {words} (error token is \"{}\")", self.text, &self.text[at..])
    }

    fn operator(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some((Token::Operator(found), _)) if wanted.contains(found) => {
                self.at += 1;
                Some(found)
            }
            _ => None,
        }
    }

    fn comma(&mut self) -> Value {
        let mut value = self.assignment()?;
        while self.operator(&[","]).is_some() {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Value {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("{}: expression recursion level exceeded", self.text));
        }
        let begins = self.at;
        if let Some((Token::Name(name), _)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            if let Some(operator) = self.operator(&["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="])
            {
                let right = self.assignment()?;
                let value = if operator == "=" {
                    right
                } else {
                    let left = self.variable(&name)?;
                    self.apply(&operator[..operator.len() - 1], left, right)?
                };
                self.set(&name, value);
                self.depth -= 1;
                return Ok(value);
            }
            self.at = begins;
        }
        let value = self.conditional()?;
        self.depth -= 1;
        Ok(value)
    }

    fn conditional(&mut self) -> Value {
        let condition = self.binary(0)?;
        if self.operator(&["?"]).is_none() {
            return Ok(condition);
        }
        let yes = self.skipping(condition == 0, Reader::assignment)?;
        if self.operator(&[":"]).is_none() {
            return Err(format!("{}: `:' expected for conditional expression", self.text));
        }
        let no = self.skipping(condition != 0, Reader::assignment)?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn skipping(&mut self, skip: bool, read: impl FnOnce(&mut Self) -> Value) -> Value {
        self.skip += usize::from(skip);
        let value = read(self);
        self.skip -= usize::from(skip);
        value
    }

    /// Operators of the level and of all that bind tighter.
    fn binary(&mut self, level: usize) -> Value {
        const LEVELS: [&[&str]; 10] = [
            &["||"],
            &["&&"],
            &["|"],
            &["^"],
            &["&"],
            &["==", "!="],
            &["<", ">", "<=", ">="],
            &["<<", ">>"],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let decided = operator == "||" && left != 0 || operator == "&&" && left == 0;
            let right = self.skipping(decided, |reader| reader.binary(level + 1))?;
            left = match operator {
                "||" => i64::from(left != 0 || right != 0),
                "&&" => i64::from(left != 0 && right != 0),
                _ => self.apply(operator, left, right)?,
            };
        }
        Ok(left)
    }

    fn apply(&self, operator: &str, left: i64, right: i64) -> Value {
        let by_zero = right == 0 && matches!(operator, "/" | "%");
        if by_zero && self.skip > 0 {
            return Ok(0);
        }
        Ok(match operator {
            "/" | "%" if by_zero => {
                let token = self.tokens.get(self.at.wrapping_sub(1)).map_or("", |(_, at)| &self.text[*at..]);
                return Err(format!("{}: division by 0 (error token is \"{token}\")", self.text));
            }
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" => left.wrapping_div(right),
            "%" => left.wrapping_rem(right),
            "<<" => left.wrapping_shl(right as u32),
            ">>" => left.wrapping_shr(right as u32),
            "&" => left & right,
            "|" => left | right,
            "^" => left ^ right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<=" => i64::from(left <= right),
            _ => i64::from(left >= right),
        })
    }

    fn power(&mut self) -> Value {
        let base = self.unary()?;
        if self.operator(&["**"]).is_none() {
            return Ok(base);
        }
        let exponent = self.power()?;
        match u32::try_from(exponent) {
            Ok(exponent) => Ok(base.wrapping_pow(exponent)),
            Err(_) if exponent > 0 => Ok(0),
            Err(_) => Err(format!("{}: exponent less than 0 (error token is \"{exponent}\")", self.text)),
        }
    }

    fn unary(&mut self) -> Value {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("{}: expression recursion level exceeded", self.text));
        }
        let value = match self.operator(&["!", "~", "-", "+", "++", "--"]) {
            None => self.primary(),
            Some(operator @ ("++" | "--")) => match self.tokens.get(self.at).cloned() {
                Some((Token::Name(name), _)) => {
                    self.at += 1;
                    let value = self.variable(&name)?.wrapping_add(if operator == "++" { 1 } else { -1 });
                    self.set(&name, value);
                    Ok(value)
                }
                _ if operator == "--" => self.unary(),
                _ => self.unary(),
            },
            Some(operator) => {
                let value = self.unary()?;
                Ok(match operator {
                    "!" => i64::from(value == 0),
                    "~" => !value,
                    "-" => value.wrapping_neg(),
                    _ => value,
                })
            }
        };
        self.depth -= 1;
        value
    }

    fn primary(&mut self) -> Value {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some((Token::Number(value), _)) => Ok(value),
            Some((Token::Name(name), _)) => {
                let value = self.variable(&name)?;
                match self.operator(&["++", "--"]) {
                    Some("++") => self.set(&name, value.wrapping_add(1)),
                    Some(_) => self.set(&name, value.wrapping_sub(1)),
                    None => {}
                }
                Ok(value)
            }
            Some((Token::Operator("("), _)) => {
                let value = self.comma()?;
                match self.operator(&[")"]) {
                    Some(_) => Ok(value),
                    None => Err(format!("{}: missing `)' (error token is \"\")", self.text)),
                }
            }
            Some((Token::Operator(_), at)) => Err(self.problem("syntax error: operand expected", at)),
            None => {
                let at = self.tokens.last().map_or(0, |(_, at)| *at);
                Err(self.problem("syntax error: operand expected", at))
            }
        }
    }

    /// A variable's value is an expression itself.
    fn variable(&mut self, name: &str) -> Value {
        let text = self.env.vars.get(name).cloned().unwrap_or_default();
        if self.skip > 0 {
            return Ok(0);
        }
        match text.trim().parse() {
            Ok(value) if !text.trim().starts_with('0') || text.trim() == "0" => Ok(value),
            _ if self.depth >= DEPTH_MAX => {
                Err(format!("{text}: expression recursion level exceeded (error token is \"{text}\")"))
            }
            _ => evaluate_at(&text, self.env, self.depth + 1),
        }
    }

    fn set(&mut self, name: &str, value: i64) {
        if self.skip == 0 {
            self.env.vars.insert(name.to_owned(), value.to_string());
        }
    }
}
