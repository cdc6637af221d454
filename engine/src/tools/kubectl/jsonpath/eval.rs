//! From nodes and a value to results (`client-go/util/jsonpath/jsonpath.go`).

use super::super::go_value;
use super::parse::{Bound, Node};
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A result: part of the value that was asked, or something the template itself says.
pub type Found<'a> = Cow<'a, Value>;
type Results<'a> = Result<Vec<Found<'a>>, String>;

/// One evaluation. `range` and `end` are nodes of the flat template, so the loop is a matter of position.
pub struct Evaluator<'t> {
    nodes: &'t [Node],
    allow_missing_keys: bool,
    first: usize,
    begin_range: usize,
    in_range: usize,
    end_range: usize,
    last_end: Option<usize>,
}

impl<'t> Evaluator<'t> {
    pub fn new(nodes: &'t [Node], allow_missing_keys: bool) -> Evaluator<'t> {
        Evaluator { nodes, allow_missing_keys, first: 0, begin_range: 0, in_range: 0, end_range: 0, last_end: None }
    }

    /// # Errors
    /// The Go package's message.
    pub fn find<'a>(&mut self, data: &'a Value) -> Result<Vec<Vec<Found<'a>>>, String> {
        self.find_from(&Cow::Borrowed(data))
    }

    fn find_from<'a>(&mut self, data: &Found<'a>) -> Result<Vec<Vec<Found<'a>>>, String> {
        let current = [data.clone()];
        let mut all = Vec::new();
        let nodes = self.nodes;
        let mut index = self.first;
        while index < nodes.len() {
            let results = self.walk(&current, &nodes[index])?;
            if self.end_range > 0 && self.end_range <= self.in_range {
                self.end_range -= 1;
                self.last_end = Some(index);
                break;
            }
            if self.begin_range > 0 {
                self.begin_range -= 1;
                self.in_range += 1;
                for value in &results {
                    self.first = index + 1;
                    all.extend(self.find_from(value)?);
                }
                if results.is_empty() {
                    // The nodes of the loop are still walked, to find its end.
                    self.first = index + 1;
                    self.find_from(&Cow::Owned(Value::Null))?;
                }
                self.in_range -= 1;
                if let Some(end) = self.last_end.filter(|end| *end > index) {
                    index = end;
                }
                index += 1;
                continue;
            }
            all.push(results);
            index += 1;
        }
        Ok(all)
    }

    fn walk<'a>(&mut self, input: &[Found<'a>], node: &Node) -> Results<'a> {
        let constant = |value: Value| Ok(input.iter().map(|_| Cow::Owned(value.clone())).collect());
        match node {
            Node::List(nodes) => self.list(input, nodes),
            Node::Text(text) => Ok(vec![Cow::Owned(Value::String(text.clone()))]),
            Node::Field(name) => self.field(input, name),
            Node::Array(bounds) => slice(input, bounds),
            Node::Filter { left, right, operator } => self.filter(input, left, right, operator),
            Node::Int(number) => constant(Value::from(*number)),
            Node::Float(number) => constant(Value::from(*number)),
            Node::Bool(flag) => constant(Value::from(*flag)),
            Node::Wildcard => Ok(input.iter().flat_map(children).collect()),
            Node::Recursive => Ok(descend(input)),
            Node::Union(parts) => {
                let mut results = Vec::new();
                for part in parts {
                    results.extend(self.list(input, part)?);
                }
                Ok(results)
            }
            Node::Identifier(word) => self.identifier(input, word),
        }
    }

    fn list<'a>(&mut self, input: &[Found<'a>], nodes: &[Node]) -> Results<'a> {
        let mut current = input.to_vec();
        for node in nodes {
            current = self.walk(&current, node)?;
        }
        Ok(current)
    }

    fn identifier<'a>(&mut self, input: &[Found<'a>], word: &str) -> Results<'a> {
        match word {
            "range" => {
                self.begin_range += 1;
                Ok(input.to_vec())
            }
            "end" if self.in_range > 0 => {
                self.end_range += 1;
                Ok(Vec::new())
            }
            "end" => Err("not in range, nothing to end".into()),
            _ => Err(format!("unrecognized identifier {word}")),
        }
    }

    fn field<'a>(&self, input: &[Found<'a>], name: &str) -> Results<'a> {
        if input.is_empty() {
            return Ok(Vec::new());
        }
        let results: Vec<Found<'a>> = input.iter().filter_map(|value| member(value, name)).collect();
        if results.is_empty() && !self.allow_missing_keys {
            return Err(format!("{name} is not found"));
        }
        Ok(results)
    }

    fn filter<'a>(&mut self, input: &[Found<'a>], left: &[Node], right: &[Node], operator: &str) -> Results<'a> {
        let mut results = Vec::new();
        for value in input {
            if !value.is_array() {
                return Err(format!("{} is not array or slice and cannot be filtered", go_value::plain(value)));
            }
            for element in children(value) {
                let one = [element.clone()];
                let lefts = self.list(&one, left);
                if operator == "exists" {
                    if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                        results.push(element);
                    }
                    continue;
                }
                let Some(left) = single(lefts?)? else { continue };
                let Some(right) = single(self.list(&one, right)?)? else { continue };
                if compare(&left, &right, operator)? {
                    results.push(element);
                }
            }
        }
        Ok(results)
    }
}

