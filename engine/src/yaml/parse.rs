//! Reading: text to documents, documents to events (libyaml), events to nodes, nodes to JSON values and marks.
//!
//! Sources: `YAMLReader.Read` and `YAMLOrJSONDecoder.Decode` of apimachinery, `decode.go` of go-yaml v2.

use std::collections::BTreeMap;

use libyaml_safer::{Error, ErrorKind, Event, EventData, MappingStyle, Parser, SequenceStyle};
use serde_json::{Map, Value};

use super::marks::Below;
use super::resolve::{Scalar, json_float, resolve};
use super::{Broken, DEPTH_MAX, Document, EXPANDED_BYTES_MAX, Mark, Marked, Marks, TEXT_BYTES_MAX, YamlError, json};

const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Reads all documents of a text. Documents that hold nothing are skipped, as kubectl does.
pub fn parse(text: &str) -> Result<Vec<Document>, YamlError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!(
            "portlab reads at most {TEXT_BYTES_MAX} bytes of YAML, the most that the API server takes; this is {}",
            text.len()
        );
        return Err(broken(message, 1, 1).into());
    }
    if text.trim_start().starts_with('{') {
        return json::parse(text, yaml_documents);
    }
    yaml_documents(text, 1)
}

/// Line (from 0) and column (from 1) of a tag that a comma follows directly, as in `[!a, b]`: the scanner of
/// libyaml-safer 0.3 ends the program there. What stands in quotes on its line is text.
fn tag_before_comma(text: &str) -> Option<(usize, usize)> {
    text.lines().enumerate().filter(|(_, line)| line.contains('!')).find_map(|(number, line)| {
        let bytes = line.as_bytes();
        let token_ends = |c: char| " \t\r[]{},:?\"'\u{85}\u{2028}\u{2029}\u{feff}".contains(c);
        let begins = |at: usize| line[..at].chars().next_back().is_none_or(token_ends);
        let quoted =
            |at: usize| [b'"', b'\''].iter().any(|quote| bytes[..at].iter().filter(|b| *b == quote).count() % 2 == 1);
        let ends = |at: usize| bytes[at..].iter().find(|b| b" \t,".contains(b)) == Some(&b',');
        let at = line.match_indices('!').map(|(at, _)| at).find(|at| begins(*at) && !quoted(*at) && ends(*at))?;
        Some((number, line[..at].chars().count() + 1))
    })
}

/// Reads a text that is YAML; `first_line` is the line of the learner's text where it begins.
pub(super) fn yaml_documents(text: &str, first_line: usize) -> Result<Vec<Document>, YamlError> {
    if let Some((line, column)) = tag_before_comma(text) {
        let message = "portlab does not read a tag that a comma follows directly; put a blank between them".to_owned();
        return Err(broken(message, first_line + line, column).into());
    }
    let mut documents = Vec::new();
    for (chunk, line) in chunks(text, first_line).map_err(YamlError::from)? {
        match document(&chunk, line) {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => {}
            Err(mut error) => {
                error.before = documents;
                return Err((*error).into());
            }
        }
    }
    Ok(documents)
}

/// Cuts at lines that begin with `---`, as `YAMLReader` does: such a line stays only where nothing stands before it.
fn chunks(text: &str, first_line: usize) -> Result<Vec<(String, usize)>, Broken> {
    let mut chunks = Vec::new();
    let (mut chunk, mut begins) = (String::new(), first_line);
    for (number, line) in text.lines().enumerate() {
        if let Some(after) = line.strip_prefix("---") {
            let after = after.trim();
            if !after.is_empty() && !after.starts_with('#') {
                return Err(broken(format!("invalid Yaml document separator: {after}"), first_line + number, 4));
            }
            if !chunk.is_empty() {
                chunks.push((std::mem::take(&mut chunk), begins));
                begins = first_line + number + 1;
                continue;
            }
        }
        chunk.push_str(line);
        chunk.push('\n');
    }
    chunks.push((chunk, begins));
    Ok(chunks)
}

