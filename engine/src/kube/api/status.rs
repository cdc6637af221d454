//! What the API server answers when it refuses: `metav1.Status`, with the texts of apimachinery's `api/errors`.

use std::fmt;

use crate::kube::api::field::FieldError;
use crate::store::Kind;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    BadRequest,
    NotFound,
    AlreadyExists,
    Conflict,
    Invalid,
    Forbidden,
    MethodNotAllowed,
    UnsupportedMediaType,
    TooManyRequests,
    InternalError,
    /// None given; prints as nothing.
    Unknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Reason::Unknown { Ok(()) } else { fmt::Debug::fmt(self, f) }
    }
}

/// One of the errors of an object that is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `spec.ports[0].nodePort`
    pub field: String,
    /// `Invalid value: 8080: provided port is not in the valid range…`
    pub message: String,
}

/// A refusal. `message` is what the API server says; kubectl prints an invalid object from `kind`, `name` and `causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub code: u16,
    pub reason: Reason,
    pub message: String,
    /// The kind (for an invalid object) or the resource that the refusal is about; empty when it names none.
    pub kind: String,
    pub name: String,
    pub causes: Vec<Cause>,
}

impl Status {
    fn about(code: u16, reason: Reason, kind: Kind, name: &str, message: String) -> Status {
        Status { code, reason, message, kind: kind.info().plural.to_owned(), name: name.to_owned(), causes: Vec::new() }
    }

    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Status {
        Status {
            code: 400,
            reason: Reason::BadRequest,
            message: message.into(),
            kind: String::new(),
            name: String::new(),
            causes: Vec::new(),
        }
    }

    /// `pods "x" not found`
    #[must_use]
    pub fn not_found(kind: Kind, name: &str) -> Status {
        let message = format!("{} {name:?} not found", kind.info().resource());
        Status::about(404, Reason::NotFound, kind, name, message)
    }

    /// `pods "x" already exists`
    #[must_use]
    pub fn already_exists(kind: Kind, name: &str) -> Status {
        let message = format!("{} {name:?} already exists", kind.info().resource());
        Status::about(409, Reason::AlreadyExists, kind, name, message)
    }

    /// `Operation cannot be fulfilled on pods "x": why`
    #[must_use]
    pub fn conflict(kind: Kind, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.info().resource());
        Status::about(409, Reason::Conflict, kind, name, message)
    }

    /// `pods "x" is forbidden: why`
    #[must_use]
    pub fn forbidden(kind: Kind, name: &str, why: &str) -> Status {
        let message = format!("{} {name:?} is forbidden: {why}", kind.info().resource());
        Status::about(403, Reason::Forbidden, kind, name, message)
    }

    #[must_use]
    pub fn internal(message: &str) -> Status {
        let message = format!("Internal error occurred: {message}");
        Status { code: 500, reason: Reason::InternalError, ..Status::bad_request(message) }
    }

    /// `Deployment.apps "x" is invalid: [spec.selector: Required value, …]`
    #[must_use]
    pub fn invalid(kind: Kind, name: &str, errors: &[FieldError]) -> Status {
        let info = kind.info();
        let qualified =
            if info.group.is_empty() { info.kind.to_owned() } else { format!("{}.{}", info.kind, info.group) };
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = match texts.as_slice() {
            [] => String::new(),
            [one] => format!(": {one}"),
            many => format!(": [{}]", many.join(", ")),
        };
        Status {
            code: 422,
            reason: Reason::Invalid,
            message: format!("{qualified} {name:?} is invalid{list}"),
            kind: info.kind.to_owned(),
            name: name.to_owned(),
            causes: errors.iter().map(|error| Cause { field: error.field.clone(), message: error.body() }).collect(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