fn single(mut results: Vec<Found>) -> Result<Option<Found>, String> {
    if results.len() > 1 {
        return Err("can only compare one element at a time".into());
    }
    Ok(results.pop())
}

fn member<'a>(value: &Found<'a>, name: &str) -> Option<Found<'a>> {
    match value {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(value) => value.as_object()?.get(name).cloned().map(Cow::Owned),
    }
}

/// What a wildcard finds; of a string, its bytes.
fn children<'a>(value: &Found<'a>) -> Vec<Found<'a>> {
    match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Object(fields)) => fields.values().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.iter().cloned().map(Cow::Owned).collect(),
        Cow::Owned(Value::Object(fields)) => fields.values().cloned().map(Cow::Owned).collect(),
        Cow::Borrowed(Value::String(text)) => text.bytes().map(|byte| Cow::Owned(byte.into())).collect(),
        Cow::Owned(Value::String(text)) => text.bytes().map(|byte| Cow::Owned(byte.into())).collect(),
        _ => Vec::new(),
    }
}

/// Every value that has something inside, each before its contents.
fn descend<'a>(input: &[Found<'a>]) -> Vec<Found<'a>> {
    let mut results = Vec::new();
    for value in input {
        let inside = children(value);
        if !inside.is_empty() {
            results.push(value.clone());
            results.extend(descend(&inside));
        }
    }
    results
}

fn slice<'a>(input: &[Found<'a>], bounds: &[Bound; 3]) -> Results<'a> {
    let mut results = Vec::new();
    for value in input {
        if value.is_null() {
            continue;
        }
        if !value.is_array() {
            return Err(format!("{} is not array or slice", go_value::type_name(value)));
        }
        let items = children(value);
        let length = items.len() as i64;
        let [first, last, step] = bounds;
        let mut from = if first.known { first.value } else { 0 };
        if from < 0 {
            from += length;
        }
        let mut to = if last.known { last.value } else { length };
        if to < 0 || (to == 0 && last.derived) {
            to += length;
        }
        if from == to {
            return Ok(results);
        }
        if from >= length || from < 0 {
            return Err(format!("array index out of bounds: index {from}, length {length}"));
        }
        if to > length || to < 0 {
            return Err(format!("array index out of bounds: index {}, length {length}", to - 1));
        }
        if from > to {
            return Err(format!("starting index {from} is greater than ending index {to}"));
        }
        if step.known && step.value <= 0 {
            return Err("step must be > 0".into());
        }
        let step = if step.known { step.value as usize } else { 1 };
        results.extend(items[from as usize..to as usize].iter().step_by(step).cloned());
    }
    Ok(results)
}

/// `==` and `<` as Go templates have them: between equal kinds only.
fn compare(left: &Value, right: &Value, operator: &str) -> Result<bool, String> {
    const TYPE: &str = "invalid type for comparison";
    let incompatible = || "incompatible types for comparison".to_string();
    let basic = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    if !["<", ">", "==", "!=", "<=", ">="].contains(&operator) {
        return Err(format!("unrecognized filter operator {operator}"));
    }
    if !basic(left) || !basic(right) {
        return Err(TYPE.into());
    }
    let order = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => {
            if operator != "==" && operator != "!=" {
                return Err(TYPE.into());
            }
            left.cmp(right)
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) if left.is_f64() == right.is_f64() => {
            match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
            }
        }
        _ => return Err(incompatible()),
    };
    Ok(match operator {
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<=" => order.is_le(),
        _ => order.is_ge(),
    })
}
