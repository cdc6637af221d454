//! Reads an awk program: tokens, then expressions by precedence.

/// When an action runs.
#[derive(Debug, PartialEq)]
pub enum Pattern {
    Always,
    Begin,
    End,
    When(Expr),
}

#[derive(Debug, PartialEq)]
pub enum Stmt {
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    Expr(Expr),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    /// Start, condition, step, body.
    For(Box<Stmt>, Option<Expr>, Box<Stmt>, Box<Stmt>),
    ForIn(String, String, Box<Stmt>),
    Block(Vec<Stmt>),
    Next,
    Exit(Option<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Num(f64),
    Str(String),
    /// A regular expression by itself is matched against the line.
    Regex(String),
    Var(String),
    Field(Box<Expr>),
    Index(String, Vec<Expr>),
    /// `=`, `+=` …: the operator without `=`.
    Assign(&'static str, Box<Expr>, Box<Expr>),
    /// What is added, and whether the value is the one before.
    Step(f64, bool, Box<Expr>),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Ternary(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Box<Expr>, String),
    Call(String, Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Num(f64),
    Str(String),
    Regex(String),
    Name(String),
    Op(&'static str),
    Newline,
    End,
}

/// Two-character operators first.
const OPERATORS: [&str; 37] = [
    "&&", "||", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "^=", "++", "--", "!~", "{", "}", "(", ")", "[",
    "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", "<", ">", "~", "?", ":", "=", "$",
];
const FUNCTIONS: [&str; 10] =
    ["length", "substr", "index", "split", "sub", "gsub", "tolower", "toupper", "int", "sprintf"];
const LEFT_OUT: [&str; 5] = ["function", "getline", "delete", "do", "system"];
/// Deepest nesting of an expression or a statement.
const DEPTH_MAX: usize = 100;

/// Reads a program.
///
/// # Errors
/// What is wrong and at which character.
pub fn program(text: &str) -> Result<Vec<(Pattern, Vec<Stmt>)>, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let mut items = Vec::new();
    loop {
        parser.skip_ends();
        if parser.peek() == &Token::End {
            return Ok(items);
        }
        let pattern = match parser.peek() {
            Token::Op("{") => Pattern::Always,
            Token::Name(name) if name == "BEGIN" => parser.passed(Pattern::Begin),
            Token::Name(name) if name == "END" => parser.passed(Pattern::End),
            _ => Pattern::When(parser.expr()?),
        };
        let action = if parser.peek() == &Token::Op("{") { parser.block()? } else { vec![Stmt::Print(Vec::new())] };
        items.push((pattern, action));
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // After a value a slash divides; elsewhere it begins a regular expression.
        let after_value =
            matches!(tokens.last(), Some(Token::Num(_) | Token::Str(_) | Token::Name(_) | Token::Op(")" | "]" | "$")));
        if c == '\n' {
            tokens.push(Token::Newline);
            rest = &rest[1..];
        } else if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
        } else if c == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if c == '"' {
            let (text, used) = quoted(&rest[1..], '"').ok_or("non-terminated string")?;
            tokens.push(Token::Str(unescaped(&text)));
            rest = &rest[1 + used..];
        } else if c == '/' && !after_value {
            let (text, used) = quoted(&rest[1..], '/').ok_or("non-terminated regular expression")?;
            tokens.push(Token::Regex(text.replace("\\/", "/")));
            rest = &rest[1 + used..];
        } else if c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit()) {
            let length = number_length(rest);
            tokens.push(Token::Num(
                rest[..length].parse().map_err(|_| format!("`{}` is not a number", &rest[..length]))?,
            ));
            rest = &rest[length..];
        } else if c.is_ascii_alphabetic() || c == '_' {
            let length = rest.find(|d: char| !d.is_ascii_alphanumeric() && d != '_').unwrap_or(rest.len());
            let name = &rest[..length];
            if LEFT_OUT.contains(&name) {
                return Err(format!("portlab's awk does not model `{name}`"));
            }
            tokens.push(Token::Name(name.to_owned()));
            rest = &rest[length..];
        } else if let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(**op)) {
            tokens.push(Token::Op(op));
            rest = &rest[op.len()..];
        } else {
            return Err(format!("syntax error: unexpected `{c}`"));
        }
    }
    tokens.push(Token::End);
    Ok(tokens)
}

