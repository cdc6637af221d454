//! How a kubectl command fails and what it then prints: `cmdutil.CheckErr` of kubectl 1.34.
//!
//! An error of the API server prints as `Error from server (Reason): …`, an invalid object as
//! `The Pod "x" is invalid: …`, everything else as `error: …`; several errors stand on a line each,
//! those that are not the server's without any prefix. Left out: errors of the connection, which the lab does not have.

use super::go_value::quote;
use crate::kube::api::Status;

/// Why a command ended without success.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The API server refused.
    Status(Refused),
    /// kubectl's own complaint; `error: ` is put before it unless it begins so.
    Text(String),
    /// Printed as it is (a newline is added if it lacks one), with an exit status.
    Exactly { text: String, exit: i32 },
    /// Several failures of one command.
    Many(Vec<Failure>),
}

/// What the API server said: the parts of a `Status` that kubectl prints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refused {
    /// `NotFound`, `AlreadyExists`, `Invalid`, `BadRequest`, …
    pub reason: String,
    pub message: String,
    /// Kind and name that the refusal is about, as `details` has them.
    pub kind: String,
    pub name: String,
    /// For `Invalid`: field and message of each cause.
    pub causes: Vec<(String, String)>,
}

pub type Outcome<T = ()> = Result<T, Failure>;

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Status(Refused {
            reason: status.reason.to_string(),
            message: status.message,
            kind: status.kind,
            name: status.name,
            causes: status.causes.into_iter().map(|cause| (cause.field, cause.message)).collect(),
        })
    }
}

impl Failure {
    pub fn text(text: impl Into<String>) -> Failure {
        Failure::Text(text.into())
    }

    /// Ends the command with status 1 and prints nothing more.
    pub fn silent() -> Failure {
        Failure::Exactly { text: String::new(), exit: 1 }
    }

    /// Something that kubectl does and portlab does not.
    pub fn not_modelled(what: impl AsRef<str>) -> Failure {
        let text = format!("portlab does not model {}", what.as_ref());
        Failure::Exactly { text, exit: 1 }
    }

    /// `pods "x" not found`, as the API server says it; `resource` is `pods` or `deployments.apps`.
    pub fn not_found(resource: &str, name: &str) -> Failure {
        Failure::Status(Refused {
            reason: "NotFound".into(),
            message: format!("{resource} {} not found", quote(name)),
            name: name.into(),
            ..Refused::default()
        })
    }

    pub fn bad_request(message: impl Into<String>) -> Failure {
        Failure::Status(Refused { reason: "BadRequest".into(), message: message.into(), ..Refused::default() })
    }