fn broken(message: String, line: usize, column: usize) -> Broken {
    Broken { message, line, column, found: String::new(), expected: String::new(), before: Vec::new() }
}

/// A problem of go-yaml's own, at a node.
fn problem(text: impl std::fmt::Display, at: Mark) -> Box<Broken> {
    Box::new(broken(format!("error converting YAML to JSON: {text}"), at.line, at.column))
}

fn document(chunk: &str, first_line: usize) -> Result<Option<Document>, Box<Broken>> {
    let mut bytes = chunk.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut reader =
        Reader { parser, chunk, first_line, nodes: Vec::new(), anchors: BTreeMap::new(), brackets: Vec::new() };
    loop {
        match reader.next()? {
            Event { data: EventData::StreamStart { .. }, .. } => {}
            Event { data: EventData::DocumentStart { .. }, .. } => break,
            _ => return Ok(None),
        }
    }
    let event = reader.next()?;
    let root = reader.node(event, 0)?;
    let end = reader.next()?;
    debug_assert!(matches!(end.data, EventData::DocumentEnd { .. }));
    let mut decoder = Decoder { nodes: &reader.nodes, open: Vec::new(), decoded: 0, aliased: 0, bytes: 0 };
    let value = decoder.value(root, 0)?;
    if value.is_null() {
        return Ok(None);
    }
    Ok(Some(Document { value, marks: Marks { root: marked(&reader.nodes, root, None) } }))
}

/// A node of the text; aliases point to the node they repeat.
struct Node {
    mark: Mark,
    content: Content,
}

enum Content {
    Scalar { tag: Option<String>, text: String, plain: bool },
    Sequence(Vec<usize>),
    Mapping(Vec<(usize, usize)>),
    Alias { name: String, target: usize },
}

struct Reader<'a> {
    parser: Parser<&'a mut &'a [u8]>,
    chunk: &'a str,
    first_line: usize,
    nodes: Vec<Node>,
    anchors: BTreeMap<String, usize>,
    /// The closing brackets of the flow collections being read.
    brackets: Vec<char>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Event, Box<Broken>> {
        match self.parser.parse() {
            Ok(event) => Ok(event),
            Err(error) => Err(Box::new(scanner_error(&error, self.chunk, self.first_line, self.brackets.last()))),
        }
    }

    fn mark(&self, event: &Event) -> Mark {
        Mark {
            line: event.start_mark.line as usize + self.first_line,
            column: event.start_mark.column as usize + 1,
            end_line: event.end_mark.line as usize + self.first_line,
            end_column: event.end_mark.column as usize + 1,
        }
    }

    /// Reads the node that begins with `event`; the last node's number is returned.
    fn node(&mut self, event: Event, depth: usize) -> Result<usize, Box<Broken>> {
        let mark = self.mark(&event);
        if depth > DEPTH_MAX {
            return Err(problem(format!("portlab reads at most {DEPTH_MAX} levels of nesting"), mark));
        }
        let bracket = match event.data {
            EventData::SequenceStart { style: SequenceStyle::Flow, .. } => Some(']'),
            EventData::MappingStart { style: MappingStyle::Flow, .. } => Some('}'),
            _ => None,
        };
        let (anchor, content) = match event.data {
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                (anchor, Content::Scalar { tag, text: value, plain: plain_implicit })
            }
            EventData::Alias { anchor } => {
                let Some(&target) = self.anchors.get(&anchor) else {
                    return Err(problem(format!("yaml: unknown anchor '{anchor}' referenced"), mark));
                };
                (None, Content::Alias { name: anchor, target })
            }
            EventData::SequenceStart { anchor, .. } => (anchor, Content::Sequence(Vec::new())),
            EventData::MappingStart { anchor, .. } => (anchor, Content::Mapping(Vec::new())),
            _ => return Err(problem("yaml: unexpected end of the document", mark)),
        };
        let number = self.nodes.len();
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, number);
        }
        self.nodes.push(Node { mark, content });
        self.brackets.extend(bracket);
        self.children(number, depth)?;
        if bracket.is_some() {
            self.brackets.pop();
        }
        Ok(number)
    }

    fn children(&mut self, number: usize, depth: usize) -> Result<(), Box<Broken>> {
        let is_mapping = match self.nodes[number].content {
            Content::Mapping(_) => true,
            Content::Sequence(_) => false,
            _ => return Ok(()),
        };
        let mut pairs = Vec::new();
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::SequenceEnd | EventData::MappingEnd) {
                let end = self.mark(&event);
                let mark = &mut self.nodes[number].mark;
                (mark.end_line, mark.end_column) = (end.end_line, end.end_column);
                break;
            }
            let first = self.node(event, depth + 1)?;
            if is_mapping {
                let event = self.next()?;
                pairs.push((first, self.node(event, depth + 1)?));
            } else {
                items.push(first);
            }
        }
        self.nodes[number].content = if is_mapping { Content::Mapping(pairs) } else { Content::Sequence(items) };
        Ok(())
    }
}

