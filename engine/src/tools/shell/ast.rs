//! What a command line says, after reading and before anything is expanded.

use std::rc::Rc;

/// Commands one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<AndOr>);

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndOr {
    pub first: Pipeline,
    pub rest: Vec<(Joint, Pipeline)>,
    /// Followed by `&`: its text.
    pub background: Option<Rc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    And,
    Or,
}

/// Commands joined by `|`; with `|&` the standard error of a command goes into the pipe too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// `!`
    pub negated: bool,
    pub commands: Vec<Command>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub body: Body,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Simple {
        assigns: Vec<Assign>,
        words: Vec<Word>,
    },
    If {
        arms: Vec<(List, List)>,
        otherwise: Option<List>,
    },
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    /// `while`, or `until` when the condition is `negated`.
    While {
        negated: bool,
        condition: List,
        body: List,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
    Group(List),
    Subshell(List),
    /// `[[ … ]]`
    Test(Vec<Word>),
    /// `(( … ))`
    Arithmetic(Word),
    Function {
        name: String,
        body: Rc<Command>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assign {
    pub name: String,
    /// `+=`
    pub append: bool,
    pub value: Word,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub fd: u32,
    pub to: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Read(Word),
    Write {
        path: Word,
        append: bool,
    },
    /// `&>` and `&>>`: both streams.
    WriteBoth {
        path: Word,
        append: bool,
    },
    /// `2>&1`
    Duplicate(u32),
    /// `2>&-`
    Close,
    /// The text of a here-document or here-string.
    Text {
        text: Word,
        newline: bool,
    },
}

/// Parts that stand next to each other without white space between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Unquoted text: may hold patterns and braces.
    Literal(String),
    Quoted(String),
    Parameter {
        name: String,
        length: bool,
        change: Option<(Change, Word)>,
        quoted: bool,
    },
    Command {
        list: List,
        quoted: bool,
    },
    Arithmetic {
        expression: Word,
        quoted: bool,
    },
    /// `<( … )`
    Process(List),
}

/// What `${name…}` does to a value; `colon` makes an empty value count as unset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Default { colon: bool },
    Assign { colon: bool },
    Error { colon: bool },
    Alternative { colon: bool },
    RemovePrefix { longest: bool },
    RemoveSuffix { longest: bool },
    Replace { all: bool, by: Word },
    Substring,
    Upper { all: bool },
    Lower { all: bool },
}

impl Word {
    pub fn literal(text: &str) -> Word {
        Word(vec![Part::Literal(text.to_owned())])
    }

    /// The text of a word without quotes or expansions.
    pub fn as_literal(&self) -> Option<&str> {
        match &self.0[..] {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}
