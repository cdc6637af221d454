//! Reads a lesson: front matter, prose and the fenced blocks that mean something.
//!
//! Used when the crate is built and by `cargo xtask lessons`. What a lesson may hold is said in README.md, section
//! "Write a lesson". Leaves out Markdown that no lesson needs (tables, images, raw HTML): it is refused, not dropped.

mod blocks;
mod front;
mod prose;

use std::fmt;

use crate::model::{Block, File, Lesson, Step};

/// Why a file is not a lesson: where, what was found, what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub file: String,
    /// From 1.
    pub line: u32,
    pub column: u32,
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// A line of the source with its number.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    number: u32,
    text: &'a str,
}

/// An error on a line, before the file's name is known.
#[derive(Debug)]
struct Problem {
    line: u32,
    column: u32,
    message: String,
}

fn problem<T>(line: u32, column: u32, message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { line, column, message: message.into() })
}

/// Reads one lesson. `id` is the folder's name, `file` the path to name in errors, `files` the manifests beside it.
///
/// # Errors
/// The first thing that is not as a lesson must be.
pub fn lesson(id: &str, file: &str, text: &str, files: Vec<File>) -> Result<Lesson, ParseError> {
    read(id, text, files).map_err(|p| ParseError {
        file: file.to_owned(),
        line: p.line,
        column: p.column,
        message: p.message,
    })
}

fn read(id: &str, text: &str, files: Vec<File>) -> Result<Lesson, Problem> {
    let lines: Vec<Line> = text
        .lines()
        .enumerate()
        .map(|(i, text)| Line { number: u32::try_from(i + 1).unwrap_or(u32::MAX), text })
        .collect();
    let (front, body) = front::read(&lines)?;
    let steps = steps(body, &files)?;
    if steps.is_empty() {
        return problem(1, 1, "no step found; expected a heading such as `## One replica, one host port`");
    }
    // The folder is NN-slug; the address of the lesson is the slug alone.
    let id = id.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-');
    Ok(Lesson {
        id: id.to_owned(),
        chapter: front.chapter,
        position: front.position,
        title: front.title,
        summary: front.summary,
        minutes: front.minutes,
        concepts: front.concepts,
        cluster: front.cluster,
        not_in: front.not_in,
        hash: hash(text, &files),
        steps,
        files,
    })
}

/// FNV-1a over the lesson and its manifests: says whether a record was made with this very text. Not a signature.
fn hash(text: &str, files: &[File]) -> String {
    let parts = std::iter::once(text).chain(files.iter().flat_map(|f| [f.name.as_str(), f.text.as_str()]));
    let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in parts.flat_map(|part| part.bytes().chain(std::iter::once(0))) {
        state = (state ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
    }
    format!("{state:032x}")
}

/// Splits the body at its `## ` headings and reads each step.
fn steps(body: &[Line], files: &[File]) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    let mut fenced = false;
    let mut starts = Vec::new();
    for (i, line) in body.iter().enumerate() {
        if line.text.starts_with("```") {
            fenced = !fenced;
        } else if !fenced && line.text.starts_with("## ") {
            starts.push(i);
        } else if starts.is_empty() && !line.text.trim().is_empty() {
            return problem(line.number, 1, "found text before the first step; expected a heading `## …`");
        }
    }
    for (n, &start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(body.len());
        let title = body[start].text[3..].trim().to_owned();
        steps.push(Step { title, blocks: step_blocks(&body[start + 1..end], files)? });
    }
    Ok(steps)
}

/// The blocks of a step: fenced ones by their first word, everything between them prose.
fn step_blocks(lines: &[Line], files: &[File]) -> Result<Vec<Block>, Problem> {
    let mut blocks = Vec::new();
    let mut prose_from = 0;
    let mut i = 0;
    while i < lines.len() {
        let Some(info) = lines[i].text.strip_prefix("```") else {
            i += 1;
            continue;
        };
        push_prose(&mut blocks, &lines[prose_from..i])?;
        let Some(length) = lines[i + 1..].iter().position(|line| line.text.trim_end() == "```") else {
            return problem(lines[i].number, 1, "this block has no end; expected a line of three backticks");
        };
        let inside = &lines[i + 1..i + 1 + length];
        blocks.push(blocks::fenced(Line { number: lines[i].number, text: info.trim() }, inside, files)?);
        i += length + 2;
        prose_from = i;
    }
    push_prose(&mut blocks, &lines[prose_from..])?;
    Ok(blocks)
}

fn push_prose(blocks: &mut Vec<Block>, lines: &[Line]) -> Result<(), Problem> {
    let paragraphs = prose::paragraphs(lines)?;
    if !paragraphs.is_empty() {
        blocks.push(Block::Prose(paragraphs));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