/// go-yaml's sentence: the line of the problem counts from 0 in the parser's errors, from 1 in the scanner's.
fn scanner_error(error: &Error, chunk: &str, first_line: usize, bracket: Option<&char>) -> Broken {
    let at = error.problem_mark().unwrap_or_default();
    let context = error.context_mark().unwrap_or_default();
    let (mut problem, mut in_scanner) = (error.problem(), error.kind() == ErrorKind::Scanner);
    // libyaml 0.2 refuses `b:[1` in a flow collection while scanning; go-yaml reads `b:` and misses the comma.
    if problem == "found unexpected ':'"
        && let Some(bracket) = bracket
    {
        problem = if *bracket == ']' { "did not find expected ',' or ']'" } else { "did not find expected ',' or '}'" };
        in_scanner = false;
    }
    let mut line = at.line;
    if line != 0 {
        line += u64::from(in_scanner);
    } else {
        line = context.line;
    }
    let place = if line == 0 { String::new() } else { format!("line {line}: ") };
    let text = chunk.lines().nth(at.line as usize).unwrap_or("");
    let found: String = text.chars().skip(at.column as usize).take(40).collect();
    Broken {
        message: format!("error converting YAML to JSON: yaml: {place}{problem}"),
        line: at.line as usize + first_line,
        column: at.column as usize + 1,
        found,
        expected: expected(problem).to_string(),
        before: Vec::new(),
    }
}

/// What may stand at the place of a problem, for the page.
fn expected(problem: &str) -> &'static str {
    match problem {
        "did not find expected key" => "a key in the same column as the keys above, or the end of the block",
        "did not find expected '-' indicator" => {
            "a list item that begins with `-` in the same column as the items above"
        }
        "did not find expected ',' or ']'" => "`,` or the closing `]` of the list",
        "did not find expected ',' or '}'" => "`,` or the closing `}` of the mapping",
        "did not find expected node content" => "a value",
        "could not find expected ':'" => "`:` after the key",
        "mapping values are not allowed in this context" => {
            "no `: ` inside a plain value; quote the value, or begin the key on a line of its own"
        }
        "found character that cannot start any token" => {
            "a value; quote it if it begins with `@`, `` ` `` or `%`, and indent with spaces, not tabs"
        }
        "found unexpected end of stream" => "the closing quote",
        _ => "",
    }
}

struct Decoder<'a> {
    nodes: &'a [Node],
    /// Aliases being decoded.
    open: Vec<usize>,
    decoded: u64,
    aliased: u64,
    bytes: usize,
}

