//! `sed`: addresses, `s`, `p`, `d`, `q`, `=`, `a`, `i`, `c`, `y`, `n`, `{ }`, `!`; with `-n`, `-e`, `-E`, `-i`.
//! Left out: the hold space, labels, `w`, `r`, back-references in patterns; refused.

use regex_lite::Regex;

use super::{Cx, input};
use crate::tools::options::{self, bare, flag, lines, value};
use crate::tools::{files, regex};

#[derive(Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Regex),
    /// `first~step`
    Step(usize, usize),
    /// `+N` as the second address
    More(usize),
}

#[derive(Debug)]
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    Substitute { regex: Regex, by: Vec<Piece>, global: bool, number: usize, print: bool },
    Print,
    Delete,
    Quit(i32),
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Translate(Vec<(char, char)>),
    Next,
    Block(Vec<usize>),
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

/// `sed [-n] [-E] [-i] [-e SCRIPT]… [SCRIPT] [FILE…]`
pub fn sed(cx: &mut Cx) -> i32 {
    let specs = [
        flag('n', "quiet"),
        flag('E', "regexp-extended"),
        flag('r', ""),
        flag('i', "in-place"),
        flag('s', "separate"),
        flag('u', "unbuffered"),
        value('e', "expression"),
        value('f', "file"),
    ];
    let given = match options::read(cx, &specs) {
        Ok(given) => given,
        Err(status) => return status,
    };
    let mut operands = given.operands.clone();
    let mut script: Vec<String> = given.values('e').map(str::to_owned).collect();
    for path in given.values('f') {
        match cx.open(path) {
            Ok(text) => script.push(text.to_string()),
            Err(why) => return cx.fail(&format!("couldn't open file {path}: {why}"), 1),
        }
    }
    if script.is_empty() {
        if operands.is_empty() {
            cx.eprint("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n");
            return 1;
        }
        script.push(operands.remove(0));
    }
    let script = script.join("\n");
    let mut reader = Reader {
        chars: script.chars().collect(),
        at: 0,
        extended: given.has('E') || given.has('r'),
        commands: Vec::new(),
    };
    let top = match reader.block(0) {
        Ok(top) => top,
        Err(why) => {
            let at = reader.at;
            return cx
                .fail(&format!("-e expression #1, char {at}: {why}"), if why.starts_with("portlab") { 2 } else { 1 });
        }
    };
    let quiet = given.has('n');
    if !given.has('i') {
        let (text, status) = input(cx, &operands);
        let mut run = Run::new(&reader.commands, quiet);
        run.all(&text, &top);
        cx.print(&run.out);
        return if run.exit != 0 { run.exit } else { if status != 0 { 2 } else { 0 } };
    }
    for path in &operands {
        let Ok(text) = files::open(cx.world, cx.env, path) else {
            return cx.fail(&format!("can't read {path}: No such file or directory"), 2);
        };
        let mut run = Run::new(&reader.commands, quiet);
        run.all(&text, &top);
        let out = run.out;
        files::write(cx.world, path, &out);
    }
    0
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    extended: bool,
    commands: Vec<Command>,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip(&mut self, skipped: &[char]) {
        while self.peek().is_some_and(|c| skipped.contains(&c)) {
            self.at += 1;
        }
    }

    fn block(&mut self, depth: usize) -> Result<Vec<usize>, String> {
        let mut numbers = Vec::new();
        if depth > 20 {
            return Err("portlab reads at most 20 nested blocks".into());
        }
        loop {
            self.skip(&[' ', '\t', '\n', ';']);
            match self.peek() {
                None if depth == 0 => return Ok(numbers),
                None => return Err("unmatched `{'".into()),
                Some('}') if depth > 0 => {
                    self.at += 1;
                    return Ok(numbers);
                }
                Some('}') => return Err("unexpected `}'".into()),
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => {
                    let command = self.command(depth)?;
                    self.commands.push(command);
                    numbers.push(self.commands.len() - 1);
                }
            }
        }
    }

    fn command(&mut self, depth: usize) -> Result<Command, String> {
        let from = self.address()?;
        self.skip(&[' ', '\t']);
        let mut to = None;
        if from.is_some() && self.peek() == Some(',') {
            self.at += 1;
            self.skip(&[' ', '\t']);
            to = self.address()?;
            if to.is_none() {
                return Err("unexpected `,'".into());
            }
        }
        self.skip(&[' ', '\t']);
        let negated = self.peek() == Some('!');
        self.at += usize::from(negated);
        self.skip(&[' ', '\t']);
        let Some(letter) = self.peek() else { return Err("missing command".into()) };
        self.at += 1;
        let what = match letter {
            'p' => What::Print,
            'd' => What::Delete,
            'n' => What::Next,
            '=' => What::Number,
            'q' => {
                self.skip(&[' ']);
                What::Quit(self.number().unwrap_or(0) as i32)
            }
            's' => self.substitute()?,
            'y' => self.translate()?,
            'a' => What::Append(self.text()),
            'i' => What::Insert(self.text()),
            'c' => What::Change(self.text()),
            '{' => What::Block(self.block(depth + 1)?),
            'h' | 'H' | 'g' | 'G' | 'x' | 'b' | 't' | 'T' | ':' | 'w' | 'W' | 'r' | 'R' | 'N' | 'D' | 'P' | 'l'
            | 'e' | 'Q' | 'z' | 'F' => {
                return Err(format!("portlab does not model the command `{letter}' of sed"));
            }
            other => return Err(format!("unknown command: `{other}'")),
        };
        self.skip(&[' ', '\t']);
        match self.peek() {
            None | Some(';' | '\n' | '}' | '#') => {}
            Some(_) if matches!(what, What::Block(_)) => {}
            Some(_) => return Err("extra characters after command".into()),
        }
        Ok(Command { from, to, negated, what })
    }

    fn number(&mut self) -> Option<usize> {
        let begin = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[begin..self.at].iter().collect::<String>().parse().ok()
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(match self.peek() {
            Some('$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some('+') => {
                self.at += 1;
                Some(Address::More(self.number().ok_or("expected a number")?))
            }
            Some(c) if c.is_ascii_digit() => {
                let first = self.number().unwrap_or(0);
                if self.peek() == Some('~') {
                    self.at += 1;
                    return Ok(Some(Address::Step(first, self.number().unwrap_or(0))));
                }
                Some(Address::Line(first))
            }
            Some('/' | '\\') => {
                self.at += usize::from(self.peek() == Some('\\'));
                let delimiter = self.peek().ok_or("unterminated address regex")?;
                self.at += 1;
                let pattern = self.until(delimiter, true).ok_or("unterminated address regex")?;
                let ignore_case = self.peek() == Some('I');
                self.at += usize::from(ignore_case);
                Some(Address::Match(self.regex(&pattern, ignore_case)?))
            }
            _ => None,
        })
    }

    fn regex(&self, pattern: &str, ignore_case: bool) -> Result<Regex, String> {
        if pattern.is_empty() {
            return Err("portlab does not model the empty regular expression of sed".into());
        }
        if self.extended { regex::extended(pattern, ignore_case) } else { regex::basic(pattern, ignore_case) }
    }

    /// The text up to a delimiter; an escaped delimiter loses its backslash.
    fn until(&mut self, delimiter: char, in_regex: bool) -> Option<String> {
        let mut text = String::new();
        let mut in_bracket = false;
        loop {
            let c = self.peek()?;
            self.at += 1;
            match c {
                '\\' => {
                    let next = self.peek()?;
                    self.at += 1;
                    if next != delimiter {
                        text.push('\\');
                    }
                    text.push(next);
                }
                '[' if in_regex && !in_bracket => {
                    in_bracket = true;
                    text.push(c);
                    if self.peek() == Some('^') {
                        self.at += 1;
                        text.push('^');
                    }
                    if self.peek() == Some(']') {
                        self.at += 1;
                        text.push(']');
                    }
                }
                ']' if in_bracket => {
                    in_bracket = false;
                    text.push(c);
                }
                c if c == delimiter && !in_bracket => return Some(text),
                '\n' if in_regex && delimiter != '\n' => return None,
                c => text.push(c),
            }
        }
    }

    fn substitute(&mut self) -> Result<What, String> {
        let unterminated = "unterminated `s' command";
        let delimiter = self.peek().filter(|c| *c != '\n' && *c != '\\').ok_or(unterminated)?;
        self.at += 1;
        let pattern = self.until(delimiter, true).ok_or(unterminated)?;
        let by = self.until(delimiter, false).ok_or(unterminated)?;
        let (mut global, mut number, mut print, mut ignore_case) = (false, 0, false, false);
        loop {
            match self.peek() {
                Some('g') => global = true,
                Some('p') => print = true,
                Some('I' | 'i') => ignore_case = true,
                Some(c) if c.is_ascii_digit() => {
                    number = self.number().unwrap_or(0);
                    if number == 0 {
                        return Err("number option to `s' command may not be zero".into());
                    }
                    continue;
                }
                Some('w' | 'e' | 'm' | 'M') => {
                    return Err("portlab does not model this option of the command `s' of sed".into());
                }
                None | Some(';' | '\n' | '}' | ' ' | '\t' | '#') => break,
                Some(_) => return Err("unknown option to `s'".into()),
            }
            self.at += 1;
        }
        let regex = self.regex(&pattern, ignore_case)?;
        let groups = regex.captures_len();
        let by = pieces(&by)?;
        if let Some(Piece::Group(group)) =
            by.iter().find(|piece| matches!(piece, Piece::Group(group) if *group >= groups))
        {
            return Err(format!("invalid reference \\{group} on `s' command's RHS"));
        }
        Ok(What::Substitute { regex, by, global, number: number.max(1), print })
    }

    fn translate(&mut self) -> Result<What, String> {
        let unterminated = "unterminated `y' command";
        let delimiter = self.peek().ok_or(unterminated)?;
        self.at += 1;
        let from: Vec<char> = unescaped(&self.until(delimiter, false).ok_or(unterminated)?);
        let to: Vec<char> = unescaped(&self.until(delimiter, false).ok_or(unterminated)?);
        if from.len() != to.len() {
            return Err("strings for `y' command are different lengths".into());
        }
        Ok(What::Translate(from.into_iter().zip(to).collect()))
    }

    /// The text of `a`, `i`, `c`: the rest of the line, after `\` and a newline if these stand there.
    fn text(&mut self) -> String {
        self.skip(&[' ', '\t']);
        if self.peek() == Some('\\') {
            self.at += 1;
            self.skip(&[' ', '\t']);
            self.at += usize::from(self.peek() == Some('\n'));
        }
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '\n' => {
                    self.at -= 1;
                    break;
                }
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        text
    }
}