    /// The reason, when it is the API server's.
    pub fn reason(&self) -> &str {
        match self {
            Failure::Status(refused) => &refused.reason,
            Failure::Many(all) if all.len() == 1 => all[0].reason(),
            _ => "",
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.reason() == "NotFound"
    }

    /// The error as Go's `err.Error()`, without any prefix.
    pub fn message(&self) -> String {
        match self {
            Failure::Status(refused) => refused.message.clone(),
            Failure::Text(text) => text.clone(),
            Failure::Exactly { text, .. } => text.clone(),
            Failure::Many(all) => match all.as_slice() {
                [one] => one.message(),
                _ => {
                    let mut seen: Vec<String> = Vec::new();
                    for message in all.iter().map(Failure::message) {
                        if !seen.contains(&message) {
                            seen.push(message);
                        }
                    }
                    format!("[{}]", seen.join(", "))
                }
            },
        }
    }

    /// Puts words before the message, as `cmdutil.AddSourceToErr` does: the reason stays.
    pub fn prefixed(self, before: &str) -> Failure {
        match self {
            Failure::Status(mut refused) => {
                refused.message = format!("{before}{}", refused.message);
                Failure::Status(refused)
            }
            other => Failure::Text(format!("{before}{}", other.message())),
        }
    }

    /// `error when creating "web.yaml": …`, as `cmdutil.AddSourceToErr`; nothing for an object that no file names.
    pub fn when(self, doing: &str, source: &str) -> Failure {
        if source.is_empty() { self } else { self.prefixed(&format!("error when {doing} {}: ", quote(source))) }
    }

    /// None for no failures, the failure itself for one, else all of them.
    pub fn gathered(mut all: Vec<Failure>) -> Outcome {
        match all.len() {
            0 => Ok(()),
            1 => Err(all.remove(0)),
            _ => Err(Failure::Many(all)),
        }
    }

    /// What kubectl prints to standard error, newline included, and its exit status.
    pub fn report(&self) -> (String, i32) {
        // Of failures within failures, only the outermost level is opened.
        let failure = match self {
            Failure::Many(all) if all.len() == 1 => &all[0],
            other => other,
        };
        let (mut text, exit) = match failure {
            Failure::Many(all) => (all.iter().map(|f| format!("{}\n", f.in_a_list())).collect(), 1),
            Failure::Exactly { text, exit } => (text.clone(), *exit),
            Failure::Text(text) if text.starts_with("error: ") => (text.clone(), 1),
            Failure::Text(text) => (format!("error: {text}"), 1),
            Failure::Status(refused) => (refused.text(), 1),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        (text, exit)
    }

    fn in_a_list(&self) -> String {
        match self {
            Failure::Status(refused) => refused.standard_text(),
            other => other.message(),
        }
    }
}

impl Refused {
    fn standard_text(&self) -> String {
        if self.reason.is_empty() {
            return format!("Error from server: {}", self.message);
        }
        format!("Error from server ({}): {}", self.reason, self.message)
    }

    fn text(&self) -> String {
        if self.reason != "Invalid" {
            return self.standard_text();
        }
        let mut text = "The request is invalid".to_string();
        if !self.kind.is_empty() || !self.name.is_empty() {
            text = format!("The {} {} is invalid", self.kind, quote(&self.name));
        } else if !self.message.is_empty() && self.causes.is_empty() {
            text = format!("{text}: {}", self.message);
        }
        let mut causes: Vec<String> = Vec::new();
        for (field, message) in &self.causes {
            let cause = format!("{field}: {message}");
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        match causes.as_slice() {
            [] => text,
            [one] => format!("{text}: {one}\n"),
            many => format!("{text}: \n{}", many.iter().map(|c| format!("* {c}\n")).collect::<String>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(causes: &[(&str, &str)]) -> Failure {
        Failure::Status(Refused {
            reason: "Invalid".into(),
            kind: "Pod".into(),
            name: "p".into(),
            causes: causes.iter().map(|(f, m)| ((*f).into(), (*m).into())).collect(),
            ..Refused::default()
        })
    }

    #[test]
    fn failures_print_as_kubectl_prints_them() {
        let missing = |name| Failure::not_found("pods", name);
        for (failure, text) in [
            (missing("a"), "Error from server (NotFound): pods \"a\" not found\n"),
            (
                Failure::Many(vec![missing("a"), Failure::text("the path \"x\" does not exist")]),
                "Error from server (NotFound): pods \"a\" not found\nthe path \"x\" does not exist\n",
            ),
            (Failure::Many(vec![Failure::text("b")]), "error: b\n"),
            (Failure::text("error: b"), "error: b\n"),
            (invalid(&[("spec", "Required value")]), "The Pod \"p\" is invalid: spec: Required value\n"),
            (invalid(&[("a", "x"), ("b", "y"), ("a", "x")]), "The Pod \"p\" is invalid: \n* a: x\n* b: y\n"),
            (Failure::Many(vec![Failure::Many(vec![Failure::text("b")])]), "b\n"),
            (Failure::silent(), ""),
        ] {
            assert_eq!(failure.report(), (text.to_string(), 1));
        }
    }
}