impl Decoder<'_> {
    fn value(&mut self, number: usize, depth: usize) -> Result<Value, Box<Broken>> {
        let node = &self.nodes[number];
        self.count(node.mark, depth)?;
        match &node.content {
            Content::Scalar { tag, text, plain } => {
                self.spend(text.len(), node.mark)?;
                scalar(tag.as_deref(), text, *plain, node.mark)
            }
            Content::Sequence(items) => {
                let mut values = Vec::with_capacity(items.len());
                for &item in items {
                    values.push(self.value(item, depth + 1)?);
                }
                Ok(Value::Array(values))
            }
            Content::Mapping(_) => {
                let mut map = Map::new();
                self.fill(number, &mut map, depth)?;
                Ok(Value::Object(map))
            }
            Content::Alias { name, target } => {
                self.enter(number, name, node.mark)?;
                let value = self.value(*target, depth + 1);
                self.open.pop();
                value
            }
        }
    }

    /// Puts the fields of a mapping into `map`; later fields win, and merged ones count as standing where `<<` stands.
    fn fill(&mut self, number: usize, map: &mut Map<String, Value>, depth: usize) -> Result<(), Box<Broken>> {
        let Content::Mapping(pairs) = &self.nodes[number].content else { return Ok(()) };
        for &(key, value) in pairs {
            if self.is_merge(key) {
                self.merge(value, map, depth + 1)?;
                continue;
            }
            let mark = self.nodes[key].mark;
            let key = self.value(key, depth + 1)?;
            if key.is_array() || key.is_object() {
                return Err(problem(format!("yaml: invalid map key: {}", go_syntax(&key)), mark));
            }
            let value = self.value(value, depth + 1)?;
            let name = key_text(&key, &value, mark)?;
            self.spend(name.len(), mark)?;
            map.insert(name, value);
        }
        Ok(())
    }

    fn is_merge(&self, key: usize) -> bool {
        match &self.nodes[key].content {
            Content::Scalar { tag, text, plain } => {
                text == "<<" && (*plain || tag.as_deref() == Some("tag:yaml.org,2002:merge"))
            }
            _ => false,
        }
    }

    fn merge(&mut self, from: usize, map: &mut Map<String, Value>, depth: usize) -> Result<(), Box<Broken>> {
        let node = &self.nodes[from];
        self.count(node.mark, depth)?;
        match &node.content {
            Content::Mapping(_) => self.fill(from, map, depth),
            Content::Alias { name, target } if matches!(self.nodes[*target].content, Content::Mapping(_)) => {
                self.enter(from, name, node.mark)?;
                let merged = self.fill(*target, map, depth + 1);
                self.open.pop();
                merged
            }
            // Earlier ones take precedence.
            Content::Sequence(items) if depth < DEPTH_MAX => {
                for &item in items.iter().rev() {
                    if matches!(self.nodes[item].content, Content::Sequence(_)) {
                        return Err(want_map(self.nodes[item].mark));
                    }
                    self.merge(item, map, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(want_map(node.mark)),
        }
    }

    fn enter(&mut self, alias: usize, name: &str, mark: Mark) -> Result<(), Box<Broken>> {
        if self.open.contains(&alias) {
            return Err(problem(format!("yaml: anchor '{name}' value contains itself"), mark));
        }
        self.open.push(alias);
        Ok(())
    }

    /// go-yaml's guard against alias bombs.
    fn count(&mut self, mark: Mark, depth: usize) -> Result<(), Box<Broken>> {
        self.decoded += 1;
        self.aliased += u64::from(!self.open.is_empty());
        if self.aliased > 100
            && self.decoded > 1000
            && self.aliased as f64 / self.decoded as f64 > aliases_allowed(self.decoded as f64)
        {
            return Err(problem("yaml: document contains excessive aliasing", mark));
        }
        if depth > 2 * DEPTH_MAX {
            return Err(problem(format!("portlab reads at most {DEPTH_MAX} levels of nesting"), mark));
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize, mark: Mark) -> Result<(), Box<Broken>> {
        self.bytes += bytes;
        if self.bytes > EXPANDED_BYTES_MAX {
            return Err(problem(format!("portlab expands aliases to at most {EXPANDED_BYTES_MAX} bytes"), mark));
        }
        Ok(())
    }
}

fn want_map(mark: Mark) -> Box<Broken> {
    problem("yaml: map merge requires map or sequence of maps as the value", mark)
}

/// The share of decoded nodes that may come from aliases: 99 % up to 400,000 nodes, then less, 10 % from 4,000,000 on.
fn aliases_allowed(decoded: f64) -> f64 {
    (0.99 - 0.89 * ((decoded - 400_000.0) / 3_600_000.0)).clamp(0.10, 0.99)
}

fn scalar(tag: Option<&str>, text: &str, plain: bool, mark: Mark) -> Result<Value, Box<Broken>> {
    let tag = match tag {
        None if !plain => return Ok(Value::from(text)),
        None => return resolved(resolve(text), text, mark),
        Some(tag) => tag,
    };
    let found = match tag.strip_prefix(TAG_PREFIX) {
        Some("str") => return Ok(Value::from(text)),
        Some("binary") => return binary(text, mark),
        Some("bool" | "int" | "float" | "null" | "timestamp") => resolve(text),
        _ => return Ok(Value::from(text)),
    };
    let name = match found {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) | Scalar::Uint(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Timestamp => "timestamp",
        Scalar::Text => "str",
    };
    let wanted = &tag[TAG_PREFIX.len()..];
    if name != wanted && !(name == "int" && wanted == "float") {
        return Err(problem(format!("yaml: cannot decode !!{name} `{text}` as a !!{wanted}"), mark));
    }
    resolved(found, text, mark)
}

fn resolved(scalar: Scalar, text: &str, mark: Mark) -> Result<Value, Box<Broken>> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::from(value),
        Scalar::Int(value) => Value::from(value),
        Scalar::Uint(value) => Value::from(value),
        Scalar::Float(value) => match json_float(value) {
            Some(number) => number,
            None => {
                let name = if value.is_nan() {
                    "NaN"
                } else if value > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                };
                return Err(problem(format!("json: unsupported value: {name}"), mark));
            }
        },
        Scalar::Timestamp | Scalar::Text => Value::from(text),
    })
}

