//! Selectors, read once and matched often: label selectors, and the node selector terms of node affinity.
//!
//! Source: apimachinery `pkg/labels/selector.go` (Requirement.Matches), component-helpers
//! `scheduling/corev1/nodeaffinity`. A label that is absent satisfies NotIn and DoesNotExist; Gt and Lt compare
//! integers and fail on anything else. Left out: parsing of the textual form (`-l`), which kubectl does.

use crate::kube::api::field::{FieldError, Path, invalid};
use crate::kube::api::names;
use serde_json::Value;
use std::collections::BTreeMap;

/// Labels of an object, in order of key.
pub type Labels = BTreeMap<String, String>;

/// One condition on the value of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Gt,
    Lt,
}

/// A label selector: all requirements hold. `Nothing` is what an absent selector means.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    Nothing,
    All(Vec<Requirement>),
}

/// One term of a node selector: expressions on labels and on `metadata.name`. A term without any matches no node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeTerm {
    pub expressions: Vec<Requirement>,
    pub fields: Vec<Requirement>,
    /// A field requirement that Kubernetes cannot parse makes the term match nothing.
    pub malformed: bool,
}

/// The labels in a JSON object of strings.
pub fn labels(value: &Value) -> Labels {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_string()))).collect()
}

impl Requirement {
    pub fn equals(key: &str, value: &str) -> Requirement {
        Requirement { key: key.to_string(), operator: Operator::In, values: vec![value.to_string()] }
    }

    fn read(value: &Value) -> Option<Requirement> {
        let operator = match value["operator"].as_str()? {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            "Gt" => Operator::Gt,
            "Lt" => Operator::Lt,
            _ => return None,
        };
        let values = value["values"].as_array().into_iter().flatten();
        Some(Requirement {
            key: value["key"].as_str()?.to_string(),
            operator,
            values: values.filter_map(|v| Some(v.as_str()?.to_string())).collect(),
        })
    }

    fn holds(&self, found: Option<&str>) -> bool {
        let listed = |text: &str| self.values.iter().any(|v| v == text);
        match self.operator {
            Operator::In => found.is_some_and(listed),
            Operator::NotIn => !found.is_some_and(listed),
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
            Operator::Gt | Operator::Lt => {
                let number = |text: &str| text.parse::<i64>().ok();
                let (Some(has), [bound]) = (found.and_then(number), &self.values[..]) else { return false };
                number(bound).is_some_and(|bound| if self.operator == Operator::Gt { has > bound } else { has < bound })
            }
        }
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.holds(labels.get(&self.key).map(String::as_str))
    }
}

impl Selector {
    /// Reads `{matchLabels, matchExpressions}`; null selects nothing, `{}` everything.
    pub fn read(value: &Value) -> Selector {
        if !value.is_object() {
            return Selector::Nothing;
        }
        let mut all = Selector::from_labels(&labels(&value["matchLabels"]));
        for expression in value["matchExpressions"].as_array().into_iter().flatten() {
            match Requirement::read(expression) {
                Some(requirement) => all.add(requirement),
                None => return Selector::Nothing,
            }
        }
        all
    }

    /// Every label as given.
    pub fn from_labels(labels: &Labels) -> Selector {
        Selector::All(labels.iter().map(|(key, value)| Requirement::equals(key, value)).collect())
    }

    /// Narrows the selector; one that selects nothing stays so.
    pub fn add(&mut self, requirement: Requirement) {
        if let Selector::All(all) = self {
            all.push(requirement);
        }
    }

    /// Whether it selects everything because it asks nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Selector::All(all) if all.is_empty())
    }

    pub fn requirements(&self) -> &[Requirement] {
        match self {
            Selector::All(all) => all,
            Selector::Nothing => &[],
        }
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        match self {
            Selector::Nothing => false,
            Selector::All(all) => all.iter().all(|r| r.matches(labels)),
        }
    }
}

impl NodeTerm {
    /// Reads `{matchExpressions, matchFields}`.
    pub fn read(value: &Value) -> NodeTerm {
        let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
        let (expressions, fields) = (list("matchExpressions"), list("matchFields"));
        let read = |from: &[Value]| from.iter().map(Requirement::read).collect::<Option<Vec<_>>>();
        let (expressions, fields) = (read(&expressions), read(&fields));
        let malformed = expressions.is_none()
            || fields.as_ref().is_none_or(|all| {
                all.iter().any(|r| !matches!(r.operator, Operator::In | Operator::NotIn) || r.values.len() != 1)
            });
        NodeTerm { expressions: expressions.unwrap_or_default(), fields: fields.unwrap_or_default(), malformed }
    }

    pub fn is_empty(&self) -> bool {
        self.expressions.is_empty() && self.fields.is_empty()
    }

    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        let field = |r: &Requirement| r.holds((r.key == "metadata.name").then_some(name));
        !self.malformed
            && !self.is_empty()
            && self.expressions.iter().all(|r| r.matches(labels))
            && self.fields.iter().all(field)
    }
}

/// What Kubernetes finds wrong with the label expressions of a term when it parses them: bounds that are no integers, and
/// values that no label can have (a negative number among them).
pub fn term_errors(term: &Value, path: &Path) -> Vec<String> {
    let mut found: Vec<FieldError> = Vec::new();
    for (index, expression) in term["matchExpressions"].as_array().into_iter().flatten().enumerate() {
        let at = path.child("matchExpressions").index(index).child("values");
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let bounds = matches!(expression["operator"].as_str(), Some("Gt" | "Lt"));
        for (place, value) in values.iter().enumerate().filter(|(_, value)| bounds && value.parse::<i64>().is_err()) {
            let why = "for 'Gt', 'Lt' operators, the value must be an integer";
            found.push(invalid(&at.index(place), *value, why));
        }
        for (place, value) in values.iter().enumerate() {
            let errors = names::label_value(value);
            if !errors.is_empty() {
                let key = expression["key"].as_str().unwrap_or_default();
                found.push(invalid(&at.index(place).key(key), *value, &errors.join("; ")));
            }
        }
    }
    found.iter().map(FieldError::to_string).collect()
}
