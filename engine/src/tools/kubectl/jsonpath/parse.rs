//! From template text to nodes (`client-go/util/jsonpath/parser.go`).

/// One bound or step of `[a:b:c]`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bound {
    pub value: i64,
    pub known: bool,
    /// Made from the first bound: `[3]` is `[3:4]`.
    pub derived: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// What stands between a pair of braces.
    List(Vec<Node>),
    Text(String),
    Field(String),
    Array([Bound; 3]),
    Filter {
        left: Vec<Node>,
        right: Vec<Node>,
        operator: String,
    },
    Int(i64),
    Float(f64),
    Bool(bool),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Node>>),
    /// `range`, `end`; any other word is refused when it is evaluated.
    Identifier(String),
}

/// # Errors
/// The Go parser's message.
pub fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut parser = Parser { input: text.chars().collect(), position: 0, start: 0 };
    let mut nodes = Vec::new();
    while parser.position < parser.input.len() {
        if parser.input[parser.position] != '{' {
            parser.position += 1;
            continue;
        }
        if parser.position > parser.start {
            nodes.push(Node::Text(parser.consume()));
        }
        parser.position += 1;
        parser.consume();
        nodes.push(Node::List(parser.action()?));
    }
    if parser.position > parser.start {
        nodes.push(Node::Text(parser.consume()));
    }
    Ok(nodes)
}

/// The nodes of one expression, as if it stood in braces.
fn parse_expression(text: &str) -> Result<Vec<Node>, String> {
    match parse(&format!("{{{text}}}"))?.into_iter().next() {
        Some(Node::List(nodes)) => Ok(nodes),
        _ => Ok(Vec::new()),
    }
}

struct Parser {
    input: Vec<char>,
    position: usize,
    start: usize,
}

impl Parser {
    fn consume(&mut self) -> String {
        let text = self.input[self.start..self.position].iter().collect();
        self.start = self.position;
        text
    }

    fn peek(&self) -> Option<char> {
        self.input.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let ch = self.peek();
        if ch.is_some() {
            self.position += 1;
        }
        ch
    }

    fn follows(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, ch)| self.input.get(self.position + offset) == Some(&ch))
    }

    /// What stands between `{`, already read, and its `}`.
    fn action(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        loop {
            if self.follows("}") {
                self.position += 1;
                self.consume();
                return Ok(nodes);
            }
            if self.follows("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if self.follows("..") {
                self.recursive(&mut nodes)?;
                continue;
            }
            match self.next() {
                None | Some('\r' | '\n') => return Err("unclosed action".into()),
                Some(' ' | '@' | '$') => {
                    self.consume();
                }
                Some('[') => self.array(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(self.quoted(quote)?),
                Some('.') => nodes.push(self.field()),
                Some(ch) if ch == '+' || ch == '-' || ch.is_ascii_digit() => {
                    self.position -= 1;
                    nodes.push(self.number()?);
                }
                Some(ch) if ch == '_' || ch.is_alphanumeric() => {
                    self.position -= 1;
                    nodes.push(self.identifier());
                }
                Some(ch) => return Err(format!("unrecognized character in action: U+{:04X} '{ch}'", ch as u32)),
            }
        }
    }

    fn recursive(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        if nodes.last() == Some(&Node::Recursive) {
            return Err("invalid multiple recursive descent".into());
        }
        self.position += 2;
        self.consume();
        nodes.push(Node::Recursive);
        if self.peek().is_some_and(|ch| ch == '_' || ch.is_alphanumeric()) {
            nodes.push(self.field());
        }
        Ok(())
    }

    fn identifier(&mut self) -> Node {
        while self.peek().is_some_and(|ch| !is_terminator(ch)) {
            self.position += 1;
        }
        let word = self.consume();
        match word.as_str() {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            _ => Node::Identifier(word),
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        if matches!(self.peek(), Some('+' | '-')) {
            self.position += 1;
        }
        while self.peek().is_some_and(|ch| ch == '.' || ch.is_ascii_digit()) {
            self.position += 1;
        }
        let text = self.consume();
        if let Ok(number) = text.parse() {
            return Ok(Node::Int(number));
        }
        text.parse().map(Node::Float).map_err(|_| format!("cannot parse number {text}"))
    }

    fn field(&mut self) -> Node {
        self.consume();
        while let Some(ch) = self.peek() {
            if ch == '\\' {
                self.position += 1;
                self.next();
            } else if is_terminator(ch) {
                break;
            } else {
                self.position += 1;
            }
        }
        let name = self.consume();
        if name == "*" { Node::Wildcard } else { Node::Field(name.replace('\\', "")) }
    }

    fn quoted(&mut self, quote: char) -> Result<Node, String> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".into()),
                Some(ch) if ch == quote && self.input[self.position - 2] != '\\' => break,
                Some(_) => {}
            }
        }
        let text = self.consume();
        match unquote(&text, quote) {
            Some(text) => Ok(Node::Text(text)),
            None => Err(format!("unquote string {text} error invalid syntax")),
        }
    }

    fn array(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated array".into()),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = self.consume();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(&text);
        let text = if text == "*" { ":" } else { text };
        if text.contains(',') {
            let parts = text.split(',').map(|part| parse_expression(&format!("[{}]", part.trim_matches(' '))));
            nodes.push(Node::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).filter(|key| !key.contains('\''));
        if let Some(key) = key {
            nodes.extend(parse_expression(&format!(".{key}"))?);
            return Ok(());
        }
        nodes.push(Node::Array(bounds(text)?));
        Ok(())
    }

    fn filter(&mut self) -> Result<Node, String> {
        self.position += 3;
        self.consume();
        let mut pair = None;
        let mut closed = false;
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".into()),
                Some(ch @ ('"' | '\'')) => match pair {
                    None => pair = Some(ch),
                    Some(quote) if quote == ch && self.input[self.position - 2] != '\\' => closed = true,
                    Some(_) => {}
                },
                Some(')') if pair.is_some() == closed => break,
                Some(_) => {}
            }
        }
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".into());
        }
        let text = self.consume();
        let text = text.strip_suffix(")]").unwrap_or(&text);
        match split_comparison(text) {
            None => Ok(Node::Filter { left: parse_expression(text)?, right: Vec::new(), operator: "exists".into() }),
            Some((left, operator, right)) => Ok(Node::Filter {
                left: parse_expression(left)?,
                right: parse_expression(right)?,
                operator: operator.into(),
            }),
        }
    }
}

