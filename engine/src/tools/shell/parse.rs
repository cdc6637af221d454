//! Words to commands: the grammar of POSIX 2.10 with bash's `[[ ]]`, `(( ))`, `|&`, `&>` and `<<<`.
//!
//! Left out, with a message: `select`, `coproc`, `for (( ))`, arrays.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{AndOr, Assign, Body, Command, Joint, List, Part, Pipeline, Redirect, Target, Word};

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It ends too early: more lines could complete it.
    Incomplete(String),
    /// The token that does not fit.
    Unexpected(String),
    /// It goes beyond what portlab reads.
    Bound(String),
}

pub(super) type Result<T> = std::result::Result<T, Problem>;

/// A text and how far it has been read.
pub struct Parser {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) nesting: usize,
    /// Here-documents announced on the line: number, delimiter, whether they expand, whether tabs are stripped.
    pub(super) pending: Vec<(usize, String, bool, bool)>,
    /// Their texts, by number.
    pub(super) bodies: BTreeMap<usize, Target>,
    documents: usize,
}

const RESERVED: [&str; 17] = [
    "if", "then", "elif", "else", "fi", "for", "in", "do", "done", "while", "until", "case", "esac", "{", "}", "!",
    "[[",
];

impl Parser {
    pub fn new(text: &str) -> Parser {
        Parser {
            chars: text.chars().collect(),
            at: 0,
            nesting: 0,
            pending: Vec::new(),
            bodies: BTreeMap::new(),
            documents: 0,
        }
    }

    /// The next complete command line: what bash reads before it runs anything. None at the end of the text.
    pub fn next_line(&mut self) -> Result<Option<List>> {
        self.skip_newlines()?;
        if self.at >= self.chars.len() {
            return Ok(None);
        }
        let mut list = List::default();
        loop {
            let start = self.at;
            list.0.push(self.and_or()?);
            self.skip_blanks();
            if self.in_background(&mut list, start) {
                self.skip_blanks();
            } else if self.looking_at(";") && !self.looking_at(";;") {
                self.at += 1;
                self.skip_blanks();
            }
            match self.peek() {
                None => break,
                Some('\n') => {
                    self.at += 1;
                    break;
                }
                Some(c) if super::lex::OPERATOR_CHARS.contains(c) && c != '(' && c != '<' && c != '>' => {
                    return Err(self.unexpected());
                }
                Some(_) => {}
            }
        }
        self.here_documents()?;
        fill_list(&mut list, &mut self.bodies);
        Ok(Some(list))
    }

    /// The whole text as one list.
    pub(super) fn whole(&mut self) -> Result<List> {
        let mut list = List::default();
        while let Some(line) = self.next_line()? {
            list.0.extend(line.0);
        }
        Ok(list)
    }

    pub(super) fn skip_newlines(&mut self) -> Result<()> {
        loop {
            self.skip_blanks();
            if !self.eat("\n") {
                return Ok(());
            }
            self.here_documents()?;
        }
    }