/// The text with its escapes resolved.
fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (resolved, length) = crate::tools::shell::escape::ansi_c(after);
        out.push_str(&resolved);
        rest = &after[after.chars().take(length).map(char::len_utf8).sum()..];
    }
    out + rest
}

/// The length of the number at the head: digits, a point, an exponent.
fn number_length(text: &str) -> usize {
    let plain = text.find(|d: char| !d.is_ascii_digit() && d != '.').unwrap_or(text.len());
    let Some(exponent) = text[plain..].strip_prefix(['e', 'E']) else { return plain };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let count = digits.find(|d: char| !d.is_ascii_digit()).unwrap_or(digits.len());
    if count == 0 { plain } else { text.len() - digits.len() + count }
}

/// The text up to an end mark that no backslash precedes, and the length with the mark.
fn quoted(text: &str, end: char) -> Option<(String, usize)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == end && !escaped {
            return Some((text[..at].to_owned(), at + 1));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn passed<T>(&mut self, value: T) -> T {
        self.at += 1;
        value
    }

    fn takes(&mut self, op: &'static str) -> bool {
        let found = self.peek() == &Token::Op(op);
        self.at += usize::from(found);
        found
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(found) if found == name);
        self.at += usize::from(found);
        found
    }

    fn want(&mut self, op: &'static str) -> Result<(), String> {
        if self.takes(op) { Ok(()) } else { Err(format!("syntax error: found {}, expected `{op}`", self.found())) }
    }

    fn found(&self) -> String {
        match self.peek() {
            Token::Num(number) => format!("`{number}`"),
            Token::Str(text) => format!("\"{text}\""),
            Token::Regex(text) => format!("/{text}/"),
            Token::Name(name) => format!("`{name}`"),
            Token::Op(op) => format!("`{op}`"),
            Token::Newline => "a new line".to_owned(),
            Token::End => "the end of the program".to_owned(),
        }
    }

    fn skip_ends(&mut self) {
        while matches!(self.peek(), Token::Newline | Token::Op(";")) {
            self.at += 1;
        }
    }

    fn skip_newlines(&mut self) {
        while self.peek() == &Token::Newline {
            self.at += 1;
        }
    }

    fn block(&mut self) -> Result<Vec<Stmt>, String> {
        self.want("{")?;
        let mut statements = Vec::new();
        loop {
            self.skip_ends();
            if self.takes("}") {
                return Ok(statements);
            }
            statements.push(self.statement()?);
        }
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(format!("nested deeper than {DEPTH_MAX}")) } else { Ok(()) }
    }

    fn statement(&mut self) -> Result<Stmt, String> {
        self.deeper()?;
        let statement = self.inner_statement();
        self.depth -= 1;
        statement
    }

    fn inner_statement(&mut self) -> Result<Stmt, String> {
        if self.peek() == &Token::Op("{") {
            return Ok(Stmt::Block(self.block()?));
        }
        if self.takes_name("if") {
            let condition = self.in_brackets()?;
            let then = Box::new(self.body()?);
            let back = self.at;
            self.skip_ends();
            if self.takes_name("else") {
                return Ok(Stmt::If(condition, then, Some(Box::new(self.body()?))));
            }
            self.at = back;
            return Ok(Stmt::If(condition, then, None));
        }
        if self.takes_name("while") {
            let condition = self.in_brackets()?;
            return Ok(Stmt::While(condition, Box::new(self.body()?)));
        }
        if self.takes_name("for") {
            return self.for_loop();
        }
        self.simple()
    }

    /// The statement that an `if`, `else` or loop governs; a lone `;` is an empty one.
    fn body(&mut self) -> Result<Stmt, String> {
        self.skip_newlines();
        if self.takes(";") { Ok(Stmt::Block(Vec::new())) } else { self.statement() }
    }

    fn in_brackets(&mut self) -> Result<Expr, String> {
        self.want("(")?;
        let condition = self.expr()?;
        self.want(")")?;
        Ok(condition)
    }

    fn for_loop(&mut self) -> Result<Stmt, String> {
        self.want("(")?;
        if let [Token::Name(key), Token::Name(word), Token::Name(array), Token::Op(")")] =
            &self.tokens[self.at..(self.at + 4).min(self.tokens.len())]
            && word == "in"
        {
            let (key, array) = (key.clone(), array.clone());
            self.at += 4;
            return Ok(Stmt::ForIn(key, array, Box::new(self.body()?)));
        }
        let nothing = || Stmt::Block(Vec::new());
        let start = if self.peek() == &Token::Op(";") { nothing() } else { self.simple()? };
        self.want(";")?;
        let condition = if self.peek() == &Token::Op(";") { None } else { Some(self.expr()?) };
        self.want(";")?;
        let step = if self.peek() == &Token::Op(")") { nothing() } else { self.simple()? };
        self.want(")")?;
        Ok(Stmt::For(Box::new(start), condition, Box::new(step), Box::new(self.body()?)))
    }

    fn simple(&mut self) -> Result<Stmt, String> {
        for (name, formatted) in [("print", false), ("printf", true)] {
            if self.takes_name(name) {
                let mut items = self.items()?;
                // `print (a, b)` and `printf(a, b)`: the brackets hold the items.
                if let [Expr::Call(name, inner)] = &mut items[..]
                    && name.is_empty()
                {
                    items = std::mem::take(inner);
                }
                if matches!(self.peek(), Token::Op(">")) {
                    return Err("portlab's awk does not model redirection of print".to_owned());
                }
                return Ok(if formatted { Stmt::Printf(items) } else { Stmt::Print(items) });
            }
        }
        if self.takes_name("next") {
            return Ok(Stmt::Next);
        }
        if self.takes_name("exit") {
            let ends = matches!(self.peek(), Token::Newline | Token::End | Token::Op(";" | "}"));
            return Ok(Stmt::Exit(if ends { None } else { Some(self.expr()?) }));
        }
        Ok(Stmt::Expr(self.expr()?))
    }

    /// The items of print, up to the statement's end; `>` is not a comparison there.
    fn items(&mut self) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        if matches!(self.peek(), Token::Newline | Token::End | Token::Op(";" | "}" | ">")) {
            return Ok(items);
        }
        loop {
            items.push(self.level(1, false)?);
            if !self.takes(",") {
                return Ok(items);
            }
            self.skip_newlines();
        }
    }

    fn expr(&mut self) -> Result<Expr, String> {
        self.level(0, true)
    }

    /// Assignment and `?:` (level 0), then `||`, `&&`, `in`, `~`, comparison, joining, sums, products.
    fn level(&mut self, level: usize, greater: bool) -> Result<Expr, String> {
        self.deeper()?;
        let expr = self.inner_level(level, greater);
        self.depth -= 1;
        expr
    }

    fn inner_level(&mut self, level: usize, greater: bool) -> Result<Expr, String> {
        const BINARY: [&[&str]; 7] = [
            &["||"],
            &["&&"],
            &["~", "!~"],
            &["<", "<=", "==", "!=", ">", ">="],
            &[" "],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        if level <= 1 {
            let left = self.binary(&BINARY, greater)?;
            return self.tail(left, greater);
        }
        self.binary(&BINARY[level - 1..], greater)
    }

    /// `= …` and `? … : …` after an expression.
    fn tail(&mut self, left: Expr, greater: bool) -> Result<Expr, String> {
        if self.takes("?") {
            let then = self.level(0, greater)?;
            self.want(":")?;
            let otherwise = self.level(0, greater)?;
            return Ok(Expr::Ternary(Box::new(left), Box::new(then), Box::new(otherwise)));
        }
        for (sign, op) in [("=", ""), ("+=", "+"), ("-=", "-"), ("*=", "*"), ("/=", "/"), ("%=", "%"), ("^=", "^")] {
            if matches!(left, Expr::Var(_) | Expr::Field(_) | Expr::Index(..)) && self.takes(sign) {
                let value = self.level(0, greater)?;
                return Ok(Expr::Assign(op, Box::new(left), Box::new(value)));
            }
        }
        Ok(left)
    }

    fn binary(&mut self, levels: &[&[&'static str]], greater: bool) -> Result<Expr, String> {
        let Some((operators, tighter)) = levels.split_first() else { return self.power() };
        let mut left = self.binary(tighter, greater)?;
        loop {
            if operators[0] == "~" && self.takes_name("in") {
                let Token::Name(array) = self.peek().clone() else {
                    return Err(format!("syntax error: found {}, expected an array", self.found()));
                };
                self.at += 1;
                left = Expr::In(Box::new(left), array);
                continue;
            }
            if operators[0] == " " {
                if !self.begins_value() {
                    return Ok(left);
                }
                left = Expr::Binary(" ", Box::new(left), Box::new(self.binary(tighter, greater)?));
                continue;
            }
            let Some(op) = operators.iter().find(|op| self.peek() == &Token::Op(op) && (greater || **op != ">")) else {
                return Ok(left);
            };
            self.at += 1;
            self.skip_newlines();
            left = Expr::Binary(op, Box::new(left), Box::new(self.binary(tighter, greater)?));
        }
    }

    /// Whether the next token begins a value, so that two values stand side by side and are joined.
    fn begins_value(&self) -> bool {
        match self.peek() {
            Token::Num(_) | Token::Str(_) | Token::Op("$" | "(" | "!" | "++" | "--") => true,
            Token::Name(name) => name != "in",
            _ => false,
        }
    }

    fn power(&mut self) -> Result<Expr, String> {
        for op in ["!", "-", "+"] {
            if self.takes(op) {
                self.deeper()?;
                let inner = self.power();
                self.depth -= 1;
                return Ok(Expr::Unary(op, Box::new(inner?)));
            }
        }
        let left = self.postfix()?;
        if self.takes("^") {
            return Ok(Expr::Binary("^", Box::new(left), Box::new(self.power()?)));
        }
        Ok(left)
    }

    fn postfix(&mut self) -> Result<Expr, String> {
        for (op, by) in [("++", 1.0), ("--", -1.0)] {
            if self.takes(op) {
                return Ok(Expr::Step(by, false, Box::new(self.primary()?)));
            }
        }
        let primary = self.primary()?;
        for (op, by) in [("++", 1.0), ("--", -1.0)] {
            if matches!(primary, Expr::Var(_) | Expr::Field(_) | Expr::Index(..)) && self.takes(op) {
                return Ok(Expr::Step(by, true, Box::new(primary)));
            }
        }
        Ok(primary)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        match self.peek().clone() {
            Token::Num(number) => Ok(self.passed(Expr::Num(number))),
            Token::Str(text) => Ok(self.passed(Expr::Str(text))),
            Token::Regex(text) => Ok(self.passed(Expr::Regex(text))),
            Token::Op("$") => {
                self.at += 1;
                self.deeper()?;
                let field = if self.takes("-") {
                    self.primary().map(|inner| Expr::Unary("-", Box::new(inner)))
                } else {
                    self.primary()
                };
                self.depth -= 1;
                Ok(Expr::Field(Box::new(field?)))
            }
            Token::Op("(") => {
                self.at += 1;
                let mut items = self.arguments()?;
                if items.len() == 1 {
                    return Ok(items.remove(0));
                }
                // Only print takes such a list.
                Ok(Expr::Call(String::new(), items))
            }
            Token::Name(name) => {
                self.at += 1;
                if FUNCTIONS.contains(&name.as_str()) {
                    let args = if self.takes("(") { self.arguments()? } else { Vec::new() };
                    return Ok(Expr::Call(name, args));
                }
                if self.takes("[") {
                    let mut keys = vec![self.expr()?];
                    while self.takes(",") {
                        keys.push(self.expr()?);
                    }
                    self.want("]")?;
                    return Ok(Expr::Index(name, keys));
                }
                if self.peek() == &Token::Op("(") {
                    return Err(format!("calling undefined function {name}"));
                }
                Ok(Expr::Var(name))
            }
            _ => Err(format!("syntax error: found {}, expected a value", self.found())),
        }
    }

    /// Expressions up to the closing bracket.
    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        if self.takes(")") {
            return Ok(items);
        }
        loop {
            items.push(self.expr()?);
            if self.takes(")") {
                return Ok(items);
            }
            self.want(",")?;
        }
    }
}
