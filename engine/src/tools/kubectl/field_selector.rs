//! Field selectors: `status.phase!=Running,spec.nodeName=worker` (`apimachinery/pkg/fields`), with the fields that
//! the API server supports for each kind (`pkg/apis/core/v1/conversion.go`, the strategies' selectable fields).

use serde_json::Value;

use super::go_value::quote;
use crate::object::{bool_at, items, str_at};
use crate::store::Kind;

/// A conjunction of comparisons; empty, it selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// # Errors
    /// What kubectl says of a selector that it cannot read.
    pub fn parse(text: &str) -> Result<FieldSelector, String> {
        let mut parts = split(text);
        parts.sort();
        let mut terms = Vec::new();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let Some(at) = part.find('=') else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            let (field, equal, value) = match part[..at].strip_suffix('!') {
                Some(field) => (field, false, &part[at + 1..]),
                None => (&part[..at], true, part[at + 1..].strip_prefix('=').unwrap_or(&part[at + 1..])),
            };
            terms.push(Term { field: field.into(), value: unescape(value)?, equal });
        }
        Ok(FieldSelector { terms })
    }

    /// # Errors
    /// What the API server says of a field that it does not support for this kind.
    pub fn check(&self, kind: Kind) -> Result<(), String> {
        let supported = fields_of(kind);
        match self.terms.iter().find(|term| !supported.contains(&term.field.as_str())) {
            None => Ok(()),
            Some(term) if has_own_fields(kind) => Err(format!("field label not supported: {}", term.field)),
            Some(term) => Err(format!(
                "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                quote(&term.field)
            )),
        }
    }

    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| (value_of(object, &term.field) == term.value) == term.equal)
    }
}

/// The selector as the request carries it, with its terms in order.
impl std::fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let operator = if term.equal { "=" } else { "!=" };
            let value = term.value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            write!(f, "{comma}{}{operator}{value}", term.field)?;
        }
        Ok(())
    }
}

const METADATA: &[&str] = &["metadata.name", "metadata.namespace"];

fn has_own_fields(kind: Kind) -> bool {
    matches!(kind, Kind::Pod | Kind::Node | Kind::Event | Kind::Namespace | Kind::Service)
}

fn fields_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &[
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
            "spec.host",
        ],
        Kind::Node => &["metadata.name", "spec.unschedulable"],
        Kind::Namespace => &["status.phase", "metadata.name"],
        Kind::Service => &["metadata.namespace", "metadata.name", "spec.clusterIP", "spec.type"],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
            "metadata.namespace",
            "metadata.name",
        ],
        _ => METADATA,
    }
}

/// The text that the API server compares with; absent fields are empty.
fn value_of(object: &Value, field: &str) -> String {
    match field {
        "spec.host" => str_at(object, "spec.nodeName").into(),
        "spec.hostNetwork" | "spec.unschedulable" => bool_at(object, field).to_string(),
        "status.podIPs" => {
            let addresses: Vec<&str> = items(object, field).iter().map(|address| str_at(address, "ip")).collect();
            addresses.join(",")
        }
        "reportingComponent" => str_at(object, field).into(),
        "source" => match str_at(object, "source.component") {
            "" => str_at(object, "reportingComponent").into(),
            component => component.into(),
        },
        path => str_at(object, path).into(),
    }
}

/// Terms between commas; a backslash keeps the next character from ending one.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for ch in text.chars() {
        if ch == ',' && !escaped {
            terms.push(String::new());
            continue;
        }
        escaped = ch == '\\' && !escaped;
        if let Some(last) = terms.last_mut() {
            last.push(ch);
        }
    }
    terms
}

fn unescape(value: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(ch) = chars.next() {
        match ch {
            '\\' => match chars.next() {
                Some(next @ ('\\' | ',' | '=')) => out.push(next),
                Some(next) => return Err(format!("invalid field selector: invalid escape sequence: \\{next}")),
                None => return Err("invalid field selector: unescaped character in value: \\".into()),
            },
            '=' => return Err("invalid field selector: unescaped character in value: =".into()),
            ch => out.push(ch),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn terms_compare_texts() {
        let pod = json!({"metadata": {"name": "a"}, "spec": {"nodeName": "w"}, "status": {"phase": "Pending"}});
        for (selector, want) in [
            ("", true),
            ("metadata.name=a", true),
            ("metadata.name==a,status.phase!=Running", true),
            ("spec.nodeName!=w", false),
            ("spec.hostNetwork=false", true),
            ("status.podIP=", true),
        ] {
            assert_eq!(FieldSelector::parse(selector).map(|s| s.matches(&pod)), Ok(want), "{selector}");
        }
    }

    #[test]
    fn unsupported_fields_are_refused_per_kind() {
        let check = |kind, text| FieldSelector::parse(text).and_then(|selector| selector.check(kind));
        assert_eq!(check(Kind::Pod, "spec.foo=1"), Err("field label not supported: spec.foo".into()));
        assert_eq!(
            check(Kind::Deployment, "status.replicas=1"),
            Err("\"status.replicas\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                .into())
        );
        assert_eq!(
            check(Kind::Node, "metadata.namespace=x"),
            Err("field label not supported: metadata.namespace".into())
        );
        assert_eq!(check(Kind::Event, "reason=FailedScheduling"), Ok(()));
        assert_eq!(check(Kind::Pod, "bad"), Err("invalid selector: 'bad'; can't understand 'bad'".into()));
    }
}