fn unescaped(text: &str) -> Vec<char> {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\").chars().collect()
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars();
    let mut group = |number: usize, plain: &mut String| {
        pieces.push(Piece::Text(std::mem::take(plain)));
        pieces.push(Piece::Group(number));
    };
    while let Some(c) = chars.next() {
        match c {
            '&' => group(0, &mut plain),
            '\\' => match chars.next() {
                Some(digit @ '0'..='9') => group(digit as usize - '0' as usize, &mut plain),
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('U' | 'L' | 'u' | 'l' | 'E') => {
                    return Err("portlab does not model changes of case in the command `s' of sed".into());
                }
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            c => plain.push(c),
        }
    }
    pieces.push(Piece::Text(plain));
    Ok(pieces)
}

/// One run over a text.
struct Run<'c> {
    commands: &'c [Command],
    quiet: bool,
    out: String,
    exit: i32,
    /// For each command with two addresses: the last line of the range that is open.
    open: Vec<Option<usize>>,
    after: Vec<String>,
}

/// What happens after a command.
#[derive(PartialEq)]
enum Flow {
    On,
    EndLine { print: bool },
    Quit,
}

impl<'c> Run<'c> {
    fn new(commands: &'c [Command], quiet: bool) -> Run<'c> {
        Run {
            commands,
            quiet,
            out: String::new(),
            exit: 0,
            open: commands.iter().map(|_| None).collect(),
            after: Vec::new(),
        }
    }

    fn all(&mut self, text: &str, top: &[usize]) {
        let lines: Vec<&str> = lines(text).collect();
        let mut at = 0;
        while at < lines.len() {
            let mut space = bare(lines[at]).to_owned();
            let flow = self.run(top, &mut space, &lines, &mut at);
            let end = if lines.get(at).is_none_or(|line| line.ends_with('\n')) { "\n" } else { "" };
            if flow != (Flow::EndLine { print: false }) && !self.quiet {
                self.out.push_str(&space);
                self.out.push_str(end);
            }
            for text in std::mem::take(&mut self.after) {
                self.out.push_str(&format!("{text}\n"));
            }
            if flow == Flow::Quit {
                return;
            }
            at += 1;
        }
    }

    fn run(&mut self, block: &[usize], space: &mut String, lines: &[&str], at: &mut usize) -> Flow {
        let commands = self.commands;
        for &number in block {
            let command = &commands[number];
            if self.selects(number, command, space, *at, lines.len()) == command.negated {
                continue;
            }
            match &command.what {
                What::Print => self.out.push_str(&format!("{space}\n")),
                What::Delete => return Flow::EndLine { print: false },
                What::Number => self.out.push_str(&format!("{}\n", *at + 1)),
                What::Quit(status) => {
                    self.exit = *status;
                    return Flow::Quit;
                }
                What::Append(text) => self.after.push(text.clone()),
                What::Insert(text) => self.out.push_str(&format!("{text}\n")),
                What::Change(text) => {
                    if command.to.is_none() || command.negated || self.open[number].is_none() {
                        self.out.push_str(&format!("{text}\n"));
                    }
                    return Flow::EndLine { print: false };
                }
                What::Translate(pairs) => {
                    *space = space
                        .chars()
                        .map(|c| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to))
                        .collect();
                }
                What::Next => {
                    if *at + 1 >= lines.len() {
                        return Flow::Quit;
                    }
                    if !self.quiet {
                        self.out.push_str(&format!("{space}\n"));
                    }
                    *at += 1;
                    *space = bare(lines[*at]).to_owned();
                }
                What::Block(inner) => match self.run(inner, space, lines, at) {
                    Flow::On => {}
                    flow => return flow,
                },
                What::Substitute { regex, by, global, number, print } => {
                    if let Some(new) = substituted(space, regex, by, *global, *number) {
                        *space = new;
                        if *print {
                            self.out.push_str(&format!("{space}\n"));
                        }
                    }
                }
            }
        }
        Flow::On
    }

