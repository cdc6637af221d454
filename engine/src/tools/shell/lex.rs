//! Characters to words: quotes, escapes, `$` in all its forms, here-documents.
//!
//! Source: the shell grammar of POSIX 2.3 and 2.6, and bash's manual for `$'…'`, `<( )` and `${x/a/b}`.
//! Left out: arrays, `${!x}`, history expansion.

use super::ast::{Change, List, Part, Target, Word};
use super::parse::{Parser, Problem, Result};

/// Nesting of `$( )`, `( )` and the like that is read at most.
const NESTING_MAX: usize = 60;

pub(super) const OPERATOR_CHARS: &str = "|&;()<>\n";

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, c)| self.chars.get(self.at + offset) == Some(&c))
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    /// Skips blanks, line continuations and a comment.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.chars.get(self.at + 1) == Some(&'\n') => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Reads a word; None when an operator or the end stands here.
    pub(super) fn word(&mut self) -> Result<Option<Word>> {
        self.skip_blanks();
        let begins = self.at;
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            if c == ' ' || c == '\t' || c == '\r' {
                break;
            }
            if OPERATOR_CHARS.contains(c) {
                if c == '<' && self.looking_at("<(") {
                    self.at += 2;
                    parts.push(Part::Process(self.nested_list()?));
                    continue;
                }
                break;
            }
            self.part(&mut parts, begins)?;
        }
        Ok(if self.at == begins { None } else { Some(Word(parts)) })
    }

    fn part(&mut self, parts: &mut Vec<Part>, begins: usize) -> Result<()> {
        match self.next() {
            Some('\'') => parts.push(Part::Quoted(self.until_quote('\'')?)),
            Some('"') => self.double_quoted(parts)?,
            Some('\\') => match self.next() {
                Some('\n') => {}
                Some(c) => parts.push(Part::Quoted(c.to_string())),
                None => return Err(Problem::Incomplete("unexpected end of file".into())),
            },
            Some('$') => self.dollar(parts, false)?,
            Some('`') => parts.push(Part::Command { list: self.backquoted(false)?, quoted: false }),
            Some('~') if self.at == begins + 1 && self.peek().is_none_or(|c| c == '/' || c.is_whitespace()) => {
                parts.push(Part::Parameter { name: "HOME".into(), length: false, change: None, quoted: true });
            }
            Some(c) => push_literal(parts, c),
            None => {}
        }
        Ok(())
    }

    fn until_quote(&mut self, quote: char) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some(c) if c == quote => return Ok(text),
                Some(c) => text.push(c),
                None => {
                    return Err(Problem::Incomplete(format!("unexpected EOF while looking for matching `{quote}'")));
                }
            }
        }
    }

    fn double_quoted(&mut self, parts: &mut Vec<Part>) -> Result<()> {
        let first = parts.len();
        loop {
            match self.next() {
                Some('"') => break,
                Some(c) => self.in_double_quotes(c, parts, "$`\"\\")?,
                None => return Err(Problem::Incomplete("unexpected EOF while looking for matching `\"'".into())),
            }
        }
        if parts.len() == first {
            parts.push(Part::Quoted(String::new()));
        }
        Ok(())
    }

    /// One character as it counts between double quotes or in a here-document; a backslash escapes only `escapable`.
    fn in_double_quotes(&mut self, c: char, parts: &mut Vec<Part>, escapable: &str) -> Result<()> {
        match c {
            '\\' => match self.peek() {
                Some('\n') => self.at += 1,
                Some(next) if escapable.contains(next) => {
                    self.at += 1;
                    push_quoted(parts, next);
                }
                _ => push_quoted(parts, '\\'),
            },
            '$' => self.dollar(parts, true)?,
            '`' => {
                let list = self.backquoted(true)?;
                parts.push(Part::Command { list, quoted: true });
            }
            c => push_quoted(parts, c),
        }
        Ok(())
    }

    /// What follows a `$` that has been read.
    fn dollar(&mut self, parts: &mut Vec<Part>, quoted: bool) -> Result<()> {
        match self.peek() {
            Some('(') if self.looking_at("((") => {
                let begins = self.at;
                self.at += 2;
                if let Some(expression) = self.arithmetic()? {
                    parts.push(Part::Arithmetic { expression, quoted });
                    return Ok(());
                }
                // `$((cmd) …)`: a command that begins with a subshell.
                self.at = begins + 1;
                parts.push(Part::Command { list: self.nested_list()?, quoted });
            }
            Some('(') => {
                self.at += 1;
                parts.push(Part::Command { list: self.nested_list()?, quoted });
            }
            Some('{') => {
                self.at += 1;
                parts.push(self.braced(quoted)?);
            }
            Some('\'') if !quoted => {
                self.at += 1;
                parts.push(Part::Quoted(self.ansi_c()?));
            }
            Some('"') if !quoted => {}
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                parts.push(plain_parameter(name, quoted));
            }
            Some(c) if c.is_ascii_digit() || "?#@*$!-".contains(c) => {
                self.at += 1;
                parts.push(plain_parameter(c.to_string(), quoted));
            }
            _ if quoted => push_quoted(parts, '$'),
            _ => push_literal(parts, '$'),
        }
        Ok(())
    }

    pub(super) fn name(&mut self) -> String {
        let begins = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        self.chars[begins..self.at].iter().collect()
    }

    /// The expression of `$(( … ))` whose opening has been read; None when `))` does not close it.
    pub(super) fn arithmetic(&mut self) -> Result<Option<Word>> {
        let mut parts = Vec::new();
        let mut depth = 0;
        loop {
            match self.next() {
                Some(')') if depth == 0 => return Ok(if self.eat(")") { Some(Word(parts)) } else { None }),
                Some(c @ ('(' | ')')) => {
                    depth = if c == '(' { depth + 1 } else { depth - 1 };
                    push_quoted(&mut parts, c);
                }
                Some('"') => {}
                Some(c) => self.in_double_quotes(c, &mut parts, "$`\"\\")?,
                None => return Err(Problem::Incomplete("unexpected EOF while looking for matching `)'".into())),
            }
        }
    }

    /// The commands of `$( … )` or `<( … )` whose opening has been read.
    fn nested_list(&mut self) -> Result<List> {
        self.nesting += 1;
        if self.nesting > NESTING_MAX {
            return Err(Problem::Bound(format!("portlab reads at most {NESTING_MAX} nested commands")));
        }
        let list = self.list(&[])?;
        self.skip_newlines()?;
        if !self.eat(")") {
            return Err(match self.peek() {
                None => Problem::Incomplete("unexpected EOF while looking for matching `)'".into()),
                Some(_) => self.unexpected(),
            });
        }
        self.nesting -= 1;
        Ok(list)
    }

    /// `` `…` ``: the text up to the closing backquote, with its escapes undone, is read as commands.
    fn backquoted(&mut self, quoted: bool) -> Result<List> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('`') => break,
                Some('\\') => match self.next() {
                    Some(c @ ('$' | '`' | '\\')) => text.push(c),
                    Some('"') if quoted => text.push('"'),
                    Some(c) => text.extend(['\\', c]),
                    None => {}
                },
                Some(c) => text.push(c),
                None => return Err(Problem::Incomplete("unexpected EOF while looking for matching ``'".into())),
            }
        }
        let mut inner = Parser::new(&text);
        inner.nesting = self.nesting + 1;
        if inner.nesting > NESTING_MAX {
            return Err(Problem::Bound(format!("portlab reads at most {NESTING_MAX} nested commands")));
        }
        inner.whole()
    }

    /// `${…}` whose opening has been read.
    fn braced(&mut self, quoted: bool) -> Result<Part> {
        let length = self.looking_at("#") && !self.looking_at("#}");
        self.at += usize::from(length);
        let name = match self.peek() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name(),
            Some(c) if c.is_ascii_digit() => self.name(),
            Some(c) if "?#@*$!-".contains(c) => {
                self.at += 1;
                c.to_string()
            }
            None => return Err(brace_missing()),
            Some(_) => String::new(),
        };
        if self.eat("}") && !name.is_empty() {
            return Ok(Part::Parameter { name, length, change: None, quoted });
        }
        if name.is_empty() || length || name == "!" {
            return Err(Problem::Bound("portlab does not model this form of ${ }".into()));
        }
        if self.looking_at("[") {
            return Err(Problem::Bound("portlab does not model arrays".into()));
        }
        let colon = self.eat(":");
        let change = self.change(colon)?;
        if let Change::Replace { all, .. } = change {
            let pattern = self.brace_word(false, true)?;
            let by = if self.eat("/") { self.brace_word(quoted, false)? } else { Word::default() };
            return self.close_brace(Part::Parameter {
                name,
                length,
                change: Some((Change::Replace { all, by }, pattern)),
                quoted,
            });
        }
        // A pattern is one within double quotes too.
        let pattern = matches!(change, Change::RemovePrefix { .. } | Change::RemoveSuffix { .. });
        let word = self.brace_word(quoted && !pattern, false)?;
        self.close_brace(Part::Parameter { name, length, change: Some((change, word)), quoted })
    }

    fn close_brace(&mut self, part: Part) -> Result<Part> {
        if self.eat("}") { Ok(part) } else { Err(brace_missing()) }
    }

    fn change(&mut self, colon: bool) -> Result<Change> {
        let Some(c) = self.peek() else { return Err(brace_missing()) };
        if colon && !"-=?+".contains(c) {
            return Ok(Change::Substring);
        }
        self.at += 1;
        Ok(match c {
            '-' => Change::Default { colon },
            '=' => Change::Assign { colon },
            '?' => Change::Error { colon },
            '+' => Change::Alternative { colon },
            '#' => Change::RemovePrefix { longest: self.eat("#") },
            '%' => Change::RemoveSuffix { longest: self.eat("%") },
            '/' => Change::Replace { all: self.eat("/"), by: Word::default() },
            '^' => Change::Upper { all: self.eat("^") },
            ',' => Change::Lower { all: self.eat(",") },
            _ => return Err(Problem::Bound("portlab does not model this form of ${ }".into())),
        })
    }

    /// The word inside `${name-word}`, up to the closing brace (or the slash of a replacement).
    fn brace_word(&mut self, quoted: bool, to_slash: bool) -> Result<Word> {
        let mut parts = Vec::new();
        loop {
            match self.peek() {
                None => return Err(brace_missing()),
                Some('}') => return Ok(Word(parts)),
                Some('/') if to_slash => return Ok(Word(parts)),
                Some('"') => {
                    self.at += 1;
                    self.double_quoted(&mut parts)?;
                }
                Some(c) if quoted && c != '\'' => {
                    self.at += 1;
                    self.in_double_quotes(c, &mut parts, "$`\"\\}")?;
                }
                Some('\'') if quoted => {
                    self.at += 1;
                    push_quoted(&mut parts, '\'');
                }
                Some(_) => self.part(&mut parts, usize::MAX)?,
            }
        }
    }

    /// `$'…'`
    fn ansi_c(&mut self) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('\'') => return Ok(text),
                Some('\\') => {
                    let rest: String = self.chars[self.at..self.chars.len().min(self.at + 12)].iter().collect();
                    let (c, used) = super::escape::ansi_c(&rest);
                    text.push_str(&c);
                    self.at += used;
                }
                Some(c) => text.push(c),
                None => return Err(Problem::Incomplete("unexpected EOF while looking for matching `''".into())),
            }
        }
    }

    /// Reads the bodies of the here-documents whose operators stood on the line that has just ended.
    pub(super) fn here_documents(&mut self) -> Result<()> {
        for (number, delimiter, expand, strip_tabs) in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            loop {
                if self.at >= self.chars.len() {
                    return Err(Problem::Incomplete(format!(
                        "here-document at line 1 delimited by end-of-file (wanted `{delimiter}')"
                    )));
                }
                let begins = self.at;
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                let line: String = self.chars[begins..self.at].iter().collect();
                self.at += 1;
                let line = if strip_tabs { line.trim_start_matches('\t') } else { &line };
                if line.trim_end_matches('\r') == delimiter {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            self.at = self.at.min(self.chars.len());
            let word = if expand { here_text(&body, self.nesting)? } else { Word(vec![Part::Quoted(body)]) };
            self.bodies.insert(number, Target::Text { text: word, newline: false });
        }
        Ok(())
    }
}

fn here_text(body: &str, nesting: usize) -> Result<Word> {
    let mut parser = Parser::new(body);
    parser.nesting = nesting;
    let mut parts = Vec::new();
    while let Some(c) = parser.next() {
        parser.in_double_quotes(c, &mut parts, "$`\\")?;
    }
    Ok(Word(parts))
}

fn brace_missing() -> Problem {
    Problem::Incomplete("unexpected EOF while looking for matching `}'".into())
}

fn plain_parameter(name: String, quoted: bool) -> Part {
    Part::Parameter { name, length: false, change: None, quoted }
}

fn push_literal(parts: &mut Vec<Part>, c: char) {
    match parts.last_mut() {
        Some(Part::Literal(text)) => text.push(c),
        _ => parts.push(Part::Literal(c.to_string())),
    }
}

fn push_quoted(parts: &mut Vec<Part>, c: char) {
    match parts.last_mut() {
        Some(Part::Quoted(text)) => text.push(c),
        _ => parts.push(Part::Quoted(c.to_string())),
    }
}