    /// Reads `&` after what was read last, from `start` on.
    fn in_background(&mut self, list: &mut List, start: usize) -> bool {
        if !self.looking_at("&") || self.looking_at("&&") || self.looking_at("&>") {
            return false;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        if let Some(last) = list.0.last_mut() {
            last.background = Some(text.trim().into());
        }
        self.at += 1;
        true
    }

    /// Commands up to one of the `ends`, a closing parenthesis or `;;`; the end is not read.
    pub(super) fn list(&mut self, ends: &[&str]) -> Result<List> {
        let mut list = List::default();
        loop {
            self.skip_newlines()?;
            let done = matches!(self.peek(), None | Some(')'))
                || self.looking_at(";;")
                || ends.iter().any(|end| self.at_word(end));
            if done {
                return Ok(list);
            }
            let start = self.at;
            list.0.push(self.and_or()?);
            self.skip_blanks();
            if self.in_background(&mut list, start) {
                continue;
            }
            if self.looking_at(";;") {
                return Ok(list);
            }
            if !self.eat(";") && !matches!(self.peek(), None | Some('\n' | ')')) {
                return Err(self.unexpected());
            }
        }
    }

    fn and_or(&mut self) -> Result<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.skip_blanks();
            let joint = if self.eat("&&") {
                Joint::And
            } else if self.eat("||") {
                Joint::Or
            } else {
                return Ok(AndOr { first, rest, background: None });
            };
            self.skip_newlines()?;
            rest.push((joint, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline> {
        let mut negated = false;
        while self.eat_word("!") {
            negated = !negated;
        }
        let mut commands = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.looking_at("||") || !self.looking_at("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.at += 1;
            if self.eat("&")
                && let Some(last) = commands.last_mut()
            {
                last.redirects.push(Redirect { fd: 2, to: Target::Duplicate(1) });
            }
            self.skip_newlines()?;
            commands.push(self.command()?);
        }
    }

    /// Whether this very word stands here, unquoted and by itself.
    fn at_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let after = self.chars.get(self.at + word.chars().count());
        self.looking_at(word) && after.is_none_or(|&c| c.is_whitespace() || super::lex::OPERATOR_CHARS.contains(c))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.at_word(word) && self.eat(word)
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        self.skip_newlines()?;
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn command(&mut self) -> Result<Command> {
        self.skip_blanks();
        let body = if self.eat("((") {
            match self.arithmetic()? {
                Some(expression) => Body::Arithmetic(expression),
                None => return Err(self.unexpected()),
            }
        } else if self.eat("(") {
            self.nested(|parser| {
                let list = parser.non_empty(&[])?;
                if parser.eat(")") { Ok(Body::Subshell(list)) } else { Err(parser.unexpected()) }
            })?
        } else if let Some(word) =
            ["if", "for", "while", "until", "case", "{", "[[", "function"].into_iter().find(|word| self.at_word(word))
        {
            self.at += word.len();
            self.nested(|parser| parser.compound(word))?
        } else if let Some(word) = RESERVED.into_iter().find(|word| self.at_word(word) && *word != "in") {
            return Err(Problem::Unexpected(word.into()));
        } else {
            return self.simple();
        };
        let mut redirects = Vec::new();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        Ok(Command { body, redirects })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Parser) -> Result<T>) -> Result<T> {
        self.nesting += 1;
        if self.nesting > 60 {
            return Err(Problem::Bound("portlab reads at most 60 nested commands".into()));
        }
        let read = read(self);
        self.nesting -= 1;
        read
    }

    fn compound(&mut self, word: &str) -> Result<Body> {
        match word {
            "if" => self.if_command(),
            "for" => self.for_command(),
            "case" => self.case_command(),
            "while" | "until" => {
                let condition = self.non_empty(&["do"])?;
                Ok(Body::While { negated: word == "until", condition, body: self.do_group()? })
            }
            "{" => {
                let list = self.non_empty(&["}"])?;
                self.expect("}")?;
                Ok(Body::Group(list))
            }
            "[[" => self.double_bracket(),
            _ => {
                self.skip_blanks();
                let name = self.name();
                let _ = self.eat("()");
                self.function(name)
            }
        }
    }

    fn non_empty(&mut self, ends: &[&str]) -> Result<List> {
        let list = self.list(ends)?;
        if list.0.is_empty() { Err(self.unexpected()) } else { Ok(list) }
    }

    fn do_group(&mut self) -> Result<List> {
        self.expect("do")?;
        let body = self.non_empty(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn if_command(&mut self) -> Result<Body> {
        let mut arms = Vec::new();
        loop {
            let condition = self.non_empty(&["then"])?;
            self.expect("then")?;
            arms.push((condition, self.non_empty(&["elif", "else", "fi"])?));
            if self.eat_word("elif") {
                continue;
            }
            let otherwise = if self.eat_word("else") { Some(self.non_empty(&["fi"])?) } else { None };
            self.expect("fi")?;
            return Ok(Body::If { arms, otherwise });
        }
    }

    fn for_command(&mut self) -> Result<Body> {
        self.skip_blanks();
        if self.looking_at("((") {
            return Err(Problem::Bound("portlab does not model for (( ))".into()));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected());
        }
        self.skip_newlines()?;
        let words = if self.eat_word("in") {
            let mut words = Vec::new();
            while let Some(word) = self.word()? {
                words.push(word);
            }
            Some(words)
        } else {
            None
        };
        self.skip_blanks();
        let _ = self.eat(";");
        Ok(Body::For { name, words, body: self.do_group()? })
    }

    fn case_command(&mut self) -> Result<Body> {
        let Some(word) = self.word()? else { return Err(self.unexpected()) };
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat_word("esac") {
                return Ok(Body::Case { word, arms });
            }
            let _ = self.eat("(");
            let mut patterns = Vec::new();
            loop {
                match self.word()? {
                    Some(pattern) => patterns.push(pattern),
                    None => return Err(self.unexpected()),
                }
                self.skip_blanks();
                if self.eat(")") {
                    break;
                }
                if !self.eat("|") {
                    return Err(self.unexpected());
                }
            }
            let body = self.list(&["esac"])?;
            arms.push((patterns, body));
            let _ = self.eat(";;");
        }
    }

    /// The words between `[[` and `]]`; `<`, `>`, `(`, `)`, `&&` and `||` are words here.
    fn double_bracket(&mut self) -> Result<Body> {
        let mut words = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat_word("]]") {
                return Ok(Body::Test(words));
            }
            if let Some(operator) =
                ["&&", "||", "(", ")", "<", ">"].into_iter().find(|operator| self.looking_at(operator))
            {
                self.at += operator.len();
                words.push(Word::literal(operator));
            } else if words.last().and_then(Word::as_literal) == Some("=~") {
                words.push(self.regex_word()?);
            } else if let Some(word) = self.word()? {
                words.push(word);
            } else {
                return Err(self.unexpected());
            }
        }
    }

    /// After `=~` parentheses and bars belong to the expression.
    fn regex_word(&mut self) -> Result<Word> {
        let mut parts = Vec::new();
        loop {
            if let Some(word) = self.word_here()? {
                parts.extend(word.0);
            }
            match self.peek() {
                Some(c @ ('(' | ')' | '|')) => {
                    self.at += 1;
                    parts.push(Part::Literal(c.to_string()));
                }
                _ => return Ok(Word(parts)),
            }
        }
    }

    fn word_here(&mut self) -> Result<Option<Word>> {
        if self.peek().is_none_or(char::is_whitespace) { Ok(None) } else { self.word() }
    }

    fn function(&mut self, name: String) -> Result<Body> {
        self.skip_newlines()?;
        let body = self.nested(Parser::command)?;
        if matches!(body.body, Body::Simple { .. }) {
            return Err(self.unexpected());
        }
        Ok(Body::Function { name, body: Rc::new(body) })
    }

    fn simple(&mut self) -> Result<Command> {
        let (mut assigns, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if words.is_empty()
                && let Some(assign) = self.assign()?
            {
                assigns.push(assign);
                continue;
            }
            let Some(word) = self.word()? else { break };
            if words.is_empty()
                && assigns.is_empty()
                && self.looking_at("(")
                && let Some(name) = word.as_literal()
            {
                let name = name.to_owned();
                self.at += 1;
                self.skip_blanks();
                if !self.eat(")") {
                    return Err(self.unexpected());
                }
                return Ok(Command { body: self.function(name)?, redirects });
            }
            words.push(word);
        }
        if assigns.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { body: Body::Simple { assigns, words }, redirects })
    }