    fn selects(&mut self, number: usize, command: &Command, space: &str, at: usize, count: usize) -> bool {
        let line = at + 1;
        let one = |address: &Address| match address {
            Address::Line(wanted) => line == *wanted,
            Address::Last => line == count,
            Address::Match(regex) => regex.is_match(space),
            Address::Step(first, 0) => line == *first,
            Address::Step(first, step) => line >= *first && (line - first).is_multiple_of(*step),
            Address::More(_) => false,
        };
        let Some(from) = &command.from else { return true };
        let Some(to) = &command.to else { return one(from) };
        if let Some(last) = self.open[number] {
            let ends = match to {
                Address::Match(_) | Address::Last | Address::Step(..) => one(to),
                _ => line >= last,
            };
            if ends {
                self.open[number] = None;
            }
            return !matches!(to, Address::Line(wanted) if line > *wanted);
        }
        if !one(from) {
            return false;
        }
        self.open[number] = match to {
            Address::Line(wanted) if *wanted <= line => None,
            Address::Line(wanted) => Some(*wanted),
            Address::More(0) => None,
            Address::More(more) => Some(line + more),
            Address::Last if line == count => None,
            _ => Some(usize::MAX),
        };
        true
    }
}

fn substituted(space: &str, regex: &Regex, by: &[Piece], global: bool, number: usize) -> Option<String> {
    let mut out = String::new();
    let (mut from, mut count) = (0, 0);
    for captures in regex.captures_iter(space) {
        let whole = captures.get(0)?;
        count += 1;
        if count < number || count > number && !global {
            continue;
        }
        out.push_str(&space[from..whole.start()]);
        for piece in by {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(group) => out.push_str(captures.get(*group).map_or("", |found| found.as_str())),
            }
        }
        from = whole.end();
    }
    if count < number {
        return None;
    }
    out.push_str(&space[from..]);
    Some(out)
}
