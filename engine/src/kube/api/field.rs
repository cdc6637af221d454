//! Paths into an object and the errors found there, with the wording of apimachinery's `util/validation/field`.

use std::fmt;

use serde_json::Value;

use crate::kube::schema::{Struct, Type};

/// A path such as `spec.containers[0].ports[1].hostPort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    #[must_use]
    pub fn new(start: &str) -> Path {
        Path(start.to_owned())
    }

    /// The field below; several at once may be joined by dots.
    #[must_use]
    pub fn child(&self, name: &str) -> Path {
        Path(if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) })
    }

    #[must_use]
    pub fn index(&self, index: usize) -> Path {
        Path(format!("{}[{index}]", self.0))
    }

    /// An entry of a map: `limits[cpu]`.
    #[must_use]
    pub fn key(&self, key: &str) -> Path {
        Path(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One error of validation.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    pub field: String,
    what: What,
    detail: String,
}

/// A value as it is shown in an error: JSON as Go prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown(String);

impl<T: Into<Value>> From<T> for Shown {
    fn from(value: T) -> Shown {
        Shown(go_json(&value.into()))
    }
}

impl Shown {
    /// A value of an API struct: its fields in the order of declaration.
    #[must_use]
    pub fn typed(structure: &str, value: &Value) -> Shown {
        Shown(ordered(crate::kube::schema::structure(structure), value))
    }

    /// A struct of the API server's internal types, which has no JSON names and prints under its Go names.
    #[must_use]
    pub fn internal(fields: &[(&str, Shown)]) -> Shown {
        let members: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{}", value.0)).collect();
        Shown(format!("{{{}}}", members.join(",")))
    }

    /// A list of values.
    #[must_use]
    pub fn list(elements: impl Iterator<Item = Shown>) -> Shown {
        let elements: Vec<String> = elements.map(|element| element.0).collect();
        Shown(format!("[{}]", elements.join(",")))
    }
}

fn ordered(of: Option<&'static Struct>, value: &Value) -> String {
    match (value, of) {
        (Value::Object(members), Some(of)) => {
            let known = of.fields.iter().filter_map(|field| Some((field, members.get(field.name)?)));
            let parts = known.map(|(field, member)| {
                let inner = field.ty.element_struct().filter(|_| !matches!(field.ty.inner(), Type::Map(..)));
                format!("{:?}:{}", field.name, ordered(inner, member))
            });
            format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
        }
        (Value::Array(items), of) => {
            format!("[{}]", items.iter().map(|item| ordered(of, item)).collect::<Vec<_>>().join(","))
        }
        (other, _) => go_json(other),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Required,
    Forbidden,
    TooLong,
    Invalid(Shown),
    Duplicate(Shown),
    NotFound(Shown),
    NotSupported(Shown),
    TooMany(usize),
}

fn error(path: &Path, what: What, detail: &str) -> FieldError {
    FieldError { field: path.0.clone(), what, detail: detail.to_owned() }
}

#[must_use]
pub fn required(path: &Path, detail: &str) -> FieldError {
    error(path, What::Required, detail)
}

#[must_use]
pub fn forbidden(path: &Path, detail: &str) -> FieldError {
    error(path, What::Forbidden, detail)
}

#[must_use]
pub fn invalid(path: &Path, value: impl Into<Shown>, detail: &str) -> FieldError {
    error(path, What::Invalid(value.into()), detail)
}

#[must_use]
pub fn duplicate(path: &Path, value: impl Into<Shown>) -> FieldError {
    error(path, What::Duplicate(value.into()), "")
}

#[must_use]
pub fn not_found(path: &Path, value: impl Into<Shown>) -> FieldError {
    error(path, What::NotFound(value.into()), "")
}

/// As [`duplicate`], with a reason.
#[must_use]
pub fn duplicate_because(path: &Path, value: impl Into<Shown>, detail: &str) -> FieldError {
    error(path, What::Duplicate(value.into()), detail)
}

/// The valid values are given in the order in which they are printed.
#[must_use]
pub fn not_supported(path: &Path, value: impl Into<Shown>, valid: &[&str]) -> FieldError {
    let quoted: Vec<String> = valid.iter().map(|v| format!("{v:?}")).collect();
    error(path, What::NotSupported(value.into()), &format!("supported values: {}", quoted.join(", ")))
}

#[must_use]
pub fn too_long(path: &Path, bytes_max: usize) -> FieldError {
    error(path, What::TooLong, &format!("may not be more than {bytes_max} bytes"))
}

#[must_use]
pub fn too_many(path: &Path, found: usize, max: usize) -> FieldError {
    error(path, What::TooMany(found), &format!("must have at most {max} items"))
}

impl FieldError {
    /// The error without its path.
    #[must_use]
    pub fn body(&self) -> String {
        let head = match &self.what {
            What::Required => "Required value".to_owned(),
            What::Forbidden => "Forbidden".to_owned(),
            What::TooLong => "Too long".to_owned(),
            What::Invalid(Shown(value)) => format!("Invalid value: {value}"),
            What::Duplicate(Shown(value)) => format!("Duplicate value: {value}"),
            What::NotFound(Shown(value)) => format!("Not found: {value}"),
            What::NotSupported(Shown(value)) => format!("Unsupported value: {value}"),
            What::TooMany(found) => format!("Too many: {found}"),
        };
        if self.detail.is_empty() { head } else { format!("{head}: {}", self.detail) }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// JSON as Go prints it: within lists and maps `<`, `>` and `&` are escaped.
fn go_json(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"),
    }
}