    fn assign(&mut self) -> Result<Option<Assign>> {
        self.skip_blanks();
        let begins = self.at;
        let starts_name = self.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let name = if starts_name { self.name() } else { String::new() };
        let append = self.looking_at("+=");
        if name.is_empty() || !(append || self.looking_at("=")) {
            self.at = begins;
            return Ok(None);
        }
        self.at += if append { 2 } else { 1 };
        if self.looking_at("(") {
            return Err(Problem::Bound("portlab does not model arrays".into()));
        }
        let value = self.word_here()?.unwrap_or_default();
        Ok(Some(Assign { name, append, value }))
    }

    fn redirect(&mut self) -> Result<Option<Redirect>> {
        self.skip_blanks();
        let begins = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let fd: Option<u32> = self.chars[begins..self.at].iter().collect::<String>().parse().ok();
        let both = fd.is_none() && self.looking_at("&>");
        if !both && (!matches!(self.peek(), Some('<' | '>')) || self.looking_at("<(")) {
            self.at = begins;
            return Ok(None);
        }
        let operators = ["&>>", "&>", "<<<", "<<-", "<<", "<&", "<", ">>", ">&", ">|", ">"];
        let operator = operators.into_iter().find(|operator| self.looking_at(operator)).unwrap_or(">");
        self.at += operator.len();
        let Some(word) = self.word()? else { return Err(self.unexpected()) };
        let default = u32::from(!operator.starts_with('<'));
        let to = match operator {
            "&>" | "&>>" => Target::WriteBoth { path: word, append: operator == "&>>" },
            "<" => Target::Read(word),
            "<<<" => Target::Text { text: word, newline: true },
            "<<" | "<<-" => self.announce(&word, operator == "<<-"),
            ">&" | "<&" => match word.as_literal().map(|text| (text, text.parse())) {
                Some(("-", _)) => Target::Close,
                Some((_, Ok(from))) => Target::Duplicate(from),
                _ => Target::WriteBoth { path: word, append: false },
            },
            _ => Target::Write { path: word, append: operator == ">>" },
        };
        Ok(Some(Redirect { fd: fd.unwrap_or(default), to }))
    }

