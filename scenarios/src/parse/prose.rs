//! Prose: paragraphs, lists, code, emphasis, links; a quote is opinion, which says so.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Line, Problem, problem};
use crate::model::{Paragraph, Span};

/// Reads the paragraphs of some lines.
pub(super) fn paragraphs(lines: &[Line]) -> Result<Vec<Paragraph>, Problem> {
    let Some(first) = lines.first() else { return Ok(Vec::new()) };
    let text = lines.iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
    let mut reader = Reader {
        events: Parser::new_ext(&text, Options::empty()).into_offset_iter(),
        text: &text,
        first: first.number,
    };
    let mut paragraphs = Vec::new();
    while let Some((event, range)) = reader.events.next() {
        match event {
            Event::Start(Tag::Paragraph) => paragraphs.push(Paragraph::Text(reader.spans()?)),
            Event::Start(Tag::BlockQuote(_)) => {
                let _ = reader.events.next();
                paragraphs.push(Paragraph::Opinion(reader.spans()?));
                let _ = reader.events.next();
            }
            Event::Start(Tag::List(start)) => paragraphs.push(reader.list(start.is_some())?),
            other => return reader.refuse(&other, range.start),
        }
    }
    Ok(paragraphs)
}

/// Reads one line of prose, as in a question or a hint.
pub(super) fn spans(line: Line) -> Result<Vec<Span>, Problem> {
    // A leading mark would make a list or a heading of it: what stands on the line is text.
    let parsed = paragraphs(&[line])?;
    match parsed.into_iter().next() {
        Some(Paragraph::Text(spans)) => Ok(spans),
        None => Ok(Vec::new()),
        Some(_) => problem(line.number, 1, "found a list or a quote; expected one line of text"),
    }
}

struct Reader<'a, I> {
    events: I,
    text: &'a str,
    first: u32,
}

impl<'a, I: Iterator<Item = (Event<'a>, std::ops::Range<usize>)>> Reader<'a, I> {
    fn list(&mut self, ordered: bool) -> Result<Paragraph, Problem> {
        let mut items = Vec::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => items.push(self.spans()?),
                Event::End(TagEnd::List(_)) => break,
                other => return self.refuse(&other, range.start),
            }
        }
        Ok(Paragraph::List { ordered, items })
    }

    /// The spans up to the end of what has just begun.
    fn spans(&mut self) -> Result<Vec<Span>, Problem> {
        let mut spans = Vec::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Text(text) => push_text(&mut spans, &text),
                Event::SoftBreak => push_text(&mut spans, " "),
                Event::Code(code) => spans.push(Span::Code(code.to_string())),
                Event::Start(Tag::Strong) => spans.push(Span::Strong(self.spans()?)),
                Event::Start(Tag::Emphasis) => spans.push(Span::Emphasis(self.spans()?)),
                Event::Start(Tag::Link { dest_url, .. }) => {
                    let to = dest_url.to_string();
                    if !to.starts_with("https://") && !to.starts_with('#') {
                        return self.at(range.start, format!("found a link to `{to}`; expected https:// or #"));
                    }
                    spans.push(Span::Link { to, spans: self.spans()? });
                }
                // In a loose list each item holds a paragraph.
                Event::Start(Tag::Paragraph) => {
                    let inner = self.spans()?;
                    spans.extend(inner);
                }
                Event::End(_) => return Ok(spans),
                other => return self.refuse(&other, range.start),
            }
        }
        Ok(spans)
    }

    fn refuse<T>(&self, event: &Event, offset: usize) -> Result<T, Problem> {
        let found = match event {
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::HtmlBlock) => "HTML".to_owned(),
            Event::Start(Tag::Heading { .. }) => "a heading other than `## `".to_owned(),
            Event::Start(Tag::CodeBlock(_)) => "an indented code block".to_owned(),
            other => format!("{other:?}"),
        };
        self.at(offset, format!("found {found}; expected paragraphs, lists, code, emphasis or links"))
    }

    fn at<T>(&self, offset: usize, message: String) -> Result<T, Problem> {
        let before = &self.text[..offset];
        let line = self.first + u32::try_from(before.matches('\n').count()).unwrap_or(0);
        let column = before.rsplit('\n').next().map_or(1, |start| start.chars().count() + 1);
        problem(line, u32::try_from(column).unwrap_or(1), message)
    }
}

fn push_text(spans: &mut Vec<Span>, text: &str) {
    match spans.last_mut() {
        Some(Span::Text(last)) => last.push_str(text),
        _ => spans.push(Span::Text(text.to_owned())),
    }
}