/// `^([^!<>=]+)([!<>=]+)(.+?)$`: the operator is the first run of comparison characters.
fn split_comparison(text: &str) -> Option<(&str, &str, &str)> {
    let comparison = |ch| matches!(ch, '!' | '<' | '>' | '=');
    let begin = text.find(comparison)?;
    let mut end = text[begin..].find(|ch| !comparison(ch)).map_or(text.len(), |length| begin + length);
    if end == text.len() {
        // The right side needs a character, which the operator must then give up.
        end -= 1;
    }
    (begin > 0 && end > begin).then(|| (&text[..begin], &text[begin..end], &text[end..]))
}

fn bounds(text: &str) -> Result<[Bound; 3], String> {
    let invalid = || format!("invalid array index {text}");
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &str| part.strip_prefix('-').unwrap_or(part).chars().all(|ch| ch.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| digits(part)) {
        return Err(invalid());
    }
    let mut bounds = [Bound::default(); 3];
    for (index, bound) in bounds.iter_mut().enumerate() {
        let Some(part) = parts.get(index) else { continue };
        if !part.is_empty() {
            bound.value = part.parse().map_err(|_| format!("array index {part} is not a number"))?;
            bound.known = true;
        }
    }
    if parts.len() == 1 {
        bounds[1] = Bound { value: bounds[0].value + 1, known: true, derived: true };
    }
    Ok(bounds)
}

fn is_terminator(ch: char) -> bool {
    matches!(ch, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

/// `strconv.UnquoteChar` over the whole string, in either kind of quotes.
fn unquote(text: &str, quote: char) -> Option<String> {
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(ch) = chars.next() {
        if ch == quote {
            return None;
        }
        if ch != '\\' {
            out.push(ch);
            continue;
        }
        let code = |chars: &mut std::str::Chars, digits: usize, radix| {
            let text: String = chars.take(digits).collect();
            u32::from_str_radix(&text, radix).ok().filter(|_| text.len() == digits).and_then(char::from_u32)
        };
        out.push(match chars.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            'x' => code(&mut chars, 2, 16)?,
            'u' => code(&mut chars, 4, 16)?,
            'U' => code(&mut chars, 8, 16)?,
            ch @ ('\'' | '"') if ch == quote => ch,
            digit @ '0'..='7' => {
                let rest: String = chars.by_ref().take(2).collect();
                char::from_u32(u32::from_str_radix(&format!("{digit}{rest}"), 8).ok().filter(|_| rest.len() == 2)?)?
            }
            _ => return None,
        });
    }
    Some(out)
}