    /// Notes a here-document; its number stands for its text until the line has ended.
    fn announce(&mut self, delimiter: &Word, strip_tabs: bool) -> Target {
        let mut text = String::new();
        let mut expand = true;
        for part in &delimiter.0 {
            match part {
                Part::Literal(part) => text.push_str(part),
                Part::Quoted(part) => {
                    text.push_str(part);
                    expand = false;
                }
                _ => {}
            }
        }
        let number = self.documents;
        self.documents += 1;
        self.pending.push((number, text, expand, strip_tabs));
        Target::Duplicate(HERE_DOCUMENT + number as u32)
    }

    /// The token that stands here, as bash names it.
    pub(super) fn unexpected(&mut self) -> Problem {
        self.skip_blanks();
        let operators = ["&&", "||", ";;", ";", "|", "&", "(", ")", "<<", "<", ">>", ">"];
        match self.peek() {
            None => Problem::Incomplete("syntax error: unexpected end of file".into()),
            Some('\n') => Problem::Unexpected("newline".into()),
            Some(_) => match operators.into_iter().find(|operator| self.looking_at(operator)) {
                Some(operator) => Problem::Unexpected(operator.into()),
                None => {
                    let rest = self.chars[self.at..].iter();
                    Problem::Unexpected(
                        rest.take_while(|c| !c.is_whitespace() && !super::lex::OPERATOR_CHARS.contains(**c)).collect(),
                    )
                }
            },
        }
    }
}

/// Added to the number of a here-document where its text is still to come.
const HERE_DOCUMENT: u32 = 1 << 20;

/// Puts the texts of here-documents where they were announced.
fn fill_list(list: &mut List, bodies: &mut BTreeMap<usize, Target>) {
    if bodies.is_empty() {
        return;
    }
    for and_or in &mut list.0 {
        let pipelines = std::iter::once(&mut and_or.first).chain(and_or.rest.iter_mut().map(|(_, pipeline)| pipeline));
        for command in pipelines.flat_map(|pipeline| &mut pipeline.commands) {
            fill_command(command, bodies);
        }
    }
}

fn fill_command(command: &mut Command, bodies: &mut BTreeMap<usize, Target>) {
    for redirect in &mut command.redirects {
        if let Target::Duplicate(number) = redirect.to
            && number >= HERE_DOCUMENT
            && let Some(text) = bodies.remove(&((number - HERE_DOCUMENT) as usize))
        {
            redirect.to = text;
        }
    }
    match &mut command.body {
        Body::Simple { assigns, words } => {
            let values = assigns.iter_mut().map(|assign| &mut assign.value);
            words.iter_mut().chain(values).for_each(|word| fill_word(word, bodies));
        }
        Body::If { arms, otherwise } => {
            for (condition, body) in arms {
                fill_list(condition, bodies);
                fill_list(body, bodies);
            }
            if let Some(otherwise) = otherwise {
                fill_list(otherwise, bodies);
            }
        }
        Body::While { condition, body, .. } => {
            fill_list(condition, bodies);
            fill_list(body, bodies);
        }
        Body::For { body, .. } | Body::Group(body) | Body::Subshell(body) => fill_list(body, bodies),
        Body::Case { arms, .. } => arms.iter_mut().for_each(|(_, body)| fill_list(body, bodies)),
        Body::Function { body, .. } => {
            if let Some(body) = Rc::get_mut(body) {
                fill_command(body, bodies);
            }
        }
        Body::Test(_) | Body::Arithmetic(_) => {}
    }
}

fn fill_word(word: &mut Word, bodies: &mut BTreeMap<usize, Target>) {
    for part in &mut word.0 {
        if let Part::Command { list, .. } | Part::Process(list) = part {
            fill_list(list, bodies);
        }
    }
}