fn binary(text: &str, mark: Mark) -> Result<Value, Box<Broken>> {
    let bytes = crate::base64::decode(text);
    match bytes {
        Some(bytes) => Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned())),
        None => Err(problem("yaml: !!binary value contains invalid base64 data", mark)),
    }
}

/// The text of a key; keys that are not text are written as JSON would.
fn key_text(key: &Value, value: &Value, mark: Mark) -> Result<String, Box<Broken>> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Null => {
            let value = if value.is_null() { "<nil>".to_string() } else { go_syntax(value) };
            Err(problem(format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}"), mark))
        }
        other => Ok(other.to_string()),
    }
}

/// A value as Go's `%#v` prints it in go-yaml's messages.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{:?}:{}", name, go_syntax(value))).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn marked(nodes: &[Node], number: usize, key: Option<Mark>) -> Marked {
    let node = &nodes[number];
    let below = match &node.content {
        Content::Sequence(items) => Below::Items(items.iter().map(|&item| marked(nodes, item, None)).collect()),
        Content::Mapping(pairs) => {
            let mut fields = BTreeMap::new();
            for &(key, value) in pairs {
                if let Content::Scalar { text, plain, .. } = &nodes[key].content {
                    let name = match resolve(text) {
                        Scalar::Bool(value) if *plain => value.to_string(),
                        _ => text.clone(),
                    };
                    fields.insert(name, marked(nodes, value, Some(nodes[key].mark)));
                }
            }
            Below::Fields(fields)
        }
        Content::Scalar { .. } | Content::Alias { .. } => Below::Nothing,
    };
    Marked { key, value: node.mark, below }
}
