//! A script as cases and lines. Printing it gives its text, each call in canonical form.

use std::fmt;

use super::call::{Answer, Call};

/// A file or a block of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub items: Vec<Item>,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `---`, with a comment without its `#`: what follows starts in a world of its own.
    Case(Option<String>),
    Call(Line),
    /// A comment that stands alone, without its `#`.
    Comment(String),
    Blank,
}

/// A call and what the script states that it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line of the file, from 1; 0 for a line that was made and not read.
    pub number: usize,
    pub call: Call,
    pub stated: Answer,
    /// The comment behind it, without its `#`.
    pub comment: Option<String>,
}

/// The calls between two `---`, made in one fresh world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub lines: Vec<Line>,
}

impl Script {
    /// The cases in order; one without calls does not count.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = vec![Case::default()];
        for item in &self.items {
            match item {
                Item::Case(_) => cases.push(Case::default()),
                Item::Call(line) => cases.last_mut().expect("it starts with one").lines.push(line.clone()),
                Item::Comment(_) | Item::Blank => {}
            }
        }
        cases.retain(|case| !case.lines.is_empty());
        cases
    }
}

impl Case {
    /// How long the case sleeps by its own words, in milliseconds.
    #[must_use]
    pub fn sleep_millis(&self) -> u64 {
        self.lines.iter().map(|line| if let Call::Sleep { millis } = line.call { millis } else { 0 }).sum()
    }
}

impl From<Case> for Script {
    fn from(case: Case) -> Self {
        Self { items: case.lines.into_iter().map(Item::Call).collect() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.call, self.stated)?;
        if let Some(comment) = &self.comment {
            write!(f, "  #{comment}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(None) => f.write_str("---"),
            Self::Case(Some(comment)) => write!(f, "--- #{comment}"),
            Self::Call(line) => write!(f, "{line}"),
            Self::Comment(comment) => write!(f, "#{comment}"),
            Self::Blank => Ok(()),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            writeln!(f, "{item}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
